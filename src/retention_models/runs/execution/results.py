"""What becomes of a notebook's execution: a status that is never better than what happened.

How a notebook ended, and the executed notebook that says so: the same for forks and kernels.
"""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat

from retention_models.languages import ENGLISH, catalogue, phrase, speaking, spoken
from retention_models.project.json_texts import json_text
from retention_models.runs.publishing.files import write_whole

SENTENCES = catalogue(
    {
        "ok": "Its notebook ran to its end.",
        "cell failed": "Cell {cell} of its notebook failed with {error}.",
        "could not start": "The process for its notebook could not be started.",
        "timed out": "Its notebook was stopped: {text}.",
        "too long": "Its notebook was stopped: it took longer than {seconds} seconds.",
        "kernel died": "The process that ran its notebook died.",
        "too large": (
            "The process that ran its notebook died: it held {held} GB of memory, more than the "
            "{most} GB that it may."
        ),
        "out of memory": (
            "The process that ran its notebook died: the machine ran out of memory, and the system "
            "ended it."
        ),
        "cluster lost": (
            "The cluster that was to run its notebook was lost: no scheduler, or no worker, answered."
        ),
        "other": "The process that ran its notebook died: {text}.",
        "signal": "The process that ran its notebook died by signal {number} ({name}).",
        "exit code": "The process that ran its notebook died with exit code {code}.",
    }
)

