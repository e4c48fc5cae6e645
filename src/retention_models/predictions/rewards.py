"""What a reward may cost: the largest that margin and extra purchases bear, and what is given anyway.

Coupon, gift, free shipping, cashback and points differ in what they are given on, the first purchase of
the window or every one, and in when they are redeemed, at once or at a later purchase. What would be
bought anyway is the model's expectation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import duration, phrase, share
from retention_models.languages.results import Card, Result
from retention_models.levels import Interval
from retention_models.models import gamma_gamma
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter, settled
from retention_models.models.histories import KnownCustomers, known_customers
from retention_models.models.interface import PurchaseModel
from retention_models.models.intervals import log_standard_error, mean_interval
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.predictions.customers import (
    Expectations,
    check_parameters,
    check_unit,
    expectations,
    unit_of,
)
from retention_models.predictions.determined import require_determined
from retention_models.time_units import days_in

Array = NDArray[np.float64]
RewardKind = Literal["coupon", "gift", "free shipping", "cashback", "points"]

# Whether a reward is given on every purchase of the window, and whether it is redeemed at a later one.
KINDS: dict[str, tuple[bool, bool]] = {
    "coupon": (False, False),
    "gift": (False, False),
    "free shipping": (True, False),
    "cashback": (True, True),
    "points": (True, True),
}
# Money or a rise so small, or one over it so large, tells nothing.
_LEAST = 1e-12
_ALL = "all"
# Quantities of a segment, each with its interval.
_TOLD = ("margin_anyway", "given_anyway", "break_even_lift", "largest", "profit")


@dataclass(frozen=True, slots=True, repr=False)
class RewardPrice(Result):
    """What a reward costs and must bring, by segment; from `price_reward`.

    Attributes
    ----------
    table : DataFrame
        Index segment, "all" first. customers whose spend is known, of whom all is told; bought_anyway,
        purchases expected in the window without the reward, and rewarded_anyway, those of them that it
        is given on; margin_anyway, what they earn; given_anyway, what the reward costs on purchases
        that come anyway; break_even_lift, the share by which purchases must rise; largest, the largest
        reward at the expected lift, as `size` is told; profit, at that size and lift. All but the first
        three with _low and _high; NaN where a size or lift is not given. refusal: why a number cannot
        be said, or empty.
    kind : str
    by_share : bool
        Whether sizes are shares of spend; else money.
    size : float or None
        Of one reward.
    lift : Interval or None
        Expected rise of purchases, as a share.
    days : float
        Of the window.
    interval : float
        Level of the intervals: the doubt of the models' parameters, and of the lift where it has ends.

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
    >>> told = {"days": 28, "by_share": True, "margin": 0.3, "lift": 0.25}
    >>> found = rm.price_reward(model, spend, summary, "coupon", size=0.05, **told)
    >>> found.table.index[0], found.size
    ('all', 0.05)
    """

    table: pd.DataFrame
    kind: str
    by_share: bool
    size: float | None
    lift: Interval | None
    days: float
    interval: float

    def _card(self) -> Card:
        every = self.table.loc[_ALL]
        facts = {
            "given to who buys anyway": _with_ends(every, "given_anyway"),
            "break-even lift": _with_ends(every, "break_even_lift", percent=True),
            "largest reward": _with_ends(every, "largest", percent=self.by_share),
            "profit": _with_ends(every, "profit"),
            "not said": str(every["refusal"]),
        }
        what = f"{self.kind} over {duration(self.days, 'D')}"
        title = f"Price of a reward, {what}, intervals of {share(self.interval)}"
        return Card(title, facts, self.table)


def _with_ends(row: pd.Series, name: str, *, percent: bool = False) -> str:
    ends = [float(row[name + end]) for end in ("", "_low", "_high")]
    if np.isnan(ends[0]):
        return ""
    value, low, high = (share(end, 1) if percent else f"{end:,.2f}" for end in ends)
    return f"{value} ({low} to {high})"


def price_reward(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    kind: RewardKind,
    *,
    days: float,
    size: float | None = None,
    by_share: bool = False,
    lift: Interval | float | None = None,
    redemption: float = 1.0,
    expiry_days: float | None = None,
    cost_share: float = 1.0,
    contact_cost: float = 0.0,
    groups: pd.DataFrame | None = None,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> RewardPrice:
    """What a reward costs, the lift at which it breaks even, and the largest that a lift bears.

    Parameters
    ----------
    purchases, spend, summary, margin, interval, time_unit
        As for `predict_customers`.
    kind : {"coupon", "gift", "free shipping", "cashback", "points"}
        Coupon and gift: once, on the first purchase of the window; free shipping, cashback and points:
        on each. Cashback and points are redeemed at a later purchase, if that comes before they expire.
    days : float
        Length of the window in which purchases are rewarded.
    size : float, optional
        Of one reward, above 0: money, or where `by_share` a share of the purchase's spend. For free
        shipping what it costs the shop to ship.
    by_share : bool
        Whether size, and the largest reward, are shares of spend.
    lift : Interval or float, optional
        Expected rise of purchases by the reward, as a share: .1 for 10%, such as a campaign's
        lift_percent ÷ 100. The ends of an `Interval` are taken to be of the level `interval`.
    redemption : float
        Share of the rewards that could be redeemed that are, above 0 and up to 1.
    expiry_days : float, optional
        Days after which cashback and points expire; wanted for these.
    cost_share : float
        What a unit of the reward's face value costs the shop, above 0 and up to 1: 1 for money off, 1 −
        margin for goods at cost.
    contact_cost : float
        What it costs to tell one customer, from 0.
    groups : DataFrame of bool, optional
        Index as the summary; a column for each segment, who may share customers.

    Returns
    -------
    RewardPrice

    Raises
    ------
    SettingsError
        If a parameter is out of range, or an expiry is missing or does not belong to the kind.
    CannotSay
        If the data are too short for the window, or no customer's spend tells anything.

    Notes
    -----
    With E_i expected purchases in the window, B_i those of them that are rewarded (E_i, or the chance
    of one at all where the reward is given once), s_i expected spend, c_i the cost of one reward (size ·
    cost_share · redemption, of cashback and points times the chance to buy again before they expire
    after a purchase today), margin m, n customers and contact cost k:

    G = m Σ E_i s_i,  C = Σ c_i B_i,  profit = L·G − (1 + L)·C − n·k

    so the break-even lift is (C + n·k) ÷ (G − C), and the largest size (L·G − n·k) ÷ ((1 + L) · C of
    size 1). A lift L is taken to raise rewarded purchases by the same share. How a reward's size changes
    the lift is not known to it: give the lift that you expect of about that size, at best from a
    campaign. What is given to who buys anyway is C: 1 ÷ (1 + L) of all that is given.

    Examples
    --------
    >>> from retention_models import BetaGeoFitter, SimulatedShop, customer_summary
    >>> import datetime as dt
    >>> shop = SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> summary = customer_summary(shop.log(until="2023-12-30"), time_unit="W")
    >>> back = summary[summary["frequency"] > 0]
    >>> spend = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    >>> model = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> told = {"days": 28, "by_share": True, "margin": 0.3, "lift": 0.25}
    >>> found = price_reward(model, spend, summary, "free shipping", size=0.05, **told)
    >>> found.table.loc["all", ["break_even_lift", "largest"]].round(3).tolist()
    [0.2, 0.06]
    """
    check_parameters(summary, days, 0.0, margin, interval)
    terms = _checked(kind, size, by_share, lift, redemption, expiry_days, cost_share, contact_cost)
    unit = unit_of(summary, time_unit)
    horizon = days / days_in(unit)
    check_unit(purchases, unit, horizon)
    purchases = settled(purchases)
    base = expectations(purchases, spend, summary, horizon, 0.0, 1.0)
    require_determined(purchases, base.known, horizon, unit)
    if not np.nansum(base.spend) > 0.0:
        raise CannotSay("No customer's spend tells anything, so no reward can be priced.")
    expiry = None if expiry_days is None else expiry_days / days_in(unit)
    shop = _Shop(purchases, spend, base, horizon, expiry, margin)
    table = _table(shop, terms, _segments(summary, groups), interval)
    return RewardPrice(table, kind, by_share, size, terms.lift, days, interval)


def _segments(summary: pd.DataFrame, groups: pd.DataFrame | None) -> pd.DataFrame:
    """Who is in which segment, all of them first."""
    inside = pd.DataFrame({_ALL: True}, index=summary.index)
    if groups is None:
        return inside
    if not groups.index.equals(summary.index):
        raise SettingsError("groups: expected the index of the summary, a row for each customer.")
    if _ALL in groups or not groups.columns.is_unique:
        raise SettingsError(f"groups: expected different names, none of them {_ALL!r}.")
    return inside.join(groups.astype(bool))


@dataclass(frozen=True, slots=True)
class _Terms:
    """A reward as declared; `unit_cost` is that of one of size 1 that is redeemed whenever it can be."""

    each: bool
    size: float | None
    by_share: bool
    lift: Interval | None
    unit_cost: float
    contact_cost: float


def _checked(
    kind: str,
    size: float | None,
    by_share: bool,
    lift: Interval | float | None,
    redemption: float,
    expiry_days: float | None,
    cost_share: float,
    contact_cost: float,
) -> _Terms:
    """A reward's terms, or an error that names the parameter."""
    if kind not in KINDS:
        raise SettingsError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}.")
    each, later = KINDS[kind]
    if size is not None and not 0.0 < size < (1.0 if by_share else np.inf):
        what = "a share above 0 and below 1" if by_share else "an amount of money above 0"
        raise SettingsError(f"size: expected {what}; got {size!r}.")
    check_shares(redemption=redemption, cost_share=cost_share)
    if not 0.0 <= contact_cost < np.inf:
        raise SettingsError(f"contact_cost: expected an amount from 0; got {contact_cost!r}.")
    if later != (expiry_days is not None):
        what = "wanted for cashback and points" if later else "of cashback and points only"
        raise SettingsError(f"expiry_days: {what}; got {expiry_days!r} for a {kind}.")
    if expiry_days is not None and not 0.0 < expiry_days < np.inf:
        raise SettingsError(f"expiry_days: expected days above 0; got {expiry_days!r}.")
    if lift is not None and not isinstance(lift, Interval):
        lift = Interval(float(lift), float(lift), float(lift))
    if lift is not None and not -1.0 < lift.low <= lift.value <= lift.high < np.inf:
        raise SettingsError(f"lift: expected a share above −1, low to high; got {lift!r}.")
    return _Terms(each, size, by_share, lift, cost_share * redemption, contact_cost)


