"""What a repeat customer is worth in first orders, in little time: by some customers, for a page.

The mean value is that of all who came back, as their predictions have it; how far it moves with the
parameters is told by some of them, drawn with a chance by what they add.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import CannotSay
from retention_models.languages import marked
from retention_models.levels import Interval
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.models.intervals import log_standard_error, mean_interval
from retention_models.predictions.customers import unit_of
from retention_models.predictions.repeat_customers import (
    RepeatCustomerWorth,
    in_first_orders,
    mean_order,
)
from retention_models.predictions.retention_in_short import DrawnCustomers

Array = NDArray[np.float64]

_FEW = 120
_TINY = 1e-300
_OPEN = marked(
    "What repeat customers are worth in first orders is not told here: the data leave open how fast "
    "customers leave."
)


def repeat_in_short(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    predictions: pd.DataFrame,
    first_orders: ArrayLike,
    *,
    rate: float,
    horizon: float,
    margin: float,
    interval: float,
) -> RepeatCustomerWorth:
    """`repeat_customer_worth` from `predictions` of the same terms; `rate` per unit of time."""
    if purchases.fit_.posterior is not None:
        raise CannotSay(_OPEN)
    first, further = mean_order(first_orders)
    back = (summary["frequency"] > 0).to_numpy()
    if not back.any():
        raise CannotSay("No customer has come back yet, so there is no repeat customer to value.")
    people = summary.loc[back]
    told = predictions.loc[people.index]
    value = float(told["clv"].mean())
    if not value > 0.0:
        raise CannotSay("No repeat customer's spend tells anything, so none can be valued.")
    some = DrawnCustomers.drawn(purchases, people, told, (horizon, rate, margin), _FEW)
    here = purchases.fit_.parameters
    now = some.worth(here)

    def log_worth(parameters: Array) -> Array:
        return np.asarray(np.log(value * some.worth(parameters) / now))

    priced = some.priced_now()
    today = float(priced @ some.paid)

    def log_by_spend(parameters: Array) -> Array:
        return np.asarray(np.log(max(float(priced @ some.paid_by(parameters)) / today, _TINY)))

    # By the doubt of both models; and, where they are held against first orders, by that of these.
    by_spend = log_standard_error(log_by_spend, spend.fit_) ** 2
    doubts = by_spend + np.array([0.0, further])
    worth, low, high = mean_interval(log_worth, purchases.fit_, interval, doubts)
    clv, both = (Interval(float(worth), float(low[i]), float(high[i])) for i in range(2))
    sizes = int(told["clv"].notna().sum()), np.asarray(first_orders).size
    terms = horizon, unit_of(summary, None), interval
    return in_first_orders(clv, both, (first, further), margin, sizes, terms)
