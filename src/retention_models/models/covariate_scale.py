"""Where covariates lie, and whether they can be told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import SettingsError

Array = NDArray[np.float64]

# Correlations this close to dependence leave no digits to tell the covariates apart.
_DEPENDENT = 1e-10
_FARTHEST = 1e5


@dataclass(frozen=True, slots=True)
class CovariateScale:
    """Where covariates lie.

    Attributes
    ----------
    names : tuple of str, length k
        Covariates.
    centre, spread : ndarray, shape (k,)
        Mean and standard deviation over customers.
    reference : ndarray, shape (2, k)
        Values to compare: 0 and 1 where a covariate has no others, else its mean and one unit more.
    """

    names: tuple[str, ...]
    centre: Array
    spread: Array
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
    """Mean and spread of covariates, if they have any of their own.

    Parameters
    ----------
    Z : ndarray, shape (n, k)
        Covariates.
    counts : ndarray, shape (n,)
        Number of customers with each row.
    names : tuple of str, length k
        Names of the covariates.

    Returns
    -------
    CovariateScale

    Raises
    ------
    SettingsError
        If a covariate does not vary, is determined by the others, or lies too far from 0.

    Examples
    --------
    >>> scale = covariate_scale(np.array([[0.0], [1.0]]), np.array([1.0, 3.0]), ("campaign",))
    >>> scale.centre.tolist(), scale.reference.tolist()
    ([0.75], [[0.0], [1.0]])
    """
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
