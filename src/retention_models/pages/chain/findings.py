"""What the chain's page says of its stores: three sentences, a row each, and how far they stray."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from retention_models.errors import CannotSay
from retention_models.languages import Language
from retention_models.measures.chain import OUTER, Funnel, find_funnel
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.chain import words
from retention_models.pages.chain.figures import sparkline
from retention_models.settings.project import Settings

_YEAR = 365
_LATE = 36  # days of the year that a store may lack and still have one
# Of more stores the figure names only those outside its lines.
_NAMED = 30

Row = dict[str, Any]


def chain_findings(
    rows: list[Row], campaigns: list[Row], settings: Settings, as_of: dt.date
) -> dict[str, Any]:
    """What the chain's page says of several stores: rows of `publishing.index` → the template's places.

    ``rows``, worst change of revenue first, each with its ``cells``, or the one ``whole`` reason for
    which it has none; ``short``: three sentences; ``apart``: the funnel; ``campaigns``: a line each.
    """
    language = settings.language
    fresh = [row for row in rows if row["metrics"] and not row["old"]]
    over = words.finished(campaigns, as_of)
    return {
        "rows": [_told(row, as_of, language) for row in sorted(rows, key=_worst_first)],
        "short": [
            words.chain_in_short(fresh, settings),
            words.stores_in_trouble(rows, as_of, language),
            *words.campaigns_in_short(over, settings),
        ],
        "apart": _apart(fresh, len(rows) - len(fresh), as_of, language),
        "campaigns": words.campaign_lines(over, settings),
    }


def _worst_first(row: Row) -> float:
    """Rows in the order of their change of revenue; those without one last."""
    found = words.relative(words.changed(row, "revenue"))
    return float("inf") if found is None else found


def _told(row: Row, as_of: dt.date, language: Language) -> Row:
    """A row with its cells in words."""
    reason = words.reason(row, as_of, language)
    whole = reason if not row["metrics"] or _says_nothing(row["metrics"]) else ""
    if whole:
        return {**row, "whole": whole, "cells": [], "reason": "", "line": None}
    metrics = row["metrics"]
    revenue, customers = words.changed(row, "revenue"), words.changed(row, "customers")
    back, margin = metrics["measures"]["repeat_customer_rate"], metrics["next_quarter"] or {}
    lacking = [
        str(found["reason"]) for found in metrics["measures"].values() if found["value"] is None
    ]
    *before, last = dict.fromkeys([*lacking, reason, *_in_money(metrics, language)])
    # Where another clause follows, a sentence among them ends without its full stop.
    known = [*(one.removesuffix(".") for one in before), last]
    return {
        **row,
        "whole": "",
        "reason": language.clauses(known),
        "line": _line(metrics, language),
        "cells": [
            words.Cell.of(revenue.get("value"), "count", language),
            words.Cell.of(words.relative(revenue), "percent", language),
            words.Cell.of(customers.get("value"), "count", language),
            words.Cell.of(words.relative(customers), "percent", language),
            words.Cell.of(back["value"], "share", language),
            words.Cell.of(margin.get("value"), "count", language),
        ],
    }


def _in_money(metrics: Row, language: Language) -> list[str]:
    """That an expected margin is to be taken with care, where its check or the forecast's says so."""
    found = {
        (metrics.get(name) or {}).get("value") for name in ("value_verdict", "forecast_verdict")
    }
    told = metrics["next_quarter"] is not None and metrics["next_quarter"]["value"] is not None
    worst = next((verdict for verdict in ("do not use", "use with care") if verdict in found), "")
    return [language.text(f"stores.money.{worst}")] if worst and told else []


def _says_nothing(metrics: Row) -> bool:
    known = (*metrics["measures"].values(), metrics["forecast"]["purchases"])
    return all(found["value"] is None for found in known)


def _line(metrics: Row, language: Language) -> dict[str, Any] | None:
    months = (metrics.get("months") or {}).get("value") or []
    known = [month["revenue"] for month in months if month.get("revenue") is not None]
    if len(known) < 2:
        return None
    return {
        "drawn": sparkline([month.get("revenue") for month in months]),
        "alt": words.line_in_words(months, language),
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
    named = [str(row["name"]) for row in compared]
    if len(compared) > _NAMED:
        named = [name if outside[place] else "" for place, name in enumerate(named)]
    order = sorted(range(len(compared)), key=lambda place: -_strength(funnel, place))
    return {
        "refusal": "",
        "reading": words.funnel_reading(language),
        "said": words.funnel_found(funnel, language),
        "outside": words.outside(
            [(compared[place], bool(outside[place] > 0)) for place in order if outside[place]],
            language,
        ),
        "left_out": words.left_out(len(fresh) - len(compared), old, language),
        "figure": _figure(funnel, named, language),
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


def _figure(funnel: Funnel, named: list[str], language: Language) -> str:
    # Here, because a run whose chain has no funnel need not load matplotlib.
    from retention_models.pages.chain.figures import funnel_plot
    from retention_models.pages.svg import as_svg

    axes = funnel_plot(funnel, named, language.text("apart.rate_axis"), say=language)
    drawn = axes.get_figure(root=True)
    assert drawn is not None  # it was drawn on a figure of its own
    return base64.b64encode(as_svg(drawn, language).encode()).decode("ascii")
