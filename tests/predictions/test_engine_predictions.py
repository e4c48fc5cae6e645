"""Fits and predictions that never see a customer are those that see every one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import skip_or_fail

import retention_models as rm
from engines import COLUMNS, in_parquet, in_postgresql, in_spark, log_of_an_ordinary_shop, why_not
from retention_models.errors import SettingsError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(
    scope="module",
    params=["duckdb", "postgresql", pytest.param("spark", marks=pytest.mark.nightly)],
)
def log(request, tmp_path_factory):
    """A shop's log in an engine."""
    frame, folder = log_of_an_ordinary_shop(), tmp_path_factory.mktemp("log")
    if request.param == "duckdb":
        where = in_parquet(frame, folder)
    elif request.param == "postgresql":
        where = in_postgresql(frame, request.getfixturevalue("postgresql"))
    else:
        if why_not("spark"):
            skip_or_fail(why_not("spark"))
        where = in_spark(frame, folder)
    return rm.read_transactions(
        where["source"], table=where.get("table"), timezone="Europe/Berlin", **COLUMNS
    )


@pytest.fixture(scope="module")
def models(log):
    """Fits to every customer of the summary."""
    summary = rm.customer_summary(log)
    told = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    purchases = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    return purchases, rm.GammaGammaFitter().fit(told["frequency"], told["monetary_value"])


@pytest.mark.parametrize("same_day", ["each", "one"])
def test_counted_histories_fit_as_customers_do(log, same_day):
    """The same likelihood, to the last digits."""
    summary = rm.customer_summary(log, same_day=same_day)
    rows = rm.count_customers(log, same_day=same_day)
    assert len(summary) == rows["customers"].sum()
    one = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    two = rm.BetaGeoFitter().fit(
        rows["frequency"], rows["recency"], rows["T"], weights=rows["customers"]
    )
    assert one.log_likelihood_ == pytest.approx(two.log_likelihood_, rel=1e-12)
    assert one.params_.to_numpy() == pytest.approx(two.params_.to_numpy(), rel=1e-7)


def test_counted_spend_fits_as_customers_do(log, models):
    """To a hundredth of a percent of a standard error."""
    rows = rm.count_spend(log)
    counted = rm.GammaGammaFitter().fit(
        rows["frequency"], rows["monetary_value"], rows["customers"]
    )
    away = (counted.params_ - models[1].params_) / models[1].standard_errors_
    assert np.abs(away).max() < 1e-4


def test_predictions_of_the_engine_are_those_of_the_summary(log, models):
    """Every column of every customer, null where a number cannot be told."""
    summary = rm.customer_summary(log)
    expected = summary.join(rm.predict_customers(*models, summary, horizon=26, margin=0.3))
    found = rm.predictions_table(log, *models, horizon=26, margin=0.3)
    found = found.to_pandas() if log.origin.in_process else _fetched(found)
    found = found.set_index("customer_id").sort_index()
    pd.testing.assert_frame_equal(
        expected.sort_index(),
        found[expected.columns],
        check_exact=False,
        rtol=1e-9,
        check_dtype=False,
    )
    assert (
        found["clv"].isna().sum()
        == (~(summary["monetary_value"] > 0) & (summary["frequency"] > 0)).sum()
    )


def test_a_model_of_another_unit_is_refused(log, models):
    """A model of days on the weeks of the default: nothing is asked of the engine."""
    days = rm.customer_summary(log, time_unit="D")
    daily = rm.BetaGeoFitter().fit(*(days[name] for name in ("frequency", "recency", "T")))
    with pytest.raises(SettingsError, match=r"time_unit: .* days \('D'\), .* weeks \('W'\)"):
        rm.predictions_table(log, daily, models[1], horizon=26, margin=0.3)
    found = rm.predictions_table(log, daily, models[1], horizon=26 * 7, margin=0.3, time_unit="D")
    assert "expected_purchases" in found.columns


def test_the_engine_writes_them(log, models, tmp_path):
    """To a file, or to a table of its own."""
    if log.origin.table.get_backend().name == "postgres":
        for _ in range(2):  # the second replaces the first
            rm.write_predictions("predicted", log, *models)
        written = log.origin.table.get_backend().table("predicted").to_pandas()
    else:
        for _ in range(2):
            rm.write_predictions(tmp_path / "predicted.parquet", log, *models)
        written = pd.read_parquet(tmp_path / "predicted.parquet")
    summary = rm.customer_summary(log)
    assert sorted(summary.index) == sorted(written["customer_id"])
    assert written["expected_purchases"].sum() == pytest.approx(
        rm.predict_customers(*models, summary)["expected_purchases"].sum()
    )


def test_files_have_no_tables(tmp_path):
    """A table's name is refused where the log lies in files, before anything is computed."""
    where = in_parquet(log_of_an_ordinary_shop(5), tmp_path)
    log = rm.read_transactions(where["source"], **COLUMNS)
    with pytest.raises(SettingsError, match=r"target: expected a path that ends in \.parquet"):
        rm.write_predictions("predicted", log, rm.BetaGeoFitter())


def _fetched(table):
    from retention_models.data.engines import to_frame

    return to_frame(table)
