"""Distinct purchase histories with counts, times coded as places in a table: what a fit needs.

A million customers observed by the day share some hundred thousand histories (x, t_x, T), and these
some hundreds of times: logarithms of times are taken from a table, and each sum over customers that
depends on T alone, or on x alone, becomes a sum over a few hundred numbers.
Predictions use the same (`KnownCustomers`):

A customer's P(alive) depends on its row (x, t_x, T); everything about its future, once alive, on its
cell (x, T). What is costly is computed once per cell, what is cheap once per row, and customers get
theirs by a lookup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.languages import count
from retention_models.models.interface import PurchaseModel, with_dropout
from retention_models.models.special import in_blocks
from retention_models.time_units import DAYS_IN_UNIT

Array = NDArray[np.float64]

# Steps of time that columns are tried in: whole numbers and days per unit of time; and half days, where
# the end of observation is counted from the middle of the first day.
STEPS = tuple(half * days for half in (1.0, 2.0) for days in DAYS_IN_UNIT.values())
_WHOLE = 1e-9
_LARGEST = np.iinfo(np.int32).max
# Rows at a time: they stay in a processor's cache.
_BLOCK = 65536
# Keys are looked up in a table of up to this size, or of four times the rows; beyond, they are sorted.
_TABLE = 1 << 22


def distinct_rows(*columns: Array) -> tuple[list[Array], NDArray[np.intp]]:
    """Distinct rows of several columns, sorted, and each row's place among them.

    Columns are coded one by one and the codes packed into one whole number, which sorts many times
    faster than rows do.

    Parameters
    ----------
    *columns : ndarray, shape (n,)
        Columns of one table.

    Returns
    -------
    distinct : list of ndarray, shape (k,)
        The columns of the distinct rows.
    place : ndarray of int, shape (n,)
        ``distinct[j][place]`` is ``columns[j]``.

    Examples
    --------
    >>> distinct, place = distinct_rows(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    >>> [column.tolist() for column in distinct], place.tolist()
    ([[1.0, 2.0], [5.0, 5.0]], [1, 0, 1])
    """
    key, size = np.zeros(columns[0].size, dtype=np.int64), 1
    for column in columns:
        codes, values = codes_of(column)
        levels = values.size
        if size * levels > np.iinfo(np.int64).max:
            # Packed anew, the key stays below n and cannot overflow.
            _, key = np.unique(key, return_inverse=True)
            key, size = np.ravel(key).astype(np.int64), columns[0].size
        key = key * levels + codes if size > 1 else codes.astype(np.int64)
        size *= levels
    first, place = _first_places(key, size)
    return [column[first] for column in columns], place


def places_in_steps(times: Array, step: float) -> NDArray[np.int32] | None:
    """Times as whole numbers of steps, or None where they are not (or too large to be tabled)."""
    places = np.empty(times.size, dtype=np.int32)  # half as much to move
    for first in range(0, times.size, _BLOCK):
        scaled = times[first : first + _BLOCK] * step
        whole = np.rint(scaled)
        low, top = float(whole.min()), float(whole.max())
        if not (low >= 0.0 and top <= min(_TABLE + 4 * times.size, _LARGEST)):
            return None
        scaled -= whole
        if max(scaled.max(), -scaled.min()) > _WHOLE * max(1.0, top):
            return None
        places[first : first + _BLOCK] = whole
    return places


def codes_of(column: Array) -> tuple[NDArray[Any], Array]:
    """Places of a column's values in a table of distinct ones, some of which may not occur.

    Parameters
    ----------
    column : ndarray, shape (n,)

    Returns
    -------
    codes : ndarray of int, shape (n,)
    values : ndarray, shape (m,)
        Increasing; ``values[codes]`` is the column, to within rounding of days.
    """
    for step in STEPS:
        places = places_in_steps(column, step)
        if places is not None:
            low = int(places.min()) if places.size else 0
            places -= low
            return places, np.arange(low, low + int(places.max(initial=0)) + 1) / step
    values, found = np.unique(column, return_inverse=True)
    return np.ravel(found), values


def _first_places(key: NDArray[np.int64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For keys below `size`: a row with each distinct one, in their order, and each row's place."""
    if size > max(_TABLE, 4 * key.size):
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return first, np.ravel(place)
    row_with = np.full(size, -1, dtype=np.intp)
    row_with[key] = np.arange(key.size)
    present = np.flatnonzero(row_with >= 0)
    first = row_with[present]
    row_with[present] = np.arange(present.size)
    return first, row_with[key]


Places = NDArray[np.intp]

# Keys are counted in a table of up to this size, or of four times the rows; beyond, they are sorted.


@dataclass(frozen=True, slots=True)
class Histories:
    """Distinct histories, the number of customers with each, and the sums that fits need of them.

    Attributes
    ----------
    times : ndarray, shape (m,)
        Times that occur, increasing; the first is 0.
    once : int
        Number of rows with x = 0; they stand first.
    x : ndarray of int, shape (k,)
        Frequencies.
    last, end : ndarray of int, shape (k,)
        Places of t_x and T in `times`.
    counts : ndarray, shape (k,)
        Number of customers with each row.
    reached : ndarray, shape (largest x,)
        Number of customers whose frequency exceeds 0, 1, 2, …
    customers_by_end, purchases_by_end : ndarray, shape (m,)
        Customers, and their repeat purchases, by the place of T.
    """

    times: Array
    once: int
    x: Places
    last: Places
    end: Places
    counts: Array
    reached: Array
    customers_by_end: Array
    purchases_by_end: Array

    @property
    def customers(self) -> float:
        """Number of customers: the sum of the counts."""
        return float(self.customers_by_end.sum())

    @property
    def mean_end(self) -> float:
        """Mean time since the first purchase."""
        return float(self.customers_by_end @ self.times) / self.customers

    @property
    def mean_rate(self) -> float:
        """Repeat purchases per customer and unit of time."""
        return float(self.purchases_by_end.sum() / (self.customers_by_end @ self.times))

    @property
    def time_between_repeats(self) -> float:
        """Time observed per repeat purchase of those who came back."""
        came_back = self.counts[self.once :]
        observed = self.times[self.end[self.once :]]
        return float(came_back @ observed / (came_back @ self.x[self.once :]))

    def require_repeats(self) -> None:
        """Refuse what no model of purchases can be estimated from.

        Raises
        ------
        CannotSay
            If no customer bought again: then no rate and no dropout can be estimated.
        """
        if not self.reached.size:
            raise CannotSay(
                "None of the {customers} customers has bought a second time, so nothing can be said "
                "about when customers come back or leave.",
                customers=count(self.customers),
            )

    def rows(self) -> tuple[Array, Array, Array, Array]:
        """Frequency, recency, T and counts as columns, shape (k,) each."""
        return self.x.astype(float), self.times[self.last], self.times[self.end], self.counts


def count_histories(x: Array, t_x: Array, T: Array, counts: Array | None = None) -> Histories:
    """Count customers by their history.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (n,)
        Valid frequency, recency and T.
    counts : ndarray, shape (n,), optional
        Number of customers with each row, taken as they are; one each unless given, and then equal
        rows are counted together.

    Returns
    -------
    Histories

    Examples
    --------
    >>> found = count_histories(*(np.array(column) for column in ([2.0, 2.0], [1.0, 1.0], [3.0, 3.0])))
    >>> found.x, found.times[found.last], found.times[found.end], found.counts
    (array([2]), array([1.]), array([3.]), array([2.]))
    """
    times, last, end = coded_times(t_x, T)
    whole: NDArray[Any] = x.astype(np.int32 if x.max(initial=0.0) < 1 << 31 else np.intp)
    if counts is None:
        whole, end, last, counts = _counted(whole, end, last, times.size)
    else:
        order = np.concatenate([np.flatnonzero(whole == 0), np.flatnonzero(whole > 0)])
        whole, end, last = (column[order].astype(np.intp) for column in (whole, end, last))
        counts = counts[order]
    # Customers with more than j repeat purchases, for j = 0, 1, …
    by_level = np.bincount(whole, weights=counts)
    return Histories(
        times=times,
        once=int(np.count_nonzero(whole == 0)),
        x=whole,
        last=last,
        end=end,
        counts=counts,
        reached=by_level[::-1].cumsum()[::-1][1:],
        customers_by_end=np.bincount(end, counts, times.size).astype(float, copy=False),
        purchases_by_end=np.bincount(end, counts * whole, times.size).astype(float, copy=False),
    )


def coded_times(t_x: Array, T: Array) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """A table of the times that occur, and the places of t_x and T in it.

    Parameters
    ----------
    t_x, T : ndarray, shape (n,)
        Times, t_x ≤ T.

    Returns
    -------
    times : ndarray, shape (m,)
        Every day up to the largest T where times are whole days (or half days); else the distinct
        times.
    last, end : ndarray of int, shape (n,)
    """
    for step in STEPS:
        end = places_in_steps(T, step)
        last = None if end is None else places_in_steps(t_x, step)
        if end is not None and last is not None:
            return np.arange(int(end.max(initial=0)) + 1) / step, last, end
    times, places = np.unique(np.concatenate([[0.0], t_x, T]), return_inverse=True)
    places = np.ravel(places)
    return times, places[1 : 1 + t_x.size], places[1 + t_x.size :]


def _counted(
    x: NDArray[Any], end: NDArray[Any], last: NDArray[Any], places: int
) -> tuple[Places, Places, Places, Array]:
    """Distinct rows (x, end, last), sorted, and how often each occurs."""
    size = (int(x.max(initial=0)) + 1) * places * places
    if size > np.iinfo(np.int64).max:
        columns = (x.astype(float), end.astype(float), last.astype(float))
        distinct, row = distinct_rows(*columns)
        first, second, third = (column.astype(np.intp) for column in distinct)
        return first, second, third, np.bincount(row).astype(float)
    # Most customers of most shops never came back; what is left of their history is T.
    back = np.flatnonzero(x > 0)
    once = np.bincount(end, minlength=places) - np.bincount(end.take(back), minlength=places)
    ends_of_once = np.flatnonzero(once > 0)
    # Half the width sorts in half the time.
    width = np.uint32 if size < 1 << 32 else np.int64
    key = in_blocks(
        lambda x, end, last: (x.astype(np.int64) * places + end) * places + last,
        *(x.take(back), end.take(back), last.take(back)),
        dtype=width,
    )
    key, counts = _counted_keys(key, size)
    rest = key // places
    level = rest // places
    nothing = np.zeros(ends_of_once.size, dtype=np.intp)
    return (
        np.concatenate([nothing, level]),
        np.concatenate([ends_of_once, rest - level * places]),
        np.concatenate([nothing, key - rest * places]),
        np.concatenate([once[ends_of_once], counts]).astype(float),
    )


def _counted_keys(key: NDArray[Any], size: int) -> tuple[Places, Places]:
    """Distinct keys, all below `size`, in order, and how often each occurs."""
    if size <= max(_TABLE, 4 * key.size):
        found = np.bincount(key)
        distinct = np.flatnonzero(found > 0)
        return distinct, found[distinct]
    key.sort()
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[first].astype(np.intp), np.diff(first, append=key.size)


# Discounting that is little, and nodes of its integral.
_LITTLE = 0.7
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True)
class KnownCustomers:
    """Customers by distinct history.

    Attributes
    ----------
    x, t_x, T : ndarray, shape (rows,)
        Distinct histories, sorted by x, T, t_x.
    row : ndarray of int, shape (customers,)
        Each customer's place among them.
    x_of_cell, last_of_cell, end_of_cell : ndarray, shape (cells,)
        Distinct pairs of x and of T, the end of observation, in the same order, and t_x of one of
        them; where the future of one alive depends on it, every row is a cell.
    cell : ndarray of int, shape (rows,)
        Each row's place among those.
    """

    x: Array
    t_x: Array
    T: Array
    row: Places
    x_of_cell: Array
    last_of_cell: Array
    end_of_cell: Array
    cell: Places

    @property
    def customers_by_row(self) -> Array:
        """Number of customers with each history, shape (rows,)."""
        return np.bincount(self.row, minlength=self.x.size).astype(float)

    def alive(self, model: PurchaseModel, parameters: Array) -> Array:
        """P(alive), shape (rows,)."""
        return model.probability_alive(self.x, self.t_x, self.T, *parameters)

    def of_alive(
        self,
        model: PurchaseModel,
        parameters: Array,
        quantity: Callable[..., Array],
        dropout: float = 1.0,
    ) -> Array:
        """Mean of a new customer's quantity over what one alive may be, shape (cells,).

        From today on everybody's dropout may be so many times as it is; see `with_dropout`.
        """
        cells = self.x_of_cell, self.last_of_cell, self.end_of_cell
        return model.of_alive(with_dropout(quantity, dropout), *cells, *parameters)

    def expected(
        self, model: PurchaseModel, parameters: Array, horizon: float, dropout: float = 1.0
    ) -> Array:
        """Expected purchases of whoever is alive, shape (cells,); `dropout` as in `of_alive`."""
        new = partial(model.alive.expected_purchases, horizon)
        return self.of_alive(model, parameters, new, dropout)

    def discounted(
        self,
        model: PurchaseModel,
        parameters: Array,
        horizon: float,
        rate: float,
        dropout: float = 1.0,
    ) -> Array:
        """Expected discounted purchases of whoever is alive, shape (cells,); `dropout` as in `of_alive`.

        Where every history is a cell, over windows that discount little, by parts: e^(−δh) E(h) +
        δ ∫ e^(−δt) E(t) dt, on few nodes, since the integral weighs no more than δh.
        """
        if model.recency_counts and 0.0 < rate * horizon < _LITTLE:
            t, weights = horizon * (1.0 + _NODES) / 2.0, horizon * _WEIGHTS / 2.0
            total = np.exp(-rate * horizon) * self.expected(model, parameters, horizon, dropout)
            for end, weight in zip(t, rate * weights * np.exp(-rate * t), strict=True):
                total = total + weight * self.expected(model, parameters, float(end), dropout)
            return total
        new = partial(model.alive.discounted_purchases, horizon, rate)
        return self.of_alive(model, parameters, new, dropout)


def known_customers(x: Array, t_x: Array, T: Array, *, by_recency: bool = False) -> KnownCustomers:
    """Find the distinct histories of customers, and their cells.

    Parameters
    ----------
    x, t_x, T : ndarray, shape (customers,)
        Valid frequency, recency and T.
    by_recency : bool
        Whether every history is a cell, as models want whose `recency_counts`.

    Returns
    -------
    KnownCustomers

    Examples
    --------
    >>> one = np.ones(3)
    >>> known = known_customers(one, np.array([2.0, 5.0, 2.0]), 9 * one)
    >>> known.t_x, known.row, known.cell
    (array([2., 5.]), array([0, 1, 0]), array([0, 0]))
    """
    (level_x, level_T, level_t_x), row = distinct_rows(x, T, t_x)
    change = (level_x[1:] != level_x[:-1]) | (level_T[1:] != level_T[:-1])
    first = np.concatenate([[True], change | by_recency])[: level_x.size]
    return KnownCustomers(
        x=level_x,
        t_x=level_t_x,
        T=level_T,
        row=row,
        x_of_cell=level_x[first],
        last_of_cell=level_t_x[first],
        end_of_cell=level_T[first],
        cell=np.cumsum(first) - 1,
    )
