"""Fits of other packages, for `peers.py`: `python peers_fits.py FOLDER`, in an environment with them.

Reads FOLDER/cdnow.csv (customer_id, frequency, recency, T in weeks, monetary_value), writes
FOLDER/peers.json: by package its parameters, processor time of the fit and of an interval, the interval.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

NAMES = ("r", "alpha", "a", "b")
WEEKS = 39
REFITS = 100


def processor_seconds(call: Callable[[], object]) -> tuple[float, object]:
    """Processor time of this process and those that it started, and what came out."""

    def now() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(each.ru_utime + each.ru_stime for each in used)

    begin = now()
    found = call()
    return now() - begin, found


def of_clvkit(summary: pd.DataFrame) -> dict[str, object]:
    """Maximum likelihood; intervals by fits to simulated customers."""
    from clvkit import BGNBD, CustomerBase, GammaGamma

    base = CustomerBase(
        summary,
        time_unit="W",
        collapse="D",
        observation_period_end=pd.Timestamp("1997-09-30"),
        has_monetary=True,
        on_negative="net",
    )
    seconds, model = processor_seconds(lambda: BGNBD().fit(base))
    more, spread = processor_seconds(lambda: model.parameter_uncertainty(n=REFITS, seed=1))
    spend_seconds, spend = processor_seconds(lambda: GammaGamma().fit(base))
    table = spread.to_pandas()
    return {
        "params": {name: float(model.params_[name]) for name in NAMES},
        "seconds": seconds,
        "interval_seconds": more,
        "r": table.loc["r", ["ci_low", "ci_high"]].tolist(),
        "total": float(model.predict(WEEKS).to_pandas().sum().iloc[0]),
        "spend": [float(value) for value in spend.params_],
        "spend_seconds": spend_seconds,
    }


def of_pymc_marketing(summary: pd.DataFrame) -> dict[str, dict[str, object]]:
    """The mode and the whole of the posterior, with the package's own priors."""
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    rows = summary.reset_index()
    found: dict[str, dict[str, object]] = {}
    for name, options in (
        ("mode (MAP)", {"method": "map"}),
        ("mode again, compiled before", {"method": "map"}),
        ("sampled (NUTS, 2 chains of 1,000)", {"method": "mcmc", "random_seed": 1, "chains": 2}),
    ):
        model = BetaGeoModel(data=rows)
        call = lambda model=model, options=options: model.fit(progressbar=False, **options)  # noqa: E731
        seconds, _ = processor_seconds(call)
        posterior = model.idata.posterior
        purchases = model.expected_purchases(future_t=WEEKS)
        totals = purchases.sum("customer_id").to_numpy().ravel()
        draws = posterior["r"].to_numpy().ravel()
        found[name] = {
            "params": {each: float(posterior[each].mean()) for each in NAMES},
            "seconds": seconds,
            "total": float(totals.mean()),
        }
        if len(draws) > 1:
            found[name]["r"] = np.quantile(draws, [0.025, 0.975]).tolist()
            found[name]["totals"] = np.quantile(totals, [0.025, 0.975]).tolist()
    back = rows[rows["frequency"] > 0]
    spend = GammaGammaModel(data=back[["customer_id", "frequency", "monetary_value"]])
    seconds, _ = processor_seconds(lambda: spend.fit(method="map", progressbar=False))
    found["mode (MAP)"]["spend"] = [float(spend.idata.posterior[each].mean()) for each in "pqv"]
    found["mode (MAP)"]["spend_seconds"] = seconds
    return found


def main(folder: Path) -> None:
    """Fit with every package that is there."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    summary = pd.read_csv(folder / "cdnow.csv", index_col="customer_id", dtype={"customer_id": str})
    found = {}
    if find_spec("clvkit"):
        found[f"clvkit {version('clvkit')}"] = of_clvkit(summary)
    if find_spec("pymc_marketing"):
        called = f"pymc-marketing {version('pymc-marketing')}"
        for name, fit in of_pymc_marketing(summary).items():
            found[f"{called}, {name}"] = fit
    (folder / "peers.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
