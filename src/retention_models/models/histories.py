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
from retention_models.models.interface import PurchaseModel, mean_over, with_dropout
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
# Keys are looked up in a table of up to this size, and no more than so many times the rows (or of
# four times the rows); beyond, they are sorted.
_TABLE, _SPARSE = 1 << 22, 64


def distinct_rows(*columns: Array) -> tuple[list[Array], NDArray[np.intp]]:
    """Distinct rows of several columns, (k,) each, sorted, and each row's place among them, (n,).

    ``distinct[j][place]`` is ``columns[j]``. Columns are coded one by one and the codes packed into
    one whole number, which sorts many times faster than rows do.
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
    """Places of a column's values, (n,), in a table of distinct ones, some of which may not occur.

    The table increases; ``values[codes]`` is the column, to within rounding of days.
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
    if size > _largest_table(key.size):
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return first, np.ravel(place)
    row_with = np.full(size, -1, dtype=np.intp)
    row_with[key] = np.arange(key.size)
    present = np.flatnonzero(row_with >= 0)
    first = row_with[present]
    row_with[present] = np.arange(present.size)
    return first, row_with[key]


def _largest_table(rows: int) -> int:
    """Keys up to which a table of them takes less time than sorting the rows' keys."""
    return max(min(_TABLE, _SPARSE * rows), 4 * rows)


Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Histories:
    """Distinct histories, the number of customers with each, and the sums that fits need of them."""

    times: Array  # (m,), times that occur, increasing; the first is 0
    once: int  # number of rows with x = 0; they stand first
    x: Places  # (k,), frequencies
    last: Places  # (k,), place of t_x in `times`
    end: Places  # (k,), place of T in `times`
    counts: Array  # (k,), customers with each row
    reached: Array  # (largest x,), customers whose frequency exceeds 0, 1, 2, …
    customers_by_end: Array  # (m,), by the place of T
    purchases_by_end: Array  # (m,), their repeat purchases

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
        """Refuse what no model of purchases can be estimated from: no customer bought again."""
        if not self.reached.size:
            raise CannotSay.counting(
                "The only customer has not bought a second time, so nothing can be said about when "
                "customers come back or leave.",
                "None of the {customers} customers has bought a second time, so nothing can be said "
                "about when customers come back or leave.",
                int(self.customers),
                customers=count(self.customers),
            )

    def rows(self) -> tuple[Array, Array, Array, Array]:
        """Frequency, recency, T and counts as columns, shape (k,) each."""
        return self.x.astype(float), self.times[self.last], self.times[self.end], self.counts


def count_histories(x: Array, t_x: Array, T: Array, counts: Array | None = None) -> Histories:
    """Count customers by their valid history; rows with counts are taken as they are, not merged."""
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


def less_half_days(known: Histories) -> Histories:
    """Histories of a log by the day, half a day shorter for each repeat purchase; others as they are.

    Purchases of a day are one: it has any with chance 1 − e^(−λ) ≈ λ e^(−λ/2), to a factor of 1 + λ²/24,
    and none with e^(−λ). So x days with a purchase of T are as likely as x purchases in T − x/2.
    """
    x, t_x, T, counts = known.rows()
    for step in DAYS_IN_UNIT.values():
        if places_in_steps(t_x, step) is None or places_in_steps(T, step) is None:
            continue
        if (x > t_x * step + 0.5).any():  # purchases of a day were counted each
            return known
        half = x / (2.0 * step)
        return count_histories(x, t_x - half, T - half, counts)
    return known


