"""The house style of figures: colours, sizes, and how a drawing function takes them on.

Figures are 4.6 inches wide: at a telephone's width, 390 pixels, a label of 10.2 points has 11. The
colours are Okabe and Ito's, told apart by colour-blind readers; lines are labelled where they end.
Numbers and days on axes are written as the language writes them that is spoken when they are drawn.
"""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, PercentFormatter, ScalarFormatter

from retention_models.languages import ENGLISH, Language, spoken

BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#6B7280", "#1F2937"

HOUSE_STYLE = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.2,
    "axes.titlesize": 10.2,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    # Not looked for anew at each of a drawing's three passes, in which it cost a tenth.
    "axes.titley": 1.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "xtick.labelsize": 10.2,
    "ytick.labelsize": 10.2,
    "grid.color": "#E5E7EB",
    "svg.fonttype": "none",
    "svg.hashsalt": "retention_models",
}


def new_axes(height: float = 2.9, *, width: float = 4.6) -> Axes:
    """Axes on a figure of their own, outside pyplot's state, in the house style."""
    left, bottom, right, top = _AROUND_AXES
    edges = {"left": left / width, "bottom": bottom / height}
    edges |= {"right": 1.0 - right / width, "top": 1.0 - top / height}
    return Figure(figsize=(width, height), layout=_Frame()).subplots(gridspec_kw=edges)


# Inches of texts to the left of axes, below, to the right and above, about: where measuring begins.
_AROUND_AXES = (0.6, 0.45, 0.2, 0.3)
_RUNS_OUT = 0.3  # inches to the right of axes, which no label of an axis takes


class _Frame(ConstrainedLayoutEngine):
    """Constrained layout for a figure of one axes: texts are measured once where once will do."""

    def execute(self, fig: Figure) -> None:
        if fig.legends or fig.get_suptitle() or not _is_alone(fig.axes):
            super().execute(fig)
            return
        [ax] = fig.axes
        before, beside = _of_this_size(ax), self._leave_room(fig)
        if beside is None:
            super().execute(fig)
        # What runs out of the axes keeps its place among the data: its room depends on their width.
        elif beside > _RUNS_OUT or before != _of_this_size(ax):
            self._leave_room(fig)

    def _leave_room(self, fig: Figure) -> float | None:
        """Place the axes among what stands around them; inches to their right, None without room."""
        [ax], pads = fig.axes, self.get()
        place, taken = ax.get_position(), ax.get_tightbbox(for_layout_only=True)
        assert taken is not None  # it is visible
        # After it was measured, which may have changed the resolution.
        taken = fig.transFigure.inverted().transform_bbox(taken)
        wide, high = pads["w_pad"] / fig.get_figwidth(), pads["h_pad"] / fig.get_figheight()
        left, right = place.x0 - taken.x0 + wide, 1.0 - (taken.x1 - place.x1) - wide
        bottom, top = place.y0 - taken.y0 + high, 1.0 - (taken.y1 - place.y1) - high
        if not (left < right and bottom < top):
            return None
        ax.set_position((left, bottom, right - left, top - bottom))
        ax.set_in_layout(True)  # which a position that is set ends
        return float((taken.x1 - place.x1) * fig.get_figwidth())


def _is_alone(axes: Sequence[Axes]) -> bool:
    return len(axes) == 1 and axes[0].get_visible() and axes[0].get_in_layout()


def _of_this_size(ax: Axes) -> tuple[list[list[float]], list[float]]:
    """What is other on other axes: where ticks are, and how high texts that go on in a second line."""
    ticks = [list(axis.get_majorticklocs()) for axis in (ax.xaxis, ax.yaxis)]
    texts = [one for one in ax.get_children() if isinstance(one, Text) and one.get_wrap()]
    return ticks, [text.get_window_extent().height for text in (*texts, ax.xaxis.label)]


P = ParamSpec("P")

# The default of `ax`: a figure's decorator puts axes in its place.
NEW: Any = None

_AX = """ax : Axes, optional
    Where to draw; a new figure unless given.

Returns
-------
Axes"""


