"""Figures of a store's page that show groups of customers, never one of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from retention_models.errors import CannotSay
from retention_models.languages import count, ends, phrase, share, spoken
from retention_models.measures.definitions import ANNUAL_CHURN_BAND, BAND_FROM
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.style import (
    BLUE,
    INK,
    NEW,
    ORANGE,
    ShareTicks,
    count_ticks,
    figure,
    label,
)

_QUARTERS_SHOWN = 8
_LETTERS = 74  # that an axis has room for in a line


def alive_counts(probability_alive: pd.Series) -> pd.Series:
    """Customers by P(alive) in up to five classes, the least likely first.

    Classes of one to four customers are put together with their neighbours: were they left out, what
    is missing from the sum would tell of them.

    Examples
    --------
    >>> alive = [0.0, 0.2, 0.3, 0.4, 0.5, 0.79, 0.8, 0.9, 0.95, 0.96, 0.99, 1.0]
    >>> alive_counts(pd.Series(alive)).to_dict()
    {'under 60%': 5, '60% or more': 7}
    """
    place = np.clip((probability_alive.to_numpy(dtype=float) * 5 + 1e-9).astype(int), 0, 4)
    groups: list[tuple[int, int, int]] = []  # first fifth, the one after the last, customers
    begin, waiting = 0, 0
    for fifth, n in enumerate(np.bincount(place, minlength=5)):
        waiting += int(n)
        if waiting == 0 or waiting >= SMALLEST_GROUP:
            groups.append((begin, fifth + 1, waiting))
            begin, waiting = fifth + 1, 0
    while waiting:
        begin, _, n = groups.pop() if groups else (0, 0, 0)
        waiting += n
        if waiting >= SMALLEST_GROUP or not groups:
            groups.append((begin, 5, waiting))
            waiting = 0
    names = [_share_class(20 * first, 20 * after) for first, after, _ in groups]
    counts = [n for *_, n in groups]
    return pd.Series(counts, index=pd.Index(names, name="P(alive)"), name="customers")


def _share_class(low: int, high: int) -> str:
    if high == 100:
        return phrase("any size") if low == 0 else phrase("{low} or more", low=share(low / 100))
    if low == 0:
        return phrase("under {high}", high=share(high / 100))
    return ends(share(low / 100), share(high / 100))


@figure(lambda counts: 0.9 + 0.3 * len(counts))
def alive_classes(counts: pd.Series, ax: Axes = NEW) -> Axes:
    """Customers by P(alive), from `alive_counts`."""
    place = np.arange(len(counts))
    ax.barh(place, counts, color=BLUE, height=0.7)
    for at, n in enumerate(counts):
        label(ax, count(n), (float(n), at), INK)
    ax.set_yticks(place, list(counts.index))
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.12 * max(float(counts.max()), 1.0))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(count_ticks())
    ax.grid(axis="x")
    ax.set_title(phrase("Customers by probability to be with us still"))
    return ax


@figure(2.7)
def churn_by_quarter(quarters: pd.DataFrame, window: int | None, ax: Axes = NEW) -> Axes:
    """Churn of `StorePage.quarters`, each as of a year, with its interval.

    Against the band where it means something: customers lost have been away for half a year or longer.
    """
    table = quarters.loc[(quarters["measure"] == "annual_churn_rate") & quarters["shown"]]
    table = table.loc[table["value"].notna()].tail(_QUARTERS_SHOWN)
    if table.empty:
        raise CannotSay(
            "No quarter began with {fewest} active customers or more, so there is no churn to "
            "draw.",
            fewest=SMALLEST_GROUP,
        )
    place = np.arange(len(table))
    if window is not None and window >= BAND_FROM:
        _band(ax)
    errors = np.abs(table[["low", "high"]].to_numpy(dtype=float).T - table["value"].to_numpy())
    ax.errorbar(place, table["value"], yerr=errors, fmt="o", color=BLUE, ms=5, elinewidth=1.2)
    for at, value in zip(place, table["value"], strict=True):
        label(ax, share(value), (at, value), BLUE, shift=(7, 0))
    # Two lines, since eight quarters of one line each would run into each other.
    names = [_quarter(end) for end in table["end"]]
    # Every second is named where all would run into one another; the last in any case.
    every = -(-len(names) * max(len(name.partition("\n")[0]) for name in names) // _LETTERS)
    ax.set_xticks(place[::-1][::every], names[::-1][::every])
    ax.set_xlim(-0.5, len(table) - 0.3)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(ShareTicks())
    ax.grid(axis="y")
    ax.set_title(phrase("Churn of each quarter, were it the same all year"))
    return ax


def _band(ax: Axes) -> None:
    low, high = ANNUAL_CHURN_BAND
    ax.axhspan(low, high, color=ORANGE, alpha=0.35, lw=0)
    said = phrase("{low} to {high}: told to act", low=share(low), high=share(high))
    label(ax, said, (-0.48, high), ORANGE, shift=(0, 8))


def _quarter(end: dt.date) -> str:
    until = phrase("until {day}", day=spoken().short_day(end, year=False))
    return f"{until}\n{spoken().in_digits(str(end.year))}"


@figure()
def value_by_tenth(tenths: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """Share of all value that each tenth of `value_tenths` brings."""
    place = np.arange(1, 11)
    ax.bar(place, tenths["share"], color=[ORANGE, *[BLUE] * 9], width=0.8)
    for at, part in zip(place, tenths["share"], strict=True):
        label(ax, share(part), (at, part), INK, shift=(0, 7), ha="center")
    ax.set_xticks(place)
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(0, 1.14 * float(tenths["share"].max()))
    ax.yaxis.set_major_formatter(ShareTicks(0))
    ax.grid(axis="y")
    ax.set_xlabel(phrase("tenths of customers, most valuable first"))
    ax.set_title(phrase("Share of all expected value"))
    return ax


@figure(2.6)
def satisfaction_by_week(weeks: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """Share of thumbs up of `StorePage.satisfaction_by_week`, with 95% intervals."""
    if weeks.empty:
        raise CannotSay(
            "In no week did {fewest} customers or more give a thumb up or down.",
            fewest=SMALLEST_GROUP,
        )
    shown = weeks.tail(26)
    place = np.arange(len(shown))
    low, high = (shown[end].to_numpy(dtype=float) for end in ("low", "high"))
    value = shown["value"].to_numpy(dtype=float)
    ax.errorbar(place, value, yerr=np.abs([low - value, high - value]), fmt="o-", color=BLUE, ms=4)
    every = max(1, len(shown) // 6)
    ax.set_xticks(place[::every], [_day(start) for start in shown["start"]][::every])
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(ShareTicks())
    ax.grid(axis="y")
    ax.set_xlabel(phrase("week from"))
    ax.set_title(phrase("Thumbs up, of all thumbs"))
    return ax


def _day(start: dt.date) -> str:
    return spoken().short_day(start, year=False)
