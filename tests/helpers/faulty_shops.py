"""A shop of two stores with a number each, a notebook that shows it and may misbehave, and its runs."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pandas as pd

import nights
import shops
from notebooks import GOOD, failing_notebook
from nursery import Nursery
from processes import is_there
from retention_models.runs.publishing.manifest import DONE, read_manifest

DAY = nights.DAY.isoformat()
NUMBERS = {"a": 1111.01, "b": 2222.02}
SETTINGS = """
[reports]
notebook = "mine.ipynb"
[reports.warnings]
enabled = false
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
made["next_quarter"] = {"value": number}
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
            assert stands_in(number, index, digits=0)
        until = time.monotonic() + 15
        while any(self.temporary.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)  # of a killed run: what is left goes with its last process
        left = sorted(str(path) for path in self.temporary.rglob("*"))
        assert not left, left


def stands_in(number: float, text: str, digits: int = 2) -> bool:
    """Whether a number stands in a text, with a comma or without; the index has no decimals."""
    return re.search(f"{number:,.{digits}f}".replace(",", ",?"), text) is not None


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
            assert {s for s, n in NUMBERS.items() if stands_in(n, row, digits=0)} <= shown
