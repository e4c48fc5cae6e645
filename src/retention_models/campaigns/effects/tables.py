"""The tables of a campaign's effect: their columns, their rows, and what a design's estimates hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaigns.data.tables import OUTCOMES, Check, Window
from retention_models.campaigns.effects.customers import NAMES
from retention_models.campaigns.estimators.multiplicity import holm
from retention_models.languages import marked, phrase
from retention_models.settings.campaigns import Campaign, Outcome

Grade = Literal["A", "B", "C", "D"]

TABLE = (
    "outcome",
    "window",
    "arm",
    "against",
    "estimand",
    "customers",
    "customers_against",
    "mean",
    "mean_against",
    "absolute_effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
    "pvalue_holm",
    "lift_percent",
    "lift_low",
    "lift_high",
    "r_squared",
    "gain",
    "total",
    "total_low",
    "total_high",
)
CHECKS = ("check", "passed", "blocks", "words")
NAIVE = (
    "outcome",
    "window",
    "arm",
    "against",
    "mean",
    "mean_against",
    "difference",
    "expected_before",
    "words",
)
ECONOMICS = (
    "arm",
    "window",
    "customers",
    "cost",
    "profit",
    "profit_low",
    "profit_high",
    "return_on_cost",
    "return_low",
    "return_high",
    "retained",
    "retained_low",
    "retained_high",
    "cost_per_retained",
    "cost_per_retained_low",
    "cost_per_retained_high",
    "verdict",
    "refusal",
)
SEGMENTS = (
    "outcome",
    "window",
    "arm",
    "against",
    "segment",
    "customers",
    "customers_against",
    "effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
    "pvalue_adjusted",
    "shrunken",
    "shrunken_low",
    "shrunken_high",
    "differ_pvalue",
)
EVENT_STUDY = (
    "outcome",
    "arm",
    "step",
    "effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
)
PRE_TREND = ("outcome", "arm", "statistic", "pvalue", "restrictions", "stores", "words")
SENSITIVITY = (
    "outcome",
    "window",
    "arm",
    "measure",
    "strength",
    "effect_low",
    "effect_high",
    "conf_low",
    "conf_high",
    "words",
)
BALANCE = ("covariate", "arm", "mean", "mean_control", "unweighted", "weighted", "chance")
CUMULATIVE = ("arm", "day", "difference", "conf_low", "conf_high")


def empty(columns: tuple[str, ...]) -> pd.DataFrame:
    """A table without rows."""
    return pd.DataFrame(columns=list(columns))


WINDOWS: tuple[Window, ...] = ("campaign", "follow_up", "whole")
ESTIMANDS = ("itt", "att", "ate", "per_redeemer")


def row(**given: Any) -> dict[str, Any]:
    """One row; what was not estimated is missing, and the total is the effect on all of the arm.

    >>> found = row(customers=200, absolute_effect=0.5, conf_low=0.0, conf_high=1.0)
    >>> found["total"], found["total_high"], found["gain"]
    (100.0, 200.0, nan)
    """
    found: dict[str, Any] = dict.fromkeys(TABLE, np.nan) | given
    if "total" not in given:
        found["total"] = found["absolute_effect"] * found["customers"]
        found["total_low"] = found["conf_low"] * found["customers"]
        found["total_high"] = found["conf_high"] * found["customers"]
    return found


def table_of(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The tidy table: by outcome, window and estimand, comparisons as they came."""
    found = pd.DataFrame(list(rows), columns=list(TABLE))
    order = {name: i for values in (OUTCOMES, WINDOWS, ESTIMANDS) for i, name in enumerate(values)}
    keys = ["outcome", "window", "estimand"]
    return found.sort_values(
        keys, key=lambda column: column.map(order), kind="stable", ignore_index=True
    )


def primary_row(
    table: pd.DataFrame, outcome: str, window: str, control: str, arm: str
) -> pd.Series | None:
    """The row of an arm against control that words and verdicts are about, or none."""
    chosen = table.loc[
        (table["outcome"] == outcome)
        & (table["window"] == window)
        & (table["arm"] == arm)
        & (table["against"] == control)
        & table["estimand"].isin(["itt", "att"])
    ]
    return None if chosen.empty else chosen.iloc[0]


def arms_of(table: pd.DataFrame, control: str) -> list[str]:
    """Arms that are compared with control, in the table's order."""
    return list(dict.fromkeys(table.loc[table["against"] == control, "arm"]))


def with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """p-values that allow for all arms of the same outcome, window and estimand."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault((one["outcome"], one["window"], one["estimand"]), []).append(one)
    for group in groups.values():
        for one, together in zip(
            group, holm([one["pvalue"] for one in group]).tolist(), strict=True
        ):
            one["pvalue_holm"] = together
    return rows


_ESTIMATED: Mapping[Window, str] = {
    "campaign": marked("estimated: {outcome}, campaign"),
    "follow_up": marked("estimated: {outcome}, follow_up"),
    "whole": marked("estimated: {outcome}, whole"),
}


def estimated(outcome: Outcome, window: Window) -> str:
    """Name of the check that says why an outcome cannot be estimated in a window."""
    return phrase(_ESTIMATED[window], outcome=phrase(NAMES[outcome]))


@dataclass(frozen=True, slots=True)
class EffectRequest:
    """What is to be estimated of a campaign: outcomes, and the two-sided level of the intervals."""

    outcomes: tuple[Outcome, ...]
    level: float


@dataclass(frozen=True)
class DesignEstimates:
    """Effects of one design before they are graded.

    Shapes: members (n,).
    """

    table: pd.DataFrame
    checks: tuple[Check, ...] = ()
    members: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    balance: pd.DataFrame = field(default_factory=lambda: empty(BALANCE))
    naive: pd.DataFrame = field(default_factory=lambda: empty(NAIVE))
    event_study: pd.DataFrame = field(default_factory=lambda: empty(EVENT_STUDY))
    pre_trend: pd.DataFrame = field(default_factory=lambda: empty(PRE_TREND))
    sensitivity: pd.DataFrame = field(default_factory=lambda: empty(SENSITIVITY))
    cumulative: pd.DataFrame = field(default_factory=lambda: empty(CUMULATIVE))


@dataclass(frozen=True)
class EffectTables:
    """All that `CampaignEffect` holds, as words are made from it."""

    campaign: Campaign
    table: pd.DataFrame = field(repr=False)
    grade: Grade | None
    verdict: str
    refusal: str
    checks: pd.DataFrame = field(repr=False)
    balance: pd.DataFrame = field(default_factory=lambda: empty(BALANCE), repr=False)
    economics: pd.DataFrame = field(default_factory=lambda: empty(ECONOMICS), repr=False)
    segments: pd.DataFrame = field(default_factory=lambda: empty(SEGMENTS), repr=False)
    event_study: pd.DataFrame = field(default_factory=lambda: empty(EVENT_STUDY), repr=False)
    pre_trend: pd.DataFrame = field(default_factory=lambda: empty(PRE_TREND), repr=False)
    sensitivity: pd.DataFrame = field(default_factory=lambda: empty(SENSITIVITY), repr=False)
    naive: pd.DataFrame = field(default_factory=lambda: empty(NAIVE), repr=False)
    cumulative: pd.DataFrame = field(default_factory=lambda: empty(CUMULATIVE), repr=False)
    interval: float = 0.95
    level: float = 0.05
    currency: str = ""
