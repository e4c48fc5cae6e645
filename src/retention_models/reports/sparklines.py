"""A line as small as a word: twelve months in a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

# In halves of a pixel, which are whole numbers and short ones.
_WIDTH, _HEIGHT, _EDGE = 192, 48, 6
_AS_IT_IS = " =:/.,'<>"  # what a data: address in double quotes may hold
_BLUE = "#0b5c8f"


def sparkline(values: Sequence[float | None]) -> str:
    """A line through values, from 0 up, as the address of a picture that holds it.

    Parameters
    ----------
    values : sequence of float or None
        In order of time; where one is missing the line has a gap.

    Returns
    -------
    str
        A data: address, for the src of an <img> 96 by 24 pixels.

    Examples
    --------
    >>> sparkline([1, 2])[:20]
    'data:image/svg+xml,<'
    """
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
