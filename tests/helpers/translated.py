"""English in other letters: whatever stands on a page in Latin ones has been left untranslated."""

from __future__ import annotations

import base64
import html
import re
import string
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from retention_models.languages.sentences import page_sentences
from retention_models.languages.translations import write_translation
from retention_models.pages.html.notebooks import own_notebooks

CODE = "ar"
_LETTERS = {
    ord(letter): chr(first + place)
    for letters, first in ((string.ascii_lowercase, 0x0621), (string.ascii_uppercase, 0x0671))
    for place, letter in enumerate(letters)
}


def in_other_letters(sentence: str) -> str:
    """A longer sentence in Arabic letters, with the same places; other sentences stay others."""
    pieces = re.split(r"(\{\w+\})", sentence)
    said = "".join(one if one.startswith("{") else one.translate(_LETTERS) for one in pieces)
    # Longer by a third, as many a language is than English.
    longer = "\u0637\u0648\u064a\u0644 " * (len(re.sub(r"\W+", "", sentence)) // 15)
    return longer + said


def other_words_of(page: str) -> int:
    """How many words are in other letters."""
    return len(re.findall(r"[\u0621-\u069f]{2,}", page))


def write_translation_in_other_letters(path: Path) -> Path:
    """The translation as a translator's file: every sentence, in every form of the plural."""
    write_translation(CODE, path, page_sentences(own_notebooks()))
    with path.open("rb") as file:
        catalog = read_po(file)
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = (in_other_letters(message.id[1]),) * catalog.num_plurals
        elif message.id:
            message.string = in_other_letters(message.id)
    with path.open("wb") as file:
        write_po(file, catalog)
    return path


def english_of(page: str, given: set[str]) -> set[str]:
    """Latin words of what a reader sees or hears of a page, but for those that it was given."""
    figures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    page += "".join(base64.b64decode(figure).decode("utf-8") for figure in figures)
    page = re.sub(r"<!--.*?-->|<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    heard = re.findall(
        r"\b(?:alt|title|aria-label|data-label|data-find|data-found|data-sort-by|data-show-code)"
        r'="([^"]*)"',
        page,
    )
    seen = re.sub(r'<(?:"[^"]*"|[^">])*>', " ", page)
    words = re.findall(r"[A-Za-z]{2,}", html.unescape(" ".join([seen, *heard])))
    return set(words) - given
