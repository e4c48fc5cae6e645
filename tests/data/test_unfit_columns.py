"""Columns of frames, worksheets and Parquet files that would be read as something else: refused."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}
BASE = {"id": ["a", "b"], "day": [dt.date(2024, 1, 2), dt.date(2024, 1, 3)], "paid": [5.0, 7.0]}
MOMENTS = [dt.datetime(2024, 1, 2, 1, 30), dt.datetime(2024, 1, 3, 12)]


def rows(source, **options) -> list[tuple[str, str, float]]:
    """What is read."""
    table = read_transactions(source, **NAMES, **options).table.execute().sort_values("date")
    return [(r.customer_id, str(r.date)[:10], float(r.spend)) for r in table.itertuples()]


RIGHT = [("a", "2024-01-02", 5.0), ("b", "2024-01-03", 7.0)]


@pytest.fixture
def parquet(tmp_path):
    """Writes a Parquet file."""

    def write(metadata=None, **columns):
        table = pa.table({**BASE, **columns}).replace_schema_metadata(metadata)
        pq.write_table(table, tmp_path / "log.parquet", use_deprecated_int96_timestamps=True)
        return tmp_path / "log.parquet"

    return write


@pytest.fixture
def excel(tmp_path):
    """Writes a workbook."""

    def write(lines, merged=()):
        book = openpyxl.Workbook()
        for line in [list(BASE), *lines]:
            book.active.append(line)
        for cells in merged:
            book.active.merge_cells(cells)
        book.save(tmp_path / "log.xlsx")
        return tmp_path / "log.xlsx"

    return write


def test_lengths_of_time_are_no_money(parquet):
    """DuckDB reads them as whole numbers; beside the contract's columns they do no harm."""
    lengths = pa.array([5, 7], pa.duration("s"))
    with pytest.raises(DataError, match=r"'paid' \(spend\) holds lengths of time"):
        rows(parquet(paid=lengths))
    assert rows(parquet(extra=lengths)) == RIGHT


def test_decimals_beyond_what_the_engine_has_are_refused(parquet):
    """It takes them for other numbers."""
    long = pa.array([5, 7], pa.decimal256(60, 2))
    with pytest.raises(DataError, match="holds decimals of 60 digits; at most 38"):
        rows(parquet(paid=long))


@pytest.mark.slow
def test_times_that_spark_wrote_in_96_bits_are_moments_in_utc(parquet):
    """Their type has no zone; of another program they are the shop's own times."""
    old = pa.array(MOMENTS, pa.timestamp("ns"))
    spark = {"org.apache.spark.sql.parquet.row.metadata": "{}"}
    zone = {"timezone": "America/New_York"}
    assert "2024-01-01" == rows(parquet(spark, day=old), **zone)[0][1]
    assert rows(parquet(day=old), **zone) == RIGHT


@pytest.mark.slow
def test_ids_of_32_bits_are_mended_up_to_seven_digits(parquet):
    """Beyond, two ids are one; what is no number is no id."""
    big = pa.array([16777217.0, 16777216.0], pa.float32())
    with pytest.raises(DataError, match="no whole numbers of at most 7 digits"):
        rows(parquet(id=big), mend_ids=True)
    some = parquet(id=pa.array([42.0, float("nan")], pa.float32()))
    assert rows(some, mend_ids=True, max_unusable_share=0.9) == [("42", "2024-01-02", 5.0)]


@pytest.mark.slow
def test_cells_merged_over_rows_are_refused(excel):
    """All but the first are empty: sales would be nobody's. A merged title, or note, does no harm."""
    lines = [["a", MOMENTS[0], 5.0], [None, MOMENTS[1], 7.0], ["b", MOMENTS[1], 1.0]]
    with pytest.raises(DataError, match=r"'id' \(customer_id\) has cells .* rows 2 to 3 of sheet"):
        rows(excel(lines, ["A2:A3"]))
    lines[1][0] = "b"
    assert 3 == len(rows(excel([[*line, "x"] for line in lines], ["D2:D4"])))


@pytest.mark.slow
def test_numbers_beside_text_with_a_comma_are_refused(excel):
    """7.125 would be read as 7125."""
    lines = [["a", MOMENTS[0], "1.234,50"], ["b", MOMENTS[1], 7.125]]
    with pytest.raises(DataError, match="holds numbers and text"):
        rows(excel(lines), decimal=",")
    whole = excel([["a", MOMENTS[0], "1.235"], ["b", MOMENTS[1], 7]])
    assert 1242 == sum(paid for *_, paid in rows(whole, decimal=","))


@pytest.mark.slow
def test_columns_of_a_frame_that_arrow_has_no_type_for(parquet):
    """Periods of a day are days; what is not needed may hold anything; what is needed is named."""
    frame = pd.DataFrame(BASE)
    frame["month"] = pd.PeriodIndex(["2024-01", "2024-01"], freq="M")
    frame["note"] = pd.Series([1, "x"], dtype=object)
    frame["bin"] = pd.interval_range(0, 2)
    assert rows(frame) == RIGHT
    assert rows(frame.assign(day=pd.PeriodIndex(frame["day"], freq="D"))) == RIGHT
    with pytest.raises(DataError, match=r"'note' \(customer_id\) does not hold values of one type"):
        read_transactions(frame, **{**NAMES, "customer_id": "note"})
    with pytest.raises(DataError, match=r"'note' \(where\) does not hold values of one type"):
        rows(frame, where="note = 'x'")
    with pytest.raises(DataError, match=r"columns 'id' and 'ID' differ in upper and lower case"):
        rows(frame.assign(ID="x"))
    with pytest.raises(DataError, match="got Series"):
        rows(frame["paid"])


def test_times_with_and_without_a_zone_in_one_column_are_refused():
    """Arrow would take those without for UTC."""
    mixed = [pd.Timestamp(MOMENTS[0], tz="UTC"), pd.Timestamp(MOMENTS[1])]
    frame = pd.DataFrame(BASE).assign(day=pd.Series(mixed, dtype=object))
    for one in (frame, frame[::-1]):
        with pytest.raises(DataError, match="times with a zone and times without one"):
            rows(one)