def check_shares(**shares: float) -> None:
    """Refuse what is no share above 0, by name."""
    for name, value in shares.items():
        if not 0.0 < value <= 1.0:
            raise SettingsError(f"{name}: expected a share above 0 and up to 1; got {value!r}.")


@dataclass(frozen=True, slots=True)
class _Shop:
    """Customers with their models and the window."""

    purchases: PurchaseFitter
    spend: GammaGammaFitter
    base: Expectations
    horizon: float
    expiry: float | None
    margin: float

    @property
    def told(self) -> NDArray[np.bool_]:
        """Customers whose spend is known."""
        return np.isfinite(self.base.spend)

    def bought(self, parameters: Array, *, each: bool) -> Array:
        """Expected purchases of the window, or the chance of one at all, by customer."""
        model, known = self.purchases.model, self.base.known
        if each:
            found = known.expected(model, parameters, self.horizon)
        else:
            found = some_purchase(model, known, parameters, self.horizon)
        cells = np.broadcast_to(found, known.x_of_cell.shape)
        return np.asarray((known.alive(model, parameters) * cells[known.cell])[known.row])

    def redeemed(self, parameters: Array) -> Array:
        """The chance to buy again before a reward expires, after a purchase today, by customer."""
        if self.expiry is None:
            return np.ones(self.base.x.size)
        model, T = self.purchases.model, self.base.known.T[self.base.known.row]
        known = known_customers(self.base.x + 1.0, T, T, by_recency=model.recency_counts)
        again = some_purchase(model, known, parameters, self.expiry)
        return np.asarray((known.alive(model, parameters) * again[known.cell])[known.row])

    def spends(self, parameters: Array) -> Array:
        """Expected spend by customer, 0 where unknown."""
        found, told = np.zeros(self.base.x.size), self.told
        p, q, v = (float(each) for each in parameters)
        # A draw without a finite mean tells no spend; at its edge it is as large as told here.
        args = (self.base.x[told], self.base.m[told], p, max(q, 1.0 + 1e-6), v)
        found[told] = gamma_gamma.expected_spend(*args)
        return found


