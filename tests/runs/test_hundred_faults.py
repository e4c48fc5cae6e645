"""A hundred runs that something happens to at a random moment: always the truth, then all pages."""

import errno
import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd
import pytest

import nights
from faulty_shops import DAY, Shop, require_own_numbers, write_project
from nursery import Nursery
from processes import is_there
from retention_models.runs.execution.limits import LINUX, descendants
from retention_models.runs.publishing.manifest import DONE, read_manifest
from small_disks import Disk, mounted, unmount
from tiers import NIGHTLY, sized

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LINUX, reason="forks, and finds processes in /proc"),
]
PARTS = sized(1, 10)
KILLS = {"kill runner": 0, "kill warm parent": 1, "kill supervisor": 2, "kill notebook": 3}
OF_NOTEBOOKS = ("loops", "eats memory", "writes elsewhere", "prints")
OF_DISKS = {"full disk": errno.ENOSPC, "read-only": errno.EROFS}
KINDS = (*KILLS, "SIGTERM", *OF_DISKS, "clock", "second run", *OF_NOTEBOOKS)
CODES = {  # what the command may end with; 0 always, where it was over before
    **{kind: {0, 1} for kind in KILLS},
    "kill runner": {0, -signal.SIGKILL},
    "SIGTERM": {0, 143, -signal.SIGTERM},
    **{kind: {0, 1, 2} for kind in OF_DISKS},
    "clock": {0},
    "second run": {0, 3},
    "loops": {1},
    "eats memory": {1},
    "writes elsewhere": {0, 1},
    "prints": {0},
}


@dataclass(frozen=True)
class Fault:
    """What happens to a run, to which store, and what is there before.

    A run is hit at a moment between its start (0) and its end (1), or under way: between its manifest's
    first word and its end; its processes are hit while they work.
    """

    kind: str
    moment: float
    under_way: bool
    store: str
    seconds: float
    earlier: bool
    resume: bool


def drawn(seed: int) -> Fault:
    """The fault of a seed."""
    rng = random.Random(seed)
    kind, moment, store = rng.choice(KINDS), rng.random(), rng.choice("ab")
    seconds = rng.choice((-1, 1)) * rng.choice((90, 3_600, 86_400))
    seconds = rng.random() if kind == "writes elsewhere" else seconds
    return Fault(
        kind, moment, rng.random() < 0.5, store, seconds, *(rng.random() < 0.5 for _ in "ab")
    )


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """24 MB, or none."""
    place = tmp_path_factory.mktemp("disk")
    there = shutil.which("mount") and mounted("-t", "tmpfs", "-o", "size=24m", "none", str(place))
    yield Disk(place if there else None)
    if there:
        unmount(place)


@pytest.fixture(scope="module")
def nursery():
    """Runs that begin at once."""
    with Nursery() as found:
        yield found


@pytest.fixture(scope="module")
def calm(nursery, tmp_path_factory):
    """A night without a fault: its output as of the day before, and how long a run takes."""
    shop = Shop(tmp_path_factory.mktemp("calm"), tmp_path_factory.mktemp("out"), nursery)
    before = (nights.DAY - pd.Timedelta(days=1)).isoformat()
    taken = []
    for _ in range(2):
        begun = time.monotonic()
        assert 0 == shop.until_its_end(shop.start("--as-of", before, "--force"))
        taken.append(time.monotonic() - begun)
    return shop.output, min(taken)


def victim(pid: int, depth: int) -> int | None:
    """The runner, its warm parent at work, or one of the processes below; None where there is none."""
    level = [pid]
    for below in range(depth):
        level = [child for one in level for child in descendants(one, deep=False)]
        if not below:  # beside the one at work others wait to be asked for
            level = [one for one in level if descendants(one, deep=False)][:1]
    return level[-1] if level else None


def wait_for_its_moment(fault: Fault, shop: Shop, pid: int, seconds: float) -> None:
    """Until the run is where it is to be hit, or has ended."""
    depth, begun = KILLS.get(fault.kind, 0), shop.output / DAY / "manifest.json"
    while is_there(pid) and (
        (depth and victim(pid, depth) is None) or (fault.under_way and not begun.exists())
    ):
        time.sleep(0.005)
    time.sleep(fault.moment * seconds * (0.2 if depth else 0.9 if fault.under_way else 1.0))


def strike(fault: Fault, shop: Shop, pid: int, disk: Disk) -> int | None:
    """Do what is to happen to a run; the id of a second one."""
    if fault.kind in KILLS:
        if (found := victim(pid, KILLS[fault.kind])) is not None:
            with suppress(ProcessLookupError):  # it ended this moment
                os.kill(found, signal.SIGKILL)
    elif fault.kind == "SIGTERM" and is_there(pid):
        os.kill(pid, signal.SIGTERM)
    elif fault.kind == "full disk" and disk.place:
        disk.fill()
    elif fault.kind == "read-only" and disk.place:
        assert mounted("--bind", str(shop.output), str(shop.output))
        assert mounted("-o", "remount,bind,ro", str(shop.output))
    elif fault.kind == "second run":
        return shop.start()
    return None


