"""Whole stores that ran a campaign, from one week on (difference in differences) or staggered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from retention_models.campaigns.data.tables import CampaignStores, Check, Window
from retention_models.campaigns.effects.tables import (
    BALANCE,
    EVENT_STUDY,
    PRE_TREND,
    DesignEstimates,
    EffectRequest,
    empty,
    row,
    table_of,
    with_holm,
)
from retention_models.campaigns.estimators.difference_in_differences import (
    StoreEffect,
    StoreTrend,
    store_effect,
    store_event_study,
    store_pre_trend,
)
from retention_models.campaigns.estimators.staggered import (
    GroupTimeEffects,
    PreTrend,
    group_time_effects,
    pre_trend,
    summarised,
)
from retention_models.errors import CannotSay
from retention_models.languages import phrase
from retention_models.levels import t_of_level
from retention_models.settings.campaigns import Campaign, Outcome

MOST_BLOCKS = 3


@dataclass(frozen=True)
class StaggeredArm:
    """One arm of a staggered roll-out: its row's numbers, event study, and a test before the start."""

    numbers: dict[str, Any]
    event_study: pd.DataFrame
    pre_trend: Callable[[], PreTrend]
    left_out: int
    lengths: NDArray[np.float64]  # weeks of each store that the effect is of


def staggered_arm(
    outcomes: NDArray[np.float64],
    weeks: NDArray[np.int64],
    first_week: ArrayLike,
    level: float,
) -> StaggeredArm:
    """Effects of an arm that its stores began at different weeks.

    Shapes: outcomes (stores, w), weeks (w,), first_week (stores,).
    """
    never = np.isinf(np.asarray(first_week, dtype=float)).any()
    effects = group_time_effects(
        outcomes, weeks, first_week, controls="never" if never else "not_yet"
    )
    overall = summarised(effects).overall.iloc[0]
    freedom = float(effects.clusters.max())
    quantile = float(t_of_level(freedom, level))
    study = summarised(effects, "event").table.reset_index().rename(columns={"att": "effect"})
    study["conf_low"] = study["effect"] - quantile * study["standard_error"]
    study["conf_high"] = study["effect"] + quantile * study["standard_error"]
    error, att = float(overall["standard_error"]), float(overall["att"])
    told = _with_effect(weeks, np.asarray(first_week, dtype=float), effects)
    mean = float(outcomes[told].mean())
    numbers = {
        "mean": mean,
        "mean_against": mean - att,
        "absolute_effect": att,
        "standard_error": error,
        "conf_low": att - quantile * error,
        "conf_high": att + quantile * error,
        "pvalue": float(overall["pvalue"]),
    }
    lengths = told.sum(axis=1).astype(float)
    return StaggeredArm(
        numbers, study, lambda: pre_trend_in_blocks(effects), effects.left_out, lengths
    )


def pre_trend_in_blocks(effects: GroupTimeEffects) -> PreTrend:
    """Joint test of the effects before the start, put together in up to three blocks of steps."""
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


def _with_effect(
    weeks: NDArray[np.int64], first: NDArray[np.float64], effects: GroupTimeEffects
) -> NDArray[np.bool_]:
    """Store-weeks that the effect is of: begun, and with stores that had not begun beside them."""
    after = effects.steps >= 0
    cells = set(zip(effects.group[after].tolist(), effects.period[after].tolist(), strict=True))
    told = np.array(
        [[(start, week) in cells for week in weeks.tolist()] for start in first.tolist()]
    )
    if not told.any():
        raise CannotSay("No store-week has the campaign, so there is no effect to tell.")
    return told


def lift_of_stores(
    found: StoreEffect,
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    level: float,
) -> tuple[float, float, float]:
    """Treated stores' mean over what it would have been, less 1, in percent, with its interval."""
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
    half = float(t_of_level(found.degrees_of_freedom, level)) * error
    ends = 100.0 * (np.exp(value + np.array([0.0, -half, half])) - 1.0)
    return float(ends[0]), float(ends[1]), float(ends[2])


