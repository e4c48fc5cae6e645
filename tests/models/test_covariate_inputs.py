"""Checks of covariates: every refusal names the column and the rows."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from retention_models.errors import SettingsError
from retention_models.models.covariates.inputs import checked_covariates, matching_covariates

IDS = ["c1", "c2", "c3"]
FREQUENCY = pd.Series([0, 2, 5], index=IDS)


def table(**columns):
    """A table of the three customers."""
    return pd.DataFrame(columns, index=IDS)


@pytest.mark.parametrize(
    "column",
    [
        [True, False, True],
        [1, 0, 1],
        pd.array([1, 0, 1], dtype="Int64"),
        pd.array([True, False, True], dtype="boolean"),
        np.array([Decimal(1), 0, True], dtype=object),
    ],
)
def test_numbers_of_any_type_are_taken_as_they_are(column):
    """Whole numbers, truth values, nullable types and decimals; nothing is centred or scaled."""
    names, Z = checked_covariates(table(campaign=column), FREQUENCY)
    assert ("campaign",) == names
    assert [[1.0], [0.0], [1.0]] == Z.tolist()


def test_an_array_comes_with_names():
    """And is refused without, or with too few."""
    Z = np.array([[0.0, 30.0], [1.0, 40.0], [0.0, 50.0]])
    names, checked = checked_covariates(Z, [0, 2, 5], names=("campaign", "age"))
    assert ("campaign", "age") == names
    assert Z.tolist() == checked.tolist()
    for wrong in (None, ("campaign",)):
        with pytest.raises(SettingsError, match="expected 2 names for the 2 columns"):
            checked_covariates(Z, [0, 2, 5], names=wrong)


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ([1.0, np.nan, np.inf], "2 of 3 rows have none (first: 'c2': nan, 'c3': inf)"),
        (pd.array([1, None, 0], dtype="Int64"), "1 of 3 rows have none (first: 'c2': <NA>)"),
        (np.array([1.0, None, 0.0], dtype=object), "(first: 'c2': nan)"),
    ],
)
def test_missing_values_name_the_column_and_the_rows(column, shown):
    """NaN, infinity, NA and None."""
    with pytest.raises(SettingsError) as error:
        checked_covariates(table(age=column), FREQUENCY)
    assert "finite number in 'age'" in str(error.value)
    assert shown in str(error.value)


@pytest.mark.parametrize(
    "column",
    [
        ["web", "shop", "web"],
        np.array([1, "web", 2], dtype=object),
        pd.Categorical(["web", "shop", "web"]),
        pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]),
        [1j, 0j, 1j],
    ],
)
def test_columns_that_are_no_numbers_name_the_column_and_the_remedy(column):
    """Text, mixtures, categories, dates: make groups columns of 0 and 1."""
    with pytest.raises(SettingsError, match=r"numbers in 'channel'.*first: 'c.*get_dummies"):
        checked_covariates(table(channel=column), FREQUENCY)


def test_rows_without_names_are_shown_by_their_number():
    """As 1, not as a NumPy type."""
    with pytest.raises(SettingsError, match=r"\(first: 1: nan\)"):
        checked_covariates(pd.DataFrame({"age": [30, None, 50]}), [0, 2, 5])


def test_a_constant_column_is_named():
    """It can explain no difference."""
    with pytest.raises(SettingsError, match="'shop' is 7 for all of the 3 customers"):
        checked_covariates(table(campaign=[1, 0, 1], shop=[7, 7, 7]), FREQUENCY)


def test_rows_must_be_as_many_as_customers():
    """A table of two rows for three customers."""
    with pytest.raises(SettingsError, match=r"expected 3 rows, one per customer.*got 2"):
        checked_covariates(table(campaign=[1, 0, 1]).head(2), FREQUENCY)


def test_the_same_customers_in_another_order_are_put_in_the_first_ones():
    """In fits and in predictions: a row goes with its label."""
    turned = table(campaign=[1, 0, 0]).iloc[::-1]
    assert [[1.0], [0.0], [0.0]] == checked_covariates(turned, FREQUENCY)[1].tolist()
    assert [[1.0], [0.0], [0.0]] == matching_covariates(turned, FREQUENCY, ("campaign",)).tolist()


def test_another_index_is_refused():
    """Other customers are named; a label that stands twice in another order belongs to no row."""
    other = table(campaign=[1, 0, 1]).set_axis(["c1", "c2", "c9"], axis=0)
    with pytest.raises(SettingsError, match=r"1 of 3 customers .*first: 'c3'"):
        checked_covariates(other, FREQUENCY)
    twice = table(campaign=[1, 0, 1]).iloc[[2, 1, 0]].set_axis(["c1", "c1", "c2"], axis=0)
    with pytest.raises(SettingsError, match=r"another order.*'c1' stands there twice"):
        checked_covariates(twice, pd.Series([0, 2, 5], index=["c1", "c2", "c1"]))


def test_tables_without_shape_are_refused():
    """One dimension, no columns, one name for two."""
    with pytest.raises(SettingsError, match=r"got 1 dimension\(s\)"):
        checked_covariates([1.0, 0.0, 1.0], FREQUENCY)
    with pytest.raises(SettingsError, match="no columns"):
        checked_covariates(pd.DataFrame(index=IDS), FREQUENCY)
    twice = pd.concat([table(age=[1, 2, 3])] * 2, axis=1)
    with pytest.raises(SettingsError, match="'age' names more than one column"):
        checked_covariates(twice, FREQUENCY)


def test_predictions_find_their_columns_by_name():
    """In the order of the fit, whatever the order of the table; constants are fine here."""
    given = table(age=[30, 40, 50], campaign=[1, 1, 1])
    Z = matching_covariates(given, FREQUENCY, ("campaign", "age"))
    assert [[1.0, 30.0], [1.0, 40.0], [1.0, 50.0]] == Z.tolist()


def test_one_customer_is_a_table_of_one_row():
    """With a plain number as frequency."""
    assert [[1.0]] == matching_covariates(pd.DataFrame({"z": [1]}), 3, ("z",)).tolist()


def test_predictions_without_covariates_are_refused():
    """None, an array without names, and other columns than those of the fit."""
    with pytest.raises(SettingsError, match="fitted with campaign, age, so a prediction depends"):
        matching_covariates(None, FREQUENCY, ("campaign", "age"))
    with pytest.raises(SettingsError, match="expected a DataFrame with the columns campaign"):
        matching_covariates(np.ones((3, 1)), FREQUENCY, ("campaign",))
    with pytest.raises(SettingsError, match="missing here: campaign; not in the model: age"):
        matching_covariates(table(age=[1, 2, 3]), FREQUENCY, ("campaign",))
