"""One store of a project, for a notebook: each question is a property, computed once when asked.

A property that the store's data cannot carry raises `CannotSay` with the sentence that the page shows
in the answer's place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from retention_models.actions.hold_out import Lots, held_out_now
from retention_models.actions.lists import ActionList, find_actions
from retention_models.actions.segments import ModelTerms, read_known
from retention_models.actions.to_call import CallList, customers_to_call
from retention_models.campaigns.effects.contact_effect import ListTest
from retention_models.data.contacts import (
    COMPLAINT,
    last_events,
    last_scores,
)
from retention_models.errors import CannotSay
from retention_models.levels import Interval
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.alive import alive_told
from retention_models.predictions.customers import predict_customers
from retention_models.predictions.loyalty_claims import LoyaltyClaims
from retention_models.predictions.repeat_customers import RepeatCustomerWorth, repeat_customer_worth
from retention_models.predictions.retention_in_short import RetentionInShort
from retention_models.predictions.retention_worth import RetentionWorth, retention_worth
from retention_models.predictions.store_models import StoreModels
from retention_models.predictions.stores import StoreForecast, predict_store
from retention_models.predictions.validation.comparison import ModelComparison, compare_models
from retention_models.predictions.validation.holdout import (
    HoldoutValidation,
    validate_holdout,
)
from retention_models.predictions.validation.in_the_shop import changed_in_the_shop
from retention_models.predictions.validation.store_changes import Silence
from retention_models.predictions.validation.tracking import weekly_tracking
from retention_models.predictions.validation.whole_store_check import WholeStoreCheck
from retention_models.predictions.whole_store import WholeStore
from retention_models.project.acquisition import (
    AcquisitionWorth,
    require_said,
    store_acquisition,
    value_terms,
)
from retention_models.project.days import calibration_end, checked_until
from retention_models.project.lots import (
    LOTS,
    output_folder,
    project_list_tests,
    read_lots,
)
from retention_models.project.loyalty import store_claims, store_retention
from retention_models.project.store_facts import StoreFacts
from retention_models.project.whole_store import store_whole_check, whole_ahead
from retention_models.settings.actions import ListName
from retention_models.summaries.first_orders import first_orders
from retention_models.time_units import days_in

if TYPE_CHECKING:
    from retention_models.measures.drivers import ChurnDrivers

_QUARTER = 91  # days: 13 weeks
T = TypeVar("T")
_FEW_DRAWS = 300  # an end of a 90% interval is near enough


@dataclass(frozen=True, repr=False)
class Store(StoreFacts):
    """A store with its log, its settings, and the day up to which it is looked at.

    Attributes
    ----------
    id : str
        The store's id, as in the data.
    settings : Settings
        The project file.
    log : Transactions
        The chain's checked log.
    observation_end : date
        Last day that counts.
    part : StoreHandover, optional
        What a run has read and found for this store before.

    Examples
    --------
    >>> import tempfile
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-01-12")
    ...     print(store.name, store.first_day)
    CDNOW 1997-01-01
    """

    @cached_property
    def silence(self) -> Silence | None:
        """The silence at the end of the data, where it is no accident."""
        try:
            found = self.holdout.silence
        except CannotSay:
            return None  # too young for the check: a silence there is chance for all that is known
        return found if found is not None and found.closed else None

    @cached_property
    def quarter_margin(self) -> Interval:
        """Margin of the next 13 weeks: everybody's, or where that cannot be said today's customers'."""
        found = _if_any(lambda: self.whole_quarter)
        revenue = self.next_quarter.value if found is None else found.revenue
        if revenue is None:
            _ = self.money  # says why there is none
            raise CannotSay("Spend could not be modelled.")
        margin = self.settings.money.margin
        return Interval(*(margin * end for end in (revenue.value, revenue.low, revenue.high)))

    @property
    def money(self) -> GammaGammaFitter:
        """`spend`, unless the value that it gave failed on the holdout: then money is withheld."""
        if self.value_verdict == "do not use" and (checked := self.holdout.value) is not None:
            raise CannotSay("Value is withheld: {reason}.", reason=checked.reason)
        return self.spend

    @property
    def value_verdict(self) -> str:
        """The holdout's verdict on value, or "not checked" where there can be none."""
        try:
            checked = self.holdout.value
        except CannotSay:
            return "not checked"
        return "not checked" if checked is None else checked.verdict

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """A row per customer; see `predict_customers`. Money is NaN where spend cannot be modelled."""
        return predict_customers(self.purchases, self._spend_if_any, self.summary, **self._horizon)

    @cached_property
    def forecast(self) -> StoreForecast:
        """The customers' totals over the horizon; see `predict_store`.

        Withheld where the model failed its check on the holdout. A store too young for that check
        gets its forecast, and the section on trust says that it was not checked.
        """
        self._require_trust()
        # Chance averages out over many customers, so fewer draws do; at least 200 for the quantiles.
        draws = int(np.clip(20_000_000 / len(self.summary), 200, 1000))
        return predict_store(
            self.purchases,
            self._spend_if_any,
            self.summary,
            **self._horizon,
            draws=draws,
            scatter=self.scatter.ahead(self._days_ahead),
        )

    @cached_property
    def alive_told(self) -> pd.Series:
        """P(alive) of the customers of whom the model can tell; see `predictions.alive.alive_told`."""
        return alive_told(self.predictions["probability_alive"], self.summary["frequency"])

    @cached_property
    def still_told(self) -> Interval:
        """How many of `alive_told` are still customers: of the others the forecast has no doubt."""
        every, left_out = self.forecast.still_customers, len(self.summary) - len(self.alive_told)
        return Interval(*(end - left_out for end in (every.value, every.low, every.high)))

    @cached_property
    def retention_worth(self) -> RetentionWorth:
        """What more retention would bring; see `retention_worth`. Withheld as the forecast is."""
        self._require_trust()
        return retention_worth(self.purchases, self.money, self.summary, **self._horizon)

    @cached_property
    def retention_in_short(self) -> RetentionInShort:
        """`retention_worth` by some customers, in little time; see `RetentionInShort`."""
        _ = self.forecast  # says where the data are too short for the horizon
        return store_retention(self)

    @cached_property
    def loyalty_claims(self) -> LoyaltyClaims:
        """Claims about loyalty beside the store's numbers; see `loyalty_claims`."""
        return store_claims(
            self,
            worth=_if_any(lambda: self.retention_worth),
            repeat=_if_any(lambda: self.repeat_customer_worth),
        )

    @cached_property
    def repeat_customer_worth(self) -> RepeatCustomerWorth:
        """What a repeat customer is worth in first orders; see `repeat_customer_worth`."""
        self._require_trust()
        orders = first_orders(self.log, store_id=self.id, observation_end=self.observation_end)
        return repeat_customer_worth(
            self.purchases, self.money, self.summary, orders, **self._horizon
        )

    @cached_property
    def acquisition(self) -> AcquisitionWorth:
        """What new customers are worth beside what winning them costs; see `AcquisitionWorth`."""
        given = require_said(self.settings.acquisition)
        self._require_trust()
        _ = self.money  # says why there is none
        return store_acquisition(self, given)

    @cached_property
    def churn_drivers(self) -> ChurnDrivers:
        """What the project's events do to lapse and to the next purchase; see `churn_drivers`."""
        _, events = self.contacts
        if events is None:
            raise CannotSay(
                "What drives customers away is told by events such as complaints, and the project file "
                "has no table [events]."
            )
        from retention_models.measures.drivers import churn_drivers  # slow; no run asks for it

        return churn_drivers(
            self.log, events, store_id=self.id, observation_end=self.observation_end
        )

    @cached_property
    def next_quarter(self) -> StoreForecast:
        """What today's customers should bring in the next 13 weeks; `value` is revenue, undiscounted."""
        self._require_trust()
        unit = self.settings.model.time_unit
        return predict_store(
            self.purchases,
            self._spend_if_any,
            self.summary,
            horizon=_QUARTER / days_in(unit),
            annual_discount_rate=0.0,
            margin=1.0,
            interval=self.settings.model.interval,
            draws=_FEW_DRAWS,
            scatter=self.scatter.ahead(_QUARTER),
        )

    @cached_property
    def whole_quarter(self) -> WholeStore:
        """What everybody should bring in the next 13 weeks, newcomers included; as `next_quarter`."""
        self._require_trust()
        models = self.purchases, self._spend_if_any
        return whole_ahead(self, models, self.summary, _QUARTER, self.scatter)

    @cached_property
    def whole_check(self) -> WholeStoreCheck:
        """What everybody bought in the weeks of `holdout`, and what was expected; `WholeStoreCheck`."""
        purchases, early = self.holdout.purchases, self._early
        models = purchases, _if_any(lambda: early.spend)
        until = checked_until(self.settings, self.log, self.observation_end)
        scatter = self._scatter(self.calibration_end)
        return store_whole_check(self, models, early.summary, until, scatter)

    @cached_property
    def to_call(self) -> CallList:
        """The customers with most to save; see `customers_to_call`."""
        rules = self.settings.actions
        out = held_out_now(self._lots, rules)
        if rules.leaves_out:
            out = out.union(*(one.held_out for one in self.actions.values()))
        return customers_to_call(self.summary, self._outlook, rules, out)

    @cached_property
    def actions(self) -> dict[ListName, ActionList]:
        """Lists of customers with what to do, by name, with the project's surveys and events."""
        surveys, events = self.contacts
        end = self.observation_end
        return self.list_actions(
            scores=None if surveys is None else last_scores(surveys, self.id, end),
            complaints=None if events is None else last_events(events, COMPLAINT, self.id, end),
        )

    def list_actions(
        self, *, scores: pd.DataFrame | None = None, complaints: pd.DataFrame | None = None
    ) -> dict[ListName, ActionList]:
        """Lists of customers, with a survey's last scores and complaints; see `CustomerFacts`.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-01-12")
        ...     lists = store.list_actions()
        >>> bool(len(lists["lapsed"].customers) > 0 or lists["lapsed"].refusal)
        True
        """
        rules, columns = self.settings.actions, self.settings.transactions.columns
        known = read_known(
            self.log,
            self.id,
            self.summary,
            lookback_days=rules.lookback_days,
            has_categories=columns.category is not None,
            scores=scores,
            complaints=complaints,
            summaries=None if self.part is None else self.part.summaries,
        )
        currency = self.settings.money.currency
        return find_actions(known, self._outlook, rules, currency, self._lots)

    @cached_property
    def list_tests(self) -> tuple[ListTest, ...]:
        """What contacting each list changed, over all of the chain's stores and nights."""
        if self.part is not None and self.part.list_tests is not None:
            return self.part.list_tests
        lots = read_lots(output_folder(self.settings) / LOTS)
        _, events = self.contacts
        log, day = self.log.whole, self.observation_end
        return tuple(project_list_tests(self.settings, log, lots, day, events))

    @cached_property
    def _lots(self) -> Lots:
        """The lots drawn for the store's lists so far, those of a run or else of the project's runs."""
        part = None if self.part is None else self.part.lots
        if part is None:
            part = read_lots(output_folder(self.settings) / LOTS)
            part = part.loc[part["store_id"] == self.id]
        return Lots(self.settings.name, self.id, self.observation_end, part)

    @property
    def forecast_verdict(self) -> str:
        """The holdout's verdict, or "not checked" where there can be none."""
        try:
            return self.holdout.verdict
        except CannotSay:
            return "not checked"

    @cached_property
    def holdout(self) -> HoldoutValidation:
        """Model against a holdout at the end of the data; see `validate_holdout`."""
        split, early = self.calibration_end, self._early
        purchases: PurchaseFitter | None = None
        try:
            purchases = early.purchases
        except CannotSay:
            # A model that the data leave open predicts all the same, and is checked as it is.
            early.require_repeats()
        until = checked_until(self.settings, self.log, self.observation_end)
        return validate_holdout(
            self.log,
            store_id=self.id,
            calibration_end=split,
            holdout_end=until,
            time_unit=self.settings.model.time_unit,
            purchases=purchases,
            spend=_if_any(lambda: early.spend),
            scatter=self._scatter(split).ahead((until - split).days),
        )

    @cached_property
    def _early(self) -> StoreModels:
        """The models as of the end of calibration."""
        split = self.calibration_end
        return self._models_of(split, upto=split)

    @cached_property
    def comparison(self) -> ModelComparison:
        """The models of purchases side by side; see `compare_models`."""
        _ = self.holdout  # says why there can be none
        return compare_models(
            self.log,
            store_id=self.id,
            calibration_end=self.calibration_end,
            holdout_end=checked_until(self.settings, self.log, self.observation_end),
            time_unit=self.settings.model.time_unit,
            calendar=self._models_of(self.calibration_end).calendar,
        )

    @cached_property
    def tracking(self) -> pd.DataFrame:
        """Purchases week by week against the model; see `weekly_tracking`."""
        return weekly_tracking(self.log, self.holdout, store_id=self.id)

    @cached_property
    def calibration_end(self) -> dt.date:
        """Last day of calibration: the holdout setting before the end, or a quarter of the data."""
        return calibration_end(self.settings, self.summary, self.observation_end, self.log)

    @property
    def _spend_if_any(self) -> GammaGammaFitter | None:
        # The page says why there is none in the section on value; counts stand without it.
        return _if_any(lambda: self.money)

    @property
    def _outlook(self) -> ModelTerms | str:
        """The models and the terms of value, or why there are none."""
        try:
            self._require_trust()
            purchases, predictions = self.purchases, self.predictions
        except CannotSay as refusal:
            return str(refusal)
        try:
            return ModelTerms(purchases, self.money, predictions, **self._horizon)
        except CannotSay as refusal:
            return ModelTerms(purchases, None, predictions, **self._horizon, no_spend=str(refusal))

    def _require_trust(self) -> None:
        if self.forecast_verdict == "do not use":
            raise CannotSay(
                "The forecast is withheld: {changed}.", changed=changed_in_the_shop(self.holdout)
            )

    @property
    def _horizon(self) -> dict[str, Any]:
        return value_terms(self.settings)

    @property
    def _days_ahead(self) -> float:
        return self.settings.model.horizon * days_in(self.settings.model.time_unit)


def _if_any(find: Callable[[], T]) -> T | None:
    """A model, or a forecast, or None where the data carry none."""
    try:
        return find()
    except CannotSay:
        return None
