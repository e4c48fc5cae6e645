"""Customers of before the log are left out where a first day is set, and counted."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.errors import CannotSay, SettingsError
from retention_models.pages.store import words

LINES = [("old", "2024-01-02", "s"), ("old", "2024-02-20", "s"), ("new", "2024-02-01", "s")]
LINES += [("new", "2024-02-11", "s"), ("late", "2024-02-25", "s"), ("old", "2024-02-05", "t")]


@pytest.fixture
def log(tmp_path) -> rm.Transactions:
    """Two stores; the customer `old` is old at s only."""
    pd.DataFrame(LINES, columns=["c", "d", "shop"]).assign(paid=1).to_csv(tmp_path / "log.csv")
    names = {"customer_id": "c", "date": "d", "spend": "paid", "store_id": "shop"}
    return rm.read_transactions(tmp_path / "log.csv", **names)


def test_customers_first_seen_before_the_day_are_left_out_and_counted(log):
    """Who began on the day itself stays; the rest of the table is as it was."""
    everybody = rm.customer_summary(log, store_id="s", time_unit="D")
    chosen = rm.customer_summary(
        log, store_id="s", time_unit="D", first_seen_from=dt.date(2024, 2, 1)
    )
    assert ["late", "new"] == list(chosen.index)
    pd.testing.assert_frame_equal(everybody.loc[["late", "new"]], chosen)
    assert (0, 1) == (everybody.attrs["customers_before"], chosen.attrs["customers_before"])
    assert "2024-02-01" == chosen.attrs["first_seen_from"]
    assert "2024-01-02" == chosen.attrs["first_purchase"]


def test_half_a_day_more_of_orders_moves_nobody_over_the_day(log):
    """T counts from the middle of the first day there, the day itself does not move."""
    for day, customers in (("2024-02-01", ["late", "new"]), ("2024-02-02", ["late"])):
        chosen = rm.customer_summary(
            log, store_id="s", time_unit="W", same_day="each_line", first_seen_from=day
        )
        assert customers == list(chosen.index)


def test_every_store_has_its_own_first_purchases(log):
    """Whoever is old at one store may be new at another; a store of old customers only is left out."""
    stores = rm.customer_summary_by_store(log, first_seen_from="2024-02-01")
    assert {"s": ["late", "new"], "t": ["old"]} == {s: list(t.index) for s, t in stores.items()}
    assert 1 == stores["s"].attrs["customers_before"]
    assert ["s"] == list(rm.customer_summary_by_store(log, first_seen_from="2024-02-10"))


def test_who_first_buys_in_the_holdout_is_counted_and_in_no_row(log):
    """The warm-up leaves `old` out, `late` comes too late."""
    split = rm.calibration_holdout_summary(
        log,
        store_id="s",
        calibration_end="2024-02-15",
        holdout_end="2024-02-29",
        first_seen_from="2024-01-15",
    )
    assert ["new"] == list(split.index)
    assert (1, 1) == (split.attrs["customers_new_in_holdout"], split.attrs["customers_before"])


def test_the_log_remembers_the_day_and_a_call_overrides_it(log):
    """As a project file sets it."""
    log = dataclasses.replace(log, first_seen_from=dt.date(2024, 2, 1))
    assert 2 == len(rm.customer_summary(log, store_id="s"))
    assert 2 == rm.count_customers(log, store_id="s")["customers"].sum()
    assert 3 == len(rm.customer_summary(log, store_id="s", first_seen_from="2024-01-01"))


def test_a_day_after_the_last_that_counts_is_refused(log):
    """It would leave everybody out."""
    with pytest.raises(SettingsError, match="first_seen_from: expected a day up to"):
        rm.customer_summary(log, observation_end="2024-02-10", first_seen_from="2024-02-11")


@pytest.mark.slow
def test_a_project_file_sets_it_for_a_store(tmp_path):
    """Summary, tracking and the store's first day agree; a store of old customers only says so."""
    lines = shops.simulated_log(150, seed=11)
    project = shops.write_project(tmp_path, lines, ["0042"])
    text = project.read_text().replace("timezone =", "first_seen_from = 2023-03-01\ntimezone =")
    project.write_text(text)
    store = rm.open_store(project, "0042")
    firsts = pd.to_datetime(lines.groupby("customer")["day"].min())
    kept = firsts[firsts >= "2023-03-01"]
    assert sorted(kept.index) == list(store.summary.index)
    assert len(firsts) - len(kept) == store.summary.attrs["customers_before"]
    assert firsts.min().date() == store.first_day
    known = lines[lines["customer"].isin(kept[kept <= pd.Timestamp(store.calibration_end)].index)]
    repeats = len(known.drop_duplicates(["customer", "day"])) - known["customer"].nunique()
    assert repeats == store.tracking["actual"].iloc[-1]
    left_out = store.summary.attrs["customers_before"]
    said = words.still_customers(
        store.forecast.still_customers, len(store.summary), 0.9, store.summary
    )
    assert f"{left_out} customers first seen before 1 March 2023 are left out" in said
    project.write_text(text.replace("2023-03-01", "2023-12-30"))
    with pytest.raises(CannotSay, match=r"All \d+ customers of store 0042 were first seen before"):
        _ = rm.open_store(project, "0042").summary
