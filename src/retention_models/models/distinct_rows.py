"""Distinct rows with counts: a million customers share some thousands of histories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
