"""A translation as a PO file, the format of gettext and of every translator's editor → a `Language`.

A PO file for a translator: every sentence of the pages, with what is translated of them already.
"""

from __future__ import annotations

import io
import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.metadata import version
from pathlib import Path
from typing import Any

from retention_models.errors import SettingsError
from retention_models.languages.directions import as_english, is_english
from retention_models.languages.language import Language
from retention_models.languages.sentences import Sentence
from retention_models.languages.translator_notes import notes

_SHIPPED = Path(__file__).parent / "catalogues"


def shipped_languages() -> tuple[str, ...]:
    """Codes of the languages whose catalogues come with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.po")))


def shipped_catalogue(code: str) -> Path | None:
    """The package's own catalogue of a language, that of pt for pt-BR, or None."""
    for name in (code, code.partition("-")[0]):
        if name in shipped_languages():
            return _SHIPPED / f"{name}.po"
    return None


def read_translation(code: str, path: Path | None = None) -> Language:
    """Read a language (BCP 47, as HTML's `lang`) from a PO file, the package's own or both.

    An entry of `path` goes before the package's. How the language writes numbers and days and whether
    it runs from right to left is known of it (Unicode's CLDR, by Babel). A sentence that is not
    translated, or marked as fuzzy, stays English. SettingsError if the language is not known, or a
    translated sentence names a place that the English one has not.
    """
    if path is None:
        return _read(code, None, 0)
    try:
        written = path.stat().st_mtime_ns
    except OSError as error:
        raise SettingsError(
            f"{path}: the translation cannot be read ({error.strerror}). `retention words` writes a "
            "file to begin one from; `[reports] translation` names it."
        ) from None
    return _read(code, path, written)


@lru_cache(maxsize=8)
def _read(code: str, path: Path | None, _written: int) -> Language:
    locale = known_locale(code)
    shipped = shipped_catalogue(code)
    read = [(one, _checked(one)) for one in (path, shipped) if one is not None]
    found = [_compiled(one, catalog) for one, catalog in read]
    if not found:
        raise SettingsError(
            f"language: no translation into {code!r} comes with the package; expected one of "
            f"{', '.join(shipped_languages()) or 'none'}, or a PO file of yours in `translation`."
        )
    for one in [*found[1:], _English()]:
        found[0].add_fallback(one)
    missing = frozenset(
        text
        for _, catalog in read
        for one in catalog
        if one.id and (one.fuzzy or not _is_translated(one))
        for text in (one.id if isinstance(one.id, tuple) else (one.id,))
    )
    return _written_as(code, locale, found[0], missing)


