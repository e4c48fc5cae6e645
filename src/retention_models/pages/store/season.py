"""The sentence on a store's season: when its customers buy more, and that the forecast follows it."""

from __future__ import annotations

from retention_models.languages import day, listed, phrase, share
from retention_models.models.fitters import PurchaseFitter
from retention_models.models.seasons.calendar import WEEKDAYS

# A year ahead, whatever it ends on.
_YEAR = 365


def season(purchases: PurchaseFitter) -> str:
    """What the forecast follows; nothing where it follows no season."""
    calendar = purchases.calendar_
    if calendar is None:
        return ""
    if calendar.harmonics:
        year = purchases.season(days=_YEAR).set_index("date")["year"]
        highest, lowest = year.idxmax(), year.idxmin()
        return phrase(
            "The forecast follows the season: the same customers buy most around {highest}, {more} more "
            "often than usual, and least around {lowest}, {less} less often.",
            highest=day(highest),
            lowest=day(lowest),
            more=share(float(year[highest]) - 1.0),
            less=share(1.0 - float(year[lowest])),
        )
    named = [name for name in calendar.names if name not in WEEKDAYS]
    if named:
        return phrase(
            "The forecast follows the shop's days: {days}. No season of the year can be told yet.",
            days=listed(named),
        )
    if calendar.names:
        return phrase(
            "The forecast follows the days of the week. No season of the year can be told yet."
        )
    return ""
