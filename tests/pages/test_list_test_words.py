"""What the pages say of the lists' tests: a sentence for each verdict, and why there is none."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from retention_models.actions.hold_out import CONTROL
from retention_models.actions.lists import ActionList
from retention_models.campaigns.effects.contact_effect import Change, ListTest
from retention_models.pages.store.contact_words import in_full, in_short
from retention_models.settings.actions import ALL_LISTS, ActionSettings

RULES = ActionSettings(hold_out=0.1, contact_cost=0.2)
TEST = ListTest(
    *("due", dt.date(2024, 3, 1), 900, 100, 800, 90, dt.date(2024, 3, 29)),
    verdict="open",
    purchases=Change(0.12, -0.05, 0.29, 1.5, 0.06),
    profit=Change(1.25, -0.5, 3.0, 12.0, 0.5),
    known=dt.date(2024, 9, 1),
)
EARLY = replace(
    TEST, name="loyal", verdict="too early", purchases=None, profit=None, known=dt.date(2024, 3, 29)
)


def listed(name, *, out=0, no_test="", customers=20):
    """A list of today."""
    drawn = pd.DataFrame({"arm": [CONTROL] * out, "customer_id": [f"c{i}" for i in range(out)]})
    frame = pd.DataFrame(index=range(customers))
    return ActionList(name, name.title(), "Do.", frame, None, "", assigned=drawn, no_test=no_test)


@pytest.mark.parametrize(
    ("verdict", "short", "full"),
    [
        ("pays", "Contacting “Due” pays: +1.25 EUR (−0.50 EUR to +3.00 EUR)", "It pays: profit"),
        ("loses", "Contacting “Due” does not pay: +1.25 EUR", "It does not pay: profit changed by"),
        ("little", "than a tenth more purchases: +0.12 (−0.05 to +0.29)", "so little"),
    ],
)
def test_each_verdict_has_its_sentence(verdict, short, full):
    """With the grade, the amount a customer, and how many were measured."""
    one = replace(TEST, verdict=verdict)
    (said,) = in_short([one], RULES, "EUR")
    assert short in said
    assert "grade A" in said
    assert len(said.split()) <= 25
    told = in_full([one], {}, RULES, "EUR")
    assert full in told[0]
    assert "800 whom it named and 90 whom the lot left out" in told[0]
    assert "about" not in told[0]


def test_what_is_not_known_yet_says_when_it_will_be():
    """All such lists in one sentence of the page's own; each in full beside the models."""
    (said,) = in_short([EARLY, TEST], RULES, "EUR")
    assert "10% are left out of “Due” and “Loyal”" in said
    assert "about 29 March 2024" in said
    open_, early, how = in_full([EARLY, TEST], {}, RULES, "EUR")
    assert "not known yet" in open_
    assert "a change of purchases by a tenth would show about 1 September 2024" in open_
    assert "tests itself since 1 March 2024" in early
    assert "At this pace that is about 29 March 2024." in early
    (never, _) = in_full([replace(EARLY, known=None)], {}, RULES, "EUR")
    assert "more than two years: leave more of it out, or exempt it." in never
    assert in_short([replace(EARLY, known=None)], RULES, "EUR")[0].endswith("within two years.")
    assert "grade A" in how
    assert "not in it" not in how
    few = in_full([replace(TEST, profit=None)], {}, RULES, "EUR")[0]
    assert "a few customers still decide what is spent" in few
    sure = replace(TEST, purchases=Change(0.3, 0.1, 0.5, 1.5, 0.06))
    assert "“Due” changes purchases: +0.30 (+0.10 to" in in_short([sure], RULES, "EUR")[0]
    shown = in_full([sure], {}, RULES, "EUR")
    assert "more than chance does. Whether it pays is not known yet" in shown[0]
    assert "would show" not in shown[0]
    never = in_full([replace(TEST, known=None)], {}, ActionSettings(hold_out=0.1), "EUR")
    assert "would not show within two years" in never[0]
    assert "What a contact costs is not in it." in never[1]


def test_contacts_on_record_and_for_whom_it_pays_most_are_said():
    """The effect of a contact made is the difference over that of the shares contacted."""
    one = replace(TEST, contacted=0.62, contacted_held_out=0.02, most="more")
    told = in_full([one], {}, RULES, "EUR")[0]
    assert "with 62% of those to be contacted, and with 2% of those left out" in told
    assert "Each contact made changed purchases by +0.20 (−0.08 to +0.48)." in told
    assert "more at stake than the list's median" in told
    few = replace(one, contacted=0.1)
    assert "Each contact made" not in in_full([few], {}, RULES, "EUR")[0]


def test_all_lists_together_are_told_first_in_their_own_words():
    """What contacting anyone on any list changed against nobody; and when that will be known."""
    rules = ActionSettings(hold_out_of_all=0.02, contact_cost=0.2)
    pays = replace(TEST, name=ALL_LISTS, verdict="pays", contacted=0.9, contacted_held_out=0.0)
    (said,) = in_short([EARLY, pays], rules, "EUR")
    assert said.startswith("Contacting customers of all lists pays: +1.25 EUR")
    assert len(said.split()) <= 25
    full, due, how, cost = in_full([TEST, pays], {}, rules, "EUR")
    assert full.startswith("All lists together: in the 28 days after, contacting whoever is on any")
    assert "which may be chance. It pays: profit changed" in full
    assert "800 whom the lists could name and 90 whom the lot left out of all" in full
    assert "Each contact made" not in full
    assert "“Due”" in due
    assert "grade A" in how
    assert "one contact is counted for each customer" in cost
    both = ActionSettings(hold_out=0.1, hold_out_of_all=0.02, contact_cost=0.2)
    assert "each list that names a customer" in in_full([pays], {}, both, "EUR")[-1]
    waits = replace(EARLY, name=ALL_LISTS)
    first, second = in_short([EARLY, waits], both, "EUR")
    assert "2% of the customers on any list are left out of all lists" in first
    assert first.endswith("At this pace that is about 29 March 2024.")
    assert "10% are left out of “Loyal”" in second
    never = replace(waits, known=None)
    assert in_short([never], rules, "EUR")[0].endswith(
        "At this pace it will not be within two years."
    )
    assert [] == in_short([never], RULES, "EUR")
    told = in_full([never], {}, rules, "EUR")[0]
    assert told.startswith("All lists together are tested since 1 March 2024")
    assert told.endswith("leave more customers out of all lists.")


def test_without_a_lot_the_reason_is_said_and_no_small_number():
    """Lists by reason; a share of nothing in one sentence."""
    lists = {
        "due": listed("due", out=3),
        "complaint": listed("complaint", no_test="It is an apology."),
        "new": listed("new", no_test="It is an apology."),
    }
    out, untested = in_full([], lists, RULES, "EUR")
    assert "leave fewer than 5 customers out" in out
    assert "No lot for “Complaint” and “New”. It is an apology." == untested
    off = ActionSettings()
    (said,) = in_full([], lists, off, "EUR")
    assert "hold_out in [actions] of the project file is 0" in said
    assert [] == in_short([EARLY], off, "EUR") == in_short([], RULES, "EUR")
