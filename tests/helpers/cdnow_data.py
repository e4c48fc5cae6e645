"""CDNOW, cut into calibration and holdout with pandas alone: a reference the package has no part in.

The files come with the installed lifetimes wheel, which is located and never imported. Calibration
ends 1997-09-30, time is in weeks (days / 7), and the purchases of one day are one purchase, as in
Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

CALIBRATION_END = pd.Timestamp("1997-09-30")
HOLDOUT_WEEKS = 39
_DAYS_IN_WEEK = 7.0


def cdnow_sample() -> pd.DataFrame:
    """The 2,357 customers of the published sample.

    Returns
    -------
    DataFrame
        One row per customer, index customer_id as in the master file: frequency, recency, T (weeks),
        monetary_value (mean spend per repeat purchase day, 0 without one) and frequency_holdout
        (purchase days in the 39 weeks after calibration); ``attrs["time_unit"]`` is "W".
    """
    return _summary("CDNOW_sample.txt")


def cdnow_master() -> pd.DataFrame:
    """All 23,570 customers, in the columns of `cdnow_sample`."""
    return _summary("CDNOW_master.txt")


def cdnow_path(name: str) -> Path:
    """Path of a data file of the installed lifetimes wheel, without importing it."""
    spec = find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / name


def _summary(name: str) -> pd.DataFrame:
    table = _cached_summary(name).copy()
    table.attrs["time_unit"] = "W"
    return table


@cache
def _cached_summary(name: str) -> pd.DataFrame:
    by_day = _purchase_days(name)
    first = by_day.groupby("customer_id", sort=False)["date"].transform("min")
    repeats = by_day[by_day["date"] > first]
    calibration = by_day[by_day["date"] <= CALIBRATION_END].groupby("customer_id", sort=False)[
        "date"
    ]
    calibration_repeats = repeats[repeats["date"] <= CALIBRATION_END].groupby(
        "customer_id", sort=False
    )
    later = by_day[by_day["date"] > CALIBRATION_END].groupby("customer_id", sort=False).size()
    born, last = calibration.min(), calibration.max()
    table = pd.DataFrame(
        {
            "frequency": calibration.size() - 1,
            "recency": (last - born).dt.days / _DAYS_IN_WEEK,
            "T": (CALIBRATION_END - born).dt.days / _DAYS_IN_WEEK,
        }
    )
    spend = calibration_repeats["spend"].mean()
    table["monetary_value"] = spend.reindex(table.index, fill_value=0.0)
    table["frequency_holdout"] = later.reindex(table.index, fill_value=0)
    return table


def _purchase_days(name: str) -> pd.DataFrame:
    rows = pd.read_csv(cdnow_path(name), sep=r"\s+", header=None, dtype=str)
    headed = rows.iloc[0, 0] == "customer_id"
    rows = rows.iloc[1:] if headed else rows.drop(columns=1)
    rows.columns = pd.Index(["customer_id", "date", "cds", "spend"])
    rows = rows.assign(
        date=pd.to_datetime(rows["date"], format="%Y%m%d"), spend=rows["spend"].astype(float)
    )
    return rows.groupby(["customer_id", "date"], as_index=False, sort=False)["spend"].sum()
