"""Comparisons of models → matplotlib Axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, PercentFormatter

from retention_models.comparison import ModelComparison
from retention_models.figure_style import BLUE, GREY, ORANGE, in_house_style, label, new_axes
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.validation import HoldoutValidation

# Okabe and Ito's, after the blue of what came; each with a dash of its own for grey prints.
_LINES = ((ORANGE, (0, (5, 1.5))), ("#009E73", (0, (1, 1))), ("#CC79A7", (0, (4, 1, 1, 1))))


@in_house_style
def tracking_of_models(
    paths: dict[str, pd.DataFrame], comparison: ModelComparison, ax: Axes | None = None
) -> Axes:
    """Cumulative repeat purchases: what came, and every model's expectation and forecast.

    Parameters
    ----------
    paths : dict
        From `track_models`.
    comparison : ModelComparison
        Of the same models; the band is that of the recommended one.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes(3.3) if ax is None else ax
    chosen = comparison.chosen.purchases.label
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
            table.index[later], table["forecast"][later], color=colour, lw=1.8, ls=dash, label=name
        )
        top = max(top, float(np.nanmax(table.to_numpy())))
    actual = paths[chosen]["actual"]
    ax.plot(actual.index, actual, color=BLUE, lw=1.8, label="what came")
    split = band.index[0]
    ax.axvline(split, color=GREY, lw=0.8)
    ax.set_ylim(0, 1.16 * top)
    for text, side, shift in (("fitted", "right", -4), ("not seen", "left", 4)):
        label(ax, text, (split, 1.1 * top), GREY, shift=(shift, 0), ha=side, fontsize=8)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.grid(axis="y")
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0.0, 0.94))
    ax.set_title("Repeat purchases, added up week by week")
    return ax


@in_house_style
def alive_calibration(validation: HoldoutValidation, ax: Axes | None = None) -> Axes:
    """Share of customers who bought in the holdout, the chance that they had, and P(alive), by group.

    Parameters
    ----------
    validation : HoldoutValidation
        From `validate_holdout`; groups of fewer than 5 customers are not drawn.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes(3.3) if ax is None else ax
    groups = validation.by_alive
    groups = groups.loc[groups["customers"] >= SMALLEST_GROUP]
    place, observed = np.arange(len(groups)), groups["observed"].to_numpy()
    errors = np.abs(groups[["low", "high"]].to_numpy().T - observed)
    alive = groups["probability_alive"]
    ax.plot(place, alive, "_", color=GREY, ms=12, mew=1.5, label="P(alive)")
    ax.errorbar(place, observed, yerr=errors, fmt="none", ecolor=BLUE, elinewidth=1.2, alpha=0.6)
    ax.plot(place, observed, "o", color=BLUE, ms=5, label="bought (95% interval)")
    ax.plot(
        place, groups["expected"], "D", color=ORANGE, ms=4.5, mfc="white", label="expected to buy"
    )
    ax.set_xticks(place, [f"{100 * value:.0f}" for value in alive])
    ax.set_ylim(-0.03, 1.03)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="y")
    ax.set_xlabel("groups of customers, by their mean P(alive) in %")
    ax.set_title("Share who bought in the weeks held out")
    ax.legend(
        frameon=False,
        fontsize=8,
        loc="upper center",
        bbox_to_anchor=(0.45, -0.18),
        ncols=3,
        columnspacing=1.0,
        handletextpad=0.3,
    )
    return ax
