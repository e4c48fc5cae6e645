"""CSV, Parquet and DuckDB files, and data frames, through DuckDB in this process."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from retention_models._imports import submodules_first
from retention_models.data.engines.csv_files import open_csv
from retention_models.data.engines.parquet_files import open_parquet
from retention_models.data.engines.source import Source, reading_from, stamp_of
from retention_models.errors import DataError

# Ibis' package of compilers would import twenty dialects of SQL; its submodules import what they need.
submodules_first("ibis.backends.sql.compilers")
import ibis.backends.sql.compilers.duckdb  # noqa: E402

_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PARQUET = (".parquet", ".pq")
_DUCKDB = (".duckdb", ".ddb", ".db")
KINDS = f"a CSV ({', '.join(_CSV)}), Parquet ({', '.join(_PARQUET)}) or DuckDB file"


def open_files(source: str, table: str | None, timezone: str, memory: str) -> Source:
    """Open files as an Ibis table; every CSV column is text, so that ids stay what they are."""
    path = source.removeprefix("duckdb://")
    connection = duckdb_connection(timezone, memory)
    name = path.lower()
    errors = (duckdb.Error,)
    with reading_from(source, errors):
        if source.startswith("duckdb://") or name.endswith(_DUCKDB):
            rows = _duckdb_table(connection, _existing(path)[0], table)
            return Source(source, rows, errors, in_process=True)
        if table is not None:
            raise DataError(
                f"{source}: table = {table!r} is only for a database; leave it out for files."
            )
        if name.endswith(_PARQUET):
            files = _existing(path)
            stamps = {file: stamp for file in files if (stamp := stamp_of(file)) is not None}
            rows, mixed = open_parquet(connection, files)
            return Source(source, rows, errors, in_process=True, stamps=stamps, mixed=mixed)
        if name.endswith(_CSV):
            rows = open_csv(connection, _existing(path))
            return Source(source, rows, errors, in_process=True)
    raise DataError(f"{source}: expected {KINDS}, by the ending of its name.")


def duckdb_connection(timezone: str, memory: str) -> ibis.BaseBackend:
    """A DuckDB of this process, with its days in a zone and within so much memory."""
    connection = ibis.duckdb.connect()
    # Not as an option of connect(): DuckDB refuses the zone there, before its ICU is loaded.
    spill = Path(tempfile.gettempdir()) / f"retention-{os.getpid()}"
    for name, value in {
        "TimeZone": timezone,
        "memory_limit": memory,
        "temp_directory": str(spill),
    }.items():
        quoted = value.replace("'", "''")
        connection.raw_sql(f"SET {name} = '{quoted}'")
    return connection


def _existing(path: str) -> list[str]:
    try:
        return _found(path)
    except (OSError, ValueError) as error:
        # A folder that may not be entered, a name that is too long or holds a NUL.
        said = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path!r}: cannot be opened ({said or error}).") from None


def _found(path: str) -> list[str]:
    if Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        raise DataError(
            f"{path}: it is a folder; for all of its files, {path}/*{Path(path).suffix}."
        )
    found = sorted(name for name in glob.glob(path) if Path(name).is_file())
    if not found:
        raise DataError(f"{path}: no such file. Paths in a project file start at its folder.")
    return found


def _duckdb_table(connection: ibis.BaseBackend, path: str, table: str | None) -> ibis.Table:
    connection.attach(path, name="source", read_only=True)
    names = sorted(connection.list_tables(database=("source", "main")))
    return connection.table(one_of(path, names, table), database=("source", "main"))


def one_of(name: str, names: list[str], table: str | None) -> str:
    """The table asked for, or the only one there is."""
    if table is None and len(names) == 1:
        return names[0]
    if table not in names:
        wanted = "no table is named" if table is None else f"no table {table!r}"
        raise DataError(
            f"{name}: {wanted}; expected table to be one of {', '.join(names) or 'none: it is empty'}."
        )
    return table


def open_frame(frame: pd.DataFrame, name: str, timezone: str, memory: str = "3.5GB") -> Source:
    """Open a data frame as an Ibis table of DuckDB; its index is left behind."""
    unnamed = [column for column in frame.columns if not isinstance(column, str)]
    if unnamed or not frame.columns.is_unique:
        raise DataError(
            f"{name}: expected columns with different names that are text; got {list(frame.columns)}. "
            "Name them, and reset the index if it holds what is needed."
        )
    columns = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        try:
            found = pa.Array.from_pandas(values)
        except (pa.ArrowException, OverflowError) as error:
            raise DataError(
                f"{name}: column {column!r} does not hold values of one type ({error}). Make ids text "
                "and days dates before."
            ) from None
        # A column of nothing has no type of its own.
        columns[column] = found.cast(pa.string()) if pa.types.is_null(found.type) else found
    connection: Any = duckdb_connection(timezone, memory)
    # A frame put together from thousands has as many parts, which cost memory by their square.
    whole = pa.table(columns).combine_chunks()
    table = connection.create_table("given", ibis.memtable(whole))
    return Source(name, table, (duckdb.Error,), in_process=True)
