"""Estimation of the models of gamma rates and beta dropout, BG/NBD and MBG/NBD.

They differ in when customers can leave first: in the BG/NBD after the first repeat purchase, in the
MBG/NBD after the very first one. With m = 0 and m = 1 in turn, a customer's likelihood is that of
the NBD, times B(a, b+x+m)/B(a, b) for having stayed after x + m purchases, times 1 + O, where

    O = a/(b+x−1+m) · ((α+T)/(α+t_x))^(r+x)

are the odds, against being alive at T, of having left since t_x (none at x + m = 0). The first two
depend on x or on T alone; only the last needs the rows, and of each row one exp and one log.

Sources: those of `bg_nbd` and `mbg_nbd`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retention_models.languages import clauses, decimals, phrase
from retention_models.models import nbd
from retention_models.models.histories import Histories, count_histories, less_half_days
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, at_boundary
from retention_models.models.nbd import Start, dropout_quantiles
from retention_models.models.open_parameters import is_open, with_posterior

Array = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")

# Rows at a time: their columns stay in a processor's cache, and products are too short for a
# library that would share them out to threads, which stall on a busy machine.
_BLOCK = 8192
# First searches use about so many rows, each from where the one before ended; the full one then
# needs two steps.
_FEW = (8192, 65536)

# Draws times rows that are worked on at once.
_ELEMENTS = 1 << 18

_UPPER, _ABOVE = np.triu_indices(4), np.triu_indices(4, 1)

# The full model must beat the limit without dropout by this much log-likelihood, or the limit it
# is: a → 0 approaches the limit's likelihood from below, to within rounding.
VISIBLE_DROPOUT = 1e-3
# A chance to leave of one in a million purchases cannot be told from none either.
NEGLIGIBLE = 1e-6
# a + b of a dropout that is the same for everyone.
ALIKE = 1e6
# Sums and shapes beyond these are the named limits, reached as closely as the likelihood can tell.
_SAME, _SPLIT = 1e3, 1e-3
# Likewise where the likelihood is flat.
_ALMOST_SAME, _ALMOST_SPLIT = 20.0, 0.05


def log_likelihood_with_derivatives(
    phi: Array, known: Histories, *, first: int, every: int = 1
) -> tuple[float, Array, Array]:
    """Log-likelihood of (ln r, ln α, ln a, ln b), its gradient and its Hessian; FHL (6).

    `first` is m: 0 for the BG/NBD, 1 for the MBG/NBD. `every` takes every so many rows only where rows
    are needed, at so many times their counts: an approximation, for a start.
    """
    theta = np.exp(phi)
    _, _, a, b = theta
    value, gradient, hessian = _odds_of_having_left(theta, known, first, every)

    stayed_value, stayed_gradient, stayed_hessian = of_having_stayed(known, a, b, first)
    value += stayed_value
    gradient[2:] += stayed_gradient
    hessian[2:, 2:] += stayed_hessian

    gradient *= theta
    hessian = hessian * np.outer(theta, theta) + np.diag(gradient)
    stays_value, stays_gradient, stays_hessian = nbd.log_likelihood_with_derivatives(phi[:2], known)
    gradient[:2] += stays_gradient
    hessian[:2, :2] += stays_hessian
    return value + stays_value, gradient, hessian


def log_likelihoods(phi: Array, known: Histories, *, first: int, every: int = 1) -> Array:
    """The values of `log_likelihood_with_derivatives` at several log-parameters, shape (k, 4).

    Of few histories all at once: of them nearly all the time goes into calls.
    """
    at_once = max(1, _ELEMENTS // max(known.x.size, known.times.size))
    parts = [phi[start : start + at_once] for start in range(0, len(phi), at_once)]
    return np.concatenate([_heights(part, known, first, every) for part in parts])


def _heights(phi: Array, known: Histories, first: int, every: int) -> Array:
    r, alpha, a, b = np.exp(phi).T[:, :, None]
    rows = slice(0 if first else known.once, None, every)
    x, logs = known.x[rows], np.log1p(known.times / alpha)
    since = logs[:, known.end[rows]] - logs[:, known.last[rows]]
    level = np.arange(known.reached.size + 1)
    before = np.where(level + first > 0, b + level - 1.0 + first, 1.0)
    log_odds = np.log(a / before)[:, x] + (r + level)[:, x] * since
    odds = np.maximum(log_odds, 0.0) + np.log(1.0 + np.exp(-np.abs(log_odds)))
    value = every * (odds @ known.counts[rows])
    survived = np.concatenate([[known.customers], known.reached]) if first else known.reached
    value -= np.log1p(a / (b + np.arange(survived.size))) @ survived
    return np.asarray(value + nbd.log_likelihoods(phi[:, :2], known, logs))


def of_having_stayed(
    known: Histories, a: float, b: float, first: int
) -> tuple[float, Array, Array]:
    """Σ ln B(a, b+x+m)/B(a, b) with its derivatives by a and b.

    It is the sum of ln (b+j)/(a+b+j) over the purchases j survived; as sums they keep their digits for
    large b, where log-gammas would cancel.
    """
    survived = np.concatenate([[known.customers], known.reached]) if first else known.reached
    below = b + np.arange(survived.size)
    above = a + below
    gradient = np.array([-(survived @ (1.0 / above)), survived @ (a / (below * above))])
    hessian = np.full((2, 2), survived @ (1.0 / above**2))
    hessian[1, 1] -= survived @ (1.0 / below**2)
    return -float(survived @ np.log1p(a / below)), gradient, hessian


def _odds_of_having_left(
    theta: Array, known: Histories, first: int, every: int
) -> tuple[float, Array, Array]:
    """Σ counts · ln(1 + O) with its first and second derivatives by r, α, a, b.

    With g = ln O, whose derivatives are ln((α+T)/(α+t_x)) by r, (r+x)(1/(α+T) − 1/(α+t_x)) by α,
    1/a by a and −1/(b+x−1+m) by b, the first are Σ s g′ and the second Σ s(1−s) g′g′ᵀ + s g″,
    where s = O/(1+O) is the probability of having left.
    """
    r, alpha, a, b = theta
    level = np.arange(known.reached.size + 1)
    # A customer of the BG/NBD without a repeat purchase cannot have left, and has no row below.
    before = np.where(level + first > 0, b + level - 1.0 + first, 1.0)
    shapes, by_level, slopes = r + level, np.log(a / before), -1.0 / before
    # Relative to α, and from the times' own difference below: where α is huge the rest would cancel.
    log_after, after = np.log1p(known.times / alpha), 1.0 / (alpha + known.times)
    value, total = 0.0, np.zeros(14)
    for start in range(0 if first else known.once, known.x.size, _BLOCK * every):
        rows = slice(start, start + _BLOCK * every, every)
        x, last, end = known.x[rows], known.last[rows], known.end[rows]
        counts = known.counts[rows]
        by_r = log_after.take(end)
        by_r -= log_after.take(last)
        shape = shapes.take(x)
        log_odds = shape * by_r
        log_odds += by_level.take(x)
        small = np.exp(-np.abs(log_odds))
        value += float(counts @ (np.maximum(log_odds, 0.0) + np.log(1.0 + small)))
        left = counts * (np.where(log_odds >= 0.0, 1.0, small) / (1.0 + small))
        unsure = left * (1.0 - left / counts)
        at_end, at_last = after.take(end), after.take(last)
        gap = (known.times.take(last) - known.times.take(end)) * at_end * at_last
        by_alpha = shape * gap
        by_b = slopes.take(x)
        unsure_r, unsure_alpha, unsure_b = unsure * by_r, unsure * by_alpha, unsure * by_b
        left_b, left_alpha = left * by_b, left * by_alpha
        total += (
            left @ by_r,
            left_alpha.sum(),
            left.sum(),
            left_b.sum(),
            unsure_r @ by_r,
            unsure_r @ by_alpha + left @ gap,
            unsure_r.sum(),
            unsure_r @ by_b,
            unsure_alpha @ by_alpha - left_alpha @ (at_end + at_last),
            unsure_alpha.sum(),
            unsure_alpha @ by_b,
            unsure.sum(),
            unsure_b.sum(),
            unsure_b @ by_b + left_b @ by_b,
        )
    return every * value, *_derivatives(a, every * total)


def _derivatives(a: float, total: Array) -> tuple[Array, Array]:
    """Gradient and Hessian of sums over rows that were taken without the factor 1/a of ∂g/∂a."""
    gradient = total[:4] / np.array([1.0, 1.0, a, 1.0])
    hessian = np.empty((4, 4))
    hessian[_UPPER] = total[4:]
    hessian[2, 2] -= total[2]
    hessian[2, :] /= a
    hessian[:, 2] /= a
    hessian.T[_ABOVE] = hessian[_ABOVE]
    return gradient, hessian


def fit_bg_nbd(
    x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the BG/NBD model by maximum likelihood; see `fit_beta_dropout`."""
    known = count_histories(x, t_x, T, counts)
    return fit_beta_dropout(known, first=0, penalty=penalty)


