"""P(alive) through time: of one customer by the day, and of all by the week, past and to come.

On a past day it is what the fitted model says of the purchases up to that day. Of a day to come it is
what today's knowledge says: P(alive) today times the chance to stay until then, whatever is bought in
between; and, of one customer, what will be said should nothing be bought.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError, SettingsError
from retention_models.levels import check_interval, z_of_interval
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.interface import PurchaseModel
from retention_models.summaries.counts import count_customers
from retention_models.summaries.customers import Day, end_of
from retention_models.time_units import days_in

Array = NDArray[np.float64]

_WEEK = dt.timedelta(weeks=1)
_COLUMNS = ["seen", "alive", "low", "high", "bought_once"]
# A step of a parameter's logarithm, relative to its standard error, for a difference.
_STEP = 0.05


def alive_told(alive: pd.Series, frequency: pd.Series) -> pd.Series:
    """P(alive) of the customers of whom the model can tell.

    The BG/NBD gives all who bought once a P(alive) of 1 by construction, which says nothing of them.

    >>> alive_told(pd.Series([1.0, 0.4, 1.0]), pd.Series([0, 3, 0])).tolist()
    [0.4]
    """
    once = frequency == 0
    untold = bool(once.any() and (alive[once] == 1.0).all())
    return alive[~once] if untold else alive


def alive_path(
    log: Transactions,
    purchases: PurchaseFitter,
    customer_id: str,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    ahead: int = 0,
) -> pd.DataFrame:
    """A customer's P(alive) on every day from the first purchase on.

    Parameters
    ----------
    log : Transactions
        A checked log.
    purchases : fitted model of purchases
        Fitted up to `observation_end`, in units that it knows.
    customer_id : str
        The customer.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts; the log's last unless given.
    ahead : int
        Days to look ahead, from 0.

    Returns
    -------
    DataFrame
        Index date. probability_alive: by the purchases up to that day; of days to come, P(still a
        customer then), whatever is bought until then. if_silent: the same up to today, and after it
        P(alive) should nothing be bought until then. purchase: whether the customer bought that day.

    Raises
    ------
    SettingsError
        If a parameter is not understood, or the model does not know its unit of time.
    DataError
        If the log has no purchase of the customer up to that day.

    Notes
    -----
    P(still a customer after t) is that of `conditional_probability_alive_after`.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    >>> model = rm.BetaGeoFitter.from_parameters(published, time_unit="W")
    >>> path = alive_path(log, model, "a", ahead=91)["probability_alive"]
    >>> path.loc[["2024-01-10", "2024-02-01", "2024-06-30", "2024-09-29"]].round(2).tolist()
    [1.0, 0.81, 0.21, 0.19]
    """
    unit, end = _unit_of(purchases), end_of(log, observation_end)
    if ahead < 0:
        raise SettingsError(f"ahead: expected whole days from 0; got {ahead!r}.")
    rows = log.rows(store_id, end)
    rows = rows.filter(rows["customer_id"] == log.ids.of(str(customer_id)))
    days = to_frame(purchase_days(rows, returns=log.has_returns).select("date"))
    bought = pd.DatetimeIndex(sorted(pd.to_datetime(days["date"])))
    if bought.empty:
        raise DataError(f"customer_id: {customer_id!r} has no purchase up to {end}.")
    past = pd.date_range(bought[0], pd.Timestamp(end))
    known = np.searchsorted(bought, past, side="right")
    x, last = known - 1.0, (bought[known - 1] - bought[0]).days.to_numpy() / unit
    age = np.arange(past.size) / unit
    alive = _on_days(purchases, x, last, age, age - age[-1])
    if not ahead:
        return _path(past, alive, alive, bought)
    later = np.arange(1.0, ahead + 1.0) / unit
    x_now, last_now, age_now = (np.full(ahead, column[-1]) for column in (x, last, age))
    parameters = purchases.fit_.parameters
    stays = purchases.model.conditional_probability_alive_after(
        later, x_now, last_now, age_now, *parameters
    )
    silent = _on_days(purchases, x_now, last_now, age_now + later, later)
    days_ahead = past.append(pd.date_range(past[-1], periods=ahead + 1)[1:])
    return _path(
        days_ahead, np.concatenate([alive, stays]), np.concatenate([alive, silent]), bought
    )


def _path(days: pd.DatetimeIndex, alive: Array, silent: Array, bought: Any) -> pd.DataFrame:
    columns = {"probability_alive": alive, "if_silent": silent, "purchase": days.isin(bought)}
    return pd.DataFrame(columns, index=days.rename("date"))


def _unit_of(purchases: PurchaseFitter) -> float:
    """Days in the model's unit of time."""
    if purchases.time_unit_ is None:
        raise SettingsError(
            "purchases: the model does not know its unit of time: fit it to T of our summaries, or set "
            'its time_unit_ to "D", "W" or "M".'
        )
    return days_in(purchases.time_unit_)


