"""Cohorts, holdouts and comparisons of models → figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from retention_models.errors import CannotSay
from retention_models.languages import count, decimals, phrase, share, spoken
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.style import (
    BLUE,
    GREY,
    INK,
    NEW,
    ORANGE,
    NumberTicks,
    ShareTicks,
    count_ticks,
    day_ticks,
    figure,
    label,
    short_month,
)
from retention_models.predictions.model_names import name_in_words, name_of
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.validation.holdout import HoldoutValidation

_COHORTS_SHOWN = 12
_FEWEST = 0.1  # expected purchases below this are drawn at it: nobody acts on the difference


def _cohorts_shown(cohorts: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last 12 cohorts that are no smaller than the smallest group shown."""
    cohorts = cohorts.loc[
        (cohorts["cohort_age"] <= _COHORTS_SHOWN) & (cohorts["customers"] >= SMALLEST_GROUP)
    ]
    shown = sorted(cohorts["cohort"].unique())[-_COHORTS_SHOWN:]
    return cohorts.loc[cohorts["cohort"].isin(shown)]


@figure(lambda cohorts: 0.9 + 0.22 * _cohorts_shown(cohorts)["cohort"].nunique())
def cohort_heatmap(cohorts: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """Share of each cohort of `cohort_retention` that buys in each later month.

    The last 12 cohorts of at least 5 customers, and 12 months.
    """
    cohorts = _cohorts_shown(cohorts)
    if cohorts.empty:
        raise CannotSay(
            "No month brought {fewest} new customers or more; smaller groups are not shown, since "
            "they would tell of single persons.",
            fewest=SMALLEST_GROUP,
        )
    rates = cohorts.pivot(index="cohort", columns="cohort_age", values="retention_rate")
    later = rates.drop(columns=0)
    sizes = cohorts.groupby("cohort")["customers"].first()
    if later.empty:
        later = rates
    values = later.to_numpy(dtype=float)
    highest = max(float(np.nanmax(values, initial=0.0)), 0.01)
    ax.imshow(
        np.ma.masked_invalid(values),
        cmap="Blues",
        vmin=0.0,
        vmax=highest,
        aspect="auto",
    )
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.6 * highest else INK
            said = decimals(100.0 * value, 0)
            cell = ax.text(column, row, said, ha="center", va="center", color=colour)
            cell.set_in_layout(False)  # within the axes: its room need not be measured
    ax.set_xticks(range(len(later.columns)), [count(age) for age in later.columns])
    ax.set_yticks(range(len(rates)), [_cohort(start, sizes[start]) for start in rates.index])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(phrase("months since the first purchase"))
    ax.set_title(phrase("% of a month's new customers who bought"))
    return ax


def _cohort(start: pd.Timestamp, customers: int) -> str:
    places = {"month": short_month(start), "year": start.year, "customers": count(customers)}
    return phrase("{month} {year} ({customers})", **places)


@figure(3.1)
def tracking(table: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """Cumulative repeat purchases of `weekly_tracking`: what came, the expectation, the forecast."""
    later = table["forecast"].notna()
    split = table.index[later][0]
    dates = table.index
    ax.fill_between(
        dates[later],
        table["low"][later],
        table["high"][later],
        color=ORANGE,
        alpha=0.2,
        lw=0,
    )
    ax.plot(dates, table["expected"], color=ORANGE, lw=1.2, ls=(0, (2, 2)))
    ax.plot(dates[later], table["forecast"][later], color=ORANGE, lw=1.8, ls=(0, (5, 1.5)))
    ax.plot(dates, table["actual"], color=BLUE, lw=1.8)
    ax.axvline(split, color=GREY, lw=0.8)
    top = float(np.nanmax(table.to_numpy())) or 1.0
    ax.set_ylim(0, 1.16 * top)
    sides = ((phrase("weeks fitted to"), "right", -4), (phrase("weeks not seen"), "left", 4))
    for text, side, shift in sides:
        label(ax, text, (split, 1.1 * top), GREY, shift=(shift, 0), ha=side)
    actual, forecast = (
        float(table["actual"].iloc[-1]),
        float(table["forecast"].iloc[-1]),
    )
    apart = max(abs(actual - forecast), 0.075 * top) / 2 * (1 if actual >= forecast else -1)
    middle = (actual + forecast) / 2
    for text, y, colour in (
        (phrase("purchases made"), middle + apart, BLUE),
        (phrase("purchases forecast"), middle - apart, ORANGE),
    ):
        label(ax, text, (dates[-1], y), colour)
    third = table["expected"].dropna().iloc[[table["expected"].notna().sum() // 3]]
    where = (third.index[0], float(third.iloc[0]))
    label(ax, phrase("model’s expectation"), where, ORANGE, shift=(8, -8))
    ax.yaxis.set_major_formatter(count_ticks())
    ax.grid(axis="y")
    day_ticks(ax)
    ax.set_title(phrase("Repeat purchases, added up week by week"))
    return ax


@figure()
def holdout_by_frequency(validation: HoldoutValidation, ax: Axes = NEW) -> Axes:
    """Mean purchases in the holdout by purchases before it, actual with interval and predicted."""
    groups = validation.by_frequency
    shown = (groups["customers"] >= SMALLEST_GROUP).to_numpy()
    # A group too small to show leaves its place empty, so that the axis skips none.
    place, table = np.arange(len(groups))[shown], groups.loc[shown]
    known = table[["low", "high"]].notna().all(axis=1).to_numpy()
    errors = np.abs(table[["low", "high"]].to_numpy().T - table["actual"].to_numpy())
    ax.errorbar(
        place[known],
        table["actual"].to_numpy()[known],
        yerr=errors[:, known],
        fmt="none",
        ecolor=BLUE,
        elinewidth=1.2,
        alpha=0.6,
    )
    said = phrase("actual, with 95% interval")
    ax.plot(place, table["actual"], "o", color=BLUE, ms=5, label=said)
    said = phrase("expected")
    ax.plot(place, table["predicted"], "D", color=ORANGE, ms=4.5, mfc="white", label=said)
    ax.set_xticks(np.arange(len(groups)), [spoken().figures(str(name)) for name in groups.index])
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(NumberTicks())
    ax.grid(axis="y")
    ax.set_xlabel(phrase("repeat purchases before the holdout"))
    ax.set_title(phrase("Purchases per customer in the holdout"))
    ax.legend(loc="upper left", framealpha=1.0, edgecolor="none")
    return ax


# Okabe and Ito's, after the blue of what came; each with a dash of its own for grey prints.
_LINES = (
    (ORANGE, (0, (5, 1.5))),
    ("#009E73", (0, (1, 1))),
    ("#CC79A7", (0, (4, 1, 1, 1))),
    ("#56B4E9", (0, (7, 2))),
    ("#999999", (0, (2, 2))),
    ("#E69F00", (0, (6, 1, 1, 1, 1, 1))),
    ("#000000", (0, (1, 3))),
    ("#882255", (0, (3, 3))),
)


@figure(3.3)
def tracking_of_models(
    paths: dict[str, pd.DataFrame], comparison: ModelComparison, ax: Axes = NEW
) -> Axes:
    """Cumulative repeat purchases of `track_models`; the band is of the model recommended."""
    chosen = name_of(comparison.chosen.purchases)
    band = paths[chosen].dropna(subset="low")
    colours = {name: _LINES[i % len(_LINES)] for i, name in enumerate(paths)}
    ax.fill_between(
        band.index, band["low"], band["high"], color=colours[chosen][0], alpha=0.18, lw=0
    )
    top = 1.0
    for name, table in paths.items():
        colour, dash = colours[name]
        later = table["forecast"].notna()
        ax.plot(table.index, table["expected"], color=colour, lw=0.9, ls=dash)
        ax.plot(
            table.index[later],
            table["forecast"][later],
            color=colour,
            lw=1.8,
            ls=dash,
            label=name_in_words(name),
        )
        top = max(top, float(np.nanmax(table.to_numpy())))
    actual = paths[chosen]["actual"]
    ax.plot(actual.index, actual, color=BLUE, lw=1.8, label=phrase("purchases made"))
    split = band.index[0]
    ax.axvline(split, color=GREY, lw=0.8)
    ax.set_ylim(0, 1.16 * top)
    for text, side, shift in (
        (phrase("weeks fitted to"), "right", -4),
        (phrase("weeks not seen"), "left", 4),
    ):
        label(ax, text, (split, 1.1 * top), GREY, shift=(shift, 0), ha=side)
    ax.yaxis.set_major_formatter(count_ticks())
    ax.grid(axis="y")
    day_ticks(ax)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.94))
    ax.set_title(phrase("Repeat purchases, added up week by week"))
    return ax


@figure(3.3)
def alive_calibration(validation: HoldoutValidation, ax: Axes = NEW) -> Axes:
    """Share who bought in the holdout, the chance that they had, and P(alive), by group.

    Groups of fewer than 5 customers are not drawn.
    """
    groups = validation.by_alive
    groups = groups.loc[groups["customers"] >= SMALLEST_GROUP]
    place, observed = np.arange(len(groups)), groups["observed"].to_numpy()
    errors = np.abs(groups[["low", "high"]].to_numpy().T - observed)
    alive = groups["probability_alive"]
    ax.plot(place, alive, "_", color=GREY, ms=12, mew=1.5, label=phrase("P(alive)"))
    ax.errorbar(place, observed, yerr=errors, fmt="none", ecolor=BLUE, elinewidth=1.2, alpha=0.6)
    ax.plot(place, observed, "o", color=BLUE, ms=5, label=phrase("bought (95% interval)"))
    ax.plot(
        place,
        groups["expected"],
        "D",
        color=ORANGE,
        ms=4.5,
        mfc="white",
        label=phrase("expected to buy"),
    )
    ax.set_xticks(place, [share(value) for value in alive])
    ax.set_ylim(-0.03, 1.03)
    ax.yaxis.set_major_formatter(ShareTicks())
    ax.grid(axis="y")
    ax.set_xlabel(phrase("groups of customers, by their mean P(alive)"))
    ax.set_title(phrase("Share who bought in the weeks held out"))
    ax.legend(
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.45, -0.18),
        ncols=3,
        columnspacing=1.0,
        handletextpad=0.3,
    )
    return ax
