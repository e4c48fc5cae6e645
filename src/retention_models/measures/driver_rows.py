"""Purchases and experiences as rows for models of lapse and of the next purchase.

Days are whole numbers. A customer counts as exposed from the day of the experience on, never before:
rows begin anew on that day, and what is known of a customer is known as of the row's first day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

# What is known of a customer on a row's first day, which goes for how often anybody buys.
HISTORY = ("log purchases", "log days a customer")
HISTORY_OF_LAPSE = (*HISTORY, "log days since a purchase")
# A name that no kind of event has: these are in lower case.
_BOUGHT = "BOUGHT"


@dataclass(frozen=True, slots=True)
class DriverRows:
    """Rows of a model, shape (rows,) or (rows, columns)."""

    customer: NDArray[np.int64]
    # Whether the customer had each experience, as of the row's first day, bool; of those in `had`, which
    # are measured, the measure of the last one, 0 without one.
    exposed: pd.DataFrame
    # `HISTORY` and who had each earlier; of lapse `HISTORY_OF_LAPSE`; and `had`, so that a measure is
    # held against other measures and not against nobody's.
    history: pd.DataFrame
    outcome: NDArray[np.bool_]  # a lapse, or a purchase at the row's end
    entry: Array  # days since the last purchase at the row's ends; of lapse the first alone counts
    exit: Array
    had: pd.DataFrame  # bool: whether the customer had each measured experience


def told_apart(rows: DriverRows) -> DriverRows:
    """Rows without those before a measured experience of which none, or all, end in the outcome.

    Nobody buys again before the delivery, say. Having had it would then foretell the outcome without
    fail, its coefficient would have no end, and in that limit such rows count for nothing.
    """
    kept = np.ones(rows.outcome.size, dtype=bool)
    for name in rows.had:
        without = ~rows.had[name].to_numpy()
        if np.unique(rows.outcome[without]).size == 1:
            kept &= ~without
    if kept.all() or not kept.any():
        return rows
    return DriverRows(
        customer=rows.customer[kept],
        exposed=rows.exposed[kept].reset_index(drop=True),
        history=rows.history[kept].reset_index(drop=True),
        outcome=rows.outcome[kept],
        entry=rows.entry[kept],
        exit=rows.exit[kept],
        had=rows.had[kept].reset_index(drop=True),
    )


def start_stop_rows(
    purchases: pd.DataFrame,
    events: pd.DataFrame,
    kinds: list[str],
    end: int,
    measured: Collection[str] = (),
) -> DriverRows:
    """Time since each purchase until the next, cut where the customer has an experience meanwhile.

    An experience counts from its day until the next purchase, which is what it may hasten or put off.
    Who had it before an earlier purchase is marked apart, neither exposed nor without it: those who buy
    often have most of the times that follow, so that these times tell who buys often.

    `purchases`: customer, day, distinct; `events`: customer, day, kind, of which `kinds` are looked at,
    and measure, NaN of kinds that have none; `end`: the last day of observation.

    >>> bought = pd.DataFrame({"customer": [0, 0], "day": [0, 10]})
    >>> told = pd.DataFrame({"customer": [0], "day": [4], "kind": ["complaint"]})
    >>> rows = start_stop_rows(bought, told, ["complaint"], 25)
    >>> rows.entry.tolist(), rows.exit.tolist(), rows.outcome.tolist()
    ([0.0, 4.0, 0.0], [4.0, 10.0, 15.0], [False, True, False])
    >>> rows.exposed["complaint"].tolist()
    [False, True, False]
    """
    events = events[events["kind"].isin(kinds)]
    customers = purchases["customer"].unique()
    ends = pd.DataFrame({"customer": customers, "day": end})
    cuts = pd.concat([purchases.assign(kind=_BOUGHT), events, ends], ignore_index=True)
    cuts = cuts[cuts["customer"].isin(customers) & (cuts["day"] <= end)]
    flags = {name: cuts["kind"] == name for name in (_BOUGHT, *kinds)}
    cuts = cuts[["customer", "day"]].assign(**flags)
    days = cuts.groupby(["customer", "day"], sort=True).any().reset_index()
    by = days.groupby("customer")
    since = _last(days, _BOUGHT)
    first = since.groupby(days["customer"]).transform("min")
    number = by[_BOUGHT].cumsum()
    after, bought_then = by["day"].shift(-1), by[_BOUGHT].shift(-1)
    # On the day of a purchase nobody knows which came first; what came with it may move the next.
    exposed = pd.DataFrame({name: _last(days, name) >= since for name in kinds}, index=days.index)
    earlier = pd.DataFrame(
        {f"earlier {name}": (_first(days, name) < since).astype(float) for name in kinds},
        index=days.index,
    )
    kept = (since.notna() & after.notna()).to_numpy()
    had = exposed.loc[kept, [name for name in kinds if name in measured]].reset_index(drop=True)
    exposed = exposed.astype(dict.fromkeys(had, float))
    for name in had:
        exposed[name] *= _last_measure(days, events[events["kind"] == name])
    return DriverRows(
        customer=days["customer"].to_numpy()[kept],
        exposed=exposed[kept].reset_index(drop=True),
        history=_history(number[kept], (since - first)[kept])
        .join(earlier[kept].reset_index(drop=True))
        .join(_marks(had)),
        outcome=bought_then[kept].to_numpy(dtype=bool),
        entry=(days["day"] - since)[kept].to_numpy(dtype=float),
        exit=(after - since)[kept].to_numpy(dtype=float),
        had=had,
    )


def _last(days: pd.DataFrame, flag: str) -> pd.Series:
    """Each customer's last day with a flag, up to every day; missing before the first."""
    return days["day"].where(days[flag]).groupby(days["customer"]).ffill()


