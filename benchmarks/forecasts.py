"""Forecasts against what came: rolling origins, 4, 13 and 26 weeks ahead, on real and simulated shops.

The models of a run, chosen as a run chooses them and with its intervals, beside the plain BG/NBD, that
of lifetimes, and the window before; whole stores beside exponential smoothing (ETS) and the same weeks a
year before. `python benchmarks/forecasts.py RESULTS.csv [--sets …] [--peer-python PYTHON]`;
the latter is of an environment with pymc-marketing and clvkit, without which these are passed over. Each
window's rows are written as it is done and passed over when it is there already, so that a run broken
off goes on where it was. `forecasts_table.py RESULTS.csv` makes the tables of docs/forecasts.md of it.
Past forecasts of all stores asked for tell what each one's scatter by: rows of grocery stores there are
of `--stores 36 --weeks 4 26` and `--weeks 13`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forecasts_peers
import numpy as np
import pandas as pd
from forecasts_methods import (
    Origin,
    Store,
    Window,
    log_scores_at,
    of_lifetimes,
    of_run,
    of_series,
    of_whole,
    of_window_before,
)
from forecasts_shops import Shops, shops_of

COLUMNS = [
    *("shops", "store", "origin", "weeks", "scope", "method", "customers"),
    *("expected", "low", "high", "came", "absolute", "log_score", "crps"),
    *("value", "value_low", "value_high", "spent", "value_absolute", "value_crps", "note"),
]
KEY = ["shops", "store", "origin", "weeks"]
SETS = ("CDNOW", "grocery", "plain", "mid-life", "seasonal", "subscription")
HORIZONS = (4, 13, 26)
PEERS = list(forecasts_peers.PACKAGES)
# What is asked of a window here; each scope's rows are written together.
KNOWN: tuple[Callable[[Window], Iterable[dict[str, Any]]], ...] = (
    of_run,
    of_lifetimes,
    of_window_before,
)
WHOLE: tuple[Callable[[Window], Iterable[dict[str, Any]]], ...] = (of_whole, of_series)


class Results:
    """The file of rows: what it has already, and what is added to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = time.monotonic()
        self.rows = pd.DataFrame(columns=COLUMNS)
        if path.exists():
            self.rows = pd.read_csv(path, dtype={"store": str})
        self._done = {
            tuple(map(str, key))
            for key in self.rows[[*KEY, "method", "scope"]].itertuples(index=False)
        }

    def has(self, window: Window, method: str, scope: str) -> bool:
        """Whether a method's row of a window is there."""
        return (*self._key(window), method, scope) in self._done

    def _key(self, window: Window) -> tuple[str, ...]:
        store = window.store
        day = store.origin.day.isoformat()
        return store.shops.name, store.name, day, str(window.weeks)

    def add(self, window: Window, rows: list[dict[str, Any]]) -> None:
        """Write a window's rows at once, and tell of it."""
        table = pd.DataFrame(rows, columns=COLUMNS)
        numbers = table.select_dtypes("number").columns
        table[numbers] = table[numbers].map(lambda value: float(f"{value:.6g}"))
        table["weeks"] = table["weeks"].astype(int)
        table.to_csv(self._path, mode="a", header=not self._path.exists(), index=False)
        self._done |= {(*self._key(window), row["method"], row["scope"]) for row in rows}
        seconds = time.monotonic() - self._begun
        names = ", ".join(dict.fromkeys(row["method"] for row in rows))
        print(f"{seconds:6.0f} s  {' '.join(self._key(window))} weeks: {names}", file=sys.stderr)


def windows_of(shops: Shops, weeks: Iterable[int]) -> Iterator[Window]:
    """Every day, store and window of a set that can be modelled."""
    for day in shops.days:
        origin = Origin(shops, day)
        for name in shops.stores:
            store = Store(origin, name)
            for horizon in weeks:
                if day in shops.origins[horizon]:
                    yield Window(store, horizon)


def run_here(shops: Shops, weeks: Iterable[int], results: Results) -> None:
    """What this environment can say of a set."""
    for window in windows_of(shops, weeks):
        closed = [window.row("ours", note="closed: nobody came")]
        for methods, first in ((KNOWN, "known"), (WHOLE, "whole")):
            if results.has(window, "ours", first):
                continue
            if window.came.sum() == 0.0:
                rows = [row | {"scope": first} for row in closed]
            else:
                rows = [row for method in methods for row in method(window)]
            results.add(window, rows)


@dataclass(frozen=True)
class Peers:
    """Packages asked in an environment of their own, of so many of a set's largest stores."""

    python: str
    names: list[str]
    stores: int


def run_peers(
    shops: Shops, weeks: Iterable[int], results: Results, peers: Peers, folder: Path
) -> None:
    """What other packages say."""
    chosen = set(shops.stores[: peers.stores])
    pending: dict[str, list[Window]] = {}
    for window in windows_of(shops, weeks):
        done = all(results.has(window, name, "known") for name in peers.names)
        if window.store.name in chosen and not done and window.came.sum() > 0.0:
            pending.setdefault(f"{window.store.origin.day}_{window.store.name}", []).append(window)
    for name, windows in pending.items():
        summary = windows[0].store.models.summary
        summary[["frequency", "recency", "T", "monetary_value"]].to_csv(folder / f"{name}.csv")
    script = str(Path(forecasts_peers.__file__))
    asked = [peers.python, script, str(folder), ",".join(peers.names), *map(str, weeks)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(forecasts_peers.MARK):
                continue
            told = forecasts_peers.read(line)
            for window in pending[told.name]:
                if not results.has(window, told.method, "known"):
                    results.add(window, [_of_peer(window, told)])
    if process.returncode != 0:
        raise SystemExit(f"{script} ended with {process.returncode}.")


def _of_peer(window: Window, told: forecasts_peers.Told) -> dict[str, Any]:
    """A row of another package, or of why it has none."""
    if told.problem:
        return window.of_known(told.method, None) | {"note": told.problem}
    each = np.asarray(told.expected[str(window.weeks)], dtype=float)
    money = None if told.spend is None else each * np.asarray(told.spend, dtype=float)
    scores = None if told.parameters is None else log_scores_at(window, told.parameters)
    return window.of_known(told.method, each, log_scores=scores, money=money)


def main() -> None:
    """Write the rows of the sets asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("results", type=Path)
    asked.add_argument("--stores", type=int, default=60, help="grocery stores, the largest first")
    asked.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    asked.add_argument("--weeks", nargs="+", type=int, choices=HORIZONS, default=HORIZONS)
    asked.add_argument("--peer-python", help="of an environment with pymc-marketing and clvkit")
    asked.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    asked.add_argument("--peer-stores", type=int, default=8, help="of each set, the largest first")
    asked.add_argument("--only-peers", action="store_true")
    options = asked.parse_args()
    warnings.simplefilter("ignore")  # of the peers' own
    results = Results(options.results)
    for name in options.sets:
        with tempfile.TemporaryDirectory() as folder:
            shops = shops_of(name, Path(folder), options.stores)
            if not options.only_peers:
                run_here(shops, options.weeks, results)
            if options.peer_python is None:
                print(f"{name}: without --peer-python no pymc-marketing, clvkit", file=sys.stderr)
                continue
            inputs = Path(folder) / "peers"
            inputs.mkdir()
            peers = Peers(options.peer_python, options.peers, options.peer_stores)
            run_peers(shops, options.weeks, results, peers, inputs)


if __name__ == "__main__":
    main()
