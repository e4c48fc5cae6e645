"""The answers at the top of a store's page: who is still with us, what changed, what to do this week."""

from __future__ import annotations

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.forecasts import StoreForecast
from retention_models.languages import count, counted, day, money, phrase, share
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.store_changes import Silence
from retention_models.store_page.english import ENGLISH
from retention_models.store_page.texts import file_of, shown, shown_change, shown_signed


def still_with_us(
    forecast: StoreForecast | str, customers: int, verdict: str, silence: Silence | None = None
) -> str:
    """How many customers are still with the store, or why that cannot be said.

    Parameters
    ----------
    forecast : StoreForecast or str
        The reason, where there is none.
    customers : int
    verdict : str
        Of the holdout, or "not checked".
    silence : Silence, optional
        Of a store that seems to have closed.
    """
    if silence is not None:
        return phrase(
            ENGLISH["still.closed"],
            day=day(silence.last_purchase),
            weeks=counted(round(silence.weeks), "week"),
            expected=counted(round(silence.expected), "purchase"),
        )
    people = counted(customers, "customer")
    if isinstance(forecast, str):
        return phrase(ENGLISH["still.none"], customers=people, reason=forecast)
    key = {"use": "still.trusted", "use with care": "still.with_care"}
    return phrase(
        ENGLISH[key.get(verdict, "still.not_checked")],
        customers=people,
        still=count(forecast.still_customers.value),
        level=share(forecast.interval),
        low=count(forecast.still_customers.low),
        high=count(forecast.still_customers.high),
    )


def kept(row: pd.Series, window: int | None) -> str:
    """How many active customers were lost in the quarter: the churn's row, and the activity window."""
    if pd.isna(row["value"]) or window is None:
        return not_kept(str(row["note"]))
    if row["customers"] < SMALLEST_GROUP:
        return phrase(ENGLISH["kept.few"], smallest=SMALLEST_GROUP)
    n = float(row["denominator"])
    return phrase(
        ENGLISH["kept"],
        active=counted(round(n), "customer"),
        lost=count(row["numerator"]),
        low=count(n * row["low"]),
        high=count(n * row["high"]),
        before=day(row["start"] - pd.Timedelta(days=1)),
        end=day(row["end"]),
        window=counted(window, "day"),
    )


def not_kept(reason: str) -> str:
    """Why it cannot be said how many were lost."""
    return phrase(ENGLISH["kept.nobody"], reason=reason)


def what_changed(
    changes: pd.DataFrame | str,
    currency: str,
    *,
    year: pd.DataFrame | str = "",
    closed: bool = False,
) -> str:
    """The change against the quarter before that stands out most, or that none does.

    Parameters
    ----------
    changes : DataFrame or str
        From `StorePage.changes`; the reason, where there is none.
    currency : str
    year : DataFrame or str
        From `StorePage.year_changes`; the reason, where there is none.
    closed : bool
        Whether the store seems to have closed.
    """
    if closed:
        return phrase(ENGLISH["change.closed"])
    if isinstance(changes, str):
        return phrase(ENGLISH["change.nothing_compared"], reason=changes)
    compared = changes.loc[changes["size"].notna()]
    if compared.empty:
        few = phrase(ENGLISH["change.few"], smallest=SMALLEST_GROUP)
        notes = [note for note in changes["note"] if note]
        return phrase(ENGLISH["change.nothing_compared"], reason=notes[0] if notes else few)
    end, looked_at = day(changes["end"].iloc[0]), len(compared)
    largest = str(compared["size"].idxmax())
    row = compared.loc[largest]
    if row["size"] <= 1.0:
        return phrase(ENGLISH["change.none"], end=end, compared=looked_at)
    texts = [_change(row, largest, end, currency)]
    texts.append(
        phrase(ENGLISH["change.chance" if looked_at > 1 else "change.only"], compared=looked_at)
    )
    texts.append(_a_year_before(year, largest, currency))
    return " ".join(texts)


def _a_year_before(year: pd.DataFrame | str, measure: str, currency: str) -> str:
    if isinstance(year, str) or pd.isna(year.loc[measure, ["change", "low", "high"]]).any():
        return phrase(ENGLISH["change.one_quarter"])
    found = {
        name: shown_signed(measure, float(year.loc[measure, name]), currency, bare=name != "change")
        for name in ("change", "low", "high")
    }
    apart = year.loc[measure, "low"] > 0 or year.loc[measure, "high"] < 0
    return phrase(ENGLISH["change.year.beyond" if apart else "change.year.within"], **found)


def _change(row: pd.Series, measure: str, end: str, currency: str) -> str:
    up = row["change"] > 0
    low, high = (row["low"], row["high"]) if up else (row["high"], row["low"])
    return phrase(
        ENGLISH[f"change.{measure}.{'up' if up else 'down'}"],
        end=end,
        now=shown(measure, row["value"], currency),
        before=shown(measure, row["value_before"], currency),
        change=shown_change(measure, row["change"], currency),
        low=shown_change(measure, low, currency),
        high=shown_change(measure, high, currency),
    )


def what_to_do(chosen: ActionList | str | None, currency: str, *, closed: bool = False) -> str:
    """The list to begin with this week: how many, what for, what is at stake, and in which file.

    Parameters
    ----------
    chosen : ActionList, str or None
        From `StorePage.list_for_the_week`; the reason, where there can be no lists.
    currency : str
    closed : bool
        Whether the store seems to have closed.
    """
    if closed:
        return phrase(ENGLISH["do.closed"])
    if isinstance(chosen, str):
        return phrase(ENGLISH["do.no_lists"], reason=chosen)
    if chosen is None:
        return phrase(ENGLISH["do.nothing"], smallest=SMALLEST_GROUP)
    places = {
        "customers": counted(len(chosen.customers), "customer"),
        "title": chosen.title,
        "action": chosen.action,
        "file": file_of(chosen),
    }
    stake = chosen.at_stake
    if stake is None:
        return phrase(ENGLISH["do.no_value"], **places)
    return phrase(
        ENGLISH["do.value"],
        **places,
        value=money(stake.value, currency),
        low=money(stake.low, currency),
        high=money(stake.high, currency),
    )
