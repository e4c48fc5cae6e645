"""Whether data tell what covariates do in the BG/NBD model, and if not, why, in words.

Model and symbols are those of `bg_nbd_covariates`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention_models.models.bg_nbd import NAMES
from retention_models.models.bg_nbd_covariates_likelihood import (
    LARGEST_LOG,
    CovariateHistories,
    log_parameters,
)
from retention_models.models.covariate_scale import CovariateScale
from retention_models.models.maximum_likelihood import Verdict
from retention_models.models.newton import Ascent, known_and_flat

Array = NDArray[np.float64]

# Where the likelihood is flat, sums and shapes beyond these are the limits named below.
_ALMOST_SAME, _ALMOST_SPLIT, _ALMOST_NONE = 20.0, 0.05, 1e-3


def verdict_in_words(
    end: Ascent, untold: NDArray[np.bool_], h: CovariateHistories, scale: CovariateScale
) -> tuple[Verdict, str]:
    """Whether the data tell what is asked of them, and if not, why.

    Parameters
    ----------
    end : Ascent
        Where the climb over phi ended.
    untold : ndarray of bool, shape (4, k)
        Whether γ1, γ2, γ3, γ2 − γ3 of each covariate have too large an error to be told.
    h : CovariateHistories
        Customers.
    scale : CovariateScale
        Covariates.

    Returns
    -------
    verdict : {"converged", "boundary", "not identified"}
    message : str
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
    """Whether the climb was stopped by the bound on parameters, not by a maximum.

    Parameters
    ----------
    end : Ascent
        Where the climb over phi ended.
    h : CovariateHistories
        Customers.

    Returns
    -------
    bool
    """
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
    """Some names, with commas between.

    Examples
    --------
    >>> listed(("age", "campaign", "city"), np.array([True, False, True]))
    'age, city'
    """
    return ", ".join(name for name, one in zip(names, which, strict=True) if one)
