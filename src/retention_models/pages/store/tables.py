"""Tables and cards of a store's page, and the short texts in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.actions.to_call import CallList
from retention_models.errors import CannotSay
from retention_models.languages import count, decimals, money, number, phrase, plural, share, spoken
from retention_models.levels import Interval
from retention_models.measures.definitions import definition, label
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.store.sentences import ENGLISH
from retention_models.settings.project import Money

_MONEY = {"spend_per_order", "revenue"}
_COUNTED = {"customers", "orders"}
_SHARES = {"repeat_customer_rate", "retention_rate"}


def shown(measure: str, value: float, currency: str) -> str:
    """A measure's value as text."""
    if measure in _MONEY:
        return money(value, currency)
    if measure in _SHARES:
        return share(value)
    return count(value) if measure in _COUNTED else number(value)


def evenly(*values: float) -> list[str]:
    """Amounts with as many digits as each other: whole ones, or cents where all are small."""
    digits = 0 if max(map(abs, values)) >= 100 else 2
    return [decimals(value, digits) for value in values]


def shown_change(measure: str, change: float, currency: str) -> str:
    """The size of a change as text; that of a share in points."""
    return _with_unit(measure, _bare(measure, abs(change)), abs(change), currency)


def file_of(one: ActionList) -> str:
    """The list's file, from the page's folder."""
    return f"actions/{one.name}.csv"


def shown_signed(measure: str, change: float, currency: str, *, bare: bool = False) -> str:
    """A change with its sign; without its unit where it is `bare`."""
    size = abs(change)
    text = f"{'−' if change < 0 else '+'}{_bare(measure, size)}"
    return text if bare else _with_unit(measure, text, size, currency)


def _bare(measure: str, size: float) -> str:
    if measure in _SHARES:
        return count(_points(size))
    if measure in _MONEY:
        return decimals(size, 0 if size >= 100 else 2)
    return count(size) if measure in _COUNTED else number(size)


def _with_unit(measure: str, text: str, size: float, currency: str) -> str:
    if measure in _SHARES:
        return plural("{n} point", "{n} points", _points(size), n=text)
    return spoken().text("amount", amount=text, currency=currency) if measure in _MONEY else text


def _points(size: float) -> int:
    return round(100 * size)


HEADLINES = (
    *("revenue", "orders", "customers", "repeat_customer_rate", "retention_rate"),
    *("purchase_frequency", "spend_per_order"),
)
_OF_BUYERS = {*HEADLINES} - {"retention_rate"}
_COUNTS = {"revenue", "orders", "customers"}  # of nobody they are 0
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


def measured_cards(quarter: pd.DataFrame, changes: pd.DataFrame | str, currency: str) -> list[Card]:
    """Cards of what was measured in the last quarter; for `changes`, the reason where there are none."""
    cards = []
    for measure in HEADLINES:
        row = quarter.loc[measure]
        if row["customers"] == 0 and measure in _OF_BUYERS:
            value = count(0) if measure in _COUNTS else phrase(ENGLISH["card.none"])
            cards.append(Card(label(measure), value, phrase("Nobody bought."), ""))
            continue
        if row["customers"] < SMALLEST_GROUP:
            few = phrase("Fewer than {smallest} customers, so not shown.", smallest=SMALLEST_GROUP)
            cards.append(Card(label(measure), phrase(ENGLISH["card.none"]), few, ""))
            continue
        if pd.isna(row["value"]):
            cards.append(Card(label(measure), phrase(ENGLISH["card.none"]), str(row["note"]), ""))
            continue
        ends = str(row["note"])
        if pd.notna(row["low"]):
            low, high = (shown(measure, row[end], currency) for end in ("low", "high"))
            if measure in _MONEY:
                low, high = evenly(row["low"], row["high"])
            ends = phrase(ENGLISH["card.range"], low=low, high=high)
        moved = changes if isinstance(changes, str) else _moved(measure, changes, currency)
        cards.append(Card(label(measure), shown(measure, row["value"], currency), ends, moved))
    return cards


def _moved(measure: str, changes: pd.DataFrame, currency: str) -> str:
    row = changes.loc[measure]
    if pd.isna(row["change"]) or pd.isna(row["low"]):
        return str(row["note"])
    apart = row["low"] > 0 or row["high"] < 0
    key = "card.up" if row["change"] > 0 else "card.down"
    if not row["size"] > 1.0:
        key = "card.one_of_several" if apart else "card.unclear"
    ends = {end: shown_signed(measure, row[end], currency, bare=True) for end in ("low", "high")}
    return phrase(
        ENGLISH[key],
        change=shown_signed(measure, row["change"], currency),
        compared=int(changes["size"].notna().sum()),
        **ends,
    )


