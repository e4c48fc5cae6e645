"""Simulated shops for the benchmarks: BG/NBD customers observed by the day, and Gamma-Gamma spend."""

from __future__ import annotations

import numpy as np
import pandas as pd

PURCHASES = (0.25, 4.5, 0.8, 2.5)  # r, α in weeks, a, b: near CDNOW's
SPEND = (6.25, 3.74, 15.4)


def simulated(
    customers: int, first_day: int, last_day: int, seed: int = 1, *, log: bool = False
) -> pd.DataFrame:
    """Customers that began between `first_day` and `last_day` days before the end.

    Parameters
    ----------
    customers : int
    first_day, last_day : int
        Fewest and most days since a customer's first purchase.
    seed : int
    log : bool
        Give every purchase, a row each, instead of a summary.

    Returns
    -------
    DataFrame
        frequency, recency and T in weeks, monetary_value; or customer_id, date, spend.
    """
    rng = np.random.default_rng(seed)
    (r, alpha, a, b), (p, q, v) = PURCHASES, SPEND
    days = rng.integers(first_day, last_day, customers)
    rate, leaves = rng.gamma(r, 1.0 / alpha, customers) / 7.0, rng.beta(a, b, customers)
    frequency, last = np.zeros(customers, dtype=np.int64), np.zeros(customers, dtype=np.int64)
    clock, here = rng.random(customers), np.arange(customers)
    bought = [(here, last.copy())]
    while here.size:
        clock[here] += rng.exponential(size=here.size) / rate[here]
        here = here[clock[here] < days[here] + 1]
        day = clock[here].astype(np.int64)
        frequency[here] += day > last[here]  # one a day
        last[here] = day
        bought.append((here, day))
        here = here[rng.random(here.size) >= leaves[here]]
    level = rng.gamma(q, 1.0 / v, customers)
    if log:
        who, day = (np.concatenate(column) for column in zip(*bought, strict=True))
        end = np.datetime64("2025-12-31")
        table = pd.DataFrame(
            {
                "customer_id": who,
                "date": end - (days[who] - day).astype("timedelta64[D]"),
                "spend": (rng.gamma(p, size=who.size) / level[who]).round(2) + 0.01,
            }
        )
        return table.sample(frac=1.0, random_state=seed)
    mean = rng.gamma(p * np.maximum(frequency, 1)) / np.maximum(frequency, 1) / level
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": last / 7,
            "T": days / 7,
            "monetary_value": np.where(frequency > 0, mean, 0.0),
        }
    )
