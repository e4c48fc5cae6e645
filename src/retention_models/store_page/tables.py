"""Tables and cards of a store's page, as ready text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.errors import CannotSay
from retention_models.languages import money, number
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.measures.words import definition, label
from retention_models.predictions import Interval
from retention_models.settings import Money
from retention_models.store_page.english import ENGLISH
from retention_models.store_page.texts import file_of, shown, shown_signed

HEADLINES = ("customers", "repeat_customer_rate", "retention_rate", "spend_per_order")
_OF_BUYERS = {"customers", "repeat_customer_rate", "spend_per_order"}
# Every measure that the page shows.
DEFINED = (
    *("customers", "orders", "revenue", "repeat_customer_rate", "purchase_frequency"),
    *("spend_per_order", "sales_per_customer", "retention_rate", "churn_rate"),
    *("annual_churn_rate", "historic_clv", "net_promoter_score", "satisfaction"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A headline figure: what it is, its value, its interval or why there is none, and its change."""

    title: str
    value: str
    range: str
    change: str


def measured_cards(
    quarter: pd.DataFrame,
    changes: pd.DataFrame | str,
    currency: str,
    words: Mapping[str, str] = ENGLISH,
) -> list[Card]:
    """Cards of what was measured in the last quarter.

    Parameters
    ----------
    quarter : DataFrame
        From `StorePage.quarter`.
    changes : DataFrame or str
        From `StorePage.changes`; the reason, where there are none.
    currency : str
    words : mapping
        The language.
    """
    cards = []
    for measure in HEADLINES:
        row = quarter.loc[measure]
        if row["customers"] == 0 and measure in _OF_BUYERS:
            value = words["card.none"] if measure != "customers" else "0"
            cards.append(Card(label(measure), value, words["card.nobody"], ""))
            continue
        if row["customers"] < SMALLEST_GROUP:
            few = words["card.few"].format(smallest=SMALLEST_GROUP)
            cards.append(Card(label(measure), words["card.none"], few, ""))
            continue
        if pd.isna(row["value"]):
            cards.append(Card(label(measure), words["card.none"], str(row["note"]), ""))
            continue
        ends = str(row["note"])
        if pd.notna(row["low"]):
            low, high = (shown(measure, row[end], currency) for end in ("low", "high"))
            ends = words["card.range"].format(low=low, high=high)
        moved = changes if isinstance(changes, str) else _moved(measure, changes, currency, words)
        cards.append(Card(label(measure), shown(measure, row["value"], currency), ends, moved))
    return cards


def _moved(measure: str, changes: pd.DataFrame, currency: str, words: Mapping[str, str]) -> str:
    row = changes.loc[measure]
    if pd.isna(row["change"]) or pd.isna(row["low"]):
        return str(row["note"])
    apart = row["low"] > 0 or row["high"] < 0
    key = "card.up" if row["change"] > 0 else "card.down"
    if not row["size"] > 1.0:
        key = "card.one_of_several" if apart else "card.unclear"
    ends = {end: shown_signed(measure, row[end], currency, bare=True) for end in ("low", "high")}
    return words[key].format(
        change=shown_signed(measure, row["change"], currency),
        compared=int(changes["size"].notna().sum()),
        **ends,
    )


def expected_cards(
    totals: Mapping[str, Interval | str], currency: str, words: Mapping[str, str] = ENGLISH
) -> list[Card]:
    """Cards of what the model expects.

    Parameters
    ----------
    totals : mapping
        "alive" (a share), "purchases" and "value", each with its interval, or the reason why there
        is none.
    currency : str
    words : mapping
        The language.
    """
    say = {
        "alive": lambda value: f"{value:.0%}",
        "purchases": lambda value: f"{value:,.0f}",
        "value": lambda value: money(value, currency),
    }
    cards: list[Card] = []
    for name, total in totals.items():
        title = words[f"card.{name}"]
        if isinstance(total, str):
            again = any(card.range == total for card in cards)
            cards.append(
                Card(title, words["card.none"], words["card.same"] if again else total, "")
            )
            continue
        low, high = (say[name](end) for end in (total.low, total.high))
        ends = words["card.range"].format(low=low, high=high)
        cards.append(Card(title, say[name](total.value), ends, words["card.expected"]))
    return cards


def lists(
    found: Mapping[str, ActionList], currency: str, level: float, words: Mapping[str, str] = ENGLISH
) -> pd.DataFrame:
    """Lists of customers: how many, what is at stake, what to do, and the file, as text.

    Raises
    ------
    CannotSay
        If nobody is on any list.
    """
    rows = {}
    for one in found.values():
        n = len(one.customers)
        if one.refusal or not n:
            continue
        few = n < SMALLEST_GROUP
        stake = words["lists.few_stake" if few else "lists.not_said"]
        if one.at_stake is not None and not few:
            value, low, high = (
                number(end) for end in (one.at_stake.value, one.at_stake.low, one.at_stake.high)
            )
            stake = words["lists.stake"].format(value=value, low=low, high=high)
        count = words["lists.few"].format(smallest=SMALLEST_GROUP) if few else f"{n:,}"
        rows[one.title] = (count, stake, one.action, file_of(one))
    if not rows:
        raise CannotSay(words["lists.nobody"])
    columns = ["Customers", f"At stake, {currency} ({level:.0%} interval)", "What to do", "File"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame.index.name = "List"
    return frame


def worth(
    modelled: Interval, rule: pd.Series, terms: Money, horizon: str, level: float
) -> pd.DataFrame:
    """What a customer is worth by the model and by the rule of thumb, as text."""
    rows = {
        f"Modelled: margin, discounted, next {horizon}": (
            money(modelled.value, terms.currency),
            f"{money(modelled.low, terms.currency)} to {money(modelled.high, terms.currency)} "
            f"({level:.0%})",
        )
    }
    for name, factor in (
        ("Rule of thumb: revenue, looking back", 1.0),
        (f"Rule of thumb at a margin of {terms.margin:.0%}", terms.margin),
    ):
        low, high = (money(factor * float(rule[end]), terms.currency) for end in ("low", "high"))
        value = money(factor * float(rule["value"]), terms.currency)
        rows[name] = (value, f"{low} to {high} (95%)" if pd.notna(rule["low"]) else rule["note"])
    if pd.isna(rule["value"]):
        rows = {name: row for name, row in rows.items() if name.startswith("Modelled")}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["Per customer", "Interval"])
    frame.index.name = "Lifetime value"
    return frame


def definitions(measures: Sequence[str], words: Mapping[str, str] = ENGLISH) -> pd.DataFrame:
    """What each figure of the page is, in a line."""
    rows = {label(measure): definition(measure) for measure in measures}
    rows |= {words[f"card.{name}"]: words[f"define.{name}"] for name in ("alive", "purchases")}
    rows |= {words["card.value"]: words["define.value"], words["card.stake"]: words["define.stake"]}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["What it is"])
    frame.index.name = "Figure"
    return frame
