"""What a cause that nobody measured could do to an effect among customers who chose for themselves.

Where customers opt in, who joins may depend on what no covariate tells, and no estimate from the data
alone is safe. These functions say how strong such a cause would have to be, in two ways: the E-value
of a ratio (VanderWeele & Ding, Annals of Internal Medicine 167, 2017), and bounds of the doubly robust
effect under the marginal sensitivity model (Tan, Journal of the American Statistical Association 101,
2006; Zhao, Small & Bhattacharya, Journal of the Royal Statistical Society B 81, 2019). They do not make
the effect one to act on as if customers had been drawn by lot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaigns.estimators.doubly_robust import Choice, att, outcome_model
from retention_models.campaigns.estimators.regression import Flags, Floats, flags, numbers
from retention_models.campaigns.estimators.targeted import comparable
from retention_models.errors import SettingsError
from retention_models.levels import Z95

_STRONGEST = 20.0


@dataclass(frozen=True, slots=True)
class EValue:
    """How strong a hidden cause must be to explain a ratio away."""

    estimate: float
    interval: float


@dataclass(frozen=True, slots=True)
class HiddenBounds:
    """Bounds of the effect on the treated under hidden causes of given strengths."""

    table: pd.DataFrame
    explained_at: float


def e_value(ratio: float, conf_low: float, conf_high: float) -> EValue:
    """E-value of a risk ratio, or of a rate ratio of rare events, with its interval.

    E = RR + √(RR (RR − 1)), of 1/RR where RR is below 1.
    """
    if not 0.0 < conf_low <= ratio <= conf_high < np.inf:
        raise SettingsError(
            "ratio: expected a ratio above 0 within its interval; got "
            f"{ratio:g} ({conf_low:g} to {conf_high:g}). Give ratios, not differences or logarithms."
        )
    near = min(max(1.0, conf_low), conf_high)
    return EValue(_explaining(ratio), _explaining(near))


def ratio_of_difference(
    difference: float, standard_error: float, standard_deviation: float
) -> tuple[float, float, float]:
    """Approximate risk ratio of a difference of means, for its E-value.

    With d and s the difference and its error over the deviation: exp(0.91 d), exp(0.91 d ∓ 1.78 s)
    (VanderWeele & Ding 2017, table 2). It supposes a roughly normal outcome: a rule of thumb for spend.
    """
    if not (standard_error > 0 and standard_deviation > 0):
        raise SettingsError(
            "standard_error, standard_deviation: expected numbers above 0; got "
            f"{standard_error:g} and {standard_deviation:g}."
        )
    d, s = difference / standard_deviation, standard_error / standard_deviation
    ends = np.exp(0.91 * d + 1.78 * s * np.array([0.0, -1.0, 1.0]))
    return float(ends[0]), float(ends[1]), float(ends[2])


def hidden_bounds(
    outcome: Any,
    treated: Any,
    covariates: Any,
    *,
    propensity_covariates: Any = None,
    strengths: Sequence[float] = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0),
    most_likely: float = 0.98,
) -> HiddenBounds:
    """Bounds of the doubly robust effect on the treated under hidden causes.

    The controls' weights w = p/(1 − p) may each be off by a factor λ in [1/Λ, Λ]. The largest weighted
    mean Σ λ w r/Σ λ w of their residuals r has λ = Λ where r is above that mean and 1/Λ below, and the
    smallest the reverse. As the bound does not change to first order with where λ switches, its
    influence function is that of the effect with λ w as weights.

    Shapes: outcome (customers,), treated (customers,), covariates (customers, k),
    propensity_covariates (customers, m).
    """
    y = numbers("outcome", outcome, 1)
    grid = numbers("strengths", list(strengths), 1)
    if (grid < 1.0).any() or not grid.size:
        raise SettingsError(f"strengths: expected values of 1 or more; got {grid.tolist()}.")
    compared = comparable(
        flags("treated", treated, y.size),
        covariates,
        propensity_covariates=propensity_covariates,
        trim=(0.0, most_likely),
    )
    y, z, x, choice = y[compared.used], compared.treated, compared.design, compared.choice
    rows = [_bounds(y, z, x, choice, float(strength)) for strength in grid]
    table = pd.DataFrame(
        rows,
        columns=["att_low", "att_high", "conf_low", "conf_high"],
        index=pd.Index(grid, name="strength"),
    )
    return HiddenBounds(table, _explained_at(y, z, x, choice))


def _explaining(ratio: float) -> float:
    above = max(ratio, 1.0 / ratio)
    return float(above + np.sqrt(above * (above - 1.0)))


def _bounds(
    y: Floats, z: Flags, x: Floats, choice: Choice, strength: float
) -> tuple[float, float, float, float]:
    """Low and high effect, and the ends of the interval around both."""
    residual = outcome_model(y, x, ~z)[0]
    weight = choice.chance / (1.0 - choice.chance)
    found = []
    for sign, end in ((1.0, -1.0), (-1.0, 1.0)):
        switch = sign * extreme_mean(sign * residual[~z], weight[~z], strength)
        tilt = np.where(sign * (residual - switch) > 0, strength, 1.0 / strength)
        effect, influence = att(y, z, x, choice, tilt)
        half = Z95 * float(np.sqrt((influence**2).mean() / y.size))
        found.append((effect, effect + end * half))
    return found[0][0], found[1][0], found[0][1], found[1][1]


def extreme_mean(values: Floats, weights: Floats, strength: float) -> float:
    """Largest weighted mean when each weight may be off by a factor from 1/strength to strength."""
    order = np.argsort(values)
    v, w = values[order], weights[order]
    # The first k values are weighed down, the rest up; the best k is the largest of all such means.
    low, high = np.append(0.0, np.cumsum(w)), np.append(0.0, np.cumsum(w * v))
    mass = low / strength + strength * (low[-1] - low)
    return float(((high / strength + strength * (high[-1] - high)) / mass).max())


def _explained_at(y: Floats, z: Flags, x: Floats, choice: Choice) -> float:
    """Least strength at which the interval holds 0, to a hundredth, by bisection."""

    def holds_zero(strength: float) -> bool:
        _, _, low, high = _bounds(y, z, x, choice, strength)
        return low <= 0.0 <= high

    if holds_zero(1.0):
        return 1.0
    if not holds_zero(_STRONGEST):
        return float("inf")
    below, above = 1.0, _STRONGEST
    while above - below > 0.005:
        middle = (below + above) / 2.0
        below, above = (below, middle) if holds_zero(middle) else (middle, above)
    return float(np.ceil(100.0 * above) / 100.0)
