"""The table of all measures, by hand: activity, categories, lifetimes, stores, attributes, notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from measure_rows import found
from retention_models.errors import CannotSay, DataError, SettingsError
from retention_models.measures.definitions import MEASURES
from small_logs import log_of

ROWS = [
    # customer, day, amount, store, department
    ("a", "2024-01-05", 10.0, "N", "food"),
    ("a", "2024-01-05", 4.0, "N", "toys"),
    ("a", "2024-02-05", 20.0, "S", "food"),
    ("b", "2024-01-20", 40.0, "N", "food"),
    ("b", "2024-03-02", 6.0, "N", "food"),
    ("c", "2024-02-29", 8.0, "S", None),
]


@pytest.fixture
def log(tmp_path):
    """Three customers, two stores, three months."""
    table = pd.DataFrame(ROWS, columns=["customer", "day", "amount", "store_id", "category"])
    table.to_csv(tmp_path / "log.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount"}
    return rm.read_transactions(
        tmp_path / "log.csv", **names, store_id="store_id", category="category"
    )


QUARTER = {"start": "2024-01-01", "end": "2024-03-31"}


def test_the_table_has_every_measure_in_order(log):
    """A row each, though most cannot be said here, and then the note says why."""
    table = rm.measure_table(log, **QUARTER)
    assert list(MEASURES) == list(table["measure"])
    assert (table["note"] != "")[table["value"].isna()].all()
    assert [
        *("measure", "start", "end", "value", "low", "high"),
        *("numerator", "denominator", "customers", "note"),
    ] == list(table.columns)


def test_upsell_counts_customers_of_two_categories(log):
    """Of a and b, who bought from a named category, a bought from two; c's line names none."""
    table = rm.measure_table(log, measures=["upsell_rate"], **QUARTER)
    assert {"upsell_rate": (0.5, 1, 2)} == found(table)


def test_a_customer_of_two_stores_is_a_customer_of_each(log):
    """Customer a bought once at N and once at S: no repeat customer of either, one of both together."""
    names = ["customers", "repeat_customer_rate", "spend_per_order"]
    table = rm.measure_table(log, by="store_id", measures=names, **QUARTER)
    assert {
        "customers N": (2, 2, 1),
        "customers S": (2, 2, 1),
        "repeat_customer_rate N": (0.5, 1, 2),
        "repeat_customer_rate S": (0, 0, 2),
        "spend_per_order N": (20, 60, 3),
        "spend_per_order S": (14, 28, 2),
    } == found(table, "store_id")
    together = rm.measure_table(log, measures=names, **QUARTER)
    assert (2 / 3, 2, 3) == found(together)["repeat_customer_rate"]


def test_every_store_has_every_period_also_without_a_purchase(log):
    """S sold nothing in January: counts of 0, and rates that say that nobody bought."""
    names = ["orders", "purchase_frequency"]
    table = rm.measure_table(log, by=["store_id"], period="M", measures=names, **QUARTER)
    south = table[table["store_id"] == "S"].set_index(["measure", "start"])
    assert [0, 2, 0] == list(south.loc["orders", "value"])
    assert ["Nobody bought.", "", "Nobody bought."] == [
        note.replace("All customers are alike, which gives no interval.", "")
        for note in south.loc["purchase_frequency", "note"]
    ]


def test_attributes_take_customers_apart(log, tmp_path):
    """From a data frame, a file and an Ibis table alike; c has none and is unknown."""
    import ibis

    tiers = pd.DataFrame({"customer_id": ["a", "b", "x"], "tier": ["gold", "base", "base"]})
    tiers.to_csv(tmp_path / "tiers.csv", index=False)
    expected = {
        "revenue gold": (34, 34, 1),
        "revenue base": (46, 46, 1),
        "revenue unknown": (8, 8, 1),
    }
    for given in (tiers, tmp_path / "tiers.csv", ibis.memtable(tiers)):
        table = rm.measure_table(log, by="tier", attributes=given, measures=["revenue"], **QUARTER)
        assert expected == found(table, "tier")


def test_attributes_and_stores_go_together(log):
    """Groups are pairs; categories are taken apart in the same way."""
    tiers = pd.DataFrame({"customer_id": ["a", "b"], "tier": ["gold", "base"]})
    table = rm.measure_table(
        log,
        by=["store_id", "tier"],
        attributes=tiers,
        measures=["customers", "upsell_rate"],
        **QUARTER,
    )
    assert (1, 1, 1) == found(table, "store_id", "tier")["upsell_rate N gold"]
    assert (0, 0, 1) == found(table, "store_id", "tier")["upsell_rate N base"]
    assert (1, 1, 1) == found(table, "store_id", "tier")["customers S unknown"]


