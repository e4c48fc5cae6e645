"""A campaign's customers, against a reference in plain Python and in every engine."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from conftest import skip_or_fail
from hypothesis import HealthCheck, given, settings, strategies as st

import retention_models as rm
from campaign_samples import CAMPAIGN, assigned, campaign, log_of, read_log
from engines import COLUMNS, IDS, in_parquet, in_postgresql, in_spark, log_of_an_odd_shop, why_not
from retention_models.campaigns.data.covariates import other_campaigns
from retention_models.errors import DataError, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.settings.reading import read_settings
from shops import simulated_log

# Spark's own client leaves its sockets for the interpreter to close.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

START, END, LATER = CAMPAIGN.start, CAMPAIGN.end, CAMPAIGN.end + dt.timedelta(days=14)


def reference(lines, drawn, redemptions, costs, margin):
    """REF: outcomes of each window by customer, line by line; lines are customer, day, spend, order."""
    sold = defaultdict(set)
    of_order = defaultdict(set)
    for who, day, spend, order in lines:
        if spend >= 0 and day <= LATER:
            sold[who].add(day)
            of_order[who, order].add(day)
    net = defaultdict(float)
    for who, day, spend, order in lines:
        if day > LATER:
            continue
        place = day
        if spend < 0:
            named = [d for d in of_order[who, order] if d <= day]
            before = [d for d in sold[who] if d <= day]
            if not before:
                continue
            place = max(named) if named else max(before)
        net[who, place] += spend
    spans = {"campaign": (START, END), "follow_up": (END + dt.timedelta(days=1), LATER)}
    spans["whole"] = (START, LATER)
    found = {}
    for window, (first, last) in spans.items():
        for who, arm in drawn.items():
            days = [d for d in sold[who] if first <= d <= last]
            spend = sum(net[who, d] for d in days)
            offered = arm != "control"
            cost = sum(c for w, d, c in redemptions if w == who and first <= d <= last)
            profit = (margin - costs.points_rate * offered) * spend - cost
            profit -= costs.contact * offered * (window != "follow_up")
            found[window, who] = (len(days), float(bool(days)), spend, profit)
    return found


days = st.integers(-20, 40).map(lambda n: START + dt.timedelta(days=n))
line = st.tuples(
    st.sampled_from(["0042", "42", "O'Brien", "=1+1"]),
    days,
    st.integers(-3, 9).map(float),
    st.sampled_from(["A", "B", "R"]),
)


@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(line, min_size=30, max_size=60), redeemed=st.lists(st.tuples(days), max_size=4)
)
def test_outcomes_are_those_of_a_reference_in_plain_python(tmp_path, lines, redeemed):
    """Purchase days, returns to their purchases, costs where they belong; every customer and window."""
    # Known to the end of the follow-up, and a customer who has nothing to do with it.
    lines = [*lines, ("z", LATER + dt.timedelta(days=3), 1.0, "Z"), ("z", START, 2.0, "Y")]
    drawn = {"0042": "coupon", "42": "control", "O'Brien": "coupon", "new": "control"}
    took = [("0042", day, 2.5) for (day,) in redeemed]
    given_ = pd.DataFrame(took, columns=["customer_id", "redeemed_at", "amount"])
    given_.loc[::2, "amount"] = np.nan  # the campaign's cost of a redemption
    expected_took = [(who, day, 2.0 if i % 2 == 0 else 2.5) for i, (who, day, _) in enumerate(took)]
    this = campaign(costs={"contact": 0.5, "redemption": 2.0, "points_rate": 0.1})
    data = rm.read_campaign(
        log_of(tmp_path, lines),
        this,
        assigned(drawn),
        given_.assign(campaign_id="spring", number=given_.index) if took else _none(),
        margin=0.3,
        others=[campaign(id="other")],
    )
    expected = reference(lines, drawn, expected_took, this.costs, 0.3)
    for (window, who), numbers in expected.items():
        assert numbers == pytest.approx(tuple(data.outcomes[window].loc[who]), abs=1e-9), (
            window,
            who,
        )
    inside = [d for w, d, _ in expected_took if START <= d <= END]
    assert len(inside) == data.table.loc["0042", "redemptions"]


def _none():
    columns = {"campaign_id": ["other"], "customer_id": ["x"], "redeemed_at": ["2023-01-01"]}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop that the models describe, of two stores, over a year."""
    log = pd.concat(
        [simulated_log(300, seed=3), simulated_log(150, seed=4, shop="B").assign(shop="B")]
    )
    return read_log(tmp_path_factory.mktemp("shop"), log)


