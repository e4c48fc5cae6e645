"""The customer summary against lifetimes, where lifetimes is right, and against plain Python."""

import datetime as dt
import tempfile
import warnings
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import lifetimes.utils
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import retention_models as rm
from engines import COLUMNS, in_parquet, log_of_an_odd_shop
from retention_models.data import reading_transactions
from retention_models.errors import SettingsError
from retention_models.summaries import histories
from tiers import few, sized

BEGIN = dt.date(2024, 1, 1)
IDS = ["0042", "NO", "12E4", "../x", "O'Brien", "<b>", "مشتری"]

lines = st.tuples(
    st.sampled_from(IDS),
    st.integers(0, 60),
    st.integers(-2000, 5000).map(lambda cents: cents / 100),
)


def read(rows) -> rm.Transactions:
    """Read made-up lines through a CSV file."""
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame(
            [(i, BEGIN + dt.timedelta(days=d), s) for i, d, s in rows], columns=["c", "d", "s"]
        )
        path = Path(folder) / "log.csv"
        frame.to_csv(path, index=False)
        return rm.read_transactions(path, customer_id="c", date="d", spend="s")


def plain_purchase_days(rows, end: int) -> dict[str, dict[int, float]]:
    """The contract in plain Python: customer → purchase day → spend."""
    by_day = defaultdict(lambda: defaultdict(list))
    for customer, day, spend in rows:
        if day <= end:
            by_day[customer][day].append(spend)
    result = {}
    for customer, days in by_day.items():
        bought, last = {}, None
        for day in sorted(days):
            if any(spend >= 0 for spend in days[day]):
                last = day
                bought[day] = 0.0
            if last is not None:
                bought[last] += sum(days[day])
        if bought:
            result[customer] = bought
    return result


