"""Models whose parameters are known: set as with lifetimes, or given to a constructor."""

import numpy as np
import pandas as pd
import pytest

import retention_models as rm

KNOWN = {
    "BetaGeoFitter": ({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, {}),
    "ModifiedBetaGeoFitter": ({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, {}),
    "ParetoNBDFitter": ({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, {}),
    "BetaGeoCNBDFitter": ({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, {"k": 2}),
    "ModifiedBetaGeoCNBDFitter": ({"r": 0.525, "alpha": 6.18, "a": 0.89, "b": 1.61}, {"k": 3}),
    "GammaGammaFitter": ({"p": 6.25, "q": 3.74, "v": 15.45}, {}),
}
PURCHASES = [name for name in KNOWN if name != "GammaGammaFitter"]
HISTORY = np.array([2.0, 0.0, 7.0]), np.array([30.43, 0.0, 20.0]), np.array([38.86, 38.86, 30.0])


def made(name, **changed):
    """A model of known parameters, some of them changed."""
    parameters, context = KNOWN[name]
    return getattr(rm, name).from_parameters({**parameters, **changed}, time_unit="W", **context)


def answer(model):
    """What a model says of three customers."""
    if isinstance(model, rm.GammaGammaFitter):
        return np.asarray(model.conditional_expected_average_profit([1, 3, 9], [20.0, 35.0, 50.0]))
    return np.asarray(model.conditional_expected_number_of_purchases_up_to_time(39.0, *HISTORY))


@pytest.mark.parametrize("name", KNOWN)
def test_a_model_of_known_parameters_answers_and_says_what_it_is(name):
    """Also after JSON; nothing is told of a doubt that nobody knows."""
    model = made(name)
    again = rm.from_json(model.to_json())
    assert answer(again) == pytest.approx(answer(model), rel=1e-14)
    assert (model.fit_.verdict, again.fit_.verdict) == ("given", "given")
    assert model.standard_errors_.isna().all()
    assert model.confidence_intervals_.isna().to_numpy().all()
    assert "given parameters, " in repr(model)
    assert "W" == again.time_unit_


@pytest.mark.parametrize("name", ["BetaGeoFitter", "ModifiedBetaGeoFitter", "ParetoNBDFitter"])
def test_parameters_are_restored_as_with_lifetimes(name):
    """Most applications that keep a model keep `params_`, as a dictionary or a Series."""
    lifetimes = pytest.importorskip("lifetimes")
    theirs, ours = getattr(lifetimes, name)(), getattr(rm, name)()
    theirs.params_ = ours.params_ = pd.Series(KNOWN[name][0])
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(39.0, *HISTORY)
    assert answer(ours) == pytest.approx(np.asarray(expected, dtype=float), rel=1e-6)


@pytest.mark.parametrize("name", KNOWN)
def test_a_changed_parameter_changes_the_answer(name):
    """Set whole or in place, on a new model or a fitted one: never another than `repr` shows."""
    first = next(iter(KNOWN[name][0]))
    in_place, whole = made(name), made(name)
    in_place.params_[first] = 2.5
    whole.params_ = {**KNOWN[name][0], first: 2.5}
    expected = answer(made(name, **{first: 2.5}))
    assert answer(in_place) == pytest.approx(expected, rel=1e-14)
    assert answer(whole) == pytest.approx(expected, rel=1e-14)
    assert f"{first}: 2.5" in repr(in_place)
    assert expected != pytest.approx(answer(made(name)))


def test_a_fitted_model_forgets_what_was_fitted():
    """Its data, standard errors and likelihood belong to other parameters."""
    model = rm.BetaGeoFitter().fit([0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39] * 6)
    model.params_["a"] = 0.5
    assert "given" == model.fit_.verdict
    assert np.isnan(model.log_likelihood_)
    assert model.standard_errors_.isna().all()
    with pytest.raises(rm.SettingsError, match="data are kept by fit"):
        _ = model.data


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"r": 1.0, "alpha": 2.0, "a": 0.5}, "b is missing"),
        ({"r": 1.0, "alpha": 2.0, "a": 0.5, "b": 1.0, "s": 1.0}, "s is of another model"),
        ({"r": -1.0, "alpha": 2.0, "a": 0.5, "b": 1.0}, "r to be a finite number above 0"),
        ({"r": np.nan, "alpha": 2.0, "a": 0.5, "b": 1.0}, "r to be a finite number above 0"),
        ({"r": True, "alpha": 2.0, "a": 0.5, "b": 1.0}, "r to be a finite number above 0"),
        ({"r": "1", "alpha": 2.0, "a": 0.5, "b": 1.0}, "r to be a finite number above 0"),
        ([1.0, 2.0, 0.5, 1.0], "by name"),
    ],
)
def test_what_is_no_parameter_is_refused_by_name(parameters, message):
    """Given to the constructor, set, or set in place."""
    with pytest.raises(rm.SettingsError, match=message):
        rm.BetaGeoFitter.from_parameters(parameters)
    model = rm.BetaGeoFitter()
    with pytest.raises(rm.SettingsError, match=message):
        model.params_ = parameters
    assert not hasattr(model, "fit_")


