"""A hundred runs that something happens to at a random moment: always the truth, then all pages."""

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import nights
import shops
from nursery import Nursery
from retention_models.reports.execution.limits import LINUX, descendants
from retention_models.reports.publishing.manifest import DONE, read_manifest
from test_execution_faults import is_there
from test_run import GOOD, failing_notebook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LINUX, reason="forks, and finds processes in /proc"),
]
DAY = nights.DAY.isoformat()
NUMBERS = {"a": 1111.01, "b": 2222.02}
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
SETTINGS = """
[reports]
notebook = "mine.ipynb"
[execution]
time_limit = {seconds}
memory = "600MB"
output = "200KB"
"""
NOTEBOOK = (
    GOOD
    + """
import time
import retention_models as rm

folder = pathlib.Path(output_folder)
summary = rm.open_store(project_file, store_id, as_of=as_of).summary
number = float(summary["monetary_value"].max())
print(f"The number of this store is {number:.2f}.")
made["store"], measures["spend_per_order"] = store_id, {"value": number}
texts = {"metrics.json": json.dumps(made), "customers.csv": summary.to_csv()}
for name, text in texts.items():
    (folder / name).write_text(text)
told = pathlib.Path(project_file).with_name(f"fault of {store_id}")
kind, _, seconds = told.read_text().partition(":") if told.exists() else ("", "", "")
if kind == "loops":
    while True:
        pass
elif kind == "eats memory":
    eaten = []
    while True:
        eaten.append(bytearray(20_000_000))
elif kind == "prints":
    for _ in range(100):
        print("x" * 1_000_000)
elif kind == "writes elsewhere":
    time.sleep(float(seconds))
    page = f"<html>{number:.2f}</html>"
    texts |= {"store_report.html": page, "store_report.ipynb": json.dumps({"cells": [page]})}
    (folder.parent / "ab".replace(store_id, "")).mkdir(exist_ok=True)
    for place in folder.parent.iterdir():
        if place.is_dir() and place != folder:
            published = not place.name.startswith(".")
            for name in texts if published else set(texts) - {"customers.csv"}:
                (place / name).write_text(texts[name])
"""
)


@dataclass(frozen=True)
class Fault:
    """What happens to a run, when (0: its start, 1: its end), to which store, and what is there."""

    kind: str
    moment: float
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
    return Fault(kind, moment, store, seconds, rng.random() < 0.5, rng.random() < 0.5)


def write_project(folder: Path, seconds: int = 60) -> Path:
    """Two stores whose customers always spend the store's number."""
    days = ("2023-02-01", "2023-05-01", "2023-12-01")
    rows = [
        (f"{customer}", day, number, store)
        for store, number in NUMBERS.items()
        for customer in range(5)
        for day in days
    ]
    log = pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"])
    return shops.write_project(folder, log, list("ab"), extra=SETTINGS.format(seconds=seconds))


class Shop:
    """A project with a notebook, its output folder, and whoever runs it."""

    def __init__(self, folder: Path, output: Path, nursery: Nursery) -> None:
        self.folder, self.output, self.nursery = folder, output, nursery
        self.log, self.temporary = folder / "log.txt", folder / "temporary"
        self.project = write_project(folder)
        self.temporary.mkdir()
        failing_notebook(folder, NOTEBOOK)

    def start(self, *more: str, **trouble: float) -> int:
        """Begin a run."""
        line = ("run", str(self.project), "--jobs", "2", "--output", str(self.output), *more)
        return self.nursery.start(*line, log=self.log, temporary=self.temporary, **trouble)

    def until_its_end(self, pid: int, *, look: bool = True) -> int:
        """A run's exit code; until it ends, readers look at the pages."""
        until = time.monotonic() + 90
        while is_there(pid):
            assert time.monotonic() < until, self.log.read_text()
            if look:
                require_own_numbers(self.output)
            time.sleep(0.06)
        return self.nursery.wait(pid)

    def require_pages(self) -> None:
        """Every store has its page, nothing is left over, and readers are led there."""
        manifest = read_manifest(self.output / "latest")
        assert "finished" == manifest.head["state"]
        assert list("ab") == list(manifest.stores)
        assert {entry["outcome"] for entry in manifest.stores.values()} <= DONE
        assert DAY == os.readlink(self.output / "latest")
        assert [".run.lock"] == [path.name for path in self.output.rglob(".*")]
        nights.require_truth(self.output)
        require_own_numbers(self.output)
        index = (self.output / DAY / "index.html").read_text(encoding="utf-8")
        for store, number in NUMBERS.items():
            page = self.output / DAY / store / "store_report.html"
            assert f"{number:.2f}" in page.read_text(encoding="utf-8")
            assert stands_in(number, index)
        until = time.monotonic() + 15
        while any(self.temporary.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)  # of a killed run: what is left goes with its last process
        assert [] == list(self.temporary.iterdir())


def stands_in(number: float, text: str) -> bool:
    """Whether a number stands in a text, with a comma or without."""
    return re.search(f"{number:,.2f}".replace(",", ",?"), text) is not None


