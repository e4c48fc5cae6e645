"""The logit and the probit of who is chosen, by Newton's steps.

With η = wβ and F the link's distribution function, log L = Σ log F(qη), q = 2z − 1; its derivatives by η
are, of the logit, z − F and −F(1 − F), and of the probit, λ = qφ(η)/Φ(qη) and −λ(λ + η) (Greene,
"Econometric analysis", 7th edition, section 17.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_ndtr, ndtr

from retention_models.campaigns.estimators.regression import Flags, Floats

_STEPS, _NEAR = 100, 1e-8


@dataclass(frozen=True, slots=True)
class BinaryChoice:
    """F and its density at each row's η, the rows' scores, (rows, k), and the information, (k, k)."""

    chance: Floats
    density: Floats
    scores: Floats
    information: Floats


def fit_binary_choice(z: Flags, w: Floats, link: str) -> BinaryChoice | None:
    """By maximum likelihood; None where it has no maximum, since the design tells who is chosen."""
    beta = np.zeros(w.shape[1])
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            at = _at(z, w, w @ beta, link)
            if np.allclose(at.chance, z, atol=_NEAR):
                return None
            try:
                step = np.linalg.solve(at.information, at.scores.sum(axis=0))
            except np.linalg.LinAlgError:
                return None
            beta = beta + step
            if np.abs(step).max() <= _NEAR:
                return _at(z, w, w @ beta, link)
    return None


def _at(z: Flags, w: Floats, index: Floats, link: str) -> BinaryChoice:
    """All of it where η is `index`, (rows,)."""
    if link == "logit":
        chance = expit(index)
        density = chance * expit(-index)
        slope, bend = z - chance, density
    else:
        sign = np.where(z, 1.0, -1.0)
        chance, density = ndtr(index), np.exp(-(index**2) / 2.0) / np.sqrt(2.0 * np.pi)
        slope = sign * np.exp(-(index**2) / 2.0 - log_ndtr(sign * index)) / np.sqrt(2.0 * np.pi)
        bend = slope * (slope + index)
    return BinaryChoice(chance, density, w * slope[:, None], (w * bend[:, None]).T @ w)
