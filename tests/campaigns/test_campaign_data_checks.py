"""What the data of a campaign contradict, each finding both ways, in sentences with their numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import CAMPAIGN, assigned, campaign, log_of
from retention_models.campaigns.data.assignments import Redemptions
from retention_models.campaigns.data.checks import (
    check_arms,
    check_balance,
    check_days,
    check_redemptions,
    joint_balance,
)
from retention_models.campaigns.data.outcomes import Redeemed
from retention_models.campaigns.data.redemption_checks import check_rows
from retention_models.campaigns.data.spellings import check_known
from retention_models.campaigns.data.tables import ArmAssignment

START, END = CAMPAIGN.start, CAMPAIGN.end
NONE = pd.DataFrame({"reason": [], "rows": []})


def arms_of(in_two=0, derived=0, day=START, **counts):
    """Arms with so many customers each; the first ones are derived controls without a day."""
    arm = np.repeat(np.array(list(counts), dtype=object), list(counts.values()))
    days = np.full(arm.size, day, dtype=object)
    days[:derived] = None
    return ArmAssignment(arm, days, in_two, derived)


def by_name(findings):
    """Findings by the name of their check."""
    return {finding.check: finding for finding in findings}


def verdict(findings, check):
    """Passed, whether it blocks, and the words."""
    found = by_name(findings)[check]
    return found.passed, found.blocks, found.words


def test_arms_as_planned_pass():
    """Every check of the arms, with the numbers that it saw."""
    found = check_arms(CAMPAIGN, arms_of(control=500, coupon=510))
    assert [True] * 4 == [finding.passed for finding in found]
    assert "Each of 1,010 customers is in one arm." == found[0].words
    assert "Every arm has customers: control 500 and coupon 510." == found[2].words
    assert "No shares are declared" in found[3].words


def test_a_customer_in_two_arms_blocks():
    """It is not known what they were offered."""
    found = check_arms(CAMPAIGN, arms_of(in_two=3, control=500, coupon=500))
    assert (False, True) == verdict(found, "one arm a customer")[:2]
    assert "3 of 1,000 customers" in verdict(found, "one arm a customer")[2]


@pytest.mark.parametrize(
    ("shares", "counts", "check", "words"),
    [
        ({}, {"coupon": 500}, "control present", "no customer in the control arm “control”"),
        ({}, {"control": 500}, "arms", "nobody was offered it"),
        (
            {"control": 1, "a": 1, "b": 1},
            {"control": 9, "a": 9},
            "arms",
            "“b” is planned and has no",
        ),
        (
            {"control": 1, "a": 1},
            {"control": 9, "a": 9, "b": 4},
            "arms",
            "“b” has 4 customers and is not",
        ),
    ],
)
def test_an_empty_or_unplanned_arm_blocks(shares, counts, check, words):
    """Named, and no ratio is tested then."""
    shares = {arm: float(share) for arm, share in shares.items()}
    found = check_arms(campaign(shares=shares), arms_of(**counts))
    assert (False, True) == verdict(found, check)[:2]
    assert words in verdict(found, check)[2]
    assert "sample ratio" not in by_name(found)


def test_a_broken_sample_ratio_blocks_a_randomised_campaign_only():
    """P < .001 against the declared shares; a targeted campaign has no ratio."""
    arms = arms_of(control=5200, coupon=4800)
    assert (False, True) == verdict(check_arms(CAMPAIGN, arms), "sample ratio")[:2]
    shares = {"control": 0.52, "coupon": 0.48}
    found = check_arms(campaign(shares=shares), arms)
    assert verdict(found, "sample ratio")[0]
    assert "No shares" not in verdict(found, "sample ratio")[2]
    assert "sample ratio" not in by_name(check_arms(campaign(design="targeted"), arms))


def test_a_ratio_of_too_few_is_not_tested_and_does_not_block():
    """Four expected in each."""
    passed, blocks, words = verdict(
        check_arms(CAMPAIGN, arms_of(control=4, coupon=4)), "sample ratio"
    )
    assert (False, False) == (passed, blocks)
    assert "cannot be tested" in words


def test_controls_from_the_log_are_said():
    """So many, and whence."""
    found = check_arms(campaign(design="targeted"), arms_of(derived=500, control=500, coupon=9))
    assert verdict(found, "control present")[0]
    assert "the 500 customers who had bought before" in verdict(found, "control present")[2]


@pytest.mark.parametrize(
    ("design", "late", "passed", "blocks"),
    [
        ("randomised", 0, True, False),
        ("randomised", 50, False, False),
        ("targeted", 4, False, False),
        ("targeted", 6, False, True),
        ("self_selected", 6, False, True),
    ],
)
def test_offers_after_the_start(design, late, passed, blocks):
    """Lots make them harmless; else more than 5% of 100 let customers choose by living on."""
    arms = arms_of(coupon=100, control=100)
    arms.assigned_at[:late] = START + dt.timedelta(days=1)
    arms.assigned_at[150:] = START + dt.timedelta(days=9)  # of control: no offer
    found = check_days(campaign(design=design), arms, dt.date(2024, 1, 1), "control")
    assert (passed, blocks) == verdict(found, "offers before the start")[:2]
    if late:
        assert (
            f"{late} of 100 offers were made after" in verdict(found, "offers before the start")[2]
        )


def test_a_campaign_that_is_not_over_blocks_and_a_follow_up_that_is_not_is_said():
    """To the day."""
    arms, day = arms_of(coupon=1, control=1), dt.timedelta(days=1)
    found = check_days(CAMPAIGN, arms, END - day, "control")
    assert (False, True) == verdict(found, "campaign over")[:2]
    assert "follow-up over" not in by_name(found)
    found = check_days(CAMPAIGN, arms, END + 13 * day, "control")
    assert verdict(found, "campaign over")[0]
    assert (False, False) == verdict(found, "follow-up over")[:2]
    assert "2023-09-14" in verdict(found, "follow-up over")[2]
    assert verdict(check_days(CAMPAIGN, arms, END + 14 * day, "control"), "follow-up over")[0]
    assert "follow-up over" not in by_name(check_days(campaign(follow_up=0), arms, END, "control"))


def redeemed_by(places, each=1):
    """Redemptions by the customers at places, −1 for strangers."""
    rows = pd.DataFrame(
        {"redemptions": [each] * len(places), "date": START, "unpriced": 0, "cost": 0.0}
    )
    return Redeemed(rows, np.array(places, dtype=np.intp))


def looked_at(design, arms, redeemed):
    """The findings about redemptions."""
    given = Redemptions(None, NONE, 1, "redemptions")
    return check_redemptions(campaign(design=design), arms, given, redeemed)


def test_redemptions_as_offered_pass():
    """Some of those who were offered it redeemed."""
    found = looked_at("randomised", arms_of(coupon=10, control=10), redeemed_by([0, 1, 1]))
    assert [True] * 3 == [finding.passed for finding in found]
    assert "2 of 10 customers who were offered it redeemed it." == found[2].words
    assert [] == check_redemptions(CAMPAIGN, arms_of(coupon=1), None, redeemed_by([]))


@pytest.mark.parametrize(
    ("design", "strangers", "blocks"),
    [("randomised", 1, False), ("randomised", 2, True), ("targeted", 9, False)],
)
def test_redemptions_of_customers_never_offered(design, strangers, blocks):
    """More than 5% show that a randomised campaign was run by other assignments."""
    places = [0] * (20 - strangers) + [-1] * strangers
    passed, blocked, words = verdict(
        looked_at(design, arms_of(coupon=30, control=30), redeemed_by(places)),
        "redemptions were offered",
    )
    assert (False, blocks) == (passed, blocked)
    assert f"{strangers} of 20 redemptions ({strangers / 20:.1%})" in words


def test_controls_from_the_log_who_redeemed_were_never_offered():
    """They are in no assignment, so they are not called control that leaked."""
    arms = arms_of(derived=5, control=5, coupon=20)
    found = looked_at("targeted", arms, redeemed_by([0, 7]))
    assert "1 of 2 redemptions (50.0%)" in verdict(found, "redemptions were offered")[2]
    assert verdict(found, "redemptions by the control arm")[0]


def test_redemptions_of_the_control_arm_are_said():
    """They dilute, so nothing is blocked."""
    found = looked_at("randomised", arms_of(coupon=9, control=9), redeemed_by([0, 10, 11], each=2))
    passed, blocks, words = verdict(found, "redemptions by the control arm")
    assert (False, False) == (passed, blocks)
    assert words.startswith("4 redemptions are by 2 customers of the control arm")


def test_assignments_of_redeemers_only_block():
    """All of an arm of five and more redeemed; all of four may."""
    for n, passed in ((5, False), (4, True)):
        found = looked_at("self_selected", arms_of(coupon=n, control=9), redeemed_by(range(n)))
        assert (passed, True) == verdict(found, "more than redeemers")[:2]
    found = looked_at("targeted", arms_of(a=9, b=6, control=9), redeemed_by(range(9, 15)))
    assert "All 6 customers of the arm “b” redeemed it" in verdict(found, "more than redeemers")[2]


def test_redemptions_without_a_customer_are_said():
    """Their cost is in nobody's profit."""
    quality = pd.DataFrame({"reason": ["no customer id"], "rows": [7]})
    rows = redeemed_by([0])
    found = check_rows(
        CAMPAIGN, Redemptions(None, quality, 8, "redemptions"), rows, [(START, END)], 20.0
    )
    assert "7 redemptions" in verdict(found, "redemptions name a customer")[2]