def test_what_a_model_needs_beside_its_parameters_is_asked_for():
    """Phases of regular buyers; how long a log in mid-life is."""
    with pytest.raises(rm.SettingsError, match="k"):
        rm.BetaGeoCNBDFitter.from_parameters(KNOWN["BetaGeoFitter"][0])
    with pytest.raises(rm.SettingsError, match="observed"):
        rm.MidLifeFitter.from_parameters({})
    with pytest.raises(rm.SettingsError, match="expected none"):
        rm.BetaGeoFitter.from_parameters(KNOWN["BetaGeoFitter"][0], k=2)


@pytest.mark.parametrize("name", PURCHASES)
def test_such_a_model_generates_customers(name):
    """It has no data, so it is told how long they are observed."""
    model = made(name)
    with pytest.raises(rm.SettingsError, match=r"T: .* no data"):
        model.generate_new_data(3)
    assert [39.0] * 5 == model.generate_new_data(5, T=39.0)["T"].tolist()
    with pytest.raises(rm.SettingsError, match="finite lengths"):
        model.generate_new_data(5, T=np.nan)


def test_its_predictions_hold_chance_alone():
    """Intervals of means, which are doubt alone, have no width; counts keep theirs."""
    summary = pd.DataFrame(dict(zip(("frequency", "recency", "T"), HISTORY, strict=True)))
    summary["monetary_value"] = 20.0
    table = rm.predict_customers(made("BetaGeoFitter"), None, summary, horizon=26, time_unit="W")
    assert table["expected_purchases_low"].tolist() == table["expected_purchases_high"].tolist()
    assert (table["purchases_high"] > table["purchases_low"]).any()


def test_a_penalizer_says_that_it_is_not_the_one_of_lifetimes():
    """With lifetimes' .01 r moves from .243 to .347."""
    with pytest.warns(UserWarning, match="logs of the parameters"):
        rm.BetaGeoFitter(penalizer_coef=0.01)
    with pytest.raises(rm.SettingsError, match="penalizer_coef"):
        rm.BetaGeoFitter(penalizer_coef=-1.0)


@pytest.mark.parametrize(
    ("parameters", "history", "horizon", "expected"),
    [
        ((0.05, 1.0, 0.05, 0.2), (0, 0.0, 30.0), 1000.0, 1.18772),
        ((0.243, 4.414, 0.5, 0.5), (0, 0.0, 38.86), 39.0, 0.1772363),
        ((0.243, 4.414, 1.0, 2.426), (2, 30.43, 38.86), 39.0, 1.1021368),
        ((0.243, 4.414, 1e-4, 1e8), (2, 30.43, 38.86), 39.0, 2.0214679),
    ],
)
def test_the_numbers_of_the_page_on_lifetimes_are_ours(parameters, history, horizon, expected):
    """Where lifetimes gives NaN, infinity or another number; of one customer a number comes back."""
    model = rm.BetaGeoFitter.from_parameters(
        dict(zip(("r", "alpha", "a", "b"), parameters, strict=True))
    )
    found = model.conditional_expected_number_of_purchases_up_to_time(horizon, *history)
    assert isinstance(found, float)
    assert found == pytest.approx(expected, rel=5e-6)


def test_a_number_of_one_customer_is_a_number_as_in_lifetimes():
    """So that the matrix that its heatmap of P(alive) draws can be made of a Pareto/NBD."""
    model = made("ParetoNBDFitter")
    assert isinstance(model.conditional_probability_alive(2, 30.43, 38.86), float)
    matrix = model.conditional_probability_alive_matrix(5, 4)
    assert (5, 6) == matrix.shape
    assert ((matrix > 0) & (matrix <= 1)).all()
    assert isinstance(model.expected_number_of_purchases_up_to_time(10), float)
    assert isinstance(model.probability_of_n_purchases_up_to_time(10, 2), float)
