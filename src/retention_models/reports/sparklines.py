"""A line as small as a word: twelve months in a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

_WIDTH, _HEIGHT, _EDGE = 96, 24, 3
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
    'data:image/svg+xml,%'
    """
    top = max((v for v in values if v is not None), default=0.0) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    points = [
        None
        if value is None
        else (
            f"{_EDGE + place * step:.1f}",
            f"{_HEIGHT - _EDGE - value / top * (_HEIGHT - 2 * _EDGE):.1f}",
        )
        for place, value in enumerate(values)
    ]
    path, pen = "", "M"
    for point in points:
        path += f"{pen}{' '.join(point)}" if point else ""
        pen = "L" if point else "M"
    dots = "".join(
        f"<circle cx='{point[0]}' cy='{point[1]}' r='2'/>"
        for point in [p for p in points if p][-1:]
    )
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' fill='{_BLUE}'>"
        f"<path d='{path}' fill='none' stroke='{_BLUE}' stroke-width='1.5' stroke-linecap='round'/>"
        f"{dots}</svg>"
    )
    return f"data:image/svg+xml,{quote(svg, safe=' =:/.,')}"
