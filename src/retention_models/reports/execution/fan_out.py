"""The notebooks of a run, several at once, through any `concurrent.futures.Executor`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retention_models.reports.execution.executors import open_executor
from retention_models.reports.execution.forked import Notebook
from retention_models.reports.execution.outputs import now
from retention_models.reports.execution.results import ExecutionResult, Limits
from retention_models.reports.execution.retries import execute
from retention_models.reports.publishing.disk import hashes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One notebook to execute; travels to whichever process executes it.

    Attributes
    ----------
    id : str
        Of the store, or of whatever the notebook is about.
    notebook : Path
    parameters : dict
        By name of the notebook's parameters cell.
    folder : Path
        Working folder; the executed notebook goes there.
    kind : str
        What the notebook is about.
    """

    id: str
    notebook: Path
    parameters: dict[str, Any]
    folder: Path
    kind: str = "store"

    @property
    def executed(self) -> Path:
        """Where the executed notebook goes."""
        return self.folder / f"{self.kind}_report.ipynb"


@dataclass(frozen=True)
class Options:
    """How notebooks are executed.

    Attributes
    ----------
    jobs : int
        How many at once on this machine.
    warm : bool
        In processes forked from one that has its imports made, or else in kernels.
    limits : Limits
        Of each.
    environment : dict
        Variables that each is given.
    scheduler : str, optional
        Address of a Dask scheduler; this machine without it.
    """

    jobs: int = 1
    warm: bool = True
    limits: Limits = field(default_factory=Limits)
    environment: dict[str, str] = field(default_factory=dict)
    scheduler: str | None = None


def execute_all(tasks: Sequence[Task], options: Options) -> Iterator[tuple[str, ExecutionResult]]:
    """Execute notebooks, several at once; the id and what became of each, as it ends.

    Parameters
    ----------
    tasks : sequence of Task
    options : Options

    Yields
    ------
    tuple of str and ExecutionResult
        One for each task, whatever happens to the processes that execute them.

    Raises
    ------
    SettingsError
        If the scheduler cannot be reached.
    """
    notebooks = tuple(dict.fromkeys(task.notebook for task in tasks))
    with open_executor(options, notebooks) as executor:
        futures = _submitted(executor, tasks, options)
        try:
            for future in as_completed(futures):
                yield futures[future].id, _result_of(future)
        finally:
            for future in futures:
                future.cancel()


def _submitted(
    executor: Executor, tasks: Sequence[Task], options: Options
) -> dict[Future[ExecutionResult], Task]:
    return {
        executor.submit(execute_task, task, options.limits, options.environment): task
        for task in tasks
    }


def _result_of(future: Future[ExecutionResult]) -> ExecutionResult:
    try:
        return future.result()
    except TimeoutError as error:
        return ExecutionResult("timed out", True, now(), now(), text=str(error), over_limit=True)
    except (Exception, CancelledError) as error:  # noqa: BLE001 - one notebook never stops the others
        said = f"{type(error).__name__}: {error}"
        return ExecutionResult("kernel died", True, now(), now(), log=said)


def execute_task(task: Task, limits: Limits, environment: dict[str, str]) -> ExecutionResult:
    """Execute a notebook from the process that this is called in, and say what is in its folder then."""
    executed = task.executed
    notebook = Notebook(task.notebook, executed, task.parameters, task.folder, environment)
    # At once: what another notebook of the run writes there later is not this one's.
    return replace(execute(notebook, limits), files=hashes(task.folder))
