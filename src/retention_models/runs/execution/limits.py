"""What processes use and how they are ended: memory from /proc, whole families of processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

LINUX = sys.platform == "linux"
_PROC = Path("/proc")
_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36  # prctl's PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER
# Numbers of mallopt: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, each with its bytes.
_KEEP, _KEPT, _OWN_MAP, _LARGEST = -1, 1 << 26, -3, 1 << 25
_KILL_FIRST = b"500"  # of 1000: what a notebook holds is given up before the run that watches it


def machine_memory() -> int | None:
    """Bytes that this machine, or the container around this process, may hold; None where unknown."""
    if not LINUX:
        return None
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max", or no such file: no limit
            total = min(total, int(Path(name).read_text(encoding="ascii")))
    return total


def die_with_parent(parent: int) -> None:
    """Let the kernel end this process when its parent ends, however that happens."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of all that descends from this process, also where it lets go of its own."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)


def be_killed_first() -> None:
    """Where the machine runs out of memory, let it end this process before others."""
    if LINUX:
        with contextlib.suppress(OSError):  # a container may not allow it: nothing is lost
            Path("/proc/self/oom_score_adj").write_bytes(_KILL_FIRST)


def keep_freed_memory() -> None:
    """Let what arrays give back be used by the next, where it would go back to the kernel each time."""
    if LINUX:
        libc = ctypes.CDLL(None)
        with contextlib.suppress(AttributeError):  # another C library, which has its own ways
            libc.mallopt(_OWN_MAP, _LARGEST)
            libc.mallopt(_KEEP, _KEPT)


def descendants(pid: int, *, deep: bool = True) -> list[int]:
    """Ids of a process' children and, going deep, of their children, and so on."""
    found, further = [], [pid]
    while further:
        parent = _PROC / str(further.pop()) / "task"
        with contextlib.suppress(OSError):  # it ended meanwhile
            for task in parent.iterdir():
                children = (task / "children").read_text(encoding="ascii").split()
                found += [int(child) for child in children]
                further += [int(child) for child in children] if deep else []
    return found


def memory_of(pid: int, limit: int) -> int:
    """Bytes that a process and its descendants hold; above the limit, shared pages count once."""
    family = [pid, *descendants(pid)]
    held = sum(_resident(p) for p in family)
    return held if held <= limit else sum(_proportional(p) for p in family)


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):  # it ended meanwhile
        pages = (_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)


def out_of_memory_kills() -> int:
    """How many processes this machine has ended so far for want of memory; 0 where unknown."""
    with contextlib.suppress(OSError):
        for line in (_PROC / "vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def end_family(pid: int, *, grace: float = 0.0) -> None:
    """End a process and all that descends from it: asked first, then killed."""
    if grace:
        _signal([pid], signal.SIGTERM)
        until = time.monotonic() + grace
        while _is_running(pid) and time.monotonic() < until:
            time.sleep(0.05)
    # Again, since one that is about to be killed may have started another.
    for _ in range(20):
        family = [p for p in [pid, *descendants(pid)] if _is_running(p)]
        if not family:
            return
        _signal(family, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        time.sleep(0.02)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _is_running(pid: int) -> bool:
    """Whether a process is there and is not only waiting to be reaped."""
    if not LINUX:
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            return True
        return False
    with contextlib.suppress(OSError):
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return stat[stat.rindex(")") + 2] not in "ZX"
    return False
