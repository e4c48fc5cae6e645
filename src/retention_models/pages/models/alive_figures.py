"""Figures of P(alive) and of purchases through time; two replace plots of lifetimes that fail today."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from retention_models.languages import phrase
from retention_models.models.fitters import PurchaseFitter
from retention_models.pages.style import BLUE, NEW, ORANGE, count_ticks, figure


@figure()
def alive_path(path: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """A customer's P(alive) day by day, from `retention_models.alive_path`; dashed what is to come.

    Vertical lines are purchases; the dotted line is P(alive) should nothing be bought.
    """
    bought = path.index[path["purchase"]]
    ax.vlines(bought, 0.0, 1.0, color="0.75", lw=0.8)
    apart = (path["probability_alive"] != path["if_silent"]).to_numpy()
    today = int(np.argmax(apart)) if apart.any() else len(path)
    seen, later = path.iloc[:today], path.iloc[max(today - 1, 0) :]
    ax.plot(seen.index, seen["probability_alive"], color=BLUE, lw=1.6)
    if today < len(path):
        ax.plot(later.index, later["probability_alive"], color=ORANGE, ls="--", lw=1.6)
        ax.plot(later.index, later["if_silent"], color=ORANGE, ls=":", lw=1.4)
    ax.set_ylim(0.0, 1.02)
    ax.grid(axis="y")
    ax.set_title(phrase("P(alive) through time, and purchases"))
    return ax


@figure()
def customers_alive(path: pd.DataFrame, ax: Axes = NEW) -> Axes:
    """How many are customers still, from `retention_models.customers_alive_path`, with its interval."""
    ax.fill_between(path.index, path["low"], path["high"], color=BLUE, alpha=0.2, lw=0)
    ax.plot(path.index, path["alive"], color=BLUE, lw=1.6)
    ax.plot(path.index, path["seen"], color="0.5", lw=1.0, ls=":")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(count_ticks())
    ax.grid(axis="y")
    ax.set_title(phrase("Customers still, week by week; dotted: all who had bought by then"))
    return ax


def plot_history_alive(
    model: PurchaseFitter,
    t: int,
    transactions: pd.DataFrame,
    datetime_col: str,
    freq: str = "D",
    start_date: Any = None,
    ax: Axes = NEW,
    **kwargs: Any,
) -> Axes:
    """A customer's P(alive) through time: ``lifetimes.plotting.plot_history_alive`` on today's pandas.

    Parameters
    ----------
    model : fitted model of purchases
        In units of `freq`.
    t : int
        Units of time since the first purchase to draw.
    transactions : DataFrame
        One customer's.
    datetime_col : str
        Column with the day or time of each.
    freq : str
        "D" for days, "W" for weeks.
    start_date : date or str, optional
        Where the axis begins; the first purchase unless given.
    ax : Axes, optional
        A new one unless given.
    **kwargs
        For the line, as matplotlib takes them.

    Returns
    -------
    Axes
        With a line of P(alive) and a vertical one for each unit of time with a purchase.

    See Also
    --------
    retention_models.alive_path : of a log, with days to come and a season where the model has one.
    """
    when = pd.to_datetime(transactions[datetime_col])
    places = when.dt.to_period(freq)
    bought = np.unique((places - places.min()).map(lambda step: step.n).to_numpy())
    ages = np.arange(t + 1)
    known = np.searchsorted(bought, ages, side="right")
    alive = model.conditional_probability_alive(known - 1.0, bought[known - 1] * 1.0, ages * 1.0)
    dates = places.min().to_timestamp() + pd.to_timedelta(
        ages * (7 if freq.startswith("W") else 1), "D"
    )
    path = pd.DataFrame({"probability_alive": alive, "if_silent": alive}, index=dates)
    path["purchase"] = np.isin(ages, bought)
    drawn = alive_path(path, ax=ax)
    drawn.lines[-1].set(label="P_alive", **kwargs)
    if start_date is not None:
        drawn.set_xlim(pd.Timestamp(start_date), dates[-1])
    return drawn


def plot_expected_repeat_purchases(
    model: PurchaseFitter,
    title: str = "Expected Number of Repeat Purchases per Customer",
    xlabel: str = "Time Since First Purchase",
    ax: Axes = NEW,
    label: str | None = None,
    T: float | None = None,
    **kwargs: Any,
) -> Axes:
    """A new customer's expected purchases: ``lifetimes.plotting``'s, on today's matplotlib.

    Parameters
    ----------
    model : fitted model of purchases
    title, xlabel : str
    ax : Axes, optional
        A new one unless given.
    label : str, optional
        Of the line, in a legend.
    T : float, optional
        Where the line becomes dashed, in the model's unit of time; the longest time that a customer
        of its data was observed unless given. A model that was loaded needs it.
    **kwargs
        For both lines, as matplotlib takes them.

    Returns
    -------
    Axes
        With a line up to T and a dashed one up to 1.5 T.
    """
    longest = float(model.data["T"].max()) if T is None else float(T)
    return _expected_repeat_purchases(model, longest, title, xlabel, label, kwargs, ax=ax)


@figure()
def _expected_repeat_purchases(
    model: PurchaseFitter,
    longest: float,
    title: str,
    xlabel: str,
    label: str | None,
    options: dict[str, Any],
    ax: Axes = NEW,
) -> Axes:
    """The two lines, solid to `longest` and dashed to one and a half times that."""
    options = {"color": BLUE, **options}
    for style, first, last in (("-", 0.0, longest), ("--", longest, 1.5 * longest)):
        times = np.linspace(first, last, 100)
        expected = model.expected_number_of_purchases_up_to_time(times)
        ax.plot(times, expected, ls=style, **options)
    if label is not None:
        ax.lines[-2].set_label(label)
        ax.legend(loc="lower right")
    ax.set_title(title)
    ax.set_xlabel(xlabel)
    return ax
