"""Fits with a calendar: the season recovered, what is refused and saved, what predictions follow."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.seasons.choice import (
    carried_terms,
    days_of_the_week,
    expected_by_day,
)
from retention_models.models.seasons.likelihood import seasonal_histories
from seasonal_shops import END, THETA, calendar_of, one_wave, shop
from tiers import sized

pytestmark = pytest.mark.slow

FITTERS = (rm.BetaGeoFitter, rm.ModifiedBetaGeoFitter)


@pytest.fixture(scope="module")
def seasonal():
    """Three thousand customers over two years, with a wave and Saturdays."""
    return shop(3_000, 730, one_wave, ahead=91, each=True)


@pytest.fixture(scope="module")
def fitted(seasonal):
    """The BG/NBD, its terms left to the data."""
    summary, bought, _ = seasonal
    columns = (summary[name] for name in ("frequency", "recency", "T"))
    return rm.BetaGeoFitter().fit(*columns, calendar=calendar_of(bought))


def history(summary):
    """Its three columns."""
    return tuple(summary[name] for name in ("frequency", "recency", "T"))


def test_the_season_is_found_and_recovered(fitted):
    """One wave and the days of the week; every effect and parameter within 3.5 standard errors."""
    assert (fitted.calendar_.harmonics, fitted.calendar_.weekdays) == (1, True)
    saturday = [-0.3 / 7.0] * 5 + [1.8 / 7.0]
    truth = [*np.log(THETA), 0.5, 0.0, *saturday]
    errors = np.sqrt(np.diag(fitted.fit_.log_covariance))
    away = (np.log(fitted.fit_.parameters) - truth) / errors
    assert np.abs(away).max() < 3.5


def test_a_season_explains_what_a_plain_model_does_not(seasonal, fitted):
    """Log-likelihoods compare: by hundreds here."""
    plain = rm.BetaGeoFitter().fit(*history(seasonal[0]))
    assert fitted.log_likelihood_ > plain.log_likelihood_ + 300.0
    assert fitted.fit_.free_parameters == 12


def test_forecasts_follow_the_days_ahead(seasonal, fitted):
    """Autumn is the trough: plain overshoots the next 13 weeks, the season does not."""
    summary, _, later = seasonal
    plain = rm.BetaGeoFitter().fit(*history(summary))
    expected, flat = (model.predict(91.0, *history(summary)).sum() for model in (fitted, plain))
    assert expected == pytest.approx(later.sum(), rel=0.07)
    assert flat > 1.2 * later.sum()


def test_a_store_forecast_and_every_customers_work(seasonal, fitted):
    """Totals, paths, intervals and values of all customers, by the same interface."""
    summary, _, later = seasonal
    some = summary.head(1_000).assign(monetary_value=10.0)
    some.attrs = summary.attrs
    table = rm.predict_customers(fitted, None, some, horizon=91)
    expected = fitted.predict(91.0, *history(some))
    np.testing.assert_allclose(table["expected_purchases"], expected, rtol=1e-9)
    total = rm.predict_store(fitted, None, some, horizon=91)
    assert total.purchases.value == pytest.approx(expected.sum(), rel=1e-9)
    assert total.purchases.low < later[:1_000].sum() < total.purchases.high
    assert total.purchases.high - total.purchases.low < 0.5 * total.purchases.value


@pytest.mark.nightly
def test_intervals_of_totals_cover_what_came(record_property):
    """Shops with a season, 600 customers each: 90% intervals of the next 13 weeks hold 88 to 92%."""
    shops, held = 500, 0
    for seed in range(shops):
        summary, bought, later = shop(600, 730, one_wave, seed=1_000 + seed, ahead=91, each=True)
        summary["monetary_value"] = 0.0
        calendar = calendar_of(bought, harmonics=1, weekdays=True)
        fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar)
        purchases = rm.predict_store(fitted, None, summary, horizon=91, draws=400).purchases
        held += purchases.low <= later.sum() <= purchases.high
    record_property("coverage", f"{held / shops:.3f}")
    assert abs(held / shops - 0.9) <= 0.02 + 2.5 * np.sqrt(0.09 / shops)


@pytest.mark.parametrize("fitter", FITTERS)
def test_counts_of_rows_and_units_do_not_matter(seasonal, fitter):
    """In weeks with weights it is the same model as in days, customer by customer."""
    summary, bought, _ = seasonal
    terms = {"harmonics": 1, "weekdays": True}
    days = fitter().fit(*history(summary), calendar=calendar_of(bought, **terms))
    rows = summary.value_counts().reset_index()
    weeks = fitter().fit(
        rows["frequency"],
        rows["recency"] / 7,
        rows["T"] / 7,
        weights=rows["count"],
        calendar=calendar_of(bought, **terms),
        time_unit="W",
    )
    r, alpha, *rest = weeks.fit_.parameters
    np.testing.assert_allclose([r, 7 * alpha, *rest], days.fit_.parameters, rtol=1e-4)
    some = summary.head(50)
    np.testing.assert_allclose(
        weeks.predict(
            13.0, *(np.array(v) / n for v, n in zip(history(some), (1, 7, 7), strict=True))
        ),
        days.predict(91.0, *history(some)),
        rtol=1e-4,
    )


def test_a_flat_shop_gets_the_plain_model():
    """Nothing told: the plain fit to twelve digits, and its predictions."""
    summary, bought, _ = shop(800, 600, lambda dates: np.zeros(len(dates)), seed=4)
    plain = rm.BetaGeoFitter().fit(*history(summary))
    fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar_of(bought))
    assert fitted.calendar_.names == ()
    np.testing.assert_allclose(fitted.fit_.parameters, plain.fit_.parameters, rtol=1e-6)
    assert fitted.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    np.testing.assert_allclose(
        fitted.predict(30.0, *history(summary)), plain.predict(30.0, *history(summary)), rtol=1e-6
    )


def test_short_logs_carry_no_yearly_waves(seasonal):
    """A year is not told from decay, seven weeks not from chance."""
    summary, bought, _ = shop(2_000, 400, one_wave, seed=5)
    fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar_of(bought))
    assert (fitted.calendar_.harmonics, fitted.calendar_.weekdays) == (0, True)
    summary, bought, _ = shop(400, 49, one_wave, seed=5)
    fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar_of(bought))
    assert fitted.calendar_.names == ()


def test_a_day_on_which_the_shop_is_shut_is_seen():
    """No Sunday's purchase in a year: m is 0 on Sundays, and none is foretold for one."""

    def closed_on_sundays(dates):
        return np.where(dates.day_of_week == 6, -60.0, 0.0)

    summary, bought, _ = shop(1_000, 370, closed_on_sundays, seed=6)
    fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar_of(bought))
    assert fitted.calendar_.shut == (6,)
    sunday = fitted.season(days=14).set_index("date")["factor"]
    assert (sunday[sunday.index.day_of_week == 6] == 0.0).all()
    # END is a Saturday.
    expected = fitted.predict(1.0, *history(summary))
    assert not expected.any()


