"""What a store's data hold before anything is forecast: rows, customers, measures, fitted models."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from retention_models.data.channels import Channels, read_project_channels
from retention_models.data.contacts import (
    Events,
    Surveys,
    read_project_contacts,
)
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import count, day, plural
from retention_models.languages.results import Card, Result
from retention_models.measures.cohorts import cohort_retention
from retention_models.measures.recent import RecentActivity, recent_activity
from retention_models.measures.table import (
    OF_YEAR,
    SMALLEST_GROUP,
    as_store_measures,
    measure_table,
)
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.contest import Contest, hold_contest
from retention_models.predictions.past_forecasts import PastForecasts
from retention_models.predictions.scatter import Scatter, learn_scatter
from retention_models.predictions.store_models import StoreModels
from retention_models.project.campaign_overview import (
    campaign_overview,
    last_finished,
    newest_finished,
)
from retention_models.project.chosen_models import (
    contest_of,
    earlier_contest,
    once_learned,
    past_print,
    scatters_of,
)
from retention_models.project.store_handover import StoreHandover
from retention_models.settings.project import Settings


@dataclass(frozen=True, repr=False)
class StoreFacts(Result):
    """What a `Store` holds, its measures and its fitted models."""

    id: str
    settings: Settings
    log: Transactions
    observation_end: dt.date
    part: StoreHandover | None = field(default=None, repr=False)

    def _card(self) -> Card:
        stores = self.log.stores
        rows = int(stores.loc[self.id, "rows"]) if self.id in stores.index else 0
        facts = {
            "of": self.settings.name,
            "rows": count(rows),
            "looked at up to": f"{self.observation_end}",
        }
        return Card(f"Store {self.id}", facts)

    @property
    def name(self) -> str:
        """The name shown on the page."""
        return self.settings.store_name(self.id)

    @property
    def closed(self) -> frozenset[dt.date]:
        """Days that the project file declares closed."""
        calendar = self.settings.calendar
        return frozenset(() if calendar is None else calendar.closed)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Customer summary; see `customer_summary`."""
        summary = self._models.summary
        before = summary.attrs["customers_before"]
        if summary.empty and before:
            raise CannotSay.counting(
                "The only customer of store {store} was first seen before {day} (first_seen_from), so "
                "they are left out and nothing can be said about the rest. An earlier day keeps them.",
                "All {customers} customers of store {store} were first seen before {day} "
                "(first_seen_from), so they are left out and nothing can be said about the rest. An "
                "earlier day keeps some of them.",
                before,
                customers=count(before),
                store=self.id,
                day=summary.attrs["first_seen_from"],
            )
        if summary.empty:
            raise CannotSay(
                "The data hold no purchase at store {store} up to {day}, so nothing can be said "
                "about it. If it should have some, check the store's id in the project file.",
                store=self.id,
                day=day(self.observation_end),
            )
        return summary

    @cached_property
    def first_day(self) -> dt.date:
        """Day of the store's first purchase in the data, by whomever."""
        return dt.date.fromisoformat(self.summary.attrs["first_purchase"])

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Rates and sums of the last year; see `store_measures`."""
        self.require_customers()
        return as_store_measures(self.of_year)

    @cached_property
    def of_year(self) -> pd.DataFrame:
        """Index measure: rows of `measure_table` of the last year, of what a page shows of it."""
        found = None if self.part is None else self.part.year
        if found is None:
            end = self.observation_end
            found = measure_table(self.log, store_id=self.id, end=end, measures=OF_YEAR)
        return found.set_index("measure")

    @cached_property
    def recent(self) -> RecentActivity:
        """The last quarters and months, and what changed in them; see `RecentActivity`."""
        self.require_customers()
        found = None if self.part is None else self.part.recent
        return found or recent_activity(self.log, store_id=self.id, end=self.observation_end)

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        """Monthly cohorts; see `cohort_retention`."""
        self.require_customers()
        if self.part is not None and self.part.cohorts is not None:
            return self.part.cohorts
        return cohort_retention(self.log, store_id=self.id, end=self.observation_end)

    @cached_property
    def purchases(self) -> PurchaseFitter:
        """Purchase model of all that was observed; see `StoreModels`."""
        _ = self.summary  # an empty store says so first
        return self._models.purchases

    @cached_property
    def spend(self) -> GammaGammaFitter:
        """Spend model of customers with a repeat purchase worth something; see `StoreModels`."""
        _ = self.summary
        return self._models.spend

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The store's usable rows up to the last day that counts, for tables and figures of your own.

        A row per line of the log: customer_id, store_id, date, spend (a float), order_id, category.
        """
        rows = self.log.rows(self.id, self.observation_end)
        names = ["customer_id", "store_id", "date", "spend", "order_id", "category"]
        found = to_frame(rows.mutate(spend=rows["spend"].cast("float64")).select(*names))
        return found.astype({"date": "datetime64[ns]"})

    @property
    def contacts(self) -> tuple[Surveys | None, Events | None]:
        """The project's surveys and events, where it names any."""
        if self.part is not None:
            return self.part.surveys, self.part.events
        return read_project_contacts(self.settings, self.log)

    @property
    def channels(self) -> Channels | None:
        """Which channel won each customer, where the project file names a table that says it."""
        return read_project_channels(self.settings) if self.part is None else self.part.channels

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """The chain's newest campaigns: what each changed and how sure that is; see `campaign_overview`.

        Of the whole chain, since a store alone has too few customers for a verdict of its own.
        """
        if not self.settings.campaigns:
            raise CannotSay("The project file describes no campaign.")
        newest = self.settings.reports.campaigns
        if not newest:
            raise CannotSay("The project file asks for no campaigns: [reports] campaigns is 0.")
        if self.part is not None and self.part.campaigns is not None:
            return self.part.campaigns
        day, log = self.observation_end, self.log.whole
        return campaign_overview(self.settings, log, as_of=day, newest=newest)

    @cached_property
    def newest_campaign(self) -> pd.Series:
        """The row of `campaigns` of the one that ended last; refused where none has."""
        if self.part is None and self.settings.campaigns and self.settings.reports.campaigns:
            return newest_finished(self.settings, self.log, self.observation_end)
        return last_finished(self.campaigns, self.observation_end)

    @cached_property
    def scatter(self) -> Scatter:
        """How far totals of the chain's stores scatter beyond their models; see `scatter`."""
        return self._scatter(self.observation_end)

    def _scatter(self, day: dt.date) -> Scatter:
        """As it was known at the end of a day."""
        known = self._scatters_kept if self.part is None else self.part.scatters
        if day in known:
            return known[day]
        rule = self.contest.rule
        return once_learned(
            self._past_print,
            ("scatter", self.observation_end, day, rule),
            lambda: learn_scatter(self._past.over_by(day), rule),
        )

    @cached_property
    def contest(self) -> Contest:
        """How the chain's models are chosen; see `hold_contest`. By hand as in the day's run."""
        if self.part is not None and self.part.contest is not None:
            return self.part.contest
        output = Path(self.settings.path(self.settings.reports.output))
        named, kept = self.settings.model.purchases, contest_of(output, self.observation_end)
        if named is None and kept is not None and not kept.named:
            return kept
        earlier = earlier_contest(output, self.observation_end)
        return once_learned(
            self._past_print,
            ("contest", self.observation_end, earlier, named),
            lambda: hold_contest(self._past, earlier, named=named),
        )

    @cached_property
    def _past_print(self) -> str | None:
        return past_print(self.settings, self.log)

    @cached_property
    def _scatters_kept(self) -> dict[dt.date, Scatter]:
        """By hand: what the day's run has learned from the same data."""
        output = Path(self.settings.path(self.settings.reports.output))
        return scatters_of(output, self.observation_end, self.contest.rule, self._past_print)

    @cached_property
    def _past(self) -> PastForecasts:
        model, stores = self.settings.model, self.settings.stores.ids
        return PastForecasts(
            self.log.whole, self.observation_end, model.time_unit, stores, self.settings.calendar
        )

    def require_customers(self) -> None:
        """Refuse where so few people have bought that figures would tell of single persons.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-09-30")
        ...     store.require_customers()  # 2,357 are enough
        """
        n = len(self.summary)
        if n < SMALLEST_GROUP:
            raise CannotSay(
                plural(
                    "The store has one customer so far; figures of fewer than {smallest} are not shown, "
                    "since they would tell of single persons.",
                    "The store has {n} customers so far; figures of fewer than {smallest} are not "
                    "shown, since they would tell of single persons.",
                    n,
                    smallest=SMALLEST_GROUP,
                )
            )

    @cached_property
    def _models(self) -> StoreModels:
        return self._models_of(self.observation_end)

    def _models_of(self, end: dt.date, upto: dt.date | None = None) -> StoreModels:
        return StoreModels(
            self.log,
            self.id,
            end,
            self.settings.model.time_unit,
            self.settings.stores.ids,
            upto,
            {} if self.part is None else self.part.loans,
            self.settings.calendar,
            {} if self.part is None else self.part.calendars,
            self.contest.rule,
            {} if self.part is None else self.part.summaries,
        )
