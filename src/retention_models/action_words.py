"""Lists of actions → whole sentences with named places, so that each can be said in other languages.

A language is a mapping from these keys to sentences. Places are filled with finished texts (amounts,
days, lengths of time); which of them a sentence uses, and in what order, is the language's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from retention_models.action_settings import ActionSettings, ListName, Rule
from retention_models.words import counted, day, money

ENGLISH: Mapping[str, str] = {
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
        "Bought on {purchases} since {first_day}, every {mean_gap} on average; still a customer with "
        "a probability of {alive}."
    ),
    "why.one_category": "Bought on {purchases}, always from one category: {category}.",
    "stake.expected": "What they are expected to bring, and would not if they left.",
    "stake.lost": (
        "What they would bring on top of what is expected, were they all customers still and bought "
        "as before: the most that winning them back can bring."
    ),
    "empty.unused": "The project file leaves this list out.",
    "empty.no_model": "This list needs a model of purchases. {reason}",
    "empty.no_spend": "This list needs a model of spend. {reason}",
    "empty.no_categories": (
        "This list needs categories of products; the project file's transactions.columns names no "
        "column for them that holds any for this store."
    ),
    "empty.no_scores": "This list needs the answers of a survey, and there are none.",
    "empty.no_complaints": "This list needs a record of complaints, and there is none.",
    "no_spend_told": (
        "Their repeat purchases came to nothing (returned or free), which tells nothing of the next."
    ),
    "no_value": "What is at stake cannot be said. {reason}",
}


def title(name: ListName, words: Mapping[str, str] = ENGLISH) -> str:
    """Title of a list."""
    return words[f"title.{name}"]


def action(name: ListName, rule: Rule, words: Mapping[str, str] = ENGLISH) -> str:
    """What to do with a list: the project file's own words, or else the language's."""
    return rule.action or words[f"action.{name}"]


def reasons(
    name: ListName,
    facts: pd.DataFrame,
    rules: ActionSettings,
    currency: str,
    words: Mapping[str, str] = ENGLISH,
) -> list[str]:
    """Why each customer is on a list, with the customer's own numbers.

    Parameters
    ----------
    name : str
        The list.
    facts : DataFrame
        From `customer_segments`' input, the list's customers only.
    rules : ActionSettings
    currency : str
    words : mapping
        The language.

    Returns
    -------
    list of str
        A sentence or two per customer.
    """
    sentence = words[f"why.{name}"]
    same = {
        "late_share": f"{rules.late_gap:.0%}",
        "usual_share": f"{rules.usual_gap:.0%}",
        "lookback": _days(rules.lookback_days),
    }
    needed = {place: say for place, say in _PLACES.items() if f"{{{place}}}" in sentence}
    return [
        sentence.format(**same, **{place: say(row, currency) for place, say in needed.items()})
        for row in facts.to_dict("records")
    ]


def _days(days: float) -> str:
    return counted(int(np.ceil(round(days, 6))), "day")


_PLACES = {
    "mean_gap": lambda row, _: _days(round(row["mean_gap"])),
    "usual_gap": lambda row, _: _days(row["usual_gap"]),
    "late_gap": lambda row, _: _days(row["late_gap"]),
    "silence": lambda row, _: _days(row["silence"]),
    "purchases": lambda row, _: _days(row["purchases"]),
    "first_day": lambda row, _: day(row["first_day"]),
    "last_day": lambda row, _: day(row["last_day"]),
    "complained": lambda row, _: day(row["complained"]),
    "score": lambda row, _: f"{row['score']:g}",
    "category": lambda row, _: row["category"],
    "alive": lambda row, _: _percent(row["probability_alive"]),
    "before": lambda row, _: _percent(row["probability_before"]),
    "clv": lambda row, currency: money(row["clv"], currency),
    "value_if_customer": lambda row, currency: money(row["value_if_customer"], currency),
}


def _percent(share: float) -> str:
    return "< 1%" if 0.0 < share < 0.01 else "> 99%" if 0.99 < share < 1.0 else f"{share:.0%}"
