"""The Modified and Pareto fitters beside lifetimes' own, and saving of every model as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.errors import CannotSay, SettingsError

# MBG/NBD: Batislam et al.'s model fitted to the sample; Pareto/NBD: Fader & Hardie (2005), note 009.
PUBLISHED = {
    "ModifiedBetaGeoFitter": ((0.524843, 6.183086, 0.891359, 1.614001), -9582.13572),
    "ParetoNBDFitter": ((0.553277, 10.577684, 0.60624, 11.668732), -9594.97618),
}
ALL = ["BetaGeoFitter", "ModifiedBetaGeoFitter", "ParetoNBDFitter", "GammaGammaFitter"]


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample."""
    return cdnow_sample()


@pytest.fixture(scope="module")
def fitted(cdnow):
    """Each fitter, fitted to the CDNOW sample."""
    repeat = cdnow[cdnow["frequency"] > 0]
    history = cdnow["frequency"], cdnow["recency"], cdnow["T"]
    models = {name: getattr(rm, name)().fit(*history) for name in ALL[:3]}
    spend = rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    return {**models, "GammaGammaFitter": spend}


@pytest.mark.parametrize("name", PUBLISHED)
def test_estimates_are_the_published_ones_under_lifetimes_names(name, fitted):
    """Parameters to five digits, and the plain log-likelihood."""
    import lifetimes

    parameters, log_likelihood = PUBLISHED[name]
    model = fitted[name]
    assert isinstance(model, getattr(lifetimes, name))
    assert model.params_.to_numpy() == pytest.approx(parameters, rel=2e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_predictions_equal_those_of_lifetimes_where_it_is_right(name, fitted, cdnow):
    """Expectation of 39 weeks, P(alive) and E[X(t)], at our parameters."""
    import lifetimes

    ours, theirs = fitted[name], getattr(lifetimes, name)()
    theirs.params_ = ours.params_
    some = cdnow[cdnow["frequency"] > 0].head(200)
    history = some["frequency"], some["recency"], some["T"]
    assert np.asarray(ours.predict(39, *history)) == pytest.approx(
        np.asarray(
            theirs.conditional_expected_number_of_purchases_up_to_time(39, *history), dtype=float
        ),
        rel=1e-6,
    )
    assert ours.conditional_probability_alive(*history) == pytest.approx(
        np.asarray(theirs.conditional_probability_alive(*history)), rel=1e-6
    )
    t = np.array([1.0, 39.0])
    assert ours.expected_number_of_purchases_up_to_time(t) == pytest.approx(
        np.asarray(theirs.expected_number_of_purchases_up_to_time(t)), rel=1e-6
    )


@pytest.mark.parametrize("name", ALL)
def test_a_model_saved_as_json_predicts_as_before(name, fitted, cdnow, tmp_path):
    """Every number survives; data of customers are not in it."""
    model = fitted[name]
    text = model.to_json()
    assert "data" not in json.loads(text)
    again = rm.from_json(text)
    assert type(again) is type(model)
    assert again.params_.equals(model.params_)
    assert again.variance_matrix_.equals(model.variance_matrix_)
    assert again.fit_.aic == model.fit_.aic
    assert again.to_json() == text
    model.save_model(tmp_path / "model.json")
    loaded = type(model)()
    loaded.load_model(tmp_path / "model.json")
    assert loaded.params_.equals(model.params_)
    with pytest.raises(SettingsError, match="data are kept by fit"):
        _ = loaded.data
    if name != "GammaGammaFitter":
        ours = rm.predict_customers(again, None, cdnow.head(20), horizon=9, time_unit="W")
        theirs = rm.predict_customers(model, None, cdnow.head(20), horizon=9, time_unit="W")
        assert ours.equals(theirs)


def test_a_limit_survives_saving():
    """The limit without dropout keeps what it allows of dropout, and an infinite condition."""
    x, T = np.array([1.0, 2.0, 5.0, 3.0, 9.0, 0.0]), np.full(6, 20.0)
    model = rm.BetaGeoFitter().fit(x, np.where(x > 0, T, 0.0), T)
    again = rm.from_json(model.to_json())
    assert (again.fit_.verdict, again.fit_.message) == (model.fit_.verdict, model.fit_.message)
    assert again.fit_.allowed.tolist() == model.fit_.allowed.tolist()
    assert again.fit_.condition_number == model.fit_.condition_number


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no JSON", '{"format": "other"}'])
def test_text_that_is_no_fit_is_refused(text):
    """Nothing is guessed, and nothing is run."""
    with pytest.raises(SettingsError, match="expected the JSON that to_json gave"):
        rm.from_json(text)


def test_a_fit_of_another_model_is_refused_by_name(fitted):
    """Parameters of the same names would give plausible wrong numbers."""
    with pytest.raises(SettingsError, match="expected a fit of BG/NBD; got one of MBG/NBD"):
        rm.BetaGeoFitter.from_json(fitted["ModifiedBetaGeoFitter"].to_json())
    with pytest.raises(SettingsError, match=r"expected the parameters r, alpha, a, b of BG/NBD"):
        rm.BetaGeoFitter.from_fit(fitted["ParetoNBDFitter"].fit_)


@pytest.mark.parametrize("name", ALL[:3])
def test_nobody_who_came_back_is_an_error_that_says_so(name):
    """Estimates without standard errors are what lifetimes gives here."""
    with pytest.raises(CannotSay, match="None of the 3 customers has bought a second time"):
        getattr(rm, name)().fit([0, 0, 0], [0.0, 0.0, 0.0], [5.0, 7.0, 9.0])


@pytest.mark.parametrize("name", ALL[:3])
def test_a_changed_column_does_not_change_the_fitted_data(name, cdnow):
    """Columns are not copied, and still the model keeps what it was fitted to."""
    frame = cdnow.head(50).copy()
    model = getattr(rm, name)().fit(frame["frequency"], frame["recency"], frame["T"])
    before = frame["T"].iloc[0]
    frame.loc[frame.index[0], "T"] = 99.0
    assert model.data["T"].iloc[0] == before
    assert (len(model.data), model.generate_new_data(size=5).shape[0]) == (50, 5)
