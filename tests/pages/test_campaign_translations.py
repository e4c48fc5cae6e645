"""Whatever a campaign's page says is said in its language: no letter of it stays English."""

from __future__ import annotations

import ast
import re
from gettext import NullTranslations
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import campaign_effect_samples as samples
import retention_models as rm
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.labels import CHECKS
from retention_models.campaigns.effects.randomised import _with_labels
from retention_models.campaigns.estimators.regression import ArmLabel
from retention_models.errors import CannotSay
from retention_models.languages import Language, speaking
from retention_models.languages.template_words import MONTHS, SHORT_MONTHS
from retention_models.pages.campaign import (
    figures,
    tables as campaign_tables,
    words as campaign_page_words,
)
from retention_models.project.campaign_overview import OVERVIEW, overview_rows
from tiers import few

OPENED, CLOSED = "⟦", "⟧"
# Of the campaign, its arms and its grades; and a finding that the samples are made with.
NAMES = {"Spring coupon", "coupon", "email", *"ABCD", "Every customer is in one arm."}


class Bracketed(NullTranslations):
    """Every sentence in brackets, so that what was not translated stands outside."""

    def gettext(self, message):
        """In brackets."""
        return OPENED + message + CLOSED

    def ngettext(self, one, many, n):
        """The English form in brackets."""
        return OPENED + (one if n == 1 else many) + CLOSED


MADE_UP = Language("xx", "ltr", Bracketed(), (".", ","))


_DAY = re.compile(rf"\b\d+ ({'|'.join((*MONTHS, *SHORT_MONTHS))})\b")  # Babel's, not a translator's


def outside(text):
    """What of a text stands in no brackets, but for days."""
    text = _DAY.sub("", text)
    depth, left = 0, []
    for letter in text:
        depth += (letter == OPENED) - (letter == CLOSED)
        if depth == 0 and letter != CLOSED:
            left.append(letter)
    return "".join(left)


def untranslated(texts):
    """Texts with letters outside of brackets, but for names of campaigns and arms."""
    return [text for text in texts if text not in NAMES and any(map(str.isalpha, outside(text)))]


def of_table(draw, *given):
    """Heads, names of rows and cells; or the refusal."""
    try:
        found = draw(*given)
    except CannotSay as refusal:
        return [str(refusal)]
    heads = [found.index.name or "", *map(str, found.columns), *map(str, found.index)]
    return [*heads, *(str(cell) for cell in found.to_numpy().ravel())]


def of_figure(draw, *given):
    """Titles, labels, and names of rows; or the refusal."""
    try:
        ax = draw(*given)
    except CannotSay as refusal:
        return [str(refusal)]
    legend = ax.get_legend()
    written = [*ax.texts, *ax.get_yticklabels(), *(legend.get_texts() if legend else ())]
    return [ax.get_title(loc="left"), ax.get_xlabel(), *(text.get_text() for text in written)]


def of_words(say, *given):
    """A sentence; or the refusal."""
    try:
        return [say(*given)]
    except CannotSay as refusal:
        return [str(refusal)]


def said_of(effect):
    """Everything that a page says of a campaign."""
    overview = pd.DataFrame(overview_rows(effect), columns=list(OVERVIEW))
    overview["pvalue_adjusted"] = overview["pvalue"]
    words, tables, plots = campaign_page_words, campaign_tables, figures
    yield from effect.paragraphs()
    yield effect.verdict
    for say in (words.naive, words.effects, words.cumulative, words.comparison):
        yield from of_words(say, effect)
    yield from of_words(words.campaigns, overview)
    for table in (
        tables.effects, tables.economics, tables.checks, tables.segments, tables.sensitivity
    ):  # fmt: skip
        yield from of_table(table, effect)
    yield from of_table(tables.campaigns, overview)
    for draw in (plots.effect_forest, plots.comparison, plots.event_study):
        yield from of_figure(draw, effect)


DESIGNS = {
    "randomised": samples.randomised,
    "no effect": lambda: samples.randomised(lift=0.0),
    "several arms": lambda: samples.randomised(arms=("control", "coupon", "email"), n=6000),
    "money": lambda: samples.randomised(primary="profit"),
    "small": lambda: samples.randomised(n=150),
    "targeted": lambda: samples.targeted(strength=0.7),
    "unlike": lambda: samples.targeted(strength=3.0),
    "self-selected": lambda: samples.targeted(design="self_selected", strength=0.7),
    "stores": samples.stores,
    "stores one by one": lambda: samples.stores(starts=(0, 1)),
    "few stores": lambda: samples.stores(per_group=2),
    "redeemers": lambda: samples.randomised(design="redeemers"),
}


@pytest.mark.parametrize("design", few(4, list(DESIGNS)))
def test_every_letter_of_a_campaigns_page_is_translated(design):
    """Whatever the design finds or refuses."""
    with speaking(MADE_UP):
        effect = effect_of(DESIGNS[design](), currency="")
        texts = list(said_of(effect))
    assert [] == untranslated(texts)
    assert any(OPENED in text for text in texts)


def test_what_is_left_in_english_would_be_seen():
    """The brackets tell a translated sentence from one that is not."""
    assert ["so it is⟦ today⟧"] == untranslated(["⟦today {⟦now⟧}⟧ 12,5", "so it is⟦ today⟧"])


def test_a_refusal_names_arms_in_every_language():
    """By the label that the regression has, or by the name that the shop has."""
    refusal = CannotSay("The arm {arm} has {n} customers.", arm=ArmLabel(1), n="3")
    lot = SimpleNamespace(labels=["“control”", "kid's"])
    with speaking(MADE_UP):
        assert "⟦The arm 1 has 3 customers.⟧" == str(refusal)
        assert "⟦The arm ⟦“kid's”⟧ has 3 customers.⟧" == _with_labels(refusal, lot)
    assert "The arm 1 has 3 customers." == str(refusal)


def test_every_check_has_a_name_for_readers():
    """All that the code gives a finding by a literal."""
    given = set()
    for folder in ("campaigns/data", "campaigns/effects"):
        for file in (Path(rm.__file__).parent / folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Check":
                    given |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
    assert len(given) > 20
    assert given <= set(CHECKS)
