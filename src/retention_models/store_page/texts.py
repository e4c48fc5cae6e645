"""Numbers of a store's page → short texts that fill the places of its sentences and tables."""

from __future__ import annotations

from retention_models.actions.lists import ActionList
from retention_models.languages import counted, money, number

_MONEY = {"spend_per_order"}
_SHARES = {"repeat_customer_rate", "retention_rate"}


def shown(measure: str, value: float, currency: str) -> str:
    """A measure's value as text."""
    if measure in _MONEY:
        return money(value, currency)
    if measure in _SHARES:
        return f"{value:.0%}"
    return f"{value:,.0f}" if measure == "customers" else number(value)


def shown_change(measure: str, change: float, currency: str) -> str:
    """The size of a change as text; that of a share in points."""
    if measure in _SHARES:
        points = round(100 * abs(change))
        return counted(points, "point")
    return shown(measure, abs(change), currency)


def file_of(one: ActionList) -> str:
    """The list's file, from the page's folder."""
    return f"actions/{one.name}.csv"


def shown_signed(measure: str, change: float, currency: str, *, bare: bool = False) -> str:
    """A change with its sign; without its unit where it is `bare`."""
    text = shown_change(measure, change, currency)
    return f"{'−' if change < 0 else '+'}{text.partition(' ')[0] if bare else text}"
