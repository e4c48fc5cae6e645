"""The lots kept from night to night: only added to, read as assignments, refused where damaged."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from retention_models.actions.hold_out import ASSIGNED, no_lots
from retention_models.campaigns.data.assignments import read_assignments
from retention_models.errors import DataError
from retention_models.project.lots import (
    as_parquet,
    known_by,
    read_lots,
    with_new,
)


def lots(*customers, arm="contact", day="2024-03-01"):
    """Lots of a list, one a customer."""
    rows = {
        "campaign_id": "due-2024-03-01-0.1",
        "customer_id": list(customers),
        "store_id": "a",
        "arm": arm,
        "assigned_at": pd.Timestamp(day),
        "list": "due",
        "share": 0.1,
        "at_stake": 2.5,
        "probability_alive": None,
    }
    return pd.DataFrame(rows).astype(ASSIGNED)


def test_lots_are_the_same_after_their_file(tmp_path):
    """Odd ids, days and what is not known; and a campaign reads them as assignments."""
    path = tmp_path / "lots.parquet"
    written = lots("0042", "Ünal", "=1+1", "a\nb")
    path.write_bytes(as_parquet(written))
    pd.testing.assert_frame_equal(written, read_lots(path))
    found = read_assignments(path)
    assert 4 == found.rows_read
    assert {dt.date(2024, 3, 1)} == {pd.Timestamp(d).date() for d in found.table.execute()["date"]}
    assert read_lots(tmp_path / "none.parquet").empty
    path.write_bytes(as_parquet(no_lots()))
    assert list(ASSIGNED) == list(read_lots(path).columns)


def test_rows_are_only_added_and_an_arm_once_drawn_stays():
    """Whatever a run that is made again draws."""
    first = lots("x", "y")
    again = pd.concat([lots("y", "z", arm="control", day="2024-03-02")])
    found = with_new(first, again)
    assert [("x", "contact"), ("y", "contact"), ("z", "control")] == list(
        zip(found["customer_id"], found["arm"], strict=True)
    )
    pd.testing.assert_frame_equal(first, with_new(no_lots(), first))
    assert ["x", "y"] == known_by(found, dt.date(2024, 3, 1))["customer_id"].tolist()


@pytest.mark.parametrize("content", [b"no parquet", as_parquet(lots("x").drop(columns="share"))])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes):
    """A list that forgets whom it left out would contact them."""
    path = tmp_path / "lots.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="Put back a copy of it") as caught:
        read_lots(path)
    assert str(path) in str(caught.value)
