"""What is found wrong in a log, on logs of which it is known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.data.quality import days_without_sale, longest_gap, unusual_days
from retention_models.data.quality_words import quality_sentences

pytestmark = pytest.mark.slow

NAMES = {"customer_id": "c", "date": "d", "spend": "s"}


def read(folder, frame: pd.DataFrame, **options) -> rm.Transactions:
    """Read a frame through a CSV file."""
    frame.to_csv(folder / "log.csv", index=False)
    return rm.read_transactions(folder / "log.csv", **{**NAMES, **options})


def findings(log) -> pd.DataFrame:
    """The table by finding."""
    return rm.data_quality(log).set_index("finding")


def shop_days(seed: int, weeks: int = 52, level: float = 200.0) -> pd.Series:
    """Lines a day of a shop that is closed on Sundays and busy on Saturdays, negative binomial."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-02", periods=7 * weeks)
    mean = level * np.tile([1.0, 0.9, 1.0, 1.1, 1.3, 1.8, 0.0], weeks)
    size = 50.0  # about 15% of scatter beyond Poisson's
    lines = pd.Series(rng.poisson(rng.gamma(size, np.maximum(mean, 1e-9) / size)), index=days)
    return lines[lines > 0]


def test_a_quiet_shop_has_no_unusual_day_and_no_gap():
    """Hardly one in ten years, though days scatter by 15% beyond chance; Sundays are no gaps."""
    years = [shop_days(seed) for seed in range(10)]
    assert sum(len(unusual_days(lines)) for lines in years) <= 1
    assert 0 == sum(len(days_without_sale(lines)) for lines in years)


def test_a_day_loaded_twice_and_a_day_cut_short_are_found():
    """By the weekdays around them, not by the level of the whole."""
    lines = shop_days(1)
    lines.iloc[100] *= 2
    lines.iloc[203] //= 5
    assert [lines.index[100], lines.index[203]] == list(unusual_days(lines).index)


def test_missing_days_are_counted_and_the_longest_run_is_named():
    """Monday to Wednesday; the Sunday before is closed anyway."""
    lines = shop_days(2).drop(pd.DatetimeIndex(["2023-03-06", "2023-03-07", "2023-03-08"]))
    lines = lines.drop(pd.Timestamp("2023-05-02"))
    missing = days_without_sale(lines)
    assert 4 == len(missing)
    assert (pd.Timestamp("2023-03-06"), pd.Timestamp("2023-03-08")) == longest_gap(missing)
    assert longest_gap(missing[:0]) is None


def old_shop(seed: int, *, opened: int) -> pd.DataFrame:
    """Customers who join evenly from `opened` on, each buying about every three weeks for a while."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, joined in enumerate(np.sort(rng.uniform(opened, 365, (365 - opened) * 2))):
        rate, life = rng.gamma(2.0) / 42, rng.exponential(120)
        days = joined + np.concatenate([[0], rng.exponential(1 / rate, 60).cumsum()])
        rows += [(i, int(d)) for d in days[(days < joined + life) & (days >= 0) & (days < 365)]]
    log = pd.DataFrame(rows, columns=["c", "day"])
    return log.assign(d=pd.Timestamp("2023-01-01") + pd.to_timedelta(log["day"], unit="D"), s=1.0)


def test_customers_of_before_the_log_are_suspected(tmp_path):
    """A shop that opened a year before the log begins, and the day from which on new ones are new."""
    log = read(tmp_path, old_shop(1, opened=-365))
    start = findings(log).loc["new customers at the start"]
    assert start["doubtful"]
    assert start["count"] > 2 * start["of"]
    sentence = next(s for s in quality_sentences(rm.data_quality(log)) if "first_seen_from" in s)
    day = sentence.split("first_seen_from = ")[1].split(" ")[0]
    assert day == start["detail"]
    later = rm.customer_summary(log, first_seen_from=day)
    # Two a day join; nearly all who were left are truly new.
    new = 2 * (dt.date(2023, 12, 31) - dt.date.fromisoformat(day)).days
    assert new == pytest.approx(len(later), rel=0.25)


def test_a_shop_that_opens_with_the_log_is_not_suspected(tmp_path):
    """Customers join evenly: the start is no more crowded than the rest."""
    start = findings(read(tmp_path, old_shop(2, opened=0))).loc["new customers at the start"]
    assert not start["doubtful"]
    assert 1.0 == pytest.approx(start["share"], abs=0.15)


def test_a_log_of_one_cohort_says_that_nobody_new_came(tmp_path):
    """As CDNOW's: it was cut to those who began in one quarter."""
    log = old_shop(3, opened=0)
    first = log.groupby("c")["day"].transform("min")
    quality = rm.data_quality(read(tmp_path, log[first < 28]))
    assert not quality.set_index("finding").loc["new customers at the start", "doubtful"]
    assert any("none after it" in sentence for sentence in quality_sentences(quality))


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Sixty orders of two or three different lines, three a day."""
    rows = [
        (f"c{n % 7}", f"2024-01-{n // 3 + 1:02d}", 1.0 + line, f"o{n}", f"item {line}")
        for n in range(60)
        for line in range(2 + n % 2)
    ]
    return pd.DataFrame(rows, columns=["c", "d", "s", "o", "item"])


def test_a_file_loaded_twice_is_found_by_its_orders(tmp_path, orders):
    """Two days' export under two names: every order of these days stands twice."""
    twice = pd.concat([orders, orders[orders["d"] <= "2024-01-02"]])
    log = read(tmp_path, twice, order_id="o")
    found = findings(log).loc["orders standing twice"]
    assert (6, 60, True) == tuple(found[["count", "of", "doubtful"]])
    assert "every order of 2024-01-01, 2024-01-02" in found["detail"]
    dropped = read(tmp_path, twice, order_id="o", duplicates="drop")
    once = read(tmp_path, orders, order_id="o")
    pd.testing.assert_frame_equal(rm.customer_summary(once), rm.customer_summary(dropped))


