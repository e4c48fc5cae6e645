"""A run that dies, or cannot write, between any two steps: no half page, no wrong status, a way on."""

import builtins
import datetime as dt
import errno
import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import nights
from retention_models.errors import SettingsError
from retention_models.runs.publishing import files, publish
from retention_models.runs.publishing.context import RunClock
from retention_models.runs.publishing.files import hashes

NEXT_DAY = nights.DAY + dt.timedelta(days=1)
STORES = ("a", "b")


class Killed(BaseException):
    """The process is gone: nobody may answer this."""


class Faults:
    """Counts what changes the disk; from one such step on, each dies or fails."""

    def __init__(self, patch: pytest.MonkeyPatch, *, only: tuple[str, ...] = ()) -> None:
        self.steps: list[str] = []
        self.at, self.until, self.error = 0, 10**9, Killed()
        self._only = only
        for name in ("replace", "rename", "fsync", "mkdir", "symlink", "unlink", "rmdir"):
            patch.setattr(os, name, self._step(name, getattr(os, name)))
        patch.setattr(files, "_exchange", self._step("exchange", files._exchange))
        writing = self._step("open", builtins.open)
        for module in (builtins, io):
            patch.setattr(module, "open", self._writing(builtins.open, writing))

    def _writing(self, ordinary, counted):
        def opened(file, mode="r", *args, **more):
            call = ordinary if set(mode) <= set("rbt") else counted
            return call(file, mode, *args, **more)

        return opened

    def _step(self, name, call):
        def stepped(*args, **more):
            if not self._only or name in self._only:
                self.steps.append(name)
                if self.at and self.at <= len(self.steps) < self.until:
                    raise self.error
            # Not to wear the disk out: that it is asked for is what is counted.
            return None if name == "fsync" else call(*args, **more)

        return stepped

    def begin(self, at: int, until: int = 10**9, error: BaseException | None = None) -> None:
        """Count anew; the steps from `at` up to `until` go wrong."""
        self.steps.clear()
        self.at, self.until, self.error = at, until, error or Killed()


def mixed(store_id, folder):
    """One good, one failed."""
    return nights.bad(store_id, folder) if store_id == "b" else nights.good(store_id, folder)


@pytest.fixture
def cheap_pages(monkeypatch):
    """Pages without nbconvert, which is not what is tested here."""
    nights.without_nbconvert(monkeypatch)


def second_night(folder, first=None, **asked):
    """The plan of a night after one of which all stores have pages, and where."""
    settings = nights.settings_in(folder, STORES)
    output = folder / "reports"
    if first is None:
        nights.run_night(nights.plan_for(settings, output, STORES))
    else:
        shutil.copytree(first, output, symlinks=True)
    return output, nights.plan_for(settings, output, STORES, day=NEXT_DAY, **asked)


def require_done(output, manifest) -> None:
    """A finished second night: as if nothing had happened."""
    # Where it died after its last word, the next one is a new run, which finds nothing to do.
    found = {name.replace("skipped", "published") for name in nights.outcomes(manifest).values()}
    assert {"published", "kept"} == found
    assert "kept" == nights.outcomes(manifest)["b"]
    assert "finished" == manifest.head["state"]
    assert NEXT_DAY.isoformat() == os.readlink(output / "latest")
    left = [p.name for p in output.rglob(".*") if p.name != ".run.lock"]
    assert [] == left
    nights.require_truth(output)


def kill_everywhere(tmp_path, patch, only) -> int:
    """Kill the second night at each step of some kinds, look, and run again."""
    first, _ = second_night(tmp_path / "first")
    output, plan = second_night(tmp_path / "whole", first)
    faults = Faults(patch, only=only)
    faults.begin(0)
    require_done(output, nights.run_night(plan, mixed))
    steps = len(faults.steps)
    for at in range(1, steps + 1):
        faults.begin(0)
        output, plan = second_night(tmp_path / str(at), first)
        faults.begin(at)
        with pytest.raises(Killed):
            nights.run_night(plan, mixed)
        faults.begin(0)
        nights.require_truth(output)
        again = replace(plan, asked=nights.RunRequest(resume=True))
        require_done(output, nights.run_night(again, mixed))
    return steps


def test_a_kill_between_any_two_renames_leaves_whole_pages_and_a_true_manifest(
    tmp_path, monkeypatch, cheap_pages
):
    """And the run that follows completes what was begun, and cleans up."""
    only = ("replace", "rename", "exchange", "symlink")
    assert kill_everywhere(tmp_path, monkeypatch, only) >= 7


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_a_kill_at_any_step_leaves_whole_pages_and_a_true_manifest(
    tmp_path, monkeypatch, cheap_pages, exchange
):
    """Every write, sync, rename and removal; also where two folders cannot be exchanged in one step."""
    if not exchange:
        monkeypatch.setattr(files, "_renameat2", lambda: None)
    assert kill_everywhere(tmp_path, monkeypatch, ()) >= 40