def test_promotions_are_estimated_where_they_were_seen_twice(seasonal):
    """A sale of six days, doubled rates, twice a year, recovered; one seen once is left out."""
    sale = [
        END - dt.timedelta(days=n) for start in (40, 220, 400, 580) for n in range(start, start + 6)
    ]

    def with_sale(dates):
        return np.log(2.0) * np.isin(dates.date, sale)

    summary, bought, _ = shop(3_000, 730, with_sale, seed=7)
    later = [END + dt.timedelta(days=n) for n in range(10, 16)]
    promotions = {"sale": sale + later, "opening": sale[-3:]}
    calendar = calendar_of(bought, promotions=promotions, harmonics=0, weekdays=False)
    fitted = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar)
    assert fitted.fit_.names[4:] == ("sale",)
    error = np.sqrt(fitted.fit_.log_covariance[4, 4])
    assert abs(np.log(fitted.params_["sale"]) - np.log(2.0)) < 3.0 * error < 0.3
    ahead = fitted.season(days=20)
    ratio = ahead["factor"].iloc[12] / ahead["factor"].iloc[3]
    assert ratio == pytest.approx(fitted.params_["sale"])


def test_the_season_table_has_the_delta_methods_intervals(fitted):
    """By draws of the parameters, day by day; the yearly waves have a mean log of 0."""
    table = fitted.season(interval=0.9)
    assert list(table) == ["date", "factor", "low", "high", "year", "year_low", "year_high"]
    assert len(table) == 365
    assert (table["low"] < table["factor"]).all()
    assert (table["factor"] < table["high"]).all()
    draws = np.log(fitted.fit_.draws(4_000, np.random.default_rng(1))[:, 4:])
    past = fitted.calendar_.past
    logs = draws @ fitted.calendar_.terms[past : past + 365].T
    low, high = np.quantile(np.exp(logs), [0.05, 0.95], axis=0)
    np.testing.assert_allclose(table["low"], low, rtol=0.02)
    np.testing.assert_allclose(table["high"], high, rtol=0.02)
    assert np.log(table["year"]).mean() == pytest.approx(0.0, abs=1e-3)


