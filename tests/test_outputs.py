"""The files beside a page: every customer, every headline, or why there is none."""

import json

import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.outputs import formula_safe


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_id_becomes_a_formula(start):
    """A spreadsheet runs a cell that begins so."""
    assert f"'{start}1+1" == formula_safe(f"{start}1+1")


def test_ordinary_ids_stay_as_they_are():
    """Also those that look like numbers."""
    assert ["0042", "O'Brien", "12E4"] == [formula_safe(i) for i in ("0042", "O'Brien", "12E4")]


def test_customers_csv_has_every_customer_with_the_forecasts_verdict(tmp_path):
    """Ids as text, predictions, and how far they can be relied on."""
    frame = shops.simulated_log(120, seed=5)
    frame.loc[frame["customer"] == "0001", "customer"] = "=1+1"
    project = shops.write_project(tmp_path, frame, ["0042"])
    store = rm.open_store(project, "0042")
    rm.write_outputs(store, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "customers.csv", dtype={"customer_id": str})
    assert len(store.summary) == len(table)
    assert "'=1+1" in set(table["customer_id"])
    assert {store.forecast_verdict} == set(table["forecast_verdict"])
    assert table["expected_purchases"].sum() == pytest.approx(store.forecast.purchases.value)
    assert table["clv"].sum() == pytest.approx(store.forecast.value.value)


def test_metrics_of_an_empty_store_are_null_with_the_reason(tmp_path):
    """Null is not zero."""
    project = shops.write_project(tmp_path, shops.simulated_log(50, seed=5), ["0042", "empty"])
    rm.write_outputs(rm.open_store(project, "empty"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    for part in ("measures", "forecast"):
        for found in metrics[part].values():
            assert found["value"] is None
            assert "The data hold no purchase at store empty" in found["reason"]
    assert 0 == len(pd.read_csv(tmp_path / "out" / "customers.csv"))


def test_a_failed_check_withholds_the_forecast(tmp_path):
    """The store closed in autumn: its customers.csv says so in every row, its totals are null."""
    frame = shops.simulated_log(300, seed=5)
    frame = frame[frame["day"] <= pd.Timestamp("2023-09-20").date()]
    project = shops.write_project(tmp_path, frame, ["0042"])
    rm.write_outputs(rm.open_store(project, "0042"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["forecast"]["purchases"]["value"] is None
    assert "withheld" in metrics["forecast"]["purchases"]["reason"]
    assert "do not use" == metrics["forecast_verdict"]["value"]
    table = pd.read_csv(tmp_path / "out" / "customers.csv")
    assert {"do not use"} == set(table["forecast_verdict"])
