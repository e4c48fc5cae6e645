"""Made-up shops: logs simulated from a known BG/NBD model, and project files around them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_DAY = dt.date(2023, 1, 1)
LAST_DAY = dt.date(2023, 12, 31)

PROJECT = """
name = "Corner <Shops>"

[transactions]
source = "{source}"
timezone = "Europe/Istanbul"

[transactions.columns]
customer_id = "customer"
date = "day"
spend = "amount"
store_id = "shop"

[stores]
ids = [{stores}]
names = {{ "0042" = "High Street" }}

[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1

[model]
observation_end = 2023-12-31
{extra}
"""


def simulated_log(
    customers: int, seed: int, *, r=0.8, alpha=4.0, a=0.6, b=3.0, shop="0042", days=365
) -> pd.DataFrame:
    """Purchases of customers who joined in the first half of the days from January 2023, by BG/NBD."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(customers):
        begin = int(rng.integers(0, days // 2))
        rate, leave = rng.gamma(r) / alpha / 7, rng.beta(a, b)
        level = rng.gamma(4.0) * 10
        day = float(begin)
        while day < days:
            date = FIRST_DAY + dt.timedelta(days=int(day))
            rows.append((f"{i:04d}", date, round(level * rng.gamma(3.0) / 3 + 0.01, 2), shop))
            if len(rows) > 1 and day > begin and rng.random() < leave:
                break
            day += rng.exponential(1 / rate)
    return pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"])


def write_project(
    folder: Path, log: pd.DataFrame, stores: list[str], *, extra: str = "", text: str = PROJECT
) -> Path:
    """Write a log as CSV and a project file around it."""
    folder.mkdir(parents=True, exist_ok=True)
    log.to_csv(folder / "log.csv", index=False)
    project = folder / "retention.toml"
    quoted = ", ".join(f'"{store}"' for store in stores)
    project.write_text(text.format(source="log.csv", stores=quoted, extra=extra), encoding="utf-8")
    return project


def with_season(log: pd.DataFrame, swing: float, seed: int, *, peak: float = 0.0) -> pd.DataFrame:
    """Keep repeat purchases by a yearly wave, 1 ± swing, highest at the share `peak` of a year."""
    rng = np.random.default_rng(seed)
    days = (pd.to_datetime(log["day"]) - pd.Timestamp(FIRST_DAY)).dt.days
    wave = 1.0 + swing * np.cos(2.0 * np.pi * (days / 365.25 - peak))
    first = ~log.duplicated("customer")
    return log[first | (rng.random(len(log)) < wave / (1.0 + swing))]