def fit_mbg_nbd(
    x: Array, t_x: Array, T: Array, counts: Array | None = None, *, penalty: float = 0.0
) -> MaximumLikelihoodFit:
    """Fit the MBG/NBD model by maximum likelihood; see `fit_beta_dropout`."""
    known = count_histories(x, t_x, T, counts)
    return fit_beta_dropout(known, first=1, penalty=penalty)


def fit_beta_dropout(
    known: Histories, *, first: int, penalty: float = 0.0, draws: bool = True
) -> MaximumLikelihoodFit:
    """Fit a model of gamma rates and beta dropout, and name its limits.

    `first` is m; `penalty` is a ridge on the logs of r, α / mean T, a and b (see `maximise`); `draws`
    tells whether what open parameters may be (`with_posterior`) is asked for, and what dropout is
    allowed at the limit without. The
    verdict is "boundary" where the data show no dropout (then a = 0 and b means nothing), one dropout
    probability for all, an all-or-nothing dropout, or one rate for all. Refused if no customer bought
    again.
    """
    known.require_repeats()
    stays = nbd.fit_nbd(known, penalty=penalty)
    r, alpha = stays.parameters
    usual = usual_starts(known, r, alpha)

    def objective(phi: Array, every: int) -> tuple[float, Array, Array]:
        return log_likelihood_with_derivatives(phi, known, first=first, every=every)

    def heights(phi: Array, every: int) -> Array:
        return log_likelihoods(phi, known, first=first, every=every)

    message = phrase("no dropout is visible: the model is the NBD, in which nobody leaves for good")
    fit = highest_or_limit(
        objective,
        known,
        stays,
        usual,
        first=first,
        without=message,
        heights=heights if draws else None,
        penalty=penalty,
    )
    if penalty > 0.0 or not draws:
        return fit
    if not is_open(fit):
        return fit
    # Of a few weeks half a day tells: buyers by the day seem to come evenly, and so to stay.
    exact = less_half_days(known)
    every = max(1, exact.x.size // _FEW[1])
    return with_posterior(
        fit,
        partial(log_likelihood_with_derivatives, known=exact, first=first, every=every),
        partial(log_likelihoods, known=exact, first=first, every=every),
        exact.mean_rate,
    )


def highest_or_limit(
    objective: Callable[[Array, int], tuple[float, Array, Array]],
    known: Histories,
    stays: MaximumLikelihoodFit,
    usual: list[Start],
    *,
    first: int,
    without: str,
    heights: Callable[[Array, int], Array] | None,
    penalty: float = 0.0,
) -> MaximumLikelihoodFit:
    """The highest maximum by r, α, a, b from usual starts, or the limit without dropout, `stays`.

    `objective` takes log-parameters and `every` (see `log_likelihood_with_derivatives`), `heights`
    several of them, shape (k, 4), and gives values alone: none where it is not asked what dropout the
    data allow at that limit. `without` is the message where no dropout is visible.
    """

    def search(every: int, starts: list[Start]) -> MaximumLikelihoodFit:
        return nbd.best_fit(
            lambda phi: objective(phi, every),
            starts,
            NAMES,
            known.customers,
            penalty=penalty,
            penalty_centre=np.array([0.0, np.log(known.mean_end), 0.0, 0.0]),
        )

    starts = usual
    for rows in _FEW:
        every = known.x.size // rows
        if every > 1:
            roughly = search(every, starts)
            if roughly.verdict == "converged":
                starts = [partial(np.copy, roughly.parameters), *usual]
    full = search(1, starts)
    _, _, a, b = full.parameters
    invisible = full.log_likelihood < stays.log_likelihood + VISIBLE_DROPOUT or a < NEGLIGIBLE * b
    if invisible and penalty == 0.0:
        full = at_boundary(stays, NAMES, {"a": 0.0, "b": 1.0}, without)
        if heights is not None:
            every = max(1, known.x.size // _FEW[0])
            full = replace(full, allowed=_allowed(lambda phi: heights(phi, every), stays))
    return named_limit(full, first)


def usual_starts(known: Histories, r: float, alpha: float) -> list[Start]:
    """Parameters from which a search finds its maximum, the likeliest first."""
    return [
        # The limit's estimates have the right rate; a quarter leave at a purchase.
        lambda: np.array([r, alpha, 0.75, 2.25]),
        # Some leave at once and most never, and the rate is that of those who came back.
        lambda: np.array([1.0, known.time_between_repeats, 0.05, 0.1]),
        # Everyone is much the same.
        lambda: np.array([r, alpha, 10.0, 30.0]),
    ]


def _allowed(heights: Callable[[Array], Array], stays: MaximumLikelihoodFit) -> Array:
    """Parameters, (200, 4), at which dropout is as large as the data allow at the limit without it."""
    r, alpha = stays.parameters

    def alike(mu: Array) -> Array:
        rates = np.broadcast_to([r, alpha], (mu.size, 2))
        return np.column_stack([rates, mu * ALIKE, (1.0 - mu) * ALIKE])

    return alike(
        dropout_quantiles(
            lambda mu: heights(np.log(alike(mu))),
            stays.log_likelihood,
            NEGLIGIBLE,
            1.0 - 1e-9,
        )
    )


def named_limit(fit: MaximumLikelihoodFit, first: int) -> MaximumLikelihoodFit:
    """Call an estimate that ran to a limit of the model by the limit's name."""
    r, _, a, b = fit.parameters[:4]
    flat = fit.verdict == "not identified"
    same, split = (_ALMOST_SAME, _ALMOST_SPLIT) if flat else (_SAME, _SPLIT)
    limits = [fit.message] if fit.verdict == "boundary" else []
    if a > 0 and a + b > same:
        limits.append(
            phrase(
                "every customer leaves with the same probability, {chance} a purchase",
                chance=decimals(a / (a + b), 3),
            )
        )
    elif a > 0 and a + b < split:
        limits.append(
            phrase("customers leave after their first purchase or never: dropout is all or nothing")
            if first
            else phrase("customers leave after one purchase or never: dropout is all or nothing")
        )
    if r > same:
        limits.append(phrase("every customer buys at the same rate"))
    return replace(fit, verdict="boundary", message=clauses(limits)) if limits else fit