def test_equal_items_of_a_basket_are_no_order_loaded_twice(tmp_path, orders):
    """One line of two stands twice: the order does not."""
    again = orders.groupby("o").head(1).iloc[:5]
    found = findings(read(tmp_path, pd.concat([orders, again]), order_id="o"))
    assert 0 == found.loc["orders standing twice", "count"]
    assert 5 == found.loc["exact repeats", "count"]


def test_spends_far_beyond_the_others_are_shown_and_lognormal_ones_are_not(tmp_path):
    """One of 50,000 whose point was lost."""
    rng = np.random.default_rng(5)
    paid = np.round(np.exp(rng.normal(3.0, 1.0, 50_000)), 2) + 0.01
    frame = pd.DataFrame({"c": "a", "d": "2024-01-05", "s": paid})
    assert 0 == findings(read(tmp_path, frame)).loc["spend outliers", "count"]
    frame.loc[7, "s"] = 199900.0
    found = findings(read(tmp_path, frame)).loc["spend outliers"]
    assert 1 == found["count"]
    assert "199,900.00 on 2024-01-05" in found["detail"]


def test_unusable_rows_come_with_the_first_of_each_reason(tmp_path):
    """With row, reason and the cells as they stand."""
    frame = pd.DataFrame(
        {"c": ["a"] * 5, "d": ["2024-01-05"] * 4 + ["5.1."], "s": [1, 2, "x", "y", 3]}
    )
    quality = rm.data_quality(read(tmp_path, frame, max_unusable_share=0.9))
    said = "\n".join(quality_sentences(quality))
    assert "3 of 5 rows are unusable." in said
    assert "2 of 5 rows are left out: spend is not a number. First: row 3 after the header" in said
    assert "row 5 after the header: date not understood (c = 'a', d = '5.1.'" in said


def test_a_date_format_that_the_dates_contradict_is_pointed_out(tmp_path):
    """Few rows enough to be let through; and dates that fit both orders."""
    good = pd.DataFrame({"c": "a", "d": ["05/06/2024", "07/08/2024"] * 150, "s": 1})
    bad = pd.concat([good, pd.DataFrame({"c": ["a"], "d": ["25/06/2024"], "s": [1]})])
    words = findings(read(tmp_path, bad, date_format="%m/%d/%Y")).loc["date format", "detail"]
    assert (
        '1 dates do not follow date_format = "%m/%d/%Y" but fit "%d/%m/%Y", as do 301 of 301'
        in words
    )
    words = findings(read(tmp_path, good, date_format="%m/%d/%Y")).loc["date format", "detail"]
    assert "the data cannot say which it is" in words
    clear = good.replace("07/08/2024", "13/08/2024")
    assert "date format" not in findings(read(tmp_path, clear, date_format="%d/%m/%Y")).index


def test_a_decimal_separator_that_spends_contradict_is_pointed_out(tmp_path):
    """One 1.234,50 among many others was written by somebody with other habits."""
    frame = pd.DataFrame({"c": "a", "d": "2024-01-05", "s": ["1.23"] * 300 + ["1.234,50"]})
    words = findings(read(tmp_path, frame)).loc["decimal separator", "detail"]
    assert '1 spends do not follow decimal = "." but fit decimal = ","' in words


def test_returns_silent_stores_and_the_warm_up_are_in_the_table(tmp_path):
    """Where returns went; who is silent since when; who is left out."""
    frame = shops.simulated_log(60, seed=4).rename(
        columns={"customer": "c", "day": "d", "amount": "s"}
    )
    closed = frame.assign(
        shop="closed", d=frame["d"].map(lambda day: min(day, dt.date(2023, 9, 1)))
    )
    back = frame.tail(3).assign(s=-1.0)
    log = read(tmp_path, pd.concat([frame, closed, back]), store_id="shop")
    object.__setattr__(log, "first_seen_from", dt.date(2023, 2, 1))
    table = findings(log)
    assert (3, "a purchase of the same day: 3") == tuple(table.loc["returns", ["count", "detail"]])
    assert (1, "closed since 2023-09-01") == tuple(table.loc["silent stores", ["count", "detail"]])
    early = (frame.groupby("c")["d"].min() < dt.date(2023, 2, 1)).sum()
    assert early == table.loc["customers before first_seen_from", "count"]
    assert all(sentence.endswith(".") for sentence in quality_sentences(rm.data_quality(log)))
