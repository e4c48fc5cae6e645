"""Estimation of the models of regular buyers: r, α, a, b at given k, and the k of highest likelihood.

The gaps between purchases enter the likelihood by one number of the whole log, Σ ln gap: at given k it
is a constant, and it tells k. The likelihood of the best r, α, a, b at each k, the profile, has one
maximum in practice: it is bracketed by doubling and then closed in on.

Source: that of `likelihood`; the profile over k is theirs too (BTYDplus tries k = 1, 2, … in turn).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from retention_models.languages import phrase
from retention_models.models.beta_dropout_likelihood import fit_beta_dropout, highest_or_limit
from retention_models.models.histories import Histories
from retention_models.models.maximum_likelihood import (
    Ascent,
    MaximumLikelihoodFit,
    ascend,
    maximise,
)
from retention_models.models.nbd import Start
from retention_models.models.regular.likelihood import log_likelihood_with_derivatives

Array = NDArray[np.float64]

# Gaps that differ by a sixteenth of their length: to the day where a box comes twice a month.
MOST_PHASES = 256
# What a further step would win, below which a likelihood tells one k from another; and the log of r at
# which customers are alike for that.
_ENOUGH, _ALIKE = 1e-3, 9.0


@dataclass(frozen=True, slots=True)
class RegularFit:
    """A fit of r, alpha, a, b given k, and its k; its log-likelihood has the part of the gaps."""

    k: int  # phases of a purchase
    fit: MaximumLikelihoodFit
    # the highest log-likelihood at each k that was tried
    profile: dict[int, float] = field(repr=False)


def in_phases(known: Histories, k: int) -> Histories:
    """What the NBD's likelihood needs of histories (`reached`, `purchases_by_end`), of their phases."""
    return replace(
        known, reached=np.repeat(known.reached, k), purchases_by_end=k * known.purchases_by_end
    )


def fit_regular(
    known: Histories,
    log_gaps: float,
    *,
    k: int,
    first: int,
    penalty: float = 0.0,
    near: tuple[int, Array] | None = None,
) -> MaximumLikelihoodFit:
    """Fit r, α, a, b of the BG (`first` 0) or MBG (1) variant at k phases, by maximum likelihood.

    `log_gaps` is Σ ln gap of all repeat purchases; `near` are another k and its estimates, for a start.
    """
    if k == 1:
        return fit_beta_dropout(known, first=first, penalty=penalty)
    known.require_repeats()
    phases = in_phases(known, k)

    def objective(phi: Array, every: int) -> tuple[float, Array, Array]:
        return log_likelihood_with_derivatives(phi, known, phases, k=k, first=first, every=every)

    stays = _fit_without_dropout(known, objective, k, penalty)
    full = highest_or_limit(
        objective,
        known,
        stays,
        _starts(known, stays, k, near),
        first=first,
        without=phrase("no dropout is visible: nobody leaves for good"),
        heights=lambda phi, every: np.array([objective(each, every)[0] for each in phi]),
        penalty=penalty,
    )
    purchases = float(known.purchases_by_end.sum())
    of_gaps = (k - 1.0) * log_gaps - purchases * float(gammaln(k))
    return replace(full, log_likelihood=full.log_likelihood + of_gaps)


def _fit_without_dropout(
    known: Histories,
    objective: Callable[[Array, int], tuple[float, Array, Array]],
    k: int,
    penalty: float,
) -> MaximumLikelihoodFit:
    """The limit in which nobody leaves: r and α of the phases."""
    return maximise(
        lambda phi: objective(phi, 1),
        np.array([0.5, 0.5 / (k * known.mean_rate)]),
        ("r", "alpha"),
        known.customers,
        penalty=penalty,
        penalty_centre=np.array([0.0, np.log(known.mean_end)]),
    )


def _starts(
    known: Histories, stays: MaximumLikelihoodFit, k: int, near: tuple[int, Array] | None
) -> list[Start]:
    """Where searches begin: at the estimates of another k, in its phases, or as `fit_beta_dropout`'s.

    Estimates at this very k are a first guess, to be held against the usual start.
    """
    r, alpha = stays.parameters
    usual: list[Start] = [
        lambda: np.array([1.0, known.time_between_repeats / k, 0.75, 2.25]),
        lambda: np.array([r, alpha, 0.75, 2.25]),
        lambda: np.array([1.0, known.time_between_repeats / k, 0.05, 0.1]),
        lambda: np.array([r, alpha, 10.0, 30.0]),
    ]
    if near is None or not (near[1] > 0.0).all():
        return usual
    other, (r_there, alpha_there, a, b) = near
    here = np.array([r_there, alpha_there * other / k, a, b])
    return [lambda: here, usual[0]] if other == k else [lambda: here]


