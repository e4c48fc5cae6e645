"""What a store's customers will do together, with chance and parameter doubt in every interval.

For one customer chance dwarfs what the parameters add (`predictions`). Summed over a store chance
averages out and the parameters' doubt does not. A store of few customers is simulated (`futures`); the
sums over many are normal, with moments in closed form (`totals`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import share
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, check_interval, tails_of, z_of_interval
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter, settled
from retention_models.models.histories import known_customers
from retention_models.models.inputs import require_unit
from retention_models.predictions.customers import (
    Expectations,
    check_parameters,
    check_unit,
    expectations,
    rate_per_unit,
    require_customers,
    unit_of,
)
from retention_models.predictions.determined import require_determined
from retention_models.predictions.simulation import (
    simulated_group_values,
    simulated_path,
    simulated_totals,
)
from retention_models.predictions.totals import (
    expected_purchases,
    expected_totals,
    finite_variance,
    path_intervals,
    total_intervals,
)

Array = NDArray[np.float64]

# Above so many customers the sum of their chances is normal, and needs no simulation.
_FEW = 5_000


@dataclass(frozen=True, slots=True, repr=False)
class StoreForecast(Result):
    """What the customers known today will do together, each with a predictive interval."""

    still_customers: Interval  # who have not left for good: the sum of P(alive)
    purchases: Interval  # purchase days of the window, of all customers together
    active_customers: Interval  # with at least one purchase in the window
    # discounted margin of the window; None without a spend model, or where no spend tells anything
    value: Interval | None
    # of that value, by the tenth of customers with the highest CLV
    top_tenth_share: Interval | None
    interval: float  # level of the intervals

    def _card(self) -> Card:
        facts = {
            "customers still": with_ends(self.still_customers),
            "purchases": with_ends(self.purchases),
            "who buy": with_ends(self.active_customers),
            "value": with_ends(self.value),
        }
        return Card(f"Forecast of today's customers, intervals of {share(self.interval)}", facts)


def predict_store(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
    draws: int = 1000,
    scatter: float = 0.0,
) -> StoreForecast:
    """Predict the store's totals over a horizon, with chance and parameter doubt together.

    Up to 5,000 customers futures are simulated: each draw takes parameters from their approximate
    posterior, then a rate, a dropout and a spend level for every customer from theirs, then a
    future. Repeatable: the seed is fixed. Of more customers, the totals are normal on the log
    scale, with their variances in closed form.

    Parameters
    ----------
    purchases, spend, summary, horizon, annual_discount_rate, margin, interval, time_unit
        As for `predict_customers`.
    draws : int
        Futures simulated, of a store of up to 5,000 customers.
    scatter : float
        Standard deviation, on the log scale and for this horizon, by which past totals of such stores
        were off beyond what their models said; it widens the intervals of all but customers still
        there and the top tenth's share.

    Returns
    -------
    StoreForecast
        Values are expectations at the fitted parameters, or where the data leave these open
        (``fit_.posterior``) at the centre of what they may be; customers whose spend tells nothing
        (`predict_customers`) are not in the money.

    Raises
    ------
    SettingsError
        If a parameter is out of range or the unit is not known.
    CannotSay
        If the data are too short for the horizon; see `predict_customers`.

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
    >>> found = rm.predict_store(model, spend, summary, horizon=26, margin=0.3, draws=100)
    >>> bool(found.purchases.low < found.purchases.value < found.purchases.high)
    True
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    if not summary.empty:
        require_customers(summary)
    _check_draws(draws)
    unit = unit_of(summary, time_unit)
    check_unit(purchases, unit, horizon)
    purchases = settled(purchases)
    rate = rate_per_unit(annual_discount_rate, unit)
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    require_determined(purchases, base.known, horizon, unit)
    return totals_of(purchases, spend, base, horizon, interval, draws, scatter)


def holdout_totals(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float,
    interval: float = 0.90,
    scatter: float = 0.0,
) -> StoreForecast:
    """`predict_store` without discount, however open the data leave the totals."""
    purchases = settled(purchases)
    base = expectations(purchases, spend, summary, horizon, 0.0, 1.0)
    return totals_of(purchases, spend, base, horizon, interval, 1000, scatter)


