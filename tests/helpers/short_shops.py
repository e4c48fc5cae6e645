"""Shops of a few weeks' history, drawn from the BG/NBD, and what their customers then buy."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from purchase_samples import simulate_orders

# r, α in weeks, (a, b): slow to brisk shops, of much and of little dropout.
GRID = [
    (r, alpha, a, b)
    for r, alpha, (a, b) in itertools.product(
        (0.3, 1.0, 2.0), (5.0, 10.0), ((0.8, 2.5), (0.5, 3.0))
    )
]


def short_shop(rng, parameters, *, weeks, ahead, customers=(400, 1000)):
    """Summary of 400 to 1,000 customers who came within `weeks`, and purchases of the weeks `ahead`."""
    size = int(rng.integers(customers[0], customers[1] + 1))
    now, until = 7.0 * weeks, 7.0 * (weeks + ahead)
    who, time = simulate_orders(rng, size, *parameters, begin=now, end=until)
    table = pd.DataFrame({"who": who, "time": time})
    table = table[table.groupby("who")["time"].transform("size") > 0]
    seen = np.ceil(table.loc[table["time"] < now].set_index("who")["time"]) / 7.0
    first, last = seen.groupby("who").min(), seen.groupby("who").max()
    summary = pd.DataFrame(
        {
            "frequency": seen.groupby("who").size() - 1.0,
            "recency": last - first,
            "T": weeks - first,
            "monetary_value": 0.0,
        }
    )
    summary.attrs["time_unit"] = "W"
    return summary, int((table["time"] >= now).sum())
