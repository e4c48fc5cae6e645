"""Whoever does not read to the end changes no exit code, and sees no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shops
from retention_models.runs.publishing.progress import Progress

COMMAND = [sys.executable, "-m", "retention_models"]


def ended(*arguments: str, out: str = "pipe", err: str = "pipe") -> tuple[int, str]:
    """The exit code, and what stands on stderr, where each is read, left at once, full or closed."""
    read, write = os.pipe()
    os.close(read)
    left = {"left": write, "pipe": subprocess.PIPE, "full": os.open("/dev/full", os.O_WRONLY)}
    closed = [n for n, to in ((1, out), (2, err)) if to == "closed"]
    shell = " ".join(f"{number}>&-" for number in closed)
    try:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {shell}', "sh", *COMMAND, *arguments],
            stdout=left.get(out),
            stderr=left.get(err),
            check=False,
            timeout=120,
        )
    finally:
        os.close(write)
        os.close(left["full"])
    return done.returncode, (done.stderr or b"").decode()


@pytest.mark.parametrize("out", ["left", "closed"])
def test_help_that_nobody_reads_is_a_success(out):
    """As in `retention --help | true`."""
    assert (0, "") == ended("--help", out=out)


@pytest.mark.parametrize(
    "err",
    [
        pytest.param("left", marks=pytest.mark.slow),
        pytest.param("closed", marks=pytest.mark.nightly),
        pytest.param("full", marks=pytest.mark.nightly),
    ],
)
def test_mistakes_that_nobody_reads_keep_their_code(tmp_path, err):
    """Exit code 2, of the project file and of the command line."""
    assert 2 == ended("check", str(tmp_path / "none.toml"), err=err)[0]
    assert 2 == ended("run", "--jobs", "0", err=err)[0]


def test_what_could_not_be_written_is_said(tmp_path):
    """A full disk is no reader who left: the answer is lost, and the code says so."""
    code, said = ended("--help", out="full")
    assert 2 == code
    assert "standard output cannot be written (No space left on device)" in said
    assert "Traceback" not in said


@pytest.mark.nightly
@pytest.mark.parametrize("out", ["left", "closed"])
def test_a_check_goes_on_to_its_end(tmp_path, out):
    """As in `retention check | head -1`: 0 for good data, 2 for data that cannot be used."""
    project = shops.write_project(tmp_path, shops.simulated_log(20, seed=1), ["0042"])
    assert (0, "") == ended("check", str(project), out=out)
    (tmp_path / "log.csv").write_text("customer,day,amount,shop\n1,x,1,0042\n")
    assert 2 == ended("check", str(project), out=out, err="left")[0]


def test_events_that_cannot_be_written_stop_no_run(caplog):
    """It is said once."""
    progress = Progress(json_lines=Path("/dev/full"))
    with caplog.at_level("ERROR", logger="retention_models"):
        progress("told", number=1)
        progress("told", number=2)
    progress.close()
    assert ["--log cannot be written any more (No space left on device)"] == caplog.messages


def test_events_are_json_of_the_standard(tmp_path):
    """What is no number is null, a name of bytes that are no text is escaped."""
    path = tmp_path / "events.jsonl"
    progress = Progress(json_lines=path)
    progress("told", low=float("nan"), high=[float("inf")], file="a\udcffb", where=path)
    progress.close()
    event = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (None, [None], "a\\udcffb") == (event["low"], event["high"], event["file"])
