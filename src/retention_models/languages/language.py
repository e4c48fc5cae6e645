"""One language: its direction, its sentences for the English ones, and how it writes numbers.

Sentences and numbers in the language that is spoken: English, until `speak` says otherwise.

A notebook is a process of its own and a run is of one project, so one language is spoken at a time;
whoever needs another beside it asks that `Language` itself.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Any, Literal
from unicodedata import bidirectional

from retention_models.languages.directions import JOINER, is_english, isolated
from retention_models.languages.persian_calendar import persian_day
from retention_models.languages.template_words import MONTHS, SHORT_MONTHS, WORDS

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages can be in.

    `translations` go from whole English sentences with named places to those of the language; which
    places a sentence uses, and in what order, is the language's own affair. What is not translated
    stays English, marked as that.
    """

    code: str  # as HTML's `lang` has it (BCP 47): "en", "fa"
    direction: Literal["ltr", "rtl"]
    translations: NullTranslations = field(default_factory=NullTranslations, repr=False)
    separators: tuple[str, str] = (",", ".")  # of thousands, and of decimals
    digits: str = "0123456789"
    percent_form: str = "{n}%"
    locale: Any = field(default=None, repr=False)  # Babel's; None is English
    missing: frozenset[str] = field(default=frozenset(), repr=False)  # English, not translated

    def phrase(self, sentence: str, /, **places: object) -> str:
        """An English sentence in this language, with its places filled."""
        return self._filled(self.translated(sentence), places)

    def text(self, key: str, /, **places: object) -> str:
        """The sentence of a key of `template_words.WORDS`, with its places filled.

        >>> ENGLISH.text("range", low=1, high=2)
        '1 to 2'
        """
        return self.phrase(WORDS[key], **places)

    def translated(self, sentence: str) -> str:
        """An English sentence in this language, its places unfilled."""
        # Of the empty text gettext says what it knows of the file.
        return self.translations.gettext(sentence) if sentence else ""

    def translated_or_own(self, text: str) -> str:
        """An English sentence in this language, or a text that is in it already, as it is."""
        found = self.translated(text)
        # English is what is known to be missing, or has no letter of a language from right to left.
        own = self.direction == "ltr" or any(bidirectional(one) in ("R", "AL") for one in text)
        return text if own and is_english(found) and text not in self.missing else found

    def translated_plural(self, one: str, many: str, n: int) -> str:
        """The form for a number of things."""
        return self.translations.ngettext(one, many, n)

    def plural(self, one: str, many: str, n: int, /, **places: object) -> str:
        """A sentence about a number of things; the place {n} is the number."""
        return self._filled(
            self.translated_plural(one, many, n), {"n": self.figures(f"{n:,}"), **places}
        )

    def counted(self, key: str, n: int, /, **places: object) -> str:
        """A sentence about a number of things, from the key's `.one` or `.many` in `english.WORDS`."""
        return self.plural(WORDS[f"{key}.one"], WORDS[f"{key}.many"], n, **places)

    def listed(self, names: Sequence[str]) -> str:
        """Names as a list in a sentence: a, b and c; or as the language writes it."""
        shown = [self.isolated(name) for name in names]
        if self.locale is not None:
            from babel.lists import format_list

            return str(format_list(shown, "standard", self.locale))
        return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))

    def clauses(self, said: Sequence[str]) -> str:
        """Clauses of a sentence, one after the other: a; b; c."""
        whole, *rest = said or [""]
        for one in rest:
            whole = self.text("clauses", before=whole, after=one)
        return whole

    def _filled(self, sentence: str, places: dict[str, object]) -> str:
        return sentence.format(**{name: self.isolated(value) for name, value in places.items()})

    def isolated(self, value: object) -> str:
        """A value that keeps its own direction: from right to left, −3 would be read as 3−."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        shown = value if isinstance(value, str) else str(value)
        if number:
            shown = self.figures(shown)
        elif self.locale is not None and _DAY.fullmatch(shown):
            shown = self.day(dt.date.fromisoformat(shown))
        return shown if self.direction == "ltr" else isolated(shown)

    def alone(self, text: str) -> str:
        """A text that stands by itself, as in a table's cell: figures keep their own direction.

        From right to left, .007 would be read as 007. otherwise.
        """
        return text if any(map(str.isalpha, text)) else self.isolated(text)

    def figures(self, number: str) -> str:
        """A number as Python writes it, with the language's separators and digits: 1.234,5."""
        thousands, decimal = self.separators
        signs = {ord(","): thousands, ord("."): decimal}
        return self.in_digits(number.translate(signs))

    def in_digits(self, text: str) -> str:
        """A text with the language's digits, such as a moment; all else as it is."""
        return text.translate({ord("0") + n: digit for n, digit in enumerate(self.digits)})

    def share(self, value: float, digits: int = 0) -> str:
        """A share in percent: 12%, or as the language writes it."""
        number = f"{value:.{digits}%}".removesuffix("%").replace("-", "−")
        return self.percent(self.figures(number))

    def percent(self, number: str) -> str:
        """A number, as text, with the sign of percent where the language has it."""
        # Turkish has the sign of percent before the number, and plus and minus before both.
        sign = number[:1] if number[:1] in ("+", "−", "-") else ""
        # Between the two no line ends.
        joined = "" if not sign or self.percent_form.startswith("{") else JOINER
        return sign + joined + self.percent_form.format(n=number[len(sign) :])

    def day(self, value: dt.date) -> str:
        """A day as readers write it: 31 December 2017; in Persian in both calendars."""
        if self.locale is None:
            return f"{value.day} {MONTHS[value.month - 1]} {value.year}"
        from babel.dates import format_date

        shown = format_date(value, "long", self.locale)
        if self._is_of_iran():
            shown = f"{persian_day(value)} / {shown}"
        return self.in_digits(shown)

    def day_of_year(self, value: dt.date) -> str:
        """A day of any year: 31 December."""
        persian = persian_day(value).rpartition(" ")[0] if self._is_of_iran() else ""
        english = f"{value.day} {MONTHS[value.month - 1]}"
        shown = self._dated("MMMMd", value, english)
        return self.in_digits(f"{persian} / {shown}") if persian else shown

    def _is_of_iran(self) -> bool:
        return self.code in {"fa", "fa-IR"}

    def short_day(self, value: dt.date, *, year: bool = True) -> str:
        """A day where room is short: 31 Dec 2017, or 31 Dec."""
        english = f"{value.day} {SHORT_MONTHS[value.month - 1]}"
        return self._dated("yMMMd" if year else "MMMd", value, english + f" {value.year}" * year)

    def short_month(self, value: dt.date, *, year: bool = False) -> str:
        """A month where room is short: Dec, or Dec 2017."""
        english = SHORT_MONTHS[value.month - 1]
        return self._dated("yMMM" if year else "LLL", value, english + f" {value.year}" * year)

    def _dated(self, skeleton: str, value: dt.date, english: str) -> str:
        if self.locale is None:
            return english
        from babel.dates import format_date, format_skeleton

        if skeleton == "LLL":
            shown = format_date(value, skeleton, self.locale)
        else:
            shown = format_skeleton(skeleton, value, locale=self.locale)
        return self.in_digits(shown)

    def moment(self, value: dt.datetime) -> str:
        """A moment as readers write it, with its zone: 31 December 2017, 23:05 UTC."""
        if self.locale is None:
            return f"{self.day(value.date())}, {value:%H:%M %Z}"
        from babel.dates import format_time, get_datetime_format

        time = format_time(value, "HH:mm", value.tzinfo, self.locale)
        both = str(get_datetime_format("medium", self.locale)).replace("'", "")
        zone = self.isolated(f"{value:%Z}")
        return both.format(f"{self.in_digits(time)} {zone}", self.day(value.date()))

    def probability(self, value: float, digits: int) -> str:
        """A probability with so many digits: .030 in English, 0,030 where a comma parts them."""
        shown = self.figures(f"{value:.{digits}f}")
        return shown.removeprefix("0") if self.locale is None else shown

    def capitalised(self, text: str) -> str:
        """A text with a capital at its beginning: the language's own, of i too."""
        place = next((n for n, one in enumerate(text) if one.isalpha()), len(text))
        # A digit, or a name with a direction of its own, begins the sentence as it is.
        if any(not one.isspace() and one.isprintable() for one in text[:place]):
            return text
        turkic = self.code.partition("-")[0] in {"tr", "az"}
        first = text[place : place + 1]
        return (
            text[:place] + ("İ" if turkic and first == "i" else first.upper()) + text[place + 1 :]
        )


