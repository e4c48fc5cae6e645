"""Campaigns and customers that tests of plans share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import retention_models as rm
from retention_models.settings.campaigns import Campaign


def coupon(**changes: Any) -> Campaign:
    """Four weeks of a coupon, half the customers held out, but for changes."""
    given: dict[str, Any] = {
        "id": "spring",
        "name": "Spring coupon",
        "kind": "coupon",
        "design": "randomised",
        "start": dt.date(2024, 3, 1),
        "end": dt.date(2024, 3, 28),
        "shares": {"control": 0.5, "coupon": 0.5},
        "seed": 7,
    }
    return Campaign(**(given | changes))


def expectations(size: int, seed: int) -> pd.DataFrame:
    """Expected purchases of customers with ids as a shop has them; every tenth has no history."""
    values = np.random.default_rng(seed).gamma(0.8, 0.5, size)
    values[::10] = np.nan
    ids = pd.Index([f"{number:05d}" for number in range(size)], dtype="str", name="customer_id")
    return pd.DataFrame({"expected_purchases": values}, index=ids)


def read_orders(orders: pd.DataFrame, folder: Path) -> rm.Transactions:
    """Orders as a log; store_id is read where there is one."""
    orders.to_parquet(folder / "log.parquet")
    store = "store_id" if "store_id" in orders.columns else None
    return rm.read_transactions(
        folder / "log.parquet",
        customer_id="customer_id",
        date="date",
        spend="spend",
        store_id=store,
    )
