"""A campaign of whole stores: weekly outcomes of closed groups, against plain Python."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import assigned, campaign, read_log
from retention_models.campaigns.data.stores import check_starts, check_store_arms
from retention_models.errors import DataError

DAY = dt.timedelta(days=1)
THIS = campaign(design="stores", start=dt.date(2023, 8, 1), end=dt.date(2023, 9, 4), follow_up=8)
COSTS = {"contact": 0.5, "points_rate": 0.1, "redemption": 2.0}


def of_stores(arms, day=THIS.start):
    """Assignments from store to arm."""
    return assigned(arms, day=day).rename(columns={"customer_id": "store_id"})


def lines(seed=2, rows=1500):
    """Customers who buy at several stores, return some of it, and come new all the time."""
    rng = np.random.default_rng(seed)
    days = dt.date(2023, 5, 20) + rng.integers(0, 130, rows) * DAY
    return pd.DataFrame(
        {
            "customer": rng.choice([*(f"c{i}" for i in range(90)), "0:1", "2:c1", "Ü"], rows),
            "day": days,
            "amount": rng.integers(-3, 20, rows).astype(float),
            "shop": rng.choice(["N", "S", "0:", "O'B"], rows),
        }
    )


def reference(frame, stores, took, margin, first_start):
    """REF: per customer and week, store by store and line by line."""
    outcomes = {}
    until = THIS.start + 42 * DAY - DAY
    for store, first in stores.items():
        here = frame[(frame["shop"] == store) & (frame["day"] <= until)]
        group = sorted(
            set(here.loc[(here["amount"] >= 0) & (here["day"] < first_start), "customer"])
        )
        weeks = {w: [0, 0.0, 0.0, 0.0] for w in range(-10, 6)}
        for who in group:
            mine = here[here["customer"] == who]
            sold = sorted(set(mine.loc[mine["amount"] >= 0, "day"]))
            net = dict.fromkeys(sold, 0.0)
            for day, amount in zip(mine["day"], mine["amount"], strict=True):
                before = [d for d in sold if d <= day]
                if before:
                    net[max(before)] += amount
            visited = set()
            for day, spend in net.items():
                w = (day - THIS.start).days // 7
                if w not in weeks:
                    continue
                weeks[w][0] += 1
                weeks[w][1] += w not in visited
                visited.add(w)
                weeks[w][2] += spend
                weeks[w][3] += (margin - 0.1 * (w >= first)) * spend
        for who, day, shop in took:
            w = (day - THIS.start).days // 7
            if shop == store and who in group and w in weeks:
                weeks[w][3] -= 2.0
        if first in weeks:
            weeks[first][3] -= 0.5 * len(group)
        outcomes[store] = len(group), np.array(list(weeks.values())) / len(group)
    return outcomes


def test_weekly_outcomes_are_those_of_a_reference_in_plain_python(tmp_path):
    """Closed groups, returns within a store, costs in their weeks; ids that look like the key."""
    frame = lines()
    log = read_log(tmp_path, frame)
    drawn = pd.concat(
        [
            of_stores({"0:": "coupon"}, THIS.start + 3 * DAY),
            of_stores({"N": "coupon"}, THIS.start + 15 * DAY),
            of_stores({"S": "control", "O'B": "control"}),
        ]
    )
    took = [("c1", THIS.start + 4 * DAY, "0:"), ("c2", THIS.start + 20 * DAY, "N")]
    took += [("stranger", THIS.start, "N"), ("c3", THIS.start + 400 * DAY, "N")]
    given = pd.DataFrame(took, columns=["customer_id", "redeemed_at", "store_id"])
    this = THIS.model_copy(update={"costs": campaign(costs=COSTS).costs})
    data = rm.read_campaign(log, this, drawn, given.assign(campaign_id="spring"), margin=0.3)
    assert list(range(-10, 6)) == data.weeks.tolist()
    assert ["0:", "N", "O'B", "S"] == list(data.stores.index)
    assert [0.0, 2.0, np.inf, np.inf] == data.stores["first_week"].tolist()
    firsts = dict(zip(data.stores.index, data.stores["first_week"], strict=True))
    expected = reference(frame, firsts, took, 0.3, THIS.start + 3 * DAY)
    for place, (customers, weekly) in enumerate(expected[s] for s in data.stores.index):
        assert customers == data.stores["customers"].iloc[place]
        for column, name in enumerate(("purchases", "bought", "spend", "profit")):
            assert weekly[:, column] == pytest.approx(data.outcomes[name][place], abs=1e-9), name
    # The stranger's, and the one of a year later, are in no profit, which is said.
    assert {"redemptions are by the stores' customers", "redemptions are of its days"} == {
        finding.check for finding in data.findings if not finding.passed
    }


def test_a_redemption_without_a_store_costs_where_the_customer_was_last_seen(tmp_path):
    """Of two closed groups, one."""
    rows = [("a", -20, "N"), ("a", -10, "S"), ("a", 3, "N"), ("b", -70, "N"), ("b", 60, "S")]
    frame = pd.DataFrame(
        [(who, THIS.start + day * DAY, 1.0, shop) for who, day, shop in rows],
        columns=["customer", "day", "amount", "shop"],
    )
    took = pd.DataFrame({"campaign_id": ["spring"], "customer_id": ["a"]})
    took = took.assign(redeemed_at=THIS.start, amount=4.0)
    drawn = of_stores({"N": "coupon", "S": "control"})
    data = rm.read_campaign(read_log(tmp_path, frame), THIS, drawn, took, margin=0.5)
    week = list(data.weeks).index(0)
    assert [0.25, -4.0] == data.outcomes["profit"][:, week].tolist()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The four stores, read once."""
    return read_log(tmp_path_factory.mktemp("shop"), lines())


