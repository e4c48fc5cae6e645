"""What fitters of purchases do with a calendar: they run on its clock, and keep to its last day."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.levels import check_interval
from retention_models.models.fitters.base import FittedModel
from retention_models.models.interface import PurchaseModel
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.choice import carried_terms
from retention_models.models.seasons.fit import check_calendar, first_of, fit_histories
from retention_models.models.seasons.likelihood import SeasonalHistories, seasonal_histories
from retention_models.models.seasons.model import Seasonal
from retention_models.models.seasons.table import season_table
from retention_models.time_units import days_in

Array = NDArray[np.float64]


class FollowsCalendar(FittedModel):
    """A fitted model of purchases that may run on the clock of a calendar."""

    model: PurchaseModel
    calendar_: Calendar | None = None

    # The model that tells which terms there are: the fitter's own, or the plain one nearest to it.
    _told_by: PurchaseModel

    def _fit_season(
        self,
        calendar: Calendar,
        time_unit: str | None,
        x: Array,
        t_x: Array,
        T: Array,
        counts: Array | None,
    ) -> MaximumLikelihoodFit:
        """Choose the terms that the data carry, fit the season with the model, and follow it."""
        base = getattr(self, "_told_by", self.model)
        first_of(base)
        if time_unit is None:
            raise SettingsError(
                'time_unit: a calendar needs to know the unit of T: give T of our summaries, or "D", '
                '"W" or "M".'
            )
        unit = days_in(time_unit)
        check_calendar(calendar, x, T, counts, unit)
        seen = seasonal_histories(x, t_x, T, counts, calendar, unit)
        if calendar.prior is not None:
            fit = self._fit_under(seen, calendar, None)
            self._follow(calendar, unit)
            return fit
        found = carried_terms(calendar, base, seen, T, counts)
        fit = self._fit_under(seen.under(found.calendar), found.calendar, found.plain)
        self._follow(found.calendar, unit)
        return found.widened(fit)

    def _fit_under(
        self, seen: SeasonalHistories, calendar: Calendar, start: Array | None
    ) -> MaximumLikelihoodFit:
        """The model's fit under a calendar's terms; `start` are about the plain model's parameters."""
        return fit_histories(
            seen,
            calendar.names,
            first=first_of(self.model),
            penalty=self.penalizer_coef,
            prior=calendar.prior,
            start=start,
        )

    def _follow(
        self, calendar: Calendar | None, unit: float, base: PurchaseModel | None = None
    ) -> None:
        """Run on a calendar's clock, or on the plain one; the base is the class's own unless given."""
        for name in ("model", "names"):
            self.__dict__.pop(name, None)
        if base is not None:
            self.model = base
        self.calendar_ = calendar
        if calendar is not None:
            self.model = Seasonal(self.model, calendar, unit)
            self.names = self.model.names

    def _context(self) -> dict[str, Any]:
        if self.calendar_ is None:
            return {}
        return {"calendar": self.calendar_.to_dict(), "time_unit": self.time_unit_}

    def _take(self, context: dict[str, Any]) -> None:
        told, time_unit = context.pop("calendar", None), context.pop("time_unit", None)
        super()._take(context)
        if told is not None:
            first_of(getattr(self, "_told_by", self.model))
            base = self.__dict__.get("model")
            self._follow(Calendar.from_dict(told), days_in(time_unit), base)

    def moved(self, later: float) -> Self:
        """The fitted model for customers observed until so many units of time later, or earlier.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), joining_days=200, seed=3)
        >>> log = shop.log(until="2023-12-30")
        >>> calendar = rm.Calendar.of(rm.count_purchase_days(log), harmonics=1, weekdays=False)
        >>> summary = rm.customer_summary(log)
        >>> history = [summary[name] for name in ("frequency", "recency", "T")]
        >>> model = rm.BetaGeoFitter().fit(*history, calendar=calendar, time_unit="W")
        >>> model.moved(4.0).params_.equals(model.params_)
        True
        """
        self._require_fit()
        if later == 0.0:
            return self
        found = copy(self)
        found.model = self.model.moved(later)
        if isinstance(found.model, Seasonal):
            found.calendar_ = found.model.calendar
        return found

    def season(self, interval: float = 0.9, days: int = 365) -> pd.DataFrame:
        """What the fitted season does to each of the days ahead.

        Parameters
        ----------
        interval : float
            Level of the intervals, between 0 and 1.
        days : int
            Days after the end of observation.

        Returns
        -------
        DataFrame
            A row a day: date; factor, low, high: by how much the rates of all customers are multiplied
            on it (0 where the shop is closed); year, year_low, year_high: the same by the yearly waves
            alone.

        Raises
        ------
        SettingsError
            If the model was fitted without a calendar.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), joining_days=200, seed=3)
        >>> log = shop.log(until="2023-12-30")
        >>> calendar = rm.Calendar.of(rm.count_purchase_days(log), harmonics=1, weekdays=False)
        >>> summary = rm.customer_summary(log)
        >>> history = [summary[name] for name in ("frequency", "recency", "T")]
        >>> model = rm.BetaGeoFitter().fit(*history, calendar=calendar, time_unit="W")
        >>> len(model.season(days=28))
        28
        """
        self._require_fit()
        if self.calendar_ is None:
            raise SettingsError("season: the model was fitted without a calendar.")
        check_interval(interval)
        return season_table(self.calendar_, self.fit_, interval, days)

    def pace(self) -> pd.Series:
        """By how much a season multiplies rates on each of its calendar's days; index the days.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), joining_days=200, seed=3)
        >>> log = shop.log(until="2023-12-30")
        >>> calendar = rm.Calendar.of(rm.count_purchase_days(log), harmonics=1, weekdays=False)
        >>> summary = rm.customer_summary(log)
        >>> history = [summary[name] for name in ("frequency", "recency", "T")]
        >>> model = rm.BetaGeoFitter().fit(*history, calendar=calendar, time_unit="W")
        >>> len(model.pace()) == len(calendar.dates)
        True
        """
        model, effects = self.model, np.log(self._require_fit())
        assert isinstance(model, Seasonal), "asked only of a model with a calendar"
        calendar = model.calendar
        each = np.exp(calendar.terms @ effects[len(model.base.names) :]) * calendar.open
        return pd.Series(each, calendar.dates)

    def on_its_clock(self, x: Array, t_x: Array, T: Array, t: Array) -> tuple[Any, ...]:
        """The plain model and its parameters, and histories and times in the time that it runs in.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), joining_days=200, seed=3)
        >>> log = shop.log(until="2023-12-30")
        >>> calendar = rm.Calendar.of(rm.count_purchase_days(log), harmonics=1, weekdays=False)
        >>> summary = rm.customer_summary(log)
        >>> history = [summary[name] for name in ("frequency", "recency", "T")]
        >>> model = rm.BetaGeoFitter().fit(*history, calendar=calendar, time_unit="W")
        >>> import numpy as np
        >>> x, t_x, T = (np.asarray(column, float) for column in history)
        >>> clock = model.on_its_clock(x, t_x, T, np.array([4.0]))
        >>> len(clock)
        4
        """
        parameters = self._require_fit()
        if not isinstance(self.model, Seasonal):
            return self.model, tuple(parameters), (x, t_x, T), t
        base, clock, own = self.model.operational(tuple(parameters))
        return base, own, self.model.history(x, t_x, T, clock), clock.at(t)


def require_end(calendar: Calendar, *columns: Any) -> None:
    """Refuse customers observed up to another day than the calendar's last: its days are not theirs."""
    for column in columns:
        end = getattr(column, "attrs", {}).get("observation_end")
        if end is not None and end != calendar.end.isoformat():
            raise SettingsError(
                f"calendar: its last day of observation is {calendar.end}, the customers' is {end}; "
                "fit the model anew, with purchases by day up to that day."
            )
