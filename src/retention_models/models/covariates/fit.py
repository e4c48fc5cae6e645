"""Fit of the BG/NBD model with static covariates, and the verdict on it.

Model and symbols are those of `bg_nbd_covariates`.

The climb is over covariates less their mean and in units of their standard deviation, where one
length of step suits all; the maximum does not depend on that, and is carried back to the covariates
as given. What counts as told by the data is judged there too, so that it does not depend on a
covariate's unit.

Whether data tell what covariates do in the BG/NBD model, and if not, why, in words.

Model and symbols are those of `bg_nbd_covariates`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.models.beta_dropout_likelihood import NAMES, fit_bg_nbd
from retention_models.models.covariates.inputs import CovariateScale, covariate_scale
from retention_models.models.covariates.likelihood import (
    LARGEST_LOG,
    CovariateHistories,
    covariate_histories,
    log_likelihood_with_derivatives,
    log_parameters,
    nbd_log_likelihood_with_derivatives,
)
from retention_models.models.covariates.model import CovariateFit
from retention_models.models.maximum_likelihood import (
    Ascent,
    MaximumLikelihoodFit,
    Verdict,
    ascend,
    known_and_flat,
)

Array = NDArray[np.float64]

# Where the likelihood is flat, sums and shapes beyond these are the limits named below.
_ALMOST_SAME, _ALMOST_SPLIT, _ALMOST_NONE = 20.0, 0.05, 1e-3


def verdict_in_words(
    end: Ascent, untold: NDArray[np.bool_], h: CovariateHistories, scale: CovariateScale
) -> tuple[Verdict, str]:
    """Whether the data tell what is asked of them, and if not, why.

    `untold`, (4, k): whether γ1, γ2, γ3, γ2 − γ3 of each covariate have too large an error to be
    told.
    """
    if not end.settled:
        return "not identified", f"the search for a maximum did not settle in {end.steps} steps"
    flat = known_and_flat(end.hessian)[1]
    if ran_off(end, h):
        limits = "; ".join(_limits(end.phi, h, scale, np.ones(len(scale.names), dtype=bool)))
        return "not identified", f"the likelihood rises towards a limit without end: {limits}"
    if not flat.size:
        return "converged", "an ordinary maximum"
    on_rate, on_a, on_b, on_dropout = untold
    because = "; ".join(_limits(end.phi, h, scale, on_rate | on_dropout))
    lost = [
        f"how {listed(scale.names, which)} acts on {what}"
        for which, what in ((on_rate, "the purchase rate"), (on_dropout, "dropout"))
        if which.any()
    ]
    if lost:
        reason = because or "the likelihood is flat along it"
        return "not identified", f"the data do not tell {' nor '.join(lost)}: {reason}"
    if because:
        apart = listed(scale.names, on_a | on_b)
        rest = f"; what {apart} does to a and to b apart cannot be told" if apart else ""
        return "boundary", because + rest
    symbols = [*NAMES, *(f"γ{i} of {name}" for i in (1, 2, 3) for name in scale.names)]
    weakest = symbols[int(np.abs(flat[:, 0]).argmax())]
    return "not identified", f"the data do not tell {weakest}: the likelihood is flat along it"


def ran_off(end: Ascent, h: CovariateHistories) -> bool:
    """Whether the climb was stopped by the bound on parameters, not by a maximum."""
    return bool(np.abs(log_parameters(end.phi, h.Z)).max() > 0.99 * LARGEST_LOG)


def _limits(
    phi: Array, h: CovariateHistories, scale: CovariateScale, lost: NDArray[np.bool_]
) -> list[str]:
    """Names of the limits near which customers' parameters lie, and whose they are."""
    r, _, a, b = np.exp(log_parameters(phi, h.Z))
    customers = np.add.reduceat(h.counts, h.first)
    dropout, total = a / (a + b), a + b
    named = (
        (dropout < _ALMOST_NONE, "of {} no dropout is visible"),
        (dropout > 1.0 - _ALMOST_NONE, "of {} everyone leaves after one purchase"),
        ((total > _ALMOST_SAME) & (a > 0.0), "{} leave with nearly the same probability"),
        (total < _ALMOST_SPLIT, "of {} some leave after one purchase and the others never"),
        (r > _ALMOST_SAME, "{} buy at nearly the same rate"),
    )
    found = []
    for which, text in named:
        if which.any():
            size = f"{customers[which].sum():,.0f} of {customers.sum():,.0f} customers"
            spans = _spans(h.Z[which], scale, lost)
            found.append(text.format(f"{size} ({spans})" if spans else size))
    return found


