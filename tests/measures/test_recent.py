"""A store's last months and changes: the same as by the general tables, month by month and window."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.measures.recent import CHANGING, recent_activity

END = dt.date(2023, 12, 31)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of a year, beside one that opened in October and one of a single customer."""
    log = pd.concat(
        [
            shops.simulated_log(120, seed=5),
            shops.simulated_log(60, seed=6, shop="late").assign(
                day=lambda f: [d if d >= dt.date(2023, 10, 20) else None for d in f["day"]]
            ),
            shops.simulated_log(1, seed=1, shop="single"),
        ]
    ).dropna()
    # Several orders of a customer on one day, and a return.
    again = log.iloc[40:60].assign(amount=3.5)
    back = log.iloc[60:61].assign(amount=-2.0, day=END)
    log = pd.concat([log, again, back])
    project = shops.write_project(
        tmp_path_factory.mktemp("recent"), log, ["0042", "late", "single"]
    )
    return rm.open_store(project, "0042")


def recent(store, store_id="0042", end=END):
    """Its activity."""
    table = store.log.stores.loc[store_id]
    return recent_activity(store.log, store_id=store_id, end=end, first=table["first_day"])


def test_months_are_those_of_the_measure_table(store):
    """Customers and orders, up to the last month that is over."""
    found = recent(store, end=dt.date(2023, 11, 15))
    table = rm.measure_table(
        store.log, store_id="0042", period="M", end="2023-10-31", measures=["customers", "orders"]
    )
    wide = table.pivot(index="start", columns="measure", values="value")
    assert list(wide.index) == list(found.months["month"])
    assert list(wide["customers"]) == list(found.months["customers"])
    assert list(wide["orders"]) == list(found.months["orders"])
    assert dt.date(2023, 10, 1) == found.months["month"].iloc[-1]


def test_changes_are_those_of_measure_changes(store):
    """Values and intervals, of the last 91 days against the 91 before."""
    found = recent(store)
    assert 91 == found.days
    general = rm.measure_changes(
        store.log, store_id="0042", period=91, start="2023-07-03", end=END, measures=CHANGING
    )
    general = general.loc[general["change"].notna()].set_index("measure")
    assert list(CHANGING) == list(found.changes.index)
    columns = list(found.changes.columns)
    pd.testing.assert_frame_equal(
        general[columns], found.changes, check_dtype=False, rtol=1e-9, check_exact=False
    )


def test_a_store_that_opened_lately_is_not_compared(store):
    """Of course it grew."""
    found = recent(store, "late")
    assert "The store's first purchase was on 2023-10-2" in found.changes
    assert 0 == found.days
    assert [dt.date(2023, 10, 1), dt.date(2023, 11, 1), dt.date(2023, 12, 1)] == list(
        found.months["month"]
    )


def test_months_of_few_customers_are_not_shown(store):
    """They would tell of single persons."""
    assert found_nothing(recent(store, "single").months["customers"])
    assert "Fewer than 5 customers" in recent(store, "single").changes


def found_nothing(customers: pd.Series) -> bool:
    """Whether every month with customers is left blank."""
    return bool(customers.isna().any() and (customers.dropna() == 0).all())


def test_metrics_hold_them_for_the_chain(store, tmp_path):
    """Or null and the reason."""
    rm.write_outputs(store, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    found = recent(store)
    assert "2023-01-01" <= metrics["first_day"] <= "2023-01-05"
    assert list(found.months["customers"]) == [m["customers"] for m in metrics["months"]["value"]]
    assert 91 == metrics["changes"]["value"]["days"]
    shown = metrics["changes"]["value"]["measures"]["repeat_customer_rate"]
    assert found.changes.loc["repeat_customer_rate", "change"] == pytest.approx(shown["change"])


def test_metrics_of_a_store_of_one_customer_say_why_not(store, tmp_path):
    """As the other headlines do."""
    single = rm.Store("single", store.settings, store.log, END)
    rm.write_outputs(single, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert "one customer" in metrics["months"]["reason"]
    assert metrics["changes"]["value"] is None