Status = Literal["ok", "cell failed", "timed out", "kernel died", "could not start"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a notebook may use."""

    seconds: float = 600.0  # wall-clock time of the whole notebook
    # Bytes that it may hold in memory, with the processes that it starts; None for no limit.
    memory: int | None = None
    # Bytes of output that are kept; what goes beyond is counted and left out.
    output: int = 10_000_000
    # How often a notebook is begun whose process died or did not start; a cell's own error, a
    # limit of time and one of memory are final.
    tries: int = 3


@dataclass(frozen=True, slots=True)
class CellRun:
    """A cell that was begun: its place in the notebook, and when it began and ended (UTC, ISO 8601)."""

    cell: int
    started: str
    ended: str | None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What became of a notebook."""

    status: Status  # "ok" only where every cell ran to its end without an error
    warm: bool  # whether it ran in a process forked from a warm one, or else in a kernel
    started: str  # UTC, ISO 8601
    ended: str  # UTC, ISO 8601
    cells: tuple[CellRun, ...] = ()  # the cells that were begun
    # Place of the cell that failed or was running at the end, where there is one.
    cell: int | None = None
    error: str | None = None  # name of a cell's error
    text: str | None = None  # what it says
    traceback: str | None = None  # where it came from
    why: str = ""  # why it was ended, a key of `SENTENCES`, where there is one for it
    # What that sentence tells: seconds, or bytes.
    amounts: dict[str, float] = field(default_factory=dict)
    signal: int | None = None  # how the process ended that ran it, where it died
    exit_code: int | None = None  # how the process ended that ran it, where it died
    over_limit: bool = False  # whether it was ended for its time or its memory
    memory: int | None = None  # most bytes that it held, where known
    log: str = ""  # what its process said beside the cells' outputs
    left_out: int = 0  # bytes of output that were not kept
    tries: int = 1  # how often it was begun
    # The sha256 of every file in its folder when it had ended, by path; None where that is not known.
    files: dict[str, str] | None = None

    @property
    def sentence(self) -> str:
        """What became of it, for the readers of a page and in their language: no data, no paths."""
        if self.why:
            return phrase(SENTENCES[self.why], **_shown(self.amounts))
        if self.status == "kernel died":
            return self._died
        places = {"cell": self.cell, "error": self.error, "text": self.text}
        return phrase(SENTENCES[self.status], **places)

    @property
    def details(self) -> str:
        """What became of it, for who mends it, in English."""
        with speaking(ENGLISH):
            said = [self.sentence, self.text or "", self.traceback or "", self.log]
        begun = "" if self.tries == 1 else f"It was begun {self.tries} times; this is the last."
        return "\n".join(part for part in [*said, begun] if part)

    @property
    def may_go_better(self) -> bool:
        """Whether another try is worth while: not after a cell's own error or a limit."""
        died = self.status in {"kernel died", "could not start"}
        return died and not self.over_limit

    @property
    def _died(self) -> str:
        if self.text is not None:
            return phrase(SENTENCES["other"], text=self.text)
        if self.signal is not None:
            name = signal_name(self.signal)
            return phrase(SENTENCES["signal"], number=self.signal, name=name)
        if self.exit_code is not None:
            return phrase(SENTENCES["exit code"], code=self.exit_code)
        return phrase(SENTENCES["kernel died"])

    def write(self, path: Path) -> None:
        """Write it as JSON; the file is there whole or not at all."""
        write_whole(path, json_text(asdict(self)), synced=False)

    @classmethod
    def read(cls, path: Path) -> ExecutionResult:
        """What `write` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "cells": tuple(CellRun(**cell) for cell in found["cells"])})


def _shown(amounts: dict[str, float]) -> dict[str, str]:
    """Seconds to three digits, bytes in GB to one after the point."""
    figures = spoken().figures
    return {
        name: figures(f"{value:.3g}" if name == "seconds" else f"{value / 1e9:.1f}")
        for name, value in amounts.items()
    }


def signal_name(number: int) -> str:
    """Name of a signal.

    >>> signal_name(9)
    'SIGKILL'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


_NOT_RUN = "papermill-error-cell-tag"


def own_end(nb: nbformat.NotebookNode, failed: dict[str, Any] | None) -> dict[str, Any]:
    """The end of a notebook whose process lived: every cell ran, one failed, or it left by itself."""
    if failed is not None:
        told = {name: failed[name] for name in ("cell", "error", "text", "traceback")}
        return {"status": "cell failed", **told}
    for place, cell in enumerate(nb.cells):
        if cell.metadata.get("papermill", {}).get("status") == "failed":
            said = "The notebook left before its last cell."
            return {"status": "cell failed", "cell": place, "error": "SystemExit", "text": said}
    return {"status": "ok"}


def described(
    stopped: str, why: str, code: int | None, amounts: dict[str, float] | None = None
) -> dict[str, Any]:
    """The end of a notebook whose process did not live."""
    found: dict[str, Any] = {"status": stopped or "kernel died", "why": why}
    found["amounts"] = amounts or {}
    found["over_limit"] = bool(stopped)
    if code is not None:
        found |= {"signal": -code} if code < 0 else {"exit_code": code}
    return found


def runs_of(events: list[dict[str, Any]]) -> list[CellRun]:
    """The cells that were begun, from the events of a journal."""
    ended = {event["cell"]: event["time"] for event in events if event["event"] == "ended"}
    return [
        CellRun(event["cell"], event["time"], ended.get(event["cell"]))
        for event in events
        if event["event"] == "begun"
    ]


def mark_as_stopped(
    nb: nbformat.NotebookNode, runs: list[CellRun], found: dict[str, Any]
) -> int | None:
    """Say in the notebook which cell was running and did not end; those after it never began."""
    told = {"warm": True, "started": "", "ended": ""}
    sentence = ExecutionResult(**{**told, **found}).sentence
    begun = {run.cell: run for run in runs}
    last = None
    for place, cell in enumerate(nb.cells):
        run = begun.get(place)
        status = "pending" if run is None else "completed" if run.ended else "failed"
        cell.metadata.papermill = {
            "status": status,
            "start_time": None if run is None else run.started,
            "end_time": None if run is None else run.ended,
            "exception": None if run is None else status == "failed",
        }
        if status == "failed":
            last = place
            if cell.cell_type == "code":
                end = {"ename": "NotebookStopped", "evalue": sentence, "traceback": [sentence]}
                cell.outputs.append(nbformat.v4.new_output("error", **end))
    nb.metadata.papermill = {**nb.metadata.get("papermill", {}), "exception": True}
    return last


def add_streams(nb: nbformat.NotebookNode, texts: list[tuple[dict[int, str], str]]) -> None:
    """Put what was written below Python into the cell that wrote it, after its other outputs."""
    # Beside a failed cell papermill sets two of its own, which were not run.
    cells = [c for c in nb.cells if _NOT_RUN not in c.metadata.get("tags", [])]
    for name, (by_cell, _) in zip(("stdout", "stderr"), texts, strict=True):
        for place, text in by_cell.items():
            if cells[place].cell_type == "code":
                output = nbformat.v4.new_output("stream", name=name, text=text)
                cells[place].outputs.append(output)