def _spans(Z: Array, scale: CovariateScale, lost: NDArray[np.bool_]) -> str:
    """From where to where some covariates of some customers go."""
    spans = []
    for i in np.flatnonzero(lost):
        # Twelve digits of the covariate's own spread: scaling and back left rounding behind.
        digits = 12 - int(np.floor(np.log10(scale.spread[i])))
        values = np.round(Z[:, i] * scale.spread[i] + scale.centre[i], digits)
        low, high = values.min(), values.max()
        spans.append(f"{scale.names[i]} {low:.6g}" + (f" to {high:.6g}" if high > low else ""))
    return ", ".join(spans)


def listed(names: tuple[str, ...], which: NDArray[np.bool_]) -> str:
    """Some names, with commas between: those for which `which` is true."""
    return ", ".join(name for name, one in zip(names, which, strict=True) if one)


# The full model must beat the limit without dropout by this much log-likelihood, or the limit it
# is; and a chance to leave of one in a million purchases cannot be told from none.
_VISIBLE_DROPOUT, _NEGLIGIBLE = 1e-3, 1e-6
# A limit reached from another start is another one only if it is higher than rounding makes it.
_HIGHER = 1e-3
_STEPS = 60
# An effect per standard deviation of a covariate with a larger standard error is not told.
_WIDEST_SD = 4.0
_LARGEST_BASE = 300.0


def fit_bg_nbd_covariates(
    x: Array,
    t_x: Array,
    T: Array,
    counts: Array | None,
    Z: Array,
    names: tuple[str, ...],
    *,
    penalty: float = 0.0,
) -> CovariateFit:
    """Fit the BG/NBD model with covariates Z, (n, k), on α, a and b by maximum likelihood.

    Effects are per unit of Z as given. "not identified" where the data do not tell a covariate's
    effect on the mean purchase rate or on the mean dropout, which the message names; "boundary"
    where no dropout is visible, or where they tell these but not what the covariate does to a and b
    apart. The penalty must be 0: under a ridge, intervals and p-values of effects would be too good
    to be true.
    """
    if penalty != 0.0:
        raise SettingsError(
            f"penalizer_coef: expected 0 in a fit with covariates; got {penalty:g}. A penalty pulls "
            "their effects towards none and leaves them without honest intervals."
        )
    each = np.ones(x.size) if counts is None else counts
    scale = covariate_scale(Z, each, names)
    histories = covariate_histories(x, t_x, T, each, (Z - scale.centre) / scale.spread)
    plain = fit_bg_nbd(x, t_x, T, counts)
    none = np.zeros(len(names))
    stays = ascend(
        lambda phi: nbd_log_likelihood_with_derivatives(phi, histories),
        np.concatenate([np.log(plain.parameters[:2]), none]),
        max_iterations=_STEPS,
    )
    full = _highest(_starts(plain, stays), histories)
    log_a, log_b = log_parameters(full.phi, histories.Z)[2:]
    invisible = full.value < stays.value + _VISIBLE_DROPOUT
    if invisible or (log_a - log_b).max() < np.log(_NEGLIGIBLE):
        return _without_dropout(stays, histories, scale)
    return _with_dropout(full, histories, scale)


def _starts(plain: MaximumLikelihoodFit, stays: Ascent) -> list[Array]:
    """Where to climb from: the model without covariates, and further dropouts in case it is a limit."""
    k = stays.phi.size - 2
    none = np.zeros(3 * k)
    rates = np.concatenate([stays.phi[2:], none[: 2 * k]])
    starts = [
        np.concatenate([stays.phi[:2], np.log([0.75, 2.25]), rates]),
        np.concatenate([stays.phi[:2], np.log([10.0, 30.0]), rates]),
    ]
    if plain.verdict == "converged":
        starts.insert(0, np.concatenate([np.log(plain.parameters), none]))
    return starts


