"""A night that ends without pages is told by every channel, and above the pages that stand."""

import json
import re
import sys

import pytest

import shops
from notebooks import GOOD, failing_notebook
from retention_models import cli
from retention_models.runs import run
from retention_models.runs.publishing.manifest import read_manifest

TELL = "import sys, pathlib; pathlib.Path({place!r}).write_text(sys.stdin.read())"


@pytest.fixture
def shop(tmp_path):
    """A project that made its page once, and a file that its notices go to."""
    told = tmp_path / "told.json"
    command = json.dumps([sys.executable, "-c", TELL.format(place=str(told))])
    extra = f'[reports]\nnotebook = "mine.ipynb"\n[reports.notices]\ncommand = {command}\n'
    project = shops.write_project(
        tmp_path, shops.simulated_log(20, seed=1), ["0042"], extra=extra + 'when = "failure"\n'
    )
    failing_notebook(tmp_path, GOOD)
    assert not run.run_project(project, jobs=1).failed
    assert not told.exists()
    return project, told


def ended(monkeypatch, *arguments) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["retention", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def index_of(project):
    """The newest index and its manifest."""
    folder = (project.parent / "reports" / "latest").resolve()
    return (folder / "index.html").read_text(encoding="utf-8"), read_manifest(folder)


@pytest.mark.slow
def test_an_empty_file_is_told_everywhere_until_a_run_is_right(shop, monkeypatch, capsys):
    """By exit code 2, on stderr, in the file of events, by the notices, above the newest index."""
    project, told = shop
    log = project.parent / "log.csv"
    rows = log.read_text(encoding="utf-8")
    log.write_text("", encoding="utf-8")
    events = project.parent / "events.jsonl"
    assert 2 == ended(monkeypatch, "run", project, "--log", events)
    said = capsys.readouterr().err
    assert "log.csv" in said
    (event,) = [json.loads(line) for line in events.read_text().splitlines()][-1:]
    assert ("ended", "refused") == (event["event"], event["state"])
    assert "log.csv" in event["message"]
    notice = json.loads(told.read_text())
    assert ("refused", event["message"]) == (notice["state"], notice["message"])
    index, manifest = index_of(project)
    assert "no new pages could be made" in index
    assert event["message"].split(":")[0] in index
    assert "finished" == manifest.head["state"]
    log.write_text(rows, encoding="utf-8")
    assert 0 == ended(monkeypatch, "run", project)
    assert "no new pages could be made" not in index_of(project)[0]


@pytest.mark.slow
def test_a_defect_has_a_code_of_its_own_and_is_told(shop, monkeypatch, capsys):
    """1 is for stores that failed; a crash is 70."""
    project, told = shop

    def broken(*_):
        raise ZeroDivisionError("an odd shop")

    monkeypatch.setattr(run, "data_print", broken)
    assert cli.DEFECT == ended(monkeypatch, "run", project)
    assert "please report" in capsys.readouterr().err
    assert "ZeroDivisionError: an odd shop" == json.loads(told.read_text())["message"]
    assert "ZeroDivisionError: an odd shop" in index_of(project)[0]


@pytest.mark.nightly
def test_a_folder_beside_may_be_given(shop, monkeypatch):
    """Relative to where the command is called, though notebooks run elsewhere."""
    project, _ = shop
    monkeypatch.chdir(project.parent)
    assert 0 == ended(monkeypatch, "run", "retention.toml", "--output", "beside", "--cold")
    assert (project.parent / "beside" / "latest" / "index.html").is_file()


@pytest.mark.nightly
def test_every_line_has_its_day_and_a_skipped_page_no_time(shop, monkeypatch, capsys):
    """A scheduler's log is read weeks later; the time of a page that was not made is another night's."""
    project, _ = shop
    assert 0 == ended(monkeypatch, "run", project)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(re.match(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} ", line) for line in lines)
    (skipped,) = [line for line in lines if "store 0042" in line]
    assert "skipped" in skipped
    assert not re.search(r"\d+\.\d+ s", skipped)
