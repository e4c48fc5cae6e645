"""Formulas under a season, against the base model, quadrature day by day, and simulation."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from scipy.integrate import quad

from purchase_samples import some_customers
from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.histories import known_customers
from retention_models.models.intervals import count_moments, future_quantiles
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.pareto_nbd import PARETO_NBD
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.model import Seasonal
from tiers import few

THETA = (0.55, 6.0, 0.8, 2.4)
EFFECTS = (1.35, 0.8, 1.1, 0.9, 1.0, 1.05, 1.2, 1.3)
CALENDAR = Calendar(
    dt.date(2024, 6, 30),
    dt.date(2023, 1, 1),
    harmonics=1,
    weekdays=True,
    closed=(dt.date(2024, 7, 4), dt.date(2024, 2, 29)),
)
both = pytest.mark.parametrize("base", [BG_NBD, MBG_NBD], ids=["BG/NBD", "MBG/NBD"])


def pace(day):
    """Pace of a day by its place after the end of observation (0 is the first one after it), by hand."""
    date = CALENDAR.end + dt.timedelta(days=day + 1)
    if date in CALENDAR.closed:
        return 0.0
    turn = 2 * np.pi * (date - dt.date(2000, 1, 1)).days / 365.2425
    effects = np.log(EFFECTS)
    weekday = effects[2 + date.weekday()] if date.weekday() < 6 else -effects[2:].sum()
    return np.exp(np.sin(turn) * effects[0] + np.cos(turn) * effects[1] + weekday)


def operational(time):
    """M in weeks at so many weeks after the end, by hand; before it where negative."""
    days, sign = abs(time) * 7.0, np.sign(time)
    whole = int(days + 1e-9)
    each = [pace(d if sign > 0 else -1 - d) for d in range(whole + 1)]
    return sign * (sum(each[:whole]) + (days - whole) * each[whole]) / 7.0


@both
def test_histories_and_futures_are_those_of_the_base_in_operational_time(base):
    """P(alive), expectation and counts of known customers, each day by hand."""
    model, known = Seasonal(base, CALENDAR, 7.0), some_customers()
    x, t_x, T = (column[:40] for column in known)
    t_x, T = np.round(np.minimum(t_x, 70) * 7) / 7, np.round(np.minimum(T, 70) * 7) / 7
    t_x = np.minimum(t_x, T) * (x > 0)
    age = np.array([-operational(-v) for v in T])
    recency = np.array([a + operational(-(v - s)) for a, v, s in zip(age, T, t_x, strict=True)])
    history = x, np.where(t_x > 0, np.minimum(recency, age), 0.0), age
    alive = model.probability_alive(x, t_x, T, *THETA, *EFFECTS)
    np.testing.assert_allclose(alive, base.probability_alive(*history, *THETA), rtol=1e-9)
    expected = model.conditional_expected_purchases(13.3, x, t_x, T, *THETA, *EFFECTS)
    plain = base.conditional_expected_purchases(operational(13.3), *history, *THETA)
    np.testing.assert_allclose(expected, plain, rtol=1e-9)
    for n in (0, 2):
        chance = model.conditional_count_probability(n, 13.3, x, t_x, T, *THETA, *EFFECTS)
        plain = base.conditional_count_probability(n, operational(13.3), *history, *THETA)
        np.testing.assert_allclose(chance, plain, rtol=1e-9)


@both
@pytest.mark.parametrize("rate", few(1, [0.002, 0.05]))
def test_discounted_purchases_are_those_of_every_day(base, rate):
    """∫ e^(−δu) dE(M(u)) by scipy's quadrature within each day."""
    model, total = Seasonal(base, CALENDAR, 7.0), 0.0
    _, clock, _ = model.operational((*THETA, *EFFECTS))

    def density(u, day):
        tau, h = clock.at(u), 1e-4
        ends = base.expected_purchases(
            np.array([tau - 2 * h, tau - h, tau + h, tau + 2 * h]), *THETA
        )
        slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        return slope * np.exp(-rate * u) * pace(day)

    for day in range(100):
        low, high = (day + 1e-9) / 7.0, (day + 1.0 - 1e-9) / 7.0
        total += quad(density, low, high, args=(day,), epsabs=0, epsrel=1e-9)[0]
    got = model.discounted_purchases(100.0 / 7.0, rate, *THETA, *EFFECTS)
    assert got == pytest.approx(total, rel=1e-7)


@both
def test_without_a_season_everything_is_the_plain_model(base):
    """No effects, to twelve digits, discounted without an end too."""
    table = Calendar(dt.date(2024, 6, 30), dt.date(2000, 1, 1), harmonics=2, weekdays=True)
    model, none = Seasonal(base, table, 7.0), (1.0,) * 10
    x, t_x, T = some_customers()
    known = x, t_x, T
    for name, leading in (
        ("probability_alive", ()),
        ("conditional_expected_purchases", (26.0,)),
        ("conditional_discounted_purchases", (52.0, 0.002)),
        ("conditional_discounted_purchases", (np.inf, 0.003)),
        ("conditional_count_probability", (2, 26.0)),
    ):
        got = getattr(model, name)(*leading, *known, *THETA, *none)
        expected = getattr(base, name)(*leading, *known, *THETA)
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13, err_msg=name)
    got = model.purchase_count_probability([0, 1, 5], 9.0, *THETA, *none)
    np.testing.assert_allclose(
        got, base.purchase_count_probability([0, 1, 5], 9.0, *THETA), rtol=1e-12
    )


