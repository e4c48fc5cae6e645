"""What a page shows of a campaign: pictures, tables and sentences hold the result's numbers."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import campaign_effect_samples as samples
import retention_models as rm
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.tables import CUMULATIVE
from retention_models.pages.campaign import figures, tables, words
from retention_models.project.campaign_overview import OVERVIEW
from retention_models.project.days import log_until


@pytest.fixture(scope="module")
def drawn():
    """By lot, 15% more purchases."""
    return effect_of(samples.randomised(), currency="EUR")


@pytest.fixture(scope="module")
def chosen():
    """By a rule, without an effect."""
    return effect_of(samples.targeted(strength=0.7), currency="EUR")


@pytest.fixture(scope="module")
def roll_out():
    """Whole stores at once."""
    return effect_of(samples.stores(), currency="EUR")


@pytest.fixture(scope="module")
def refused():
    """Redeemers only."""
    data = samples.randomised()
    return effect_of(replace(data, campaign=samples.campaign("before_after")))


def overview_of(*effects) -> pd.DataFrame:
    """As of a chain with these campaigns."""
    rows = []
    for number, one in enumerate(effects):
        about = {"campaign_id": str(number), "name": f"Campaign {number}", "kind": "coupon"}
        about |= {"design": one.campaign.design, "start": dt.date(2017, 3, 3), "arm": "coupon"}
        if one.grade is None:
            rows.append(about | {"refusal": one.refusal, "verdict": ""})
            continue
        row = one.table.iloc[0]
        taken = {name: row[name] for name in OVERVIEW if name in row.index and name not in about}
        taken |= {"grade": one.grade, "verdict": one.verdict, "refusal": ""}
        rows.append(about | taken | {"pvalue_adjusted": row["pvalue"]})
    return pd.DataFrame(rows, columns=list(OVERVIEW))


def test_the_forest_has_a_line_for_every_lift(drawn):
    """Each of the table's own lifts lies on its line, in the table's order from the top."""
    ax = figures.effect_forest(drawn)
    shown = drawn.table.loc[drawn.table["estimand"] == "itt", "lift_percent"]
    points = [point for line in ax.lines if line.get_marker() == "o" for point in line.get_xydata()]
    assert shown.tolist() == [x for x, _ in sorted(points, key=lambda point: -point[1])]
    assert "purchases" == ax.get_yticklabels()[0].get_text()


def test_the_balance_shows_both_sides_of_weighting(drawn, chosen):
    """By lot: as they are; chosen: before and after weighting."""
    assert isinstance(figures.balance(drawn), Axes)
    ax = figures.comparison(chosen)
    drawn_points = {line.get_label(): line.get_xdata() for line in ax.lines}
    np.testing.assert_allclose(chosen.balance["weighted"], drawn_points["after weighting"])
    np.testing.assert_allclose(chosen.balance["unweighted"], drawn_points["before weighting"])


def test_stores_show_their_weeks(roll_out):
    """Weeks before the start and after it, each with its interval."""
    ax = figures.comparison(roll_out)
    of_primary = roll_out.event_study["outcome"] == "purchases"
    steps = np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() == "o"])
    assert sorted(roll_out.event_study.loc[of_primary, "step"]) == sorted(steps)
    assert words.comparison(roll_out)


def test_the_cumulative_difference_is_drawn_by_arm(drawn):
    """A line an arm."""
    days = pd.DataFrame(
        [
            ("coupon", dt.date(2017, 3, d), 0.1 * d, 0.1 * d - 0.2, 0.1 * d + 0.2)
            for d in range(1, 6)
        ],
        columns=list(CUMULATIVE),
    )
    counted = replace(drawn, cumulative=days)
    ax = figures.cumulative_difference(counted)
    np.testing.assert_allclose(days["difference"], ax.lines[-1].get_ydata())
    assert (
        "Until 5 March 2017, customers of the campaign had made +0.50 purchases"
        in words.cumulative(counted)
    )


@pytest.mark.parametrize("draw", [figures.effect_forest, figures.comparison])
def test_a_refused_campaign_has_no_picture_but_a_reason(refused, draw):
    """In whole sentences."""
    with pytest.raises(rm.CannotSay, match=r"\.$"):
        draw(refused)


def test_tables_tell_the_numbers_of_the_result(drawn):
    """Purchases with and without, the lift, the profit and its interval."""
    shown = tables.effects(drawn)
    row = drawn.table.iloc[0]
    first = shown.iloc[0]
    assert f"{row['mean']:.2f}" == first["With it"]
    assert f"{row['mean_against']:.2f}" == first["Without it"]
    assert first["Difference"].startswith(f"+{row['lift_percent']:.0f}%")
    money = tables.economics(drawn)["The campaign"]
    assert f"{drawn.economics.iloc[0]['profit']:,.0f} EUR" in money["Profit"]
    assert len(drawn.segments) == len(tables.segments(drawn))
    assert len(drawn.checks) == len(tables.checks(drawn))


def test_a_self_selected_campaign_tells_what_a_hidden_cause_could_do():
    """One line a measure, and no profit."""
    effect = effect_of(samples.targeted(strength=0.7, design="self_selected"))
    own = effect.sensitivity["outcome"] == "purchases"
    assert own.sum() == len(tables.sensitivity(effect))
    with pytest.raises(rm.CannotSay, match="Profit"):
        tables.economics(effect)


def test_the_page_says_how_the_plain_comparison_misleads(chosen, drawn):
    """The plain difference in spend and the one against customers alike, both of the result."""
    text = words.naive(chosen)
    plain = chosen.naive.set_index(["outcome", "window"]).loc[("spend", "campaign")]
    assert f"{plain['difference']:.2f} EUR more" in text
    with pytest.raises(rm.CannotSay, match="honest"):
        words.naive(drawn)


def test_campaigns_side_by_side(drawn, chosen, refused):
    """Each with its verdict and grade; the refused one with its reason; those sure are named."""
    overview = overview_of(drawn, chosen, refused)
    shown = tables.campaigns(overview)
    assert ["A", "C", "no grade"] == shown["Grade"].tolist()
    assert "more purchases" == shown["Verdict"].iloc[0]
    text = words.campaigns(overview)
    assert "3 newest campaigns, an effect can be told of 2" in text
    assert "“Campaign 0”" in text


def test_an_effect_that_chance_explains_among_so_many_is_called_so(drawn):
    """By itself it would count."""
    overview = overview_of(drawn).assign(pvalue=0.03, pvalue_adjusted=0.2)
    verdict = tables.campaigns(overview)["Verdict"].iloc[0]
    assert "more purchases, but among so many campaigns" in verdict
    assert "beyond what chance brings among so many." in words.campaigns(overview)


def test_no_campaign_is_said_as_such():
    """Neither a table, nor words."""
    none = overview_of()
    for show in (tables.campaigns, words.campaigns):
        with pytest.raises(rm.CannotSay, match="campaign"):
            show(none)


def test_files_hold_the_tables_and_no_old_ones(tmp_path, drawn, refused):
    """A refused campaign leaves no numbers of an earlier run beside its reason."""
    rm.write_campaign_outputs(drawn, tmp_path)
    assert len(drawn.table) == len(pd.read_csv(tmp_path / "effects.csv"))
    told = json.loads((tmp_path / "effect.json").read_text(encoding="utf-8"))
    assert ("A", drawn.summary()) == (told["grade"], told["summary"])
    assert drawn.table["pvalue"].iloc[0] == told["effects"][0]["pvalue"]
    rm.write_campaign_outputs(refused, tmp_path)
    assert {"checks.csv", "effect.json"} == {path.name for path in tmp_path.iterdir()}


def test_a_log_until_a_day_holds_no_later_line(tmp_path):
    """Nor does its last day lie later."""
    days = ["2024-01-01", "2024-01-05", "2024-02-01"]
    lines = pd.DataFrame({"c": ["a", "b", "a"], "d": days, "s": [1, 2, 3]})
    lines.to_csv(tmp_path / "log.csv", index=False)
    log = rm.read_transactions(tmp_path / "log.csv", customer_id="c", date="d", spend="s")
    until = log_until(log, dt.date(2024, 1, 10))
    assert dt.date(2024, 1, 10) == until.last_day()
    assert 2 == len(until.rows().to_pandas())
    assert log is log_until(log, dt.date(2024, 3, 1))


@pytest.mark.nightly
def test_the_grocery_campaigns_are_refused_or_of_grade_c_at_best(grocery):
    """27 campaigns targeted on spend: plain differences of 250 and more are none of the campaigns'."""
    settings = rm.read_settings(grocery)
    log = rm.open_store(grocery, "381").log
    overview = rm.campaign_overview(settings, log)
    assert 27 == overview["campaign_id"].nunique()
    assert set(overview["grade"].dropna()) <= {"C", "D"}
    assert overview.loc[overview["grade"].isna(), "refusal"].str.endswith(".").all()
    opened = rm.open_campaign(grocery, "8")
    plain = opened.effect.naive.set_index(["outcome", "window"]).loc[("spend", "campaign")]
    # REF: the package's own tables by SQL, all households as controls: 251.86.
    assert 240.0 <= plain["difference"] <= 260.0
    assert f"{plain['difference']:.0f} USD more" in words.naive(opened.effect)
    spend = opened.effect.table.query("outcome == 'spend' and window == 'campaign'").iloc[0]
    assert spend["conf_low"] < 0.0 < spend["conf_high"]


def test_whom_it_pays_for_is_a_table_of_policies(drawn):
    """In words and money; differences have no share treated."""
    found = rm.whom_to_treat(samples.randomised(seed=4), outcome="spend")
    table = tables.policies(found, drawn)
    assert table.index[0] == "Everyone"
    assert table["Treated"].iloc[0] == "100%"
    assert table["Treated"].iloc[-1] == "–"
    assert table["Gain per customer of all"].str.contains(" to ").all()
