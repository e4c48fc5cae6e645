"""Two campaigns among the same customers: whether one takes from the other, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import assigned, campaign
from retention_models.campaigns.estimators.factorial import overlapping_effects
from retention_models.errors import CannotSay, SettingsError

DAY = dt.timedelta(days=1)
COUPON = campaign(id="coupon", name="Coupon", shares={"control": 0.5, "coupon": 0.5})
SHIPPING = campaign(
    id="shipping",
    name="Free shipping",
    start=dt.date(2023, 8, 8),
    end=dt.date(2023, 9, 7),
    shares={"control": 0.6, "shipping": 0.4},
    costs={"contact": 0.2},
)
SHARED = (SHIPPING.start, COUPON.end)


def world(folder, *, together=-0.5, n=1200):
    """Customers with a history, both campaigns by lot; together they add less than each alone."""
    rng = np.random.default_rng(8)
    ids = [f"c{i:04d}" for i in range(n)]
    coupon, shipping = rng.permutation(n) < n / 2, rng.permutation(n) < 0.4 * n
    habit = rng.gamma(4.0, 0.5, n)
    lift = 1.0 + 0.5 * coupon + 0.4 * shipping + together * coupon * shipping * 0.8
    days = []
    for first, length, rate in (
        (dt.date(2023, 2, 1), 150, habit),
        (SHARED[0], (SHARED[1] - SHARED[0]).days + 1, habit * lift),
        (dt.date(2023, 9, 20), 5, habit),
    ):
        who = np.repeat(np.arange(n), rng.poisson(rate))
        day = rng.integers(0, length, who.size)
        days += [(ids[i], first + int(d) * DAY, 5.0) for i, d in zip(who, day, strict=True)]
    pd.DataFrame(days, columns=["customer", "day", "amount"]).to_parquet(folder / "log.parquet")
    log = rm.read_transactions(
        folder / "log.parquet", customer_id="customer", date="day", spend="amount"
    )
    arms = {"coupon": coupon, "shipping": shipping}
    drawn = pd.concat(
        assigned({w: name if got else "control" for w, got in zip(ids, z, strict=True)}, id=name)
        for name, z in arms.items()
    )
    return log, drawn, pd.DataFrame(arms, index=pd.Index(ids, name="customer_id"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """As above, read once."""
    return world(tmp_path_factory.mktemp("overlapping"))


@pytest.fixture(scope="module")
def found(shop):
    """What the two did."""
    log, drawn, _ = shop
    return rm.overlapping_campaigns(log, [COUPON, SHIPPING], drawn)


def test_an_interaction_is_found_and_told(found):
    """Each adds by itself, and they take from each other; of the shared days and customers."""
    table = found.table.set_index("campaigns")
    assert (table["absolute_effect"] > 0).tolist() == [True, True, False]
    assert table.loc[[("coupon", "shipping")], "conf_high"].item() < 0.0
    assert (*SHARED, 1200) == (found.start, found.end, found.customers)
    text = found.summary()
    assert "“Coupon” and “Free shipping” ran at once from 8 August 2023 to 31 August 2023" in text
    assert "“Coupon” and “Free shipping” take from each other" in text


def test_it_is_the_regression_on_what_was_bought_in_the_shared_days(shop, found):
    """Purchase days counted by hand, and the expectation of these days."""
    log, drawn, offered = shop
    rows = log.table.execute().assign(date=lambda t: t["date"].dt.date)
    inside = rows[(rows["date"] >= SHARED[0]) & (rows["date"] <= SHARED[1])]
    days = inside.drop_duplicates(["customer_id", "date"]).groupby("customer_id").size()
    y = days.reindex(offered.index, fill_value=0)
    as_one = campaign(start=SHARED[0], end=SHARED[1], follow_up=0)
    before = rm.read_campaign(
        log, as_one, drawn.query("campaign_id == 'coupon'").assign(campaign_id="spring"), margin=1.0
    ).covariates[["expected_purchases", "no_history"]]
    expected = overlapping_effects(y, offered, before.loc[offered.index])
    pd.testing.assert_frame_equal(expected.table, found.table)
    pd.testing.assert_frame_equal(expected.cells, found.cells)


@pytest.mark.slow
def test_profit_pays_for_each_campaign(tmp_path):
    """A contact costs whoever is offered free shipping, and nobody else: 0.2 of its effect."""
    log, drawn, _ = world(tmp_path, n=3000)
    both = [COUPON, SHIPPING]
    free = [COUPON, SHIPPING.model_copy(update={"costs": COUPON.costs})]
    paid, unpaid = (
        rm.overlapping_campaigns(log, these, drawn, margin=0.3, outcome="profit").table
        for these in (both, free)
    )
    change = paid["absolute_effect"] - unpaid["absolute_effect"]
    assert [0.0, -0.2, 0.0] == pytest.approx(change.tolist(), abs=1e-9)
    with pytest.raises(SettingsError, match="margin: expected the share"):
        rm.overlapping_campaigns(log, both, drawn, outcome="profit")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"design": "targeted"}, "“Free shipping” was not given by lot"),
        ({"start": dt.date(2023, 9, 1)}, "share no day"),
        ({"id": "other"}, "No customer is in an arm of every campaign"),
        ({"shares": {"control": 0.2, "shipping": 0.8}}, "contradict that lots drew the offers"),
    ],
)
def test_what_cannot_be_compared_is_refused(shop, change, words):
    """Not by lot, no shared days, no shared customers, shares that were not kept to."""
    log, drawn, _ = shop
    with pytest.raises(CannotSay, match=words):
        rm.overlapping_campaigns(log, [COUPON, SHIPPING.model_copy(update=change)], drawn)


@pytest.mark.slow
def test_empty_and_small_combinations_are_refused(shop):
    """Nobody had both; few had; a customer in two arms of one campaign."""
    log, drawn, offered = shop
    plain = [one.model_copy(update={"shares": {}}) for one in (COUPON, SHIPPING)]
    both = offered.index[offered.all(axis=1)]
    for left, words in (
        (0, "Nobody was offered 'coupon' and 'shipping'"),
        (40, "With 40 customers"),
    ):
        kept = drawn[~drawn["customer_id"].isin(both[left:])]
        with pytest.raises(CannotSay, match=words):
            rm.overlapping_campaigns(log, plain, kept, outcome="bought")
    twice = pd.concat([drawn, assigned({"c0001": "gift"}, id="coupon")])
    with pytest.raises(CannotSay, match="more than one arm of the campaign “Coupon”"):
        rm.overlapping_campaigns(log, plain, twice)


def test_what_is_asked_is_checked(shop):
    """The parameter is named; a log that ends too soon is no mistake of the call."""
    log, drawn, _ = shop
    with pytest.raises(SettingsError, match="campaigns are coupon; expected two or 3"):
        rm.overlapping_campaigns(log, [COUPON], drawn)
    with pytest.raises(SettingsError, match="outcome is 'clv'"):
        rm.overlapping_campaigns(log, [COUPON, SHIPPING], drawn, outcome="clv")
    late = [one.model_copy(update={"end": dt.date(2024, 1, 1)}) for one in (COUPON, SHIPPING)]
    with pytest.raises(CannotSay, match="share end on 2024-01-01 and the log on 2023-09-24"):
        rm.overlapping_campaigns(log, late, drawn)


def test_words_tell_the_three_cases_apart(found):
    """Less than each alone, more, or no sign of either."""
    from dataclasses import replace

    table = found.table.copy()
    table.loc[2, ["absolute_effect", "conf_low", "conf_high", "pvalue"]] = [0.5, 0.2, 0.8, 0.01]
    text = replace(found, table=table).summary()
    assert "help each other: together they do 0.50 more" in text
    table.loc[2, ["conf_low", "pvalue"]] = [-0.2, 0.2]
    assert "No sign that" in replace(found, table=table).summary()
