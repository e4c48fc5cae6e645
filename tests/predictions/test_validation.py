"""Validation: published holdout figures, and verdicts that call a store what it is."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.errors import CannotSay, SettingsError


def read(tmp_path, frame: pd.DataFrame) -> rm.Transactions:
    """Read a simulated log."""
    frame.to_csv(tmp_path / "log.csv", index=False)
    return rm.read_transactions(
        tmp_path / "log.csv", customer_id="customer", date="day", spend="amount", store_id="shop"
    )


@pytest.fixture(scope="module")
def store(cdnow):
    """CDNOW's customers as a store; what was asked of it once is not computed again."""
    return rm.open_store(cdnow, "cdnow")


@pytest.fixture(scope="module")
def cdnow_holdout(store):
    """The published split of CDNOW."""
    return store.holdout


@pytest.mark.slow
def test_cdnow_through_the_whole_path_gives_the_published_models(store):
    """FHL (2005), table 2, and FH (2013), note 025, from a project file to the estimates."""
    fit = store.holdout.purchases.fit_
    assert [0.2425945, 4.4136, 0.79292, 2.42590] == pytest.approx(fit.parameters, rel=2e-5)
    assert fit.log_likelihood == pytest.approx(-9582.4292, abs=1e-4)
    split = store.holdout.customers
    repeat = split[(split["frequency"] > 0) & (split["monetary_value"] > 0)]
    assert 946 == len(repeat)
    spend = rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    assert [6.249573, 3.744225, 15.443519] == pytest.approx(spend.fit_.parameters, rel=1e-6)
    assert spend.log_likelihood_ == pytest.approx(-4055.91769, abs=1e-5)


def test_cdnow_holdout_is_the_published_one(cdnow_holdout):
    """39 weeks: 1,653.4 expected, 1,882 came; MAE .7855, always zero .798, own rate 1.024."""
    assert cdnow_holdout.total.value == pytest.approx(1653.4, abs=0.05)
    assert 1882 == cdnow_holdout.actual
    errors = cdnow_holdout.errors
    assert [0.7855, 0.7985, 1.0237] == pytest.approx(
        errors[["model", "always zero", "own historic rate"]].to_numpy(), abs=1e-4
    )


def test_cdnow_is_inside_once_totals_may_scatter_as_they_do(cdnow_holdout):
    """Off by 12% three quarters ahead: outside what the model alone allows, inside with the scatter."""
    assert "use" == cdnow_holdout.verdict
    alone = rm.predict_store(
        cdnow_holdout.purchases, None, cdnow_holdout.customers, horizon=39, draws=300
    ).purchases
    assert alone.high < cdnow_holdout.actual < cdnow_holdout.total.high
    assert "1,882 purchases came where 1,653 were expected" in cdnow_holdout.reason


def test_groups_by_frequency_add_up(cdnow_holdout):
    """No customer is lost between the groups and the total."""
    groups = cdnow_holdout.by_frequency
    assert 2357 == groups["customers"].sum()
    assert (groups["customers"] * groups["predicted"]).sum() == pytest.approx(1653.4, abs=0.05)
    assert (groups["customers"] * groups["actual"]).sum() == pytest.approx(1882)


def test_a_store_that_follows_the_model_may_be_used(tmp_path):
    """400 simulated customers, a quarter held out; the slow test below has the rate over seeds."""
    log = read(tmp_path, shops.simulated_log(400, seed=12))
    found = rm.validate_holdout(
        log, calibration_end="2023-09-30", holdout_end="2023-12-31", time_unit="W"
    )
    assert "use" == found.verdict
    assert found.total.low <= found.actual <= found.total.high


def test_two_kinds_of_customers_taken_for_one_are_noticed(tmp_path):
    """Regulars from before the data began, and newcomers who seldom come back."""
    regulars = shops.simulated_log(60, seed=2, r=8.0, alpha=8.0, a=0.1, b=20.0)
    begin = regulars.groupby("customer")["day"].transform("min")
    regulars = regulars[begin <= dt.date(2023, 2, 15)]
    newcomers = shops.simulated_log(300, seed=3, r=0.15, alpha=6.0)
    newcomers["customer"] = "n" + newcomers["customer"]
    log = read(tmp_path, pd.concat([regulars, newcomers]))
    found = rm.validate_holdout(log, calibration_end="2023-09-30", holdout_end="2023-12-31")
    assert "use" != found.verdict


def test_without_repeat_purchases_there_is_nothing_to_validate(tmp_path):
    """It is said, not computed."""
    frame = shops.simulated_log(30, seed=1).drop_duplicates("customer")
    with pytest.raises(CannotSay, match="has bought a second time"):
        rm.validate_holdout(
            read(tmp_path, frame), calibration_end="2023-09-30", holdout_end="2023-12-31"
        )


