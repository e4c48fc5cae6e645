"""Lists with what to do, why, and what is at stake; or why there cannot be one."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from action_samples import TERMS, World, known_of, outlook_of
from retention_models.actions import words as action_words
from retention_models.actions.lists import LOST, find_actions
from retention_models.actions.segments import (
    NEED_MODEL,
    NEED_SPEND,
    CustomerFacts,
    ModelTerms,
)
from retention_models.errors import SettingsError
from retention_models.predictions.stores import predict_store
from retention_models.settings.actions import LIST_NAMES, ActionSettings

WITHOUT_MODEL = {"new", "recent", "one_category"}


@pytest.fixture(scope="module")
def known():
    """Simulated customers."""
    return known_of(World(np.random.default_rng(2), 250))


@pytest.fixture(scope="module")
def outlook(known):
    """Their models."""
    return outlook_of(known.summary)


@pytest.fixture(scope="module")
def lists(known, outlook):
    """Their lists."""
    return find_actions(known, outlook, ActionSettings(), "EUR")


def test_every_list_is_there_in_the_order_of_the_rules(lists):
    """With a title and what to do."""
    assert list(LIST_NAMES) == list(lists)
    assert all(found.title and found.action for found in lists.values())


def test_stakes_of_those_to_keep_are_what_they_are_expected_to_bring(lists, outlook):
    """The CLV that customers.csv has, with its interval; the total is their sum."""
    for name in ("due", "high_value", "loyal", "recent"):
        found = lists[name].customers
        table = outlook.predictions.loc[found.index, ["clv", "clv_low", "clv_high"]]
        stakes = found[["at_stake", "at_stake_low", "at_stake_high"]]
        assert len(found) > 5
        np.testing.assert_array_equal(table, stakes)
        assert found["at_stake"].sum() == pytest.approx(lists[name].at_stake.value)
        assert "expected to bring" in lists[name].means


def test_stakes_of_those_to_win_back_are_what_leaving_costs(lists, known, outlook):
    """Largest first; with what is expected anyway they make the value of a customer in the sentence."""
    for name in LOST:
        found = lists[name].customers
        assert found["at_stake"].sum() == pytest.approx(lists[name].at_stake.value)
        assert found["at_stake"].is_monotonic_decreasing
        assert (found["at_stake_low"] <= found["at_stake_high"]).all()
        assert "on top of what is expected" in lists[name].means
    first = lists["lapsed"].customers.iloc[0]
    whole = first["at_stake"] + outlook.predictions.loc[first.name, "clv"]
    assert action_words.money(whole, "EUR") in first["why"]


def test_a_lists_interval_is_narrower_than_the_sum_of_its_customers(lists, known, outlook):
    """Chance averages out; with all customers on it, it is the store's own forecast."""
    for name in ("loyal", "lapsed"):
        found, total = lists[name].customers, lists[name].at_stake
        assert total.low < total.value < total.high
        wide = found["at_stake_high"].sum() - found["at_stake_low"].sum()
        assert total.high - total.low < wide
    everybody = ActionSettings.model_validate({"recent": {"within_days": 9999}, "one_of": []})
    found = find_actions(known, outlook, everybody, "EUR")["recent"].at_stake
    store = predict_store(outlook.purchases, outlook.spend, known.summary, **TERMS).value
    assert store.value == pytest.approx(found.value)
    assert (store.low, store.high) == pytest.approx((found.low, found.high), rel=0.05)


def test_a_sentence_has_the_customers_own_numbers(lists, known):
    """Mean gap and silence of the summary, by hand."""
    for name in ("wavering", "due"):
        for customer, row in lists[name].customers.iterrows():
            x, t_x, T, _ = known.summary.loc[customer]
            gap, silence = round(7 * t_x / x), round(7 * (T - t_x))
            days = f"{gap} day{'s' if gap != 1 else ''} on average"
            assert row["why"].startswith(f"Bought every {days}, ")
            assert f"last purchase {silence} day" in row["why"]
            assert row["purchases"] >= 3


