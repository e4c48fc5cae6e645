"""What a notebook's process writes to its streams below Python: drained, parted by cells, and capped."""

from __future__ import annotations

import os
import re

from retention_models.runs.execution.forked import BETWEEN
from retention_models.runs.execution.outputs import NOT_KEPT

_MARK = re.compile(re.escape(BETWEEN).replace(rb"%d", rb"(\d+)"))
_LONGEST_MARK = 64
_PIECE = 1 << 16


class Below:
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
