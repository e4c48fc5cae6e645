"""What the chain's page says beyond each store's own numbers: what moved, and who stands out."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pandas as pd

from retention_models.errors import CannotSay
from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import OUTER, Funnel, beyond_chance, find_funnel
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.chain import words
from retention_models.pages.chain.figures import sparkline

_SHOWN = 10
_YEAR = 365
_LATE = 36  # days of the year that a store may lack and still have one

Row = dict[str, Any]


def chain_findings(rows: list[Row], as_of: dt.date, language: Language = ENGLISH) -> dict[str, Any]:
    """What the chain's page says of several stores: rows of `publishing.index` → the template's places.

    ``moved`` and ``apart``; ``lines``: a sparkline's address and alternative text by row, or None;
    ``whole``: the one reason for which a row has no numbers, or ""; ``why``: those for what it lacks.
    """
    fresh = [row for row in rows if row["metrics"] and not row["old"]]
    return {
        "moved": _moved(fresh, language),
        "apart": _apart(fresh, len(rows) - len(fresh), as_of, language),
        "lines": [_line(row, language) for row in rows],
        "whole": [_whole(row) for row in rows],
        "why": [_why(row) for row in rows],
    }


def _line(row: Row, language: Language) -> dict[str, str] | None:
    months = ((row["metrics"] or {}).get("months") or {}).get("value")
    if not months or sum(month["customers"] is not None for month in months) < 2:
        return None
    return {
        "src": sparkline([month["customers"] for month in months]),
        "alt": words.sparkline(months, language),
    }


def _cells(row: Row) -> list[Row]:
    metrics = row["metrics"]
    measures, forecast = metrics["measures"], metrics["forecast"]
    return [
        *(measures[name] for name in ("customers", "repeat_customer_rate", "spend_per_order")),
        *(forecast[name] for name in ("still_customers", "purchases", "value")),
    ]


def _whole(row: Row) -> str:
    if not row["metrics"] or any(cell["value"] is not None for cell in _cells(row)):
        return ""
    return str(_cells(row)[0]["reason"])


def _why(row: Row) -> list[str]:
    cells = _cells(row) if row["metrics"] else []
    return list(dict.fromkeys(str(cell["reason"]) for cell in cells if cell["value"] is None))


def _changes(fresh: list[Row]) -> tuple[pd.DataFrame, int]:
    """A row per store and measure of the stores that were compared over the most usual length."""
    found = []
    for row in fresh:
        change: dict[str, Any] | None = (row["metrics"].get("changes") or {}).get("value")
        if change is None:
            continue
        for measure, numbers in change["measures"].items():
            found.append(
                {"name": row["name"], "href": row["href"], "measure": measure, "store": id(row)}
                | {"days": change["days"], **numbers}
            )
    if not found:
        return pd.DataFrame(), 0
    table = pd.DataFrame(found)
    days = int(table["days"].mode().iloc[0])
    columns = ["value", "value_before", "change", "low", "high"]
    table = table.loc[table["days"] == days]
    return table.astype(dict.fromkeys(columns, float)), days


def _moved(fresh: list[Row], language: Language) -> dict[str, Any] | None:
    changes, days = _changes(fresh)
    if changes.empty:
        return None
    found = beyond_chance(changes)
    shown = found.head(_SHOWN).to_dict("records")
    return {
        "said": words.moved(changes, len(found), len(shown), days, language),
        # Of one store there is no middle.
        "middle": words.middle_store(changes, language) if len(set(changes["store"])) > 1 else "",
        "rows": shown,
        "days": days,
    }


def _apart(fresh: list[Row], old: int, as_of: dt.date, language: Language) -> dict[str, Any]:
    begin = (as_of - dt.timedelta(days=_YEAR - 1 - _LATE)).isoformat()
    compared = [row for row in fresh if _comparable(row, begin)]
    measures = [row["metrics"]["measures"] for row in compared]
    total = [round(found["customers"]["value"]) for found in measures]
    count = [
        round(found["repeat_customer_rate"]["value"] * n)
        for found, n in zip(measures, total, strict=True)
    ]
    try:
        funnel = find_funnel(count, total)
    except CannotSay:
        return {"refusal": words.no_funnel(len(compared), language)}
    outside = funnel.outside(OUTER)
    order = sorted(range(len(compared)), key=lambda place: -_strength(funnel, place))
    named = [place for place in order if outside[place]][:_SHOWN]
    low, high = funnel.limits(funnel.total, OUTER)
    return {
        "refusal": "",
        "reading": words.funnel_reading(language),
        "said": words.funnel_found(funnel, language),
        "left_out": words.left_out(len(fresh) - len(compared), old, language),
        "figure": _figure(funnel, named, language),
        "rows": [
            {
                **compared[place],
                "number": number,
                "rate": funnel.rate[place],
                "customers": total[place],
                "low": low[place],
                "high": high[place],
                "above": bool(outside[place] > 0),
            }
            for number, place in enumerate(named, start=1)
        ],
    }


def _comparable(row: Row, begin: str) -> bool:
    """Whether a store has a year of purchases by enough customers."""
    metrics = row["metrics"]
    measures, first = metrics["measures"], metrics.get("first_day")
    return (
        first is not None
        and first <= begin
        and measures["repeat_customer_rate"]["value"] is not None
        and (measures["customers"]["value"] or 0) >= SMALLEST_GROUP
    )


def _strength(funnel: Funnel, place: int) -> float:
    """How far a store is from the centre, in standard deviations of its size."""
    chance = funnel.centre * (1.0 - funnel.centre) / funnel.total[place]
    return float(abs(funnel.rate[place] - funnel.centre) / (chance + funnel.spread**2) ** 0.5)


def _figure(funnel: Funnel, named: list[int], language: Language) -> str:
    # Here, because a run whose chain has no funnel need not load matplotlib.
    from retention_models.pages.chain.figures import funnel_plot
    from retention_models.pages.style import as_svg

    axes = funnel_plot(funnel, named, language.text("stores.repeat"), say=language)
    drawn = axes.get_figure(root=True)
    assert drawn is not None  # it was drawn on a figure of its own
    return base64.b64encode(as_svg(drawn).encode()).decode("ascii")
