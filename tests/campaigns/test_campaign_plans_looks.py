"""Looks at a running campaign: their days, their boundaries, and what they say."""

import datetime as dt

import numpy as np
import pytest

import retention_models as rm
from plan_samples import coupon
from tiers import sized

QUARTERS = (0.25, 0.5, 0.75, 1.0)


def test_declared_looks_get_days_and_boundaries():
    """O'Brien & Fleming (1979): 4.049, 2.863, 2.337, 2.024 for four equal looks."""
    looks = rm.plan_looks(coupon(looks=QUARTERS))
    days = [dt.date(2024, 3, day) for day in (7, 14, 21, 28)]
    assert days == looks.table["day"].tolist()
    assert [4.049, 2.863, 2.337, 2.024] == looks.table["boundary"].round(3).tolist()
    assert [1, 2, 3, 4] == looks.table.index.tolist()
    assert "looked at 4 times: 7 March 2024 (|z| from 4.05)" in looks.summary()
    assert "1.03 times as wide" in looks.summary()


def test_a_share_that_is_no_whole_day_is_rounded_up():
    """A tenth of 30 days are 3 days, a third of 28 days 10."""
    tenth = rm.plan_looks(coupon(end=dt.date(2024, 3, 30), looks=(0.1, 1.0)))
    assert dt.date(2024, 3, 3) == tenth.table["day"].iloc[0]
    third = rm.plan_looks(coupon(looks=(1 / 3, 1.0)))
    assert dt.date(2024, 3, 10) == third.table["day"].iloc[0]


@pytest.mark.parametrize(("z", "stop"), [(2.85, False), (2.88, True), (-2.88, True)])
def test_a_look_stops_at_its_boundary(z, stop):
    """2.863 at the second of four; its interval leaves out 0 exactly then."""
    look = rm.plan_looks(coupon(looks=QUARTERS)).look_at("2024-03-14", 0.1 * z, 0.1)
    assert stop is look.stop
    assert stop is (look.low > 0.0 or look.high < 0.0)
    assert pytest.approx(0.2863, abs=1e-4) == look.high - look.effect
    assert "Look 2 of 4 (14 March 2024)" in look.words
    assert ("may be stopped" if stop else "go on") in look.words


def test_without_declared_looks_any_day_has_a_wider_interval():
    """The last day's, by the confidence sequence, is wider than by any declared looks."""
    looks = rm.plan_looks(coupon())
    assert looks.table.empty
    assert "on any day" in looks.summary()
    last = looks.look_at("2024-03-28", 0.25, 0.1)
    assert not last.stop
    assert "no effect was shown" in last.words
    assert (
        last.high - last.effect > 0.1 * rm.plan_looks(coupon(looks=QUARTERS)).table["boundary"][4]
    )
    assert "Day 5 of 28" in looks.look_at("2024-03-05", 0.25, 0.1).words


def test_the_campaign_until_a_look_ends_there():
    """What a look is asked about; days after it are no part of it."""
    campaign = coupon(looks=QUARTERS, follow_up=28)
    until = rm.plan_looks(campaign).until("2024-03-14")
    assert (dt.date(2024, 3, 14), 0, ()) == (until.end, until.follow_up, until.looks)
    assert campaign.shares == until.shares


def test_days_that_are_no_looks_are_refused():
    """Outside the campaign, or not declared."""
    looks = rm.plan_looks(coupon(looks=QUARTERS))
    with pytest.raises(rm.SettingsError, match=r"2024-03-08 is no declared look.*2024-03-07, "):
        looks.look_at("2024-03-08", 0.1, 0.1)
    with pytest.raises(rm.SettingsError, match="expected one from 2024-03-01 to 2024-03-28"):
        looks.until("2024-03-29")
    for effect, error in ((np.nan, 0.1), (0.1, 0.0), (0.1, np.inf)):
        with pytest.raises(rm.SettingsError, match="expected finite numbers"):
            looks.look_at("2024-03-14", effect, error)


def test_a_look_too_early_to_stop_leaves_the_last_one_alone():
    """At a hundredth of the days the boundary is 19.6, which chance never reaches: 1.96 at the end."""
    looks = rm.plan_looks(coupon(end=dt.date(2024, 6, 8), looks=(0.01, 1.0)))
    assert [19.6, 1.96] == looks.table["boundary"].round(2).tolist()


def test_looks_that_cannot_be_held_are_refused():
    """Two on one day, shares that fall, a level that is none."""
    with pytest.raises(rm.SettingsError, match="fall on one day"):
        rm.plan_looks(coupon(looks=(0.01, 0.03, 1.0)))
    with pytest.raises(rm.SettingsError, match="rising"):
        rm.plan_looks(coupon().model_copy(update={"looks": (0.5, 0.25, 1.0)}))
    for looks in ((), QUARTERS):
        with pytest.raises(rm.SettingsError, match=r"level is 0\.6"):
            rm.plan_looks(coupon(looks=looks), level=0.6)


@pytest.mark.slow
@pytest.mark.sized
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_looks_at_a_closed_group_keep_the_level(spread):
    """Purchases of 1,000 customers without effect, whose rates are alike or differ widely.

    Eight declared looks and looks on every day. Where customers differ and no covariate says how,
    looks are more alike than supposed: strict, not lax.
    """
    campaign = coupon(looks=tuple(k / 8 for k in range(1, 9)), end=dt.date(2024, 4, 25))
    declared, daily = rm.plan_looks(campaign), rm.plan_looks(coupon(end=campaign.end))
    rng, replications = np.random.default_rng(11), sized(1200, 4000)
    customers, days = 1000, campaign.days
    treated = np.arange(customers) % 2 == 0
    ever = np.zeros(2)
    chosen = declared.table["day"].tolist()
    widths = {}
    for day in range(1, days + 1):
        date = campaign.start + dt.timedelta(days=day - 1)
        one = daily.look_at(date, 0.0, 1.0).high, None
        if date in chosen:
            one = one[0], declared.look_at(date, 0.0, 1.0).high
        widths[day] = one
    for _ in range(replications):
        rates = rng.gamma(1.0 / spread, spread, customers) if spread else np.ones(customers)
        counts = rng.poisson(rates[:, None] * 0.05, (customers, days)).cumsum(axis=1)
        error = np.sqrt((counts[treated].var(0, ddof=1) + counts[~treated].var(0, ddof=1)) / 500)
        z = np.abs(counts[treated].mean(0) - counts[~treated].mean(0)) / np.maximum(error, 1e-9)
        ever[0] += any(z[day - 1] > widths[day][0] for day in widths)
        ever[1] += any(z[day - 1] > at for day, (_, at) in widths.items() if at is not None)
    chance = 3.0 * (0.05 * 0.95 / replications) ** 0.5
    assert (ever / replications <= 0.05 + chance).all()
    assert ever[1] / replications > (0.05 - chance if not spread else 0.01)
