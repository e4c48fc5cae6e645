"""The process that pages are made in, forked from a run before it reads: its imports are made once.

Only by the command `retention`, which does nothing else in its process: what another program holds open,
logs to or waits for is not to be in two processes.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from retention_models.runs.execution import preload
from retention_models.runs.execution.limits import LINUX

_END = 5.0  # seconds that a server has to end
_AGAIN = 0.01  # seconds after which it is asked again whether a process has ended


class ForkedServer:
    """`server` in a process forked from this one; what `subprocess.Popen` says of one it started."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        requests, to_it = os.pipe()
        from_it, answers = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self.pid = os.fork()
        if not self.pid:
            try:
                os.close(to_it)
                os.close(from_it)
                _serve(requests, answers, environment)
            finally:
                os._exit(1)
        os.close(requests)
        os.close(answers)
        self.stdin, self.stdout = os.fdopen(to_it, "wb"), os.fdopen(from_it, "rb")
        self._code: int | None = None
        self._asking = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, or None while it is there."""
        with self._asking:
            if self._code is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._code = os.waitstatus_to_exitcode(status) if pid else None
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; TimeoutExpired if it has not by then."""
        begun = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise subprocess.TimeoutExpired("server", timeout)
            time.sleep(_AGAIN)
        return code

    def kill(self) -> None:
        """End it at once."""
        with self._asking:
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)


def _serve(requests: int, answers: int, environment: Mapping[str, str]) -> None:
    """Be what `python -m …server` would be; ends the process."""
    from retention_models.runs.execution import server

    # A key press that interrupts the run is for the run, which ends this process.
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(requests, 0)
    os.dup2(answers, 1)
    os.close(requests)
    os.close(answers)
    # What notebooks log is no progress of the run.
    for name in (None, "retention_models"):
        logging.getLogger(name).handlers.clear()
    logging.getLogger("retention_models").setLevel(logging.NOTSET)
    logging.getLogger("retention_models").propagate = True
    os.environ.update(environment)
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use(environment["MPLBACKEND"])
    code = 1
    try:
        server.main()
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        sys.excepthook(*sys.exc_info())
    os._exit(code)


@contextmanager
def imports_of_a_run() -> Iterator[None]:
    """The imports of this process, which is a run and no more: they start no thread."""
    os.environ.update(preload.NO_ALLOCATOR_THREAD | dict.fromkeys(preload.ONE_THREAD, "1"))
    with preload.importing():
        yield
    preload.MAY_FORK = True


@contextmanager
def server_in_waiting(environment: Mapping[str, str]) -> Iterator[ForkedServer | None]:
    """A server that waits for its settings, where this process may be forked; it ends with the block."""
    if not preload.MAY_FORK or not LINUX:
        yield None
        return
    preload.close_libraries()
    server = None if preload.why_not_forked() else ForkedServer(environment)
    preload.settle_libraries()
    try:
        yield server
    finally:
        if server is not None:
            with suppress(OSError):  # it is gone already
                server.stdin.close()
            try:
                server.wait(_END)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
