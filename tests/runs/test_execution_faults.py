"""Processes killed at random moments, and a cluster that loses a worker: never a wrong status."""

import contextlib
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import nbformat
import pytest

from notebooks import statuses, write_notebook
from processes import is_there
from retention_models.errors import SettingsError
from retention_models.runs.execution import pool
from retention_models.runs.execution.limits import LINUX, descendants
from retention_models.runs.execution.pool import execute_all
from retention_models.runs.execution.results import ExecutionResult, Limits
from retention_models.runs.execution.tasks import Options, Task
from retention_models.runs.execution.workers import Workers
from tiers import few

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LINUX, reason="finds processes in /proc"),
]
CELLS = ("import time", *["time.sleep(0.15)"] * 6, "open('done', 'w').write(store_id)")


def tasks_in(folder: Path, n: int, *cells: str) -> list[Task]:
    """Tasks that take about a second each."""
    folder.mkdir(exist_ok=True)
    notebook = write_notebook(folder / "notebook.ipynb", *(cells or CELLS))
    tasks = []
    for place in range(n):
        work = folder / f"{place}"
        work.mkdir()
        tasks.append(Task(f"{place}", notebook, {"store_id": f"{place}"}, work))
    return tasks


def check(tasks: list[Task], results: dict[str, ExecutionResult]) -> None:
    """Every task has a result, and what it says is so."""
    assert {task.id for task in tasks} == set(results)
    for task in tasks:
        done, result = task.folder / "done", results[task.id]
        assert (result.status == "ok") == done.exists(), result
        if result.status == "ok":
            assert task.id == done.read_text()
            nb = nbformat.read(task.executed, as_version=4)
            code = [cell for cell in nb.cells if cell.cell_type == "code"]
            assert {"completed"} == set(statuses(code))
            assert all(run.ended for run in result.cells)
        else:
            assert "kernel died" == result.status


def killer(which: str, stop: threading.Event, rng: random.Random, killed: list[int]) -> None:
    """Kill processes of one kind, one after the other, at random moments."""
    depth = {"warm parent": 0, "supervisor": 1, "notebook": 2}[which]
    while not stop.wait(rng.uniform(0.3, 1.2)):
        level = servers()
        for _ in range(depth):
            level = [child for pid in level for child in descendants(pid, deep=False)]
        if level and len(killed) < 4:
            victim = rng.choice(level)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append(victim)


def servers() -> list[int]:
    """The warm parents that this process has started."""
    found = []
    for pid in descendants(os.getpid(), deep=False):
        try:
            if b"execution.server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("which", few(1, ["warm parent", "supervisor", "notebook"], 1))
def test_whatever_is_killed_every_notebook_ends_with_a_true_status(which, tmp_path):
    """Four kills at random moments; a notebook whose process died is begun anew in an empty folder."""
    tasks = tasks_in(tmp_path, 10)
    stop, killed = threading.Event(), []
    thread = threading.Thread(target=killer, args=(which, stop, random.Random(7), killed))
    thread.start()
    try:
        results = dict(execute_all(tasks, Options(jobs=3)))
    finally:
        stop.set()
        thread.join()
    assert killed
    check(tasks, results)
    assert sum(result.status == "ok" for result in results.values()) >= 7
    assert [] == servers()


def test_a_killed_run_leaves_no_process_behind(tmp_path):
    """Neither the warm parent nor what it forked, nor a file in between; kill -9 of the runner."""
    tasks = tasks_in(tmp_path / "work", 3, "import time", "time.sleep(60)")
    between = tmp_path / "temporary"
    between.mkdir()
    folders = [str(task.folder) for task in tasks]
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from retention_models.runs.execution.pool import *\n"
        "tasks = [Task(f, Path(sys.argv[1]), {'store_id': f}, Path(f)) for f in sys.argv[2:]]\n"
        "list(execute_all(tasks, Options(jobs=3)))"
    )
    command = [sys.executable, "-c", code, str(tasks[0].notebook), *folders]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(between)}) as runner:
        until = time.monotonic() + 60
        while len(family := descendants(runner.pid)) < 7 and time.monotonic() < until:
            time.sleep(0.1)
        assert 7 == len(family)  # the warm parent, and three notebooks with their supervisors
        (folder,) = between.iterdir()
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
        assert 3 == len(list(folder.glob("*.work")))
        runner.kill()
    until = time.monotonic() + 15
    while any(map(is_there, family)) and time.monotonic() < until:
        time.sleep(0.1)
    assert [] == [pid for pid in family if is_there(pid)]
    assert [] == list(between.iterdir())
    assert [] == [task for task in tasks if task.executed.exists()]


