"""How results show themselves to an analyst: two lines of text, a table in a notebook, a figure."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from retention_models.errors import SettingsError
from retention_models.languages.language import number

if TYPE_CHECKING:
    import pandas as pd

# Where figures are drawn. It lies above all results, so that only its name is known here, as pandas
# knows the names of its plotting backends.
_FIGURES = "retention_models.pages.plots"
_ROWS = 20
_LARGE = 1000.0


class _Ends(Protocol):
    """An interval, by what it holds."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Card:
    """What a result shows of itself."""

    title: str
    facts: Mapping[str, str]  # label → what it says; an empty text is left out
    table: pd.DataFrame | None = None  # shown below in a notebook, its first rows where it is long

    def text(self) -> str:
        """Two lines."""
        facts = "; ".join(f"{label} {said}" for label, said in self.facts.items() if said)
        return f"<{self.title}>\n{facts}"

    def html(self) -> str:
        """A table of HTML, whose every text is escaped."""
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(label)}</th>'
            f'<td style="text-align:left">{escape(said)}</td></tr>'
            for label, said in self.facts.items()
            if said
        )
        style = "text-align:left;white-space:nowrap"
        caption = f'<caption style="{style}">{escape(self.title)}</caption>'
        below = (
            ""
            if self.table is None
            else self.table.to_html(border=0, max_rows=_ROWS, float_format=_digits)
        )
        return f"<table>{caption}<tbody>{rows}</tbody></table>{below}"


class Result:
    """A result that shows itself as two lines, and as a table where a notebook asks for HTML."""

    __slots__ = ()

    _figure: ClassVar[str | None] = None

    def _card(self) -> Card:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()

    def plot(self, ax: Any = None) -> Any:
        """Draw it, as `retention_models.plots` does.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a new figure of pyplot's unless given, which a notebook shows.

        Returns
        -------
        Axes

        Raises
        ------
        SettingsError
            If there is no figure of this kind of result.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
        >>> log = shop.log(until="2023-12-30")
        >>> found = rm.validate_holdout(log, calibration_end="2023-09-30", holdout_end="2023-12-30")
        >>> found.plot().get_xlabel()
        'repeat purchases before the holdout'
        """
        if self._figure is None:
            raise SettingsError(f"{type(self).__name__} has no figure of its own.")
        return importlib.import_module(_FIGURES).draw(self._figure, self, ax)


def _digits(value: float) -> str:
    """Four digits of small numbers, all whole ones of large."""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"


def with_ends(interval: _Ends | None) -> str:
    """A value and the ends of its interval, or nothing where there is none."""
    if interval is None:
        return ""
    value, low, high = (number(part) for part in (interval.value, interval.low, interval.high))
    return value if low == high == value else f"{value} ({low} to {high})"