def test_models_are_saved_with_their_calendar(seasonal, fitted):
    """Through JSON, by `from_json` too: the same predictions; no purchases by day are kept."""
    text = fitted.to_json()
    assert "purchases" not in text
    for loaded in (rm.BetaGeoFitter.from_json(text), rm.from_json(text)):
        assert loaded.calendar_ == fitted.calendar_
        np.testing.assert_allclose(
            loaded.predict(30.0, *history(seasonal[0])),
            fitted.predict(30.0, *history(seasonal[0])),
            rtol=1e-12,
        )
    assert '"calendar"' not in rm.BetaGeoFitter().fit(*history(seasonal[0])).to_json()


def test_damaged_calendars_are_refused(fitted):
    """By name."""
    for broken in ('"end": "soon"', '"end": 3', '"ends": "2024-08-31"'):
        text = fitted.to_json().replace(f'"end": "{END}"', broken)
        with pytest.raises(SettingsError, match=r"calendar|end"):
            rm.from_json(text)


def test_customers_of_another_last_day_are_refused(seasonal, fitted):
    """A forecast's first day is the calendar's; a summary that says it ends elsewhere is not its."""
    summary = seasonal[0].head(10).assign(monetary_value=0.0)
    summary.attrs = {"time_unit": "D", "observation_end": "2024-08-30"}
    for call in (
        lambda: fitted.predict(30.0, *history(summary)),
        lambda: fitted.conditional_probability_alive(*history(summary)),
        lambda: rm.predict_customers(fitted, None, summary, horizon=9),
    ):
        with pytest.raises(SettingsError, match="2024-08-31, the customers' is 2024-08-30"):
            call()


def test_what_does_not_go_with_a_calendar_is_refused_by_name(seasonal, fitted):
    """Units unknown, purchases of another log, closed days with purchases, other models, covariates."""
    summary, bought, _ = seasonal
    plain = [column.to_numpy() for column in history(summary)]
    table = calendar_of(bought)
    fit = rm.BetaGeoFitter().fit
    with pytest.raises(SettingsError, match="time_unit: a calendar needs to know"):
        fit(*plain, calendar=table)
    with pytest.raises(
        SettingsError, match=r"hold .* repeat purchases, the customers' frequencies"
    ):
        fit(*history(summary.head(100)), calendar=table)
    with pytest.raises(SettingsError, match="expected 730 days or less"):
        fit(plain[0], plain[1], plain[2] + 2, calendar=table, time_unit="D")
    with pytest.raises(
        SettingsError, match=r"closed: .* have repeat purchases, the first 2023-05-01"
    ):
        fit(*history(summary), calendar=calendar_of(bought, closed=["2023-05-01"]))
    with pytest.raises(SettingsError, match="Pareto/NBD takes none"):
        rm.ParetoNBDFitter().fit(*history(summary), calendar=table)
    with pytest.raises(SettingsError, match="not both"):
        fit(*history(summary), calendar=table, covariates=pd.DataFrame({"z": summary["T"]}))
    with pytest.raises(SettingsError, match="a saved model does not keep"):
        fit(*history(summary), calendar=rm.from_json(fitted.to_json()).calendar_)
    with pytest.raises(SettingsError, match="harmonics: expected 0 to 6"):
        calendar_of(bought, harmonics=9)
    with pytest.raises(SettingsError, match="none after the end of observation"):
        calendar_of(bought, end="2024-08-01")
    with pytest.raises(SettingsError, match="fitted without a calendar"):
        rm.BetaGeoFitter().fit(*history(summary)).season()
    with pytest.raises(SettingsError, match="knows no season"):
        fitted.generate_new_data(3)


