"""A run outlives pipes, links and stopped processes that it finds in its way, within its limits."""

import functools
import json
import os
import signal
import time
from pathlib import Path

import pytest

import nights
from retention_models.runs.execution.workers import Workers
from retention_models.runs.publishing.files import clean_leftovers, hashes


@pytest.fixture
def night(tmp_path, monkeypatch):
    """A night of stores a and b."""
    nights.without_nbconvert(monkeypatch)
    settings = nights.settings_in(tmp_path, ["a", "b"])

    def run(becomes=nights.good, **more):
        plan = nights.plan_for(settings, tmp_path / "reports", ["a", "b"], **more)
        return nights.run_night(plan, becomes)

    return run


def leaves(make, store_id: str, folder: Path):
    """Store a's notebook leaves something in its folder."""
    if store_id == "a":
        make(folder / "odd")
    return nights.good(store_id, folder)


ODD = {
    "pipe": os.mkfifo,
    "link to nothing": lambda path: path.symlink_to("/nonexistent"),
    "link out of the folder": lambda path: path.symlink_to("/etc/hostname"),
    "link to itself": lambda path: path.symlink_to(path),
    "pipe in a folder": lambda path: (path.mkdir(), os.mkfifo(path / "pipe")),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_is_not_published_and_stops_nobody(night, name):
    """The store's failure says so; the other has its page."""
    manifest = night(functools.partial(leaves, ODD[name]))
    assert {"a": "failed", "b": "published"} == nights.outcomes(manifest)
    details = manifest.folder / "a" / "failure.txt"
    assert "which is no file that can be published" in details.read_text()
    assert not os.path.lexists(manifest.folder / "a" / "odd")
    nights.require_truth(manifest.folder.parent)


def test_a_pipe_that_comes_later_is_found_before_readers_do(night):
    """Another store's notebook left it in a page that was published already."""

    def intrudes(store_id, folder):
        if store_id == "b":
            os.mkfifo(folder.parent / "a" / "pipe")
        return nights.good(store_id, folder)

    manifest = night(intrudes)
    assert "failed" == nights.outcomes(manifest)["a"]
    assert not os.path.lexists(manifest.folder / "a" / "pipe")


def test_whatever_an_earlier_run_left_is_cleaned(night, tmp_path):
    """Links are removed, not what they lead to; a folder may be closed."""
    output = tmp_path / "reports"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept.txt").write_text("kept")
    output.mkdir()
    (output / ".making-x").symlink_to("/nonexistent")
    (output / ".making-y").symlink_to(tmp_path / "mine")
    (output / ".old-z").symlink_to(tmp_path / "mine")
    (output / ".making-f").write_text("a file")
    os.mkfifo(output / ".making-p")
    (output / ".latest.writing").mkdir()
    (output / ".making-d" / "closed").mkdir(parents=True)
    (output / ".making-d" / "closed").chmod(0)
    assert {"published"} == set(nights.outcomes(night()).values())
    assert {".run.lock"} == {path.name for path in output.glob(".*")}
    assert "kept" == (tmp_path / "mine" / "kept.txt").read_text()
    assert [] == clean_leftovers(output)


def test_an_earlier_manifest_that_is_a_pipe_is_none(night, tmp_path):
    """To open it would wait for ever."""
    for day in ("2023-12-30", "2023-12-31"):
        (tmp_path / "reports" / day).mkdir(parents=True)
        os.mkfifo(tmp_path / "reports" / day / "manifest.json")
    manifest = night(nights.bad)
    assert {"failed"} == set(nights.outcomes(manifest).values())
    assert {"published"} == set(nights.outcomes(night()).values())


def test_a_file_and_what_is_none_are_told_apart(tmp_path):
    """By its hash, so that the manifest notices."""
    (tmp_path / "one").write_text("text")
    os.mkfifo(tmp_path / "two")
    assert "0" * 64 != hashes(tmp_path)["one"]
    assert "0" * 64 == hashes(tmp_path)["two"]


def stop_self() -> None:
    """Stopped, not ended: no alarm reaches it."""
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_server() -> int:
    """The process that would tell of this one's end."""
    os.kill(os.getppid(), signal.SIGSTOP)
    return 1


def stop_server_and_sleep() -> None:
    """No result comes."""
    stop_server()
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize(
    "stopped", [stop_self, pytest.param(stop_server_and_sleep, marks=pytest.mark.nightly)]
)
def test_a_stopped_process_is_ended_within_the_limits(stopped, monkeypatch):
    """Whoever watches is watched, too; and the next piece of work is done."""
    here = Path(__file__).parent
    paths = [os.environ.get("PYTHONPATH", ""), str(here), str(here.parent / "helpers")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    with Workers(warm=True) as workers:
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="longer than 2 seconds"):
            workers.call(stopped, seconds=2)
        assert time.monotonic() - begun < 60
        assert 7 == workers.call(max, 3, 7, seconds=30)


ODD_METRICS = {
    "text for a number": lambda m: m["measures"]["customers"].update(value="many"),
    "a list for a number": lambda m: m["forecast"]["value"].update(value=[1]),
    "no number of JSON": lambda m: m["forecast"]["value"].update(value=float("nan"), low=1, high=2),
    "months that are none": lambda m: m.update(months={"value": [{"month": "x"}]}),
    "changes that are none": lambda m: m.update(changes={"value": {"days": "x", "measures": 1}}),
    "actions that are none": lambda m: m.update(actions=[1, 2]),
}


@pytest.mark.parametrize("name", ODD_METRICS)
def test_numbers_that_the_index_cannot_show_are_their_stores_failure(night, name):
    """The chain's page is made all the same."""

    def odd(store_id, folder):
        found = nights.good(store_id, folder)
        if store_id == "a":
            path = folder / "metrics.json"
            metrics = json.loads(path.read_text())
            for section in ("measures", "forecast"):
                for key in metrics[section]:
                    metrics[section][key] = {"value": 7, "low": 5, "high": 9}
            ODD_METRICS[name](metrics)
            path.write_text(json.dumps(metrics))
        return found

    manifest = night(odd)
    assert "published" == nights.outcomes(manifest)["b"]
    assert "finished" == manifest.head["state"]
    nights.require_truth(manifest.folder.parent)


ODD_MANIFESTS = ["[]", '{"schema": 1}', '{"schema": 1, "stores": {}}', "[" * 9999, "\ud800"]


@pytest.mark.parametrize(
    "change", [*ODD_MANIFESTS, "stores", "state", "started", "outcome", "twice"]
)
def test_an_odd_manifest_of_an_earlier_run_counts_as_not_there(night, change):
    """Whatever it lacks, today's pages are made."""
    path = night().folder / "manifest.json"
    content = json.loads(path.read_text())
    if change == "outcome":
        del content["stores"][0]["outcome"]
    elif change == "twice":
        content["stores"][1]["store"] = content["stores"][0]["store"]
    else:
        content.pop(change, None)
    text = change if change in ODD_MANIFESTS else json.dumps(content)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert {"published"} == set(nights.outcomes(night(resume=True)).values())
