"""A store's results as files: a row per customer, and the headline numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from retention_models import words
from retention_models.errors import CannotSay
from retention_models.predictions import Interval
from retention_models.store import Store

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_MEASURES = (
    "customers",
    "orders",
    "revenue",
    "repeat_customer_rate",
    "spend_per_order",
)
_FORECASTS = (
    "still_customers",
    "purchases",
    "active_customers",
    "value",
    "top_tenth_share",
)


def formula_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading ' where it would.

    Examples
    --------
    >>> formula_safe("=1+1"), formula_safe("0042")
    ("'=1+1", '0042')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_outputs(store: Store, folder: str | Path) -> None:
    """Write customers.csv and metrics.json.

    Parameters
    ----------
    store : Store
        The store.
    folder : str or Path
        Where to write; made where missing.

    Notes
    -----
    customers.csv holds the customer summary and, where the store's data carry a model, the columns of
    `predict_customers`; forecast_verdict says in every row how far they can be relied on.
    metrics.json holds each headline as value, low and high, or null with the reason.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    _customers(store).to_csv(target / "customers.csv", index_label="customer_id")
    (target / "metrics.json").write_text(
        json.dumps(_metrics(store), ensure_ascii=False, indent=2, allow_nan=False) + "\n",
        encoding="utf-8",
    )


def _customers(store: Store) -> pd.DataFrame:
    try:
        table = store.summary.copy()
    except CannotSay:
        return pd.DataFrame(columns=["frequency", "recency", "T", "monetary_value"])
    try:
        table = table.join(store.predictions)
        table["forecast_verdict"] = store.forecast_verdict
    except CannotSay:
        table["forecast_verdict"] = "no model"
    table.index = pd.Index([formula_safe(str(i)) for i in table.index], dtype=object)
    return table


def _metrics(store: Store) -> dict[str, object]:
    measured = {name: _attempt(_measure, store, name) for name in _MEASURES}
    forecast = {name: _attempt(_forecast, store, name) for name in _FORECASTS}
    settings = store.settings
    return {
        "store": store.id,
        "name": store.name,
        "as_of": store.observation_end.isoformat(),
        "currency": settings.money.currency,
        "horizon": words.window(settings.model.horizon, settings.model.time_unit),
        "interval": settings.model.interval,
        "measures": measured,
        "forecast": forecast,
        "forecast_verdict": _attempt(_verdict, store, "forecast_verdict"),
    }


def _attempt(
    find: Callable[[Store, str], dict[str, object]], store: Store, name: str
) -> dict[str, object]:
    try:
        return find(store, name)
    except CannotSay as refusal:
        return {"value": None, "reason": str(refusal)}


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _measure(store: Store, name: str) -> dict[str, object]:
    row = store.measures.loc[name]
    return {key: _number(row[key]) for key in ("value", "low", "high")}


def _forecast(store: Store, name: str) -> dict[str, object]:
    found: Interval | None = getattr(store.forecast, name)
    if found is None:
        _ = store.spend  # says why there is no money
        raise CannotSay("Spend could not be modelled.")
    return {"value": found.value, "low": found.low, "high": found.high}


def _verdict(store: Store, _: str) -> dict[str, object]:
    return {"value": store.holdout.verdict, "reason": store.holdout.reason}
