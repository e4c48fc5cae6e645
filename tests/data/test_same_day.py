"""Several orders on one day: each way of counting them against plain Python, and against the truth."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_orders
from retention_models.errors import SettingsError
from retention_models.predictions.customers import some_customers

pytestmark = pytest.mark.slow

BEGIN = dt.date(2024, 1, 1)
END = 9
COUNTED = ("one", "each", "each_line")


def day(number: int) -> str:
    """ISO text of the day that many days after the first."""
    return (BEGIN + dt.timedelta(days=number)).isoformat()


def read(folder, lines, **options) -> rm.Transactions:
    """Read lines of customer, day's number, spend and order id."""
    frame = pd.DataFrame(
        [(customer, day(number), spend, order) for customer, number, spend, order in lines],
        columns=["c", "d", "s", "o"],
    )
    frame.to_csv(folder / "log.csv", index=False)
    names = {"customer_id": "c", "date": "d", "spend": "s", "order_id": "o"}
    return rm.read_transactions(folder / "log.csv", **{**names, **options})


def summary(log, same_day, **options) -> pd.DataFrame:
    """A summary in days, up to the last day."""
    options = {"observation_end": day(END), "time_unit": "D", **options}
    return rm.customer_summary(log, same_day=same_day, **options)


def crowded_lines(seed: int, lowest: int) -> list[tuple]:
    """Lines of 100 customers in ten days: shared orders, lines without one, free items, returns."""
    rng = np.random.default_rng(seed)
    orders = [None, "1", "2", "R"]
    return [
        (f"c{customer:03d}", int(rng.integers(0, END + 1)), int(rng.integers(lowest, 9)), order)
        for customer in range(100)
        for order in rng.choice(orders, rng.integers(1, 9))
    ]


def plain_days(lines, same_day) -> dict[str, dict[int, list]]:
    """The contract in plain Python: customer → day with a purchase → spend, number of purchases.

    A return goes to the last day on which its order id was sold, else to the last purchase day.
    """
    found = defaultdict(lambda: defaultdict(list))
    for customer, number, spend, order in lines:
        found[customer][number].append((spend, order))
    result = {}
    for customer, days in found.items():
        bought, last, last_of_id = {}, None, {}
        for number in sorted(days):
            sold = [order for spend, order in days[number] if spend >= 0]
            purchases = {"one": min(len(sold), 1), "each": len(set(sold)), "each_line": len(sold)}
            if sold:
                last = number
                bought[number] = [0, purchases[same_day]]
                last_of_id.update({order: number for order in sold if order is not None})
            for spend, order in days[number]:
                place = number if spend >= 0 else last_of_id.get(order, last)
                if place is not None:
                    bought[place][0] += spend
        if bought:
            result[customer] = bought
    return result


@pytest.mark.parametrize("lowest", [-3, 0], ids=["with returns", "without returns"])
def test_every_way_of_counting_is_the_contract_in_plain_python(tmp_path, lowest):
    """Frequency, recency, T and mean spend of 100 customers with crowded days."""
    lines = crowded_lines(1, lowest)
    log = read(tmp_path, lines)
    for same_day in COUNTED:
        rows = {}
        for customer, days in plain_days(lines, same_day).items():
            first, last = min(days), max(days)
            age = END - first + (0 if same_day == "one" else 0.5)
            spend = sum(value for value, _ in days.values())
            repeats = sum(purchases for _, purchases in days.values()) - 1
            repeat_spend = spend - Fraction(days[first][0], days[first][1])
            rows[customer] = repeats, last - first, age, float(repeat_spend / max(repeats, 1))
        table = summary(log, same_day)
        assert sorted(rows) == table.index.tolist()
        assert np.array([rows[c] for c in table.index]) == pytest.approx(table.to_numpy())