def _first(days: pd.DataFrame, flag: str) -> pd.Series:
    """Each customer's first day with a flag; missing where there is none."""
    return days["day"].where(days[flag]).groupby(days["customer"]).transform("min")


def _last_measure(days: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """Measure of each customer's last event up to every day, of one day the largest; 0 before."""
    told = events.groupby(["customer", "day"])["measure"].max().rename("measure").reset_index()
    each = days[["customer", "day"]].merge(told, on=["customer", "day"], how="left")
    found = each["measure"].groupby(each["customer"]).ffill().fillna(0.0)
    return found.set_axis(days.index)


def _marks(had: pd.DataFrame) -> pd.DataFrame:
    """Who had each measured experience, as columns of the history."""
    return had.astype(float).add_prefix("had ")


def _history(number: pd.Series, tenure: pd.Series, silent: pd.Series | None = None) -> pd.DataFrame:
    """Columns of `HISTORY`, or with the days since the last purchase of `HISTORY_OF_LAPSE`."""
    columns = [np.log(number.to_numpy(dtype=float)), np.log1p(tenure.to_numpy(dtype=float))]
    if silent is None:
        return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))
    columns.append(np.log1p(silent.to_numpy(dtype=float)))
    return pd.DataFrame(dict(zip(HISTORY_OF_LAPSE, columns, strict=True)))


def lapse_rows(
    purchases: pd.DataFrame,
    events: pd.DataFrame,
    kinds: list[str],
    end: int,
    window: int,
    measured: Collection[str] = (),
) -> DriverRows:
    """Whether customers lapse, buy nothing in the window, after an experience and without one.

    Rows are the days of experiences, and for comparison a day every `window` back from the end, of
    customers who bought in the `window` before; so windows are whole, and only they are.

    Days of `window` after which a customer without a purchase has lapsed, and for which an experience
    counts; the rest as for `start_stop_rows`.

    >>> bought = pd.DataFrame({"customer": [0, 0], "day": [0, 25]})
    >>> told = pd.DataFrame({"customer": [0], "day": [4], "kind": ["complaint"]})
    >>> rows = lapse_rows(bought, told, ["complaint"], 40, 20)
    >>> rows.entry.tolist(), rows.outcome.tolist(), rows.exposed["complaint"].tolist()
    ([0.0, 4.0, 20.0], [True, True, False], [False, True, True])
    """
    events = events[events["kind"].isin(kinds)]
    customers = purchases["customer"].unique()
    regular = np.arange(end - window, int(purchases["day"].min()) - 1, -window)
    grid = pd.MultiIndex.from_product([customers, regular], names=["customer", "day"])
    anchors = pd.concat([grid.to_frame(index=False), events[["customer", "day"]]])
    anchors = anchors[anchors["customer"].isin(customers) & (anchors["day"] + window <= end)]
    anchors = anchors.drop_duplicates().sort_values(["day", "customer"]).astype("int64")
    past = purchases.sort_values(["customer", "day"]).astype("int64")
    past["number"] = past.groupby("customer").cumcount() + 1
    past["first"] = past.groupby("customer")["day"].transform("min")
    past["then"] = past.groupby("customer")["day"].shift(-1)
    past["last"] = past["day"]
    rows = pd.merge_asof(anchors, past.sort_values("day"), on="day", by="customer")
    rows = rows[rows["last"].notna() & (rows["day"] - rows["last"] <= window)]
    told = {name: _within(rows, events[events["kind"] == name], window) for name in kinds}
    exposed = pd.DataFrame({name: had for name, (had, _) in told.items()}, dtype=bool)
    had = exposed[[name for name in kinds if name in measured]]
    exposed = exposed.assign(**{name: told[name][1] for name in had})
    silent = (rows["day"] - rows["last"]).astype(float)
    return DriverRows(
        customer=rows["customer"].to_numpy(),
        exposed=exposed,
        history=_history(rows["number"], rows["day"] - rows["first"], silent).join(_marks(had)),
        outcome=~(rows["then"] - rows["day"] <= window).to_numpy(dtype=bool),
        entry=silent.to_numpy(),
        exit=silent.to_numpy() + window,
        had=had,
    )


def _within(
    rows: pd.DataFrame, events: pd.DataFrame, window: int
) -> tuple[NDArray[np.bool_], Array]:
    """Whether an experience was on a row's day or less than the window before; the last one's measure.

    Of one day's the largest counts; 0 without an experience, or a measure.
    """
    told = events.assign(measure=events.get("measure", np.nan))
    told = told.astype({"customer": "int64", "day": "int64", "measure": float})
    told = told.groupby(["customer", "day"])["measure"].max().reset_index()
    told = told.assign(had=told["day"]).sort_values("day")
    found = pd.merge_asof(rows[["customer", "day"]], told, on="day", by="customer")
    had = (found["day"] - found["had"] < window).to_numpy(dtype=bool)
    return had, np.where(had, found["measure"].fillna(0.0), 0.0)
