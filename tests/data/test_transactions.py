"""The data contract: what is read, what is refused, and in which words."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from retention_models.data.reading_transactions import read_transactions
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.summaries.customers import customer_summary

COLUMNS = {"customer_id": "id", "date": "day", "spend": "amount", "store_id": "shop"}


def csv(folder: Path, *lines: str, header: str = "id,day,amount,shop") -> Path:
    """Write a CSV file."""
    path = folder / "log.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def read(path: Path, **options: object) -> Transactions:
    """Read with the test's column names."""
    return read_transactions(path, **{**COLUMNS, **options})


def usable(log: Transactions) -> list[tuple]:
    """Usable rows as plain values, sorted."""
    table = log.table.execute()
    days = pd.to_datetime(table["date"]).dt.date
    return sorted(
        zip(
            table["customer_id"], table["store_id"], days, table["spend"].astype(float), strict=True
        )
    )


def reasons(log: Transactions) -> dict[str, int]:
    """Unusable rows by reason."""
    return log.quality.groupby("reason")["rows"].sum().to_dict()


@pytest.mark.parametrize(
    "identity", ["0042", "NO", "12E4", "../x", "O'Brien", "<b>", "مشتری", "Müşteri İ", "x y"]
)
def test_ids_stay_the_text_that_they_are(tmp_path, identity):
    """No reader turns an id into a number, a truth value or markup."""
    log = read(csv(tmp_path, f"{identity},2024-01-05,1.5,{identity}"))
    assert [(identity, identity, dt.date(2024, 1, 5), 1.5)] == usable(log)


def test_whole_number_ids_of_parquet_become_text(tmp_path):
    """Integers are safe to write as text."""
    frame = pd.DataFrame({"id": [42], "day": ["2024-01-05"], "amount": [1], "shop": [7]})
    frame.to_parquet(tmp_path / "log.parquet")
    assert [("42", "7", dt.date(2024, 1, 5), 1.0)] == usable(read(tmp_path / "log.parquet"))


def test_decimal_ids_are_refused(tmp_path):
    """42.0 may have been 42 or 0042: nobody knows any more."""
    frame = pd.DataFrame({"id": [42.0], "day": ["2024-01-05"], "amount": [1], "shop": ["7"]})
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"'id' \(customer_id\) holds float64; expected text"):
        read(tmp_path / "log.parquet")


def test_a_time_with_an_offset_falls_on_the_shops_day(tmp_path):
    """23:30 UTC is the next day in Istanbul; a time without an offset is the shop's own."""
    path = csv(
        tmp_path,
        "a,2024-01-05T23:30:00Z,1,s",
        "b,2024-01-05T23:30:00+03:00,1,s",
        "c,2024-01-05 23:30:00,1,s",
    )
    days = {row[0]: row[2].day for row in usable(read(path, timezone="Europe/Istanbul"))}
    assert {"a": 6, "b": 5, "c": 5} == days


def test_zoned_times_of_parquet_fall_on_the_shops_day(tmp_path):
    """The same for times that the file itself marks as UTC."""
    frame = pd.DataFrame(
        {"id": ["a"], "day": pd.to_datetime(["2024-01-05T23:30Z"]), "amount": [1], "shop": ["s"]}
    )
    frame.to_parquet(tmp_path / "log.parquet")
    log = read(tmp_path / "log.parquet", timezone="Europe/Istanbul")
    assert dt.date(2024, 1, 6) == usable(log)[0][2]


def test_a_table_of_a_duckdb_file_is_read(tmp_path):
    """By its path, also as a URL; with one table its name can be left out."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT 'a' id, DATE '2024-01-05' AS day, 2.5 amount"
        )
    options = {**COLUMNS, "store_id": None}
    for source in (path, f"duckdb://{path}"):
        log = read_transactions(source, **options)
        assert [("a", "all", dt.date(2024, 1, 5), 2.5)] == usable(log)
    with pytest.raises(DataError, match=r"no table 'sales'.*orders"):
        read_transactions(path, table="sales", **options)


def test_files_by_a_pattern_are_one_log(tmp_path):
    """A day's export a file."""
    for day in (1, 2):
        frame = pd.DataFrame(
            {"id": ["a"], "day": [f"2024-01-0{day}"], "amount": [1], "shop": ["s"]}
        )
        frame.to_csv(tmp_path / f"log{day}.csv", index=False)
    assert 2 == read(tmp_path / "log*.csv").rows_read


def test_every_unusable_row_is_counted_by_its_reason(tmp_path):
    """Nothing is dropped in silence, and no usable row is lost."""
    path = csv(
        tmp_path,
        "a,2024-01-05,1,s",
        ",2024-01-05,1,s",
        "a,,1,s",
        "a,05/06/2024,1,s",
        "a,2024-02-30,1,s",
        "a,2999-01-01,1,s",
        "a,2024-01-05,,s",
        "a,2024-01-05,12 EUR,s",
        "a,2024-01-05,inf,s",
        "a,2024-01-05,1,",
        "b,2024-01-05,-3,s",
    )
    log = read(path, max_unusable_share=0.9)
    assert {
        "no customer id": 1,
        "no date": 1,
        "date not understood": 2,
        "date in the future": 1,
        "no spend": 1,
        "spend is not a number": 1,
        "spend is not finite, or 1e12 and more": 1,
        "no store id": 1,
    } == reasons(log)
    assert log.rows_read == log.rows_unusable + len(usable(log)) == 11


