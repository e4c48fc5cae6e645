"""Whole runs as processes of their own, forked from one that has made the imports: a second each.

`retention run` begins with seconds of imports, its warm process too. For a hundred runs the code of both
is what is run here, from their first line on; only their interpreters do not start anew.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

SPARES = 1  # warm processes that a run may fork; another one starts in the ordinary way


class Nursery:
    """A process that runs are forked from; only one thread of the tests may use it."""

    def __init__(self) -> None:
        from retention_models.runs.execution import preload

        once = {**dict.fromkeys(preload.ONE_THREAD, "1"), **preload.INLINE}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **once, **preload.NO_ALLOCATOR_THREAD, "PYTHONPATH": _path()},
        )
        self._said()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _said(self) -> Any:
        return json.loads(self._process.stdout.readline())

    def _ask(self, **request: Any) -> Any:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._said()

    def start(self, *arguments: str, log: Path, temporary: Path, **trouble: float) -> int:
        """Start `retention` with these arguments; the id of its process."""
        given = {"arguments": arguments, "log": str(log), "temporary": str(temporary)}
        return int(self._ask(**given, trouble=trouble))

    def wait(self, pid: int) -> int:
        """Its exit code; below 0 a signal."""
        return int(self._ask(wait=pid))


def _path() -> str:
    return os.pathsep.join(path for path in sys.path if path)


def main() -> None:
    """Fork a run for every line in, or wait for one."""
    import nbformat.validator

    from retention_models.project.chosen_models import code_sha256
    from retention_models.runs.execution import preload
    from retention_models.runs.publishing import fingerprints

    preload.import_for([])
    for module in ("retention_models.cli", "retention_models.runs.run", "nbconvert.exporters"):
        importlib.import_module(module)
    # What no run changes, and every run would find out or compile anew.
    code_sha256(), fingerprints.lock_entry()
    for version in ((4,), (4, 4), (4, 5)):
        nbformat.validator.get_validator(*version)
    assert "" == preload.why_not_forked()
    gc.collect()
    gc.freeze()
    print("0", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if not pid:
            _run(**request)
        print(pid, flush=True)


def _run(arguments: list[str], log: str, temporary: str, trouble: dict[str, float]) -> None:
    """Be `retention`, and end."""
    from retention_models import cli
    from retention_models.runs.execution import preload, workers

    code = 99
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for target, descriptor in enumerate((nothing, said, said)):
            os.dup2(descriptor, target)
        os.environ["TMPDIR"] = temporary
        tempfile.tempdir = None
        preload.settle_libraries()
        _make_trouble(trouble)
        spares = _Spares()
        workers.subprocess = SimpleNamespace(  # type: ignore[assignment]
            Popen=spares.take, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
        )
        sys.argv = ["retention", *arguments]
        cli.main()
    except SystemExit as left:
        code = left.code
    finally:
        sys.stderr.flush()
        os._exit(code)


def _make_trouble(trouble: dict[str, float]) -> None:
    """From a moment on, set the clock by some seconds; or let every sync to the disk fail."""
    at = time.monotonic() + trouble.get("after", 0.0)
    if "clock" in trouble:
        _set_clock(at, trouble["clock"])
    if "error" in trouble:
        sync = os.fsync

        def fsync(handle: int) -> None:
            if time.monotonic() > at:
                raise OSError(int(trouble["error"]), os.strerror(int(trouble["error"])))
            sync(handle)

        os.fsync = fsync


def _set_clock(at: float, seconds: float) -> None:
    import datetime as dt

    from retention_models.runs.execution import outputs
    from retention_models.runs.publishing import context, files

    class Changed(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> dt.datetime:
            jumped = dt.timedelta(seconds=seconds if time.monotonic() > at else 0.0)
            return dt.datetime.now(tz) + jumped

    changed = SimpleNamespace(**{**vars(dt), "datetime": Changed})
    for module in (outputs, context, files):
        module.dt = changed  # type: ignore[assignment]


class _Spares:
    """Processes forked before there is any thread, to be the warm ones when they are asked for."""

    def __init__(self) -> None:
        self._left: list[_Spare] = []
        for _ in range(SPARES):
            self._left.append(_Spare([end for spare in self._left for end in spare.ends]))

    def take(self, command: list[str], *, env: dict[str, str], **how: Any) -> Any:
        """As `subprocess.Popen`."""
        if not self._left:
            return subprocess.Popen(command, env=env, **how)
        spare = self._left.pop(0)
        spare.begin(command[-1], env)
        return spare


class _Spare:
    """One of them, with what the run uses of a `subprocess.Popen`."""

    def __init__(self, others: list[int]) -> None:
        told, telling = os.pipe()
        reading, asking = os.pipe()
        answered, answering = os.pipe()
        self.ends = [telling, asking, answered]
        self.pid = os.fork()
        if not self.pid:
            for end in (*others, *self.ends):
                os.close(end)
            _serve(told, reading, answering)
        for end in (told, reading, answering):
            os.close(end)
        self.stdin, self.stdout = os.fdopen(asking, "wb"), os.fdopen(answered, "rb")
        self._code: int | None = None

    def begin(self, settings: str, environment: dict[str, str]) -> None:
        """Let it serve."""
        with os.fdopen(self.ends[0], "w") as telling:
            json.dump({"settings": settings, "environment": environment}, telling)

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        with contextlib.suppress(ChildProcessError):
            if self._code is None and (found := os.waitpid(self.pid, os.WNOHANG))[0]:
                self._code = os.waitstatus_to_exitcode(found[1])
        return self._code

    def wait(self, timeout: float = 1e9) -> int:
        """Wait for its end."""
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a spare", timeout)
            time.sleep(0.005)
        return self.poll() or 0

    def kill(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)


def _serve(told: int, reading: int, answering: int) -> None:
    """Be the warm process, once the run asks for one; end with the run."""
    from retention_models.runs.execution import server

    code = 1
    try:
        os.setsid()
        with os.fdopen(told) as stream:
            text = stream.read()
        if text:
            given = json.loads(text)
            os.environ.update(given["environment"])
            os.dup2(reading, 0)
            os.dup2(answering, 1)
            os.close(reading)
            os.close(answering)
            sys.argv = ["server", given["settings"]]
            server.main()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
