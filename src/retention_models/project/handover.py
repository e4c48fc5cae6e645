"""A part of a log that a run has read, as files for another process, and back."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet

from retention_models.data.engines import on_one_thread, open_source
from retention_models.data.id_rules import project_rule
from retention_models.data.transactions import Transactions
from retention_models.project.json_texts import json_text
from retention_models.settings.project import Settings
from retention_models.settings.reading import as_it_was

VARIABLE = "RETENTION_MODELS_SLICES"
_CHAIN = "chain.json"
_FEW_ROWS = 250_000  # DuckDB has a thread take no fewer than 122,880 rows of a file
COPIES = "as-it-was"  # folder of the copies that the run took of its files


def write_chain(folder: Path, project_file: Path, log: Transactions) -> None:
    """Write what is known of the whole chain's log, and of which project file it is."""
    copy = folder / COPIES / project_file.name
    content = copy if copy.is_file() else project_file
    write_json(
        folder / _CHAIN,
        {
            "project": str(project_file.resolve()),
            "digest": _digest(content),
            "source": log.source,
            "quality": log.quality.to_json(orient="table", double_precision=15),
            "stores": _as_text(log.stores),
            "repeats_kept": log.repeats_kept,
            "repeats": log.repeats,
        },
    )


def read_chain(project_file: str | Path) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the run that started this process, and what `write_chain` wrote there.

    None where no run did, or it was of anything else than this project file as it is.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder, path = Path(named), Path(project_file).resolve()
    try:
        chain = read_json(folder / _CHAIN)
    except FileNotFoundError:
        return None
    if chain["project"] != str(path) or chain["digest"] != _digest(as_it_was(path)):
        return None
    return folder, chain


def open_rows(
    settings: Settings,
    rows: Path,
    chain: dict[str, Any],
    *,
    only: str | None = None,
    open_whole: Callable[[], Transactions] | None = None,
) -> Transactions:
    """A log of the rows of a Parquet file, with what `read_chain` knows of the whole chain's."""
    given = settings.transactions
    origin = open_source(str(rows), None, given.timezone, given.memory)
    if parquet.read_metadata(rows).num_rows < _FEW_ROWS:
        on_one_thread(origin.table)
    stores = pd.DataFrame(chain["stores"]).set_index("store_id")
    for column in ("first_day", "last_day"):
        stores[column] = [dt.date.fromisoformat(day) for day in stores[column]]
    return Transactions(
        table=origin.table,
        quality=frame(chain["quality"]),
        stores=stores,
        origin=replace(origin, name=chain["source"]),
        repeats_kept=chain["repeats_kept"],
        first_seen_from=given.first_seen_from,
        ids=project_rule(settings),
        only=only,
        open_whole=open_whole,
        repeats_found=chain["repeats"],
    )


def frame(text: str) -> pd.DataFrame:
    """A table from its JSON."""
    return pd.read_json(io.StringIO(text), orient="table")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, texts as they are."""
    path.write_text(json_text(content), encoding="utf-8")


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _as_text(stores: pd.DataFrame) -> list[dict[str, Any]]:
    rows = stores.reset_index()
    for column in ("first_day", "last_day"):
        rows[column] = [day.isoformat() for day in rows[column]]
    return json.loads(rows.to_json(orient="records"))