def test_too_many_unusable_rows_stop_with_the_first_of_them(tmp_path):
    """The message counts the reasons, shows the rows as they stand, and says what to do."""
    path = csv(tmp_path, "a,2024-01-05,1,s", "b,05/06/2024,1,s", "c,2024-01-06,x,s")
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert "2 of 3 rows cannot be used" in message
    assert "row 2 after the header: date not understood (id = 'b', day = '05/06/2024'" in message
    assert "row 3 after the header: spend is not a number" in message
    assert 'date_format = "%d/%m/%Y"' in message
    assert 'decimal = ","' in message


def test_rows_without_a_customer_do_not_stop_the_run(tmp_path):
    """Anonymous sales are no mistake of the file: they are counted."""
    log = read(csv(tmp_path, "a,2024-01-05,1,s", ",2024-01-05,1,s", ",2024-01-05,1,s"))
    assert {"no customer id": 2} == reasons(log)


def test_dates_follow_a_given_format_and_are_never_guessed(tmp_path):
    """03/04 is the third of April only where the project file says so."""
    path = csv(tmp_path, "a,03/04/2024,1,s")
    assert dt.date(2024, 4, 3) == usable(read(path, date_format="%d/%m/%Y"))[0][2]
    with pytest.raises(DataError, match="never guessed"):
        read(path)


def test_blanks_around_cells_are_not_part_of_them(tmp_path):
    """Spaces and tabs are left out; a cell of nothing else is empty; ids too."""
    path = csv(tmp_path, " a, 2024-01-05\t, 1.5 ,s", "b,2024-01-05, \t,s", "  ,2024-01-05,1,s")
    log = read(path, max_unusable_share=0.5)
    assert [("a", "s", dt.date(2024, 1, 5), 1.5)] == usable(log)
    assert {"no spend": 1, "no customer id": 1} == reasons(log)
    comma = csv(tmp_path, 'a," 05/01/2024"," 1 234,5\t",s')
    found = usable(read(comma, decimal=",", date_format="%d/%m/%Y"))
    assert [("a", "s", dt.date(2024, 1, 5), 1234.5)] == found


def test_a_decimal_comma_is_read_where_it_is_declared(tmp_path):
    """1.234,50 is one thousand two hundred and thirty-four and a half."""
    path = csv(tmp_path, 'a,2024-01-05,"1.234,50",s')
    assert 1234.5 == usable(read(path, decimal=","))[0][3]


def test_exact_repeats_are_kept_and_said_or_dropped_and_counted(tmp_path):
    """Two equal items and a file loaded twice look the same: the shop decides."""
    path = csv(tmp_path, *["a,2024-01-05,1,s"] * 3, "a,2024-01-06,1,s")
    kept, dropped = read(path), read(path, duplicates="drop")
    assert (4, 2) == (len(usable(kept)), len(usable(dropped)))
    assert any("2 rows repeat another" in remark for remark in kept.remarks)
    assert {"exact repeat of another row": 2} == reasons(dropped)


