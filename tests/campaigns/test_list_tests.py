"""What contacting a list changed: outcomes by hand, intervals for every night, verdicts."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from list_test_samples import measured_lots, read_nightly
from retention_models.actions.hold_out import no_lots
from retention_models.campaigns.data.assignments import read_assignments
from retention_models.campaigns.data.lot_outcomes import list_test_outcomes
from retention_models.campaigns.effects.contact_effect import (
    FEWEST,
    Change,
    ListTest,
    customers_needed,
    list_tests,
)
from retention_models.campaigns.estimators.randomised import randomised_effect
from retention_models.data.contacts import read_events
from retention_models.data.reading_transactions import read_transactions
from retention_models.settings.actions import ALL_LISTS

BEGIN = dt.date(2024, 3, 1)
LATER = dt.date(2024, 12, 31)


def lot(customer, arm, day="2024-03-01", store="a", name="due"):
    """A row of the lots."""
    return {
        "campaign_id": f"{name}-2024-03-01-0.1",
        "customer_id": customer,
        "store_id": store,
        "arm": arm,
        "assigned_at": pd.Timestamp(day),
        "list": name,
        "share": 0.1,
        "at_stake": 1.0,
        "probability_alive": 0.5,
    }


def told(rows, **terms):
    """The only test of measured lots."""
    terms = {"day": LATER, "days": 28, "margin": 0.5, "contact_cost": 0.0} | terms
    (found,) = list_tests(rows, rows, **terms)
    return found


def test_purchases_of_the_days_after_the_lot_count_and_those_before_are_known_apart():
    """Two lines of a day are one purchase; returns are taken off; the lot's own day is before."""
    log = pd.DataFrame(
        [
            ("x", "2024-02-02", 3.0, "a"),
            ("x", "2024-02-03", 9.0, "a"),
            ("x", "2024-03-01", 5.0, "a"),
            ("x", "2024-03-02", 10.0, "a"),
            ("x", "2024-03-02", 1.0, "b"),
            ("x", "2024-03-20", -4.0, "a"),
            ("x", "2024-03-29", 2.0, "b"),
            ("x", "2024-03-30", 50.0, "a"),
            ("y", "2024-03-10", 7.0, "a"),
            ("z", "2024-03-10", 7.0, "a"),
        ],
        columns=["customer", "day", "amount", "shop"],
    )
    read = read_transactions(
        log, customer_id="customer", date="day", spend="amount", store_id="shop"
    )
    rows = [lot("x", "contact"), lot("y", "control"), lot("new", "contact")]
    lots = pd.DataFrame([*rows, lot("y", "contact", "2024-03-09", name="new")])
    found = list_test_outcomes(read, lots, days=28, last_day=dt.date(2024, 3, 30))
    assert ["x", "y", "new"] == found["customer_id"].tolist()
    assert [2.0, 1.0, 0.0] == found["purchases"].tolist()
    assert [9.0, 7.0, 0.0] == found["spend"].tolist()
    assert [2.0, 0.0, 0.0] == found["purchases_before"].tolist()
    assert [14.0, 0.0, 0.0] == found["spend_before"].tolist()
    assert found["contacted"].isna().all()
    assert list_test_outcomes(read, lots, days=28, last_day=dt.date(2024, 3, 28)).empty


def test_contacts_on_record_are_those_of_the_days_at_the_store_or_at_none():
    """Of the kinds named, in upper or lower case."""
    log = pd.DataFrame({"c": ["a", "b"], "d": ["2024-03-01", "2024-04-30"], "s": [1.0, 1.0]})
    read = read_transactions(log, customer_id="c", date="d", spend="s")
    rows = [
        ("a", "2024-03-01", "Call", ""),
        ("a", "2024-03-01", "sms", ""),
        ("a", "2024-03-02", "sms", ""),
        ("b", "2024-03-05", "call", "other"),
        ("c", "2024-03-05", "newsletter", ""),
        ("d", "2024-03-29", "sms", "all"),
        ("e", "2024-03-30", "call", ""),
    ]
    events = read_events(
        pd.DataFrame(rows, columns=["c", "d", "k", "s"]),
        customer_id="c",
        date="d",
        kind="k",
        store_id="s",
    )
    lots = pd.DataFrame([lot(one, "contact", store="all") for one in "abcdef"])
    found = list_test_outcomes(
        read, lots, days=28, last_day=LATER, events=events, contacts=("call", "SMS")
    )
    assert [1.0, 0.0, 0.0, 1.0, 0.0, 0.0] == found["contacted"].tolist()
    assert [2.0, 0.0, 0.0, 1.0, 0.0, 0.0] == found["contacts"].tolist()


def test_lots_are_assignments_as_campaigns_read_them():
    """So that a test can be analysed as any randomised campaign."""
    lots = pd.DataFrame([lot("x", "contact"), lot("y", "control")])
    found = read_assignments(lots).table.execute().sort_values("customer_id")
    assert ["contact", "control"] == found["arm"].tolist()
    assert list(no_lots().columns) == list(lots.columns)


