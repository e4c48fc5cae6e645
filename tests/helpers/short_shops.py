"""Shops of a few weeks' history, drawn from the BG/NBD, and what their customers then buy."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from purchase_samples import simulate_orders
from retention_models.models.open_parameters import _CENTRE, _PRECISION

# r, α in weeks, (a, b): slow to brisk shops, of much and of little dropout.
GRID = [
    (r, alpha, a, b)
    for r, alpha, (a, b) in itertools.product(
        (0.3, 1.0, 2.0), (5.0, 10.0), ((0.8, 2.5), (0.5, 3.0))
    )
]


def drawn_parameters(rng):
    """r, α in weeks, a and b of a shop of any kind, as the priors of open parameters have them.

    Customers buy every 2½ to 20 weeks on average, while they are ones.
    """
    r, _, a, b = np.exp(
        _CENTRE + rng.normal(size=4) / np.sqrt(np.maximum(np.diag(_PRECISION), 1.0e-3))
    )
    return r, r * np.exp(rng.uniform(np.log(2.5), np.log(20.0))), a, b


def short_shop(rng, parameters, *, weeks, ahead, customers=(400, 1000), merged=True):
    """Summary of 400 to 1,000 customers who came within `weeks`, and purchases of the weeks `ahead`.

    Unless `merged`, times are exact and each purchase counts, as in the model itself.
    """
    size = int(rng.integers(customers[0], customers[1] + 1))
    now, until = 7.0 * weeks, 7.0 * (weeks + ahead)
    who, time = simulate_orders(rng, size, *parameters, begin=now, end=until)
    # Purchases of a day are one, and happen at its end.
    days = pd.DataFrame({"who": who, "day": np.ceil(time) if merged else time}).drop_duplicates()
    seen = days.loc[days["day"] <= now].set_index("who")["day"] / 7.0
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
    return summary, int((days["day"] > now).sum())
