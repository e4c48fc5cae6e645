"""Sentences and numbers in the language that is spoken: English, until `speak` says otherwise.

A notebook is a process of its own and a run is of one project, so one language is spoken at a time;
whoever needs another beside it asks that `Language` itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from retention_models.languages.language import ENGLISH, Language

# Of the process, not of a context: its threads speak it too.
_spoken: list[Language] = [ENGLISH]


def spoken() -> Language:
    """The language of `phrase` and of the numbers in words."""
    return _spoken[0]


def speak_in(language: Language) -> None:
    """From here on, phrases are of this language."""
    _spoken[0] = language


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within a block, phrases are of this language.

    Examples
    --------
    >>> from gettext import NullTranslations
    >>> with speaking(Language("de", "ltr", NullTranslations(), (".", ","))):
    ...     count(1234)
    '1.234'
    """
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
    """A count with its noun: 1 customer, 2 customers.

    Parameters
    ----------
    n : int
    singular, plural : str
        Nouns, literals as in `phrase`; the plural adds an s unless given.
    """
    return spoken().plural(f"{{n}} {singular}", f"{{n}} {plural or singular + 's'}", n)


def plural(one: str, many: str, n: int, /, **places: object) -> str:
    """A sentence about a number of things, {n}, in the language that is spoken.

    Examples
    --------
    >>> plural("{n} list is empty.", "{n} lists are empty.", 2)
    '2 lists are empty.'
    """
    return spoken().plural(one, many, n, **places)


def marked(sentence: str) -> str:
    """The sentence itself: it is said elsewhere, by `phrase`, and is to be translated."""
    return sentence


def catalogue(sentences: Mapping[str, str]) -> Mapping[str, str]:
    """The mapping itself, from keys to sentences said by `phrase`, all of which are to be translated."""
    return sentences


def day(value: dt.date) -> str:
    """A day as readers write it: 31 December 2017."""
    return spoken().day(value)


def number(value: float) -> str:
    """A number with as many digits as a reader can use: 1,234 · 12.3 · 0.45."""
    size = abs(value)
    return decimals(value, 0 if size >= 100 else 1 if size >= 1 else 2)


def count(value: float) -> str:
    """A number of things: 1,234."""
    return decimals(value, 0)


def decimals(value: float, digits: int, *, signed: bool = False) -> str:
    """A number with so many digits behind the point: −1.50; with its sign where that is asked for.

    Examples
    --------
    >>> decimals(-1.5, 2), decimals(1.5, 1, signed=True)
    ('−1.50', '+1.5')
    """
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    return spoken().figures(text.replace("-", "−"))


def share(value: float, digits: int = 0) -> str:
    """A share in percent: 12%."""
    return spoken().share(value, digits)


def money(value: float, currency: str) -> str:
    """An amount with its currency; cents only where they matter."""
    amount = decimals(value, 0 if abs(value) >= 100 else 2)
    return spoken().text("amount", amount=amount, currency=currency)


def ends(low: str, high: str) -> str:
    """The ends of an interval: 1,499 to 1,826."""
    return spoken().text("range", low=low, high=high)
