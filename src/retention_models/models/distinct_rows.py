"""Distinct rows with counts: a million customers share some thousands of histories."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
    key = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        levels, codes = np.unique(column, return_inverse=True)
        key = key * levels.size + np.ravel(codes)
        # Packed anew after every column, the key stays below n · n and never overflows.
        _, key = np.unique(key, return_inverse=True)
        key = np.ravel(key).astype(np.int64)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    return [column[first] for column in columns], np.ravel(place)
