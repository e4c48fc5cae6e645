"""A season with customers of before and newcomers, and with regular buyers: exact, and recovered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mid_life import fit as mid_life, season as mid_life_season
from retention_models.models.mid_life.model import MidLife, likelihood_and_odds
from retention_models.models.regular import season as regular_season
from retention_models.models.regular.model import ModifiedBetaGeometricCNBD
from retention_models.models.seasons.likelihood import seasonal_histories
from retention_models.models.seasons.model import Seasonal
from seasonal_shops import calendar_of, histories_of, seasonal_log, seasonal_regular_shop
from tiers import sized

MIXED = np.log([0.9, 40.0, 0.6, 3.0, 1.8, 40.0, 0.6, 3.0, 25.0, 0.06])


def columns(summary):
    """Its three histories' columns."""
    return tuple(summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))


@pytest.fixture(scope="module")
def small_whole():
    """Sixty customers, a third of them of before, with a wave and days of the week."""
    summary, bought, _ = histories_of(seasonal_log(60, "a", seed=3, before=25))
    calendar = calendar_of(bought, harmonics=1, weekdays=True)
    x, t_x, T = columns(summary)
    return summary, calendar, seasonal_histories(x, t_x / 7.0, T / 7.0, None, calendar, 7.0)


@pytest.fixture(scope="module")
def small_regular():
    """Thirty regular buyers, likewise."""
    summary, gaps, bought, _ = seasonal_regular_shop(30, 4)
    calendar = calendar_of(bought, harmonics=1, weekdays=True)
    return summary, gaps, calendar, seasonal_histories(*columns(summary), None, calendar, 1.0)


def assert_derivatives(function, phi):
    """Gradient and Hessian are those of differences."""
    _, gradient, hessian = function(phi)
    step = 1e-5
    for i in range(phi.size):
        up, down = phi.copy(), phi.copy()
        up[i] += step
        down[i] -= step
        (high, high_slope, _), (low, low_slope, _) = function(up), function(down)
        assert gradient[i] == pytest.approx((high - low) / (2 * step), rel=1e-6, abs=1e-6)
        bend = (high_slope - low_slope) / (2 * step)
        np.testing.assert_allclose(hessian[i], bend, rtol=1e-6, atol=1e-6 * np.abs(hessian).max())


def clock_by_hand(calendar, effects, unit):
    """M at the end of each day, from the first on, by a loop."""
    total, found = 0.0, [0.0]
    for day in range(calendar.past):
        total += np.exp(calendar.terms[day] @ effects) * calendar.open[day] / unit
        found.append(total)
    return np.array(found)


def test_a_whole_log_is_that_of_its_customers_one_by_one(small_whole):
    """The mixture in operational time and every purchase's day, added up by a loop."""
    summary, calendar, seen = small_whole
    effects = np.linspace(-0.3, 0.4, len(calendar.names))
    phi = np.concatenate([MIXED, effects])
    value, _, _ = mid_life_season.log_likelihood_with_derivatives(
        phi, mid_life_season.whole_log(seen), 1
    )
    clock = clock_by_hand(calendar, effects, 7.0)
    log_m = calendar.terms[: calendar.past] @ effects
    length, theta = clock[-1], np.exp(MIXED)
    expected = -theta[8] * (1 - (theta[5] / (theta[5] + length)) ** theta[4]) - theta[9] * length
    x, t_x, T = columns(summary)
    for n, last, age in zip(x, t_x, T, strict=True):
        first = int(calendar.past - 1 - age)
        begun, end = clock[first + 1], clock[first + 1 + int(last)]
        old = likelihood_and_odds(n + 1, end, length, 0, *theta[4:8])[0]
        new = likelihood_and_odds(n, end - begun, length - begun, 1, *theta[:4])[0]
        expected += np.logaddexp(MIXED[8] + old, MIXED[9] + new) + log_m[first]
    expected += calendar.purchases @ log_m
    assert value == pytest.approx(float(expected), rel=1e-11)


def test_without_effects_it_is_the_likelihood_without_a_season(small_whole):
    """To the last digits."""
    summary, calendar, _ = small_whole
    phi = np.concatenate([MIXED, np.zeros(len(calendar.names))])
    x, t_x, T = columns(summary)
    rows = x, t_x / 7.0, T / 7.0, np.ones(x.size)
    seen = seasonal_histories(x, t_x / 7.0, T / 7.0, None, calendar, 7.0)
    with_season = mid_life_season.log_likelihood_with_derivatives(
        phi, mid_life_season.whole_log(seen), 1
    )
    plain = mid_life.log_likelihood_with_derivatives(MIXED, rows, calendar.past / 7.0, 1)
    assert with_season[0] == pytest.approx(plain[0], rel=1e-12)
    np.testing.assert_allclose(with_season[1][:10], plain[1], rtol=1e-9)
    np.testing.assert_allclose(with_season[2][:10, :10], plain[2], rtol=1e-8, atol=1e-8)


