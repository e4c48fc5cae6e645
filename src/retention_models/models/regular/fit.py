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
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, maximise
from retention_models.models.nbd import Start
from retention_models.models.regular.likelihood import log_likelihood_with_derivatives

Array = NDArray[np.float64]

# Gaps that differ by a sixteenth of their length: to the day where a box comes twice a month.
MOST_PHASES = 256


@dataclass(frozen=True, slots=True)
class RegularFit:
    """A fit and its k.

    Attributes
    ----------
    k : int
        Phases of a purchase.
    fit : MaximumLikelihoodFit
        Of r, alpha, a, b given k; its log-likelihood has the part of the gaps.
    profile : dict of int to float
        The highest log-likelihood at each k that was tried.
    """

    k: int
    fit: MaximumLikelihoodFit
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
    found: dict[int, MaximumLikelihoodFit] = {}

    def height(k: int, log_gaps: float) -> float:
        if k not in found:
            nearest = min(found, key=lambda other: abs(other - k), default=None)
            near = None if nearest is None else (nearest, found[nearest].parameters)
            found[k] = fit_regular(known, 0.0, k=k, first=first, penalty=penalty, near=near)
        return found[k].log_likelihood + (k - 1.0) * log_gaps

    best = _highest(lambda k: height(k, log_gaps), most)
    if added(best):
        log_gaps -= added(best)
        best = _highest(lambda k: height(k, log_gaps), most)
    if best > 1 and found[best].verdict != "converged":
        near = (best, found[best].parameters)
        again = fit_regular(known, 0.0, k=best, first=first, penalty=penalty, near=near)
        found[best] = max(found[best], again, key=lambda fit: fit.log_likelihood)
    profile = {k: height(k, log_gaps) for k in sorted(found)}
    fit = replace(
        found[best],
        log_likelihood=profile[best],
        free_parameters=found[best].free_parameters + 1,  # k was estimated too
    )
    return RegularFit(best, fit, profile)


def _highest(height: Callable[[int], float], most: int) -> int:
    """The whole number from 1 to `most` with the greatest height, of a function with one maximum."""
    low, best, high = 1, 1, min(2, most)
    while height(high) > height(best) and high > best:
        low, best, high = best, high, min(2 * high, most)
    # The maximum lies between low and high; each turn halves the wider side of the best.
    while best - low > 1 or high - best > 1:
        between = (best + high) // 2 if high - best > best - low else (low + best) // 2
        if height(between) > height(best):
            low, best, high = (best, between, high) if between > best else (low, between, best)
        elif between > best:
            high = between
        else:
            low = between
    return best
