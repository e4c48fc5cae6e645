"""The answers at the top of a store's page: who is still with us, what changed, what to do this week."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.forecasts import StoreForecast
from retention_models.languages import counted, day, money
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.predictions import Interval
from retention_models.store_changes import Silence
from retention_models.store_page.english import ENGLISH
from retention_models.store_page.texts import file_of, shown, shown_change, shown_signed
from retention_models.words import between


def still_with_us(
    forecast: StoreForecast | str,
    customers: int,
    verdict: str,
    silence: Silence | None = None,
    words: Mapping[str, str] = ENGLISH,
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
    words : mapping
        The language.
    """
    if silence is not None:
        return words["still.closed"].format(
            day=day(silence.last_purchase),
            weeks=counted(round(silence.weeks), "week"),
            expected=counted(round(silence.expected), "purchase"),
        )
    people = counted(customers, "customer")
    if isinstance(forecast, str):
        return words["still.none"].format(customers=people, reason=forecast)
    key = {"use": "still.trusted", "use with care": "still.with_care"}
    return words[key.get(verdict, "still.not_checked")].format(
        customers=people,
        still=f"{forecast.still_customers.value:,.0f}",
        level=f"{forecast.interval:.0%}",
        **_ends(forecast.still_customers),
    )


def kept(row: pd.Series, window: int | None, words: Mapping[str, str] = ENGLISH) -> str:
    """How many active customers were lost in the quarter: the churn's row, and the activity window."""
    if pd.isna(row["value"]) or window is None:
        return not_kept(str(row["note"]), words)
    if row["customers"] < SMALLEST_GROUP:
        return words["kept.few"].format(smallest=SMALLEST_GROUP)
    n = float(row["denominator"])
    return words["kept"].format(
        active=counted(round(n), "customer"),
        lost=f"{row['numerator']:,.0f}",
        low=f"{n * row['low']:,.0f}",
        high=f"{n * row['high']:,.0f}",
        before=day(row["start"] - pd.Timedelta(days=1)),
        end=day(row["end"]),
        window=counted(window, "day"),
    )


def not_kept(reason: str, words: Mapping[str, str] = ENGLISH) -> str:
    """Why it cannot be said how many were lost."""
    return words["kept.nobody"].format(reason=reason)


def what_changed(
    changes: pd.DataFrame | str,
    currency: str,
    *,
    year: pd.DataFrame | str = "",
    closed: bool = False,
    words: Mapping[str, str] = ENGLISH,
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
    words : mapping
        The language.
    """
    if closed:
        return words["change.closed"]
    if isinstance(changes, str):
        return words["change.nothing_compared"].format(reason=changes)
    compared = changes.loc[changes["size"].notna()]
    if compared.empty:
        few = words["change.few"].format(smallest=SMALLEST_GROUP)
        notes = [note for note in changes["note"] if note]
        return words["change.nothing_compared"].format(reason=notes[0] if notes else few)
    end, count = day(changes["end"].iloc[0]), len(compared)
    largest = str(compared["size"].idxmax())
    row = compared.loc[largest]
    if row["size"] <= 1.0:
        return words["change.none"].format(end=end, compared=count)
    texts = [_change(row, largest, end, currency, words)]
    texts.append(words["change.chance" if count > 1 else "change.only"].format(compared=count))
    texts.append(_a_year_before(year, largest, currency, words))
    return " ".join(texts)


def _a_year_before(
    year: pd.DataFrame | str, measure: str, currency: str, words: Mapping[str, str]
) -> str:
    if isinstance(year, str) or pd.isna(year.loc[measure, ["change", "low", "high"]]).any():
        return words["change.one_quarter"]
    found = {
        name: shown_signed(measure, float(year.loc[measure, name]), currency, bare=name != "change")
        for name in ("change", "low", "high")
    }
    apart = year.loc[measure, "low"] > 0 or year.loc[measure, "high"] < 0
    return words["change.year.beyond" if apart else "change.year.within"].format(**found)


def _change(row: pd.Series, measure: str, end: str, currency: str, words: Mapping[str, str]) -> str:
    up = row["change"] > 0
    low, high = (row["low"], row["high"]) if up else (row["high"], row["low"])
    return words[f"change.{measure}.{'up' if up else 'down'}"].format(
        end=end,
        now=shown(measure, row["value"], currency),
        before=shown(measure, row["value_before"], currency),
        change=shown_change(measure, row["change"], currency),
        low=shown_change(measure, low, currency),
        high=shown_change(measure, high, currency),
    )


def what_to_do(
    chosen: ActionList | str | None,
    currency: str,
    *,
    closed: bool = False,
    words: Mapping[str, str] = ENGLISH,
) -> str:
    """The list to begin with this week: how many, what for, what is at stake, and in which file.

    Parameters
    ----------
    chosen : ActionList, str or None
        From `StorePage.list_for_the_week`; the reason, where there can be no lists.
    currency : str
    closed : bool
        Whether the store seems to have closed.
    words : mapping
        The language.
    """
    if closed:
        return words["do.closed"]
    if isinstance(chosen, str):
        return words["do.no_lists"].format(reason=chosen)
    if chosen is None:
        return words["do.nothing"].format(smallest=SMALLEST_GROUP)
    places = {
        "customers": counted(len(chosen.customers), "customer"),
        "title": chosen.title,
        "action": chosen.action,
        "file": file_of(chosen),
    }
    stake = chosen.at_stake
    if stake is None:
        return words["do.no_value"].format(**places)
    return words["do.value"].format(
        **places,
        value=money(stake.value, currency),
        low=money(stake.low, currency),
        high=money(stake.high, currency),
    )


def _ends(interval: Interval) -> dict[str, str]:
    low, high = between(interval).split(" to ")
    return {"low": low, "high": high}
