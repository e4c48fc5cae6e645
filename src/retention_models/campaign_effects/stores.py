"""Whole stores that ran a campaign, all from one week on or one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from retention_models.campaign_data.customers import CampaignStores, Finding, Window
from retention_models.campaign_effects.estimates import Estimates
from retention_models.campaign_effects.randomised import Asked
from retention_models.campaign_effects.result import BALANCE, EVENT_STUDY, PRE_TREND
from retention_models.campaign_effects.rows import holm, row, table_of
from retention_models.campaign_effects.stores_staggered import staggered_arm
from retention_models.campaign_settings import Campaign, Outcome
from retention_models.campaigns.store_trends import store_event_study, store_pre_trend
from retention_models.campaigns.stores import StoreEffect, store_effect
from retention_models.errors import CannotSay

# A test of the time before the start that finds a difference this unlikely lowers the grade.
PRE_TREND_LEVEL = 0.05


def store_estimates(data: CampaignStores, asked: Asked) -> Estimates:
    """Effects of a campaign that was given to whole stores, by customer and week.

    Parameters
    ----------
    data : CampaignStores
    asked : Asked

    Returns
    -------
    Estimates
        Each row's total is its effect times the customers and weeks of the arm's stores.

    Raises
    ------
    CannotSay
        Where the stores are too few, or no whole week lies before the start and in the campaign.
    """
    control = (data.stores["arm"] == data.campaign.control).to_numpy()
    parts: dict[str, list[Any]] = {"rows": [], "events": [], "trends": [], "sides": []}
    checks: list[Finding] = []
    members = {}
    for arm in sorted(set(data.stores["arm"]) - {data.campaign.control}):
        treated = (data.stores["arm"] == arm).to_numpy()
        members[arm] = treated
        starts = np.unique(data.stores.loc[treated, "first_week"])
        one_start = starts.size == 1
        for outcome in asked.outcomes:
            estimate = _at_once if one_start else _staggered
            estimate(data, asked, arm, outcome, treated | control, parts, checks)
        parts["sides"].append(_before(data, asked, arm, treated, control, int(starts.min())))
    rows = _with_holm(parts["rows"])
    trends = pd.DataFrame(parts["trends"], columns=list(PRE_TREND))
    checks.append(_trend_finding(trends, data.campaign))
    events = [one for one in parts["events"] if not one.empty]
    return Estimates(
        table=table_of(rows),
        checks=tuple(checks),
        members=members,
        balance=pd.concat(parts["sides"], ignore_index=True).reindex(columns=list(BALANCE)),
        event_study=pd.concat(events, ignore_index=True)
        if events
        else pd.DataFrame(columns=list(EVENT_STUDY)),
        pre_trend=trends,
    )


def weeks_of(campaign: Campaign, weeks: NDArray[np.int64]) -> dict[Window, NDArray[np.bool_]]:
    """Whole weeks of the campaign, of its follow-up, and of both.

    Parameters
    ----------
    campaign : Campaign
    weeks : ndarray of int, shape (w,)
        Counted from the campaign's first day.

    Returns
    -------
    dict from window to ndarray of bool, shape (w,)
        Windows with a week in them; a week that is part campaign and part not is in "whole" only.
    """
    last, first_after = campaign.days // 7, -(-campaign.days // 7)
    end = (campaign.days + campaign.follow_up) // 7
    found: dict[Window, NDArray[np.bool_]] = {"campaign": (weeks >= 0) & (weeks < last)}
    # Only where the log reaches the follow-up's end.
    if campaign.follow_up and weeks.max() >= end - 1 and end > first_after:
        found["follow_up"] = (weeks >= first_after) & (weeks < end)
        found["whole"] = (weeks >= 0) & (weeks < end)
    return {window: inside for window, inside in found.items() if inside.any()}


def _at_once(
    data: CampaignStores,
    asked: Asked,
    arm: str,
    outcome: Outcome,
    both: NDArray[np.bool_],
    parts: dict[str, list[Any]],
    checks: list[Finding],
) -> None:
    """One start for all: the change of treated stores less that of control stores."""
    y = data.outcomes[outcome][both]
    treated = (data.stores["arm"] == arm).to_numpy()[both]
    start = int(data.stores["first_week"].to_numpy()[both][treated].min())
    before = data.weeks < start
    customers = data.stores["customers"].to_numpy(dtype=float)[both]
    for window, inside in weeks_of(data.campaign, data.weeks).items():
        inside = inside & ~before
        used = before | inside
        if not before.any() or not inside.any():
            raise CannotSay(
                "No whole week of data lies before the start, or in the campaign. Use a longer log."
            )
        found = store_effect(y[:, used], treated, inside[used])
        told = {"outcome": outcome, "window": window, "arm": arm}
        told |= {"against": data.campaign.control, "r_squared": np.nan}
        numbers = _numbers(found, y[:, used], treated, inside[used], asked.level)
        exposure = float(customers[treated].sum() * inside.sum())
        parts["rows"].append(_with_total(told | numbers, exposure, customers, treated))
    steps = data.weeks - start
    if (steps == -1).any():
        study = store_event_study(y, treated, steps, interval=1.0 - asked.level)
        parts["events"].append(study.reset_index().assign(outcome=outcome, arm=arm)[_STUDY])
    _pre_trend(lambda: store_pre_trend(y[:, before], treated), outcome, arm, parts)


_STUDY = list(EVENT_STUDY)


def _staggered(
    data: CampaignStores,
    asked: Asked,
    arm: str,
    outcome: Outcome,
    both: NDArray[np.bool_],
    parts: dict[str, list[Any]],
    checks: list[Finding],
) -> None:
    """Each store from its own week on: group-time effects."""
    inside = weeks_of(data.campaign, data.weeks)["campaign"]
    used = (data.weeks < 0) | inside
    stores = data.stores.loc[both]
    found = staggered_arm(
        data.outcomes[outcome][both][:, used], data.weeks[used], stores["first_week"], asked.level
    )
    treated = (stores["arm"] == arm).to_numpy()
    customers = stores["customers"].to_numpy(dtype=float)
    began = stores["first_week"].to_numpy(dtype=float)[treated]
    weeks = np.array([(inside & (data.weeks >= first)).sum() for first in began])
    told = {"outcome": outcome, "window": "campaign", "arm": arm}
    told |= {"against": data.campaign.control, "estimand": "att"}
    parts["rows"].append(
        _with_total(
            told | found.numbers, float(customers[treated] @ weeks), customers, treated
        )
    )
    parts["events"].append(found.event_study.assign(outcome=outcome, arm=arm)[_STUDY])
    _pre_trend(found.pre_trend, outcome, arm, parts)
    if found.left_out:
        words = f"{found.left_out} stores began before the data and have nothing to be compared with."
        checks.append(Finding("stores left out", True, False, words))


def _numbers(
    found: StoreEffect,
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    level: float,
) -> dict[str, Any]:
    half = float(stdtrit(found.degrees_of_freedom, 1.0 - level / 2.0)) * found.standard_error
    mean = float(y[treated][:, after].mean())
    lift = lift_of_stores(found, y, treated, after, level)
    return {
        "estimand": "att",
        "mean": mean,
        "mean_against": mean - found.att,
        "absolute_effect": found.att,
        "standard_error": found.standard_error,
        "conf_low": found.att - half,
        "conf_high": found.att + half,
        "pvalue": 2.0 * float(stdtr(found.degrees_of_freedom, -abs(found.att) / found.standard_error)),
        **dict(zip(("lift_percent", "lift_low", "lift_high"), lift, strict=True)),
    }


def lift_of_stores(
    found: StoreEffect,
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    level: float,
) -> tuple[float, float, float]:
    """Treated stores' mean over what it would have been, less 1, in percent, with its interval.

    Returns
    -------
    lift, low, high : float
        NaN where a mean is not positive. The standard error of the log ratio is the jackknife over
        stores, as of the effect.
    """
    change = y[:, after].mean(axis=1) - y[:, ~after].mean(axis=1)
    late = y[:, after].mean(axis=1)
    mean = late[treated].mean()
    if not (mean > 0.0 and mean - found.att > 0.0):
        return (np.nan,) * 3

    def log_ratio(kept: NDArray[np.bool_]) -> float:
        here, there = kept & treated, kept & ~treated
        without = late[here].mean() - change[here].mean() + change[there].mean()
        return float(np.log(late[here].mean() / without)) if without > 0.0 else np.nan

    everyone = np.ones(len(y), dtype=bool)
    value = log_ratio(everyone)
    left_out = np.array([log_ratio(np.arange(len(y)) != store) for store in range(len(y))])
    error = np.sqrt((len(y) - 1.0) / len(y) * ((left_out - value) ** 2).sum())
    half = float(stdtrit(found.degrees_of_freedom, 1.0 - level / 2.0)) * error
    ends = 100.0 * (np.exp(value + np.array([0.0, -half, half])) - 1.0)
    return float(ends[0]), float(ends[1]), float(ends[2])


def _with_total(
    told: dict[str, Any],
    exposure: float,
    customers: NDArray[np.float64],
    treated: NDArray[np.bool_],
) -> dict[str, Any]:
    """The effect on all customers of the arm's stores, in all its weeks."""
    return row(
        **told,
        customers=int(customers[treated].sum()),
        customers_against=int(customers[~treated].sum()),
        total=told["absolute_effect"] * exposure,
        total_low=told["conf_low"] * exposure,
        total_high=told["conf_high"] * exposure,
    )


