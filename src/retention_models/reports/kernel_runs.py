"""Notebooks of a run's stores, each executed in a process of its own."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retention_models.reports.execution.results import ExecutionResult


@dataclass(frozen=True)
class Task:
    """One notebook to execute; travels to a worker process."""

    id: str
    notebook: Path
    parameters: dict[str, Any]
    folder: Path


def execute_all(tasks: Sequence[Task], workers: int) -> Iterator[tuple[str, ExecutionResult]]:
    """Execute notebooks, several at once; what became of each as it ends."""
    # Spawned, not forked: the parent has used DuckDB, whose threads a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(_executed, task): task for task in tasks}
        for future in as_completed(futures):
            try:
                yield futures[future].id, future.result()
            except BrokenProcessPool:
                now = _now()
                yield futures[future].id, ExecutionResult("kernel died", False, now, now)


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat()


def _executed(task: Task) -> ExecutionResult:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from retention_models.reports.execution.kernels import KERNEL_LOG, execute

    started, kernel_log = _now(), task.folder / KERNEL_LOG
    executed = task.folder / "store_report.ipynb"

    def ended(status: Any, **more: Any) -> ExecutionResult:
        return ExecutionResult(status, False, started, _now(), **more)

    try:
        execute(task.notebook, executed, task.parameters, task.folder)
        return ended("ok")
    except PapermillExecutionError as error:
        text = {"error": error.ename, "text": error.evalue, "traceback": str(error)}
        return ended("cell failed", cell=error.cell_index, **text)
    except CellTimeoutError as error:
        return ended("timed out", text=str(error).split("\n", 1)[0])
    except DeadKernelError:
        return ended("kernel died", log=kernel_log.read_text(encoding="utf-8", errors="replace"))
    finally:
        kernel_log.unlink(missing_ok=True)
