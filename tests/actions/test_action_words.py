"""Sentences of the lists: whole, with named places, and each with a customer's own numbers."""

import string
from gettext import NullTranslations

import pandas as pd
import pytest

from action_samples import facts
from retention_models.actions.words import ENGLISH, reasons
from retention_models.languages import Language, speaking
from retention_models.settings.actions import LIST_NAMES, ActionSettings

KNOWN = {
    "purchases": 10,
    "silence": 45.0,
    "mean_gap": 11.7,
    "usual_gap": 8.2,
    "late_gap": 30.4,
    "first_day": pd.Timestamp("2023-03-01"),
    "last_day": pd.Timestamp("2023-11-16"),
    "category": "{tea}",
    "score": 9.0,
    "complained": pd.Timestamp("2023-12-30"),
    "probability_alive": 0.004,
    "probability_before": 0.996,
    "clv": 40.0,
    "value_if_customer": 1234.4,
}
BOUGHT = "Bought every 12 days on average, "
WAITED = "95% of gaps are within 31 days; last purchase 45 days ago."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "wavering",
            f"{BOUGHT}{WAITED} The probability to be a customer still fell from > 99% to "
            "< 1% in 28 days.",
        ),
        (
            "due",
            f"{BOUGHT}50% of gaps are within 9 days and 95% within 31 days; last purchase 45 "
            "days ago.",
        ),
        (
            "lapsed",
            f"{BOUGHT}{WAITED} Still a customer with a probability of < 1%, and as a customer "
            "would be worth 1,234 EUR.",
        ),
        (
            "let_go",
            f"{BOUGHT}{WAITED} Still a customer with a probability of < 1%, and as a customer "
            "would be worth 1,234 EUR, little for this store.",
        ),
        ("new", "First bought on 1 March 2023, and on no day since."),
        ("recent", "Last bought on 16 November 2023, on 10 days in all."),
        (
            "high_value",
            "Expected to bring 40.00 EUR; still a customer with a probability of < 1%, "
            "bought on 10 days, last on 16 November 2023.",
        ),
        (
            "loyal",
            "Bought on 10 days since 1 March 2023, every 12 days on average; still a customer "
            "with a probability of < 1%.",
        ),
        ("one_category", "Bought on 10 days, always from one category: {tea}."),
        ("promoter", "Gave the shop 9 in the last survey answered."),
        ("detractor", "Gave the shop 9 in the last survey answered."),
        ("complaint", "Complained on 30 December 2023."),
    ],
)
def test_a_reason_is_a_sentence_with_the_customers_own_numbers(name, expected):
    """Gaps round up to whole days, so that what is within them is."""
    assert [expected] == reasons(name, facts(customer=KNOWN), ActionSettings(), "EUR")


def test_levels_of_the_gaps_are_those_of_the_rules():
    """A shop may think 90% enough."""
    rules = ActionSettings.model_validate({"late_gap": 0.9, "usual_gap": 0.6, "lookback_days": 1})
    (said,) = reasons("due", facts(customer=KNOWN), rules, "EUR")
    assert "60% of gaps are within 9 days and 90% within" in said
    assert reasons("wavering", facts(customer=KNOWN), rules, "EUR")[0].endswith("in 1 day.")


def test_another_language_orders_the_places_as_it_likes():
    """And leaves out those that it does not need."""

    class Turkish(NullTranslations):
        def gettext(self, message: str) -> str:
            due = "{silence} önce geldi; genellikle {mean_gap} arayla gelir."
            return {ENGLISH["why.due"]: due}.get(message, message)

        def ngettext(self, one: str, many: str, n: int) -> str:
            return {"{n} days": "{n} gün"}.get(many, many)

    with speaking(Language("tr", "ltr", Turkish(), (".", ","))):
        (said,) = reasons("due", facts(customer=KNOWN), ActionSettings(), "TRY")
    assert "45 gün önce geldi; genellikle 12 gün arayla gelir." == said


def test_every_list_has_its_words():
    """A title, an action and a reason, each a whole sentence or a title."""
    for name in LIST_NAMES:
        assert ENGLISH[f"title.{name}"]
        assert ENGLISH[f"action.{name}"].endswith(".")
        assert ENGLISH[f"why.{name}"].endswith(".")
    for sentence in ENGLISH.values():
        assert all(place is None or place for _, place, _, _ in string.Formatter().parse(sentence))
