"""The house style of figures: colours, sizes, and how a drawing function takes them on.

Figures are 4.6 inches wide so that their 9-point labels stay readable at a telephone's width. The
colours are Okabe and Ito's, told apart by colour-blind readers; lines are labelled where they end.
"""

from __future__ import annotations

import functools
import io
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
    return buffer.getvalue()


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
