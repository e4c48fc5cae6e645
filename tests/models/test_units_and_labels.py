"""What is given to a fitted model: its unit of time, the rows' labels, and what no history is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import SettingsError
from retention_models.models.maximum_likelihood import ascend


@pytest.fixture
def summary():
    """Eight customers in weeks, by id."""
    table = pd.DataFrame(
        {
            "frequency": [0, 2, 5, 0, 1, 3, 0, 8],
            "recency": [0.0, 30, 20, 0, 5, 31, 0, 36],
            "T": [39.0, 39, 30, 25, 39, 32, 20, 37],
            "monetary_value": [0.0, 12, 20, 0, 9, 30, 0, 11],
        },
        index=[f"c{i}" for i in range(8)],
    )
    table.attrs = {"time_unit": "W"}
    return table


@pytest.fixture
def model(summary):
    """The BG/NBD of them, which knows its unit."""
    return rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.fixture
def spend(summary):
    """The Gamma-Gamma of those who came back."""
    repeat = summary[summary["frequency"] > 0]
    return rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])


def test_units_are_not_mixed(summary, model, spend):
    """In no prediction that knows both."""
    days = summary.assign(recency=summary["recency"] * 7, T=summary["T"] * 7)
    days.attrs = {"time_unit": "D"}
    history = [days[name] for name in ("frequency", "recency", "T")]
    calls = (
        lambda: rm.predict_customers(model, None, days, horizon=10),
        lambda: rm.predict_customers(model, None, summary, horizon=10, time_unit="D"),
        lambda: rm.predict_store(model, None, days, horizon=10),
        lambda: model.predict(10, *history),
        lambda: model.conditional_probability_alive(*history),
        lambda: spend.customer_lifetime_value(model, *history, days["monetary_value"]),
        lambda: spend.customer_lifetime_value(
            model, *(summary[name] for name in summary), freq="D"
        ),
    )
    for call in calls:
        with pytest.raises(SettingsError, match=r"time_unit: .*'?[DW]'"):
            call()


@pytest.mark.parametrize("fitter", [rm.BetaGeoFitter, rm.ModifiedBetaGeoFitter, rm.ParetoNBDFitter])
def test_series_in_another_order_are_aligned(summary, fitter):
    """By the index of frequency; arrays stay by position."""
    x, other = summary["frequency"], summary.sort_values("recency")
    right = fitter().fit(x, summary["recency"], summary["T"])
    pd.testing.assert_series_equal(
        fitter().fit(x, other["recency"], other["T"]).params_, right.params_
    )
    for method, before in (("predict", (10,)), ("conditional_probability_alive", ())):
        ask = getattr(right, method)
        found = ask(*before, x, other["recency"], other["T"])
        np.testing.assert_array_equal(found, ask(*before, x, summary["recency"], summary["T"]))
    with pytest.raises(SettingsError, match=r"recency: its index does not match.*'c0'"):
        right.predict(10, x, other["recency"].drop("c0"), summary["T"])


def test_spend_in_another_order_is_aligned(summary, model, spend):
    """In fit, in expected spend and in lifetime value."""
    repeat = summary[summary["frequency"] > 0]
    other = summary.sort_values("monetary_value")["monetary_value"]
    mixed = repeat.sort_values("monetary_value")["monetary_value"]
    again = rm.GammaGammaFitter().fit(repeat["frequency"], mixed)
    pd.testing.assert_series_equal(again.params_, spend.params_)
    history = [summary[name] for name in ("frequency", "recency", "T")]
    pd.testing.assert_series_equal(
        spend.customer_lifetime_value(model, *history, other),
        spend.customer_lifetime_value(model, *history, summary["monetary_value"]),
    )
    with pytest.raises(SettingsError, match=r"monetary_value: its index does not match"):
        spend.conditional_expected_average_profit(repeat["frequency"], other)


@pytest.mark.parametrize(
    ("column", "value"),
    [("T", np.nan), ("T", np.inf), ("recency", 99.0), ("frequency", -1), ("recency", -2.0)],
)
def test_what_is_no_history_is_refused_by_row(summary, model, column, value):
    """With the row's label and the column's name, as fit does."""
    summary[column] = summary[column].astype(float)
    summary.loc["c3", column] = value
    history = [summary[name] for name in ("frequency", "recency", "T")]
    for call in (
        lambda: model.predict(10, *history),
        lambda: model.conditional_probability_alive(*history),
        lambda: model.conditional_probability_of_n_purchases_up_to_time(1, 10, *history),
        lambda: rm.predict_customers(model, None, summary, horizon=10),
        lambda: rm.predict_store(model, None, summary, horizon=10),
    ):
        with pytest.raises(SettingsError, match=rf"{column}: .*'c3'"):
            call()


@pytest.mark.parametrize("t", [-5.0, np.nan, np.inf, 1e200])
def test_a_horizon_that_is_none_is_refused(model, summary, t):
    """In place of negative or endless purchases."""
    with pytest.raises(SettingsError, match=r"^t: "):
        model.predict(t, [1], [3.0], [20.0])
    with pytest.raises(SettingsError, match=r"^horizon: "):
        rm.predict_customers(model, None, summary, horizon=t)


def test_a_horizon_of_a_billion_is_refused_in_words(model, summary):
    """It is no length of a customer's life, and its counts would fill the memory."""
    with pytest.raises(SettingsError, match=r"horizon: expected at most 100 years"):
        rm.predict_customers(model, None, summary, horizon=1e9)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parameters", [-1, 1.0, 1.0, 1.0]),
        ("parameters", [float("nan"), 1.0, 1.0, 1.0]),
        ("parameters", [1.0]),
        ("log_likelihood", "nan"),
        ("verdict", "fine"),
        ("time_unit", "fortnight"),
    ],
)
def test_json_that_no_fit_gives_is_refused(model, key, value):
    """By name, before any prediction."""
    content = json.loads(model.to_json()) | {key: value}
    with pytest.raises(SettingsError, match=key):
        rm.BetaGeoFitter.from_json(json.dumps(content))
    assert rm.BetaGeoFitter.from_json(model.to_json()).params_.equals(model.params_)


def test_a_pickle_of_lifetimes_is_told_from_our_files(tmp_path):
    """Nothing in it is run."""
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x05\x95\xff\x00")
    with pytest.raises(SettingsError, match=r"a pickle.*fit the model anew"):
        rm.BetaGeoFitter().load_model(path)


def test_a_search_that_begins_nowhere_is_not_converged():
    """A log-likelihood of minus infinity is no maximum."""
    nowhere = ascend(lambda phi: (-np.inf, phi, np.eye(1)), np.zeros(1))
    assert not nowhere.settled


def test_a_fit_to_repeat_buyers_only_is_remarked(summary):
    """Of a hundred customers some buy once."""
    many = pd.concat([summary] * 30)
    columns = ("frequency", "recency", "T")
    repeat = many[many["frequency"] > 0]
    told = rm.BetaGeoFitter().fit(*(repeat[name].to_numpy() for name in columns)).fit_.message
    assert "all of the 150 customers have bought again" in told
    usual = rm.BetaGeoFitter().fit(*(many[name].to_numpy() for name in columns)).fit_.message
    assert "bought again" not in usual
