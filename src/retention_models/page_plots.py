"""Figures of a store's page that show groups of customers, never one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from retention_models.errors import CannotSay
from retention_models.figure_style import BLUE, GREY, INK, ORANGE, in_house_style, label, new_axes
from retention_models.measures.definitions import ANNUAL_CHURN_BAND
from retention_models.measures.table import SMALLEST_GROUP

_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_CLASSES = ("under 20%", "20–40%", "40–60%", "60–80%", "80% or more")
_QUARTERS_SHOWN = 8


def alive_counts(probability_alive: pd.Series) -> pd.Series:
    """Customers by P(alive) in five classes, the least likely first.

    Examples
    --------
    >>> alive_counts(pd.Series([0.0, 0.2, 0.79, 0.8, 1.0])).tolist()
    [1, 1, 0, 1, 2]
    """
    place = np.clip((probability_alive.to_numpy(dtype=float) * 5 + 1e-9).astype(int), 0, 4)
    counts = np.bincount(place, minlength=5)
    return pd.Series(counts, index=pd.Index(_CLASSES, name="P(alive)"), name="customers")


@in_house_style
def alive_classes(counts: pd.Series, ax: Axes | None = None) -> Axes:
    """Customers by P(alive); of a class of fewer than five no bar is drawn.

    Parameters
    ----------
    counts : Series
        From `alive_counts`.
    ax : Axes, optional
        Where to draw; a new figure unless given.
    """
    ax = new_axes(2.4) if ax is None else ax
    shown = counts.where(counts >= SMALLEST_GROUP, 0)
    place = np.arange(len(counts))
    ax.barh(place, shown, color=BLUE, height=0.7)
    for at, n in enumerate(counts):
        text = f"fewer than {SMALLEST_GROUP}" if 0 < n < SMALLEST_GROUP else f"{n:,}"
        label(ax, text, (float(shown.iloc[at]), at), INK if n >= SMALLEST_GROUP else GREY)
    ax.set_yticks(place, list(counts.index))
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.12 * max(float(shown.max()), 1.0))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(_THOUSANDS)
    ax.grid(axis="x")
    ax.set_title("Customers by probability to be with us still")
    return ax


@in_house_style
def churn_by_quarter(quarters: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Churn of each quarter, as of a year, with its interval, against the band.

    Parameters
    ----------
    quarters : DataFrame
        From `StorePage.quarters`; quarters of fewer than five customers are not drawn.
    ax : Axes, optional
        Where to draw; a new figure unless given.
    """
    table = quarters.loc[(quarters["measure"] == "annual_churn_rate") & quarters["shown"]]
    table = table.loc[table["value"].notna()].tail(_QUARTERS_SHOWN)
    if table.empty:
        raise CannotSay(
            f"No quarter began with {SMALLEST_GROUP} active customers or more, so there is no churn "
            "to draw."
        )
    ax = new_axes(2.7) if ax is None else ax
    low, high = ANNUAL_CHURN_BAND
    place = np.arange(len(table))
    ax.axhspan(low, high, color=ORANGE, alpha=0.35, lw=0)
    errors = np.abs(table[["low", "high"]].to_numpy(dtype=float).T - table["value"].to_numpy())
    ax.errorbar(place, table["value"], yerr=errors, fmt="o", color=BLUE, ms=5, elinewidth=1.2)
    for at, value in zip(place, table["value"], strict=True):
        label(ax, f"{value:.0%}", (at, value), BLUE, shift=(7, 0))
    ax.set_xticks(place, [f"to {end.day} {end:%b %Y}" for end in table["end"]])
    ax.set_xlim(-0.5, len(table) - 0.3)
    ax.set_ylim(0, 1.02)
    label(ax, f"{low:.0%} to {high:.0%}: told to act", (-0.48, high), ORANGE, shift=(0, 8))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="y")
    ax.set_title("Churn of each quarter, were it the same all year")
    return ax


@in_house_style
def value_by_tenth(tenths: pd.DataFrame, currency: str, ax: Axes | None = None) -> Axes:
    """Mean lifetime value by tenth of customers, each with its share of all value.

    Parameters
    ----------
    tenths : DataFrame
        From `value_tenths`.
    currency : str
        Label of the money axis.
    ax : Axes, optional
        Where to draw; a new figure unless given.
    """
    ax = new_axes() if ax is None else ax
    place = np.arange(1, 11)
    ax.bar(place, tenths["mean"], color=[ORANGE, *[BLUE] * 9], width=0.8)
    for at, mean, share in zip(place, tenths["mean"], tenths["share"], strict=True):
        label(ax, f"{share:.0%}", (at, mean), INK, shift=(0, 6), ha="center", fontsize=8)
    ax.set_xticks(place)
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(0, 1.1 * float(tenths["mean"].max()))
    ax.yaxis.set_major_formatter(_THOUSANDS)
    ax.grid(axis="y")
    ax.set_xlabel("tenths of customers, most valuable first; % of all value above")
    ax.set_title(f"Expected value per customer, {currency}")
    return ax


@in_house_style
def satisfaction_by_week(weeks: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of thumbs up by week with its 95% interval.

    Parameters
    ----------
    weeks : DataFrame
        From `StorePage.satisfaction_by_week`.
    ax : Axes, optional
        Where to draw; a new figure unless given.
    """
    if weeks.empty:
        raise CannotSay(
            f"In no week did {SMALLEST_GROUP} customers or more give a thumb up or down."
        )
    ax = new_axes(2.6) if ax is None else ax
    shown = weeks.tail(26)
    place = np.arange(len(shown))
    low, high = (shown[end].to_numpy(dtype=float) for end in ("low", "high"))
    value = shown["value"].to_numpy(dtype=float)
    ax.errorbar(place, value, yerr=np.abs([low - value, high - value]), fmt="o-", color=BLUE, ms=4)
    every = max(1, len(shown) // 6)
    ax.set_xticks(place[::every], [f"{day.day} {day:%b}" for day in shown["start"]][::every])
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="y")
    ax.set_xlabel("week from")
    ax.set_title("Thumbs up, of all thumbs")
    return ax
