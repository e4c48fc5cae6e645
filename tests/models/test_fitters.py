"""lifetimes' vocabulary with our numbers: what the fitters publish, and how they get along."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from cdnow_data import cdnow_sample
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter

COLUMNS = ["frequency", "recency", "T"]


def columns(table):
    """Frequency, recency and T of a summary, as Series."""
    return tuple(table[name] for name in COLUMNS)


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample with its unit of time."""
    return cdnow_sample()


@pytest.fixture(scope="module")
def purchases(cdnow):
    """The purchase model of the CDNOW sample."""
    return BetaGeoFitter().fit(*columns(cdnow))


@pytest.fixture(scope="module")
def spend(cdnow):
    """The spend model of the CDNOW sample."""
    repeat = cdnow[cdnow["frequency"] > 0]
    return GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])


@pytest.fixture(scope="module")
def theirs(purchases):
    """The library's own purchase model with our parameters."""
    import lifetimes

    model = lifetimes.BetaGeoFitter()
    model.params_ = purchases.params_
    return model


def test_fitters_are_subclasses_of_those_of_lifetimes(purchases, spend):
    """Code that asks for lifetimes' classes accepts ours."""
    import lifetimes

    assert isinstance(purchases, lifetimes.BetaGeoFitter)
    assert isinstance(spend, lifetimes.GammaGammaFitter)


@pytest.mark.slow
def test_import_leaves_the_process_as_it_was():
    """The library silences FutureWarning and sets a pandas option; both are put back."""
    code = """
import json, warnings
import numpy, pandas, scipy.optimize.elementwise, scipy.special, scipy.stats
def state():
    return [[str(part) for part in entry] for entry in warnings.filters], str(
        pandas.get_option("mode.chained_assignment"))
before = state()
import retention_models.models.fitters
print(json.dumps([before, state()]))
"""
    # pandas 3 warns that the option is deprecated; that is not what is asked here.
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    before, after = json.loads(run.stdout)
    assert after == before


@pytest.mark.slow
def test_import_leaves_the_rest_of_autograd_importable():
    """Only its special functions are loaded with the fitters; the others come when asked for."""
    code = """
import sys
import retention_models.models.fitters
assert "scipy.stats" not in sys.modules
import autograd.scipy.stats
assert autograd.scipy.stats.norm.pdf(0.0) > 0.39
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_published_results_carry_lifetimes_names(purchases):
    """FHL: r .2425945, α 4.4136, a .79292, b 2.42590, LL −9582.4292, under lifetimes' names."""
    published = pd.Series({"r": 0.2425945, "alpha": 4.4136, "a": 0.79292, "b": 2.42590})
    assert purchases.params_.index.tolist() == published.index.tolist()
    assert purchases.params_.to_numpy() == pytest.approx(published.to_numpy(), abs=1e-5)
    assert purchases.log_likelihood_ == pytest.approx(-9582.4292, abs=5e-5)


def test_variance_matrix_is_symmetric_and_right_off_the_diagonal(purchases):
    """Estimates of r and α covary by .003706; lifetimes has .0674 and .0002 (REF)."""
    matrix = purchases.variance_matrix_
    assert matrix.loc["r", "alpha"] == pytest.approx(0.003706, abs=5e-7)
    assert matrix.to_numpy() == pytest.approx(matrix.to_numpy().T, rel=1e-12)
    assert purchases.standard_errors_.to_numpy() == pytest.approx(
        [0.01256, 0.37822, 0.18573, 0.70541], abs=6e-6
    )  # REF


def test_confidence_intervals_are_those_of_the_logs(purchases):
    """Bounds are estimate · exp(±1.96 · SE/estimate): positive, and around the estimate."""
    bounds = purchases.confidence_intervals_
    factor = np.exp(1.959964 * purchases.standard_errors_ / purchases.params_)
    assert bounds["lower 95% bound"].to_numpy() == pytest.approx(purchases.params_ / factor)
    assert bounds["upper 95% bound"].to_numpy() == pytest.approx(purchases.params_ * factor)


def test_summary_is_the_table_that_lifetimes_prints(purchases, spend):
    """Coefficients, standard errors and bounds, one row per parameter."""
    wanted = ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
    assert purchases.summary.columns.tolist() == wanted
    assert purchases.summary["coef"].equals(purchases.params_)
    assert spend.summary.index.tolist() == ["p", "q", "v"]
    assert "2357" in repr(purchases)


