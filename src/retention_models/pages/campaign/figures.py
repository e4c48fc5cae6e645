"""Effects of campaigns → matplotlib Axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from retention_models.campaigns.effects.customers import covariate_name
from retention_models.campaigns.effects.labels import IN_WINDOW, outcome_label
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.errors import CannotSay
from retention_models.languages import count, decimals, phrase, share, spoken
from retention_models.pages.style import (
    BLUE,
    GREY,
    INK,
    NEW,
    ORANGE,
    NumberTicks,
    day_ticks,
    figure,
    label,
)


def _percent(value: float, _: object) -> str:
    return spoken().percent(decimals(value, 0, signed=True)) if value else count(0)


_PERCENT = FuncFormatter(_percent)
_MOST_ROWS = 16


def _with_lift(effect: CampaignEffect) -> pd.DataFrame:
    """Rows of the effect that have a lift; without those of the whole time where they are many."""
    table = effect.table.loc[effect.table["estimand"].isin(["itt", "att"])]
    table = table.loc[np.isfinite(table["lift_percent"].astype(float))]
    return table.loc[table["window"] != "whole"] if len(table) > _MOST_ROWS else table


@figure(lambda effect: 0.9 + 0.24 * len(_with_lift(effect)))
def effect_forest(effect: CampaignEffect, ax: Axes = NEW) -> Axes:
    """Lift of every outcome with its interval, in the campaign's days and after them.

    Rows of intention to treat, or of the effect on those who got it; refused where none has a lift.
    """
    table = _with_lift(effect)
    if table.empty:
        raise CannotSay(effect.refusal or phrase("No outcome has a lift that could be drawn."))
    several = table[["arm", "against"]].drop_duplicates().shape[0] > 1
    names = [_row_name(row, several) for _, row in table.iterrows()]
    ends = table[["lift_low", "lift_high"]].to_numpy(dtype=float)
    primary = (table["outcome"] == effect.campaign.primary) & (table["window"] == "campaign")
    _forest(ax, names, table["lift_percent"].to_numpy(dtype=float), ends, primary.to_numpy())
    ax.xaxis.set_major_formatter(_PERCENT)
    ax.set_xlabel(_difference_axis(effect.interval))
    ax.set_title(phrase("What the campaign changed"))
    return ax


def comparison(effect: CampaignEffect, ax: Axes = NEW) -> Axes:
    """Whether those compared were alike before: `event_study` of stores, `balance` of customers."""
    return (balance if effect.event_study.empty else event_study)(effect, ax)


@figure(lambda effect: 1.1 + 0.24 * len(effect.balance))
def balance(effect: CampaignEffect, ax: Axes = NEW) -> Axes:
    """How much those with the campaign differed from those without before it began.

    Of a randomised campaign with the range that chance allows; of others before and after weighting.
    """
    table = effect.balance
    if table.empty:
        raise CannotSay(
            effect.refusal
            or phrase("Nothing known before the campaign is there to compare its arms by.")
        )
    several = len(set(table["arm"])) > 1
    names = [
        phrase("{name}, {arm}", name=covariate_name(row["covariate"]), arm=row["arm"])
        if several
        else covariate_name(row["covariate"])
        for _, row in table.iterrows()
    ]
    place = np.arange(len(table))[::-1]
    before = table["unweighted"].to_numpy(dtype=float)
    weighted = table["weighted"].to_numpy(dtype=float)
    chance = table["chance"].to_numpy(dtype=float)
    ax.axvline(0.0, color=GREY, lw=0.8)
    if np.isfinite(weighted).any():
        ax.axvspan(-0.1, 0.1, color=BLUE, alpha=0.08, lw=0)
        ax.plot(
            before, place, "o", color=ORANGE, ms=5, mfc="white", label=phrase("before weighting")
        )
        ax.plot(weighted, place, "o", color=BLUE, ms=5, label=phrase("after weighting"))
    else:
        ax.barh(place, 4.0 * chance, left=-2.0 * chance, height=0.6, color=BLUE, alpha=0.12)
        ax.plot(before, place, "o", color=BLUE, ms=5, label=phrase("as they are"))
    ax.set_yticks(place, names)
    reach = 1.15 * np.nanmax(np.abs([*before, *weighted, *(2.0 * chance), 0.12]))
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(phrase("difference in standard deviations"))
    ax.set_title(phrase("Were those compared alike before?"))
    if np.isfinite(weighted).any():
        # Below the axis's label, however high the figure is.
        ax.legend(
            frameon=False,
            fontsize=8,
            loc="upper center",
            bbox_to_anchor=(0.4, 0.0),
            borderaxespad=4.8,
            ncols=2,
        )
    return ax


@figure()
def event_study(effect: CampaignEffect, ax: Axes = NEW) -> Axes:
    """Weekly difference in the primary outcome between stores with and without the campaign."""
    table = effect.event_study
    table = table.loc[table["outcome"] == effect.campaign.primary].sort_values("step")
    if table.empty:
        raise CannotSay("Weeks are compared only where whole stores ran the campaign.")
    step = table["step"].to_numpy(dtype=float)
    value = table["effect"].to_numpy(dtype=float)
    ends = table[["conf_low", "conf_high"]].to_numpy(dtype=float)
    ax.axhline(0.0, color=GREY, lw=0.8)
    ax.axvline(-0.5, color=GREY, lw=0.8, ls=(0, (4, 2)))
    later = step >= 0
    for part, colour in ((~later, GREY), (later, BLUE)):
        ax.vlines(step[part], ends[part, 0], ends[part, 1], color=colour, lw=1.2, alpha=0.6)
        ax.plot(step[part], value[part], "o", color=colour, ms=4)
    top = float(np.nanmax(ends, initial=0.0))
    sides = ((phrase("before the campaign"), "right", -4), (phrase("with the campaign"), "left", 4))
    for text, side, shift in sides:
        label(ax, text, (-0.5, top), GREY, shift=(shift, 4), ha=side, fontsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    ax.xaxis.set_major_formatter(NumberTicks())
    ax.yaxis.set_major_formatter(NumberTicks())
    ax.set_xlabel(phrase("weeks since the start"))
    ax.set_title(outcome_label(effect.campaign.primary, "weekly"))
    ax.grid(axis="y")
    return ax


@figure()
def cumulative_difference(effect: CampaignEffect, ax: Axes = NEW) -> Axes:
    """Purchases per customer more than without the campaign, added up day by day."""
    table = effect.cumulative
    if table.empty:
        raise CannotSay("The difference was not added up day by day for this campaign.")
    ax.axhline(0.0, color=GREY, lw=0.8)
    for (arm, part), colour in zip(table.groupby("arm"), (BLUE, ORANGE, INK, GREY), strict=False):
        days = pd.to_datetime(part["day"])
        ax.fill_between(days, part["conf_low"], part["conf_high"], color=colour, alpha=0.15, lw=0)
        ax.plot(days, part["difference"], color=colour, lw=1.8)
        if len(set(table["arm"])) > 1:
            label(ax, str(arm), (days.iloc[-1], part["difference"].iloc[-1]), colour)
    day_ticks(ax, offset=False)
    ax.yaxis.set_major_formatter(NumberTicks())
    ax.set_title(phrase("Purchases per customer more than without it, added up"))
    ax.grid(axis="y")
    return ax


def _row_name(row: pd.Series, several: bool) -> str:
    outcome = outcome_label(row["outcome"], "short")
    window = IN_WINDOW.get(row["window"])
    name = phrase(window, outcome=outcome) if window else outcome
    if not several:
        return name
    return phrase("{arm} / {against}: {name}", arm=row["arm"], against=row["against"], name=name)


def _difference_axis(interval: float) -> str:
    return phrase("difference from without it, {level} interval", level=share(interval))


def _forest(ax: Axes, names: list[str], value: Any, ends: np.ndarray, strong: np.ndarray) -> None:
    """Points with intervals, the first on top; an end far beyond the others runs out of the axes."""
    place = np.arange(len(names))[::-1]
    usual = 4.0 * float(np.nanmedian(np.abs(ends)))
    farthest = min(float(np.nanmax(np.abs(ends))), usual)
    reach = 1.05 * max(farthest, float(np.nanmax(np.abs(value))), 1.0)
    ax.axvline(0.0, color=GREY, lw=0.8)
    low, high = np.clip(ends, -reach, reach).T
    colours, widths = np.where(strong, BLUE, GREY), np.where(strong, 1.6, 1.1)
    ax.hlines(place, low, high, color=list(colours), lw=list(widths))
    for part, colour in ((~strong, GREY), (strong, BLUE)):
        ax.plot(value[part], place[part], "o", color=colour, ms=5)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_yticks(place, names)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
