"""Drivers of churn: rows by hand, models against other sources, known effects, and refusals."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import retention_models as rm
from driven_shops import DAYS, delayed_shop, driven_shop, naive_ratio
from retention_models.measures.driver_models import (
    calibrated_lapse,
    cox_residuals,
    fit_lapse,
    fit_next_purchase,
)
from retention_models.measures.driver_rows import lapse_rows, start_stop_rows, told_apart
from tiers import sized

_START = dt.date(2023, 1, 1)


def as_read(purchases, events=None):
    """The made-up days as a log and its events."""
    days = pd.to_datetime(_START) + pd.to_timedelta(purchases["day"], unit="D")
    lines = pd.DataFrame({"id": "c" + purchases["customer"].astype(str), "day": days, "paid": 9.0})
    log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    if events is None:
        return log, None
    days = pd.to_datetime(_START) + pd.to_timedelta(events["day"], unit="D")
    told = pd.DataFrame({"id": "c" + events["customer"].astype(str), "day": days})
    told["kind"] = events["kind"].to_numpy()
    names = {"customer_id": "id", "date": "day", "kind": "kind"}
    if "measure" in events:
        told["late"] = events["measure"].to_numpy()
        names["measure"] = "late"
    return log, rm.read_events(told, **names)


@pytest.fixture(scope="module")
def shop():
    """A shop whose complaints make customers buy .4 times as often until they leave."""
    return driven_shop(500, np.random.default_rng(8), pace=0.4, leave=0.02, spread=0.2)


@pytest.fixture(scope="module")
def read(shop):
    """The same, as read."""
    return as_read(*shop)


def test_a_customer_is_exposed_from_the_experience_on_and_not_before():
    """Rows of three customers by hand: before a purchase, after one, on its day, and after the end."""
    bought = pd.DataFrame({"customer": [0, 0, 1, 2, 2], "day": [5, 20, 0, 10, 30]})
    events = pd.DataFrame({"customer": [0, 0, 1, 2], "day": [2, 25, 50, 30], "kind": "late"})
    rows = start_stop_rows(bought, events, ["late"], 40)
    table = pd.DataFrame({"who": rows.customer, "from": rows.entry, "to": rows.exit})
    table["bought"], table["late"] = rows.outcome, rows.exposed["late"]
    expected = [
        (0, 0.0, 15.0, True, False),
        (0, 0.0, 5.0, False, False),
        (0, 5.0, 20.0, False, True),
        (1, 0.0, 40.0, False, False),
        (2, 0.0, 20.0, True, False),
        (2, 0.0, 10.0, False, True),
    ]
    assert list(table.itertuples(index=False, name=None)) == expected
    assert rows.history["log purchases"].tolist() == pytest.approx(np.log([1, 2, 2, 1, 1, 2]))
    # Customer 0 was late before the first purchase, and in the second row's spell that is earlier.
    assert rows.history["earlier late"].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_window_of_lapse_is_whole_and_of_who_was_active():
    """Days of experiences and every window back; nobody who was silent for a window before."""
    bought = pd.DataFrame({"customer": [0, 0, 1], "day": [0, 15, 0]})
    events = pd.DataFrame({"customer": [0, 1, 1], "day": [12, 25, 3], "kind": "late"})
    rows = lapse_rows(bought, events, ["late"], 40, 10)
    table = pd.DataFrame({"who": rows.customer, "since": rows.entry, "late": rows.exposed["late"]})
    table["lapsed"] = rows.outcome
    found = sorted(table.itertuples(index=False, name=None))
    expected = [
        (0, 0.0, False, True),  # day 0: nothing by day 10
        (0, 5.0, True, True),  # day 20, after that of day 12
        (0, 10.0, False, False),  # day 10: day 15
        (1, 0.0, False, True),
        (1, 3.0, True, True),  # day 3
        (1, 10.0, True, True),  # day 10
    ]
    assert found == expected


def test_a_measure_is_that_of_the_last_experience_and_of_a_day_the_largest():
    """By hand: rows of the next purchase and of lapse, who had it marked apart."""
    bought = pd.DataFrame({"customer": [0, 0, 1], "day": [0, 10, 0]})
    events = pd.DataFrame(
        {"customer": [0, 0, 0, 1], "day": [2, 2, 5, 3], "measure": [4.0, 1.0, 2.0, 0.0]}
    ).assign(kind="late")
    rows = start_stop_rows(bought, events, ["late"], 20, ["late"])
    assert [0.0, 4.0, 2.0, 0.0, 0.0, 0.0] == rows.exposed["late"].tolist()
    had = [False, True, True, False, False, True]
    assert had == rows.had["late"].tolist()
    assert [float(one) for one in had] == rows.history["had late"].tolist()
    # No row before it ends with a purchase.
    assert [True, True, True] == told_apart(rows).had["late"].tolist()
    lapse = lapse_rows(bought, events, ["late"], 20, 8, ["late"])
    table = pd.DataFrame({"who": lapse.customer, "silent": lapse.entry})
    table["late"], table["had"] = lapse.exposed["late"], lapse.had["late"]
    found = sorted(table.itertuples(index=False, name=None))
    expected = [
        (0, 2.0, 2.0, True),  # day 12, seven after that of day 5
        (0, 2.0, 4.0, True),
        (0, 4.0, 4.0, True),  # day 4
        (0, 5.0, 2.0, True),
        (1, 3.0, 0.0, True),
        (1, 4.0, 0.0, True),
    ]
    assert found == expected


def test_a_measured_experience_has_its_ratio_per_step():
    """Per day late unless another step is declared, of which it is the power; as an association."""
    purchases, events = delayed_shop(150, np.random.default_rng(2), ratio=0.8)
    log, told = as_read(purchases, events)
    one = rm.churn_drivers(log, told, window=60)
    two = rm.churn_drivers(log, told, window=60, steps={"Delivery": 2.0})
    assert [1.0, 1.0] == one.table["step"].tolist()
    assert two.table["ratio"].to_numpy() == pytest.approx(one.table["ratio"].to_numpy() ** 2)
    assert one.table["low"][0] > 1.0
    assert one.table["low"][1] < 0.8 < one.table["high"][1]
    assert one.lines()[0].startswith(
        "delivery, each 1 more: the odds to buy nothing within 60 days"
    )
    assert "an association, not an effect" in one.lines()[1]
    assert two.lines()[1].startswith("delivery, each 2 more: the next purchase comes")
    alike = rm.churn_drivers(*as_read(purchases, events.assign(measure=3.0)), window=60)
    assert alike.table["refusal"].str.startswith("too few to say: 0 customers").all()


def test_a_step_of_what_is_not_measured_is_refused():
    """A kind without a measure, one that is not there, and a step of nothing."""
    purchases, events = delayed_shop(60, np.random.default_rng(2))
    some = events.assign(measure=events["measure"].where(events.index > 3))
    log, told = as_read(purchases, some)
    with pytest.raises(rm.SettingsError, match="4 events of the kind delivery have no measure"):
        rm.churn_drivers(log, told, window=60, steps={"delivery": 1.0})
    for steps, said in (({"praise": 1.0}, "praise is no kind"), ({"delivery": 0.0}, "above 0")):
        with pytest.raises(rm.SettingsError, match=said):
            rm.churn_drivers(log, told, window=60, steps=steps)
    # By yes or no nobody is without a delivery who buys again.
    plain = rm.churn_drivers(log, told, window=60).table
    assert plain["step"].isna().all()
    assert "0 cases either way" in plain["refusal"][1]


def test_the_cox_regression_agrees_with_a_slow_one(shop):
    """Partial likelihood summed failure by failure, and scores that sum to nothing at its maximum."""
    some = [each[each["customer"] < 25] for each in shop]
    rows = start_stop_rows(*some, ["complaint"], DAYS - 1)
    drivers = rows.exposed.astype(float)
    found = fit_next_purchase(rows, drivers, adjusted=False)
    z = drivers["complaint"].to_numpy()

    def minus(beta):
        total = 0.0
        for i in np.flatnonzero(rows.outcome):
            t = rows.exit[i]
            at_risk = (rows.entry < t) & (t <= rows.exit)
            total += beta[0] * z[i] - np.log(np.exp(beta[0] * z[at_risk]).sum())
        return -total

    slow = minimize(minus, [0.0], tol=1e-10)
    assert found.values[0] == pytest.approx(slow.x[0], abs=1e-4)
    scores, _ = cox_residuals(rows.entry, rows.exit, drivers.to_numpy(), rows.outcome, found.values)
    assert scores.sum() == pytest.approx(0.0, abs=1e-6)


def test_a_driver_of_churn_is_found_and_called_an_association(read):
    """The whole way: a table with both outcomes, adjusted p-values, and words."""
    found = rm.churn_drivers(*read, window=60)
    lapse, pace = (found.table.iloc[i] for i in (0, 1))
    assert lapse["outcome"] == "lapse"
    assert lapse["low"] > 1.0
    assert pace["high"] < 1.0
    assert pace["pvalue_adjusted"] >= pace["pvalue"]
    assert "an association, not an effect" in found.lines()[0]
    assert "an effect, since" in rm.churn_drivers(*read, window=60, by_lot=["complaint"]).lines()[0]
    assert found.calibration_slope.low < 1.0 < found.calibration_slope.high
    assert "complaint" in repr(found)


def test_attributes_count_against_the_most_frequent_level(read):
    """Rare levels are one; what is missing is a level; a number counts per unit; a lot is by column."""
    log, _ = read
    ids = pd.Index([f"c{i}" for i in range(500)])
    text = ["web"] * 240 + ["shop"] * 200 + ["fair", "mail"] * 10 + [None] * 40
    table = pd.DataFrame({"channel": text, "answer": np.arange(500) % 7 / 7.0}, index=ids)
    found = rm.churn_drivers(log, attributes=table, window=60, by_lot=["channel"]).table
    assert set(found["driver"]) == {
        *("channel: shop", "channel: not given", "channel: other", "answer"),
    }
    assert found["by_lot"].tolist() == [str(name) != "answer" for name in found["driver"]]
    with pytest.raises(rm.SettingsError, match="answer is not known of 1"):
        rm.churn_drivers(log, attributes=table.iloc[1:], window=60)


def test_what_too_few_had_is_refused_and_others_stand(shop):
    """Of a kind that five customers had."""
    purchases, events = shop
    rare = events.head(5).assign(kind="praise")
    found = rm.churn_drivers(*as_read(purchases, pd.concat([events, rare])), window=60)
    refused = found.table[found.table["driver"] == "praise"]
    assert refused["refusal"].str.startswith("too few to say: ").all()
    assert refused["ratio"].isna().all()
    assert found.table[found.table["driver"] == "complaint"]["ratio"].notna().all()
    assert "too few" in " ".join(found.lines())


def test_what_cannot_be_answered_is_said(read):
    """No input, an unknown kind or lot, and a log shorter than two windows."""
    log, events = read
    for wrong, said in (
        ({}, "neither"),
        ({"events": events, "kinds": ["praise"]}, "praise"),
        ({"events": events, "by_lot": ["praise"]}, "by_lot"),
        ({"events": events, "max_customers": 0}, "max_customers"),
        ({"events": events, "interval": 0.2}, "interval"),
    ):
        with pytest.raises(rm.SettingsError, match=said):
            rm.churn_drivers(log, window=60, **wrong)
    with pytest.raises(rm.CannotSay, match="two windows of 300 days"):
        rm.churn_drivers(log, events, window=300)


def test_of_more_customers_some_are_drawn_by_a_fixed_lot(read):
    """The same each time."""
    one, other = (rm.churn_drivers(*read, window=60, max_customers=200) for _ in range(2))
    assert one.customers == 200
    pd.testing.assert_frame_equal(one.table, other.table)


@pytest.mark.slow
def test_joiners_are_no_better_than_others_where_joining_does_nothing(record_property):
    """95% intervals hold 1 as often as they say, where the naive ratio is a third; checks reject 5%."""
    shops = sized(8, 200)
    inside, naive, changes = np.zeros(2), [], 0
    for seed in range(shops):
        found = _both(*driven_shop(500, np.random.default_rng(seed)))
        inside += [abs(each.values[0]) < 1.96 * each.errors[0] for each in found]
        changes += found[1].changes[0] < 0.05
        naive.append(naive_ratio(*driven_shop(500, np.random.default_rng(seed)), DAYS))
    for name, share in zip(("lapse", "next purchase"), inside / shops, strict=True):
        record_property(f"95% coverage of no effect, {name}", f"{share:.3f}")
        assert share >= 0.95 - 3.0 * np.sqrt(0.05 / shops)
    record_property("naive ratio", f"{np.mean(naive):.2f}")
    record_property("checks of proportional hazards that reject", f"{changes / shops:.3f}")
    assert np.mean(naive) < 0.5
    assert changes / shops <= 0.05 + 3.0 * np.sqrt(0.05 / shops)


@pytest.mark.slow
def test_a_known_effect_is_recovered(record_property):
    """.6 times the pace, of customers alike: the hazard ratio covers it at 95%, and is foreseen."""
    shops, inside, slopes, values = sized(8, 200), 0, 0, []
    for seed in range(shops):
        rng = np.random.default_rng(1_000 + seed)
        purchases, events = driven_shop(500, rng, pace=0.6, leave=0.0, spread=0.01)
        _, found = _both(purchases, events)
        inside += abs(found.values[0] - np.log(0.6)) < 1.96 * found.errors[0]
        values.append(found.values[0])
        rows = lapse_rows(purchases, events, ["complaint"], DAYS - 1, 45)
        slope, _ = calibrated_lapse(rows, rows.exposed.astype(float), 0.95, seed)
        slopes += slope.low < 1.0 < slope.high
    record_property("mean hazard ratio, .6 being true", f"{np.exp(np.mean(values)):.3f}")
    record_property("95% coverage of a hazard ratio of .6", f"{inside / shops:.3f}")
    record_property("calibration slopes that cover 1", f"{slopes / shops:.3f}")
    assert inside / shops >= 0.95 - 3.0 * np.sqrt(0.05 / shops)
    assert np.exp(np.mean(values)) == pytest.approx(0.6, abs=0.03 + 0.2 / np.sqrt(shops))


@pytest.mark.slow
def test_a_known_slope_is_recovered(record_property):
    """.9 times the pace a day late: the hazard ratio per day covers it at 95%."""
    shops, inside, values = sized(8, 200), 0, []
    for seed in range(shops):
        purchases, events = delayed_shop(300, np.random.default_rng(3_000 + seed))
        rows = start_stop_rows(purchases, events, ["delivery"], DAYS - 1, ["delivery"])
        rows = told_apart(rows)
        found = fit_next_purchase(rows, rows.exposed, adjusted=True)
        inside += abs(found.values[0] - np.log(0.9)) < 1.96 * found.errors[0]
        values.append(found.values[0])
    record_property("mean hazard ratio a day late, .9 being true", f"{np.exp(np.mean(values)):.4f}")
    record_property("95% coverage of a hazard ratio of .9 a day late", f"{inside / shops:.3f}")
    assert inside / shops >= 0.95 - 3.0 * np.sqrt(0.05 / shops)
    assert np.exp(np.mean(values)) == pytest.approx(0.9, abs=0.005 + 0.03 / np.sqrt(shops))


def _both(purchases, events):
    """Coefficients of lapse and of the next purchase."""
    lapse = lapse_rows(purchases, events, ["complaint"], DAYS - 1, 60)
    spells = start_stop_rows(purchases, events, ["complaint"], DAYS - 1)
    return (
        fit_lapse(lapse, lapse.exposed.astype(float), adjusted=True),
        fit_next_purchase(spells, spells.exposed.astype(float), adjusted=True),
    )
