"""What a whole store will do: customers known today, and those yet to come.

Newcomers arrive as a Poisson process, φ times as scattered as Poisson's, at the rate and with the trend
of the later half of the log; each buys once on arrival and then as the model says of a new customer.
With arrivals at μ per unit of time, purchases up to h have

    mean μ ∫₀ʰ (1 + E X(h−s)) ds and variance φ μ ∫₀ʰ E (1 + X(h−s))² ds

(Campbell's theorem; φ for the arrivals that come in bursts). In a store whose data begin in mid-life,
customers of before who have not been seen since will come as well: N₀ (α₀/(α₀+C))^r₀ of them, each a new
customer of the BG/NBD with parameters (r₀, α₀+C, a₀, b₀). Under a season all of this is so in the
model's operational time: newcomers come by the same season as purchases do.

Sources: Kingman (1993), "Poisson processes", section 3.2, for Campbell's theorem; Wedderburn (1974),
Biometrika 61(3), 439–447, for φ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, share
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, z_of_interval, z_of_level
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import (
    GammaGammaFitter,
    MidLifeFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.histories import known_customers
from retention_models.models.interface import Parameters, PurchaseModel
from retention_models.models.mid_life.model import MidLife
from retention_models.predictions.customers import check_parameters, unit_of
from retention_models.predictions.determined import require_determined
from retention_models.predictions.stores import predict_path, predict_store
from retention_models.time_units import days_in

Array = NDArray[np.float64]

# Arrivals are counted in spans of a week, of which fewer than these say nothing of how they scatter.
_FEWEST_WEEKS = 6
# Fewer newcomers do not tell a trend; it is visible at so many standard errors, two-sided 1%.
_FEWEST_NEWCOMERS, _VISIBLE, _STEPS = 20.0, z_of_level(0.01), 12
# What a shop's arrivals usually change by in a year, a standard deviation of their log; and weeks after
# which a change that goes on has lost all but 1/e of its pace.
_USUAL_CHANGE, _LASTS = 0.3, 104.0
_YEAR = 365.25 / 7.0
# Nodes of the integrals over arrivals, and counts beyond which a newcomer's are not told apart.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_MOST_PURCHASES = 400


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How often newcomers come: per unit of (operational) time today, and φ.

    `trend` is that of the log of the rate today, per unit of time; it dies away by e in `lasts`.
    `covariance` (2, 2) is that of both, on the log scale.
    """

    rate: float
    dispersion: float
    trend: float = 0.0
    covariance: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    lasts: float = np.inf

    def rates(self, ahead: Array) -> Array:
        """Newcomers per unit of time, so far ahead."""
        return np.asarray(self.rate * np.exp(self.trend * self._reach(ahead)))

    def _reach(self, ahead: Array) -> Array:
        """∫ e^(−s/lasts) ds up to each time ahead."""
        if np.isinf(self.lasts):
            return ahead
        return np.asarray(-self.lasts * np.expm1(-ahead / self.lasts))

    def times(self, ratio: float, error: float) -> Arrivals:
        """So many times as often, with a standard error of the ratio's log."""
        (first, cross), second = self.covariance
        covariance = ((first + error**2, cross), second)
        return replace(self, rate=self.rate * ratio, covariance=covariance)

    def log_error(self, until: float) -> float:
        """Standard error of the log of how many come up to then: that of the rate half-way."""
        half = np.array([1.0, float(self._reach(np.array(until / 2.0)))])
        return float(np.sqrt(half @ np.array(self.covariance) @ half))


@dataclass(frozen=True, repr=False)
class WholeStore(Result):
    """A store's purchases of the time to come, by customers known today and yet to come.

    Attributes
    ----------
    purchases : Interval
        Days with a purchase, by everybody.
    known, others : Interval
        Of customers known today, and of all others.
    newcomers : Interval
        Customers first seen in the window.
    revenue, known_revenue : Interval or None
        Spend of everybody, and of customers known today; None without a spend model.
    by_week : DataFrame
        Index the end of each week (or unit of time) from today; purchases, low, high: up to it, added
        up.
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
    >>> found = rm.predict_whole_store(model, None, summary, draws=100)
    >>> bool(found.purchases.value > found.known.value), len(found.by_week)
    (True, 13)
    """

    purchases: Interval
    known: Interval
    others: Interval
    newcomers: Interval
    revenue: Interval | None
    known_revenue: Interval | None
    by_week: pd.DataFrame
    interval: float

    _figure = "weeks_ahead"

    def _card(self) -> Card:
        facts = {
            "purchases": with_ends(self.purchases),
            "of customers known today": with_ends(self.known),
            "newcomers": with_ends(self.newcomers),
            "revenue": with_ends(self.revenue),
        }
        title = f"Forecast of a whole store, intervals of {share(self.interval)}"
        return Card(title, facts, self.by_week)


