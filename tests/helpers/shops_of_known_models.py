"""Shops whose customers come from models of known parameters, with those models."""

from __future__ import annotations

import numpy as np
import pandas as pd

import retention_models as rm

PURCHASES = {"r": 0.8, "alpha": 6.0, "a": 0.7, "b": 2.0}
SPEND = {"p": 6.0, "q": 4.0, "v": 15.0}


def simulated(customers, rng, model=rm.BetaGeoFitter, parameters=None):
    """A summary of new customers of known parameters, with spend."""
    r, alpha, shape, last = (parameters or PURCHASES).values()
    T = rng.uniform(10.0, 60.0, customers)
    rate = rng.gamma(r, 1.0 / alpha, (customers, 1))
    times = np.cumsum(rng.exponential(size=(customers, 150)) / rate, axis=1)
    if model is rm.ParetoNBDFitter:
        gone = rng.exponential(size=customers) / rng.gamma(shape, 1.0 / last, customers)
        bought = times <= np.minimum(T, gone)[:, None]
    else:
        most = rng.geometric(rng.beta(shape, last, customers))
        most -= model is rm.ModifiedBetaGeoFitter
        bought = (times <= T[:, None]) & (np.arange(150) < most[:, None])
    x = bought.sum(axis=1)
    recency = np.where(x > 0, times[np.arange(customers), np.maximum(x - 1, 0)], 0.0)
    level = rng.gamma(SPEND["q"], 1.0 / SPEND["v"], customers)
    spent = rng.gamma(np.maximum(SPEND["p"] * x, 1e-9)) / level / np.maximum(x, 1.0)
    columns = {"frequency": x.astype(float), "recency": recency, "T": T}
    summary = pd.DataFrame(columns | {"monetary_value": np.where(x > 0, spent, 0.0)})
    summary.attrs["time_unit"] = "W"
    return summary


def known_models(model=rm.BetaGeoFitter, parameters=None):
    """Models of purchases and spend of known parameters."""
    purchases = model.from_parameters(parameters or PURCHASES, time_unit="W")
    return purchases, rm.GammaGammaFitter.from_parameters(SPEND)
