"""A store's last quarters, months and changes: those of the general tables, alone or with others."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.measures.recent import (
    COMPARED,
    QUARTER,
    recent_activity,
    recent_by_store,
)
from retention_models.measures.table import OF_YEAR, year_by_store

pytestmark = pytest.mark.slow

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
    return recent_activity(store.log, store_id=store_id, end=end)


def test_months_are_those_of_the_measure_table(store):
    """Revenue and customers, up to the last month that is over."""
    found = recent(store, end=dt.date(2023, 11, 15)).months
    table = rm.measure_table(
        store.log, store_id="0042", period="M", end="2023-10-31", measures=["customers", "revenue"]
    )
    wide = table.pivot(index="start", columns="measure", values="value")
    assert list(wide.index) == list(found.index)
    assert list(wide["customers"]) == list(found["customers"])
    assert list(wide["revenue"]) == pytest.approx(list(found["revenue"]))


def test_stores_asked_for_together_get_what_each_gets_alone(store):
    """Quarters, changes, months and windows; an id without a purchase gets nothing."""
    stores = ["0042", "late", "single"]
    together = recent_by_store(store.log, [*stores, "nobody"], end=END)
    assert set(stores) == set(together)
    general = rm.measure_changes(
        store.log, store_id="0042", period=QUARTER, end=END, measures=COMPARED
    )
    keys, columns = ["measure", "start", "against"], ["value", "change", "low", "high"]
    general, same = (
        table.set_index(keys)[columns].sort_index()
        for table in (general, together["0042"].compared)
    )
    pd.testing.assert_frame_equal(general, same, check_exact=False, rtol=1e-9)
    for name in stores:
        alone = recent(store, name)
        assert alone.window == together[name].window
        for table in ("quarters", "compared", "months"):
            pd.testing.assert_frame_equal(getattr(alone, table), getattr(together[name], table))


def test_a_store_that_opened_lately_is_not_compared(store):
    """Of course it grew."""
    found = recent(store, "late").changes(dt.date(2023, 10, 20))
    assert found["change"].isna().all()
    assert "The store's own data begin on 2023-10-20" in found["note"].iloc[0]


def test_quarters_of_which_one_was_closed_longer_are_not_compared(store):
    """A month without a sale is no fall; days closed in both, or a few, change nothing."""
    day, opened = dt.timedelta(days=1), dt.date(2023, 1, 1)
    august = [dt.date(2023, 8, 1) + n * day for n in range(31)]
    found = recent(store).changes(opened, closed=august)
    assert found["change"].isna().all()
    assert found["size"].isna().all()
    assert "closed for 31 days more" in found["note"].iloc[0]
    plain = recent(store).changes(opened)
    both = [*august, *(one + 91 * day for one in august)]
    for closed in (august[:6], both):
        pd.testing.assert_frame_equal(plain, recent(store).changes(opened, closed=closed))


def test_months_of_few_customers_are_not_shown(store):
    """They would tell of single persons."""
    customers = recent(store, "single").months["customers"]
    assert customers.isna().any()
    assert (customers.dropna() == 0).all()


def test_data_of_less_than_a_quarter_are_refused(store):
    """There is nothing to show yet."""
    with pytest.raises(rm.CannotSay, match="less than a quarter"):
        recent(store, end=dt.date(2023, 2, 1))


def test_metrics_hold_them_for_the_chain(store, tmp_path):
    """Changes by measure, months, and the day since when a store is silent."""
    rm.write_outputs(store, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    found = recent(store)
    assert "2023-01-01" <= metrics["first_day"] <= "2023-01-05"
    assert metrics["silent_since"] is None
    assert list(found.months["customers"]) == [m["customers"] for m in metrics["months"]["value"]]
    told = metrics["changes"]["value"]
    changes = found.changes(store.first_day)
    assert (QUARTER, set(COMPARED)) == (told["days"], set(told["measures"]))
    for name, row in changes.iterrows():
        assert row["change"] == pytest.approx(told["measures"][name]["change"])
        assert row["size"] == pytest.approx(told["measures"][name]["size"])


def test_metrics_of_a_store_of_one_customer_say_why_not(store, tmp_path):
    """As the other headlines do."""
    single = rm.Store("single", store.settings, store.log, END)
    rm.write_outputs(single, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert "one customer" in metrics["months"]["reason"]
    assert "one customer" in metrics["next_quarter"]["reason"]
    assert metrics["changes"]["value"] is None


def test_stores_without_a_purchase_have_nothing_recent_and_stop_nobody():
    """None has any, or one of two: whoever has bought is told all the same."""
    frame = shops.simulated_log(60, seed=1)
    log = rm.read_transactions(
        frame, customer_id="customer", date="day", spend="amount", store_id="shop"
    )
    end = log.last_day()
    assert {} == recent_by_store(log, ["empty", "none"], end=end)
    (there,) = log.store_ids()
    assert [there] == list(recent_by_store(log, ["empty", there], end=end))


def test_the_year_of_all_stores_asked_once_is_that_of_each(store):
    """Every measure that a page shows of it, with its interval; a store of nobody has none."""
    found = year_by_store(store.log, ["0042", "late", "single", "none"], end=END)
    assert {"0042", "late", "single"} == set(found)
    for store_id, table in found.items():
        alone = rm.measure_table(store.log, store_id=store_id, end=END, measures=OF_YEAR)
        pd.testing.assert_frame_equal(alone, table, check_dtype=False, rtol=1e-12)
    told = rm.store_measures(store.log, store_id="0042", end=END)
    pd.testing.assert_frame_equal(told, store.measures, check_dtype=False)