def totals_of(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    base: Expectations,
    horizon: float,
    interval: float,
    draws: int,
    scatter: float,
) -> StoreForecast:
    """The forecast of `predict_store`, of customers' expectations."""
    row = base.known.row
    clv = np.nan_to_num(base.factor[row] * base.spend * base.expected[row])
    priced = np.isfinite(base.spend)
    # Where nobody's spend is known there is nothing to add up, and no share of it.
    money = spend if clv.sum() > 0 else None
    top = np.zeros(clv.size, dtype=bool)
    top[np.argsort(-clv, kind="stable")[: int(np.ceil(priced.sum() / 10))]] = True
    if clv.size > _FEW and (money is None or finite_variance(money, base)):
        results = total_intervals(purchases, money, base, horizon, top, interval)
    else:
        totals = simulated_totals(purchases, money, base, horizon, top, draws)
        tails = tails_of(interval)
        ends = np.nanquantile(totals, tails, axis=0)
        values = expected_totals(purchases, money, base, horizon, top)
        results = [
            Interval(float(value), float(low), float(high))
            for value, low, high in zip(values, *ends, strict=True)
        ]
    value, share = results[3:] if money is not None else (None, None)
    count, active = (scattered(each, scatter, interval) for each in results[1:3])
    # No more customers buy than are with us still.
    most = max(active.value, results[0].high)
    active = Interval(active.value, active.low, min(active.high, most))
    value = None if value is None else scattered(value, scatter, interval)
    return StoreForecast(results[0], count, active, value, share, interval)


def scattered(total: Interval, scatter: float, interval: float) -> Interval:
    """A total whose interval allows for scatter beyond the model's, both normal on the log scale."""
    if scatter == 0.0 or not total.value > 0.0:
        return total
    further = z_of_interval(interval) * scatter
    below = np.hypot(np.log(total.value / max(total.low, 1e-300)), further)
    above = np.hypot(np.log(max(total.high, total.value) / total.value), further)
    return Interval(
        total.value, float(total.value * np.exp(-below)), float(total.value * np.exp(above))
    )


def predict_groups(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    draws: int = 1000,
) -> dict[str, Interval | None]:
    """Discounted margin that each of several groups brings, with chance and parameter doubt together.

    Groups, a column of booleans each, may share customers; 0 of a group without customers, None
    where no customer's spend tells anything. `draws` is for up to 5,000 customers; the rest is as
    in `predict_customers`.
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    _check_draws(draws)
    unit = unit_of(summary, None)
    check_unit(purchases, unit, horizon)
    purchases, rate = settled(purchases), rate_per_unit(annual_discount_rate, unit)
    sizes = groups.sum()
    small = groups.loc[:, (sizes > 0) & (sizes <= _FEW)]
    found: dict[str, Interval | None] = dict.fromkeys(groups, Interval(0.0, 0.0, 0.0))
    for name in sizes.index[sizes > _FEW]:
        chosen = summary.loc[groups[name]]
        base = expectations(purchases, spend, chosen, horizon, rate, margin)
        totals = totals_of(purchases, spend, base, horizon, interval, draws, 0.0)
        found[name] = totals.value
    members = small.any(axis=1)
    if members.any():
        chosen = summary.loc[members]
        base = expectations(purchases, spend, chosen, horizon, rate, margin)
        found |= _simulated_groups(
            purchases, spend, base, horizon, small.loc[members], interval, draws
        )
    return found


def _simulated_groups(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    base: Expectations,
    horizon: float,
    groups: pd.DataFrame,
    interval: float,
    draws: int,
) -> dict[str, Interval | None]:
    """`predict_groups` by simulation; every group has a customer, and every customer a group."""
    inside = groups.to_numpy(dtype=bool)
    values = simulated_group_values(purchases, spend, base, horizon, inside, draws)
    ends = np.quantile(values, tails_of(interval), axis=0)
    row = base.known.row
    each = np.nan_to_num(base.factor[row] * base.spend * base.expected[row])
    found: dict[str, Interval | None] = {}
    for name, member, low, high in zip(groups, inside.T, *ends, strict=True):
        told = bool(np.isfinite(base.spend[member]).any())
        value = Interval(float(each[member].sum()), float(low), float(high))
        found[name] = value if told else None
    return found


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise SettingsError(f"draws: expected at least 1 simulated future; got {draws!r}.")


def predict_path(
    purchases: PurchaseFitter,
    summary: pd.DataFrame,
    ends: Array,
    *,
    interval: float = 0.90,
    draws: int = 300,
) -> pd.DataFrame:
    """Purchases from today up to each of several `ends`, in time units, increasing, with an interval.

    By `ends`: forecast (expectation at the fitted parameters), low, high, which hold chance and
    parameter doubt. `draws` is for up to 5,000 customers.
    """
    _check_draws(draws)
    check_interval(interval)
    if not (np.all(np.diff(ends, prepend=0.0) > 0) and np.all(np.isfinite(ends))):
        raise SettingsError("ends: expected finite times above 0 that increase.")
    require_unit(purchases.time_unit_, summary.attrs.get("time_unit"), "the summary")
    purchases = settled(purchases)
    x, t_x, T = purchases.histories(summary["frequency"], summary["recency"], summary["T"])
    known = known_customers(x, t_x, T, by_recency=purchases.model.recency_counts)
    if x.size > _FEW:
        return path_intervals(purchases, known, ends, interval)
    forecast = expected_purchases(purchases, known, ends)
    totals = simulated_path(purchases, x, t_x, T, ends, draws)
    low, high = np.quantile(totals, tails_of(interval), axis=1)
    return pd.DataFrame({"forecast": forecast, "low": low, "high": high}, index=ends)
