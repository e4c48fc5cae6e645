"""What keeping a store's customers is worth, beside what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retention_models.errors import CannotSay
from retention_models.models.fitters import RegularFitter
from retention_models.predictions.customers import rate_per_unit
from retention_models.predictions.loyalty_claims import (
    LoyaltyClaims,
    loyalty_claims,
)
from retention_models.predictions.repeat_customers import RepeatCustomerWorth
from retention_models.predictions.repeat_in_short import repeat_in_short
from retention_models.predictions.retention_in_short import RetentionInShort, retention_in_short
from retention_models.predictions.retention_worth import RetentionWorth
from retention_models.project.acquisition import value_terms
from retention_models.summaries.first_orders import first_orders

if TYPE_CHECKING:
    from retention_models.project.store import Store


def store_retention(store: Store) -> RetentionInShort:
    """`retention_in_short` of a store's customers; refused of a model that takes longer than a page."""
    if isinstance(store.purchases, RegularFitter) and store.purchases.k_ > 1:
        raise CannotSay(
            "What more retention would bring is not told on this page where customers buy at regular "
            "times, since it takes long to work out; it is to be had in a notebook."
        )
    terms = value_terms(store.settings)
    rate = rate_per_unit(terms.pop("annual_discount_rate"), store.settings.model.time_unit)
    given = store.purchases, store.money, store.summary, store.predictions
    return retention_in_short(*given, rate=rate, **terms)


def store_repeat(store: Store) -> RepeatCustomerWorth:
    """`repeat_in_short` of a store's customers; refused as `store_retention` is."""
    if isinstance(store.purchases, RegularFitter) and store.purchases.k_ > 1:
        raise CannotSay(
            "What repeat customers are worth in first orders is not told on this page where customers "
            "buy at regular times, since it takes long to work out; it is to be had in a notebook."
        )
    terms = value_terms(store.settings)
    rate = rate_per_unit(terms.pop("annual_discount_rate"), store.settings.model.time_unit)
    orders = first_orders(store.log, store_id=store.id, observation_end=store.observation_end)
    given = store.purchases, store.money, store.summary, store.predictions, orders
    return repeat_in_short(*given, rate=rate, **terms)


def store_claims(
    store: Store,
    *,
    worth: RetentionWorth | RetentionInShort | str | None,
    repeat: RepeatCustomerWorth | str | None,
) -> LoyaltyClaims:
    """The claims, with the project's acquisition cost and the chain's campaigns."""
    cost = _acquisition_cost(store)
    # Without that cost campaigns answer nothing here, and all of them would be estimated for it.
    economics = None if cost is None else _cost_per_retained(store)
    return loyalty_claims(worth=worth, repeat=repeat, acquisition_cost=cost, economics=economics)


def _acquisition_cost(store: Store) -> float | None:
    """What winning a customer costs on average; None where that is not said, or nothing."""
    given = store.settings.acquisition
    if given is None:
        return None
    if not given.by_channel:
        return given.cost or None
    try:
        return store.acquisition.cost or None
    except CannotSay:
        return None


def _cost_per_retained(store: Store) -> pd.DataFrame | None:
    """What a retained customer cost in the chain's campaigns; None where none of them tells it."""
    try:
        table = store.campaigns
    except CannotSay:
        return None
    told = table[table["cost_per_retained"].notna()]
    return None if told.empty else told
