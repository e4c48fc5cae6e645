"""Tables of this process as sources: pandas, Polars and Arrow frames, and Ibis tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from retention_models.data.engines.connections import duckdb_connection
from retention_models.data.engines.source import Source
from retention_models.errors import DataError


class ArrowStream(Protocol):
    """What hands its rows out as an Arrow stream: Polars and Arrow tables, DuckDB relations."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows, by Arrow's C stream interface."""


Frame: TypeAlias = "pd.DataFrame | ArrowStream | Table"

# An engine that is asked where the rows lie; rows of any other are copied here.
_SERVERS = ("postgres", "pyspark")


def open_frame(frame: Frame, name: str, timezone: str, memory: str = "3.5GB") -> Source:
    """Open a frame as an Ibis table of DuckDB; a pandas index is left behind."""
    if isinstance(frame, Table):
        return _open_ibis(frame, name, timezone, memory)
    if isinstance(frame, pd.DataFrame):
        table, unfit = _of_pandas(frame, name)
        return replace(from_arrow(table, name, timezone, memory), unfit=unfit)
    if isinstance(frame, pd.Series) or not hasattr(frame, "__arrow_c_stream__"):
        collect = " Collect it first: frame.collect()." if hasattr(frame, "collect") else ""
        raise DataError(
            f"{name}: expected a path, a URL, a pandas, Polars or Arrow frame or an Ibis table; got "
            f"{type(frame).__name__}.{collect}"
        )
    table = pa.table(frame)
    _require_names(name, table.column_names)
    plain = {column: _plain(table[column]) for column in table.column_names}
    return from_arrow(pa.table(plain), name, timezone, memory)


def from_arrow(table: pa.Table, name: str, timezone: str, memory: str) -> Source:
    """Copy an Arrow table into a DuckDB of its own."""
    connection: Any = duckdb_connection(timezone, memory)
    # A frame put together from thousands has as many parts, which cost memory by their square.
    rows = connection.create_table("given", ibis.memtable(table.combine_chunks()))
    return Source(name, rows, (duckdb.Error,), in_process=True)


def _require_names(name: str, columns: list[Any]) -> None:
    if not all(isinstance(column, str) for column in columns) or len(set(columns)) < len(columns):
        raise DataError(
            f"{name}: expected columns with different names that are text; got {columns}. Name them, "
            "and reset the index if it holds what is needed."
        )
    names: dict[str, str] = {}
    for column in columns:
        other = names.setdefault(column.casefold(), column)
        if other != column:
            raise DataError(
                f"{name}: columns {other!r} and {column!r} differ in upper and lower case only, which "
                "engines do not tell apart. Rename or drop one."
            )


def _of_pandas(frame: pd.DataFrame, name: str) -> tuple[pa.Table, dict[str, str]]:
    """The columns of a frame, and why those are unfit that Arrow has no type for."""
    _require_names(name, list(frame.columns))
    columns, unfit = {}, {}
    for column in frame.columns:
        values = _as_arrow_knows_it(frame[column])
        try:
            found = pa.Array.from_pandas(values)
        except (pa.ArrowException, OverflowError) as error:
            # Refused where it is needed: further columns may hold anything.
            unfit[column] = (
                f"does not hold values of one type ({error}). Make ids text and days dates before."
            )
            found = pa.nulls(len(values), pa.string())
        if pa.types.is_timestamp(found.type) and _some_have_a_zone(values):
            unfit[column] = (
                "holds times with a zone and times without one. Make all of them one kind before."
            )
        columns[column] = _plain(found)
    return pa.table(columns), unfit


def _as_arrow_knows_it(values: pd.Series) -> pd.Series:
    """A column of a type that Arrow knows: periods and ranges as text, sparse ones as they read."""
    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        values, kind = values.astype(kind.categories.dtype), kind.categories.dtype
    if isinstance(kind, pd.PeriodDtype | pd.IntervalDtype):
        return values.astype(str).where(values.notna(), None)
    return values.sparse.to_dense() if isinstance(kind, pd.SparseDtype) else values


def _some_have_a_zone(values: pd.Series) -> bool:
    """Whether of times that are objects some have a zone and others none: Arrow takes one for all."""
    if values.dtype != object:
        return False
    zones = {getattr(value, "tzinfo", None) is None for value in values.dropna()}
    return len(zones) > 1


def _plain(column: Any) -> Any:
    """A column without what only Arrow knows: dictionaries, views, nothing at all."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        # Not by a cast, which knows no views.
        parts = [
            pa.DictionaryArray.from_arrays(
                part.indices, _plain(part.dictionary)
            ).dictionary_decode()
            for part in getattr(column, "chunks", [column])
        ]
        return pa.chunked_array(parts, _plain(pa.array([], kind.value_type)).type)
    # A column of nothing has no type of its own.
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _open_ibis(table: Table, name: str, timezone: str, memory: str) -> Source:
    backend: Any = table.get_backend()
    if backend.name in _SERVERS:
        return _on_its_server(table, backend, name, timezone)
    # The rows move: days begin in the shop's zone here, and the engine it came from stays as it is.
    connection: Any = duckdb_connection(timezone, memory)
    connection.con.register("handed_over", table.to_pyarrow_batches())
    connection.raw_sql("CREATE TABLE given AS SELECT * FROM handed_over")
    connection.con.unregister("handed_over")
    return Source(name, connection.table("given"), (duckdb.Error,), in_process=True)


def _on_its_server(table: Table, backend: Any, name: str, timezone: str) -> Source:
    """A table of PostgreSQL or Spark where it lies, if its session's days begin in the shop's zone."""
    if backend.name == "pyspark":
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        errors: tuple[type[Exception], ...] = (PySparkException, Py4JError, RuntimeError)
        session = backend._session
        zone, setting = session.conf.get("spark.sql.session.timeZone"), "spark.sql.session.timeZone"
    else:
        import psycopg

        errors = (psycopg.Error,)
        with backend.con.cursor() as cursor:
            (zone,) = cursor.execute("SHOW TIME ZONE").fetchone()
        setting = "TIME ZONE"
    if zone != timezone and {zone, timezone} - {"UTC", "Etc/UTC"}:
        raise DataError(
            f"{name}: days begin in {zone} in the table's session, and in {timezone} in the shop. Set "
            f"{setting} of its connection to {timezone!r}, or pass timezone={zone!r}."
        )
    return Source(name, table, errors)