@pytest.mark.slow
@pytest.mark.sized
@settings(max_examples=sized(8, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(lines, min_size=1, max_size=60), end=st.integers(10, 70))
def test_the_summary_is_the_contract_in_plain_python(rows, end):
    """Ties, returns and free items included; no id changes and no customer is lost."""
    summary = rm.customer_summary(
        read(rows), observation_end=BEGIN + dt.timedelta(days=end), time_unit="W"
    )
    expected = plain_purchase_days(rows, end)
    assert set(expected) == set(summary.index)
    for customer, days in expected.items():
        row = summary.loc[customer]
        first, *repeats = sorted(days)
        assert len(repeats) == row["frequency"]
        assert (max(days) - first) / 7 == pytest.approx(row["recency"], abs=1e-12)
        assert (end - first) / 7 == pytest.approx(row["T"], abs=1e-12)
        mean = np.mean([days[day] for day in repeats]) if repeats else 0.0
        assert mean == pytest.approx(row["monetary_value"], abs=1e-9)


@pytest.mark.slow
@pytest.mark.sized
@settings(max_examples=sized(8, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(lines, min_size=1, max_size=60), split=st.integers(0, 50))
def test_purchases_are_conserved_over_calibration_and_holdout(rows, split):
    """Purchase days = customers + Σ frequency + Σ frequency_holdout, for customers known by then."""
    end = BEGIN + dt.timedelta(days=70)
    calibration_end = BEGIN + dt.timedelta(days=split)
    table = rm.calibration_holdout_summary(
        read(rows), calibration_end=calibration_end, holdout_end=end, time_unit="D"
    )
    before, after = plain_purchase_days(rows, split), plain_purchase_days(rows, 70)
    assert set(before) == set(table.index)
    seen = sum(len(after[customer]) for customer in before)
    assert seen == len(table) + table["frequency"].sum() + table["frequency_holdout"].sum()
    assert (table["duration_holdout"] == 70 - split).all()


@pytest.mark.slow
@pytest.mark.sized
@settings(max_examples=sized(8, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(IDS), st.integers(0, 60), st.integers(1, 5000)), min_size=2
    )
)
def test_without_returns_it_is_lifetimes_own_summary(rows):
    """In days, where lifetimes' periods are days too."""
    end = BEGIN + dt.timedelta(days=60)
    ours = rm.customer_summary(read(rows), observation_end=end, time_unit="D")
    frame = pd.DataFrame(rows, columns=["c", "d", "s"])
    frame["d"] = pd.Timestamp(BEGIN) + pd.to_timedelta(frame["d"], unit="D")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes uses what pandas 3 deprecates
        theirs = lifetimes.utils.summary_data_from_transaction_data(
            frame, "c", "d", monetary_value_col="s", observation_period_end=end
        )
    pd.testing.assert_frame_equal(
        ours, theirs.sort_index(), check_dtype=False, check_names=False, check_index_type=False
    )


def test_cdnow_is_lifetimes_own_summary(cdnow):
    """2,357 customers of the sample, calibration to 1997-09-30, weeks as a scale."""
    settings_ = rm.read_settings(cdnow)
    log = rm.read_transactions(
        settings_.path("data/raw/cdnow.csv"), customer_id="customer_id", date="date", spend="spend"
    )
    ours = rm.customer_summary(log, observation_end="1997-09-30", time_unit="W")
    frame = pd.read_csv(settings_.path("data/raw/cdnow.csv"), dtype={"customer_id": str})
    frame["date"] = pd.to_datetime(frame["date"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes uses what pandas 3 deprecates
        theirs = lifetimes.utils.summary_data_from_transaction_data(
            frame,
            "customer_id",
            "date",
            monetary_value_col="spend",
            observation_period_end="1997-09-30",
            freq_multiplier=7,
        )
    assert 2357 == len(ours)
    pd.testing.assert_frame_equal(ours, theirs.sort_index(), check_dtype=False, check_names=False)


def test_the_last_day_counts(cdnow):
    """A purchase on the observation's end is observed, one on the day after is not."""
    rows = [("a", 0, 1.0), ("a", 10, 1.0), ("a", 11, 1.0)]
    summary = rm.customer_summary(read(rows), observation_end="2024-01-11", time_unit="D")
    assert (1, 10.0, 10.0) == tuple(summary.loc["a", ["frequency", "recency", "T"]])


def test_a_purchase_at_nine_on_the_last_day_of_calibration_belongs_to_it(tmp_path):
    """Its end is the day's end, where lifetimes' is the midnight before (REF)."""
    lines = ["a,2024-01-01T10:00,1", "a,2024-01-31T09:00,1", "a,2024-02-01T00:00,1"]
    (tmp_path / "log.csv").write_text("\n".join(["c,d,s", *lines]))
    log = rm.read_transactions(tmp_path / "log.csv", customer_id="c", date="d", spend="s")
    split = rm.calibration_holdout_summary(
        log, calibration_end="2024-01-31", holdout_end="2024-02-29", time_unit="D"
    )
    assert (1, 30.0, 1) == tuple(split.loc["a", ["frequency", "recency", "frequency_holdout"]])


def test_a_return_lowers_spend_and_is_no_purchase():
    """On the day of a purchase that day's spend; on a later day that of the purchase before it."""
    rows = [("a", 0, 100.0), ("a", 5, 50.0), ("a", 5, -10.0), ("a", 9, -20.0)]
    summary = rm.customer_summary(read(rows), observation_end="2024-01-31", time_unit="D")
    assert (1, 5.0, 20.0) == tuple(summary.loc["a", ["frequency", "recency", "monetary_value"]])


def test_the_summary_carries_its_unit():
    """So that nobody has to guess it later."""
    assert "M" == rm.customer_summary(read([("a", 0, 1.0)]), time_unit="M").attrs["time_unit"]


@pytest.mark.parametrize("day", ["31/12/2017", "2017-13-01", "yesterday", ""])
def test_days_are_never_guessed(day):
    """A day that is not ISO is refused by the name of its parameter."""
    with pytest.raises(SettingsError, match="observation_end: expected a day such as 2017-12-31"):
        rm.customer_summary(read([("a", 0, 1.0)]), observation_end=day)


def test_a_holdout_must_lie_after_the_calibration():
    """Both ends are named."""
    with pytest.raises(SettingsError, match="holdout_end: expected a day after calibration_end"):
        rm.calibration_holdout_summary(
            read([("a", 0, 1.0)]), calibration_end="2024-02-01", holdout_end="2024-02-01"
        )


@pytest.mark.parametrize("store_id", few(1, ["01", None]))
def test_a_log_too_large_for_memory_is_summarised_in_parts_to_the_same_table(
    tmp_path, monkeypatch, store_id
):
    """Every id, whatever its letters, falls into one part; their order is the one of the whole."""
    names = in_parquet(log_of_an_odd_shop(), tmp_path)
    monkeypatch.setattr(reading_transactions, "_ONE_IN", 2)
    monkeypatch.setattr(reading_transactions, "LINES_AT_ONCE", 0)
    log = rm.read_transactions(**names, **COLUMNS, max_unusable_share=0.99)
    expected = rm.customer_summary(log, store_id=store_id)
    parts = []
    lines = int(log.stores["rows"].sum() if store_id is None else log.stores["rows"][store_id])
    monkeypatch.setattr(histories, "LINES_AT_ONCE", lines // 5)
    monkeypatch.setattr(histories.logger, "info", lambda *about: parts.append(about))
    found = rm.customer_summary(log, store_id=store_id)
    assert len(parts) > 3
    pd.testing.assert_frame_equal(expected, found)
    assert expected.attrs == found.attrs


@pytest.mark.parametrize("same_day", ["one", "each_line"])
def test_sums_in_floats_are_the_sums_of_decimals(tmp_path, same_day):
    """Whole millionths add up exactly; a spend of 1e12 leaves too few digits, so decimals are used."""
    shop = log_of_an_odd_shop().assign(ticket=None)
    shop["paid"] = shop["paid"] + 0.000001 * np.arange(len(shop))
    log = rm.read_transactions(**in_parquet(shop, tmp_path), **COLUMNS, max_unusable_share=0.99)
    assert "spend_millionths" in log.table.columns
    floats = rm.customer_summary(log, same_day=same_day)
    decimals = rm.customer_summary(
        replace(log, table=log.table.drop("spend_millionths")), same_day=same_day
    )
    pd.testing.assert_frame_equal(decimals, floats, check_exact=same_day == "one", rtol=1e-13)
    large = read([("a", 0, 9e11), ("a", 1, 0.000001), ("a", 1, -9e11 + 0.01)])
    assert "spend_millionths" not in large.table.columns