def arrivals_of(purchases: PurchaseFitter, summary: pd.DataFrame) -> Arrivals:
    """Newcomers per unit of time, by the later half of the log.

    Customers of before who were seen late are no newcomers: each counts by its chance to be one.
    """
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    _, _, (_, _, age), _ = purchases.on_its_clock(x, t_x, T, np.zeros(1))
    week = 7.0 / days_in(unit_of(summary, None))
    span = age.max() / 2.0
    weeks = int(span / week)
    if weeks < _FEWEST_WEEKS:
        raise CannotSay(
            "The data hold {weeks} weeks, too few to say how many newcomers come; at least {fewest} "
            "are needed.",
            weeks=count(age.max() / week),
            fewest=count(2 * _FEWEST_WEEKS),
        )
    new = np.ones(age.size)
    if isinstance(purchases, MidLifeFitter):
        new = 1.0 - purchases.share_of_before(x, t_x, T)
    # The last day of the log is at age 0, so a week's customers are those of its seven ages.
    by_week = np.bincount(
        np.minimum((age / week).astype(int), weeks), weights=new, minlength=weeks + 1
    )[:weeks]
    mean = float(by_week.mean())
    if mean == 0.0:
        return Arrivals(0.0, 1.0)
    return trended(by_week.astype(float), week)


def trended(by_week: Array, week: float) -> Arrivals:
    """The rate of counts by week, the last first, and how it changes.

    Poisson regression of the counts on time, φ times as scattered. A decline beyond chance goes on as
    it is, as where most who will ever come have come. Any other trend is drawn towards none by what
    shops' arrivals usually change by, so that what the data leave open of it is in its doubt; and of a
    growth beyond chance nobody knows how long it goes on: what exceeds a usual one, by all or nothing.
    """
    weeks, usual = by_week.size, _USUAL_CHANGE / (_YEAR * week)
    mean = float(by_week.mean())
    lasts = _LASTS * week
    dispersion = max(1.0, float(((by_week - mean) ** 2).sum() / (weeks - 1) / mean))
    if mean * weeks >= _FEWEST_NEWCOMERS:
        (level, trend), covariance, expected = _regressed(by_week, week, 1.0, 0.0)
        scatter = float(((by_week - expected) ** 2 / expected).sum() / (weeks - 2))
        if np.isfinite(scatter):
            dispersion = max(1.0, scatter)
            covariance *= dispersion
            if abs(trend) >= _VISIBLE * np.sqrt(covariance[1, 1]):
                beyond = max(trend - usual, 0.0)
                covariance[1, 1] += beyond**2 / 12.0  # a uniform distribution's
                lasts = np.inf if trend < 0.0 else lasts
                return _arrivals(level, trend - beyond / 2.0, covariance, dispersion, lasts, week)
    (level, trend), covariance, _ = _regressed(by_week, week, dispersion, usual**-2)
    return _arrivals(level, trend, covariance, dispersion, lasts, week)


def _arrivals(
    level: float, trend: float, covariance: Array, dispersion: float, lasts: float, week: float
) -> Arrivals:
    (first, cross), (_, second) = covariance.tolist()
    told = ((first, cross), (cross, second))
    return Arrivals(float(np.exp(level)) / week, dispersion, float(trend), told, lasts)


def _regressed(
    by_week: Array, week: float, dispersion: float, precision: float
) -> tuple[Array, Array, Array]:
    """Log of a week's count today and its trend, their covariance, and the counts expected.

    `precision` is that of the trend around none beforehand, 0 where nothing is known.
    """
    ago = (np.arange(by_week.size) + 0.5) * week
    design = np.column_stack([np.ones(by_week.size), -ago])
    before = np.diag([0.0, precision])
    beta = np.array([np.log(by_week.mean()), 0.0])
    for _ in range(_STEPS):
        expected = np.exp(design @ beta)
        information = design.T @ (expected[:, None] * design) / dispersion + before
        score = design.T @ (by_week - expected) / dispersion - before @ beta
        beta = beta + np.linalg.solve(information, score)
    expected = np.exp(design @ beta)
    information = design.T @ (expected[:, None] * design) / dispersion + before
    return beta, np.linalg.inv(information), expected


