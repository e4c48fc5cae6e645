"""Whom to treat: doubly robust scores of a randomised arm, the gain of policies, the gain curve.

With e the share given the arm, and m₁ and m₀ linear models of the outcome in either arm, a customer's
score is

    Γ = m₁(x) − m₀(x) + Z (Y − m₁(x)) ÷ e − (1 − Z)(Y − m₀(x)) ÷ (1 − e)

whose mean over the customers that a policy treats is the policy's gain, whether m₁ and m₀ are right or
not, since the arm was drawn by lot (Athey & Wager, Econometrica 89, 2021). Customers are ranked by
m₁(x) − m₀(x). The models of each part of the customers are fitted to the parts before it alone: models
that are fitted to all others lean against the part that they are tested on, so that where nobody gains
more than others the intervals of their gains are too short (Wager, "Sequential validation of treatment
heterogeneity", 2024). The first part, two fifths, is fitted to only. The area between the gain curve and
the line of treating at random is E[Γ (F − 1/2)], F the share of customers ranked no higher (Yadlowsky et
al., JASA 120, 2025): 0 where the ranking tells nothing of who gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention_models.campaigns.estimators.regression import Flags, Floats
from retention_models.errors import CannotSay
from retention_models.languages import count, counted
from retention_models.levels import Interval, z_of_interval

# Below so many customers in an arm, models of who gains most tell chance.
FEWEST = 200
# Customers that are fitted to only, and parts of the others.
_FIRST, _PARTS = 0.4, 4
_SEED = 20210101  # Athey & Wager; any fixed number repeats the parts


@dataclass(frozen=True, slots=True)
class TreatmentScores:
    """Scores and ranks of the customers that are not fitted to only.

    tested: Places of these among all. all_foreseen: By models of all customers, for whom to treat next.
    Shapes: score, foreseen, part, tested (m,), all_foreseen (n,).
    """

    score: Floats
    foreseen: Floats
    part: Floats
    tested: NDArray[np.intp]
    all_foreseen: Floats


def treatment_scores(
    outcome: Floats, treated: Flags, covariates: Floats, *, seed: int = _SEED
) -> TreatmentScores:
    """Doubly robust scores, and the effects foreseen from customers of the parts before.

    Shapes: outcome, treated (n,), covariates (n, k).

    >>> rng = np.random.default_rng(1)
    >>> x, z = rng.normal(size=(4000, 1)), rng.random(4000) < 0.5
    >>> found = treatment_scores(rng.normal(size=4000) + z * (1.0 + x[:, 0]), z, x)
    >>> bool(abs(found.score.mean() - 1.0) < 0.1)
    True
    >>> bool(np.corrcoef(found.foreseen, x[found.tested, 0])[0, 1] > 0.99)
    True
    """
    fewest = int(min(treated.sum(), (~treated).sum()))
    if fewest < FEWEST:
        raise CannotSay(
            "An arm has {n}, too few to tell who gains most from it; at least {fewest} in each are "
            "needed.",
            n=counted(fewest, "customer"),
            fewest=count(FEWEST),
        )
    part = _parts(treated, seed)
    design = np.column_stack([np.ones(outcome.size), covariates])
    score, foreseen = np.zeros(outcome.size), np.zeros(outcome.size)
    for k in range(1, _PARTS + 1):
        here = part == k
        none, one = _fits(outcome, treated, design, part < k)
        share = float(treated[part < k].mean())
        foreseen[here] = design[here] @ (one - none)
        score[here] = foreseen[here] + np.where(
            treated[here],
            (outcome[here] - design[here] @ one) / share,
            -(outcome[here] - design[here] @ none) / (1.0 - share),
        )
    tested = np.flatnonzero(part > 0)
    none, one = _fits(outcome, treated, design, part >= 0)
    return TreatmentScores(
        score[tested], foreseen[tested], part[tested], tested, design @ (one - none)
    )


def _parts(treated: Flags, seed: int) -> Floats:
    """A part for each customer, of each arm a like share: 0 for those that are fitted to only."""
    part = np.empty(treated.size)
    rng = np.random.default_rng(seed)
    for side in (treated, ~treated):
        place = rng.permutation(int(side.sum())) / side.sum()
        part[side] = np.where(
            place < _FIRST, 0.0, 1.0 + np.floor(_PARTS * (place - _FIRST) / (1.0 - _FIRST))
        )
    return np.minimum(part, _PARTS)


def _fits(outcome: Floats, treated: Flags, design: Floats, some: Flags) -> tuple[Floats, Floats]:
    """Coefficients of the outcome among some customers without the arm, and with it."""
    sides = (some & ~treated, some & treated)
    found = [np.linalg.lstsq(design[side], outcome[side], rcond=None)[0] for side in sides]
    return np.asarray(found[0], dtype=float), np.asarray(found[1], dtype=float)


def gain(scores: Floats, weight: Floats, interval: float) -> Interval:
    """Mean of scores times weights, with ends: the gain a customer of a policy, or of a difference.

    Shapes: scores, weight (n,).
    """
    each = scores * weight
    half = z_of_interval(interval) * float(each.std(ddof=1)) / np.sqrt(each.size)
    value = float(each.mean())
    return Interval(value, value - half, value + half)


def share_below(found: TreatmentScores) -> Floats:
    """F: the share of the customers of the same part that are ranked no higher, shape (n,).

    Ranks are of one part, whose effects are foreseen by one model; equals share their places.
    """
    below = np.empty(found.foreseen.size)
    for k in np.unique(found.part):
        here = found.part == k
        ordered = np.sort(found.foreseen[here])
        left, right = (
            np.searchsorted(ordered, found.foreseen[here], side) for side in ("left", "right")
        )
        below[here] = (left + right) / 2.0 / ordered.size
    return below


def area(found: TreatmentScores, interval: float) -> Interval:
    """E[Γ (F − 1/2)], with the variance of a U-statistic.

    Its influence function is Γ (F − 1/2) + E[Γ' 1{rank' above}], less its mean, twice the area apart.
    """
    below = share_below(found)
    order = np.argsort(below)
    # What those ranked above a customer have, as a share of all.
    above = np.empty(below.size)
    above[order] = (found.score[order][::-1].cumsum()[::-1] - found.score[order]) / below.size
    value = float((found.score * (below - 0.5)).mean())
    influence = found.score * (below - 0.5) + above
    half = z_of_interval(interval) * float(influence.std(ddof=1)) / np.sqrt(below.size)
    return Interval(value, value - half, value + half)
