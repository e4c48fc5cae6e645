"""The likelihood under a season, against quadrature of its rate and differences in 80 digits."""

from __future__ import annotations

import datetime as dt

import mpmath
import numpy as np
import pytest

from oracles import beta_dropout_log_likelihood, derivatives
from retention_models.models.beta_dropout_likelihood import (
    log_likelihood_with_derivatives as plain,
)
from retention_models.models.histories import count_histories
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.likelihood import (
    gradient_of_log_likelihood,
    log_likelihood_with_derivatives,
    seasonal_histories,
    without_dropout,
)

END = dt.date(2024, 6, 30)
CLOSED = (dt.date(2024, 5, 1), dt.date(2024, 3, 29))
SALE = tuple(dt.date(2024, 2, 5) + dt.timedelta(days=n) for n in range(6))


def calendar(days=200, **terms):
    """So many days observed, with something bought on each that the shop is open."""
    first = END - dt.timedelta(days=days - 1)
    usual = {"harmonics": 1, "weekdays": True, "events": (("sale", SALE),), "closed": CLOSED}
    bought = np.random.default_rng(4).integers(1, 9, days).astype(float)
    found = Calendar(end=END, first=first, **{**usual, **terms})
    return found.with_terms(purchases=bought * found.open[:days])


def customers(size=12, days=200, half=0.0, seed=2):
    """Histories in days, whole or with half a day more in T, those who never came back among them."""
    rng = np.random.default_rng(seed)
    T = rng.integers(1, days - 1, size).astype(float)
    x = np.where(rng.random(size) < 0.3, 0, rng.integers(1, 7, size)).astype(float)
    t_x = np.where(x > 0, np.minimum(rng.integers(1, days, size), T), 0.0)
    return x, t_x, T + half


def pace_of(table, effects):
    """Pace of each day observed, by hand."""
    found = []
    for row, is_open in zip(table.terms[: table.past], table.open, strict=False):
        log_m = sum(
            (z * e for z, e in zip(map(mpmath.mpf, row), effects, strict=True)), mpmath.mpf(0)
        )
        found.append(mpmath.exp(log_m) * int(is_open))
    return found


def slow(phi, table, columns, first, unit=1.0):
    """The log-likelihood, customer by customer and day by day, in many digits."""
    r, alpha, a, b = (mpmath.exp(v) for v in phi[:4])
    pace = pace_of(table, phi[4:])

    def until_the_end(time):
        total, left = mpmath.mpf(0), mpmath.mpf(float(time)) * unit
        for day in reversed(range(table.past)):
            part = min(left, mpmath.mpf(1))
            total += part * pace[day]
            left -= part
            if left <= 0:
                break
        return total / unit

    value = mpmath.mpf(0)
    for x, t_x, T in zip(*columns, strict=True):
        age = until_the_end(T)
        recency = age - until_the_end(T - t_x) if x else mpmath.mpf(0)
        value += beta_dropout_log_likelihood(x, recency, age, r, alpha, a, b, first=first)
    for bought, m in zip(table.purchases, pace, strict=True):
        if m:
            value += bought * mpmath.log(m)
    return value


PHI = np.array([-0.3, 3.0, -0.5, 0.8, 0.2, -0.1, 0.1, -0.2, 0.3, 0.05, -0.3, 0.15, 0.4])


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("half", [0.0, 0.5])
def test_the_log_likelihood_is_that_of_the_model_in_operational_time(first, half):
    """Customer by customer, day by day, in 80 digits; days and half days; closed days."""
    table, columns = calendar(), customers(half=half)
    seen = seasonal_histories(*columns, None, table, 1.0)
    value, _, _ = log_likelihood_with_derivatives(PHI, seen, first=first)
    with mpmath.workdps(30):
        expected = slow(PHI, table, columns, first)
    assert value == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("first", [0, 1])