def figure(
    height: float | Callable[[Any], float] = 2.9,
) -> Callable[[Callable[P, Axes]], Callable[P, Axes]]:
    """Draw in the house style on the axes given or on new ones, and leave the reader's style alone.

    `height`, in inches, may depend on the first argument. The docstring of the figure gets the
    paragraphs of `ax` and of what is returned.
    """

    def decorate(draw: Callable[P, Axes]) -> Callable[P, Axes]:
        signature = inspect.signature(draw)

        @functools.wraps(draw)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> Axes:
            given = signature.bind(*args, **kwargs)
            language = given.arguments.get("say") or spoken()
            begin: Literal["left", "right"] = "right" if language.direction == "rtl" else "left"
            with mpl.rc_context({**HOUSE_STYLE, "axes.titlelocation": begin}):
                if given.arguments.get("ax") is None:
                    first = next(iter(given.arguments.values()))
                    given.arguments["ax"] = new_axes(height(first) if callable(height) else height)
                axes = draw(*given.args, **given.kwargs)
                # Titles and labels that are longer than English go on in a second line.
                if title := axes.get_title(begin):
                    axes.set_title(title, loc=begin, wrap=True)
                axes.xaxis.label.set_wrap(True)
                for axis in (axes.xaxis, axes.yaxis):
                    if language != ENGLISH and type(axis.get_major_formatter()) is ScalarFormatter:
                        axis.set_major_formatter(NumberTicks(language))
                return axes

        setattr(drawn, _HEIGHT, height)
        drawn.__doc__ = _with_ax(inspect.cleandoc(draw.__doc__ or ""))
        return drawn

    return decorate


_HEIGHT = "_retention_models_height"


def size_of(draw: Callable[..., Axes], first: Any) -> tuple[float, float]:
    """Width and height in inches that a decorated function takes for `first`."""
    height = getattr(draw, _HEIGHT)
    return 4.6, float(height(first) if callable(height) else height)


def _with_ax(doc: str) -> str:
    """A docstring with the paragraphs of `ax` and of what is returned after its other parameters."""
    head, raises, rest = doc.partition("\n\nRaises\n")
    if "\nParameters\n" not in head:
        head += "\n\nParameters\n----------"
    return f"{head}\n{_AX}{raises}{rest}"


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


def short_month(day: dt.date) -> str:
    """The month of a day where room is short: Jan."""
    return spoken().short_month(day)


def count_ticks(language: Language | None = None) -> FuncFormatter:
    """Ticks at whole numbers: 1,234; in the language that is spoken, unless another is given."""
    said = language or spoken()
    return FuncFormatter(lambda value, _: said.figures(f"{value:,.0f}"))


class ShareTicks(PercentFormatter):
    """Ticks at shares from 0 to 1, in percent of the language spoken, unless another is given."""

    def __init__(self, decimals: int | None = None, language: Language | None = None) -> None:
        super().__init__(1.0, decimals, symbol="")
        self._language = language or spoken()

    def format_pct(self, x: float, display_range: float) -> str:
        """The label of a tick."""
        number = self._language.figures(super().format_pct(x, display_range))
        return self._language.percent(number)


class NumberTicks(ScalarFormatter):
    """Ticks at numbers with as many digits as they need, in the language that is spoken."""

    def __init__(self, language: Language | None = None) -> None:
        super().__init__()
        self._language = language or spoken()

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick."""
        return self._language.figures(super().__call__(x, pos))


# Matplotlib's own formats of days, with a month's number where they have its English name.
_DAYS = ("%Y", "<%m>", "%d", "%H:%M", "%H:%M", "%S.%f")
_FIRST_DAYS = ("", "%Y", "<%m>", "<%m>-%d", "%H:%M", "%H:%M")
_AROUND = ("", "%Y", "%Y-<%m>", "%Y-<%m>-%d", "%Y-<%m>-%d", "%Y-<%m>-%d %H:%M")


class _DayTicks(ConciseDateFormatter):
    def __init__(self, locator: AutoDateLocator, offset: bool) -> None:
        formats = (list(_DAYS), list(_AROUND), list(_FIRST_DAYS))
        super().__init__(locator, None, *formats, show_offset=offset)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return [_with_month(label) for label in super().format_ticks(values)]

    def get_offset(self) -> str:
        return _with_month(super().get_offset())


def _with_month(label: str) -> str:
    # Any year's month; digits of days and years are numbers without separators.
    pieces = re.split(r"<(\d\d)>", label)
    pieces[::2] = [re.sub(r"\d+", lambda found: spoken().figures(found[0]), p) for p in pieces[::2]]
    pieces[1::2] = [spoken().short_month(dt.date(2000, int(p), 1)) for p in pieces[1::2]]
    return "".join(pieces)


def day_ticks(ax: Axes, *, offset: bool = True) -> None:
    """Give an axis of time six ticks at most, and the year beside them unless `offset` is False."""
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(_DayTicks(locator, offset))
