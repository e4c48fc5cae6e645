"""Lots of lists: the share left out, who keeps which arm for how long, and whom no lot may touch."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from action_samples import World, known_of, outlook_of
from retention_models.actions.hold_out import (
    ASSIGNED,
    CONTACT,
    CONTROL,
    Lots,
    draw,
    held_out_now,
    left_out,
    no_lots,
    no_test,
    with_lots,
)
from retention_models.actions.lists import find_actions
from retention_models.actions.to_call import customers_to_call
from retention_models.settings.actions import ALL_LISTS, LIST_NAMES, ActionSettings

NIGHT = dt.date(2024, 3, 1)
TENTH = ActionSettings(hold_out=0.1)


def members(n, first=0):
    """Customers of a list, the highest stakes first."""
    ids = pd.Index([f"c{first + i:04d}" for i in range(n)])
    return pd.DataFrame({"at_stake": np.arange(n, 0.0, -1.0), "probability_alive": 0.5}, index=ids)


def lots(night=NIGHT, earlier=None, project="Shop", store="a"):
    """What a night's lots are drawn with."""
    return Lots(project, store, night, no_lots() if earlier is None else earlier)


def out_of(table):
    """Ids left out."""
    return set(table.loc[table["arm"] == CONTROL, "customer_id"])


@pytest.mark.parametrize(("share", "size", "each"), [(0.1, 10, 1), (0.25, 4, 1), (0.15, 20, 3)])
def test_of_each_block_of_like_stakes_the_same_number_is_left_out(share, size, each):
    """A lot that is stratified by what is at stake."""
    drawn = draw(lots(), "due", members(10 * size), ActionSettings(hold_out=share))
    out = drawn["arm"].eq(CONTROL).to_numpy().reshape(10, size)
    assert [each] * 10 == out.sum(axis=1).tolist()
    assert {CONTACT, CONTROL} == set(drawn["arm"])
    assert list(ASSIGNED) == list(drawn.columns)


def test_everybody_is_left_out_with_the_same_probability_whatever_the_number():
    """14 customers have a block and four of another, whose empty seats draw as well."""
    stakes, one = members(14)["at_stake"], lots()
    chain = [replace(one, project=f"p{i}") for i in range(1000)]
    found = [one for each in chain for one in left_out(each, "due", stakes, 0.1)]
    out = pd.Series(found).value_counts().reindex(stakes.index, fill_value=0)
    # Four standard errors of a share of a tenth.
    assert np.abs(out / 1000 - 0.1).max() < 4 * (0.1 * 0.9 / 1000) ** 0.5


def test_a_lot_can_be_drawn_again_and_depends_on_project_store_list_and_begin():
    """The same names give the same lot, whatever the order of rows; any other gives another."""
    people = members(200)
    first = out_of(draw(lots(), "due", people, TENTH))
    assert first == out_of(draw(lots(), "due", people.sample(frac=1, random_state=1), TENTH))
    for other in (lots(project="B"), lots(store="b"), lots(night=NIGHT + dt.timedelta(1))):
        assert first != out_of(draw(other, "due", people, TENTH))
    assert first != out_of(draw(lots(), "new", people, TENTH))


def test_an_arm_is_kept_while_the_test_runs_and_drawn_anew_after_it():
    """Whatever else is at stake by then; newcomers draw behind those who have drawn."""
    first = draw(lots(), "due", members(40), TENTH)
    later = NIGHT + dt.timedelta(days=TENTH.test_days - 1)
    changed = members(60, first=20).iloc[::-1]
    second = draw(lots(later, first), "due", changed, TENTH)
    both = first.merge(second, on="customer_id", suffixes=("", "_then"))
    assert 20 == len(both)
    assert (both["arm"] == both["arm_then"]).all()
    assert (both["assigned_at"] == both["assigned_at_then"]).all()
    assert 4 == second["assigned_at"].eq(pd.Timestamp(later)).loc[second["arm"] == CONTROL].sum()
    third = draw(lots(later + dt.timedelta(1), first), "due", members(40), TENTH)
    assert first["campaign_id"].iloc[0] != third["campaign_id"].iloc[0]
    assert out_of(first) != out_of(third)