def test_a_refit_without_a_calendar_is_plain(seasonal):
    """Nothing of the season stays."""
    summary, bought, _ = seasonal
    fitter = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar_of(bought, harmonics=1))
    assert fitter.calendar_ is not None
    fitter.fit(*history(summary))
    assert fitter.calendar_ is None
    assert fitter.model is BG_NBD
    assert fitter.fit_.names == BG_NBD.names


def test_expected_purchases_by_day_are_those_of_every_customer(seasonal):
    """Against a sum over customers; whole days and half days more."""
    summary, bought, _ = seasonal
    few = summary.head(40)
    table = calendar_of(bought)
    for half in (0.0, 0.5):
        T = few["T"].to_numpy() + half
        got = expected_by_day(BG_NBD, np.array(THETA), T, None, table, 1.0)
        ends = np.maximum(np.arange(731.0) - (730.0 - T[:, None]), 0.0)
        wanted = np.diff(BG_NBD.expected_purchases(ends, *THETA), axis=1).sum(axis=0)
        np.testing.assert_allclose(got, wanted, atol=1e-9)


def test_without_dropout_the_season_is_still_fitted():
    """Nobody leaves: the limit by name, and how much dropout the data allow."""
    summary, bought, _ = shop(1_500, 730, one_wave, theta=(0.9, 40.0, 1e-9, 1.0), seed=8)
    fitted = rm.BetaGeoFitter().fit(
        *history(summary), calendar=calendar_of(bought, harmonics=1, weekdays=False)
    )
    assert fitted.fit_.verdict == "boundary"
    assert fitted.fit_.allowed.shape == (200, 6)
    error = np.sqrt(fitted.fit_.log_covariance[4, 4])
    assert abs(np.log(fitted.params_["year sin 1"]) - 0.5) < 3.5 * error


def terms_of(bought, base, x, t_x, T):
    """The terms that a shop's data carry, in days."""
    calendar = calendar_of(bought)
    seen = seasonal_histories(
        x, t_x, T, None, calendar.with_terms(harmonics=0, weekdays=False), 1.0
    )
    return carried_terms(calendar, base, seen, T, None).calendar


def _false_finds(seeds, shocks):
    waves = weekdays = 0
    for seed in seeds:
        flat = lambda dates: np.zeros(len(dates))  # noqa: E731
        summary, bought, _ = shop(700, 740, flat, seed=seed, weekly_shocks=shocks)
        x, t_x, T = (column.to_numpy(float) for column in history(summary))
        found = terms_of(bought, BG_NBD, x, t_x, T)
        waves += found.harmonics > 0
        weekdays += bool(found.weekdays)
    return waves, weekdays


@pytest.mark.parametrize("shocks", [0.0, 0.3])
def test_few_false_seasons_in_a_few_shops(shocks):
    """Twenty shops without a season, calm and restless: two at most by chance (P = .998 at 2.5%)."""
    waves, weekdays = _false_finds(range(100, 120), shocks)
    assert waves <= 2
    assert weekdays <= 2


