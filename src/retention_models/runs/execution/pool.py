"""The notebooks of a run, several at once, through any `concurrent.futures.Executor`.

Where notebooks run: processes of this machine, or the workers of a Dask cluster.

What is worth another try: a process that died or did not start; never a cell's own error.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import tenacity

from retention_models.errors import SettingsError
from retention_models.runs.execution import preload
from retention_models.runs.execution.forked import Notebook
from retention_models.runs.execution.outputs import now
from retention_models.runs.execution.results import ExecutionResult, Limits
from retention_models.runs.execution.tasks import Options, Task
from retention_models.runs.execution.workers import Workers
from retention_models.runs.publishing.files import hashes

Execute = Callable[[Notebook, Limits], ExecutionResult]


def execute(notebook: Notebook, limits: Limits, *, warm: bool | None = None) -> ExecutionResult:
    """Execute a notebook, again where its process died or did not start."""
    if preload.FORKED if warm is None else warm:
        from retention_models.runs.execution.supervisor import execute_once
    else:
        from retention_models.runs.execution.kernels import execute_once
    return with_tries(execute_once, notebook, limits)


def with_tries(once: Execute, notebook: Notebook, limits: Limits) -> ExecutionResult:
    """`execute` with the function that executes once."""
    begun = time.monotonic()
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda result: result.may_go_better),
        stop=tenacity.stop_after_attempt(limits.tries) | tenacity.stop_after_delay(limits.seconds),
        wait=tenacity.wait_exponential(multiplier=0.1, max=2) + tenacity.wait_random(0, 0.1),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )

    def attempt() -> ExecutionResult:
        number = retrying.statistics["attempt_number"]
        if number > 1:
            _empty(notebook)
        left = max(limits.seconds - (time.monotonic() - begun), 0.0)
        result = once(notebook, dataclasses.replace(limits, seconds=left))
        return dataclasses.replace(result, tries=number)

    found: ExecutionResult = retrying(attempt)
    return found


def _empty(notebook: Notebook) -> None:
    """Remove what the try before wrote: half of a file is not to be taken for one of this."""
    for path in notebook.folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


_BESIDE = 120.0  # seconds for all that is not the notebook, before its process is ended
_TRIES = 3


@contextmanager
def open_executor(
    options: Options, notebooks: Sequence[Path], workers: Workers | None = None
) -> Iterator[Executor]:
    """An executor for a run's notebooks; what is under way when it is closed is ended.

    Processes of this machine are those of `workers`, which outlive it, or else its own.
    """
    seconds = options.limits.seconds + _BESIDE
    if options.scheduler is not None:
        with _cluster(options.scheduler, options.warm, notebooks, seconds) as executor:
            yield executor
        return
    theirs = nullcontext(workers) if workers is not None else None
    with (
        theirs or Workers(warm=options.warm, notebooks=notebooks) as at_work,
        LocalExecutor(at_work, options.jobs, seconds) as executor,
    ):
        try:
            yield executor
        except BaseException:
            # Before the threads are waited for: each of them waits for a process.
            at_work.end()
            raise


class LocalExecutor(Executor):
    """Calls functions in processes of this machine."""

    def __init__(self, workers: Workers, jobs: int, seconds: float) -> None:
        self._workers, self._seconds = workers, seconds
        # The threads do nothing but wait for the processes.
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="notebook")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a call; see `concurrent.futures.Executor.submit`."""
        if kwargs:
            raise TypeError("submit takes no arguments by name: they do not travel.")
        return self._threads.submit(self._workers.call, fn, *args, seconds=self._seconds)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End; see `concurrent.futures.Executor.shutdown`."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def _cluster(
    address: str, warm: bool, notebooks: Sequence[Path], seconds: float
) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise SettingsError(
            "execution.scheduler: a Dask cluster needs the package distributed. Install "
            "retention-models[dask]."
        ) from None
    connect = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(OSError),
        stop=tenacity.stop_after_attempt(_TRIES),
        wait=tenacity.wait_exponential(multiplier=0.2, max=2) + tenacity.wait_random(0, 0.1),
        reraise=True,
    )
    try:
        client = connect(Client, address, timeout=5, set_as_default=False)
    except OSError as error:
        raise SettingsError(
            f"execution.scheduler: no Dask scheduler answers at {address} ({error})."
        ) from None
    with _unsaid("distributed.client"), client:
        yield _ClusterExecutor(client, warm, tuple(notebooks), seconds)


@contextmanager
def _unsaid(name: str) -> Iterator[None]:
    """Keep a logger's tracebacks of a lost connection to itself: each page's failure tells of it."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


class _ClusterExecutor(Executor):
    def __init__(
        self, client: Any, warm: bool, notebooks: tuple[Path, ...], seconds: float
    ) -> None:
        self._executor = client.get_executor(pure=False)
        self._how = warm, notebooks, seconds

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if kwargs:
            raise TypeError("submit takes no arguments by name: they do not travel.")
        found: Future[Any] = self._executor.submit(call_beside, self._how, fn, *args)
        return found

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait)


_beside: dict[tuple[bool, tuple[Path, ...]], Workers] = {}
_opening = threading.Lock()


def call_beside(
    how: tuple[bool, tuple[Path, ...], float], function: Callable[..., Any], *arguments: Any
) -> Any:
    """On a cluster's worker: call a function in a process beside it, forked from a warm one.

    The worker keeps the warm process for the next call; it ends with the worker.
    """
    warm, notebooks, seconds = how
    with _opening:
        if (warm, notebooks) not in _beside:
            _beside[warm, notebooks] = Workers(warm=warm, notebooks=notebooks)
        workers = _beside[warm, notebooks]
    return workers.call(function, *arguments, seconds=seconds)


def execute_all(
    tasks: Sequence[Task], options: Options, workers: Workers | None = None
) -> Iterator[tuple[str, ExecutionResult]]:
    """Execute notebooks, several at once; the id and what became of each, as it ends."""
    notebooks = options.imports_of or tuple(dict.fromkeys(task.notebook for task in tasks))
    with open_executor(options, notebooks, workers) as executor:
        futures = _submitted(executor, tasks, options)
        try:
            for future in _as_ended(futures, options.limits.seconds + 2 * _BESIDE):
                yield futures[future].id, _result_of(future)
        finally:
            for future in futures:
                future.cancel()


def _as_ended(futures: Iterable[Future[Any]], seconds: float) -> Iterator[Future[Any]]:
    """Futures in the order in which they end; the rest as they are, where none does for too long.

    Each notebook ends within its limits, so that nobody works then: a cluster lost its workers.
    """
    left, ended = set(futures), SimpleQueue[Future[Any]]()
    for future in left:
        future.add_done_callback(ended.put)
    while left:
        try:
            future = ended.get(timeout=seconds)
        except Empty:
            yield from left
            return
        left.discard(future)
        yield future


def _submitted(
    executor: Executor, tasks: Sequence[Task], options: Options
) -> dict[Future[ExecutionResult], Task]:
    return {
        executor.submit(execute_task, task, options.limits, options.environment): task
        for task in tasks
    }


def _result_of(future: Future[ExecutionResult]) -> ExecutionResult:
    if not future.done() or future.cancelled():
        return ExecutionResult("kernel died", True, now(), now(), why="cluster lost")
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
