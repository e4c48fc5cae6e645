"""A small file system in memory that can be filled, where this user may mount one."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A small file system in memory, where this user may mount one."""

    place: Path | None

    def fill(self) -> None:
        """Until not a byte goes on it."""
        with open(self.place / "filler", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with pytest.raises(OSError, match="No space left on device"):
                    write_on(file, b"x" * size)

    def free(self) -> None:
        """Take the filler away."""
        (self.place / "filler").unlink(missing_ok=True)


def write_on(file: FileIO, piece: bytes) -> None:
    """Write a piece again and again."""
    while True:
        file.write(piece)


def mounted(*arguments: str) -> bool:
    """Mount something, where that is allowed."""
    return 0 == subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode


def unmount(place: Path) -> None:
    """Take off what was mounted last."""
    subprocess.run(["umount", "-l", place], check=True)
