"""Ids and names that are spelt otherwise in a second file: refused, with the mending."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import CAMPAIGN, assigned, campaign, log_of

pytestmark = pytest.mark.slow

IDS = [f"{i:04d}" for i in range(40)]
START = CAMPAIGN.start


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Forty customers with an id of four digits, who bought before and after the start."""
    before = [(i, START - dt.timedelta(days=20 + int(i)), 5.0, f"b{i}") for i in IDS]
    after = [(i, START + dt.timedelta(days=int(i)), 5.0, f"a{i}") for i in IDS]
    return log_of(tmp_path_factory.mktemp("log"), [*before, *after])


def drawn(ids=IDS, control="control", **names):
    """Every other one held out."""
    arms = {one: "coupon" if place % 2 else control for place, one in enumerate(ids)}
    return assigned(arms, **names)


def taken(ids, **changes):
    """Redemptions of the first days."""
    rows = pd.DataFrame({"customer_id": ids, "redeemed_at": START, "campaign_id": "spring"})
    return rows.assign(**changes)


def blocked(data):
    """What forbids an effect, by check."""
    return {one.check: one.words for one in data.findings if one.blocks and not one.passed}


@pytest.mark.parametrize(
    ("spelled", "how", "given"),
    [
        (lambda one: str(int(one)), "padded with zeros to 4 digits", "'0' is '0000'"),
        (lambda one: f"\u00a0{one}", "without the blanks around them", "is '0000'"),
    ],
)
def test_customers_whose_ids_are_spelt_otherwise_are_refused(log, spelled, how, given):
    """They would count as having bought nothing; a quarter of them is enough."""
    ids = [spelled(one) if place < 10 else one for place, one in enumerate(IDS)]
    words = blocked(rm.read_campaign(log, CAMPAIGN, drawn(ids), margin=0.5))["customers in the log"]
    assert "10 of 40 customers of the campaign are not in the log" in words
    assert how in words
    assert given in words


def test_customers_who_never_bought_are_no_mistake_up_to_a_half(log):
    """A quarter are prospects; three quarters are of another list."""
    words = "customers in the log"
    some = rm.read_campaign(log, CAMPAIGN, drawn([*IDS, *(f"x{i}" for i in range(9))]), margin=0.5)
    assert words not in blocked(some)
    most = rm.read_campaign(log, CAMPAIGN, drawn([*IDS, *(f"x{i}" for i in range(99))]), margin=0.5)
    assert "99 of 139 customers" in blocked(most)[words]


def test_redeemers_whose_ids_are_spelt_otherwise_are_refused(log):
    """Of any design: their cost would be in nobody's profit."""
    took = taken([str(int(one)) for one in IDS[1:10:2]])
    for design in ("randomised", "targeted"):
        data = rm.read_campaign(log, campaign(design=design), drawn(), took, margin=0.5)
        assert "padded with zeros to 4 digits" in blocked(data)["redemptions were offered"]


def test_blanks_around_arms_and_campaigns_are_none(log):
    """They are stripped as around every id."""
    plain = rm.read_campaign(log, CAMPAIGN, drawn(), taken(IDS), margin=0.5)
    blank = rm.read_campaign(
        log,
        CAMPAIGN,
        drawn(control=" control ", id=" spring"),
        taken(IDS, campaign_id="spring "),
        margin=0.5,
    )
    pd.testing.assert_frame_equal(plain.table, blank.table)


@pytest.mark.parametrize("given", ["Control", "ｃontrol"])
def test_an_arm_written_in_two_ways_is_refused(log, given):
    """A targeted campaign would take it for offered, and control from the log."""
    for design in ("randomised", "targeted"):
        data = rm.read_campaign(log, campaign(design=design), drawn(control=given), margin=0.5)
        words = blocked(data)["arms are written alike"]
        assert repr(given) in words
        assert "'control'" in words
    both = pd.concat([drawn(IDS[:30]), drawn(IDS[30:], control=given)])
    words = blocked(rm.read_campaign(log, CAMPAIGN, both, margin=0.5))["arms are written alike"]
    assert f"The arm {given!r} has 5 customers" in words


