"""10,000,000 customers from counted histories to predictions, in a fresh process with its peak memory.

Run with "count" to write the histories, and with "predict" to read, fit and predict.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

import retention_models as rm
from shops import simulated

CUSTOMERS, PART = 10_000_000, 1_000_000


def count(path: str) -> None:
    """Simulate part by part, and keep how many customers have each history, and their spend."""
    keys = ["frequency", "recency", "T"]
    counted = None
    for seed in range(CUSTOMERS // PART):
        part = simulated(PART, 365, 730, seed)
        # The spend of one customer stands for those of its history: a mean would not vary enough.
        part = part.groupby(keys)["monetary_value"].agg(["size", "first"])
        if counted is not None:
            part = pd.concat([counted, part]).groupby(keys).agg({"size": "sum", "first": "first"})
        counted = part
        print(f"simulated {(seed + 1) * PART:,} customers", file=sys.stderr, flush=True)
    counted.reset_index().rename(columns={"first": "monetary_value"}).to_parquet(path)


def predict(path: str) -> None:
    """Fit the purchases, and predict every history with all its intervals."""
    rows = pd.read_parquet(path)
    rows.attrs = {"time_unit": "W"}
    warm = rows.head(1_000)
    rm.BetaGeoFitter().fit(warm["frequency"], warm["recency"], warm["T"])
    begin = time.perf_counter()
    purchases = rm.BetaGeoFitter().fit(
        rows["frequency"], rows["recency"], rows["T"], weights=rows["size"]
    )
    fitted = time.perf_counter() - begin
    repeat = rows[rows["frequency"] > 0]
    spend = rm.GammaGammaFitter().fit(
        repeat["frequency"], repeat["monetary_value"], weights=repeat["size"]
    )
    table = rm.predict_customers(purchases, spend, rows, horizon=52)
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert np.isfinite(table["clv_high"]).all()
    print(
        f"{rows['size'].sum():,.0f} customers, {len(rows):,} histories: fit {fitted:.1f} s, "
        f"with all intervals {seconds:.1f} s, {memory:.1f} GiB at most"
    )


if __name__ == "__main__":
    {"count": count, "predict": predict}[sys.argv[1]](sys.argv[2])
