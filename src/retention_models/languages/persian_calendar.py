"""Days of the Persian calendar, which Babel does not know.

Leap years by the cycle of 33 years, which agrees with the astronomical calendar in force in Iran for
1244 to 1472, that is 1865 to 2093 (Borkowski, 1996, The Persian calendar for 3000 years).
"""

from __future__ import annotations

import datetime as dt

_MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)
_CYCLE = 33 * 365 + 8
_LEAP = (1, 5, 9, 13, 17, 22, 26, 30)  # within a cycle
_FIRST_DAY = dt.date(1921, 3, 21).toordinal()  # 1 Farvardin 1300
_FIRST_OF_CYCLE = 13  # 1300 mod 33


def persian_date(day: dt.date) -> tuple[int, int, int]:
    """Year, month and day of a Gregorian day.

    >>> persian_date(dt.date(2023, 12, 31))
    (1402, 10, 10)
    """
    # From the beginning of the cycle that 1300 stands in.
    before = sum(365 + (n in _LEAP) for n in range(_FIRST_OF_CYCLE))
    cycles, rest = divmod(day.toordinal() - _FIRST_DAY + before, _CYCLE)
    year = 0
    while rest >= (length := 365 + (year in _LEAP)):
        rest, year = rest - length, year + 1
    # Six months of 31 days, then months of 30.
    month, place = divmod(rest, 31) if rest < 186 else divmod(rest - 186, 30)
    month += 0 if rest < 186 else 6
    return 1300 - _FIRST_OF_CYCLE + 33 * cycles + year, month + 1, place + 1


def persian_day(day: dt.date) -> str:
    """A day in words, in Latin digits: the day, the month's name, the year."""
    year, month, place = persian_date(day)
    return f"{place} {_MONTHS[month - 1]} {year}"