def test_redemptions_of_an_unknown_campaign_are_refused_with_the_nearest(log):
    """Unless it is declared beside it, or assigned."""
    strange = taken(IDS[1:4:2], campaign_id="sprung")
    both = pd.concat([taken(IDS[1:4:2]), strange])
    with pytest.raises(rm.DataError, match=r"'sprung' .* nearest is 'spring'\. 2 of 4 rows"):
        rm.read_campaign(log, CAMPAIGN, drawn(), both, margin=0.5)
    other = campaign(id="sprung")
    data = rm.read_campaign(log, CAMPAIGN, drawn(), both, margin=0.5, others=[other])
    assert 2 == data.table["redemptions"].sum()
    also = pd.concat([drawn(), drawn(id="sprung")])
    assert rm.read_campaign(log, CAMPAIGN, also, both, margin=0.5).findings


@pytest.mark.parametrize("given", ["Spring", "SPRING "])
def test_campaign_ids_that_are_spelt_otherwise_are_refused_in_either_file(log, given):
    """Half of the rows would be left out without a word."""
    with pytest.raises(rm.DataError, match=r"redemptions: campaign_id .* nearest, 'spring'"):
        rm.read_campaign(log, CAMPAIGN, drawn(), taken(IDS, campaign_id=given), margin=0.5)
    half = pd.concat([drawn(IDS[:20]), drawn(IDS[20:], id=given)])
    with pytest.raises(rm.DataError, match=r"assignments: .* in 20 of 40 rows.* 'spring'"):
        rm.read_campaign(log, CAMPAIGN, half, margin=0.5)


def test_redemptions_that_stand_twice_cost_once_and_are_counted(log):
    """A file loaded twice; a few equal rows stay, and are said, as in the log."""
    costly = campaign(costs={"redemption": 2.0})
    once = taken(IDS[1:8:2]).assign(number=range(4))
    right = rm.read_campaign(log, costly, drawn(), once, margin=0.5)
    data = rm.read_campaign(log, costly, drawn(), pd.concat([once, once, once]), margin=0.5)
    pd.testing.assert_frame_equal(right.outcomes["campaign"], data.outcomes["campaign"])
    (said,) = [one for one in data.findings if one.check == "redemptions stand once"]
    assert said.words.startswith("8 of 12 rows of redemptions")
    assert "redemptions stand once" not in {one.check for one in right.findings}
    few = rm.read_campaign(log, costly, drawn(), pd.concat([once, once[:1]]), margin=0.5)
    assert 5 == few.table["redemptions"].sum()
    (said,) = [one for one in few.findings if one.check == "redemptions stand once"]
    assert said.words.startswith("1 of 5 rows of redemptions")
    more = pd.concat([once, once.assign(number=9)])
    assert 8 == rm.read_campaign(log, costly, drawn(), more, margin=0.5).table["redemptions"].sum()


def test_a_frame_of_many_parts_is_read_in_little_memory():
    """A part for every redemption of one card, which took memory by their square."""
    one = taken(IDS[:1])
    many = pd.concat([one] * 3000, ignore_index=True).assign(amount=range(3000))
    found = rm.read_redemptions(many)
    assert (3000, 0) == (found.rows_read, found.repeats)
    assert 3000 * 2999 / 2 == found.table.aggregate(n=found.table["amount"].sum()).execute()["n"][0]


def test_redemptions_that_a_second_export_holds_again_are_said(log):
    """Each export with its own day beside: they may be one redemption, or two of one day."""
    costly = campaign(costs={"redemption": 2.0})
    once = taken(IDS[1:8:2])
    both = pd.concat([once.assign(exported="1 May"), once.assign(exported="2 May")])
    data = rm.read_campaign(log, costly, drawn(), both, margin=0.5)
    (said,) = [one for one in data.findings if one.check == "redemptions stand once"]
    assert said.words.startswith("4 of 8 rows of redemptions, of any campaign, equal another")
    assert not said.blocks


def test_redemptions_of_other_days_and_amounts_of_another_unit_are_no_profit(log):
    """Most of another year: refused. Cents in the place of euros: said, as the profit is none."""
    before = taken(IDS[1:8:2]).assign(redeemed_at="2022-03-09")
    words = blocked(rm.read_campaign(log, CAMPAIGN, drawn(), before, margin=0.5))
    assert "4 of 4 redemptions are not from the days" in words["redemptions are of its days"]
    for amount, refused in ((0.5, False), (20_000.0, True)):
        given = taken(IDS[1:8:2]).assign(amount=amount)
        data = rm.read_campaign(log, CAMPAIGN, drawn(), given, margin=0.5)
        said = [one.words for one in data.findings if one.check == "redemptions have a cost"]
        assert refused is any("may be of another unit, such as cents" in one for one in said)
