"""A campaign that some stores ran from one date on: difference-in-differences with few stores.

The stores are the independent units, however many customers they have. Precondition: without the
campaign, both groups' means would have moved alike (parallel trends). Standard errors are the
jackknife over stores (CRV3: Bell & McCaffrey, Survey Methodology 28, 2002; MacKinnon, Nielsen & Webb,
Journal of Econometrics 232, 2023), because the usual clustered ones are too small with few stores.
Stores that started at different times belong into `staggered`.

Event study and pre-trend: each period's difference between treated and control stores is taken
against a period before the start, so that all stand on one scale; the joint test of those before is
Hotelling's T² of two groups with a common covariance (Hotelling, Annals of Mathematical Statistics
2 (1931), 360–378), exact for normal changes whatever the number of stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc, stdtr

from retention_models.campaigns.estimators.regression import Flags, Floats, flags, numbers
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, counted
from retention_models.levels import t_of_interval

# Simulated false positives of a 5% test: 2 to 5% from three stores on with normal changes; with changes
# as skewed as an exponential, 10% at 3 of 20 stores, 8% at 4 of 20, 6% at 5 of 20.
FEWEST_STORES = 5

_ROUNDING = 1e-20


@dataclass(frozen=True, slots=True)
class StoreEffect:
    """Effect of a whole-store campaign on the treated stores' mean."""

    att: float
    standard_error: float
    conf_low: float
    conf_high: float
    pvalue: float
    degrees_of_freedom: float
    treated_stores: int
    control_stores: int


def store_effect(outcomes: Any, treated: Any, after: Any) -> StoreEffect:
    """Two-way fixed-effects difference-in-differences of stores and periods.

    Y_st = α_s + γ_t + τ D_s P_t + ε_st by OLS. With a balanced panel and one start, τ
    is the difference of the groups' mean changes Δ_s = mean after − mean before, and its variance with
    one store left out at a time, (G − 1)/G Σ_s (τ_(s) − τ)² (Cameron & Miller, Journal of Human
    Resources 50, 2015), is (G − 1)/G [s₁²/(G₁ − 1) + s₀²/(G₀ − 1)]. The t has Satterthwaite's degrees of
    freedom of that sum (Welch, Biometrika 34, 1947), at most G − 1. With 5 treated of 100 stores, G − 1
    itself would give 8% false positives, this gives 4%. It does not cure strongly skewed changes in few
    of many stores: 10% at 5 of 40 to 100 when they are exponential.

    Shapes: outcomes (stores, periods), treated (stores,), after (periods,).
    """
    y = numbers("outcomes", outcomes, 2)
    stores, periods = y.shape
    d, late = flags("treated", treated, stores), flags("after", after, periods)
    if late.all() or not late.any():
        raise SettingsError(
            "after: expected periods before the campaign's start and periods after it; all are on "
            "one side."
        )
    counts = int(d.sum()), int((~d).sum())
    _refuse_few(*counts)
    change = y[:, late].mean(axis=1) - y[:, ~late].mean(axis=1)
    parts = np.array([_spread(change[d]), _spread(change[~d])])
    if parts.sum() <= _ROUNDING * (y**2).mean():
        raise CannotSay(
            "Every store's outcome changed alike within its group, so there is no spread to judge "
            "the campaign's effect by; check that the outcome was measured store by store."
        )
    att = float(change[d].mean() - change[~d].mean())
    error = float(np.sqrt((stores - 1.0) / stores * parts.sum()))
    df = min(stores - 1.0, parts.sum() ** 2 / (parts**2 / (np.array(counts) - 1.0)).sum())
    half = float(t_of_interval(df, 0.95)) * error
    pvalue = 2.0 * float(stdtr(df, -abs(att) / error))
    return StoreEffect(att, error, att - half, att + half, pvalue, float(df), *counts)


def _spread(change: Floats) -> float:
    return float(change.var(ddof=1) / (change.size - 1.0))


def _refuse_few(treated: int, control: int) -> None:
    if min(treated, control) < FEWEST_STORES:
        raise CannotSay(
            "The campaign ran in {treated} and {control} did without; with fewer than {fewest} on "
            "either side, the luck of single stores cannot be told from an effect. Run it in more "
            "stores, or draw customers by lot within the stores.",
            treated=counted(treated, "store"),
            control=count(control),
            fewest=count(FEWEST_STORES),
        )


