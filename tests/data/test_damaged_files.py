"""Files as they come: each is read right, or refused with the file, the place and what to do."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention_models import cli
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}
HEADER = "id,day,paid\n"
LINES = "0042,2024-01-13,10.50\n0042,2024-01-20,20.25\nMüşteri,2024-02-14,1234.50\n"
GOOD = HEADER + LINES
RIGHT = [("0042", "2024-01-13", 10.5), ("0042", "2024-01-20", 20.25)]
RIGHT += [("Müşteri", "2024-02-14", 1234.5)]

PROJECT = """
name = "Shop"
[transactions]
source = '{source}'
{options}
[transactions.columns]
customer_id = "id"
date = "day"
spend = "paid"
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
"""


def read(path: Path, **options) -> list[tuple]:
    """The usable rows of a file, sorted."""
    table = read_transactions(path, **NAMES, **options).table.execute()
    days = pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d")
    return sorted(zip(table["customer_id"], days, table["spend"].astype(float), strict=True))


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """Write a file as it stands, line ends and all."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def check(capsys, monkeypatch, source: Path | str, options: str = "") -> tuple[int, str]:
    """Exit code and message of `retention check` for a source."""
    folder = Path(source).parent
    project = folder / "project.toml"
    project.write_text(PROJECT.format(source=source, options=options), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["retention", "check", str(project)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0), capsys.readouterr().err


SOUND = {
    "byte order mark": ("a.csv", "\ufeff" + GOOD, {}),
    "CR LF": ("a.csv", GOOD.replace("\n", "\r\n"), {}),
    "CR": ("a.csv", GOOD.replace("\n", "\r"), {}),
    "no end of the last line": ("a.csv", GOOD.rstrip("\n"), {}),
    "blank lines": ("a.csv", GOOD.replace("\n", "\n\n"), {}),
    "a title": ("a.csv", "Sales of 2024\n" + GOOD, {}),
    "titles as wide as the table": ("a.csv", "Sales,,\nof,2024\n,,\n" + GOOD, {}),
    "a title above CR LF": ("a.csv", ("\ufeffSales\n\n" + GOOD).replace("\n", "\r\n"), {}),
    "every cell in quotes": (
        "a.csv",
        "".join('"' + '","'.join(line.split(",")) + '"\n' for line in GOOD.splitlines()),
        {},
    ),
    "semicolons": ("a.csv", GOOD.replace(",", ";"), {}),
    "tabs": ("a.tsv", GOOD.replace(",", "\t"), {}),
    "bars": ("a.txt", GOOD.replace(",", "|"), {}),
    "semicolons and decimal commas": (
        "a.csv",
        GOOD.replace(",", ";").replace(".", ",").replace("1234,50", "1.234,50"),
        {"decimal": ","},
    ),
    "thousands parted by no-break spaces": (
        "a.csv",
        GOOD.replace(",", ";").replace(".", ",").replace("1234,50", "1\u00a0234,50"),
        {"decimal": ","},
    ),
    "gzip": ("a.csv.gz", gzip.compress(GOOD.encode()), {}),
    "scientific notation": (
        "a.csv",
        GOOD.replace("10.50", "1.05E+01").replace("1234.50", "1.2345e3"),
        {},
    ),
    "blanks in the header": ("a.csv", GOOD.replace(HEADER, " id , day,paid \n"), {}),
    "another column twice": (
        "a.csv",
        GOOD.replace("\n", ",x,y\n").replace("paid,x,y", "paid,note,Note"),
        {},
    ),
    "days before months, as declared": (
        "a.csv",
        HEADER + "0042,13/01/2024,10.50\n0042,20/01/2024,20.25\nMüşteri,14/02/2024,1234.50\n",
        {"date_format": "%d/%m/%Y"},
    ),
    "two-digit years, as declared": (
        "a.csv",
        HEADER + "0042,13.01.24,10.50\n0042,20.01.24,20.25\nMüşteri,14.02.24,1234.50\n",
        {"date_format": "%d.%m.%y"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOUND)
def test_unusual_but_sound_files_are_read_right(tmp_path, kind):
    """Every id, day and amount, whatever the delimiter, line end or declared notation."""
    name, content, options = SOUND[kind]
    assert RIGHT == read(written(tmp_path, name, content), **options)


def test_semicolons_and_decimal_commas_are_read_right(tmp_path):
    """The one of the above that is tried every time."""
    name, content, options = SOUND["semicolons and decimal commas"]
    assert RIGHT == read(written(tmp_path, name, content), **options)


def test_line_breaks_and_quotes_within_quotes_are_part_of_the_id(tmp_path):
    """As in RFC 4180."""
    content = HEADER + '"a\nb",2024-01-13,1\n"c ""d"", e",2024-01-14,2\n'
    found = read(written(tmp_path, "a.csv", content))
    assert [("a\nb", "2024-01-13", 1.0), ('c "d", e', "2024-01-14", 2.0)] == found


def test_a_total_at_the_end_is_no_purchase(tmp_path):
    """It has no day: counted, named, in no sum."""
    many = "".join(f"c{i},2024-01-13,2\n" for i in range(200))
    log = read_transactions(written(tmp_path, "a.csv", HEADER + many + "Total,,400\n"), **NAMES)
    assert [("no date", 1)] == list(zip(log.quality["reason"], log.quality["rows"], strict=True))
    assert 400 == float(log.table["spend"].sum().execute())


def test_a_total_without_a_name_is_nobodys(tmp_path):
    """A row with neither a customer nor a day is left out, and its money with it."""
    assert RIGHT == read(written(tmp_path, "a.csv", GOOD + ",,1265.25\n"))


LATIN = GOOD.replace("ş", "s").encode("latin-1")
TURKISH = GOOD.encode("cp1254")
ROWS = "".join(f"c{i},2024-01-13,{i}\n" for i in range(20_000))
PACKED = gzip.compress((HEADER + ROWS).encode())
DOTS = HEADER + "".join(f'a,2024-01-{d},"{n}"\n' for d, n in ((13, "1,234.50"), (14, "2,000.00")))
PERSIAN = HEADER + "a,2024-01-13,۱۲۳۴\nb,2024-01-14,۱۰\n"


REFUSED = {
    "empty": ("a.csv", "", "", ["a.csv", "file is empty", "Export it again"]),
    "header only": ("a.csv", HEADER, "", ["a.csv", "holds no rows"]),
    "no header": ("a.csv", LINES, "", ["customer_id = 'id'", "is the header missing?"]),
    "a name twice": (
        "a.csv",
        "id,day,paid,id\na,2024-01-13,1,b\n",
        "",
        ["customer_id = 'id'", "id (column 1)", "id (column 4)"],
    ),
    "names that differ in case": (
        "a.csv",
        "id,day,paid,ID\na,2024-01-13,1,b\n",
        "",
        ["customer_id = 'id'", "id (column 1)", "ID (column 4)"],
    ),
    "UTF-16": ("a.csv", GOOD.encode("utf-16"), "", ["a.csv", "UTF-16", "save it as UTF-8"]),
    "UTF-16 without a mark": ("a.csv", GOOD.encode("utf-16-le"), "", ["NUL", "line 1", "UTF-8"]),
    "Latin-1": ("a.csv", LATIN, "", ["a.csv, line 4", "not UTF-8", "save it as UTF-8"]),
    "Windows-1254": ("a.csv", TURKISH, "", ["a.csv, line 4", "not UTF-8", "cp1254"]),
    "Windows-1254 in the header": (
        "a.csv",
        ("müşteri," + GOOD).encode("cp1254"),
        "",
        ["line 1", "not UTF-8"],
    ),
    "NUL bytes": ("a.csv", GOOD.replace("0,", "0\0,"), "", ["a.csv, line 3", "NUL byte"]),
    "an image": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "", ["line 3", "NUL byte"]),
    "a workbook": ("a.csv", b"PK\x03\x04" + bytes(99), "", ["Excel workbook", "CSV UTF-8"]),
    "gzip by another name": ("a.csv", PACKED, "", ["gzip file", ".csv.gz"]),
    "gzip cut short": ("a.csv.gz", PACKED[: len(PACKED) // 2], "", ["rows are missing", "Copy it"]),
    "gzip without its end": ("a.csv.gz", PACKED[:-4], "", ["rows are missing"]),
    "gzip with a wrong byte": (
        "a.csv.gz",
        PACKED[:5000] + b"\xff\x00\xff" + PACKED[5003:],
        "",
        ["a.csv.gz", "gzip file", "Copy it again"],
    ),
    "gz that is none": ("a.csv.gz", GOOD, "", ["expected a gzip file", "take .gz off"]),
    "an empty gzip": ("a.csv.gz", gzip.compress(b""), "", ["a.csv.gz", "file is empty"]),
    "too few cells": (
        "a.csv",
        GOOD.replace("0042,2024-01-20,20.25", "0042,2024-01-20"),
        "",
        ["a.csv, line 3", "expected 3 cells", "found 2", "0042,2024-01-20", "Mend this line"],
    ),
    "too many cells": (
        "a.csv",
        GOOD.replace("20.25", "20,25"),
        "",
        ["a.csv, line 3", "expected 3 cells", "found 4", "quote cells that hold the delimiter"],
    ),
    "too many cells everywhere": (
        "a.csv",
        GOOD.replace("13,", "13,x,").replace("20,", "20,x,").replace("14,", "14,x,"),
        "",
        ["line 2", "expected 3 cells", "found 4"],
    ),
    "an unclosed quote": (
        "a.csv",
        GOOD.replace("0042,2024-01-20", '"0042,2024-01-20'),
        "",
        ["a.csv, line 3", "quote", "not closed"],
    ),
    "text behind a quote": (
        "a.csv",
        GOOD.replace("0042,2024-01-20", '"00"42,2024-01-20'),
        "",
        ["a.csv, line 3", "quote"],
    ),
    "mixed line ends": (
        "a.csv",
        GOOD.replace("10.50\n", "10.50\r\n"),
        "",
        ["a.csv", "line ends are mixed"],
    ),
    "mixed date formats": (
        "a.csv",
        GOOD.replace("2024-01-20", "20/01/2024"),
        "",
        ["row 2", "day = '20/01/2024'", "2 other rows are ISO 8601", "mixes formats"],
    ),
    "DD/MM/YYYY undeclared": (
        "a.csv",
        HEADER + "a,13/01/2024,1\nb,05/06/2024,1\nb,07/06/2024,1\n",
        "",
        [
            'All 3 of these dates fit "%d/%m/%Y"; 2 of them also fit "%m/%d/%Y"',
            'Set date_format = "%d/%m/%Y"',
        ],
    ),
    "DD/MM or MM/DD": (
        "a.csv",
        HEADER + "a,03/01/2024,1\nb,05/06/2024,1\n",
        "",
        ['"%d/%m/%Y" and "%m/%d/%Y"', "the data cannot say which", "ask who exported them"],
    ),
    "MM/DD/YYYY declared as the contrary": (
        "a.csv",
        HEADER + "a,01/13/2024,1\nb,05/06/2024,1\n",
        'date_format = "%d/%m/%Y"',
        ["row 1", 'do not follow date_format = "%d/%m/%Y"', 'Set date_format = "%m/%d/%Y"'],
    ),
    "two-digit years": (
        "a.csv",
        HEADER + "a,13/01/24,1\nb,05/06/24,1\n",
        "",
        ['All 2 of these dates fit "%d/%m/%y"'],
    ),
    "two-digit years declared as four": (
        "a.csv",
        HEADER + "a,13/01/24,1\nb,05/06/24,1\n",
        'date_format = "%d/%m/%Y"',
        ["date before 1900: 2", "%y is 2024"],
    ),
    "spreadsheet's day numbers": (
        "a.csv",
        HEADER + "a,45304,1\nb,45305,1\n",
        "",
        ["row 1", "day numbers of a spreadsheet", "45292 is 2024-01-01"],
    ),
    "compact dates of seven digits": (
        "a.csv",
        HEADER + "a,2024115,1\nb,20241105,1\n",
        'date_format = "%Y%m%d"',
        ["row 1", "date not understood: 1"],
    ),
    "decimal commas": (
        "a.csv",
        GOOD.replace(",", ";").replace(".", ","),
        "",
        ["spend is not a number: 3", "paid", "'10,50'", "3 spends", 'decimal = ","'],
    ),
    "thousands as 1.234,50": (
        "a.csv",
        GOOD.replace(",", ";").replace("1234.50", "1.234,50"),
        "",
        ["row 3", "'1.234,50'", 'set decimal = ","'],
    ),
    "thousands as 1,234.50": ("a.csv", DOTS, "", ["row 1", "'1,234.50'", "expected as 1234.50"]),
    "thousands as 1,234.50 with a decimal comma": (
        "a.csv",
        DOTS,
        'decimal = ","',
        ["row 1", "'1,234.50'", '2 spends do not follow decimal = ","', 'fit decimal = "."'],
    ),
    "1.5 with a decimal comma": (
        "a.csv",
        HEADER + "a,2024-01-13,1.5\nb,2024-01-13,2.5\n",
        'decimal = ","',
        ["'1.5'", "spend is not a number: 2"],
    ),
    "underscores": ("a.csv", GOOD.replace("1234", "1_234"), "", ["row 3", "'1_234.50'"]),
    "Persian digits": ("a.csv", PERSIAN, "", ["row 1", "spend is not a number: 2", "'۱۲۳۴'"]),
    "Arabic decimal separators": (
        "a.csv",
        HEADER + "a,2024-01-13,12٫50\n",
        "",
        ["'12٫50'", "spend is not a number"],
    ),
    "Persian dates": (
        "a.csv",
        HEADER + "a,۱۴۰۲/۱۰/۲۳,1\n",
        "",
        ["date not understood", "digits 0-9"],
    ),
    "currency signs": ("a.csv", GOOD.replace("10.50", "€10.50"), "", ["'€10.50'", "currency"]),
    "negatives in parentheses": ("a.csv", GOOD.replace("10.50", "(10.50)"), "", ["'(10.50)'"]),
    "a minus behind": ("a.csv", GOOD.replace("10.50", "10.50-"), "", ["'10.50-'"]),
    "a total at the end of fewer cells": ("a.csv", GOOD + "Total\n", "", ["line 5", "found 1"]),
    "ids that a spreadsheet ruined": (
        "a.csv",
        HEADER + "1.23E+11,2024-01-13,1\n4.56E+11,2024-01-13,1\n",
        "",
        ["customer id turned into a decimal number: 2", "'1.23E+11'", "export ids as text"],
    ),
    "ids as decimals": (
        "a.csv",
        HEADER + "42.0,2024-01-13,1\n7.0,2024-01-13,1\n",
        "",
        ["'42.0'", "export ids as text"],
    ),
    "parquet by another name": ("a.csv", b"PAR1" + bytes(50), "", ["Parquet", ".parquet"]),
    "text by the name of parquet": ("a.parquet", GOOD, "", ["a.parquet", "cannot be read"]),
    "an empty parquet": ("a.parquet", "", "", ["a.parquet", "cannot be read"]),
}


# What is refused when it is opened takes no time; of the rest these are tried every time.
_TRIED = {"DD/MM/YYYY undeclared", "thousands as 1,234.50 with a decimal comma", "ids as decimals"}
_OPENING = (".csv, line", "no column for", "UTF-16", "gzip", "empty", "Excel", "NUL", "Copy it")


def kinds() -> list:
    """Kinds of damage; slow unless tried every time."""
    return [
        kind
        if kind in _TRIED or any(mark in word for word in words for mark in _OPENING)
        else pytest.param(kind, marks=pytest.mark.slow)
        for kind, (*_, words) in REFUSED.items()
    ]


@pytest.mark.parametrize("kind", kinds())
def test_damaged_files_are_refused_in_words(tmp_path, capsys, monkeypatch, kind):
    """Exit code 2; the message names what is wrong, where, and what to do."""
    name, content, options, words = REFUSED[kind]
    code, said = check(capsys, monkeypatch, written(tmp_path, name, content), options)
    assert 2 == code
    assert [] == [word for word in words if word not in said], said


def parquet(folder: Path, name: str = "a.parquet") -> Path:
    """A sound Parquet file of two groups of rows."""
    frame = pd.DataFrame({"id": "a", "day": "2024-01-13", "paid": np.arange(4000.0)})
    pq.write_table(pa.Table.from_pandas(frame), folder / name, row_group_size=2000)
    return folder / name


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_parquet_file_that_was_cut_short_is_refused(tmp_path, capsys, monkeypatch, kept):
    """Wherever it was cut: its directory stands at its end."""
    whole = parquet(tmp_path).read_bytes()
    path = written(tmp_path, "cut.parquet", whole[: int(kept * len(whole))])
    code, said = check(capsys, monkeypatch, path)
    assert 2 == code
    assert "cut.parquet" in said
    assert "cannot be read" in said


def test_a_parquet_file_with_another_ending_is_refused(tmp_path, capsys, monkeypatch):
    """The magic number at the end is wrong."""
    path = written(tmp_path, "b.parquet", parquet(tmp_path).read_bytes()[:-4] + b"PAR2")
    code, said = check(capsys, monkeypatch, path)
    assert 2 == code
    assert "b.parquet" in said


def test_parquet_columns_that_stand_twice_are_refused(tmp_path, capsys, monkeypatch):
    """Nobody can know which of the two was meant."""
    columns = [pa.array(["a"]), pa.array(["2024-01-13"]), pa.array([1.0]), pa.array(["b"])]
    table = pa.Table.from_arrays(columns, names=["id", "day", "paid", "ID"])
    pq.write_table(table, tmp_path / "a.parquet")
    code, said = check(capsys, monkeypatch, tmp_path / "a.parquet")
    assert 2 == code
    assert "no column for customer_id = 'id'" in said
    assert "id (column 1), day, paid, ID (column 4)" in said


def test_a_folder_is_no_file(tmp_path, capsys, monkeypatch):
    """The pattern that means its files is named."""
    folder = tmp_path / "orders.csv"
    folder.mkdir()
    code, said = check(capsys, monkeypatch, folder)
    assert 2 == code
    assert "it is a folder" in said
    assert "orders.csv/*.csv" in said


def test_files_of_one_pattern_are_matched_by_the_names_of_their_columns(tmp_path):
    """In another order, with another delimiter, or with a column more."""
    written(tmp_path, "1.csv", GOOD)
    written(tmp_path, "2.csv", "paid;id;day;note\n7;b;2024-03-01;x\n")
    assert sorted([*RIGHT, ("b", "2024-03-01", 7.0)]) == read(tmp_path / "*.csv")


@pytest.mark.parametrize(
    ("second", "missing"),
    [("id,day\nb,2024-03-01\n", "'paid'"), (LINES, "'id', 'day', 'paid'")],
)
def test_files_of_one_pattern_need_the_same_columns(tmp_path, capsys, monkeypatch, second, missing):
    """The file that lacks one is named, and the column."""
    written(tmp_path, "1.csv", GOOD)
    written(tmp_path, "2.csv", second)
    code, said = check(capsys, monkeypatch, tmp_path / "*.csv")
    assert 2 == code
    assert f"2.csv: no column {missing}" in said


def test_a_line_of_the_second_file_is_named_with_its_file(tmp_path, capsys, monkeypatch):
    """Not only the pattern."""
    written(tmp_path, "1.csv", GOOD)
    written(tmp_path, "2.csv", HEADER + "b,2024-03-01\n")
    code, said = check(capsys, monkeypatch, tmp_path / "*.csv")
    assert 2 == code
    assert "2.csv, line 2" in said


def test_a_file_that_may_not_be_opened_says_why(tmp_path, monkeypatch):
    """The system's reason stands in the message; simulated, since a superuser may open every file."""
    path = written(tmp_path, "a.csv", GOOD)
    if os.geteuid() == 0:

        def forbidden(*_args, **_options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("builtins.open", forbidden)
    else:
        path.chmod(0)
    with pytest.raises(DataError, match=r"a\.csv: cannot be opened \(Permission denied\)"):
        read(path)
