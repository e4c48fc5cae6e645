"""Checks of covariates; every error names the column and the first bad rows.

Where covariates lie, and whether they can be told apart.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError

Array = NDArray[np.float64]

_SHOWN = 5


def checked_covariates(
    covariates: Any, frequency: Any, names: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], Array]:
    """Names and values, (n, k), of the covariates that a model is to be fitted with.

    Values are taken as they are: nothing is centred or scaled, so that effects are per unit of the
    covariate as given. If `frequency` has an index, the rows are those of the same labels, in any
    order.
    """
    table = _aligned(_table(covariates, names), frequency)
    Z = np.stack([_numbers(table, i) for i in range(table.shape[1])], axis=1)
    for i, name in enumerate(table.columns):
        if np.all(Z[:, i] == Z[0, i]):
            raise SettingsError(
                f"covariates: {name!r} is {Z[0, i]:g} for all of the {Z.shape[0]} customers, so it "
                "can explain no difference between them; leave it out."
            )
    return tuple(table.columns), Z


def matching_covariates(covariates: Any, frequency: Any, names: tuple[str, ...]) -> Array:
    """Values of the covariates of customers to predict for, (n, k), in the order of the fit."""
    listed = ", ".join(names)
    if covariates is None:
        raise SettingsError(
            f"covariates: this model was fitted with {listed}, so a prediction depends on them; "
            "give them as a table with one row per customer."
        )
    if not isinstance(covariates, pd.DataFrame):
        raise SettingsError(
            f"covariates: expected a DataFrame with the columns {listed}, as only names tell which "
            f"column is which; got {type(covariates).__name__}."
        )
    table = _table(covariates, None)
    missing, extra = ([n for n in one if n not in other] for one, other in _both(names, table))
    if missing or extra:
        raise SettingsError(
            f"covariates: the model was fitted with {listed}; missing here: "
            f"{', '.join(missing) or 'none'}; not in the model: {', '.join(extra) or 'none'}."
        )
    table = _aligned(table[list(names)], frequency)
    return np.stack([_numbers(table, i) for i in range(table.shape[1])], axis=1)


def _both(names: tuple[str, ...], table: pd.DataFrame) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (names, set(table.columns)), (list(table.columns), set(names))


def _table(covariates: Any, names: tuple[str, ...] | None) -> pd.DataFrame:
    if isinstance(covariates, pd.DataFrame):
        table = covariates.set_axis([str(name) for name in covariates.columns], axis=1)
    else:
        if np.ndim(covariates) != 2:
            raise SettingsError(
                "covariates: expected a table with one row per customer and one column per "
                f"covariate; got {np.ndim(covariates)} dimension(s)."
            )
        width = np.shape(covariates)[1]
        if names is None or len(names) != width:
            raise SettingsError(
                f"covariates: expected {width} names for the {width} columns of this array; give a "
                "DataFrame, whose columns have names."
            )
        table = pd.DataFrame(np.asarray(covariates), columns=[str(name) for name in names])
    if table.shape[1] == 0:
        raise SettingsError("covariates: the table has no columns; expected one per covariate.")
    twice = table.columns[table.columns.duplicated()]
    if twice.size:
        raise SettingsError(f"covariates: {twice[0]!r} names more than one column.")
    return table


def _aligned(table: pd.DataFrame, frequency: Any) -> pd.DataFrame:
    """The rows in the order of frequency's index; where it has none, as they are."""
    size = int(np.size(frequency))
    if len(table) != size:
        raise SettingsError(
            f"covariates: expected {size} rows, one per customer as in frequency; got {len(table)}."
        )
    index = frequency.index if isinstance(frequency, pd.Series) else None
    if index is None or index.equals(table.index):
        return table
    strangers = index[~index.isin(table.index)]
    if strangers.size:
        raise SettingsError(
            f"covariates: {strangers.size} of {size} customers in frequency's index are not in the "
            f"table's (first: {_listed(strangers)}); give both the same index."
        )
    twice = index[index.duplicated()].append(table.index[table.index.duplicated()])
    if twice.size:
        raise SettingsError(
            f"covariates: the rows are in another order than frequency's, and {_listed(twice[:1])} "
            "stands there twice, so that they cannot be put in it; give both of one table."
        )
    return table.loc[index]


