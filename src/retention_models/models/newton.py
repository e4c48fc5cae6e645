"""Newton's method with exact derivatives, and the directions that the data do not tell.

The stop is on the Newton decrement, which is the log-likelihood still to be won: it has the same
meaning at ten customers and at ten million, unlike a bound on the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Objective = Callable[[Array], tuple[float, Array, Array]]

# Log-likelihood that a further Newton step would win, below which the search has ended.
_DECREMENT = 1e-9
# A step that wins less than this and moves no coordinate by more than that is the last: Newton's
# error is squared by it, so that evaluating the likelihood once more would tell nothing new.
_LAST_DECREMENT, _LAST_STEP = 1e-4, 1e-4
# A log-parameter whose standard deviation exceeds this is known to less than a factor of
# exp(1.96 · 4) ≈ 2,500 in either direction: the data do not tell its value.
_WIDEST_SD = 4.0
_LONGEST_STEP = 2.0


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where a climb ended.

    Attributes
    ----------
    phi : ndarray, shape (k,)
        The point.
    value : float
        What the objective has there.
    gradient : ndarray, shape (k,)
    hessian : ndarray, shape (k, k)
        Derivatives where the last step began: there, or next to it.
    steps : int
        Newton steps taken.
    settled : bool
        Whether no further step would win anything.
    """

    phi: Array
    value: float
    gradient: Array
    hessian: Array
    steps: int
    settled: bool


def ascend(
    objective: Objective,
    phi: Array,
    *,
    max_iterations: int = 200,
    enough: float = _DECREMENT,
    last_step: bool = True,
) -> Ascent:
    """Climb to a maximum by Newton's method, halving steps that do not climb.

    Parameters
    ----------
    objective : callable
        Maps coordinates without bounds, shape (k,), to a value, its gradient and its Hessian.
    phi : ndarray, shape (k,)
        Where to start.
    max_iterations : int
        Newton steps after which the search is given up.
    enough : float
        What a further step would win, below which the search has ended.
    last_step : bool
        Whether to take a last step, sure to be small, without evaluating the objective again;
        without it the derivatives are those where the climb ended.

    Returns
    -------
    Ascent

    Examples
    --------
    >>> hill = lambda phi: (-float(phi @ phi), -2.0 * phi, -2.0 * np.eye(2))
    >>> ascend(hill, np.array([1.0, -1.0])).phi.tolist()
    [0.0, 0.0]
    """
    value, gradient, hessian = objective(phi)
    steps, settled = 0, False
    while steps < max_iterations and not settled:
        step = _ascent_step(gradient, hessian)
        decrement = float(gradient @ step) / 2.0
        settled = decrement < max(enough, 1e-14 * abs(value))
        if settled:
            break
        if last_step and decrement < _LAST_DECREMENT and np.abs(step).max() < _LAST_STEP:
            phi, value, settled = phi + step, value + decrement, True
            steps += 1
            break
        scale = 1.0
        while scale > 1e-10:
            candidate = objective(phi + scale * step)
            if candidate[0] >= value + 1e-4 * scale * 2.0 * decrement:
                break
            scale /= 2.0
        else:
            # No step wins anything: rounding has the last word, and this is the maximum.
            settled = True
            break
        phi = phi + scale * step
        value, gradient, hessian = candidate
        steps += 1
    return Ascent(phi, value, gradient, hessian, steps, settled)


def _ascent_step(gradient: Array, hessian: Array) -> Array:
    """The Newton step, turned uphill where the surface is not concave, and kept short."""
    curvature, directions = np.linalg.eigh(-hessian)
    floor = max(1e-12, 1e-10 * float(np.abs(curvature).max()))
    step = directions @ ((directions.T @ gradient) / np.maximum(np.abs(curvature), floor))
    length = float(np.abs(step).max())
    return np.asarray(step if length <= _LONGEST_STEP else step * (_LONGEST_STEP / length))


def known_and_flat(hessian: Array) -> tuple[Array, Array, float]:
    """Covariance in the directions that a log-likelihood tells, and the directions it does not.

    Parameters
    ----------
    hessian : ndarray, shape (k, k)
        At a maximum, by log-parameters or others whose unit is a matter of interest.

    Returns
    -------
    covariance : ndarray, shape (k, k)
        Inverse of the observed information; zero along the flat directions.
    flat : ndarray, shape (k, f)
        Orthonormal directions whose standard deviation would exceed 4, the flattest first.
    condition_number : float
        Of the observed information.
    """
    curvature, directions = np.linalg.eigh(-hessian)
    flat = curvature < 1.0 / _WIDEST_SD**2
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, curvature))
    smallest, largest = float(curvature[0]), float(curvature[-1])
    return (
        (directions * inverse) @ directions.T,
        directions[:, flat],
        largest / smallest if smallest > 0 else float("inf"),
    )
