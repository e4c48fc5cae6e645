"""Time us against lifetimes on the same data in one run; what is printed are ratios.

Absolute times say more about the machine than about the code. Each pair runs in turn, several times,
and the ratio of the medians is printed. `make bench`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import retention_models as rm
from retention_models.demonstration import write_demo

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifetimes is 2020's code
    import lifetimes
    from lifetimes.utils import summary_data_from_transaction_data

ROUNDS = 5


def paired(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(ROUNDS):
            for call, kept in zip((ours, theirs), times, strict=True):
                begin = time.perf_counter()
                call()
                kept.append(time.perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


def simulated(customers: int, seed: int = 1) -> pd.DataFrame:
    """A customer summary of a BG/NBD shop, 39 weeks at day resolution."""
    rng = np.random.default_rng(seed)
    days = rng.integers(189, 274, customers)
    rate = rng.gamma(0.25, 1 / 4.4, customers) / 7
    most = rng.geometric(np.clip(rng.beta(0.8, 2.4, customers), 1e-9, 1))
    frequency = np.minimum(rng.poisson(rate * days), np.minimum(most, days))
    recency = np.ceil(days * rng.beta(np.maximum(frequency, 1), 1)) * (frequency > 0)
    recency = np.clip(np.maximum(recency, frequency), 0, days)
    spend = rng.gamma(6.25 * np.maximum(frequency, 1)) / np.maximum(frequency, 1)
    spend *= 15.4 / rng.gamma(3.7, 1.0, customers)
    return pd.DataFrame(
        {"frequency": frequency, "recency": recency / 7, "T": days / 7, "monetary_value": spend}
    )


def main() -> None:
    """Print a row per task: ours, theirs, and how many times faster ours is."""
    rows = []

    def compare(task: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
        a, b = paired(ours, theirs)
        rows.append((task, a, b, b / a))
        print(f"{task:<58} {a:8.3f} s {b:8.3f} s   {b / a:7.1f} times", flush=True)

    print(f"{'task':<58} {'ours':>10} {'lifetimes':>10}   faster by", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_demo(folder, "cdnow")
        path = Path(folder) / "data" / "raw" / "cdnow.csv"
        log = rm.read_transactions(path, customer_id="customer_id", date="date", spend="spend")
        frame = pd.read_csv(path, dtype={"customer_id": str}, parse_dates=["date"])
        compare(
            "summary, CDNOW sample (6,919 rows)",
            lambda: rm.customer_summary(log, time_unit="W"),
            lambda: summary_data_from_transaction_data(
                frame, "customer_id", "date", monetary_value_col="spend", freq_multiplier=7
            ),
        )
    for customers in (2_357, 100_000):
        s = simulated(customers)
        history = s["frequency"], s["recency"], s["T"]
        repeat = s[s["frequency"] > 0]
        money = repeat["frequency"], repeat["monetary_value"]
        compare(
            f"BG/NBD fit, {customers:,} customers",
            lambda history=history: rm.BetaGeoFitter().fit(*history),
            lambda history=history: lifetimes.BetaGeoFitter().fit(*history),
        )
        compare(
            f"Gamma-Gamma fit, {customers:,} customers",
            lambda money=money: rm.GammaGammaFitter().fit(*money),
            lambda money=money: lifetimes.GammaGammaFitter().fit(*money),
        )
        mine = rm.BetaGeoFitter().fit(*history)
        peer = lifetimes.BetaGeoFitter().fit(*history)
        compare(
            f"expected purchases of 52 weeks, {customers:,} customers",
            lambda mine=mine, history=history: mine.predict(52, *history),
            lambda peer=peer, history=history: peer.predict(52, *history),
        )


if __name__ == "__main__":
    main()
