"""A figure → SVG: drawn once, its texts measured once, in few letters and in a language's direction."""

from __future__ import annotations

import functools
import io
import re
import warnings

import matplotlib as mpl
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from retention_models.languages import Language, spoken
from retention_models.languages.directions import LEFT, POP, RIGHT
from retention_models.pages.style import HOUSE_STYLE

_PLACES = re.compile(r'\b(?:d|x|y|transform)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")
_MARK = re.compile(r'id="(m[0-9a-f]{10})"')
_ALIKE = re.compile(
    r'\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="([^"]*)"/>'
    r'(?:\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="\1"/>)+'
)


def as_svg(figure: Figure, language: Language | None = None) -> str:
    """A figure as SVG in a language, or the one spoken; no date, so that like data give a like page."""
    buffer = io.StringIO()
    with mpl.rc_context(HOUSE_STYLE), warnings.catch_warnings():
        # Text stays text: the reader's browser has the letters that the font here has not.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        _draw(figure, buffer)
    return _directed(_slim(buffer.getvalue()), language or spoken())


def _draw(figure: Figure, buffer: io.StringIO) -> None:
    """Write a figure as `savefig` does, which draws it once more for its layout."""
    canvas, dpi = figure.canvas, figure.dpi
    try:
        figure.dpi = FigureCanvasSVG.fixed_dpi
        renderer = _Canvas(figure, buffer, dpi).get_renderer()
        figure.draw(renderer)
        renderer.finalize()
    finally:
        figure.dpi = dpi
        figure.set_canvas(canvas)


class _Canvas(FigureCanvasSVG):
    """Lays out with the renderer that draws: what that has measured is not measured anew."""

    def __init__(self, figure: Figure, buffer: io.StringIO, dpi: float) -> None:
        super().__init__(figure)
        svg = _Svg(*figure.bbox.size, buffer, image_dpi=dpi, metadata={"Date": None})
        self._renderer = MixedModeRenderer(figure, *figure.get_size_inches(), dpi, svg)

    def get_renderer(self) -> MixedModeRenderer:
        """The renderer of layout and drawing."""
        return self._renderer


class _Svg(RendererSVG):
    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool
    ) -> tuple[float, float, float]:
        """Size of a text in points; of a formula it depends on settings that no house style sets."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        return _size_of(s, prop)

    def _get_font_height_metrics(
        self, prop: FontProperties
    ) -> tuple[float, float, float] | tuple[None, None, None]:
        """Of a line of a font, which matplotlib from 3.11 on asks here, or else reads at each text."""
        return _height_of(prop)


@functools.lru_cache(64)
def _height_of(font: FontProperties) -> tuple[float, float, float] | tuple[None, None, None]:
    """Least ascent and descent of a line in points, and the gap between lines; None if not known."""
    found = get_font(findfont(font))
    lines, head = found.get_sfnt_table("OS/2"), found.get_sfnt_table("head")
    if lines is None or head is None:
        return None, None, None
    point = font.get_size_in_points() / head["unitsPerEm"]
    ascent, descent = lines["sTypoAscender"], -lines["sTypoDescender"]
    return ascent * point, descent * point, lines["sTypoLineGap"] * point


@functools.lru_cache(4096)
def _size_of(text: str, font: FontProperties) -> tuple[float, float, float]:
    """Kept from one figure to the next: their ticks, months and days are alike."""
    return text_to_path.get_text_width_height_descent(text, font, False)


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
