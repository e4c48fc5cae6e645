"""Calibration: chances and intervals of counts against an independent count of them."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

import purchase_samples
import retention_models as rm
from retention_models.models.histories import known_customers
from retention_models.models.intervals import distribution_at
from retention_models.predictions.validation.calibration import (
    alive_calibration,
    count_calibration,
)

FITTERS = [rm.BetaGeoFitter, rm.ModifiedBetaGeoFitter, rm.ParetoNBDFitter]
PARAMETERS = {
    "BG/NBD": (0.8, 6.0, 0.8, 2.5),
    "MBG/NBD": (0.8, 6.0, 0.8, 2.5),
    "Pareto/NBD": (0.8, 6.0, 0.6, 12.0),
}


@pytest.fixture(scope="module", params=FITTERS, ids=lambda fitter: fitter.label)
def validated(request):
    """A fitted model, and customers with what they did in 20 weeks that follow its own law."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        dict(zip(("frequency", "recency", "T"), purchase_samples.cdnow_sample(), strict=True))
    )
    frame = frame.assign(monetary_value=0.0).iloc[:800]
    fitter = request.param().fit(frame["frequency"], frame["recency"], frame["T"])
    columns = [frame[name] for name in ("frequency", "recency", "T")]
    chances = np.stack(
        [
            fitter.conditional_probability_of_n_purchases_up_to_time(n, 20.0, *columns)
            for n in range(60)
        ]
    )
    below = np.cumsum(chances, axis=0)
    frame["frequency_holdout"] = (below < rng.random(len(frame))).sum(axis=0)
    frame.attrs["time_unit"] = "W"
    table = rm.predict_customers(fitter, None, frame, horizon=20.0, interval=0.9)
    told = table[["probability_alive", "purchases_low", "purchases_high"]]
    return fitter, frame.assign(**told), below


def test_distribution_functions_are_sums_of_the_count_probabilities(validated):
    """One table per cell gives what the public method gives customer by customer."""
    fitter, customers, below = validated
    history = (customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    count = customers["frequency_holdout"].to_numpy()
    less, at_most = distribution_at(
        fitter.model, fitter.fit_.parameters, known_customers(*history), 20.0, count.astype(float)
    )
    place = np.arange(count.size)
    assert at_most == pytest.approx(below[count, place], abs=1e-8)
    expected = np.where(count > 0, below[np.maximum(count - 1, 0), place], 0.0)
    assert less == pytest.approx(expected, abs=1e-8)


def test_coverage_is_that_of_a_count_by_hand(validated):
    """Share inside, what the model expects inside, and the transform by randomisation."""
    fitter, customers, below = validated
    found = count_calibration(fitter, customers, 20.0)
    count, place = customers["frequency_holdout"].to_numpy(), np.arange(len(customers))
    low, high = customers["purchases_low"].to_numpy(), customers["purchases_high"].to_numpy()
    inside = (low <= count) & (count <= high)
    assert found.covered.value == pytest.approx(inside.mean())
    ends = proportion_confint(inside.sum(), inside.size, method="wilson")
    assert ends == pytest.approx((found.covered.low, found.covered.high))
    under = np.where(low > 0, below[np.maximum(low - 1, 0), place], 0.0)
    assert found.expected == pytest.approx((below[high, place] - under).mean(), abs=1e-8)
    # Czado, Gneiting & Held (2009): F(y − 1) + V·P(y), V drawn a thousand times.
    rng = np.random.default_rng(8)
    less = np.where(count > 0, below[np.maximum(count - 1, 0), place], 0.0)
    u = less + rng.random((1000, count.size)) * (below[count, place] - less)
    assert found.pit.value == pytest.approx(((u > 0.05) & (u <= 0.95)).mean(), abs=0.002)
    drawn = np.histogram(u, bins=10, range=(0, 1))[0] / u.size * 10
    assert found.histogram == pytest.approx(drawn, abs=0.02)


def test_a_right_model_is_found_right(validated):
    """The transform's interval holds 90%, the intervals hold that or more; few groups are off."""
    fitter, customers, _ = validated
    found = count_calibration(fitter, customers, 20.0)
    assert found.pit.low <= 0.90 <= found.pit.high
    assert found.expected >= 0.90
    groups = alive_calibration(fitter, customers, 20.0)
    off = (groups["expected"] < groups["low"]) | (groups["high"] < groups["expected"])
    assert off.sum() <= 2


def test_intervals_that_are_too_narrow_are_found_so(validated):
    """Counts twice as wide as the model's."""
    fitter, customers, _ = validated
    wide = customers.assign(frequency_holdout=3 * customers["frequency_holdout"])
    found = count_calibration(fitter, wide, 20.0)
    assert found.pit.high < 0.90
    assert found.histogram[-1] > 1.5


def test_groups_hold_every_customer_and_never_part_equals(validated):
    """Tenths by P(alive), from low to high; equal values stand together."""
    fitter, customers, _ = validated
    groups = alive_calibration(fitter, customers, 20.0)
    assert len(customers) == groups["customers"].sum()
    assert len(groups) <= 10
    assert groups["probability_alive"].is_monotonic_increasing
    assert (groups["expected"] <= groups["probability_alive"] + 1e-12).all()
    total = float((groups["customers"] * groups["observed"]).sum())
    assert total == pytest.approx((customers["frequency_holdout"] > 0).sum())
    if fitter.label == "BG/NBD":
        # Whoever never bought again has P(alive) 1 in this model.
        assert (customers["frequency"] == 0).sum() == groups["customers"].iloc[-1]