def expected_newcomers(
    purchases: PurchaseFitter, summary: pd.DataFrame, horizon: float
) -> tuple[float, float]:
    """Customers first seen in a window: newcomers, and those of before who were not seen yet."""
    model, parameters, until = _on_its_clock(purchases, horizon)
    ahead, weights = until * (1.0 + _NODES) / 2.0, until * _WEIGHTS / 2.0
    new = float(weights @ arrivals_of(purchases, summary).rates(ahead))
    unseen, late = _unseen(model, parameters)
    if unseen == 0.0:
        return new, 0.0
    return new, unseen * float(1.0 - BG_NBD.purchase_count_probability(0, until, *late))


def predict_whole_store(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    *,
    horizon: float = 13,
    interval: float = 0.90,
    scatter: float = 0.0,
    newcomers: float = 1.0,
    newcomers_error: float = 0.0,
    draws: int = 300,
    weekly: bool = True,
) -> WholeStore:
    """Predict what a whole store will do, newcomers included.

    Parameters
    ----------
    purchases, spend : fitted models
        As for `predict_store`.
    summary : DataFrame
        From `customer_summary`, of all of the store's customers.
    horizon : float
        Time units to look ahead.
    interval : float
        Level of the intervals; chance and the doubt of parameters and arrivals are in them.
    scatter : float
        Standard deviation, on the log scale and for this horizon, by which past totals were off beyond
        what the models say; it widens every interval.
    newcomers, newcomers_error : float
        What came of newcomers over what was expected in past forecasts of the chain, above 0, and the
        standard error of its log: the rate of arrivals is multiplied by the former.
    draws : int
        Futures simulated of customers known today, of up to 5,000.
    weekly : bool
        Whether totals up to the end of every unit of time are wanted, or of the whole window only.

    Returns
    -------
    WholeStore

    Raises
    ------
    SettingsError
        If a parameter is out of range or the unit is not known.
    CannotSay
        If the data hold fewer than 12 weeks, or are too short for the horizon (`predict_customers`).

    Notes
    -----
    Campbell's theorem: Kingman (1993), "Poisson processes", section 3.2. Arrivals go on as in the later
    half of the log, by Poisson regression on time. Where they visibly fade (at 1%) they go on fading;
    any other trend is drawn towards none, by a change of 30% a year that is usual (a standard deviation
    of the log), and dies away by e in two years; of a visible growth half of what exceeds that is taken.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retention_models import BetaGeoFitter, predict_whole_store
    >>> rng = np.random.default_rng(1)
    >>> T = rng.integers(0, 52, 300).astype(float)
    >>> x = rng.poisson(0.2 * T * rng.gamma(1.0, 1.0, 300)).astype(float)
    >>> t_x = np.where(x > 0, np.ceil(T * rng.random(300)), 0.0)
    >>> summary = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 0.0})
    >>> summary.attrs["time_unit"] = "W"
    >>> fitter = BetaGeoFitter().fit(x, t_x, T)
    >>> found = predict_whole_store(fitter, None, summary, draws=100)
    >>> bool(60 < found.newcomers.value < 90)
    True
    """
    check_parameters(summary, horizon, 0.0, 1.0, interval)
    if not 0.0 <= scatter < np.inf:
        raise SettingsError(f"scatter: expected a finite number of 0 or more; got {scatter!r}.")
    purchases = settled(purchases)
    history = purchases.histories(summary["frequency"], summary["recency"], summary["T"])
    of_today = known_customers(*history, by_recency=purchases.model.recency_counts)
    require_determined(purchases, of_today, horizon, unit_of(summary, None))
    if not 0.0 < newcomers < np.inf or not 0.0 <= newcomers_error < np.inf:
        raise SettingsError(
            f"newcomers: expected a finite ratio above 0 and an error of 0 or more; got {newcomers!r} "
            f"and {newcomers_error!r}."
        )
    arrivals = arrivals_of(purchases, summary).times(newcomers, newcomers_error)
    ends = np.unique(np.append(np.arange(1.0, horizon) if weekly else [], horizon))
    known = predict_path(purchases, summary, ends, interval=interval, draws=draws)
    z = z_of_interval(interval)
    terms = {
        "horizon": horizon,
        "interval": interval,
        "scatter": scatter,
        "draws": draws,
        "z": z,
    }
    of_others = [_others(purchases, arrivals, end) for end in ends]
    rows = []
    for (_, path), (mean, deviation) in zip(known.iterrows(), of_others, strict=True):
        half = np.maximum(
            np.array([path["high"], path["low"]]) - path["forecast"], -path["forecast"]
        )
        deviations = np.abs(half) / z
        total = path["forecast"] + mean
        # Known customers and others on their own account; what scatters beyond moves both.
        above, below = np.hypot(np.hypot(deviations, deviation), scatter * total)
        rows.append((total, max(total - z * below, 0.0), total + z * above))
    by_week = pd.DataFrame(rows, index=ends, columns=["purchases", "low", "high"])
    value, deviation = of_others[-1]
    others = _around(value, float(np.hypot(deviation, scatter * value)), z)
    last = known.iloc[-1]
    revenue, known_revenue = _revenue(purchases, spend, summary, others, terms)
    return WholeStore(
        purchases=Interval(*(float(end) for end in by_week.iloc[-1])),
        known=Interval(float(last["forecast"]), float(last["low"]), float(last["high"])),
        others=others,
        newcomers=_coming(purchases, arrivals, horizon, scatter, z),
        revenue=revenue,
        known_revenue=known_revenue,
        by_week=by_week,
        interval=interval,
    )


