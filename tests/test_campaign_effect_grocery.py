"""The grocery demonstration's campaigns, from its files to the words: targeted on spend, and said so."""

from __future__ import annotations

import pytest

import retention_models as rm
from retention_models.transactions import read_project_transactions


@pytest.fixture(scope="module")
def effect(grocery):
    """Of the largest campaign, of type A, in one call."""
    settings = rm.read_settings(grocery)
    campaign = next(one for one in settings.campaigns if one.id == "18")
    return rm.campaign_effect(
        read_project_transactions(settings),
        campaign,
        settings.path(settings.campaign_data.assignments),
        settings.path(settings.campaign_data.redemptions),
        margin=settings.money.margin,
        currency=settings.money.currency,
        timezone=settings.transactions.timezone,
    )


def test_customers_chosen_for_their_spend_have_nobody_like_them(effect):
    """No grade: most of those targeted have no like among the others."""
    assert effect.grade is None
    assert "hardly anyone like them" in effect.refusal
    assert effect.table.empty


def test_the_plain_difference_was_there_before(effect):
    """REF: plain differences of spend of +250 and more; most of it was expected before the start."""
    plain = effect.naive.query("outcome == 'spend' and window == 'campaign'").iloc[0]
    assert plain["difference"] > 250.0
    assert plain["expected_before"] > 0.5 * plain["difference"]
    assert "which misleads" in effect.summary()
