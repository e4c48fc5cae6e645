"""A translation as a PO file, the format of gettext and of every translator's editor → a `Language`."""

from __future__ import annotations

import io
import string
from functools import lru_cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any, Literal

from retention_models.errors import SettingsError
from retention_models.languages.language import Language


def read_translation(code: str, path: Path) -> Language:
    """Read a language from a PO file.

    Parameters
    ----------
    code : str
        The language, as HTML's `lang` has it (BCP 47): "fa", "pt-BR". How it writes numbers and whether
        it runs from right to left is known of it (Unicode's CLDR, by Babel).
    path : Path
        Translated sentences; one that is not, or is marked as fuzzy, stays English.

    Returns
    -------
    Language

    Raises
    ------
    SettingsError
        If the language is not known, the file cannot be read as PO, or a translated sentence names a
        place that the English one has not.
    """
    try:
        written = path.stat().st_mtime_ns
    except OSError as error:
        raise SettingsError(
            f"{path}: the translation cannot be read ({error.strerror}). `retention words` writes a "
            "file to begin one from; `[reports] translation` names it."
        ) from None
    return _read(code, path, written)


@lru_cache(maxsize=8)
def _read(code: str, path: Path, _written: int) -> Language:
    # Babel is not loaded for English pages.
    from babel.messages.mofile import write_mo

    locale = known_locale(code)
    catalog = read_catalog(path)
    for message in catalog:
        _check_places(path, message)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    symbols = locale.number_symbols["latn"]
    direction: Literal["ltr", "rtl"] = "rtl" if locale.text_direction == "rtl" else "ltr"
    separators = (symbols["group"], symbols["decimal"])
    return Language(code, direction, GNUTranslations(compiled), separators)


def read_catalog(path: Path) -> Any:
    """A PO file as Babel reads it.

    Raises
    ------
    SettingsError
        If it is none.
    """
    from babel.messages import pofile

    try:
        with path.open("rb") as file:
            return pofile.read_po(file, abort_invalid=True)
    except (pofile.PoFileError, UnicodeError, ValueError) as error:
        raise SettingsError(
            f"{path}: expected a PO file in UTF-8, such as `retention words` writes; {error}."
        ) from None


def known_locale(code: str) -> Any:
    """What is known of a language, by Babel.

    Raises
    ------
    SettingsError
        If nothing is.
    """
    from babel.core import Locale, UnknownLocaleError

    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        raise SettingsError(
            f'language: expected a language\'s code such as "fa" or "pt-BR"; got {code!r}.'
        ) from None


def _check_places(path: Path, message: Any) -> None:
    """A translated sentence may leave places out, but has none of its own."""
    if not message.id:
        return
    english = message.id if isinstance(message.id, tuple) else (message.id,)
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    known = set().union(*map(_places, english))
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
    return {place for _, place, _, _ in string.Formatter().parse(sentence) if place is not None}
