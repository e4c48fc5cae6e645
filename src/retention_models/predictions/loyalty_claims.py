"""Claims about loyalty that shops hear, held against a store's own numbers, each with its doubt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, count, duration, marked, number, phrase, share
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
from retention_models.predictions.retention_in_short import RetentionInShort
from retention_models.predictions.retention_worth import RetentionWorth

Array = NDArray[np.float64]

_TINY = 1e-300
# A mean of fewer first orders has no standard error worth the name.
_FEWEST = 10
# What is said, from and to, and the points of retention that the first is about.
CLAIMED = {"retention": (25.0, 95.0), "repeat": (10.0, 10.0), "acquisition": (5.0, 5.0)}
CLAIMED_POINTS = 5.0
_CLAIMS = catalogue(
    {
        "retention": "5 points more retention bring 25% to 95% more profit",
        "repeat": "a repeat customer is worth ten first orders",
        "acquisition": "winning a customer costs five times as much as keeping one",
    }
)
MORE, LESS, AS_SAID, OPEN = (
    *(marked("more than is said"), marked("less than is said")),
    *(marked("as is said"), marked("open")),
)
_NO_WORTH = marked(
    "Missing: what retention is worth, from models of purchases and spend (retention_worth)."
)
_NO_REPEAT = marked(
    "Missing: what repeat customers are worth, from models of purchases and spend and the first "
    "orders (repeat_customer_worth)."
)
_NO_COST = marked("Missing: the acquisition cost, what it costs to win a new customer.")
_NO_CAMPAIGN = marked(
    "Missing: the cost per retained customer, from a campaign whose effect was estimated (economics)."
)


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
    first, first_variance = _mean_order(first_orders)
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
    order = margin * first
    ratio = Interval(both.value / order, both.low / order, both.high / order)
    spread = float(np.exp(z_of_interval(interval) * np.sqrt(first_variance)))
    of_first = Interval(first, first / spread, first * spread)
    sizes = int(np.isfinite(base.spend).sum()), np.asarray(first_orders).size
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


def _mean_order(first_orders: ArrayLike) -> tuple[float, float]:
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


@dataclass(frozen=True, slots=True, repr=False)
class LoyaltyClaims(Result):
    """What is said of loyalty, and what a store's own numbers say; from `loyalty_claims`.

    Attributes
    ----------
    table : DataFrame
        A row for each claim: claim, in words; said_low and said_high; value, low and high, the store's
        own (percent of profit, first orders, times); verdict, in words: "more than is said", "less than
        is said", "as is said" where the whole interval is so, else "open"; missing, which input a claim
        without numbers wants.

    Examples
    --------
    >>> import retention_models as rm
    >>> rm.loyalty_claims(acquisition_cost=40.0).table.shape[0]
    3
    """

    table: pd.DataFrame

    def _card(self) -> Card:
        facts = {str(row["claim"]): _line(row) for _, row in self.table.iterrows()}
        return Card("Claims about loyalty", facts, self.table)

    def of(self, *claims: str) -> LoyaltyClaims:
        """The claims of these names only.

        Parameters
        ----------
        *claims : {"retention", "repeat", "acquisition"}

        Returns
        -------
        LoyaltyClaims

        Raises
        ------
        SettingsError
            Of another name.

        Examples
        --------
        >>> import retention_models as rm
        >>> len(rm.loyalty_claims(acquisition_cost=40.0).of("acquisition").lines())
        1
        """
        unknown = [claim for claim in claims if claim not in _CLAIMS]
        if unknown:
            raise SettingsError(
                f"claims: expected names of {', '.join(_CLAIMS)}; got {unknown[0]!r}."
            )
        names = [phrase(_CLAIMS[claim]) for claim in claims]
        return LoyaltyClaims(self.table[self.table["claim"].isin(names)].reset_index(drop=True))

    def lines(self) -> list[str]:
        """Each claim in a sentence, with what the store's own numbers say or which input is missing.

        Returns
        -------
        list of str

        Examples
        --------
        >>> import retention_models as rm
        >>> len(rm.loyalty_claims(acquisition_cost=40.0).lines())
        3
        """
        return [
            phrase("{claim}: {found}", claim=row["claim"], found=_line(row))
            for _, row in self.table.iterrows()
        ]


def _line(row: pd.Series) -> str:
    if row["missing"]:
        return str(row["missing"])
    shown = number
    if row["claim"] == phrase(_CLAIMS["retention"]):
        shown = _percent
    value, low, high = (shown(float(row[name])) for name in ("value", "low", "high"))
    return phrase(
        "here {value} ({low} to {high}), {verdict}.",
        value=value,
        low=low,
        high=high,
        verdict=row["verdict"],
    )


def _percent(value: float) -> str:
    return share(value / 100.0, 1)


def loyalty_claims(
    *,
    worth: RetentionWorth | RetentionInShort | None = None,
    repeat: RepeatCustomerWorth | None = None,
    acquisition_cost: float | None = None,
    economics: pd.DataFrame | None = None,
) -> LoyaltyClaims:
    """Three claims that shops hear, beside the store's own numbers.

    Parameters
    ----------
    worth : RetentionWorth, optional
        From `retention_worth`, with 5 among its points, or ``store.retention_in_short``.
    repeat : RepeatCustomerWorth, optional
        From `repeat_customer_worth`.
    acquisition_cost : float, optional
        What it costs to win a new customer, in money, above 0.
    economics : DataFrame, optional
        Of a campaign's effect (`CampaignEffect.economics`), or of several one below the other: arm,
        cost_per_retained with its ends, refusal. Each arm gets its line.

    Returns
    -------
    LoyaltyClaims
        A claim whose input is not given has a line that names it.

    Raises
    ------
    SettingsError
        If the acquisition cost is not above 0.

    Notes
    -----
    Acquisition cost ÷ cost per retained customer has the ends of the latter, exchanged: the acquisition
    cost is given and taken as it is.

    Examples
    --------
    >>> arms = pd.DataFrame({"arm": ["coupon"], "cost_per_retained": [10.0], "refusal": [""],
    ...     "cost_per_retained_low": [8.0], "cost_per_retained_high": [16.0]})
    >>> print(loyalty_claims(acquisition_cost=40.0, economics=arms).lines()[2])
    winning a customer costs five times as much as keeping one: here 4.0 (2.5 to 5.0), open.
    """
    if acquisition_cost is not None and not 0.0 < acquisition_cost < np.inf:
        raise SettingsError(
            f"acquisition_cost: expected an amount of money above 0; got {acquisition_cost!r}."
        )
    rows = [_of_retention(worth), _of_repeat(repeat), *_of_costs(acquisition_cost, economics)]
    return LoyaltyClaims(pd.DataFrame(rows))


def _of_retention(worth: RetentionWorth | RetentionInShort | None) -> dict[str, object]:
    if worth is None:
        return _row("retention", None, phrase(_NO_WORTH))
    rows = worth.scenarios[worth.scenarios["points"] == CLAIMED_POINTS]
    if rows.empty:
        missing = phrase("Missing: 5 among the points of retention that were asked for.")
        return _row("retention", None, missing)
    row = rows.iloc[0]
    if row["refusal"]:
        return _row("retention", None, str(row["refusal"]))
    ends = (float(row[name]) for name in ("percent", "percent_low", "percent_high"))
    return _row("retention", Interval(*ends))


def _of_repeat(repeat: RepeatCustomerWorth | None) -> dict[str, object]:
    missing = phrase(_NO_REPEAT) if repeat is None else ""
    return _row("repeat", None if repeat is None else repeat.ratio, missing)


def _of_costs(
    acquisition_cost: float | None, economics: pd.DataFrame | None
) -> Iterable[dict[str, object]]:
    if acquisition_cost is None:
        return [_row("acquisition", None, phrase(_NO_COST))]
    if economics is None or economics.empty:
        return [_row("acquisition", None, phrase(_NO_CAMPAIGN))]
    names = [f"cost_per_retained{end}" for end in ("", "_high", "_low")]
    found = []
    for _, arm in economics.iterrows():
        costs = [float(arm.get(name, np.nan)) for name in names]
        if not np.isfinite(costs).all():
            said = str(arm.get("refusal", "")) or phrase(_NO_CAMPAIGN)
            found.append(_row("acquisition", None, said))
            continue
        found.append(_row("acquisition", Interval(*(acquisition_cost / cost for cost in costs))))
    return found


def _row(claim: str, found: Interval | None, missing: str = "") -> dict[str, object]:
    """A row of the table, by a store's own number or by what is missing of it."""
    least, most = CLAIMED[claim]
    row: dict[str, object] = {"claim": phrase(_CLAIMS[claim]), "said_low": least, "said_high": most}
    value, low, high = (np.nan,) * 3 if found is None else (found.value, found.low, found.high)
    verdict = ""
    if found is not None:
        verdict = phrase(
            MORE
            if low > most
            else LESS
            if high < least
            else AS_SAID
            if least <= low and high <= most
            else OPEN
        )
    return row | {
        "value": value,
        "low": low,
        "high": high,
        "verdict": verdict,
        "missing": missing,
    }