def halves(ids):
    """Every second customer is offered a coupon."""
    return {who: "coupon" if i % 2 else "control" for i, who in enumerate(ids)}


@pytest.fixture(scope="module")
def everyone(shop):
    """Ids of all customers, sorted."""
    return sorted(set(shop.table.execute()["customer_id"]))


@pytest.fixture(scope="module")
def halved(shop, everyone):
    """Every second customer of the shop was offered the coupon."""
    return rm.read_campaign(shop, CAMPAIGN, assigned(halves(everyone)), margin=0.3)


def test_purchases_of_customers_sum_to_the_purchase_days_of_the_log(shop, halved):
    """Nothing is lost or counted twice on the way to a row a customer."""
    rows, data = shop.table.execute(), halved
    inside = rows[(rows["date"] >= pd.Timestamp(START)) & (rows["date"] <= pd.Timestamp(END))]
    visits = inside[inside["spend"] >= 0].drop_duplicates(["customer_id", "date"])
    outcomes = data.outcomes["campaign"]
    assert len(visits) == outcomes["purchases"].sum()
    assert visits["customer_id"].nunique() == outcomes["bought"].sum()
    assert float(inside["spend"].sum()) == pytest.approx(outcomes["spend"].sum())
    both = data.outcomes["campaign"] + data.outcomes["follow_up"]
    for name in ("purchases", "spend", "profit"):
        assert both[name].to_numpy() == pytest.approx(data.outcomes["whole"][name].to_numpy())


def test_the_covariate_is_the_expectation_of_the_campaigns_days(shop):
    """FHL (10) at the day before, the days up to the start skipped where assigned earlier."""
    cut = START - dt.timedelta(days=8)
    summary = rm.customer_summary(shop, observation_end=cut)
    fit = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    drawn = assigned(halves([*summary.index, "new"]), day=START - dt.timedelta(days=7))
    data = rm.read_campaign(shop, CAMPAIGN, drawn, margin=0.3)
    p = [fit.params_[name] for name in ("r", "alpha", "a", "b")]
    history = [summary[name].to_numpy() for name in ("frequency", "recency", "T")]
    expected = BG_NBD.conditional_expected_purchases(1 + CAMPAIGN.days / 7, *history, *p)
    expected = expected - BG_NBD.conditional_expected_purchases(1.0, *history, *p)
    known = data.covariates.loc[summary.index]
    assert expected == pytest.approx(known["expected_purchases"].to_numpy(), rel=1e-5)
    assert history[0].tolist() == known["frequency"].tolist()
    assert np.log1p(history[2]) == pytest.approx(known["log_T"].to_numpy())
    spend = rm.GammaGammaFitter()
    repeat = summary[summary["monetary_value"] > 0]
    spend.fit(repeat["frequency"], repeat["monetary_value"])
    each = spend.conditional_expected_average_profit(
        summary["frequency"], summary["monetary_value"]
    )
    assert (expected * each).to_numpy() == pytest.approx(
        known["expected_spend"].to_numpy(), rel=1e-3
    )
    new = data.covariates.loc["new"]
    assert 1.0 == new["no_history"]
    assert 0.0 == new.drop("no_history").abs().max()
    assert data.table["store_id"].isna()["new"]


def test_nothing_after_the_cut_touches_the_covariates(shop, halved, everyone, tmp_path):
    """Purchases from the start on may be anything."""
    rows = shop.table.execute().assign(date=lambda t: t["date"].dt.date)
    frame = rows.rename(columns={"customer_id": "customer", "date": "day", "spend": "amount"})
    frame = frame.rename(columns={"store_id": "shop"})
    later = frame["day"] >= START
    frame.loc[later, "amount"] = frame.loc[later, "amount"].astype(float) * 7
    other = read_log(tmp_path, frame[~later | (np.arange(len(frame)) % 3 > 0)])
    theirs = rm.read_campaign(other, CAMPAIGN, assigned(halves(everyone)), margin=0.3)
    pd.testing.assert_frame_equal(halved.covariates, theirs.covariates)
    assert not halved.outcomes["campaign"].equals(theirs.outcomes["campaign"])