ENGLISH = Language("en", "ltr")


# Of the process, not of a context: its threads speak it too.
_spoken: list[Language] = [ENGLISH]


def spoken() -> Language:
    """The language of `phrase` and of the numbers in words."""
    return _spoken[0]


def speak_in(language: Language) -> None:
    """From here on, phrases are of this language.

    Examples
    --------
    >>> from retention_models.languages.translations import read_translation
    >>> english = spoken()
    >>> speak_in(read_translation("tr"))
    >>> decimals(0.5, 1)
    '0,5'
    >>> speak_in(english)
    """
    _spoken[0] = language


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within a block, phrases are of this language."""
    before = spoken()
    speak_in(language)
    try:
        yield
    finally:
        speak_in(before)


def phrase(sentence: str, /, **places: object) -> str:
    """A sentence, or a label, in the language that is spoken.

    Parameters
    ----------
    sentence : str
        In English, with named places: a literal, so that whoever translates finds it (see
        `languages.sentences`).
    **places
        Finished texts: numbers and days by the functions below.

    Examples
    --------
    >>> phrase("Of {people}, {share} came back.", people=counted(7, "customer"), share=share(0.25))
    'Of 7 customers, 25% came back.'
    """
    return spoken().phrase(sentence, **places)


def counted(n: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun: 1 customer, 2 customers."""
    return spoken().plural(f"{{n}} {singular}", f"{{n}} {plural or singular + 's'}", n)