def test_data_are_kept_with_the_customers_index(cdnow, purchases, spend):
    """`data` holds what was fitted, a count of one per row."""
    assert purchases.data.index.equals(cdnow.index)
    assert purchases.data["recency"].equals(cdnow["recency"])
    assert purchases.data["weights"].eq(1.0).all()
    assert len(spend.data) == 946
    own = BetaGeoFitter().fit([1, 0], [2.0, 0.0], [5.0, 5.0], index=["x", "y"])
    assert own.data.index.tolist() == ["x", "y"]


def test_weighted_fit_equals_repeated_rows(cdnow):
    """weights= counts customers, in both models."""
    some = cdnow[cdnow["frequency"] > 0].head(200)
    counts = np.random.default_rng(1).integers(1, 4, len(some))
    repeated = some.loc[some.index.repeat(counts)]
    one = BetaGeoFitter().fit(*columns(some), weights=counts)
    other = BetaGeoFitter().fit(*columns(repeated))
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=1e-10)
    pair = ["frequency", "monetary_value"]
    one = GammaGammaFitter().fit(*(some[name] for name in pair), weights=counts)
    other = GammaGammaFitter().fit(*(repeated[name] for name in pair))
    assert one.params_.to_numpy() == pytest.approx(other.params_.to_numpy(), rel=1e-6)


def test_lists_arrays_and_series_give_one_fit(cdnow, purchases):
    """The container does not matter."""
    lists = BetaGeoFitter().fit(*(cdnow[name].tolist() for name in COLUMNS))
    assert lists.params_.to_numpy() == pytest.approx(purchases.params_.to_numpy(), rel=1e-12)


def test_predictions_keep_the_customers_index(cdnow, purchases, spend):
    """A Series in gives a Series out; predict is the conditional expectation."""
    got = purchases.predict(39, *columns(cdnow))
    assert got.index.equals(cdnow.index)
    assert got.sum() == pytest.approx(1653.4, abs=0.05)  # REF, 39-week holdout
    worth = spend.conditional_expected_average_profit(cdnow["frequency"], cdnow["monetary_value"])
    assert worth.index.equals(cdnow.index)
    # REF, first ten customers of Fader & Hardie (2013)
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert worth.head(10).to_numpy() == pytest.approx(published, abs=0.006)
    assert spend.conditional_expected_average_profit().index.equals(spend.data.index)


def test_conditional_expectation_equals_that_of_lifetimes(cdnow, purchases, theirs):
    """At the same parameters, on every CDNOW customer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes of 2020 on today's pandas and NumPy
        reference = theirs.conditional_expected_number_of_purchases_up_to_time(39, *columns(cdnow))
    got = purchases.predict(39, *columns(cdnow))
    assert got.to_numpy() == pytest.approx(np.asarray(reference), rel=1e-8)


def test_probability_alive_equals_that_of_lifetimes(purchases, theirs):
    """On the grid of frequency 0 to 29 and recency 0 to 39 weeks."""
    x, t_x = (grid.ravel() for grid in np.meshgrid(np.arange(30), np.arange(40)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes of 2020 on today's pandas and NumPy
        reference = theirs.conditional_probability_alive(x, t_x, 39)
    got = purchases.conditional_probability_alive(x, t_x, 39)
    assert got == pytest.approx(np.ravel(reference), rel=1e-10)


def test_expectation_and_counts_of_new_customers_equal_those_of_lifetimes(purchases, theirs):
    """E[X(t)] and P(X = n) for n small enough for lifetimes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes of 2020 on today's pandas and NumPy
        expectation = theirs.expected_number_of_purchases_up_to_time(39.0)
        chances = [theirs.probability_of_n_purchases_up_to_time(39.0, n) for n in range(20)]
    got = float(purchases.expected_number_of_purchases_up_to_time(39.0))
    assert got == pytest.approx(float(expectation), rel=1e-9)
    ours = purchases.probability_of_n_purchases_up_to_time(39.0, np.arange(20))
    assert ours == pytest.approx(np.ravel(chances), rel=1e-8)


@pytest.mark.parametrize("name", ["plot_probability_alive_matrix", "plot_frequency_recency_matrix"])
def test_plots_of_lifetimes_accept_the_model(name, cdnow):
    """The picture's numbers are our model's: between 0 and 1, or not negative."""
    import matplotlib as mpl

    mpl.use("Agg")
    import lifetimes.plotting
    from matplotlib import pyplot as plt

    model = BetaGeoFitter().fit(*columns(cdnow))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifetimes of 2020 on today's matplotlib
            axes = getattr(lifetimes.plotting, name)(model)
        picture = np.asarray(axes.images[0].get_array())
        assert picture.shape == (39, 30)
        assert np.all(picture >= 0.0)
        if name == "plot_probability_alive_matrix":
            assert np.all(picture <= 1.0)
            # Rows are recency, columns frequency; lifetimes' T is the longest in whole weeks.
            assert picture[10, 5] == pytest.approx(
                model.conditional_probability_alive(5, 10, 38)[0]
            )
    finally:
        plt.close("all")


