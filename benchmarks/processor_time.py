"""Processor time and memory of runs and pages, with all processes that they start.

`processor_time.py` times the demonstration: its run, a store's page by hand, and what a further store
costs a run. `processor_time.py STORES` makes pages of so many small stores, and of a tenth of them, and
says how memory grows. Beside every figure stands the time of one fixed piece of work, by which figures
of a faster or busier machine can be held against each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from shops import simulated

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "store_report.ipynb"
ONE, OTHERS = "367", ["381", "343", "372", "446"]
CUSTOMERS = 40
PROJECT = """
name = "Small stores"
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


def spent(folder: Path, *command: str | Path) -> tuple[float, float]:
    """Seconds of processor time of a command and all that it started; GiB of its largest process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # as installed: compiled once, not at each start
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}.")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def unit() -> float:
    """Processor time of a fixed piece of work, in seconds: about 0.3 on an idle machine of 2024."""
    begin = time.process_time()
    total = 0
    for i in range(3_000_000):
        total += i * i
    numbers = np.random.default_rng(1).random(200_000)
    for _ in range(30):
        np.sort(numbers)
    return time.process_time() - begin


def tell(what: str, seconds: float, more: str = "") -> None:
    """Print a row."""
    print(f"{what:<62} {seconds:7.1f} s{more}; a fixed piece of work {unit():.2f} s", flush=True)


def run(folder: Path, *options: str) -> tuple[float, float]:
    """Processor time and memory of a whole run."""
    command = [sys.executable, "-m", "retention_models", "run", "retention.toml", "--force"]
    return spent(folder, *command, *options)


def demonstration(folder: Path) -> None:
    """The run of 8 stores and 12 campaigns, a page by hand, and a further store."""
    spent(folder, sys.executable, "-m", "retention_models", "demo", ".")
    seconds, peak = run(folder)
    tell("the demonstration's run, 8 stores and 12 campaigns", seconds, f", {peak:.2f} GiB at most")
    given = {"project_file": folder / "retention.toml", "store_id": ONE, "output_folder": folder}
    values = [part for name, value in given.items() for part in ("-r", name, str(value))]
    page = folder / "page.ipynb"
    tell(
        f"the page of store {ONE} by hand, papermill and kernel included",
        spent(folder, sys.executable, "-m", "papermill", NOTEBOOK, page, *values)[0],
    )
    some = [part for store in [ONE, *OTHERS] for part in ("--store", store)]
    more, less = run(folder, *some)[0], run(folder, "--store", ONE)[0]
    tell("a further store of such size in a run", (more - less) / len(OTHERS))


def small_stores(folder: Path, stores: int) -> None:
    """Pages of many small stores, and of a tenth: processor time a page, and memory."""
    for number in (stores // 10, stores):
        place = folder / str(number)
        place.mkdir()
        logs = [
            simulated(CUSTOMERS, 200, 500, seed=seed, log=True).assign(store_id=f"{seed:04d}")
            for seed in range(number)
        ]
        log = pd.concat(logs).astype({"customer_id": str})
        log.to_parquet(place / "log.parquet", index=False)
        (place / "retention.toml").write_text(PROJECT, encoding="utf-8")
        seconds, peak = run(place)
        what = f"a page of {number:,} stores of {CUSTOMERS} customers in a run"
        tell(what, seconds / number, f", {peak:.2f} GiB at most")


def main(*arguments: str) -> None:
    """The demonstration, or so many small stores."""
    with tempfile.TemporaryDirectory() as name:
        if arguments:
            small_stores(Path(name), int(arguments[0]))
        else:
            demonstration(Path(name))


if __name__ == "__main__":
    main(*sys.argv[1:])
