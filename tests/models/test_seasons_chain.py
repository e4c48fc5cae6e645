"""Seasons of a chain's stores together: recovered, shrunk, and lent to stores that are too young."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.seasons.chain import (
    StoreDays,
    _between,
    _centre,
    _look,
    _Quadratic,
    shared_calendars,
    shared_seasons,
)
from retention_models.models.seasons.fit import fit_season
from seasonal_shops import END, calendar_of, one_wave, shop
from tiers import sized

SIZES = (2_500, 1_500, 900, 400, 250, 150)


def store(size, days, wave, seed, **terms):
    """One store's days, with a wave of the given size and the same Saturdays as all."""
    wave_of = lambda dates: one_wave(dates, wave)  # noqa: E731
    summary, bought, _ = shop(size, days, wave_of, seed=seed, each=True)
    columns = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    return StoreDays(*columns, None, calendar_of(bought, **terms))


def fits_of(stores, calendars, first=0):
    """Each store's model under its season, as a fitter finds it with that calendar."""
    found = {}
    for name, calendar in calendars.items():
        own = stores[name]
        data = (own.x, own.t_x, own.T, None, calendar, 1.0)
        found[name] = fit_season(*data, first=first, prior=calendar.prior)
    return found


@pytest.fixture(scope="module")
def chain():
    """Six stores whose waves differ by 10%, one of them seven months old."""
    waves = 0.5 + 0.1 * np.random.default_rng(3).standard_normal(6)
    days = (800, 760, 740, 740, 210, 740)
    stores = {
        f"store {i}": store(size, d, wave, 20 + i)
        for i, (size, d, wave) in enumerate(zip(SIZES, days, waves, strict=True))
    }
    calendars = shared_calendars(stores, 1.0)
    return stores, waves, calendars, fits_of(stores, calendars)


@pytest.fixture(scope="module")
def centre(chain):
    """μ, its covariance, and ω² of these stores."""
    looked = _look(chain[0], 1.0, BG_NBD)
    tops = list(looked.tops.values())
    between = _between(tops, len(looked.names))
    return *_centre(tops, between), between


def test_the_chain_has_the_terms_that_its_stores_carry_together(chain):
    """One wave and days of the week, also in the store that is seven months old."""
    _, _, calendars, fits = chain
    for calendar in calendars.values():
        assert (calendar.harmonics, calendar.weekdays) == (1, True)
    assert all(fit.verdict == "shrunk" for fit in fits.values())


def test_what_stores_have_in_common_is_recovered(centre):
    """μ within 3.5 standard errors of the truth."""
    mean, covariance, between = centre
    truth = np.array([0.5, 0.0, *[-0.3 / 7.0] * 5, 1.8 / 7.0])
    assert np.abs((mean - truth) / np.sqrt(np.diag(covariance))).max() < 3.5
    assert 0.02 < np.sqrt(between[0]) < 0.3


def test_every_stores_season_is_near_its_own(chain, centre):
    """Within 3.5 posterior deviations; the youngest has the chain's, with the doubt that is left."""
    _, waves, _, fits = chain
    for wave, fit in zip(waves, fits.values(), strict=True):
        error = np.sqrt(fit.log_covariance[4, 4])
        assert abs(np.log(fit.parameters[4]) - wave) < 3.5 * error
    young = fits["store 4"]
    assert 0.05 < np.sqrt(young.log_covariance[4, 4]) < 0.3
    assert np.log(young.parameters[4]) == pytest.approx(centre[0][0], abs=0.25)


def test_a_small_store_gains_and_a_large_one_is_left_alone(chain):
    """Of 150 customers and of 2,500: deviations of their own estimates and with the chain."""
    stores, _, _, fits = chain
    shares = []
    for name in ("store 5", "store 0"):
        own = stores[name]
        calendar = own.calendar.with_terms(harmonics=1, weekdays=True)
        alone = fit_season(own.x, own.t_x, own.T, None, calendar, 1.0, first=0)
        shares.append(fits[name].log_covariance[4, 4] / alone.log_covariance[4, 4])
        assert fits[name].log_likelihood <= alone.log_likelihood + 1e-6
    assert shares[0] < 0.9
    assert 0.8 < shares[1] < 1.02


def test_a_store_alone_is_not_shrunk():
    """There is no other to borrow from: its own fit, to the digit."""
    one = store(600, 740, 0.5, 40, harmonics=1, weekdays=True)
    calendars = shared_calendars({"only": one}, 1.0, MBG_NBD)
    assert calendars["only"].prior is None
    found = fits_of({"only": one}, calendars, first=1)["only"]
    alone = fit_season(one.x, one.t_x, one.T, None, one.calendar, 1.0, first=1)
    np.testing.assert_allclose(found.parameters, alone.parameters, rtol=1e-6)
    assert found.verdict == alone.verdict == "converged"