def require_own_numbers(output: Path) -> None:
    """No page is half, and none has another store's number; nor has a store's row in the index."""
    for store, other in ("ab", "ba"):
        for folder in output.glob(f"????-??-??/{store}"):
            for name in ("store_report.html", "metrics.json", "customers.csv"):
                try:
                    text = (folder / name).read_text(encoding="utf-8")
                except FileNotFoundError:
                    continue  # it is not there, or is being exchanged
                assert not name.endswith(".html") or text.rstrip().endswith("</html>")
                assert not stands_in(NUMBERS[other], text), (folder, name)
    for index in output.glob("????-??-??/index.html"):
        for row in re.findall(r"<tr>.*?</tr>", index.read_text(encoding="utf-8"), re.DOTALL):
            shown = {store for store in "ab" if f"<bdi>{store}</bdi>" in row}
            assert {s for s, number in NUMBERS.items() if stands_in(number, row)} <= shown


@dataclass(frozen=True)
class Disk:
    """A small file system in memory, where this user may mount one."""

    place: Path | None

    def fill(self) -> None:
        """Until not a byte goes on it."""
        with open(self.place / "filler", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with pytest.raises(OSError, match="No space left on device"):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Take the filler away."""
        (self.place / "filler").unlink(missing_ok=True)


def mounted(*arguments: str) -> bool:
    """Mount something, where that is allowed."""
    return 0 == subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode


def unmount(place: Path) -> None:
    """Take off what was mounted last."""
    subprocess.run(["umount", "-l", place], check=True)


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


def strike(fault: Fault, shop: Shop, pid: int, disk: Disk) -> int | None:
    """Do what is to happen to a run; the id of a second one."""
    if fault.kind in KILLS:
        while is_there(pid):
            if (found := victim(pid, KILLS[fault.kind])) is not None:
                os.kill(found, signal.SIGKILL)
                break
            time.sleep(0.005)
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


def whole_run(fault: Fault, shop: Shop, disk: Disk, seconds: float) -> None:
    """A run with a fault, what holds then, the mending, and a run without."""
    told, trouble = shop.folder / f"fault of {fault.store}", {}
    if fault.kind in OF_NOTEBOOKS:
        told.write_text(f"{fault.kind}:{fault.seconds}")
        write_project(shop.folder, seconds=2 if fault.kind == "loops" else 60)
    elif fault.kind == "clock":
        trouble = {"clock": fault.seconds}
    elif fault.kind in OF_DISKS and not disk.place:
        trouble = {"error": OF_DISKS[fault.kind]}
    pid = shop.start(**trouble, **({"after": fault.moment * seconds} if trouble else {}))
    time.sleep(0.0 if trouble else fault.moment * seconds)
    second = strike(fault, shop, pid, disk)
    codes = [
        shop.until_its_end(p, look=fault.kind != "writes elsewhere") for p in (pid, second) if p
    ]
    assert set(codes) <= CODES[fault.kind]
    assert 0 in codes or fault.kind != "second run"
    require_what_the_code_says(shop, codes[0])
    if fault.kind == "read-only" and disk.place:
        unmount(shop.output)
    if fault.kind == "full disk" and disk.place:
        disk.free()
    if told.exists():
        told.unlink()
        write_project(shop.folder)
    assert 0 == shop.until_its_end(shop.start(*["--resume"] * fault.resume))
    shop.require_pages()


def require_what_the_code_says(shop: Shop, code: int) -> None:
    """The manifest is true; with code 0 it is finished, and so are all; with 1 one at least is not."""
    nights.require_truth(shop.output)
    require_own_numbers(shop.output)
    if code in (0, 1):
        manifest = read_manifest(shop.output / DAY)
        assert "finished" == manifest.head["state"]
        done = {entry["outcome"] in DONE for entry in manifest.stores.values()}
        assert (code == 0) == (done == {True})


@pytest.mark.parametrize("tenth", range(10))
def test_whatever_happens_the_pages_are_whole_and_the_next_run_completes(
    tenth, nursery, calm, disk, tmp_path
):
    """Ten seeds: no half page, no wrong status, no other store's number; then every store's page."""
    earlier, seconds = calm
    for seed in range(10 * tenth, 10 * tenth + 10):
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
            whole_run(fault, shop, disk, seconds)
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


def test_a_run_fits_on_a_disk_or_says_that_it_is_full(nursery, disk, tmp_path):
    """A real one, full at the beginning or after some files."""
    if disk.place is None:
        pytest.skip("a file system in memory cannot be mounted here (as root it can)")
    output = disk.place / "fits"
    shop = Shop(tmp_path, output, nursery)
    output.mkdir()
    for room in (0, 4, 40, 160):
        kept = disk.place / "room"
        kept.write_bytes(b"x" * 1024 * room)
        disk.fill()
        kept.unlink()
        code = shop.until_its_end(shop.start("--force"))
        assert code in (0, 1, 2)
        assert code == 2 or room, shop.log.read_text(encoding="utf-8")
        require_what_the_code_says(shop, code)
        disk.free()
        assert 0 == shop.until_its_end(shop.start())
        shop.require_pages()
    assert "No space left on device" in shop.log.read_text(encoding="utf-8")
