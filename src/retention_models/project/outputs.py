"""Results of a store as files: tables, lists, and the headline numbers as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.data.spreadsheets import formula_safe
from retention_models.errors import CannotSay
from retention_models.languages import duration, phrase
from retention_models.levels import Interval
from retention_models.measures.recent import QUARTER, RecentActivity
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.project.json_texts import json_text
from retention_models.project.list_headers import with_heads
from retention_models.project.lots import ASSIGNMENTS, as_parquet
from retention_models.project.store import Store
from retention_models.project.workbook import WORKBOOK, write_workbook
from retention_models.settings.actions import LIST_NAMES, ListName
from retention_models.time_units import days_in

_MEASURES = (
    "customers",
    "orders",
    "revenue",
    "repeat_customer_rate",
    "spend_per_order",
)
_IN_CENTS = (
    "monetary_value",
    "expected_spend",
    "clv",
    "at_stake",
)  # beginnings of columns of money
_FORECASTS = (
    "still_customers",
    "purchases",
    "active_customers",
    "value",
    "top_tenth_share",
)


def write_outputs(store: Store, folder: str | Path) -> None:
    """Write customers.csv, metrics.json, and the lists of actions.

    Parameters
    ----------
    store : Store
        The store.
    folder : str or Path
        Where to write; made where missing.

    Notes
    -----
    customers.csv holds each customer's last day, the customer summary and, where the store's data carry
    a model, the columns of `predict_customers`; forecast_verdict says in every row how far they can be
    relied on, and where it says "do not use" they are empty. CSV files begin with the mark by which
    spreadsheets know UTF-8, and hold amounts to the cent and other numbers to four decimals.
    call_tomorrow.csv holds the customers with most to save, the most first; lists.xlsx holds them and
    every list that has somebody on it, a sheet each, with ids as text. With translated_headers of
    [reports] the columns of these and of the lists as CSV have heads in the pages' language.
    metrics.json holds each headline as value, low and high, or null with the reason; the verdicts on the
    forecast and on its value in money, with what the weeks held out brought; under "still_customers"
    how many have not left, "of" the customers of whom the model can tell; under "months" the
    revenue, customers and orders of the last twelve, under "changes" what changed between the last
    quarter and the one before, and the same of a year before (above a `size` of 1 by more than chance),
    and under "next_quarter" the margin that the next 13 weeks should bring.
    actions/ holds each list as CSV, for a spreadsheet, and as Parquet, with texts as they are; a list
    that there cannot be has no file, and its reason in metrics.json. Where lists test themselves, a
    list's file holds those to contact alone, with their arm, and actions/assignments.parquet the lots of
    all, those left out too.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-01-12")
    ...     rm.write_outputs(store, Path(folder) / "out")
    ...     print(Path(folder, "out", "metrics.json").exists())
    True
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write_csv(_customers(store).reset_index(names="customer_id"), target / "customers.csv")
    (target / "metrics.json").write_text(
        json_text(_metrics(store), indent=2) + "\n", encoding="utf-8"
    )
    lists = _write_actions(store, target / "actions")
    calls = _calls(store)
    _write_calls(store, calls, target / "call_tomorrow.csv")
    _write_workbook(store, calls, lists, target / WORKBOOK)


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """No more digits than anyone uses."""
    found = table.copy()
    for name, kind in table.dtypes.items():
        if pd.api.types.is_float_dtype(kind):
            found[name] = table[name].round(2 if str(name).startswith(_IN_CENTS) else 4)
    return found


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """CSV that Excel opens as it is, with its mark of UTF-8."""
    _write_rounded(_rounded(table), path)


def _write_rounded(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, encoding="utf-8-sig")


def _calls(store: Store) -> pd.DataFrame | None:
    """Whom to call tomorrow, in order, rounded; None where that cannot be said."""
    try:
        store.require_customers()
        table = store.to_call.customers.reset_index(names="customer_id")
    except CannotSay:
        return None
    return _rounded(table.assign(last_day=table["last_day"].dt.date))


