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

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import share
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, z_of_interval
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import (
    GammaGammaFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.histories import known_customers
from retention_models.models.interface import Parameters, PurchaseModel
from retention_models.models.mid_life.model import MidLife
from retention_models.predictions.arrivals import Arrivals, arrivals_of, spend_of_newcomers
from retention_models.predictions.customers import check_parameters, unit_of
from retention_models.predictions.determined import require_determined
from retention_models.predictions.stores import predict_path, predict_store

Array = NDArray[np.float64]
# Nodes of the integrals over arrivals, and counts beyond which a newcomer's are not told apart.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_MOST_PURCHASES = 400


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
    Newcomers spend on a purchase what the newcomers of the later half spent on repeat purchases, drawn
    towards the mean of all customers.

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
    """Spend of everybody, and of known customers; others' is at what newcomers spend."""
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
    _, q, _ = spend.fit_.parameters
    if known is None or q <= 1.0:
        return None, known
    each, doubt = spend_of_newcomers(spend, summary)
    value = known.value + each * others.value
    further = np.hypot(terms["scatter"] * known.value, doubt * each * others.value)
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
