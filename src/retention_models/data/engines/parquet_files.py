"""Opens Parquet files by what they hold themselves: twin names, months of different types."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import StringValue, Table

from retention_models.data.engines.csv_files import as_glob, told_apart
from retention_models.errors import DataError

_FOLDER = re.compile(r"([^=]+)=.*")
_PATH = "path of the file"
_OF_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
# DuckDB has decimals of no more digits, and takes longer ones for other numbers.
_MOST_DIGITS = 38


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def url_decode(text: str) -> str:  # type: ignore[empty-body]
    """What %20 and the like stand for, by DuckDB."""


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def moment_in(zone: str, local: ibis.dtype("timestamp")) -> ibis.dtype("timestamp('UTC')"):  # type: ignore[valid-type]
    """A time of a zone as a moment, by DuckDB."""


def open_parquet(connection: ibis.BaseBackend, paths: list[str]) -> tuple[Table, dict[str, str]]:
    """Open Parquet files as one table; and the types of columns that have no one type in all of them.

    Columns are those of the first file. What only the names of folders say (lake/store=0042/) are
    columns of text; where a file holds such a column itself, the file is right.
    """
    types, instants = _types(paths)
    mixed = any(len(kinds) > 1 for kinds in types.values())
    folders = [found[1] for part in Path(paths[0]).parts[:-1] if (found := _FOLDER.fullmatch(part))]
    rows = connection.read_parquet(
        [as_glob(path) for path in paths],
        hive_partitioning=False,
        union_by_name=mixed,
        **({"filename": _PATH} if folders else {}),
    )
    # DuckDB puts what only later files have behind the first one's columns.
    first = [column for column in rows.columns if column != _PATH]
    first = first[: len(types)] if len(paths) > 1 else first
    own = _own_names(first, paths[0])
    known = {name.casefold() for name in own.values()}
    said = {name: _said(rows, name) for name in folders if name.casefold() not in known}
    table = rows.select(**{own[column]: rows[column] for column in first}, **said)
    unfit = {
        column: "is "
        + " and ".join(f"{_family(kind)} in {Path(path).name}" for kind, path in kinds.items())
        + ". As numbers ids lose the zeros in front. Export it with one type in all files, ids as text."
        for column, kinds in types.items()
        if len({_family(kind) for kind in kinds}) > 1
    }
    for column, kinds in types.items():
        for kind in kinds:
            if (why_not := _not_for_duckdb(kind)) is not None:
                unfit[column] = why_not
    return _moved_to_utc(table, instants), unfit


def _not_for_duckdb(kind: pa.DataType) -> str | None:
    """Why a column of a type that DuckDB takes for another cannot be used; None of all others."""
    if pa.types.is_duration(kind):
        # It is read as a whole number, of nobody's unit.
        return "holds lengths of time; expected days, or numbers. Export it as what it stands for."
    if pa.types.is_decimal256(kind) and kind.precision > _MOST_DIGITS:
        return (
            f"holds decimals of {kind.precision} digits; at most {_MOST_DIGITS} are read. Export it "
            "with fewer."
        )
    return None


def _moved_to_utc(table: Table, instants: Collection[str]) -> Table:
    """Times that a file says to be moments in UTC, which their type does not tell by itself."""
    moved = {name: moment_in("UTC", table[name]) for name in instants if name in table.columns}
    return table.mutate(**moved) if moved else table


def beside(table: Table, path: Path) -> Table:
    """A Parquet file in the DuckDB of another table; to start one more takes longer than to read it."""
    connection: Any = table.get_backend()
    return connection.read_parquet(as_glob(str(path)))


def _said(rows: Table, folder: str) -> StringValue:
    path = rows[_PATH].replace(os.sep, "/")
    text = path.re_extract(rf"/{re.escape(folder)}=([^/]*)/", 1)
    return url_decode(text.nullif("").nullif("__HIVE_DEFAULT_PARTITION__"))


def _types(paths: list[str]) -> tuple[dict[str, dict[pa.DataType, str]], set[str]]:
    """The types of the first file's columns in all files, with a file of each; nulls have none.

    And columns of moments in UTC in the old type of 96 bits, which by itself has no zone: Spark writes
    nothing else in it, and Arrow says it beside.
    """
    import pyarrow.parquet

    found: dict[str, dict[pa.DataType, str]] = {}
    instants: set[str] = set()
    for path in paths:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                schema, physical, beside = file.schema_arrow, file.schema, file.metadata.metadata
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path}: cannot be read as Parquet ({error}). Copy or export it again."
            ) from None
        found = found or {name: {} for name in schema.names}
        there = {field.name: field.type for field in schema}
        old = [
            column.name
            for column in map(physical.column, range(len(physical)))
            if column.physical_type == "INT96"
        ]
        by_spark = _OF_SPARK in (beside or {})
        instants |= {
            name for name in old if by_spark or getattr(there.get(name), "tz", None) is not None
        }
        for name, kinds in found.items():
            if name not in there:
                raise DataError(
                    f"{path}: no column {name!r}, which {paths[0]} has. It has: {', '.join(there)}. "
                    "Files read together need the same columns."
                )
            if not pa.types.is_null(there[name]):
                kinds.setdefault(there[name], path)
    return found, instants


def _family(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    return "days or times" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else str(kind)


def _own_names(columns: list[str], path: str) -> dict[str, str]:
    """What a file calls its columns, by DuckDB's names: names that stand twice are told apart.

    DuckDB gives the second of two such columns a number behind its name. The file is asked for its own
    names only where a column looks like that.
    """
    known = {column.casefold() for column in columns}
    if not any(
        (twin := re.fullmatch(r"(.*)_\d+", column)) and twin[1].casefold() in known
        for column in columns
    ):
        return {column: column for column in columns}
    import pyarrow.parquet

    names = told_apart(pyarrow.parquet.read_schema(path).names)
    return dict(zip(columns, names, strict=True))
