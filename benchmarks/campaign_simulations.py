"""How often the intervals of campaign effects leave out the truth: `docs/campaign_simulations.md`.

    python benchmarks/campaign_simulations.py --replications 5000 --jobs 2
    python benchmarks/campaign_simulations.py --design targeted --replications 20000

simulates campaigns on customers whose true effect is known, by each design under its own assumptions,
and writes the table. With `--design`, only that design's rows are simulated anew. Counts stand beside
it in a CSV file. The same seed gives the same counts, whatever the number of jobs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

# Small matrices: a second thread in the linear algebra waits longer than it works.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))  # the simulated customers are also the tests'

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from campaign_table import written  # noqa: E402

import campaign_designs as designs  # noqa: E402
from campaign_worlds import LIFT, OUTCOMES, WORLDS, World, world_of  # noqa: E402

CHUNK = 250
COUNTS = ROOT / "docs/campaign_simulations.csv"
TABLE = ROOT / "docs/campaign_simulations.md"
SELF_SELECTED = {"constant": -1.5, "slopes": (0.3, 0.8, 0.5, 0.0, 0.0)}
STAGGERED = {"windows": 6, "customers": 30}


@dataclass(frozen=True)
class Cell:
    """One row's two halves: a design in a world, of a size, at a lift."""

    design: str
    world: str
    size: str
    lift: float
    simulate: Callable[..., np.ndarray]


def cells() -> Iterator[Cell]:
    """Everything that is simulated, in the table's order."""
    two = ("shop", "grocery")
    for world in WORLDS:
        for lift in (0.0, LIFT):
            run = partial(designs.randomised, lift=lift, size=2000)
            yield Cell("randomised", world, "1,000 and 1,000", lift, run)
    for world in two:
        run = partial(designs.three_arms, size=3000)
        yield Cell("three arms", world, "1,000 in each", 0.0, run)
    yield from store_cells()
    for world in two:
        for lift in (0.0, LIFT):
            run = partial(designs.chosen, lift=lift, size=2000)
            yield Cell("targeted", world, "2,000", lift, run)
            run = partial(designs.chosen, lift=lift, size=2000, **SELF_SELECTED)
            yield Cell("self-selected", world, "2,000", lift, run)
    for world in two:
        run = partial(designs.looks, lift=0.0, size=2000)
        yield Cell("eight looks", world, "2,000", 0.0, run)
        run = partial(designs.looks_by_days, size=1000)
        yield Cell("eight looks by days", world, "1,000", 0.0, run)
    run = partial(designs.looks, lift=0.0, size=2000, sequence=True)
    yield Cell("confidence sequence", "shop", "2,000", 0.0, run)
    for held_out, sizes in ((0.5, (200, 400, 1000, 4000)), (0.1, (1000, 2000, 4000))):
        for size in sizes:
            few = round(held_out * size)
            run = partial(designs.small_tests, size=size, held_out=held_out)
            for world in ("shop", "CDNOW", "grocery"):
                yield Cell("small", world, f"{size - few:,} and {few:,}", 0.0, run)


def store_cells() -> Iterator[Cell]:
    """Whole stores, all at once and staggered."""
    for lift in (0.0, LIFT):
        for stores in (10, 20):
            starts = np.repeat([1.0, np.inf], stores // 2)
            run = partial(designs.whole_stores, lift=lift, starts=starts)
            yield Cell("stores", "shop", f"{stores} stores", lift, run)
        for group in (10, 20):
            starts = np.repeat([3.0, 4.0, np.inf], group)
            run = partial(designs.whole_stores, lift=lift, starts=starts, **STAGGERED)
            yield Cell("staggered", "shop", f"3 groups of {group}", lift, run)


@cache
def population(name: str) -> World:
    """Of a world; once in a process."""
    return world_of(name)


def chunk(cell: Cell, replications: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Intervals that were given, and of them those that left out the truth; shape (2, outcomes)."""
    missed = cell.simulate(
        population(cell.world), replications=replications, rng=np.random.default_rng(seed)
    )
    return np.array([(~np.isnan(missed)).sum(axis=0), np.nansum(missed, axis=0)]).astype(int)


def simulated(cell: Cell, place: int, replications: int, seed: int, pool) -> pd.DataFrame:
    """One row an outcome: how many intervals of how many left out the truth."""
    sizes = [CHUNK] * (replications // CHUNK)
    sizes += [replications % CHUNK] if replications % CHUNK else []
    seeds = np.random.SeedSequence([seed, place]).spawn(len(sizes))
    given, missed = sum(pool(chunk, [cell] * len(sizes), sizes, seeds))
    outcomes = [*OUTCOMES, *(f"{outcome}, let through" for outcome in OUTCOMES)]
    return pd.DataFrame(
        {
            "design": cell.design,
            "world": cell.world,
            "size": cell.size,
            "lift": cell.lift,
            "outcome": outcomes[: len(missed)],
            "seed": seed,
            "replications": replications,
            "given": given,
            "missed": missed,
        }
    )


def main() -> None:
    """Simulate, write counts and table."""
    everything = list(cells())
    names = list(dict.fromkeys(cell.design for cell in everything))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=5000)
    parser.add_argument("--design", choices=names, help="only this one; default: all")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20261122)
    given = parser.parse_args()
    kept = pd.read_csv(COUNTS) if COUNTS.exists() else pd.DataFrame()
    begin = time.monotonic()
    with ProcessPoolExecutor(given.jobs) as executor:
        pool = map if given.jobs == 1 else executor.map
        for place, cell in enumerate(everything):
            if given.design in (None, cell.design):
                found = simulated(cell, place, given.replications, given.seed, pool)
                kept = replaced(kept, found, everything)
                kept.to_csv(COUNTS, index=False)
                TABLE.write_text(written(kept), encoding="utf-8")
                rates = ", ".join(
                    f"{rate:.3f}" for rate in found["missed"] / found["given"].clip(lower=1)
                )
                print(
                    f"{time.monotonic() - begin:6.0f} s  {cell.design}, {cell.world}, {cell.size}, "
                    f"lift {cell.lift:g}: {rates}",
                    file=sys.stderr,
                    flush=True,
                )


def replaced(kept: pd.DataFrame, found: pd.DataFrame, order: list[Cell]) -> pd.DataFrame:
    """All counts, the newly found in place of their like, in the order of the cells."""
    key = ["design", "world", "size", "lift"]
    both = pd.concat([kept, found]).drop_duplicates([*key, "outcome"], keep="last")
    places = {(c.design, c.world, c.size, c.lift): place for place, c in enumerate(order)}
    place = [places.get(row, -1) for row in both[key].itertuples(index=False, name=None)]
    both = both.assign(place=place)
    return both[both["place"] >= 0].sort_values("place", kind="stable").drop(columns="place")


if __name__ == "__main__":
    main()
