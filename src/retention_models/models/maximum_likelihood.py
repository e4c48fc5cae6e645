"""Newton's method on log-parameters with exact derivatives, and an honest verdict on its end.

All parameters of the models here are positive, so the likelihood is maximised over their logs. The
climb itself is that of `newton`.

Newton's method with exact derivatives, and the directions that the data do not tell.

The stop is on the Newton decrement, which is the log-likelihood still to be won: it has the same
meaning at ten customers and at ten million, unlike a bound on the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retention_models.languages import phrase

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
# Share of the objective's size below which a difference is rounding.
_ROUNDING = 1e-14
# Curvature, as a share of the largest, below which it is rounding.
_LEAST_CURVATURE = 1e-13


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
    if not np.isfinite(value):
        # There is no slope to follow, and nothing is known.
        return Ascent(phi, value, np.zeros_like(phi), np.zeros((phi.size, phi.size)), 0, False)
    steps, settled = 0, False
    while steps < max_iterations and not settled:
        step = _ascent_step(gradient, hessian)
        decrement = float(gradient @ step) / 2.0
        rounding = _ROUNDING * abs(value)
        settled = decrement < max(enough, rounding)
        if settled:
            break
        if last_step and decrement < _LAST_DECREMENT and np.abs(step).max() < _LAST_STEP:
            phi, value, settled = phi + step, value + decrement, True
            steps += 1
            break
        scale = 1.0
        while 2.0 * scale * decrement > rounding and scale > 1e-10:
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
    floor = max(1e-12, _LEAST_CURVATURE * float(np.abs(curvature).max()))
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


Verdict = Literal["converged", "boundary", "shrunk", "not identified", "given"]


@dataclass(frozen=True, slots=True)
class MaximumLikelihoodFit:
    """A maximum of a likelihood, and how far it can be relied on.

    Attributes
    ----------
    names : tuple of str
        Parameter names, in the order of the arrays.
    parameters : ndarray, shape (k,)
        The maximum-likelihood estimates. At a boundary some are the boundary's own value.
    log_covariance : ndarray, shape (k, k)
        Covariance of the log-parameters, the inverse of the observed information; zero in the
        directions that a boundary holds fixed.
    log_likelihood : float
        The plain log-likelihood at the estimates (never penalised, never rescaled).
    customers : float
        Number of customers: the sum of the rows' counts.
    free_parameters : int
        Number of parameters estimated (fewer than k at a boundary).
    iterations : int
        Newton steps taken.
    gradient_norm : float
        Largest absolute derivative by a log-parameter, per customer, where the last Newton step
        began.
    condition_number : float
        Of the observed information in log-parameters.
    verdict : {"converged", "boundary", "shrunk", "not identified", "given"}
        Whether the estimates are an ordinary maximum. "shrunk": they are of highest posterior
        density given the other stores of a chain, and log_covariance is the posterior's; or, with
        `posterior`, its centre. "given": not estimated here; log_covariance is zero and the
        log-likelihood NaN.
    message : str
        The verdict in words.
    allowed : ndarray, shape (200, k), optional
        At the limit without dropout: parameters at which dropout is as large as its posterior
        quantiles at 0.0025, 0.0075, …, 0.9975 allow (see `no_dropout`); the rates are the
        estimates.
    posterior : ndarray, shape (200, k), optional
        Where the data leave parameters open: equally likely draws of what they may be, in no order
        (see `open_parameters`). They take the place of log_covariance and allowed.
    """

    names: tuple[str, ...]
    parameters: Array
    log_covariance: Array = field(repr=False)
    log_likelihood: float
    customers: float
    free_parameters: int
    iterations: int
    gradient_norm: float
    condition_number: float
    verdict: Verdict
    message: str
    allowed: Array | None = field(default=None, repr=False)
    posterior: Array | None = field(default=None, repr=False)

    @property
    def covariance(self) -> Array:
        """Covariance of the parameters by the delta method, shape (k, k)."""
        return self.log_covariance * np.outer(self.parameters, self.parameters)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, 2k − 2 LL."""
        return 2.0 * self.free_parameters - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Bayesian information criterion, k ln(customers) − 2 LL."""
        return float(self.free_parameters * np.log(self.customers) - 2.0 * self.log_likelihood)

    def draws(self, size: int, rng: np.random.Generator) -> Array:
        """Draws of the parameters from their approximate posterior.

        It is normal on the log scale; at the limit without dropout, dropout is drawn from what the
        data allow of it; where parameters are open, draws are taken from `posterior`.

        Parameters
        ----------
        size : int
            Number of draws.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (size, k)
        """
        if self.posterior is not None:
            # Each as often as the others, so that chance adds nothing.
            turns = -(-size // len(self.posterior))
            places = np.tile(np.arange(len(self.posterior)), turns)
            return np.asarray(self.posterior[rng.permutation(places)[:size]])
        values, vectors = np.linalg.eigh(self.log_covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise = rng.standard_normal((size, len(self.names))) @ root.T
        if self.allowed is None:
            return np.asarray(self.parameters * np.exp(noise))
        centre = self.allowed[rng.integers(len(self.allowed), size=size)]
        return np.asarray(centre * np.exp(noise))


def maximise(
    objective: Objective,
    start: Array,
    names: tuple[str, ...],
    customers: float,
    *,
    penalty: float = 0.0,
    penalty_centre: Array | None = None,
    max_iterations: int = 200,
) -> MaximumLikelihoodFit:
    """Maximise a log-likelihood over the logs of its parameters.

    Parameters
    ----------
    objective : callable
        Maps log-parameters, shape (k,), to the log-likelihood, its gradient, shape (k,), and its
        Hessian, shape (k, k), all by the log-parameters.
    start : ndarray, shape (k,)
        Positive starting values of the parameters (not logs).
    names : tuple of str
        Names of the parameters.
    customers : float
        Number of customers in the data.
    penalty : float
        Ridge on the log-parameters: ``customers · penalty · Σ (φ − centre)²`` is subtracted. On
        logs and around a scale of the data it does not depend on units of time or money.
    penalty_centre : ndarray, shape (k,), optional
        Centre of the ridge in log-parameters; zeros unless given.
    max_iterations : int
        Newton steps after which the search is given up.

    Returns
    -------
    MaximumLikelihoodFit
        Never raises for lack of convergence: the verdict says it.
    """
    centre = np.zeros(len(names)) if penalty_centre is None else penalty_centre

    def ridge(phi: Array) -> float:
        return penalty * customers * float((phi - centre) @ (phi - centre))

    def penalised(phi: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = objective(phi)
        weight = penalty * customers
        return (
            value - ridge(phi),
            gradient - 2.0 * weight * (phi - centre),
            hessian - 2.0 * weight * np.eye(len(names)),
        )

    end = ascend(penalised, np.log(start), max_iterations=max_iterations)
    return _result(end.value + ridge(end.phi), end, names, customers)


def _result(
    log_likelihood: float, end: Ascent, names: tuple[str, ...], customers: float
) -> MaximumLikelihoodFit:
    log_covariance, flat, condition_number = known_and_flat(end.hessian)
    if flat.size:
        weakest = names[int(np.abs(flat[:, 0]).argmax())]
        verdict: Verdict = "not identified"
        message = phrase(
            "the data do not tell the value of {parameter}: the likelihood is flat along it",
            parameter=weakest,
        )
    elif not end.settled:
        verdict = "not identified"
        message = phrase(
            "the search for a maximum did not settle in {steps} steps", steps=end.steps
        )
    else:
        verdict, message = "converged", phrase("an ordinary maximum")
    return MaximumLikelihoodFit(
        names=names,
        parameters=np.exp(end.phi),
        log_covariance=log_covariance,
        log_likelihood=float(log_likelihood),
        customers=float(customers),
        free_parameters=len(names),
        iterations=end.steps,
        gradient_norm=float(np.abs(end.gradient).max() / customers),
        condition_number=condition_number,
        verdict=verdict,
        message=message,
    )


def at_boundary(
    inner: MaximumLikelihoodFit,
    names: tuple[str, ...],
    fixed: dict[str, float],
    message: str,
) -> MaximumLikelihoodFit:
    """Embed the fit of a model's limit into the full model, the other parameters held fixed.

    Parameters
    ----------
    inner : MaximumLikelihoodFit
        Fit of the limiting model; its names are among `names`.
    names : tuple of str
        Parameters of the full model.
    fixed : dict
        Values of the parameters that the limit does not have.
    message : str
        What the limit is, in words.

    Returns
    -------
    MaximumLikelihoodFit
        With verdict "boundary", or the limit's own verdict where that is worse.
    """
    free = [names.index(name) for name in inner.names]
    parameters = np.array([fixed.get(name, np.nan) for name in names])
    parameters[free] = inner.parameters
    covariance = np.zeros((len(names), len(names)))
    covariance[np.ix_(free, free)] = inner.log_covariance
    poor = inner.verdict == "not identified"
    return replace(
        inner,
        names=names,
        parameters=parameters,
        log_covariance=covariance,
        verdict="not identified" if poor else "boundary",
        message=inner.message if poor else message,
    )
