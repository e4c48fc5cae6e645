"""Checks of the arrays that an effect is estimated from; every error names the argument and rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import DataError, SettingsError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def numbers(
    name: str, values: Any, dimensions: int, rows: int | None = None, *, expected: str = "numbers"
) -> Floats:
    """Finite floats with the asked number of dimensions and rows, or an error that says where not."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds what is no number ({error}); expected numbers.") from error
    if found.ndim != dimensions:
        raise SettingsError(
            f"{name}: expected an array of {dimensions} dimension(s); got {found.ndim}."
        )
    _check_rows(name, len(found), rows)
    refuse_rows(name, ~np.isfinite(found).all(axis=tuple(range(1, dimensions))), expected)
    return found


def refuse_rows(name: str, wrong: Flags, expected: str) -> None:
    """DataError with the first rows that are not as expected, if there are any."""
    if wrong.any():
        rows = ", ".join(str(row) for row in np.flatnonzero(wrong)[:5])
        raise DataError(
            f"{name} has {int(wrong.sum()):,} rows that do not fit, first at row {rows}; "
            f"expected {expected}."
        )


def flags(name: str, values: Any, rows: int) -> Flags:
    """Booleans from 0, 1, False and True, or an error."""
    found = numbers(name, values, 1, rows)
    refuse_rows(name, (found != 0.0) & (found != 1.0), "0 or 1 (or booleans)")
    return found == 1.0


def codes(name: str, values: Any, rows: int) -> NDArray[np.int64]:
    """Labels as whole numbers from 0, or an error where one is missing."""
    found = np.asarray(values)
    if found.ndim != 1:
        raise SettingsError(f"{name}: expected one label per unit in one dimension.")
    _check_rows(name, len(found), rows)
    missing = np.array([v is None or v != v for v in found.tolist()], dtype=bool)
    refuse_rows(name, missing, "a label for every unit")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def full_rank(matrix: Floats) -> bool:
    """Whether no column is a sum of others, columns being brought to one scale first."""
    scale = np.sqrt((matrix**2).sum(axis=0))
    return bool(
        len(matrix) >= matrix.shape[1]
        and (scale > 0).all()
        and np.linalg.matrix_rank(matrix / scale, tol=1e-8 * np.sqrt(matrix.shape[1]))
        == matrix.shape[1]
    )


def _check_rows(name: str, got: int, expected: int | None) -> None:
    if expected is not None and got != expected:
        raise SettingsError(f"{name}: expected {expected} rows, one per unit; got {got}.")
