"""Measures against hand counts, and their intervals by simulation."""

import datetime as dt

import pytest

import retention_models as rm
from retention_models.errors import CannotSay, SettingsError
from small_logs import log_of

ROWS = [
    ("a", "2024-01-05", 10.0),
    ("a", "2024-01-05", 5.0),
    ("a", "2024-02-05", 20.0),
    ("b", "2024-01-20", 40.0),
    ("b", "2024-01-21", -15.0),
    ("c", "2023-12-31", 99.0),
]


def test_measures_of_a_window_are_the_hand_count(tmp_path):
    """Two customers, three purchase days, 75 less a return of 15; December is outside."""
    table = rm.store_measures(log_of(tmp_path, ROWS), start="2024-01-01", end="2024-02-29")
    assert {
        "customers": 2.0,
        "orders": 3.0,
        "revenue": 60.0,
        "repeat_customer_rate": 0.5,
        "purchase_frequency": 1.5,
        "spend_per_order": 20.0,
        "sales_per_customer": 30.0,
    } == table["value"].to_dict()
    assert (table["numerator"] / table["denominator"]).to_numpy() == pytest.approx(
        table["value"].to_numpy()
    )


def test_the_repeat_rate_has_wilsons_interval(tmp_path):
    """1 of 2: Wilson's 95% interval is .0945 to .9055 (Brown, Cai & DasGupta 2001, eq. 4)."""
    table = rm.store_measures(log_of(tmp_path, ROWS), start="2024-01-01", end="2024-02-29")
    ends = table.loc["repeat_customer_rate", ["low", "high"]].to_numpy(dtype=float)
    assert [0.0945312, 0.9054688] == pytest.approx(ends, abs=1e-6)


def test_orders_are_counted_by_their_ids_where_there_are_any(tmp_path):
    """Two orders of one day are two orders and one purchase."""
    rows = [("a", "2024-01-05", 10.0, "1"), ("a", "2024-01-05", 5.0, "2")]
    table = rm.store_measures(log_of(tmp_path, rows, order_id=""), end="2024-01-31")
    assert (2.0, 7.5) == (table.loc["orders", "value"], table.loc["spend_per_order", "value"])


def test_order_numbers_that_begin_anew_every_day_are_told_apart(tmp_path):
    """Till receipt 1 of Friday and receipt 1 of Saturday are two orders."""
    rows = [("a", "2024-01-05", 10.0, "1"), ("a", "2024-01-06", 5.0, "1")]
    table = rm.store_measures(log_of(tmp_path, rows, order_id=""), end="2024-01-31")
    assert 2.0 == table.loc["orders", "value"]


def test_a_line_without_an_order_id_is_not_lost(tmp_path):
    """Two orders with ids, and a day's lines without one: three orders."""
    rows = [
        ("a", "2024-01-05", 10.0, "1"),
        ("a", "2024-01-05", 5.0, "2"),
        ("a", "2024-01-06", 5.0, None),
        ("a", "2024-01-06", 5.0, None),
    ]
    table = rm.store_measures(log_of(tmp_path, rows, order_id=""), end="2024-01-31")
    assert 3 == table.loc["orders", "value"]


def test_the_window_is_the_last_365_days_with_both_ends(tmp_path):
    """31 December 2023 to 29 December 2024 are 365 days."""
    table = rm.store_measures(log_of(tmp_path, ROWS), end="2024-12-29")
    assert dt.date(2023, 12, 31) == table["start"].iloc[0]
    assert 3 == table.loc["customers", "value"]


def test_a_window_without_purchases_is_said(tmp_path):
    """No zero divided by zero."""
    with pytest.raises(CannotSay, match="Nobody bought between 2020-01-01 and 2020-12-31"):
        rm.store_measures(log_of(tmp_path, ROWS), start="2020-01-01", end="2020-12-31")


def test_a_window_that_ends_before_it_starts_is_refused(tmp_path):
    """Both days are named."""
    with pytest.raises(SettingsError, match="start: expected a day up to end"):
        rm.store_measures(log_of(tmp_path, ROWS), start="2024-02-01", end="2024-01-01")
