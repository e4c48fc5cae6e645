"""The summary is a pure function of the tables, and its numbers are theirs."""

from __future__ import annotations

import copy
import re
import string
from dataclasses import replace
from gettext import NullTranslations

import pandas as pd
import pytest

import campaign_effect_samples as samples
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.verdicts import detectable_lift
from retention_models.campaigns.effects.words import ENGLISH, summary
from retention_models.languages import Language, money, speaking


@pytest.fixture(scope="module")
def effect():
    """A coupon that lifted purchases by 15%, and may have paid."""
    return effect_of(samples.randomised(), currency="EUR")


def primary(effect):
    """The row that the words are about."""
    table = effect.table
    return table.loc[(table["outcome"] == "purchases") & (table["window"] == "campaign")].iloc[0]


def with_row(effect, **changes):
    """The same effect with other numbers in its primary row."""
    table = effect.table.copy()
    for name, value in changes.items():
        table.loc[primary(effect).name, name] = value
    return replace(effect, table=table)


def test_the_same_tables_give_the_same_words(effect):
    """Whatever object holds them, and whenever it is asked."""
    again = copy.deepcopy(effect)
    assert effect.summary() == again.summary() == effect.summary()


def test_the_numbers_in_the_words_are_the_tables(effect):
    """Customers, means, lift with its ends, cost, profit with its ends, return."""
    row, paid, words = primary(effect), effect.economics.iloc[0], effect.summary()
    assert f"{row['customers']:,} customers were offered the campaign, drawn by lot" in words
    assert f"made {row['mean']:.2f} purchases each, where {row['mean_against']:.2f} would" in words
    low, high = f"{row['lift_low']:.1f}%", f"{row['lift_high']:.0f}%"
    assert f"{row['lift_percent']:.0f}% more (between {low} and {high} more)" in words
    for name in ("cost", "profit", "profit_low", "profit_high"):
        assert money(paid[name], "EUR") in words
    assert f"For each EUR spent that is {paid['return_on_cost']:.2f}" in words
    assert words == " ".join(effect.paragraphs())
    assert 3 == len(effect.paragraphs())


def test_other_numbers_give_other_words(effect):
    """Changed in the table, changed in the words: nothing is remembered."""
    changed = with_row(effect, lift_percent=31.0, lift_low=21.0, lift_high=42.0)
    assert "31% more (between 21% and 42% more)" in changed.summary()


def test_no_difference_says_what_would_have_been_found():
    """With the size that four of five such campaigns would have shown."""
    found = effect_of(samples.randomised(lift=0.0))
    lift = detectable_lift(primary(found), found.level)
    words = found.summary()
    assert "so no difference was found" in words
    assert f"A difference of {lift:.1f}% would have been found in four of five" in words
    assert f"no difference found (a lift of {lift:.0f}% would have been)" == found.verdict
    assert 280.16 == pytest.approx(
        detectable_lift(pd.Series({"standard_error": 1.0, "mean_against": 1.0})), abs=0.01
    )


def test_a_harm_is_said(effect):
    """Fewer purchases: not to be done again."""
    harm = with_row(
        effect, absolute_effect=-0.2, conf_low=-0.3, conf_high=-0.1, pvalue=1e-4, pvalue_holm=1e-4,
        lift_percent=-15.0, lift_low=-22.0, lift_high=-8.0,
    )  # fmt: skip
    words = harm.summary()
    assert "15% less (between 8.0% and 22% less)" in words
    assert words.endswith("Do not do it again as it was, and find out why it put customers off.")


def test_one_of_many_arms_is_said_to_be_expected(effect):
    """Its own interval leaves out none, but not with all arms allowed for."""
    among = with_row(effect, pvalue=0.03, pvalue_holm=0.09)
    assert "among so many comparisons, one such is to be expected" in among.summary()


@pytest.mark.parametrize("verdict", ["paid", "did not pay", "open"])
def test_each_verdict_on_money_has_its_advice(effect, verdict):
    """What to do next follows from what was found and what it cost."""
    told = replace(effect, economics=effect.economics.assign(verdict=verdict))
    assert ENGLISH[verdict].split("{arm}")[1][:12] in told.summary()
    assert told.summary().endswith(ENGLISH[f"next.more.{verdict}"])


def test_designs_that_mislead_say_by_how_much():
    """Targeted: the plain difference stands in the words, and that a lot would be better."""
    found = effect_of(samples.targeted(strength=0.7))
    plain = found.naive.query("outcome == 'purchases' and window == 'campaign'").iloc[0]
    words = found.summary()
    assert f"differ from the others by {plain['difference']:.2f} purchases a customer" in words
    assert "(grade C)" in words
    assert words.endswith(ENGLISH["next.lot"])


def test_the_self_selected_are_told_without_money():
    """And with how strong a hidden cause would have to be."""
    found = effect_of(samples.targeted(design="self_selected", strength=0.7))
    words = found.summary()
    assert "Whether it paid cannot be said" in words
    assert "cost" not in words
    told = found.sensitivity.query("outcome == 'purchases' and measure == 'explained away'")
    assert told["words"].item() in words


def test_another_language_needs_only_its_sentences(effect):
    """Each with the places that it needs, in its own order."""

    class Shouted(NullTranslations):
        def gettext(self, message):
            return "".join(
                text.upper() + ("" if field is None else f"{{{field}}}")
                for text, field, _, _ in string.Formatter().parse(message)
            )

    with speaking(Language("xx", "ltr", Shouted())):
        told = summary(effect)
    assert "DRAWN BY LOT" in told
    assert summary(effect) != told


def test_words_have_no_jargon():
    """No p-values, no standard errors, no confidence."""
    everything = " ".join(ENGLISH.values()).lower()
    assert not re.search(
        r"p-value|standard error|confidence|significan|estimand|regress", everything
    )
