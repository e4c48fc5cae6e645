"""One log in every form that a shop may have it in: each gives the same rows."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import ibis
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from retention_models.data.contacts import read_events, read_surveys
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError
from tiers import few

pytestmark = pytest.mark.slow

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}
DAYS = [dt.datetime(2024, 1, 13, 9, 30), dt.datetime(2024, 1, 20), dt.datetime(2024, 2, 14, 23)]
FRAME = pd.DataFrame(
    {"id": ["0042", "0042", "Müşteri"], "day": DAYS, "paid": [10.5, 20.25, 1234.5]}
)
RIGHT = [("0042", "2024-01-13", 10.5), ("0042", "2024-01-20", 20.25)]
RIGHT += [("Müşteri", "2024-02-14", 1234.5)]


def read(source: Any, **options: Any) -> list[tuple]:
    """Usable rows as plain values, sorted."""
    table = read_transactions(source, **NAMES | options).table.execute()
    days = pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d")
    return sorted(zip(table["customer_id"], days, table["spend"].astype(float), strict=True))


def as_text() -> pd.DataFrame:
    """The log as a text file has it."""
    return FRAME.assign(day=FRAME["day"].dt.strftime("%Y-%m-%d %H:%M"))


def workbook(path: Path, *above: list, frame: pd.DataFrame = FRAME, sheet: str = "Orders") -> Path:
    """Write a workbook with rows above its table."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in (*above, list(frame.columns), *frame.itertuples(index=False)):
        book.active.append([None if pd.isna(cell) else cell for cell in row])
    book.save(path)
    return path