def expected_cards(totals: Mapping[str, Interval | str], currency: str) -> list[Card]:
    """Cards of "alive" (a share), "purchases" and "value", each with its interval, or its reason."""
    say = {
        "alive": share,
        "purchases": count,
        "value": lambda value: money(value, currency),
    }
    cards: list[Card] = []
    for name, total in totals.items():
        title = phrase(ENGLISH[f"card.{name}"])
        if isinstance(total, str):
            again = any(card.range == total for card in cards)
            cards.append(
                Card(
                    title,
                    phrase(ENGLISH["card.none"]),
                    phrase("For the same reason.") if again else total,
                    "",
                )
            )
            continue
        low, high = (say[name](end) for end in (total.low, total.high))
        ends = phrase(ENGLISH["card.range"], low=low, high=high)
        cards.append(
            Card(
                title,
                say[name](total.value),
                ends,
                phrase("Expected, not measured, so without a change."),
            )
        )
    return cards


def to_call(found: CallList, currency: str) -> pd.DataFrame:
    """The customers to call as text: usual gap, days silent, and at risk; refused for none."""
    table = found.customers
    if table.empty:
        raise CannotSay("Nobody is silent for longer than is usual for them.")
    risks = evenly(*table["at_stake"])
    return pd.DataFrame(
        {
            phrase("Usual gap, days"): [count(max(1.0, gap)) for gap in table["usual_gap"]],
            phrase("Silent, days"): [count(days) for days in table["days_silent"]],
            phrase("At risk, {currency}", currency=currency): risks,
        },
        index=pd.Index(table.index.astype(str), name=phrase("Customer")),
    )


def lists(found: Mapping[str, ActionList], currency: str) -> pd.DataFrame:
    """Lists of five customers or more as text: how many, at stake, and the file; refused for none."""
    rows = {}
    for one in _shown_lists(found):
        stake = phrase(ENGLISH["lists.not_said"])
        if one.at_stake is not None:
            stake = count(one.at_stake.value)
        rows[one.title] = (count(len(one.customers)), stake, file_of(one))
    at_stake = phrase("At stake, {currency}", currency=currency)
    columns = [phrase("Customers"), at_stake, phrase("File")]
    return _of_lists(rows, columns)


def what_to_do(found: Mapping[str, ActionList], currency: str, level: float) -> pd.DataFrame:
    """What to do with each list of five customers or more, and at stake with its interval, as text."""
    rows = {}
    for one in _shown_lists(found):
        stake = phrase(ENGLISH["lists.not_said"])
        if one.at_stake is not None:
            value, low, high = evenly(one.at_stake.value, one.at_stake.low, one.at_stake.high)
            stake = phrase("{value} ({low} to {high})", value=value, low=low, high=high)
        rows[one.title] = (stake, one.action)
    at_stake = phrase(
        "At stake, {currency} ({level} interval)", currency=currency, level=share(level)
    )
    return _of_lists(rows, [at_stake, phrase("What to do")])


def _shown_lists(found: Mapping[str, ActionList]) -> list[ActionList]:
    """Lists whose count tells of no single person."""
    return [
        one for one in found.values() if not one.refusal and len(one.customers) >= SMALLEST_GROUP
    ]


def _of_lists(rows: Mapping[str, tuple[str, ...]], columns: list[str]) -> pd.DataFrame:
    if not rows:
        raise CannotSay("No list has {smallest} customers or more today.", smallest=SMALLEST_GROUP)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame.index.name = phrase("List")
    return frame


def worth(
    modelled: Interval, rule: pd.Series, terms: Money, horizon: str, level: float
) -> pd.DataFrame:
    """What a customer is worth by the model and by the rule of thumb, as text."""
    name = phrase("Modelled: margin, discounted, next {horizon}", horizon=horizon)
    rows = {name: _amounts(modelled.value, modelled.low, modelled.high, level, terms.currency)}
    by_rule = {
        phrase("Rule of thumb: revenue, looking back"): 1.0,
        phrase("Rule of thumb at a margin of {margin}", margin=share(terms.margin)): terms.margin,
    }
    for name, factor in by_rule.items() if pd.notna(rule["value"]) else ():
        value, low, high = (factor * float(rule[end]) for end in ("value", "low", "high"))
        amount, ends = _amounts(value, low, high, 0.95, terms.currency)
        rows[name] = (amount, ends if pd.notna(low) else rule["note"])
    columns = [phrase("Per customer"), phrase("Interval")]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame.index.name = phrase("Lifetime value")
    return frame


def _amounts(value: float, low: float, high: float, level: float, currency: str) -> tuple[str, str]:
    said, lower, upper = evenly(value, low, high) if pd.notna(low) else (*evenly(value), "", "")
    ends = phrase("{low} to {high} ({level})", low=lower, high=upper, level=share(level))
    return phrase("{amount} {currency}", amount=said, currency=currency), ends


def definitions(measures: Sequence[str]) -> pd.DataFrame:
    """What each figure of the page is, in a line."""
    rows = {label(measure): definition(measure) for measure in measures}
    rows |= {
        phrase(ENGLISH[f"card.{name}"]): phrase(ENGLISH[f"define.{name}"])
        for name in ("alive", "purchases")
    }
    rows |= {
        phrase(ENGLISH["card.value"]): phrase(
            "Margin on those purchases, later money discounted to today's; per customer, the "
            "modelled lifetime value."
        ),
        phrase("At stake"): phrase(
            "What a list's customers are expected to bring, or of those who are gone, the most "
            "that winning them back can bring."
        ),
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[phrase("What it is")])
    frame.index.name = phrase("Figure")
    return frame
