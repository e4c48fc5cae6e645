"""What is written so that a reader, or a crash, never sees half of it: files, folders, the link.

One run at a time per output folder.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import errno
import fcntl
import hashlib
import json
import logging
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from retention_models.errors import LockHeld

MAKING, OLD = ".making-", ".old-"

_LAST_WRITES = 2.0  # seconds
_NO_FILE = "0" * 64

log = logging.getLogger(__name__)
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def write_whole(path: Path, content: str | bytes, *, synced: bool = True) -> None:
    """Write a file aside (text as UTF-8), sync it, and rename it into place; the old one or the new.

    Synced unless it is only between processes of this machine, which a crash of it ends as well.
    """
    beside = path.with_name(f".{path.name}.writing")
    with open(beside, "wb") as stream:
        stream.write(content.encode("utf-8") if isinstance(content, str) else content)
        stream.flush()
        if synced:
            os.fsync(stream.fileno())
    os.replace(beside, path)
    if synced:
        _sync(path.parent)


def append(path: Path, content: bytes) -> None:
    """Add to a file, and sync it."""
    new = not path.exists()
    with open(path, "ab", buffering=0) as stream:
        rest = memoryview(content)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    if new:
        _sync(path.parent)


def new_folder(parent: Path) -> Path:
    """A folder to build in, on the file system where what is built will be renamed."""
    folder = Path(tempfile.mkdtemp(prefix=MAKING, dir=parent))
    folder.chmod(0o755)  # mkdtemp's is the owner's alone; web servers read as somebody else
    return folder


def private_place(prefix: str, parent: Path | None = None) -> Path:
    """Where a folder may be made with mode 0700: a path that nobody else can guess.

    Unlike `tempfile.mkdtemp` it makes nothing: a signal may come between the making of a folder and
    whatever is to remove it, and would leave it behind. Known beforehand, it is removed in any case.
    """
    return Path(parent or tempfile.gettempdir()) / f"{prefix}{secrets.token_urlsafe(6)}"


@contextmanager
def private_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder that is this user's alone for as long as a block lasts, whenever a signal ends it."""
    folder = private_place(prefix, parent)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, in which a process that was killed may still write for a moment."""
    until = time.monotonic() + _LAST_WRITES
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.01)


def copy_tree(source: Path, folder: Path) -> None:
    """Copy the files of a folder into another; the first that cannot be copied is the error."""
    for path in sorted(source.rglob("*")):
        copied = folder / path.relative_to(source)
        if path.is_dir():
            copied.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copied)


def sync_tree(folder: Path) -> None:
    """Bring every file of a folder, and the folder itself, to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() or path.is_file():  # to open a pipe would wait for its other end
            _sync(path)
    _sync(folder)


def swap_in(made: Path, target: Path) -> None:
    """Rename a finished, synced folder into place, exchanging it with one that is there.

    Where the file system can exchange two folders (Linux, local disks), a reader sees the old one or
    the new one at every moment. Where it cannot, the old one is renamed away first, and
    `clean_leftovers` brings it back if the run dies between the two.
    """
    if not target.exists():
        os.rename(made, target)
    elif _exchange(made, target):
        _sync(target.parent)
        shutil.rmtree(made)
        return
    else:
        old = target.with_name(f"{OLD}{target.name}")
        os.rename(target, old)
        os.rename(made, target)
        _sync(target.parent)
        shutil.rmtree(old)
        return
    _sync(target.parent)


def clean_leftovers(folder: Path) -> list[str]:
    """Remove what a run that was killed left in a folder; only under the lock."""
    found = []
    for old in sorted(folder.glob(f"{OLD}*")):
        target = old.with_name(old.name.removeprefix(OLD))
        if target.exists() or old.is_symlink():
            remove_whatever(old)
        else:
            os.rename(old, target)
        found.append(old.name)
    for left in (*sorted(folder.glob(f"{MAKING}*")), *sorted(folder.glob(".*.writing"))):
        remove_whatever(left)
        found.append(left.name)
    return found


def remove_whatever(path: Path) -> None:
    """Remove what bears a name: a link (not what it leads to), a file, or a folder with all in it.

    What cannot be removed stays, and the log says so: nobody is to go without a page for it.
    """
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            for inside in path.rglob("*"):
                if inside.is_dir() and not inside.is_symlink():
                    inside.chmod(0o700)  # a notebook may have closed it
            shutil.rmtree(path)
    except OSError as error:
        log.warning("%s could not be removed (%s)", path, error.strerror)


def point_to(link: Path, name: str) -> bool:
    """Let a symbolic link name its neighbour, in one step; False where something else bears its name."""
    if link.exists() and not link.is_symlink():
        return False
    beside = link.with_name(f".{link.name}.writing")
    beside.unlink(missing_ok=True)
    os.symlink(name, beside)
    os.replace(beside, link)
    _sync(link.parent)
    return True


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file under a folder, by its path in there.

    What is no file (a link, a pipe, a device) or cannot be read has one that no file has.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            found[name] = _NO_FILE
        elif path.is_file():
            try:
                found[name] = sha256(path)
            except (PermissionError, FileNotFoundError):
                found[name] = _NO_FILE
    return found


def no_file_in(folder: Path) -> str | None:
    """The path of the first thing under a folder that is neither a file nor a folder, or None."""
    return next((name for name, found in hashes(folder).items() if found == _NO_FILE), None)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def _renameat2() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None  # not Linux, or a C library of before 2018


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or its file system cannot."""
    call = _renameat2()
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(code, os.strerror(code), str(other))


LOCK = ".run.lock"

_held: set[Path] = set()
_guard = threading.Lock()


@contextmanager
def output_lock(folder: Path) -> Iterator[None]:
    """Hold an output folder's lock; nobody else publishes there meanwhile.

    The lock is the system's own, on the file ``.run.lock``: it ends with the process that holds it,
    however that ends, so a lock left by a killed run is no lock. The file says who holds it. Processes
    forked by the holder do not keep it.
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
    os.pwrite(handle, json.dumps(owner, allow_nan=False).encode(), 0)


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
