"""When each customer will buy next, if they are a customer still."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.levels import check_interval, tails_of
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.histories import distinct_rows
from retention_models.predictions.customers import check_unit, unit_of
from retention_models.time_units import days_in

Array = NDArray[np.float64]

# Longer than anybody waits: beyond it a customer of a model in which people leave by the calendar is
# as likely as not never to come.
_LONGEST = 36_500.0
_HALVINGS = 50


def next_purchase(
    purchases: PurchaseFitter,
    summary: pd.DataFrame,
    *,
    interval: float = 0.90,
    time_unit: str | None = None,
) -> pd.DataFrame:
    """How many days from today each customer's next purchase is away, if they are a customer still.

    Parameters
    ----------
    purchases : BetaGeoFitter, ModifiedBetaGeoFitter or ParetoNBDFitter
        Fitted to recency and T in the summary's unit.
    summary : DataFrame
        From `customer_summary`: frequency, recency, T.
    interval : float
        Level of the interval, equal-tailed.
    time_unit : {"D", "W", "M"}, optional
        Unit of the summary; read from ``summary.attrs`` unless given.

    Returns
    -------
    DataFrame
        Index as the summary. probability_alive; next_purchase, the median wait in days from the last
        day of observation, next_purchase_low and next_purchase_high, its interval; infinite where a
        customer, although one still, may leave before coming.

    Raises
    ------
    SettingsError
        If the level is none, or the unit is not known.

    Notes
    -----
    The wait W of one alive has P(W > t) = P(X(T, T + t] = 0 | alive), found from the model's states of
    one alive and inverted by halving. For the BG/NBD it is ((α + T) ÷ (α + T + t))^(r + x), since nobody
    leaves before a purchase. Parameters are taken at their estimates: chance dwarfs their doubt. A
    customer may have left: multiply by probability_alive, or look at it first.

    Examples
    --------
    >>> from retention_models import BetaGeoFitter
    >>> model = BetaGeoFitter.from_parameters({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> summary = pd.DataFrame({"frequency": [9.0], "recency": [36.0], "T": [38.86]}, index=["ann"])
    >>> next_purchase(model, summary, time_unit="W").round(1).iloc[0].tolist()
    [0.9, 23.6, 1.7, 116.0]
    """
    check_interval(interval)
    unit = unit_of(summary, time_unit)
    check_unit(purchases, unit, 1.0)
    columns = purchases.histories(summary["frequency"], summary["recency"], summary["T"])
    (x, t_x, T), row = distinct_rows(*columns)
    parameters = purchases.fit_.parameters
    low, high = tails_of(interval)
    days = days_in(unit)
    found = {
        name: _wait(purchases, level, (x, t_x, T), _LONGEST / days)[row] * days
        for name, level in (
            ("next_purchase", 0.5),
            ("next_purchase_low", low),
            ("next_purchase_high", high),
        )
    }
    alive = np.asarray(purchases.model.probability_alive(x, t_x, T, *parameters))[row]
    table = pd.DataFrame({"probability_alive": alive, **found}, index=summary.index)
    table.attrs = {**summary.attrs, "interval": interval}
    return table


def _wait(
    purchases: PurchaseFitter, level: float, history: tuple[Array, Array, Array], longest: float
) -> Array:
    """Quantile of the wait of one alive, in the model's unit, shape (n,); infinite beyond `longest`."""
    model, parameters = purchases.model, purchases.fit_.parameters

    def none(t: Array) -> Array:
        return model.of_alive(
            lambda *new: model.alive.purchase_count_probability(0, t, *new), *history, *parameters
        )

    low, high = np.zeros(history[0].shape), np.full(history[0].shape, longest)
    never = none(high) > 1.0 - level
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        waits = none(middle) > 1.0 - level
        low, high = np.where(waits, middle, low), np.where(waits, high, middle)
    return np.where(never, np.inf, (low + high) / 2.0)
