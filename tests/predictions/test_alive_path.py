"""P(alive) through time: past days by what was known then, days to come by staying; lifetimes' plots."""

from __future__ import annotations

import datetime as dt
import warnings

import matplotlib as mpl
import mpmath
import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import DataError, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.mid_life.model import MidLife
from retention_models.models.pareto_nbd import PARETO_NBD
from retention_models.models.regular.model import BetaGeometricCNBD, ModifiedBetaGeometricCNBD
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.model import Seasonal
from shops import simulated_log

mpl.use("Agg")

END = "2023-12-31"
THETA = (0.8, 4.0, 0.6, 3.0)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A shop of a year."""
    folder = tmp_path_factory.mktemp("log")
    simulated_log(60, seed=4).to_csv(folder / "log.csv", index=False)
    columns = {"customer_id": "customer", "date": "day", "spend": "amount", "store_id": "shop"}
    return rm.read_transactions(folder / "log.csv", **columns)


@pytest.fixture(scope="module")
def model(log):
    """Its BG/NBD, in weeks."""
    summary = rm.customer_summary(log, observation_end=END)
    return rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.mark.parametrize(
    "parameters", [(0.243, 4.414, 0.793, 2.426), (30.0, 12.0, 0.05, 9.0), (500.0, 100.0, 1.0, 40.0)]
)
@pytest.mark.parametrize("t", [0.0, 0.5, 39.0, 4000.0])
def test_staying_until_then_is_a_hypergeometric_function(parameters, t):
    """2F1(r, a; a+b; −t/α) by mpmath; of the MBG/NBD one chance to leave more; 1 where nobody leaves."""
    r, alpha, a, b = parameters
    exact = float(mpmath.hyp2f1(r, a, a + b, -t / alpha))
    assert float(BG_NBD.probability_alive_after(t, *parameters)) == pytest.approx(exact, rel=1e-11)
    later = float(mpmath.hyp2f1(r, a, a + b + 1, -t / alpha)) * b / (a + b)
    found = float(MBG_NBD.probability_alive_after(t, *parameters))
    assert found == pytest.approx(later, rel=1e-11)
    if t < 100.0:
        regular = float(BetaGeometricCNBD(1).probability_alive_after(t, *parameters))
        assert regular == pytest.approx(exact, abs=1e-10)
    assert float(BG_NBD.probability_alive_after(t, r, alpha, 0.0, 1.0)) == 1.0


def test_regular_buyers_stay_as_simulated():
    """Of many draws, given the rate and the chance to leave."""
    rng = np.random.default_rng(1)
    rate, p = rng.gamma(2.0, 1.0 / 4.0, 200_000), rng.beta(0.8, 2.4, 200_000)
    bought = rng.poisson(rate * 20.0) // 4
    for model, chances in (
        (BetaGeometricCNBD(4), bought),
        (ModifiedBetaGeometricCNBD(4), bought + 1),
    ):
        found = float(model.probability_alive_after(20.0, 2.0, 4.0, 0.8, 2.4))
        assert found == pytest.approx(((1.0 - p) ** chances).mean(), abs=0.003)


def test_other_models_stay_by_their_own_rules():
    """By a life of their own, as newcomers, by the season's clock."""
    found = float(PARETO_NBD.probability_alive_after(10.0, 0.5, 10.0, 0.6, 11.0))
    assert found == pytest.approx((11.0 / 21.0) ** 0.6, rel=1e-12)
    mixed = MidLife(MBG_NBD, 52.0)
    plain = MBG_NBD.probability_alive_after(10.0, *THETA)
    assert mixed.probability_alive_after(10.0, *THETA, *THETA, 10.0, 1.0) == plain
    calendar = Calendar(
        dt.date(2024, 6, 30), dt.date(2023, 1, 1), closed=(dt.date(2024, 7, 1),), harmonics=0
    )
    season = Seasonal(BG_NBD, calendar.with_terms(weekdays=False), 7.0)
    assert float(season.probability_alive_after(1 / 7, *THETA)) == pytest.approx(1.0, abs=1e-12)
    history = 3.0, 20.0, 30.0
    assert season.conditional_probability_alive_after(0.0, *history, *THETA) == pytest.approx(
        float(BG_NBD.probability_alive(*history, *THETA)), rel=1e-9
    )


def test_a_customers_path_is_the_models_word_day_by_day(log, model):
    """Each past day by a summary up to it; the first to come goes on from today's."""
    summary = rm.customer_summary(log, observation_end=END)
    customer = str(summary["frequency"].idxmax())
    path = rm.alive_path(log, model, customer, observation_end=END, ahead=28)
    for day in ("2023-05-20", "2023-09-03", "2023-12-31"):
        known = rm.customer_summary(log, observation_end=day).loc[[customer]]
        expected = model.conditional_probability_alive(
            known["frequency"], known["recency"], known["T"]
        )
        assert path.loc[day, "probability_alive"] == pytest.approx(float(expected[0]), rel=1e-12)
    assert path["purchase"].sum() == summary.loc[customer, "frequency"] + 1
    later = path.loc["2024-01-01":]
    assert len(later) == 28
    today = path.loc["2023-12-31", "probability_alive"]
    assert (later["probability_alive"].diff().dropna() < 0).all()
    assert later["probability_alive"].iloc[0] < today
    assert (later["if_silent"].diff().dropna() < 0).all()
    each = summary.loc[[customer]]
    after = model.conditional_probability_alive_after(
        4.0, each["frequency"], each["recency"], each["T"]
    )
    assert later["probability_alive"].iloc[-1] == pytest.approx(float(after.iloc[0]), rel=1e-12)
    assert rm.plots.alive_path(path).lines


