"""Work done in other processes of this machine, again where one of them died.

What is to be called and what it returned travel as pickled files, the way `multiprocessing` sends them
through its pipes: a file, unlike a pipe, is whole or not there when its writer is killed. To read a
pickle is to run what it says, so they lie in a folder that is this user's alone (0700), made for this
object and removed with it, each file as soon as it was read. They are between two processes of one run
and one version of the package: no cache, and no model, is ever read from one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import tenacity

from retention_models.runs.execution import preload
from retention_models.runs.execution.forking import ForkedServer
from retention_models.runs.execution.results import signal_name
from retention_models.runs.execution.server import RESULT
from retention_models.runs.publishing.files import private_place, remove

_Result = TypeVar("_Result")
_TRIES = 3
_START = 300.0  # seconds that a server has to begin
_SILENT = 10.0  # seconds beyond its time after which a server that says nothing is given up
_END = 5.0  # seconds that a server has to end

log = logging.getLogger(__name__)


class WorkerDied(RuntimeError):
    """The process that did a piece of work is gone, and its result with it."""


class _TooLong(RuntimeError):
    """A piece of work took longer than it may; another try would, too."""


class _Server:
    """The other end of `server`."""

    def __init__(
        self,
        warm: bool,
        notebooks: Sequence[Path],
        folder: Path,
        forked: ForkedServer | None = None,
    ) -> None:
        settings = {
            "warm": warm,
            "notebooks": [str(path) for path in notebooks],
            "folder": str(folder),
        }
        self._process = forked or _started(warm)
        with contextlib.suppress(OSError):  # it ended at once, as is told below
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        self._writing = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._numbers = itertools.count()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        stream = self._process.stdout
        ready = stream is not None and select.select([stream], [], [], _START)[0]
        first = stream.readline() if stream is not None and ready else b""
        self._listening.start()
        if not first:
            self.end()
            raise WorkerDied(f"The process for notebooks ended at its start ({self._ended()}).")
        self.cold: str = json.loads(first)["cold"]

    @property
    def pid(self) -> int:
        """Id of its process."""
        return self._process.pid

    @property
    def is_there(self) -> bool:
        """Whether its process is."""
        return self._process.poll() is None

    def do(self, work: Path, seconds: float) -> None:
        """Have a piece of work done; returns when its result is there."""
        number, answer = next(self._numbers), queue.SimpleQueue[dict[str, Any] | None]()
        self._answers[number] = answer
        request = {"number": number, "work": str(work), "seconds": max(1, round(seconds))}
        try:
            with self._writing:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
                self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise WorkerDied("The process for notebooks is gone.") from None
        if not self.is_there:
            answer.put(None)  # it may have gone before this one was among those to be told
        try:
            found = answer.get(timeout=seconds + _SILENT)
        except queue.Empty:
            # Its process was stopped, or hangs: whoever else waits for it tries another.
            self._process.kill()
            raise _TooLong(f"It took longer than {round(seconds)} seconds.") from None
        # A result is a result, whatever its process did after it.
        if work.with_suffix(RESULT).exists():
            return
        if found is None:
            raise WorkerDied(f"The process for notebooks is gone ({self._ended()}).")
        code = found["code"]
        if found.get("late") or -code == getattr(signal, "SIGALRM", None):
            raise _TooLong(f"It took longer than {round(seconds)} seconds.")
        how = f"signal {-code}, {signal_name(-code)}" if code < 0 else f"exit code {code}"
        raise WorkerDied(f"The process that worked on it ended unexpectedly ({how}).")

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            for line in stream:
                answer = json.loads(line)
                waiting = self._answers.pop(answer["number"], None)
                if waiting is not None:
                    waiting.put(answer)
        self._process.wait()
        for waiting in list(self._answers.values()):
            waiting.put(None)

    def _ended(self) -> str:
        code = self._process.wait()
        return f"signal {-code}, {signal_name(-code)}" if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """End its process, and with it all that it started."""
        if self._process.stdin:
            with contextlib.suppress(OSError):  # it is gone already
                self._process.stdin.close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join()


def environment_of(warm: bool) -> dict[str, str]:
    """What a server's environment has beside that of the run."""
    found = {**dict.fromkeys(preload.ONE_THREAD, "1"), **preload.INLINE}
    return found | preload.NO_ALLOCATOR_THREAD if warm else found


def _started(warm: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "retention_models.runs.execution.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment_of(warm)},
        # A key press that interrupts the run is for the run, which ends this process.
        start_new_session=True,
    )


class Workers:
    """Processes of this machine that work can be sent to, by several threads at once.

    `warm` says whether they are forked from one that has made its imports, at first from `waiting`.
    """

    def __init__(
        self, *, warm: bool, notebooks: Sequence[Path] = (), waiting: ForkedServer | None = None
    ) -> None:
        self.warm, self._notebooks, self._waiting = warm, tuple(notebooks), waiting
        self._lock, self._ended = threading.Lock(), False
        self._shared: _Server | None = None
        self._idle: list[_Server] = []
        self._all: list[_Server] = []
        self._folder = private_place("work-")  # not made before `end` is sure to be called
        self._names = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End the processes; whoever waits for one is told that it is gone."""
        self._ended = True
        with self._lock:
            for server in self._all:
                server.end()
        remove(self._folder)

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that work is sent to."""
        return [server.pid for server in self._all if server.is_there]

    def call(self, function: Callable[..., _Result], *arguments: Any, seconds: float) -> _Result:
        """Call a function in another process."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, WorkerDied) and not self._ended
            ),
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_exponential(multiplier=0.1, max=2) + tenacity.wait_random(0, 0.1),
            before_sleep=lambda state: log.warning("%s Trying again.", state.outcome.exception()),  # type: ignore[union-attr]
            reraise=True,
        )
        found: _Result = retrying(self._call, function, arguments, seconds)
        return found

    def _call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float
    ) -> Any:
        server, work = self._take(), self._folder / f"{next(self._names)}.work"
        try:
            work.write_bytes(pickle.dumps((function, arguments)))
            server.do(work, seconds)
            return pickle.loads(work.with_suffix(RESULT).read_bytes())  # noqa: S301 - its own file
        except _TooLong as error:
            raise TimeoutError(str(error)) from None
        finally:
            self._give_back(server)
            for path in (work, work.with_suffix(RESULT)):
                path.unlink(missing_ok=True)

    def _take(self) -> _Server:
        with self._lock:
            if self._ended:
                raise WorkerDied("The run is ending.")
            if self.warm:
                if self._shared is None or not self._shared.is_there:
                    self._shared = self._started(warm=True)
                    if self._shared.cold:
                        log.warning("Notebooks run in ordinary kernels: %s.", self._shared.cold)
                        self.warm = False
                return self._shared
            while self._idle:
                server = self._idle.pop()
                if server.is_there:
                    return server
            return self._started(warm=False)

    def _started(self, *, warm: bool) -> _Server:
        log.info(
            "starting the process that makes the pages" if warm else "starting a process for pages"
        )
        self._folder.mkdir(mode=0o700, exist_ok=True)
        waiting, self._waiting = self._waiting, None
        server = _Server(warm, self._notebooks, self._folder, waiting if warm else None)
        log.info("its imports are made")
        self._all.append(server)
        return server

    def _give_back(self, server: _Server) -> None:
        with self._lock:
            if server.cold:
                self._idle.append(server)
