"""The circle on the grocery demonstration: lists with hold-out, simulated answers, pages that tell."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retention_models.actions.hold_out import CONTACT
from retention_models.project.demonstration import write_demo
from retention_models.project.lots import LOTS, read_lots
from retention_models.project.store_handover import read_list_tests
from retention_models.runs.run import run_project

NIGHTS = ("2017-08-31", "2017-10-05", "2017-11-09", "2017-12-31")
EXTRA = 1.5  # purchases that a contact brings in the days after it, on average


def demonstration(folder: Path) -> Path:
    """The demonstration, whose lists leave half out, without its campaigns."""
    project = write_demo(folder, "grocery")
    text = project.read_text(encoding="utf-8").split("\n[[campaigns]]")[0]
    text = text.replace("observation_end = 2017-12-31", "")
    text = text.replace("hold_out = 0.1 ", "contact_cost = 0.5\nhold_out = 0.5 ")
    project.write_text(text, encoding="utf-8")
    return project


def answer(project: Path, lots: pd.DataFrame, rng: np.random.Generator) -> None:
    """Customers contacted from the list of those due buy more often in the days after."""
    path = project.parent / "data" / "raw" / "transactions.parquet"
    log = pd.read_parquet(path)
    asked = lots.loc[(lots["arm"] == CONTACT) & (lots["list"] == "due")]
    asked = asked.loc[asked.index.repeat(rng.poisson(EXTRA, len(asked)))]
    moment = asked["assigned_at"] + pd.to_timedelta(rng.integers(1, 28, len(asked)), unit="D")
    bought = log.sample(len(asked), random_state=1).assign(
        household_id=asked["customer_id"].to_numpy(),
        store_id=asked["store_id"].to_numpy(),
        basket_id=[f"answer {i} {day}" for i, day in enumerate(moment)],
        ordered_at=(moment + pd.Timedelta(hours=18)).dt.tz_localize("UTC").to_numpy(),
        sales_value=20.0,
    )
    bought["ordered_at"] = bought["ordered_at"].astype(log["ordered_at"].dtype)
    inside = (moment < pd.Timestamp("2017-12-31")).to_numpy()
    pd.concat([log, bought[inside]], ignore_index=True).to_parquet(path, index=False)


@pytest.mark.nightly
def test_the_pages_tell_what_contacting_whoever_is_due_brings(tmp_path, record_property):
    """And of lists whose customers did nothing else, that it is not known."""
    project, rng = demonstration(tmp_path), np.random.default_rng(1)
    output = tmp_path / "out"
    for night in NIGHTS:
        run_project(project, as_of=night, output=output, jobs=2)
        lots = read_lots(output / LOTS)
        answer(project, lots.loc[lots["assigned_at"] == pd.Timestamp(night)], rng)
    tests = read_list_tests(output / NIGHTS[-1] / "list_tests.json")
    told = {one.name: one for one in tests}
    due = told.pop("due")
    record_property("due, measured", due.measured + due.measured_held_out)
    record_property("due, purchases", f"{due.purchases}")
    assert dt.date(2017, 8, 31) == due.begin
    assert due.purchases is not None
    assert 0.0 < due.purchases.low < EXTRA < due.purchases.high
    assert {"open", "too early", "little"} >= {one.verdict for one in told.values()}
    for page in ("index.html", "381/store_report.html"):
        text = (output / NIGHTS[-1] / page).read_text(encoding="utf-8")
        assert "Contacting “Due” " in text