def whole_run(fault: Fault, shop: Shop, disk: Disk, seconds: float) -> tuple[set[int], int]:
    """A run with a fault, what holds then, the mending, and a run without; the codes of both."""
    told, trouble = shop.folder / f"fault of {fault.store}", {}
    if fault.kind in OF_NOTEBOOKS:
        told.write_text(f"{fault.kind}:{fault.seconds}")
        write_project(shop.folder, seconds=1 if fault.kind == "loops" else 60)
    elif fault.kind == "clock":
        trouble = {"clock": fault.seconds}
    elif fault.kind in OF_DISKS and not disk.place:
        trouble = {"error": OF_DISKS[fault.kind]}
    pid = shop.start(**trouble, **({"after": fault.moment * seconds} if trouble else {}))
    if not trouble and fault.kind not in OF_NOTEBOOKS:
        wait_for_its_moment(fault, shop, pid, seconds)
    second = strike(fault, shop, pid, disk)
    codes = [
        shop.until_its_end(p, look=fault.kind != "writes elsewhere") for p in (pid, second) if p
    ]
    assert 0 in codes or fault.kind != "second run"
    require_what_the_code_says(shop, codes[0])
    if fault.kind == "read-only" and disk.place:
        unmount(shop.output)
    if fault.kind == "full disk" and disk.place:
        disk.free()
    if told.exists():
        told.unlink()
        write_project(shop.folder)
    return set(codes), shop.until_its_end(shop.start(*["--resume"] * fault.resume))


def require_what_the_code_says(shop: Shop, code: int, *, again: bool = False) -> None:
    """The manifest is true; with code 0 it is finished, and so are all; with 1 one at least is not."""
    nights.require_truth(shop.output, again=again)
    require_own_numbers(shop.output)
    if code in (0, 1):
        manifest = read_manifest(shop.output / DAY)
        assert "finished" == manifest.head["state"]
        assert manifest.head["started"]["utc"] <= manifest.head["ended"]["utc"]
        done = {entry["outcome"] in DONE for entry in manifest.stores.values()}
        assert (code == 0) == (done == {True})


def chosen_seeds() -> list[int]:
    """All hundred nightly; at every change the first of every third kind."""
    first: dict[str, int] = {}
    for seed in range(100):
        first.setdefault(drawn(seed).kind, seed)
    return list(range(100)) if NIGHTLY else [first[kind] for kind in KINDS[::3]]


@pytest.mark.sized
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_the_pages_are_whole_and_the_next_run_completes(
    part, nursery, calm, disk, tmp_path
):
    """Some seeds: no half page, no wrong status, no other store's number; then every store's page."""
    earlier, seconds = calm
    for seed in chosen_seeds()[part::PARTS]:
        fault = drawn(seed)
        folder = tmp_path / str(seed)
        output = folder / "reports"
        if fault.kind in OF_DISKS and disk.place:
            output = disk.place / str(seed)
        shop = Shop(folder, output, nursery)
        if fault.earlier:
            shutil.copytree(earlier, output, symlinks=True)
        else:
            output.mkdir()
        try:
            codes, after = whole_run(fault, shop, disk, seconds)
            assert codes <= CODES[fault.kind]
            assert 0 == after
            shop.require_pages()
        except BaseException as error:
            said = shop.log.read_text(encoding="utf-8")
            error.add_note(f"seed {seed}: {fault}, a run takes {seconds:.1f} s\n{said}")
            raise
        shutil.rmtree(output)


def test_every_kind_of_fault_is_among_the_hundred():
    """A few times each."""
    found = Counter(drawn(seed).kind for seed in range(100))
    assert set(KINDS) == set(found)
    assert min(found.values()) >= 3


@pytest.mark.sized
def test_a_run_fits_on_a_disk_or_says_that_it_is_full(nursery, disk, tmp_path):
    """A real one, full at the beginning or after some files."""
    if disk.place is None:
        pytest.skip("a file system in memory cannot be mounted here (as root it can)")
    output = disk.place / "fits"
    shop = Shop(tmp_path, output, nursery)
    output.mkdir()
    for room in (0, 40)[: sized(1, 2)]:
        kept = disk.place / "room"
        kept.write_bytes(b"x" * 1024 * room)
        disk.fill()
        kept.unlink()
        code = shop.until_its_end(shop.start("--force"))
        assert code in (0, 1, 2)
        assert code == 2 or room, shop.log.read_text(encoding="utf-8")
        require_what_the_code_says(shop, code, again=room > 0)
        disk.free()
        assert 0 == shop.until_its_end(shop.start())
        shop.require_pages()
    assert "No space left on device" in shop.log.read_text(encoding="utf-8")
