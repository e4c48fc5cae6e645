"""What each candidate would have forecast at earlier days, and what came: refits at rolling origins.

At earlier days, a quarter apart, every larger store of a chain is modelled as it would have been then,
by every candidate that its data asked for then, and held against the 13 weeks that followed. Two things
are learned from it: which model forecasts best (`contest`), and how far totals scatter beyond what a
model says (`scatter`). Fits are made when first asked for, and once.

Source of the idea: Tashman (2000), "Out-of-sample tests of forecasting accuracy", International Journal
of Forecasting 16(4), 437–450, for rolling origins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.models.fitters import PurchaseFitter, settled
from retention_models.models.histories import distinct_rows
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions.candidates import StoreHistory
from retention_models.predictions.season import chain_seasons
from retention_models.settings.calendar import CalendarSettings
from retention_models.summaries.customers import customer_summary_by_store
from retention_models.summaries.gaps import log_gaps_by_store
from retention_models.summaries.purchase_gaps import count_purchase_gaps
from retention_models.time_units import days_in

Array = NDArray[np.float64]

QUARTER = dt.timedelta(weeks=13)
# The least that must be known before an earlier day; of how many stores, the largest, for more say
# little new; and how many days at least, and at most.
_LEAST, _MOST_STORES = dt.timedelta(weeks=13), 60
_FEWEST_DAYS, _MOST_DAYS = 3, 6
# Forecasts that tell enough: of few stores more days are looked at.
_ENOUGH = 60
# Fewer purchases expected say nothing that chance does not drown.
FEWEST = 30.0


@dataclass(frozen=True)
class Refit:
    """A store as it was known on an earlier day, and how often its customers came in the 13 weeks after.

    `newcomers` were first seen in those weeks. `models` and `squares` keep what was fitted, and what
    `scatter` has learned from it.
    """

    store: str
    day: dt.date
    history: StoreHistory
    came: Array
    horizon: float
    newcomers: int = 0
    models: dict[tuple[str, bool], PurchaseFitter | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    squares: dict[str, float | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def total(self) -> float:
        """Purchases that came."""
        return float(self.came.sum())

    def model(self, rule: str, *, under_season: bool = False) -> PurchaseFitter | None:
        """The model by a rule as of then; None where its data left it open."""
        asked = rule, under_season
        if asked not in self.models:
            self.models[asked] = self._fitted(rule, under_season)
        return self.models[asked]

    def _fitted(self, rule: str, under_season: bool) -> PurchaseFitter | None:
        try:
            find = self.history.by if under_season else self.history.without_season
            fitted = settled(find(rule))
        except CannotSay:
            return None
        return None if fitted.fit_.verdict == "not identified" else fitted

    def expected(self, fitted: PurchaseFitter) -> float:
        """Purchases expected of its customers."""
        each = fitted.predict(self.horizon, *self.history.columns)
        return float(np.asarray(each).sum())

    def log_scores(self, fitted: PurchaseFitter) -> Array:
        """Log of P(what each customer did), in the order of the summary."""
        columns = (column.to_numpy(dtype=float) for column in self.history.columns)
        (x, t_x, T, n), row = distinct_rows(*columns, self.came)
        model, parameters = fitted.model, fitted.fit_.parameters

        def chance(*new: Array) -> Array:
            return model.alive.purchase_count_probability(n, self.horizon, *new)

        alive = model.probability_alive(x, t_x, T, *parameters)
        likely = alive * model.of_alive(chance, x, t_x, T, *parameters)
        likely += np.where(n == 0.0, 1.0 - alive, 0.0)
        return np.asarray(np.log(np.maximum(likely, 1e-300))[row])


@dataclass(frozen=True)
class PastForecasts:
    """The chain's stores at earlier days, the latest first; `end` is the last day that counts.

    With `declared`, the project file's calendar, models follow a season where one is carried, and a
    forecast of a day on which the yearly waves that are known now could not be told is passed over.
    """

    log: Transactions
    end: dt.date
    time_unit: str
    # all in the log unless given
    store_ids: Collection[str] | None = field(default=None, repr=False)
    declared: CalendarSettings | None = field(default=None, repr=False)

    @cached_property
    def stores(self) -> list[str]:
        """The chain's largest stores."""
        rows = self.log.whole.stores["rows"]
        if self.store_ids is not None:
            rows = rows[rows.index.isin(list(self.store_ids))]
        order = sorted(rows.index, key=lambda store: (-int(rows[store]), store))
        return [str(store) for store in order[:_MOST_STORES]]

    @cached_property
    def days(self) -> list[dt.date]:
        """Earlier days to forecast from, the latest first."""
        begin = self.log.stores["first_day"].min()
        if self.log.first_seen_from is not None:
            begin = max(begin, self.log.first_seen_from)  # before it nobody counts
        wanted = max(_FEWEST_DAYS, min(_MOST_DAYS, _ENOUGH // max(1, len(self.stores))))
        days = [self.end - k * QUARTER for k in range(1, wanted + 1)]
        return [day for day in days if day - begin >= _LEAST]

    @cached_property
    def refits(self) -> list[Refit]:
        """Every store on every day, where enough came back to tell, and anybody came afterwards."""
        if not self.days:
            return []
        gaps = _Gaps(self)
        found = []
        horizon = QUARTER.days / days_in(self.time_unit)
        summaries = [self._summaries(day) for day in [self.end, *self.days]]
        now = self._calendars(summaries[0], self.end)
        for place, day in enumerate(self.days):
            later, earlier = summaries[place], summaries[place + 1]
            then = self._calendars(earlier, day)
            for store, summary in earlier.items():
                if _waves_not_told(now.get(store), then.get(store)):
                    continue
                came = later[store]["frequency"].reindex(summary.index) - summary["frequency"]
                told = (summary["frequency"] > 0).sum() >= FEWEST
                # A store in which nobody bought for a quarter closed; no model is at fault.
                if told and came.sum() > 0:
                    find = gaps.of(store, day)
                    by_day = partial(
                        count_purchase_gaps, self.log, store_id=store, observation_end=day
                    )
                    history = StoreHistory(self.log, summary, find, then.get(store), by_day)
                    new = len(later[store]) - len(summary)
                    counts = came.to_numpy(dtype=float)
                    found.append(Refit(store, day, history, counts, horizon, new))
        return found

    def _summaries(self, day: dt.date) -> Mapping[str, pd.DataFrame]:
        return customer_summary_by_store(
            self.log, store_ids=self.stores, observation_end=day, time_unit=self.time_unit
        )

    def _calendars(
        self, summaries: Mapping[str, pd.DataFrame], day: dt.date
    ) -> Mapping[str, Calendar]:
        """By store: its calendar as of a day, where the project file has one."""
        if self.declared is None:
            return {}
        return chain_seasons(self.log, summaries, day, self.declared).calendars

    def over_by(self, day: dt.date) -> list[Refit]:
        """Those whose 13 weeks were over at the end of a day."""
        return [refit for refit in self.refits if refit.day + QUARTER <= day]


def _waves_not_told(now: Calendar | None, then: Calendar | None) -> bool:
    """Whether yearly waves are known that could not be told then."""
    return bool(now and now.harmonics) and not (then and then.harmonics != 0)


class _Gaps:
    """Σ ln gap by store and day, all in one query, when first asked for."""

    def __init__(self, past: PastForecasts) -> None:
        self._past = past

    def of(self, store: str, day: dt.date) -> Callable[[], float]:
        """What gives a store's as of a day."""
        return lambda: self._found[day][store]

    @cached_property
    def _found(self) -> dict[dt.date, dict[str, float]]:
        past = self._past
        return log_gaps_by_store(
            past.log, past.days, store_ids=past.stores, time_unit=past.time_unit
        )
