"""Estimates → rows of the table, the same for every design."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaign_data.customers import OUTCOMES, Window
from retention_models.campaign_effects.result import TABLE

WINDOWS: tuple[Window, ...] = ("campaign", "follow_up", "whole")
ESTIMANDS = ("itt", "att", "ate", "per_redeemer")


def row(**given: Any) -> dict[str, Any]:
    """One row; what was not estimated is missing, and the total is the effect on all of the arm.

    Examples
    --------
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


def holm(pvalues: list[float]) -> list[float]:
    """p-values that allow for all of them (Holm, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    """
    values = np.asarray(pvalues)
    order = np.argsort(values)
    together = np.empty(values.size)
    steps = np.arange(values.size, 0, -1) * values[order]
    together[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return together.tolist()


def with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """p-values that allow for all arms of the same outcome, window and estimand."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault((one["outcome"], one["window"], one["estimand"]), []).append(one)
    for group in groups.values():
        for one, together in zip(group, holm([one["pvalue"] for one in group]), strict=True):
            one["pvalue_holm"] = together
    return rows