def _on_days(purchases: PurchaseFitter, x: Array, t_x: Array, T: Array, shift: Array) -> Array:
    """P(alive) of histories, each known on a day so many units of time after the end."""
    model, parameters = purchases.model, purchases.fit_.parameters
    if type(model).moved is PurchaseModel.moved:
        return model.probability_alive(x, t_x, T, *parameters)
    found = [
        model.moved(float(by)).probability_alive(x[i], t_x[i], T[i], *parameters)
        for i, by in enumerate(shift)
    ]
    return np.array(found, dtype=float).reshape(x.shape)


def customers_alive_path(
    log: Transactions,
    purchases: PurchaseFitter,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    weeks: int = 26,
    ahead: int = 13,
    interval: float = 0.90,
) -> pd.DataFrame:
    """How many are customers still, week by week: the sum of P(alive), past and to come.

    Parameters
    ----------
    log, purchases, store_id, observation_end
        As for `alive_path`.
    weeks : int
        Weeks to look back, from 0; not before the first purchase.
    ahead : int
        Weeks to look ahead, from 0, of the customers known today.
    interval : float
        Level of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        Index date, every seventh day. seen: customers who had bought by then; alive: how many of them
        are customers still; low, high: its interval, chance and the doubt of the parameters together;
        bought_once: the part of alive that has bought once only. In the BG/NBD and BG/CNBD-k these are
        alive by construction, and nothing is known of them.

    Raises
    ------
    SettingsError
        If a parameter is not understood, or the model does not know its unit of time.
    DataError
        If there is no purchase.

    Notes
    -----
    The variance is Σ P(1 − P), and ∇ᵀ Cov ∇ of the parameters' logarithms, ∇ by differences. Customers
    are counted in the engine, by history.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-01", "2024-01-15", "2024-02-01", "2024-06-30"]
    >>> lines = pd.DataFrame({"id": ["a", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 1]})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    >>> model = rm.BetaGeoFitter.from_parameters(published, time_unit="W")
    >>> customers_alive_path(log, model, weeks=4, ahead=4)["alive"].round(2).tolist()
    [0.27, 0.26, 0.24, 0.23, 1.21, 1.2, 1.19, 1.17, 1.16]
    """
    unit, end = _unit_of(purchases), end_of(log, observation_end)
    for name, value in (("weeks", weeks), ("ahead", ahead)):
        if value < 0:
            raise SettingsError(f"{name}: expected whole weeks from 0; got {value!r}.")
    check_interval(interval)
    begin = log.whole.stores["first_day"]
    first = begin.min() if store_id is None else begin.get(store_id, end)
    back = min(weeks, max((end - max(first, log.first_seen_from or first)).days // 7, 0))
    rows, table = [], pd.DataFrame()
    for week in range(-back, 1):
        table = count_customers(
            log,
            store_id=store_id,
            observation_end=end + week * _WEEK,
            time_unit=str(purchases.time_unit_),
        )
        model = purchases.model.moved(7.0 * week / unit)
        rows.append(_alive_of(model.probability_alive, purchases, table, interval))
    for week in range(1, ahead + 1):
        t = 7.0 * week / unit

        def later(*history_and_parameters: Any, t: float = t) -> Array:
            return purchases.model.conditional_probability_alive_after(t, *history_and_parameters)

        rows.append(_alive_of(later, purchases, table, interval))
    dates = pd.DatetimeIndex([end + week * _WEEK for week in range(-back, ahead + 1)], name="date")
    return pd.DataFrame(rows, index=dates, columns=_COLUMNS)


def _alive_of(
    probability: Any, purchases: PurchaseFitter, table: pd.DataFrame, interval: float
) -> tuple[float, float, float, float, float]:
    """Customers, the sum of a probability over them with its interval, and of who bought once."""
    columns = [table[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    n, fit = table["customers"].to_numpy(dtype=float), purchases.fit_
    parameters = fit.parameters
    each = probability(*columns, *parameters)
    total = float(n @ each)
    errors = np.sqrt(np.diag(fit.log_covariance))
    slopes = np.zeros(parameters.size)
    # What is held at a limit, or known, has no doubt.
    for i in np.flatnonzero(np.isfinite(errors) & (errors > 0.0)):
        step = _STEP * min(float(errors[i]), 1.0)
        moved = parameters.copy()
        moved[i] *= np.exp(step)
        slopes[i] = (float(n @ probability(*columns, *moved)) - total) / step
    variance = float(n @ (each * (1.0 - each))) + float(slopes @ fit.log_covariance @ slopes)
    half = z_of_interval(interval) * np.sqrt(max(variance, 0.0))
    low, high = max(total - half, 0.0), min(total + half, float(n.sum()))
    return float(n.sum()), total, low, high, float((n * each)[columns[0] == 0.0].sum())
