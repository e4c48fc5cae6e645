"""A language of one word: whatever else stands on a page in it has been left untranslated."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from retention_models.languages.po_files import write_translation
from retention_models.languages.sentences import page_sentences
from retention_models.reports.choices import own_notebooks

WORD = "كلمة"
CODE = "ar"


def in_one_word(sentence: str) -> str:
    """A sentence all of whose words are the one, with the same places."""
    pieces = re.split(r"(\{\w+\})", sentence)
    return "".join(
        one if one.startswith("{") else re.sub(r"[A-Za-z]+", WORD, one) for one in pieces
    )


def write_one_word(path: Path) -> Path:
    """The translation as a translator's file: every sentence, in every form of the plural."""
    write_translation(CODE, path, page_sentences(own_notebooks()))
    with path.open("rb") as file:
        catalog = read_po(file)
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = (in_one_word(message.id[1]),) * catalog.num_plurals
        elif message.id:
            message.string = in_one_word(message.id)
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
