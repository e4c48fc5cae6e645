"""Who is on which list: by hand for each rule, and for every set of rules and customers."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from action_samples import END, World, facts, outlook_of, summary_of
from retention_models.actions.segments import (
    CustomerFacts,
    customer_segments,
    modelled_facts,
    observed_facts,
)
from retention_models.settings.actions import LIST_NAMES, ActionSettings

# Bought ten times, every 12 days; half of the gaps within 9 days, 95% within 31.
REGULAR = {
    "purchases": 10,
    "mean_gap": 12.0,
    "usual_gap": 9.0,
    "late_gap": 31.0,
    "silence": 3.0,
    "probability_alive": 0.9,
    "probability_before": 0.9,
    "fall": 0.0,
    "clv": 50.0,
    "value_if_customer": 55.0,
}
GONE = REGULAR | {"silence": 90.0, "probability_alive": 0.1, "clv": 5.0, "fall": 0.05}


def lists(rules=None, **customers):
    """Customer → the names of the lists that it is on."""
    table = customer_segments(facts(**customers), ActionSettings.model_validate(rules or {}))
    return {
        customer: set(table.columns[row])
        for customer, row in zip(customers, table.to_numpy(), strict=True)
    }


def of(known, rules=None):
    """The lists of one customer beside four of whom nothing is known but what they are worth."""
    others = {f"other{i}": {"clv": value} for i, value in enumerate((10.0, 20.0, 30.0, 40.0))}
    return lists(rules, customer=known, **others)["customer"]


@pytest.mark.parametrize(
    ("expected", "known"),
    [
        ({"new"}, {"purchases": 1, "age": 27.0, "silence": 27.0}),
        (set(), {"purchases": 1, "age": 28.0, "silence": 28.0}),
        (set(), {"purchases": 2, "age": 27.0, "silence": 20.0}),
        ({"recent"}, {"purchases": 2, "silence": 6.0}),
        ({"due"}, REGULAR | {"silence": 9.0, "clv": 20.0}),
        ({"due"}, REGULAR | {"silence": 31.0, "clv": 20.0}),
        (set(), REGULAR | {"silence": 8.0, "clv": 20.0}),
        (set(), REGULAR | {"silence": 10.0, "clv": 20.0, "probability_alive": 0.49}),
        (set(), REGULAR | {"silence": 10.0, "clv": 20.0, "purchases": 2}),
        ({"wavering"}, REGULAR | {"silence": 32.0, "probability_alive": 0.5, "fall": 0.1}),
        (set(), REGULAR | {"silence": 32.0, "probability_alive": 0.4, "fall": 0.09}),
        ({"lapsed"}, GONE),
        ({"let_go"}, GONE | {"value_if_customer": 12.0}),
        (set(), GONE | {"value_if_customer": np.nan}),
        (set(), GONE | {"silence": 30.0, "probability_alive": 0.3}),
        ({"high_value", "recent"}, REGULAR),
        ({"one_category"}, {"purchases": 3, "silence": 90.0, "categories": 1.0}),
        (set(), {"purchases": 3, "silence": 91.0, "categories": 1.0}),
        (set(), {"purchases": 3, "silence": 20.0, "categories": 2.0}),
        ({"promoter"}, {"score": 9.0}),
        (set(), {"score": 8.0}),
        ({"detractor"}, {"score": 6.0}),
        ({"complaint"}, {"since_complaint": 27.0}),
        (set(), {"since_complaint": 28.0}),
        (set(), {}),
    ],
)
def test_a_rule_fits_as_it_says(expected, known):
    """At its thresholds and just beyond them, with the defaults; what is not known fits nothing."""
    loyal = {"loyal": {"use": False}}
    assert expected == of(known, loyal)


def test_the_loyal_bought_more_often_than_most():
    """Than the share of customers that is set, of the store's own."""
    shop = {f"c{n}": REGULAR | {"purchases": n, "clv": 1.0} for n in range(1, 11)}
    found = lists({"high_value": {"use": False}}, **shop)
    assert {"c9", "c10"} == {name for name, on in found.items() if "loyal" in on}


def test_amounts_take_the_place_of_quantiles():
    """Of high value, worth winning back, and let go."""
    assert "high_value" not in of(REGULAR, {"high_value": {"least_value": 50.01}})
    assert "high_value" in of(REGULAR | {"clv": 15.0}, {"high_value": {"least_value": 15.0}})
    assert {"lapsed"} == of(GONE, {"lapsed": {"least_value": 55.0}})
    rules = {"lapsed": {"least_value": 55.5}, "let_go": {"most_value": 55.5}}
    assert {"let_go"} == of(GONE, rules)


def test_whoever_has_a_reason_to_leave_is_neither_praised_nor_sold_to():
    """A complaint comes first, whatever else fits."""
    known = REGULAR | {"since_complaint": 1.0, "score": 10.0, "categories": 1.0}
    assert {"complaint"} == of(known)
    assert {"detractor"} == of(known | {"since_complaint": np.nan, "score": 0.0})


def test_a_list_that_is_not_used_keeps_nobody_from_another():
    """Nobody is on it."""
    known = REGULAR | {"since_complaint": 1.0}
    assert {"recent", "high_value", "loyal"} == of(known, {"complaint": {"use": False}})


def test_the_order_decides_between_lists_of_one_group():
    """The first that fits."""
    known = {"purchases": 1, "age": 3.0, "silence": 3.0}
    assert {"new"} == of(known)
    assert {"recent"} == of(known, {"order": ["recent"]})
    assert {"new", "recent"} == of(known, {"one_of": []})


