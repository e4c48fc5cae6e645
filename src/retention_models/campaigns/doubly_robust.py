"""Doubly robust estimators of arrays (AIPW), with influence functions that count every fitted model.

Robins, Rotnitzky & Zhao, Journal of the American Statistical Association 89 (1994); for the effect on
the treated, Sant'Anna & Zhao, Journal of Econometrics 219 (2020), section 2. With p the propensity, m₁
and m₀ OLS fits among treated and controls, and w = p/(1 − p):
ATE = mean[m₁ − m₀ + Z(Y − m₁)/p − (1 − Z)(Y − m₀)/(1 − p)];
ATT = Σ Z(Y − m₀)/Σ Z − Σ w(1 − Z)(Y − m₀)/Σ w(1 − Z).
The influence functions are of the stacked estimating equations (Newey & McFadden, Handbook of
Econometrics 4, 1994, section 6), so standard errors hold where one of the models is wrong.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from statsmodels.discrete.discrete_model import Logit, Probit
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationError,
    PerfectSeparationWarning,
)

from retention_models.campaigns.arrays import Flags, Floats, full_rank
from retention_models.errors import CannotSay


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
        model = (Logit if link == "logit" else Probit)(z.astype(float), w)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Each of these says that the likelihood has no maximum that can be relied on.
            for trouble in (PerfectSeparationWarning, ConvergenceWarning, HessianInversionWarning):
                warnings.simplefilter("error", trouble)
            try:
                fit = model.fit(disp=0, maxiter=100)
            except (
                PerfectSeparationError,
                PerfectSeparationWarning,
                ConvergenceWarning,
                HessianInversionWarning,
                np.linalg.LinAlgError,
            ):
                raise CannotSay(
                    "Who got the campaign follows from the covariates, so no customers without it are "
                    "like those with it. Keep a random part of the eligible customers without."
                ) from None
        influence = model.score_obs(fit.params) @ np.linalg.inv(-model.hessian(fit.params)) * z.size
        return cls(fit.predict(), model.pdf(w @ fit.params), w, influence)


def outcome_model(y: Floats, x: Floats, among: Flags) -> tuple[Floats, Floats]:
    """Residuals y − xβ of all customers, β by OLS among some, and β's influence function."""
    if not full_rank(x[among]):
        raise CannotSay(
            f"The {int(among.sum())} customers on one side are too few or too much alike for a model "
            "of their outcome on the covariates; use fewer covariates."
        )
    beta = np.linalg.lstsq(x[among], y[among], rcond=None)[0]
    residual = y - x @ beta
    gram = x[among].T @ x[among] / y.size
    return residual, np.asarray(np.linalg.solve(gram, (x * (residual * among)[:, None]).T).T, float)


def ate(y: Floats, z: Flags, x: Floats, choice: Choice) -> tuple[float, Floats]:
    """Effect on all and its influence function, shape (customers,)."""
    p, (r1, of_b1), (r0, of_b0) = choice.chance, outcome_model(y, x, z), outcome_model(y, x, ~z)
    psi = (r0 - r1) + z * r1 / p - ~z * r0 / (1.0 - p)
    effect = float(psi.mean())
    by_choice = -(z * r1 / p**2 + ~z * r0 / (1.0 - p) ** 2) * choice.slope
    influence = psi - effect + choice.influence @ _mean(choice.design, by_choice)
    influence += of_b1 @ _mean(x, 1.0 - z / p) - of_b0 @ _mean(x, 1.0 - ~z / (1.0 - p))
    return effect, influence


def att(
    y: Floats, z: Flags, x: Floats, choice: Choice, tilt: Floats | float = 1.0
) -> tuple[float, Floats]:
    """Effect on the treated and its influence function, shape (customers,).

    The controls' weights are multiplied by `tilt`, which `hidden` chooses.
    """
    residual, of_beta = outcome_model(y, x, ~z)
    tilted = np.where(z, 0.0, tilt)
    weight = tilted * choice.chance / (1.0 - choice.chance)
    share, mass = z.mean(), weight.mean()
    here, there = residual[z].mean(), (weight * residual).mean() / mass
    influence = z * (residual - here) / share - weight * (residual - there) / mass
    by_choice = -tilted * choice.slope / (1.0 - choice.chance) ** 2 * (residual - there) / mass
    influence += choice.influence @ _mean(choice.design, by_choice)
    influence += of_beta @ _mean(x, weight / mass - z / share)
    return float(here - there), influence


def _mean(matrix: Floats, factor: Floats) -> Floats:
    return matrix.T @ factor / factor.size