def _headed(store: Store, table: pd.DataFrame) -> pd.DataFrame:
    """A list as its columns are to be called, by the project file."""
    settings = store.settings
    if not settings.reports.translated_headers:
        return table
    return with_heads(table, settings.money.currency)


def _write_calls(store: Store, calls: pd.DataFrame | None, path: Path) -> None:
    if calls is None:
        path.unlink(missing_ok=True)  # of an earlier run: it would pass for today's
        return
    safe = [formula_safe(str(one)) for one in calls["customer_id"]]
    _write_rounded(_headed(store, calls.assign(customer_id=safe)), path)


def _write_workbook(
    store: Store, calls: pd.DataFrame | None, lists: dict[str, pd.DataFrame], path: Path
) -> None:
    """The call list and the lists, by title, of those that hold somebody; no file without any."""
    called = {} if calls is None else {phrase("Call tomorrow"): calls}
    held = {title: table for title, table in (called | lists).items() if len(table)}
    sheets = {title: _headed(store, table) for title, table in held.items()}
    if sheets:
        write_workbook(sheets, path)
    else:
        path.unlink(missing_ok=True)


def _write_actions(store: Store, folder: Path) -> dict[str, pd.DataFrame]:
    """Write the lists; each that there can be by its title, rounded."""
    lists, shown = _actions(store), {}
    folder.mkdir(exist_ok=True)
    for name in LIST_NAMES:
        paths = folder / f"{name}.csv", folder / f"{name}.parquet"
        if name not in lists or lists[name].refusal:
            for path in paths:
                path.unlink(missing_ok=True)  # of an earlier run: it would pass for today's
            continue
        table = lists[name].customers.reset_index()
        table["last_day"] = table["last_day"].astype("date32[pyarrow]")
        table.to_parquet(paths[1], index=False)
        rounded = shown[lists[name].title] = _rounded(table)
        safe = {
            column: [formula_safe(str(text)) for text in rounded[column]]
            for column in ("customer_id", "action", "why")
        }
        _write_rounded(_headed(store, rounded.assign(**safe)), paths[0])
    _write_lots(lists, folder)
    return shown


def _write_lots(lists: dict[ListName, ActionList], folder: Path) -> None:
    """Today's lots of all lists, both arms, each once; no file where no list tests itself."""
    drawn = [one.assigned for one in lists.values() if len(one.assigned)]
    path = folder / ASSIGNMENTS
    if not drawn:
        path.unlink(missing_ok=True)  # of an earlier run: it would pass for today's
        return
    # The lots of all lists together are with each list that has the customer.
    path.write_bytes(as_parquet(pd.concat(drawn).drop_duplicates(ignore_index=True)))


def _actions(store: Store) -> dict[ListName, ActionList]:
    try:
        return store.actions
    except CannotSay:
        return {}  # metrics.json says why


def _customers(store: Store) -> pd.DataFrame:
    try:
        table = store.summary.copy()
    except CannotSay:
        return pd.DataFrame(columns=["last_day", "frequency", "recency", "T", "monetary_value"])
    silent = ((table["T"] - table["recency"]) * days_in(store.settings.model.time_unit)).round()
    last = pd.Timestamp(store.observation_end) - pd.to_timedelta(silent, unit="D")
    table.insert(0, "last_day", last.dt.date)
    try:
        found, verdict = store.predictions, store.forecast_verdict
        # What is withheld from the page is withheld from its files.
        table = table.join(found.astype(float) * np.nan if verdict == "do not use" else found)
        table["forecast_verdict"] = verdict
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
        "horizon": duration(settings.model.horizon, settings.model.time_unit),
        "interval": settings.model.interval,
        "measures": measured,
        "forecast": forecast,
        "forecast_verdict": _attempt(_verdict, store, "forecast_verdict"),
        "value_verdict": _attempt(_value_verdict, store, "value_verdict"),
        "next_quarter": _attempt(_next_quarter, store, "next_quarter"),
        "actions": {name: _attempt(_action, store, name) for name in LIST_NAMES},
        **_recent(store),
    }


