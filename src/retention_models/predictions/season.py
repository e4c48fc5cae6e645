"""A store's season: its calendar by the project file and the chain, and the model that follows it.

Which terms there are is decided by all of the chain's stores together, where there are enough of them,
and each store's season is shrunk towards what the others tell (`models.seasons.chain`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.models.fitters import PurchaseFitter, RegularFitter
from retention_models.models.histories import distinct_rows
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.chain import StoreDays, StoreSeason, shared_seasons
from retention_models.models.seasons.prior import SeasonPrior
from retention_models.settings.calendar import CalendarSettings
from retention_models.summaries.counts import count_purchase_days
from retention_models.time_units import days_in

Array = NDArray[np.float64]

# Fewer other stores say too little of how stores differ; more than this little that is new.
_FEWEST_OTHERS, _MOST_STORES = 3, 60


def store_calendar(
    log: Transactions, store_id: str, end: dt.date, declared: CalendarSettings
) -> Calendar:
    """A store's days up to one of them, with those that the project file declares.

    A day on which it sold was none on which it was closed, whatever is declared for the chain.
    """
    days = count_purchase_days(log, store_id=store_id, observation_end=end)
    sold = set(days.loc[days["purchases"] > 0, "date"].dt.date)
    return Calendar.of(
        days,
        end=end,
        country=declared.country,
        feasts=declared.feasts,
        promotions=dict(declared.promotions),
        closed=[day for day in declared.closed if day not in sold],
    )


@dataclass(frozen=True, slots=True)
class ChainSeasons:
    """By store: its calendar, with the terms and the prior that all stores together give it; its season.

    No season is told where there are too few stores, or nobody came back: then each decides alone.
    """

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    told: Mapping[str, StoreSeason] = field(default_factory=dict)


def chain_seasons(
    log: Transactions,
    summaries: Mapping[str, pd.DataFrame],
    end: dt.date,
    declared: CalendarSettings,
    store_ids: Iterable[str] = (),
) -> ChainSeasons:
    """Seasons of a chain's stores, whose `summaries` are from `customer_summary_by_store`.

    The largest stores are asked, and those of `store_ids`.
    """
    sizes = {store: len(summary) for store, summary in summaries.items()}
    largest = sorted(sizes, key=lambda store: (-sizes[store], store))[:_MOST_STORES]
    chosen = [*dict.fromkeys([*largest, *(store for store in store_ids if store in sizes)])]
    found = {store: store_calendar(log.whole, store, end, declared) for store in chosen}
    if len(found) <= _FEWEST_OTHERS:
        return ChainSeasons(found)
    unit = days_in(str(next(iter(summaries.values())).attrs["time_unit"]))
    stores = {
        store: StoreDays(*_counted(summaries[store]), calendar) for store, calendar in found.items()
    }
    try:
        told = shared_seasons(stores, unit)
    except CannotSay:
        return ChainSeasons(found)
    return ChainSeasons({store: season.calendar for store, season in told.items()}, told)


def _counted(summary: pd.DataFrame) -> tuple[Array, Array, Array, Array]:
    """Distinct histories of a store and their customers."""
    columns = [summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    (x, t_x, T), row = distinct_rows(*columns)
    return x, t_x, T, np.bincount(row).astype(float)


def seasonal_model(
    summary: pd.DataFrame,
    calendar: Calendar,
    plain: PurchaseFitter,
    gaps: Callable[[], pd.DataFrame] | None = None,
) -> PurchaseFitter:
    """A store's model of the same kind under its season, or itself where no term of one is carried.

    `gaps` gives `count_purchase_gaps` of the same customers, and is called for regular buyers.
    """
    further: dict[str, Any] = {"calendar": calendar}
    if isinstance(plain, RegularFitter):
        further |= {"log_gaps": gaps(), "k": None} if gaps and plain.k_ > 1 else {"k": 1}
    columns = [summary[name] for name in ("frequency", "recency", "T")]
    try:
        fitted: PurchaseFitter = type(plain)().fit(*columns, **further)
    except CannotSay:
        return plain
    usable = fitted.fit_.verdict != "not identified"
    return fitted if usable and has_season(fitted) else plain


def has_season(purchases: PurchaseFitter) -> bool:
    """Whether a model follows a season or days on which the shop is closed."""
    calendar = purchases.calendar_
    return calendar is not None and bool(calendar.names or calendar.closed or calendar.shut)


def content(calendar: Calendar) -> dict[str, Any]:
    """What `from_content` takes, the purchases left out; JSON can hold it."""
    prior = None if calendar.prior is None else calendar.prior.content()
    return {"calendar": calendar.to_dict(), "prior": prior}


def from_content(written: Mapping[str, Any], log: Transactions, store_id: str) -> Calendar:
    """What `content` gave, with the purchases by day of the store's rows."""
    calendar = Calendar.from_dict(written["calendar"])
    days = count_purchase_days(log, store_id=store_id, observation_end=calendar.end)
    bought = np.zeros(calendar.past)
    bought[-len(days) :] = days["repeat_purchases"].to_numpy(dtype=float)
    prior = written["prior"]
    return replace(
        calendar,
        purchases=bought,
        prior=None if prior is None else SeasonPrior.from_content(prior),
    )
