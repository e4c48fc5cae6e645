"""Inside a process forked for one notebook: made its own, run by papermill, and its end written down."""

from __future__ import annotations

import atexit
import faulthandler
import os
import random
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retention_models.runs.execution.limits import (
    be_killed_first,
    die_with_parent,
    keep_freed_memory,
)
from retention_models.runs.execution.outputs import BETWEEN, Journal
from retention_models.runs.execution.preload import settle_libraries
from retention_models.runs.execution.results import Limits
from retention_models.runs.publishing.files import write_whole

RECORD, JOURNAL, EXECUTED = "record", "journal", "executed.ipynb"


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook to execute."""

    source: Path  # the notebook, with a cell tagged ``parameters``
    executed: Path  # where the executed notebook goes, also when it fails
    # Name → value, each a name of the parameters cell. Text stays text: a store id such as 0042
    # passes as it is.
    parameters: dict[str, Any]
    folder: Path  # working folder
    environment: dict[str, str]  # variables of the environment beside those of this process


def run(notebook: Notebook, limits: Limits, scratch: Path, parent: int, streams: list[int]) -> None:
    """Run the notebook and end this process: with a record of its end, unless it dies before."""
    code = 1
    try:
        _settle(notebook, scratch, parent, streams)
        _execute(notebook, limits, scratch)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        os.write(streams[1], traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(code)


def _settle(notebook: Notebook, scratch: Path, parent: int, streams: list[int]) -> None:
    """Make a forked process one of its own."""
    os.setsid()
    die_with_parent(parent)
    be_killed_first()
    keep_freed_memory()
    signal.alarm(0)
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, descriptor in enumerate([nothing, *streams]):
        os.dup2(descriptor, target, inheritable=True)
    faulthandler.enable(file=2)
    temporary = scratch / "temporary"
    temporary.mkdir()
    os.environ.update(notebook.environment | {"TMPDIR": str(temporary), "PAGER": "cat"})
    tempfile.tempdir = None
    # Forked processes would all draw the same numbers.
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    settle_libraries()
    os.chdir(notebook.folder)


def _execute(notebook: Notebook, limits: Limits, scratch: Path) -> None:
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    from retention_models.runs.execution.in_process import NAME, InProcessEngine

    papermill_engines.register(NAME, InProcessEngine)
    journal = Journal(scratch / JOURNAL)
    try:
        execute_notebook(
            # papermill fills {names} into paths; these are to be taken as they are.
            literal(notebook.source),
            literal(scratch / EXECUTED),
            parameters=notebook.parameters,
            cwd=str(notebook.folder),
            engine_name=NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            output_limit=limits.output,
            note=journal.note,
            between=_mark,
            ipython_folder=str(scratch / "ipython"),
        )
    except PapermillExecutionError as error:
        found: dict[str, Any] = {"cell": error.cell_index, "error": error.ename}
        found |= {"text": error.evalue, "traceback": "\n".join(error.traceback)}
        journal.note(event="failed", **found)
    journal.close()
    write_whole(scratch / RECORD, b"ended", synced=False)
    atexit._run_exitfuncs()  # what the notebook opened is closed


def _mark(cell: int) -> None:
    """Part what one cell wrote below Python from what the next one writes."""
    for descriptor in (1, 2):
        os.write(descriptor, BETWEEN % cell)


def literal(path: Path) -> str:
    """A path in which papermill has nothing to fill in."""
    return str(path).replace("{", "{{").replace("}", "}}")
