"""CSV, JSON lines, Excel, Parquet and DuckDB files, through DuckDB in this process."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb
import ibis

from retention_models.data.engines.connections import duckdb_connection
from retention_models.data.engines.csv_files import open_csv
from retention_models.data.engines.encodings import in_utf8
from retention_models.data.engines.excel_files import open_excel
from retention_models.data.engines.json_files import open_json
from retention_models.data.engines.parquet_files import open_parquet
from retention_models.data.engines.source import SeveralTables, Source, reading_from, stamp_of
from retention_models.errors import DataError

CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
JSON = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
EXCEL = (".xlsx", ".xlsm")
PARQUET = (".parquet", ".pq")
DUCKDB = (".duckdb", ".ddb", ".db")
KINDS = (
    f"a CSV ({', '.join(CSV)}), JSON lines ({', '.join(JSON)}), Excel ({', '.join(EXCEL)}), Parquet "
    f"({', '.join(PARQUET)}) or DuckDB file ({', '.join(DUCKDB)})"
)

# Spreadsheets that are not read, and what they are.
_ANOTHER_KIND = {
    ".zip": "an archive. Unpack it, and name the file in it",
    ".json": "JSON. Write an object on each line, and let the name end in .jsonl",
}
_TO_SAVE_AS_XLSX = {
    ".xls": "a workbook of Excel 97 to 2003",
    ".xlsb": "a binary Excel workbook",
    ".ods": "an OpenDocument spreadsheet",
    ".numbers": "a spreadsheet of Numbers",
}


def open_files(
    source: str,
    table: str | None,
    timezone: str,
    memory: str,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Source:
    """Open files as an Ibis table; columns of text files are text, so that ids stay what they are."""
    path = source.removeprefix("duckdb://")
    name = path.lower()
    database = source.startswith("duckdb://") or name.endswith(DUCKDB)
    for key, given, fits, what in (
        ("table", table, database, "a database"),
        ("encoding", encoding, name.endswith(CSV + JSON), "CSV and JSON lines"),
        ("sheet", sheet, name.endswith(EXCEL), "an Excel file"),
    ):
        if given is not None and not fits:
            raise DataError(f"{source}: {key} = {given!r} is only for {what}; leave it out here.")
    connection = duckdb_connection(timezone, memory)
    errors = (duckdb.Error,)
    with reading_from(source, errors):
        if database:
            rows = _duckdb_table(connection, _existing(path)[0], table)
            return Source(source, rows, errors, in_process=True)
        if name.endswith(PARQUET + EXCEL + CSV + JSON):
            files = _existing(path)
            stamps = {file: stamp for file in files if (stamp := stamp_of(file)) is not None}
        if name.endswith(PARQUET):
            rows, unfit = open_parquet(connection, files)
            return Source(source, rows, errors, True, stamps, opened=stamps, unfit=unfit)
        if name.endswith(EXCEL):
            rows, unfit, part_numbers = open_excel(connection, files, sheet)
            return Source(
                *(source, rows, errors, True),
                opened=stamps,
                unfit=unfit,
                part_numbers=part_numbers,
            )
        if name.endswith(CSV + JSON):
            read = open_csv if name.endswith(CSV) else open_json
            if encoding is not None:
                rows = in_utf8(connection, files, encoding, read)
            else:
                rows = read(connection, files)
            return Source(source, rows, errors, in_process=True, opened=stamps)
    for ending, kind in _TO_SAVE_AS_XLSX.items():
        if name.endswith(ending):
            raise DataError(
                f"{source}: {kind} is not read here. Open it, save it as an Excel workbook (.xlsx) or "
                "as CSV in UTF-8, and name that file."
            )
    told = next(
        (f" This is {kind}." for end, kind in _ANOTHER_KIND.items() if name.endswith(end)), ""
    )
    raise DataError(f"{source}: expected {KINDS}, by the ending of its name.{told}")


def _existing(path: str) -> list[str]:
    try:
        return _found(path)
    except DataError:
        raise
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
    schema, _, wanted = (table or "").rpartition(".")
    place = ("source", schema or "main")
    # Views are among the tables.
    names = sorted(connection.list_tables(database=place))
    return connection.table(one_of(path, names, wanted or None), database=place)


def one_of(name: str, names: list[str], table: str | None) -> str:
    """The table asked for, or the only one there is."""
    if table is None and len(names) == 1:
        return names[0]
    if table not in names:
        wanted = "no table is named" if table is None else f"no table {table!r}"
        raise SeveralTables(
            f"{name}: {wanted}; expected table to be one of {', '.join(names) or 'none: it is empty'}.",
            "table",
            names,
        )
    return table
