"""What every design's module gives: rows of the table, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaign_data.customers import Finding, Window
from retention_models.campaign_effects.covariates import NAMES
from retention_models.campaign_effects.result import (
    BALANCE,
    CUMULATIVE,
    EVENT_STUDY,
    NAIVE,
    PRE_TREND,
    SENSITIVITY,
    empty,
)
from retention_models.campaign_settings import Outcome
from retention_models.languages import marked, phrase

_ESTIMATED: Mapping[Window, str] = {
    "campaign": marked("estimated: {outcome}, campaign"),
    "follow_up": marked("estimated: {outcome}, follow_up"),
    "whole": marked("estimated: {outcome}, whole"),
}


def estimated(outcome: Outcome, window: Window) -> str:
    """Name of the check that says why an outcome cannot be estimated in a window."""
    return phrase(_ESTIMATED[window], outcome=phrase(NAMES[outcome]))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be estimated of a campaign: outcomes, and the two-sided level of the intervals."""

    outcomes: tuple[Outcome, ...]
    level: float


@dataclass(frozen=True)
class Estimates:
    """Effects of one design before they are graded.

    Attributes
    ----------
    table, balance, naive, event_study, pre_trend, sensitivity, cumulative : DataFrame
        As of `CampaignEffect`.
    checks : tuple of Finding
        Found on the way, beside those of the data.
    members : mapping from arm to ndarray of bool, shape (n,)
        The customers (or stores) that an arm's total is of.
    """

    table: pd.DataFrame
    checks: tuple[Finding, ...] = ()
    members: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    balance: pd.DataFrame = field(default_factory=lambda: empty(BALANCE))
    naive: pd.DataFrame = field(default_factory=lambda: empty(NAIVE))
    event_study: pd.DataFrame = field(default_factory=lambda: empty(EVENT_STUDY))
    pre_trend: pd.DataFrame = field(default_factory=lambda: empty(PRE_TREND))
    sensitivity: pd.DataFrame = field(default_factory=lambda: empty(SENSITIVITY))
    cumulative: pd.DataFrame = field(default_factory=lambda: empty(CUMULATIVE))
