"""Cohorts against hand counts."""

import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import CannotSay
from small_logs import log_of

ROWS = [
    ("a", "2024-01-05", 1.0),
    ("a", "2024-02-05", 1.0),
    ("a", "2024-02-15", 1.0),
    ("b", "2024-01-20", 1.0),
    ("c", "2024-02-20", 1.0),
    ("c", "2024-04-02", 1.0),
]


def test_cohorts_are_the_hand_count(tmp_path):
    """A month in which nobody bought has a row too, and a month that is not over has none."""
    table = rm.cohort_retention(log_of(tmp_path, ROWS), end="2024-04-10")
    january, february = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")
    assert [
        (january, 0, 2, 2),
        (january, 1, 2, 1),
        (january, 2, 2, 0),
        (february, 0, 1, 1),
        (february, 1, 1, 0),
    ] == list(table[["cohort", "cohort_age", "customers", "active"]].itertuples(index=False))
    assert [1.0, 0.5, 0.0, 1.0, 0.0] == list(table["retention_rate"])
    assert (table["conf_low"] <= table["retention_rate"]).all()
    assert (table["retention_rate"] <= table["conf_high"]).all()


def test_a_month_counts_once_it_is_over(tmp_path):
    """On its last day a month is complete."""
    ages = {
        end: rm.cohort_retention(log_of(tmp_path, ROWS), end=end)["cohort_age"].max()
        for end in ("2024-02-28", "2024-02-29")
    }
    assert {"2024-02-28": 0, "2024-02-29": 1} == ages


def test_before_the_first_month_is_over_there_are_no_cohorts(tmp_path):
    """It is said when there will be."""
    with pytest.raises(CannotSay, match="there are no cohorts yet"):
        rm.cohort_retention(log_of(tmp_path, ROWS), end="2024-01-30")