@pytest.mark.slow
def test_all_customers_path_is_the_sum_of_theirs(log, model):
    """Past weeks by summaries up to them; ahead it falls; the interval holds the value."""
    path = rm.customers_alive_path(log, model, observation_end=END, weeks=8, ahead=4)
    assert len(path) == 13
    for day in ("2023-11-05", "2023-12-31"):
        known = rm.customer_summary(log, observation_end=day)
        each = model.conditional_probability_alive(known["frequency"], known["recency"], known["T"])
        assert path.loc[day, "alive"] == pytest.approx(each.sum(), rel=1e-12)
        assert path.loc[day, "seen"] == len(known)
        once = each[(known["frequency"] == 0).to_numpy()].sum()
        assert path.loc[day, "bought_once"] == pytest.approx(once)
    assert (path.loc["2023-12-31":, "alive"].diff().dropna() < 0).all()
    assert ((path["low"] < path["alive"]) & (path["alive"] < path["high"])).all()
    assert rm.plots.customers_alive(path).lines
    assert len(rm.customers_alive_path(log, model, weeks=500, ahead=0)) <= 53


def test_a_model_of_before_looks_back_in_a_shorter_log(log):
    """As of eight weeks ago the log was eight weeks shorter: its sums are those of that day's model."""
    summary = rm.customer_summary(log, observation_end=END)
    fitter = rm.MidLifeFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    path = rm.customers_alive_path(log, fitter, observation_end=END, weeks=8, ahead=1)
    known = rm.customer_summary(log, observation_end="2023-11-05")
    model = MidLife(MBG_NBD, fitter.model.observed - 8.0)
    history = (known[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    each = model.probability_alive(*history, *fitter.fit_.parameters)
    assert path["alive"].iloc[0] == pytest.approx(each.sum(), rel=1e-12)
    customer = str(summary["frequency"].idxmax())
    days = rm.alive_path(log, fitter, customer, observation_end=END)["probability_alive"]
    assert days.between(0.0, 1.0).all()


def test_what_has_no_path_is_refused(log, model):
    """Nobody's, a negative look ahead, a level that is none, a model without its unit."""
    with pytest.raises(DataError, match="'nobody' has no purchase"):
        rm.alive_path(log, model, "nobody")
    with pytest.raises(SettingsError, match="ahead: expected whole days"):
        rm.alive_path(log, model, "0001", ahead=-1)
    with pytest.raises(SettingsError, match="weeks: expected whole weeks"):
        rm.customers_alive_path(log, model, weeks=-1)
    with pytest.raises(SettingsError, match="interval: expected a level"):
        rm.customers_alive_path(log, model, interval=90)
    bare = rm.BetaGeoFitter().fit([0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39] * 6)
    with pytest.raises(SettingsError, match="does not know its unit"):
        rm.alive_path(log, bare, "0001")


@pytest.mark.parametrize(
    "name",
    [
        "plot_calibration_purchases_vs_holdout_purchases",
        "plot_cumulative_transactions",
        "plot_incremental_transactions",
        "plot_transaction_rate_heterogeneity",
        "plot_dropout_rate_heterogeneity",
    ],
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # lifetimes of 2020 on today's pandas and matplotlib
def test_lifetimes_history_plots_draw_our_models(name, log):
    """Those that run on today's pandas at all; what they draw is our model's."""
    import lifetimes.plotting
    from matplotlib import pyplot as plt

    table = rm.calibration_holdout_summary(
        log, calibration_end="2023-09-30", holdout_end="2023-12-31", time_unit="D"
    )
    model = rm.BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"])
    given = {
        "plot_calibration_purchases_vs_holdout_purchases": (
            table.rename(columns={c: f"{c}_cal" for c in ("frequency", "recency", "T")}),
        ),
        "plot_cumulative_transactions": (lines_of(log), "date", "customer_id", 365, 273),
        "plot_incremental_transactions": (lines_of(log), "date", "customer_id", 365, 273),
    }
    try:
        axes = getattr(lifetimes.plotting, name)(model, *given.get(name, ()))
        assert axes.lines
        if name == "plot_calibration_purchases_vs_holdout_purchases":
            none = table["frequency"] == 0
            expected = model.predict(92.0, *(table[c] for c in ("frequency", "recency", "T")))
            assert axes.lines[1].get_ydata()[0] == pytest.approx(expected[none].mean())
    finally:
        plt.close("all")


def lines_of(log):
    """The log's lines as lifetimes takes them."""
    return log.table.select("customer_id", "date").to_pandas().astype({"date": "datetime64[ns]"})


@pytest.mark.parametrize("freq", ["D", "W"])
def test_a_history_is_drawn_as_lifetimes_draws_it(freq):
    """Its own function needs pandas of before 2; ours takes what it takes, and draws the same line."""
    model = rm.BetaGeoFitter.from_parameters(
        dict(zip(["r", "alpha", "a", "b"], THETA, strict=True))
    )
    days = pd.DataFrame({"day": ["2024-01-01", "2024-01-01", "2024-01-22", "2024-02-05"]})
    axes = rm.plots.plot_history_alive(model, 100, days, "day", freq=freq, color="black")
    line = axes.lines[-1]
    step = 7 if freq == "W" else 1
    alive = line.get_ydata()
    assert len(alive) == 101
    at = np.array([21, 35]) // step
    expected = model.conditional_probability_alive([2.0], [float(at[1])], [100.0])
    assert alive[-1] == pytest.approx(float(expected[0]))
    assert alive[at[0] - 1] == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later = rm.plots.plot_history_alive(model, 100, days, "day", start_date="2024-02-01")
    assert later.get_xlim()[0] > axes.get_xlim()[0]