def _recent(store: Store) -> dict[str, object]:
    """The store's first day, its last months and its changes, for the chain's page."""
    try:
        _ = store.measures  # says why there can be no numbers
        found = store.recent
    except CannotSay as refusal:
        nothing = {"value": None, "reason": str(refusal)}
        return {"first_day": None, "silent_since": None, "months": nothing, "changes": nothing}
    silence = store.silence
    return {
        "first_day": store.first_day.isoformat(),
        "silent_since": None if silence is None else silence.last_purchase.isoformat(),
        "months": {"value": _months(found)},
        "changes": {"value": changes_content(found, store.first_day, store.closed)},
    }


def changes_content(
    found: RecentActivity, opened: dt.date, closed: Collection[dt.date] = ()
) -> dict[str, object]:
    """What changed of late at a store that opened on a day, as metrics.json holds it."""
    return {
        "days": QUARTER,
        "measures": _changes(found.changes(opened, closed=closed)),
        "year": _changes(found.changes(opened, year=True, closed=closed)),
    }


def _months(found: RecentActivity) -> list[dict[str, object]]:
    return [
        {
            "month": f"{start:%Y-%m}",
            "revenue": _number(row["revenue"]),
            "customers": _count(row["customers"]),
            "orders": _count(row["orders"]),
        }
        for start, row in found.months.iterrows()
    ]


_CHANGED = (
    "value",
    "value_before",
    "change",
    "low",
    "high",
    "customers",
    "customers_before",
    "size",
)


def _changes(table: pd.DataFrame) -> dict[str, object]:
    """What was compared, by measure; nothing at all of a quarter of fewer than five customers."""
    few = table["customers"].between(1, SMALLEST_GROUP - 1)
    return {
        str(name): {column: None if few[name] else _number(row[column]) for column in _CHANGED}
        | {"note": str(row["note"])}
        for name, row in table.iterrows()
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


def _count(value: float) -> int | None:
    return None if pd.isna(value) else int(value)


def _measure(store: Store, name: str) -> dict[str, object]:
    row = store.measures.loc[name]
    return {key: _number(row[key]) for key in ("value", "low", "high")}


def _forecast(store: Store, name: str) -> dict[str, object]:
    if name == "still_customers":  # as the page says it, with how many they are of
        still = store.still_told
        ends = {"value": still.value, "low": still.low, "high": still.high}
        return {**ends, "of": len(store.alive_told)}
    found: Interval | None = getattr(store.forecast, name)
    if found is None:
        _ = store.money  # says why there is none
        raise CannotSay("Spend could not be modelled.")
    return {"value": found.value, "low": found.low, "high": found.high}


def _next_quarter(store: Store, _: str) -> dict[str, object]:
    """The margin of the next 13 weeks."""
    store.require_customers()
    found = store.quarter_margin
    return {"value": found.value, "low": found.low, "high": found.high}


def _action(store: Store, name: str) -> dict[str, object]:
    found = store.actions[name]  # type: ignore[index]
    if found.refusal:
        raise CannotSay(found.refusal)
    total = found.at_stake
    stake: dict[str, object] = {"value": None, "reason": found.no_value}
    if total is not None:
        stake = {"value": total.value, "low": total.low, "high": total.high, "means": found.means}
    test: dict[str, object] = {"held_out": len(found.held_out), "reason": found.no_test}
    return {
        "value": len(found.customers),
        "action": found.action,
        "at_stake": stake,
        "test": test,
    }


def _verdict(store: Store, _: str) -> dict[str, object]:
    return {"value": store.holdout.verdict, "reason": store.holdout.reason}


def _value_verdict(store: Store, _: str) -> dict[str, object]:
    """How value held on the holdout, beside what the period before would have given."""
    found = store.holdout.value
    if found is None:
        raise CannotSay("There is no spend model of the weeks before, so value was not checked.")
    total = found.total
    return {
        "value": found.verdict,
        "reason": found.reason,
        "expected": {"value": total.value, "low": total.low, "high": total.high},
        "came": found.actual,
        "period_before": found.repeated,
    }
