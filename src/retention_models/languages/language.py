"""One language: its code, its direction, its months, and its sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Unicode's own marks, since sentences stand in attributes and style sheets too.
_FIRST_STRONG, _POP = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages can be in.

    Attributes
    ----------
    code : str
        As HTML's `lang` has it (BCP 47): "en", "fa".
    direction : str
        "ltr" or "rtl", as HTML's `dir`.
    months : tuple of str
        The names of the twelve months, as they stand in a date.
    words : mapping
        From keys to whole sentences with named places; which places a sentence uses, and in what
        order, is the language's own affair. Keys are those of `english.WORDS`.
    """

    code: str
    direction: Literal["ltr", "rtl"]
    months: tuple[str, ...]
    words: Mapping[str, str] = field(repr=False)

    def text(self, key: str, **places: object) -> str:
        """A sentence with its places filled.

        Examples
        --------
        >>> Language("en", "ltr", (), {"hello": "Hello, {name}."}).text("hello", name="Ada")
        'Hello, Ada.'
        """
        filled = {name: self.isolated(value) for name, value in places.items()}
        return self.words[key].format(**filled)

    def isolated(self, value: object) -> str:
        """A value that keeps its own direction: from right to left, −3 would be read as 3−."""
        shown = value if isinstance(value, str) else str(value)
        return shown if self.direction == "ltr" else _FIRST_STRONG + shown + _POP

    def counted(self, key: str, n: int, **places: object) -> str:
        """A sentence about a number of things, from the key's `.one` or `.many`."""
        return self.text(f"{key}.{'one' if n == 1 else 'many'}", n=f"{n:,}", **places)

    def day(self, value: dt.date) -> str:
        """A day as readers write it: 31 December 2017."""
        month = self.months[value.month - 1]
        return self.text("day", day=value.day, month=month, year=value.year)