def fit_phases(
    known: Histories,
    log_gaps: float,
    *,
    first: int,
    penalty: float = 0.0,
    most: int = MOST_PHASES,
    added: Callable[[int], float] = lambda k: 0.0,
) -> RegularFit:
    """Fit r, α, a, b and k, from 1 to `most`, by maximum likelihood; arguments as in `fit_regular`.

    `added` is what counting by the day has added to `log_gaps` if there are k phases. It is taken off
    once, for the k of highest likelihood without: where purchases come every few days that k is one
    too many, and a second turn would be off on the other side.
    """
    climbed: dict[int, Ascent] = {}

    def height(k: int, log_gaps: float) -> float:
        if k not in climbed:
            climbed[k] = _climbed(known, k, climbed, first, penalty)
        of_gaps = (k - 1.0) * log_gaps - purchases * float(gammaln(k))
        return climbed[k].value + of_gaps

    known.require_repeats()
    purchases = float(known.purchases_by_end.sum())
    best = _highest(lambda k: height(k, log_gaps), most)
    if added(best):
        log_gaps -= added(best)
        best = _highest(lambda k: height(k, log_gaps), most)
    near = (best, np.exp(climbed[best].phi)) if climbed[best].phi.size > 2 else None
    fit = fit_regular(known, log_gaps, k=best, first=first, penalty=penalty, near=near)
    profile = {k: height(k, log_gaps) for k in sorted(climbed)}
    # k was estimated too.
    full = replace(fit, free_parameters=fit.free_parameters + 1)
    return RegularFit(best, full, {**profile, best: fit.log_likelihood})


def _climbed(
    known: Histories, k: int, climbed: dict[int, Ascent], first: int, penalty: float
) -> Ascent:
    """The highest likelihood at k, without the gaps, near enough to tell one k from another.

    It begins where the nearest k has ended; where nobody was seen to leave there, it stays so.
    """
    phases = in_phases(known, k)

    def objective(phi: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = log_likelihood_with_derivatives(
            phi, known, phases, k=k, first=first
        )
        weight, off = penalty * known.customers, phi.copy()
        off[1] -= np.log(known.mean_end)
        bend = 2.0 * weight * np.eye(phi.size)
        return value - weight * float(off @ off), gradient - 2.0 * weight * off, hessian - bend

    if climbed:
        nearest = min(climbed, key=lambda other: abs(other - k))
        start = climbed[nearest].phi.copy()
        start[1] += np.log(nearest / k)
        # Where everybody buys at the same rate r grows without end; what more it wins is nothing.
        start[:2] -= max(start[0] - _ALIKE, 0.0)
    else:
        fit = fit_beta_dropout(known, first=first, penalty=penalty, draws=False)
        start = np.log(fit.parameters if (fit.parameters > 0.0).all() else fit.parameters[:2])
        start = np.clip(start, -_ALIKE, _ALIKE)
    return ascend(objective, start, enough=_ENOUGH)


def _highest(height: Callable[[int], float], most: int) -> int:
    """The whole number from 1 to `most` with the greatest height, of a function with one maximum."""
    low, best, high = 1, 1, min(2, most)
    while height(high) > height(best) and high > best:
        low, best, high = best, high, min(2 * high, most)
    if best == high and height(best - 1) <= height(best):
        return best
    # The maximum lies between low and high.
    while best - low > 1 or high - best > 1:
        between = _between(low, best, high, height)
        if height(between) > height(best):
            low, best, high = (best, between, high) if between > best else (low, between, best)
        elif between > best:
            high = between
        else:
            low = between
    return best


def _between(low: int, best: int, high: int, height: Callable[[int], float]) -> int:
    """A whole number to try next: the top of the parabola by ln k, or else half of the wider side."""
    wide = high - best > best - low
    half = (best + high) // 2 if wide else (low + best) // 2
    if min(best - low, high - best) == 0:
        return half
    left, right = np.log(low / best), np.log(high / best)
    down, up = height(low) - height(best), height(high) - height(best)
    bend = down * right - up * left
    if bend == 0.0:
        return half
    top = round(best * float(np.exp((down * right**2 - up * left**2) / (2.0 * bend))))
    if top == best:
        top = best + 1 if wide else best - 1
    return top if low < top < high else half
