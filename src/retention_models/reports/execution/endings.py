"""How a notebook ended, and the executed notebook that says so: the same for forks and kernels."""

from __future__ import annotations

from typing import Any

import nbformat

from retention_models.reports.execution.results import CellRun, ExecutionResult

_NOT_RUN = "papermill-error-cell-tag"


def own_end(nb: nbformat.NotebookNode, failed: dict[str, Any] | None) -> dict[str, Any]:
    """The end of a notebook whose process lived: every cell ran, one failed, or it left by itself.

    Parameters
    ----------
    nb : NotebookNode
        As executed.
    failed : dict, optional
        cell, error, text and traceback of the cell that failed.
    """
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
    """The end of a notebook whose process did not live.

    Parameters
    ----------
    stopped, why : str
        Status and reason, a key of `results.SENTENCES`, where it was ended for a limit; else empty.
    code : int, optional
        Exit code; below 0 a signal.
    amounts : dict, optional
        What the reason tells.
    """
    found: dict[str, Any] = {"status": stopped or "kernel died", "why": why}
    found["amounts"] = amounts or {}
    found["over_limit"] = bool(stopped)
    if code is not None:
        found |= {"signal": -code} if code < 0 else {"exit_code": code}
    return found


def runs_of(marks: list[dict[str, Any]]) -> list[CellRun]:
    """The cells that were begun, from the marks of a journal."""
    ended = {mark["cell"]: mark["time"] for mark in marks if mark["event"] == "ended"}
    return [
        CellRun(mark["cell"], mark["time"], ended.get(mark["cell"]))
        for mark in marks
        if mark["event"] == "begun"
    ]


def mark_as_stopped(
    nb: nbformat.NotebookNode, runs: list[CellRun], found: dict[str, Any]
) -> int | None:
    """Say in the notebook which cell was running and did not end; those after it never began.

    Returns
    -------
    int or None
        That cell's place; None where the process ended between two cells.
    """
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
    """Put what was written below Python into the cell that wrote it, after its other outputs.

    Parameters
    ----------
    nb : NotebookNode
    texts : list
        For stdout and stderr: text by cell, and the rest.
    """
    # Beside a failed cell papermill sets two of its own, which were not run.
    cells = [c for c in nb.cells if _NOT_RUN not in c.metadata.get("tags", [])]
    for name, (by_cell, _) in zip(("stdout", "stderr"), texts, strict=True):
        for place, text in by_cell.items():
            if cells[place].cell_type == "code":
                output = nbformat.v4.new_output("stream", name=name, text=text)
                cells[place].outputs.append(output)