def test_weeks_of_cdnow_stay_inside_a_band_as_wide_as_weeks_scatter(store):
    """Weeks scatter 3.6 times as much as Poisson counts; 35 of the 39 unseen stay inside 90%."""
    weeks = rm.weekly_totals(store.tracking)
    unseen = weeks.dropna(subset="forecast")
    assert (len(unseen), int(unseen["actual"].sum())) == (39, 1882)
    assert weeks.attrs["dispersion"] == pytest.approx(3.64, abs=0.05)  # REF
    assert unseen["actual"].between(unseen["low"], unseen["high"]).sum() == 35  # REF
    # Without what the weeks before tell of their scatter the band would hold too few.
    half = 1.645 * np.sqrt(unseen["forecast"])
    assert (np.abs(unseen["actual"] - unseen["forecast"]) <= half).sum() < 30


def test_too_few_weeks_tell_nothing_of_their_scatter(store):
    """A band needs eight fitted weeks."""
    with pytest.raises(CannotSay, match="Only 4 weeks were fitted"):
        rm.weekly_totals(store.tracking.loc["1997-09-01":])


def test_tracking_ends_at_the_holdouts_total(store):
    """The last week's forecast is what came by the split plus the holdout's expectation."""
    table = store.tracking
    split = pd.Timestamp("1997-09-30")
    assert 2457 == table.loc[split, "actual"]  # repeat purchases of CDNOW by then
    # FHL (2005), figure 4: the model's own expectation by the end of calibration.
    assert table.loc[split, "expected"] == pytest.approx(2493.96, abs=0.01)
    assert table["forecast"].iloc[-1] == pytest.approx(2457 + store.holdout.total.value)
    assert table["actual"].iloc[-1] == 2457 + 1882
    assert (table["low"].dropna() <= table["forecast"].dropna()).all()
    assert (table["forecast"].dropna() <= table["high"].dropna()).all()
    assert table.index.is_monotonic_increasing


@pytest.mark.nightly
def test_verdicts_hold_their_error_rate(record_property):
    """Stores that follow the model: the total lies in its 90% interval in .82 of runs or more."""
    import tempfile
    from pathlib import Path

    inside = 0
    runs = 60
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            log = read(Path(folder), shops.simulated_log(200, seed=1000 + seed))
            found = rm.validate_holdout(
                log, calibration_end="2023-09-30", holdout_end="2023-12-31", time_unit="W"
            )
        inside += found.total.low <= found.actual <= found.total.high
    record_property("coverage of the 90% interval of a total", f"{inside / runs:.2f}")
    # Binomial(60, .9) is below 49 in 2% of cases, and the seeds are fixed.
    assert inside / runs >= 0.82


def test_a_model_of_another_unit_is_not_held_against_the_weeks(tmp_path):
    """Of days against weeks: refused; in days it is what the same model in weeks is."""
    log = read(tmp_path, shops.simulated_log(150, seed=4))
    ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-31"}
    weeks = rm.validate_holdout(log, **ends)
    days = rm.calibration_holdout_summary(log, **ends, time_unit="D")
    daily = rm.BetaGeoFitter().fit(*(days[name] for name in ("frequency", "recency", "T")))
    with pytest.raises(SettingsError, match=r"time_unit: .* days \('D'\), .* weeks \('W'\)"):
        rm.validate_holdout(log, **ends, purchases=daily)
    found = rm.validate_holdout(log, **ends, purchases=daily, time_unit="D")
    assert weeks.total.value == pytest.approx(found.total.value, rel=1e-3)


def test_weeks_go_on_where_nobody_who_was_known_came_any_more(tmp_path):
    """The last purchase of those who had begun lies before the end of calibration."""
    first = dt.date(2025, 1, 1)
    lines = [(f"c{i}", first + dt.timedelta(days=i), 5.0 + i % 7, "a") for i in range(120)]
    lines += [(f"c{i}", first + dt.timedelta(days=i + 5), 5.0, "a") for i in range(12)]
    lines.append(("late", dt.date(2025, 12, 26), 5.0, "a"))
    log = read(tmp_path, pd.DataFrame(lines, columns=["customer", "day", "amount", "shop"]))
    ends = {"calibration_end": "2025-09-28", "holdout_end": "2025-12-26"}
    found = rm.weekly_tracking(log, rm.validate_holdout(log, **ends))
    assert (pd.Timestamp("2025-12-26"), 12) == (found.index[-1], found["actual"].iloc[-1])
    assert found.loc[:"2025-09-28", "expected"].notna().all()
