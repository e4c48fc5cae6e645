"""Intervals of sums in closed form against simulated ones."""

from __future__ import annotations

import numpy as np
import pytest

import retention_models as rm
from cdnow_data import cdnow_sample
from retention_models.predictions import stores
from retention_models.predictions.stores import predict_path, predict_store


@pytest.fixture(scope="module")
def cdnow():
    """The CDNOW sample."""
    return cdnow_sample()


@pytest.fixture(scope="module", params=["BetaGeoFitter", "ParetoNBDFitter"])
def models(request, cdnow):
    """A purchase model and the spend model of the CDNOW sample."""
    repeat = cdnow[cdnow["frequency"] > 0]
    purchases = getattr(rm, request.param)().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    return purchases, rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])


@pytest.mark.nightly
def test_closed_form_agrees_with_simulation(models, cdnow, monkeypatch):
    """Same values, and half-widths within an eighth of those of 1,000 simulated futures."""
    simulated = predict_store(*models, cdnow, horizon=39, time_unit="W", draws=1_000)
    monkeypatch.setattr(stores, "_FEW", 0)
    closed = predict_store(*models, cdnow, horizon=39, time_unit="W")
    for name in ("still_customers", "purchases", "active_customers", "value", "top_tenth_share"):
        one, other = getattr(closed, name), getattr(simulated, name)
        assert one.value == pytest.approx(other.value, rel=1e-12), name
        assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.125), name


@pytest.mark.slow
def test_path_in_closed_form_agrees_with_simulation(models, cdnow, monkeypatch):
    """The same for the weeks to come."""
    ends = np.array([1.0, 13.0, 39.0])
    simulated = predict_path(models[0], cdnow, ends, draws=600)
    monkeypatch.setattr(stores, "_FEW", 0)
    closed = predict_path(models[0], cdnow, ends)
    assert closed["forecast"].to_numpy() == pytest.approx(simulated["forecast"].to_numpy())
    width = (closed["high"] - closed["low"]) / (simulated["high"] - simulated["low"])
    assert width.between(0.87, 1.13).all()


def test_many_customers_are_summed_in_closed_form(models, cdnow, monkeypatch):
    """1,653.4 purchases (REF, BG/NBD), and an interval that simulation gave: 1,490 to 1,830."""
    monkeypatch.setattr(stores, "_FEW", 0)
    forecast = predict_store(*models, cdnow, horizon=39, time_unit="W")
    assert forecast.purchases.low == pytest.approx(1_490, rel=0.05)
    assert forecast.purchases.high == pytest.approx(1_830, rel=0.05)


def test_no_interval_passes_what_there_is(models, cdnow, monkeypatch):
    """At a level of almost 1, of a store of 12: no more customers than 12, no share above 1."""
    monkeypatch.setattr(stores, "_FEW", 0)
    few = cdnow.head(12)
    forecast = predict_store(*models, few, horizon=39, time_unit="W", interval=0.999)
    for total in (forecast.still_customers, forecast.active_customers):
        assert total.low < total.value < total.high <= len(few)
    share = forecast.top_tenth_share
    assert share.low < share.value < share.high <= 1.0


def test_spend_without_a_variance_is_simulated(models, cdnow, monkeypatch):
    """At q + p·x ≤ 2 a sum has no variance, and its interval comes from simulated futures."""
    monkeypatch.setattr(stores, "_FEW", 0)
    fit = models[1].fit_
    heavy = rm.GammaGammaFitter.from_fit(
        type(fit)(
            **{
                **{name: getattr(fit, name) for name in fit.__slots__},
                "parameters": np.array([0.5, 1.4, 15.0]),
            }
        )
    )
    forecast = predict_store(models[0], heavy, cdnow.head(300), horizon=39, time_unit="W", draws=50)
    assert np.isfinite([forecast.value.low, forecast.value.high]).all()
    assert forecast.value.low < forecast.value.high
