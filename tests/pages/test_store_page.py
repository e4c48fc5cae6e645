"""A store's page: sentences whose numbers are the tables' own, and nobody told of alone."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

import retention_models as rm
import shops
from retention_models.actions.lists import ActionList
from retention_models.errors import CannotSay
from retention_models.measures import definitions as measure_words
from retention_models.measures.definitions import MEASURES
from retention_models.pages import store
from retention_models.pages.store import answers, figures, opening, tables
from retention_models.pages.store.page import COMPARED, StorePage, stands_out, value_tenths
from retention_models.pages.store.sentences import ENGLISH
from retention_models.predictions.customers import Interval
from retention_models.predictions.stores import StoreForecast
from retention_models.predictions.validation.store_changes import Silence
from retention_models.settings.project import Money

FORECAST = StoreForecast(
    Interval(140.4, 130.0, 149.0),
    Interval(900.0, 800.0, 1000.0),
    Interval(120.0, 110.0, 130.0),
    Interval(5000.0, 4000.0, 6000.0),
    Interval(0.4, 0.3, 0.5),
    0.9,
)
STAKE = Interval(512.0, 301.0, 733.0)
SILENCE = Silence(dt.date(2023, 9, 14), 15.4, 290.3, 1e-9)


def changes(**found: tuple[float, float, float, float, float]) -> pd.DataFrame:
    """Changes by measure: value, value before, change, low, high."""
    columns = ["value", "value_before", "change", "low", "high"]
    table = pd.DataFrame.from_dict(found, orient="index", columns=columns)
    table = table.assign(end=dt.date(2023, 12, 31), customers=90, customers_before=80, note="")
    return table.assign(size=stands_out(table))


def a_list(name="due", customers=7, stake=STAKE, refusal="") -> ActionList:
    """A list of so many customers."""
    frame = pd.DataFrame({"why": [""] * customers})
    no_value = "" if stake else "What is at stake cannot be said. No spend."
    return ActionList(name, name.title(), "Do it.", frame, stake, "means", refusal, no_value)


def quarter(churn=0.25, n=60, window_note="") -> pd.DataFrame:
    """A quarter's churn."""
    rows = {
        "churn_rate": (churn, 0.16, 0.37, churn * n, n),
        "annual_churn_rate": (0.68, 0.50, 0.84, churn * n, n),
    }
    columns = ["value", "low", "high", "numerator", "denominator"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.assign(
        customers=n, start=dt.date(2023, 10, 2), end=dt.date(2023, 12, 31), note=window_note
    )


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [("use", "140 of our 160"), ("use with care", "About 140"), ("not checked", "By a model that")],
)
def test_the_first_answer_says_how_many_are_left_and_how_sure_that_is(verdict, begins):
    """With the forecast's interval, and the verdict in words."""
    said = answers.still_with_us(FORECAST, 160, verdict)
    assert said.startswith(begins)
    assert "(130 to 149, 90% interval" in said


def test_without_a_forecast_the_first_answer_gives_the_reason():
    """Not a number."""
    said = answers.still_with_us("The forecast is withheld.", 160, "do not use")
    assert said == (
        "How many of our 160 customers are still with us cannot be said. The forecast is withheld."
    )


def test_of_a_closed_store_all_three_answers_speak_of_the_silence():
    """Neither a change nor a list is of use before that."""
    still = answers.still_with_us("withheld", 160, "do not use", SILENCE)
    assert "since 14 September 2023, 15 weeks in which about 290 purchases" in still
    assert "that silence" in answers.what_changed("", "EUR", closed=True)
    assert "find out whether the store has closed" in answers.what_to_do(
        a_list(), "EUR", closed=True
    )


def test_customers_lost_are_those_of_the_churn_rate():
    """The rate's numerator, and its interval in customers: 60 · 0.16 and 60 · 0.37."""
    said = answers.kept(quarter().loc["churn_rate"], 30)
    assert said == (
        "Of 60 customers who were active on 1 October 2023, 15 (10 to 22) no longer were on "
        "31 December 2023: their last purchase was more than 30 days back."
    )


