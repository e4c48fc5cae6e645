"""A subscription shop from its log to the comparison of models: the regular one is told and used."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from regular_shops import box_lines
from retention_models.pages.models.words import estimates
from retention_models.pages.store.words import purchase_model
from retention_models.predictions.customers import mean_purchase_rate
from retention_models.predictions.store_models import StoreModels

BEGIN = dt.date(2023, 1, 2)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """300 subscribers with a box every 30 ± 6 days for a year and a half."""
    rng = np.random.default_rng(4)
    lines = []
    for customer in range(300):
        day = rng.uniform(0.0, 250.0)
        while day < 540.0:
            lines.append((f"c{customer}", BEGIN + dt.timedelta(days=int(day)), 20.0))
            if rng.random() < 0.07:
                break
            day += rng.normal(30.0, 6.0)
    path = tmp_path_factory.mktemp("boxes") / "log.csv"
    pd.DataFrame(lines, columns=["id", "day", "paid"]).to_csv(path, index=False)
    return rm.read_transactions(path, customer_id="id", date="day", spend="paid")


def test_a_store_of_regular_buyers_gets_their_model_and_says_so(log):
    """By its gaps; whoever missed two boxes has left, and the page says what is meant."""
    end = BEGIN + dt.timedelta(days=539)
    models = StoreModels(log, "all", end, "W")
    fitted = models.purchases
    assert type(fitted) is rm.ModifiedBetaGeoCNBDFitter
    waited = models.summary["T"] - models.summary["recency"]
    alive = fitted.conditional_probability_alive(*models.history.columns)
    assert alive[waited > 60 / 7].max() < 0.02
    said = purchase_model(fitted, "W")
    assert said.startswith(
        "Customers of this shop buy at regular intervals: of one who buys every 30 "
    )
    assert "come back" not in said


@pytest.mark.slow
def test_a_subscription_shop_is_forecast_by_who_is_left(tmp_path):
    """800 subscribers: how many are left is inside; nobody is due before 24 days of 30."""
    lines, alive = box_lines(5)
    lines.to_csv(tmp_path / "log.csv", index=False)
    boxes = rm.read_transactions(tmp_path / "log.csv", customer_id="id", date="day", spend="paid")
    end = dt.date(2023, 1, 2) + dt.timedelta(days=539)
    models = StoreModels(boxes, "all", end, "D")
    found = rm.predict_store(models.purchases, None, models.summary, horizon=91, draws=300)
    assert found.still_customers.low <= alive <= found.still_customers.high
    assert found.still_customers.high - found.still_customers.low < 0.1 * alive
    usual = models.purchases.model.gap_quantile(
        0.5, *models.history.columns, *models.purchases.fit_.parameters
    )
    assert usual[models.summary["frequency"] > 0].min() > 24.0


@pytest.mark.nightly
def test_models_of_regular_buyers_are_compared_with_the_others(log):
    """By name and by class; the regular one has the lowest AIC by far and the smaller errors."""
    found = rm.compare_models(
        log,
        calibration_end="2024-01-31",
        holdout_end="2024-05-31",
        models=["bg_nbd", "mbg_nbd", rm.ModifiedBetaGeoCNBDFitter],
    )
    table = found.table
    assert table.index[:3].tolist() == ["BG/NBD", "MBG/NBD", "MBG/CNBD-k"]
    assert table.loc["MBG/NBD", "delta_aic"] > 1_000.0
    assert table.loc["MBG/CNBD-k", "delta_aic"] == 0.0
    errors = table["absolute_error"]
    assert errors["MBG/CNBD-k"] < 0.9 * errors["MBG/NBD"]
    assert abs(table.loc["MBG/CNBD-k", "total_error"]) < 0.05
    fitted = found.validations["MBG/CNBD-k"].purchases
    assert 15 <= fitted.k_ <= 40  # 25 by the gaps' coefficient of variation, 6/30
    assert fitted.regularity_.regular
    # Gaps of 30 days are .233 purchases a week, whatever a phase is.
    rate = mean_purchase_rate(fitted.fit_, fitted.k_)
    assert rate.low < 7.0 / 30.0 < rate.high
    assert "0.23 (the MBG/CNBD-k)" in estimates(found, "W")


@pytest.mark.slow
def test_a_holdout_takes_the_model_by_name(log):
    """The same fit as by hand, from the summary and the sum of the log's gaps up to the split."""
    found = rm.validate_holdout(
        log, calibration_end="2024-01-31", holdout_end="2024-05-31", model="bg_cnbd"
    )
    summary = rm.customer_summary(log, observation_end="2024-01-31")
    history = (summary[name] for name in ("frequency", "recency", "T"))
    gaps = rm.sum_log_gaps(log, observation_end="2024-01-31")
    by_hand = rm.BetaGeoCNBDFitter().fit(*history, log_gaps=gaps)
    np.testing.assert_allclose(found.purchases.params_, by_hand.params_, rtol=1e-9)
    assert found.purchases.k_ == by_hand.k_
