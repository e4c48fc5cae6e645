"""What a history too short for its horizon is told: an interval that covers, or nothing but why."""

from __future__ import annotations

import numpy as np
import pytest

import retention_models as rm
from retention_models.errors import CannotSay
from retention_models.models.fitters import from_json, settled
from retention_models.models.histories import count_histories, less_half_days
from retention_models.models.open_parameters import is_open
from short_shops import GRID, drawn_parameters, short_shop
from tiers import few, sized


def fitted(summary):
    """The BG/NBD of a summary."""
    return rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.fixture(scope="module")
def shop():
    """A shop of three weeks, whose fit runs to a limit, and what came in a year."""
    rng = np.random.default_rng(5)
    while True:
        summary, came = short_shop(rng, GRID[8], weeks=3.0, ahead=52.0)
        model = fitted(summary)
        if model.fit_.verdict == "boundary":
            return summary, came, model


def test_a_fit_at_a_limit_tells_what_else_its_parameters_may_be(shop):
    """Its estimates stay the likeliest; forecasts are made at the centre of what they may be."""
    _, _, model = shop
    assert is_open(model.fit_)
    assert model.fit_.posterior.shape == (200, 4)
    centre = settled(model)
    assert centre.fit_.verdict == "shrunk"
    assert centre.params_["a"] == pytest.approx(np.exp(np.log(model.fit_.posterior[:, 2]).mean()))
    assert model.fit_.verdict == "boundary"
    assert settled(centre) is centre
    again = from_json(model.to_json())
    assert np.array_equal(again.fit_.posterior, model.fit_.posterior)


@pytest.mark.slow
def test_the_same_is_told_of_customers_and_of_the_store(shop):
    """Or the same is refused, with the weeks and what would fit them."""
    summary, _, model = shop
    forecast = rm.predict_store(model, None, summary, horizon=8.0, draws=200)
    each = rm.predict_customers(model, None, summary, horizon=8.0)
    assert each["expected_purchases"].sum() == pytest.approx(forecast.purchases.value)
    assert each["probability_alive"].sum() == pytest.approx(forecast.still_customers.value)
    said = "3 weeks of data are too short to say what the next 400 weeks will bring: anything from"
    for refuse in (rm.predict_store, rm.predict_customers):
        with pytest.raises(CannotSay, match=said):
            refuse(model, None, summary, horizon=400.0)


def test_a_well_known_shop_is_as_it_was():
    """No draws, and none refused."""
    rng = np.random.default_rng(6)
    summary, came = short_shop(rng, (1.0, 5.0, 0.5, 3.0), weeks=52.0, ahead=13.0)
    model = fitted(summary)
    assert model.fit_.posterior is None
    assert settled(model) is model
    found = rm.predict_store(model, None, summary, horizon=13.0, draws=200).purchases
    assert found.low * 0.9 < came < found.high * 1.1


@pytest.mark.sized
@pytest.mark.parametrize(
    ("weeks", "ahead", "refused", "alike", "merged"),
    few(
        0,
        [
            (3.0, 52.0, 0.5, True, True),
            (3.0, 52.0, 0.5, False, True),
            (3.0, 13.0, 0.1, True, True),
            (52.0, 52.0, 0.02, True, True),
            (3.0, 52.0, 0.5, False, False),
        ],
        1,
    ),
)
def test_of_short_histories_intervals_hold_or_are_refused(
    record_property, weeks, ahead, refused, alike, merged
):
    """90% intervals of 120 shops; the share refused is no more than is said.

    `alike` are of the kind of published estimates; others are drawn from the priors, of which a right
    posterior's intervals hold 90%. Purchases are merged by days, as a log has them, or their times are
    exact.
    """
    rng = np.random.default_rng(3)
    inside, told, shops = 0, 0, sized(12, 120)
    for i in range(shops):
        parameters = GRID[i % len(GRID)] if alike else drawn_parameters(rng)
        summary, came = short_shop(rng, parameters, weeks=weeks, ahead=ahead, merged=merged)
        model = fitted(summary)
        try:
            found = rm.predict_store(model, None, summary, horizon=ahead, draws=200).purchases
        except CannotSay:
            continue
        told += 1
        inside += found.low <= came <= found.high
    record_property("shops told of", f"{told} of {shops}")
    record_property("90% intervals that hold", f"{inside / told:.2f}")
    assert told >= (1.0 - refused) * shops - 2.0 * np.sqrt(shops) * 0.5
    # Binomial(told, .86), 2 standard errors below.
    assert inside / told >= 0.86 - 2.0 * np.sqrt(0.86 * 0.14 / told)


def test_days_with_a_purchase_are_purchases_in_half_a_day_less_each():
    """(1 − e^−λ)^x e^(−λ(T−x)) is λ^x e^(−λ(T−x/2)) to a factor of (1 + λ²/24)^x."""
    x, T, rate = np.array([0.0, 3.0, 9.0]), np.array([20.0, 20.0, 12.0]), 0.4
    t_x = np.array([0.0, 11.0, 12.0])
    for per_unit in (1.0, 7.0):
        known = count_histories(x, t_x / per_unit, T / per_unit)
        shorter = less_half_days(known).rows()
        assert np.allclose(shorter[1] * per_unit, t_x - x / 2.0)
        assert np.allclose(shorter[2] * per_unit, T - x / 2.0)
    by_day = (1.0 - np.exp(-rate)) ** x * np.exp(-rate * (T - x))
    assert rate**x * np.exp(-rate * (T - x / 2.0)) * (1.0 + rate**2 / 24.0) ** x == pytest.approx(
        by_day, rel=1e-3
    )


def test_times_by_the_second_and_purchases_counted_each_stay_as_they_are():
    """Nothing of a day was merged there."""
    for x, t_x, T in ((2.0, 1.234, 9.876), (9.0, 4.0, 12.0)):
        known = count_histories(*(np.array([each]) for each in (x, t_x, T)))
        assert less_half_days(known) is known
