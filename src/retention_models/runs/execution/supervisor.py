"""A notebook in a forked process, watched from outside: time, memory, output, and how it ended."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from retention_models.runs.execution import forked
from retention_models.runs.execution.forked import Notebook
from retention_models.runs.execution.limits import (
    adopt_orphans,
    descendants,
    end_family,
    memory_of,
    out_of_memory_kills,
)
from retention_models.runs.execution.outputs import StreamBelowPython, events_of, now, rebuilt
from retention_models.runs.execution.results import (
    ExecutionResult,
    Limits,
    add_streams,
    described,
    mark_as_stopped,
    own_end,
    runs_of,
)
from retention_models.runs.publishing.files import private_folder, write_whole

_LOOK_EVERY = 0.1  # seconds
_GRACE = 3.0  # seconds from the asking to the killing, and for what follows the last cell


@dataclass
class _Watch:
    """A running notebook, and why it is being stopped."""

    pid: int
    limits: Limits
    streams: list[StreamBelowPython]
    scratch: Path
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = (
        None  # when the notebook wrote down its end, its process still being there
    )
    stopped: str = ""
    exceeded: str = ""
    amounts: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Stop the notebook if it is over a limit."""
        if self.ended is None and (self.scratch / forked.RECORD).exists():
            self.ended = time.monotonic()
        if self.ended is not None:
            if time.monotonic() - self.ended > _GRACE:
                end_family(self.pid)
        elif time.monotonic() - self.begun > self.limits.seconds:
            self._stop("timed out", "too long", {"seconds": self.limits.seconds})
        elif self.limits.memory is not None:
            held = memory_of(self.pid, self.limits.memory)
            if held > self.limits.memory:
                # It was killed, and this says by whom and why.
                sizes = {"held": float(held), "most": float(self.limits.memory)}
                self._stop("kernel died", "too large", sizes)

    def _stop(self, status: str, why: str, amounts: dict[str, float]) -> None:
        self.stopped, self.exceeded, self.amounts = status, why, amounts
        end_family(self.pid, grace=_GRACE if status == "timed out" else 0.0)


def execute_once(notebook: Notebook, limits: Limits) -> ExecutionResult:
    """Execute a notebook in a process forked from this one, which has its imports made."""
    with private_folder("notebook-") as scratch:
        return _watched(notebook, limits, scratch)


def _watched(notebook: Notebook, limits: Limits, scratch: Path) -> ExecutionResult:
    adopt_orphans()
    streams = [StreamBelowPython(limits.output), StreamBelowPython(limits.output)]
    started, kills, here = now(), out_of_memory_kills(), os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        return ExecutionResult("could not start", True, started, now(), text=str(error))
    if pid == 0:
        forked.run(notebook, limits, scratch, here, [stream.writing for stream in streams])
    for stream in streams:
        os.close(stream.writing)
    watch = _Watch(pid, limits, streams, scratch)
    status, usage = _until_it_ends(watch)
    _end_what_is_left()
    for stream in streams:
        stream.drain()
    found = _described(watch, status, out_of_memory_kills() > kills)
    found |= {"started": started, "ended": now(), "warm": True, "memory": usage.ru_maxrss * 1024}
    return _finish(notebook, watch, found)


def _until_it_ends(watch: _Watch) -> tuple[int, Any]:
    open_streams = {stream.reading: stream for stream in watch.streams}
    looked = 0.0
    while True:
        ready, _, _ = select.select(list(open_streams), [], [], _LOOK_EVERY)
        for descriptor in ready:
            if not open_streams[descriptor].drain():
                del open_streams[descriptor]
        pid, status, usage = os.wait4(watch.pid, os.WNOHANG)
        if pid:
            return status, usage
        if not open_streams:
            time.sleep(_LOOK_EVERY)
        if time.monotonic() - looked > _LOOK_EVERY:
            watch.look()
            looked = time.monotonic()


def _end_what_is_left() -> None:
    """End the processes that the notebook started and left behind; as orphans they are this one's."""
    for pid in descendants(os.getpid()):
        end_family(pid)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _described(watch: _Watch, status: int, out_of_memory: bool) -> dict[str, Any]:
    """How it ended: what the notebook wrote down, or else what its process' end tells."""
    if (watch.scratch / forked.RECORD).exists():
        return {"status": "ok"}
    code = os.waitstatus_to_exitcode(status)
    found = described(watch.stopped, watch.exceeded, code, watch.amounts)
    if out_of_memory and found.get("signal") == signal.SIGKILL and not watch.stopped:
        found["why"] = "out of memory"
    return found


def _finish(notebook: Notebook, watch: _Watch, found: dict[str, Any]) -> ExecutionResult:
    """Write the executed notebook as it truly ended, and the result of it."""
    events = events_of(watch.scratch / forked.JOURNAL)
    whole = watch.scratch / forked.EXECUTED
    if found["status"] == "ok":
        nb = nbformat.read(whole, as_version=4)
        failed = next((event for event in events if event["event"] == "failed"), None)
        found |= own_end(nb, failed)
    else:
        nb = rebuilt(events)
    texts = [stream.by_cell() for stream in watch.streams]
    found["log"] = "\n".join(rest.strip() for _, rest in texts if rest.strip())
    runs = runs_of(events)
    if nb is None:
        if found["status"] == "kernel died" and "signal" not in found:
            found["status"] = "could not start"
        nb = nbformat.read(notebook.source, as_version=4)
    elif found["status"] not in {"ok", "cell failed"}:
        found["cell"] = mark_as_stopped(nb, runs, found)
    if any(by_cell for by_cell, _ in texts) or not whole.exists() or found["status"] != "ok":
        add_streams(nb, texts)
        nbformat.write(nb, whole)
    write_whole(notebook.executed, whole.read_bytes(), synced=False)
    found["left_out"] = max([event.get("left_out", 0) for event in events], default=0)
    found["left_out"] += sum(stream.left_out for stream in watch.streams)
    return ExecutionResult(**found, cells=tuple(runs))