def _highest(starts: list[Array], histories: CovariateHistories) -> Ascent:
    """The highest of the maxima reached; the search ends at the first ordinary one."""
    best: Ascent | None = None
    for start in starts:
        end = ascend(
            lambda phi: log_likelihood_with_derivatives(phi, histories),
            start,
            max_iterations=_STEPS,
        )
        if best is None or end.value > best.value + _HIGHER:
            best = end
        if best.settled and not known_and_flat(best.hessian)[1].size:
            break
    assert best is not None, "no starting values"
    return best


def _with_dropout(end: Ascent, h: CovariateHistories, scale: CovariateScale) -> CovariateFit:
    """An ordinary maximum, or what comes of a flat likelihood."""
    by_covariate = _root(end.hessian)[4:].reshape(3, len(scale.names), -1)
    on_odds = by_covariate[1] - by_covariate[2]
    errors = np.linalg.norm(np.concatenate([by_covariate, on_odds[None]]), axis=2)
    untold = (errors > _WIDEST_SD) | (not end.settled) | ran_off(end, h)
    return _fit(end, scale.unscaling(), untold, verdict_in_words(end, untold, h, scale), h, scale)


def _without_dropout(end: Ascent, h: CovariateHistories, scale: CovariateScale) -> CovariateFit:
    """The limit a → 0, in which covariates act on the purchase rate alone."""
    k = len(scale.names)
    untold = np.ones((4, k), dtype=bool)
    untold[0] = np.linalg.norm(_root(end.hessian)[2:], axis=1) > _WIDEST_SD
    message = "no dropout is visible: nobody leaves for good, and no covariate can act on leaving"
    verdict: Verdict = "boundary"
    if untold[0].any() or not end.settled:
        verdict, untold[0] = "not identified", untold[0] | (not end.settled)
        message += f"; nor do the data tell how {listed(scale.names, untold[0])} acts on purchases"
    own = np.concatenate([[0, 1], 4 + np.arange(k)])
    fit = _fit(end, scale.unscaling()[:, own], untold, (verdict, message), h, scale)
    phi = np.concatenate([fit.phi[:2], [-np.inf], fit.phi[3:]])
    parameters = np.concatenate([fit.base.parameters[:2], [0.0, 1.0]])
    return replace(fit, phi=phi, base=replace(fit.base, parameters=parameters))


def _root(hessian: Array) -> Array:
    """Root of the inverse information; huge, not cut off, along directions that are not told."""
    curvature, directions = np.linalg.eigh(-hessian)
    floor = 1e-12 * max(1.0, float(curvature[-1]))
    return np.asarray(directions / np.sqrt(np.maximum(curvature, floor)))


def _fit(
    end: Ascent,
    carry: Array,
    untold: NDArray[np.bool_],
    verdict: tuple[Verdict, str],
    h: CovariateHistories,
    scale: CovariateScale,
) -> CovariateFit:
    """Carry the end of a climb over to covariates as given, and put it into words."""
    phi = carry @ end.phi
    if np.abs(phi[:4]).max() > _LARGEST_BASE:
        worst = np.abs(phi[4:].reshape(3, -1) * scale.centre).max(axis=0).argmax()
        raise SettingsError(
            f"covariates: at {scale.names[worst]!r} = 0 the parameters are beyond all bounds; "
            "subtract a usual value from it, so that 0 is a customer who might exist."
        )
    known, _, condition_number = known_and_flat(end.hessian)
    customers = float(h.counts.sum())
    base = MaximumLikelihoodFit(
        names=NAMES,
        parameters=np.exp(phi[:4]),
        log_covariance=(carry @ known @ carry.T)[:4, :4],
        log_likelihood=end.value,
        customers=customers,
        free_parameters=end.phi.size,
        iterations=end.steps,
        gradient_norm=float(np.abs(end.gradient).max() / customers),
        condition_number=condition_number,
        verdict=verdict[0],
        message=verdict[1],
    )
    root = carry @ _root(end.hessian)
    return CovariateFit(scale.names, base, phi, root, untold, scale.reference, scale.centre)
