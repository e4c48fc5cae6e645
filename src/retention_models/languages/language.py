"""One language: its direction, its sentences for the English ones, and how it writes numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Literal

from retention_models.languages.english import MONTHS, WORDS

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
    translations : gettext.NullTranslations
        From whole English sentences with named places to those of the language; which places a sentence
        uses, and in what order, is the language's own affair. A sentence that is not translated stays
        English.
    separators : tuple of str
        Of thousands, and of decimals.
    """

    code: str
    direction: Literal["ltr", "rtl"]
    translations: NullTranslations = field(default_factory=NullTranslations, repr=False)
    separators: tuple[str, str] = (",", ".")

    def phrase(self, sentence: str, /, **places: object) -> str:
        """An English sentence in this language, with its places filled.

        Examples
        --------
        >>> ENGLISH.phrase("Hello, {name}.", name="Ada")
        'Hello, Ada.'
        """
        return self._filled(self.translated(sentence), places)

    def text(self, key: str, /, **places: object) -> str:
        """The sentence of a key of `english.WORDS`, with its places filled.

        Examples
        --------
        >>> ENGLISH.text("range", low=1, high=2)
        '1 to 2'
        """
        return self.phrase(WORDS[key], **places)

    def translated(self, sentence: str) -> str:
        """An English sentence in this language, its places unfilled."""
        # Of the empty text gettext says what it knows of the file.
        return self.translations.gettext(sentence) if sentence else ""

    def translated_plural(self, one: str, many: str, n: int) -> str:
        """The form for a number of things."""
        return self.translations.ngettext(one, many, n)

    def plural(self, one: str, many: str, n: int, /, **places: object) -> str:
        """A sentence about a number of things; the place {n} is the number.

        Examples
        --------
        >>> ENGLISH.plural("{n} customer", "{n} customers", 1200)
        '1,200 customers'
        """
        return self._filled(
            self.translated_plural(one, many, n), {"n": self.figures(f"{n:,}"), **places}
        )

    def counted(self, key: str, n: int, /, **places: object) -> str:
        """A sentence about a number of things, from the key's `.one` or `.many` in `english.WORDS`."""
        return self.plural(WORDS[f"{key}.one"], WORDS[f"{key}.many"], n, **places)

    def _filled(self, sentence: str, places: dict[str, object]) -> str:
        return sentence.format(**{name: self.isolated(value) for name, value in places.items()})

    def isolated(self, value: object) -> str:
        """A value that keeps its own direction: from right to left, −3 would be read as 3−."""
        shown = value if isinstance(value, str) else str(value)
        return shown if self.direction == "ltr" else _FIRST_STRONG + shown + _POP

    def alone(self, text: str) -> str:
        """A text that stands by itself, as in a table's cell: figures keep their own direction.

        From right to left, .007 would be read as 007. otherwise.
        """
        return text if any(map(str.isalpha, text)) else self.isolated(text)

    def figures(self, number: str) -> str:
        """A number as Python writes it, with the language's separators: 1,234.5 or 1.234,5."""
        if self.separators == (",", "."):
            return number
        thousands, decimal = self.separators
        return number.translate({ord(","): thousands, ord("."): decimal})

    def share(self, value: float, digits: int = 0) -> str:
        """A share in percent: 12%, or as the language writes it."""
        number = f"{value:.{digits}%}".removesuffix("%").replace("-", "−")
        return self.percent(self.figures(number))

    def percent(self, number: str) -> str:
        """A number, as text, with the sign of percent where the language has it."""
        return self.translated(WORDS["percent"]).format(n=number)

    def day(self, value: dt.date) -> str:
        """A day as readers write it: 31 December 2017."""
        month = self.translated(MONTHS[value.month - 1])
        return self.text("day", day=value.day, month=month, year=value.year)


ENGLISH = Language("en", "ltr")
