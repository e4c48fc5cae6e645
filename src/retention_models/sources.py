"""Opens what the project file names as its source: a CSV, Parquet or DuckDB file, through DuckDB."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb
import ibis
from ibis.expr.types import Table

from retention_models.errors import DataError
from retention_models.lean_imports import submodules_first

# Ibis' package of compilers would import twenty dialects of SQL; its submodules import what they need.
submodules_first("ibis.backends.sql.compilers")
import ibis.backends.sql.compilers.duckdb  # noqa: E402

_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PARQUET = (".parquet", ".pq")
_DUCKDB = (".duckdb", ".ddb", ".db")
_KINDS = f"a CSV ({', '.join(_CSV)}), Parquet ({', '.join(_PARQUET)}) or DuckDB file"


def open_source(source: str, table: str | None, timezone: str) -> tuple[ibis.BaseBackend, Table]:
    """Open a source as an Ibis table; every CSV column is text, so that ids stay what they are.

    Parameters
    ----------
    source : str
        Path or glob of CSV or Parquet files, path of a DuckDB file, or a ``duckdb://`` URL.
    table : str, optional
        Name of the table; needed for a DuckDB file with more than one.
    timezone : str
        Zone to which times with an offset are moved.

    Returns
    -------
    connection : ibis backend
    table : ibis Table

    Raises
    ------
    DataError
        If the source is missing, of an unknown kind, or not what its name says.
    """
    path = source.removeprefix("duckdb://")
    if "://" in path:
        raise DataError(f"{source}: expected a path or a duckdb:// URL, of {_KINDS}.")
    connection = ibis.duckdb.connect()
    # Not as an option of connect(): DuckDB refuses it there, before its ICU is loaded.
    connection.raw_sql(f"SET TimeZone = '{timezone}'")
    name = path.lower()
    try:
        if source.startswith("duckdb://") or name.endswith(_DUCKDB):
            return connection, _duckdb_table(connection, _existing(path)[0], table)
        if table is not None:
            raise DataError(f"{source}: table = {table!r} is only for a DuckDB file; leave it out.")
        if name.endswith(_PARQUET):
            return connection, connection.read_parquet(_existing(path))
        if name.endswith(_CSV):
            return connection, connection.read_csv(_existing(path), all_varchar=True, header=True)
    except duckdb.Error as error:
        first_line = str(error).strip().split("\n")[0]
        raise DataError(f"{source}: cannot be read. {first_line}") from None
    raise DataError(f"{source}: expected {_KINDS}, by the ending of its name.")


def _existing(path: str) -> list[str]:
    if Path(path).is_file():
        return [path]
    found = sorted(glob.glob(path))
    if not found:
        raise DataError(f"{path}: no such file. Paths in a project file start at its folder.")
    return found


def _duckdb_table(connection: ibis.BaseBackend, path: str, table: str | None) -> Table:
    connection.attach(path, name="source", read_only=True)
    names = sorted(connection.list_tables(database=("source", "main")))
    if table is None and len(names) == 1:
        table = names[0]
    if table not in names:
        wanted = "no table is named" if table is None else f"no table {table!r}"
        raise DataError(
            f"{path}: {wanted}; expected table to be one of {', '.join(names) or 'none: it is empty'}."
        )
    return connection.table(table, database=("source", "main"))