def test_a_customer_belongs_to_the_store_last_seen_before_the_start(tmp_path):
    """A purchase from the start on, or a return, moves nobody; of two on a day the last by id."""
    rows = [
        ("a", "2023-01-01", 1.0, "N"),
        ("a", "2023-02-01", 1.0, "S"),
        ("a", "2023-02-05", -1.0, "N"),
        ("a", str(START), 1.0, "N"),
        ("b", "2023-02-02", 1.0, "S"),
        ("b", "2023-02-02", 1.0, "N"),
        ("c", str(START), 1.0, "N"),
        ("d", "2024-06-01", 1.0, "N"),
    ]
    log = read_log(tmp_path, pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"]))
    drawn = {"a": "coupon", "b": "control", "c": "coupon"}
    table = rm.read_campaign(log, CAMPAIGN, assigned(drawn), margin=0.3).table
    assert ["S", "S"] == table["store_id"].tolist()[:2]
    assert table["store_id"].isna().tolist() == [False, False, True]


def test_a_log_too_poor_for_a_model_leaves_the_history(tmp_path):
    """No one has come back: frequency, recency and log_T stand alone, and a sentence says so."""
    rows = [(f"c{i}", START - dt.timedelta(days=i + 1), 1.0, "A") for i in range(30)]
    log = log_of(tmp_path, [*rows, ("c1", LATER, 1.0, "A")])
    drawn = halves([who for who, *_ in rows])
    data = rm.read_campaign(log, CAMPAIGN, assigned(drawn), margin=0.3)
    assert ["frequency", "recency", "log_T"] == list(data.covariates)
    (finding,) = [f for f in data.findings if f.check == "expected purchases"]
    assert not finding.passed
    assert not finding.blocks
    assert "None of the 30 customers has bought a second time" in finding.words


def test_a_campaign_before_every_purchase_has_no_history(tmp_path):
    """Nobody had bought: zeros, and words."""
    log = log_of(tmp_path, [("a", START, 1.0, "A"), ("b", LATER, 1.0, "A")])
    data = rm.read_campaign(log, CAMPAIGN, assigned({"a": "coupon", "b": "control"}), margin=0.3)
    assert 0.0 == data.covariates.to_numpy().max()
    assert any("had bought by then" in finding.words for finding in data.findings)


def test_customers_of_before_the_data_keep_their_history(shop, halved, everyone):
    """first_seen_from keeps them out of the model, not out of the campaign."""
    from dataclasses import replace

    later = replace(shop, first_seen_from=dt.date(2023, 3, 1))
    drawn = assigned(halves(everyone))
    ours = halved.covariates
    theirs = rm.read_campaign(later, CAMPAIGN, drawn, margin=0.3).covariates
    assert ours["frequency"].tolist() == theirs["frequency"].tolist()
    assert ours["expected_purchases"].tolist() != theirs["expected_purchases"].tolist()


def test_other_campaigns_are_counted_where_they_were_open(shop, everyone):
    """Overlapping days, an arm that is not control, offered up to the start; each campaign once."""
    other = campaign(id="other", start=END, end=LATER)
    past = campaign(id="past", start=dt.date(2023, 1, 1), end=START - dt.timedelta(days=1))
    ids = everyone[:6]
    drawn = pd.concat(
        [
            assigned(halves(ids)),
            assigned({ids[0]: "coupon", ids[1]: "control"}, id="other"),
            assigned({ids[2]: "coupon"}, id="other", day=START + dt.timedelta(days=1)),
            assigned({ids[0]: "gift", "stranger": "coupon"}, id="other"),
            assigned(dict.fromkeys(ids, "coupon"), id="past"),
        ]
    )
    data = rm.read_campaign(shop, CAMPAIGN, drawn, margin=0.3, others=[CAMPAIGN, other, past])
    assert [1.0, 0.0, 0.0, 0.0, 0.0, 0.0] == data.covariates["other_campaigns"].tolist()
    alone = other_campaigns(rm.read_assignments(drawn), CAMPAIGN, (past,), pd.Index(ids))
    assert [0.0] * 6 == alone.tolist()


def test_targeted_campaigns_take_their_controls_from_the_log(shop):
    """Whoever had bought before the start and was not chosen; said in words."""
    rows = shop.table.execute()
    before = set(rows.loc[rows["date"] < pd.Timestamp(START), "customer_id"])
    chosen = sorted(before)[:40]
    drawn = assigned({**dict.fromkeys(chosen, "coupon"), "stranger": "coupon"})
    data = rm.read_campaign(shop, campaign(design="targeted"), drawn, margin=0.3)
    assert {*before, "stranger"} == set(data.table.index)
    assert {*chosen, "stranger"} == set(data.table.index[data.table["arm"] == "coupon"])
    assert data.table.index.is_monotonic_increasing
    words = next(f.words for f in data.findings if f.check == "control present")
    assert f"the {len(before) - 40:,} customers who had bought before" in words


def test_a_window_that_the_log_does_not_reach_is_left_out(shop, everyone):
    """No follow-up without its last day, and no "whole"."""
    late = campaign(start=dt.date(2023, 12, 1), end=dt.date(2023, 12, 24))
    data = rm.read_campaign(shop, late, assigned(halves(everyone)), margin=0.3)
    assert ["campaign"] == list(data.outcomes)


def test_margin_is_the_campaigns_own_else_the_calls(tmp_path):
    """Neither is an error, and so is a redemption that costs something and is not given."""
    log = log_of(tmp_path, [("a", START, 10.0, "A"), ("b", LATER, 1.0, "A")])
    drawn = assigned({"a": "coupon", "b": "control"})
    data = rm.read_campaign(log, campaign(margin=0.5), drawn, margin=0.3)
    assert 5.0 == pytest.approx(data.outcomes["campaign"].loc["a", "profit"])
    with pytest.raises(SettingsError, match="margin: expected the share"):
        rm.read_campaign(log, CAMPAIGN, drawn)
    with pytest.raises(
        SettingsError, match="redemptions: a redemption of campaign 'spring' costs 2"
    ):
        rm.read_campaign(log, campaign(costs={"redemption": 2.0}), drawn, margin=0.3)


def test_a_campaign_that_the_assignments_do_not_hold_is_refused(tmp_path):
    """Those that they hold are named; rows of stores are pointed out."""
    log = log_of(tmp_path, [("a", START, 1.0, "A")])
    with pytest.raises(DataError, match=r"campaign 'spring'; its campaigns are other"):
        rm.read_campaign(log, CAMPAIGN, assigned({"a": "coupon"}, id="other"), margin=0.3)
    stores = assigned({"N": "coupon"}).rename(columns={"customer_id": "store_id"})
    with pytest.raises(DataError, match='declare design = "stores"'):
        rm.read_campaign(log, CAMPAIGN, stores, margin=0.3)


@pytest.fixture(scope="module")
def odd():
    """Lines with ties, returns, odd ids, times near midnight."""
    return log_of_an_odd_shop()


@pytest.mark.parametrize("engine", ["postgresql", pytest.param("spark", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("design", ["targeted", "stores"])
def test_engines_give_the_same_customers_and_stores(odd, engine, design, request, tmp_path):
    """To the cent and the day, hostile ids too."""
    if engine == "spark" and why_not("spark"):
        skip_or_fail(why_not("spark"))
    place = {"postgresql": lambda: in_postgresql(odd, request.getfixturevalue("postgresql"))}
    place["spark"] = lambda: in_spark(odd, tmp_path)
    wheres = [in_parquet(odd, tmp_path), place[engine]()]
    this = campaign(design=design, start=dt.date(2023, 9, 4), end=dt.date(2023, 10, 29))
    drawn = assigned(dict.fromkeys([*IDS, "c3", "new"], "coupon"), day=this.start)
    if design == "stores":
        drawn = assigned({"01": "coupon", "1": "control", "Ü": "control"}, day=this.start)
        drawn = drawn.rename(columns={"customer_id": "store_id"})
    ours, theirs = (
        rm.read_campaign(
            rm.read_transactions(
                where["source"], table=where.get("table"), timezone="Europe/Berlin", **COLUMNS
            ),
            this,
            drawn,
            margin=0.3,
        )
        for where in wheres
    )
    assert ours.findings == theirs.findings
    if design == "stores":
        pd.testing.assert_frame_equal(ours.stores, theirs.stores)
        for name, values in ours.outcomes.items():
            assert values == pytest.approx(theirs.outcomes[name], rel=1e-9), name
        assert 0 < ours.outcomes["spend"].min(axis=1).max()
        return
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    pd.testing.assert_frame_equal(ours.covariates, theirs.covariates, rtol=1e-9)
    for window, frame in ours.outcomes.items():
        pd.testing.assert_frame_equal(frame, theirs.outcomes[window], rtol=1e-12)
    assert set(IDS) < set(ours.table.index)
    assert ours.outcomes["campaign"].loc[list(IDS), "purchases"].sum() > 5


def test_the_grocery_demonstrations_campaigns_are_read(grocery):
    """Campaign 18, the largest: its households, and controls from the log."""
    project, data = read_settings(grocery), rm.open_campaign(grocery, "18").data
    drawn = pd.read_parquet(project.path(project.campaign_data.assignments))
    mine = set(drawn.loc[drawn["campaign_id"] == "18", "customer_id"])
    assert mine == set(data.table.index[data.table["arm"] == "offered"])
    assert data.table["redemptions"].sum() > 100
    assert "other_campaigns" in data.covariates
    failed = [finding for finding in data.findings if finding.blocks and not finding.passed]
    assert [] == failed
    with pytest.raises(SettingsError, match="expected one of the project file's"):
        rm.open_campaign(grocery, "99")
