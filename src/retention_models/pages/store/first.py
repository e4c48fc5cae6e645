"""Sentences of a store's first screen: its status in a line, and four points of at most 25 words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retention_models.languages import catalogue, count, counted, day, money, phrase, share
from retention_models.levels import Interval
from retention_models.measures.recent import CLOSED_MORE
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.campaign.money import paid_of, said_of_money
from retention_models.pages.store.tables import evenly
from retention_models.predictions.stores import StoreForecast
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.in_the_shop import changed_in_the_shop
from retention_models.predictions.validation.store_changes import Silence
from retention_models.predictions.validation.value import ValueCheck
from retention_models.predictions.whole_store import WholeStore

# Of a point, title and all: a telephone's screen holds four of them.
MOST_WORDS = 25


@dataclass(frozen=True, slots=True)
class Point:
    """A point: its title, a sentence, where to read on, and a line (SVG) with what it shows in words."""

    title: str
    text: str
    href: str = ""
    link: str = ""
    line: str = ""
    alternative: str = ""


def point(title: str, text: str, *, refused: str = "") -> Point:
    """A point whose sentence, or whose reason why there is none, has room in it."""
    said = f"{text} {refused}".strip()
    if refused and len(f"{title} {said}".split()) > MOST_WORDS:
        said = f"{text} " + phrase("“About these numbers” says why.")
    return Point(title, said)


STATUS = catalogue(
    {
        "silent": (
            "Silent since {day}: nothing bought in {weeks}, where about {expected} were to be expected. "
            "The store has closed, or its newest data are missing: find out which before anything else."
        ),
        "missing": (
            "Data missing: those of the whole chain end on {last}, {days} before the day of this page."
        ),
        "open": "Open, last purchase on {day}. {forecast}",
        "use": "The forecast can be used.",
        "care.total": "Use the forecast with care: in the weeks of its check it was off by {off}.",
        "care.season": (
            "Use the forecast with care: customers buy by the season, of which it knows nothing."
        ),
        "care.no dropout": (
            "Use the forecast with care: nobody is seen to leave, so it may expect too much."
        ),
        "care.mixture": "Use the forecast with care: it may expect too much of newcomers.",
        "care.customers": (
            "Use the forecast with care: right in sum, it is less so customer by customer."
        ),
        "not checked": "The forecast could not be checked yet: use it with care.",
        "money.use with care.low": "In money use it with care: there its check was {off} too low.",
        "money.use with care.high": "In money use it with care: there its check was {off} too high.",
        "money.do not use.low": "Do not use it in money: there its check was {off} too low.",
        "money.do not use.high": "Do not use it in money: there its check was {off} too high.",
        "money.nothing": "Do not use it in money: in its check nothing was paid.",
    }
)


def silent(silence: Silence) -> str:
    """Since when the store is silent, and what to do about it."""
    return phrase(
        STATUS["silent"],
        day=day(silence.last_purchase),
        weeks=counted(round(silence.weeks), "week"),
        expected=counted(round(silence.expected), "purchase"),
    )


def missing(last: dt.date, end: dt.date) -> str:
    """That the whole chain's data end before the page's day."""
    return phrase(STATUS["missing"], last=day(last), days=counted((end - last).days, "day"))


def forecast_status(found: HoldoutValidation | None) -> str:
    """Whether the forecast may be used, by its check; None where there could be none yet."""
    if found is None:
        return phrase(STATUS["not checked"])
    if found.verdict == "do not use":
        changed = changed_in_the_shop(found)
        return phrase("Do not use a forecast now: {changed}.", changed=changed)
    if found.verdict == "use":
        return _with_money("use", found.value)
    cause = _CARE.get(next(iter(found.causes), ""), "care.customers")
    return _with_money(cause, found.value, off=share(abs(found.relative_error)))


def _with_money(key: str, value: ValueCheck | None, **places: str) -> str:
    """A status, and what of the forecast in money where that was worse."""
    said = phrase(STATUS[key], **places)
    if value is None or value.verdict == "use":
        return said
    how = "high" if value.relative_error > 0.0 else "low"
    off = share(abs(value.relative_error)) if np.isfinite(value.relative_error) else ""
    key = f"money.{value.verdict}.{how}" if off else "money.nothing"
    return f"{said} " + phrase(STATUS[key], off=off)


_CARE = {
    "total": "care.total",
    "season": "care.season",
    "swing": "care.season",
    "no dropout": "care.no dropout",
    "mixture": "care.mixture",
}


def open_since(last: dt.date, forecast: str) -> str:
    """That the store is open, and what of its forecast."""
    return phrase(STATUS["open"], day=day(last), forecast=forecast)


def revenue(
    quarter: pd.DataFrame, changes: pd.DataFrame | str, year: pd.DataFrame | str, currency: str
) -> Point:
    """Revenue and orders of the quarter against the quarter before and a year before."""
    title = phrase("Revenue of 13 weeks")
    now, orders = quarter.loc["revenue"], quarter.loc["orders"]
    if now["customers"] < SMALLEST_GROUP:
        few = phrase("Fewer than {smallest} customers, so not shown.", smallest=SMALLEST_GROUP)
        return point(title, few if now["customers"] else phrase("Nobody bought."))
    orders_made = counted(round(orders["value"]), "order")
    places = {
        "now": money(float(now["value"]), currency),
        "orders": count(orders["value"]),
        "before": _percent(changes, "revenue"),
        "orders_before": _percent(changes, "orders"),
        "year": _percent(year, "revenue"),
        "orders_year": _percent(year, "orders"),
        "chance": _chance(changes),
    }
    if not places["before"] or not places["orders_before"]:
        return point(
            title,
            phrase(_REVENUE["alone"], now=places["now"], orders=orders_made),
            refused=_why_none(changes),
        )
    known = places["year"] and places["orders_year"]
    return point(title, phrase(_REVENUE["year" if known else "quarter"], **places))


_REVENUE = catalogue(
    {
        "year": (
            "{now}: {before} on the quarter before, {year} on a year before. Orders {orders}: "
            "{orders_before} and {orders_year}. {chance}"
        ),
        "quarter": (
            "{now}: {before} on the quarter before; no year before to compare. Orders {orders}: "
            "{orders_before}. {chance}"
        ),
        "alone": "{now}, from {orders}; no change can be told.",
        "chance": "Within chance.",
        "beyond": "More than chance.",
    }
)


def _percent(changes: pd.DataFrame | str, measure: str) -> str:
    """A change in percent of what was before; nothing where there is none."""
    if isinstance(changes, str) or measure not in changes.index:
        return ""
    row = changes.loc[measure]
    if pd.isna(row["change"]) or not row["value_before"] > 0:
        return ""
    change = float(row["change"]) / float(row["value_before"])
    whole = round(100 * change)
    sign = "−" if whole < 0 else "+" if whole else ""  # nothing has no sign
    return sign + share(abs(change))


def _chance(changes: pd.DataFrame | str) -> str:
    """Whether revenue or orders moved by more than chance, among all figures compared."""
    if isinstance(changes, str):
        return ""
    beyond = (changes["size"].reindex(["revenue", "orders"]) > 1.0).any()
    return phrase(_REVENUE["beyond" if beyond else "chance"])


def _why_none(changes: pd.DataFrame | str) -> str:
    return changes if isinstance(changes, str) else str(changes.loc["revenue", "note"])


def lost(quarters: pd.DataFrame, window: int | None, changes: pd.DataFrame | str = "") -> Point:
    """Customers lost in the quarter, after those of the quarter before: the churn's own counts."""
    title = phrase("Customers lost")
    rows = quarters.loc[quarters["measure"] == "churn_rate"].sort_values("end")
    now = rows.iloc[-1]
    if pd.isna(now["value"]) or window is None:
        return point(title, phrase("Cannot be said yet."), refused=str(now["note"]))
    if now["customers"] < SMALLEST_GROUP:
        few = phrase("Not shown: fewer than {smallest} were active.", smallest=SMALLEST_GROUP)
        return point(title, few)
    places = {**_lost(now), "window": counted(window, "day")}
    before = rows.iloc[-2] if len(rows) > 1 else None
    if before is None or pd.isna(before["value"]) or before["customers"] < SMALLEST_GROUP:
        return point(title, phrase(_LOST["alone"], **places))
    earlier = {f"{name}_before": text for name, text in _lost(before).items()}
    # The share kept is what is compared: that lost is the rest of it.
    beyond = not isinstance(changes, str) and bool(changes.loc["retention_rate", "size"] > 1.0)
    return point(title, phrase(_LOST["beyond" if beyond else "compared"], **places, **earlier))