def test_two_rows_of_one_customer_are_no_attributes(log):
    """The customer is named."""
    twice = pd.DataFrame({"customer_id": ["a", "a"], "tier": ["gold", "base"]})
    with pytest.raises(DataError, match="one row per customer; customer_id 'a' stands in several"):
        rm.measure_table(log, by="tier", attributes=twice)


def test_an_attribute_that_is_not_there_is_named(log):
    """With the nearest name."""
    tiers = pd.DataFrame({"customer_id": ["a"], "tier": ["gold"]})
    with pytest.raises(DataError, match="tiers = 'tiers' \\(did you mean 'tier'"):
        rm.measure_table(log, by="tiers", attributes=tiers)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"by": "tier"}, "by: 'tier' is no column of the log"),
        ({"by": ["store_id", "store_id"]}, "each once"),
        ({"measures": ["nps"]}, "measures: expected some of customers, .*; got 'nps'"),
        ({"measures": []}, "got none"),
        ({"period": "month"}, "period: expected"),
        ({"activity_window": 0}, "activity_window: expected a whole number"),
        ({"start": "2024-05-01", "end": "2024-01-01"}, "start: expected a day up to end"),
    ],
)
def test_parameters_that_make_no_sense_are_named(log, settings, words):
    """Each with what was expected."""
    with pytest.raises(SettingsError, match=words):
        rm.measure_table(log, **settings)


def test_no_complete_period_is_said(log):
    """A log of three months has no complete year."""
    with pytest.raises(CannotSay, match="No period \\('Y'\\) lies wholly between"):
        rm.measure_table(log, period="Y")


def test_periods_begin_with_the_data(log):
    """January is not complete, for the data begin on its fifth day."""
    table = rm.measure_table(log, period="M", end="2024-03-31", measures=["orders"])
    assert [2, 1] == list(table["value"])


def test_an_order_id_of_two_stores_is_two_orders(tmp_path):
    """Stores number their receipts by themselves; a customer may be at both on one day."""
    rows = [("a", "2024-01-05", 1.0, "N", "1"), ("a", "2024-01-05", 2.0, "S", "1")]
    table = pd.DataFrame(rows, columns=["customer", "day", "amount", "store_id", "order_id"])
    table.to_csv(tmp_path / "log.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount"}
    log = rm.read_transactions(
        tmp_path / "log.csv", **names, store_id="store_id", order_id="order_id"
    )
    table = rm.measure_table(log, by="store_id", measures=["orders"], **QUARTER)
    assert {"orders N": (1, 1, 1), "orders S": (1, 1, 1)} == found(table, "store_id")


def test_strange_store_ids_stay_what_they_are(tmp_path):
    """Colons, digits, quotes and other scripts: no customer of one store becomes another's."""
    stores = ["1:a", "12", "O'Brien", "<b>", "فروشگاه", "ŞİŞLİ", "🛒"]
    rows = [(f"{i}:x", "2024-01-05", float(i + 1), s) for i, s in enumerate(stores)]
    table = pd.DataFrame(rows, columns=["customer", "day", "amount", "store_id"])
    table.to_csv(tmp_path / "log.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount"}
    log = rm.read_transactions(tmp_path / "log.csv", **names, store_id="store_id")
    table = rm.measure_table(log, by="store_id", measures=["revenue"], **QUARTER)
    revenue = dict(zip(table["store_id"], table["value"], strict=True))
    assert {s: float(i + 1) for i, s in enumerate(stores)} == revenue


# Active at the start of February with a window of 20 days: bought from 12 January on.
ACTIVITY = [
    *[("kept", day, 1.0) for day in ("2024-01-12", "2024-02-20")],
    *[("kept by the last day", day, 1.0) for day in ("2024-01-31", "2024-02-10")],
    ("left", "2024-01-31", 1.0),
    *[("back too early", day, 1.0) for day in ("2024-01-20", "2024-02-09")],
    *[("away before", day, 1.0) for day in ("2024-01-11", "2024-02-29")],
    ("new", "2024-02-15", 1.0),
    ("first", "2024-01-01", 1.0),
]


