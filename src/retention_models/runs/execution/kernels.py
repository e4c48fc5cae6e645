"""A notebook in an ordinary kernel: where processes cannot be forked, or with `--cold`.

Runs in a process of its own: papermill changes the working directory, which is process-wide.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError

with warnings.catch_warnings():
    # papermill 2.7 warns of its own use of entry points and of jupyter paths; not ours to mend.
    warnings.simplefilter("ignore", DeprecationWarning)
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

from retention_models.runs.execution.forked import Notebook, literal
from retention_models.runs.execution.limits import end_family, memory_of
from retention_models.runs.execution.outputs import NOT_KEPT, now
from retention_models.runs.execution.preload import ONE_THREAD
from retention_models.runs.execution.results import (
    ExecutionResult,
    Limits,
    described,
    mark_as_stopped,
    own_end,
    runs_of,
)
from retention_models.runs.publishing.files import private_folder, write_whole

NAME = "retention-kernel"
_LOOK_EVERY = 0.2  # seconds
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # a kernel's tracebacks are made for terminals
_START = 60  # seconds for a kernel to begin
_SHOWN = {"stream", "display_data", "update_display_data", "execute_result"}


class OwnKernelManager(AsyncKernelManager):
    """A kernel of the running interpreter over a socket file.

    Kernel specs found by name may belong to another environment, and kernels over TCP collide on
    ports when several start at once.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if sys.platform != "win32":
            self.transport = "ipc"

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        # What the kernel's own process says goes to a file, for the day it dies without a word; a
        # terminal would only see how it grumbles at an ordinary shutdown.
        own = {"stderr": _Run.current.log, "stdout": subprocess.DEVNULL}
        await super()._async_launch_kernel(kernel_cmd, **{**kw, **own})
        _Run.current.process = self.provisioner.process

    _launch_kernel = _async_launch_kernel

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's ipykernel, whatever specs are installed."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class _Run:
    """The notebook that this process runs: its kernel's process, its limits, what became of it."""

    current: _Run

    def __init__(self, limits: Limits, log: Any) -> None:
        self.limits, self.log = limits, log
        self.process: Any = None
        self.notebook: nbformat.NotebookNode | None = None
        self.marks: list[dict[str, Any]] = []
        self.stopped, self.exceeded, self.most = "", "", 0
        self.amounts: dict[str, float] = {}
        self.over = threading.Event()

    def watch(self) -> None:
        """Stop the kernel when it is over a limit of time or memory; returns when all is over."""
        begun = time.monotonic()
        while not self.over.wait(_LOOK_EVERY):
            if self.process is None or self.stopped:
                continue
            if time.monotonic() - begun > self.limits.seconds:
                self.amounts = {"seconds": self.limits.seconds}
                self.stopped, self.exceeded = "timed out", "too long"
                end_family(self.process.pid)
                continue
            most = self.limits.memory
            held = memory_of(self.process.pid, most or sys.maxsize)
            self.most = max(self.most, held)
            if most is not None and held > most:
                self.amounts = {"held": float(held), "most": float(most)}
                self.stopped, self.exceeded = "kernel died", "too large"
                end_family(self.process.pid)


