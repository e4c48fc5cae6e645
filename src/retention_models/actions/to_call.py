"""Whom to call tomorrow: customers with most to save, by (1 − P(alive)) × value if still a customer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retention_models.actions.segments import ModelTerms, lost_value
from retention_models.errors import CannotSay
from retention_models.levels import Interval
from retention_models.models.fitters import as_lapsed
from retention_models.predictions.customers import (
    some_customers,
    unit_of,
)
from retention_models.predictions.stores import predict_groups
from retention_models.settings.actions import ActionSettings
from retention_models.summaries.customers import as_day
from retention_models.time_units import days_in

# The least chance to be a customer still of whom a call may keep.
_STILL_THERE = 0.2
MOST = 10
_DRAWS = 300  # ten customers of a single list, whose ends need no more


@dataclass(frozen=True, slots=True)
class CallList:
    """At most ten customers with most to save, the most first, and what is at stake of them together.

    `customers`: index customer_id; last_day, days_silent, usual_gap (days, the customer's own median),
    probability_alive, at_stake, at_stake_low, at_stake_high.
    """

    customers: pd.DataFrame
    at_stake: Interval | None


def customers_to_call(
    summary: pd.DataFrame,
    outlook: ModelTerms | str,
    rules: ActionSettings,
    held_out: Collection[str] = (),
) -> CallList:
    """Of those silent for longer than is usual for them, the ten with most to save.

    Whoever a list's lot leaves out is not called either: a call would undo its test.

    Whoever bought within their usual gap has nothing to be called about, however valuable; whoever has
    most likely left is on the lists of those, and a call seldom brings them back.
    """
    if isinstance(outlook, str):
        raise CannotSay(outlook)
    if outlook.spend is None:
        raise CannotSay(outlook.no_spend)
    unit = days_in(unit_of(summary, None))
    risk = pd.Series(lost_value(outlook, outlook.spend, summary), index=summary.index)
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    fitted = outlook.purchases
    gap = fitted.model.gap_quantile(rules.usual_gap, x, t_x, T, *fitted.fit_.parameters) * unit
    silent = np.round((T - t_x) * unit)
    facts = pd.DataFrame({"days_silent": silent, "usual_gap": gap}, index=summary.index)
    alive = outlook.predictions["probability_alive"]
    # Whoever bought once has no habit of their own to be late by.
    late = risk.loc[(x > 0) & (silent > gap) & (risk > 0) & (alive >= _STILL_THERE)]
    late = late.loc[~late.index.astype(str).isin(held_out)]
    late = late.sort_values(ascending=False, kind="stable")
    chosen = late.index[:MOST]
    end = pd.Timestamp(as_day(summary.attrs["observation_end"], "observation_end"))
    table = facts.loc[chosen].astype({"days_silent": int})
    table.insert(0, "last_day", end - pd.to_timedelta(table["days_silent"], unit="D"))
    table["probability_alive"] = outlook.predictions["probability_alive"].loc[chosen]
    if not len(chosen):
        return CallList(table.assign(at_stake=[], at_stake_low=[], at_stake_high=[]), None)
    model, people = as_lapsed(fitted), summary.loc[chosen]
    each = some_customers(model, outlook.spend, people, **outlook.terms)
    for name, column in (("at_stake", "clv"), ("_low", "clv_low"), ("_high", "clv_high")):
        table[name if name == "at_stake" else f"at_stake{name}"] = each[column]
    group = pd.DataFrame({"call": True}, index=chosen)
    totals = predict_groups(model, outlook.spend, people, group, draws=_DRAWS, **outlook.terms)
    return CallList(table, totals["call"])
