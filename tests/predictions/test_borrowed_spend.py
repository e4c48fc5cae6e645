"""What a chain lends to a store that carries a purchase model of its own and no spend model."""

import datetime as dt

import numpy as np
import pytest

import retention_models as rm
from retention_models.models.chain.stores import lend_to
from retention_models.predictions.store_models import find_borrowed

FIRST = dt.date(2023, 1, 1)


@pytest.fixture(scope="module")
def summaries():
    """Four larger stores and one of 40 customers, whose spend tells no model."""
    sizes = {"a": 200, "b": 200, "c": 200, "d": 200, "few": 40}
    shops = {
        store: rm.SimulatedShop(customers, FIRST, joining_days=200, seed=seed)
        for seed, (store, customers) in enumerate(sizes.items())
    }
    return {
        store: rm.customer_summary(shop.log(until="2023-12-30")) for store, shop in shops.items()
    }


def test_it_borrows_where_all_borrow_from_the_same(summaries):
    """As it would by itself; the larger ones borrow nothing."""
    own = summaries["few"].loc[summaries["few"]["frequency"] > 0]
    assert len(own) >= 10
    told = rm.GammaGammaFitter().fit(own["frequency"], own["monetary_value"])
    assert told.fit_.verdict == "not identified"
    found = find_borrowed(summaries, list(summaries))
    assert set(found) == {"few"}
    alone = rm.fit_stores(summaries)
    assert found["few"].spend.to_json() == alone.spend_model("few").to_json()
    assert found["few"].purchases.to_json() == alone.purchase_model("few").to_json()


def test_a_store_that_is_none_of_the_largest_borrows_from_them(summaries, monkeypatch):
    """The largest are fitted once, without it; what it gets is nearly what a fit with it gives."""
    monkeypatch.setattr("retention_models.predictions.store_models._MOST_LENDERS", 4)
    found = find_borrowed(summaries, list(summaries))
    assert set(found) == {"few"}
    largest = rm.fit_stores({store: summaries[store] for store in "abcd"})
    lent = lend_to(largest, "few", summaries["few"])
    assert found["few"].spend.to_json() == lent.spend_model("few").to_json()
    assert found["few"].purchases.to_json() == lent.purchase_model("few").to_json()
    joint = rm.fit_stores(summaries)
    for own, among in (
        (found["few"].purchases.fit_, joint.purchases.stores["few"]),
        (found["few"].spend.fit_, joint.spend.stores["few"]),
    ):
        deviation = np.sqrt(np.diag(among.log_covariance))
        shift = np.log(own.parameters / among.parameters) / deviation
        assert np.abs(shift).max() < 0.5  # of four lenders one more tells something
        assert np.sqrt(np.diag(own.log_covariance)) / deviation == pytest.approx(1.0, abs=0.1)


def test_without_enough_lenders_there_is_none(summaries):
    """The store's own refusal stands."""
    two = {store: summaries[store] for store in ("a", "b", "few")}
    assert find_borrowed(two, list(two)) == {"few": None}