def _lost(row: pd.Series) -> dict[str, str]:
    return {
        "lost": count(row["numerator"]),
        "active": count(row["denominator"]),
        "share": share(row["value"]),
    }


_LOST = catalogue(
    {
        "compared": (
            "{lost} of {active} ({share}) in the quarter, after {lost_before} of {active_before} "
            "({share_before}) in the one before. Lost: silent for {window} or more."
        ),
        "beyond": (
            "{lost} of {active} ({share}) in the quarter, {lost_before} of {active_before} "
            "({share_before}) before: more than chance. Lost: silent for {window} or more."
        ),
        "alone": "{lost} of {active} ({share}) in the quarter. Lost: silent for {window} or more.",
    }
)


def next_quarter(
    forecast: StoreForecast | str,
    before: float | None,
    currency: str,
    *,
    withheld: bool = False,
    closed: int = 0,
) -> Point:
    """What today's customers should bring in 13 weeks, beside the same weeks of last year."""
    title = phrase("Next 13 weeks")
    if isinstance(forecast, str):
        return point(title, phrase("No forecast."), refused=forecast)
    if forecast.value is None:
        middle, *outer = _ends(forecast.purchases)
        low, high = map(count, outer)
        key = "purchases.alone" if withheld else "purchases"
        bought = counted(round(middle), "purchase")
        return point(title, phrase(_NEXT[key], value=bought, low=low, high=high))
    value, low, high = evenly(*_ends(forecast.value))
    places = {
        "value": phrase("{amount} {currency}", amount=value, currency=currency),
        "low": low,
        "high": high,
    }
    if before is None:
        return point(title, phrase(_NEXT["alone"], **places))
    return _beside_last_year(title, "year", places, money(before, currency), closed)


