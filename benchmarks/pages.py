"""Pages a minute: `retention run` against a plain loop of `papermill` and `jupyter nbconvert`.

And bytes and seconds to render of a store's page and of the chain's, also of 500 stores.

`pages.py [STORES] [STORES_OF_THE_LOOP]`. The same notebook and data; two jobs for us. The loop runs over
the first few stores only and is scaled to all of them, which is fair to it: each of its pages costs the
same. It is timed one store after the other, and as two loops side by side.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from retention_models.pages.html import render
from retention_models.pages.html.checks import lint
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings
from shops import simulated

JOBS = 2
MANY = 500
CUSTOMERS = 250
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "store_report.ipynb"
LIMIT = 900  # seconds

PROJECT = """
name = "Benchmark"
[transactions]
source = "log.parquet"
[transactions.columns]
customer_id = "customer_id"
date = "date"
spend = "spend"
store_id = "store_id"
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
[model]
observation_end = 2025-12-31
"""


def write_project(folder: Path, stores: int) -> list[str]:
    """A chain's log and project file; its stores."""
    ids = [f"{place:04d}" for place in range(stores)]
    logs = [
        simulated(CUSTOMERS, 200, 500, seed=place, log=True).assign(store_id=store)
        for place, store in enumerate(ids)
    ]
    pd.concat(logs).astype({"customer_id": str}).to_parquet(folder / "log.parquet", index=False)
    (folder / "retention.toml").write_text(PROJECT, encoding="utf-8")
    return ids


def timed(*command: str | Path, folder: Path) -> float:
    """Seconds that a command takes."""
    begin = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        command, check=True, capture_output=True, cwd=folder, env=environment, timeout=LIMIT
    )
    return time.perf_counter() - begin


def by_hand(folder: Path, store_id: str) -> tuple[float, float]:
    """A store's page by two commands: seconds of each."""
    place = folder / "by_hand" / store_id
    place.mkdir(parents=True)
    given = {
        "project_file": folder / "retention.toml",
        "store_id": store_id,
        "as_of": "2025-12-31",
        "output_folder": place,
    }
    values = [part for name, value in given.items() for part in ("-r", name, str(value))]
    python = [sys.executable, "-m"]
    one = timed(*python, "papermill", NOTEBOOK, place / "page.ipynb", *values, folder=place)
    two = timed(*python, "nbconvert", "--to", "html", place / "page.ipynb", folder=place)
    return one, two


def ours(folder: Path, *options: str) -> float:
    """Seconds of a whole run."""
    command = [sys.executable, "-m", "retention_models", "run", "--jobs", str(JOBS), "--force"]
    return timed(*command, *options, folder=folder)


def stages(folder: Path) -> tuple[float, float, float]:
    """Of the newest run: seconds of a page in its process, of its cells, and of the run by the clock."""
    out = next((folder / "reports").glob("????-??-??"))
    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    own = [entry for entry in told["stores"] if entry["run"] == told["run"]]
    cells = sum(cell["seconds"] for entry in own for cell in entry["cells"]) / len(own)
    process = sum(entry["seconds"] for entry in own) / len(own)
    ends = (dt.datetime.fromisoformat(told[name]["utc"]) for name in ("ended", "started"))
    return process, cells, (next(ends) - next(ends)).total_seconds()


def made(folder: Path) -> list[tuple[str, int, float]]:
    """Name, bytes, and seconds to render of a store's page and of the chain's."""
    out = next((folder / "reports").glob("????-??-??"))
    day = dt.date.fromisoformat(out.name)
    settings = read_settings(folder / "retention.toml")
    rows = [
        {
            "name": place.parent.name,
            "href": f"{place.parent.name}/store_report.html",
            "metrics": json.loads(place.read_text(encoding="utf-8")),
            "failure": None,
            "old": None,
        }
        for place in sorted(out.glob("*/metrics.json"))
    ]
    store = rows[0]["name"]
    many = [dict(rows[place % len(rows)]) for place in range(MANY)]

    def store_page() -> str:
        notebook = nbformat.read(out / store / "store_report.ipynb", as_version=4)
        pages = render.notebook_pages(notebook, settings, store, day, "-")
        return "".join(lint(page, store) for page in pages.values())

    return [
        ("a store's page", *rendered(store_page)),
        (f"the chain's, {len(rows)} stores", *rendered(lambda: index(rows, settings, day))),
        (f"the chain's, {MANY} stores", *rendered(lambda: index(many, settings, day))),
    ]


def index(rows: list[dict[str, Any]], settings: Settings, day: dt.date) -> str:
    """The chain's page, checked as it is before it is published."""
    return lint(render.index_page(rows, settings, day, "-"), "index")


def rendered(make: Callable[[], str]) -> tuple[int, float]:
    """Bytes of a page, and seconds that it takes when it is made for the second time."""
    make()
    begin = time.perf_counter()
    page = make()
    return len(page.encode()), time.perf_counter() - begin


def main(stores: int = 40, of_the_loop: int = 6) -> None:
    """Print pages a minute of each, and how many times faster ours is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = write_project(folder, stores)
        begin = time.perf_counter()
        pairs = [by_hand(folder, store) for store in ids[:of_the_loop]]
        loop = (time.perf_counter() - begin) / of_the_loop
        papermill, nbconvert = (sum(column) / of_the_loop for column in zip(*pairs, strict=True))
        begin = time.perf_counter()
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda store: by_hand(folder, store), ids[of_the_loop : 2 * of_the_loop]))
        side_by_side = (time.perf_counter() - begin) / of_the_loop
        warm = ours(folder) / stores
        process, cells, clock = stages(folder)
        sizes = made(folder)
        cold = ours(folder, "--cold", "--store", ids[0], "--store", ids[1]) / 2
        in_kernel = stages(folder)[0]
    print(
        f"a page by commands: papermill {papermill:.1f} s, nbconvert {nbconvert:.1f} s "
        f"(over {of_the_loop} of {stores} stores)"
    )
    for what, seconds in (
        ("commands, one store after the other", loop),
        (f"commands, {JOBS} stores at once", side_by_side),
        (f"ours, {stores} stores, {JOBS} at once", warm),
        ("ours with --cold, 2 stores, start of the run included", cold),
    ):
        times = "" if seconds is loop else f", {loop / seconds:.1f} times the first"
        print(f"{what:<55} {60 / seconds:6.1f} pages a minute{times}", flush=True)
    around = warm * stores - process * stores / JOBS
    print(
        f"ours, stages: cells of a page {cells:.2f} s, its process besides {process - cells:.2f} s; "
        f"imports, reading, slices, checks and index {around:.1f} s of the run's {warm * stores:.1f} s "
        f"({clock:.1f} s of them after the reading)"
    )
    print(
        f"the warm start's share: a page takes {in_kernel:.1f} s in a kernel of its own and "
        f"{process:.1f} s warm, {1 - process / in_kernel:.0%} less"
    )
    for what, size, seconds in sizes:
        print(f"{what:<55} {size:9,} bytes, rendered and checked in {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
