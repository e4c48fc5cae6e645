"""Categories that each customer has bought."""

import ibis
import pandas as pd
import pytest

import retention_models as rm
from retention_models.measures.cohorts import categories_bought

LINES = [
    # customer, day, paid, shelf, shop
    ("0042", "2024-01-01", 5, "چای", "a"),
    ("0042", "2024-01-02", 5, "چای", "a"),
    ("0042", "2024-02-01", 5, "jam", "a"),
    ("0042", "2024-01-02", 5, "tea", "b"),
    ("=1+1", "2024-01-01", 5, "jam", "a"),
    ("=1+1", "2024-01-02", -5, "tea", "a"),
    ("none", "2024-01-01", 5, None, "a"),
    ("free", "2024-01-01", 0, "tea", "a"),
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Two stores' lines."""
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    pd.DataFrame(LINES, columns=["id", "day", "paid", "shelf", "shop"]).to_parquet(path)
    return rm.read_transactions(
        path, customer_id="id", date="day", spend="paid", category="shelf", store_id="shop"
    )


def test_categories_are_those_bought_at_the_store_by_then(log):
    """Counted by hand: returns and lines without a category do not count, free items do."""
    found = rm.category_counts(log, store_id="a", observation_end="2024-01-31")
    assert ["0042", "=1+1", "free"] == list(found.index)
    assert [(1, "چای"), (1, "jam"), (1, "tea")] == list(found.itertuples(index=False, name=None))


def test_everything_counts_unless_a_store_or_a_day_is_named(log):
    """Three categories at two stores."""
    assert 3 == rm.category_counts(log).loc["0042", "categories"]


def test_a_log_without_categories_has_no_counts(tmp_path):
    """Not one category for everybody."""
    frame = pd.DataFrame(LINES, columns=["id", "day", "paid", "shelf", "shop"])
    frame.to_csv(tmp_path / "log.csv", index=False)
    log = rm.read_transactions(
        tmp_path / "log.csv", customer_id="id", date="day", spend="paid", store_id="shop"
    )
    assert rm.category_counts(log).empty


@pytest.mark.parametrize("dialect", ["postgres", "pyspark"])
def test_other_engines_can_count_them(log, dialect):
    """The expression has nothing of DuckDB's own."""
    # Of a log in those engines; in this process there is spend in floats beside it.
    rows = ibis.table(log.rows().drop("spend_millionths").schema(), name="log")
    said = str(ibis.to_sql(categories_bought(rows), dialect=dialect))
    assert "COUNT(DISTINCT" in said
