"""Rows in another order, other units and other days: the right number, or none."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import retention_models as rm
from retention_models.errors import SettingsError

PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
MODEL = rm.BetaGeoFitter.from_parameters(PUBLISHED, time_unit="W")
OTHERS = {
    "mbg": rm.ModifiedBetaGeoFitter.from_parameters(
        {"r": 0.5, "alpha": 6.0, "a": 0.9, "b": 1.6}, time_unit="W"
    ),
    "pareto": rm.ParetoNBDFitter.from_parameters(
        {"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}, time_unit="W"
    ),
}
SPEND = rm.GammaGammaFitter.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})


@pytest.fixture(scope="module")
def log():
    """A shop of a year."""
    return rm.SimulatedShop(60, dt.date(2023, 1, 1), joining_days=200, seed=3).log(
        until="2023-12-30"
    )


def histories(orders: list[int]) -> pd.DataFrame:
    """Customers of different histories, by id, in weeks."""
    x = np.array([0, 1, 2, 5, 9])
    table = pd.DataFrame(
        {
            "frequency": x,
            "recency": np.where(x > 0, 4.0 + 3.0 * x, 0.0),
            "T": [39.0, 12.0, 30.5, 20.0, 38.0],
            "monetary_value": [0.0, 12.0, 20.0, 7.0, 30.0],
        },
        index=list("abcde"),
    )
    table.attrs = {"time_unit": "W"}
    return table.iloc[orders]


@settings(max_examples=25, deadline=None)
@given(
    orders=st.lists(st.permutations(range(5)), min_size=4, max_size=4),
    called=st.sampled_from(["bg", *OTHERS]),
)
def test_columns_in_any_order_give_each_customer_his_own_number(orders, called):
    """Each of the columns from a table in an order of its own."""
    model = OTHERS.get(called, MODEL)
    x, t_x, T, m = (
        histories(list(order))[name]
        for order, name in zip(orders, histories([0]).columns, strict=True)
    )
    right = histories(list(range(5)))
    columns = [right[name] for name in right.columns]
    for call in (
        lambda *h: model.conditional_probability_alive(*h[:3]),
        lambda *h: model.predict(13, *h[:3]),
        lambda *h: SPEND.conditional_expected_average_profit(h[0], h[3]),
        lambda *h: SPEND.customer_lifetime_value(model, *h),
    ):
        found = pd.Series(np.asarray(call(x, t_x, T, m)), index=x.index)
        expected = pd.Series(np.asarray(call(*columns)), index=right.index)
        pd.testing.assert_series_equal(found.sort_index(), expected, rtol=1e-12)


@pytest.mark.parametrize("unit", ["D", "M"])
def test_another_unit_is_refused_wherever_a_model_meets_data(log, unit):
    """Weeks on the one side, days or months on the other."""
    other = rm.customer_summary(log, time_unit=unit)
    ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    calls = {
        "predict_customers": lambda: rm.predict_customers(MODEL, SPEND, other),
        "predict_store": lambda: rm.predict_store(MODEL, SPEND, other),
        "predict_whole_store": lambda: rm.predict_whole_store(MODEL, None, other),
        "predictions_table": lambda: rm.predictions_table(log, MODEL, time_unit=unit),
        "write_predictions": lambda: rm.write_predictions(
            "none.parquet", log, MODEL, time_unit=unit
        ),
        "next_purchase": lambda: rm.next_purchase(MODEL, other),
        "validate_holdout": lambda: rm.validate_holdout(
            log, **ends, time_unit=unit, purchases=MODEL
        ),
        "retention_worth": lambda: rm.retention_worth(MODEL, SPEND, other, margin=0.3),
        "repeat_customer_worth": lambda: rm.repeat_customer_worth(
            MODEL, SPEND, other, rm.first_orders(log), margin=0.3
        ),
        "price_reward": lambda: rm.price_reward(
            MODEL, SPEND, other, "coupon", size=0.05, days=28, by_share=True, margin=0.3, lift=0.2
        ),
        "reward_liability": lambda: rm.reward_liability(
            MODEL, other, pd.Series(5.0, index=other.index), expiry_days=90
        ),
    }
    for name, call in calls.items():
        with pytest.raises(SettingsError, match="time_unit: "):
            pytest.fail(f"{name} gave {call()!r}")


def test_a_model_that_has_seen_the_holdout_is_not_held_against_it(log):
    """Its last day is known from the summary it was fitted to; arrays tell none."""
    ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    for last, refused in (("2023-09-30", False), ("2023-12-30", True)):
        summary = rm.customer_summary(log, observation_end=last)
        model = rm.BetaGeoFitter().fit(*(summary[name] for name in ("frequency", "recency", "T")))
        assert last == model.observation_end_
        if refused:
            with pytest.raises(SettingsError, match="has seen what it is held against"):
                rm.validate_holdout(log, **ends, purchases=model)
        else:
            assert rm.validate_holdout(log, **ends, purchases=model).purchases is not None


def restored(model, folder):
    """The model by every way of keeping it."""
    model.save_model(folder / "model.json")
    loaded = rm.BetaGeoFitter.from_parameters(PUBLISHED, time_unit="W")
    loaded.load_model(folder / "model.json")
    return {
        "from_json": rm.from_json(model.to_json()),
        "from_json of the class": rm.BetaGeoFitter.from_json(model.to_json()),
        "load_model": loaded,
    }


def test_a_model_that_was_saved_still_knows_its_last_day(log, tmp_path):
    """However it is restored; one saved before the day was kept tells none, and is taken."""
    ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    summary = rm.customer_summary(log, observation_end="2023-12-30")
    history = [summary[name] for name in ("frequency", "recency", "T")]
    model = rm.BetaGeoFitter().fit(*history)
    ways = restored(model, tmp_path)
    ways["of a chain"] = rm.fit_stores({"a": summary}).purchase_model("a")
    for way, again in ways.items():
        assert "2023-12-30" == again.observation_end_, way
        with pytest.raises(SettingsError, match="was fitted to data up to 2023-12-30"):
            rm.validate_holdout(log, **ends, purchases=again)
    content = json.loads(model.to_json())
    del content["observation_end"]
    (tmp_path / "model.json").write_text(json.dumps(content), encoding="utf-8")
    model.load_model(tmp_path / "model.json")
    assert model.observation_end_ is None
    assert rm.validate_holdout(log, **ends, purchases=model).purchases is not None
    again.params_ = PUBLISHED
    assert again.observation_end_ is None


@pytest.mark.parametrize("told", ["31.12.2023", "2023-12-32", "", 20231231])
def test_a_last_day_that_is_none_is_refused_by_name(told):
    """Else it would be held against days as if it were one."""
    content = json.loads(MODEL.to_json()) | {"observation_end": told}
    with pytest.raises(SettingsError, match="text: observation_end: expected"):
        rm.from_json(json.dumps(content))


def test_rows_of_other_customers_are_refused():
    """By the first that is missing."""
    right = histories([0, 1, 2, 3, 4])
    with pytest.raises(SettingsError, match="recency: its index does not match"):
        MODEL.predict(13, right["frequency"], right["recency"].iloc[:-1], right["T"])
    with pytest.raises(SettingsError, match="T: its index does not match"):
        MODEL.conditional_probability_alive(
            right["frequency"], right["recency"], right["T"].rename(index={"a": "z"})
        )


def changed(**columns) -> pd.DataFrame:
    """Five customers, with some columns changed."""
    table = histories([0, 1, 2, 3, 4])
    return table.assign(**columns)


WRONG_FRAMES = {
    "a log": (lambda log: log, "summary: expected a DataFrame .* got Transactions"),
    "columns by name": (lambda log: dict(changed()), "summary: expected a DataFrame .* got dict"),
    "rows of a log": (
        lambda log: log.table.execute(),
        "summary: columns are missing: T, frequency",
    ),
    "a column less": (lambda log: changed().drop(columns="T"), "columns are missing: T"),
    "nobody": (lambda log: changed().iloc[:0], "summary: it holds no customers"),
    "somebody twice": (
        lambda log: histories([0, 1, 1, 2]),
        "1 stand in several rows, such as 'b'",
    ),
    "truths": (
        lambda log: changed(frequency=[True, False, True, True, True]),
        "frequency: expected numbers; got bool",
    ),
    "moments": (
        lambda log: changed(recency=pd.Timestamp("2024-01-01", tz="Europe/Berlin")),
        r"recency: expected numbers; got datetime64\[\w+, Europe/Berlin\]",
    ),
    "lengths of time": (
        lambda log: changed(T=pd.to_timedelta([39] * 5, unit="D")),
        "T: expected numbers; got timedelta64",
    ),
    "words": (lambda log: changed(frequency=list("abcde")), "frequency: expected numbers"),
    "missing": (
        lambda log: changed(frequency=pd.array([0, None, 2, 5, 9], dtype="Int64")),
        "frequency: expected a finite number; 1 of 5 rows",
    ),
    "means of purchases": (
        lambda log: changed(frequency=[0, 1.5, 2, 5, 9]),
        "frequency: expected a whole number; 1 of 5 rows are not .first: 'b': 1.5",
    ),
    "a last purchase after the only one": (
        lambda log: changed(frequency=0),
        "recency: expected 0 where frequency is 0; 4 of 5 rows",
    ),
    "endless money": (
        lambda log: changed(monetary_value=np.inf),
        "monetary_value: expected a finite number; 5 of 5",
    ),
    "money in words": (
        lambda log: changed(monetary_value="12,50"),
        "monetary_value: expected numbers",
    ),
}


@pytest.mark.parametrize("kind", WRONG_FRAMES)
def test_a_table_of_another_kind_is_refused_by_name(kind, log):
    """What it is, or the column and what it holds; whether customers or their store are predicted."""
    make, words = WRONG_FRAMES[kind]
    with pytest.raises(SettingsError, match=words):
        rm.predict_customers(MODEL, SPEND, make(log), horizon=13, margin=0.3)
    if kind != "nobody":
        with pytest.raises(SettingsError, match=words):
            rm.predict_store(MODEL, SPEND, make(log), horizon=13, margin=0.3, draws=20)


def test_numbers_as_text_and_ids_as_categories_are_what_they_say():
    """The right numbers, however they are kept."""
    right = rm.predict_customers(MODEL, SPEND, changed(), horizon=13, margin=0.3, interval=None)
    text = changed(frequency=changed()["frequency"].astype(str))
    for table in (text, text.set_axis(pd.CategoricalIndex(text.index))):
        found = rm.predict_customers(MODEL, SPEND, table, horizon=13, margin=0.3, interval=None)
        np.testing.assert_array_equal(right.to_numpy(), found.to_numpy())


@pytest.mark.parametrize("name", ["horizon", "margin", "annual_discount_rate"])
@pytest.mark.parametrize("value", ["13", dt.date(2024, 1, 1), None, True])
def test_parameters_that_are_no_numbers_are_refused_by_name(name, value):
    """Also a day, where a length of time is meant."""
    given = {"horizon": 13, "margin": 0.3, "annual_discount_rate": 0.1} | {name: value}
    with pytest.raises(SettingsError, match=f"{name}: expected a number; got"):
        rm.predict_customers(MODEL, SPEND, changed(), **given)


def test_lengths_of_time_by_customer_are_taken_by_their_labels():
    """In whatever order; as many as customers."""
    table = changed()
    history = [table[name] for name in ("frequency", "recency", "T")]
    ahead = pd.Series([4.0, 13.0, 26.0, 39.0, 52.0], table.index)
    for asked in (
        MODEL.predict,
        MODEL.conditional_probability_alive_after,
        lambda *h: MODEL.conditional_probability_of_n_purchases_up_to_time(1, *h),
    ):
        right, found = asked(ahead, *history), asked(ahead[::-1], *history)
        np.testing.assert_array_equal(np.asarray(right), np.asarray(found))
        with pytest.raises(
            SettingsError, match="t: expected one length of time, or one for each of 5"
        ):
            asked(np.ones(3), *history)


def test_what_no_customer_can_do_is_refused_before_memory_ends():
    """Ten million purchases, as where money stands in the place of frequency."""
    table = changed(frequency=[0, 1, 2, 5, 10_000_000])
    with pytest.raises(SettingsError, match=r"would buy [\d,]+ times .* at most 10,000"):
        rm.predict_customers(MODEL, SPEND, table, horizon=13, margin=0.3)


@pytest.mark.parametrize("spend", ["gg", MODEL, rm.GammaGammaFitter, rm.GammaGammaFitter()])
def test_a_model_of_spend_that_is_none_is_refused(spend):
    """Another model, its class, one that was not fitted."""
    with pytest.raises(SettingsError, match="spend: expected a fitted GammaGammaFitter, or None"):
        rm.predict_customers(MODEL, spend, changed(), horizon=13)


def test_counts_months_and_rates_that_are_none_are_refused():
    """Each by its name."""
    table = changed()
    columns = [table[name] for name in table.columns]
    for n, t in ((1.5, 13), (1, -1), (np.nan, 13)):
        with pytest.raises(SettingsError, match=r"^[nt]: expected"):
            MODEL.probability_of_n_purchases_up_to_time(t, n)
    for months, rate in ((0, 0.01), (-3, 0.01), (2.5, 0.01), (12, 10), (12, -0.5)):
        with pytest.raises(SettingsError, match="time, discount_rate: expected a whole number"):
            SPEND.customer_lifetime_value(MODEL, *columns, time=months, discount_rate=rate)
    with pytest.raises(
        SettingsError, match=r"interval: expected a level between 0 and 1; got '0\.9'"
    ):
        rm.predict_customers(MODEL, SPEND, table, horizon=13, interval="0.9")


def test_spend_below_nothing_tells_nothing_of_the_next_purchase():
    """As in the table of predictions: no number, where lifetimes gives one below 0."""
    found = SPEND.conditional_expected_average_profit([2, 2, 0], [-5.0, 20.0, -1.0])
    np.testing.assert_array_equal([True, False, False], np.isnan(found))


def test_days_to_come_and_stores_that_are_no_text_are_refused(log):
    """Customers would seem to have stayed away until then."""
    with pytest.raises(
        SettingsError, match="observation_end: expected a day that is over; got 2099"
    ):
        rm.customer_summary(log, observation_end="2099-01-01")
    with pytest.raises(SettingsError, match="holdout_end: expected a day that is over"):
        rm.calibration_holdout_summary(log, calibration_end="2023-09-30", holdout_end="2099-01-01")
    with pytest.raises(SettingsError, match=r"store_id: expected text.* got 7"):
        rm.customer_summary(log, store_id=7)


@pytest.mark.parametrize("wrong", [pd.DataFrame({"id": ["a"]}), {}, "log.csv", None])
def test_what_is_asked_for_by_name_is_of_its_kind(wrong, log):
    """A log, a campaign and its data, a project file: nothing that only looks like one."""
    calls = {
        "log": [
            rm.customer_summary,
            rm.data_quality,
            lambda one: rm.read_campaign(one, None, None),
        ],
        "campaign": [lambda one: rm.read_campaign(log, one, None)],
        "data": [rm.effect_of],
    }
    for name, asked in calls.items():
        for call in asked:
            with pytest.raises(SettingsError, match=f"{name}: expected what .* gives; got"):
                call(wrong)
    if not isinstance(wrong, str):
        with pytest.raises(SettingsError, match="project_file: expected the path"):
            rm.open_store(wrong, "a")
