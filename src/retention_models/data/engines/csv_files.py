"""Opens CSV files with nothing left to guess: what is not a sound CSV is refused, by file and line.

DuckDB's detection would take the first row for the header where every row has a cell too many, leave an
unclosed quote inside an id, rename a column that stands twice, and take a compressed file that was cut
short for a shorter one. So the header is read here, and the engine is told the rest.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import mmap
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import ibis
from ibis.expr.types import Table

from retention_models.errors import DataError


def told_apart(cells: Sequence[str]) -> list[str]:
    """Names without blanks around them; those that stand twice, or are empty, with their place.

    Nobody can know which of two columns of one name is meant, so neither keeps it.

    >>> told_apart(["id", " day", "ID", ""])
    ['id (column 1)', 'day', 'ID (column 3)', '(column 4)']
    """
    names = [cell.strip() for cell in cells]
    times = Counter(name.casefold() for name in names)
    return [
        name if name and times[name.casefold()] == 1 else f"{name} (column {place})".strip()
        for place, name in enumerate(names, start=1)
    ]


_DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES, _CHUNK = 1 << 16, 1 << 20
_LOOKED_AT = 20  # lines among which the header is
# DuckDB refuses longer lines, but passes over one at the end that is longer than what it reads at once.
_LONGEST_LINE = 2_000_000
_KIND_BY_MAGIC = {
    b"\x1f\x8b": "a gzip file; let its name end in .csv.gz",
    b"PAR1": "a Parquet file; let its name end in .parquet",
    b"PK\x03\x04": (
        "an Excel workbook, whose name ends in .xlsx, or a zip archive; or save its table as CSV UTF-8"
    ),
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save its table as CSV UTF-8",
    b"\xff\xfe": 'text in UTF-16; set encoding = "utf-16", or save it as UTF-8',
    b"\xfe\xff": 'text in UTF-16; set encoding = "utf-16", or save it as UTF-8',
}
_TOO_LONG = (
    f"a line is longer than {_LONGEST_LINE:,} bytes. A quote that is not closed, or a file without line "
    "ends, looks like this: mend the export."
)
_SAVE_AS_UTF8 = (
    'Say what it is in, such as encoding = "cp1254" (Turkish Windows) or "cp1252" (Western), or save it '
    'as UTF-8 (in Excel: "CSV UTF-8").'
)


def open_csv(connection: ibis.BaseBackend, paths: list[str]) -> Table:
    """Open CSV files as one table of text columns, each named as in the header, see `told_apart`.

    The delimiter is the one of , ; tab | that splits a line into the most columns. Rows of titles above
    the header are passed over, as in a worksheet. Columns are matched by name; what later files have
    beyond the first file's columns is left out. A row with too few or too many cells is found when it
    is read; `in_words` says where.
    """
    layouts: dict[tuple[_Layout, bool], list[str]] = {}
    for path in paths:
        layouts.setdefault((_layout(path), path.lower().endswith(".gz")), []).append(path)
    first = next(iter(layouts))[0].names
    for (layout, _), alike in layouts.items():
        there = layout.names
        missing = [name for name in first if name not in there]
        if missing:
            raise DataError(
                f"{alike[0]}: no column {', '.join(map(repr, missing))}, which {paths[0]} has. It has: "
                f"{', '.join(there)}. Files read together need the same columns."
            )
    parts = [
        connection.read_csv(
            [as_glob(path) for path in alike],
            hive_partitioning=False,
            # By its ending alone, .GZ would be text.
            compression="gzip" if packed else "none",
            columns=dict.fromkeys(layout.names, "VARCHAR"),
            header=True,
            skip=layout.titles,
            delim=layout.delimiter,
            quote='"',
            escape='"',
        ).select(*first)
        for (layout, packed), alike in layouts.items()
    ]
    return parts[0] if len(parts) == 1 else ibis.union(*parts, distinct=False)


def as_glob(path: str) -> str:
    """A path for DuckDB, which takes [ * ? in it for a pattern.

    >>> as_glob("shop[1].csv")
    'shop[[]1].csv'
    """
    return glob.escape(path)


def in_words(error: Exception) -> str:
    r"""What the engine's error says about the data, with the file, the line and what to do.

    >>> said = in_words(ValueError("CSV Error on Line: 3\nExpected Number of Columns: 3 Found: 2"))
    >>> said.partition(". ")[0]
    'line 3: expected 3 cells as in the header, found 2'
    """
    text = str(error).strip()
    line = re.search(r"CSV Error on Line: (\d+)", text)
    file = re.search(r"^  file = (.+)$", text, re.MULTILINE)
    given = re.search(r"^Original Line: ?(.*)$", text, re.MULTILINE)
    where = f"line {line[1]}" if line else "cannot be read"
    where = f"{file[1]}, {where}" if file else where
    shown = f": {given[1][:80]!r}" if given else ""
    cells = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if cells:
        title = " If a title stands above the header, take it out." if cells[1] in "12" else ""
        return (
            f"{where}: expected {cells[1]} cells as in the header, found {cells[2]}{shown}. Mend this "
            f"line, or quote cells that hold the delimiter.{title}"
        )
    if "unterminated quote" in text:
        return (
            f'{where}: a quote (") that opens a cell is not closed, or text follows where it is'
            f'{shown}. Mend this line; a quote within a quoted cell is written "".'
        )
    if "unicode" in text:
        return f"{where}: not UTF-8 text{shown}. {_SAVE_AS_UTF8}"
    if "Maximum line size" in text or "does not support a full read" in text:
        return f"{where}: {_TOO_LONG}"
    if json := re.search(
        r"(?:Malformed JSON|JSON transform error) in file .*?, .*?in line (\d+)", text
    ):
        why = text.split(":", 2)[-1].strip().split("\n")[0][:120]
        return (
            f"line {json[1]}, or near it: no object as JSON has it ({why}). Mend the export: UTF-8 "
            "without a byte order mark, one object on each line, each key once."
        )
    if "state machine" in text:
        return f"{where}: its line ends are mixed (LF, CR LF). Save it with one kind of line end."
    return f"cannot be read. {text.split(chr(10))[0]}"


@dataclass(frozen=True)
class _Layout:
    """A file's delimiter, the lines above its header, and the names of its columns."""

    delimiter: str
    titles: int
    names: tuple[str, ...]


def _layout(path: str) -> _Layout:
    """How a file is laid out; it is looked through for damage."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
        if not magic:
            raise DataError(f"{path}: the file is empty. Export it again.")
        packed = path.lower().endswith(".gz")
        if packed:
            start = _start_of_whole_gzip(path)
        else:
            _refuse_other_kinds(path, magic)
            start = _start_of_plain_text(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error}).") from None
    try:
        # The last bytes may be the half of a character.
        header = start.decode("utf-8-sig", "strict" if len(start) < _HEADER_BYTES else "ignore")
    except UnicodeDecodeError as error:
        header = start[: error.start].decode("utf-8-sig")
        if "\n" not in header and "\r" not in header:
            raise DataError(f"{path}, line 1: not UTF-8 text. {_SAVE_AS_UTF8}") from None
    delimiter = max(_DELIMITERS, key=lambda mark: _splits(header, mark))
    titles, names = _below_titles(header, delimiter)
    if not any(names):
        raise DataError(
            f"{path}, line {titles + 1}: is empty; expected the names of the columns. Take it out."
        )
    return _Layout(delimiter, titles, tuple(told_apart(names)))


_JSON = re.compile(rb'\s*(\[\s*)?\{\s*"')


def _refuse_other_kinds(path: str, magic: bytes) -> None:
    for beginning, kind in _KIND_BY_MAGIC.items():
        if magic.startswith(beginning):
            raise DataError(f"{path}: expected a CSV; it is {kind}.")


def _start_of_plain_text(path: str) -> bytes:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(b"\0")
        if place >= 0:
            _refuse_nul(path, content[:place].count(b"\n") + 1)
        _refuse_a_long_end(path, content[-_LONGEST_LINE - _CHUNK :])
        if _JSON.match(content[:_HEADER_BYTES]):
            raise DataError(
                f"{path}: expected a CSV; it is JSON by what stands in it. Let its name end in .jsonl, "
                "with one object on each line."
            )
        return content[:_HEADER_BYTES]


def _start_of_whole_gzip(path: str) -> bytes:
    start, lines, end = b"", 1, b""
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                start = start or chunk[:_HEADER_BYTES]
                if b"\0" in chunk:
                    _refuse_nul(path, lines + chunk[: chunk.index(b"\0")].count(b"\n"))
                lines += chunk.count(b"\n")
                end = (end + chunk)[-_LONGEST_LINE - _CHUNK :]
    except EOFError:
        raise DataError(
            f"{path}: the compressed file ends before its end, so rows are missing. Copy it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: expected a gzip file, by its name; {error}. Copy it again, or take .gz off its "
            "name if it is not compressed."
        ) from None
    if not start:
        raise DataError(f"{path}: the file is empty. Export it again.")
    _refuse_a_long_end(path, end)
    return start


def _refuse_a_long_end(path: str, end: bytes) -> None:
    """Refuse a file whose last line is too long; the end is longer than that, or the whole file."""
    end = end.rstrip(b"\r\n")
    if len(end) - max(end.rfind(b"\n"), end.rfind(b"\r")) > _LONGEST_LINE:
        raise DataError(f"{path}, last line: {_TOO_LONG}")


def _refuse_nul(path: str, line: int) -> None:
    raise DataError(
        f"{path}, line {line}: a NUL byte, which no text holds. It is no CSV, or text in UTF-16, or "
        "damaged: export it again as UTF-8."
    )


def _records(text: str, delimiter: str) -> list[list[str]]:
    """The first records, while each is a line of its own; only the first may have a quoted line end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[list[str]] = []
    for record in islice(reader, _LOOKED_AT):
        if found and reader.line_num != len(found) + 1:
            break
        found.append(record)
    return found


def _splits(text: str, delimiter: str) -> tuple[float, int]:
    """The share of lines that a delimiter splits into equally many cells, and how many.

    The marks of another delimiter's texts and amounts stand in some lines only, and not in the header.
    """
    widths = Counter(map(len, _records(text, delimiter)))
    wide = max(widths, key=lambda width: (width > 1, widths[width], width), default=1)
    return (widths[wide] / widths.total(), wide) if wide > 1 else (0.0, 1)


def _below_titles(text: str, delimiter: str) -> tuple[int, list[str]]:
    """How many lines of titles stand above the header, and the header's cells.

    The first line is the header unless it has fewer cells than most lines, or most of its cells are
    empty, and the first line that is whole holds names: values are the first row below a faulty header.
    """
    records = _records(text, delimiter)
    first = records[0] if records else []
    widths = Counter(map(len, records))
    wide = max(widths, key=lambda width: (widths[width], width), default=0)
    for lines, record in enumerate(records):
        filled = [cell for cell in record if cell.strip()]
        if len(record) < wide or 2 * len(filled) <= wide:
            continue
        if lines and any(looks_like_value(cell) for cell in filled):
            if len(filled) < wide:
                continue  # a title, such as "Export;of;2024;"
            break
        return lines, record
    return 0, first


def looks_like_value(cell: str) -> bool:
    """Whether a cell is a number or a day rather than a name, with or without a sign of currency.

    >>> looks_like_value("2024-01-13"), looks_like_value("$10.50"), looks_like_value("Q3 sales")
    (True, True, False)
    """
    digits = sum(letter.isdigit() for letter in cell)
    return digits > 0 and 2 * digits >= len(cell.strip())