class _English(NullTranslations):
    """What no catalogue has: English, told as that."""

    def gettext(self, message: str) -> str:
        return as_english(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return as_english(msgid1 if n == 1 else msgid2)


def _checked(path: Path) -> Any:
    catalog = read_catalog(path)
    for message in catalog:
        _check_places(path, message)
    return catalog


# The digit for nought of the systems that CLDR has as a language's own.
_NOUGHT = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀"}


def _written_as(
    code: str, locale: Any, translations: GNUTranslations, missing: frozenset[str]
) -> Language:
    """How a language writes numbers, days and percent, by Babel."""
    own = locale.default_numbering_system
    system = own if own in _NOUGHT else "latn"
    symbols = locale.number_symbols[system]
    nought = ord(_NOUGHT.get(system, "0"))
    pattern = locale.percent_formats[None]
    # Without CLDR's own marks: a number stands in an isolate.
    sign = symbols["percentSign"].strip("\u061c\u200e\u200f")
    before, after = (part.replace("%", sign) for part in (pattern.prefix[0], pattern.suffix[0]))
    return Language(
        code,
        "rtl" if locale.text_direction == "rtl" else "ltr",
        translations,
        (symbols["group"], symbols["decimal"]),
        "".join(chr(nought + place) for place in range(10)),
        f"{before}{{n}}{after}",
        locale,
        missing,
    )


def _compiled(path: Path, catalog: Any) -> GNUTranslations:
    """The sentences as gettext looks them up, with a rule for plurals that can be followed."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    # write_mo puts English in place of what is missing, of plurals by the other language's rule.
    whole = Catalog(catalog.locale, charset="utf-8")
    whole.mime_headers = catalog.mime_headers
    for one in catalog:
        if one.id and not one.fuzzy and _is_translated(one):
            whole[one.id] = one
    file = io.BytesIO()
    write_mo(file, whole)
    file.seek(0)
    try:
        found = GNUTranslations(file)
        for n in (*range(1001), 10**6):
            found.ngettext("one", "many", n)
    except (ValueError, ArithmeticError, RecursionError, LookupError) as error:
        raise SettingsError(
            f"{path}: Plural-Forms: expected gettext's rule for plurals, such as `retention words` "
            f"writes; {error}."
        ) from None
    return found


def read_catalog(path: Path) -> Any:
    """A PO file as Babel reads it."""
    # Babel is not loaded for English pages.
    from babel.messages import pofile

    try:
        with path.open("rb") as file:
            return pofile.read_po(file, abort_invalid=True)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None
    except Exception as error:  # noqa: BLE001 - of a damaged file Babel raises whatever it stumbles on
        raise SettingsError(
            f"{path}: expected a PO file in UTF-8, such as `retention words` writes; {error}."
        ) from None


def _is_translated(message: Any) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return bool(forms) and all(forms)


def known_locale(code: str) -> Any:
    """What is known of a language, by Babel."""
    from babel.core import Locale, UnknownLocaleError

    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        raise SettingsError(
            f'language: expected a language\'s code such as "fa" or "pt-BR"; got {code!r}.'
        ) from None


def _check_places(path: Path, message: Any) -> None:
    """A translated sentence may leave places out, but has none of its own."""
    if not message.id or message.fuzzy:  # a suggestion, which is not said
        return
    english = message.id if isinstance(message.id, tuple) else (message.id,)
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    try:
        known = set().union(*map(_places, english))
    except ValueError:  # no sentence of ours: it is never looked up
        return
    if isinstance(message.id, tuple):
        known.add("n")  # given to every sentence about a number of things
    for form in filter(None, forms):
        try:
            strange = _places(form) - known
        except ValueError as error:
            strange = {str(error)}
        if strange:
            raise SettingsError(
                f"{path}, line {message.lineno}: the sentence {form!r} has in braces "
                f"{', '.join(sorted(strange))}; expected places of the English one only: "
                f"{', '.join(sorted(known)) or 'none'}."
            )


def _places(sentence: str) -> set[str]:
    """Places, each as it is written: {n:d} or {n!x} is none of {n}, and could not be filled."""
    return {
        place + (f"!{how}" if how else "") + (f":{form}" if form else "")
        for _, place, form, how in string.Formatter().parse(sentence)
        if place is not None
    }


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
    """Write a PO file of sentences, or bring one that is there up to date."""
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
            one.text if one.plural is None else (one.text, one.plural),
            locations=[(one.place, 0)],
            auto_comments=notes(one.plural or one.text, one.place),
        )
    catalog = Catalog(locale, **about)
    begun = path if path.exists() else shipped_catalogue(code)
    if begun is not None:
        catalog = read_catalog(begun)
        _compiled(begun, catalog)
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
    done = sum(_is_translated(one) and not one.fuzzy for one in messages)
    return Progress(len(messages), done)


def progress_of(language: Language, sentences: Sequence[Sentence]) -> Progress:
    """How many sentences a language has, of its own file or the package's."""
    missing = sum(
        is_english(
            language.translated(one.text)
            if one.plural is None
            else language.translated_plural(one.text, one.plural, 2)
        )
        for one in sentences
    )
    return Progress(len(sentences), len(sentences) - missing)
