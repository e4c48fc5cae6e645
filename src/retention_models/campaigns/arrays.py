"""Checks of the arrays that an effect is estimated from; every error names the argument and rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import SettingsError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def numbers(name: str, values: Any, dimensions: int, rows: int | None = None) -> Floats:
    """Finite floats with the asked number of dimensions and rows, or an error that says where not."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name}: expected numbers ({error}).") from None
    if found.ndim != dimensions:
        raise SettingsError(
            f"{name}: expected an array of {dimensions} dimension(s); got {found.ndim}."
        )
    _check_rows(name, len(found), rows)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=tuple(range(1, dimensions))))
    if bad.size:
        raise SettingsError(
            f"{name}: expected finite numbers; rows {bad[:5].tolist()} "
            f"({bad.size} in all) are not. Fill or leave out those units."
        )
    return found


def flags(name: str, values: Any, rows: int) -> Flags:
    """Booleans from 0, 1, False and True, or an error."""
    found = numbers(name, values, 1, rows)
    if not np.isin(found, (0.0, 1.0)).all():
        bad = np.flatnonzero(~np.isin(found, (0.0, 1.0)))
        raise SettingsError(
            f"{name}: expected 0 or 1 (or booleans); rows {bad[:5].tolist()} are not."
        )
    return found == 1.0


def codes(name: str, values: Any, rows: int) -> NDArray[np.int64]:
    """Labels as whole numbers from 0, or an error where one is missing."""
    found = np.asarray(values)
    if found.ndim != 1:
        raise SettingsError(f"{name}: expected one label per unit in one dimension.")
    _check_rows(name, len(found), rows)
    bad = np.flatnonzero(np.array([v is None or v != v for v in found.tolist()], dtype=bool))
    if bad.size:
        raise SettingsError(f"{name}: expected a label for every unit; rows {bad[:5]} have none.")
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