def some_purchase(
    model: PurchaseModel, known: KnownCustomers, parameters: Array, horizon: float
) -> Array:
    """P(a purchase in the window) of whoever is alive, shape (cells,)."""
    none = partial(model.alive.purchase_count_probability, 0, horizon)
    return np.broadcast_to(1.0 - known.of_alive(model, parameters, none), known.x_of_cell.shape)


def _table(shop: _Shop, terms: _Terms, inside: pd.DataFrame, interval: float) -> pd.DataFrame:
    """The table of `RewardPrice`."""
    members = inside.to_numpy(dtype=float) * shop.told[:, None]
    customers, fits = members.sum(axis=0), (shop.purchases.fit_, shop.spend.fit_)
    here = fits[0].parameters
    names = pd.Index(inside.columns, name="segment")
    table = pd.DataFrame({"customers": customers.astype(np.int64)}, index=names)
    table["bought_anyway"] = shop.bought(here, each=True) @ members
    table["rewarded_anyway"] = shop.bought(here, each=terms.each) @ members
    contact = terms.contact_cost * customers

    def sums(parameters: Array, of_spend: Array) -> tuple[Array, Array]:
        """G, and C of a reward of size 1, by segment."""
        spends = shop.spends(of_spend)
        earned = shop.margin * (shop.bought(parameters, each=True) * spends) @ members
        cost = shop.bought(parameters, each=terms.each) * shop.redeemed(parameters)
        if terms.by_share:
            cost = cost * spends
        return earned, terms.unit_cost * cost @ members

    def quantities(parameters: Array, of_spend: Array, lift: float) -> Array:
        return _quantities(*sums(parameters, of_spend), contact, terms.size, lift)

    lift = Interval(np.nan, np.nan, np.nan) if terms.lift is None else terms.lift
    found = _ends(fits, quantities, lift, interval)
    earned, cost = sums(here, fits[1].parameters)
    said = [_refusal(*each, terms) for each in zip(earned, cost, contact, strict=True)]
    for i, name in enumerate(_TOLD):
        least = -np.inf if name == "profit" else 0.0
        for end, values in zip(("", "_low", "_high"), found[:, i], strict=True):
            kept = np.array([name not in unsaid for unsaid, _ in said])
            table[name + end] = np.where(kept, np.maximum(values, least), np.nan)
    table["refusal"] = [text for _, text in said]
    return table


