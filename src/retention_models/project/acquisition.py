"""What new customers of a store are worth, channel by channel, beside what winning them costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retention_models.data.channels import Channels
from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.quality import left_truncation
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import count, counted, phrase
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.models.fitters import (
    BetaGeoFitter,
    ModifiedBetaGeoCNBDFitter,
    ModifiedBetaGeoFitter,
    PurchaseFitter,
)
from retention_models.predictions.acquisition import values_of_parts
from retention_models.predictions.customers import rate_per_unit
from retention_models.predictions.determined import OPEN_FACTOR
from retention_models.settings.acquisition import AcquisitionSettings
from retention_models.settings.project import Settings
from retention_models.summaries.first_orders import first_categories
from retention_models.time_units import days_in

if TYPE_CHECKING:
    from retention_models.project.store import Store

EVERYONE = ""  # name of the row of all customers; a channel's is never blank
# Each takes a fit of two models; a table of more is not read.
MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class AcquisitionWorth:
    """New customers' value against their cost.

    `table` is as of `new_customer_value`, with a row for everyone, named "", and one a channel, the
    largest first. `since` is the day from which its customers were first seen, None where all count;
    `untold` of them have no channel; `further` channels are left out as beyond the eight largest,
    `small` ones as of fewer than five customers; `nobody` are channels with a cost and no customer.
    """

    table: pd.DataFrame
    since: dt.date | None = None
    untold: int = 0
    further: int = 0
    small: int = 0
    nobody: tuple[str, ...] = ()

    @property
    def cost(self) -> float | None:
        """What winning a customer costs, on average over channels; None where that is not said."""
        cost = float(self.table.loc[EVERYONE, "cost"])
        return None if np.isnan(cost) else cost


def project_channels(
    settings: Settings,
    log: Transactions,
    found: Channels | None,
    store_id: str | None = None,
    end: dt.date | None = None,
) -> pd.Series:
    """What won each customer of a store, or of all: a channel, or the category bought first."""
    if found is not None:
        ids = to_frame(log.rows(store_id, end).select("customer_id").distinct())["customer_id"]
        return found.of(pd.Index(ids))
    return first_categories(log, store_id=store_id, observation_end=end)


def newcomers(
    log: Transactions, store_id: str, end: dt.date, summary: pd.DataFrame, unit: str
) -> tuple[pd.DataFrame, dt.date | None]:
    """Customers who are seen from their first purchase on, and from which day, where that is not all.

    Where the data begin in the middle of customers' lives those of before look like loyal newcomers.
    """
    if log.first_seen_from is not None:
        return summary, None  # the others are left out already
    rows = log.rows(store_id, end)
    # Returns move spend, never the days on which something was bought.
    days = purchase_days(rows.filter(rows["spend"] >= 0), returns=False)
    start = left_truncation(days, end)
    if start is None or not start.is_suspected:
        return summary, None
    age = (end - start.first_seen_from).days / days_in(unit)
    return summary[summary["T"] <= age + 1e-9], start.first_seen_from


def value_terms(settings: Settings) -> dict[str, Any]:
    """Over what time, at which rate and margin value is counted, and the level of its intervals."""
    return {
        "horizon": settings.model.horizon,
        "annual_discount_rate": settings.money.annual_discount_rate,
        "margin": settings.money.margin,
        "interval": settings.model.interval,
    }


def store_acquisition(store: Store, given: AcquisitionSettings) -> AcquisitionWorth:
    """`acquisition_worth` of a store's customers."""
    unit, log, end = store.settings.model.time_unit, store.log, store.observation_end
    summary, since = newcomers(log, store.id, end, store.summary, unit)
    require_some(summary, since)
    channels = None
    if given.by_channel:
        of = project_channels(store.settings, log, store.channels, store.id, end)
        channels = of.reindex(summary.index)
    terms = value_terms(store.settings)
    found = acquisition_worth(summary, channels, given, terms, unit, store.purchases)
    return replace(found, since=since)


def acquisition_worth(
    summary: pd.DataFrame,
    channels: pd.Series | None,
    given: AcquisitionSettings,
    horizon: Mapping[str, Any],
    unit: str,
    purchases: PurchaseFitter,
) -> AcquisitionWorth:
    """Hold the value of a summary's customers against what they cost; `channels` in its order.

    `horizon` as of `Store`; `purchases` is the store's own model, whose kind is fitted to each channel.
    """
    parts, prices = {EVERYONE: summary}, {}
    found, cost = AcquisitionWorth(pd.DataFrame()), given.cost
    if channels is not None:
        sizes = channels.value_counts()
        shown = sizes[sizes >= SMALLEST_GROUP].index
        parts |= {str(name): summary[channels == name] for name in shown[:MOST_CHANNELS]}
        found = replace(
            found,
            untold=int(channels.isna().sum()),
            further=max(len(shown) - MOST_CHANNELS, 0),
            small=len(sizes) - len(shown),
            nobody=tuple(name for name in given.costs if name not in sizes.index),
        )
        each = [given.cost if pd.isna(name) else given.cost_of(name) for name in channels]
        known = [one for one in each if one is not None]
        cost = float(np.mean(known)) if len(known) == len(each) else None
        prices = {name: given.cost_of(name) for name in parts if name != EVERYONE}
    terms = (
        horizon["horizon"],
        rate_per_unit(horizon["annual_discount_rate"], unit),
        horizon["margin"],
    )
    told = {name: price for name, price in {EVERYONE: cost, **prices}.items() if price is not None}
    table = values_of_parts(parts, told, terms, horizon["interval"], _kind(purchases))
    table = _without_open(table)
    table.attrs = {**horizon, "time_unit": unit}
    return replace(found, table=table)


def _kind(purchases: PurchaseFitter) -> type[PurchaseFitter]:
    """The plain model nearest to a store's own, whose customers leave on the day of a purchase."""
    modified = isinstance(purchases, ModifiedBetaGeoFitter | ModifiedBetaGeoCNBDFitter)
    return ModifiedBetaGeoFitter if modified else BetaGeoFitter


def _without_open(table: pd.DataFrame) -> pd.DataFrame:
    """Values that may be twice or half as large for all that is known are no ground for a plan."""
    table = table.copy()
    wide = table["value_high"] > OPEN_FACTOR * table["value_low"]
    numbers = [name for name in table if str(name).startswith(("value", "payback"))]
    table.loc[wide, numbers] = np.nan
    table.loc[wide, "note"] = phrase(
        "What is known of them is too little: anything within a factor of {factor} would fit.",
        factor=count(OPEN_FACTOR),
    )
    return table


def require_said(given: AcquisitionSettings | None) -> AcquisitionSettings:
    """The table [acquisition], or a refusal that names it."""
    if given is None:
        raise CannotSay(
            "What new customers are worth beside what they cost is not told: the project file does not "
            "say what it costs to win a customer ([acquisition])."
        )
    return given


def require_some(summary: pd.DataFrame, since: dt.date | None) -> None:
    """Refuse where nobody, or nearly so, is seen from the first purchase on."""
    if len(summary) < SMALLEST_GROUP:
        raise CannotSay(
            "What a new customer is worth cannot be said: {customers} joined since the data tell new "
            "customers from those of before.",
            customers=counted(len(summary), "customer"),
        )
