"""What goes into a fit: every error names the argument and the first bad rows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from retention_models.errors import SettingsError
from retention_models.models.inputs import checked_history, checked_spend

GOOD = {
    "frequency": [0, 2, 5, 1],
    "recency": [0.0, 10.0, 20.0, 3.0],
    "T": [30.0, 30.0, 25.0, 3.0],
    "weights": None,
}


def with_bad(name, row, value):
    """A good history with one value of one column spoilt."""
    given = {key: None if column is None else list(column) for key, column in GOOD.items()}
    given[name][row] = value
    return given


def test_good_history_passes_as_floats():
    """Whole numbers in, floats out; counts only where weights are given."""
    x, t_x, T, n = checked_history(**GOOD)
    assert all(array.dtype == float for array in (x, t_x, T))
    assert (x.tolist(), n) == ([0, 2, 5, 1], None)
    *_, n = checked_history(**{**GOOD, "weights": [1, 2, 1, 1]})
    assert (n.dtype, n.tolist()) == (float, [1, 2, 1, 1])


@pytest.mark.parametrize(
    ("name", "row", "value", "expected"),
    [
        ("recency", 1, np.nan, "a finite number"),
        ("T", 2, np.inf, "a finite number"),
        ("frequency", 3, np.nan, "a finite number"),
        ("recency", 2, 25.5, "no more than T"),
        ("recency", 0, 4.0, "0 where frequency is 0"),
        ("frequency", 1, -1, "0 or more"),
        ("frequency", 2, 2.5, "a whole number"),
        ("recency", 3, -2.0, "0 or more"),
    ],
)
def test_bad_history_is_refused_by_argument_and_row(name, row, value, expected):
    """Recency NaN among them, which lifetimes calls "non-zero recency" (REF)."""
    wanted = rf"^{name}: expected {expected}.*1 of 4 rows are not \(first: {row}: {value:g}\)"
    with pytest.raises(SettingsError, match=wanted):
        checked_history(**with_bad(name, row, value))


def test_the_first_five_bad_rows_are_named_by_the_customers_own_index():
    """A Series' index labels the rows; the rest is counted."""
    index = [f"c{i}" for i in range(8)]
    recency = pd.Series([np.nan] * 7 + [0.0], index=index)
    with pytest.raises(SettingsError) as caught:
        checked_history(pd.Series([0] * 8, index=index), recency, pd.Series(9.0, index=index), None)
    assert "7 of 8 rows" in str(caught.value)
    assert re.findall(r"'(c\d)'", str(caught.value)) == ["c0", "c1", "c2", "c3", "c4"]


def test_columns_of_different_length_are_refused_with_their_lengths():
    """The message gives each argument's length."""
    with pytest.raises(SettingsError, match=r"'frequency': 4, 'recency': 4, 'T': 2"):
        checked_history(**{**GOOD, "T": [30.0, 30.0]})


@pytest.mark.parametrize("name", ["frequency", "recency", "T"])
def test_text_is_refused_by_argument(name):
    """Text that is no number names the argument."""
    with pytest.raises(SettingsError, match=rf"^{name}: expected numbers"):
        checked_history(**with_bad(name, 1, "often"))


def test_no_customers_are_refused():
    """Empty columns have nothing to fit."""
    with pytest.raises(SettingsError, match=r"frequency, recency, T: there are no customers"):
        checked_history([], [], [], None)


@pytest.mark.parametrize("table", [[[1, 2], [3, 4]], 3.0])
def test_anything_but_one_dimension_is_refused(table):
    """A table or a single number is not a column."""
    with pytest.raises(SettingsError, match=r"^frequency: expected one value per customer"):
        checked_history(table, [0.0], [1.0], None)


def test_weights_of_the_wrong_length_are_refused():
    """One weight per row."""
    with pytest.raises(SettingsError, match=r"^weights: expected 4 values, one per row; got 3"):
        checked_history(**{**GOOD, "weights": [1, 1, 1]})


@pytest.mark.parametrize(
    ("bad", "expected"),
    [(0, "a number of customers above 0"), (-2, "a number"), (np.nan, "a finite number")],
)
def test_weights_that_count_nobody_are_refused(bad, expected):
    """0, negative and NaN weights are named with their row."""
    with pytest.raises(SettingsError, match=rf"^weights: expected {expected}.*first: 2: {bad:g}\)"):
        checked_history(**{**GOOD, "weights": [1, 1, bad, 1]})


def test_good_spend_passes():
    """Frequency, mean spend and counts as floats."""
    x, m, n = checked_spend([1, 3], [9.5, 20.0], [2, 5])
    assert (x.tolist(), m.tolist(), n.tolist()) == ([1.0, 3.0], [9.5, 20.0], [2.0, 5.0])


def test_customers_without_a_repeat_purchase_are_refused_in_a_spend_fit():
    """Rows with x = 0 are named, and what to do (REF)."""
    with pytest.raises(SettingsError, match=r"^frequency: .*leave customers .* out.*first: 1: 0"):
        checked_spend([1, 0, 3], [9.5, 10.0, 20.0], None)


@pytest.mark.parametrize(
    ("frequency", "spend", "wanted"),
    [
        ([1, 2], [5.0, 0.0], r"^monetary_value: expected a mean spend above 0.*1: 0\)"),
        ([1, 2], [-5.0, 1.0], r"^monetary_value: expected a mean spend above 0.*0: -5\)"),
        ([1, 2], [np.nan, 1.0], r"^monetary_value: expected a finite number.*0: nan\)"),
        ([1.5, 2], [5.0, 1.0], r"^frequency: expected a whole number.*0: 1\.5\)"),
        ([1, 2], [5.0], r"'frequency': 2, 'monetary_value': 1"),
        ([1, 2], ["five", 1.0], r"^monetary_value: expected numbers"),
        ([], [], r"^frequency, monetary_value: there are no customers"),
    ],
)
def test_bad_spend_is_refused_by_argument_and_row(frequency, spend, wanted):
    """The same for the two columns of a spend fit."""
    with pytest.raises(SettingsError, match=wanted):
        checked_spend(frequency, spend, None)
