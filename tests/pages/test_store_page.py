"""A store's page: sentences whose numbers are the tables' own, and nobody told of alone."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

import retention_models as rm
import shops
from retention_models.actions.lists import ActionList
from retention_models.actions.to_call import CallList
from retention_models.errors import CannotSay
from retention_models.levels import Interval
from retention_models.measures import definitions as measure_words
from retention_models.measures.definitions import MEASURES
from retention_models.measures.recent import COMPARED, stands_out
from retention_models.pages import store
from retention_models.pages.store import answers, figures, first, lines, opening, tables, words
from retention_models.pages.store.page import StorePage, value_tenths
from retention_models.pages.store.sentences import ENGLISH
from retention_models.predictions.stores import StoreForecast
from retention_models.predictions.validation.rates import RateChange
from retention_models.predictions.validation.store_changes import Silence
from retention_models.predictions.whole_store import WholeStore
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


def test_a_silent_stores_status_says_since_when_and_what_to_find_out():
    """Nothing is of use before that."""
    said = first.silent(SILENCE)
    assert said.startswith(
        "Silent since 14 September 2023: nothing bought in 15 weeks, where about 290"
    )
    assert "find out which" in said


def validation(
    verdict="use", causes=(), actual=90, since=None, value=None, **swing
) -> SimpleNamespace:
    """What the status reads of a holdout's check."""
    known = {"amplitude": 0.4, "drift": -0.25} | swing
    return SimpleNamespace(
        verdict=verdict,
        causes=causes,
        silence=SILENCE,
        swing=SimpleNamespace(**known),
        total=Interval(120.0, 100.0, 140.0),
        actual=actual,
        relative_error=120.0 / actual - 1.0,
        calibration_end=dt.date(2023, 9, 30),
        since=since,
        value=value,
    )


def in_money(verdict, error) -> SimpleNamespace:
    """What the status reads of the check of value."""
    return SimpleNamespace(verdict=verdict, relative_error=error)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (validation(), "The forecast can be used."),
        (None, "could not be checked yet"),
        (validation("use with care", ("total",)), "off by 33%"),
        (validation("use with care", ("season",)), "buy by the season"),
        (validation("use with care", ("narrow intervals",)), "less so customer by customer"),
        (
            validation("do not use", ("total", "drift")),
            "now: the same customers buy 25% less often than a year ago.",
        ),
        (validation("do not use", ("drift",), drift=0.3), "30% more often than a year ago."),
        (validation("do not use", ("total", "season")), "by the season, ±40% over the year."),
        (
            validation("do not use", ("total",)),
            "since 1 October 2023 the customers known then have bought 25% less than was expected.",
        ),
        (
            validation("do not use", ("total",), since=RateChange(-0.3, -0.4, -0.2, 1e-5)),
            "since 1 October 2023 the same customers have bought 30% less often than before.",
        ),
        (validation("do not use", ("open",)), "the data are too short to say how many customers"),
        (validation(value=in_money("use", 0.05)), "The forecast can be used."),
        (
            validation(value=in_money("use with care", -0.163)),
            "The forecast can be used. In money use it with care: there its check was 16% too low.",
        ),
        (
            validation(value=in_money("do not use", 0.5)),
            "The forecast can be used. Do not use it in money: there its check was 50% too high.",
        ),
        (
            validation("do not use", ("closed", "total")),
            "nothing has been bought since 14 September",
        ),
    ],
)
def test_the_status_says_what_changed_in_the_shop_and_not_in_the_model(found, said):
    """In a clause with its size: 90 purchases where 120 were expected are 25% fewer."""
    text = first.forecast_status(found)
    assert said in text
    assert "model" not in text


def quarters() -> pd.DataFrame:
    """Churn of two quarters."""
    rows = [("churn_rate", 9.0, 55.0, "2023-10-01"), ("churn_rate", 15.0, 60.0, "2023-12-31")]
    table = pd.DataFrame(rows, columns=["measure", "numerator", "denominator", "end"])
    value = table["numerator"] / table["denominator"]
    return table.assign(value=value, customers=60, note="")


def of_quarter(customers=60) -> pd.DataFrame:
    """Revenue and orders of a quarter."""
    frame = pd.DataFrame({"value": [12340.0, 310.0]}, index=["revenue", "orders"])
    return frame.assign(customers=customers)


