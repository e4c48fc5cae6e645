"""Results → matplotlib Axes. Imports results' types, never the other way round.

Comparisons of models → matplotlib Axes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from retention_models.errors import CannotSay
from retention_models.languages import count, decimals, duration, phrase, share, spoken
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    NumberTicks,
    ShareTicks,
    count_ticks,
    day_ticks,
    in_house_style,
    label,
    new_axes,
    short_month,
)
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.validation.holdout import HoldoutValidation

_COHORTS_SHOWN = 12
_FEWEST = 0.1  # expected purchases below this are drawn at it: nobody acts on the difference


@in_house_style
def cohort_heatmap(cohorts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map of `cohort_retention`: a row per cohort, the share buying in each later month.

    Parameters
    ----------
    cohorts : DataFrame
        From `cohort_retention`; the last 12 cohorts of at least 5 customers, and 12 months, are
        drawn.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    cohorts = cohorts.loc[
        (cohorts["cohort_age"] <= _COHORTS_SHOWN) & (cohorts["customers"] >= SMALLEST_GROUP)
    ]
    if cohorts.empty:
        raise CannotSay(
            "No month brought {fewest} new customers or more; smaller groups are not shown, since "
            "they would tell of single persons.",
            fewest=SMALLEST_GROUP,
        )
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
            ax.text(column, row, said, ha="center", va="center", color=colour, fontsize=7)
    ax.set_xticks(range(len(later.columns)), [str(age) for age in later.columns])
    ax.set_yticks(range(len(rates)), [_cohort(start, sizes[start]) for start in rates.index])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(phrase("months since the first purchase"))
    ax.set_title(phrase("% of a month's new customers who bought"))
    return ax


def _cohort(start: pd.Timestamp, customers: int) -> str:
    places = {"month": short_month(start), "year": start.year, "customers": count(customers)}
    return phrase("{month} {year} ({customers})", **places)


@in_house_style
def tracking(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Cumulative repeat purchases: what came, what the model expects, and its forecast.

    Parameters
    ----------
    table : DataFrame
        From `weekly_tracking`.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes
    """
    ax = new_axes(3.1) if ax is None else ax
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
    sides = ((phrase("fitted"), "right", -4), (phrase("not seen"), "left", 4))
    for text, side, shift in sides:
        label(ax, text, (split, 1.1 * top), GREY, shift=(shift, 0), ha=side, fontsize=8)
    actual, forecast = (
        float(table["actual"].iloc[-1]),
        float(table["forecast"].iloc[-1]),
    )
    apart = max(abs(actual - forecast), 0.075 * top) / 2 * (1 if actual >= forecast else -1)
    middle = (actual + forecast) / 2
    for text, y, colour in (
        (phrase("what came"), middle + apart, BLUE),
        (phrase("forecast"), middle - apart, ORANGE),
    ):
        label(ax, text, (dates[-1], y), colour)
    third = table["expected"].dropna().iloc[[table["expected"].notna().sum() // 3]]
    where = (third.index[0], float(third.iloc[0]))
    label(ax, phrase("model’s expectation"), where, ORANGE, shift=(8, -8), fontsize=8)
    ax.yaxis.set_major_formatter(count_ticks())
    ax.grid(axis="y")
    day_ticks(ax)
    ax.set_title(phrase("Repeat purchases, added up week by week"))
    return ax


@in_house_style
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
    table = table.loc[table["customers"] >= SMALLEST_GROUP]
    place = np.arange(len(table))
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
    ax.set_xticks(place, table.index)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(NumberTicks())
    ax.grid(axis="y")
    ax.set_xlabel(phrase("repeat purchases before the holdout"))
    ax.set_title(phrase("Purchases per customer in the holdout"))
    ax.legend(fontsize=8, loc="upper left", framealpha=1.0, edgecolor="none")
    return ax


@in_house_style
def customer_base(
    summary: pd.DataFrame,
    predictions: pd.DataFrame,
    time_unit: str,
    ax: Axes | None = None,
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
    groups = (
        (phrase("bought again"), ~once, "o", BLUE),
        (phrase("bought once"), once, "s", ORANGE),
    )
    for name, chosen, marker, colour in groups:
        ax.scatter(
            predictions["probability_alive"][chosen],
            predictions["expected_purchases"][chosen].clip(lower=_FEWEST),
            s=14,
            marker=marker,
            facecolor=colour,
            edgecolor="none",
            alpha=0.45,
            label=name,
            rasterized=len(summary) > 1000,
        )
    ax.set_xlim(-0.03, 1.03)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.7 * _FEWEST)
    figures = spoken().figures
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: figures(f"{value:g}")))
    ax.xaxis.set_major_formatter(ShareTicks())
    ax.grid()
    ax.set_xlabel(phrase("probability of still being a customer"))
    horizon = duration(predictions.attrs["horizon"], time_unit)
    ax.set_title(phrase("Purchases expected in the next {horizon}", horizon=horizon))
    ax.legend(fontsize=8, loc="upper left", framealpha=1.0, edgecolor="none")
    return ax


@in_house_style
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
    brought = np.concatenate([[0.0], np.cumsum(value) / value.sum()])
    ax.plot(people, brought, color=BLUE, lw=1.8)
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=":")
    ax.text(0.66, 0.57, phrase("if all were alike"), color=GREY, fontsize=8, va="top")
    top = int(np.ceil(value.size / 10))
    ax.plot([people[top]] * 2, [0, brought[top]], color=ORANGE, lw=1.2)
    ax.plot([people[top]], [brought[top]], "o", color=ORANGE, ms=5)
    said = phrase("top tenth: {share}", share=share(brought[top]))
    label(ax, said, (people[top], 0.75 * brought[top]), ORANGE)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_formatter(ShareTicks())
    ax.yaxis.set_major_formatter(ShareTicks())
    ax.grid()
    ax.set_xlabel(phrase("customers, most valuable first"))
    ax.set_title(phrase("Share of all expected value"))
    return ax


@in_house_style
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
    label(ax, phrase("mean {value}", value=count(mean)), (mean, 0.95 * ax.get_ylim()[1]), ORANGE)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(count_ticks())
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.grid(axis="y")
    ax.set_xlabel(phrase("expected discounted margin per customer, {currency}", currency=currency))
    ax.set_title(phrase("Number of customers by lifetime value"))
    return ax


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