def test_another_share_begins_another_test():
    """Arms drawn with unlike probabilities are not compared as one."""
    first = draw(lots(), "due", members(40), TENTH)
    second = draw(lots(NIGHT, first), "due", members(40), ActionSettings(hold_out=0.2))
    assert {0.2} == set(second["share"])
    assert not set(first["campaign_id"]) & set(second["campaign_id"])


@pytest.mark.parametrize(
    ("name", "rules", "customers", "said"),
    [
        ("due", {}, 50, "hold_out in [actions] is 0"),
        ("complaint", {"hold_out": 0.1, "exempt": []}, 50, "an apology"),
        ("detractor", {"hold_out": 0.1}, 50, "Exempt in the project file"),
        ("loyal", {"hold_out": 0.1, "exempt": ["loyal"]}, 50, "Exempt in the project file"),
        ("let_go", {"hold_out": 0.1}, 50, "Nobody on it is contacted"),
        ("due", {"hold_out": 0.1}, 3, "Fewer than 10 customers"),
        ("due", {"hold_out": 0.1}, 0, "Fewer than 10 customers"),
    ],
)
def test_where_nobody_is_left_out_the_reason_is_said(name, rules, customers, said):
    """An apology, an exempt list, one without contact, three customers, a share of nothing."""
    settings = ActionSettings.model_validate(rules)
    assert said in no_test(name, settings, customers)
    assert draw(lots(), name, members(customers), settings).empty


@pytest.mark.parametrize(
    ("name", "rules"),
    [("due", {}), ("detractor", {"exempt": []}), ("let_go", {"let_go": {"action": "Write."}})],
)
def test_other_lists_test_themselves(name, rules):
    """Also one that is exempt by default, or without contact, where the project file says so."""
    settings = ActionSettings.model_validate({"hold_out": 0.1, **rules})
    assert "" == no_test(name, settings, 50)
    assert 5 == len(out_of(draw(lots(), name, members(50), settings)))


def test_who_is_left_out_stays_out_until_the_test_ends():
    """Whoever is to be called tomorrow is none of them, on their list today or not."""
    first = draw(lots(), "due", members(40), TENTH)
    last = NIGHT + dt.timedelta(days=TENTH.test_days - 1)
    assert out_of(first) == held_out_now(lots(last, first), TENTH)
    assert set() == held_out_now(lots(last + dt.timedelta(1), first), TENTH)
    assert set() == held_out_now(lots(last, first), ActionSettings())


def test_all_lists_together_draw_by_their_own_share_and_keep_their_arms():
    """Whether lists test themselves or not; a share of nothing draws nothing."""
    rules = ActionSettings(hold_out_of_all=0.02)
    first = draw(lots(), ALL_LISTS, members(100), rules)
    assert ([2, 0.02], {ALL_LISTS}) == ([len(out_of(first)), first["share"][0]], set(first["list"]))
    assert draw(lots(), "due", members(100), rules).empty
    assert draw(lots(), ALL_LISTS, members(100), TENTH).empty
    second = draw(lots(NIGHT + dt.timedelta(30), first), ALL_LISTS, members(100), rules)
    pd.testing.assert_frame_equal(first, second)
    both = pd.concat([first, draw(lots(), "due", members(40), TENTH)])
    for shares, kept in (((0.0, 0.02), {ALL_LISTS}), ((0.1, 0.0), {"due"}), ((0.0, 0.0), set())):
        now = ActionSettings(hold_out=shares[0], hold_out_of_all=shares[1])
        assert out_of(both.loc[both["list"].isin(kept)]) == held_out_now(lots(NIGHT, both), now)
    assert "Nobody is left out of it alone" in no_test("due", rules, 50)
    assert "an apology" in no_test("complaint", rules, 50)
    assert not {"complaint", "detractor", "let_go"} & set(with_lots(rules))


