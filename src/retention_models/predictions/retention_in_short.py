"""What retention is worth, in little time: `retention_worth` by some customers, for a page.

R and V as there, of customers drawn with a chance by what they add to either. κ is found at the
estimates; as the parameters move it is followed by its slope, κ(θ) = κ − (R(κ, θ) − R(1, θ) − points)
÷ R'(κ), so that each set of parameters takes a few values of κ, all at once, and no curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.languages import marked, share, spoken
from retention_models.models import gamma_gamma
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.models.histories import KnownCustomers, known_customers
from retention_models.models.interface import PurchaseModel
from retention_models.models.intervals import log_standard_error, mean_interval
from retention_models.predictions.dropout_cuts import buys, cut_for, drawn_by_size, stays_and_buys
from retention_models.predictions.retention_worth import POINTS

Array = NDArray[np.float64]

# Customers for the estimates, and for how far they move with the parameters.
_MANY, _FEW = 600, 120
_DEGREE, _NODES = 5, 1
_TINY = 1e-300
_NOBODY = 1e-9
_OPEN = marked(
    "What more retention would bring is not told here: the data leave open how fast customers leave."
)
_NOBODY_LEAVES = marked(
    "Nobody is seen to leave for good, so no retention is left to win by the model."
)


@dataclass(frozen=True, slots=True)
class RetentionInShort:
    """Retention today, a share; and a row for each number of points that can be won.

    Columns: points; more, more_low and more_high, money above today's profit; percent with its ends;
    refusal, which is empty.
    """

    retention: float
    scenarios: pd.DataFrame


def retention_in_short(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    rate: float,
    horizon: float,
    margin: float,
    interval: float,
    points: Sequence[float] = POINTS,
) -> RetentionInShort:
    """Worth of more points of retention, from customers' `predictions` of the same terms.

    `rate` is per unit of time. Refused where the data leave parameters open, or nobody is seen to leave.
    """
    if purchases.fit_.posterior is not None:
        raise CannotSay(_OPEN)
    value = predictions["clv"].fillna(0.0).to_numpy(dtype=float)
    if not value.sum() > 0.0:
        raise CannotSay("No customer's spend tells anything, so retention has no worth in money.")
    terms = horizon, rate, margin
    many, few = (
        DrawnCustomers.drawn(purchases, summary, predictions, terms, size) for size in (_MANY, _FEW)
    )
    here = purchases.fit_.parameters
    nodes = (1.0 + np.cos(np.pi * np.arange(_DEGREE + 1) / _DEGREE)) / 2.0
    kept, worth = (
        Chebyshev.fit(nodes, each, _DEGREE, domain=[0, 1]) for each in many.curves(here, nodes)
    )
    now = float(kept(1.0))
    if 1.0 - now < _NOBODY:
        raise CannotSay(_NOBODY_LEAVES)
    within = [each for each in points if now + each / 100.0 <= 1.0]
    if not within:
        raise CannotSay(
            "{kept} of today's customers stay by the model, so not even {points} more can be won.",
            kept=share(now, 1),
            points=spoken().figures(f"{min(points):g}"),
        )
    cuts = np.array([cut_for(kept, each) for each in within])
    told = _gains((many, few), (kept, worth), np.append(1.0, cuts), within, interval, spend)
    shares, more = np.split(np.array(told), 2, axis=1)
    more, percent = more * value.sum(), 100.0 * shares
    columns = ("more", "more_low", "more_high"), ("percent", "percent_low", "percent_high")
    table: dict[str, object] = {"points": within, "refusal": ""}
    for names, ends in zip(columns, (more, percent), strict=True):
        table |= dict(zip(names, ends, strict=True))
    return RetentionInShort(now, pd.DataFrame(table))


def _gains(
    drawn: tuple[DrawnCustomers, DrawnCustomers],
    curves: tuple[Chebyshev, Chebyshev],
    cuts: Array,
    points: Sequence[float],
    interval: float,
    spend: GammaGammaFitter,
) -> tuple[Array, Array, Array]:
    """Shares of today's profit gained, then of what it is by the estimates, each with its ends.

    All (2 · points,), the value, low and high; `cuts` are 1, then κ of each number of points.
    """
    (kept, worth), (many, few), at = curves, drawn, cuts[1:]
    gain = np.maximum(worth(at) / worth(1.0) - 1.0, _TINY)
    falls, rises = np.minimum(kept.deriv()(at), -_TINY), worth.deriv()(at) / worth(at)
    retained, profit = few.curves(few.purchases.fit_.parameters, cuts)
    won, gained = retained[1:] - retained[0], profit[1:] / profit[0] - 1.0

    def log_gain(parameters: Array) -> Array:
        of, money = few.curves(parameters, cuts)
        moved = np.maximum(-(of[1:] - of[0] - won) / falls, -at)
        then = money[1:] / money[0] * (1.0 + rises * moved) - 1.0
        return _logs(gain * then / np.maximum(gained, _TINY), money[0] / profit[0])

    priced = many.priced(cuts)
    today = float(priced[0] @ many.paid)

    def log_by_spend(parameters: Array) -> Array:
        now, *then = priced @ many.paid_by(parameters)
        return _logs(np.array(then) / now - 1.0, now / today)

    further = log_standard_error(log_by_spend, spend.fit_) ** 2
    return mean_interval(log_gain, few.purchases.fit_, interval, further)


def _logs(gain: Array, level: float) -> Array:
    """Logs of gains as shares of their own today, and of today's at the estimates."""
    logs = np.log(np.maximum(gain, _TINY))
    return np.concatenate([logs, logs + np.log(max(float(level), _TINY))])


