"""Units of time: a scale, never a bin. Times are whole days divided by the days in the unit."""

from __future__ import annotations

from typing import Literal

from retention_models.errors import SettingsError

TimeUnit = Literal["D", "W", "M"]

DAYS_IN_YEAR = 365.25
DAYS_IN_UNIT: dict[str, float] = {"D": 1.0, "W": 7.0, "M": DAYS_IN_YEAR / 12}
NAME_OF_UNIT: dict[str, str] = {"D": "day", "W": "week", "M": "month"}


def days_in(time_unit: str) -> float:
    """Days in a unit of time.

    >>> days_in("W")
    7.0
    """
    if time_unit not in DAYS_IN_UNIT:
        raise SettingsError(
            f'time_unit: expected "D" (days), "W" (weeks) or "M" (months); got {time_unit!r}.'
        )
    return DAYS_IN_UNIT[time_unit]
