"""A chain's stores side by side: a funnel plot of their rates, and sparklines of their months."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import INNER, OUTER, Funnel
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
    numbered: Sequence[int],
    what: str,
    say: Language = ENGLISH,
    ax: Axes = NEW,
) -> Axes:
    """Every store's rate (`what`) against its size, between chance's limits; `numbered` get numbers."""
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
        label(ax, text, (at[0], high[0]), GREY, shift=(4, 4), fontsize=7)
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
    for number, place in enumerate(numbered, start=1):
        where = (funnel.total[place], funnel.rate[place])
        label(ax, str(number), where, INK, fontsize=8)
    if wide:
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(count_ticks(say))
    ax.yaxis.set_major_formatter(ShareTicks(0, say))
    ax.set_xlabel(say.text("apart.axis"))
    ax.set_ylabel(what)
    ax.set_title(say.text("apart.title"))
    return ax


# In halves of a pixel, which are whole numbers and short ones.
_WIDTH, _HEIGHT, _EDGE = 192, 48, 6
_AS_IT_IS = " =:/.,'<>"  # what a data: address in double quotes may hold
_BLUE = "#0b5c8f"


def sparkline(values: Sequence[float | None]) -> str:
    """Values in order of time as a line from 0 up, with gaps: a data: address of 96 by 24 pixels."""
    top = max((v for v in values if v is not None), default=0.0) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    points = [
        None
        if value is None
        else (
            round(_EDGE + place * step),
            round(_HEIGHT - _EDGE - value / top * (_HEIGHT - 2 * _EDGE)),
        )
        for place, value in enumerate(values)
    ]
    last = [point for point in points if point][-1:]
    dot = "".join(f"<circle cx='{x}' cy='{y}' r='2'/>" for x, y in last)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' fill='none' "
        f"stroke='{_BLUE}' stroke-width='3'><path d='{_strokes(points)}'/>{dot}</svg>"
    )
    return f"data:image/svg+xml,{quote(svg, safe=_AS_IT_IS)}"


def _strokes(points: Sequence[tuple[int, int] | None]) -> str:
    """A path through points, by the steps between them; a missing one ends a stroke."""
    path, before = "", None
    for point in points:
        if point is not None:
            x, y = point
            path += f"M{x} {y}" if before is None else f"l{x - before[0]} {y - before[1]}"
        before = point
    return path.replace(" -", "-")
