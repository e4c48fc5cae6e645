"""An opened source, and what its engine answers, as an Arrow table or a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr.types import Table

from retention_models.data.engines.csv_files import in_words
from retention_models.errors import DataError

# What of a file tells that it was written anew: when, and how long it is.
Stamp = tuple[int, int]


class SeveralTables(DataError):
    """A file holds several tables, and which is meant is not said, or is none of them."""

    def __init__(self, text: str, key: str = "table", names: Sequence[str] = ()) -> None:
        # With defaults, as a copy in another process is made from the text alone, then filled.
        super().__init__(text)
        self.key = key
        self.names = tuple(names)


@contextmanager
def reading_from(name: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn an engine's errors into one that names the source."""
    try:
        yield
    except errors as error:
        said = in_words(error)
        raise DataError(said if said.startswith(f"{name}, ") else f"{name}: {said}") from None


# Of every connection to a server, by its identity: what is read there, and what may go wrong. It stays
# open until this process ends.
_SERVERS: dict[int, tuple[str, tuple[type[Exception], ...]]] = {}


def of_server(connection: Any, name: str, errors: tuple[type[Exception], ...]) -> None:
    """Remember what a connection to a server reads: it may be gone at any question."""
    _SERVERS[id(connection)] = name, errors


def answering(backend: Any) -> AbstractContextManager[None]:
    """Turn errors of a server that is asked into one that names what is read there."""
    name, errors = _SERVERS.get(id(backend), ("", ()))
    return reading_from(name, errors)


@dataclass(frozen=True)
class Source:
    """An opened source, named without credentials."""

    name: str
    table: Table = field(repr=False)
    errors: tuple[type[Exception], ...]  # what its engine raises when it cannot answer
    in_process: bool = False  # whether DuckDB reads it here, where it can be copied
    # Files that are read anew by each question, and their state when they were opened.
    stamps: dict[str, Stamp] = field(default_factory=dict, repr=False)
    # The state of its files when they were opened, also where they were copied since.
    opened: dict[str, Stamp] = field(default_factory=dict, repr=False)
    # Columns that cannot be what a log needs, and why with what to do; refused where they are needed.
    unfit: dict[str, str] = field(default_factory=dict, repr=False)
    # Columns of text of which some cells were numbers, as in worksheets: these have a decimal point.
    part_numbers: frozenset[str] = field(default_factory=frozenset, repr=False)

    def reading(self) -> AbstractContextManager[None]:
        """Turn the engine's errors into one that names the source."""
        return reading_from(self.name, self.errors)

    def require_unchanged(self) -> None:
        """Refuse to go on with files that were replaced since they were checked."""
        for path, stamp in self.stamps.items():
            if stamp_of(path) != stamp:
                raise DataError(
                    f"{path}: the file changed while it was being worked on, so the numbers would mix "
                    "two states of it. Start again; write exports under another name and rename them."
                )


def stamp_of(path: str) -> Stamp | None:
    """A file's state, or None where it is gone."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def to_arrow(table: Table) -> pa.Table:
    """Run an expression in its engine."""
    backend: Any = table.get_backend()
    with answering(backend):
        return _by_spark(backend, table) if backend.name == "pyspark" else table.to_pyarrow()


def _by_spark(backend: Any, table: Table) -> pa.Table:
    # Ibis would go by Spark's conversion to pandas, which is row by row and not made for pandas 3.
    backend._run_pre_execute_hooks(table)  # tables of this process are sent to Spark
    session = backend._session
    answer = session.sql(backend.compile(table)).toArrow()
    here = pa.timestamp("us", session.conf.get("spark.sql.session.timeZone"))
    for place, (name, kind) in enumerate(table.schema().items()):
        # A day that was cut to its month is a moment to Spark: midnight in its session's zone.
        if kind.is_date() and pa.types.is_timestamp(answer.schema.types[place]):
            days = pc.local_timestamp(answer[name].cast(here))
            answer = answer.set_column(place, name, days)
    return answer.cast(table.schema().to_pyarrow())


def to_batches(table: Table, rows: int = 200_000) -> Iterator[pa.RecordBatch]:
    """Run an expression in its engine, its answer a piece at a time; Spark gives it whole."""
    backend: Any = table.get_backend()
    if backend.name == "pyspark":
        yield from to_arrow(table).to_batches(rows)
        return
    wanted = table.schema().to_pyarrow()
    with answering(backend):
        for batch in table.to_pyarrow_batches(chunk_size=rows):
            yield batch.cast(wanted)


def to_frame(table: Table) -> pd.DataFrame:
    """Run an expression in its engine; days come as dates, text as text."""
    return to_arrow(table).to_pandas()


def copied(table: Table) -> Table:
    """Rows kept by DuckDB in this process."""
    connection: Any = table.get_backend()
    return connection.create_table(f"copied_{uuid4().hex}", table, temp=True)


@contextmanager
def kept(table: Table) -> Iterator[Table]:
    """Let DuckDB in this process answer once; other engines answer each question anew."""
    connection: Any = table.get_backend()
    if connection.name != "duckdb":
        yield table
        return
    name = f"kept_{uuid4().hex}"
    found = connection.create_table(name, table, temp=True)
    try:
        yield found
    finally:
        # Not by Ibis: its statement comes out without a name under newer versions of SQLGlot.
        connection.raw_sql(f'DROP TABLE "{name}"')
