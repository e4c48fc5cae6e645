"""Stores that began a campaign one after the other: group-time effects in the table's terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from retention_models.campaigns.staggered import GroupTimeEffects, group_time_effects
from retention_models.campaigns.staggered_summaries import PreTrend, pre_trend, summarised
from retention_models.errors import CannotSay
from retention_models.languages import phrase

MOST_BLOCKS = 3


@dataclass(frozen=True)
class StaggeredArm:
    """One arm of a staggered roll-out: its row's numbers, event study, and a test before the start."""

    numbers: dict[str, Any]
    event_study: pd.DataFrame
    pre_trend: Callable[[], PreTrend]
    left_out: int


def staggered_arm(
    outcomes: NDArray[np.float64],
    weeks: NDArray[np.int64],
    first_week: ArrayLike,
    level: float,
) -> StaggeredArm:
    """Effects of an arm that its stores began at different weeks.

    Parameters
    ----------
    outcomes : ndarray, shape (stores, w)
        Of the arm and of control.
    weeks : ndarray of int, shape (w,)
    first_week : array_like, shape (stores,)
        Infinite for control; without control, stores are compared with those that have yet to begin.
    level : float
        Two-sided.

    Returns
    -------
    StaggeredArm
        The effect weighs all store-weeks from each start on alike. No lift: its doubt is not estimated.

    Raises
    ------
    CannotSay
        Where a group that began together, or control, has fewer than ten stores.
    """
    never = np.isinf(np.asarray(first_week, dtype=float)).any()
    effects = group_time_effects(
        outcomes, weeks, first_week, controls="never" if never else "not_yet"
    )
    overall = summarised(effects).overall.iloc[0]
    freedom = float(effects.clusters.max())
    quantile = float(stdtrit(freedom, 1.0 - level / 2.0))
    study = summarised(effects, "event").table.reset_index().rename(columns={"att": "effect"})
    study["conf_low"] = study["effect"] - quantile * study["standard_error"]
    study["conf_high"] = study["effect"] + quantile * study["standard_error"]
    error, att = float(overall["standard_error"]), float(overall["att"])
    mean = _mean_with_campaign(outcomes, weeks, np.asarray(first_week, dtype=float), effects)
    numbers = {
        "mean": mean,
        "mean_against": mean - att,
        "absolute_effect": att,
        "standard_error": error,
        "conf_low": att - quantile * error,
        "conf_high": att + quantile * error,
        "pvalue": float(overall["pvalue"]),
    }
    return StaggeredArm(numbers, study, lambda: pre_trend_in_blocks(effects), effects.left_out)


def pre_trend_in_blocks(effects: GroupTimeEffects) -> PreTrend:
    """Joint test of the effects before the start, put together in up to three blocks of steps.

    Parameters
    ----------
    effects : GroupTimeEffects

    Returns
    -------
    PreTrend
        A test of every group's every week would have more effects than there are stores.

    Raises
    ------
    CannotSay
        As `pre_trend`.
    """
    before = np.flatnonzero(effects.steps < -1)
    if not before.size:
        return pre_trend(effects)
    blocks = np.array_split(np.unique(effects.steps[before]), MOST_BLOCKS)
    blocks = [block for block in blocks if block.size]
    # Groups weigh by their stores, as in the event study.
    size = np.array([(effects.unit_group == g).sum() for g in effects.group], dtype=float)
    weights = np.zeros((effects.steps.size, len(blocks)))
    for b, block in enumerate(blocks):
        inside = np.isin(effects.steps, block)
        weights[inside, b] = size[inside] / size[inside].sum()
    return pre_trend(
        replace(
            effects,
            group=np.zeros(len(blocks)),
            period=np.zeros(len(blocks)),
            steps=np.full(len(blocks), -2),
            att=effects.att @ weights,
            influence=effects.influence @ weights,
        )
    )


def _mean_with_campaign(
    outcomes: NDArray[np.float64],
    weeks: NDArray[np.int64],
    first: NDArray[np.float64],
    effects: GroupTimeEffects,
) -> float:
    """Mean of the store-weeks that the effect is of."""
    used = np.isin(first, effects.group)
    with_campaign = weeks >= first[:, None]
    if not (used[:, None] & with_campaign).any():
        raise CannotSay(phrase("No store-week has the campaign, so there is no effect to tell."))
    return float(outcomes[used[:, None] & with_campaign].mean())