def some(low, high):
    """A number that is not known, or within bounds."""
    return st.one_of(st.just(np.nan), st.floats(low, high))


customers = st.lists(
    st.fixed_dictionaries(
        {
            "purchases": st.integers(1, 20),
            "age": st.integers(0, 400).map(float),
            "silence": st.integers(0, 400).map(float),
            "usual_gap": some(0, 50),
            "late_gap": some(10, 200),
            "probability_alive": some(0, 1),
            "fall": some(-1, 1),
            "clv": some(0, 100),
            "value_if_customer": some(0, 100),
            "categories": some(1, 3),
            "score": some(0, 10),
            "since_complaint": some(0, 60),
        }
    ),
    min_size=1,
    max_size=12,
)
groups = st.lists(
    st.lists(st.sampled_from(LIST_NAMES), unique=True, max_size=12).map(tuple), max_size=6
).map(tuple)
rules = st.builds(
    lambda order, one_of, days, share, amount, use: ActionSettings.model_validate(
        {
            "order": order,
            **({} if one_of is None else {"one_of": one_of}),
            "new": {"within_days": days},
            "recent": {"within_days": days},
            "lapsed": {"most_alive": share, "value_quantile": share, "least_value": amount},
            "let_go": {"most_alive": share, "most_value": amount},
            "high_value": {"value_quantile": share},
            "loyal": {"least_alive": share, "purchases_quantile": share},
            "due": {"least_alive": share, "ahead_days": days},
            "wavering": {"least_fall": share, "use": use},
        }
    ),
    st.lists(st.sampled_from(LIST_NAMES), unique=True).map(tuple),
    st.none() | groups,
    st.integers(1, 400),
    st.floats(0, 1),
    st.none() | st.floats(0.01, 100),
    st.booleans(),
)


@settings(max_examples=12, deadline=None)
@given(customers, rules)
def test_nobody_is_on_two_lists_that_contradict_each_other(known, rule):
    """Whatever the rules, the order, the groups and the customers; and every list is there once."""
    table = customer_segments(facts(**{f"c{i}": k for i, k in enumerate(known)}), rule)
    assert sorted(LIST_NAMES) == sorted(table.columns)
    for group in rule.one_of:
        assert table[list(group)].sum(axis=1).max() <= 1
    # And nobody is kept off all of them: whoever meets a rule is on a list.
    free = customer_segments(
        facts(**{f"c{i}": k for i, k in enumerate(known)}), rule.model_copy(update={"one_of": ()})
    )
    assert free.any(axis=1).tolist() == table.any(axis=1).tolist()
    assert not (table & ~free).any(axis=None)


def test_facts_are_days_of_the_customers_own_history():
    """Counted by hand, with what surveys, complaints and categories add."""
    summary = summary_of([0, 3], [0.0, 36 / 7], [2.0, 6.0], [0.0, 9.0])
    found = observed_facts(
        summary,
        categories=pd.DataFrame({"categories": [1], "category": ["tea"]}, index=["0001"]),
        scores=pd.Series({"0001": 7, "nobody": 3}),
        complaints=pd.Series({"0000": END - dt.timedelta(days=4), "0001": dt.date(2024, 1, 1)}),
    )
    assert [1, 4] == list(found["purchases"])
    assert [14, 42] == list(found["age"])
    assert [14, 6] == list(found["silence"])
    assert 12.0 == found.loc["0001", "mean_gap"]
    assert np.isnan(found.loc["0000", "mean_gap"])
    assert ["2023-12-17", "2023-12-25"] == [str(day.date()) for day in found["last_day"]]
    assert (1, "tea", 7) == tuple(found.loc["0001", ["categories", "category", "score"]])
    # A complaint of tomorrow is not known today.
    assert 4 == found.loc["0000", "since_complaint"]
    assert np.isnan(found.loc["0001", "since_complaint"])


def test_the_fall_is_the_silence_and_not_another_fit():
    """Of customers who bought nothing since, by today's model on both days; REF: P(alive) by hand."""
    world = World(np.random.default_rng(4), 200)
    known = CustomerFacts(world.summary(), world.summary(4.0))
    outlook = outlook_of(known.summary)
    found = modelled_facts(observed_facts(known.summary), known, outlook, ActionSettings())
    r, alpha, a, b = outlook.purchases.fit_.parameters
    quiet = known.summary[(known.summary["frequency"] > 0) & (found["silence"] > 28)]
    x, t_x, T = quiet["frequency"], quiet["recency"], quiet["T"]

    def alive(end):
        return 1 / (1 + a / (b + x - 1) * ((alpha + end) / (alpha + t_x)) ** (r + x))

    assert len(quiet) > 20
    np.testing.assert_allclose((alive(T - 4.0) - alive(T)), found.loc[quiet.index, "fall"], 1e-8)
    assert (found.loc[quiet.index, "fall"] > 0).all()


def test_a_customer_who_began_since_has_no_fall():
    """There was nothing to fall from."""
    world = World(np.random.default_rng(4), 100)
    summary = world.summary()
    known = CustomerFacts(summary, summary.iloc[1:])
    outlook = outlook_of(summary)
    found = modelled_facts(observed_facts(summary), known, outlook, ActionSettings())
    assert [True] + 99 * [False] == list(found["fall"].isna())
    nobody = CustomerFacts(summary, summary.iloc[:0])
    found = modelled_facts(observed_facts(summary), nobody, outlook, ActionSettings())
    assert found["fall"].isna().all()