def test_customers_lost_are_not_told_of_four():
    """Nor where there is no activity window."""
    assert "fewer than 5 were active" in answers.kept(quarter(n=4).loc["churn_rate"], 30)
    row = quarter(churn=np.nan, window_note="Customers came back fewer than 10 times.")
    assert "cannot be said. Customers came back fewer" in answers.kept(row.loc["churn_rate"], None)


def test_the_change_that_stands_out_most_is_told():
    """Of two beyond chance the one further from it, with its sizes as they are."""
    found = changes(
        customers=(56.0, 84.0, -28.0, -43.0, -13.0),
        retention_rate=(0.5, 0.6, -0.1, -0.17, -0.03),
        spend_per_order=(39.0, 40.5, -1.5, -9.6, 6.6),
    )
    said = answers.what_changed(found, "EUR")
    assert "fewer customers bought" in said
    assert "56 after 84, 28 fewer (13 to 43)" in said
    assert "with 3 figures being looked at" in said
    assert "cannot be told before there is a year" in said


def test_a_year_to_compare_takes_the_place_of_the_doubt_about_the_season():
    """The same figure against the same weeks."""
    found = changes(spend_per_order=(30.0, 40.0, -10.0, -14.0, -6.0))
    year = changes(spend_per_order=(30.0, 31.0, -1.0, -4.0, 2.0))
    said = answers.what_changed(found, "EUR", year=year)
    assert "30.00 EUR after 40.00 EUR, down by 10.00 EUR (6.00 EUR to 14.00 EUR)" in said
    assert "the year before, the change is −1.00 EUR (−4.00 to +2.00), which is within" in said
    year = changes(spend_per_order=(30.0, 39.0, -9.0, -13.0, -5.0))
    assert answers.what_changed(found, "EUR", year=year).endswith("more than the season.")


def test_where_nothing_is_beyond_chance_that_is_said():
    """Also of a change that alone would be: 1 of 2 at z = 2.06 needs 2.24."""
    found = changes(
        repeat_customer_rate=(0.6, 0.5, 0.10, 0.005, 0.195),
        customers=(90.0, 88.0, 2.0, -10.0, 14.0),
    )
    assert "none of the 2 figures" in answers.what_changed(found, "EUR")
    card = tables._moved("repeat_customer_rate", found, "EUR")
    assert card.endswith("beyond chance alone, but not as one of 2 looked at")


def test_where_nothing_can_be_compared_the_reason_is_given():
    """The data's beginning, or too few customers."""
    found = changes(customers=(90.0, np.nan, np.nan, np.nan, np.nan))
    found["note"] = "The data do not reach back to the period before."
    assert "cannot be said. The data do not reach back" in answers.what_changed(found, "EUR")
    assert "cannot be said. Too young." in answers.what_changed("Too young.", "EUR")


def test_the_threshold_is_that_of_all_that_can_be_compared():
    """A change without an interval is not among them."""
    found = stands_out(
        pd.DataFrame(
            {"change": [2.0, 1.0, 5.0], "low": [0.0, -1.0, np.nan], "high": [4.0, 3.0, 9.0]}
        )
    )
    assert norm.isf(0.025) / norm.isf(0.0125) == pytest.approx(found[0], rel=1e-5)
    assert np.isnan(found[2])


def test_what_to_do_names_the_list_its_value_and_its_file():
    """The table's own numbers."""
    said = answers.what_to_do(a_list(), "EUR")
    assert said == (
        "This week, begin with 7 customers on the list “Due”. Do it. At stake: 512 EUR (301 EUR to "
        "733 EUR). They are listed in actions/due.csv."
    )
    assert "cannot be said without a forecast" in answers.what_to_do(a_list(stake=None), "EUR")
    assert "no list has 5 customers" in answers.what_to_do(None, "EUR")