class Streamed:
    """A frame of another library, by Arrow's stream interface alone, as Polars hands it out."""

    def __init__(self) -> None:
        table = pa.table(FRAME)
        views = table["id"].cast(pa.string()).combine_chunks().dictionary_encode()
        named = pa.DictionaryArray.from_arrays(
            views.indices, views.dictionary.cast(pa.string_view())
        )
        self.table = table.set_column(0, "id", named).append_column("nothing", pa.nulls(3))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows."""
        return self.table.__arrow_c_stream__(requested_schema)


def test_one_log_is_read_from_every_kind_of_file(tmp_path):
    """CSV, packed, Parquet, JSON lines, a workbook, a view in a DuckDB file; months by a pattern."""
    text = as_text()
    text.to_csv(tmp_path / "a.csv", index=False)
    text.to_csv(tmp_path / "b.csv.gz", index=False)
    FRAME.to_parquet(tmp_path / "c.parquet")
    text.to_json(tmp_path / "d.jsonl", orient="records", lines=True, force_ascii=False)
    workbook(tmp_path / "e.xlsx")
    with duckdb.connect(str(tmp_path / "f.duckdb")) as connection:
        connection.register("frame", FRAME)
        connection.execute("create table lines as select * from frame")
        connection.execute("create view sales as select * from lines")
    for name in ("a.csv", "b.csv.gz", "c.parquet", "d.jsonl", "e.xlsx", "[a].csv"):
        assert RIGHT == read(tmp_path / name), name
    assert RIGHT == read(tmp_path / "f.duckdb", table="sales")


def test_frames_of_every_library_are_read(tmp_path):
    """Pandas with categories, Arrow with dictionaries and in batches, streams, DuckDB relations."""
    table = pa.table(FRAME)
    packed = table.set_column(0, "id", table["id"].dictionary_encode())
    connection = duckdb.connect()
    frames = {
        "pandas": FRAME,
        "pandas with categories": FRAME.astype({"id": "category"}),
        "pandas over Arrow": FRAME.astype({"id": pd.ArrowDtype(packed["id"].type)}),
        "Arrow": packed,
        "Arrow in batches": pa.RecordBatchReader.from_batches(table.schema, table.to_batches(2)),
        "a stream": Streamed(),
        "a DuckDB relation": connection.from_arrow(table),
    }
    for name, frame in frames.items():
        assert RIGHT == read(frame), name


def test_an_ibis_table_is_read_and_its_engine_stays_as_it_is():
    """Days begin in the shop's zone, whatever zone the table's own connection is in."""
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone = 'America/New_York'")
    late = FRAME.assign(day=FRAME["day"].dt.tz_localize("UTC"))
    connection.con.register("late", late)
    connection.raw_sql("CREATE TABLE orders AS SELECT * FROM late")
    connection.con.unregister("late")
    table = connection.table("orders")
    moved = [("0042", "2024-01-13"), ("0042", "2024-01-20"), ("Müşteri", "2024-02-15")]
    found = read(table.mutate(paid=table["paid"] * 2), timezone="Europe/Istanbul")
    assert moved == [row[:2] for row in found]
    assert 21.0 == found[0][2]
    zone = connection.raw_sql("SELECT current_setting('TimeZone')").fetchone()
    assert ("America/New_York",) == zone
    assert ["orders"] == connection.list_tables()
    assert RIGHT == read(ibis.memtable(FRAME))


def test_what_is_no_table_is_refused_in_words():
    """With its type; and a lazy frame with what to do."""
    with pytest.raises(DataError, match="log: expected a path, a URL, a pandas, Polars"):
        read({"id": [1]})

    class LazyFrame:
        """As that of Polars."""

        def collect(self) -> None:
            """Compute it."""

    with pytest.raises(DataError, match=r"got LazyFrame\. Collect it first"):
        read(LazyFrame())
    with pytest.raises(DataError, match="expected columns with different names that are text"):
        read(pd.concat([FRAME, FRAME], axis=1))
    with pytest.raises(DataError, match="log: encoding = 'cp1254' is only for files"):
        read(FRAME, encoding="cp1254")


def test_a_workbook_is_read_below_its_titles(tmp_path):
    """Title rows, blank rows and empty rows between are passed over; ids stay text."""
    path = workbook(tmp_path / "a.xlsx", ["Sales 2024"], [], ["From", dt.date(2024, 1, 1)])
    assert RIGHT == read(path)
    book = openpyxl.load_workbook(path)
    book.active.insert_rows(6)
    book.save(path)
    assert RIGHT == read(path)


def test_whole_numbers_of_a_workbook_are_ids_and_mixed_columns_keep_their_values(tmp_path):
    """17850 is no 17850.0, beside text neither; digits that Excel has lost are seen."""
    numbers = FRAME.assign(id=[17850, 17850, 99])
    assert ["17850", "17850", "99"] == [
        row[0] for row in read(workbook(tmp_path / "a.xlsx", frame=numbers))
    ]
    mixed = FRAME.assign(id=[17850, "A7", "x"])
    assert ["17850", "A7", "x"] == [
        row[0] for row in read(workbook(tmp_path / "b.xlsx", frame=mixed))
    ]
    lost = FRAME.assign(id=[1.2e22, "A7", "x"])
    with pytest.raises(DataError, match="customer id turned into a decimal number"):
        read(workbook(tmp_path / "c.xlsx", frame=lost))


def test_the_sheet_is_named_where_several_hold_something(tmp_path):
    """Never the first one by chance; empty and hidden ones are no choice."""
    path = workbook(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book.create_sheet("Empty")
    book.create_sheet("Lists").append(["a", "b"])
    book["Lists"].append(["c", "d"])
    book["Lists"].sheet_state = "hidden"
    book.save(path)
    assert RIGHT == read(path)
    book["Lists"].sheet_state = "visible"
    book.save(path)
    with pytest.raises(
        DataError, match="no sheet is named; expected sheet to be one of 'Orders', 'Lists'"
    ):
        read(path)
    assert RIGHT == read(path, sheet="Orders")
    with pytest.raises(DataError, match="no sheet 'orders'"):
        read(path, sheet="orders")


def test_months_in_workbooks_are_one_log(tmp_path):
    """Columns in another order; one that lacks a column is named."""
    workbook(tmp_path / "m1.xlsx", ["January"], frame=FRAME[:2])
    workbook(tmp_path / "m2.xlsx", frame=FRAME[2:][["paid", "day", "id"]])
    assert RIGHT == read(tmp_path / "m*.xlsx")
    workbook(tmp_path / "m3.xlsx", frame=FRAME[["day", "id"]])
    with pytest.raises(DataError, match=r"m3\.xlsx: no column 'paid', which .*m1\.xlsx has"):
        read(tmp_path / "m*.xlsx")


def test_a_workbook_that_is_none_says_so(tmp_path):
    """A damaged file, and a sheet without names above its numbers."""
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + bytes(99))
    with pytest.raises(DataError, match=r"a\.xlsx: cannot be read as an Excel file"):
        read(tmp_path / "a.xlsx")
    book = openpyxl.Workbook()
    book.active.append([1, 2])
    book.active.append([3, 4])
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(DataError, match="no row of names above the data"):
        read(tmp_path / "b.xlsx")


def lines(**more: str) -> str:
    """The log as JSON lines."""
    rows = as_text().to_dict("records")
    return "\n".join(json.dumps(row | more, ensure_ascii=False) for row in rows) + "\n"


def test_json_lines_are_read_plain_and_packed(tmp_path):
    """Ids as text or numbers, keys that some lines lack, a file per month."""
    (tmp_path / "a.jsonl").write_text(lines(), encoding="utf-8")
    assert RIGHT == read(tmp_path / "a.jsonl")
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(lines(note="x").encode()))
    assert RIGHT == read(tmp_path / "a.ndjson.gz")
    first, *rest = lines().splitlines()
    (tmp_path / "m1.jsonl").write_text(first, encoding="utf-8")
    (tmp_path / "m2.jsonl").write_text("\n".join(rest), encoding="utf-8")
    assert RIGHT == read(tmp_path / "m*.jsonl")
    (tmp_path / "n.jsonl").write_text('{"id": 42, "day": "2024-01-13", "paid": 1}\n{"id": 42}\n')
    with pytest.raises(DataError, match=r"1 of 2 rows cannot be used \(no date: 1\)"):
        read(tmp_path / "n.jsonl")


def test_damaged_json_lines_are_refused_with_the_line(tmp_path):
    """And what holds no objects."""
    (tmp_path / "a.jsonl").write_text(lines() + '{"id": "x", "day\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl.*line"):
        read(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text("[1, 2]\n3\n")
    with pytest.raises(DataError, match="expected an object per line"):
        read(tmp_path / "b.jsonl")


def test_a_header_of_another_encoding_is_told_by_its_encoding(tmp_path):
    """Not as a column whose name is nearly right."""
    (tmp_path / "a.csv").write_bytes("Müşteri,day,paid\n1,2024-01-13,5\n".encode("cp1254"))
    with pytest.raises(DataError, match=r'line 1: not UTF-8 .* encoding = "cp1254"') as caught:
        read_transactions(tmp_path / "a.csv", customer_id="Müşteri", date="day", spend="paid")
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["cp1254", "iso-8859-9", "utf-16", "utf-16-le"])
def test_text_of_a_declared_encoding_is_read(tmp_path, encoding):
    """CSV plain and packed, JSON lines; the copy in UTF-8 is gone."""
    content = as_text().to_csv(index=False).encode(encoding)
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.jsonl").write_bytes(lines().encode(encoding))
    for name in ("a.csv", "a.csv.gz", "a.jsonl"):
        assert RIGHT == read(tmp_path / name, encoding=encoding), name


def test_an_encoding_that_does_not_fit_is_refused_with_file_and_line(tmp_path):
    """And one that is none."""
    (tmp_path / "a.csv").write_bytes(as_text().to_csv(index=False).encode("cp1254"))
    with pytest.raises(DataError, match=r'a\.csv, line 4: not UTF-8 .* encoding = "cp1254"'):
        read(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv, line 4: not text in ascii"):
        read(tmp_path / "a.csv", encoding="ascii")
    for unknown in ("cp99999", "zip", "rot13"):
        with pytest.raises(DataError, match=f'encoding = "{unknown}" is not known'):
            read(tmp_path / "a.csv", encoding=unknown)
    (tmp_path / "b.csv").write_bytes("id,day,paid\nş,2024-01-13\n".encode("cp1254"))
    with pytest.raises(DataError, match=r"b\.csv, line 2: expected 3 cells"):
        read(tmp_path / "b.csv", encoding="cp1254")


def test_views_of_a_duckdb_file_are_tables(tmp_path):
    """Also in another schema."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.register("frame", FRAME)
        connection.execute("CREATE TABLE orders AS SELECT id, day, paid * 2 AS twice FROM frame")
        connection.execute("CREATE VIEW log AS SELECT id, day, twice / 2 AS paid FROM orders")
        connection.execute("CREATE SCHEMA sales; CREATE VIEW sales.log AS FROM main.log")
    assert RIGHT == read(tmp_path / "shop.duckdb", table="log")
    assert RIGHT == read(tmp_path / "shop.duckdb", table="sales.log")
    with pytest.raises(
        DataError, match="no table is named; expected table to be one of log, orders"
    ):
        read(tmp_path / "shop.duckdb")


