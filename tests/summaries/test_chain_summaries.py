"""One pass over the log gives what one pass a store gives."""

from __future__ import annotations

import pandas as pd
import pytest

import retention_models as rm
import shops

STORES = ["0042", "7", "70", "<b>:1"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Four stores with strange ids, whose customers are called the same."""
    frames = [shops.simulated_log(12, seed=n, shop=shop) for n, shop in enumerate(STORES)]
    path = tmp_path_factory.mktemp("chain") / "log.csv"
    pd.concat(frames).to_csv(path, index=False)
    return rm.read_transactions(
        path, customer_id="customer", date="day", spend="amount", store_id="shop"
    )


def test_each_store_has_the_summary_that_it_has_alone(log):
    """To the digit, index and attributes included."""
    found = rm.customer_summary_by_store(log, observation_end="2023-09-30")
    assert sorted(STORES) == list(found)
    for store, summary in found.items():
        alone = rm.customer_summary(log, store_id=store, observation_end="2023-09-30")
        pd.testing.assert_frame_equal(alone, summary, check_index_type=False)
        assert alone.attrs == summary.attrs


def test_only_the_stores_asked_for_are_there(log):
    """And the end of observation is the log's last day all the same."""
    found = rm.customer_summary_by_store(log, store_ids=["7", "unknown"], time_unit="D")
    assert ["7"] == list(found)
    assert log.last_day().isoformat() == found["7"].attrs["observation_end"]
    assert "D" == found["7"].attrs["time_unit"]


def test_stores_without_a_purchase_yet_are_left_out(log):
    """A day before the data begin has no store."""
    assert {} == rm.customer_summary_by_store(log, observation_end="2022-12-31")


def test_the_only_customer_of_the_only_store_has_a_summary(tmp_path):
    """Found by a property test: the store's id came back as a tuple."""
    (tmp_path / "log.csv").write_text("c,d,s,shop\na,2024-01-05,1,0042\n")
    log = rm.read_transactions(
        tmp_path / "log.csv", customer_id="c", date="d", spend="s", store_id="shop"
    )
    assert ["0042"] == list(rm.customer_summary_by_store(log))
