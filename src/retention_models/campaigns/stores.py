"""A campaign that some stores ran from one date on: difference-in-differences with few stores.

The stores are the independent units, however many customers they have. Precondition: without the
campaign, both groups' means would have moved alike (parallel trends). Standard errors are the
jackknife over stores (CRV3: Bell & McCaffrey, Survey Methodology 28, 2002; MacKinnon, Nielsen & Webb,
Journal of Econometrics 232, 2023), because the usual clustered ones are too small with few stores.
Stores that started at different times belong into `staggered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from retention_models.campaigns.arrays import Floats, flags, numbers
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, phrase

# Simulated false positives of a 5% test: 2 to 5% from three stores on with normal changes; with changes
# as skewed as an exponential, 10% at 3 of 20 stores, 8% at 4 of 20, 6% at 5 of 20.
FEWEST_STORES = 5

_ROUNDING = 1e-20


@dataclass(frozen=True, slots=True)
class StoreEffect:
    """Effect of a whole-store campaign on the treated stores' mean.

    Attributes
    ----------
    att : float
        Mean effect on the treated stores, in units of the outcome per period.
    standard_error : float
        Jackknife over stores (CRV3).
    conf_low, conf_high : float
        95% interval from Student's t.
    pvalue : float
        Two-sided, of no effect.
    degrees_of_freedom : float
        Of the t: Satterthwaite's, never more than stores less one.
    treated_stores, control_stores : int
    """

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

    Parameters
    ----------
    outcomes : array_like, shape (stores, periods)
        Mean of the outcome, say spend per customer, of each store in each period.
    treated : array_like of bool, shape (stores,)
        The stores that ran the campaign.
    after : array_like of bool, shape (periods,)
        The periods from the campaign's start on, the same for every treated store.

    Returns
    -------
    StoreEffect

    Raises
    ------
    SettingsError
        Where shapes or values are not as described, or no period is before or after the start.
    CannotSay
        With fewer than five treated or control stores, or changes without any spread.

    Notes
    -----
    Y_st = α_s + γ_t + τ D_s P_t + ε_st by OLS. With a balanced panel and one start, τ
    is the difference of the groups' mean changes Δ_s = mean after − mean before, and its variance with
    one store left out at a time, (G − 1)/G Σ_s (τ_(s) − τ)² (Cameron & Miller, Journal of Human
    Resources 50, 2015), is (G − 1)/G [s₁²/(G₁ − 1) + s₀²/(G₀ − 1)]. The t has Satterthwaite's degrees of
    freedom of that sum (Welch, Biometrika 34, 1947), at most G − 1. With 5 treated of 100 stores, G − 1
    itself would give 8% false positives, this gives 4%. It does not cure strongly skewed changes in few
    of many stores: 10% at 5 of 40 to 100 when they are exponential.

    Examples
    --------
    >>> before = [10.0, 12.0, 11.0, 9.0, 10.0, 11.0, 9.0, 12.0, 10.0, 8.0]
    >>> later = [13.0, 14.0, 14.0, 11.0, 13.0, 12.0, 10.0, 12.0, 11.0, 9.0]
    >>> effect = store_effect(list(zip(before, later)), [1] * 5 + [0] * 5, [0, 1])
    >>> round(effect.att, 4), round(effect.standard_error, 4), round(effect.pvalue, 4)
    (1.8, 0.3354, 0.0008)
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
            phrase(
                "Every store's outcome changed alike within its group, so there is no spread to judge "
                "the campaign's effect by; check that the outcome was measured store by store."
            )
        )
    att = float(change[d].mean() - change[~d].mean())
    error = float(np.sqrt((stores - 1.0) / stores * parts.sum()))
    df = min(stores - 1.0, parts.sum() ** 2 / (parts**2 / (np.array(counts) - 1.0)).sum())
    half = float(stdtrit(df, 0.975)) * error
    pvalue = 2.0 * float(stdtr(df, -abs(att) / error))
    return StoreEffect(att, error, att - half, att + half, pvalue, float(df), *counts)


def _spread(change: Floats) -> float:
    return float(change.var(ddof=1) / (change.size - 1.0))


def _refuse_few(treated: int, control: int) -> None:
    if min(treated, control) < FEWEST_STORES:
        raise CannotSay(
            phrase(
                "The campaign ran in {treated} stores and {control} did without; with fewer than "
                "{fewest} on either side, the luck of single stores cannot be told from an effect. Run "
                "it in more stores, or draw customers by lot within the stores.",
                treated=count(treated),
                control=count(control),
                fewest=count(FEWEST_STORES),
            )
        )
