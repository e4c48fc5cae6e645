"""Doubly robust estimators of arrays (AIPW), their influence functions, overlap and balance.

Robins, Rotnitzky & Zhao, Journal of the American Statistical Association 89 (1994); for the effect
on the treated, Sant'Anna & Zhao, Journal of Econometrics 219 (2020), section 2. With p the
propensity, m₁ and m₀ OLS fits among treated and controls, and w = p/(1 − p): ATE = mean[m₁ − m₀ +
Z(Y − m₁)/p − (1 − Z)(Y − m₀)/(1 − p)]; ATT = Σ Z(Y − m₀)/Σ Z − Σ w(1 − Z)(Y − m₀)/Σ w(1 − Z). The
influence functions are of the stacked estimating equations (Newey & McFadden, Handbook of
Econometrics 4, 1994, section 6), so standard errors hold where one of the models is wrong.

A customer pulls the fits towards his own outcome, so residuals are smaller than errors: with 2,000
customers the standard error of spend comes out 5% too small. `small_sample` divides each residual
and score by 1 − its leverage, which is what leaving the customer out does to it (exactly for OLS,
to first order for the choice: MacKinnon & White, Journal of Econometrics 29, 1985; Pregibon, Annals
of Statistics 9, 1981).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from retention_models import languages
from retention_models.campaigns.estimators.binary_choice import fit_binary_choice
from retention_models.campaigns.estimators.regression import (
    Flags,
    Floats,
    full_rank,
    qr_by_blocks,
)
from retention_models.errors import CannotSay
from retention_models.languages import count, counted, marked


@dataclass(frozen=True, slots=True)
class Choice:
    """The fitted model of who gets the campaign: p, dp by its linear index, design, influence."""

    chance: Floats
    slope: Floats
    design: Floats
    influence: Floats

    @classmethod
    def fitted(cls, z: Flags, w: Floats, link: str) -> Choice:
        """By maximum likelihood; CannotSay where the covariates tell the choice."""
        if not full_rank(w) or z.all() or not z.any():
            raise CannotSay(
                "The choice of customers cannot be modelled: all or none of them got the campaign, "
                "or covariates are constant or sums of each other; leave those out."
            )
        found = fit_binary_choice(z, w, link)
        if found is None:
            raise CannotSay(
                "Who got the campaign follows from the covariates, so no customers without it "
                "are like those with it. Keep a random part of the eligible customers without."
            )
        influence = found.scores @ np.linalg.inv(found.information) * z.size
        return cls(found.chance, found.density, w, influence)

    def pull(self, small_sample: bool) -> Floats:
        """Influence of the coefficients, as leaving a customer out has it for small samples."""
        if not small_sample:
            return self.influence
        # The leverage that Fisher's scoring gives; none where the choice is certain.
        spread = np.sqrt(self.chance * (1.0 - self.chance))
        scale = np.divide(self.slope, spread, out=np.zeros_like(spread), where=spread > 0.0)
        return self.influence / (1.0 - leverages(self.design * scale[:, None]))[:, None]


def leverages(x: Floats) -> Floats:
    """Diagonal of x(x′x)⁻¹x′, shape (rows,).

    >>> import numpy as np
    >>> leverages(np.ones((4, 1))).round(9).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    q, _ = qr_by_blocks(x)
    return np.einsum("ij,ij->i", q, q)


def outcome_model(
    y: Floats, x: Floats, among: Flags, small_sample: bool = False
) -> tuple[Floats, Floats, Callable[[Floats], Floats]]:
    """Residuals y − xβ of all, β by OLS among some; the same left out; influence of a sum of β."""
    q, r = qr_by_blocks(x[among])
    if not full_rank(r):
        raise CannotSay.counting(
            "The {n} customer on one side is too few for a model of their outcome on the covariates; "
            "use fewer covariates.",
            "The {n} customers on one side are too few or too much alike for a model of their "
            "outcome on the covariates; use fewer covariates.",
            int(among.sum()),
        )
    residual = y - x @ solve_triangular(r, q.T @ y[among])
    out = residual.copy()
    if small_sample:
        left = 1.0 - np.einsum("ij,ij->i", q, q)
        if left.min() < 1e-8:
            raise CannotSay(
                "One customer alone decides what a covariate does among those on one side, so "
                "without him nothing would be known of it; leave that covariate out."
            )
        out[among] /= left

    def influence(weights: Floats) -> Floats:
        pull = solve_triangular(r, solve_triangular(r, weights, trans="T"))
        return y.size * out * among * (x @ pull)

    return residual, out, influence


def ate(
    y: Floats, z: Flags, x: Floats, choice: Choice, *, small_sample: bool = True
) -> tuple[float, Floats]:
    """Effect on all and its influence function, shape (customers,)."""
    p = choice.chance
    r1, out1, of_b1 = outcome_model(y, x, z, small_sample)
    r0, out0, of_b0 = outcome_model(y, x, ~z, small_sample)
    effect = float(((r0 - r1) + z * r1 / p - ~z * r0 / (1.0 - p)).mean())
    influence = (out0 - out1) + z * out1 / p - ~z * out0 / (1.0 - p) - effect
    by_choice = -(z * r1 / p**2 + ~z * r0 / (1.0 - p) ** 2) * choice.slope
    influence += choice.pull(small_sample) @ _mean(choice.design, by_choice)
    influence += of_b1(_mean(x, 1.0 - z / p)) - of_b0(_mean(x, 1.0 - ~z / (1.0 - p)))
    return effect, influence


