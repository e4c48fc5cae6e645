"""The house style of figures: colours, sizes, and how a drawing function takes them on.

Figures are 4.6 inches wide: at a telephone's width, 390 pixels, a label of 10.2 points has 11. The
colours are Okabe and Ito's, told apart by colour-blind readers; lines are labelled where they end.
Numbers and days on axes are written as the language writes them that is spoken when they are drawn.
"""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter, ScalarFormatter

from retention_models.languages import ENGLISH, Language, spoken
from retention_models.languages.directions import LEFT, POP, RIGHT

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
    return Figure(figsize=(width, height), layout="constrained").subplots()


P = ParamSpec("P")

_PLACES = re.compile(r'\b(?:d|x|y|transform)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")
_MARK = re.compile(r'id="(m[0-9a-f]{10})"')
_ALIKE = re.compile(
    r'\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="([^"]*)"/>'
    r'(?:\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="\1"/>)+'
)


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


def as_svg(figure: Figure, language: Language | None = None) -> str:
    """A figure as SVG in a language, or the one spoken; no date, so that like data give a like page."""
    buffer = io.StringIO()
    with mpl.rc_context(HOUSE_STYLE), warnings.catch_warnings():
        # Text stays text: the reader's browser has the letters that the font here has not.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        with _laid_out(figure):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _directed(_slim(buffer.getvalue()), language or spoken())


def _directed(svg: str, language: Language) -> str:
    """Labels in the direction of the language: a picture of its own knows none of the page's."""
    if language.direction == "ltr":
        return re.sub(f"[{LEFT}-{POP}\u2060]", "", svg)
    return re.sub(
        r"(<text\b[^>]*>)([^<]+)(?=</text>)", lambda found: found[1] + _label_of(found[2]), svg
    )


def _label_of(text: str) -> str:
    mark = RIGHT if any(map(str.isalpha, text)) else LEFT
    return f"{mark}{text}{POP}"


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Do a figure's layout as `savefig` does, which would draw it once more for that."""
    engine, canvas, dpi = figure.get_layout_engine(), figure.canvas, figure.dpi
    if engine is None:
        yield
        return
    FigureCanvasSVG(figure)
    figure.dpi = FigureCanvasSVG.fixed_dpi
    engine.execute(figure)
    figure.dpi = dpi
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_canvas(canvas)
        figure.set_layout_engine(engine)


def _slim(svg: str) -> str:
    """The same picture in fewer letters: a page of 500 stores has one point for each of them.

    No metadata; coordinates to a hundredth of a point; marks of one look grouped, and named by number.
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
