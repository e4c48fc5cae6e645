"""Days of public holidays and moving feasts, from the package holidays.

A feast is looked up among the public holidays of the shop's country, where its day may differ from that
of others, and else among those of a country that keeps it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from retention_models.errors import SettingsError

# Name of the feast: a country that keeps it, what its holidays are called there, days from the first of
# them to the feast, and days before and after the feast when people shop for it.
_FEASTS: dict[str, tuple[str, str, int, tuple[int, int]]] = {
    "Christmas": ("GB", "Christmas Day", 0, (14, 0)),
    "Easter": ("GB", "Good Friday", 2, (7, 1)),
    "Orthodox Easter": ("GR", "Good Friday", 2, (7, 1)),
    "Ramadan": ("TR", "Eid al-Fitr", 0, (29, -1)),
    "Eid al-Fitr": ("TR", "Eid al-Fitr", 0, (3, 2)),
    "Eid al-Adha": ("TR", "Eid al-Adha", 0, (3, 3)),
    "Nowruz": ("IR", "Nowruz", 0, (14, 12)),
    "Chinese New Year": ("SG", "Chinese New Year", 0, (14, 6)),
}
# Feasts as the country of their calendar has them, whatever the shop's own holidays are called.
_EVERYWHERE_ALIKE = ("Christmas", "Easter", "Orthodox Easter")


def public_holidays(country: str, first: dt.date, last: dt.date) -> list[dt.date]:
    """Public holidays of a country, weekends' among them, between two days."""
    return sorted(day for day in _of_country(country, first, last) if first <= day <= last)


def feast_days(
    name: str, window: tuple[int, int] | None, country: str | None, first: dt.date, last: dt.date
) -> list[dt.date]:
    """Days around a feast: from so many before it to so many after, between two days."""
    if name not in _FEASTS:
        raise SettingsError(f"feasts: expected one of {', '.join(_FEASTS)}; got {name!r}.")
    keeps, called, shift, usual = _FEASTS[name]
    before, after = usual if window is None else window
    if before + after < 0:
        raise SettingsError(f"feasts: {name}: expected a window of one day or more; got {window}.")
    wide = first - dt.timedelta(days=60), last + dt.timedelta(days=60)
    found = []
    if country is not None and name not in _EVERYWHERE_ALIKE:
        found = _first_days(_of_country(country, *wide), called)
    found = found or _first_days(_of_country(keeps, *wide), called)
    days = {
        feast + dt.timedelta(days=shift + offset)
        for feast in found
        for offset in range(-before, after + 1)
    }
    return sorted(day for day in days if first <= day <= last)


def _first_days(holidays: dict[dt.date, str], called: str) -> list[dt.date]:
    """The first day of each run of holidays so called; those days around it are named otherwise."""
    days = sorted(
        day
        for day, names in holidays.items()
        if any(name.removesuffix(" (estimated)") == called for name in names.split("; "))
    )
    return [day for day in days if not any(0 < (day - other).days < 10 for other in days)]


def _of_country(country: str, first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """A country's public holidays by day, with their names in English where it has them."""
    try:
        import holidays
    except ImportError:
        raise SettingsError(
            "country, feasts: the days of holidays come from the package holidays, which is not "
            'installed: pip install "retention-models[calendar]". Or give the days themselves, as '
            "promotions."
        ) from None
    years = range(first.year, last.year + 1)
    try:
        # What holidays are moved to is no feast, and what they are called is told by any language.
        known: Any = holidays.country_holidays(country, years=years, language="en_US")
    except NotImplementedError:
        raise SettingsError(
            f'country: expected two letters of a country, such as "DE"; got {country!r}.'
        ) from None
    return dict(known.items())