def _numbers(table: pd.DataFrame, i: int) -> Array:
    name, column = table.columns[i], table.iloc[:, i]
    if column.dtype == object:
        odd = np.array([not (_is_number(v) or _is_missing(v)) for v in column], dtype=bool)
    else:
        types = pd.api.types
        odd = np.full(column.size, not types.is_numeric_dtype(column) or column.dtype.kind == "c")
    if odd.any():
        raise SettingsError(
            f"covariates: expected numbers in {name!r}; {odd.sum()} of {odd.size} rows have others "
            f"({_first(column, odd)}). Make groups columns of 0 and 1, for example with "
            "pandas.get_dummies(table, drop_first=True)."
        )
    if column.dtype == object:
        column = pd.Series(
            [np.nan if _is_missing(v) else float(v) for v in column], index=column.index
        )
    values = column.to_numpy(dtype=float, na_value=np.nan)
    bad = ~np.isfinite(values)
    if bad.any():
        raise SettingsError(
            f"covariates: expected a finite number in {name!r} for every customer; {bad.sum()} of "
            f"{bad.size} rows have none ({_first(column, bad)}). Leave these customers out, or "
            "give them a value and a column of 0 and 1 that tells whose was missing."
        )
    return np.asarray(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal, np.bool_))


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA


def _first(column: pd.Series, bad: NDArray[np.bool_]) -> str:
    shown = column[bad].head(_SHOWN)
    pairs = zip(shown.index.tolist(), shown.tolist(), strict=True)
    return "first: " + ", ".join(f"{label!r}: {value!r}" for label, value in pairs)


def _listed(labels: pd.Index) -> str:
    return ", ".join(repr(label) for label in labels[:_SHOWN].tolist())


# Correlations this close to dependence leave no digits to tell the covariates apart.
_DEPENDENT = 1e-10
_FARTHEST = 1e5


@dataclass(frozen=True, slots=True)
class CovariateScale:
    """Where k covariates lie."""

    names: tuple[str, ...]
    centre: Array  # (k,), mean over customers
    spread: Array  # (k,), standard deviation over customers
    # (2, k), values to compare: 0 and 1 where no others occur, else mean and one unit more
    reference: Array

    def unscaling(self) -> Array:
        """Matrix that carries phi of scaled covariates over to phi of covariates as given."""
        k = len(self.names)
        matrix = np.diag(np.concatenate([np.ones(4), np.tile(1.0 / self.spread, 3)]))
        shift = self.centre / self.spread
        for i, sign in enumerate((1.0, -1.0, -1.0)):
            matrix[1 + i, 4 + i * k : 4 + (i + 1) * k] = sign * shift
        return matrix


def covariate_scale(Z: Array, counts: Array, names: tuple[str, ...]) -> CovariateScale:
    """Mean and spread of covariates Z, (n, k), if they have any of their own; counts weigh rows."""
    weights = counts / counts.sum()
    centre = weights @ Z
    away = Z - centre
    spread = np.sqrt(weights @ away**2)
    for name, middle, width, column in zip(names, centre, spread, Z.T, strict=True):
        if np.all(column == column[0]):
            raise SettingsError(f"covariates: {name!r} does not vary; leave it out.")
        if abs(middle) > _FARTHEST * width:
            raise SettingsError(
                f"covariates: {name!r} lies at {middle:g} and varies by {width:g} only, too little "
                "beside its distance from 0; subtract a usual value from it."
            )
    correlation = (away / spread).T @ (away / spread * weights[:, None])
    sizes, directions = np.linalg.eigh(correlation)
    if sizes[0] < _DEPENDENT:
        involved = [n for n, part in zip(names, directions[:, 0], strict=True) if abs(part) > 1e-3]
        raise SettingsError(
            f"covariates: {', '.join(involved)} determine each other, so no data can tell their "
            "effects apart; leave one of them out."
        )
    binary = np.all((Z == 0.0) | (Z == 1.0), axis=0)
    reference = np.where(binary, [[0.0], [1.0]], np.stack([centre, centre + 1.0]))
    return CovariateScale(names, centre, spread, reference)