@pytest.fixture(scope="module")
def world():
    """A store's customers, and the models of them."""
    made = known_of(World(np.random.default_rng(5), 250))
    return made, outlook_of(made.summary)


@pytest.fixture(scope="module")
def few():
    """Some customers of a store."""
    return known_of(World(np.random.default_rng(6), 60))


def test_whoever_is_left_out_is_on_no_contact_list_on_the_next_night_either(world):
    """Nor called; lists that test nothing hold everybody."""
    known, outlook = world
    rules = ActionSettings(hold_out=0.25, hold_out_of_all=0.1, exempt=("loyal",))
    plain = find_actions(known, outlook, rules, "EUR")
    earlier = no_lots()
    for night in range(2):
        found = find_actions(
            known, outlook, rules, "EUR", lots(NIGHT + dt.timedelta(night), earlier)
        )
        out = set()
        for name in LIST_NAMES:
            one, whole = found[name], plain[name].customers
            assert set(one.customers.index) == set(whole.index) - set(one.held_out)
            assert not set(one.held_out) & set(one.customers.index)
            out |= set(one.held_out)
        assert [] == found["loyal"].held_out
        assert "Exempt" in found["loyal"].no_test
        assert {CONTACT} == set(found["high_value"].customers["arm"])
        called = customers_to_call(known.summary, outlook, rules, out).customers.index
        assert out
        assert not out & set(called)
        drawn = pd.concat([one.assigned for one in found.values() if len(one.assigned)])
        assert night == 0 or set(drawn["customer_id"]) == set(earlier["customer_id"])
        earlier = drawn.reset_index(drop=True)
    total = found["high_value"].at_stake
    assert total is not None
    assert total.value < plain["high_value"].at_stake.value


@pytest.mark.slow
@given(
    share=st.sampled_from([0.0, 0.1, 0.5]),
    of_all=st.sampled_from([0.01, 0.05, 0.2]),
    exempt=st.lists(st.sampled_from(["new", "promoter", "detractor"]), unique=True),
    project=st.text("ab", min_size=1, max_size=4),
    later=st.integers(0, 400),
)
@settings(deadline=None, max_examples=4)
def test_whoever_is_left_out_of_all_lists_is_on_none_and_draws_no_lists_lot(
    few, share, of_all, exempt, project, later
):
    """Tonight and later; exempt lists hold everybody, and each list's own lots are of the others."""
    known, none = few, "no model"  # lists of what is seen, which are made at once
    rules = ActionSettings(hold_out=share, hold_out_of_all=of_all, exempt=tuple(exempt))
    plain, earlier = find_actions(known, none, rules, "EUR"), no_lots()
    for night in (NIGHT, NIGHT + dt.timedelta(later)):
        found = find_actions(known, none, rules, "EUR", lots(night, earlier, project))
        drawn = pd.concat([no_lots(), *(one.assigned for one in found.values())])
        now = drawn.loc[drawn["list"] == ALL_LISTS].drop_duplicates()
        assert now["customer_id"].is_unique
        out = out_of(now)
        tested = with_lots(rules)
        union = set().union(*(plain[name].customers.index for name in tested))
        assert set(now["customer_id"]) == union
        for name, one in found.items():
            on_list, own = set(one.customers.index), one.assigned
            assert set(plain[name].customers.index) - set(one.held_out) == on_list
            if name in tested:
                assert not out & on_list
                assert not out & set(own.loc[own["list"] == name, "customer_id"])
            else:
                assert [] == one.held_out
        assert out <= held_out_now(lots(night, drawn, project), rules)
        earlier = drawn.drop_duplicates(ignore_index=True)
