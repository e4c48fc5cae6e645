"""Whole stores that ran a campaign, all from one week on or one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from retention_models.campaign_data.customers import CampaignStores, Finding
from retention_models.campaign_effects.estimates import Asked, Estimates
from retention_models.campaign_effects.result import BALANCE, EVENT_STUDY, PRE_TREND, empty
from retention_models.campaign_effects.rows import row, table_of, with_holm
from retention_models.campaign_effects.store_lifts import lift_of_stores
from retention_models.campaign_effects.store_windows import weeks_of
from retention_models.campaign_effects.stores_staggered import staggered_arm
from retention_models.campaign_settings import Outcome
from retention_models.campaigns.staggered_summaries import PreTrend
from retention_models.campaigns.store_trends import StoreTrend, store_event_study, store_pre_trend
from retention_models.campaigns.stores import StoreEffect, store_effect
from retention_models.errors import CannotSay
from retention_models.languages import phrase

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
                customers_against=int(self.customers[~self.treated].sum()),
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


def store_estimates(data: CampaignStores, asked: Asked) -> Estimates:
    """Effects of a campaign that was given to whole stores, by customer and week.

    Parameters
    ----------
    data : CampaignStores
    asked : Asked

    Returns
    -------
    Estimates
        Effects are means over stores, whatever their size, a customer and week; each row's total is its
        effect times the customers and weeks of the arm's stores.

    Raises
    ------
    CannotSay
        Where the stores are too few, or no whole week lies before the start and in the campaign.
    """
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
    return Estimates(
        table=table_of(with_holm([one for side in sides for one in side.rows])),
        checks=(_trend_finding(trends, data.campaign.primary),),
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
                phrase(
                    "No whole week of data lies before the start, or none in the campaign. Use a longer "
                    "log."
                )
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
    began = side.first_week[side.treated]
    lengths = (inside & (weeks >= began[:, None])).sum(axis=1).astype(float)
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
    half = float(stdtrit(found.degrees_of_freedom, 1.0 - level / 2.0)) * found.standard_error
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


def _trend_finding(trends: pd.DataFrame, primary: Outcome) -> Finding:
    """Of the outcome that decides: alike before the start, or apart, or not to be seen."""
    chosen = trends.loc[trends["outcome"] == primary]
    failed = ~(chosen["pvalue"] >= PRE_TREND_LEVEL)
    words = " ".join(dict.fromkeys(chosen.loc[failed if failed.any() else ~failed, "words"]))
    return Finding("pre-trend", not bool(failed.any()), False, words)


def _before(side: _Side, outcomes: tuple[Outcome, ...]) -> pd.DataFrame:
    """How the stores differed before the start: their mean outcomes a customer and week."""
    treated, rows = side.treated, []
    before = side.data.weeks < side.first_week[treated].min()
    for outcome in outcomes:
        means = side.data.outcomes[outcome][side.both][:, before].mean(axis=1)
        one, two = means[treated], means[~treated]
        spread = np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2.0)
        difference = (one.mean() - two.mean()) / spread if spread > 0.0 else np.nan
        chance = np.sqrt(1.0 / one.size + 1.0 / two.size)
        rows.append((outcome, side.arm, one.mean(), two.mean(), difference, np.nan, chance))
    return pd.DataFrame(rows, columns=list(BALANCE))
