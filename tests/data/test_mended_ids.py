"""Ids that a tool turned into 17850.0: mended where asked and safe, refused where one could be lost."""

from __future__ import annotations

import pandas as pd
import pytest

from retention_models.data.quality import data_quality
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}


def log(*ids: object) -> pd.DataFrame:
    """A row for each id."""
    return pd.DataFrame({"id": list(ids), "day": "2024-01-05", "paid": 1.0})


def read(frame: pd.DataFrame, **options) -> set[str]:
    """The customers."""
    table = read_transactions(frame, **NAMES, **options).table
    return set(table["customer_id"].execute())


def test_ids_of_decimals_are_mended_where_asked():
    """Text and decimal columns, with ids of other kinds beside them; the missing stay missing."""
    assert {"17850", "99", "GUEST"} == read(
        log("17850.0", "17850", "99.00", "GUEST"), mend_ids=True
    )
    assert {"17850", "99"} == read(log(17850.0, 99.0, float("nan")), mend_ids=True)


def test_ids_that_mending_joins_are_said():
    """As those that differ in blanks."""
    found = read_transactions(log("17850.0", "17850", " 5", "5"), **NAMES, mend_ids=True)
    said = data_quality(found).set_index("finding").loc["ids joined by blanks"]
    assert 4 == said["count"]
    assert "'17850' and '17850.0'" in said["detail"]


def test_the_refusal_says_whether_mending_is_safe():
    """The key where it is, the reason where it is not."""
    with pytest.raises(DataError, match=r"mend_ids = true reads 17850\.0 as 17850"):
        read(log("17850.0", "99.0"))
    with pytest.raises(
        DataError, match=r"cannot be mended here, as 1 others begin with 0, such as 0042"
    ):
        read(log("42.0", "0042"))
    with pytest.raises(DataError, match="set mend_ids = true, which checks that no id is lost"):
        read(log(17850.0, 99.0))


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (("1.23E+11", "5.0"), r"have lost digits, such as 1\.23E\+11"),
        (("1234567890123456.0",), "have lost digits"),
        (("42.0", "0042"), "others begin with 0, such as 0042"),
        ((42.5, 1.0), r"1 of them are no whole numbers of at most 15 digits, such as 42\.5"),
        ((1e17, 1.0), "no whole numbers of at most 15 digits"),
    ],
)
def test_ids_that_could_be_lost_are_not_mended(ids, words):
    """Whatever the key says."""
    with pytest.raises(DataError, match=words):
        read(log(*ids), mend_ids=True)