def test_churn_stands_beside_the_band_and_the_models_answer():
    """Of the quarter, of a year, and P(alive)."""
    said = answers.churn(quarter(), 30, Interval(0.89, 0.86, 0.93))
    assert "was 25% (16% to 37%)" in said
    assert "68% (50% to 84%) a year" in said
    assert "above 5% to 7% a year" in said
    assert "89% (86% to 93%)" in said


def test_a_closed_stores_churn_is_the_silence_and_has_no_band():
    """Nor do many of its customers come back."""
    said = answers.churn(quarter(), 30, "The forecast is withheld.", SILENCE)
    assert "was 25% (16% to 37%)" in said
    assert "the silence since 14 September 2023; the forecast is withheld" in said
    assert "told to act" not in said


@pytest.mark.parametrize(
    ("n", "value", "why"), [(0, "0", "Nobody"), (4, "not said", "Fewer than 5")]
)
def test_nobody_is_a_number_and_fewer_than_five_is_none(n, value, why):
    """None at all tells of no single person."""
    row = {"value": np.nan, "low": np.nan, "high": np.nan, "customers": n, "note": ""}
    found = tables.measured_cards(pd.DataFrame([row] * 4, index=tables.HEADLINES), "", "EUR")
    assert (value, True) == (found[0].value, found[0].range.startswith(why))
    rest = {"not said"}
    assert rest == {card.value for card in found[1:]}
    # Who was active before is no buyer of the quarter.
    assert found[2].range.startswith("Fewer than 5")


def test_the_rule_of_thumb_is_held_against_the_model_at_the_same_margin():
    """348 · 25% = 87, which is 51% of 170."""
    rule = pd.Series({"value": 348.0, "low": 252.0, "high": 480.0, "note": ""})
    terms = Money(currency="USD", margin=0.25, annual_discount_rate=0.1)
    each = Interval(170.0, 156.0, 183.0)
    said = answers.worth_beside_the_rule(each, rule, terms, "52 weeks")
    assert "348 USD (252 USD to 480 USD)" in said
    assert "87.00 USD (63.00 USD to 120 USD)" in said
    assert said.endswith("the rule is 51% of that.")
    shown = tables.worth(each, rule, terms, "52 weeks", 0.9)
    assert ["170 USD", "348 USD", "87.00 USD"] == list(shown["Per customer"])


def test_lists_of_fewer_than_five_are_not_counted_on_the_page():
    """Nor is their stake shown; empty ones and those that cannot be are no rows."""
    found = {
        "due": a_list(),
        "new": a_list("new", 4),
        "loyal": a_list("loyal", 0),
        "lapsed": a_list("lapsed", 0, None, "It needs a model."),
        "recent": a_list("recent", 9, None),
    }
    table = tables.lists(found, "EUR", 0.9)
    assert ["7", "fewer than 5", "9"] == list(table["Customers"])
    stakes = ["512 (301 to 733)", "not shown", "not said"]
    assert stakes == list(table["At stake, EUR (90% interval)"])
    assert "actions/new.csv" == table.loc["New", "File"]
    assert [
        "What is at stake cannot be said. No spend.",
        "There is no list “Lapsed”. It needs a model.",
    ] == answers.lists_refused(found)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=80))
def test_no_class_of_probabilities_tells_of_fewer_than_five(alive):
    """And none is left out, from which it could be told."""
    counts = figures.alive_counts(pd.Series(alive))
    assert len(alive) == counts.sum()
    assert not counts.between(1, 4).any()


def test_tenths_hold_all_value_and_five_customers_at_least():
    """Of 49 customers none are shown."""
    value = pd.Series(np.random.default_rng(1).gamma(0.5, size=63))
    found = value_tenths(value)
    assert 63 == found["customers"].sum()
    assert 1.0 == pytest.approx(found["share"].sum())
    assert value.sum() == pytest.approx((found["customers"] * found["mean"]).sum())
    assert found["customers"].min() >= 5
    with pytest.raises(CannotSay, match="as here \\(49\\), it would tell of single persons"):
        value_tenths(value[:49])