def test_customers_unknown_to_the_log_are_counted_and_fine():
    """They bought nothing."""
    assert check_known(9, 0).words.startswith("All 9 customers")
    found = check_known(9, 2)
    assert found.passed
    assert "2 of 9 customers" in found.words


def test_arms_that_differed_before_were_not_randomised():
    """Drawn by lot they pass; drawn by spend they block, unless they are declared targeted."""
    rng = np.random.default_rng(4)
    before = pd.DataFrame({"frequency": rng.poisson(3, 900), "spend": rng.pareto(1.5, 900)})
    arm = np.where(rng.random(900) < 0.5, "coupon", "control").astype(object)
    lots = ArmAssignment(arm, np.full(900, START, dtype=object), 0, 0)
    (found,) = check_balance(CAMPAIGN, lots, before)
    assert found.passed
    chosen = np.where(before["spend"] + rng.normal(size=900) > 1, "coupon", "control")
    choice = ArmAssignment(chosen.astype(object), lots.assigned_at, 0, 0)
    (found,) = check_balance(CAMPAIGN, choice, before)
    assert (False, True) == (found.passed, found.blocks)
    assert "declared randomised and was not randomised" in found.words
    assert [] == check_balance(campaign(design="targeted"), choice, before)
    assert [] == check_balance(CAMPAIGN, lots, before * 0)


