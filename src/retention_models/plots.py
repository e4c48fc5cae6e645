"""Results → matplotlib Axes, in one house style. Imports results' types, never the other way round.

Figures are 4.6 inches wide so that their 9-point labels stay readable at a telephone's width. The
colours are Okabe and Ito's, told apart by colour-blind readers; lines are labelled where they end.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from retention_models.validation import HoldoutValidation
from retention_models.words import window

BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#6B7280", "#1F2937"

HOUSE_STYLE = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "grid.color": "#E5E7EB",
    "svg.fonttype": "none",
    "svg.hashsalt": "retention_models",
}
_COHORTS_SHOWN = 12
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def new_axes(height: float = 2.9, *, width: float = 4.6) -> Axes:
    """Axes on a figure of their own, outside pyplot's state, in the house style."""
    with mpl.rc_context(HOUSE_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure.subplots()


def cohort_heatmap(cohorts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map of `cohort_retention`: a row per cohort, the share buying in each later month.

    Parameters
    ----------
    cohorts : DataFrame
        From `cohort_retention`; the last 12 cohorts and 12 months are drawn.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    cohorts = cohorts.loc[cohorts["cohort_age"] <= _COHORTS_SHOWN]
    shown = sorted(cohorts["cohort"].unique())[-_COHORTS_SHOWN:]
    cohorts = cohorts.loc[cohorts["cohort"].isin(shown)]
    rates = cohorts.pivot(index="cohort", columns="cohort_age", values="retention_rate")
    later = rates.drop(columns=0)
    sizes = cohorts.groupby("cohort")["customers"].first()
    ax = new_axes(0.9 + 0.22 * len(rates)) if ax is None else ax
    if later.empty:
        later = rates
    values = later.to_numpy(dtype=float)
    highest = max(float(np.nanmax(values, initial=0.0)), 0.01)
    ax.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0.0, vmax=highest, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.6 * highest else INK
            ax.text(
                column, row, f"{value:.0%}".rstrip("%"), ha="center", va="center", color=colour,
                fontsize=7,
            )
    ax.set_xticks(range(len(later.columns)), [str(age) for age in later.columns])
    labels = [f"{start:%b %Y} ({sizes[start]:,})" for start in rates.index]
    ax.set_yticks(range(len(rates)), labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("months since the first purchase")
    ax.set_title("% of a month's new customers who bought")
    return ax


def tracking(table: pd.DataFrame, calibration_end: object, ax: Axes | None = None) -> Axes:
    """Cumulative repeat purchases, actual and expected, from `weekly_tracking`.

    Parameters
    ----------
    table : DataFrame
        From `weekly_tracking`.
    calibration_end : date
        Last day that the model has seen; a line marks it.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes() if ax is None else ax
    split = pd.Timestamp(str(calibration_end))
    ax.plot(table.index, table["actual"], color=BLUE, lw=1.8)
    ax.plot(table.index, table["expected"], color=ORANGE, lw=1.8, ls=(0, (4, 2)))
    ax.axvline(split, color=GREY, lw=0.8)
    top = float(table[["actual", "expected"]].to_numpy().max())
    ax.text(split, top * 1.02, "not seen by the model →", ha="center", fontsize=8, color=GREY)
    ends = table.iloc[-1]
    gap = 0.06 * top
    above, below = ("actual", "expected") if ends["actual"] >= ends["expected"] else (
        "expected",
        "actual",
    )
    lower = min(float(ends[below]), float(ends[above]) - gap)
    for name, y in ((above, float(ends[above])), (below, lower)):
        colour = BLUE if name == "actual" else ORANGE
        ax.annotate(
            f" {name}", (table.index[-1], y), color=colour, va="center", annotation_clip=False
        )
    ax.set_ylim(0, top * 1.1 or 1.0)
    ax.yaxis.set_major_formatter(_THOUSANDS)
    ax.grid(axis="y")
    ax.xaxis.set_major_locator(mpl.dates.AutoDateLocator(maxticks=6))
    ax.xaxis.set_major_formatter(mpl.dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set_title("Repeat purchases since the start")
    return ax


def holdout_by_frequency(validation: HoldoutValidation, ax: Axes | None = None) -> Axes:
    """Mean purchases in the holdout by purchases before it, actual with interval and predicted.

    Parameters
    ----------
    validation : HoldoutValidation
        From `validate_holdout`.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes() if ax is None else ax
    table = validation.by_frequency
    place = np.arange(len(table))
    known = table[["low", "high"]].notna().all(axis=1).to_numpy()
    errors = np.abs(table[["low", "high"]].to_numpy().T - table["actual"].to_numpy())
    ax.errorbar(
        place[known], table["actual"].to_numpy()[known], yerr=errors[:, known], fmt="none",
        ecolor=BLUE, elinewidth=1.2, alpha=0.6,
    )
    ax.plot(place, table["actual"], "o", color=BLUE, ms=5, label="actual, with 95% interval")
    ax.plot(place, table["predicted"], "D", color=ORANGE, ms=4.5, mfc="white", label="expected")
    ax.set_xticks(place, table.index)
    ax.set_ylim(bottom=0)
    ax.grid(axis="y")
    ax.set_xlabel("repeat purchases before the holdout")
    ax.set_title("Purchases per customer in the holdout")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return ax


def customer_base(
    summary: pd.DataFrame, predictions: pd.DataFrame, time_unit: str, ax: Axes | None = None
) -> Axes:
    """Every customer by P(alive) and expected purchases.

    Parameters
    ----------
    summary, predictions : DataFrame
        From `customer_summary` and `predict_customers`, of the same customers.
    time_unit : {"D", "W", "M"}
        Their unit of time.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes() if ax is None else ax
    once = (summary["frequency"] == 0).to_numpy()
    groups = (("bought again", ~once, "o", BLUE), ("bought once", once, "s", ORANGE))
    for label, chosen, marker, colour in groups:
        ax.scatter(
            predictions["probability_alive"][chosen], predictions["expected_purchases"][chosen],
            s=14, marker=marker, facecolor=colour, edgecolor="none", alpha=0.45, label=label,
            rasterized=len(summary) > 1000,
        )
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid()
    ax.set_xlabel("probability of still being a customer")
    ax.set_title(f"Purchases expected in the next {window(predictions.attrs['horizon'], time_unit)}")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return ax


def value_concentration(predictions: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of total CLV that the most valuable share of customers brings (a Lorenz curve).

    Parameters
    ----------
    predictions : DataFrame
        From `predict_customers`.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes() if ax is None else ax
    value = np.sort(predictions["clv"].dropna().to_numpy())[::-1]
    people = np.concatenate([[0.0], np.arange(1, value.size + 1) / value.size])
    share = np.concatenate([[0.0], np.cumsum(value) / value.sum()])
    ax.plot(people, share, color=BLUE, lw=1.8)
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=":")
    ax.text(0.74, 0.66, "if all were alike", color=GREY, fontsize=8, rotation=30, ha="center")
    tenth = float(np.interp(0.1, people, share))
    ax.plot([0.1, 0.1], [0, tenth], color=ORANGE, lw=1.2)
    ax.plot([0.1], [tenth], "o", color=ORANGE, ms=5)
    ax.annotate(f"  top tenth: {tenth:.0%}", (0.1, tenth), color=ORANGE, va="top")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid()
    ax.set_xlabel("customers, most valuable first")
    ax.set_title("Share of all expected value")
    return ax


def value_distribution(predictions: pd.DataFrame, currency: str, ax: Axes | None = None) -> Axes:
    """Histogram of CLV over customers; the top 1% share the last bar.

    Parameters
    ----------
    predictions : DataFrame
        From `predict_customers`.
    currency : str
        Label of the money axis.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes() if ax is None else ax
    value = predictions["clv"].dropna().to_numpy()
    most = float(np.quantile(value, 0.99)) or 1.0
    ax.hist(np.minimum(value, most), bins=24, range=(0.0, most), color=BLUE, rwidth=0.92)
    mean = float(value.mean())
    ax.axvline(mean, color=ORANGE, lw=1.2)
    ax.text(mean, ax.get_ylim()[1], f" mean {mean:,.0f}", color=ORANGE, va="top")
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(_THOUSANDS)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.grid(axis="y")
    ax.set_xlabel(f"expected discounted margin per customer, {currency}")
    ax.set_title("Number of customers by lifetime value")
    return ax
