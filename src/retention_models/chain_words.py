"""A chain's stores side by side → whole English sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.measures.funnel import INNER, OUTER, Funnel
from retention_models.measures.movers import FALSE_DISCOVERIES
from retention_models.words import counted

MEASURE = {
    "customers": "customers",
    "repeat_customer_rate": "share who bought on more than one day",
    "spend_per_order": "spend per order",
}
_SEASON = (
    " A season shows here as well: the data do not reach back to the same days of the year before."
)


def funnel_reading() -> str:
    """How a funnel plot is read."""
    return (
        "Each point is a store: the share of its customers of the last year who bought on more than one "
        "day, against how many customers it had. Small stores vary more, by chance alone: the lines, "
        f"between which {INNER:.0%} and {OUTER:.1%} of stores lie that are like the rest of the chain, "
        "open towards them. A store between the lines is no better and no worse than its neighbours as "
        "far as anybody can tell; its place in a ranking would say nothing."
    )


def funnel_found(funnel: Funnel) -> str:
    """What the funnel shows, which is the figure's alternative text too."""
    stores, outside = len(funnel.rate), int(np.count_nonzero(funnel.outside(OUTER)))
    text = f"The chain's rate is {funnel.centre:.0%}. "
    if funnel.spread:
        text += (
            "The stores differ by more than chance, one from another typically by "
            f"{100 * funnel.spread:.1f} points, and the lines allow for that. "
        )
    if not outside:
        return f"{text}None of the {stores:,} stores lies outside the outer lines."
    by_chance = stores * (1.0 - OUTER)
    verb = "lies" if outside == 1 else "lie"
    few = "fewer than one" if by_chance < 1 else f"about {by_chance:.0f}"
    return (
        f"{text}{outside:,} of the {stores:,} stores {verb} outside the outer lines, where {few} would "
        "by chance."
    )


def left_out(young: int, old: int) -> str:
    """Which stores are not in the comparison; empty where all are."""
    parts = []
    if young:
        parts.append(
            f"{counted(young, 'store')} without a year of purchases or with too few customers"
        )
    if old:
        parts.append(f"{counted(old, 'store')} without a page of tonight")
    return f"Not compared: {' and '.join(parts)}." if parts else ""


def moved(changes: pd.DataFrame, found: int, shown: int, days: int) -> str:
    """What was compared, and how much of it is more than chance.

    Parameters
    ----------
    changes : DataFrame
        A row per store and measure, with store and change.
    found, shown : int
        How many are beyond chance, and how many of them are shown.
    days : int
        Length of the windows.
    """
    stores = changes["store"].nunique()
    looked = f"The last {days} days against the {days} before, of {counted(stores, 'store')}: "
    season = "" if days >= 364 else _SEASON
    if not found:
        return (
            f"{looked}no change of customers, of the share who came back, or of spend per order is more "
            f"than chance explains.{season}"
        )
    which = "" if shown == found else f"; the {shown} of which most is sure are shown"
    verb = "is" if found == 1 else "are"
    return (
        f"{looked}of {len(changes):,} changes {found:,} {verb} more than chance explains{which}. "
        f"Where so many are looked at, one in {1 / FALSE_DISCOVERIES:.0f} of those named may still be "
        f"chance.{season}"
    )


def middle_store(changes: pd.DataFrame) -> str:
    """What changed in the middle store of the chain, against which a store's own change is read."""
    relative = changes["change"] / changes["value_before"].where(changes["value_before"] > 0)
    middle = relative.groupby(changes["measure"]).median()
    points = changes.loc[changes["measure"] == "repeat_customer_rate", "change"].median()
    return (
        f"In the middle store the number of customers changed by {_percent(middle['customers'])}, the "
        f"share who came back by {_signed(100 * points, 1)} points and spend per order by "
        f"{_percent(middle['spend_per_order'])}."
    )


def _percent(value: float) -> str:
    return f"{_signed(100 * value, 0)}%"


def _signed(value: float, digits: int) -> str:
    """A change with its sign, which nothing has none of."""
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}".replace("-", "−") if rounded else "0"


def sparkline(months: list[dict[str, object]]) -> str:
    """The alternative text of a store's customers by month."""
    known = [
        (str(m["month"]), int(str(m["customers"]))) for m in months if m["customers"] is not None
    ]
    if not known:
        return "Too few customers a month to show."
    (first, begin), (last, end) = known[0], known[-1]
    highest = max(known, key=lambda pair: pair[1])
    return (
        f"Customers a month: {begin:,} in {first}, {end:,} in {last}, most in {highest[0]} "
        f"({highest[1]:,})."
    )
