"""Our fits beside those of living packages on CDNOW: `python peers.py --peer-python PATH`.

PATH is the Python of an environment with pymc-marketing or clvkit; `peers_fits.py` runs there. Prints
the tables of docs/peers.md. What counts are ratios of processor time, of one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from peers_fits import NAMES, WEEKS, processor_seconds

import retention_models as rm
from retention_models.models.beta_dropout_likelihood import log_likelihood_with_derivatives
from retention_models.models.histories import count_histories

REPEATS = 5


def cdnow(folder: Path) -> tuple[pd.DataFrame, int]:
    """The first 39 weeks of CDNOW, and the purchases of the 39 weeks after."""
    rm.write_demo(folder, "cdnow")
    columns = {"customer_id": "customer_id", "date": "date", "spend": "spend"}
    log = rm.read_transactions(folder / "data" / "raw" / "cdnow.csv", **columns)
    ends = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}
    both = rm.calibration_holdout_summary(log, **ends)
    return rm.customer_summary(log, observation_end="1997-09-30"), int(
        both["frequency_holdout"].sum()
    )


def ours(summary: pd.DataFrame) -> tuple[dict[str, Any], rm.BetaGeoFitter]:
    """Our fit, with its interval; the median of several, as it is short."""
    history = [summary[name] for name in ("frequency", "recency", "T")]
    back = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    times = [processor_seconds(lambda: rm.BetaGeoFitter().fit(*history))[0] for _ in range(REPEATS)]
    money = [
        processor_seconds(
            lambda: rm.GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
        )
        for _ in range(REPEATS)
    ]
    fitter = rm.BetaGeoFitter().fit(*history)
    spend = money[0][1]
    total = rm.predict_store(fitter, None, summary, horizon=WEEKS, interval=0.95).purchases
    table = fitter.summary
    found = {
        "params": {name: float(fitter.params_[name]) for name in NAMES},
        "seconds": float(np.median(times)),
        "interval_seconds": 0.0,
        "r": table.loc["r", ["lower 95% bound", "upper 95% bound"]].astype(float).tolist(),
        "total": total.value,
        "totals": [total.low, total.high],
        "spend": [float(value) for value in spend.params_],
        "spend_seconds": float(np.median([seconds for seconds, _ in money])),
    }
    return found, fitter


def below_the_best(fitter: rm.BetaGeoFitter, params: dict[str, float]) -> float:
    """How far parameters are below the highest log-likelihood of the data."""
    columns = [fitter.data[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    known = count_histories(*columns, np.ones(len(fitter.data)))
    logs = np.log([params[name] for name in NAMES])
    value, _, _ = log_likelihood_with_derivatives(logs, known, first=0)
    return float(fitter.fit_.log_likelihood - value)


def main() -> None:
    """Print a row a package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", required=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        summary, came = cdnow(folder)
        summary.to_csv(folder / "cdnow.csv")
        script = Path(__file__).with_name("peers_fits.py")
        subprocess.run([parser.parse_args().peer_python, str(script), name], check=True)
        found = json.loads((folder / "peers.json").read_text(encoding="utf-8"))
    mine, fitter = ours(summary)
    print(f"{len(summary):,} customers; {came:,} purchases came in the {WEEKS} weeks after\n")
    print("| package | r, alpha, a, b | below the maximum | processor time | × | interval of r |")
    for package, fit in ({"retention_models": mine} | found).items():
        params = ", ".join(f"{fit['params'][each]:.3f}" for each in NAMES)
        gap, times = below_the_best(fitter, fit["params"]), fit["seconds"] / mine["seconds"]
        held = " to ".join(f"{end:.3f}" for end in fit.get("r", ())) or "none"
        more = f" + {fit['interval_seconds']:.1f}" if fit.get("interval_seconds") else ""
        took = f"{fit['seconds']:.4f}{more} s"
        print(f"| {package} | {params} | {gap:.4f} | {took} | {times:,.0f} | {held} |")
    print("\n| package | purchases expected | interval | p, q, v | processor time |")
    for package, fit in ({"retention_models": mine} | found).items():
        held = " to ".join(f"{end:,.0f}" for end in fit.get("totals", ())) or "none"
        spend = ", ".join(f"{value:.3f}" for value in fit.get("spend", ())) or "as above"
        took = f"{fit['spend_seconds']:.3f} s" if "spend_seconds" in fit else ""
        print(f"| {package} | {fit['total']:,.0f} | {held} | {spend} | {took} |")


if __name__ == "__main__":
    main()