def test_new_data_can_be_simulated_from_the_fit(cdnow):
    """The library's generator runs on our parameters; its mean frequency is near the data's 1.04."""
    model = BetaGeoFitter().fit(*columns(cdnow))
    state = np.random.get_state()  # noqa: NPY002 - lifetimes draws from NumPy's global generator
    try:
        np.random.seed(3)  # noqa: NPY002
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifetimes of 2020 on today's pandas and NumPy
            new = model.generate_new_data(size=2357)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    assert len(new) == 2357
    assert new["frequency"].mean() == pytest.approx(cdnow["frequency"].mean(), rel=0.2)


def test_lifetime_value_counts_months_in_the_datas_unit(cdnow, purchases, spend):
    """36.28 for customer 1 over 12 months of weekly data (REF), not 140.10 of 360 weeks."""
    arguments = (*columns(cdnow), cdnow["monetary_value"])
    value = spend.customer_lifetime_value(purchases, *arguments, freq="W")
    assert value.iloc[0] == pytest.approx(36.28, abs=0.05)
    assert value.name == "clv"


def test_lifetime_value_takes_the_unit_from_the_summary(cdnow, spend):
    """A T that carries its unit needs no freq."""
    T = cdnow["T"].copy()
    T.attrs["time_unit"] = "W"
    model = BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], T)
    value = spend.customer_lifetime_value(model, *columns(cdnow), cdnow["monetary_value"])
    assert value.iloc[0] == pytest.approx(36.28, abs=0.05)  # REF


def test_lifetime_value_warns_where_the_unit_is_not_known(cdnow, spend):
    """Days are assumed aloud: customer 1 then is worth 140.10 (REF), to 2%."""
    plain = [cdnow[name].to_numpy() for name in COLUMNS]
    model = BetaGeoFitter().fit(*plain)
    with pytest.warns(UserWarning, match="freq is not given"):
        value = spend.customer_lifetime_value(model, *plain, cdnow["monetary_value"].to_numpy())
    # lifetimes' month has 30 days, ours 30.4375.
    assert value[0] == pytest.approx(140.10, rel=0.02)


def test_lifetime_value_in_an_unknown_unit_is_an_error_that_names_freq(cdnow, purchases, spend):
    """Hours are not among our units."""
    with pytest.raises(SettingsError, match=r"freq|time_unit"):
        spend.customer_lifetime_value(purchases, *columns(cdnow), cdnow["monetary_value"], freq="H")


def test_predictions_before_the_fit_are_an_error_that_says_so():
    """Calling fit() comes first, in both models."""
    with pytest.raises(SettingsError, match=r"^BetaGeoFitter: call fit\(\)"):
        BetaGeoFitter().conditional_probability_alive(1, 2, 3)
    with pytest.raises(SettingsError, match=r"^GammaGammaFitter: call fit\(\)"):
        GammaGammaFitter().conditional_expected_average_profit([1], [2.0])


def test_unusable_inputs_are_refused_before_the_fit():
    """NaN recency, customers without repeats in a spend fit, nobody back, constant spend."""
    with pytest.raises(SettingsError, match=r"^recency: expected a finite number.*1: nan"):
        BetaGeoFitter().fit([1, 2], [1.0, np.nan], [5.0, 5.0])
    with pytest.raises(SettingsError, match=r"^frequency: .*0: 0"):
        GammaGammaFitter().fit([0, 2], [5.0, 6.0])
    with pytest.raises(CannotSay, match="second time"):
        BetaGeoFitter().fit([0, 0], [0.0, 0.0], [5.0, 9.0])
    with pytest.raises(CannotSay, match="spend the same"):
        GammaGammaFitter().fit([1, 2, 3], [5.0, 5.0, 5.0])


def test_penalised_fit_does_not_depend_on_the_unit_of_time(cdnow):
    """The library's penaliser acts on raw parameters, so its fit changes from weeks to days."""
    with pytest.warns(UserWarning, match="logs of the parameters"):
        weeks, days = BetaGeoFitter(penalizer_coef=0.01), BetaGeoFitter(penalizer_coef=0.01)
    weeks.fit(*columns(cdnow))
    days.fit(cdnow["frequency"], 7 * cdnow["recency"], 7 * cdnow["T"])
    assert days.params_.to_numpy() == pytest.approx(weeks.params_.to_numpy() * [1, 7, 1, 1])
    assert weeks.log_likelihood_ < BetaGeoFitter().fit(*columns(cdnow)).log_likelihood_