def weeks_of(campaign: Campaign, weeks: NDArray[np.int64]) -> dict[Window, NDArray[np.bool_]]:
    """Whole weeks of the campaign, of its follow-up, and of both.

    Shapes: weeks (w,), returned (w,).
    """
    last, first_after = campaign.days // 7, -(-campaign.days // 7)
    end = (campaign.days + campaign.follow_up) // 7
    found: dict[Window, NDArray[np.bool_]] = {"campaign": (weeks >= 0) & (weeks < last)}
    # Only where the log reaches the follow-up's end.
    if campaign.follow_up and weeks.max() >= end - 1 and end > first_after:
        found["follow_up"] = (weeks >= first_after) & (weeks < end)
        found["whole"] = (weeks >= 0) & (weeks < end)
    return {window: inside for window, inside in found.items() if inside.any()}


# A test of the time before the start that finds a difference this unlikely lowers the grade.
PRE_TREND_LEVEL = 0.05


@dataclass
class _Side:
    """The stores of one arm and of control, and what is found of them as it is found."""

    data: CampaignStores
    arm: str
    level: float
    both: NDArray[np.bool_]
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[pd.DataFrame] = field(default_factory=list)
    trends: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def treated(self) -> NDArray[np.bool_]:
        return (self.data.stores["arm"] == self.arm).to_numpy()[self.both]

    @property
    def customers(self) -> NDArray[np.float64]:
        return self.data.stores["customers"].to_numpy(dtype=float)[self.both]

    @property
    def first_week(self) -> NDArray[np.float64]:
        return self.data.stores["first_week"].to_numpy(dtype=float)[self.both]

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Stores that others are held against: those held out, else those that did not begin first."""
        held_out = ~self.treated
        return held_out if held_out.any() else self.first_week > self.first_week.min()

    def add_row(self, told: dict[str, Any], weeks: NDArray[np.float64] | float) -> None:
        """A row whose total is over the customers and weeks of the arm's stores."""
        exposure = float((self.customers[self.treated] * weeks).sum())
        ends = ("absolute_effect", "conf_low", "conf_high")
        totals = dict(zip(("total", "total_low", "total_high"), ends, strict=True))
        named = {"arm": self.arm, "against": self.data.campaign.control, "estimand": "att"}
        self.rows.append(
            row(
                **named,
                **told,
                customers=int(self.customers[self.treated].sum()),
                customers_against=int(self.customers[self.compared].sum()),
                **{total: told[end] * exposure for total, end in totals.items()},
            )
        )

    def add_event_study(self, outcome: Outcome, study: pd.DataFrame) -> None:
        """By step since the start."""
        self.events.append(study.assign(outcome=outcome, arm=self.arm)[list(EVENT_STUDY)])

    def add_pre_trend(self, outcome: Outcome, test: Callable[[], StoreTrend | PreTrend]) -> None:
        """The joint test, or why there is none."""
        try:
            found = test()
        except CannotSay as reason:
            self.trends.append((outcome, self.arm, np.nan, np.nan, 0, 0, str(reason)))
            return
        words = phrase("The stores moved apart already before the start.")
        if found.pvalue >= PRE_TREND_LEVEL:
            words = phrase("Before the start the stores moved alike, as far as can be seen.")
        stores = found.stores if isinstance(found, StoreTrend) else found.clusters
        numbers = (found.statistic, found.pvalue, found.restrictions, stores)
        self.trends.append((outcome, self.arm, *numbers, words))


def store_estimates(data: CampaignStores, asked: EffectRequest) -> DesignEstimates:
    """Effects of a campaign that was given to whole stores, by customer and week."""
    arms, control = data.stores["arm"], data.campaign.control
    sides, members, before = [], {}, []
    for arm in sorted(set(arms.unique()) - {control}):
        side = _Side(data, arm, asked.level, arms.isin([arm, control]).to_numpy())
        members[arm] = (arms == arm).to_numpy()
        one_start = np.unique(side.first_week[side.treated]).size == 1
        for outcome in asked.outcomes:
            (_at_once if one_start else _staggered)(side, outcome)
        before.append(_before(side, asked.outcomes))
        sides.append(side)
    trends = pd.DataFrame([one for s in sides for one in s.trends], columns=list(PRE_TREND))
    events = [one for side in sides for one in side.events]
    return DesignEstimates(
        table=table_of(with_holm([one for side in sides for one in side.rows])),
        checks=(_trend_check(trends, data.campaign.primary),),
        members=members,
        balance=pd.concat(before, ignore_index=True),
        event_study=pd.concat(events, ignore_index=True) if events else empty(EVENT_STUDY),
        pre_trend=trends,
    )