def _around(value: float, deviation: float, z: float) -> Interval:
    return Interval(value, max(value - z * deviation, 0.0), value + z * deviation)


def _coming(
    purchases: PurchaseFitter, arrivals: Arrivals, horizon: float, scatter: float, z: float
) -> Interval:
    """Customers first seen in the window: newcomers, and those of before who were not seen yet."""
    model, parameters, until = _on_its_clock(purchases, horizon)
    ahead, weights = until * (1.0 + _NODES) / 2.0, until * _WEIGHTS / 2.0
    new = float(weights @ arrivals.rates(ahead))
    unseen, late = _unseen(model, parameters)
    seen = 0.0
    if unseen > 0.0:
        seen = unseen * float(1.0 - BG_NBD.purchase_count_probability(0, until, *late))
    chance = np.sqrt(arrivals.dispersion * new + seen)
    return _around(
        new + seen,
        float(np.hypot(chance, np.hypot(new * arrivals.log_error(until), new * scatter))),
        z,
    )


def _revenue(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None,
    summary: pd.DataFrame,
    others: Interval,
    terms: dict[str, float],
) -> tuple[Interval | None, Interval | None]:
    """Spend of everybody, and of known customers; others' is at the mean of a new customer."""
    if spend is None:
        return None, None
    known = predict_store(
        purchases,
        spend,
        summary,
        horizon=terms["horizon"],
        interval=terms["interval"],
        annual_discount_rate=0.0,
        draws=int(terms["draws"]),
    ).value
    p, q, v = spend.fit_.parameters
    if known is None or q <= 1.0:
        return None, known
    each = p * v / (q - 1.0)
    value = known.value + each * others.value
    further = terms["scatter"] * known.value
    below, above = (
        np.hypot(
            np.hypot(known.value - known_end, each * (others.value - end)), terms["z"] * further
        )
        for known_end, end in ((known.low, others.low), (known.high, others.high))
    )
    return Interval(value, max(value - float(below), 0.0), value + float(above)), known


def _others(purchases: PurchaseFitter, arrivals: Arrivals, end: float) -> tuple[float, float]:
    """Mean and standard deviation of the purchases up to `end` of customers not known today."""
    model, parameters, until = _on_its_clock(purchases, end)
    since, weights = until * (1.0 - _NODES) / 2.0, until * _WEIGHTS / 2.0
    mean, variance = 0.0, 0.0
    if arrivals.rate > 0.0:
        n = np.arange(_MOST_PURCHASES, dtype=float)
        chances = model.purchase_count_probability(n, since[:, None], *parameters)
        first = 1.0 + model.expected_purchases(since, *parameters)
        coming = weights * arrivals.rates(until - since)
        mean = float(coming @ first)
        variance = arrivals.dispersion * float(coming @ (chances @ (1.0 + n) ** 2))
        variance += (mean * arrivals.log_error(until)) ** 2
    unseen, late = _unseen(model, parameters)
    if unseen > 0.0:
        mean += unseen * float(BG_NBD.expected_purchases(until, *late))
        n = np.arange(_MOST_PURCHASES, dtype=float)
        variance += unseen * float(BG_NBD.purchase_count_probability(n, until, *late) @ n**2)
    return mean, float(np.sqrt(variance))


def _on_its_clock(purchases: PurchaseFitter, end: float) -> tuple[PurchaseModel, Parameters, float]:
    """The model without its season, its parameters, and the window's length on its clock."""
    nobody = np.zeros(1)
    model, parameters, _, until = purchases.on_its_clock(nobody, nobody, nobody, np.array([end]))
    return model, parameters, float(until[0])


def _unseen(model: PurchaseModel, parameters: Parameters) -> tuple[float, Parameters]:
    """Customers of before who have not been seen since the log begins, and what each is worth."""
    if not isinstance(model, MidLife):
        return 0.0, ()
    r, alpha, a, b, before = parameters[4:9]
    observed = model.observed
    return float(before * (1.0 + observed / alpha) ** -r), (r, alpha + observed, a, b)