def att(
    y: Floats,
    z: Flags,
    x: Floats,
    choice: Choice,
    tilt: Floats | float = 1.0,
    *,
    small_sample: bool = True,
) -> tuple[float, Floats]:
    """Effect on the treated and its influence function, shape (customers,).

    The controls' weights are multiplied by `tilt`, which `sensitivity` chooses.
    """
    residual, out, of_beta = outcome_model(y, x, ~z, small_sample)
    tilted = np.where(z, 0.0, tilt)
    weight = tilted * choice.chance / (1.0 - choice.chance)
    share, mass = z.mean(), weight.mean()
    here, there = residual[z].mean(), (weight * residual).mean() / mass
    influence = z * (residual - here) / share - weight * (out - there) / mass
    if small_sample:
        # What a customer weighs in his side's mean.
        influence /= 1.0 - np.where(z, 1.0 / z.sum(), weight / weight.sum())
    by_choice = -tilted * choice.slope / (1.0 - choice.chance) ** 2 * (residual - there) / mass
    influence += choice.pull(small_sample) @ _mean(choice.design, by_choice)
    influence += of_beta(_mean(x, weight / mass - z / share))
    return float(here - there), influence


def _mean(matrix: Floats, factor: Floats) -> Floats:
    return matrix.T @ factor / factor.size


MOST_TRIMMED = 0.5
FEWEST_EFFECTIVE = 30.0


def effective_size(weights: Floats) -> float:
    """Kish's effective sample size, (Σw)² ÷ Σw² (Survey Sampling, 1965, section 11.7).

    >>> import numpy as np
    >>> effective_size(np.array([1.0, 1.0, 2.0])).__round__(4)
    2.6667
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def within_overlap(
    chance: Floats, treated: Flags, trim: tuple[float, float], estimand: str
) -> tuple[Flags, float]:
    """Customers whose chance of the campaign lies within bounds, and the share that does not.

    Shapes: chance (customers,), treated (customers,), used (customers,).

    >>> import numpy as np
    >>> used, share = within_overlap(
    ...     np.array([0.01, 0.5, 0.6, 0.99]), np.array([False, True, True, True]), (0.02, 0.98), "att")
    >>> used.tolist(), round(share, 2)
    ([True, True, True, False], 0.33)
    """
    used = chance <= trim[1]
    if estimand == "ate":
        used &= chance >= trim[0]
    of_interest = treated if estimand == "att" else np.ones(chance.size, dtype=bool)
    share = float(1.0 - used[of_interest].mean())
    if share > MOST_TRIMMED:
        raise CannotSay(
            "{share} of the customers have hardly anyone like them on the other side of the "
            "campaign, so they cannot be compared. Keep a random part of those chosen without it.",
            share=languages.share(share),
        )
    return used, share


def refuse_thin_weights(weights: Floats, treated: Flags) -> None:
    """CannotSay where either side's weights rest on fewer than 30 customers.

    >>> import numpy as np
    >>> refuse_thin_weights(np.ones(80), np.arange(80) < 40)
    """
    sides = (
        (
            treated,
            marked(
                "The comparison rests on {n} with the campaign (by effective weight); {fewest} are "
                "needed on either side."
            ),
        ),
        (
            ~treated,
            marked(
                "The comparison rests on {n} without the campaign (by effective weight); {fewest} are "
                "needed on either side."
            ),
        ),
    )
    for side, sentence in sides:
        size = effective_size(weights[side]) if side.any() else 0.0
        if size < FEWEST_EFFECTIVE:
            # Cut, not rounded: 29.7 are fewer than 30.
            raise CannotSay(
                sentence, n=counted(int(size), "customer"), fewest=count(FEWEST_EFFECTIVE)
            )


def balance(
    covariates: Floats, treated: Flags, weights: Floats, names: list[str] | None = None
) -> pd.DataFrame:
    """Standardised differences of covariates between treated and controls, before and after weighting.

    (mean₁ − mean₀) ÷ √((s₁² + s₀²)/2), the variances unweighted in both columns so that they are on one
    scale (Austin & Stuart, Statistics in Medicine 34, 2015).

    Shapes: covariates (customers, k), treated (customers,), weights (customers,).
    """
    labels = names or [f"x{i + 1}" for i in range(covariates.shape[1])]
    one, two = covariates[treated], covariates[~treated]
    return pd.DataFrame(
        {
            "unweighted": standardised_differences(one, two),
            "weighted": standardised_differences(one, two, (weights[treated], weights[~treated])),
        },
        index=pd.Index(labels, name="covariate"),
    )


def standardised_differences(
    one: Floats, two: Floats, weights: tuple[Floats, Floats] | None = None
) -> Floats:
    """How far two groups' means of each covariate are apart, in standard deviations of a customer.

    Shapes: one, two (n₁, k) and (n₂, k), returned (k,).

    >>> one, two = np.array([[1.0], [3.0]]), np.array([[0.0], [2.0]])
    >>> standardised_differences(one, two).round(4).tolist()
    [0.7071]
    """
    spread = np.sqrt((one.var(axis=0, ddof=1) + two.var(axis=0, ddof=1)) / 2.0)
    of = (None, None) if weights is None else weights
    gap = np.average(one, axis=0, weights=of[0]) - np.average(two, axis=0, weights=of[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(gap / spread)
