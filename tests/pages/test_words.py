"""Sentences are pure functions of results: the numbers in them are the results' own."""

import datetime as dt
from gettext import NullTranslations
from types import SimpleNamespace

import pandas as pd
import pytest

from retention_models.languages import Language, duration, speaking
from retention_models.levels import Interval
from retention_models.pages.models.tables import _digits
from retention_models.pages.store import words
from retention_models.pages.store.tables import shown_signed


class Marked(NullTranslations):
    """A language that shows which texts are its own."""

    def gettext(self, message: str) -> str:
        """In brackets."""
        return f"⟦{message}⟧"

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """In brackets."""
        return f"⟦{singular if n == 1 else plural}⟧"


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (12.34, "12.3"), (0.456, "0.46"), (-1500, "−1,500")]
)
def test_numbers_have_the_digits_a_reader_can_use(value, text):
    """No more than three where they are few."""
    assert text == words.number(value)


def test_money_has_cents_only_where_they_matter():
    """And always its currency."""
    assert ["12.50 EUR", "1,250 EUR"] == [words.money(12.5, "EUR"), words.money(1250.2, "EUR")]


def test_counts_agree_with_their_nouns():
    """One customer, two customers."""
    assert ["1 customer", "2 customers"] == [words.counted(n, "customer") for n in (1, 2)]


def test_lengths_of_time_agree_with_their_units():
    """One week, 52 weeks."""
    assert ["1 week", "52 weeks", "3 months"] == [
        duration(1, "W"),
        duration(52, "W"),
        duration(3, "M"),
    ]


def test_days_are_written_as_readers_write_them():
    """No leading zero."""
    assert "5 March 2017" == words.day(dt.date(2017, 3, 5))


def test_intervals_of_counts_are_whole():
    """Nobody buys 1,498.6 times."""
    assert "1,499 to 1,826" == words.between(Interval(1653.4, 1498.6, 1826.05))


def test_the_cohort_sentence_reads_the_table_back():
    """Pooled over cohorts, with its counts."""
    table = pd.DataFrame(
        {
            "cohort": pd.to_datetime(["2024-01-01"] * 3 + ["2024-02-01"] * 2),
            "cohort_age": [0, 1, 2, 0, 1],
            "customers": [100, 100, 100, 50, 50],
            "active": [100, 30, 20, 50, 15],
        }
    )
    sentence = words.cohort_retention(table)
    assert "30% (23% to 38%; 45 of 150) bought in the month after their first purchase" in sentence
    assert "20% (13% to 29%; 20 of 100) bought 2 months after it" in sentence


def test_what_repeating_the_period_before_would_have_missed_is_said_beside_the_model():
    """Both in percent of what came; nothing where nothing came."""
    errors = pd.Series({"model": 0.8, "always zero": 1.0})
    before = pd.DataFrame({"last_period": [30, 25]})
    held = SimpleNamespace(errors=errors, customers=before, actual=50, relative_error=-0.04)
    said = words.holdout_by_customer(held)
    assert said.endswith(
        "it missed by 4%; repeating the period before would have missed them by 10%."
    )
    held.actual = 0
    assert words.holdout_by_customer(held).endswith("None of them was nearer than the model.")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([1], "1 (0.1%) could not be used and is in no number here (spend is missing: 1)."),
        ([1, 2], "3 (0.3%) could not be used and are in no number here (spend is missing: 3)."),
    ],
)
def test_unusable_rows_are_counted_of_the_chain_and_of_the_store(rows, said):
    """One row is, several are."""
    quality = pd.DataFrame({"store_id": ["a", "b"][: len(rows)], "rows": rows})
    quality["reason"] = "spend is missing"
    log = SimpleNamespace(rows_read=1000, rows_unusable=sum(rows), quality=quality)
    text = words.data_quality(log, "a")
    assert text == f"1,000 rows were read for the whole chain. {said} Of these, this store's: 1."


def test_customers_without_a_value_are_counted():
    """One has none, several have none."""
    forecast = SimpleNamespace(value=Interval(1.0, 1.0, 1.0))
    for missing, said in ((1, "1 customer whose"), (2, "2 customers whose")):
        predictions = pd.DataFrame({"clv": [1.0, 2.0] + [float("nan")] * missing})
        text = words.value_spread(predictions, forecast, "EUR")
        assert said in text
        assert ("has no value here" if missing == 1 else "have no value here") in text


def test_large_parameters_are_written_out():
    """No reader counts noughts of a power of ten."""
    texts = [_digits(value, 3) for value in (0.12345, 12.345, 1350.4, 2e6, 3e8)]
    assert ["0.123", "12.3", "1,350", "2,000,000", "3e+08"] == texts


def test_sentences_and_their_numbers_are_of_the_language_that_is_spoken():
    """Half a week is not one; months are a place of their own, since languages count differently."""
    table = pd.DataFrame(
        {"cohort_age": [0, 1, 2], "customers": [2000] * 3, "active": [2000, 1001, 500]}
    )
    with speaking(Language("xx", "ltr", Marked(), (".", ","))):
        assert ["⟦0,5 weeks⟧", "⟦1 week⟧"] == [duration(0.5, "W"), duration(1, "W")]
        assert "⟦1.499 to 1.826⟧" == words.between(Interval(1653.4, 1498.6, 1826.05))
        sentence = words.cohort_retention(table)
        assert "+1.250" == shown_signed("customers", 1250.0, "EUR")
        assert "⟦−12 points⟧" == shown_signed("retention_rate", -0.12, "EUR")
        assert "⟦−1,50 EUR⟧" == shown_signed("spend_per_order", -1.5, "EUR")
        assert "−1,50" == shown_signed("spend_per_order", -1.5, "EUR", bare=True)
    assert "1.001 of 2.000" in sentence
    assert sentence.endswith("⟦2 months⟧ after it.⟧")
    assert sentence.startswith("⟦Of all customers, 50% (48% to 52%;")
