"""What an engine computes, written by it: a Parquet file, or a table of its database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from ibis.expr.types import Table


def write_parquet(table: Table, path: str) -> None:
    """Let the engine of an expression write it; for Spark a folder on its own storage.

    Parameters
    ----------
    table : ibis Table
    path : str
        Replaced where there is one.
    """
    backend: Any = table.get_backend()
    if backend.name == "pyspark":
        backend.to_parquet(table, path, mode="overwrite")
    else:
        backend.to_parquet(table, path)


def write_table(table: Table, name: str) -> None:
    """Let the engine of an expression keep it as a table; an older one stays until the new is whole.

    Parameters
    ----------
    table : ibis Table
    name : str
        ``table`` or ``schema.table``.
    """
    backend: Any = table.get_backend()
    schema, _, wanted = name.rpartition(".")
    if backend.name == "pyspark":
        backend.create_table(wanted, table, database=schema or None, overwrite=True)
        return
    from psycopg import sql

    # Ibis' own overwriting leaves the old table's name out of its DROP.
    new = f"{wanted}_{uuid4().hex[:12]}"
    backend.create_table(new, table, database=schema or None)
    place = [schema] if schema else []
    old, made = sql.Identifier(*place, wanted), sql.Identifier(*place, new)
    with backend.con.transaction(), backend.con.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(old))
        cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(made, sql.Identifier(wanted)))
