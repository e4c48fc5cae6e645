"""The days of a shop, observed and to come, and the terms that its season is made of.

The season multiplies every customer's rate on a day by m(day), with log m = Z β: yearly harmonics, days
of the week, and named events (holidays, feasts, promotions) as a column each. Columns add up to nothing
over a year, or over the calendar, so that β moves purchases between days and α alone says how many there
are. On days that the shop is closed m is 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.models.seasons.feasts import feast_days, public_holidays
from retention_models.models.seasons.prior import SeasonPrior

Array = NDArray[np.float64]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_HARMONICS = 6
_YEAR = 365.2425
_NEW_YEAR = dt.date(2000, 1, 1).toordinal()
# Days ahead of the end that have their own m; beyond, purchases go on at the mean rate of these.
_AHEAD = 5 * 366


@dataclass(frozen=True)
class Calendar:
    """A shop's days from the first of its log to five years ahead, and the terms of its season.

    Made by `Calendar.of` from purchases by day. `BetaGeoFitter().fit(…, calendar=calendar)` then fits
    the season together with the model.

    Attributes
    ----------
    end : datetime.date
        Last day of observation.
    first : datetime.date
        First day of the log.
    harmonics : int or None
        Pairs of yearly sines and cosines, 0 to 6; None for as many, up to 3, as the data carry.
    weekdays : bool or None
        Whether days of the week differ; None where the data are to decide.
    events : tuple of (str, tuple of datetime.date)
        Names of further terms, and the days on which they are in force.
    closed : tuple of datetime.date
        Days on which nothing can be bought.
    shut : tuple of int
        Days of the week on which nothing is ever bought; 0 is Monday.
    ahead : int
        Days after `end` with an m of their own.
    purchases : ndarray, shape (days observed,), optional
        Repeat purchases on each day from `first` to `end`, which a fit needs. Not saved with a model.
    prior : SeasonPrior, optional
        What a chain's other stores tell of the effects; then all terms are decided. Not saved either.

    Notes
    -----
    log m(day) = Σ_j β_j z_j(day); harmonic k has the columns sin and cos of 2πk · (days since the new
    year of 2000) / 365.2425, and the days of the week one column each but the last, which is minus their
    sum.

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
    >>> days["repeat_purchases"] = 3
    >>> calendar = Calendar.of(days, harmonics=1, weekdays=False)
    >>> calendar.end, calendar.names
    (datetime.date(2024, 3, 31), ('year sin 1', 'year cos 1'))
    """

    end: dt.date
    first: dt.date
    harmonics: int | None = None
    weekdays: bool | None = None
    events: tuple[tuple[str, tuple[dt.date, ...]], ...] = ()
    closed: tuple[dt.date, ...] = ()
    shut: tuple[int, ...] = ()
    ahead: int = _AHEAD
    purchases: Array | None = field(default=None, repr=False, compare=False)
    prior: SeasonPrior | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.first > self.end:
            raise SettingsError(
                f"end: expected a day from the first one, {self.first}, on; got {self.end}."
            )
        if self.harmonics is not None and not 0 <= self.harmonics <= MOST_HARMONICS:
            raise SettingsError(
                f"harmonics: expected 0 to {MOST_HARMONICS} pairs of waves a year, or None for what "
                f"the data carry; got {self.harmonics!r}."
            )
        if len(set(self.shut)) > 6:
            raise SettingsError("shut: expected a day of the week on which the shop is open.")

    @classmethod
    def of(
        cls,
        days: pd.DataFrame,
        *,
        end: dt.date | str | None = None,
        country: str | None = None,
        feasts: Iterable[str] | Mapping[str, tuple[int, int]] = (),
        promotions: Mapping[str, Collection[dt.date | str]] | None = None,
        closed: Collection[dt.date | str] = (),
        harmonics: int | None = None,
        weekdays: bool | None = None,
    ) -> Self:
        """Make a calendar of a log's purchases by day.

        Parameters
        ----------
        days : DataFrame
            Columns date and repeat_purchases, as from `count_purchase_days`; a day that is missing had
            none.
        end : date or str, optional
            Last day of observation; the last of `days` unless given.
        country : str, optional
            Two letters, such as "DE": its public holidays are a term, and feasts follow it where they
            differ between countries. Needs the package holidays.
        feasts : names, or mapping of name to (days before, days after), optional
            Moving feasts: "Easter", "Orthodox Easter", "Ramadan", "Eid al-Fitr", "Eid al-Adha",
            "Nowruz", "Chinese New Year", "Christmas". Each is a term that is in force around its day.
        promotions : mapping of name to days, optional
            Further terms, such as a sale's days, past and planned.
        closed : days, optional
            Days on which nothing can be bought, past and planned.
        harmonics : int, optional
            Pairs of yearly waves, 0 to 6. Unless given a fit takes as many, up to 3, as its data carry:
            none with less than a year and a half.
        weekdays : bool, optional
            Whether days of the week differ. Unless given a fit decides, with 8 weeks of data or more.

        Returns
        -------
        Calendar

        Raises
        ------
        SettingsError
            If a parameter is not understood, or something was bought after `end`.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> plain = {"harmonics": 0, "weekdays": False}
        >>> calendar = Calendar.of(days, promotions={"spring": ["2024-03-01"]}, **plain)
        >>> calendar.names
        ('spring',)
        """
        when = pd.to_datetime(days["date"])
        last = _day(end, "end") if end is not None else when.max().date()
        first = min(when.min().date(), last)
        if (when.dt.date > last).any():
            raise SettingsError(
                f"days: expected none after the end of observation, {last}; got {when.max().date()}."
            )
        size = (last - first).days + 1
        place = (when - pd.Timestamp(first)).dt.days.to_numpy()
        bought = np.bincount(place, days["repeat_purchases"].to_numpy(dtype=float), size).astype(
            float
        )
        span = (first, last + dt.timedelta(days=_AHEAD))
        events = dict[str, Collection[dt.date | str]]()
        if country is not None:
            events["public holiday"] = public_holidays(country, *span)
        windows = feasts if isinstance(feasts, Mapping) else dict.fromkeys(feasts)
        for name, window in windows.items():
            events[name] = feast_days(name, window, country, *span)
        events |= promotions or {}
        return cls(
            end=last,
            first=first,
            harmonics=harmonics,
            weekdays=weekdays,
            events=tuple((name, _days(found, name)) for name, found in events.items()),
            closed=_days(closed, "closed"),
            purchases=bought,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, in the order of Z's columns."""
        found = []
        for k in range(1, (self.harmonics or 0) + 1):
            found += [f"year sin {k}", f"year cos {k}"]
        if self.weekdays:
            found += [WEEKDAYS[day] for day in self._open_weekdays[:-1]]
        return (*found, *(name for name, _ in self.events))

    @property
    def past(self) -> int:
        """Days observed, from `first` to `end`."""
        return (self.end - self.first).days + 1

    @property
    def _open_weekdays(self) -> list[int]:
        return [day for day in range(7) if day not in self.shut]

    @cached_property
    def dates(self) -> pd.DatetimeIndex:
        """Every day from `first` to `ahead` days after `end`."""
        return pd.date_range(self.first, periods=self.past + self.ahead)

    @cached_property
    def terms(self) -> Array:
        """Z, shape (days, terms): a row for each of `dates`."""
        number = self.first.toordinal() + np.arange(self.past + self.ahead)
        turn = 2.0 * np.pi * (number - _NEW_YEAR) / _YEAR
        columns: list[Array] = []
        for k in range(1, (self.harmonics or 0) + 1):
            columns += [np.sin(k * turn), np.cos(k * turn)]
        if self.weekdays:
            weekday = (number - 1) % 7  # the first day of year 1 was a Monday
            *others, reference = self._open_weekdays
            columns += [(weekday == day) * 1.0 - (weekday == reference) for day in others]
        for _, days in self.events:
            on = self.flags(days)
            columns.append(on - on.mean())
        return np.stack(columns, axis=1) if columns else np.zeros((number.size, 0))

    @cached_property
    def open(self) -> Array:
        """1 on days that something can be bought on, else 0."""
        weekday = (self.first.toordinal() - 1 + np.arange(self.past + self.ahead)) % 7
        return (1.0 - self.flags(self.closed)) * ~np.isin(weekday, self.shut)

    def flags(self, days: Iterable[dt.date]) -> Array:
        """Mark days of the calendar.

        Parameters
        ----------
        days : iterable of datetime.date
            Those that lie outside the calendar are passed over.

        Returns
        -------
        ndarray, shape (days,)
            1 on the given ones of `dates`, else 0.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> int(calendar.flags([dt.date(2024, 2, 1), dt.date(2024, 2, 2)]).sum())
        2
        """
        on = np.zeros(self.past + self.ahead)
        places = np.array([(day - self.first).days for day in days], dtype=int)
        on[places[(places >= 0) & (places < on.size)]] = 1.0
        return on

    def until(self, end: dt.date | str) -> Self:
        """The calendar as it was on an earlier day: what a forecast from that day may know.

        Parameters
        ----------
        end : date or str
            Last day of observation, from `first` to this calendar's `end`.

        Returns
        -------
        Calendar
            With the purchases up to that day; what is undecided stays so.

        Raises
        ------
        SettingsError
            If the day is none of those observed.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> calendar.until("2024-02-29").end
        datetime.date(2024, 2, 29)
        """
        day = _day(end, "end")
        if not self.first <= day <= self.end:
            raise SettingsError(
                f"end: expected a day from {self.first} to {self.end}, those observed; got {day}."
            )
        observed = (day - self.first).days + 1
        bought = None if self.purchases is None else self.purchases[:observed]
        return replace(self, end=day, purchases=bought)

    def moved(self, days: int) -> Self:
        """The same days and terms, of which so many more, or fewer, are past.

        Parameters
        ----------
        days : int
            Whole days, negative for an earlier last day of observation.

        Returns
        -------
        Calendar
            Without purchases. Unlike `until` it is for a season that is fitted already: no term changes.

        Raises
        ------
        SettingsError
            If the day is none of the calendar's.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> calendar.moved(7).end
        datetime.date(2024, 4, 7)
        """
        if not -self.past < days <= self.ahead:
            raise SettingsError(
                f"days: expected {1 - self.past} to {self.ahead}, to a day of the calendar; got {days}."
            )
        end = self.end + dt.timedelta(days=days)
        return replace(self, end=end, ahead=self.ahead - days, purchases=None)

    def with_terms(self, **changes: Any) -> Self:
        """The calendar with some attributes changed.

        Parameters
        ----------
        **changes
            Attributes by name, such as harmonics=2.

        Returns
        -------
        Calendar

        Raises
        ------
        SettingsError
            If they make no calendar.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> calendar.with_terms(harmonics=2).names
        ('year sin 1', 'year cos 1', 'year sin 2', 'year cos 2')
        """
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the purchases, as JSON has it.

        Returns
        -------
        dict
            For `from_dict`: texts, numbers, lists of days in ISO form.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> sorted(calendar.to_dict())[:3]
        ['ahead', 'closed', 'end']
        """
        return {
            "end": self.end.isoformat(),
            "first": self.first.isoformat(),
            "harmonics": self.harmonics,
            "weekdays": self.weekdays,
            "events": {name: [day.isoformat() for day in days] for name, days in self.events},
            "closed": [day.isoformat() for day in self.closed],
            "shut": list(self.shut),
            "ahead": self.ahead,
        }

    @classmethod
    def from_dict(cls, content: Any) -> Self:
        """A calendar from what `to_dict` gave.

        Parameters
        ----------
        content : dict

        Returns
        -------
        Calendar
            Without purchases.

        Raises
        ------
        SettingsError
            If it is no such dictionary.

        Examples
        --------
        >>> days = pd.DataFrame({"date": pd.date_range("2024-01-01", "2024-03-31")})
        >>> days["repeat_purchases"] = 3
        >>> calendar = Calendar.of(days, closed=["2024-02-01"], harmonics=1, weekdays=False)
        >>> Calendar.from_dict(calendar.to_dict()).end
        datetime.date(2024, 3, 31)
        """
        try:
            found = cls(
                end=_day(content["end"], "end"),
                first=_day(content["first"], "first"),
                harmonics=content["harmonics"],
                weekdays=content["weekdays"],
                events=tuple((str(k), _days(v, str(k))) for k, v in content["events"].items()),
                closed=_days(content["closed"], "closed"),
                shut=tuple(int(day) for day in content["shut"]),
                ahead=int(content["ahead"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"text: calendar: expected what to_json gave ({error}).") from None
        if not 0 <= found.ahead <= 1 << 16 or found.past > 1 << 17:
            raise SettingsError("text: calendar: expected at most a few hundred years.")
        return found


def _day(value: Any, name: str) -> dt.date:
    """A day given as date or ISO text."""
    try:
        return pd.Timestamp(value).date()
    except (TypeError, ValueError):
        raise SettingsError(f"{name}: expected a day such as 2017-12-31; got {value!r}.") from None


def _days(values: Collection[Any], name: str) -> tuple[dt.date, ...]:
    """Distinct days, in order."""
    return tuple(sorted({_day(value, name) for value in values}))
