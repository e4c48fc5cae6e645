"""All lists of a store as one workbook, a sheet each, for whoever does not want a file each."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retention_models.languages import spoken
from retention_models.languages.directions import without_marks

WORKBOOK = "lists.xlsx"

_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Rows of a sheet: a larger list, whose highest stakes come first, is whole in its own files.
MOST_ROWS = 10_000
# What XML 1.0 cannot hold.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_NAME, _WIDEST = 31, 60
_LOOKED_AT = 200  # rows by which a column's width is found
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
# The first moment that a zip archive knows: the same lists give the same file.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as the sheets of a workbook, by their titles.

    Texts are cells of text, which no spreadsheet runs as a formula and none reads as a number, so that
    ids stay as they are.
    """
    from openpyxl import Workbook  # slow to import, and only some runs write one

    book = Workbook(write_only=True)
    taken: set[str] = set()
    for title, table in sheets.items():
        _add(book.create_sheet(_free(title, taken)), table.head(MOST_ROWS))
    held = io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for entry in made.infolist():
            content = _MOMENT.sub(rb"\g<1>1980-01-01T00:00:00Z", made.read(entry))
            kept.writestr(zipfile.ZipInfo(entry.filename, _NO_TIME), content, zipfile.ZIP_DEFLATED)


def _free(title: str, taken: set[str]) -> str:
    """A name that a sheet may have, and no other sheet has."""
    name = _FORBIDDEN.sub(" ", without_marks(title)).strip(" '")[:_LONGEST_NAME] or "-"
    number = 1
    found = name
    while found.casefold() in taken:
        number += 1
        found = f"{name[: _LONGEST_NAME - 4]} {number}"
    taken.add(found.casefold())
    return found


def _add(sheet: Any, table: pd.DataFrame) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "B2"
    sheet.sheet_view.rightToLeft = spoken().direction == "rtl"
    columns = [[_plain(value) for value in table.iloc[:, i]] for i in range(table.shape[1])]
    names = [str(name) for name in table.columns]
    for place, (name, values) in enumerate(zip(names, columns, strict=True), 1):
        widest = max(map(len, [name, *map(_shown, values[:_LOOKED_AT])]))
        sheet.column_dimensions[get_column_letter(place)].width = min(widest + 2, _WIDEST)
    bold, heads = Font(bold=True), [WriteOnlyCell(sheet, name) for name in names]
    for cell in heads:
        cell.font = bold
    sheet.append(heads)
    for row in zip(*columns, strict=True):
        sheet.append([_safe(sheet, value) for value in row])


def _safe(sheet: Any, value: object) -> object:
    """A value, or a cell of text where a text would be taken for a formula or an error."""
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(value, str) or not value.startswith(("=", "#")):
        return value
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    return cell


def _plain(value: object) -> object:
    """As a cell holds it: a missing number as an empty cell."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, pd.Timestamp | dt.datetime):
        return value.date()
    if isinstance(value, bool | int | float | dt.date):
        return value
    return _UNSAYABLE.sub("\ufffd", str(value))


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value or "")
