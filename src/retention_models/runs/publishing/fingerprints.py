"""What a page is made from, as sha256: rows of every store, files, code, packages."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from retention_models import __version__
from retention_models.data.engines import to_frame
from retention_models.data.engines.writing import row_hash_sums
from retention_models.data.transactions import Transactions
from retention_models.project.chosen_models import code_sha256
from retention_models.runs.publishing.files import sha256
from retention_models.runs.publishing.snapshot import Snapshot
from retention_models.settings.project import Settings

_PACKAGE = Path(__file__).resolve().parents[2]
_LOCK = "requirements.lock"

# What of a row counts.
_ROW = ("customer_id", "date", "spend", "order_id", "category")

# Keys of the project file that no page depends on: where pages go, who is told, what a notebook may use
# and where it runs. Not execution.output: what goes beyond it is left out of the page.
_NOT_ON_PAGES = {
    "transactions": ("memory",),
    "reports": ("output", "keep_runs", "notices", "warnings"),
    "execution": ("time_limit", "memory", "scheduler"),
}


@dataclass(frozen=True)
class DataPrint:
    """The data of a run."""

    stores: dict[str, dict[str, Any]]  # store id → rows, unusable rows and sha256 of its own data
    sha256: str  # of the whole log
    # Path → sha256 of the project's other files, None where that cannot be told.
    files: dict[str, str | None]

    def of_store(self, store_id: str) -> dict[str, Any]:
        """A store's entry, also for one without a row."""
        return self.stores.get(store_id, {"rows": 0, "unusable": 0, "sha256": digest([])})


def digest(value: Any) -> str:
    """The sha256 of a JSON value; dates and paths as text."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def data_print(settings: Settings, log: Transactions) -> DataPrint:
    """Fingerprint the data of a run.

    A row's hash is the engine's, of its customer, day, spend, order and category; a store's is the sum
    of its rows' hashes modulo a prime, twice with different texts, with the number of rows and the rows
    that could not be used by reason.
    """
    found = _row_hashes(log)
    quality = log.quality
    stores = {}
    of_store = quality.sort_values("reason").groupby("store_id")
    said = {store: _reasons(rows) for store, rows in of_store}
    for store_id in sorted({*found.index, *quality["store_id"].dropna()}):
        sums = [int(v) for v in found.loc[store_id]] if store_id in found.index else [0, 0, 0]
        reasons = said.get(store_id, [])
        unusable = sum(n for _, n, _ in reasons)
        stores[str(store_id)] = {
            "rows": sums[0],
            "unusable": unusable,
            "sha256": digest([sums, reasons]),
        }
    lost = _reasons(quality.loc[quality["store_id"].isna()].sort_values("reason"))
    whole = digest([stores, lost])
    return DataPrint(stores, whole, other_files(settings))


def _row_hashes(log: Transactions) -> pd.DataFrame:
    with log.origin.reading():
        found = to_frame(row_hash_sums(log.table, by="store_id", columns=_ROW))
    return found.set_index("store_id").sort_index()[["rows", "first", "second"]]


def _reasons(bad: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Reason, rows and spend; of the spend what does not depend on the order of its summation."""
    found = bad[["reason", "rows", "spend"]].itertuples(index=False, name=None)
    return [(reason, int(rows), f"{spend:.12g}") for reason, rows, spend in found]


def other_files(settings: Settings) -> dict[str, str | None]:
    """Path → sha256 of the project's other files, None where that cannot be told."""
    channels = None if settings.acquisition is None else settings.acquisition.customers
    beside = (settings.surveys, settings.events, channels)
    sources = [one.source for one in beside if one is not None]
    if settings.campaign_data is not None:
        sources += [
            str(value)
            for value in settings.campaign_data.model_dump(exclude_none=True).values()
            if isinstance(value, str)
        ]
    if settings.reports.translation is not None:
        sources.append(settings.reports.translation)
    found = {}
    for source in sources:
        path = Path(settings.path(source))
        found[source] = sha256(path) if path.is_file() else None
    return found


def code_entry(notebook: Snapshot) -> dict[str, str]:
    """The manifest's `code`."""
    return {
        "version": __version__,
        "sha256": code_sha256(),
        "python": platform.python_version(),
        "notebook": notebook.path.name,
        "notebook_sha256": notebook.sha256,
    }


@cache
def _installed() -> str:
    names = {f"{d.name}=={d.version}" for d in importlib.metadata.distributions()}
    return digest(sorted(names))


@cache
def lock_entry() -> dict[str, str | None]:
    """The manifest's `lock`."""
    path = _PACKAGE.parents[1] / _LOCK
    return {"installed": _installed(), "file": sha256(path) if path.is_file() else None}


def inputs_sha256(
    store_id: str,
    as_of: dt.date,
    settings: Settings,
    data: DataPrint,
    code: Mapping[str, str],
) -> str | None:
    """Of all that a store's page is made from; None where that cannot be told.

    The whole log counts, not the store's rows alone: a small store borrows from the chain.
    """
    if None in data.files.values():
        return None
    project = settings.model_dump(mode="json")
    for table, keys in _NOT_ON_PAGES.items():
        for key in keys:
            del project[table][key]
    return digest([store_id, as_of, project, data.sha256, data.files, dict(code), lock_entry()])
