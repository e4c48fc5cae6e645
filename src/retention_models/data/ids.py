"""Ids of a second file held against the known ones: which change of spelling would make them equal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from retention_models.languages import marked, phrase

# An unknown id that one of these makes known is most likely the same customer's.
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Mending:
    """A change of spelling, how many of the unknown ids (different ones) it makes known, and one."""

    sentence: str  # in English, with {digits} as a place in one of them
    made_known: int
    unknown: int
    given: str
    known: str
    digits: int = 0  # of the known ids, where they are as long as each other

    @property
    def words(self) -> str:
        """The change in the language that is spoken."""
        return phrase(self.sentence, digits=self.digits)

    @property
    def english(self) -> str:
        """The change as a message of an error says it."""
        return self.sentence.format(digits=self.digits)

    def __str__(self) -> str:
        return (
            f"{self.made_known:,} of {self.unknown:,} unknown ids are known ones {self.english}: "
            f"{self.given!r} is {self.known!r}"
        )


def _without_blanks(text: str) -> str:
    # Zero-width blanks and byte order marks are "Cf", which strip() keeps.
    while text and (text[0].isspace() or unicodedata.category(text[0]) in ("Cf", "Cc")):
        text = text[1:]
    while text and (text[-1].isspace() or unicodedata.category(text[-1]) in ("Cf", "Cc")):
        text = text[:-1]
    return text


def _without_zeros(text: str) -> str:
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def _without_decimals(text: str) -> str:
    whole, point, rest = text.partition(".")
    return whole if point and whole.isdigit() and rest and not rest.strip("0") else text


def _in_one_form(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _in_all(text: str) -> str:
    plain = _without_blanks(_in_one_form(text)).casefold()
    return _without_zeros(_without_decimals(plain))


# The simplest first: of two that do equally well, it is the one named.
_SPELLINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (marked("without the blanks around them"), _without_blanks),
    (marked("in the same upper or lower case"), str.casefold),
    (marked("in one Unicode form (NFKC)"), _in_one_form),
    (marked("with the same zeros in front"), _without_zeros),
    (marked("without the .0 behind them"), _without_decimals),
    (marked("without blanks, case, zeros in front and .0 behind them"), _in_all),
)


def mending(known: pd.Series, given: pd.Series) -> Mending | None:
    """The change of spelling that makes most of the unknown of the given ids known; None below half."""
    have = pd.Index(known.dropna().astype(str).unique())
    asked = pd.Index(given.dropna().astype(str).unique())
    unknown = asked[~asked.isin(have)]
    best: Mending | None = None
    for words, spelled in _SPELLINGS if len(unknown) else ():
        by_spelling = dict(zip(map(spelled, have), have, strict=True))
        pairs = [
            (text, by_spelling[spelled(text)]) for text in unknown if spelled(text) in by_spelling
        ]
        enough = len(pairs) >= _ENOUGH * len(unknown)
        if pairs and enough and (best is None or len(pairs) > best.made_known):
            first_given, first_known = pairs[0]
            said, digits = _padding(pairs, words) if spelled is _without_zeros else (words, 0)
            best = Mending(said, len(pairs), len(unknown), first_given, first_known, digits)
    return best


def _padding(pairs: list[tuple[str, str]], words: str) -> tuple[str, int]:
    """What to say, and to how many digits the given ids are to be padded, where that is one number."""
    lengths = {len(known) for _, known in pairs}
    longer = all(len(given) < len(known) for given, known in pairs)
    if longer and len(lengths) == 1:
        return marked("padded with zeros to {digits} digits"), lengths.pop()
    if all(len(given) > len(known) for given, known in pairs):
        return marked("without the zeros in front"), 0
    return words, 0


def likely_mending(known: pd.Series, given: pd.Series) -> str | None:
    """How the given ids that are unknown would be known, in words; None where no spelling does it."""
    found = mending(known, given)
    return None if found is None else str(found)


# Customers of another place, or who never bought, are some; more look like another spelling.
_PLAUSIBLE = 0.05


def unknown_ids(known: pd.Series, given: pd.Series) -> tuple[str | None, bool]:
    """What is to be said of ids of surveys or events that the log does not hold, None for few.

    And whether a spelling makes most of them known, so that the file names customers otherwise.
    """
    asked = given.dropna().astype(str).drop_duplicates()
    unknown = int((~asked.isin(set(known.astype(str)))).sum())
    if unknown <= _PLAUSIBLE * len(asked):
        return None, False
    said = likely_mending(known, given)
    advice = f"{said}. Mend the ids in the export." if said else "Are they of another system?"
    told = f"{unknown:,} of {len(asked):,} customer ids are unknown to the transactions. {advice}"
    return told, said is not None