def test_a_store_without_repeats_has_the_chains_season_and_one_last_day_is_asked():
    """As far as the others tell it; a chain of such stores has nothing to say."""
    one = store(500, 740, 0.5, 41, harmonics=1, weekdays=False)
    nobody = StoreDays(
        np.zeros(3),
        np.zeros(3),
        np.arange(1.0, 4.0),
        None,
        one.calendar.with_terms(purchases=np.zeros(740)),
    )
    found = shared_seasons({"one": one, "none": nobody}, 1.0)
    prior = found["none"].calendar.prior
    np.testing.assert_allclose(found["none"].effects, prior.mean, atol=1e-12)
    np.testing.assert_allclose(found["none"].covariance, np.linalg.inv(prior.precision), rtol=1e-9)
    assert found["none"].calendar.prior.mean[0] == pytest.approx(0.5, abs=0.25)
    with pytest.raises(CannotSay, match="second time"):
        shared_calendars({"none": nobody}, 1.0)
    later = one.calendar.with_terms(
        end=END + dt.timedelta(days=1), first=one.calendar.first + dt.timedelta(days=1)
    )
    other = StoreDays(one.x, one.t_x, one.T, None, later)
    with pytest.raises(SettingsError, match=r"one last day .* 2024-08-31, 2024-09-01"):
        shared_calendars({"one": one, "other": other}, 1.0)
    with pytest.raises(SettingsError, match="no store"):
        shared_calendars({}, 1.0)


def test_a_small_store_has_the_chains_events_and_is_shut_when_all_are():
    """Of its own it could tell neither; but on a day of the week on which it sold it is open."""
    sale = [f"2023-{month:02d}-{day:02d}" for month in (3, 10) for day in range(1, 15)]

    def log_m(dates):
        on = dates.isin(pd.to_datetime(sale))
        return np.where(dates.day_of_week == 6, -np.inf, 0.9 * on)

    def one(size, seed, days=740):
        summary, bought, _ = shop(size, days, log_m, seed=seed)
        columns = [summary[name].to_numpy(float) for name in ("frequency", "recency", "T")]
        # Whoever begins on a Sunday came on the day before.
        begun = END.toordinal() - 1 - columns[2]
        columns[2] = columns[2] + (begun % 7 == 6) * (columns[2] < days - 1)
        return StoreDays(*columns, None, calendar_of(bought, promotions={"sale": sale}))

    stores = {f"store {i}": one(400, 60 + i) for i in range(3)} | {"new": one(9, 70, 60)}
    found = shared_seasons(stores, 1.0)
    new = found["new"]
    assert new.calendar.shut == found["store 0"].calendar.shut == (6,)
    assert "sale" in new.calendar.names
    at = new.calendar.names.index("sale")
    assert new.effects[at] == pytest.approx(0.9, abs=0.35)
    own = stores["new"]
    sunday = own.calendar.purchases.copy()
    sunday[(6 - own.calendar.first.weekday()) % 7] = 1.0
    x = own.x + (np.arange(own.x.size) == own.x.argmax())
    sold = replace(own, x=x, calendar=own.calendar.with_terms(purchases=sunday))
    assert shared_seasons({**stores, "new": sold}, 1.0)["new"].calendar.shut == ()


def test_the_centre_is_the_posterior_of_normal_stores():
    """Against one large normal system, solved at once."""
    rng = np.random.default_rng(6)
    k, stores, between = 3, 4, np.array([0.04, 0.01, 0.09])
    tops, precision, score = [], np.zeros((k * 5, k * 5)), np.zeros(k * 5)
    precision[:k, :k] = np.eye(k)
    for s in range(stores):
        root = rng.standard_normal((k, k))
        information, at = 30.0 * root @ root.T, rng.standard_normal(k)
        tops.append(_Quadratic(information, information @ at))
        mine, omega = slice(k * (s + 1), k * (s + 2)), np.diag(1.0 / between)
        precision[mine, mine] += information + omega
        precision[:k, :k] += omega
        precision[:k, mine] -= omega
        precision[mine, :k] -= omega
        score[mine] += information @ at
    mean, covariance = _centre(tops, between)
    whole = np.linalg.inv(precision)
    np.testing.assert_allclose(mean, (whole @ score)[:k], rtol=1e-10)
    np.testing.assert_allclose(covariance, whole[:k, :k], rtol=1e-10)


def test_the_variance_between_stores_is_recovered():
    """Of 200 stores told well, to a tenth; of 200 told badly, to a third."""
    rng, truth = np.random.default_rng(7), np.array([0.04, 0.0025])
    for noise, within in ((0.02, 0.25), (0.15, 0.5)):
        tops = []
        for _ in range(200):
            at = 0.3 + np.sqrt(truth) * rng.standard_normal(2) + noise * rng.standard_normal(2)
            tops.append(_Quadratic(np.eye(2) / noise**2, at / noise**2))
        assert _between(tops, 2)[0] == pytest.approx(truth[0], rel=within)
        if noise < 0.1:
            assert _between(tops, 2)[1] == pytest.approx(truth[1], rel=within)


@pytest.mark.slow
@pytest.mark.sized
def test_intervals_of_shrunk_seasons_hold_the_stores_own(record_property):
    """Chains of six stores: 90% intervals of each store's wave, of all sizes together."""
    chains, held, tried = sized(6, 60), 0, 0
    for seed in range(chains):
        waves = 0.4 + 0.12 * np.random.default_rng(seed).standard_normal(6)
        stores = {
            str(i): store(size // 2, days, wave, 100 * seed + i, harmonics=1, weekdays=False)
            for i, (size, days, wave) in enumerate(
                zip(SIZES, (740, 740, 740, 740, 200, 300), waves, strict=True)
            )
        }
        fits = fits_of(stores, shared_calendars(stores, 1.0))
        for wave, fit in zip(waves, fits.values(), strict=True):
            held += abs(np.log(fit.parameters[4]) - wave) < 1.645 * np.sqrt(
                fit.log_covariance[4, 4]
            )
            tried += 1
    record_property("coverage", f"{held / tried:.3f}")
    assert abs(held / tried - 0.9) < 0.03 + 2.5 * np.sqrt(0.09 / tried)
