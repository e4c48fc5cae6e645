"""What retention is worth: profit of today's customers as dropout is cut, with the parameters' doubt.

Retention is the share of those who are customers today that still are at the end of the horizon,
R = Σ P(alive at T + H) ÷ Σ P(alive at T). Everybody's dropout from today on is cut by one factor, the
third parameter of every model (`models.interface.with_dropout`), until R is as many points higher as is
asked; purchase rates and spend stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import duration, phrase, share, spoken
from retention_models.languages.results import Card, Result, with_ends
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
    rate_per_unit,
    unit_of,
)
from retention_models.predictions.determined import require_determined
from retention_models.predictions.dropout_cuts import cut_for, drawn_by_size, stays_and_buys

Array = NDArray[np.float64]

# Points of retention that claims are about.
POINTS = (1.0, 5.0, 10.0)
# Retention and profit are smooth in the dropout's factor: polynomials of these degrees have eleven
# digits, and five, where only their moves count.
_DEGREE, _FEWER = 10, 6
# A discount over the horizon that a few nodes hold.
_LITTLE = 0.7
_THREE = 3
# Customers that tell the doubt of the parameters.
_SOME = 250
# A share of leavers that is rounding.
_NOBODY = 1e-9
_TINY = 1e-300
# How far dropout is moved for a slope by spend, which is one of the standard error only.
_NEAR = 1e-3
_COLUMNS = (
    *("points", "retention", "dropout_cut", "profit", "more", "more_low", "more_high"),
    *("percent", "percent_low", "percent_high", "refusal"),
)


@dataclass(frozen=True, slots=True, repr=False)
class RetentionWorth(Result):
    """What retention is worth to a store; from `retention_worth`.

    Attributes
    ----------
    retention : Interval
        Share, 0 to 1, of those who are customers today that still are at the end of the horizon.
    profit : Interval
        Expected discounted margin of the horizon from customers known today, in money.
    scenarios : DataFrame
        A row for each number of points: points; retention, the share with them; dropout_cut, the share
        by which everybody's dropout falls; profit; more (money) and percent, what it is above
        today's profit, each with its interval; refusal, why a row has no numbers, or empty.
    elasticity : Interval or None
        Percent more profit per percent more retention, d ln profit ÷ d ln retention today; None where
        nobody is seen to leave.
    refusal : str
        Why there is no elasticity; empty where there is one.
    horizon : float
        In units of time.
    time_unit : str
        "D", "W" or "M".
    interval : float
        Level of the intervals, which hold the doubt of the models' parameters and no chance.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> summary = rm.customer_summary(shop.log(until="2023-12-30"), time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> spend = rm.GammaGammaFitter.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
    >>> found = rm.retention_worth(model, spend, summary, points=(1, 5), margin=0.3)
    >>> found.scenarios["points"].tolist(), found.refusal
    ([1, 5], '')
    """

    retention: Interval
    profit: Interval
    scenarios: pd.DataFrame
    elasticity: Interval | None
    refusal: str
    horizon: float
    time_unit: str
    interval: float

    def _card(self) -> Card:
        facts = {
            "retention": _shares(self.retention),
            "profit": with_ends(self.profit),
            "elasticity": with_ends(self.elasticity),
            "not said": self.refusal,
        }
        title = (
            f"What retention is worth over {duration(self.horizon, self.time_unit)}, "
            f"intervals of {share(self.interval)}"
        )
        return Card(title, facts, self.scenarios)


def _shares(interval: Interval) -> str:
    value, low, high = (share(end, 1) for end in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def retention_worth(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    summary: pd.DataFrame,
    *,
    points: tuple[float, ...] = POINTS,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> RetentionWorth:
    """Profit over a horizon today, and were retention some points higher.

    Parameters
    ----------
    purchases : BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter or another model of purchases
        Fitted to recency and T in the summary's unit.
    spend : GammaGammaFitter
        Fitted to the repeat customers.
    summary : DataFrame
        From `customer_summary`.
    points : tuple of float
        Points of retention, above 0 and below 100: 5 lifts 60% to 65%.
    horizon, annual_discount_rate, margin, interval, time_unit
        As for `predict_customers`.

    Returns
    -------
    RetentionWorth

    Raises
    ------
    SettingsError
        If a parameter is out of range, the unit is not known, or the model says nothing of who will
        still be a customer later.
    CannotSay
        If the data are too short for the horizon, nobody is a customer still, or no spend is known.

    Notes
    -----
    With κ the factor of the dropout's shape, a of p ~ Beta(a, b) or s of μ ~ Gamma(s, β), from today on:

    R(κ) = Σ_i P(alive_i) S_i(κ) ÷ Σ_i P(alive_i);  V(κ) = margin · Σ_i P(alive_i) m_i D_i(κ)

    S_i is the chance of one alive to be a customer at the end of the horizon, D_i the discounted
    expected purchases, m_i the expected spend; what is known of the past is not touched. κ solves
    R(κ) = R(1) + points for every draw of the parameters. No more can be gained than κ = 0, where
    nobody leaves. It is not said what a cut costs, nor what is gained from customers yet to come.

    Nobody sees a customer leave, so retention is a matter of the model, and so is its worth: of the
    CDNOW sample a year's 5 points are worth 12.5% by the BG/NBD, in which nobody leaves before a
    repeat purchase, and 4.1% by the Pareto/NBD. The intervals are those of one model. Hold models
    against each other (`compare_models`) before a plan rests on the number.

    Source of the claim that 5 points more are worth 25–95% more profit: Reichheld & Sasser (1990), "Zero
    defections: quality comes to services", Harvard Business Review 68(5), 105–111.

    Examples
    --------
    >>> from retention_models import BetaGeoFitter, SimulatedShop, customer_summary
    >>> import datetime as dt
    >>> shop = SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> summary = customer_summary(shop.log(until="2023-12-30"), time_unit="W")
    >>> back = summary[summary["frequency"] > 0]
    >>> spend = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    >>> model = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> worth = retention_worth(model, spend, summary, points=(5,), margin=0.3)
    >>> row = worth.scenarios.loc[0]
    >>> bool(abs(row["retention"] - worth.retention.value - 0.05) < 1e-6), bool(row["percent"] > 0)
    (True, True)
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    for each in points:
        if not 0.0 < each < 100.0:
            raise SettingsError(f"points: expected numbers above 0 and below 100; got {each!r}.")
    unit = unit_of(summary, time_unit)
    check_unit(purchases, unit, horizon)
    purchases = settled(purchases)
    rate = rate_per_unit(annual_discount_rate, unit)
    base = expectations(purchases, spend, summary, horizon, rate, margin)
    require_determined(purchases, base.known, horizon, unit)
    if not np.nansum(base.spend) > 0.0:
        raise CannotSay("No customer's spend tells anything, so retention has no worth in money.")
    curve = _Curves(purchases, base, (horizon, rate, margin), interval)
    retention, today = curve.retention(), curve.today(spend)
    if 1.0 - retention.value < _NOBODY:
        said = phrase(
            "Nobody is seen to leave for good, so no retention is left to win: over {ahead} at least "
            "{kept} of today's customers stay, by what the data allow.",
            ahead=duration(horizon, unit),
            kept=share(retention.low, 1),
        )
        rows = [{"points": each, "refusal": said} for each in points]
        table = pd.DataFrame(rows, columns=list(_COLUMNS))
        return RetentionWorth(retention, today, table, None, said, horizon, unit, interval)
    table, elasticity = _scenarios(curve, points, retention.value, today, spend)
    return RetentionWorth(retention, today, table, elasticity, "", horizon, unit, interval)


