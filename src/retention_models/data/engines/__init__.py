"""Opens what the project file names as its source: files by DuckDB, or another engine by its URL.

The rest of the package speaks Ibis and does not know which of them answers.
"""

from __future__ import annotations

from pathlib import Path

from retention_models.data.engines.connections import on_one_thread
from retention_models.data.engines.csv_files import looks_like_value
from retention_models.data.engines.files import KINDS, open_files
from retention_models.data.engines.frames import Frame, open_frame
from retention_models.data.engines.parquet_files import beside
from retention_models.data.engines.source import (
    SeveralTables,
    Source,
    copied,
    kept,
    to_arrow,
    to_frame,
)
from retention_models.data.engines.writing import write_parquet, write_parts, write_table
from retention_models.errors import DataError
from retention_models.settings.credentials import without_password

__all__ = [
    "Frame",
    "SeveralTables",
    "Source",
    "beside",
    "copied",
    "kept",
    "looks_like_value",
    "on_one_thread",
    "open_source",
    "to_arrow",
    "to_frame",
    "write_parquet",
    "write_parts",
    "write_table",
]

_POSTGRESQL = ("postgresql://", "postgres://")
_SPARK = ("spark://", "sc://")


def open_source(
    given: str | Path | Frame,
    table: str | None,
    timezone: str,
    memory: str = "3.5GB",
    *,
    encoding: str | None = None,
    sheet: str | None = None,
    name: str = "frame",
) -> Source:
    """Open a source, a path or glob of files, a URL or a frame, as an Ibis table.

    URLs: ``duckdb://path``, ``postgresql://host/database``, ``spark://local`` (this machine),
    ``spark://host:7077`` (a cluster's master), ``sc://host:15002`` (Spark Connect). A table is needed
    unless there is only one; with Spark also a path of Parquet files that the cluster can read.
    Times with an offset are moved to the zone. Beyond so much memory DuckDB spills to disk. A frame is
    called by `name` in messages.
    """
    if not isinstance(given, str | Path):
        _require_none(name, table=table, encoding=encoding, sheet=sheet)
        return open_frame(given, name, timezone, memory)
    source = str(given)
    if source.startswith((*_POSTGRESQL, *_SPARK)):
        _require_none(without_password(source), encoding=encoding, sheet=sheet)
    if source.startswith(_POSTGRESQL):
        from retention_models.data.engines.servers import open_postgresql

        return open_postgresql(source, table, timezone)
    if source.startswith(_SPARK):
        from retention_models.data.engines.servers import open_spark

        return open_spark(source, table, timezone)
    if "://" in source.removeprefix("duckdb://"):
        raise DataError(
            f"{without_password(source)}: expected a path, or a URL that begins with duckdb://, "
            f"postgresql://, spark:// or sc://. A path names {KINDS}."
        )
    return open_files(source, table, timezone, memory, encoding, sheet)


def _require_none(name: str, **given: str | None) -> None:
    """Refuse what says how files are read where there are none."""
    for key, value in given.items():
        if value is not None:
            raise DataError(f"{name}: {key} = {value!r} is only for files; leave it out here.")
