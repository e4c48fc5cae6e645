"""One run at a time per output folder."""

import json
import subprocess
import sys

import pytest

import shops
from retention_models import cli
from retention_models.errors import LockHeld
from retention_models.runs.publishing.files import LOCK, output_lock

HOLDER = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(handle, fcntl.LOCK_EX)
os.write(handle, b'{"pid": %d, "computer": "till", "since": "2026-01-01"}' % os.getpid())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of a folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert b"held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_a_second_run_is_refused_with_the_first_ones_pid(tmp_path, holder):
    """Its computer and its start, too."""
    with (
        pytest.raises(LockHeld, match=f"pid {holder.pid}, computer till, since 2026"),
        output_lock(tmp_path),
    ):
        pass


def test_the_lock_of_a_killed_run_is_no_lock(tmp_path, holder):
    """However it ended, and whatever its file still says."""
    holder.kill()
    holder.wait()
    with output_lock(tmp_path):
        owner = json.loads((tmp_path / LOCK).read_text())
    assert holder.pid != owner["pid"]


def test_two_runs_of_one_process_exclude_each_other(tmp_path):
    """And the first keeps the lock when the second is refused; then it is free."""
    for _ in range(2):
        with output_lock(tmp_path):
            for _ in range(2):
                with (
                    pytest.raises(LockHeld, match="another run is publishing"),
                    output_lock(tmp_path),
                ):
                    pass
            code = f"import fcntl; fcntl.lockf(open({str(tmp_path / LOCK)!r}, 'r+'), 6)"
            assert subprocess.run([sys.executable, "-c", code], stderr=-3, check=False).returncode


def test_a_held_lock_is_exit_code_3(tmp_path, holder, capsys, monkeypatch):
    """Nothing is written, and stderr says who holds it."""
    project = shops.write_project(tmp_path / "p", shops.simulated_log(5, seed=1), ["0042"])
    command = ["retention", "run", str(project), "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 3 == caught.value.code
    assert f"pid {holder.pid}" in capsys.readouterr().err
    assert {LOCK, "p"} == {path.name for path in tmp_path.iterdir()}
