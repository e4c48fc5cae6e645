"""Pages a minute: `retention run` against a plain loop of `papermill` and `jupyter nbconvert`.

`pages.py [STORES] [STORES_OF_THE_LOOP]`. The same notebook and data; two jobs for us. The loop runs over
the first few stores only and is scaled to all of them, which is fair to it: each of its pages costs the
same. It is timed one store after the other, and as two loops side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from shops import simulated

JOBS = 2
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
        cold = ours(folder, "--cold", "--store", ids[0], "--store", ids[1]) / 2
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


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
