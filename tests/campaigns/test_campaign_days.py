"""Assignments on days that cannot be, and arms far from the planned sizes, never make a good grade."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from test_campaign_spellings import IDS, blocked, drawn

import retention_models as rm
from campaign_samples import CAMPAIGN, campaign, log_of

pytestmark = pytest.mark.slow

START, END = CAMPAIGN.start, CAMPAIGN.end


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Customers who bought before and after the start; the log begins on 14 June."""
    lines = [(one, START + dt.timedelta(days=int(one) - 48), 5.0, one) for one in IDS]
    lines += [(one, END + dt.timedelta(days=20), 5.0, f"a{one}") for one in IDS]
    return log_of(tmp_path_factory.mktemp("log"), lines)


@pytest.mark.parametrize("early", [dt.date(2022, 2, 28), dt.date(2023, 6, 14)])
def test_an_assignment_of_before_the_log_is_refused_in_a_sentence(log, early):
    """One of forty moves the day up to which customers are known; it ended in a KeyError."""
    rows = drawn()
    rows.loc[3, "assigned_at"] = early
    effect = rm.campaign_effect(log, CAMPAIGN, rows, margin=0.5)
    assert effect.grade is None
    assert "1 of 40 assignments is of the log's first day, 2023-06-14" in effect.refusal
    assert str(early) in effect.refusal
    later = rm.read_campaign(log, CAMPAIGN, drawn(day=dt.date(2023, 6, 15)), margin=0.5)
    assert "log before the assignments" not in blocked(later)


@pytest.mark.parametrize("design", ["randomised", "targeted", "self_selected"])
def test_offers_of_after_the_end_are_refused(log, design):
    """All, and a tenth; 9999 is after it too."""
    for day, rows in ((END + dt.timedelta(days=1), 40), (dt.date(9999, 12, 31), 4)):
        given = drawn()
        given.loc[given.index[:rows], "assigned_at"] = day
        effect = rm.campaign_effect(log, campaign(design=design), given, margin=0.5)
        assert effect.grade is None
        assert f"{rows // 2} of 20 offers were made after the campaign's end" in effect.refusal


def test_arms_far_from_planned_shares_are_refused_however_few_are_expected(log):
    """REF: half are held out where .003 were planned: P(X >= 20) of binomial(40, .003) is 1e-38."""
    far = campaign(shares={"control": 0.003, "coupon": 0.997})
    effect = rm.campaign_effect(log, far, drawn(), margin=0.5)
    assert effect.grade is None
    assert "control 20 where 0 were expected" in effect.refusal
    near = blocked(
        rm.read_campaign(log, campaign(shares={"control": 1, "coupon": 1}), drawn(), margin=0.5)
    )
    assert "sample ratio" not in near


def test_assignments_that_cannot_be_used_are_said(log):
    """Of so many rows, and why: whom they name is in no arm."""
    rows = pd.concat([drawn(), drawn(IDS[:1]).assign(assigned_at=dt.date(1, 1, 1))])
    given = rm.read_assignments(rows, max_unusable_share=0.1)
    data = rm.read_campaign(log, CAMPAIGN, given, margin=0.5)
    (said,) = [one for one in data.findings if one.check == "assignments can be used"]
    assert said.words.startswith("1 of 41 rows of assignments")


def test_the_margin_that_a_campaign_was_read_with_is_the_effects(log):
    """Not asked for again, and no other one taken without a word."""
    data = rm.read_campaign(log, CAMPAIGN, drawn(), margin=0.3)
    assert 0.3 == data.margin
    rm.effect_of(data)
    rm.effect_of(data, margin=0.3)
    with pytest.raises(rm.SettingsError, match=r"margin is 0\.5, and .* read with 0\.3"):
        rm.effect_of(data, margin=0.5)
