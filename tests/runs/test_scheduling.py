"""docs/scheduling.md: its cron line and systemd units do what they say, as they stand there."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import skip_or_fail

import shops

GUIDE = (Path(__file__).parents[2] / "docs" / "scheduling.md").read_text(encoding="utf-8")
PLACE = "/srv/retention"


def blocks(kind: str) -> list[str]:
    """The guide's blocks of code of a kind."""
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE, flags=re.DOTALL)


def installed(folder: Path) -> Path:
    """A project as the guide has it: its file, and the command in .venv/bin."""
    project = shops.write_project(folder, shops.simulated_log(30, seed=1), ["0042"])
    command = folder / ".venv" / "bin" / "retention"
    command.parent.mkdir(parents=True)
    paths = os.pathsep.join(sys.path)
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH="{paths}" exec {sys.executable} -m retention_models "$@"\n'
    )
    command.chmod(0o755)
    return project


def units() -> tuple[configparser.ConfigParser, configparser.ConfigParser]:
    """The service and the timer."""
    found = []
    for text in blocks("ini"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment]
        parser.read_string(text)
        found.append(parser)
    service, timer = found
    return service, timer


def test_the_cron_line_has_five_times_and_a_command():
    """At half past four every night; no % in the command, which cron would take for a line's end."""
    (line,) = blocks("cron")
    minute, hour, day, month, weekday, command = line.split(maxsplit=5)
    assert ("30", "4", "*", "*", "*") == (minute, hour, day, month, weekday)
    assert "%" not in command


@pytest.mark.nightly
def test_the_cron_line_runs_as_written(tmp_path):
    """Under sh, with the little environment that cron gives."""
    installed(tmp_path)
    (line,) = blocks("cron")
    command = line.split(maxsplit=5)[5].replace(PLACE, str(tmp_path))
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["/bin/sh", "-c", command], env=bare, cwd="/", check=False)
    said = (tmp_path / "retention.log").read_text(encoding="utf-8")
    assert 0 == done.returncode, said
    assert (tmp_path / "reports" / "2023-12-31" / "0042" / "store_report.html").is_file()
    assert "[1/1] store 0042: published" in said


def test_the_units_fit_together():
    """The timer is installed, and starts the service of its name once a night."""
    service, timer = units()
    assert "oneshot" == service["Service"]["Type"]
    assert "*-*-* 04:30:00" == timer["Timer"]["OnCalendar"]
    assert "timers.target" == timer["Install"]["WantedBy"]
    assert "retention.service" in GUIDE
    assert "retention.timer" in GUIDE


@pytest.mark.nightly
def test_the_service_runs_as_written(tmp_path):
    """In its folder, with nothing of a user's environment."""
    installed(tmp_path)
    service, _ = units()
    section = {k: v.replace(PLACE, str(tmp_path)) for k, v in service["Service"].items()}
    bare = {"PATH": "/usr/bin:/bin"}
    command = section["ExecStart"].split()
    done = subprocess.run(command, cwd=section["WorkingDirectory"], env=bare, check=False)
    assert 0 == done.returncode
    assert (tmp_path / "reports" / "2023-12-31" / "index.html").is_file()


def verified(folder: Path, *texts: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of the service and the timer."""
    command = folder / ".venv" / "bin" / "retention"
    if not command.exists():
        installed(folder)
    paths = [folder / "retention.service", folder / "retention.timer"]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text.replace(PLACE, str(folder)), encoding="utf-8")
    line = ["systemd-analyze", "verify", "--man=no", *paths]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_systemd_finds_no_mistake_in_the_units(tmp_path):
    """Its own check, which starts nothing; it does find one where a key or a command is wrong."""
    if shutil.which("systemd-analyze") is None:
        skip_or_fail("systemd-analyze is not installed (Debian: systemd)")
    service, timer = blocks("ini")
    done = verified(tmp_path, service, timer)
    assert 0 == done.returncode, done.stderr
    assert "retention." not in done.stderr
    wrong = verified(tmp_path, service.replace(".venv/bin/retention", ".venv/bin/none"), timer)
    assert 0 != wrong.returncode
    wrong = verified(tmp_path, service.replace("WorkingDirectory", "WorkingFolder"), timer)
    assert "WorkingFolder" in wrong.stderr


def test_the_dag_is_python_with_one_command_a_store():
    """With the day given, so that a repetition makes the same page, in a folder of the store's own."""
    (text,) = blocks("python")
    ast.parse(text)
    for part in ("--store {store_id}", "--as-of {{{{ ds }}}}", "reports/by_store/{store_id}"):
        assert part in text
