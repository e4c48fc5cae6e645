"""How a file of text is encoded: UTF-8, by its mark, by names that only one encoding makes of it."""

from __future__ import annotations

import codecs
import glob
import gzip
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from retention_models.data.engines.files import CSV, JSON
from retention_models.errors import DataError
from retention_models.project.own_file.names import accented_names

_CHUNK = 1 << 20
# Western, Turkish, Central European, Cyrillic, Greek: what programs for Windows write.
_CANDIDATES = ("cp1252", "cp1254", "cp1250", "cp1251", "cp1253")


@dataclass(frozen=True)
class Encoded:
    """Encodings that a file may be in, the first of them alone where nothing else is possible."""

    fits: tuple[str | None, ...]  # None: UTF-8
    why: str
    shown: tuple[str, ...] = ()  # the first text beyond ASCII, as each of them reads it


def encoding_of(source: str) -> Encoded:
    """Look through a file of text, or all of a pattern; other files have no encoding."""
    if not source.lower().endswith(CSV + JSON):
        return Encoded((None,), "")
    paths = [source] if Path(source).is_file() else sorted(glob.glob(source))
    letters: set[int] = set()
    header, sample, plain = b"", b"", True
    for path in paths:
        try:
            start, found, whole = _bytes_of(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error}). Copy it again.") from None
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return Encoded(("utf-16",), "the mark at its beginning")
        plain = plain and whole
        letters |= found
        header = header or start.split(b"\n")[0]
        sample = sample or next((line for line in start.split(b"\n") if not line.isascii()), b"")
    return Encoded((None,), "") if plain else _told(letters, header, sample)


def _bytes_of(path: str) -> tuple[bytes, set[int], bool]:
    """The first million bytes, all bytes beyond ASCII, and whether the whole is UTF-8."""
    decoder, whole = codecs.getincrementaldecoder("utf-8")(), True
    start, letters = b"", set()
    with (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            start = start or chunk
            if chunk.isascii() and whole:
                continue
            letters |= {byte for byte in set(chunk) if byte > 127}
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                whole = False
    return start, letters, whole


def _told(letters: set[int], header: bytes, sample: bytes) -> Encoded:
    beyond = bytes(sorted(letters))
    readings = {}
    for name in _CANDIDATES:
        try:
            readings[name] = beyond.decode(name)
        except UnicodeDecodeError:
            continue  # it has no letter for one of the bytes
    text = header + b" " + sample
    whole = {
        name: read for name, read in readings.items() if not _mixes(text.decode(name, "replace"))
    }
    readings = whole or readings
    known = {name: _known_words(header.decode(name, "replace")) for name in readings}
    most = max((len(words) for words in known.values()), default=0)
    best = [name for name in readings if len(known[name]) == most]
    words = ", ".join(sorted(known[best[0]])) if best and most else ""
    if best and len({readings[name] for name in best}) == 1:
        why = f"it reads {words} so" if words else "all encodings that fit read it alike"
        return Encoded((best[0],), f"not UTF-8; {why}")
    # Of those that read all letters alike one is asked for.
    best = [
        name for i, name in enumerate(best) if readings[name] not in map(readings.get, best[:i])
    ]
    shown = tuple(sample.decode(name).strip()[:60] for name in best)
    return Encoded(tuple(best), "not UTF-8", shown)


def _mixes(text: str) -> bool:
    """Whether a word has letters of two scripts, as where Cyrillic is made of a Latin word's umlaut."""
    scripts = (
        {unicodedata.name(letter, "?").split()[0] for letter in word if letter.isalpha()}
        for word in re.findall(r"[^\W\d_]+", text)
    )
    return any(len(found & {"LATIN", "CYRILLIC", "GREEK"}) > 1 for found in scripts)


def _known_words(header: str) -> set[str]:
    """Names of columns with letters beyond ASCII that are known."""
    text = header.casefold().replace("i̇", "i")
    return {name for name in accented_names() if name in text}
