"""Numbers of a store's page → short texts that fill the places of its sentences and tables."""

from __future__ import annotations

from retention_models.actions.lists import ActionList
from retention_models.languages import count, decimals, money, number, plural, share, spoken

_MONEY = {"spend_per_order"}
_SHARES = {"repeat_customer_rate", "retention_rate"}


def shown(measure: str, value: float, currency: str) -> str:
    """A measure's value as text."""
    if measure in _MONEY:
        return money(value, currency)
    if measure in _SHARES:
        return share(value)
    return count(value) if measure == "customers" else number(value)


def shown_change(measure: str, change: float, currency: str) -> str:
    """The size of a change as text; that of a share in points."""
    return _with_unit(measure, _bare(measure, abs(change)), abs(change), currency)


def file_of(one: ActionList) -> str:
    """The list's file, from the page's folder."""
    return f"actions/{one.name}.csv"


def shown_signed(measure: str, change: float, currency: str, *, bare: bool = False) -> str:
    """A change with its sign; without its unit where it is `bare`."""
    size = abs(change)
    text = f"{'−' if change < 0 else '+'}{_bare(measure, size)}"
    return text if bare else _with_unit(measure, text, size, currency)


def _bare(measure: str, size: float) -> str:
    if measure in _SHARES:
        return count(_points(size))
    if measure in _MONEY:
        return decimals(size, 0 if size >= 100 else 2)
    return count(size) if measure == "customers" else number(size)


def _with_unit(measure: str, text: str, size: float, currency: str) -> str:
    if measure in _SHARES:
        return plural("{n} point", "{n} points", _points(size), n=text)
    return spoken().text("amount", amount=text, currency=currency) if measure in _MONEY else text


def _points(size: float) -> int:
    return round(100 * size)