def test_repeats_are_counted_as_by_comparing_every_row(tmp_path):
    """Rows of one hash are compared: empty cells, no numbers and zeros of both signs are equal."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": rng.choice(["a", "b", None], 500),
            "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 3, 500), "D"),
            "amount": rng.choice([0.0, -0.0, 1.5, np.nan], 500),
            "note": rng.integers(0, 50, 500),
        }
    )
    frame.to_parquet(tmp_path / "log.parquet")
    connection = duckdb.connect()
    path = str(tmp_path / "log.parquet")
    different = connection.execute(
        "SELECT COUNT(*) FROM (SELECT DISTINCT * FROM read_parquet(?))", [path]
    )
    (expected,) = different.fetchone()
    columns = {"customer_id": "id", "date": "day", "spend": "amount"}
    log = read_transactions(path, **columns, max_unusable_share=1.0)
    assert 0 < 500 - expected == log.repeats


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_moments_at_the_ends_of_time_are_told_by_their_day_in_the_shop(tmp_path, zone):
    """The last moment of today is read, the first of tomorrow is not; so at the begin of 1900."""
    today = pd.Timestamp.now(tz=zone).normalize()
    first, second = pd.Timestamp("1900-01-01", tz=zone), pd.Timedelta(seconds=1)
    tomorrow = (today.tz_localize(None) + pd.Timedelta(days=1)).tz_localize(zone)
    days = pd.to_datetime(
        [first - second, first, tomorrow - second, tomorrow, today - pd.Timedelta(days=9)],
        utc=True,
    )
    ids = ["early", "first", "last", "beyond", "sound"]
    frame = pd.DataFrame({"id": ids, "day": days, "amount": 1.0}).astype(
        {"day": "datetime64[us, UTC]"}
    )
    frame.to_parquet(tmp_path / "log.parquet")
    columns = {"customer_id": "id", "date": "day", "spend": "amount"}
    log = read_transactions(
        tmp_path / "log.parquet", **columns, timezone=zone, max_unusable_share=0.5
    )
    assert {"date before 1900": 1, "date in the future": 1} == reasons(log)
    assert ["first", "last", "sound"] == sorted(log.table.execute()["customer_id"])


@pytest.mark.parametrize("identity", ["17850.0", "1.23E+11", "12e+4", " 42.0 "])
def test_ids_of_digits_that_became_numbers_are_seen_among_sound_ones(tmp_path, identity):
    """An id of digits alone is passed at a glance, one with a point or a plus is looked through."""
    ids = ["42", "0042", "7.5", "+49", identity, "007A", "8 "]
    frame = pd.DataFrame({"id": ids, "day": pd.to_datetime("2024-01-01"), "amount": 1.0})
    frame.to_parquet(tmp_path / "log.parquet")
    columns = {"customer_id": "id", "date": "day", "spend": "amount"}
    log = read_transactions(tmp_path / "log.parquet", **columns, max_unusable_share=0.5)
    assert {"customer id turned into a decimal number": 1} == reasons(log)
    assert 6 == len(log.table.execute())


def test_a_store_whose_rows_are_held_answers_as_the_log(tmp_path, monkeypatch):
    """Also up to a day; other stores, all of them, and a log of other rows are not answered by them."""
    monkeypatch.setattr("retention_models.data.transactions._MANY_LINES", 1)
    lines = [
        f"c{i % 7},2024-01-{i % 28 + 1:02d},{i},{'s' if i % 3 == 0 else 't'}" for i in range(90)
    ]
    log = read(csv(tmp_path, *lines))
    held = log.with_held("s")
    assert held.held is not None
    for store, until in [("s", None), ("s", dt.date(2024, 1, 9)), ("t", None), (None, None)]:
        names = ["customer_id", "date", "spend"]
        expected, found = (one.rows(store, until).execute() for one in (log, held))
        assert len(expected)
        pd.testing.assert_frame_equal(
            *(one.sort_values(names, ignore_index=True) for one in (expected, found))
        )
    other = replace(held, table=held.table.filter(held.table["customer_id"] == "c1"))
    assert ["c1"] == sorted(set(other.rows("s").execute()["customer_id"]))


def test_returns_and_free_items_are_remarked(tmp_path):
    """What is unusual and kept is said."""
    log = read(csv(tmp_path, "a,2024-01-05,-1,s", "a,2024-01-05,0,s", "a,2024-01-05,2,s"))
    assert any("1 row is a return" in remark for remark in log.remarks)
    assert any("1 row has a spend of 0" in remark for remark in log.remarks)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "no such file"),
        ("log.pdf", "x", r"expected a CSV .* by the ending"),
        (
            "log.xls",
            "x",
            r"Excel 97 to 2003 is not read here.*save it as an Excel workbook \(\.xlsx\)",
        ),
        ("log.ODS", "x", r"OpenDocument spreadsheet is not read here"),
        ("log.xlsx", "x", "cannot be read as an Excel file"),
        ("log.parquet", "not parquet", "cannot be read"),
        ("log.csv", "id,day,amount,shop\n", "holds no rows"),
        ("log.csv", "customer,day,amount,shop\na,2024-01-05,1,s\n", r"customer_id = 'id'"),
        ("log.csv", "ID,day,amount,shop\na,2024-01-05,1,s\n", r"The file has: ID, day"),
    ],
)
def test_a_source_that_is_not_one_says_what_was_expected(tmp_path, name, content, words):
    """Missing, of another kind, damaged, empty, or with other columns."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_other_urls_are_refused_in_words():
    """Nothing is fetched that was not asked for in a supported way."""
    with pytest.raises(DataError, match="begins with duckdb://, postgresql://"):
        read_transactions("ftp://shop/log.csv", **COLUMNS)


def test_a_file_that_changes_under_the_work_is_an_error(tmp_path):
    """A log in Parquet is read anew by every question; two states of it are never mixed."""
    path = tmp_path / "log.parquet"
    frame = pd.DataFrame({"id": ["a"], "day": pd.to_datetime(["2024-01-01"]), "paid": [1.0]})
    frame.to_parquet(path)
    log = read_transactions(path, customer_id="id", date="day", spend="paid")
    assert 1 == len(customer_summary(log))
    pd.concat([frame, frame.assign(id="b")]).to_parquet(path)
    with pytest.raises(DataError, match=r"log\.parquet: the file changed while"):
        customer_summary(log)