@pytest.mark.slow
def test_a_full_disk_never_gives_a_half_page_or_a_wrong_status(tmp_path, monkeypatch, cheap_pages):
    """Whatever write it begins with, and the run says so where it cannot go on."""
    first, _ = second_night(tmp_path / "first")
    output, plan = second_night(tmp_path / "whole", first)
    faults = Faults(monkeypatch, only=("open", "fsync"))
    faults.begin(0)
    nights.run_night(plan, mixed)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for at in range(1, len(faults.steps) + 1, 6):
        faults.begin(0)
        output, plan = second_night(tmp_path / str(at), first)
        faults.begin(at, error=full)
        with pytest.raises(SettingsError, match=r"reports\.output: .* \(No space left on device\)"):
            nights.run_night(plan, mixed)
        faults.begin(0)
        nights.require_truth(output)
        require_done(output, nights.run_night(plan, mixed))


def test_a_store_whose_files_cannot_be_written_does_not_stop_the_others(
    tmp_path, monkeypatch, cheap_pages
):
    """It keeps what it had, and the manifest says why there is no more."""
    settings = nights.settings_in(tmp_path, STORES)
    plan = nights.plan_for(settings, tmp_path / "reports", STORES, force=True)
    nights.run_night(plan)
    before = hashes(tmp_path / "reports" / nights.DAY.isoformat() / "a")
    faults = Faults(monkeypatch, only=("open",))

    def fills_up(store_id, folder):
        ran = nights.good(store_id, folder)
        if store_id == "a":  # the page, and the failure page in its place
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            faults.begin(1, until=3, error=error)
        return ran

    manifest = nights.run_night(plan, fills_up)
    assert {"a": "kept", "b": "published"} == nights.outcomes(manifest)
    failure = manifest.stores["a"]["failure"]
    assert "disk" == failure["kind"]
    assert "Its files could not be written: No space left on device." == failure["message"]
    assert before == hashes(manifest.folder / "a")
    nights.require_truth(tmp_path / "reports")


def test_an_output_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path):
    """A file in its place, or a system that does not let anybody write."""
    settings = nights.settings_in(tmp_path, STORES)
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    def never(store_id, folder):
        raise AssertionError("it ran")

    for output in (tmp_path / "file" / "reports", Path("/proc/reports")):
        with pytest.raises(SettingsError, match=r"reports\.output: .* cannot be written"):
            nights.run_night(nights.plan_for(settings, output, STORES), never)


@pytest.mark.parametrize("stop", [SystemExit(143), KeyboardInterrupt()])
def test_a_run_that_is_asked_to_stop_says_so_and_leaves_nothing_half(tmp_path, cheap_pages, stop):
    """What was published stays published, and the next run goes on from there."""
    output, plan = second_night(tmp_path)

    def stopped(store_id, folder):
        if store_id == "b":
            raise stop
        return nights.good(store_id, folder)

    told = []
    with pytest.raises(type(stop)):
        nights.run_night(plan, stopped, lambda event, **_: told.append(event))
    assert ["started", "store", "interrupted"] == told
    found = json.loads((output / NEXT_DAY.isoformat() / "manifest.json").read_text())
    assert "interrupted" == found["state"]
    assert ["published", "pending"] == [entry["outcome"] for entry in found["stores"]]
    assert [] == list((output / NEXT_DAY.isoformat()).glob(".*"))
    nights.require_truth(output)
    again = nights.run_night(replace(plan, asked=nights.RunRequest(resume=True)), mixed)
    assert found["run"] == again.head["run"]
    assert 1 == len(again.head["resumed"])
    require_done(output, again)


@pytest.mark.parametrize("jump", [dt.timedelta(days=-400), dt.timedelta(days=400)])
def test_a_clock_that_jumped_between_nights_loses_none(
    tmp_path, cheap_pages, monkeypatch, caplog, jump
):
    """A run that is stopped, and whose start seems before or long after the others, is continued."""
    output, plan = second_night(tmp_path)
    began = dt.datetime.now(tz=dt.UTC) + jump
    monkeypatch.setattr(publish, "RunClock", lambda zone: RunClock(zone, began))

    def stopped(store_id, folder):
        if store_id == "b":
            raise KeyboardInterrupt
        # Its own clock was set back while it worked.
        return replace(nights.good(store_id, folder), ended="1999-01-01T00:00:00+00:00")

    with pytest.raises(KeyboardInterrupt):
        nights.run_night(plan, stopped)
    nights.require_truth(output)
    monkeypatch.undo()
    nights.without_nbconvert(monkeypatch)
    with caplog.at_level("INFO"):
        again = nights.run_night(replace(plan, asked=nights.RunRequest(resume=True)), mixed)
    assert f"continuing run {again.head['run']}" in caplog.text
    assert "is unfinished" not in caplog.text
    assert "finished" == again.head["state"]
    assert 0.0 == again.stores["a"]["seconds"]
    nights.require_truth(output)
    for name in ("started", "ended"):
        dt.datetime.fromisoformat(again.head[name]["utc"])
