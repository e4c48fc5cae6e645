"""Purchases by day, which a season is estimated from: every day, whoever counts, and who does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import DataError

DAYS = (
    "2024-01-01",
    "2024-01-01",
    "2024-01-01",
    "2024-01-04",
    "2024-01-04",
    "2024-01-02",
    "2024-01-05",
)
IDS = ("a", "b", "b", "b", "a", "c", "c")


@pytest.fixture
def log(tmp_path):
    """Three customers, one of whom has two orders on the first day."""
    table = pd.DataFrame({"id": IDS, "day": DAYS, "paid": 5, "order": range(7)})
    table.to_csv(tmp_path / "log.csv", index=False)
    names = {"customer_id": "id", "date": "day", "spend": "paid", "order_id": "order"}
    return rm.read_transactions(tmp_path / "log.csv", **names)


def test_every_day_has_a_row_up_to_the_end(log):
    """Days without a purchase too; new customers and repeat purchases add up."""
    table = rm.count_purchase_days(log, observation_end="2024-01-06")
    assert table["date"].dt.day.tolist() == [1, 2, 3, 4, 5, 6]
    assert table["new_customers"].tolist() == [2, 1, 0, 0, 0, 0]
    assert table["repeat_purchases"].tolist() == [0, 0, 0, 2, 1, 0]
    assert (table["purchases"] == table["new_customers"] + table["repeat_purchases"]).all()
    assert table.attrs == {"observation_end": "2024-01-06", "same_day": "one"}


def test_orders_of_the_first_day_are_repeats_where_orders_count(log):
    """As in frequency."""
    table = rm.count_purchase_days(log, same_day="each")
    assert table["repeat_purchases"].tolist() == [1, 0, 0, 2, 1]
    assert (
        table["repeat_purchases"].sum()
        == rm.customer_summary(log, same_day="each")["frequency"].sum()
    )


def test_whoever_came_before_is_left_out(log):
    """As from the summaries."""
    later = replace(log, first_seen_from=dt.date(2024, 1, 2))
    table = rm.count_purchase_days(later)
    assert table["date"].dt.day.tolist() == [2, 3, 4, 5]
    assert table["repeat_purchases"].sum() == rm.customer_summary(later)["frequency"].sum() == 1


def test_no_purchase_is_no_table(log):
    """Before the log begins."""
    with pytest.raises(DataError, match="no purchase up to 2023-12-31"):
        rm.count_purchase_days(log, observation_end="2023-12-31")