def test_revenue_and_orders_have_their_changes():
    """In percent of what was before: −660 of 13,000 are −5%."""
    found = changes(
        revenue=(12340.0, 13000.0, -660.0, -2000.0, 680.0),
        orders=(310.0, 323.0, -13.0, -40.0, 14.0),
    )
    year = changes(
        revenue=(12340.0, 12000.0, 340.0, -900.0, 1600.0), orders=(310.0, 304.0, 6.0, -30.0, 42.0)
    )
    said = first.revenue(of_quarter(), found, year, "EUR").text
    assert said == (
        "12,340 EUR: −5% on the quarter before, +3% on a year before. Orders 310: −4% and +2%. "
        "Within chance."
    )
    beyond = found.assign(size=[1.4, 0.2])
    assert first.revenue(of_quarter(), beyond, year, "EUR").text.endswith("More than chance.")
    assert "no year before" in first.revenue(of_quarter(), found, "Too young.", "EUR").text
    alone = first.revenue(of_quarter(), "Too young.", "Too young.", "EUR").text
    assert alone == "12,340 EUR, from 310 orders; no change can be told. Too young."
    assert "12,340" not in first.revenue(of_quarter(4), found, year, "EUR").text


def test_customers_lost_are_one_number_with_its_definition():
    """The churn's own counts, after the quarter before."""
    assert first.lost(quarters(), 30).text == (
        "15 of 60 (25%) in the quarter, after 9 of 55 (16%) in the one before. Lost: silent for 30 "
        "days or more."
    )
    kept = pd.DataFrame({"size": [1.2]}, index=["retention_rate"])
    beyond = first.lost(quarters(), 30, kept)
    assert "15 of 60 (25%) in the quarter, 9 of 55 (16%) before: more than chance." in beyond.text
    assert len(f"{beyond.title} {beyond.text}".split()) <= first.MOST_WORDS
    assert first.lost(quarters(), 30) == first.lost(quarters(), 30, kept / 2.0)
    assert "60" not in first.lost(quarters().assign(customers=4), 30).text
    assert "15 of 60" in first.lost(quarters().tail(1), 30).text


def test_the_next_quarter_of_everybody_stands_beside_the_same_weeks():
    """Newcomers on both sides, and how much of it comes from customers known today."""
    own = Interval(5000.0, 4000.0, 6000.0)
    everybody = Interval(6500.0, 5200.0, 7900.0)
    count = Interval(900.0, 800.0, 1000.0)
    weeks = pd.DataFrame(columns=["purchases", "low", "high"])
    ahead = WholeStore(count, count, count, count, everybody, own, weeks, 0.9)
    said = first.whole_quarter(ahead, 6800.0, "EUR").text
    assert said == (
        "6,500 EUR expected (5,200 to 7,900), 5,000 of it from today's customers; the same weeks last "
        "year brought 6,800 EUR."
    )
    assert "not in the data" in first.whole_quarter(ahead, None, "EUR").text
    assert said == first.whole_quarter(ahead, 6800.0, "EUR", closed=6).text
    shut = first.whole_quarter(ahead, 6800.0, "EUR", closed=31)
    assert "the same weeks last year, closed for 31 days, brought 6,800 EUR." in shut.text
    assert len(f"{shut.title} {shut.text}".split()) <= first.MOST_WORDS


def test_the_next_quarter_stands_beside_the_same_weeks():
    """With its interval; without money, in purchases."""
    said = first.next_quarter(FORECAST, 4800.0, "EUR").text
    assert "5,000 EUR expected from today's customers (4,000 to 6,000)" in said
    assert "last year brought 4,800 EUR" in said
    shut = first.next_quarter(FORECAST, 4800.0, "EUR", closed=31).text
    assert "last year, closed for 31 days, brought 4,800 EUR" in shut
    assert "not in the data" in first.next_quarter(FORECAST, None, "EUR").text
    counts = first.next_quarter(replace(FORECAST, value=None), None, "EUR").text
    assert counts == "900 purchases expected from today's customers (800 to 1,000)."
    assert first.next_quarter("It is withheld.", 1.0, "EUR").text == "No forecast. It is withheld."


@pytest.mark.parametrize(
    ("profit", "costs", "said"),
    [
        ((900.0, 100.0, 1700.0), True, "paid, profit 900 EUR (100 to 1,700), grade A"),
        ((-900.0, -1700.0, -100.0), True, "did not pay, profit −900 EUR (−1,700 to −100)"),
        ((900.0, -100.0, 1900.0), True, "open whether it paid"),
        ((900.0, 100.0, 1700.0), False, "before costs, none declared, grade A."),
        ((900.0, -100.0, 1900.0), False, "open whether it paid, profit 900 EUR (−100 to 1,900)"),
        ((-900.0, -1700.0, -100.0), False, "did not pay, profit −900 EUR (−1,700 to −100)"),
        ((np.nan, np.nan, np.nan), True, "whether it paid cannot be said"),
    ],
)
def test_whether_the_newest_campaign_paid_is_said_with_its_interval(profit, costs, said):
    """A cost that nobody declared is no cost of 0."""
    names = ("profit", "profit_low", "profit_high")
    about = {"name": "Coupon", "refusal": "", "end": dt.date(2023, 12, 17), "grade": "A"}
    row = pd.Series(dict(zip(names, profit, strict=True)) | about, dtype=object)
    assert said in first.campaign(row, "EUR", costs=costs).text
    assert "Chain's newest campaign" == first.campaign(row, "EUR", costs=costs, chain=True).title


