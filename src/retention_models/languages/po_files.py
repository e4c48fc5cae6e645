"""A PO file for a translator: every sentence of the pages, with what is translated of them already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from retention_models.errors import SettingsError
from retention_models.languages.sentences import Sentence
from retention_models.languages.translations import known_locale, read_catalog

_ABOUT = """\
# Sentences of the pages of retention_models. A word in braces is a place that is filled: keep
# its name, put it where the language wants it, or leave it out. What is not translated stays
# English."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a translation is: sentences in all, and how many of them are translated."""

    sentences: int
    translated: int


def write_translation(code: str, path: Path, sentences: Sequence[Sentence]) -> Progress:
    """Write a PO file of sentences, or bring one that is there up to date.

    Parameters
    ----------
    code : str
        The language (BCP 47), which gives the file its plural forms.
    path : Path
        What is translated in it already is kept; what was the translation of a similar sentence is kept
        as fuzzy, for a person to look at.
    sentences : sequence of Sentence
        From `page_sentences`.

    Returns
    -------
    Progress

    Raises
    ------
    SettingsError
        If the language is not known, or the file is none of PO.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    locale = known_locale(code)
    about = {
        "project": "retention_models",
        "version": version("retention_models"),
        "header_comment": _ABOUT,
    }
    template = Catalog(**about)
    for one in sentences:
        template.add(
            one.text if one.plural is None else (one.text, one.plural), locations=[(one.place, 0)]
        )
    catalog = read_catalog(path) if path.exists() else Catalog(locale, **about)
    catalog.locale, catalog.fuzzy = locale, False
    catalog.update(template)
    aside = path.with_name(f".{path.name}.new")
    try:
        with aside.open("wb") as file:
            write_po(file, catalog, include_lineno=False, width=100)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SettingsError(f"{path}: cannot be written ({error.strerror}).") from None
    messages = [one for one in catalog if one.id]
    done = sum(bool(one.string) and all(one.string) and not one.fuzzy for one in messages)
    return Progress(len(messages), done)