def test_the_widest_rules_leave_no_hole_in_a_sentence(known, outlook):
    """Every customer on as many lists as there can be, one-time buyers too."""
    wide = {"least_purchases": 2, "least_alive": 0.0}
    rules = ActionSettings.model_validate(
        {
            "one_of": [],
            "usual_gap": 0.01,
            "late_gap": 0.02,
            "lapsed": {"most_alive": 1.0, "value_quantile": 0.0},
            "let_go": {"most_alive": 1.0, "value_quantile": 1.0},
            "wavering": {"least_purchases": 2, "least_fall": 0.0},
            "due": wide | {"ahead_days": 9999},
            "loyal": wide | {"purchases_quantile": 0.0},
            "high_value": {"value_quantile": 0.0, "least_alive": 0.0},
            "new": {"within_days": 9999},
            "recent": {"within_days": 9999},
        }
    )
    found = find_actions(known, outlook, rules, "EUR")
    assert (
        len(known.summary) == len(found["recent"].customers) == len(found["high_value"].customers)
    )
    for each in found.values():
        assert not each.customers["why"].str.contains(r"[{}]|nan|inf").any()
        assert each.customers["why"].str.endswith(".").all()


def test_without_a_model_the_lists_that_need_none_are_made(known):
    """The others say why there is none, and no value is told."""
    scores = pd.DataFrame({"customer_id": known.summary.index[:3], "score": [10, 2, 7]})
    complaints = pd.DataFrame({"customer_id": ["0007"], "day": [dt.date(2023, 12, 30)]})
    counts = pd.DataFrame({"categories": 1, "category": "tea"}, index=known.summary.index)
    bare = CustomerFacts(known.summary, known.earlier, counts, scores, complaints)
    found = find_actions(bare, "Too few came back.", ActionSettings(), "EUR")
    for name, each in found.items():
        if name in NEED_MODEL:
            said = "It takes a model of purchases. Too few came back."
            assert (said, 0, None, "") == (
                each.refusal,
                len(each.customers),
                each.at_stake,
                each.no_value,
            )
        else:
            assert "" == each.refusal
            assert "What is at stake cannot be said. Too few came back." == each.no_value
            assert each.customers["at_stake"].isna().all()
    assert ["0007"] == list(found["complaint"].customers.index)
    assert ["0001"] == list(found["detractor"].customers.index)
    assert ["0000"] == list(found["promoter"].customers.index)
    assert "Complained on 30 December 2023." == found["complaint"].customers["why"].iloc[0]
    assert (
        "Gave the shop 2 in the last survey answered."
        == found["detractor"].customers["why"].iloc[0]
    )
    assert len(found["one_category"].customers) > 10
    assert found["one_category"].customers["why"].str.endswith("one category: tea.").all()


def test_without_a_model_of_spend_lists_of_value_say_so(known, outlook):
    """Who is due or wavering is known all the same."""
    predictions = rm.predict_customers(outlook.purchases, None, known.summary, **TERMS)
    bare = ModelTerms(outlook.purchases, None, predictions, **TERMS, no_spend="Spend is flat.")
    found = find_actions(known, bare, ActionSettings(), "EUR")
    refused = {name for name, each in found.items() if "Spend is flat." in each.refusal}
    assert set(NEED_SPEND) == refused
    for name in ("due", "wavering", "recent"):
        assert len(found[name].customers) > 0
        assert "What is at stake cannot be said. Spend is flat." == found[name].no_value


def test_an_empty_list_has_nothing_at_stake(known, outlook):
    """Zero, not unknown."""
    rules = ActionSettings.model_validate({"wavering": {"least_fall": 1.0}})
    found = find_actions(known, outlook, rules, "EUR")["wavering"]
    assert (0, 0.0, 0.0) == (len(found.customers), found.at_stake.value, found.at_stake.high)


