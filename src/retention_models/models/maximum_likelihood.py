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
    """Where a climb ended."""

    phi: Array
    value: float
    # of the objective, like the Hessian where the last step began: there, or next to it
    gradient: Array
    hessian: Array
    steps: int
    settled: bool  # whether no further step would win anything


def ascend(
    objective: Objective,
    phi: Array,
    *,
    max_iterations: int = 200,
    enough: float = _DECREMENT,
    last_step: bool = True,
) -> Ascent:
    """Climb from phi, (k,), to a maximum by Newton's method, halving steps that do not climb.

    The objective maps coordinates without bounds to a value, its gradient and its Hessian. The
    search ends where a further step would win less than `enough`; `last_step` takes one more, sure
    to be small, without evaluating the objective again: without it the derivatives are those where
    the climb ended.
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

    Of the Hessian at a maximum by log-parameters, or others whose unit is a matter of interest: the
    inverse of the observed information, (k, k), zero along flat directions; these, (k, f),
    orthonormal, whose standard deviation would exceed 4, the flattest first; and the information's
    condition number.
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

    The verdict says whether the estimates are an ordinary maximum. "shrunk": they are of highest
    posterior density given the other stores of a chain, and log_covariance is the posterior's; or,
    with `posterior`, its centre. "given": not estimated here; log_covariance is zero and the
    log-likelihood NaN.
    """

    names: tuple[str, ...]
    # (k,), in the order of the names; at a boundary some are the boundary's own value
    parameters: Array
    # of log-parameters, (k, k), the inverse information; zero where a boundary holds them fixed
    log_covariance: Array = field(repr=False)
    log_likelihood: float  # plain, at the estimates (never penalised, never rescaled)
    customers: float  # the sum of the rows' counts
    free_parameters: int  # estimated (fewer than k at a boundary)
    iterations: int
    # largest absolute derivative by a log-parameter, per customer, where the last step began
    gradient_norm: float
    condition_number: float  # of the observed information in log-parameters
    verdict: Verdict
    message: str  # the verdict in words
    # (200, k), at the limit without dropout: parameters at which dropout is as large as its
    # posterior quantiles at 0.0025, 0.0075, …, 0.9975 allow (see `no_dropout`); the rates are the
    # estimates
    allowed: Array | None = field(default=None, repr=False)
    # (200, k), where data leave parameters open: equally likely draws of what they may be, in no
    # order (see `open_parameters`); they take the place of log_covariance and allowed
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
        """Draws of the parameters from their approximate posterior, (size, k).

        It is normal on the log scale; at the limit without dropout, dropout is drawn from what the
        data allow of it; where parameters are open, draws are taken from `posterior`.
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
    """Maximise a log-likelihood over the logs of its parameters; `start` has the parameters, not logs.

    The objective maps log-parameters, (k,), to the log-likelihood, its gradient and its Hessian.
    ``customers · penalty · Σ (φ − centre)²`` is subtracted, the centre 0 unless given: on logs and
    around a scale of the data a ridge does not depend on units of time or money. Never raises for
    lack of convergence: the verdict says it.
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

    The verdict is "boundary", or the limit's own where that is worse; `message` says what the limit is.
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
