"""Nights without notebooks: runs whose executor is made up, at the boundary where one is asked."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import jsonschema
import nbformat

import shops
from retention_models.pages.html import render
from retention_models.pages.html.kinds import STORE, PageKind
from retention_models.runs.execution.results import CellRun, ExecutionResult
from retention_models.runs.publishing.context import RunPlan, RunRequest
from retention_models.runs.publishing.files import hashes
from retention_models.runs.publishing.fingerprints import DataPrint, digest, lock_entry
from retention_models.runs.publishing.manifest import (
    JOURNAL,
    Manifest,
    read_content,
    read_manifest,
    schema,
)
from retention_models.runs.publishing.publish import publish_run
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings

VALID = jsonschema.Draft202012Validator(schema())
DAY = dt.date(2023, 12, 31)
NONE = {"value": None, "reason": "-"}
METRICS = {
    "measures": dict.fromkeys(["customers", "repeat_customer_rate", "spend_per_order"], NONE),
    "forecast": dict.fromkeys(["still_customers", "purchases", "value"], NONE),
    "forecast_verdict": NONE,
}
CODE = {
    "version": "0.1.0",
    "sha256": digest("code"),
    "python": "3.11.7",
    "notebook": "store_report.ipynb",
    "notebook_sha256": digest("notebook"),
}


def settings_in(folder: Path, stores: Sequence[str] = ("0042",), extra: str = "") -> Settings:
    """Settings of a project that has no data."""
    folder.mkdir(parents=True, exist_ok=True)
    quoted = ", ".join(json.dumps(store) for store in stores)
    text = shops.PROJECT.format(source="log.csv", stores=quoted, extra=extra)
    (folder / "retention.toml").write_text(text, encoding="utf-8")
    return read_settings(folder / "retention.toml")


def plan_for(
    settings: Settings,
    output: Path,
    stores: Sequence[str],
    *,
    day: dt.date = DAY,
    data: str = "data",
    day_asked: bool = True,
    stores_asked: tuple[str, ...] = (),
    **asked: object,
) -> RunPlan:
    """A night's plan; `data` stands for what the data are."""
    files: dict[str, str | None] = {}
    head = {
        "project": {"file": "retention.toml", "name": settings.name, "sha256": digest("project")},
        "parameters": {
            "run": {"as_of": day.isoformat() if day_asked else None},
            "project": {},
            "notebook": {},
        },
        "code": CODE,
        "lock": lock_entry(),
        "data": {
            "source": "log.csv",
            "rows": 1,
            "unusable": 0,
            "sha256": digest(data),
            "files": files,
        },
    }
    known = DataPrint({}, digest(data), files)
    return RunPlan(
        settings, day, output, tuple(stores), known, head, RunRequest(stores_asked, **asked)
    )


def notebook(*html: str) -> nbformat.NotebookNode:
    """An executed notebook that shows texts as HTML."""
    outputs = [nbformat.v4.new_output("display_data", {"text/html": text}) for text in html]
    cell = nbformat.v4.new_code_cell("show()", outputs=outputs)
    return nbformat.v4.new_notebook(cells=[cell])


def result(status: str = "ok", **more: object) -> ExecutionResult:
    """What became of a notebook, in two seconds."""
    cells = (CellRun(1, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:02+00:00"),)
    begun, ended = "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:02+00:00"
    return ExecutionResult(status, False, begun, ended, cells=cells, **more)


def failing(text: str = "it broke") -> ExecutionResult:
    """A cell that failed."""
    return result(
        "cell failed", cell=5, error="KeyError", text=text, traceback=f"Traceback: {text}"
    )


Becomes = Callable[[str, Path], ExecutionResult]


def good(store_id: str, folder: Path, said: str = "<p>the good page</p>") -> ExecutionResult:
    """Write what a notebook writes."""
    nbformat.write(notebook(said), folder / "store_report.ipynb")
    (folder / "metrics.json").write_text(json.dumps(METRICS), encoding="utf-8")
    (folder / "customers.csv").write_text("customer_id\n1\n", encoding="utf-8")
    return result()


def bad(store_id: str, folder: Path) -> ExecutionResult:
    """Fail half-way, with numbers written before."""
    good(store_id, folder)
    return failing()


def run_night(plan: RunPlan, becomes: Becomes = good, tell: object = None) -> Manifest:
    """A run in which every store's notebook becomes what `becomes` says."""

    def execute(jobs: Sequence[tuple[str, Path]], day: dt.date) -> object:
        for store_id, folder in jobs:
            yield store_id, becomes(store_id, folder)

    return publish_run(plan, execute, tell or (lambda event, **what: None))


def outcomes(manifest: Manifest) -> dict[str, str]:
    """Store → outcome."""
    return {store_id: entry["outcome"] for store_id, entry in manifest.stores.items()}


def without_nbconvert(patch: object) -> None:
    """Pages made of nothing but what publishing looks for."""

    def pages(
        notebook: object,
        settings: object,
        of: str,
        as_of: object,
        made: str,
        kind: PageKind = STORE,
    ) -> dict[str, str]:
        return {kind.page: f"<html><main></main>the good page of {of}</html>"}

    patch.setattr(render, "notebook_pages", pages)


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def require_truth(output: Path, *, again: bool = False) -> None:
    """What stands in the folders is whole, and is what the manifests say.

    The link never leads to a run that did not come to its end; but one that makes a finished day again
    does so in place, and where it was stopped its manifest says that.
    """
    for folder in sorted(output.glob("????-??-??")):
        path = folder / "manifest.json"
        if not path.exists():  # it died before its first word: nothing is there either
            assert [] == [p for p in folder.iterdir() if not p.name.startswith(".")]
            continue
        VALID.validate(json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused))
        content = read_content(folder)
        VALID.validate(content)
        if content["state"] == "finished":
            assert not (folder / JOURNAL).exists()
        for entry in content["stores"]:
            found = hashes(folder / entry["folder"])
            if entry["outcome"] == "publishing":
                assert found in (entry["files"], entry["next"]["files"])
            else:
                assert found == entry["files"]
            if entry["outcome"] == "published":
                assert content["run"] == entry["page"]["run"]
            if found:
                text = (folder / entry["folder"] / "store_report.html").read_text(encoding="utf-8")
                assert text.rstrip().endswith("</html>")
        if content["state"] == "finished":
            assert {"pending", "publishing"}.isdisjoint(e["outcome"] for e in content["stores"])
            assert content["files"]["index.html"] == hashes(folder)["index.html"]
    if os.path.lexists(output / "latest"):
        found = read_manifest(output / "latest")
        assert found is not None
        index = (found.folder / "index.html").read_text(encoding="utf-8")
        assert index.rstrip().endswith("</html>")
        assert again or found.head["state"] == "finished"
