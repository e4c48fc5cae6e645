"""What becomes of a notebook's execution: a status that is never better than what happened."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "cell failed", "timed out", "kernel died", "could not start"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a notebook may use.

    Attributes
    ----------
    seconds : float
        Wall-clock time of the whole notebook.
    memory : int, optional
        Bytes that it may hold in memory, with the processes that it starts; None for no limit.
    output : int
        Bytes of output that are kept; what goes beyond is counted and left out.
    tries : int
        How often a notebook is begun whose process died or did not start; a cell's own error, a limit
        of time and one of memory are final.
    """

    seconds: float = 600.0
    memory: int | None = None
    output: int = 10_000_000
    tries: int = 3


@dataclass(frozen=True, slots=True)
class CellRun:
    """A cell that was begun: its place in the notebook, and when it began and ended (UTC, ISO 8601)."""

    cell: int
    started: str
    ended: str | None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What became of a notebook.

    Attributes
    ----------
    status : str
        "ok" only where every cell ran to its end without an error.
    warm : bool
        Whether it ran in a process forked from a warm one, or else in a kernel.
    started, ended : str
        UTC, ISO 8601.
    cells : tuple of CellRun
        The cells that were begun.
    cell : int, optional
        Place of the cell that failed or was running at the end, where there is one.
    error, text, traceback : str, optional
        Name of a cell's error, what it says, and where it came from.
    signal, exit_code : int, optional
        How the process ended that ran it, where it died.
    over_limit : bool
        Whether it was ended for its time or its memory.
    memory : int, optional
        Most bytes that it held, where known.
    log : str
        What its process said beside the cells' outputs.
    left_out : int
        Bytes of output that were not kept.
    tries : int
        How often it was begun.
    files : dict, optional
        sha256 of every file in its folder when it had ended, by path; None where that is not known.
    """

    status: Status
    warm: bool
    started: str
    ended: str
    cells: tuple[CellRun, ...] = ()
    cell: int | None = None
    error: str | None = None
    text: str | None = None
    traceback: str | None = None
    signal: int | None = None
    exit_code: int | None = None
    over_limit: bool = False
    memory: int | None = None
    log: str = ""
    left_out: int = 0
    tries: int = 1
    files: dict[str, str] | None = None

    @property
    def sentence(self) -> str:
        """What became of it, for the readers of a page: no data, no paths."""
        if self.status == "ok":
            return "Its notebook ran to its end."
        if self.status == "cell failed":
            return f"Cell {self.cell} of its notebook failed with {self.error}."
        if self.status == "could not start":
            return "The process for its notebook could not be started."
        if self.status == "timed out":
            return f"Its notebook was stopped: {self.text}."
        return f"The process that ran its notebook died{self._how}."

    @property
    def details(self) -> str:
        """What became of it, for who mends it."""
        said = [self.sentence, self.text or "", self.traceback or "", self.log]
        begun = "" if self.tries == 1 else f"It was begun {self.tries} times; this is the last."
        return "\n".join(part for part in [*said, begun] if part)

    @property
    def may_go_better(self) -> bool:
        """Whether another try is worth while: not after a cell's own error or a limit."""
        died = self.status in {"kernel died", "could not start"}
        return died and not self.over_limit

    @property
    def _how(self) -> str:
        if self.text is not None:
            return f": {self.text}"
        if self.signal is not None:
            return f" by signal {self.signal} ({signal_name(self.signal)})"
        return "" if self.exit_code is None else f" with exit code {self.exit_code}"

    def write(self, path: Path) -> None:
        """Write it as JSON; the file is there whole or not at all."""
        write_whole(path, json.dumps(asdict(self), ensure_ascii=False).encode())

    @classmethod
    def read(cls, path: Path) -> ExecutionResult:
        """What `write` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "cells": tuple(CellRun(**cell) for cell in found["cells"])})


def signal_name(number: int) -> str:
    """Name of a signal.

    Examples
    --------
    >>> signal_name(9)
    'SIGKILL'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it into it."""
    beside = path.with_name(f".{path.name}.writing")
    beside.write_bytes(content)
    beside.replace(path)
