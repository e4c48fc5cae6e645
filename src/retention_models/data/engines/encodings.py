"""Text files in another encoding than UTF-8, read through copies in UTF-8 that are gone afterwards."""

from __future__ import annotations

import codecs
import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis
from ibis.expr.types import Table

from retention_models.data.engines.csv_files import in_words
from retention_models.errors import DataError

_CHUNK = 1 << 20


def in_utf8(
    connection: ibis.BaseBackend,
    paths: list[str],
    encoding: str,
    opened: Callable[[ibis.BaseBackend, list[str]], Table],
) -> Table:
    """What files of an encoding hold, kept by DuckDB in this process; messages name the files."""
    with tempfile.TemporaryDirectory(prefix="retention-") as folder:
        aside = {}
        for place, path in enumerate(paths):
            name = Path(path).name
            plain = name[:-3] if name.lower().endswith(".gz") else name
            copy = Path(folder) / f"{place}{Path(plain).suffix}"
            _copy_in_utf8(path, copy, encoding)
            aside[str(copy)] = path
        try:
            return connection.create_table(
                f"text_{uuid4().hex}", opened(connection, list(aside)), temp=True
            )
        except (duckdb.Error, DataError) as error:
            said = str(error) if isinstance(error, DataError) else in_words(error)
            for copied, path in aside.items():
                said = said.replace(copied, path)
            raise DataError(said) from None


def _copy_in_utf8(path: str, copy: Path, encoding: str) -> None:
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        "".encode(encoding)  # refuses what is no encoding of text, such as zip
    except (LookupError, TypeError):
        raise DataError(
            f'{path}: encoding = "{encoding}" is not known; expected one such as "cp1254" (Turkish '
            'Windows), "cp1252" (Western Windows), "utf-16" or "iso-8859-9".'
        ) from None
    lines, first = 1, True
    reader = gzip.open if path.lower().endswith(".gz") else open
    try:
        with reader(path, "rb") as file, open(copy, "w", encoding="utf-8", newline="") as out:
            while True:
                chunk = file.read(_CHUNK)
                text = decoder.decode(chunk, final=not chunk)
                out.write(text.removeprefix("\ufeff") if first else text)
                lines, first = lines + text.count("\n"), first and not text
                if not chunk:
                    return
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError):
            lines += error.object[: error.start].count(b"\n")
        raise DataError(
            f"{path}, line {lines}: not text in {encoding}. Another encoding "
            "is meant, or the file is damaged."
        ) from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Copy it again.") from None