def test_the_effect_is_the_regressions_and_its_interval_is_wider_than_that_of_one_look():
    """The same difference as a randomised campaign's with the same covariates."""
    rows = measured_lots(3, customers=1500, lift=0.2, share=0.3)
    found = told(rows)
    covariates = rows[["purchases_before", "probability_alive"]]
    one = randomised_effect(rows["purchases"], rows["arm"], covariates, control="control")
    effect = one.of("contact")
    assert effect.absolute_effect == pytest.approx(found.purchases.effect)
    assert effect.mean_against == pytest.approx(found.purchases.without)
    assert found.purchases.low < effect.conf_low < effect.conf_high < found.purchases.high
    assert (found.contacts, found.held_out) == (found.measured, found.measured_held_out)
    assert 1500 == found.contacts + found.held_out


@pytest.mark.parametrize(
    ("lift", "cost", "verdict"),
    [(0.6, 0.0, "pays"), (0.0, 8.0, "loses"), (0.1, 0.0, "open"), (-0.5, 0.0, "loses")],
)
def test_a_list_that_does_not_pay_is_called_so(lift, cost, verdict):
    """By profit: margin on what was spent, less what contacts cost."""
    assert (
        verdict
        == told(measured_lots(8, customers=2000, lift=lift, share=0.4), contact_cost=cost).verdict
    )


def test_a_large_test_that_finds_nothing_says_that_contact_brings_little():
    """Where a change of purchases by a tenth would have shown."""
    rows = measured_lots(5, customers=40_000, share=0.5)
    assert "little" == told(rows).verdict


def test_contacts_on_record_decide_what_was_spent_on_them():
    """Who was not contacted costs nothing, but counts where the lot put them."""
    rows = measured_lots(4, customers=3000, share=0.3)
    recorded = rows.assign(contacted=(rows["arm"] == "contact") & (rows.index % 2 == 0)).astype(
        {"contacted": float}
    )
    full, half = (told(one, contact_cost=2.0) for one in (rows, recorded))
    assert full.purchases == half.purchases
    assert 1.0 == pytest.approx(half.profit.effect - full.profit.effect, abs=0.1)
    assert (0.0, 0.5) == (half.contacted_held_out, pytest.approx(half.contacted, abs=0.02))
    assert np.isnan(full.contacted)


def test_for_whom_contact_pays_most_is_said_where_it_shows():
    """Of customers with more at stake than the median, or with less."""
    rows = measured_lots(6, customers=6000, share=0.5)
    above = rows["at_stake"] > rows["at_stake"].median()
    more = rows.assign(spend=rows["spend"] + 40.0 * (above & (rows["arm"] == "contact")))
    less = rows.assign(spend=rows["spend"] + 40.0 * (~above & (rows["arm"] == "contact")))
    assert ("more", "less", "") == tuple(told(one).most for one in (more, less, rows))
    assert "" == told(rows.assign(at_stake=np.nan)).most


def test_too_few_left_out_tell_nothing_yet():
    """Nor customers who all did the same; money takes more, and no few who decide it."""
    few = measured_lots(2, customers=10 * FEWEST["purchases"] - 40)
    found = told(few)
    assert ("too early", None, None) == (found.verdict, found.purchases, found.known)
    paced = measured_lots(2, customers=1000, nights=100)
    day = dt.date(2024, 6, 8)
    # 10 a day, of whom 2,000 are needed: a hundred days, and those in which they are measured.
    assert abs((told(paced, day=day).known - day).days - 128) <= 3
    assert dt.date(2024, 3, 29) == found.first
    alike = measured_lots(2, customers=3000, share=0.3).assign(purchases=1.0, spend=5.0)
    assert "too early" == told(alike).verdict
    some = told(measured_lots(2, customers=1000, share=0.3))
    assert some.purchases is not None
    assert (None, "open") == (some.profit, some.verdict)
    rich = measured_lots(2, customers=20_000)
    heavy = rich.assign(spend=rich["spend"] ** 5)
    assert told(rich).profit is not None
    assert told(heavy).profit is None


def test_shares_changed_meanwhile_are_tests_of_their_own_pooled():
    """Lots of unlike probability are not thrown together, where the mix of customers changed too."""
    busy = measured_lots(3, customers=2000, share=0.5, rate=6.0)
    calm = measured_lots(4, customers=4000, share=0.1, rate=1.0)
    together = told(pd.concat([busy, calm], ignore_index=True))
    apart = [told(busy).purchases, told(calm).purchases]
    weights = np.array([one.standard_error**-2 for one in apart])
    pooled = weights @ [one.effect for one in apart] / weights.sum()
    assert pooled == pytest.approx(together.purchases.effect)
    assert together.purchases.low < 0.0 < together.purchases.high


