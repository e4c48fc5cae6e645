"""One randomised campaign over a million customers, from Parquet to its effect.

`campaign.py write CUSTOMERS FOLDER`, then `campaign.py ours FOLDER`: it prints the stages, the seconds
in all and the peak memory in GiB; and beside the regressions the same estimates by statsmodels.
"""

from __future__ import annotations

import datetime as dt
import importlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

LIMIT_SECONDS, LIMIT_GIB = 10.0, 3.0
MARGIN = 0.3
_ROOMS = (
    "duckdb",
    "retention_models",
    "retention_models.campaigns.data.read",
    "retention_models.campaigns.effects.effect",
    "retention_models.data.reading_transactions",
    "statsmodels.regression.linear_model",
)


def write(customers: int, folder: str) -> None:
    """A year of history, eight weeks of a campaign and who was put in which arm by lot."""
    from shops import simulated

    log = simulated(customers, 400, 730, log=True).reset_index(drop=True)
    log["customer_id"] = "C" + log["customer_id"].astype(str).str.zfill(9)
    # In groups of rows as DuckDB and Spark write them; pandas' own are too large to be read by two.
    log.to_parquet(f"{folder}/log.parquet", row_group_size=122_880)
    ids = pd.Series(log["customer_id"].unique())
    offered = np.random.default_rng(2).permutation(len(ids)) % 2
    drawn = {
        "campaign_id": "spring",
        "customer_id": ids,
        "arm": np.where(offered, "coupon", "none"),
    }
    drawn = pd.DataFrame(drawn | {"assigned_at": pd.Timestamp("2025-10-01")})
    drawn.to_parquet(f"{folder}/assignments.parquet", row_group_size=122_880)


def declared() -> Any:
    """Eight weeks, no follow-up, four outcomes."""
    from retention_models.settings.campaigns import Campaign, Costs

    return Campaign(
        id="spring",
        name="Spring coupon",
        kind="coupon",
        design="randomised",
        start=dt.date(2025, 10, 1),
        end=dt.date(2025, 11, 25),
        control="none",
        shares={"none": 0.5, "coupon": 0.5},
        costs=Costs(contact=0.15),
    )


def ours(folder: str) -> None:
    """Stages, seconds and memory; then statsmodels on the same arrays."""
    for room in _ROOMS:
        importlib.import_module(room)
    import retention_models as rm

    names = {"customer_id": "customer_id", "date": "date", "spend": "spend"}
    began = time.perf_counter()
    log = _timed("log checked", lambda: rm.read_transactions(f"{folder}/log.parquet", **names))
    drawn = f"{folder}/assignments.parquet"
    data = _timed("read", lambda: rm.read_campaign(log, declared(), drawn, margin=MARGIN))
    effect = _timed("effect", lambda: rm.effect_of(data, margin=MARGIN))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(data.table):,} customers: {seconds:.1f} s (at most {LIMIT_SECONDS:.0f}), ", end="")
    print(f"{peak:.2f} GiB (at most {LIMIT_GIB:.0f}); grade {effect.grade}")
    _against_statsmodels(data, effect)


def _timed(stage: str, call: Callable[[], Any]) -> Any:
    began, cpu = time.perf_counter(), time.process_time()
    found = call()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"  {stage:<14} {seconds:6.2f} s, {cpu:6.2f} s of processor", flush=True)
    return found


def _against_statsmodels(data: Any, effect: Any) -> None:
    """The four effects of the campaign's days once more: interacted OLS with HC2, one by one."""
    from statsmodels.regression.linear_model import OLS

    from retention_models.campaigns.effects.customers import CONTROL, arms_by_lot
    from retention_models.campaigns.estimators.randomised import randomised_effects

    outcomes = data.outcomes["campaign"].reset_index(drop=True)
    lot = arms_by_lot(data, tuple(outcomes))
    before = data.covariates.reset_index(drop=True)
    ours = _timed(
        "regressions",
        lambda: randomised_effects(
            outcomes, lot.codes, before, control=CONTROL, adjusted_by=lot.names
        ),
    )
    seconds = -time.perf_counter()
    for outcome, names in lot.names.items():
        X = before[names].to_numpy()
        X, z = X - X.mean(axis=0), lot.codes[:, None].astype(float)
        fit = OLS(outcomes[outcome].to_numpy(), np.hstack([np.ones_like(z), z, X, z * X])).fit(
            cov_type="HC2"
        )
        found = ours[outcome].of(1)
        assert np.allclose(
            [fit.params[1], fit.bse[1]], [found.absolute_effect, found.standard_error]
        )
    seconds += time.perf_counter()
    print(f"  statsmodels    {seconds:6.2f} s for the same four numbers and their errors")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "write":
        write(int(rest[0]), rest[1])
    else:
        ours(rest[0])