class _Curves:
    """Retention and profit as functions of the dropout's factor κ.

    At the estimates they are of all customers. How far they move with the parameters is told by some of
    them, drawn with a chance by what they add to either, each weighed by one over that chance.
    """

    def __init__(
        self,
        purchases: PurchaseFitter,
        base: Expectations,
        terms: tuple[float, float, float],
        interval: float,
    ) -> None:
        self.model, self.base = purchases.model, base
        self.fit = _thinned(purchases.fit_)
        self.horizon, self.rate, self.margin = terms
        self.interval = interval
        row = base.known.row
        self.told = np.isfinite(base.spend)
        self.paid = np.where(self.told, base.spend, 0.0)
        everyone = np.arange(row.size)
        self.all = _Part(base.known, np.ones(row.size), self.paid)
        adds = [base.alive[row], self.paid * base.expected[row]]
        size = np.sum([each / max(each.sum(), _TINY) for each in adds], axis=0)
        some, times = (
            (everyone, np.ones(row.size)) if row.size <= _SOME else drawn_by_size(size, _SOME)
        )
        x, t_x, T = (each[row][some] for each in (base.known.x, base.known.t_x, base.known.T))
        known = known_customers(x, t_x, T, by_recency=self.model.recency_counts)
        self.some = _Part(known, times, times * self.paid[some])

    def _kept(self, part: _Part, parameters: Array, dropout: float) -> float:
        """R(κ)."""
        if part is self.some and self.rate * self.horizon < _LITTLE:
            return float(self._moved(parameters, np.array([dropout]))[0][0])
        weight = part.by_cell(self.model, parameters, part.head)
        later = partial(self.model.alive.probability_alive_after, self.horizon)
        kept = part.known.of_alive(self.model, parameters, later, dropout)
        return float(weight @ np.broadcast_to(kept, weight.shape) / max(weight.sum(), _TINY))

    def _profit(self, part: _Part, parameters: Array, dropout: float) -> float:
        """V(κ)."""
        if part is self.some and self.rate * self.horizon < _LITTLE:
            return float(self._moved(parameters, np.array([dropout]))[1][0])
        money = part.by_cell(self.model, parameters, part.paid)
        terms = (self.horizon, self.rate, dropout)
        bought = part.known.discounted(self.model, parameters, *terms)
        return max(self.margin * float(money @ np.broadcast_to(bought, money.shape)), _TINY)

    def _smooth(self, part: _Part, parameters: Array) -> tuple[Chebyshev, Chebyshev]:
        """R and V over κ from 0 to 1."""
        degree = _DEGREE if part is self.all else _FEWER
        nodes = (1.0 + np.cos(np.pi * np.arange(degree + 1) / degree)) / 2.0
        if part is self.some and self.rate * self.horizon < _LITTLE:
            kept, profit = self._moved(parameters, nodes)
        else:
            kept = np.array([self._kept(part, parameters, float(node)) for node in nodes])
            profit = np.array([self._profit(part, parameters, float(node)) for node in nodes])
        fits = (Chebyshev.fit(nodes, each, degree, domain=[0, 1]) for each in (kept, profit))
        return next(fits), next(fits)

    def _moved(self, parameters: Array, cuts: Array) -> tuple[Array, Array]:
        """R(κ) and V(κ) of some at each κ, near enough for how far they move."""
        part, terms = self.some, (self.horizon, self.rate)
        kept, bought = stays_and_buys(part.known, self.model, parameters, cuts, *terms, _THREE)
        head, paid = (part.by_cell(self.model, parameters, each) for each in (part.head, part.paid))
        worth = np.maximum(self.margin * (bought @ paid), _TINY)
        return kept @ head / max(float(head.sum()), _TINY), worth

    def _interval(self, log_of: Callable[[_Part, Array], Array], further: Any = 0.0) -> Array:
        """Value and ends, shape (3, …), of what some move from where all put it."""
        here = self.fit.parameters
        at = log_of(self.all, here) - log_of(self.some, here)
        return np.array(
            mean_interval(
                lambda each: at + log_of(self.some, each), self.fit, self.interval, further
            )
        )

    def retention(self) -> Interval:
        """R today; its interval is that of the odds to leave, which keeps it between 0 and 1."""

        def log_odds(part: _Part, parameters: Array) -> Array:
            kept = self._kept(part, parameters, 1.0)
            return np.asarray(np.log(max(1.0 - kept, _TINY)) - np.log(max(kept, _TINY)))

        value, high, low = (float(1.0 / (1.0 + end)) for end in self._interval(log_odds))
        return Interval(value, low, high)

    def today(self, spend: GammaGammaFitter) -> Interval:
        """V today."""
        priced = self._priced([1.0])
        further = self._by_spend(spend, lambda paid: np.log(priced @ paid)[0]) ** 2
        found = self._interval(
            lambda part, parameters: np.asarray(np.log(self._profit(part, parameters, 1.0))),
            further,
        )
        return Interval(*(float(end) for end in found))

    def _priced(self, cuts: list[float]) -> Array:
        """Each customer's margin · P(alive) · D at every κ, shape (cuts, customers)."""
        known, here = self.base.known, self.fit.parameters
        alive = self.margin * known.alive(self.model, here)[known.row]
        terms = (self.horizon, self.rate)
        bought = (known.discounted(self.model, here, *terms, cut) for cut in cuts)
        cells = known.x_of_cell.shape
        return np.array(
            [alive * np.broadcast_to(each, cells)[known.cell][known.row] for each in bought]
        )

    def _by_spend(self, spend: GammaGammaFitter, log_of: Callable[[Array], Array]) -> Array:
        """Standard error of a log of expected spends, by the doubt of the spend model."""
        x, m = self.base.x[self.told], self.base.m[self.told]

        def of_parameters(parameters: Array) -> Array:
            p, q, v = (float(each) for each in parameters)
            paid = np.zeros(self.told.size)
            # A draw without a finite mean tells no spend; at its edge it is as large as told here.
            paid[self.told] = gamma_gamma.expected_spend(x, m, p, max(q, 1.0 + 1e-6), v)
            return np.asarray(log_of(paid))

        return log_standard_error(of_parameters, spend.fit_)

    def gains(
        self, points: list[float], spend: GammaGammaFitter
    ) -> tuple[Interval, list[float], Array]:
        """Elasticity, κ for each number of points, and gains with their ends.

        The gains have shape (3, 2, points): value, low and high of shares of V today, and of money.
        """
        kept, _ = self._smooth(self.all, self.fit.parameters)
        cuts = [cut_for(kept, each) for each in points]
        near = 1.0 - _NEAR
        steeper = float(np.log(kept(near) / kept(1.0)))
        priced = self._priced([1.0, near, *cuts])

        def log_of(part: _Part, parameters: Array) -> Array:
            of, worth = self._smooth(part, parameters)
            now = float(worth(1.0))
            slopes = [float(each.deriv()(1.0) / each(1.0)) for each in (worth, of)]
            above = [float(worth(cut_for(of, each))) / now - 1.0 for each in points]
            return _logs(slopes[0] / min(slopes[1], -_TINY), above, now)

        def log_of_spend(paid: Array) -> Array:
            now, moved, *then = (float(each) for each in priced @ paid)
            return _logs(np.log(moved / now) / steeper, [each / now - 1.0 for each in then], now)

        found = self._interval(log_of, self._by_spend(spend, log_of_spend) ** 2)
        elasticity = Interval(*(float(end) for end in found[:, 0]))
        return elasticity, cuts, found[:, 1:].reshape(3, 2, len(points))


