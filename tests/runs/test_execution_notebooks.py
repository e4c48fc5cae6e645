"""Notebooks that misbehave, in forked processes and in kernels: the status is what happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from notebooks import executed, shown, statuses
from retention_models.runs.execution.limits import LINUX
from retention_models.runs.execution.results import Limits
from retention_models.runs.execution.workers import Workers

pytestmark = pytest.mark.slow
WAYS = [
    pytest.param("warm", marks=pytest.mark.skipif(not LINUX, reason="forks")),
    pytest.param("cold", marks=pytest.mark.nightly),
]


@pytest.fixture(scope="module", params=WAYS)
def workers(request):
    """Processes for notebooks, warm and cold."""
    with Workers(warm=request.param == "warm") as found:
        yield found


def is_warm(workers: Workers) -> bool:
    """Whether notebooks are forked."""
    return workers.warm


def test_a_notebook_shows_what_it_shows_in_jupyter(workers, tmp_path):
    """Text, results, figures, streams, of Python and of what it starts."""
    result, cells = executed(
        workers,
        tmp_path,
        "store_id",
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "from IPython.display import display, HTML\n"
        "handle = display(HTML('<b>old</b>'), display_id=True)",
        "handle.update(HTML('<b>new</b>'))",
        "import subprocess\nsubprocess.run(['echo', 'from below']);",
        "import asyncio\nawait asyncio.sleep(0)\n7",
        "!echo shell",
        "%timeit -n1 -r1 pass",
    )
    assert ("ok", is_warm(workers), 1) == (result.status, result.warm, result.tries)
    assert "'0042'" == shown(cells[0])
    assert [("stdout", "out\n"), ("stderr", "err\n")] == [
        (o.name, o.text) for o in cells[1].outputs
    ]
    assert "image/png" in cells[2].outputs[-1].data
    assert "<b>new</b>" == cells[3].outputs[0].data["text/html"]
    assert [] == cells[4].outputs
    if is_warm(workers):  # a kernel sends it when it comes round to it, maybe after the cell
        assert "from below\n" == shown(cells[5])
    assert "7" == shown(cells[6])
    assert "shell" == shown(cells[7]).strip()
    assert "loop each" in shown(cells[8])
    assert list(range(3, 12)) == [cell.execution_count for cell in cells]
    assert 11 == len(result.cells)
    assert all(run.started <= run.ended for run in result.cells)


def test_every_notebook_has_its_own_folder_environment_and_chance(workers, tmp_path):
    """And finds nothing of the notebook before it."""
    code = (
        "import os, random, numpy as np, matplotlib as mpl, pandas as pd, tempfile",
        "[os.getcwd(), os.environ['GIVEN'], tempfile.gettempdir(), random.random(), np.random.rand()]",
        "[mpl.rcParams['lines.linewidth'], pd.options.display.max_rows, os.environ.get('LEFT')]",
        "mpl.rcParams['lines.linewidth'] = 9; pd.options.display.max_rows = 7; os.environ['LEFT'] = '1'",
    )
    seen = []
    for name in ("a", "b"):
        result, cells = executed(workers, tmp_path / name, *code, GIVEN=name)
        assert "ok" == result.status
        seen.append(eval(shown(cells[1])))
        assert "[1.5, 60, None]" == shown(cells[2])
    for place, (one, other) in enumerate(zip(*seen, strict=True)):
        assert one != other, place
    assert [str(tmp_path / name / "work") for name in "ab"] == [found[0] for found in seen]


def test_an_error_stops_the_notebook_and_is_recorded(workers, tmp_path):
    """With its name, text and traceback; what comes after it never began."""
    result, cells = executed(workers, tmp_path, "1", "{}['secret']", "2")
    assert ("cell failed", 3, "KeyError", "'secret'", 1) == (
        result.status,
        result.cell,
        result.error,
        result.text,
        result.tries,
    )
    assert "{}['secret']" in str(result.traceback)
    assert ["completed", "failed", "pending"] == statuses(cells)


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "def f(:", "input('who?')"])
def test_leaving_a_mistake_and_a_question_are_errors(workers, code, tmp_path):
    """sys.exit(0) in the middle is no success: the cells behind it never ran."""
    result, cells = executed(workers, tmp_path, code, "2")
    assert ("cell failed", 2) == (result.status, result.cell)
    assert ["failed", "pending"] == statuses(cells)


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("import os; os._exit(3)", {"exit_code": 3}),
        ("import ctypes; ctypes.string_at(0)", {"signal": signal.SIGSEGV}),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", {"signal": signal.SIGKILL}),
    ],
)
def test_a_process_that_dies_is_said_to_have_died(workers, code, end, tmp_path):
    """And how; what it had shown before stays, and the cell that ran is not called completed."""
    before = "print('seen before', flush=True)\nimport time; time.sleep(0.3)\n"
    result, cells = executed(workers, tmp_path, before, code, "2", limits=Limits(tries=2))
    assert ("kernel died", 2, 3) == (result.status, result.tries, result.cell)
    assert end == {name: getattr(result, name) for name in end}
    assert ["completed", "failed", "pending"] == statuses(cells)
    assert "seen before" in shown(cells[0])
    assert "died" in shown(cells[1])


def test_a_notebook_that_loops_is_stopped(workers, tmp_path):
    """The limit is for the whole notebook, and final; also where it takes no notice of SIGTERM."""
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"
    result, cells = executed(workers, tmp_path, "1", deaf, "2", limits=Limits(seconds=4))
    assert ("timed out", 1, 3) == (result.status, result.tries, result.cell)
    assert "longer than 4 seconds" in result.sentence
    assert ["completed", "failed", "pending"] == statuses(cells)


@pytest.mark.skipif(not LINUX, reason="memory is read from /proc")
@pytest.mark.parametrize("where", ["here", "in a process that it starts"])
def test_a_notebook_that_eats_memory_is_stopped(workers, where, tmp_path):
    """Its own, and that of what it starts."""
    eat = "eaten = []\nwhile True: eaten.append(bytearray(20_000_000))"
    if where != "here":
        eat = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {eat!r}])"
    limits = Limits(seconds=60, memory=900_000_000)
    result, _ = executed(workers, tmp_path, eat, limits=limits)
    assert ("kernel died", True, 1) == (result.status, result.over_limit, result.tries)
    assert "more than the 0.9 GB that it may" in result.sentence


@pytest.mark.parametrize(
    "code",
    [
        "for _ in range(100): print('x' * 1_000_000)",
        "import subprocess; subprocess.run('yes | head -c 100000000', shell=True);",
    ],
)
def test_a_hundred_megabytes_of_output_are_not_kept(workers, code, tmp_path):
    """How much was left out is counted, and the notebook goes on."""
    limits = Limits(output=500_000)
    result, cells = executed(workers, tmp_path, code, "print('after')", limits=limits)
    assert "ok" == result.status
    assert 98_000_000 < result.left_out
    # As JSON, a short line is longer.
    assert (tmp_path / "work" / "store_report.ipynb").stat().st_size < 5_000_000
    assert "Further output was not kept" in shown(cells[0])
    assert ["completed", "completed"] == statuses(cells)


@pytest.mark.skipif(not LINUX, reason="finds processes in /proc")
def test_nothing_that_a_notebook_started_outlives_it(workers, tmp_path):
    """Not even what made itself independent."""
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "print(p.pid)"
    )
    result, cells = executed(workers, tmp_path, code)
    assert "ok" == result.status
    if is_warm(workers):  # a kernel's orphans are nobody's
        assert ended(int(shown(cells[0])))


@pytest.mark.nightly
@pytest.mark.skipif(not LINUX, reason="forks")
def test_the_kernels_and_the_forks_tell_the_same(tmp_path):
    """Outputs of the same cells, but for the names that Python gives to cells."""
    code = ("1", "print('a'); print('b')", "import pandas as pd; pd.DataFrame({'x': [1]})", "'é'")
    found = []
    for way in (True, False):
        with Workers(warm=way) as workers:
            result, cells = executed(workers, tmp_path / str(way), *code)
        found.append([[dict(o) for o in cell.outputs] for cell in cells])
        assert ("ok", way) == (result.status, result.warm)
    assert found[0] == found[1]


def ended(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process is gone, or only waits to be reaped."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.nightly
@pytest.mark.skipif(not LINUX, reason="forks")
def test_a_warm_process_with_a_thread_is_not_forked(tmp_path):
    """The notebook runs in a kernel instead, and the run is told why."""
    (tmp_path / "threaded.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from notebooks import executed, write_notebook\n"
        "from retention_models.runs.execution.workers import Workers\n"
        "here = Path(sys.argv[1])\n"
        "notebook = write_notebook(here / 'n.ipynb', 'import threaded')\n"
        "with Workers(warm=True, notebooks=[notebook]) as workers:\n"
        "    result, _ = executed(workers, here, '1')\n"
        "print(result.status, result.warm)"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert "ok False" == done.stdout.strip()
    assert "ordinary kernels: an import started 1 threads" in done.stderr
