"""What a store's page shows first and beside the models: the last quarter, its changes, lists to act on.

Nothing here tells of fewer than five customers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from retention_models.actions.to_call import CallList
from retention_models.errors import CannotSay
from retention_models.languages import count
from retention_models.levels import Interval
from retention_models.measures.recent import CLOSED_DAYS, QUARTER
from retention_models.measures.table import (
    SMALLEST_GROUP,
    measure_table,
)
from retention_models.pages.notebook import EndOfPage
from retention_models.predictions.loyalty_claims import LoyaltyClaims
from retention_models.predictions.repeat_customers import RepeatCustomerWorth
from retention_models.predictions.retention_in_short import RetentionInShort
from retention_models.predictions.stores import StoreForecast
from retention_models.predictions.validation.store_changes import Silence
from retention_models.predictions.whole_store import WholeStore
from retention_models.project.loyalty import store_claims, store_repeat
from retention_models.project.store import Store
from retention_models.time_units import days_in

# Of fewer customers a tenth is fewer than five persons.
FEWEST_FOR_TENTHS = 10 * SMALLEST_GROUP


def value_tenths(clv: pd.Series) -> pd.DataFrame:
    """Customers by lifetime value in ten groups as equal as can be, the most valuable first.

    Index 1 to 10; customers, mean and share of the value of all. Refused where a tenth would be fewer
    than five persons, or nothing is worth anything.
    """
    value = np.sort(clv.dropna().to_numpy(dtype=float))[::-1]
    if value.size < FEWEST_FOR_TENTHS or value.sum() <= 0:
        raise CannotSay(
            "How value is spread over customers is shown of {fewest} customers or more: of fewer, "
            "as here ({here}), it would tell of single persons.",
            fewest=FEWEST_FOR_TENTHS,
            here=count(value.size),
        )
    groups = np.array_split(value, 10)
    return pd.DataFrame(
        {
            "customers": [group.size for group in groups],
            "mean": [float(group.mean()) for group in groups],
            "share": [float(group.sum() / value.sum()) for group in groups],
        },
        index=pd.RangeIndex(1, 11, name="tenth"),
    )


LOOKING_BACK = ("mean_lifetime", "historic_clv")


@dataclass(frozen=True)
class StorePage:
    """What the page of a store shows of it, beside what `Store` answers itself."""

    store: Store

    @cached_property
    def quarters(self) -> pd.DataFrame:
        """The last quarters, oldest first: rows of `measure_table` of COMPARED, and churn."""
        return self.store.recent.quarters

    @cached_property
    def year_before(self) -> float | None:
        """Revenue of the 13 weeks a year before the next 13, from everybody; None without such data."""
        table = self.quarters.loc[self.quarters["measure"] == "revenue"].set_index("end")
        last = self.store.observation_end
        year_ago = last - dt.timedelta(days=3 * QUARTER)
        late = self.store.first_day > year_ago - dt.timedelta(days=QUARTER - 1 - CLOSED_DAYS)
        if late or year_ago not in table.index or not table.loc[year_ago, "shown"]:
            return None
        return float(table.loc[year_ago, "value"])

    @cached_property
    def closed_more(self) -> int:
        """Days declared closed in those 13 weeks a year before, over those in the next 13."""
        last = self.store.observation_end

        def days(end: dt.date) -> int:
            return sum(0 <= (end - day).days < QUARTER for day in self.store.closed)

        ahead = last + dt.timedelta(days=QUARTER)
        return days(last - dt.timedelta(days=3 * QUARTER)) - days(ahead)

    @cached_property
    def months(self) -> pd.DataFrame:
        """The last twelve whole months, oldest first; see `RecentActivity`."""
        return self.store.recent.months

    @cached_property
    def next_quarter(self) -> StoreForecast:
        """`Store.next_quarter`, of five customers or more."""
        self.require_open()
        return self.store.next_quarter

    @cached_property
    def whole_quarter(self) -> WholeStore:
        """`Store.whole_quarter`, of five customers or more."""
        self.require_open()
        return self.store.whole_quarter

    @cached_property
    def to_call(self) -> CallList:
        """`Store.to_call`, of five customers or more."""
        self.require_open()
        return self.store.to_call

    @cached_property
    def newest_campaign(self) -> pd.Series:
        """`Store.newest_campaign`."""
        return self.store.newest_campaign

    def has_costs(self, campaign: str) -> bool:
        """Whether the project file declares what a campaign cost."""
        declared = {one.id: one.costs for one in self.store.settings.campaigns}
        return campaign in declared and any(declared[campaign].model_dump().values())

    @cached_property
    def last_purchase(self) -> dt.date:
        """Day of the store's last purchase."""
        summary = self.store.summary
        silent = (summary["T"] - summary["recency"]).min()
        days = round(float(silent) * days_in(self.store.settings.model.time_unit))
        return self.store.observation_end - dt.timedelta(days=days)

    def require_not_silent(self) -> None:
        """End the page here where the store is silent."""
        if self.silence is not None:
            raise EndOfPage("The store is silent, so the page ends with its first part.")

    def require_open(self) -> None:
        """End the page here where the store is closed; refuse where it has too few customers."""
        self.store.require_customers()
        self.require_not_silent()

    @cached_property
    def quarter(self) -> pd.DataFrame:
        """The last quarter: index measure; the columns of `quarters`."""
        return self.store.recent.quarter

    @cached_property
    def changes(self) -> pd.DataFrame:
        """The last quarter against the one before, by measure; see `RecentActivity.changes`."""
        return self.store.recent.changes(self.store.first_day, closed=self.store.closed)

    @cached_property
    def year_changes(self) -> pd.DataFrame:
        """The last quarter against the same of a year before; as `changes`."""
        closed = self.store.closed
        return self.store.recent.changes(self.store.first_day, year=True, closed=closed)

    @cached_property
    def looking_back(self) -> pd.DataFrame:
        """Mean lifetime and the rule of thumb of lifetime value, over the last year: index measure."""
        self.store.require_customers()
        table = self.store.of_year.loc[[*LOOKING_BACK]].copy()
        table.loc[table["customers"] < SMALLEST_GROUP, ["value", "low", "high"]] = np.nan
        return table

    @cached_property
    def forecast(self) -> StoreForecast:
        """`Store.forecast`, of five customers or more."""
        self.store.require_customers()
        return self.store.forecast

    @cached_property
    def alive_told(self) -> pd.Series:
        """P(alive) of the customers of whom the model can tell."""
        return self.store.alive_told

    @cached_property
    def still(self) -> Interval:
        """How many of `alive_told` are still customers."""
        self.store.require_customers()
        return self.store.still_told

    @cached_property
    def alive(self) -> Interval:
        """P(alive) on average over the customers of whom the model can tell."""
        if self.alive_told.empty:
            raise CannotSay("Everybody has bought once, so the model cannot tell who has left.")
        return _per(self.still, len(self.alive_told))

    @cached_property
    def value(self) -> Interval:
        """Discounted margin of all customers together."""
        found = self.forecast.value
        if found is None:
            _ = self.store.money  # says why there is none
            raise CannotSay("No customer's spend tells anything of the next purchase.")
        return found

    @cached_property
    def value_per_customer(self) -> Interval:
        """The same per customer whose spend is known."""
        return _per(self.value, int(self.predictions["clv"].notna().sum()))

    @cached_property
    def activity_window(self) -> int | None:
        """Days after which a customer who has not bought counts as lost, where it can be told."""
        return self.store.recent.window

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """`Store.predictions`, where the forecast may be shown."""
        _ = self.forecast
        return self.store.predictions

    @cached_property
    def tenths(self) -> pd.DataFrame:
        """Customers by lifetime value in ten groups, the most valuable first; see `value_tenths`."""
        _ = self.value
        return value_tenths(self.predictions["clv"])

    @cached_property
    def claims(self) -> LoyaltyClaims:
        """What is said of loyalty; of repeat customers also why nothing can be said."""
        worth: RetentionInShort | str
        try:
            worth = self.store.retention_in_short
        except CannotSay as reason:
            worth = str(reason)
        repeat: RepeatCustomerWorth | str
        try:
            _ = self.forecast  # says where the data are too short for the horizon
            repeat = store_repeat(self.store)
        except CannotSay as reason:
            repeat = str(reason)
        return store_claims(self.store, worth=worth, repeat=repeat)

    @cached_property
    def silence(self) -> Silence | None:
        """The silence at the end of the data, where it is no accident."""
        return self.store.silence

    @cached_property
    def satisfaction(self) -> pd.DataFrame:
        """Net Promoter Score and thumbs of the last quarter: index measure, rows of `measure_table`."""
        return self._answers(QUARTER).set_index("measure")

    @cached_property
    def satisfaction_by_week(self) -> pd.DataFrame:
        """Share of thumbs up by week; weeks of fewer than five customers are left out."""
        table = self._answers("W")
        return table.loc[(table["measure"] == "satisfaction") & table["low"].notna()]

    def _answers(self, period: str | int) -> pd.DataFrame:
        self.store.require_customers()
        surveys, _ = self.store.contacts
        if surveys is None:
            raise CannotSay(
                "The project file names no survey, so whether customers are content is not known."
            )
        table = measure_table(
            self.store.log,
            store_id=self.store.id,
            period=period,
            end=self.store.observation_end,
            surveys=surveys,
            measures=("net_promoter_score", "satisfaction"),
        )
        table.loc[table["customers"] < SMALLEST_GROUP, ["value", "low", "high"]] = np.nan
        if isinstance(period, int):
            table = table.loc[table["end"] == table["end"].max()]
        return table


def _per(total: Interval, customers: int) -> Interval:
    return Interval(*(end / customers for end in (total.value, total.low, total.high)))
