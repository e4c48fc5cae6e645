"""Readers add nothing, lose nothing and take no other file than the one that is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from retention_models.data.contacts import read_surveys
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError

HEADER = "id,day,paid\n"
NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}


def read(path: Path, **options: object) -> list[tuple]:
    """The usable rows, sorted."""
    table = read_transactions(path, **NAMES, **options).table.execute()
    days = pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d")
    return sorted(zip(table["customer_id"], days, table["spend"].astype(float), strict=True))


def parquet(path: Path, identity: object, paid: float = 1.0, day: str = "2024-01-01") -> None:
    """A file of one row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"id": [identity], "day": pd.to_datetime([day]), "paid": [paid]}).to_parquet(path)


@pytest.mark.parametrize("name", ["shop[1]", "shop*", "shop?"])
def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path, name):
    """`shop1.csv` beside it is another shop's."""
    (tmp_path / "shop1.csv").write_text(HEADER + "wrong,2024-01-01,999\n")
    (tmp_path / f"{name}.csv").write_text(HEADER + "right,2024-01-01,1\n")
    parquet(tmp_path / "shop1.parquet", "wrong")
    parquet(tmp_path / f"{name}.parquet", "right")
    assert [("right", "2024-01-01", 1.0)] == read(tmp_path / f"{name}.csv")
    assert [("right", "2024-01-01", 1.0)] == read(tmp_path / f"{name}.parquet")


def test_a_folder_named_after_a_column_replaces_no_column(tmp_path):
    """The days of the file itself are right, in CSV and Parquet, alone and by a pattern."""
    folder = tmp_path / "lake" / "day=2024-03-01"
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text(HEADER + "a,2024-01-05,1\n")
    parquet(folder / "orders.parquet", "a", day="2024-01-05")
    for path in (folder / "orders.csv", folder / "orders.parquet", tmp_path / "lake/*/*.parquet"):
        assert [("a", "2024-01-05", 1.0)] == read(path)


def test_what_only_a_folder_says_is_text(tmp_path):
    """Spark writes the store into the folder's name: 0042 stays 0042."""
    for store in ("0042", "A%20b"):
        parquet(tmp_path / f"store={store}" / "part.parquet", "a")
    log = read_transactions(tmp_path / "*" / "*.parquet", **NAMES, store_id="store")
    assert ["0042", "A b"] == log.store_ids()


@pytest.mark.parametrize("ids", [(42, "0042"), ("0042", 42)])
def test_months_with_ids_as_numbers_and_as_text_are_refused(tmp_path, ids):
    """0042 would become 42, or stand beside it as another customer."""
    for month, identity in enumerate(ids):
        parquet(tmp_path / f"m{month}.parquet", identity)
    with pytest.raises(DataError, match=r"'id' \(customer_id\) is .* in m0.*ids as text"):
        read(tmp_path / "m*.parquet")


def test_months_with_whole_and_decimal_spends_keep_the_decimals(tmp_path):
    """The first file's whole numbers do not round the second's."""
    parquet(tmp_path / "m0.parquet", "a", 1)
    parquet(tmp_path / "m1.parquet", "b", 1.5)
    assert [1.0, 1.5] == [row[2] for row in read(tmp_path / "m*.parquet")]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["\n", "", "\n\n"])
def test_a_last_line_that_is_too_long_is_refused(tmp_path, ending):
    """The engine passes over it when it is longer than what it reads at once, 32 MB."""
    content = f"{HEADER}a,2024-01-01,1\n{'x' * 33_000_000},2024-01-02,2{ending}".encode()
    (tmp_path / "log.csv").write_bytes(content)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(content, 1))
    for name in ("log.csv", "log.csv.gz"):
        with pytest.raises(DataError, match=r"last line: a line is longer than 2,000,000 bytes"):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["LOG.CSV.GZ", "Log.Csv.Gz", "LOG.CSV"])
def test_endings_in_capitals_are_the_same_endings(tmp_path, name):
    """Windows writes them so."""
    content = (HEADER + "a,2024-01-01,1\n").encode()
    packed = gzip.compress(content) if name.upper().endswith("GZ") else content
    (tmp_path / name).write_bytes(packed)
    assert [("a", "2024-01-01", 1.0)] == read(tmp_path / name)


@pytest.mark.parametrize(("score", "reason"), [("nan", "no answer"), ("inf", "not on the scale")])
def test_a_score_that_is_no_number_is_one_unusable_row(tmp_path, score, reason):
    """As text and as a number of a data frame; the other answers are read."""
    frame = pd.DataFrame({"id": "a", "day": "2024-01-01", "score": [float(score), *range(11)] * 1})
    frame.to_csv(tmp_path / "s.csv", index=False, na_rep="NaN")
    frame.to_parquet(tmp_path / "s.parquet")
    names = {"customer_id": "id", "answered_at": "day", "score": "score"}
    for path in (tmp_path / "s.csv", tmp_path / "s.parquet"):
        found = read_surveys(path, **names, max_unusable_share=0.1)
        assert [1] == found.quality["rows"].tolist()
        assert reason in found.quality["reason"].item()
