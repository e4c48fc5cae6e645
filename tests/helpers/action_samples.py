"""Made-up customers for the lists of actions: facts by hand, and stores whose future is known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from retention_models.actions.segments import CustomerFacts, ModelTerms
from retention_models.errors import CannotSay
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.predictions.customers import predict_customers, rate_per_unit

END = dt.date(2023, 12, 31)
TERMS = {"horizon": 52.0, "annual_discount_rate": 0.1, "margin": 0.3, "interval": 0.9}
UNKNOWN = {
    "purchases": 1,
    "age": 300.0,
    "silence": 300.0,
    "mean_gap": np.nan,
    "first_day": pd.Timestamp(END),
    "last_day": pd.Timestamp(END),
    "categories": np.nan,
    "category": None,
    "score": np.nan,
    "complained": pd.NaT,
    "since_complaint": np.nan,
    "usual_gap": np.nan,
    "late_gap": np.nan,
    "probability_alive": np.nan,
    "probability_before": np.nan,
    "fall": np.nan,
    "clv": np.nan,
    "value_if_customer": np.nan,
}


def facts(**customers: dict) -> pd.DataFrame:
    """A table of facts: by customer, what is known; all else is not."""
    table = pd.DataFrame.from_dict(
        {name: UNKNOWN | known for name, known in customers.items()}, orient="index"
    )
    return table.astype({"purchases": "int64"})


def summary_of(x, t_x, T, m) -> pd.DataFrame:
    """A customer summary in weeks."""
    table = pd.DataFrame(
        {"frequency": np.asarray(x, dtype="int64"), "recency": t_x, "T": T, "monetary_value": m},
        index=pd.Index([f"{i:04d}" for i in range(len(x))], name="customer_id"),
    )
    table.attrs = {"time_unit": "W", "observation_end": END.isoformat(), "same_day": "one"}
    return table


def outlook_of(summary: pd.DataFrame) -> ModelTerms:
    """Models fitted to a summary, and what they predict."""
    purchases = BetaGeoFitter().fit(*(summary[c] for c in ("frequency", "recency", "T")))
    repeat = summary[summary["frequency"] > 0]
    spend = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    if "not identified" in {purchases.fit_.verdict, spend.fit_.verdict}:
        raise CannotSay("the sample carries no model")
    predictions = predict_customers(purchases, spend, summary, **TERMS)
    return ModelTerms(purchases, spend, predictions, **TERMS)


class World:
    """Customers of a BG/NBD with Gamma-Gamma spend, in continuous time, and what they do next.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Customers.
    r, alpha, a, b, p, q, v : float
        True parameters, per week.

    Attributes
    ----------
    times : ndarray, shape (size, n)
        Times of all purchases before the end of observation, from each customer's first; padded
        with infinity.
    left : ndarray of bool, shape (size,)
        Who has left by then.
    """

    def __init__(self, rng, size, r=0.9, alpha=3.0, a=0.6, b=4.0, p=2.0, q=4.0, v=60.0) -> None:
        self.rng, self.p = rng, p
        self.rate, self.leave = rng.gamma(r, 1.0 / alpha, size), rng.beta(a, b, size)
        self.level = rng.gamma(q, 1.0 / v, size)
        self.T = rng.uniform(26.0, 52.0, size)
        self.times, self.left = self._purchases(self.T, np.ones(size, dtype=bool))

    def _purchases(self, ends, active):
        """Times of purchases up to `ends`, and who has left after one of them."""
        rng, now, active = self.rng, np.zeros(ends.size), active.copy()
        left, columns = np.zeros(ends.size, dtype=bool), []
        while active.any():
            now = now + rng.exponential(size=now.size) / self.rate
            bought = active & (now <= ends)
            columns.append(np.where(bought, now, np.inf))
            leaves = bought & (rng.random(now.size) < self.leave)
            left |= leaves
            active = bought & ~leaves
        return np.stack(columns, axis=1), left

    def summary(self, weeks_ago: float = 0.0) -> pd.DataFrame:
        """The customers as known some weeks before the end of observation."""
        T = self.T - weeks_ago
        seen = np.where(self.times <= T[:, None], self.times, -np.inf)
        x = np.isfinite(seen).sum(axis=1)
        t_x = np.maximum(seen.max(axis=1), 0.0)
        paid = self.rng.gamma(np.maximum(self.p * x, 1e-9)) / self.level
        table = summary_of(x, t_x, T, np.where(x > 0, paid / np.maximum(x, 1), 0.0))
        return table[table["T"] >= 0.0]

    def future_value(self, who) -> np.ndarray:
        """Discounted margin that `who` bring in the horizon, as customers from now on; 0 of others."""
        ends = np.full(self.T.size, TERMS["horizon"])
        times, _ = self._purchases(ends, who)
        rate = rate_per_unit(TERMS["annual_discount_rate"], "W")
        paid = self.rng.gamma(self.p, size=times.shape) / self.level[:, None]
        return TERMS["margin"] * (paid * np.exp(-rate * times)).sum(axis=1)


def known_of(world: World) -> CustomerFacts:
    """The world's customers today and four weeks ago."""
    return CustomerFacts(world.summary(), world.summary(4.0))