@pytest.mark.parametrize("warm", [True, False])
def test_what_travels_between_processes_is_the_users_alone_and_goes(warm, tmp_path, monkeypatch):
    """Each file once it was read, and the folder with the processes; also what a killed one left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    umask = os.umask(0)
    try:
        with Workers(warm=warm) as workers:
            assert [] == list(tmp_path.iterdir())  # made with the first process
            assert 5 == workers.call(max, 5, 2, seconds=60)
            (folder,) = tmp_path.glob("work-*")
            assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
            assert 7 == workers.call(max, 3, 7, seconds=60)
            assert [] == list(folder.iterdir())
            if warm:
                left = Path(workers.call(tempfile.mkdtemp, seconds=60))
                assert folder == left.parent
    finally:
        os.umask(umask)
    assert [] == list(tmp_path.iterdir())


def test_a_run_that_is_left_ends_its_processes(tmp_path):
    """Whoever stops to ask for results does not wait for them."""
    tasks = tasks_in(tmp_path, 2, "import time", "if store_id == '1': time.sleep(60)")
    begun = time.monotonic()
    for store_id, result in execute_all(tasks, Options(jobs=2)):
        assert ("0", "ok") == (store_id, result.status)
        break
    assert time.monotonic() - begun < 50
    assert [] == servers()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers as processes of this machine: its address, the workers."""
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    port = address.rpartition(":")[2]
    scheduler = subprocess.Popen(
        [*run, "--host", "127.0.0.1", "--port", port, "--no-dashboard"], **quiet
    )
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
    worker += ["--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"]
    workers = [subprocess.Popen(worker, **quiet) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


@pytest.mark.nightly
def test_a_cluster_that_loses_a_worker_makes_every_page(cluster, tmp_path):
    """A real scheduler and two workers, one of which is killed in mid-run."""
    address, workers = cluster
    tasks = tasks_in(tmp_path / "work", 8)
    results = {}
    options = Options(scheduler=address, limits=Limits(seconds=60))
    for store_id, result in execute_all(tasks, options):
        results[store_id] = result
        if len(results) == 2:
            workers[0].kill()
    check(tasks, results)
    assert {"ok"} == {result.status for result in results.values()}


class Lost(Executor):
    """A cluster that ends one notebook, and then never another: its workers are gone."""

    def __init__(self, last: Future) -> None:
        self.futures = [Future(), Future(), last]
        self.futures[0].set_result(ExecutionResult("ok", True, "", ""))
        self._next = iter(self.futures)

    def submit(self, *_: object, **__: object) -> Future:
        """A future that nobody works on, but the first."""
        return next(self._next)


@pytest.mark.parametrize("scheduler", [True, False])
def test_a_cluster_that_is_gone_is_waited_for_no_longer_than_a_notebook_may_take(
    tmp_path, monkeypatch, scheduler
):
    """Without workers no future ends; without a scheduler each is cancelled. Every page says why."""
    last = Future()
    if not scheduler:
        last.cancel()
        last.set_running_or_notify_cancel()
    lost = Lost(last)
    monkeypatch.setattr(pool, "open_executor", lambda *_: contextlib.nullcontext(lost))
    monkeypatch.setattr(pool, "_BESIDE", 0.1)
    options = Options(limits=Limits(seconds=0.1), scheduler="tcp://gone")
    results = dict(execute_all(tasks_in(tmp_path, 3), options))
    assert ["ok", "kernel died", "kernel died"] == [results[i].status for i in "012"]
    assert "The cluster that was to run its notebook was lost" in results["2"].sentence
    assert all(future.done() for future in lost.futures)


def test_a_scheduler_that_does_not_answer_is_a_mistake_of_the_project_file(tmp_path):
    """Its key and address are named."""
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(SettingsError, match=r"execution\.scheduler: no Dask scheduler answers at"):
        list(execute_all(tasks_in(tmp_path, 1), Options(scheduler=address)))