def _pre_trend(
    test: Callable[[], Any], outcome: str, arm: str, parts: dict[str, list[Any]]
) -> None:
    """A row of the joint test, or why there is none."""
    try:
        found = test()
    except CannotSay as reason:
        parts["trends"].append((outcome, arm, np.nan, np.nan, 0, 0, str(reason)))
        return
    alike = found.pvalue >= PRE_TREND_LEVEL
    words = (
        "Before the start the stores moved alike, as far as can be seen."
        if alike
        else "The stores moved apart already before the start."
    )
    stores = getattr(found, "stores", None) or found.clusters
    parts["trends"].append(
        (outcome, arm, found.statistic, found.pvalue, found.restrictions, stores, words)
    )


def _trend_finding(trends: pd.DataFrame, campaign: Campaign) -> Finding:
    """Of the outcome that decides: alike before the start, or apart, or not to be seen."""
    chosen = trends.loc[trends["outcome"] == campaign.primary]
    failed = ~(chosen["pvalue"] >= PRE_TREND_LEVEL)
    words = " ".join(dict.fromkeys(chosen.loc[failed if failed.any() else ~failed, "words"]))
    return Finding("pre-trend", not failed.any(), False, words)


def _with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault((one["outcome"], one["window"]), []).append(one)
    for group in groups.values():
        for one, together in zip(group, holm([one["pvalue"] for one in group]), strict=True):
            one["pvalue_holm"] = together
    return rows


def _before(
    data: CampaignStores,
    asked: Asked,
    arm: str,
    treated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    start: int,
) -> pd.DataFrame:
    """How the stores differed before the start: their mean outcomes a customer and week."""
    before, rows = data.weeks < start, []
    for outcome in asked.outcomes:
        means = data.outcomes[outcome][:, before].mean(axis=1)
        one, two = means[treated], means[control]
        spread = np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2.0)
        difference = (one.mean() - two.mean()) / spread if spread > 0.0 else np.nan
        chance = np.sqrt(1.0 / one.size + 1.0 / two.size)
        rows.append((outcome, arm, one.mean(), two.mean(), difference, np.nan, chance))
    return pd.DataFrame(rows, columns=list(BALANCE))
