"""What a notebook's process writes to its streams below Python: drained, parted by cells, and capped."""

from __future__ import annotations

import os
import re

from retention_models.reports.execution.forked import BETWEEN

_MARK = re.compile(re.escape(BETWEEN).replace(rb"%d", rb"(\d+)"))
_PIECE = 1 << 16


class Below:
    """One stream; the reading end of its pipe.

    Parameters
    ----------
    limit : int
        Bytes that are kept.
    """

    def __init__(self, limit: int) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self._limit, self._kept, self.left_out = limit, bytearray(), 0

    def drain(self) -> bool:
        """Read what there is; whether more may come."""
        while True:
            try:
                piece = os.read(self.reading, _PIECE)
            except BlockingIOError:
                return True
            if not piece:
                return False
            room = self._limit - len(self._kept)
            # The marks between cells are kept whatever else is not.
            marks = b"" if room >= len(piece) else b"".join(m[0] for m in _MARK.finditer(piece))
            self._kept += piece[: max(room, 0)] + marks
            self.left_out += max(len(piece) - max(room, 0), 0)

    def by_cell(self) -> tuple[dict[int, str], str]:
        """Text by cell, and what was written after the last cell that ended."""
        parts = _MARK.split(bytes(self._kept))
        texts = {
            int(cell): text.decode(errors="replace")
            for text, cell in zip(parts[0:-1:2], parts[1::2], strict=True)
            if text
        }
        return texts, parts[-1].decode(errors="replace")

    def close(self) -> None:
        """Close the reading end."""
        os.close(self.reading)
