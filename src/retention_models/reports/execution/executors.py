"""Where notebooks run: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tenacity

from retention_models.errors import SettingsError
from retention_models.reports.execution.workers import Workers

if TYPE_CHECKING:
    from retention_models.reports.execution.fan_out import Options

_BESIDE = 120.0  # seconds for all that is not the notebook, before its process is ended
_TRIES = 3


@contextmanager
def open_executor(options: Options, notebooks: Sequence[Path]) -> Iterator[Executor]:
    """An executor for a run's notebooks; what is under way when it is closed is ended.

    Parameters
    ----------
    options : Options
    notebooks : sequence of Path
        Whose imports are made beforehand.

    Raises
    ------
    SettingsError
        If the scheduler cannot be reached, or `distributed` is not installed.
    """
    seconds = options.limits.seconds + _BESIDE
    if options.scheduler is not None:
        with _cluster(options.scheduler, options.warm, notebooks, seconds) as executor:
            yield executor
        return
    with (
        Workers(warm=options.warm, notebooks=notebooks) as workers,
        LocalExecutor(workers, options.jobs, seconds) as executor,
    ):
        try:
            yield executor
        except BaseException:
            # Before the threads are waited for: each of them waits for a process.
            workers.end()
            raise


class LocalExecutor(Executor):
    """Calls functions in processes of this machine.

    Parameters
    ----------
    workers : Workers
    jobs : int
        How many at once.
    seconds : float
        How long each may take.
    """

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
    with client:
        yield _ClusterExecutor(client, warm, tuple(notebooks), seconds)


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