def _quantities(G: Array, C: Array, contact: Array, size: float | None, lift: float) -> Array:
    """What `_TOLD` names, by segment; NaN without a size or a lift."""
    given = C * (np.nan if size is None else size)
    rise = (given + contact) / np.maximum(G - given, _LEAST * np.maximum(G, _LEAST))
    largest = (lift * G - contact) / ((1.0 + lift) * np.maximum(C, _LEAST))
    return np.array([G, given, rise, largest, lift * G - (1.0 + lift) * given - contact])


def _refusal(earned: float, cost: float, contact: float, terms: _Terms) -> tuple[set[str], str]:
    """Names of what cannot be said of a segment, and why."""
    if not earned > 0.0:
        return set(_TOLD), phrase("Nobody here whose purchases and spend are known.")
    unsaid, why = set(), []
    if terms.size is not None and terms.size * cost >= earned:
        unsaid.add("break_even_lift")
        why.append(
            phrase(
                "The reward costs {part} of what the purchases that it is given on earn: no rise of "
                "purchases makes up for that.",
                part=share(terms.size * cost / earned),
            )
        )
    if terms.lift is not None and terms.lift.value * earned <= contact:
        unsaid.add("largest")
        why.append(
            phrase("The expected extra purchases do not even pay for contacting: no reward pays.")
        )
    return unsaid, " ".join(why)


def _ends(
    fits: tuple[MaximumLikelihoodFit, MaximumLikelihoodFit],
    quantities: Callable[[Array, Array, float], Array],
    lift: Interval,
    interval: float,
) -> Array:
    """Values and ends, shape (3, quantities, segments): doubt of models and of the lift, in squares."""
    at, of_spend = (fit.parameters for fit in fits)
    value = quantities(at, of_spend, lift.value)
    # `mean_interval` is of logs; a profit may be below 0, and is told in units of what is earned.
    scale = np.maximum(value[0], _LEAST)

    def told(theta: Array, psi: Array) -> Array:
        found = quantities(theta, psi, lift.value)
        logs = np.log(np.clip(found[:-1], _LEAST, 1.0 / _LEAST))
        return np.concatenate([logs, found[-1:] / scale])

    further = log_standard_error(lambda psi: told(at, psi), fits[1]) ** 2
    ends = mean_interval(lambda theta: told(theta, of_spend), fits[0], interval, further)
    low, high = (np.concatenate([end[:-1], scale * np.log(end[-1:])]) for end in ends[1:])
    moved = [quantities(at, of_spend, end) - value for end in (lift.low, lift.high)]
    least, most = np.minimum(*moved), np.maximum(*moved)
    below = np.hypot(value - low, np.nan_to_num(np.minimum(least, 0.0)))
    above = np.hypot(high - value, np.nan_to_num(np.maximum(most, 0.0)))
    return np.array([value, value - below, value + above])