def test_derivatives_are_exact(first):
    """Gradient and Hessian by all parameters, against differences of 1e-15 in 80 digits."""
    table = calendar(40, weekdays=False, events=(("late", (dt.date(2024, 6, 20),)),))
    columns, phi = customers(6, 40), np.array([-0.3, 3.0, -0.5, 0.8, 0.2, -0.1, 0.4])
    seen = seasonal_histories(*columns, None, table, 1.0)
    _, gradient, hessian = log_likelihood_with_derivatives(phi, seen, first=first)
    slope, bend = derivatives(lambda place: slow(place, table, columns, first), phi)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(hessian, bend, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("first", [0, 1])
def test_derivatives_hold_with_many_terms(first):
    """A thousand customers and nine terms, against differences of the value and of the gradient."""
    table, columns = calendar(), customers(1_000)
    seen = seasonal_histories(*columns, None, table, 1.0)
    at = lambda phi: log_likelihood_with_derivatives(phi, seen, first=first)  # noqa: E731
    _, gradient, hessian = at(PHI)
    for i, step in enumerate(1e-5 * np.eye(PHI.size)):
        up, down = at(PHI + step), at(PHI - step)
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6, abs=1e-4)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("first", [0, 1])
def test_the_gradient_alone_is_that_beside_the_hessian(first):
    """To the last digits, also of rows thinned out."""
    table = calendar(harmonics=3)
    for seen in (
        seasonal_histories(*customers(200, half=0.5), None, table, 7.0),
        seasonal_histories(*customers(200), None, table, 7.0).thinned(3),
    ):
        phi = np.concatenate([np.log([0.9, 3.0, 0.6, 2.0]), np.full(len(table.names), 0.05)])
        _, gradient, _ = log_likelihood_with_derivatives(phi, seen, first=first)
        alone = gradient_of_log_likelihood(phi, seen, first=first)
        np.testing.assert_allclose(alone, gradient, rtol=1e-11, atol=1e-9)


def test_derivatives_without_dropout():
    """The NBD under the season, likewise."""
    seen = seasonal_histories(*customers(300), None, calendar(), 7.0)
    phi = np.delete(PHI, [2, 3])
    _, gradient, hessian = without_dropout(phi, seen)
    for i, step in enumerate(1e-5 * np.eye(phi.size)):
        up, down = without_dropout(phi + step, seen), without_dropout(phi - step, seen)
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6, abs=1e-4)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("unit", [1.0, 7.0, 30.4375])
def test_without_a_season_it_is_the_plain_model(first, unit):
    """Value, gradient and Hessian by r, α, a, b to twelve digits, in every unit of time."""
    x, t_x, T = customers(500)
    table = calendar(harmonics=2, events=(), closed=())
    seen = seasonal_histories(x, t_x / unit, T / unit, None, table, unit)
    phi = np.concatenate([PHI[:4], np.zeros(len(table.names))])
    value, gradient, hessian = log_likelihood_with_derivatives(phi, seen, first=first)
    known = count_histories(x, t_x / unit, T / unit)
    expected, slope, bend = plain(phi[:4], known, first=first)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient[:4], slope, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(hessian[:4, :4], bend, rtol=1e-11, atol=1e-9)


def test_rows_that_stand_for_several_are_rows_one_by_one():
    """Counts of customers, and a thinned table: every second of doubled rows is all of them."""
    columns = customers(200)
    distinct, n = np.unique(np.stack(columns), axis=1, return_counts=True)
    table = calendar()
    one = log_likelihood_with_derivatives(
        PHI, seasonal_histories(*columns, None, table, 1.0), first=1
    )
    counted = seasonal_histories(*distinct, n.astype(float), table, 1.0)
    for got, expected in zip(
        log_likelihood_with_derivatives(PHI, counted, first=1), one, strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-9)
    twice = seasonal_histories(
        *(np.repeat(c, 2) for c in distinct), np.repeat(n / 2, 2), table, 1.0
    )
    halved = log_likelihood_with_derivatives(PHI, twice.thinned(2), first=1)
    np.testing.assert_allclose(halved[1], one[1], rtol=1e-9, atol=1e-8)
