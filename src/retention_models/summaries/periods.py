"""Periods of one length: calendar weeks, months, quarters and years, or windows counted back from a day.

Every period has a number, one more than the period before it, so that an engine compares periods as
whole numbers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ibis.expr.types import DateValue, IntegerValue

from retention_models.errors import SettingsError

# A Monday, so that weeks begin on Mondays (ISO 8601).
_EPOCH = dt.date(1900, 1, 1)
_MONTHS = {"M": 1, "Q": 3, "Y": 12}


@dataclass(frozen=True)
class Periods:
    """Periods of `months` calendar months (1, 3, 12), or else of `days` days counted from `anchor`."""

    months: int = 0
    days: int = 0
    anchor: dt.date = _EPOCH

    @property
    def in_a_year(self) -> int | None:
        """Periods from one to the same a year later; None where no number of them is a year.

        A year of days is one of 364 to 366 days, so that 52 weeks are one and weekdays stay weekdays.
        """
        if self.months:
            return 12 // self.months
        found = round(365 / self.days)
        return found if 364 <= found * self.days <= 366 else None

    def number(self, day: dt.date) -> int:
        """Number of the period in which a day lies."""
        if self.months:
            return (day.year * 12 + day.month - 1) // self.months
        return (day - self.anchor).days // self.days

    def number_of(self, date: DateValue) -> IntegerValue:
        """Number of the period in which each day of a column lies, as `number` gives it."""
        if self.months:
            month = date.year().cast("int64") * 12 + date.month().cast("int64") - 1
            return (month // self.months).cast("int64")
        return (date.delta(self.anchor, unit="day") // self.days).cast("int64")

    def start(self, number: int) -> dt.date:
        """First day of a period."""
        if self.months:
            year, month = divmod(number * self.months, 12)
            return dt.date(year, month + 1, 1)
        return self.anchor + dt.timedelta(days=number * self.days)

    def end(self, number: int) -> dt.date:
        """Last day of a period."""
        return self.start(number + 1) - dt.timedelta(days=1)

    def length(self, number: int) -> int:
        """Days in a period."""
        return (self.end(number) - self.start(number)).days + 1

    def complete(self, first: dt.date, last: dt.date) -> range:
        """Numbers of the periods that lie wholly within two days, both included."""
        lowest = self.number(first)
        highest = self.number(last)
        return range(
            lowest + (self.start(lowest) < first), highest + 1 - (self.end(highest) > last)
        )


def periods_of(period: str | int, end: dt.date) -> Periods:
    """Periods by their name, or windows of so many days, the last of which ends on `end`."""
    if isinstance(period, str) and period in _MONTHS:
        return Periods(months=_MONTHS[period])
    if period == "W":
        return Periods(days=7)
    if isinstance(period, int) and not isinstance(period, bool) and period >= 1:
        # Far enough back that no number is negative: engines divide those differently.
        back = (end - _EPOCH).days // period + 1
        return Periods(days=period, anchor=end + dt.timedelta(days=1 - back * period))
    raise SettingsError(
        'period: expected "W" (weeks), "M" (months), "Q" (quarters), "Y" (years) or a number of days; '
        f"got {period!r}."
    )
