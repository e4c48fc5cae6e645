"""All lists in one workbook: ids stay text, nothing is a formula, names of sheets are allowed."""

import datetime as dt
import zipfile

import openpyxl
import pandas as pd

from retention_models.project.workbook import write_workbook

IDS = ["0042", "=1+1", "+49", "#N/A", "1e5", "a\x07b", "–"]


def written(tmp_path, name="lists.xlsx"):
    """A workbook of two lists whose titles no sheet may have, and one that has the first's name."""
    table = pd.DataFrame(
        {
            "customer_id": IDS,
            "at_stake": [12.5, float("nan"), 1.0, 2.0, 3.0, 4.0, 5.0],
            "last_day": [dt.date(2023, 12, 31)] * len(IDS),
        }
    )
    path = tmp_path / name
    write_workbook({"Due: [all]/*?": table, "due   all": table.head(1), "x" * 40: table}, path)
    return path


def test_ids_are_text_and_nothing_is_a_formula(tmp_path):
    """As they stand in the data, but for what XML cannot hold."""
    book = openpyxl.load_workbook(written(tmp_path))
    sheet = book.worksheets[0]
    assert ["customer_id", "at_stake", "last_day"] == [cell.value for cell in sheet[1]]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {"s"} == {cell.data_type for cell in cells}
    assert [*IDS[:5], "a\ufffdb", "–"] == [cell.value for cell in cells]
    assert [12.5, None] == [sheet.cell(row, 2).value for row in (2, 3)]
    assert dt.datetime(2023, 12, 31) == sheet.cell(2, 3).value


def test_sheets_have_names_that_spreadsheets_allow(tmp_path):
    """31 letters at most, none of the forbidden ones, each once."""
    names = openpyxl.load_workbook(written(tmp_path)).sheetnames
    assert 3 == len({name.casefold() for name in names})
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)


def test_the_same_lists_give_the_same_file(tmp_path):
    """No moment of writing is in it."""
    first, second = written(tmp_path), written(tmp_path, "again.xlsx")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as held:
        told = held.read("docProps/core.xml").decode()
    assert 2 == told.count("1980-01-01T00:00:00Z")
    assert 2 == told.count("T00:00:00Z")
