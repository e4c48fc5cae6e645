"""The process that work is sent to: warm, it forks itself for each piece; cold, it does them in turn.

`python -m retention_models.runs.execution.server`, started by `workers`, or forked from a run that has
made most of its imports (`forking`). The first line in holds settings, each later one a piece of work:
its number and a file with what is to be called. A line out says how the process ended
that did it; what it returned is in a file, whole or not there. Without anyone left to read, it ends, and
with it all that it started and the folder of that work, which whoever was killed could not remove.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from retention_models.runs.execution import preload
from retention_models.runs.execution.limits import (
    adopt_orphans,
    descendants,
    die_with_parent,
    end_family,
)
from retention_models.runs.publishing.files import remove, write_whole

RESULT = ".result"
_LATE = 2.0  # seconds after its alarm in which a process that was stopped is killed


def main() -> None:
    """Serve until the other end is closed."""
    # Whatever prints here must not be taken for an answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    requests = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    first = b""
    while not first.endswith(b"\n"):
        some = os.read(requests, 1)  # no more than the line: the rest is work
        if not some:
            return  # there is nothing to make pages of
        first += some
    settings = json.loads(first)
    why_not = "" if settings["warm"] else "asked for"
    if settings["warm"]:
        preload.import_for([Path(path) for path in settings["notebooks"]])
        why_not = preload.why_not_forked()
    _answer(answers, ready=True, cold=why_not)
    if why_not:
        _serve_in_turn(requests, answers)
    else:
        # What a killed process leaves goes with that folder. Not for kernels: their sockets' names
        # are to be short.
        tempfile.tempdir = settings["folder"]
        _Forking(requests, answers).serve()
    remove(Path(settings["folder"]))


def _answer(answers: int, **content: Any) -> None:
    os.write(answers, json.dumps(content).encode() + b"\n")


def do(work: Path) -> None:
    """Call what a file of work holds, and write what it returned."""
    function, arguments = pickle.loads(work.read_bytes())  # noqa: S301 - the run's own file
    found = function(*arguments)
    write_whole(work.with_suffix(RESULT), pickle.dumps(found), synced=False)


def _serve_in_turn(requests: int, answers: int) -> None:
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            request = json.loads(line)
            do(Path(request["work"]))
            _answer(answers, number=request["number"], code=0)


class _Forking:
    """Forks a process for each piece of work. No thread, no loop but this one."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._numbers: dict[int, int] = {}  # of work, by the process that does it
        self._until: dict[int, float] = {}  # when it is ended, by the process
        self._woken, waking = os.pipe()
        for end in (self._woken, waking):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        self._waking = waking
        adopt_orphans()

    def serve(self) -> None:
        """Until nobody can send work any more; then end all."""
        text = b""
        while True:
            ready, _, _ = select.select([self._requests, self._woken], [], [], self._wait())
            if self._woken in ready:
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._reap()
            if self._requests in ready:
                more = os.read(self._requests, 1 << 16)
                if not more:
                    break
                *lines, text = (text + more).split(b"\n")
                for line in lines:
                    self._begin(json.loads(line))
        for pid in self._numbers:
            end_family(pid)

    def _wait(self) -> float | None:
        """End what is over its time, its own alarm being held up; seconds until the next may be."""
        now = time.monotonic()
        for pid, until in self._until.items():
            if until <= now and pid in self._numbers:
                end_family(pid)
        left = [until - now for pid, until in self._until.items() if pid in self._numbers]
        return max(min(left), 0.1) if left else None

    def _begin(self, request: dict[str, Any]) -> None:
        here = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _answer(self._answers, number=request["number"], code=1, why=str(error))
            return
        if pid:
            self._numbers[pid] = request["number"]
            self._until[pid] = time.monotonic() + request["seconds"] + _LATE
            return
        code = 1
        try:
            os.setsid()
            die_with_parent(here)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self._requests, self._answers, self._woken, self._waking):
                os.close(end)
            preload.FORKED = True
            signal.alarm(request["seconds"])  # ends it, should it hang in what is not watched
            do(Path(request["work"]))
            code = 0
        except BaseException:  # noqa: BLE001 - the process ends here, and says why
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                number = self._numbers.pop(pid, None)
                if number is not None:
                    code = os.waitstatus_to_exitcode(status)
                    late = self._until.pop(pid) <= time.monotonic()
                    _answer(self._answers, number=number, code=code, late=late)
        # Whatever a dead one left behind has become a child of this process.
        for pid in descendants(os.getpid(), deep=False):
            if pid not in self._numbers:
                end_family(pid)


if __name__ == "__main__":
    main()