def test_a_reason_that_has_no_room_is_given_below():
    """No point has more than 25 words."""
    long = first.point("Revenue", "Cannot be said.", refused="word " * 30)
    assert len(f"{long.title} {long.text}".split()) <= first.MOST_WORDS
    assert "“About these numbers” says why." in long.text


def test_a_line_goes_from_nothing_up_with_gaps_and_what_is_expected_dashed():
    """Months without a number are no zeros."""
    svg = lines.line([0.0, 5.0, np.nan, 10.0], [8.0])
    paths = re.findall(
        r"<path d='(M[^']*)' stroke='(#\w+)' stroke-width='2'( stroke-dash\S*)?", svg
    )
    assert paths[0][0] == "M4.0 32.0L32.0 18.0M88.0 4.0"
    assert len(paths) == 2
    said = lines.in_words(
        "Revenue", pd.Series({dt.date(2023, 1, 1): 5.0, dt.date(2023, 2, 1): 9.0}), str
    )
    assert said == (
        "Revenue by month, Jan 2023 to Feb 2023: lowest 5.0 in Jan 2023, highest 9.0 in Feb 2023, at "
        "the end 9.0."
    )
    assert "not shown" in lines.in_words("Revenue", pd.Series([np.nan]), str)


def test_customers_lost_are_those_of_the_churn_rate():
    """The rate's numerator, and its interval in customers: 60 · 0.16 and 60 · 0.37."""
    said = answers.kept(quarter().loc["churn_rate"], 30)
    assert said == (
        "Of 60 customers who were active on 1 October 2023, 15 (10 to 22) no longer were on "
        "31 December 2023: their last purchase was 30 days back or more."
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


def calls(customers=10) -> CallList:
    """A call list."""
    table = pd.DataFrame(
        {"days_silent": 40, "usual_gap": 9.4, "at_stake": 51.2}, index=range(customers)
    )
    return CallList(table, STAKE if customers else None)


def test_whom_to_call_is_said_with_what_is_at_risk_and_the_file():
    """Of the ten together; of fewer than five only where they are."""
    said = answers.to_call(calls(), "EUR", "52 weeks", 0.9)
    assert "10 customers have most to save" in said
    assert "in the middle 40 days, where 9 days is usual" in said
    assert "At risk: 512 EUR (301 to 733, 90% interval)" in said
    assert said.endswith("listed in call_tomorrow.csv.")
    few = answers.to_call(calls(4), "EUR", "52 weeks", 0.9)
    assert "Fewer than 5" in few
    assert "512" not in few
    with pytest.raises(CannotSay, match="nobody to call"):
        answers.to_call(calls(0), "EUR", "52 weeks", 0.9)
    table = tables.to_call(calls(), "EUR")
    assert ["9", "40", "51.20"] == list(table.iloc[0])


def test_churn_stands_beside_the_band_and_the_models_answer():
    """Of the quarter, of a year, and P(alive); the band only where lost is half a year away."""
    said = answers.churn(quarter(), 190, Interval(0.89, 0.86, 0.93))
    assert "was 25% (16% to 37%)" in said
    assert "68% (50% to 84%) a year" in said
    assert "above 5% to 7% a year" in said
    assert "89% (86% to 93%)" in said
    often = answers.churn(quarter(), 30, Interval(0.89, 0.86, 0.93))
    assert "told to act" not in often
    assert "for 30 days or longer counts as lost" in often


def test_every_figure_that_is_compared_has_its_card():
    """Of seven that were looked at, seven are shown."""
    assert set(COMPARED) == set(tables.HEADLINES)


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
    rows = pd.DataFrame([row] * len(tables.HEADLINES), index=tables.HEADLINES)
    found = dict(zip(tables.HEADLINES, tables.measured_cards(rows, "", "EUR"), strict=True))
    for measure, card in found.items():
        counted = measure in ("revenue", "orders", "customers")
        assert card.value == (value if counted else "not said")
        # Who was active before is no buyer of the quarter.
        assert card.range.startswith("Fewer than 5" if measure == "retention_rate" else why)


def test_the_rule_of_thumb_is_held_against_the_model_at_the_same_margin():
    """348 · 25% = 87, which is 51% of 170."""
    rule = pd.Series({"value": 348.0, "low": 252.0, "high": 480.0, "note": ""})
    terms = Money(currency="USD", margin=0.25, annual_discount_rate=0.1)
    each = Interval(170.0, 156.0, 183.0)
    said = answers.worth_beside_the_rule(each, rule, terms, "52 weeks")
    assert "348 USD (252 USD to 480 USD)" in said
    assert "87 USD (63 USD to 120 USD)" in said
    assert said.endswith("the rule is 51% of that.")
    shown = tables.worth(each, rule, terms, "52 weeks", 0.9)
    assert ["170 USD", "348 USD", "87 USD"] == list(shown["Per customer"])
    assert "63 to 120 (95%)" == shown["Interval"].iloc[2]


def test_lists_of_fewer_than_five_are_not_on_the_page():
    """Nor links to their files, which hold ids; empty ones and those that cannot be are no rows."""
    found = {
        "due": a_list(stake=Interval(337.0, 7.1, 895.0)),
        "new": a_list("new", 4),
        "loyal": a_list("loyal", 0),
        "lapsed": a_list("lapsed", 0, None, "It needs a model."),
        "recent": a_list("recent", 9, None),
    }
    table = tables.lists(found, "EUR")
    assert ["Due", "Recent"] == list(table.index)
    assert ["7", "9"] == list(table["Customers"])
    assert ["337", "not said"] == list(table["At stake, EUR"])
    assert "actions/due.csv" == table.loc["Due", "File"]
    todo = tables.what_to_do(found, "EUR", 0.9)
    assert ["337 (7 to 895)", "not said"] == list(todo["At stake, EUR (90% interval)"])
    assert [
        "What is at stake cannot be said. No spend.",
        "There is no list “Lapsed”. It needs a model.",
    ] == answers.lists_refused(found)
    with pytest.raises(CannotSay, match="No list has 5 customers"):
        tables.lists({"new": found["new"]}, "EUR")


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


def test_those_to_call_have_most_to_save_and_are_late(page):
    """Ranked by (1 − P(alive)) × value; nobody who bought within their own usual gap."""
    found = page.to_call.customers
    assert 5 <= len(found) <= 10
    assert (found["days_silent"] > found["usual_gap"]).all()
    assert found["at_stake"].is_monotonic_decreasing
    assert found["at_stake"].sum() == pytest.approx(page.to_call.at_stake.value)
    alive = page.predictions["probability_alive"]
    assert found["probability_alive"].to_numpy() == pytest.approx(alive[found.index].to_numpy())
    assert found["probability_alive"].mean() < alive.mean()
    assert found["probability_alive"].min() >= 0.2
    last = pd.Timestamp(page.store.observation_end) - pd.to_timedelta(
        found["days_silent"], unit="D"
    )
    assert list(last) == list(found["last_day"])


def test_who_is_due_begins_with_who_has_most_to_save(page):
    """Not with who bought two days ago and is certain to come."""
    due = page.store.actions["due"].customers
    assert due["probability_alive"].iloc[0] < due["probability_alive"].max()


def test_the_first_screen_is_short(page):
    """A status and four points of at most 25 words each, three with a line and its words."""
    level, said = opening.status(page)
    assert level in ("good", "care")
    assert said.startswith("Open, last purchase on ")
    found = opening.points(page)
    assert len(found) == 4
    for one in found:
        assert len(f"{one.title} {one.text}".split()) <= first.MOST_WORDS, one
        assert bool(one.line) == bool(one.alternative)
    assert [True, True, True, False] == [bool(one.line) for one in found]


def test_one_time_buyers_of_whom_the_model_cannot_tell_are_kept_apart(page):
    """The BG/NBD is certain of them by construction; another model is not."""
    once = page.store.summary["frequency"] == 0
    alive = page.predictions["probability_alive"]
    untold = bool((alive[once] == 1.0).all())
    assert len(page.alive_told) == (~once).sum() if untold else len(alive)
    assert page.still.value == pytest.approx(page.alive_told.sum())
    said = words.still_customers(page.still, len(page.alive_told), 0.9, page.store.summary)
    assert ("the model cannot tell" in said) == untold


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
    for ask in (opening.status, opening.points, opening.calls, lambda p: p.forecast):
        with pytest.raises(CannotSay, match="one customer so far"):
            ask(single)
