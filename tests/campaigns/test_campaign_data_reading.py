"""Assignments and redemptions: read as strictly as the log, from files and from data frames."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from engines import IDS
from retention_models.errors import DataError

ROW = {"campaign_id": "x", "customer_id": "a", "arm": "coupon", "assigned_at": "2024-03-01"}
TAKEN = {"campaign_id": "x", "customer_id": "a", "redeemed_at": "2024-03-05", "amount": "2.50"}


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet"])
def test_ids_stay_what_they_are(tmp_path, kind):
    """0042, NO, 12E4, quotes and other scripts, from every source."""
    frame = pd.DataFrame([ROW | {"customer_id": who} for who in IDS])
    source = {"frame": frame, "csv": tmp_path / "a.csv", "parquet": tmp_path / "a.parquet"}[kind]
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    found = rm.read_assignments(source).table.execute()
    assert sorted(IDS) == sorted(found["customer_id"])
    assert {dt.date(2024, 3, 1)} == set(pd.to_datetime(found["date"]).dt.date)


def test_assignments_that_cannot_be_used_name_their_row():
    """Source, rows, reasons counted, what stood there, and the remedy."""
    changes = {
        "no campaign id": {"campaign_id": " "},
        "no customer id": {"customer_id": ""},
        "customer id turned into a decimal number": {"customer_id": "42.0"},
        "no arm": {"arm": None},
        "no date": {"assigned_at": None},
        "date not understood": {"assigned_at": "01/03/2024"},
    }
    with pytest.raises(DataError) as caught:
        rm.read_assignments(pd.DataFrame([ROW, *(ROW | change for change in changes.values())]))
    message = str(caught.value)
    assert "assignments: 6 of 7 rows cannot be used (" in message
    for reason in changes:
        assert f"{reason}: 1" in message
    assert "row 2 after the header: no campaign id (campaign_id = " in message
    assert "max_unusable_share" in message


def test_redemptions_that_cannot_be_used_name_their_row():
    """As the assignments."""
    changes = [
        {"amount": "two"},
        {"amount": "-1"},
        {"amount": "inf"},
        {"redeemed_at": "2999-01-01"},
        {"redeemed_at": "5.3.2024"},
    ]
    with pytest.raises(DataError) as caught:
        rm.read_redemptions(pd.DataFrame([TAKEN, *(TAKEN | change for change in changes)]))
    message = str(caught.value)
    for reason in ("amount is not a number: 2", "date in the future: 1", "date not understood: 1"):
        assert reason in message
    assert "amount is below 0: 1" in message
    assert "a discount of 2.50 is 2.50, not -2.50" in message
    assert "row 2 after the header: amount is not a number" in message


def test_some_unusable_rows_may_be_allowed():
    """Counted by reason; the rest is read."""
    frame = pd.DataFrame([ROW, ROW | {"arm": ""}])
    found = rm.read_assignments(frame, max_unusable_share=0.5)
    assert [("no arm", 1)] == list(found.quality.itertuples(index=False, name=None))
    assert (2, 1) == (found.rows_read, len(found.table.execute()))


def test_redemptions_of_nobody_are_counted_and_an_empty_amount_is_none():
    """Neither is a mistake."""
    rows = [TAKEN, TAKEN | {"customer_id": ""}, TAKEN | {"amount": ""}]
    found = rm.read_redemptions(pd.DataFrame(rows))
    assert 1 == found.anonymous
    amounts = found.table.execute()["amount"].tolist()
    assert [2.5] == [amount for amount in amounts if not np.isnan(amount)]
    assert 2 == len(amounts)


def test_stores_are_assigned_without_customers():
    """A row needs one of the two."""
    stores = pd.DataFrame([ROW, ROW | {"customer_id": None}]).assign(store_id=["", "0042"])
    found = rm.read_assignments(stores).table.execute()
    assert {("a", None), (None, "0042")} == {
        tuple(None if pd.isna(value) else value for value in pair)
        for pair in zip(found["customer_id"], found["store_id"], strict=True)
    }
    assert 1 == len(
        rm.read_assignments(stores.iloc[1:].drop(columns="customer_id")).table.execute()
    )
    with pytest.raises(DataError, match="no customer id and no store id: 2"):
        rm.read_assignments(stores.assign(customer_id=None, store_id=None))


def test_a_missing_column_is_named_with_the_nearest():
    """All of them at once, and the customer's where neither of the two is there."""
    frame = pd.DataFrame([ROW]).rename(columns={"arm": "arms", "customer_id": "who"})
    with pytest.raises(
        DataError, match=r"customer_id = 'customer_id'; arm = 'arm' \(did you mean 'arms'"
    ):
        rm.read_assignments(frame)
    assert 1 == rm.read_assignments(frame, customer_id="who", arm="arms").rows_read


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame([ROW | {"customer_id": 1.5}]), "expected text or whole numbers"),
        (pd.DataFrame([ROW, ROW | {"customer_id": 7}]).astype(object), "values of one type"),
        (pd.DataFrame([ROW]).T, "columns with different names that are text"),
        (pd.DataFrame([ROW]).iloc[:0], "holds no rows"),
        (pd.DataFrame([TAKEN | {"amount": dt.date(2024, 1, 1)}]), r"\(amount\) holds date"),
    ],
)
def test_data_frames_are_no_easier_than_files(frame, words):
    """Decimal ids, mixed types, columns without names, no rows, an amount that is a day."""
    read = rm.read_redemptions if "redeemed_at" in frame else rm.read_assignments
    with pytest.raises(DataError, match=words):
        read(frame)


def test_categories_and_whole_numbers_are_text():
    """Arms as categories, campaigns as numbers, days as moments in a zone."""
    frame = pd.DataFrame([ROW]).astype({"arm": "category"}).assign(campaign_id=8)
    frame["assigned_at"] = pd.to_datetime(["2024-02-29T23:30:00Z"])
    found = rm.read_assignments(frame, timezone="Europe/Berlin").table.execute().iloc[0]
    assert ("8", "coupon") == (found["campaign_id"], found["arm"])
    assert dt.date(2024, 3, 1) == pd.Timestamp(found["date"]).date()
