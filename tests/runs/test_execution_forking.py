"""The process that pages are made in, forked from a run that has made its imports."""

import subprocess
import sys

import pytest

from retention_models.runs.execution import preload
from retention_models.runs.execution.forking import server_in_waiting
from retention_models.runs.execution.limits import LINUX
from retention_models.runs.execution.workers import environment_of

SEEN = """
import gc, logging, os, signal
def seen():
    import matplotlib
    assert gc.isenabled()
    shown = logging.getLogger("retention_models")
    return (os.getppid(), matplotlib.get_backend(), shown.handlers, shown.propagate,
            signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, os.getsid(0) == os.getpid())
"""
CODE = """
import gc, logging, os, signal
from retention_models.runs.execution.forking import imports_of_a_run, server_in_waiting
with imports_of_a_run():
    from retention_models.runs import run
    from retention_models.runs.execution.workers import Workers, environment_of
assert gc.isenabled()
from seen import seen
logging.getLogger("retention_models").addHandler(logging.StreamHandler())
logging.getLogger("retention_models").propagate = False
signal.signal(signal.SIGTERM, lambda *_: None)
print("of the run", end="")  # and not once more of its server
with server_in_waiting(environment_of(True)) as waiting:
    with Workers(warm=True, waiting=waiting) as workers:
        assert workers.pids == [], "nothing is to do yet"
        parent, *rest = workers.call(seen, seconds=60)
        assert parent == waiting.pid, "forked from the server in waiting"
        assert rest[1:] == [[], True, True, True] and "inline" in rest[0], rest
        os.kill(waiting.pid, signal.SIGKILL)
        again, *same = workers.call(seen, seconds=60)
        assert again != parent and same == rest, "another takes its place"
    assert waiting.wait() == -9
with server_in_waiting(environment_of(True)) as waiting:
    assert waiting is None or waiting.poll() is None
"""


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="forks")
def test_a_run_forks_the_process_of_its_pages(tmp_path):
    """Which is as one that was started: its own session, signals, logs; and is replaced if it dies."""
    (tmp_path / "seen.py").write_text(SEEN, encoding="utf-8")
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )
    assert (0, "of the run") == (done.returncode, done.stdout), done.stderr


def test_another_program_is_not_forked(monkeypatch):
    """Nor a run with threads, which a fork would leave behind."""
    with server_in_waiting(environment_of(warm=True)) as waiting:
        assert waiting is None
    monkeypatch.setattr(preload, "MAY_FORK", True)
    monkeypatch.setattr(preload, "why_not_forked", lambda: "threads")
    with server_in_waiting(environment_of(warm=True)) as waiting:
        assert waiting is None
