"""Where nothing changes, at most one page in twenty says that something has."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.measures.changes import measure_changes
from retention_models.measures.recent import COMPARED, QUARTER, stands_out

STORES, CUSTOMERS, DAYS = 300, 80, 3 * QUARTER


def constant_shops(seed: int) -> pd.DataFrame:
    """Stores whose customers buy at rates and levels of their own, the same all along."""
    rng = np.random.default_rng(seed)
    people = STORES * CUSTOMERS
    rate = rng.gamma(1.0, 1.0 / 25.0, people)
    counts = rng.poisson(rate * DAYS)
    who = np.repeat(np.arange(people), counts)
    level = np.repeat(rng.gamma(4.0, 10.0, people), counts)
    day = rng.integers(0, DAYS, who.size)
    return pd.DataFrame(
        {
            "store_id": [f"{i // CUSTOMERS:03d}" for i in who],
            "customer_id": [f"{i:05d}" for i in who],
            "date": pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D"),
            "spend": np.round(level * rng.gamma(3.0, 1.0 / 3.0, who.size) + 0.01, 2),
        }
    )


@pytest.mark.nightly
def test_shops_without_a_change_are_told_of_one_in_one_page_of_twenty_at_most(tmp_path):
    """300 stores of 80 customers, five figures each, two quarters."""
    end = dt.date(2023, 1, 1) + dt.timedelta(days=DAYS - 1)
    constant_shops(5).to_parquet(tmp_path / "log.parquet", index=False)
    log = rm.read_transactions(
        tmp_path / "log.parquet",
        customer_id="customer_id",
        date="date",
        spend="spend",
        store_id="store_id",
    )
    table = measure_changes(
        log, period=QUARTER, by=["store_id"], end=end, measures=COMPARED, activity_window=45
    )
    table = table.loc[(table["end"] == end) & (table["against"] == "previous period")]
    told = [
        bool((stands_out(found.set_index("measure")) > 1.0).any())
        for _, found in table.groupby("store_id")
    ]
    assert len(told) == STORES
    share = float(np.mean(told))
    # Bonferroni's bound holds whatever the five have in common; with it they say it more rarely.
    assert 0.01 <= share <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / STORES)
