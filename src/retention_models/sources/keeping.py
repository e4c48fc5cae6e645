"""An answer kept in the engine for as long as several questions are put to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from ibis.expr.types import Table


@contextmanager
def kept(table: Table) -> Iterator[Table]:
    """Let DuckDB in this process answer once; other engines answer each question anew.

    Parameters
    ----------
    table : ibis Table

    Yields
    ------
    ibis Table
        The same rows; gone afterwards where they were kept.
    """
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
