"""The day of a time: a zone that is written is never passed over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from retention_models.data.reading_transactions import read_transactions
from retention_models.data.refusals import date_advice
from retention_models.errors import DataError
from tiers import few


def days(folder: Path, *texts: str, date_format: str | None = None) -> list[dt.date]:
    """The days of a shop in New York, sorted; of texts that are not understood, none."""
    lines = [f'{place},"{text}",1' for place, text in enumerate(texts)]
    path = folder / "log.csv"
    path.write_text("\n".join(["id,day,amount", *lines]) + "\n", encoding="utf-8")
    log = read_transactions(
        *(path,),
        customer_id="id",
        date="day",
        spend="amount",
        timezone="America/New_York",
        date_format=date_format,
        max_unusable_share=0.99,
    )
    return sorted(pd.to_datetime(log.table.execute()["date"]).dt.date)


@pytest.mark.parametrize(
    "zone",
    few(
        4,
        [
            "Z",
            "z",
            " UTC",
            "UTC",
            " utc",
            " GMT",
            "+00",
            "+0000",
            " +0000",
            " +00:00",
            " Europe/Berlin",
        ],
    ),
)
def test_half_past_one_at_utc_is_the_day_before_in_new_york(tmp_path, zone):
    """20:30 of the day before, in whatever way the zone is written (BigQuery writes " UTC")."""
    texts = [
        f"2020-01-02 01:30:00{zone}",
        f"2020-01-02T01:30:00.5{zone}",
        f"2020-01-02 01:30{zone}",
    ]
    assert [dt.date(2020, 1, 1)] * 3 == days(tmp_path, *texts)


@pytest.mark.parametrize("zone", ["", "-05:00", " -0500", " -05"])
def test_the_shops_own_times_stay_on_their_day(tmp_path, zone):
    """Without a zone, or with the offset of New York in winter."""
    assert [dt.date(2020, 1, 2)] == days(tmp_path, f"2020-01-02 01:30:00{zone}")


@pytest.mark.parametrize("zone", [" EST", " CST", "+99:00", " Europe/Nowhere", " x", " PM"])
def test_what_names_no_one_zone_is_counted_and_not_read(tmp_path, zone):
    """CST is six hours behind UTC, or eight before it."""
    assert [dt.date(2020, 1, 3)] == days(tmp_path, f"2020-01-02 01:30:00{zone}", "2020-01-03")


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("UTC", "UTC"),
        ("Z", "Z"),
        ("GMT", "GMT"),
        ("+0000", "+0000"),
        ("%z", "+0000"),
        ("%Z", "UTC"),
    ],
)
def test_a_zone_in_letters_of_a_format_is_no_mere_letters(tmp_path, ending, text):
    """The parser would pass over them; a time with another ending does not follow the format."""
    texts = [f"02/01/2020 01:30 {text}", "02/01/2020 01:30", "02/01/2020 01:30 CST"]
    assert [dt.date(2020, 1, 1)] == days(tmp_path, *texts, date_format=f"%d/%m/%Y %H:%M {ending}")


def test_letters_of_several_zones_in_a_format_are_refused(tmp_path):
    """The message says what may be written instead."""
    with pytest.raises(DataError, match=r"ends with 'EST'.*Export times with an offset"):
        days(tmp_path, "02/01/2020 01:30 EST", date_format="%d/%m/%Y %H:%M EST")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("13/01/2024 09:30 -0500", 'Set date_format = "%d/%m/%Y %H:%M %z".'),
        ("13/01/2024 09:30:00 UTC", 'Set date_format = "%d/%m/%Y %H:%M:%S UTC".'),
        ("13/01/2024 09:30:00 EST", "EST behind a time may mean several zones."),
        ("2024-01-13 09:30:00 CEST", "CEST behind a time may mean several zones."),
    ],
)
def test_zones_have_advice(text, words):
    """What to set, or what to export."""
    assert words in date_advice({text: 3})


@pytest.mark.parametrize("text", ["0000-01-01", "2024-01-01 (BC)", "0000-12-31 10:00:00Z"])
def test_days_that_python_has_no_date_for_are_counted(tmp_path, text):
    """One such row is unusable; the others are read."""
    assert [dt.date(2020, 1, 3)] == days(tmp_path, text, "2020-01-03")


def test_a_nanosecond_time_taken_for_microseconds_is_counted(tmp_path):
    """The year 55969 is a date in the future, not a traceback."""
    moments = pd.Series(pd.date_range("2024-01-01", periods=200, freq="D"))
    whole = moments.astype("datetime64[us]").astype("int64")
    whole[7] *= 1000
    frame = pd.DataFrame({"id": "a", "day": whole.astype("datetime64[us]"), "amount": 1.0})
    frame.to_parquet(tmp_path / "log.parquet")
    names = {"customer_id": "id", "date": "day", "spend": "amount"}
    log = read_transactions(tmp_path / "log.parquet", **names)
    assert {"date in the future": 1} == log.quality.set_index("reason")["rows"].to_dict()
