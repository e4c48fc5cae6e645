"""The house style of figures: colours, sizes, and how a drawing function takes them on.

Figures are 4.6 inches wide so that their 9-point labels stay readable at a telephone's width. The
colours are Okabe and Ito's, told apart by colour-blind readers; lines are labelled where they end.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    "axes.axisbelow": True,
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


def new_axes(height: float = 2.9, *, width: float = 4.6) -> Axes:
    """Axes on a figure of their own, outside pyplot's state, in the house style."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


P = ParamSpec("P")

_PLACES = re.compile(r'\b(?:d|x|y|transform)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")
_MARK = re.compile(r'id="(m[0-9a-f]{10})"')
_ALIKE = re.compile(
    r'\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="([^"]*)"/>'
    r'(?:\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="\1"/>)+'
)


def in_house_style(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Draw under the house style, and leave the reader's own style as it was."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Axes:
        with mpl.rc_context(HOUSE_STYLE):
            return draw(*args, **kwargs)

    return styled


def as_svg(figure: Figure) -> str:
    """A figure as SVG, without a date, so that the same data give the same page."""
    buffer = io.StringIO()
    with mpl.rc_context(HOUSE_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _slim(buffer.getvalue())


def _slim(svg: str) -> str:
    """The same picture in fewer letters: a page of 500 stores has one point for each of them.

    Without metadata; coordinates to a hundredth of a point; marks of one look in a group that says it
    once; marks named by a number.
    """
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _PLACES.sub(
        lambda found: _LONG.sub(lambda number: f"{float(number[0]):.2f}", found[0]), svg
    )
    svg = re.sub(r" ?\n(?=[MLQCz\"])", "", svg)
    svg = _ALIKE.sub(
        lambda found: (
            f'\n<g style="{found[1]}">' + found[0].replace(f' style="{found[1]}"', "") + "</g>"
        ),
        svg,
    )
    for place, name in enumerate(dict.fromkeys(_MARK.findall(svg))):
        svg = svg.replace(name, f"m{place}")
    return re.sub(r"\n\s+<", "\n<", svg)


def label(
    ax: Axes,
    text: str,
    where: tuple[Any, float],
    colour: str,
    *,
    shift: tuple[float, float] = (4, 0),
    **how: Any,
) -> None:
    """Text beside a point, in the point's colour; it may run out of the axes."""
    ax.annotate(
        text,
        where,
        xytext=shift,
        textcoords="offset points",
        color=colour,
        va="center",
        annotation_clip=False,
        **how,
    )