def _thinned(fit: MaximumLikelihoodFit) -> MaximumLikelihoodFit:
    """The fit with every second draw of open parameters: each takes a curve, and ends need no more."""
    return fit if fit.posterior is None else replace(fit, posterior=fit.posterior[::2])


@dataclass(frozen=True, slots=True)
class _Part:
    """Customers, with what each counts among heads and in money."""

    known: KnownCustomers
    head: Array
    paid: Array

    def by_cell(self, model: PurchaseModel, parameters: Array, weight: Array) -> Array:
        """Weight times P(alive), summed by cell."""
        cell, cells = self.known.cell[self.known.row], self.known.x_of_cell.size
        alive = self.known.alive(model, parameters)[self.known.row]
        return np.bincount(cell, alive * weight, cells).astype(float)


def _logs(elasticity: float, above: list[float], today: float) -> Array:
    """Logs of the elasticity, of shares gained, and of money gained; a gain of nothing is the least."""
    logs = np.log(np.maximum([elasticity, *above], _TINY))
    return np.concatenate([logs, logs[1:] + np.log(max(today, _TINY))])


def _scenarios(
    curve: _Curves,
    points: tuple[float, ...],
    now: float,
    today: Interval,
    spend: GammaGammaFitter,
) -> tuple[pd.DataFrame, Interval]:
    """The table of `RetentionWorth`, and the elasticity."""
    within = [each for each in points if now + each / 100.0 <= 1.0]
    elasticity, cuts, gains = curve.gains(within, spend)
    rows: dict[float, dict[str, object]] = {}
    for i, (each, cut) in enumerate(zip(within, cuts, strict=True)):
        percent, more = 100.0 * gains[:, 0, i], gains[:, 1, i]
        told = (now + each / 100.0, 1.0 - cut, today.value + more[0], *more, *percent)
        rows[each] = dict(zip(_COLUMNS, (each, *told, ""), strict=True))
    for each in set(points) - set(within):
        said = phrase(
            "Retention is {now} already, so {points} points more is more than all.",
            now=share(now, 1),
            points=spoken().figures(f"{each:g}"),
        )
        rows[each] = {"points": each, "refusal": said}
    return pd.DataFrame([rows[each] for each in points], columns=list(_COLUMNS)), elasticity
