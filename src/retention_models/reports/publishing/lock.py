"""One run at a time per output folder."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retention_models.errors import LockHeld

LOCK = ".run.lock"

_held: set[Path] = set()
_guard = threading.Lock()


@contextmanager
def output_lock(folder: Path) -> Iterator[None]:
    """Hold an output folder's lock; nobody else publishes there meanwhile.

    The lock is the system's own, on the file ``.run.lock``: it ends with the process that holds it,
    however that ends, so a lock left by a killed run is no lock. The file says who holds it. Processes
    forked by the holder do not keep it.

    Parameters
    ----------
    folder : Path
        The output folder; exists.

    Raises
    ------
    LockHeld
        If another run holds it, with its pid, computer and start.
    OSError
        If the folder cannot be written.
    """
    path = (folder / LOCK).resolve()
    with _guard:
        # A process that closes any handle of the file loses the lock, so the file of a lock that this
        # process holds is not opened again.
        if path in _held:
            raise LockHeld(_refusal(folder, {"pid": os.getpid()}))
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = _owner(handle)
            os.close(handle)
            raise LockHeld(_refusal(folder, owner)) from None
        _held.add(path)
    try:
        _write_owner(handle)
        yield
    finally:
        with _guard:
            _held.discard(path)
            # The file stays: to remove it would let a third run lock another file of the same name.
            os.close(handle)


def _write_owner(handle: int) -> None:
    owner = {
        "pid": os.getpid(),
        "computer": socket.gethostname(),
        "since": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(owner).encode(), 0)


def _owner(handle: int) -> dict[str, object]:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return {}  # it has the lock and has not yet said so
    return owner if isinstance(owner, dict) else {}


def _refusal(folder: Path, owner: dict[str, object]) -> str:
    who = ", ".join(
        f"{name} {owner[name]}" for name in ("pid", "computer", "since") if name in owner
    )
    return (
        f"{folder}: another run is publishing there ({who or 'it has only just begun'}). Wait for it, "
        "or give this one another folder with --output."
    )