@pytest.mark.nightly
@pytest.mark.parametrize("shocks", [0.0, 0.3])
def test_false_seasons_are_rare(shocks, record_property):
    """Six hundred shops without a season: at most 5% find one of either kind."""
    waves, weekdays = _false_finds(range(600), shocks)
    record_property("false waves", f"{waves / 600:.3f}")
    record_property("false weekdays", f"{weekdays / 600:.3f}")
    assert waves + weekdays <= 0.05 * 600 + 2.0 * np.sqrt(0.05 * 0.95 * 600)


def test_p_values_of_days_of_the_week_are_uniform_where_they_are_alike():
    """Four hundred logs of Poisson totals."""
    rng, expected = np.random.default_rng(9), np.full(560, 12.0)
    found = [days_of_the_week(rng.poisson(expected) * 1.0, expected, END) for _ in range(400)]
    found, restless = np.transpose(found)
    assert np.mean(restless) == pytest.approx(1.03, abs=0.02)
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_further_waves_are_told_beside_the_first():
    """A second wave half the size, and none of a third."""

    def two_waves(dates):
        turn = 2 * np.pi * (dates - pd.Timestamp("2000-01-01")).days / 365.2425
        return 0.6 * np.sin(turn) + 0.4 * np.cos(2 * turn)

    summary, bought, _ = shop(3_000, 740, two_waves, seed=10, weekly_shocks=0.1)
    x, t_x, T = (column.to_numpy(float) for column in history(summary))
    for base in (BG_NBD, MBG_NBD):
        found = terms_of(bought, base, x, t_x, T)
        assert (found.harmonics, found.weekdays) == (2, False)


@pytest.mark.sized
def test_restless_weeks_widen_the_doubt_about_the_season(record_property):
    """Weekly shocks of 30%: 90% intervals of the wave still hold it."""
    shops, held = sized(16, 300), 0
    for seed in range(shops):
        wave = lambda dates: one_wave(dates, 0.4, 0.0)  # noqa: E731
        summary, bought, _ = shop(600, 740, wave, seed=3_000 + seed, weekly_shocks=0.3, each=True)
        calendar = calendar_of(bought, harmonics=1, weekdays=False)
        fit = rm.BetaGeoFitter().fit(*history(summary), calendar=calendar).fit_
        held += abs(np.log(fit.parameters[4]) - 0.4) < 1.645 * np.sqrt(fit.log_covariance[4, 4])
    record_property("coverage", f"{held / shops:.3f}")
    assert abs(held / shops - 0.9) <= 0.06 + 2.5 * np.sqrt(0.09 / shops)


@pytest.mark.parametrize("terms", [{}, {"harmonics": 1, "weekdays": True}], ids=["told", "given"])
@pytest.mark.parametrize("size", [4, 10, 30])
def test_small_shops_never_raise(size, terms):
    """Few customers, few days, all terms asked for: finite numbers and a verdict, or a refusal."""
    fits = 0
    for seed in range(6):
        summary, bought, _ = shop(size, (20, 90, 740)[seed % 3], one_wave, seed=seed)
        if not summary["frequency"].any():
            continue
        calendar = calendar_of(bought, end=END, **terms)
        fitted = FITTERS[seed % 2]().fit(*history(summary), calendar=calendar)
        assert np.isfinite([*fitted.fit_.parameters, *fitted.fit_.log_covariance.ravel()]).all()
        assert np.isfinite(fitted.predict(10.0, *history(summary))).all()
        assert np.isfinite(fitted.season(days=30)["factor"]).all()
        fits += 1
    assert fits > 2


def test_waves_that_a_short_log_cannot_tell_are_said_to_be_unknown():
    """Three waves a year from sixty days: the verdict, not a number."""
    summary, bought, _ = shop(400, 60, one_wave, seed=11)
    fitted = rm.BetaGeoFitter().fit(
        *history(summary), calendar=calendar_of(bought, harmonics=3, weekdays=False)
    )
    assert fitted.fit_.verdict == "not identified"
    assert "flat" in fitted.fit_.message