class _Client(PapermillNotebookClient):
    """papermill's client with an end to what it keeps, and a record of when cells began and ended."""

    kept = 0
    left_out = 0

    def papermill_execute_cells(self) -> None:
        run = _Run.current
        for index, cell in enumerate(self.nb.cells):
            run.marks.append({"event": "begun", "cell": index, "time": now()})
            self.nb_man.cell_start(cell, index)
            try:
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                self._ended(index)
                break
            self._ended(index)

    def _ended(self, index: int) -> None:
        self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
        mark = {"event": "ended", "cell": index, "time": now(), "left_out": self.left_out}
        _Run.current.marks.append(mark)

    def process_message(self, msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Take a message, unless the notebook has shown all that it may."""
        if msg["msg_type"] in _SHOWN:
            limit = _Run.current.limits.output
            size = len(json.dumps(msg["content"], default=str))
            if self.kept + size > limit:
                first, self.kept, self.left_out = not self.left_out, limit, self.left_out + size
                if not first:
                    return None
                content = {"name": "stderr", "text": NOT_KEPT.format(limit=limit)}
                header = {**msg["header"], "msg_type": "stream"}
                msg = {**msg, "msg_type": "stream", "header": header, "content": content}
            else:
                self.kept += size
        return super().process_message(msg, *args, **kwargs)


class _KernelEngine(Engine):
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **_: Any
    ) -> None:
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=OwnKernelManager,
            startup_timeout=_START,
            timeout=None,
        )
        try:
            client.execute()
        except BaseException:
            # As it is now: papermill is about to call every cell completed.
            _Run.current.notebook = copy.deepcopy(nb_man.nb)
            raise


@contextmanager
def _private_jupyter(environment: dict[str, str]) -> Iterator[Path]:
    """Short-lived runtime and IPython folders: short socket paths, no start-up files of the user."""
    with private_folder("rm-") as folder:
        wanted = {
            "JUPYTER_RUNTIME_DIR": f"{folder}/r",
            "IPYTHONDIR": f"{folder}/i",
            "TMPDIR": str(folder),
            **dict.fromkeys(ONE_THREAD, "1"),
            **environment,
        }
        before = dict(os.environ)
        try:
            os.environ.update(wanted)
            yield folder
        finally:
            for name in wanted:
                os.environ.pop(name, None)
            os.environ.update({name: before[name] for name in wanted if name in before})


def execute_once(notebook: Notebook, limits: Limits) -> ExecutionResult:
    """Execute a notebook in a kernel; parameters and result are those of the supervisor's."""
    papermill_engines.register(NAME, _KernelEngine)
    started = now()
    with _private_jupyter(notebook.environment) as scratch, (scratch / "log").open("w+b") as log:
        run = _Run.current = _Run(limits, log)
        watch = threading.Thread(target=run.watch, daemon=True)
        watch.start()
        executed = scratch / "executed.ipynb"
        try:
            found = _run(notebook, executed)
        finally:
            run.over.set()
            watch.join()
        log.seek(0)
        said = log.read(limits.output).decode(errors="replace").strip()
        found["log"] = "" if found["status"] in {"ok", "cell failed"} else said
        result = ExecutionResult(
            **found,
            warm=False,
            started=started,
            ended=now(),
            cells=tuple(runs_of(run.marks)),
            memory=run.most or None,
            left_out=max([mark.get("left_out", 0) for mark in run.marks], default=0),
        )
        if executed.exists():
            write_whole(notebook.executed, executed.read_bytes(), synced=False)
        return result


def _run(notebook: Notebook, executed: Path) -> dict[str, Any]:
    try:
        nb = execute_notebook(
            # papermill fills {names} into paths; these are to be taken as they are.
            literal(notebook.source),
            literal(executed),
            parameters=notebook.parameters,
            cwd=str(notebook.folder),
            engine_name=NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
        )
        return own_end(nb, None)
    except PapermillExecutionError as error:
        told = {"error": error.ename, "text": error.evalue}
        trace = _COLOUR.sub("", "\n".join(error.traceback))
        return {"status": "cell failed", "cell": error.cell_index, **told, "traceback": trace}
    except (DeadKernelError, RuntimeError, OSError) as error:
        return _died(notebook, executed, error)


def _died(notebook: Notebook, executed: Path, error: Exception) -> dict[str, Any]:
    run = _Run.current
    code = None if run.process is None else run.process.poll()
    begun = bool(run.marks)
    if not begun and not run.stopped:
        found: dict[str, Any] = {"status": "could not start", "text": f"{error}"}
    else:
        found = described(run.stopped, run.exceeded, code, run.amounts)
    nb = run.notebook
    if nb is None or not begun:
        nb = nbformat.read(notebook.source, as_version=4)
    else:
        found["cell"] = mark_as_stopped(nb, runs_of(run.marks), found)
    nbformat.write(nb, executed)
    return found
