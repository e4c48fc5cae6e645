"""The manifest: its schema, what it says of a run, and what it does not give away."""

import datetime as dt
import json
import time
from zoneinfo import ZoneInfo

import jsonschema
import pytest

import nights
import shops
from retention_models.runs.publishing import manifest as manifest_module
from retention_models.runs.publishing.context import RunClock, utc
from retention_models.runs.publishing.manifest import (
    JOURNAL,
    Manifest,
    read_content,
    read_manifest,
    schema,
)
from retention_models.runs.run import run_project

STORES = ("a", "b", "c", "d")
STATUS = {"a": "ok", "b": "cell failed", "c": "timed out", "d": "kernel died"}


def becomes(store_id, folder):
    """One of each kind."""
    if store_id == "b":
        return nights.bad(store_id, folder)
    made = nights.good(store_id, folder)
    return made if store_id == "a" else nights.result(STATUS[store_id], text="stopped")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The manifest of a first night, as it was read."""
    folder = tmp_path_factory.mktemp("manifest")
    plan = nights.plan_for(nights.settings_in(folder, STORES), folder / "reports", STORES)
    manifest = nights.run_night(plan, becomes)
    return json.loads((manifest.folder / "manifest.json").read_text(encoding="utf-8"))


def test_the_schema_is_a_schema_and_describes_every_key(written):
    """And a manifest that lacks a key, or has one too many, is refused by it."""
    jsonschema.Draft202012Validator.check_schema(schema())
    nights.VALID.validate(written)
    for name in written:
        less = {key: value for key, value in written.items() if key != name}
        assert not nights.VALID.is_valid(less), name
    assert not nights.VALID.is_valid({**written, "mood": "good"})
    assert not nights.VALID.is_valid({**written, "started": "yesterday"})


def test_every_outcome_is_told_with_its_cause(written):
    """Published, failed at a cell with its error, timed out, kernel died."""
    found = {entry["store"]: entry for entry in written["stores"]}
    expected = {"a": "published", "b": "failed", "c": "timed out", "d": "kernel died"}
    assert expected == {store: entry["outcome"] for store, entry in found.items()}
    assert dict.fromkeys(sorted(expected.values()), 1) == written["counts"]
    assert found["a"]["failure"] is None
    assert written["run"] == found["a"]["page"]["run"]
    failure = found["b"]["failure"]
    assert ("cell", 5, "KeyError") == (failure["kind"], failure["cell"], failure["error"])
    assert ["time", "kernel"] == [found[store]["failure"]["kind"] for store in "cd"]
    assert [{"cell": 1, "seconds": 2.0}] == found["b"]["cells"]
    assert 2.0 == found["b"]["seconds"]


def test_a_clock_that_is_set_back_gives_no_end_before_its_start(monkeypatch):
    """Time is counted from the start; a night that has an hour twice has its offset."""
    zone = ZoneInfo("America/New_York")
    clock = RunClock(zone, dt.datetime(2026, 11, 1, 5, 59, 59, tzinfo=dt.UTC), time.monotonic() - 2)
    start, end = clock.stamp(clock.started), clock.stamp()
    assert "2026-11-01T01:59:59-04:00" == start["local"]
    assert "2026-11-01T01:00:01-05:00" == end["local"]
    assert ("2026-11-01T06:00:01Z", "America/New_York") == (end["utc"], end["zone"])
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert utc(clock.now()) >= start["utc"]


def test_what_is_no_manifest_of_ours_is_left_alone(tmp_path):
    """Nothing, nonsense, a list, another schema."""
    assert read_manifest(tmp_path / "none") is None
    for text in ("", "[]", "{}", '{"schema": 99, "stores": []}', "\x00"):
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
        assert read_manifest(tmp_path) is None


def test_a_manifest_is_read_as_it_was_written(tmp_path, written):
    """Every entry, in its order."""
    (tmp_path / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    found = read_manifest(tmp_path)
    assert list(STORES) == list(found.stores)
    found.write()
    assert written == json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))


def test_every_step_of_a_store_is_in_the_file_at_once(tmp_path, written):
    """What will hold before its folder is renamed, what became of it after; the others stay."""
    head = {key: value for key, value in written.items() if key not in {"stores", "counts"}}
    manifest = Manifest(tmp_path, head, {entry["store"]: entry for entry in written["stores"]})
    settled = {k: v for k, v in written["stores"][0].items() if k not in {"store", "folder"}}
    for do, outcome in ((manifest.intend, "publishing"), (manifest.settle, "published")):
        do("c", settled)
        found = read_content(tmp_path)
        nights.VALID.validate(found)
        expected = ["published", "failed", outcome, "kernel died"]
        assert expected == [entry["outcome"] for entry in found["stores"]]


@pytest.fixture
def under_way(tmp_path, written):
    """A manifest of four stores, of which the third was published since it was written whole."""
    head = {key: value for key, value in written.items() if key not in {"stores", "counts"}}
    pending = [{**entry, "outcome": "pending"} for entry in written["stores"]]
    manifest = Manifest(tmp_path, head, {entry["store"]: entry for entry in pending})
    manifest.write()
    manifest.settle("c", {**pending[2], "outcome": "published"})
    return manifest


def outcomes_in(folder) -> list[str]:
    """As whoever reads the folder finds them."""
    return [entry["outcome"] for entry in read_content(folder)["stores"]]


def test_a_change_is_added_and_the_file_stays_until_the_end(under_way, tmp_path):
    """Counts are of both; the last word is in one file, as before."""
    path = tmp_path / "manifest.json"
    before = path.read_bytes()
    assert {"pending": 3, "published": 1} == read_content(tmp_path)["counts"]
    under_way.settle("a", {**under_way.stores["a"], "outcome": "published"})
    assert before == path.read_bytes()
    assert ["published", "pending", "published", "pending"] == outcomes_in(tmp_path)
    under_way.write()
    assert ["manifest.json"] == [found.name for found in tmp_path.iterdir()]
    assert outcomes_in(tmp_path) == [e["outcome"] for e in json.loads(path.read_text())["stores"]]


@pytest.mark.parametrize("piece", [b"\n{", b'\n{"manifest": "', b"\n\xff\x00", b"\n[[", b"\n{}"])
def test_a_line_that_was_cut_short_hides_no_other(under_way, tmp_path, piece):
    """A disk was full for a moment, or the run was killed while it wrote."""
    with open(tmp_path / JOURNAL, "ab") as journal:
        journal.write(piece)
    assert ["pending", "pending", "published", "pending"] == outcomes_in(tmp_path)
    under_way.settle("a", {**under_way.stores["a"], "outcome": "published"})
    assert ["published", "pending", "published", "pending"] == outcomes_in(tmp_path)


def test_a_journal_of_another_file_is_none(under_way, tmp_path):
    """A run that died between the writing of the two left it."""
    stale = (tmp_path / JOURNAL).read_bytes()
    under_way.stores["c"] = {**under_way.stores["c"], "outcome": "kept"}
    under_way.write()
    (tmp_path / JOURNAL).write_bytes(stale)
    assert ["pending", "pending", "kept", "pending"] == outcomes_in(tmp_path)
    under_way.settle("a", {**under_way.stores["a"], "outcome": "published"})
    assert ["published", "pending", "kept", "pending"] == outcomes_in(tmp_path)


def test_a_journal_that_is_not_as_the_schema_says_is_none(under_way, tmp_path, caplog):
    """What stands in the file counts then; the log says so."""
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"published"', b'"rather good"'))
    assert ["pending"] * 4 == outcomes_in(tmp_path)
    assert ".manifest.journal counts as not there" in caplog.text


def test_a_reader_between_two_writings_sees_one_of_them(under_way, tmp_path, monkeypatch):
    """The file is written whole after it was read and before the journal is."""
    ordinary, written = type(tmp_path).is_file, []

    def is_file(path):
        if path.name == JOURNAL and not written:
            written.append(path)
            under_way.write()
            under_way.settle("a", {**under_way.stores["a"], "outcome": "published"})
        return ordinary(path)

    monkeypatch.setattr(type(tmp_path), "is_file", is_file)
    assert ["published", "pending", "published", "pending"] == outcomes_in(tmp_path)


def bytes_written(folder, number: int, monkeypatch) -> int:
    """What a manifest of so many stores writes, from its first word to its last."""
    sizes: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(manifest_module, "append", lambda _, line: sizes.append(len(line)))
        patch.setattr(manifest_module, "write_whole", lambda _, text: sizes.append(len(text)))
        entry = {"folder": "f", "outcome": "pending", "cells": ["x" * 50] * 20}
        stores = {str(n): {"store": str(n), **entry} for n in range(number)}
        manifest = Manifest(folder, {"run": "1"}, stores)
        manifest.write()
        for store in stores:
            manifest.intend(store, {**entry, "outcome": "published"})
            manifest.settle(store, {**entry, "outcome": "published"})
        manifest.write()
    return sum(sizes)


def test_what_is_written_grows_with_the_stores(tmp_path, monkeypatch):
    """And not with their square, as when every step wrote every store: 4 times as much for 4 times."""
    few, many = (bytes_written(tmp_path, number, monkeypatch) for number in (100, 400))
    assert 4.0 == pytest.approx(many / few, rel=0.15)


@pytest.mark.slow
def test_a_run_tells_what_it_was_made_from_and_no_secret(tmp_path, monkeypatch):
    """Data of every store, code, packages, parameters; a password in the environment is in no file."""
    from notebooks import GOOD, failing_notebook

    monkeypatch.setenv("PGPASSWORD", "hunter2-and-more")
    project = shops.write_project(
        tmp_path,
        shops.simulated_log(20, seed=1),
        ["0042", "leaky"],
        extra='[reports]\nnotebook = "mine.ipynb"',
    )
    code = GOOD + 'if store_id == "leaky":\n    import os\n    print(os.environ["PGPASSWORD"])'
    failing_notebook(tmp_path, code)
    result = run_project(project)
    manifest = json.loads((result.index.parent / "manifest.json").read_text(encoding="utf-8"))
    nights.VALID.validate(manifest)
    assert ["published", "failed"] == [entry["outcome"] for entry in manifest["stores"]]
    assert 20 <= manifest["stores"][0]["data"]["rows"] == manifest["data"]["rows"]
    assert "Europe/Istanbul" == manifest["started"]["zone"]
    details = (result.index.parent / "leaky" / "failure.txt").read_text(encoding="utf-8")
    assert "the environment variable PGPASSWORD, which is a secret" in details
    for path in (tmp_path / "reports").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
    again = run_project(project)
    assert ["skipped", "failed"] == [outcome.status for outcome in again.outcomes]