def _at_once(side: _Side, outcome: Outcome) -> None:
    """One start for all: the change of treated stores less that of control stores."""
    y, treated = side.data.outcomes[outcome][side.both], side.treated
    start = int(side.first_week[treated].min())
    before = side.data.weeks < start
    for window, inside in weeks_of(side.data.campaign, side.data.weeks).items():
        after = inside & ~before
        if not before.any() or not after.any():
            raise CannotSay(
                "No whole week of data lies before the start, or none in the campaign. Use a longer "
                "log."
            )
        used = before | after
        found = store_effect(y[:, used], treated, after[used])
        numbers = _numbers(found, y[:, used], treated, after[used], side.level)
        side.add_row({"outcome": outcome, "window": window} | numbers, float(after.sum()))
    steps = side.data.weeks - start
    if (steps == -1).any():
        study = store_event_study(y, treated, steps, interval=1.0 - side.level)
        side.add_event_study(outcome, study.reset_index())
    side.add_pre_trend(outcome, lambda: store_pre_trend(y[:, before], treated))


def _staggered(side: _Side, outcome: Outcome) -> None:
    """Each store from its own week on: group-time effects."""
    weeks = side.data.weeks
    inside = weeks_of(side.data.campaign, weeks)["campaign"]
    used = (weeks < 0) | inside
    y = side.data.outcomes[outcome][side.both][:, used]
    found = staggered_arm(y, weeks[used], side.first_week, side.level)
    lengths = found.lengths[side.treated]
    side.add_row({"outcome": outcome, "window": "campaign"} | found.numbers, lengths)
    side.add_event_study(outcome, found.event_study)
    side.add_pre_trend(outcome, found.pre_trend)


def _numbers(
    found: StoreEffect,
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    level: float,
) -> dict[str, Any]:
    """A row's, without names."""
    half = float(t_of_level(found.degrees_of_freedom, level)) * found.standard_error
    mean = float(y[treated][:, after].mean())
    lift = lift_of_stores(found, y, treated, after, level)
    t = abs(found.att) / found.standard_error
    return {
        "mean": mean,
        "mean_against": mean - found.att,
        "absolute_effect": found.att,
        "standard_error": found.standard_error,
        "conf_low": found.att - half,
        "conf_high": found.att + half,
        "pvalue": 2.0 * float(stdtr(found.degrees_of_freedom, -t)),
        **dict(zip(("lift_percent", "lift_low", "lift_high"), lift, strict=True)),
    }


def _trend_check(trends: pd.DataFrame, primary: Outcome) -> Check:
    """Of the outcome that decides: alike before the start, or apart, or not to be seen."""
    chosen = trends.loc[trends["outcome"] == primary]
    failed = ~(chosen["pvalue"] >= PRE_TREND_LEVEL)
    words = " ".join(dict.fromkeys(chosen.loc[failed if failed.any() else ~failed, "words"]))
    return Check("pre-trend", not bool(failed.any()), False, words)


def _before(side: _Side, outcomes: tuple[Outcome, ...]) -> pd.DataFrame:
    """How the stores differed before the start: their mean outcomes a customer and week."""
    rows: list[tuple[Any, ...]] = []
    before = side.data.weeks < side.first_week[side.treated].min()
    # Where none was held out, those that began first are held against those that began later.
    for outcome in outcomes:
        means = side.data.outcomes[outcome][side.both][:, before].mean(axis=1)
        one, two = means[~side.compared], means[side.compared]
        spread = np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2.0)
        difference = (one.mean() - two.mean()) / spread if spread > 0.0 else np.nan
        chance = np.sqrt(1.0 / one.size + 1.0 / two.size)
        rows.append((outcome, side.arm, one.mean(), two.mean(), difference, np.nan, chance))
    return pd.DataFrame(rows, columns=list(BALANCE))
