"""Rows of a chain's page for as many stores as wanted, with numbers as metrics.json has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from conftest import STRANGE_ID

REASON = "The forecast is withheld: the model failed its check."


def rows(stores: int, *, seed: int = 7) -> list[dict[str, Any]]:
    """Ordinary stores of 20 to 4,000 customers, of which one in 50 failed and one in 60 is old.

    Store 3 has half the chain's repeat rate, and store 4 has lost half of its customers.
    """
    rng = np.random.default_rng(seed)
    return [_row(place, rng) for place in range(stores)]


def _row(place: int, rng: np.random.Generator) -> dict[str, Any]:
    name = STRANGE_ID if place == 1 else f"{place:04d} Market Street"
    row = {"name": name, "href": f"{place:04d}/store_report.html", "failure": None, "old": None}
    customers = 2000 if place in (3, 4) else int(np.exp(rng.uniform(np.log(20), np.log(4000))))
    row["metrics"] = metrics(rng, customers, 0.17 if place == 3 else 0.34, lost=place == 4)
    if place % 50 == 10:
        row |= {"metrics": None, "failure": "Its notebook took longer than 600 seconds."}
    if place % 60 == 20:
        row |= {"old": "30 December 2023", "failure": "Cell 5 failed with KeyError."}
    return row


def metrics(rng: np.random.Generator, customers: int, rate: float, *, lost: bool) -> dict[str, Any]:
    """What a store's metrics.json holds."""
    repeat = int(rng.binomial(customers, rate))
    months = rng.poisson(customers / 4, 12)
    withheld = rng.random() < 0.1

    def forecast(value: float) -> dict[str, Any]:
        if withheld:
            return {"value": None, "reason": REASON}
        return {"value": value, "low": 0.9 * value, "high": 1.1 * value}

    return {
        "first_day": "2022-01-01",
        "silent_since": None,
        "measures": {
            "customers": {"value": float(customers), "low": None, "high": None},
            "repeat_customer_rate": _with_ends(repeat / customers, 0.5 / customers**0.5),
            "spend_per_order": _with_ends(25 + rng.normal(0, 3), 2.0),
        },
        "forecast": {
            "still_customers": forecast(0.6 * customers),
            "purchases": forecast(2.2 * customers),
            "value": forecast(31.0 * customers),
        },
        "forecast_verdict": {"value": "do not use" if withheld else "usable", "reason": "-"},
        "next_quarter": forecast(7.5 * customers),
        "months": {
            "value": [
                {"month": f"2023-{m + 1:02d}", "revenue": 25.0 * n, "customers": int(n)}
                for m, n in enumerate(months)
            ]
        },
        "changes": _changes(rng, customers, lost=lost),
    }


def _with_ends(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def _changes(rng: np.random.Generator, customers: int, *, lost: bool) -> dict[str, Any]:
    half = 1.96 * (2 * customers) ** 0.5
    found = {}
    for name, before, error in (
        ("revenue", 25.0 * customers, 25.0 * half),
        ("orders", float(customers), half),
        ("customers", float(customers), half),
        ("repeat_customer_rate", 0.34, half / customers),
    ):
        change = float(np.clip(rng.normal(0, error / 1.96), -0.9 * error, 0.9 * error))
        if lost and name != "repeat_customer_rate":
            change = -before / 2
        found[name] = {
            "value": before + change,
            "value_before": before,
            "change": change,
            "low": change - error,
            "high": change + error,
            "customers": customers,
            "customers_before": customers,
            "size": abs(change) / error,
            "note": "",
        }
    return {"value": {"days": 91, "measures": found, "year": {}}}
