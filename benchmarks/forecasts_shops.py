"""Shops for `forecasts.py`: real logs that install from PyPI, and simulated ones of a known process."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import retention_models as rm

# The data and simulated shops are also the tests'.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

from cdnow_data import cdnow_path
from grocery_data import grocery_log
from purchase_samples import simulate_mid_life, simulate_orders
from retention_models.settings.calendar import CalendarSettings

BEGIN = dt.date(2021, 1, 4)
STORES = 6  # of each simulated kind, but of subscribers, whose model takes long
SUBSCRIPTIONS = 4
_NAMES = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "store"}
# By horizon in weeks; of a year of groceries 26 weeks ahead can be told from early days only.
Origins = dict[int, list[dt.date]]


@dataclass(frozen=True)
class Shops:
    """A set of shops in one log, and the days from which they are forecast."""

    name: str
    log: rm.Transactions
    stores: list[str]
    origins: Origins
    calendar: CalendarSettings | None = None

    @property
    def days(self) -> list[dt.date]:
        """All days from which there is a forecast."""
        return sorted({day for days in self.origins.values() for day in days})


def shops_of(name: str, folder: Path, most: int) -> Shops:
    """A set by its name; of grocery stores so many, the largest."""
    if name == "CDNOW":
        return _cdnow(folder)
    return _grocery(folder, most) if name == "grocery" else _simulated(folder, name)


def _cdnow(folder: Path) -> Shops:
    """The CDNOW sample: 78 weeks of 2,357 customers who all joined in the first twelve."""
    rows = pd.read_csv(
        cdnow_path("CDNOW_sample.txt"), sep=r"\s+", header=None, usecols=[0, 2, 4], dtype=str
    )
    rows.columns = ["id", "day", "paid"]
    rows["day"] = pd.to_datetime(rows["day"], format="%Y%m%d")
    log = _read(rows.assign(paid=rows["paid"].astype(float), store="cdnow"), folder / "cdnow.csv")
    return Shops("CDNOW", log, ["cdnow"], _each(dt.date(1996, 12, 31), (26, 39, 52)))


def _grocery(folder: Path, most: int) -> Shops:
    """The grocery stores of most households, the largest first."""
    log = grocery_log(folder)
    sizes = rm.customer_summary_by_store(log)
    largest = sorted(sizes, key=lambda store: (-len(sizes[store]), store))[:most]
    first = dt.date(2017, 1, 1)
    late, early = (
        [first + dt.timedelta(days=day) for day in days]
        for days in ((182, 227, 273), (126, 154, 182))
    )
    return Shops("grocery", log, largest, {4: late, 13: late, 26: early})


def _simulated(folder: Path, kind: str) -> Shops:
    """Shops of two years, or of three where there is a season, by a known process."""
    parts, stores = [], SUBSCRIPTIONS if kind == "subscription" else STORES
    for store in range(stores):
        lines = _lines(kind, np.random.default_rng(store), store)
        lines["id"] = f"{store}-" + lines["id"].astype(str)
        parts.append(lines.assign(store=f"{kind}{store}"))
    rows = pd.concat(parts)
    rng = np.random.default_rng(9)
    level = dict(zip(rows["id"].unique(), rng.gamma(4.0, 1.0, rows["id"].nunique()), strict=True))
    rows["paid"] = (rows["id"].map(level) * rng.gamma(6.0, 1.0, len(rows))).round(2) + 0.01
    log = _read(rows, folder / f"{kind}.csv")
    seasonal = kind == "seasonal"
    origins = _each(BEGIN - dt.timedelta(days=1), (104, 117, 130) if seasonal else (52, 65, 78))
    calendar = CalendarSettings() if seasonal else None
    names = [f"{kind}{store}" for store in range(stores)]
    return Shops(f"simulated: {kind}", log, names, origins, calendar)


def _each(before: dt.date, weeks: tuple[int, ...]) -> Origins:
    """The same days for every horizon."""
    days = [before + dt.timedelta(weeks=week) for week in weeks]
    return dict.fromkeys((4, 13, 26), days)


def _lines(kind: str, rng: np.random.Generator, store: int) -> pd.DataFrame:
    """Customers and days of one simulated shop."""
    if kind == "subscription":
        customers, times = subscribers(rng, 400, 104.0 * 7.0)
        return pd.DataFrame({"id": customers, "day": _dates(times)})
    if kind == "mid-life":
        new, old = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0)
        customers, times = simulate_mid_life(rng, new, old, 200.0, 4.0, 104.0)[:2]
        return pd.DataFrame({"id": customers, "day": _dates(times * 7.0)})
    end = 156.0 * 7.0 if kind == "seasonal" else 104.0 * 7.0
    customers, times = simulate_orders(rng, 700, 0.9, 6.0, 0.6, 3.0, begin=end - 28.0, end=end)
    if kind == "seasonal":
        times = _in_season(times, end, rng.uniform(0.0, 2.0 * np.pi))
    return pd.DataFrame({"id": customers, "day": _dates(times)})


def subscribers(rng: np.random.Generator, size: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of subscribers who join at any time before `end`, in days: customers, times.

    A box comes every 30 ± 2 days, and is the last one with a chance of .03 to .12, each customer's own;
    one box in ten is put off by a month.
    """
    customer, time = np.arange(size), end * rng.random(size)
    leaves = rng.uniform(0.03, 0.12, size)
    customers, times = [customer], [time]
    while customer.size:
        stays = rng.random(customer.size) >= leaves[customer]
        customer, time = customer[stays], time[stays]
        time = (
            time + rng.normal(30.0, 2.0, customer.size) + 30.0 * (rng.random(customer.size) < 0.1)
        )
        seen = time < end
        customer, time = customer[seen], time[seen]
        customers.append(customer)
        times.append(time)
    return np.concatenate(customers), np.concatenate(times)


def _in_season(times: np.ndarray, end: float, phase: float) -> np.ndarray:
    """Days on which operational times fall under a yearly wave, up to 50% more or less than usual."""
    days = np.arange(int(end) + 1, dtype=float)
    passed = np.cumsum(1.0 + 0.5 * np.sin(2.0 * np.pi * days / 365.25 + phase))
    passed *= end / passed[-1]
    return np.interp(times, passed, days)


def _dates(days: Any) -> pd.Series:
    return pd.Series(pd.Timestamp(BEGIN) + pd.to_timedelta(np.floor(days), unit="D"))


def _read(rows: pd.DataFrame, path: Path) -> rm.Transactions:
    rows.to_csv(path, index=False)
    return rm.read_transactions(path, **_NAMES)
