"""The command as its own process: killed, stopped, and started twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nights
import shops
from notebooks import GOOD, failing_notebook
from retention_models.runs.publishing.manifest import read_content

pytestmark = pytest.mark.slow
WAITS = """
import pathlib, time
if store_id == "b":
    pathlib.Path(project_file).with_name("begun").write_text("x")
    while pathlib.Path(project_file).with_name("wait").exists():
        time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path):
    """Two stores, of which the second waits for as long as it is told to."""
    extra = '[reports]\nnotebook = "mine.ipynb"'
    log = shops.simulated_log(20, seed=1)
    path = shops.write_project(tmp_path, log, ["a", "b"], extra=extra)
    failing_notebook(tmp_path, GOOD + WAITS)
    (tmp_path / "wait").write_text("x", encoding="utf-8")
    return path


def command(project: Path, *more: str) -> subprocess.Popen:
    """`retention run`, one store at a time."""
    line = [sys.executable, "-m", "retention_models", "run", str(project), "--jobs", "1", *more]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    """Until a file is there."""
    for _ in range(1200):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} did not come")


def manifest_of(project: Path) -> dict:
    """The run's manifest with its journal, which is valid at any moment."""
    found = read_content(project.parent / "reports" / "2023-12-31")
    nights.VALID.validate(found)
    return found


def ended(project: Path, run: subprocess.Popen, sent: signal.Signals) -> dict:
    """The manifest after a run has been ended while its second store waited."""
    run.send_signal(sent)
    run.communicate(timeout=120)
    assert run.returncode == (-sent if sent == signal.SIGKILL else 143)
    stopped = manifest_of(project)
    assert ("interrupted" if sent == signal.SIGTERM else "running") == stopped["state"]
    assert ["published", "pending"] == [entry["outcome"] for entry in stopped["stores"]]
    assert not os.path.lexists(project.parent / "reports" / "latest")
    return stopped


def test_a_run_that_is_ended_in_the_middle_is_continued(project):
    """Stopped, continued, killed, continued: what was published stays, and nothing is left over.

    Meanwhile nobody else may publish there.
    """
    reports, begun = project.parent / "reports", project.parent / "begun"
    first = command(project)
    wait_for(begun)
    second = command(project)
    _, said = second.communicate(timeout=120)
    assert 3 == second.returncode
    assert f"pid {first.pid}" in said
    ended(project, first, signal.SIGTERM)
    page = reports / "2023-12-31" / "a" / "store_report.html"
    before = page.stat().st_mtime_ns

    begun.unlink()
    again = command(project, "--resume")
    wait_for(begun)
    stopped = ended(project, again, signal.SIGKILL)

    (project.parent / "wait").unlink()
    last = command(project, "--resume", "--log", str(project.parent / "events.jsonl"))
    out, said = last.communicate(timeout=240)
    assert 0 == last.returncode, said
    assert str(reports / "2023-12-31" / "index.html") == out.strip()
    done = manifest_of(project)
    assert (stopped["run"], "finished") == (done["run"], done["state"])
    assert ["published", "published"] == [entry["outcome"] for entry in done["stores"]]
    assert before == page.stat().st_mtime_ns
    assert [] == [p for p in reports.rglob(".*") if p.name != ".run.lock"]
    assert "2023-12-31" == os.readlink(reports / "latest")
    lines = (project.parent / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert "finished" == json.loads(lines[-1])["event"]
