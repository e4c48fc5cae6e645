"""Campaigns that ran at once among the same customers: the effect of each, and of both together.

Each customer was put into each campaign by lot, whatever the other's lot. The regression of the
outcome on Z₁, Z₂ and Z₁Z₂, with centred covariates interacted with all of them, is fitted as in
`regression`: one line for each combination of offers, read at the average customer. With m₁₁, m₁₀,
m₀₁, m₀₀ these means and p₂ the share of customers that was offered the second,

    effect of the first, at the average of the second   (1 − p₂)(m₁₀ − m₀₀) + p₂ (m₁₁ − m₀₁)
    interaction                                         (m₁₁ − m₀₁) − (m₁₀ − m₀₀)

which are the coefficients of Z₁ with Z₂ centred, and of Z₁Z₂. Leaving Z₁Z₂ out would change what
the first number means, and need not make it more precise (Muralidharan, Romero & Wüthrich,
"Factorial designs, model selection, and (incorrect) inference in randomized experiments", Review of
Economics and Statistics).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr

from retention_models.campaigns.estimators.regression import (
    Flags,
    Floats,
    check_same_customers,
    fit_arms,
    flags,
    read_arms,
)
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import phrase
from retention_models.levels import check_interval_of_effect, t_of_interval

MOST_CAMPAIGNS = 3


@dataclass(frozen=True, slots=True)
class OverlappingEffects:
    """Effects of campaigns that ran at once, and how far they depend on each other."""

    table: pd.DataFrame
    cells: pd.DataFrame
    interval: float


def overlapping_effects(
    outcome: ArrayLike,
    offered: pd.DataFrame,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    interval: float = 0.95,
) -> OverlappingEffects:
    """Effects of two or three randomised campaigns among the same customers, in one regression.

    Shapes: outcome (n,), offered (n, campaigns), covariates (n, k) or (n,).
    """
    check_interval_of_effect(interval)
    Z = _offers(outcome, offered)
    names = [str(name) for name in offered.columns]
    cells = np.array(list(product([False, True], repeat=len(names))))
    cell = Z @ (2 ** np.arange(len(names))[::-1])
    counts = np.bincount(cell, minlength=len(cells))
    if not counts.all():
        raise _no_cell(names, cells[int(np.argmin(counts))])
    check_same_customers(outcome=outcome, offered=offered, covariates=covariates)
    fitted = fit_arms(read_arms(outcome, cell, covariates, 0))
    # What rounding leaves of a spread that is none.
    if fitted.variances.sum() <= 1e-24 * (fitted.means**2).max():
        raise CannotSay(
            "Customers do not differ in the outcome beyond what the covariates say, so no doubt can "
            "be put on the campaigns' effects. Wait until some have bought."
        )
    share = counts / counts.sum()
    rows = []
    for size in range(1, len(names) + 1):
        for campaigns in combinations(range(len(names)), size):
            contrast = _contrast(cells, share, campaigns)
            value = float(contrast @ fitted.means)
            parts = contrast**2 * fitted.variances
            freedom = float(parts.sum() ** 2 / (parts**2 / fitted.freedom).sum())
            of = tuple(names[i] for i in campaigns)
            rows.append(
                {"campaigns": of} | _row(value, float(parts.sum()) ** 0.5, freedom, interval)
            )
    table = pd.DataFrame(cells, columns=names)
    table = table.assign(
        customers=counts, mean=fitted.means, standard_error=np.sqrt(fitted.variances)
    )
    return OverlappingEffects(pd.DataFrame(rows), table, interval)


def _offers(outcome: ArrayLike, offered: pd.DataFrame) -> Flags:
    """Who was offered what, as booleans of shape (n, campaigns)."""
    if not 2 <= offered.shape[1] <= MOST_CAMPAIGNS:
        raise SettingsError(
            f"offered has {offered.shape[1]} columns; expected one for each of two or "
            f"{MOST_CAMPAIGNS} campaigns. More need a test of their own, with fewer combinations."
        )
    if not offered.columns.is_unique:
        raise SettingsError(f"offered has columns {list(offered.columns)}; expected unlike names.")
    n = len(np.asarray(outcome))
    return np.column_stack(
        [flags(f"offered[{name!r}]", offered[name].to_numpy(), n) for name in offered.columns]
    )


def _contrast(cells: Flags, share: Floats, campaigns: tuple[int, ...]) -> Floats:
    """Weights of the cells' means: differences over some campaigns, averages over the others."""
    sign = np.where(cells[:, campaigns], 1.0, -1.0).prod(axis=1)
    others = [i for i in range(cells.shape[1]) if i not in campaigns]
    alike = (cells[:, None, others] == cells[None, :, others]).all(axis=2)
    return np.asarray(sign * (alike @ share))


def _row(value: float, error: float, freedom: float, interval: float) -> dict[str, Any]:
    """One effect."""
    half = float(t_of_interval(freedom, interval)) * error
    return {
        "absolute_effect": value,
        "standard_error": error,
        "conf_low": value - half,
        "conf_high": value + half,
        "pvalue": float(2.0 * stdtr(freedom, -abs(value) / error)),
        "degrees_of_freedom": freedom,
    }


def _no_cell(names: list[str], cell: Flags) -> CannotSay:
    """Which combination nobody had."""
    *others, last = (
        repr(name) if offered else phrase("not {campaign}", campaign=repr(name))
        for name, offered in zip(names, cell, strict=True)
    )
    for other in reversed(others):
        last = phrase("{first} and {second}", first=other, second=last)
    return CannotSay(
        "Nobody was offered {offers}, so what these campaigns do together cannot be told from what "
        "each does. Draw the customers of each by lot, whatever the other's, or look at one "
        "campaign alone.",
        offers=last,
    )