def test_retention_is_of_those_active_at_the_start(tmp_path):
    """Four were active on 31 January, two of them on 29 February; new ones count in neither."""
    log = log_of(tmp_path, ACTIVITY)
    table = rm.measure_table(
        log, start="2024-02-01", end="2024-02-29", activity_window=20, measures=_ACTIVITY
    )
    assert {
        "retention_rate": (0.5, 2, 4),
        "churn_rate": (0.5, 2, 4),
        "annual_churn_rate": (pytest.approx(1 - 0.5 ** (365 / 29)), 2, 4),
    } == found(table)
    rows = table.set_index("measure")
    assert 1 - rows.loc["retention_rate", "high"] == rows.loc["churn_rate", "low"]
    assert (rows["note"] == "Active: bought within 20 days.").all()


_ACTIVITY = ["retention_rate", "churn_rate", "annual_churn_rate"]


def test_activity_lasts_over_periods_without_a_purchase(tmp_path):
    """In weeks, a customer of one purchase is active at two ends of weeks with a window of 14 days."""
    rows = [("a", "2024-01-10", 1.0), ("z", "2023-12-01", 1.0)]
    table = rm.measure_table(
        log_of(tmp_path, rows),
        period="W",
        start="2024-01-01",
        end="2024-02-04",
        activity_window=14,
        measures=["retention_rate"],
    )
    assert [(0, 0), (0, 0), (1, 1), (0, 1), (0, 0)] == list(
        zip(table["numerator"], table["denominator"], strict=True)
    )


def test_the_activity_window_is_the_stores_own(tmp_path):
    """Ten gaps of 1 to 10 days: nine of ten are up to 9. Nine gaps are too few."""
    days = np.cumsum([0, *range(1, 11)])
    rows = [
        ("a", f"2024-01-{day + 1:02d}" if day < 31 else f"2024-02-{day - 30:02d}", 1.0)
        for day in days
    ]
    log = log_of(tmp_path, rows)
    assert 9 == rm.activity_window(log)
    with pytest.raises(CannotSay, match="fewer than 10 times up to 2024-02-14"):
        rm.activity_window(log, end="2024-02-14")


def test_without_an_activity_window_there_is_no_retention(tmp_path):
    """Too few came back to tell."""
    table = rm.measure_table(
        log_of(tmp_path, ACTIVITY), start="2024-02-01", end="2024-02-29", measures=_ACTIVITY
    )
    assert table["value"].isna().all()
    assert table["note"].str.contains("fewer than 10 times").all()


def test_lifetime_is_from_the_first_purchase_ever_to_the_last_in_the_window(tmp_path):
    """a: 100 days, b: 0 days; revenue in the window 30 of 2 customers over 366 days."""
    rows = [("a", "2023-12-02", 99.0), ("a", "2024-03-11", 20.0), ("b", "2024-05-01", 10.0)]
    table = rm.measure_table(
        log_of(tmp_path, rows),
        start="2024-01-01",
        end="2024-12-31",
        measures=["mean_lifetime", "historic_clv"],
    )
    values = table["value"]
    assert [50 / 365.25, 15 / 366 * 50] == pytest.approx(list(values))


def test_a_short_window_has_no_historic_value(tmp_path):
    """A month's customers are not a year's."""
    table = rm.measure_table(
        log_of(tmp_path, ACTIVITY), measures=["historic_clv"], start="2024-02-01"
    )
    assert "needs a window of at least 365 days" in table["note"].iloc[0]
    assert table[["value", "numerator"]].isna().all(axis=None)


def test_alike_customers_have_no_interval_and_it_is_said(log):
    """Everyone at S ordered once."""
    table = rm.measure_table(log, by="store_id", measures=["purchase_frequency"], **QUARTER)
    south = table[table["store_id"] == "S"].iloc[0]
    assert (1.0, "All customers are alike, which gives no interval.") == (
        south["value"],
        south["note"],
    )
    assert np.isnan(south["low"])


def test_returns_lower_the_period_of_their_purchase(tmp_path):
    """A return in February of a January purchase is January's, so that months add up to the year."""
    rows = [("a", "2024-01-05", 10.0), ("a", "2024-02-02", -4.0), ("b", "2024-02-03", 1.0)]
    table = rm.measure_table(
        log_of(tmp_path, rows),
        period="M",
        start="2024-01-01",
        end="2024-02-29",
        measures=["revenue"],
    )
    assert [6.0, 1.0] == list(table["value"])