def test_the_joint_test_is_hotellings_for_two_arms():
    """REF: mean difference and pooled covariance by hand; a covariate twice changes nothing."""
    rng = np.random.default_rng(1)
    before = pd.DataFrame(rng.gamma(2.0, 1.0, (60, 3)), columns=list("abc"))
    arm = np.arange(60) % 3 == 0
    logs = np.log1p(before.to_numpy())
    difference = logs[arm].mean(axis=0) - logs[~arm].mean(axis=0)
    inverse = np.linalg.inv(np.cov(logs.T))
    expected = difference @ inverse @ difference / (1 / 20 + 1 / 40)
    found = joint_balance(before, arm)
    assert expected == pytest.approx(found.statistic)
    assert 3 == found.degrees_of_freedom
    again = joint_balance(before.assign(d=before["a"], e=1.0), arm)
    assert (pytest.approx(expected), 3) == (again.statistic, again.degrees_of_freedom)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "shares"), [(100, (0.5, 0.5)), (2000, (0.9, 0.1)), (900, (0.4, 0.3, 0.3))]
)
@pytest.mark.nightly
def test_lots_are_blocked_once_in_a_thousand(n, shares):
    """Heavy-tailed spend and collinear covariates; 4,000 draws, within three standard errors."""
    rng = np.random.default_rng(9)
    rate = rng.gamma(0.8, 1.0, n) / 4
    x = rng.poisson(40 * rate)
    before = pd.DataFrame({"e": rate, "x": x, "t": rng.uniform(0, 30, n) * (x > 0)})
    before = before.assign(alive=np.where(x > 0, rng.beta(3, 1, n), 1.0))
    before = before.assign(spend=rate * rng.pareto(2.0, n), zero=(x == 0).astype(float))
    draws = 4_000
    found = [
        joint_balance(before, rng.choice(len(shares), n, p=shares)).pvalue for _ in range(draws)
    ]
    assert np.mean(np.array(found) < 0.001) <= 0.001 + 3 * np.sqrt(0.001 * 0.999 / draws)
    assert np.mean(np.array(found) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


def test_a_campaign_that_the_data_contradict_is_read_with_its_findings(tmp_path):
    """Two arms, an unfinished campaign, redeemers only: nothing raises, everything is said."""
    lines = [(f"c{i}", START - dt.timedelta(days=i + 1), 1.0, "A") for i in range(6)]
    log = log_of(tmp_path, [*lines, ("c1", START, 4.0, "A")])
    drawn = pd.concat(
        [assigned({f"c{i}": "coupon" for i in range(6)}), assigned({"c0": "control"})]
    )
    took = pd.DataFrame({"customer_id": [f"c{i}" for i in range(6)], "redeemed_at": START})
    data = rm.read_campaign(log, CAMPAIGN, drawn, took.assign(campaign_id="spring"), margin=0.5)
    failed = {finding.check for finding in data.findings if finding.blocks and not finding.passed}
    assert {"one arm a customer", "campaign over"} <= failed
    assert 6 == len(data.table)
    assert ["campaign"] == list(data.outcomes)
    assert all(finding.words.endswith(".") for finding in data.findings)
