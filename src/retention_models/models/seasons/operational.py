"""Operational time: the clock that runs m(day) times as fast as the calendar.

M(u) = ∫₀ᵘ m, with u = 0 at the end of the last day observed. m is constant within a day, so M is linear
there, and a purchase counted on day d happened, as far as M goes, at the end of d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.models.seasons.calendar import Calendar

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OperationalTime:
    """M over the days of a calendar.

    `cumulative`, shape (days + 1,), is M in days at the start of the first day and at the end of each;
    0 at place `past`, the end of observation. Beyond the table it goes on at `rate`. `unit` is the days
    in a unit of time.
    """

    cumulative: Array
    past: int
    rate: float
    unit: float

    def at(self, time: ArrayLike) -> Array:
        """M, in units of time, at times after the end of observation, or before it where negative."""
        place = np.asarray(time, dtype=float) * self.unit + self.past
        last = self.cumulative.size - 1
        inside = np.interp(place, np.arange(last + 1.0), self.cumulative)
        beyond = self.rate * (np.maximum(place - last, 0.0) + np.minimum(place, 0.0))
        return np.asarray((inside + beyond) / self.unit)

    def age(self, time: ArrayLike) -> Array:
        """Operational time from so long before the end of observation until the end."""
        return -self.at(-np.asarray(time, dtype=float))

    def when(self, operational: ArrayLike) -> Array:
        """Time after the end of observation at which M has a value, the inverse of `at`."""
        value = np.asarray(operational, dtype=float) * self.unit
        places = np.arange(float(self.cumulative.size))
        inside = np.interp(value, self.cumulative, places)
        over = np.maximum(value - self.cumulative[-1], 0.0)
        under = np.minimum(value - self.cumulative[0], 0.0)
        # A shop that is closed for good never sees the time come.
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.where(over + under == 0.0, 0.0, (over + under) / self.rate)
        return np.asarray((inside + beyond - self.past) / self.unit)

    @property
    def covered(self) -> float:
        """Time ahead, in units, that the table covers."""
        return (self.cumulative.size - 1 - self.past) / self.unit


def operational_time(calendar: Calendar, effects: Array, unit: float) -> OperationalTime:
    """M of a calendar at given effects β, shape (terms,), for a unit of so many days."""
    pace = np.exp(calendar.terms @ effects) * calendar.open
    total = np.concatenate([[0.0], np.cumsum(pace)])
    # Sums that begin at the end of observation keep the digits of short times.
    total -= total[calendar.past]
    ahead = pace[calendar.past :]
    rate = float(ahead.mean()) if ahead.size else float(pace.mean())
    return OperationalTime(total, calendar.past, rate, unit)
