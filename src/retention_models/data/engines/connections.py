"""A DuckDB of this process, for files and frames."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import ibis
from ibis.expr.types import Table

from retention_models._imports import submodules_first

# Ibis' package of compilers would import twenty dialects of SQL; its submodules import what they need.
submodules_first("ibis.backends.sql.compilers")
import ibis.backends.sql.compilers.duckdb  # noqa: E402


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


def on_one_thread(table: Table) -> None:
    """Let the DuckDB of a table of few rows not share its work out, which costs more than it gains."""
    connection: Any = table.get_backend()
    connection.raw_sql("SET threads = 1")
