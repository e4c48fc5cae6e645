"""Time us against lifetimes on the same data in one run; what counts are the ratios.

Absolute times say more about the machine than about the code. Each pair runs in turn, several times,
and the ratio of the medians is printed. `make bench`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import retention_models as rm
from shops import simulated

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifetimes is 2020's code
    import lifetimes

HERE = Path(__file__).parent
HORIZON = 52


def paired(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(rounds):
            for call, kept in zip((ours, theirs), times, strict=True):
                begin = time.perf_counter()
                call()
                kept.append(time.perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


def compare(
    task: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 3
) -> None:
    """Print a row: the task, both times, and how many times faster ours is."""
    a, b = paired(ours, theirs, rounds)
    print(f"{task:<62} {a:8.3f} s {b:8.3f} s {b / a:8.1f} times", flush=True)


def same_likelihood(ours: rm.BetaGeoFitter, theirs: lifetimes.BetaGeoFitter) -> None:
    """Tell how far lifetimes' estimates are below ours, in our log-likelihood."""
    best = ours.fit_.log_likelihood
    data = ours.data
    r, alpha, a, b = theirs.params_
    from retention_models.models.beta_dropout_likelihood import log_likelihood_with_derivatives
    from retention_models.models.histories import count_histories

    columns = [data[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    import numpy as np

    weights = np.ones(len(data))
    value, _, _ = log_likelihood_with_derivatives(
        np.log([r, alpha, a, b]), count_histories(*columns, weights), first=0
    )
    print(
        f"  log-likelihood: ours {best:.4f}, at lifetimes' estimates {(value - best) / -best:.1e}"
    )


def models(customers: int, first_day: int, last_day: int, rounds: int) -> None:
    """Fits, value and intervals of one simulated shop."""
    s = simulated(customers, first_day, last_day)
    what = f"{customers:,} customers, {first_day} to {last_day} days"
    history = s["frequency"], s["recency"], s["T"]
    counted = s.groupby(["frequency", "recency", "T"]).size().reset_index(name="weights")
    rows = counted["frequency"], counted["recency"], counted["T"]
    repeat = s[s["frequency"] > 0]
    money = repeat["frequency"], repeat["monetary_value"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lifetimes.BetaGeoFitter().fit(*history)
        their_spend = lifetimes.GammaGammaFitter().fit(*money)
    ours, spend = rm.BetaGeoFitter().fit(*history), rm.GammaGammaFitter().fit(*money)
    print(f"{what}; {len(counted):,} distinct histories")
    same_likelihood(ours, theirs)
    compare(
        "BG/NBD fit with covariance",
        lambda: rm.BetaGeoFitter().fit(*history),
        lambda: lifetimes.BetaGeoFitter().fit(*history),
        rounds,
    )
    compare(
        "BG/NBD fit, both given distinct rows and weights",
        lambda: rm.BetaGeoFitter().fit(*rows, weights=counted["weights"]),
        lambda: lifetimes.BetaGeoFitter().fit(*rows, weights=counted["weights"]),
        rounds,
    )
    compare(
        "BG/NBD fit, lifetimes alone given distinct rows and weights",
        lambda: rm.BetaGeoFitter().fit(*history),
        lambda: lifetimes.BetaGeoFitter().fit(*rows, weights=counted["weights"]),
        rounds,
    )
    compare(
        "Gamma-Gamma fit",
        lambda: rm.GammaGammaFitter().fit(*money),
        lambda: lifetimes.GammaGammaFitter().fit(*money),
        rounds,
    )

    def their_value() -> pd.Series:
        return their_spend.customer_lifetime_value(
            theirs, *history, s["monetary_value"], time=12, freq="W"
        )

    compare(
        "value of 12 months, a number a customer",
        lambda: spend.customer_lifetime_value(
            ours, *history, s["monetary_value"], time=12, freq="W"
        ),
        their_value,
        rounds,
    )
    compare(
        "all of predict_customers with intervals, against that number",
        lambda: rm.predict_customers(ours, spend, s, horizon=HORIZON, time_unit="W"),
        their_value,
        1,
    )


def from_log(customers: int, rounds: int) -> None:
    """From a log on disk to value, each in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        simulated(customers, 189, 274, log=True).to_parquet(path)

        # Both compiled to bytecode, as an installation leaves them; ours may be a fresh checkout.
        room = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        room.pop("PYTHONDONTWRITEBYTECODE", None)

        def fresh(who: str) -> Callable[[], object]:
            command = [sys.executable, str(HERE / "from_log.py"), who, str(path)]
            run = lambda: subprocess.run(command, check=True, capture_output=True, env=room)  # noqa: E731
            run()
            return run

        task = f"log to value in a fresh process, {customers:,} customers"
        compare(task, fresh("ours"), fresh("lifetimes"), rounds)


def order_lines(rows: int) -> None:
    """Customer summaries of generated order lines, each in a fresh process: time and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/lines.parquet"
        lines = [sys.executable, str(HERE / "order_lines.py")]
        subprocess.run([*lines, "write", str(rows), path], check=True)
        found: dict[str, list[tuple[float, float]]] = {}
        for who in ("by_hand", "ours", "lifetimes") * 3:
            done = subprocess.run([*lines, who, path], check=True, capture_output=True, text=True)
            _, seconds, peak = done.stdout.split()
            found.setdefault(who, []).append((float(seconds), float(peak)))
        middle = {
            who: [statistics.median(column) for column in zip(*runs, strict=True)]
            for who, runs in found.items()
        }
        (ours, memory), (theirs, more), (by_hand, _) = (
            middle[who] for who in ("ours", "lifetimes", "by_hand")
        )
        print(
            f"summary of {rows:,} order lines: {ours:.1f} s; lifetimes {theirs / ours:.1f} times as "
            f"long; {ours / by_hand:.2f} times a query by hand; peak memory {memory:.2f} GiB, "
            f"{memory / more:.0%} of lifetimes'",
            flush=True,
        )


def hundred_million() -> None:
    """Ours alone, in two sizes, the small one before and after: time per line, and peak memory."""
    small, large = 10_000_000, 100_000_000
    with tempfile.TemporaryDirectory() as folder:
        lines = [sys.executable, str(HERE / "order_lines.py")]
        paths = {rows: f"{folder}/{rows}.parquet" for rows in (small, large)}
        for rows, path in paths.items():
            subprocess.run([*lines, "write", str(rows), path], check=True)
        seconds: dict[int, list[float]] = {small: [], large: []}
        for rows in (small, large, small):
            done = subprocess.run(
                [*lines, "ours", paths[rows]], check=True, capture_output=True, text=True
            )
            _, taken, peak = (float(v) for v in done.stdout.split())
            seconds[rows].append(taken)
            print(
                f"summary of {rows:,} order lines: {taken:.1f} s, {taken / rows * 1e9:.0f} ns a "
                f"line, {peak:.2f} GiB at most",
                flush=True,
            )
        ratio = seconds[large][0] / large / (statistics.mean(seconds[small]) / small)
        print(f"a line of {large:,} takes {ratio:.2f} times one of {small:,}", flush=True)


def ten_million() -> None:
    """Ours alone: lifetimes would need an hour."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "counted.parquet")
        for step in ("count", "predict"):
            subprocess.run([sys.executable, str(HERE / "ten_million.py"), step, path], check=True)


def pages_a_minute() -> None:
    """Ours against a loop of papermill and nbconvert."""
    subprocess.run([sys.executable, str(HERE / "pages.py")], check=True)


def processor_time() -> None:
    """The demonstration's run and pages in processor time, and 2,000 small stores in one run."""
    script = [sys.executable, str(HERE / "processor_time.py")]
    subprocess.run(script, check=True)
    subprocess.run([*script, "2000"], check=True)


def campaign() -> None:
    """One randomised campaign over 1,000,000 customers, in a fresh process, beside statsmodels."""
    with tempfile.TemporaryDirectory() as folder:
        script = [sys.executable, str(HERE / "campaign.py")]
        subprocess.run([*script, "write", "1000000", folder], check=True)
        subprocess.run([*script, "ours", folder], check=True)


def main() -> None:
    """Print a row per task: ours, theirs, and how many times faster ours is."""
    print(f"{'task':<62} {'ours':>10} {'lifetimes':>10}   faster by", flush=True)
    models(2_000, 189, 274, rounds=9)
    models(1_000_000, 189, 274, rounds=3)
    models(1_000_000, 365, 730, rounds=3)
    from_log(2_000, rounds=7)
    from_log(1_000_000, rounds=3)
    ten_million()
    campaign()
    order_lines(10_000_000)
    hundred_million()
    pages_a_minute()
    processor_time()


if __name__ == "__main__":
    main()