@both
def test_usual_gaps_are_told_in_days_that_follow_the_last_purchase(base):
    """M of the gap, begun on that day, is the base's gap; those who left are the base's too."""
    model = Seasonal(base, CALENDAR, 7.0)
    _, clock, _ = model.operational((*THETA, *EFFECTS))
    x, t_x, T = np.array([2.0, 5.0, 0.0]), np.array([30.0, 61.0, 0.0]), np.array([60.0, 61.0, 9.0])
    history = model.history(x, t_x, T, clock)
    gap = model.gap_quantile(0.9, x, t_x, T, *THETA, *EFFECTS)
    begun = t_x - T
    np.testing.assert_allclose(
        clock.at(begun + gap) - clock.at(begun), base.gap_quantile(0.9, *history, *THETA), rtol=1e-9
    )
    long = model.gap_quantile(0.99999, x, t_x, T, *THETA, *EFFECTS)
    assert (long > clock.covered).any()
    np.testing.assert_allclose(
        clock.at(begun + long) - clock.at(begun),
        base.gap_quantile(0.99999, *history, *THETA),
        rtol=1e-9,
    )
    ((chance, new),) = model.states_of_lapsed(x, t_x, T, *THETA, *EFFECTS)
    ((_, plain),) = base.states_of_lapsed(*history, *THETA)
    assert chance == 1.0
    for value, expected in zip(new, (*plain, *EFFECTS), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


@both
def test_counts_sum_to_one_and_have_the_expected_mean(base):
    """Distribution, quantiles and moments of known customers, by the machinery of all models."""
    model, parameters = Seasonal(base, CALENDAR, 7.0), np.array([*THETA, *EFFECTS])
    x, t_x, T = (column[:60] for column in some_customers())
    T = np.minimum(T, 70.0)
    t_x = np.minimum(t_x, T)
    chances = model.conditional_count_probabilities(26.0, x, t_x, T, *parameters, tail=1e-11)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=3e-10)
    expected = model.conditional_expected_purchases(26.0, x, t_x, T, *parameters)
    np.testing.assert_allclose(
        chances @ np.arange(chances.shape[1]), expected, rtol=1e-8, atol=1e-8
    )
    known = known_customers(x, t_x, T, by_recency=model.recency_counts)
    counts, _ = future_quantiles(model, parameters, known, 26.0, (0.5, 0.95))
    for level, found in zip((0.5, 0.95), counts, strict=True):
        wanted = np.argmax(np.cumsum(chances, axis=1) >= level - 1e-9, axis=1)
        assert found[known.row].tolist() == wanted.tolist()
    _, mean, _ = count_moments(model, parameters, known, 26.0)
    of_alive = known.expected(model, parameters, 26.0)
    np.testing.assert_allclose(mean, of_alive, rtol=1e-6)


@both
def test_what_was_expected_since_the_first_purchase_is_of_the_days_since_then(base):
    """Week by week of three customers, each day by hand; at t = T it is all of the past."""
    model = Seasonal(base, CALENDAR, 7.0)
    for T in (3.0, 20.0, 61.0):
        for t in np.round(np.array([0.0, T / 3.0, T]) * 7) / 7:
            since = operational(t - T) - operational(-T)
            got = model.expected_since_first(t, T, *THETA, *EFFECTS)
            assert got == pytest.approx(base.expected_purchases(since, *THETA), rel=1e-9, abs=1e-12)


def test_beyond_the_calendar_the_years_shape_repeats_as_its_mean():
    """Past five years M goes on at the mean rate; discounted purchases join without a step."""
    model = Seasonal(BG_NBD, CALENDAR, 7.0)
    _, clock, _ = model.operational((*THETA, *EFFECTS))
    end = clock.covered
    year = (clock.at(end) - clock.at(end - 4 * 52.1775)) / (4 * 52.1775)
    assert clock.at(end + 52.0) - clock.at(end) == pytest.approx(52.0 * year, rel=2e-3)
    around = [
        float(model.discounted_purchases(end + shift, 0.002, *THETA, *EFFECTS))
        for shift in (-0.01, 0.0, 0.01)
    ]
    assert around[2] - around[1] == pytest.approx(around[1] - around[0], rel=0.7)
    endless = model.discounted_purchases(np.inf, 0.002, *THETA, *EFFECTS)
    long = model.discounted_purchases(20_000.0, 0.002, *THETA, *EFFECTS)
    assert endless == pytest.approx(long, rel=1e-12)


@both
def test_simulated_customers_follow_the_days(base):
    """Mean and P(0) of 100,000 new customers at two ends, within 4.5 standard errors."""
    model, ends = Seasonal(base, CALENDAR, 7.0), np.array([10.0, 40.0])
    columns = [np.full(100_000, value) for value in THETA]
    paths = list(model.simulate(ends, np.random.default_rng(3), *columns, *EFFECTS))
    for end, counts in zip(ends, paths, strict=True):
        error = counts.std() / np.sqrt(counts.size)
        assert abs(counts.mean() - model.expected_purchases(end, *THETA, *EFFECTS)) < 4.5 * error
        none = float(model.purchase_count_probability(0, end, *THETA, *EFFECTS))
        error = np.sqrt(none * (1.0 - none) / counts.size)
        assert abs((counts == 0).mean() - none) < 4.5 * error


def test_customers_who_leave_by_the_calendar_have_no_season():
    """The Pareto/NBD is refused by name."""
    table = CALENDAR.with_terms(purchases=np.ones(CALENDAR.past))
    one = np.ones(3)
    with pytest.raises(SettingsError, match="Pareto/NBD takes none"):
        Seasonal(PARETO_NBD, table, 7.0).fit(one, one, one)
