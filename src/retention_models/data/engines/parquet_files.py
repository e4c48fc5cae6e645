"""Opens Parquet files by what they hold themselves: twin names, months of different types."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import StringValue, Table

from retention_models.data.engines.csv_files import as_glob, told_apart
from retention_models.errors import DataError

_FOLDER = re.compile(r"([^=]+)=.*")
_PATH = "path of the file"


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def url_decode(text: str) -> str:  # type: ignore[empty-body]
    """What %20 and the like stand for, by DuckDB."""


def open_parquet(connection: ibis.BaseBackend, paths: list[str]) -> tuple[Table, dict[str, str]]:
    """Open Parquet files as one table; and the types of columns that have no one type in all of them.

    Columns are those of the first file. What only the names of folders say (lake/store=0042/) are
    columns of text; where a file holds such a column itself, the file is right.
    """
    types = _types(paths) if len(paths) > 1 else {}
    mixed = any(len(kinds) > 1 for kinds in types.values())
    folders = [found[1] for part in Path(paths[0]).parts[:-1] if (found := _FOLDER.fullmatch(part))]
    rows = connection.read_parquet(
        [as_glob(path) for path in paths],
        hive_partitioning=False,
        union_by_name=mixed,
        **({"filename": _PATH} if folders else {}),
    )
    # DuckDB puts what only later files have behind the first one's columns.
    first = [column for column in rows.columns if column != _PATH][: len(types) or None]
    own = _own_names(first, paths[0])
    known = {name.casefold() for name in own.values()}
    said = {name: _said(rows, name) for name in folders if name.casefold() not in known}
    table = rows.select(**{own[column]: rows[column] for column in first}, **said)
    no_one_type = {
        column: " and ".join(
            f"{_family(kind)} in {Path(path).name}" for kind, path in kinds.items()
        )
        for column, kinds in types.items()
        if len({_family(kind) for kind in kinds}) > 1
    }
    return table, no_one_type


def beside(table: Table, path: Path) -> Table:
    """A Parquet file in the DuckDB of another table; to start one more takes longer than to read it."""
    connection: Any = table.get_backend()
    return connection.read_parquet(as_glob(str(path)))


def _said(rows: Table, folder: str) -> StringValue:
    path = rows[_PATH].replace(os.sep, "/")
    text = path.re_extract(rf"/{re.escape(folder)}=([^/]*)/", 1)
    return url_decode(text.nullif("").nullif("__HIVE_DEFAULT_PARTITION__"))


def _types(paths: list[str]) -> dict[str, dict[pa.DataType, str]]:
    """The types of the first file's columns in all files, with a file of each; nulls have none."""
    import pyarrow.parquet

    found: dict[str, dict[pa.DataType, str]] = {}
    for path in paths:
        try:
            schema = pyarrow.parquet.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: cannot be read as Parquet ({error}).") from None
        found = found or {name: {} for name in schema.names}
        there = {field.name: field.type for field in schema}
        for name, kinds in found.items():
            if name not in there:
                raise DataError(
                    f"{path}: no column {name!r}, which {paths[0]} has. It has: {', '.join(there)}. "
                    "Files read together need the same columns."
                )
            if not pa.types.is_null(there[name]):
                kinds.setdefault(there[name], path)
    return found


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