@pytest.mark.parametrize(
    ("error", "customers", "needed"), [(0.05, 1000, 2900), (0.05, 4000, 11600), (0.01, 1000, 300)]
)
def test_the_customers_needed_for_a_change_by_a_tenth(error, customers, needed):
    """At them the interval, with the standard error of so many, reaches a tenth to each side."""
    change = Change(0.0, -1.0, 1.0, without=1.0, standard_error=error)
    assert customers_needed(change, customers) == pytest.approx(needed, rel=0.5)
    assert customers_needed(Change(0.0, -1.0, 1.0, 0.0, 1.0), 100) is None


def test_when_it_will_be_known_follows_the_pace_of_the_lots():
    """More a night tell sooner; a list that nobody joins any more tells no day."""
    rows = measured_lots(7, customers=2000, share=0.3, nights=20)
    day = rows["assigned_at"].max().date() + dt.timedelta(28)
    found = told(rows, day=day)
    assert "open" == found.verdict
    assert found.known is not None
    assert found.known > day
    still = rows.assign(assigned_at=pd.Timestamp(BEGIN))
    assert told(still, day=day).known is None


def test_what_is_told_is_the_same_after_a_file():
    """As JSON, with what is not known as null."""
    for rows in (measured_lots(1, customers=1500, share=0.4), measured_lots(1, customers=40)):
        found = told(rows, day=LATER)
        text = json.dumps(found.content(), allow_nan=False)
        assert repr(found) == repr(ListTest.from_content(json.loads(text)))


def test_all_lists_together_count_each_customer_once():
    """At the first store where they drew, and no purchase twice where another share began a test."""
    plain = measured_lots(3, customers=1500, share=0.2, name=ALL_LISTS)
    elsewhere = plain.iloc[:300].assign(store_id="b", arm="contact", purchases=50.0)
    soon = plain.iloc[300:600].assign(share=0.1, purchases=50.0)
    soon["assigned_at"] += pd.Timedelta(days=20)
    later = plain.iloc[600:900].copy()
    later["assigned_at"] += pd.Timedelta(days=182)
    both = told(pd.concat([elsewhere, soon, plain], ignore_index=True))
    assert repr(told(plain)) == repr(both)
    again = told(pd.concat([plain, later], ignore_index=True))
    assert 1800 == again.measured + again.measured_held_out
    listed = told(pd.concat([elsewhere, plain], ignore_index=True).assign(list="due"))
    assert 1800 == listed.measured + listed.measured_held_out


def test_all_lists_together_bear_a_contact_for_each_list_that_names_a_customer():
    """Those on record where there are any; one for each customer where no list has lots of its own."""
    rows = measured_lots(4, customers=3000, share=0.2, name=ALL_LISTS)
    named = rows.loc[rows["arm"] == "contact"]
    own = [named.assign(list=one, share=0.1) for one in ("due", "new")]
    own[1].loc[own[1].index[::2], "arm"] = "control"
    early = named.assign(list="loyal", assigned_at=pd.Timestamp("2024-02-01"))
    lots = pd.concat([rows, *own, early], ignore_index=True)
    terms = {"day": LATER, "days": 28, "margin": 0.5}

    def profit(lots, rows, cost):
        return list_tests(lots, rows, contact_cost=cost, **terms)[0].profit.effect

    free = profit(rows, rows, 0.0)
    assert free - 2.0 == pytest.approx(profit(rows, rows, 2.0))
    # Each of the list of those due, and every other one of the new: 1.5 contacts each.
    assert free - 3.0 == pytest.approx(profit(lots, rows, 2.0), abs=0.02)
    recorded = rows.assign(contacts=3.0 * (rows["arm"] == "contact"), contacted=1.0)
    assert free - 6.0 == pytest.approx(profit(lots, recorded, 2.0))


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "share"), [(ALL_LISTS, 0.1), ("due", 0.3)])
def test_read_nightly_for_26_weeks_nothing_is_found_where_nothing_is(name, share, record_property):
    """At most 5% of tests without an effect ever say otherwise; nightly of 200."""
    runs = 200
    found = [read_nightly(seed, lift=0.0, share=share, name=name) for seed in range(runs)]
    for outcome in ("purchases", "profit"):
        false = sum(one[outcome] is not None for one in found)
        record_property(f"found at no effect, {name}, {outcome}, of {runs}", false)
        # Three standard errors of a share of 5%.
        assert false <= 0.05 * runs + 3 * (0.0475 * runs) ** 0.5


@pytest.mark.nightly
def test_an_effect_of_a_tenth_is_found_as_soon_as_theory_says(record_property):
    """Half of tests find it by the customers at which the interval is that wide."""
    runs = 60
    world = {"lift": 0.1, "first": 1500, "fresh": 400, "share": 0.5}
    found = [read_nightly(seed, **world) for seed in range(runs)]
    when = np.median([one["purchases"] or np.inf for one in found])
    needed = np.median([one["needed"] for one in found])
    record_property("customers at half of the finds", f"{when:.0f}, in theory {needed:.0f}")
    # Readings are 400 customers apart; the median of a few is off by some of them.
    assert when <= needed + 400 + 2 * needed / runs**0.5