def test_purchases_are_conserved_over_calibration_and_holdout(tmp_path):
    """Σ frequency + Σ frequency_holdout + customers is what was counted, on both sides alike."""
    lines, split = crowded_lines(2, -3), 4
    log = read(tmp_path, lines)
    ends = {"calibration_end": day(split), "holdout_end": day(END)}
    for same_day in COUNTED:
        table = rm.calibration_holdout_summary(log, **ends, time_unit="W", same_day=same_day)
        known = {c: d for c, d in plain_days(lines, same_day).items() if min(d) <= split}
        counted = sum(purchases for days in known.values() for _, purchases in days.values())
        assert counted == len(table) + table["frequency"].sum() + table["frequency_holdout"].sum()
        later = {c: [v for n, v in d.items() if n > split] for c, d in known.items()}
        means = [
            sum(spend for spend, _ in v) / sum(n for _, n in v) if (v := later[c]) else 0.0
            for c in table.index
        ]
        assert means == pytest.approx(table["monetary_value_holdout"].to_numpy())
        assert {(END - split) / 7} == set(table["duration_holdout"])
        before = summary(log, same_day, observation_end=day(split), time_unit="W")
        pd.testing.assert_frame_equal(before, table[before.columns])
        assert same_day == table.attrs["same_day"] == before.attrs["same_day"]


@pytest.mark.parametrize("same_day", ["each", "each_line"])
def test_at_most_one_order_a_day_is_one_purchase_with_half_a_day_more(tmp_path, same_day):
    """To the last digit, with returns beside them."""
    lines = {(c, n): (c, n, s, "1") for c, n, s, _ in crowded_lines(3, 0)}
    log = read(tmp_path, [*lines.values(), *((c, n, -1, "R") for c, n in list(lines)[::3])])
    one, each = (summary(log, way, time_unit="W") for way in ("one", same_day))
    pd.testing.assert_series_equal(one["T"] + 0.5 / 7, each["T"], rtol=0, atol=1e-14)
    pd.testing.assert_frame_equal(one.drop(columns="T"), each.drop(columns="T"), check_exact=True)


def test_a_log_without_returns_is_summarised_as_if_it_might_have_some(tmp_path):
    """The shorter way gives the same numbers."""
    log = read(tmp_path, crowded_lines(4, 0))
    assert not log.has_returns
    longer = dataclasses.replace(log, stores=log.stores.assign(returns=1))
    for same_day in COUNTED:
        pd.testing.assert_frame_equal(
            summary(log, same_day), summary(longer, same_day), check_exact=True
        )
    assert read(tmp_path, [("a", 0, 5, "1"), ("a", 1, -5, "1")]).has_returns


def test_an_order_is_a_days_lines_of_one_id_that_are_not_all_returns(tmp_path):
    """Eight orders; what the rule says of each line stands beside it."""
    log = read(
        tmp_path,
        [
            ("a", 0, 8.0, "1"),
            ("a", 0, 1.0, "1"),  # another line of the first order
            ("a", 0, -3.0, "R1"),  # a return with an id of its own lowers the day's spend only
            ("a", 0, 0.0, "2"),  # a free item is an order
            ("a", 0, 3.0, None),  # lines without an id are one order of their day
            ("a", 0, 3.0, None),
            ("a", 5, 4.0, "1"),  # an id that comes again on another day is another order
            ("a", 5, 4.0, "3"),
            ("a", 5, -2.0, "3"),  # an item given back within its order
            ("a", 7, -1.0, "R2"),  # on a day without an order: taken from day 5
            ("b", 0, 7.0, "1"),  # two customers with one id have an order each
        ],
    )
    table = summary(log, "each")
    # The first day's 12 in three orders leave two of 4; day 5 has 5 in two.
    assert (4, 5.0, 9.5, 13 / 4) == tuple(table.loc["a"])
    assert (0, 0.0, 9.5, 0.0) == tuple(table.loc["b"])


def test_repeats_on_the_first_day_only_are_fitted_and_predicted(tmp_path):
    """Recency 0 with a frequency above 0 is a history like another."""
    lines = [("a", 0, 5, "1"), ("a", 0, 5, "2")]
    lines += [(c, n, 5, str(n)) for c, n in [("b", 0), ("b", 3), ("c", 1), ("d", 2), ("d", 8)]]
    table = summary(read(tmp_path, lines), "each")
    assert (1, 0.0, 9.5) == tuple(table.loc["a", ["frequency", "recency", "T"]])
    with pytest.warns(UserWarning, match="logs of the parameters"):
        fitted = rm.BetaGeoFitter(penalizer_coef=0.1)
    fitted.fit(table["frequency"], table["recency"], table["T"])
    predicted = some_customers(fitted, None, table, horizon=10)
    assert np.isfinite(fitted.params_).all()
    alive = predicted["probability_alive"]
    assert 0 < alive["a"] < alive["d"] < alive["c"] == 1
    assert "each" == predicted.attrs["same_day"]