def test_its_derivatives_are_those_of_differences(small_whole):
    """By all ten parameters and every effect."""
    _, calendar, seen = small_whole
    phi = np.concatenate([MIXED, np.full(len(calendar.names), 0.1)])
    whole = mid_life_season.whole_log(seen)
    assert_derivatives(
        lambda at: mid_life_season.log_likelihood_with_derivatives(at, whole, 0), phi
    )


@pytest.mark.parametrize("k", [1, 3])
def test_regular_buyers_likelihood_is_that_of_each_one_of_them(small_regular, k):
    """Phases in operational time, gaps by its clock, the days' factors; derivatives by differences."""
    summary, table, calendar, seen = small_regular
    effects = np.linspace(-0.3, 0.4, len(calendar.names))
    own = np.log([1.5, 10.0, 0.6, 3.0])
    gaps = regular_season.gap_days(table, calendar)

    def function(phi):
        return regular_season.log_likelihood_with_derivatives(phi, seen, gaps, k=k, first=1)

    phi = np.concatenate([own, effects])
    clock = clock_by_hand(calendar, effects, 1.0)
    x, t_x, T = columns(summary)
    first = (calendar.past - 1 - T).astype(int)
    begun = clock[first + 1]
    operational = x, clock[first + 1 + t_x.astype(int)] - begun, clock[-1] - begun
    logs = 0.0
    for before, day, n in zip(gaps.before, gaps.day, gaps.purchases, strict=True):
        logs += n * np.log(clock[day + 1] - clock[before + 1])
    expected = slow_regular_likelihood(*operational, k, *np.exp(own)) + (k - 1) * logs
    expected += calendar.purchases @ (calendar.terms[: calendar.past] @ effects)
    assert function(phi)[0] == pytest.approx(expected, rel=1e-11)
    assert_derivatives(function, phi)


def slow_regular_likelihood(x, t_x, T, k, r, alpha, a, b):
    """Σ of a customer's likelihood, as docs/models/regular.md has it, without the gaps."""
    import mpmath as mp

    total = mp.mpf(0)
    for n, last, age in zip(x, t_x, T, strict=True):
        s, w = r + k * n, (mp.mpf(age) - last) / (alpha + age)
        stays = mp.betainc(s, k, 0, 1 - w, regularized=True)
        left = a / (b + n) if n + 1 > 0 else 0
        each = mp.gamma(s) / mp.gamma(r) * mp.mpf(alpha) ** r * (mp.mpf(alpha) + last) ** (-s)
        each *= mp.beta(a, b + n + 1) / mp.beta(a, b) * (stays + left)
        total += mp.log(each)
    return float(total)


@pytest.mark.slow
@pytest.mark.sized
def test_all_at_once_is_recovered(record_property):
    """Customers of before, newcomers and a season: N₀, arrivals, shape, and what is to come."""
    before, customers = 300, sized(700, 3_000)
    before = before * customers // 700
    log = seasonal_log(customers, "a", seed=11, before=before, ahead=91)
    summary, bought, came = histories_of(log)
    fitter = rm.MidLifeFitter().fit(
        *(summary[c] for c in ("frequency", "recency", "T")), calendar=calendar_of(bought)
    )
    assert fitter.calendar_.harmonics == 1
    errors = np.sqrt(np.diag(fitter.fit_.log_covariance))
    estimates = pd.Series(np.log(fitter.fit_.parameters), fitter.fit_.names)
    truth = pd.Series({"before": np.log(before), "year sin 1": 0.6, "year cos 1": 0.0})
    away = (estimates[truth.index] - truth) / pd.Series(errors, fitter.fit_.names)[truth.index]
    assert away.abs().max() < 3.0
    found = rm.predict_store(fitter, None, summary, horizon=91, draws=200).purchases
    record_property("expected", round(found.value))
    record_property("came", int(came.sum()))
    assert found.low <= came.sum() <= found.high
    one = rm.BetaGeoFitter().fit(
        *(summary[c] for c in ("frequency", "recency", "T")), calendar=calendar_of(bought)
    )
    assert fitter.log_likelihood_ > one.log_likelihood_ + 20.0
    again = rm.MidLifeFitter.from_json(fitter.to_json())
    history = columns(summary)
    assert np.array_equal(again.predict(91, *history), fitter.predict(91, *history))
    assert again.observed_ == fitter.observed_
    assert float(fitter.share_of_before(*history).sum()) == pytest.approx(before, rel=0.15)