def coded_times(t_x: Array, T: Array) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """A table of the times that occur, (m,), and the places of t_x ≤ T in it, (n,) each.

    It has every day up to the largest T where times are whole (or half) days; else the distinct
    times.
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
    if size <= _largest_table(key.size):
        found = np.bincount(key)
        distinct = np.flatnonzero(found > 0)
        return distinct, found[distinct]
    key.sort()
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: key.size])
    return key[first].astype(np.intp), np.diff(first, append=key.size)


# So few that several sets of parameters, or ends of windows, are worked on at once.
_FEW_HISTORIES = 4096
# Discounting that is little, and nodes of its integral.
_LITTLE = 0.7
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True)
class KnownCustomers:
    """Customers by distinct history.

    Cells are distinct pairs of x and of T, the end of observation, in the same order; where the
    future of one alive depends on t_x, every row is a cell.
    """

    x: Array  # (rows,), sorted by x, T, t_x
    t_x: Array
    T: Array
    row: Places  # (customers,), each one's place among the rows
    x_of_cell: Array  # (cells,)
    last_of_cell: Array  # t_x of one of the cell's rows
    end_of_cell: Array
    cell: Places  # (rows,), each row's place among the cells

    @property
    def customers_by_row(self) -> Array:
        """Number of customers with each history, shape (rows,)."""
        return np.bincount(self.row, minlength=self.x.size).astype(float)

    def many_at_once(self, model: PurchaseModel) -> bool:
        """Whether several sets of parameters go into one call of `alive_and_expected`, and it pays.

        Of few histories nearly all the time goes into calls, of one set or of twenty alike.
        """
        return model.side_by_side and self.x.size <= _FEW_HISTORIES

    def alive(self, model: PurchaseModel, parameters: Array) -> Array:
        """P(alive), shape (..., rows), of parameters of shape (..., p)."""
        return model.probability_alive(self.x, self.t_x, self.T, *_side_by_side(parameters))

    def of_alive(
        self,
        model: PurchaseModel,
        parameters: Array,
        quantity: Callable[..., Array],
        dropout: float = 1.0,
    ) -> Array:
        """Mean of a new customer's quantity over what one alive may be, shape (..., cells).

        From today on everybody's dropout may be so many times as it is; see `with_dropout`.
        """
        new = with_dropout(quantity, dropout)
        return model.of_alive(new, *self._cells, *_side_by_side(parameters))

    @property
    def _cells(self) -> tuple[Array, Array, Array]:
        return self.x_of_cell, self.last_of_cell, self.end_of_cell

    def expected(
        self, model: PurchaseModel, parameters: Array, horizon: Array | float, dropout: float = 1.0
    ) -> Array:
        """Expected purchases of whoever is alive, shape (..., cells); `dropout` as in `of_alive`."""
        new = partial(model.alive.expected_purchases, horizon)
        return self.of_alive(model, parameters, new, dropout)

    def alive_and_expected(
        self, model: PurchaseModel, parameters: Array, horizon: Array | float
    ) -> tuple[Array, Array]:
        """P(alive), and expected purchases of whoever is, both of shape (..., rows).

        At one set of parameters the latter also up to several horizons, shape (k, 1), a row each.
        """
        if not model.recency_counts:
            expected = self.expected(model, parameters, horizon)[..., self.cell]
            return self.alive(model, parameters), expected
        given = _side_by_side(parameters)
        alive, states = model.alive_with_states(*self._cells, *given)
        return alive, mean_over(states, partial(model.alive.expected_purchases, horizon))

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
            ends = np.append(horizon, t)
            weights = np.exp(-rate * ends) * np.append(1.0, rate * weights)
            states = model.states(*self._cells, *parameters)
            total = np.zeros(self.x_of_cell.size)
            # Of few histories all ends at once: nearly all the time goes into calls.
            at_once = max(1, _FEW_HISTORIES // max(1, total.size))
            for first in range(0, ends.size, at_once):
                some = slice(first, first + at_once)
                of_new = with_dropout(
                    partial(model.alive.expected_purchases, ends[some, None]), dropout
                )
                total += weights[some] @ mean_over(states, of_new)
            return total
        new = partial(model.alive.discounted_purchases, horizon, rate)
        return self.of_alive(model, parameters, new, dropout)


def _side_by_side(parameters: Array) -> tuple[Any, ...]:
    """One set of parameters as it is; of several, shape (k, p), a column (k, 1) of each parameter."""
    return tuple(parameters) if parameters.ndim == 1 else tuple(parameters.T[:, :, None])


def known_customers(x: Array, t_x: Array, T: Array, *, by_recency: bool = False) -> KnownCustomers:
    """Distinct histories of customers, and their cells; with `by_recency` every history is a cell."""
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