def test_orders_cannot_be_counted_where_a_store_has_no_order_ids(tmp_path):
    """The stores are named, and what to do; a store without lines has no orders to count."""
    lines = [("a", 0, 5, "1"), ("a", 1, 5, None), ("b", 0, 5, None), ("b", 0, 5, None)]
    log = read(tmp_path, lines, store_id="c")  # every customer has a store of the same name
    wanted = r'^same_day: "each" counts orders, and no line of store \'b\' has an .*"each_line"'
    with pytest.raises(SettingsError, match=wanted):
        summary(log, "each")
    with pytest.raises(SettingsError, match=wanted):
        rm.customer_summary_by_store(log, same_day="each")
    with pytest.raises(SettingsError, match=wanted):
        rm.calibration_holdout_summary(
            log, calibration_end=day(0), holdout_end=day(1), same_day="each"
        )
    none = read(tmp_path, lines, store_id="c", order_id=None)
    with pytest.raises(SettingsError, match=r"store 'a' \(nor of 1 other stores\) has"):
        summary(none, "each")
    assert 1 == summary(log, "each", store_id="a")["frequency"]["a"]
    assert 1 == summary(none, "each_line", store_id="b")["frequency"]["b"]
    assert summary(log, "each", store_id="other").empty


def test_orders_of_every_store_are_counted_in_one_pass(tmp_path):
    """Each store's summary is the one it has by itself; a line's spend serves as its order's id."""
    lines = [line for line in crowded_lines(5, -3) if line[3] is not None]
    log = read(tmp_path, lines, store_id="o", order_id="s")
    together = rm.customer_summary_by_store(log, time_unit="D", same_day="each")
    assert ["1", "2", "R"] == sorted(together)
    for store, table in together.items():
        alone = summary(log, "each", store_id=store, observation_end=log.last_day())
        pd.testing.assert_frame_equal(alone, table, check_index_type=False)


def test_an_unknown_way_of_counting_is_refused(tmp_path):
    """By the parameter's name, with what is known."""
    with pytest.raises(SettingsError, match=r'^same_day: expected one of "one", .*; got \'both\''):
        summary(read(tmp_path, [("a", 0, 5, "1")]), "both")


@pytest.mark.parametrize(
    ("truth", "customers"),
    [
        pytest.param((0.25, 4.5, 0.8, 2.5), 1_000_000, id="CDNOW", marks=pytest.mark.nightly),
        pytest.param((1.5, 4.0, 0.3, 6.0), 200_000, id="grocery"),
    ],
)
def test_counting_orders_recovers_the_truth_and_counting_days_does_not(tmp_path, truth, customers):
    """Two million orders of 39 weeks at continuous times, from a file to the estimates.

    Counting days puts α off by 14 and 25 standard errors here, so that 3 cannot be passed by chance.
    """
    rng = np.random.default_rng(20050401)
    customer, time = simulate_orders(rng, customers, *truth, begin=12 * 7, end=39 * 7)
    moments = np.datetime64("2024-01-01", "s") + (time * 86_400).astype("timedelta64[s]")
    path = tmp_path / "log.parquet"
    pd.DataFrame({"c": customer, "d": moments, "s": 1.0, "o": np.arange(time.size)}).to_parquet(
        path
    )
    names = {"customer_id": "c", "date": "d", "spend": "s", "order_id": "o"}
    log = rm.read_transactions(path, **names)
    off = {}
    for same_day in ("one", "each"):
        # The last of the 273 days; a customer's last order may well come before it.
        table = rm.customer_summary(log, observation_end="2024-09-29", same_day=same_day)
        fit = rm.BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"]).fit_
        error = np.sqrt(np.diag(fit.log_covariance))
        off[same_day] = (np.log(fit.parameters) - np.log(truth)) / error
    assert customers + table["frequency"].sum() == time.size
    assert np.abs(off["each"]).max() < 3
    assert off["one"][1] > 10