@pytest.mark.slow
@pytest.mark.sized
def test_regular_buyers_with_a_season_are_recovered(record_property):
    """K, parameters and shape; either alone says much less, and regularity alone expects too much."""
    summary, table, bought, came = seasonal_regular_shop(sized(500, 3_000), 4, ahead=91)
    history = [summary[c] for c in ("frequency", "recency", "T")]
    calendar = calendar_of(bought)
    fitter = rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=table, calendar=calendar)
    assert (fitter.k_, fitter.calendar_.harmonics) == (4, 1)
    truth = np.log([2.0, 30.0 / 4.0, 0.5, 4.0, np.exp(0.5), 1.0])
    names = ["r", "alpha", "a", "b", "year sin 1", "year cos 1"]
    errors = pd.Series(np.sqrt(np.diag(fitter.fit_.log_covariance)), fitter.fit_.names)[names]
    assert (np.abs(np.log(fitter.params_[names]) - truth) / errors).max() < 3.5
    summary["monetary_value"] = 0.0
    found = rm.predict_store(fitter, None, summary, horizon=91, draws=200).purchases
    record_property("expected", round(found.value))
    record_property("came", int(came.sum()))
    assert found.low <= came.sum() <= found.high
    alone = rm.ModifiedBetaGeoFitter().fit(*history, calendar=calendar)
    assert fitter.log_likelihood_ > alone.log_likelihood_ + 500.0
    again = rm.ModifiedBetaGeoCNBDFitter.from_json(fitter.to_json())
    assert np.array_equal(again.predict(91, *history), fitter.predict(91, *history))


def test_what_does_not_go_with_a_season_is_refused(small_regular):
    """A sum for a table, gaps of another log, a length beside the calendar's."""
    summary, table, calendar, _ = small_regular
    history = [summary[c] for c in ("frequency", "recency", "T")]
    regular = rm.ModifiedBetaGeoCNBDFitter()
    with pytest.raises(SettingsError, match="the table of count_purchase_gaps"):
        regular.fit(*history, log_gaps=12.0, calendar=calendar)
    with pytest.raises(SettingsError, match="where the calendar has"):
        regular.fit(*history, log_gaps=table.iloc[1:], calendar=calendar)
    earlier = table.assign(before=table["before"] - pd.Timedelta(days=5_000))
    with pytest.raises(SettingsError, match="row 0 goes from"):
        regular.fit(*history, log_gaps=earlier, calendar=calendar)
    with pytest.raises(SettingsError, match="goes with a calendar"):
        regular.fit(*history, log_gaps=table)
    with pytest.raises(SettingsError, match="as long as that"):
        rm.MidLifeFitter().fit(*history, observed=800.0, calendar=calendar)


def test_models_under_a_season_move_to_another_day(small_whole):
    """Of a log that ends three weeks sooner the clock and the log's length are three weeks shorter."""
    _, calendar, _ = small_whole
    model = Seasonal(MidLife(BG_NBD, calendar.past / 7.0), calendar, 7.0)
    parameters = (*np.exp(MIXED), *np.full(len(calendar.names), 1.1))
    base, clock, own = model.operational(parameters)
    earlier, then, _ = model.moved(-3.0).operational(parameters)
    assert own == tuple(np.exp(MIXED))
    assert earlier.observed == pytest.approx(base.observed + clock.at(-3.0), rel=1e-12)
    assert then.at(3.0) == pytest.approx(-clock.at(-3.0), rel=1e-12)
    regular = Seasonal(ModifiedBetaGeometricCNBD(4), calendar, 7.0)
    parameters = (2.0, 4.0, 0.8, 2.4, *np.ones(len(calendar.names)))
    plain = ModifiedBetaGeometricCNBD(4).conditional_expected_purchases(
        13.0, 3.0, 20.0, 26.0, *parameters[:4]
    )
    here = regular.conditional_expected_purchases(13.0, 3.0, 20.0, 26.0, *parameters)
    assert float(here) == pytest.approx(float(plain), rel=1e-9)
