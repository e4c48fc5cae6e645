"""Small lines of twelve months beside the points of a store's page: SVG, and the same in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from retention_models.languages import phrase
from retention_models.pages.style import BLUE, GREY, ORANGE, short_month

_WIDTH, _HEIGHT, _EDGE = 120, 36, 4


def line(values: Sequence[float], ahead: Sequence[float] = ()) -> str:
    """Values in order of time as SVG from 0 up, gaps for NaN; what is expected after them, dashed."""
    numbers = np.array([*values, *ahead], dtype=float)
    known = numbers[np.isfinite(numbers)]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    scale = (_HEIGHT - 2 * _EDGE) / ((high - low) or 1.0)
    step = (_WIDTH - 2 * _EDGE) / max(len(numbers) - 1, 1)
    places = [
        (round(_EDGE + at * step, 1), round(_HEIGHT - _EDGE - (value - low) * scale, 1))
        if np.isfinite(value)
        else None
        for at, value in enumerate(numbers)
    ]
    came = len(values)
    last = next((place for place in reversed(places[:came]) if place is not None), None)
    drawn = _path(places[:came], BLUE)
    if len(ahead) and last is not None:
        drawn += _path([last, *places[came:]], ORANGE, " stroke-dasharray='3 2'")
    if last is not None:
        drawn += f"<circle cx='{last[0]}' cy='{last[1]}' r='2.5' fill='{BLUE}'/>"
    base = round(_HEIGHT - _EDGE + low * scale, 1)
    axis = f"<path d='M{_EDGE} {base}H{_WIDTH - _EDGE}' stroke='{GREY}' stroke-width='0.5'/>"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{_HEIGHT}' "
        f"viewBox='0 0 {_WIDTH} {_HEIGHT}' fill='none'>{axis}{drawn}</svg>"
    )


def _path(places: Sequence[tuple[float, float] | None], colour: str, more: str = "") -> str:
    """A path through places; a missing one ends a stroke."""
    steps, before = "", None
    for place in places:
        if place is not None:
            steps += f"{'M' if before is None else 'L'}{place[0]} {place[1]}"
        before = place
    return f"<path d='{steps}' stroke='{colour}' stroke-width='2'{more}/>" if steps else ""


def in_words(what: str, months: pd.Series, say: Callable[[float], str]) -> str:
    """What a line of months (index their first days) shows, for whoever cannot see it."""
    known = months.dropna()
    if known.empty:
        return phrase("{what} by month: not shown.", what=what)
    return phrase(
        "{what} by month, {first} to {last}: lowest {low} in {low_month}, highest {high} in "
        "{high_month}, at the end {now}.",
        what=what,
        first=_month(known.index[0]),
        last=_month(known.index[-1]),
        low=say(float(known.min())),
        low_month=_month(known.idxmin()),
        high=say(float(known.max())),
        high_month=_month(known.idxmax()),
        now=say(float(known.iloc[-1])),
    )


def _month(start: dt.date) -> str:
    return phrase("{month} {year}", month=short_month(start), year=start.year)
