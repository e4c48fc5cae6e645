"""Whether the data tell a total: its interval by the doubt of the parameters alone.

A forecast is judged by itself and not by its parameters, of which some can be open while the total is
known. Where a history is too short for its horizon the data leave the total open, however many customers
there are: then nothing is said but why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.languages import count, counted, duration, plural
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.histories import KnownCustomers
from retention_models.models.intervals import mean_interval
from retention_models.time_units import days_in

Array = NDArray[np.float64]

# A total that may be twice or half as large, for all that the data tell, is no ground for a plan: ends
# of its 90% interval further apart than this are refused.
OPEN_FACTOR = 4.0
_LEVEL = 0.90
# Where every log-parameter is known better than this no total is open.
_KNOWN = 0.3


def told_range(
    purchases: PurchaseFitter, known: KnownCustomers, horizon: float
) -> tuple[float, float]:
    """Ends of the 90% interval of all customers' expected purchases, by the doubt of the parameters."""
    customers, model = known.customers_by_row, purchases.model

    def log_total(parameters: Array) -> Array:
        alive, expected = known.alive_and_expected(model, parameters, horizon)
        return np.asarray(np.log(np.maximum((alive * expected) @ customers, 1e-300)))

    at_once = known.many_at_once(model)
    _, low, high = mean_interval(log_total, purchases.fit_, _LEVEL, at_once=at_once)
    return float(low), float(high)


def is_determined(purchases: PurchaseFitter, known: KnownCustomers, horizon: float) -> bool:
    """Whether the data tell the total to within a factor of two to either side."""
    low, high = _ends(purchases, known, horizon)
    return high <= OPEN_FACTOR * low


def require_determined(
    purchases: PurchaseFitter, known: KnownCustomers, horizon: float, unit: str
) -> None:
    """Refuse a horizon for which the data leave the total open."""
    low, high = _ends(purchases, known, horizon)
    if high <= OPEN_FACTOR * low:
        return
    week = 7.0 / days_in(unit)
    weeks = max(1, round(float(known.T.max()) / week))
    raise CannotSay(
        plural(
            "One week of data is too short to say what the next {ahead} will bring: anything from "
            "{low} to {high} purchases would fit it. Ask for less, or again when more is known.",
            "{n} weeks of data are too short to say what the next {ahead} will bring: anything from "
            "{low} to {high} purchases would fit them. Ask for less, or again when more is known.",
            weeks,
            ahead=duration(horizon, unit),
            low=count(low),
            high=count(high),
        )
    )


def require_groups_told(
    ends: Sequence[tuple[float, float]], customers: Sequence[int], horizon: float, unit: str
) -> None:
    """Refuse where groups with covariates of their own leave the total open; the widest is named.

    As if what is not known of one were not known of all others the same way, the widest case.
    """
    low, high = (float(sum(values)) for values in zip(*ends, strict=True))
    if high <= OPEN_FACTOR * low:
        return
    widest = max(range(len(ends)), key=lambda i: ends[i][1] - ends[i][0])
    raise CannotSay(
        "Of {n} with the same covariates the data leave open what the next {ahead} will bring: "
        "{low} or {times} times as many would fit. Put them with others, in one group, and fit "
        "the model anew.",
        n=counted(customers[widest], "customer"),
        ahead=duration(horizon, unit),
        low=counted(round(ends[widest][0]), "purchase"),
        times=count(min(ends[widest][1] / max(ends[widest][0], 1e-9), 1e6)),
    )


def _ends(purchases: PurchaseFitter, known: KnownCustomers, horizon: float) -> tuple[float, float]:
    fit = purchases.fit_
    if fit.posterior is None and np.diag(fit.log_covariance).max(initial=0.0) < _KNOWN**2:
        return 1.0, 1.0
    return told_range(purchases, known, horizon)