def test_every_measure_has_a_name_and_a_definition():
    """And nothing else has."""
    kinds = ("label", "definition")
    assert {f"{k}.{m}" for k in kinds for m in MEASURES} == set(measure_words.ENGLISH)
    assert all(measure_words.definition(measure).endswith(".") for measure in MEASURES)
    assert set(COMPARED) <= set(tables.DEFINED)


def test_every_sentence_is_used_and_every_change_has_its_sentences():
    """No dead words."""
    folder = Path(store.__file__).parent
    code = "".join(p.read_text() for p in folder.glob("*.py") if p.name != "sentences.py")
    made = {f"change.{measure}.{way}" for measure in COMPARED for way in ("up", "down")}
    assert made <= set(ENGLISH)
    made |= {f"{kind}.{name}" for kind in ("card", "define") for name in opening.HEADED}
    assert [] == [key for key in ENGLISH if key not in made and f'"{key}"' not in code]
    assert all(re.fullmatch(r"[a-z_.]+", key) for key in ENGLISH)


@pytest.fixture(scope="module")
def page(chain_project) -> StorePage:
    """The page of an ordinary store."""
    return StorePage(rm.open_store(chain_project, "0042"))


def test_the_last_quarter_is_that_of_the_measures(page):
    """The same numbers as `measure_table` gives of those days."""
    start, end = page.quarter["start"].iloc[0], page.quarter["end"].iloc[0]
    assert (dt.date(2023, 10, 2), dt.date(2023, 12, 31)) == (start, end)
    names = ["customers", "spend_per_order"]
    table = rm.measure_table(page.store.log, store_id="0042", start=start, end=end, measures=names)
    expected = table.set_index("measure")[["value", "low", "high"]]
    pd.testing.assert_frame_equal(
        expected, page.quarter.loc[names, ["value", "low", "high"]], check_names=False
    )


def test_changes_are_those_of_the_measures(page):
    """Value less value before, and the counts behind both are large enough."""
    found = page.changes
    assert set(COMPARED) == set(found.index)
    difference = (found["value"] - found["value_before"]).dropna()
    pd.testing.assert_series_equal(difference, found["change"].dropna(), check_names=False)
    assert found[["customers", "customers_before"]].min(axis=None) >= 5


@pytest.mark.slow
def test_the_list_for_the_week_has_five_customers(page):
    """And no list that is about a day has more at stake."""
    chosen = page.list_for_the_week()
    assert len(chosen.customers) >= 5
    of_the_week = [page.store.actions[name] for name in ("due", "recent", "lapsed", "wavering")]
    stakes = [one.at_stake.value for one in of_the_week if len(one.customers) >= 5]
    assert chosen.at_stake.value == max(stakes)


@pytest.mark.slow
def test_a_store_that_opened_in_the_quarter_before_is_not_compared(tmp_path):
    """Its customers would have risen by opening."""
    log = shops.simulated_log(120, seed=5)
    late = shops.simulated_log(60, seed=6, shop="new")
    late["day"] = [day + dt.timedelta(days=210) for day in late["day"]]
    late = late[[day <= shops.LAST_DAY for day in late["day"]]]
    project = shops.write_project(tmp_path, pd.concat([log, late]), ["0042", "new"])
    page = StorePage(rm.open_store(project, "new"))
    assert page.changes["change"].isna().all()
    said = answers.what_changed(page.changes, "EUR")
    assert f"The store's own data begin on {page.store.first_day}" in said


def test_a_store_of_one_customer_has_no_answers(chain_project):
    """Nor any number of that person."""
    single = StorePage(rm.open_store(chain_project, "single"))
    for ask in (opening.three_answers, opening.lost_in_the_quarter, lambda p: p.forecast):
        with pytest.raises(CannotSay, match="one customer so far"):
            ask(single)