def whole_quarter(
    ahead: WholeStore, before: float | None, currency: str, *, closed: int = 0
) -> Point:
    """What everybody should bring in 13 weeks, beside the same weeks of last year."""
    title = phrase("Next 13 weeks")
    if ahead.revenue is None or ahead.known_revenue is None:
        raise ValueError("ahead: expected a forecast with revenue.")
    value, low, high = evenly(*_ends(ahead.revenue))
    places = {
        "value": phrase("{amount} {currency}", amount=value, currency=currency),
        "low": low,
        "high": high,
        "known": evenly(*_ends(ahead.known_revenue))[0],
    }
    if before is None:
        return point(title, phrase(_NEXT["whole.alone"], **places))
    return _beside_last_year(title, "whole.year", places, money(before, currency), closed)


def _beside_last_year(
    title: str, key: str, places: dict[str, str], before: str, closed: int
) -> Point:
    """What is expected, and what the same weeks brought; with the days on which these were closed."""
    if closed >= CLOSED_MORE:
        key = key.replace("year", "closed")
        places["closed"] = counted(closed, "day")
    return point(title, phrase(_NEXT[key], **places, before=before))


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


_NEXT = catalogue(
    {
        "whole.year": (
            "{value} expected ({low} to {high}), {known} of it from today's customers; the same weeks "
            "last year brought {before}."
        ),
        "whole.closed": (
            "{value} expected ({low} to {high}), newcomers included; the same weeks last year, closed "
            "for {closed}, brought {before}."
        ),
        "whole.alone": (
            "{value} expected ({low} to {high}), {known} of it from today's customers; the same weeks "
            "last year are not in the data."
        ),
        "year": (
            "{value} expected from today's customers ({low} to {high}); the same weeks last year "
            "brought {before}, newcomers included."
        ),
        "closed": (
            "{value} expected from today's customers ({low} to {high}); the same weeks last year, "
            "closed for {closed}, brought {before}."
        ),
        "alone": (
            "{value} expected from today's customers ({low} to {high}); the same weeks last year are "
            "not in the data."
        ),
        "purchases": "{value} expected from today's customers ({low} to {high}).",
        "purchases.alone": (
            "{value} expected from today's customers ({low} to {high}). Not said in money: that "
            "failed its check."
        ),
    }
)


def campaign(row: pd.Series | str, currency: str, *, costs: bool, chain: bool = False) -> Point:
    """Whether the newest finished campaign paid, from its row of `campaign_overview`.

    Its money is that of all stores, which a chain's title says.
    """
    title = phrase("Chain's newest campaign") if chain else phrase("Newest campaign")
    if isinstance(row, str):
        return point(title, row)
    told = paid_of([row], currency, costs=costs)
    text = phrase(
        "“{name}” (until {day}): {money}, grade {grade}.",
        name=str(row["name"]),
        day=day(row["end"]),
        money=said_of_money(told),
        grade=row["grade"],
    )
    if told[0].verdict:
        return point(title, text)
    text = phrase(
        "“{name}” (until {day}): {money}.",
        name=str(row["name"]),
        day=day(row["end"]),
        money=said_of_money(told),
    )
    return point(title, text, refused=str(row["refusal"] or ""))
