"""Lists of actions → whole sentences with named places, so that each can be said in other languages.

Places are filled with finished texts (amounts, days, lengths of time); which of them a sentence uses,
and in what order, is the language's own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from retention_models.languages import catalogue, counted, day, money, phrase, share, spoken
from retention_models.settings.actions import ActionSettings, ListName, Rule

ENGLISH = catalogue(
    {
        "title.complaint": "After a complaint",
        "title.detractor": "Would not recommend the shop",
        "title.let_go": "Gone, of little value",
        "title.lapsed": "Gone, of value",
        "title.wavering": "Wavering",
        "title.due": "Due",
        "title.new": "New",
        "title.recent": "Bought lately",
        "title.promoter": "Would recommend the shop",
        "title.high_value": "High value",
        "title.loyal": "Loyal",
        "title.one_category": "One category only",
        "action.complaint": "Apologise, put it right, and ask whether it is.",
        "action.detractor": "Ask what went wrong, and put it right.",
        "action.let_go": "Spend nothing on them; leave them in the newsletter.",
        "action.lapsed": "Win them back with an offer that is worth less than what is at stake.",
        "action.wavering": "Get in touch before they are gone; ask whether something is missing.",
        "action.due": "Remind them: this is the time at which they usually buy.",
        "action.new": "Welcome them, and show them what else there is.",
        "action.recent": "Call, and ask whether all is well with the purchase.",
        "action.promoter": "Invite them to recommend the shop.",
        "action.high_value": "Thank and reward them.",
        "action.loyal": "Thank and reward them.",
        "action.one_category": "Show them a second category that others buy with theirs.",
        "why.complaint": "Complained on {complained}.",
        "why.detractor": "Gave the shop {score} in the last survey answered.",
        "why.let_go": (
            "Bought every {mean_gap} on average, {late_share} of gaps are within {late_gap}; last "
            "purchase {silence} ago. Still a customer with a probability of {alive}, and as a customer "
            "would be worth {value_if_customer}, little for this store."
        ),
        "why.lapsed": (
            "Bought every {mean_gap} on average, {late_share} of gaps are within {late_gap}; last "
            "purchase {silence} ago. Still a customer with a probability of {alive}, and as a customer "
            "would be worth {value_if_customer}."
        ),
        "why.wavering": (
            "Bought every {mean_gap} on average, {late_share} of gaps are within {late_gap}; last "
            "purchase {silence} ago. The probability to be a customer still fell from {before} to "
            "{alive} in {lookback}."
        ),
        "why.due": (
            "Bought every {mean_gap} on average, {usual_share} of gaps are within {usual_gap} and "
            "{late_share} within {late_gap}; last purchase {silence} ago."
        ),
        "why.new": "First bought on {first_day}, and on no day since.",
        "why.recent": "Last bought on {last_day}, on {purchases} in all.",
        "why.promoter": "Gave the shop {score} in the last survey answered.",
        "why.high_value": (
            "Expected to bring {clv}; still a customer with a probability of {alive}, bought on "
            "{purchases}, last on {last_day}."
        ),
        "why.loyal": (
            "Bought on {purchases} since {first_day}, every {mean_gap} on average; still a customer "
            "with a probability of {alive}."
        ),
        "why.one_category": "Bought on {purchases}, always from one category: {category}.",
        "stake.expected": "What they are expected to bring, and would not if they left.",
        "stake.lost": (
            "What they would bring on top of what is expected, were they all customers still and bought "
            "as before: the most that winning them back can bring."
        ),
        "empty.unused": "The project file leaves this list out.",
        "empty.no_model": "It takes a model of purchases. {reason}",
        "empty.no_spend": "It takes a model of spend. {reason}",
        "empty.no_categories": (
            "It takes categories of products, and this store's data hold none (transactions.columns of "
            "the project file names their column)."
        ),
        "empty.no_scores": "It takes the answers of a survey, and there are none.",
        "empty.no_complaints": "It takes a record of complaints, and there is none.",
        "no_spend_told": (
            "Their repeat purchases came to nothing (returned or free), which tells nothing of the next."
        ),
        "no_value": "What is at stake cannot be said. {reason}",
    }
)


def title(name: ListName) -> str:
    """Title of a list."""
    return phrase(ENGLISH[f"title.{name}"])


def action(name: ListName, rule: Rule) -> str:
    """What to do with a list: the project file's own words, or else the language's."""
    return rule.action or phrase(ENGLISH[f"action.{name}"])


def reasons(
    name: ListName,
    facts: pd.DataFrame,
    rules: ActionSettings,
    currency: str,
) -> list[str]:
    """Why each customer is on a list, with the customer's own numbers."""
    sentence = ENGLISH[f"why.{name}"]
    same = {
        "late_share": share(rules.late_gap),
        "usual_share": share(rules.usual_gap),
        "lookback": _days(rules.lookback_days),
    }
    places = [place for place in _PLACES if f"{{{place}}}" in sentence]
    texts = [
        [say(value, currency) for value in facts[column].tolist()]
        for column, say in (_PLACES[place] for place in places)
    ]
    return [
        phrase(
            sentence, **same, **{place: text[i] for place, text in zip(places, texts, strict=True)}
        )
        for i in range(len(facts))
    ]


def _days(days: float) -> str:
    return counted(int(np.ceil(round(days, 6))), "day")


def _average(days: float, _: str) -> str:
    return counted(round(days), "day")


def _within(days: float, _: str) -> str:
    return _days(days)


def _date(value: pd.Timestamp, _: str) -> str:
    return day(value)


def _percent(value: float, _: str) -> str:
    if 0.0 < value < 0.01:
        return phrase("< {share}", share=share(0.01))
    return phrase("> {share}", share=share(0.99)) if 0.99 < value < 1.0 else share(value)


def _score(value: float, _: str) -> str:
    return spoken().figures(f"{value:g}")


# Place → the fact that it tells, and how; amounts need the currency.
_PLACES: dict[str, tuple[str, Callable[[Any, str], str]]] = {
    "mean_gap": ("mean_gap", _average),
    "usual_gap": ("usual_gap", _within),
    "late_gap": ("late_gap", _within),
    "silence": ("silence", _within),
    "purchases": ("purchases", _within),
    "first_day": ("first_day", _date),
    "last_day": ("last_day", _date),
    "complained": ("complained", _date),
    "score": ("score", _score),
    "category": ("category", lambda category, _: str(category)),
    "alive": ("probability_alive", _percent),
    "before": ("probability_before", _percent),
    "clv": ("clv", money),
    "value_if_customer": ("value_if_customer", money),
}
