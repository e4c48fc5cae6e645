"""Sequential tests: group-sequential boundaries for declared looks, confidence sequences for any.

Whoever looks eight times and stops at the first p below .05 declares an effect where there is none in
more than one test of six. Looks at any time take a confidence sequence.

O'Brien & Fleming, Biometrics 35 (1979), 549–556: at look k of K, with the share t_k of the
customers (of the information) seen, the test stops where |Z_k| ≥ C ÷ √t_k. The constant C makes the
probability of ever stopping at no effect the level. The scores B_k = Z_k·√t_k have independent
normal increments of variance t_k − t_{k−1}, so the density f_k of B_k among tests that still run
follows by one integral a look (Armitage, McPherson & Rowe, JRSS A 132 (1969), 235–244):

    f_k(b) = ∫ f_{k−1}(u) φ((b − u) ÷ √d) ÷ √d du   over |u| < c_{k−1}√t_{k−1}, d = t_k − t_{k−1}

At any time, and however often: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha,
Kennedy & Ramdas, Annals of Statistics 52 (2024), "Time-uniform central limit theory and asymptotic
confidence sequences": with s the standard error of the effect when n customers are seen, the
interval

    effect ± s · √(2 (nρ² + 1) ÷ (nρ²) · ln(√(nρ² + 1) ÷ α))

covers the effect at all n at once with probability 1 − α, for large n. It is wider than a declared
look's interval; ρ decides at which n it is narrowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import lambertw, ndtr, ndtri

from retention_models.campaigns.estimators.power import check_positive
from retention_models.errors import SettingsError
from retention_models.levels import check_level, z_of_level

Array = NDArray[np.float64]

_NODES = 200
# Beyond this many standard deviations a score has no density worth integrating.
_FAR = 8.5
# Looks closer together are one look, and their integral would need too many nodes.
_CLOSEST = 1e-4


@dataclass(frozen=True, slots=True)
class DeclaredLooks:
    """The looks of a test, and how large an effect must be at each to stop it.

    boundaries: |effect ÷ standard error| at or beyond which the test stops.
    Shapes: information (K,), boundaries (K,), levels (K,).
    """

    information: Array
    boundaries: Array
    levels: Array
    level: float

    @property
    def widening(self) -> float:
        """How much wider the last look's interval is than that of a test looked at once."""
        return float(self.boundaries[-1] / z_of_level(self.level))

    def interval(self, effect: float, standard_error: float, look: int) -> tuple[float, float]:
        """The repeated confidence interval at a look: those of all looks hold together.

        Jennison & Turnbull, JRSS B 51 (1989), 305–361.
        """
        if not 1 <= look <= self.boundaries.size:
            raise SettingsError(
                f"look is {look}; expected 1 to {self.boundaries.size}, the looks declared before "
                "the test. A look that was not declared needs confidence_sequence()."
            )
        half = float(self.boundaries[look - 1]) * standard_error
        return effect - half, effect + half


def obrien_fleming(looks: int | ArrayLike, *, level: float = 0.05) -> DeclaredLooks:
    """O'Brien–Fleming boundaries of a two-sided test, for looks declared before it starts.

    Shapes: looks (K,).
    """
    check_level(level)
    information = _information(looks)
    scale = 1.0 / np.sqrt(information)
    # Never less strict than one look, never stricter than a Bonferroni correction of all.
    low, high = z_of_level(level), ndtri(1.0 - level / 2.0 / information.size) + 1e-9
    # Looks so early that they never stop leave the last one alone, but for rounding.
    alone = stopping_probability(low * scale, information) <= level
    if information.size == 1 or alone:
        constant = float(low)
    else:
        constant = brentq(
            lambda c: stopping_probability(c * scale, information) - level, low, high, xtol=1e-10
        )
    boundaries = constant * scale
    return DeclaredLooks(information, boundaries, 2.0 * ndtr(-boundaries), level)


def stopping_probability(boundaries: ArrayLike, information: ArrayLike) -> float:
    """Probability that a test without effect is stopped at one of its looks.

    boundaries: |effect ÷ standard error| at or beyond which each look stops it.
    Shapes: boundaries (K,), information (K,).
    """
    t, z = _information(information), np.asarray(boundaries, dtype=float)
    if z.shape != t.shape or not (z > 0.0).all():
        raise SettingsError(
            f"boundaries are {np.asarray(boundaries).tolist()}; expected {t.size} numbers above 0, "
            "one for each look."
        )
    ends = np.minimum(z, _FAR) * np.sqrt(t)
    # Nodes closer together than the shortest step's standard deviation.
    shortest = np.sqrt(np.diff(t, prepend=0.0).min())
    nodes, weights = leggauss(max(_NODES, int(np.ceil(4.0 * ends.max() / shortest))))
    at, mass = ends[0] * nodes, ends[0] * weights * _normal(ends[0] * nodes, t[0])
    for end, step in zip(ends[1:], np.diff(t), strict=True):
        here = end * nodes
        density = _kernel(here, at, mass, step)
        at, mass = here, end * weights * density
    return float(1.0 - mass.sum())


def _normal(x: Array, variance: float) -> Array:
    """Density at x of a normal with mean 0."""
    return np.asarray(np.exp(-(x**2) / (2.0 * variance)) / np.sqrt(2.0 * np.pi * variance))


def _kernel(here: Array, at: Array, mass: Array, step: float) -> Array:
    """Density at `here`, shape (m,), of what had `mass` `at`, shape (n,), a step of variance before."""
    return np.asarray(_normal(here[:, None] - at[None, :], step) @ mass)


def _information(looks: int | ArrayLike) -> Array:
    """Shares seen at each look."""
    given = np.asarray(looks, dtype=float)
    if given.ndim == 0 and given >= 1 and given == np.floor(given):
        return np.arange(1.0, float(given) + 1.0) / float(given)
    rising = given.ndim == 1 and given.size and (np.diff(given, prepend=0.0) >= _CLOSEST).all()
    if rising and abs(given[-1] - 1.0) < 1e-12:
        return given
    raise SettingsError(
        f"looks is {given.tolist()}; expected a whole number of looks, or the share of the final "
        "customers seen at each: rising by at least 0.0001, the first from 0, the last 1."
    )


def best_rho(customers: float, *, level: float = 0.05) -> float:
    """ρ of the confidence sequence that is narrowest when so many customers are seen.

    ρ with nρ² = −W₋₁(−α² ÷ e) − 1, W₋₁ the lower branch of Lambert's function: the root of the
    derivative of the width by ρ.
    """
    check_level(level)
    if not customers >= 1:
        raise SettingsError(f"customers is {customers}; expected the number at a look, at least 1.")
    return float(np.sqrt((-lambertw(-(level**2) / np.e, -1).real - 1.0) / customers))


def confidence_sequence(
    effect: float, standard_error: float, customers: int, *, rho: float, level: float = 0.05
) -> tuple[float, float, float]:
    """Interval and p-value of an effect that hold at whatever time, and however often, one looks.

    Asymptotic: it holds from a few hundred customers an arm on, not from the first.

    pvalue: The smallest level whose interval, with the same ρ, leaves out 0; at most 1.
    """
    check_level(level)
    check_positive(standard_error=standard_error, customers=customers, rho=rho)
    known = customers * rho**2
    root = np.sqrt(known + 1.0)
    half = standard_error * np.sqrt(2.0 * (known + 1.0) / known * np.log(root / level))
    exponent = (effect / standard_error) ** 2 * known / (2.0 * (known + 1.0))
    return float(effect - half), float(effect + half), float(min(1.0, root * np.exp(-exponent)))
