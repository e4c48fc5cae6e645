"""What a new customer of each group is worth, beside what winning one costs, and when that is back."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.levels import tails_of
from retention_models.models.fitters import (
    BetaGeoFitter,
    GammaGammaFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.interface import PurchaseModel
from retention_models.predictions.customers import (
    check_parameters,
    check_unit,
    rate_per_unit,
    unit_of,
)

Array = NDArray[np.float64]

# Fewer who came back carry no model.
_FEWEST = 10
_STEPS, _DRAWS = 52, 500
_SEED = 20261129
# Where no dropout is visible: a chance to leave that no purchase in any horizon feels.
_NONE = 1e-9
_QUANTITIES = ("value", "value_per_cost", "payback")


def new_customer_value(
    summary: pd.DataFrame,
    group: pd.Series,
    *,
    cost: Mapping[str, float] | None = None,
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> pd.DataFrame:
    """Tell what a new customer of each channel is worth, and whether it is worth what winning one costs.

    Parameters
    ----------
    summary : DataFrame
        From `customer_summary`: frequency, recency, T, monetary_value.
    group : Series
        Each customer's group by the summary's index, known when they first bought: the channel that
        won them, the category that they bought first.
    cost : mapping, optional
        What winning a customer of each group costs, in the currency of the spend.
    horizon : float
        Time units to look ahead from the first purchase, in the summary's own unit.
    annual_discount_rate : float
        Rate per year; converted to the unit continuously.
    margin : float
        Share of spend that is profit.
    interval : float
        Level of the intervals, equal-tailed.
    time_unit : {"D", "W", "M"}, optional
        Unit of the summary; read from ``summary.attrs`` unless given.

    Returns
    -------
    DataFrame
        A row per group, the largest first. customers; came_back, those with a repeat purchase; value,
        the expected discounted margin of a new customer from the first purchase, which counts, to the
        horizon; cost; value_per_cost, value ÷ cost; payback, time units until the expected margin has
        brought the cost back: 0 where the first purchase does, infinite where the horizon does not.
        Each of the three with the ends of its interval, in _low and _high. note: why there is no
        number, else empty.

    Raises
    ------
    SettingsError
        If a parameter is out of range, a customer has no group, or a cost has no group.

    See Also
    --------
    predict_customers : what today's customers are still worth.

    Notes
    -----
    value(t) = margin · E(M) · (1 + ∫₀ᵗ e^(−δs) dE[X(s)]), of a BG/NBD and a Gamma-Gamma model fitted to
    each group alone: E[X(s)] by Fader, Hardie & Lee (2005), (9), and E(M) = p v / (q − 1) by Fader &
    Hardie (2013). Intervals are those of the mean of many new customers, by 500 draws of both models'
    parameters; a single customer varies far more. It is assumed that those to come will be as those who
    came, so of customers whom the data hold from their first purchase on: where the data begin in
    mid-life leave out those of before (``first_seen_from``), who would look like loyal newcomers. Groups
    differ by whom they hold too: the table does not say that a channel makes customers better.

    Examples
    --------
    >>> import datetime as dt
    >>> import pandas as pd
    >>> from retention_models import SimulatedShop, customer_summary, read_transactions
    >>> orders = [SimulatedShop(300, dt.date(2024, 1, 1), seed=seed, a=a).orders(dt.date(2025, 6, 30))
    ...           for seed, a in ((1, 0.5), (2, 2.0))]  # those of the second shop leave sooner
    >>> log = pd.concat(one.assign(customer_id=f"{name} " + one["customer_id"])
    ...                 for name, one in zip(("store", "web"), orders))
    >>> columns = {"customer_id": "customer_id", "date": "date", "spend": "spend"}
    >>> summary = customer_summary(read_transactions(log, **columns))
    >>> channel = pd.Series(summary.index.str.split().str[0], index=summary.index)
    >>> table = new_customer_value(
    ...     summary, channel, cost={"store": 20.0, "web": 20.0}, horizon=52, margin=0.3)
    >>> bool(table.loc["store", "value_per_cost"] > table.loc["web", "value_per_cost"] > 1.0)
    True
    """
    check_parameters(summary, horizon, annual_discount_rate, margin, interval)
    unit = unit_of(summary, time_unit)
    check_unit(BetaGeoFitter(), unit, horizon)
    groups = _groups(summary, group)
    prices = _prices(cost, groups)
    rate = rate_per_unit(annual_discount_rate, unit)
    parts = {name: summary[groups == name] for name in groups.value_counts().index}
    table = values_of_parts(parts, prices, (horizon, rate, margin), interval)
    table.index.name = group.name if isinstance(group.name, str) else "group"
    table.attrs = {"horizon": horizon, "interval": interval, "time_unit": unit}
    return table


def values_of_parts(
    parts: Mapping[str, pd.DataFrame],
    prices: Mapping[str, float],
    terms: tuple[float, float, float],
    interval: float,
    kind: type[PurchaseFitter] = BetaGeoFitter,
) -> pd.DataFrame:
    """The table of `new_customer_value` of parts of a summary, which may overlap.

    `terms` are horizon, rate per unit and margin; `kind` is a model whose customers leave on the day of
    a purchase. A price of 0 is back at once.
    """
    rows = {
        name: _row(part, prices.get(name), terms, interval, kind) for name, part in parts.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _groups(summary: pd.DataFrame, group: pd.Series) -> pd.Series:
    """Each customer's group, in the summary's order."""
    if not isinstance(group, pd.Series):
        raise SettingsError(
            f"group: expected a Series by the summary's index; got {type(group).__name__}."
        )
    lacking = summary.index.difference(group.dropna().index)
    if len(lacking):
        raise SettingsError(
            f"group: expected one for every customer; {len(lacking)} have none, the first "
            f"{lacking[0]!r}. Give them a group of their own, such as 'unknown'."
        )
    if not group.index.is_unique:
        raise SettingsError("group: expected a row a customer; some are there twice.")
    return group.reindex(summary.index)


def _prices(cost: Mapping[str, float] | None, groups: pd.Series) -> dict[str, float]:
    """What winning a customer of each group costs, checked."""
    known = set(groups)
    for name, price in (cost or {}).items():
        if name not in known:
            raise SettingsError(
                f"cost: no customer is of the group {name!r}; there are "
                f"{', '.join(sorted(map(str, known)))}."
            )
        if not (_is_number(price) and 0.0 < price < np.inf):
            raise SettingsError(
                f"cost: expected an amount above 0 for {name!r}; got {price!r}. A group that costs "
                "nothing needs no cost here."
            )
    return {name: float(price) for name, price in (cost or {}).items()}


def _is_number(given: object) -> bool:
    """Whether it is a number, and not a truth value."""
    return isinstance(given, Real) and not isinstance(given, bool)


def _row(
    customers: pd.DataFrame,
    price: float | None,
    terms: tuple[float, float, float],
    interval: float,
    kind: type[PurchaseFitter],
) -> dict[str, float | str]:
    """A row of `new_customer_value`, of one group."""
    came_back = int((customers["frequency"] > 0).sum())
    row: dict[str, float | str] = {"customers": len(customers), "came_back": came_back}
    row["cost"] = np.nan if price is None else price
    quantities = _QUANTITIES if price else _QUANTITIES[:1]
    row |= {f"{name}{end}": np.nan for name in _QUANTITIES for end in ("", "_low", "_high")}
    try:
        drawn = _drawn(customers, came_back, price, terms, kind)
    except CannotSay as refusal:
        return {**row, "note": str(refusal)}
    for name, values in zip(quantities, drawn, strict=False):
        # Of infinite ones among the draws, their order is all that counts.
        low, high = np.quantile(values[1:], tails_of(interval), method="nearest")
        row |= {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    if price == 0.0:
        row |= {f"payback{end}": 0.0 for end in ("", "_low", "_high")}
    return {**row, "note": ""}


def _drawn(
    customers: pd.DataFrame,
    came_back: int,
    price: float | None,
    terms: tuple[float, float, float],
    kind: type[PurchaseFitter],
) -> tuple[Array, Array, Array]:
    """Value, value ÷ cost and payback, each at the estimate and then at draws, shape (1 + draws,)."""
    horizon, rate, margin = terms
    if came_back < _FEWEST:
        raise CannotSay(
            "{n} came back, and fewer than {fewest} carry no model.", n=came_back, fewest=_FEWEST
        )
    fitter = kind().fit(customers["frequency"], customers["recency"], customers["T"])
    repeat = customers[(customers["frequency"] > 0) & (customers["monetary_value"] > 0)]
    if len(repeat) < _FEWEST:
        raise CannotSay(
            "{n} spent anything when they came back, and fewer than {fewest} carry no model.",
            n=len(repeat),
            fewest=_FEWEST,
        )
    spend = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    rng = np.random.default_rng(_SEED)
    purchases = np.vstack([settled(fitter).fit_.parameters, fitter.fit_.draws(_DRAWS, rng)])
    p, q, v = np.vstack([spend.fit_.parameters, spend.fit_.draws(_DRAWS, rng)]).T
    if q[0] <= 1.0:
        raise CannotSay("Spend differs so much between customers that its mean is not told.")
    each = np.where(q > 1.0, p * v / np.maximum(q - 1.0, 1e-12), np.inf)
    times = np.linspace(0.0, horizon, _STEPS + 1)
    value = margin * each[:, None] * _purchases(fitter.model, purchases, times, rate)
    if not price:
        return value[:, -1], value[:, -1], value[:, -1]
    return value[:, -1], value[:, -1] / price, _payback(value, times, price)


def _purchases(model: PurchaseModel, parameters: Array, times: Array, rate: float) -> Array:
    """1 + ∫₀ᵗ e^(−δs) dE[X(s)] at each time, shape (draws, times), by its steps' middles."""
    r, alpha, a, b = parameters.T[:, :, None]
    expected = model.expected_purchases(times[None, 1:], r, alpha, np.maximum(a, _NONE), b)
    steps = np.diff(expected, axis=1, prepend=0.0)
    middles = (times[1:] + times[:-1]) / 2.0
    later = np.cumsum(steps * np.exp(-rate * middles), axis=1)
    return np.concatenate([np.ones((len(parameters), 1)), 1.0 + later], axis=1)


def _payback(value: Array, times: Array, price: float) -> Array:
    """First time at which a value, shape (draws, times), has reached the price; infinite where none."""
    reached = value >= price
    at = reached.argmax(axis=1)
    row, before = np.arange(len(value)), np.maximum(at - 1, 0)
    # A draw whose mean spend has no end has brought the cost back at once.
    with np.errstate(invalid="ignore"):
        missing, step = price - value[row, before], value[row, at] - value[row, before]
    share = np.where(step > 0.0, missing / np.where(step > 0.0, step, 1.0), 0.0)
    found = times[before] + share * (times[at] - times[before])
    return np.where(reached.any(axis=1), np.where(at == 0, 0.0, found), np.inf)
