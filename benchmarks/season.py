"""A fit with a season against a plain one, on 1,000,000 simulated customers; what counts is the ratio.

Two years of days, with a yearly wave and days of the week. `python benchmarks/season.py [customers]`.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import pandas as pd

import retention_models as rm
from shops import simulated

ROUNDS = 5
DAYS = 730


def by_day(customers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A shop without a season, and its repeat purchases shared out to days as if it had one."""
    summary = simulated(customers, 1, DAYS)
    summary["T"].attrs = summary.attrs = {"time_unit": "W"}
    dates = pd.date_range(end="2025-12-31", periods=DAYS)
    weight = np.exp(0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 365.25))
    # Customers join evenly.
    weight = weight * (1 + 0.3 * (dates.day_of_week == 5)) * np.arange(DAYS)
    repeats = int(summary["frequency"].sum())
    bought = np.random.default_rng(1).multinomial(repeats, weight / weight.sum())
    return summary, pd.DataFrame({"date": dates, "repeat_purchases": bought})


def main(customers: int) -> None:
    """Print median seconds and ratios."""
    summary, days = by_day(customers)
    history = summary["frequency"], summary["recency"], summary["T"]
    told = rm.Calendar.of(days, harmonics=1, weekdays=True)
    left_open = rm.Calendar.of(days)
    calls = {
        "plain": lambda: rm.BetaGeoFitter().fit(*history),
        "one wave and days of the week": lambda: rm.BetaGeoFitter().fit(*history, calendar=told),
        "terms left to the data": lambda: rm.BetaGeoFitter().fit(*history, calendar=left_open),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begin = time.perf_counter()
            found = call()
            times[name].append(time.perf_counter() - begin)
    plain = statistics.median(times["plain"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        ratio = middle / plain
        print(f"{customers:,} customers, {name}: {middle:.3f} s, {ratio:.1f} times the plain fit")
    print(f"terms taken: {', '.join(found.calendar_.names)}; verdict {found.fit_.verdict}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
