"""Lists that test themselves over two nights of runs: who is left out stays out, and pages say so."""

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

import shops
from retention_models.actions.hold_out import CONTROL, with_lots
from retention_models.project.lots import LOTS, read_lots
from retention_models.runs.run import run_project
from retention_models.settings.actions import ALL_LISTS, ActionSettings

NIGHTS = ("2023-12-01", "2023-12-31")
EXTRA = "[actions]\nhold_out = 0.25\nhold_out_of_all = 0.1\n"


def project_in(folder: Path) -> Path:
    """A store whose lists hold enough customers."""
    project = shops.write_project(folder, shops.simulated_log(260, seed=7), ["0042"], extra=EXTRA)
    text = project.read_text(encoding="utf-8").replace("observation_end = 2023-12-31", "")
    project.write_text(text, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """The output folder after two nights, of which the first forgot its lots as if it was killed."""
    folder = tmp_path_factory.mktemp("nights")
    project, output = project_in(folder), folder / "out"
    run_project(project, as_of=NIGHTS[0], output=output, jobs=1)
    first = read_lots(output / LOTS)
    (output / LOTS).unlink()
    run_project(project, as_of=NIGHTS[1], output=output, jobs=1)
    return output, first


def contacted(output: Path, night: str, name: str) -> set[str]:
    """Ids on a list's file of a night."""
    path = output / night / "0042" / "actions" / f"{name}.parquet"
    return set(pd.read_parquet(path)["customer_id"]) if path.exists() else set()


@pytest.mark.nightly
def test_whoever_was_left_out_is_on_no_file_of_either_night(nights):
    """Of the list's own, or of any by the lot of all lists; and not to be called."""
    output, first = nights
    lots = read_lots(output / LOTS)
    out = lots.loc[lots["arm"] == CONTROL]
    assert len(first) > 50
    of_all = lots["list"] == ALL_LISTS
    assert 0.15 < len(out.loc[~of_all]) / len(lots.loc[~of_all]) < 0.35
    assert 0.05 < len(out.loc[of_all]) / len(lots.loc[of_all]) < 0.15
    lists = with_lots(ActionSettings())
    for night in NIGHTS:
        known = out.loc[out["assigned_at"] <= pd.Timestamp(night)]
        for name, some in known.groupby("list"):
            for one in lists if name == ALL_LISTS else [str(name)]:
                assert not set(some["customer_id"]) & contacted(output, night, one)
        calls = pd.read_csv(output / night / "0042" / "call_tomorrow.csv", dtype=str)
        assert not set(known["customer_id"]) & set(calls["customer_id"])


@pytest.mark.nightly
def test_lots_outlive_a_run_that_was_stopped_and_are_only_added_to(nights):
    """Those of the first night come back from its pages."""
    output, first = nights
    lots = read_lots(output / LOTS)
    assert len(lots) > len(first)
    pd.testing.assert_frame_equal(
        *(
            one.sort_values(["list", "customer_id"], ignore_index=True)
            for one in (first, lots.loc[lots["assigned_at"] == pd.Timestamp(NIGHTS[0])])
        )
    )
    today = pd.read_parquet(output / NIGHTS[1] / "0042" / "actions" / "assignments.parquet")
    assert {"contact", "control"} == set(today["arm"])
    assert not today.duplicated(["campaign_id", "customer_id"]).any()
    assert today.loc[today["list"] == ALL_LISTS, "customer_id"].is_unique


@pytest.mark.nightly
def test_the_pages_of_the_store_and_of_the_chain_say_what_is_tested(nights):
    """In a sentence each; what each test tells stands beside the manifest."""
    output, _ = nights
    told = json.loads((output / NIGHTS[1] / "list_tests.json").read_text(encoding="utf-8"))
    names = {one["name"] for one in told["tests"]}
    assert {"due", "loyal", ALL_LISTS} <= names
    assert not names & {"complaint", "detractor", "let_go"}
    assert dt.date.fromisoformat(told["tests"][0]["first"]) == dt.date(2023, 12, 29)
    for page in ("index.html", "0042/store_report.html"):
        text = (output / NIGHTS[1] / page).read_text(encoding="utf-8")
        assert "By lot, 25% are left out of" in text
        assert "By lot, 10% of the customers on any list are left out of all lists" in text
    begun = (output / NIGHTS[0] / "0042" / "store_report.html").read_text(encoding="utf-8")
    assert "out of this store's lists; they stay out while the test runs" in begun
    about = (output / NIGHTS[1] / "0042" / "about.html").read_text(encoding="utf-8")
    assert "tests itself since 1 December 2023" in about
    assert "All lists together are tested since 1 December 2023" in about
    assert "Nobody on it is contacted, so there is nothing to test." in about