@dataclass(frozen=True, slots=True)
class DrawnCustomers:
    """Customers drawn by what they add, each weighed by one over its chance."""

    purchases: PurchaseFitter
    known: KnownCustomers
    m: Array
    times: Array
    paid: Array
    terms: tuple[float, float, float]

    @classmethod
    def drawn(
        cls,
        purchases: PurchaseFitter,
        summary: pd.DataFrame,
        predictions: pd.DataFrame,
        terms: tuple[float, float, float],
        most: int,
    ) -> DrawnCustomers:
        """In even steps of customers in the order of their rates, who are alike beside each other."""
        predictions = predictions.loc[summary.index]
        alive = predictions["probability_alive"].to_numpy(dtype=float)
        adds = alive, predictions["clv"].fillna(0.0).to_numpy(dtype=float)
        size = np.sum([each / max(each.sum(), _TINY) for each in adds], axis=0)
        rates = predictions["expected_purchases"].to_numpy(dtype=float) / np.maximum(alive, _TINY)
        # Rates that differ by rounding are the same, so that who is drawn does not hang on it.
        order = np.argsort(np.log(np.maximum(rates, _TINY)).round(9), kind="stable")
        chosen, times = order, np.ones(size.size)
        if size.size > most:
            places, times = drawn_by_size(size[order], most)
            chosen = order[places]
        part = summary.iloc[chosen]
        x, t_x, T = purchases.histories(part["frequency"], part["recency"], part["T"])
        known = known_customers(x, t_x, T, by_recency=purchases.model.recency_counts)
        m = part["monetary_value"].to_numpy(dtype=float)
        paid = predictions["expected_spend"].to_numpy(dtype=float)[chosen]
        return cls(purchases, known, m, times, np.nan_to_num(paid), terms)

    @property
    def model(self) -> PurchaseModel:
        """The model of purchases."""
        return self.purchases.model

    def curves(self, parameters: Array, cuts: Array) -> tuple[Array, Array]:
        """R(κ) and V(κ) at each κ, both of shape (cuts,)."""
        alive, kept, bought = self._by_cell(parameters, cuts)
        heads, money = (self._summed(alive * each) for each in (self.times, self.times * self.paid))
        return kept @ heads / max(heads.sum(), _TINY), np.maximum(
            self.terms[2] * (bought @ money), _TINY
        )

    def worth(self, parameters: Array) -> float:
        """V(1), what they are worth as things are."""
        alive, bought = self._as_things_are(parameters)
        return max(float(self.terms[2] * (bought @ (alive * self.times * self.paid))), _TINY)

    def priced(self, cuts: Array) -> Array:
        """Each drawn customer's margin · P(alive) · D at every κ, weighed, shape (cuts, customers)."""
        alive, _, bought = self._by_cell(self.purchases.fit_.parameters, cuts)
        return np.asarray(self.terms[2] * self.times * alive * bought[:, self._cell])

    def priced_now(self) -> Array:
        """`priced` as things are, shape (customers,)."""
        alive, bought = self._as_things_are(self.purchases.fit_.parameters)
        return np.asarray(self.terms[2] * self.times * alive * bought)

    def paid_by(self, parameters: Array) -> Array:
        """Expected spend at parameters of the spend model; 0 of whom it is not told."""
        p, q, v = (float(each) for each in parameters)
        told, x = self.paid > 0.0, self.known.x[self.known.row]
        paid = np.zeros(told.size)
        paid[told] = gamma_gamma.expected_spend(x[told], self.m[told], p, max(q, 1.0 + 1e-6), v)
        return paid

    @property
    def _cell(self) -> NDArray[np.intp]:
        """Each drawn customer's cell."""
        return self.known.cell[self.known.row]

    def _summed(self, weight: Array) -> Array:
        return np.bincount(self._cell, weight, self.known.x_of_cell.size).astype(float)

    def _as_things_are(self, parameters: Array) -> tuple[Array, Array]:
        """P(alive) and D(1) of each customer."""
        bought = buys(self.known, self.model, parameters, *self.terms[:2], _NODES)[self._cell]
        return self.known.alive(self.model, parameters)[self.known.row], bought

    def _by_cell(self, parameters: Array, cuts: Array) -> tuple[Array, Array, Array]:
        """P(alive) of each customer; S(κ) and D(κ) by cell, both (cuts, cells)."""
        terms = self.terms[:2]
        kept, bought = stays_and_buys(self.known, self.model, parameters, cuts, *terms, _NODES)
        alive = self.known.alive(self.model, parameters)[self.known.row]
        return alive, kept, bought
