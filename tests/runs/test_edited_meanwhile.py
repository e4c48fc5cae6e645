"""Files that somebody edits while a run works: its pages are of what stood there at the start."""

import json
from pathlib import Path

import pytest

import nights
import shops
from notebooks import GOOD, failing_notebook
from retention_models.runs.publishing.files import sha256
from retention_models.runs.publishing.fingerprints import other_files
from retention_models.runs.run import run_project

EDITS = GOOD + (
    "import retention_models as rm\n"
    "project = pathlib.Path(project_file)\n"
    'text = project.read_text().replace("margin = 0.3", "margin = 0.9")\n'
    "project.write_text(text)\n"
    'own = project.with_name("mine.ipynb")\n'
    'own.write_text(own.read_text().replace("#", "# of tomorrow"))\n'
    "shop = rm.open_store(project_file, store_id, as_of=as_of)\n"
    'made["margin"] = shop.settings.money.margin\n'
    'made["source"] = shop.settings.path("beside.csv")\n'
    'pathlib.Path(output_folder, "metrics.json").write_text(json.dumps(made))\n'
)


@pytest.mark.nightly
@pytest.mark.parametrize("cold", [False, True])
def test_pages_manifest_and_fingerprints_are_of_the_start(tmp_path, cold):
    """And what was edited is made at the next run, not skipped."""
    extra = '[reports]\nnotebook = "mine.ipynb"'
    project = shops.write_project(
        tmp_path, shops.simulated_log(20, seed=1), ["0042", "0043"], extra=extra
    )
    failing_notebook(tmp_path, EDITS)
    begun = {path.name: sha256(path) for path in (project, tmp_path / "mine.ipynb")}
    folder = run_project(project, jobs=1, cold=cold).index.parent
    found = json.loads((folder / "manifest.json").read_text())
    assert begun["retention.toml"] == found["project"]["sha256"]
    assert begun["mine.ipynb"] == found["code"]["notebook_sha256"]
    for entry in found["stores"]:
        metrics = json.loads((folder / entry["store"] / "metrics.json").read_text())
        assert (0.3, "published") == (metrics["margin"], entry["outcome"])
        assert str(tmp_path / "beside.csv") == metrics["source"]
    assert 0.3 == found["parameters"]["project"]["money"]["margin"]
    folder = run_project(project, jobs=1, cold=cold).index.parent
    found = json.loads((folder / "manifest.json").read_text())
    assert {"published"} == {entry["outcome"] for entry in found["stores"]}
    assert 0.9 == json.loads((folder / "0042" / "metrics.json").read_text())["margin"]


def test_another_file_that_changes_meanwhile_is_made_anew(tmp_path, monkeypatch):
    """Which of its two contents the page is of cannot be told."""
    nights.without_nbconvert(monkeypatch)
    (tmp_path / "survey.csv").write_text("one")
    extra = '[surveys]\nsource = "survey.csv"\n[surveys.columns]\n'
    extra += 'customer_id = "c"\nanswered_at = "day"\nscore = "score"'
    settings = nights.settings_in(tmp_path, ["a", "b"], extra)
    plan = nights.plan_for(settings, tmp_path / "reports", ["a", "b"])
    plan.data.files.update(other_files(settings))

    def edits(store_id: str, folder: Path):
        (tmp_path / "survey.csv").write_text("two")
        return nights.good(store_id, folder)

    manifest = nights.run_night(plan, edits)
    assert {None} == {entry["inputs"] for entry in manifest.stores.values()}
    nights.require_truth(tmp_path / "reports")