def test_customers_whose_spend_tells_nothing_have_no_stake(known, outlook):
    """Returned or free repeat purchases: a list of only those says so."""
    summary = known.summary.copy()
    summary["monetary_value"] = summary["monetary_value"].where(summary["frequency"] < 4, 0.0)
    table = rm.predict_customers(outlook.purchases, outlook.spend, summary, **TERMS)
    odd = ModelTerms(outlook.purchases, outlook.spend, table, **TERMS)
    found = find_actions(CustomerFacts(summary, known.earlier), odd, ActionSettings(), "EUR")[
        "loyal"
    ]
    assert len(found.customers) > 0
    assert found.at_stake is None
    assert "came to nothing (returned or free)" in found.no_value


@pytest.mark.slow
def test_lists_of_more_than_five_thousand_have_their_total_in_closed_form(
    monkeypatch, known, outlook
):
    """Near the simulated one."""
    rules = ActionSettings.model_validate({"one_of": [], "recent": {"within_days": 9999}})
    simulated = find_actions(known, outlook, rules, "EUR")
    monkeypatch.setattr("retention_models.predictions.stores._FEW", 4)
    closed = find_actions(known, outlook, rules, "EUR")
    for name in ("recent", "lapsed"):
        one, other = simulated[name].at_stake, closed[name].at_stake
        assert other.value == pytest.approx(one.value)
        assert [other.low, other.high] == pytest.approx([one.low, one.high], rel=0.12)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pd.DataFrame({"id": ["a"], "score": [1]}), "scores: expected the columns customer_id and"),
        (pd.DataFrame({"customer_id": ["a", "a"], "score": [1, 2]}), "'a' has several"),
    ],
)
def test_tables_that_do_not_fit_are_refused(known, outlook, table, said):
    """Columns by name, one row per customer."""
    bad = CustomerFacts(known.summary, known.earlier, scores=table)
    with pytest.raises(SettingsError, match=said):
        find_actions(bad, outlook, ActionSettings(), "EUR")


def test_an_engines_table_of_scores_will_do(known, outlook):
    """As a survey's source gives it."""
    table = ibis.memtable(pd.DataFrame({"customer_id": ["0003"], "score": [1.0]}))
    asked = CustomerFacts(known.summary, known.earlier, scores=table)
    found = find_actions(asked, outlook, ActionSettings(), "EUR")
    assert ["0003"] == list(found["detractor"].customers.index)


@pytest.mark.slow
def test_a_closed_stores_lists_that_need_a_model_are_withheld(tmp_path):
    """Its forecast failed; whoever is on a list is there for what they did."""
    frame = shops.simulated_log(300, seed=5)
    frame = frame[frame["day"] <= pd.Timestamp("2023-09-20").date()]
    store = rm.open_store(shops.write_project(tmp_path, frame, ["0042"]), "0042")
    for name, found in store.actions.items():
        withheld = "The forecast is withheld" in found.refusal
        assert (name in NEED_MODEL) == withheld
        assert found.at_stake is None


def test_a_young_store_and_one_of_one_customer_have_lists(chain_project):
    """Without a model, and with data younger than the day that P(alive) is compared with."""
    single = rm.open_store(chain_project, "single").actions
    assert all(single[name].refusal == "" for name in ("new", "recent"))
    young = rm.open_store(chain_project, "0042", as_of="2023-01-10").actions
    assert len(young["new"].customers) > 0


@pytest.mark.nightly
def test_grocery_customers_are_on_lists_that_do_not_contradict(grocery):
    """Real data, end to end: sentences, stakes and groups."""
    store = rm.open_store(grocery, "367")
    found = store.actions
    assert {"complaint", "detractor", "promoter"} == {
        n for n, each in found.items() if each.refusal
    }
    on = {name: set(each.customers.index) for name, each in found.items()}
    for group in store.settings.actions.one_of:
        assert sum(len(on[name]) for name in group) == len(set().union(*(on[n] for n in group)))
    assert set().union(*on.values()) <= set(store.summary.index)
    for name in ("wavering", "due", "lapsed", "loyal", "high_value", "recent", "new"):
        each = found[name]
        assert len(each.customers) > 0
        assert each.at_stake.low < each.at_stake.value < each.at_stake.high
        assert not each.customers["why"].str.contains(r"[{}]|nan|inf").any()
    assert 0 == len(found["one_category"].customers)  # everybody buys from several departments
