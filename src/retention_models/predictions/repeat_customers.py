"""What a repeat customer is worth, in mean first orders, with its doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, duration, share
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, z_of_interval
from retention_models.models import gamma_gamma
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter, settled
from retention_models.models.intervals import log_standard_error, mean_interval
from retention_models.predictions.customers import (
    Expectations,
    check_parameters,
    check_unit,
    expectations,
    rate_per_unit,
    unit_of,
)
from retention_models.predictions.determined import require_determined

Array = NDArray[np.float64]
_TINY = 1e-300
# A mean of fewer first orders has no standard error worth the name.
_FEWEST = 10


@dataclass(frozen=True, slots=True, repr=False)
class RepeatCustomerWorth(Result):
    """What a repeat customer is worth, in first orders; from `repeat_customer_worth`.

    Attributes
    ----------
    clv : Interval
        Mean expected discounted margin of the horizon of customers who came back, in money.
    first_order : Interval
        Mean spend of a first purchase day, in money.
    ratio : Interval
        clv ÷ (margin · first_order): in first orders, whatever the margin.
    customers, first_orders : int
        How many each mean is over.
    horizon : float
        In units of time.
    time_unit : str
        "D", "W" or "M".
    interval : float
        Level of the intervals.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> summary = rm.customer_summary(log, time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> back = summary[summary["frequency"] > 0]
    >>> spend = rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    >>> found = rm.repeat_customer_worth(model, spend, summary, rm.first_orders(log), margin=0.3)
    >>> found.customers == len(back), found.time_unit
    (True, 'W')
    """

    clv: Interval
    first_order: Interval
    ratio: Interval
    customers: int
    first_orders: int
    horizon: float
    time_unit: str
    interval: float

    def _card(self) -> Card:
        facts = {
            "repeat customers": count(self.customers),
            "each worth": with_ends(self.clv),
            "first order": with_ends(self.first_order),
            "in first orders": with_ends(self.ratio),
        }
        ahead = duration(self.horizon, self.time_unit)
        return Card(
            f"A repeat customer over {ahead}, intervals of {share(self.interval)}",
            facts,
        )


def repeat_customer_worth(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    first_orders: ArrayLike,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> RepeatCustomerWorth:
    """What customers who came back will bring, each, over what a first order brings.

    Parameters
    ----------
    purchases, spend, summary, horizon, annual_discount_rate, margin, interval, time_unit
        As for `retention_worth`.
    first_orders : array_like
        Spend of customers' first purchases, in money, from `first_orders`.

    Returns
    -------
    RepeatCustomerWorth

    Raises
    ------
    SettingsError
        If a parameter is out of range or the unit is not known.
    CannotSay
        If nobody came back, fewer than 10 first orders are known or their mean is not above 0, or the
        data are too short for the horizon.

    Notes
    -----
    The mean is over all who bought again, also those who have most likely left since; what they have
    brought already is not counted. Variances on the scale of logarithms add up: of the purchases'
    parameters, of the spend's, and s² ÷ (n · mean²) of n first orders.

    Examples
    --------
    >>> from retention_models import BetaGeoFitter, SimulatedShop, customer_summary, first_orders
    >>> import datetime as dt
    >>> log = SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3).log(until="2023-12-30")
    >>> summary = customer_summary(log, time_unit="W")
    >>> back = summary[summary["frequency"] > 0]
    >>> spend = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    >>> model = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> found = repeat_customer_worth(model, spend, summary, first_orders(log), margin=0.3)
    >>> bool(found.ratio.low < found.ratio.value < found.ratio.high)
    True
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    unit = unit_of(summary, time_unit)
    check_unit(purchases, unit, horizon)
    first, first_variance = mean_order(first_orders)
    back = summary[summary["frequency"] > 0]
    if back.empty:
        raise CannotSay("No customer has come back yet, so there is no repeat customer to value.")
    purchases, rate = settled(purchases), rate_per_unit(annual_discount_rate, unit)
    base = expectations(purchases, spend, back, horizon, rate, margin)
    require_determined(purchases, base.known, horizon, unit)
    if not np.nansum(base.spend) > 0.0:
        raise CannotSay("No repeat customer's spend tells anything, so none can be valued.")
    clv, both = _mean_worth(
        purchases, spend, base, (horizon, rate, margin), interval, first_variance
    )
    sizes = int(np.isfinite(base.spend).sum()), np.asarray(first_orders).size
    order = first, first_variance
    return in_first_orders(clv, both, order, margin, sizes, (horizon, unit, interval))


def in_first_orders(
    clv: Interval,
    both: Interval,
    first_order: tuple[float, float],
    margin: float,
    sizes: tuple[int, int],
    terms: tuple[float, str, float],
) -> RepeatCustomerWorth:
    """A mean value over a first order, by its mean and the variance of that one's log.

    `both` has the doubt of value and order; terms: horizon, its unit, and the intervals' level.
    """
    (first, variance), (horizon, unit, interval) = first_order, terms
    order = margin * first
    ratio = Interval(both.value / order, both.low / order, both.high / order)
    spread = float(np.exp(z_of_interval(interval) * np.sqrt(variance)))
    of_first = Interval(first, first / spread, first * spread)
    return RepeatCustomerWorth(clv, of_first, ratio, *sizes, horizon, unit, interval)


def _mean_worth(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    base: Expectations,
    terms: tuple[float, float, float],
    interval: float,
    further: float,
) -> tuple[Interval, Interval]:
    """Mean value of customers whose spend is told, without and with a further variance of its log."""
    told, known, (horizon, rate, margin) = np.isfinite(base.spend), base.known, terms
    row, paid = known.row, np.nan_to_num(base.spend)

    def log_worth(parameters: Array) -> Array:
        alive = known.alive(purchases.model, parameters)
        bought = known.discounted(purchases.model, parameters, horizon, rate)[known.cell]
        total = margin * float(paid @ (alive * bought)[row]) / told.sum()
        return np.asarray(np.log(max(total, _TINY)))

    each = (base.factor * base.expected)[row][told]

    def log_by_spend(parameters: Array) -> Array:
        p, q, v = (float(value) for value in parameters)
        m = gamma_gamma.expected_spend(base.x[told], base.m[told], p, max(q, 1.0 + 1e-6), v)
        return np.asarray(np.log(max(float(each @ m), _TINY)))

    by_spend = log_standard_error(log_by_spend, spend.fit_) ** 2
    found = (
        mean_interval(log_worth, purchases.fit_, interval, by_spend + more)
        for more in (0.0, further)
    )
    one, both = (Interval(*(float(end) for end in ends)) for ends in found)
    return one, both


def mean_order(first_orders: ArrayLike) -> tuple[float, float]:
    """Mean of first orders, and the variance of its log."""
    orders = np.asarray(first_orders, dtype=float)
    if not np.isfinite(orders).all():
        raise SettingsError("first_orders: expected amounts of money; some are no finite numbers.")
    mean = float(orders.mean()) if orders.size else 0.0
    if orders.size < _FEWEST or mean <= 0.0:
        raise CannotSay(
            "First orders are too few, or bring nothing: {n} are known, at least {least} with a mean "
            "above 0 are needed.",
            n=count(orders.size),
            least=count(_FEWEST),
        )
    return mean, float(orders.var(ddof=1) / orders.size / mean**2)
