"""What drivers of churn are told from: purchases, experiences and attributes, by customers' places."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.contacts import Events
from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import day

FEWEST_CUSTOMERS = 20  # fewer tell nothing of a driver
SEED = 19940801  # Grambsch & Therneau; any fixed number repeats the lot
_OTHER = "other"


def days_since_1970(dates: pd.Series) -> pd.Series:
    """Whole days since 1970."""
    return (pd.to_datetime(dates) - pd.Timestamp("1970-01-01")).dt.days


def purchase_table(
    log: Transactions, store_id: str | None, end: dt.date, most: int
) -> tuple[pd.DataFrame, pd.Index]:
    """Days with a purchase of customers, drawn by lot where there are more, by place in their ids."""
    days = purchase_days(log.rows(store_id, end), returns=log.has_returns)
    found = to_frame(days.select("customer_id", "date"))
    ids = pd.Index(sorted(found["customer_id"].unique()))
    if ids.empty:
        raise CannotSay("There is no purchase up to {day}.", day=day(end))
    if ids.size > most:
        ids = ids[np.sort(np.random.default_rng(SEED).permutation(ids.size)[:most])]
    place = ids.get_indexer(found["customer_id"])
    table = pd.DataFrame({"customer": place, "day": days_since_1970(found["date"])})
    return table[table["customer"] >= 0].drop_duplicates(), ids


def event_table(
    events: Events | None, ids: pd.Index, store_id: str | None, end: dt.date
) -> pd.DataFrame:
    """Events of these customers up to a day, at this store or at none: customer, day, kind, measure."""
    if events is None:
        none = pd.DataFrame({"customer": [], "day": [], "kind": [], "measure": []})
        return none.astype({"day": "int64", "measure": float})
    table = events.table.filter(events.table["date"] <= end)
    if store_id is not None:
        here = table["store_id"].isnull() | (table["store_id"] == store_id)
        table = table.filter(here)
    measured = [name for name in ("measure",) if name in table.columns]
    found = to_frame(table.select("customer_id", "date", "kind", *measured))
    told = pd.DataFrame(
        {
            "customer": ids.get_indexer(found["customer_id"]),
            "day": days_since_1970(found["date"]),
            "kind": found["kind"].str.lower(),
            "measure": found["measure"].astype(float) if measured else np.nan,
        }
    )
    return told[told["customer"] >= 0].drop_duplicates()


def kinds_asked(told: pd.DataFrame, kinds: Sequence[str] | None) -> list[str]:
    """Kinds that are looked at, in lower case."""
    known = sorted(told["kind"].unique())
    if kinds is None:
        return known
    named = list(dict.fromkeys(kind.lower() for kind in kinds))
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise SettingsError(
            f"kinds: no event of these customers is a {', '.join(unknown)}; there are: "
            f"{', '.join(known) or 'none'}."
        )
    return named


def check_lot(by_lot: Sequence[str], kinds: list[str], attributes: pd.DataFrame | None) -> None:
    """Refuse a lot of what is not looked at."""
    known = {*kinds, *([] if attributes is None else map(str, attributes.columns))}
    unknown = sorted(set(by_lot) - known)
    if unknown:
        raise SettingsError(
            f"by_lot: {', '.join(unknown)} is neither a kind of event nor an attribute that is looked "
            f"at; these are: {', '.join(sorted(known))}."
        )


def levels_of(attributes: pd.DataFrame | None, ids: pd.Index) -> pd.DataFrame:
    """Attributes as numbers, a row for each customer; text by its levels against the most frequent."""
    if attributes is None:
        return pd.DataFrame(index=range(ids.size))
    if not attributes.index.is_unique:
        raise SettingsError("attributes: expected one row for each customer; some have several.")
    found = attributes.set_axis(attributes.index.astype(str)).reindex(ids)
    columns: dict[str, NDArray[np.float64]] = {}
    for name, values in found.items():
        if pd.api.types.is_numeric_dtype(values.dtype):
            if values.isna().any():
                raise SettingsError(
                    f"attributes: {name} is not known of {int(values.isna().sum()):,} customers; give "
                    "a number for each, or text, in which what is missing is a level."
                )
            columns[str(name)] = values.to_numpy(dtype=float)
            continue
        text = values.astype("string").fillna("not given")
        sizes = text.value_counts()
        text = text.where(text.map(sizes) >= FEWEST_CUSTOMERS, _OTHER)
        for level in text.value_counts().index[1:]:
            columns[f"{name}: {level}"] = (text == level).to_numpy(dtype=float)
    return pd.DataFrame(columns, index=range(ids.size))


def steps_of(
    told: pd.DataFrame, kinds: Sequence[str], steps: Mapping[str, float] | None
) -> dict[str, float]:
    """The kinds that count by their measure, and the step that a ratio is for.

    Of each kind whose every event has a measure it is 1 unless given.
    """
    given = {kind.lower(): float(step) for kind, step in (steps or {}).items()}
    unknown = sorted(set(given) - set(kinds))
    if unknown:
        raise SettingsError(
            f"steps: {', '.join(unknown)} is no kind of event that is looked at; these are: "
            f"{', '.join(kinds) or 'none'}."
        )
    none = told["measure"].isna().groupby(told["kind"]).sum()
    for kind, step in given.items():
        if not 0.0 < step < np.inf:
            raise SettingsError(f"steps: expected a number above 0 for {kind}; got {step!r}.")
        if none[kind]:
            raise SettingsError(
                f"steps: {int(none[kind]):,} events of the kind {kind} have no measure; name its "
                "column in read_events (measure), or leave the kind out of steps."
            )
    return {kind: given.get(kind, 1.0) for kind in kinds if not none[kind]}


def in_steps(told: pd.DataFrame, steps: Mapping[str, float]) -> pd.DataFrame:
    """Events with their measures in steps."""
    return told.assign(measure=told["measure"] / told["kind"].map(steps).fillna(1.0))