MOST_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class StoreTrend:
    """Joint test that treated and control stores moved alike before the start."""

    statistic: float
    pvalue: float
    restrictions: int
    stores: int


def store_event_study(
    outcomes: Any, treated: Any, steps: Any, *, interval: float = 0.95
) -> pd.DataFrame:
    """Difference of treated and control stores in each period, against the last before the start.

    Shapes: outcomes (stores, periods), treated (stores,), steps (periods,).
    """
    y = numbers("outcomes", outcomes, 2)
    d, at = flags("treated", treated, len(y)), numbers("steps", steps, 1, y.shape[1])
    if (at == -1).sum() != 1 or min(d.sum(), (~d).sum()) < 2:
        raise SettingsError(
            "steps, treated: expected one period −1, and two or more stores of either kind."
        )
    change = np.delete(y - y[:, [int(np.argmax(at == -1))]], np.argmax(at == -1), axis=1)
    counts = np.array([d.sum(), (~d).sum()], dtype=float)
    effect = change[d].mean(axis=0) - change[~d].mean(axis=0)
    parts = np.stack([change[side].var(axis=0, ddof=1) for side in (d, ~d)], axis=1) / (
        counts - 1.0
    )
    error = np.sqrt((len(y) - 1.0) / len(y) * parts.sum(axis=1))
    error = np.where(error > 1e-12 * (np.abs(y).max() + 1e-300), error, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=1) ** 2 / (parts**2 / (counts - 1.0)).sum(axis=1)
    freedom = np.minimum(freedom, len(y) - 1.0)
    half = t_of_interval(freedom, interval) * error
    return pd.DataFrame(
        {
            "effect": effect,
            "standard_error": error,
            "conf_low": effect - half,
            "conf_high": effect + half,
            "pvalue": 2.0 * stdtr(freedom, -np.abs(effect) / error),
        },
        index=pd.Index(np.delete(at, np.argmax(at == -1)).astype(int), name="step"),
    )


def store_pre_trend(outcomes: Any, treated: Any) -> StoreTrend:
    """Test that treated and control stores changed alike from block to block before the start.

    With d the difference of the groups' mean changes, shape (k,), and S the covariance pooled within the
    groups, T² = G₁G₀ ÷ G · d′S⁻¹d, and T² (G − k − 1) ÷ (k (G − 2)) is F(k, G − k − 1).

    Shapes: outcomes (stores, periods), treated (stores,).
    """
    y = numbers("outcomes", outcomes, 2)
    d = flags("treated", treated, len(y))
    blocks = min(MOST_BLOCKS, y.shape[1], len(y) - 2)
    k = blocks - 1
    if k < 1 or min(d.sum(), (~d).sum()) < 2:
        raise CannotSay(
            "Whether the stores moved alike before the campaign cannot be seen: it takes two "
            "periods before the start and a few stores of either kind. Use a longer log."
        )
    means = np.column_stack([part.mean(axis=1) for part in np.array_split(y, blocks, axis=1)])
    return _hotelling(means[:, :-1] - means[:, [-1]], d)


def _hotelling(change: Floats, d: Flags) -> StoreTrend:
    """Of changes, shape (stores, k), between two groups."""
    (stores, k), sizes = change.shape, (int(d.sum()), int((~d).sum()))
    within = np.where(d[:, None], change - change[d].mean(axis=0), change - change[~d].mean(axis=0))
    covariance = within.T @ within / (stores - 2.0)
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 1e-12 * (np.abs(change).max() + 1e-300)).all():
        raise CannotSay("All stores changed alike before the campaign, so nothing can be tested.")
    correlation = covariance / np.outer(scale, scale)
    if np.linalg.cond(correlation) > 1e10:
        raise CannotSay("Periods before the campaign repeat each other, so nothing can be tested.")
    z = (change[d].mean(axis=0) - change[~d].mean(axis=0)) / scale
    squared = sizes[0] * sizes[1] / stores * float(z @ np.linalg.solve(correlation, z))
    freedom = stores - k - 1
    statistic = squared * freedom / (k * (stores - 2.0))
    return StoreTrend(statistic, float(fdtrc(k, freedom, statistic)), k, stores)
