"""Shops whose customers buy at more or less regular intervals, for tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RegularShop:
    """What was seen of its customers, and what only a simulation knows: who still is one."""

    x: Array
    t_x: Array
    T: Array
    log_gaps: float
    alive: NDArray[np.bool_]

    def summary(self, time_unit: str = "D") -> pd.DataFrame:
        """As `customer_summary` gives it; spends are of no interest."""
        found = pd.DataFrame({"frequency": self.x.astype(int), "recency": self.t_x, "T": self.T})
        found["monetary_value"] = np.where(self.x > 0, 20.0, 0.0)
        found.attrs = {"time_unit": time_unit, "observation_end": "2024-01-01", "same_day": "one"}
        found["T"].attrs = dict(found.attrs)
        return found


def simulate_shop(rng, gap, p, T, *, first, begin=None, day=None):
    """Customers with gaps `gap(rng)` who leave with chance p after each purchase, to the day if set.

    `first` tells whether they can leave after the first one; a day's purchases are one.
    """
    size = T.size
    begin = rng.random(size) * (day or 0.0) if begin is None else begin
    step = day or 0.0
    t, last = begin.copy(), _day(begin, day)
    opened = last.copy()
    x, log_gaps = np.zeros(size), 0.0
    alive, buys = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
    if first:
        buys &= rng.random(size) >= p
    while buys.any():
        t = t + gap(rng)
        late = buys & (t >= opened + T + step)
        alive |= late
        buys &= ~late
        now = _day(t, day)
        new = buys & (now > last)
        log_gaps += float(np.log((now - last)[new]).sum())
        x[new] += 1.0
        last[new] = now[new]
        buys &= rng.random(size) >= p
    return RegularShop(x, last - opened, T, log_gaps, alive)


def _day(t, day):
    return t.copy() if day is None else np.floor(t / day + 1e-9) * day


def erlang_shop(seed, size, k, theta, T, *, first, day=None):
    """The (M)BG/CNBD-k itself."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = theta
    rate, p = rng.gamma(r, 1.0 / alpha, size), rng.beta(a, b, size)
    T = np.broadcast_to(np.asarray(T, dtype=float), size).copy()
    return simulate_shop(
        rng, lambda rng: rng.gamma(k, 1.0, size) / rate, p, T, first=first, day=day
    )


def box_shop(seed, size=800, leaves=0.06):
    """Subscribers with a box every 30 ± 1.5 days, who join within a year and leave at random; days."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(0.0, 365.0, size)
    T = 539.0 - np.floor(begin)
    p = np.full(size, leaves)
    return simulate_shop(
        rng, lambda rng: rng.normal(30.0, 1.5, size), p, T, first=True, begin=begin, day=1.0
    )


def box_lines(seed, size=800, spread=1.5, leaves=0.06):
    """Lines of a log of subscribers with a box every 30 ± `spread` days, and how many still are one.

    They join within a year of a year and a half, and leave at random after any box.
    """
    rng = np.random.default_rng(seed)
    lines, alive = [], 0
    for customer in range(size):
        day = rng.uniform(0.0, 365.0)
        stays = True
        while stays and day < 540.0:
            lines.append((f"c{customer:03d}", int(day)))
            stays = rng.random() >= leaves
            day += rng.normal(30.0, spread)
        alive += stays
    days = pd.Timestamp("2023-01-02") + pd.to_timedelta([day for _, day in lines], unit="D")
    found = pd.DataFrame({"id": [name for name, _ in lines], "day": days, "paid": 20.0})
    return found, alive
