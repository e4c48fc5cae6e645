"""Rewards issued and not yet redeemed: what they will cost before they expire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import count, share
from retention_models.languages.results import Card, Result
from retention_models.levels import Interval
from retention_models.models.fitters import PurchaseFitter, settled
from retention_models.models.histories import known_customers
from retention_models.models.intervals import mean_interval
from retention_models.predictions.customers import check_parameters, check_unit, unit_of
from retention_models.predictions.determined import require_determined
from retention_models.predictions.rewards import check_shares, some_purchase
from retention_models.time_units import days_in

Array = NDArray[np.float64]

_TINY = 1e-300


@dataclass(frozen=True, slots=True, repr=False)
class RewardLiability(Result):
    """What rewards that were issued will still cost; from `reward_liability`.

    Attributes
    ----------
    outstanding : float
        Face value of all, in money.
    redeemed : Interval
        Face value that will be redeemed before it expires.
    expires : Interval
        Face value that will not.
    cost : Interval
        What redeeming costs the shop: the liability.
    customers : int
        With rewards.
    interval : float
        Level of the intervals, which hold chance and the doubt of the parameters.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> summary = rm.customer_summary(log, time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> found = rm.reward_liability(model, summary, pd.Series(5.0, index=summary.index), expiry_days=90)
    >>> found.customers, found.outstanding
    (500, 2500.0)
    """

    outstanding: float
    redeemed: Interval
    expires: Interval
    cost: Interval
    customers: int
    interval: float

    def _card(self) -> Card:
        facts = {
            "customers": count(self.customers),
            "outstanding": f"{self.outstanding:,.2f}",
            **{
                name: f"{told.value:,.2f} ({told.low:,.2f} to {told.high:,.2f})"
                for name, told in (
                    ("redeemed", self.redeemed),
                    ("expires", self.expires),
                    ("liability", self.cost),
                )
            },
        }
        return Card(f"Rewards issued, intervals of {share(self.interval)}", facts)


def reward_liability(
    purchases: PurchaseFitter,
    summary: pd.DataFrame,
    balances: pd.Series,
    *,
    expiry_days: float,
    redemption: float = 1.0,
    cost_share: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> RewardLiability:
    """What rewards that customers hold will cost before they expire.

    Parameters
    ----------
    purchases, summary, interval, time_unit
        As for `predict_customers`.
    balances : Series of float
        Index customer_id, all of them in the summary: face value that each holds, in money, from 0.
    expiry_days : float
        Days from today until the rewards expire.
    redemption, cost_share : float
        As for `price_reward`.

    Returns
    -------
    RewardLiability

    Raises
    ------
    SettingsError
        If a parameter is out of range, or a balance is of a customer that the summary does not know.
    CannotSay
        If the data are too short for the time until the rewards expire.

    Notes
    -----
    A customer who buys before the rewards expire redeems all of them with chance ρ = redemption, with
    the first purchase: Σ b_i ρ q_i, q_i = 1 − P(no purchase). Its variance by chance is
    Σ b_i² ρ q_i (1 − ρ q_i), and the doubt of the parameters comes on top.

    Examples
    --------
    >>> from retention_models import BetaGeoFitter, SimulatedShop, customer_summary
    >>> import datetime as dt
    >>> shop = SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> summary = customer_summary(shop.log(until="2023-12-30"), time_unit="W")
    >>> model = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> held = pd.Series(5.0, index=summary.index)
    >>> found = reward_liability(model, summary, held, expiry_days=90)
    >>> bool(0.0 < found.cost.low < found.cost.value < found.cost.high < found.outstanding)
    True
    """
    check_parameters(summary, expiry_days, 0.0, 1.0, interval)
    check_shares(redemption=redemption, cost_share=cost_share)
    unit = unit_of(summary, time_unit)
    horizon = expiry_days / days_in(unit)
    check_unit(purchases, unit, horizon)
    held = _balances(summary, balances)
    purchases = settled(purchases)
    some = summary.loc[held.index]
    x, t_x, T = purchases.histories(some["frequency"], some["recency"], some["T"])
    known = known_customers(x, t_x, T, by_recency=purchases.model.recency_counts)
    total, face = float(held.sum()), held.to_numpy(dtype=float)
    if held.empty:
        nothing = Interval(0.0, 0.0, 0.0)
        return RewardLiability(0.0, nothing, nothing, nothing, 0, interval)
    require_determined(purchases, known, horizon, unit)

    def chances(parameters: Array) -> Array:
        buys = some_purchase(purchases.model, known, parameters, horizon)
        alive = known.alive(purchases.model, parameters)
        return redemption * (alive * buys[known.cell])[known.row]

    def log_redeemed(parameters: Array) -> Array:
        return np.asarray(np.log(max(float(face @ chances(parameters)), _TINY)))

    at = chances(purchases.fit_.parameters)
    value = max(float(face @ at), _TINY)
    by_chance = float(face**2 @ (at * (1.0 - at))) / value**2
    ends = mean_interval(log_redeemed, purchases.fit_, interval, by_chance)
    redeemed = Interval(*(min(float(end), total) for end in ends))
    expires = Interval(total - redeemed.value, total - redeemed.high, total - redeemed.low)
    cost = Interval(*(cost_share * end for end in (redeemed.value, redeemed.low, redeemed.high)))
    return RewardLiability(total, redeemed, expires, cost, len(held), interval)


def _balances(summary: pd.DataFrame, balances: pd.Series) -> pd.Series:
    """Balances above 0, of customers that the summary knows."""
    if not np.isfinite(balances.to_numpy(dtype=float)).all() or bool((balances < 0).any()):
        raise SettingsError("balances: expected amounts of money from 0, without gaps.")
    if not balances.index.is_unique:
        raise SettingsError("balances: expected one balance for each customer; some have several.")
    unknown = balances.index.difference(summary.index)
    if len(unknown):
        raise SettingsError(
            f"balances: {len(unknown):,} customers are not in the summary, such as {unknown[0]!r}; "
            "leave them out, or make the summary of the log that knows them."
        )
    return balances[balances > 0]
