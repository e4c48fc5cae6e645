"""A chain's stores side by side: a funnel plot of their rates, and sparklines of their months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import INNER, OUTER, Funnel
from retention_models.measures.intervals import Floats
from retention_models.pages.html.kinds import one_line
from retention_models.pages.style import (
    BLUE,
    GREY,
    INK,
    NEW,
    ORANGE,
    ShareTicks,
    count_ticks,
    figure,
    label,
)

_WIDE = 20  # largest ÷ smallest store from which sizes are drawn on a log scale


@figure(3.4)
def funnel_plot(
    funnel: Funnel,
    named: Sequence[str],
    what: str,
    say: Language = ENGLISH,
    ax: Axes = NEW,
) -> Axes:
    """Every store's rate (`what`) against its size, between chance's limits; `named`: "" for no name."""
    smallest, largest = float(funnel.total.min()), float(funnel.total.max())
    wide = largest > _WIDE * smallest
    spaced = np.geomspace if wide else np.linspace
    # Whole customers, since the limits are of counts.
    at = np.unique(np.round(spaced(max(smallest * 0.8, 1.0), largest * 1.1, 240)))
    for level, width, dash in ((INNER, 0.9, (0, (4, 2))), (OUTER, 1.2, "-")):
        low, high = funnel.limits(at, level)
        for end in (low, high):
            ax.plot(at, end, color=GREY, lw=width, ls=dash)
        # Where the lines are farthest apart, above the line and inside the axes.
        text = say.share(level, 0 if round(100 * level, 1).is_integer() else 1)
        label(ax, text, (at[0], high[0]), GREY, shift=(4, 6))
    ax.axhline(funnel.centre, color=INK, lw=0.9)
    apart = funnel.outside(OUTER) != 0
    for points, colour, marker in ((~apart, BLUE, "o"), (apart, ORANGE, "D")):
        ax.plot(
            funnel.total[points],
            funnel.rate[points],
            marker,
            ms=4,
            mew=0.4,
            mec="white",
            color=colour,
            alpha=0.8,
        )
    if wide:
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(count_ticks(say))
    ax.yaxis.set_major_formatter(ShareTicks(0, say))
    ax.set_xlabel(say.text("apart.axis"))
    ax.set_ylabel(what)
    ax.set_title(say.text("apart.title"))
    _name(ax, funnel, named)
    return ax


_LETTER, _LINE = 5.8, 12.0  # points
_WIDE_AXES = (270.0, 190.0)  # about, in points
_LONGEST = 18


def _name(ax: Axes, funnel: Funnel, named: Sequence[str]) -> None:
    """A name beside each point, on that side of it where it covers nothing that stands already."""
    wide, high = _WIDE_AXES
    x = _within(ax.get_xlim(), funnel.total, log=ax.get_xscale() == "log") * wide
    y = _within(ax.get_ylim(), funnel.rate) * high
    taken = [(a - 3, b - 3, a + 3, b + 3) for a, b in zip(x, y, strict=True)]
    for place in np.argsort(-funnel.rate, kind="stable"):
        if not named[place]:
            continue
        text = one_line(named[place])
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        width = _LETTER * len(text)
        sides = [(dx, dy) for dx in (5.0, -5.0 - width) for dy in (0.0, 9.0, -9.0)]
        sides += [(-width / 2, 10.0), (-width / 2, -11.0), (5.0, 18.0), (5.0, -18.0)]
        boxes = [_box(x[place] + dx, y[place] + dy, width) for dx, dy in sides]
        covers = [sum(_overlap(box, other) for other in taken) for box in boxes]
        beyond = [(box[0] < 0) + (box[2] > wide + 20) for box in boxes]
        best = int(np.argmin(np.add(covers, beyond)))
        taken.append(boxes[best])
        where = (funnel.total[place], funnel.rate[place])
        label(ax, text, where, INK, shift=sides[best], parse_math=False)


def _within(limits: tuple[float, float], at: Floats, *, log: bool = False) -> Floats:
    """Places along an axis, from 0 to 1."""
    ends = np.log(limits) if log else np.array(limits)
    return ((np.log(at) if log else at) - ends[0]) / (ends[1] - ends[0])


def _box(x: float, y: float, width: float) -> tuple[float, float, float, float]:
    return x, y - _LINE / 2, x + width, y + _LINE / 2


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


# In halves of a pixel, which are whole numbers and short ones.
_WIDTH, _HEIGHT, _EDGE = 192, 48, 6


# A line is drawn over at least this share of its largest value, so that no change is made of nothing.
_LEAST_RANGE = 0.3


class Sparkline(NamedTuple):
    """A line as the page's style sheet draws it: its strokes, and where the last value's dot lies."""

    path: str
    dot: tuple[int, int] | None


def sparkline(values: Sequence[float | None]) -> Sparkline:
    """Values in order of time as a line with gaps, of 96 by 24 pixels.

    From the least to the largest, so that a change is seen, or over 30% of the largest where they lie
    nearer together.
    """
    known = [value for value in values if value is not None] or [0.0]
    top = max(known)
    bottom = min(*known, top - _LEAST_RANGE * abs(top), top) if top else min(known)
    height = (top - bottom) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    points = [
        None
        if value is None
        else (
            round(_EDGE + place * step),
            round(_HEIGHT - _EDGE - (value - bottom) / height * (_HEIGHT - 2 * _EDGE)),
        )
        for place, value in enumerate(values)
    ]
    last = [point for point in points if point]
    return Sparkline(_strokes(points), last[-1] if last else None)


def _strokes(points: Sequence[tuple[int, int] | None]) -> str:
    """A path through points, by the steps between them; a missing one ends a stroke."""
    path, before = "", None
    for point in points:
        if point is not None:
            x, y = point
            path += f"M{x} {y}" if before is None else f"l{x - before[0]} {y - before[1]}"
        before = point
    return path.replace(" -", "-")
