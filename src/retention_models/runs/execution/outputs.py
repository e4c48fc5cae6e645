"""A notebook's outputs as they come: kept in order up to a limit, and written down at once.

The process that runs a notebook may be killed at any moment. Whatever it had shown by then stands in its
journal, from which `rebuilt` makes the notebook as it was. What it writes to its streams below Python is
drained by a `StreamBelowPython`, parted by cells and capped.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat

from retention_models.project.json_texts import json_text

NOT_KEPT = "\n[Further output was not kept: the notebook may show {limit:,} bytes in all.]\n"


def now() -> str:
    """The time, UTC, ISO 8601."""
    return dt.datetime.now(tz=dt.UTC).isoformat()


class Journal:
    """A file with a line of JSON for everything that happens."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def note(self, **event: Any) -> None:
        """Write a line, which outlives this process."""
        self._file.write(json_text(event).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Outputs:
    """Outputs of the cells of a notebook, from messages as a kernel sends them."""

    def __init__(
        self,
        notebook: nbformat.NotebookNode,
        limit: int,
        note: Callable[..., None] = lambda **_: None,
    ) -> None:
        self._notebook, self._limit, self._note = notebook, limit, note
        self._shown: dict[str, list[Any]] = {}
        self._clear_next = False
        self.cell = 0
        self.kept = 0
        self.left_out = 0

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of a kernel, by its type and content."""
        size = 0 if kind == "clear_output" else len(json.dumps(content))
        if kind != "error" and self.kept + size > self._limit:
            self._leave_out(kind, content, size)
            return
        self.kept += size
        self._note(event="output", cell=self.cell, kind=kind, content=content)
        self.apply(kind, content)

    def _leave_out(self, kind: str, content: dict[str, Any], size: int) -> None:
        room = self._limit - self.kept
        if kind == "stream" and room > 0 and not self.left_out:
            # What fits of the text; a character is at most six bytes of JSON and the rest is little.
            begin = {**content, "text": content["text"][: room // 6]}
            self._note(event="output", cell=self.cell, kind=kind, content=begin)
            self.apply(kind, begin)
        if not self.left_out:
            said = {"name": "stderr", "text": NOT_KEPT.format(limit=self._limit)}
            self._note(event="output", cell=self.cell, kind="stream", content=said)
            self.apply("stream", said)
        self.kept = self._limit
        self.left_out += size

    def apply(self, kind: str, content: dict[str, Any]) -> None:
        """Fill the message into its cell, as a notebook in a browser would."""
        outputs = self._notebook.cells[self.cell].outputs
        if kind == "clear_output":
            self._clear_next = bool(content["wait"])
            if not self._clear_next:
                outputs.clear()
            return
        if kind == "update_display_data":
            for output in self._shown.get(content["transient"].get("display_id"), ()):
                output.data = nbformat.from_dict(content["data"])
                output.metadata = nbformat.from_dict(content["metadata"])
            return
        if self._clear_next:
            outputs.clear()
            self._clear_next = False
        last = outputs[-1] if outputs else None
        if kind == "stream" and last is not None and last.get("name") == content["name"]:
            last.text += content["text"]
            return
        outputs.append(_output_of(kind, content))
        name = content.get("transient", {}).get("display_id")
        if name:
            self._shown.setdefault(name, []).append(outputs[-1])


# What a notebook keeps of a message, by its type.
_FIELDS = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}


def _output_of(kind: str, content: dict[str, Any]) -> nbformat.NotebookNode:
    """A message as an output of a notebook; ValidationError if none can hold it."""
    output = nbformat.from_dict(
        {"output_type": kind, **{name: content[name] for name in _FIELDS[kind]}}
    )
    # As the one of a notebook: nbformat's check of whole notebooks takes a third of that of parts.
    cell = {"id": "0", "cell_type": "code", "source": "", "execution_count": None}
    around = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    nbformat.validate({**around, "cells": [{**cell, "metadata": {}, "outputs": [output]}]})
    return output


def events_of(journal: Path) -> list[dict[str, Any]]:
    """What a journal tells of; a last line that was cut short is left out."""
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.is_file() else []
    return [json.loads(line) for line in lines]


def rebuilt(events: Iterable[dict[str, Any]]) -> nbformat.NotebookNode | None:
    """The notebook that a journal's events tell of, as far as it came."""
    notebook, outputs = None, None
    for event in events:
        if event["event"] == "notebook":
            notebook = nbformat.from_dict(event["notebook"])
            outputs = Outputs(notebook, 0)
        elif event["event"] == "output" and outputs is not None:
            outputs.cell = event["cell"]
            outputs.apply(event["kind"], event["content"])
    return notebook


BETWEEN = b"\x00--- cell %d ended ---\x00\n"
_MARK = re.compile(re.escape(BETWEEN).replace(rb"%d", rb"(\d+)"))
_LONGEST_MARK = 64
_PIECE = 1 << 16


class StreamBelowPython:
    """One stream; the reading end of its pipe."""

    def __init__(self, limit: int) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self._limit, self._room, self.left_out = limit, limit, 0
        self._cells: dict[int, bytes] = {}
        self._kept = bytearray()  # since the last mark
        self._tail = b""  # may be the beginning of a mark

    def drain(self) -> bool:
        """Read what there is; whether more may come."""
        while True:
            try:
                piece = os.read(self.reading, _PIECE)
            except BlockingIOError:
                return True
            if not piece:
                return False
            self._take(self._tail + piece)

    def _take(self, text: bytes) -> None:
        begin = 0
        for mark in _MARK.finditer(text):
            self._keep(text[begin : mark.start()])
            if self._kept:
                self._cells[int(mark[1])] = bytes(self._kept)
            self._kept.clear()
            begin = mark.end()
        end = max(len(text) - _LONGEST_MARK, begin)
        self._keep(text[begin:end])
        self._tail = text[end:]

    def _keep(self, text: bytes) -> None:
        kept = text[: self._room]
        self._kept += kept
        if len(kept) < len(text) and not self.left_out:
            self._kept += NOT_KEPT.format(limit=self._limit).encode()
        self._room -= len(kept)
        self.left_out += len(text) - len(kept)

    def by_cell(self) -> tuple[dict[int, str], str]:
        """Text by cell, and what was written after the last cell that ended."""
        texts = {cell: text.decode(errors="replace") for cell, text in self._cells.items()}
        rest = bytes(self._kept) + self._tail[: self._room]
        return texts, rest.decode(errors="replace")

    def close(self) -> None:
        """Close the reading end."""
        os.close(self.reading)