def test_what_is_for_other_files_is_refused(tmp_path):
    """A sheet of a CSV, an encoding of Parquet."""
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="sheet = 'x' is only for an Excel file"):
        read(tmp_path / "a.csv", sheet="x")
    with pytest.raises(DataError, match="encoding = 'cp1254' is only for CSV and JSON lines"):
        read(tmp_path / "a.parquet", encoding="cp1254")


def test_surveys_and_events_take_the_same_tables(tmp_path):
    """A frame, a workbook; with conditions and mended ids."""
    answers = pd.DataFrame(
        {"id": [17850.0, 99.0, 5.0], "day": DAYS, "score": [0, 9, 5], "kind": "x"}
    )
    names = {"customer_id": "id", "answered_at": "day", "score": "score"}
    found = read_surveys(answers, **names, where="score <> 5", mend_ids=True)
    assert {"17850", "99"} == set(found.table.execute()["customer_id"])
    path = workbook(tmp_path / "a.xlsx", ["Contacts"], frame=answers)
    events = read_events(path, customer_id="id", date="day", kind="kind")
    assert {"17850", "99", "5"} == set(events.table.execute()["customer_id"])


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    few(
        3,
        [
            ("$12.50", {"currency_sign": "$"}, 12.5),
            ("-$1,234.50", {"currency_sign": "$", "thousands": ","}, -1234.5),
            ("$-5.00", {"currency_sign": "$"}, -5.0),
            ("($5.00)", {"currency_sign": "$", "minus": "brackets"}, -5.0),
            ("12,50 €", {"currency_sign": "€", "decimal": ","}, 12.5),
            ("1.234,50-", {"decimal": ",", "minus": "behind"}, -1234.5),
            ("1'234.50", {"thousands": "'"}, 1234.5),
            ("1 234.50", {"thousands": " "}, 1234.5),
        ],
    ),
)
def test_amounts_are_read_as_their_notation_is_declared(tmp_path, text, options, expected):
    """Signs, thousands and a minus elsewhere; without the key each is refused."""
    frame = as_text().astype({"paid": str}).assign(paid=text)
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";")
    assert {expected} == {row[2] for row in read(tmp_path / "a.csv", **options)}
    for left_out in set(options) - {"decimal"}:
        fewer = {key: value for key, value in options.items() if key != left_out}
        with pytest.raises(DataError, match="spend is not a number: 3"):
            read(tmp_path / "a.csv", **fewer)


def test_moments_counted_since_1970_are_days_of_the_shops_zone(tmp_path):
    """REF: 1704067199 s is 23:59:59 of 31 December 2023 in UTC, after midnight in Istanbul."""
    moments = FRAME.assign(day=[1704067199, 1704067200, 1707955200])
    days = [row[1] for row in read(moments, date_format="unix seconds")]
    assert ["2023-12-31", "2024-01-01", "2024-02-15"] == days
    moments["day"] *= 1_000
    moments.to_csv(tmp_path / "a.csv", index=False)
    there = {"date_format": "unix milliseconds", "timezone": "Europe/Istanbul"}
    assert ["2024-01-01", "2024-01-01", "2024-02-15"] == [
        row[1] for row in read(tmp_path / "a.csv", **there)
    ]
    with pytest.raises(DataError, match=r'milliseconds since 1970\. Set date_format = "unix milli'):
        read(tmp_path / "a.csv")
    with pytest.raises(DataError, match="date not understood: 3"):
        read(tmp_path / "a.csv", date_format="unix seconds")