def by_name(findings):
    """Findings by name, as passed, blocks, words."""
    return {f.check: (f.passed, f.blocks, f.words) for f in findings}


def test_stores_that_are_not_assigned_are_left_out_with_words(shop):
    """Of the log, and of the assignments."""
    drawn = of_stores({"N": "coupon", "S": "control", "X": "control"})
    checks = by_name(rm.read_campaign(shop, THIS, drawn, margin=0.3).findings)
    assert (False, False) == checks["stores assigned"][:2]
    assert (
        "2 stores are in the log and not in the assignments and were left out: “0:” and “O'B”."
        == (checks["stores assigned"][2])
    )
    assert checks["stores in the log"][2].endswith("left out: “X”.")


def test_two_starts_or_two_arms_in_a_store_block():
    """A control's days mean nothing."""
    once = of_stores({"N": "coupon", "S": "control"}).rename(columns={"assigned_at": "date"})
    fine = pd.concat([once, once.iloc[[1]].assign(date=THIS.start + DAY)])
    assert check_starts(fine, "control").passed
    for change in ({"date": THIS.end}, {"arm": "control"}):
        finding = check_starts(pd.concat([once, once.iloc[[0]].assign(**change)]), "control")
        assert (False, True) == (finding.passed, finding.blocks)
        assert "“N”" in finding.words


def test_without_controls_only_staggered_stores_can_be_compared():
    """All in one week: nothing shows what would have been."""

    def checks(arm, *weeks):
        stores = pd.DataFrame({"arm": arm, "first_week": weeks}, index=["N", "S"])
        return by_name(check_store_arms(THIS, stores))

    assert (False, True) == checks("coupon", 0.0, 0.0)["control present"][:2]
    staggered = checks("coupon", 0.0, 1.0)
    assert staggered["control present"][0]
    assert "began later" in staggered["control present"][2]
    assert (False, True) == checks("control", np.inf, np.inf)["arms"][:2]


def test_weeks_that_the_log_does_not_hold(tmp_path):
    """A campaign that is not over, one without weeks before, a store that closed in between."""
    frame = lines()
    after = frame[
        (frame["day"] >= THIS.start - 3 * DAY)
        & ((frame["shop"] != "S") | (frame["day"] <= THIS.start + 9 * DAY))
    ]
    drawn = of_stores({"N": "coupon", "S": "control"})
    late = THIS.model_copy(update={"end": dt.date(2023, 12, 1)})
    log = read_log(tmp_path, after)
    checks = by_name(rm.read_campaign(log, late, drawn, margin=0.3).findings)
    assert (False, True) == checks["campaign over"][:2]
    assert (False, True) == checks["weeks before"][:2]
    assert (False, False) == checks["stores open throughout"][:2]
    assert "“S”" in checks["stores open throughout"][2]


def test_a_campaign_of_other_stores_is_refused(shop):
    """None in the log; none in the assignments."""
    with pytest.raises(DataError, match="no store of campaign 'spring' is in the log"):
        rm.read_campaign(shop, THIS, of_stores({"X": "coupon"}), margin=0.3)
    with pytest.raises(DataError, match="no row puts a store into an arm"):
        rm.read_campaign(shop, THIS, assigned({"a": "coupon"}), margin=0.3)