def plural(one: str, many: str, n: int, /, **places: object) -> str:
    """A sentence about a number of things, {n}, in the language that is spoken."""
    return spoken().plural(one, many, n, **places)


def marked(sentence: str) -> str:
    """The sentence itself: it is said elsewhere, by `phrase`, and is to be translated."""
    return sentence


def catalogue(sentences: Mapping[str, str]) -> Mapping[str, str]:
    """The mapping itself, from keys to sentences said by `phrase`, all of which are to be translated."""
    return sentences


def listed(names: Iterable[str]) -> str:
    """Names as a list in a sentence: a, b and c.

    >>> listed(["north"]), listed(["north", "south", "west"])
    ('north', 'north, south and west')
    """
    return spoken().listed(list(names))


def quoted(names: Iterable[str]) -> str:
    """Names in quotation marks, as a list in a sentence: “a” and “b”."""
    return listed(phrase("“{name}”", name=name) for name in names)


def clauses(said: Iterable[str]) -> str:
    """Clauses of a sentence, one after the other: a; b; c."""
    return spoken().clauses(list(said))


def day(value: dt.date) -> str:
    """A day as readers write it: 31 December 2017."""
    return spoken().day(value)


def day_of_year(value: dt.date) -> str:
    """A day of any year: 31 December."""
    return spoken().day_of_year(value)


def number(value: float) -> str:
    """A number with as many digits as a reader can use: 1,234 · 12.3 · 0.45."""
    size = abs(value)
    return decimals(value, 0 if size >= 100 else 1 if size >= 1 else 2)


def count(value: float) -> str:
    """A number of things: 1,234."""
    return decimals(value, 0)


def decimals(value: float, digits: int, *, signed: bool = False) -> str:
    """A number with so many digits behind the point: −1.50; with its sign where that is asked for.

    >>> decimals(-1.5, 2), decimals(1.5, 1, signed=True)
    ('−1.50', '+1.5')
    """
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    return spoken().figures(text.replace("-", "−"))


def probability(value: float, digits: int = 3) -> str:
    """A probability, such as of a test: .030 in English, with a nought before it elsewhere."""
    return spoken().probability(value, digits)


def share(value: float, digits: int = 0) -> str:
    """A share in percent: 12%."""
    return spoken().share(value, digits)


def signed_share(value: float, digits: int = 0) -> str:
    """A relative change in percent, with its sign: +12%."""
    return spoken().percent(decimals(100.0 * value, digits, signed=True))


def money(value: float, currency: str) -> str:
    """An amount with its currency; cents only where they matter."""
    amount = decimals(value, 0 if abs(value) >= 100 else 2)
    return spoken().text("amount", amount=amount, currency=currency)


def ends(low: str, high: str) -> str:
    """The ends of an interval: 1,499 to 1,826."""
    return spoken().text("range", low=low, high=high)


# A full stop that ends no sentence has a small letter behind it: 2017. január.
_STOP = re.compile(r"\. +(?=(\W*)(\w))")


def first_sentence(text: str) -> str:
    """The first sentence of a text.

    >>> first_sentence("2017. január 1. előtt nincs adat. Várjon.")
    '2017. január 1. előtt nincs adat.'
    """
    for found in _STOP.finditer(text):
        if not found[2].islower():
            return text[: found.start() + 1]
    return text


def duration(length: float, time_unit: str) -> str:
    """A length of time in words: 52 weeks."""
    # Half a week is half of weeks: only 1 is one.
    n = 1 if length == 1 else max(2, round(length))
    shown = spoken().figures(f"{length:g}")
    if time_unit == "D":
        return plural("{n} day", "{n} days", n, n=shown)
    if time_unit == "W":
        return plural("{n} week", "{n} weeks", n, n=shown)
    return plural("{n} month", "{n} months", n, n=shown)
