"""Opens worksheets of Excel files: the header found below title rows, columns of one type kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from retention_models.data.engines.csv_files import told_apart
from retention_models.data.engines.source import SeveralTables
from retention_models.errors import DataError

# Titles, dates of the report and blank rows above a header are fewer.
_LOOKED_AT = 50
# From here on a spreadsheet has lost digits of a whole number.
_EXACT = 1e15

Row = list[Any]
# First and last cell, each its row and its column, from 0.
Merged = tuple[tuple[int, int], tuple[int, int]]


def open_excel(
    connection: ibis.BaseBackend, paths: list[str], sheet: str | None
) -> tuple[Table, dict[str, str], frozenset[str]]:
    """Open a worksheet of each file as one table; columns that are unfit, and those in part numbers.

    A column of numbers, of days or of times is one; any other is text, each value as it is shown, and
    whole numbers without a point.
    """
    header: list[str] = []
    columns: dict[str, Row] = {}
    unfit: dict[str, str] = {}
    for path in paths:
        names, rows, merged = _table_in(path, sheet)
        unfit |= merged
        header = header or names
        if missing := [name for name in header if name not in names]:
            raise DataError(
                f"{path}: no column {', '.join(map(repr, missing))}, which {paths[0]} has. It has: "
                f"{', '.join(names)}. Files read together need the same columns."
            )
        for name in header:
            place = names.index(name)
            columns.setdefault(name, []).extend(row[place] for row in rows)
    table = pa.table({name: _typed(cells) for name, cells in columns.items()})
    numbers = frozenset(
        name
        for name, cells in columns.items()
        if pa.types.is_string(table.schema.field(name).type)
        and any(isinstance(cell, float) and not cell.is_integer() for cell in cells)
    )
    return connection.create_table("given", ibis.memtable(table)), unfit, numbers


def _table_in(path: str, sheet: str | None) -> tuple[list[str], list[Row], dict[str, str]]:
    """Names of a worksheet's columns, the rows below that hold anything, and merged columns."""
    name, rows, merged = _cells(path, sheet)
    place = _header_of(rows)
    if place is None:
        raise DataError(
            f"{path}, sheet {name!r}: no row of names above the data; expected at least two columns, "
            "each with its name as text."
        )
    names = told_apart([str(cell) for cell in rows[place]])
    used = [i for i, cell in enumerate(rows[place]) if cell != ""]
    below = [row for row in rows[place + 1 :] if any(cell != "" for cell in row)]
    unfit = {names[i]: _merged(name, place, i, merged) for i in used}
    return (
        [names[i] for i in used],
        [[row[i] for i in used] for row in below],
        {column: why for column, why in unfit.items() if why},
    )


def _merged(sheet: str, header: int, column: int, merged: list[Merged]) -> str:
    """Why a column with cells merged over several rows cannot be used; empty where it has none."""
    for (first_row, first), (last_row, last) in merged:
        # Only the first of merged cells holds anything: ids and days of the others would be lost.
        if first <= column <= last and last_row > max(first_row, header + 1):
            return (
                f"has cells that are merged over rows {first_row + 1} to {last_row + 1} of sheet "
                f"{sheet!r}: all but the first are empty. Unmerge them and fill each row."
            )
    return ""


def _header_of(rows: list[Row]) -> int | None:
    """The first of the rows of text only that hold the most cells: titles hold fewer."""
    best, most = None, 1
    for place, row in enumerate(rows[:_LOOKED_AT]):
        filled = [cell for cell in row if cell != ""]
        if len(filled) > most and all(isinstance(cell, str) for cell in filled):
            best, most = place, len(filled)
    return best


def _cells(path: str, sheet: str | None) -> tuple[str, list[Row], list[Merged]]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise DataError(
            f"{path}: Excel files need the package python-calamine. Install it (pip install "
            "python-calamine), or save the sheet as CSV UTF-8."
        ) from None
    try:
        with open(path, "rb") as file:
            book = CalamineWorkbook.from_filelike(file)
        name = _one_sheet(path, book, sheet)
        found = book.get_sheet_by_name(name)
        return name, found.to_python(skip_empty_area=False), found.merged_cell_ranges or []
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error}).") from None
    except CalamineError as error:
        raise DataError(
            f"{path}: cannot be read as an Excel file ({error}). Save it again, without a password."
        ) from None


def _one_sheet(path: str, book: Any, sheet: str | None) -> str:
    """The worksheet asked for, or the only visible one that holds anything."""
    if sheet is not None and sheet in book.sheet_names:
        return sheet
    seen = [
        found.name
        for found in book.sheets_metadata
        if str(found.typ).endswith("WorkSheet") and str(found.visible).endswith(".Visible")
    ]
    filled = [name for name in seen if book.get_sheet_by_name(name).end is not None]
    if sheet is None and len(filled) == 1:
        return filled[0]
    wanted = "no sheet is named" if sheet is None else f"no sheet {sheet!r}"
    known = book.sheet_names if sheet is not None else filled or seen
    shown = ", ".join(map(repr, known))
    raise SeveralTables(f"{path}: {wanted}; expected sheet to be one of {shown}.", "sheet", known)


def _typed(cells: Row) -> pa.Array:
    given = [None if cell == "" else cell for cell in cells]
    filled = [cell for cell in given if cell is not None]
    kinds = {type(cell) for cell in filled}
    if kinds and kinds <= {int, float}:
        whole = all(float(cell).is_integer() and abs(cell) < _EXACT for cell in filled)
        if whole:
            return pa.array([None if cell is None else int(cell) for cell in given], pa.int64())
        return pa.array(given, pa.float64())
    if kinds == {dt.date}:
        return pa.array(given, pa.date32())
    if kinds and kinds <= {dt.date, dt.datetime}:
        return pa.array([_moment(cell) for cell in given], pa.timestamp("us"))
    return pa.array([None if cell is None else _text(cell) for cell in given], pa.string())


def _moment(cell: Any) -> dt.datetime | None:
    if cell is None or isinstance(cell, dt.datetime):
        return cell
    return dt.datetime.combine(cell, dt.time())


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        # In capitals, 1E+22 is seen to be an id that was lost.
        exact = float(cell).is_integer() and abs(cell) < _EXACT
        return str(int(cell)) if exact else repr(cell).upper()
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
