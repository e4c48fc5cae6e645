"""The grocery demonstration's campaigns, from its files to the words: targeted on spend, and said so."""

from __future__ import annotations

import pytest

import retention_models as rm
from retention_models.data.reading_transactions import read_project_transactions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def effect(grocery):
    """Of the largest campaign, of type A, in one call."""
    settings = rm.read_settings(grocery)
    campaign = next(one for one in settings.campaigns if one.id == "8")
    return rm.campaign_effect(
        read_project_transactions(settings),
        campaign,
        settings.path(settings.campaign_data.assignments),
        settings.path(settings.campaign_data.redemptions),
        margin=settings.money.margin,
        currency=settings.money.currency,
        timezone=settings.transactions.timezone,
    )


def test_customers_chosen_for_their_spend_have_a_low_grade(effect):
    """Weights make the others like them, no more than that; those without history are left out."""
    checks = effect.checks.set_index("check")
    assert "C" == effect.grade
    assert checks.loc["balance", "passed"]
    assert effect.balance["unweighted"].abs().max() > 0.5
    assert effect.balance["weighted"].abs().max() < 0.12
    assert "had not bought before" in checks.loc["customers with history", "words"]


def test_the_plain_difference_was_there_before(effect):
    """Most of it was expected on the day before; the doubly robust interval holds none at all."""
    plain = effect.naive.query("outcome == 'purchases' and window == 'campaign'").iloc[0]
    row = effect.table.query(
        "outcome == 'purchases' and window == 'campaign' and estimand == 'att'"
    ).iloc[0]
    assert row["conf_low"] < 0.0 < row["conf_high"] < plain["difference"]
    assert plain["expected_before"] > 0.5 * plain["difference"]
    assert "which misleads" in effect.summary()


def test_without_a_declared_cost_nothing_is_said_to_have_paid(effect):
    """The demonstration's campaigns have none."""
    assert "No cost of the campaign is declared" in effect.summary()
    assert effect.economics["return_on_cost"].isna().all()
