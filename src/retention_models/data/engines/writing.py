"""What an engine computes, written by it as Parquet files or a table; and hashes of a table's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.expr.types import Table

from retention_models.data.engines.source import answering, to_batches


def write_parquet(table: Table, path: str) -> None:
    """Let the engine of an expression write it; for Spark a folder on its own storage."""
    backend: Any = table.get_backend()
    with answering(backend):
        if backend.name == "pyspark":
            backend.to_parquet(table, path, mode="overwrite")
        else:
            backend.to_parquet(table, path)


def write_parts(table: Table, column: str, paths: Mapping[str, Path]) -> None:
    """Write rows to one Parquet file for each value of a text column that has a path, in one pass."""
    rows = table.filter(table[column].isin(list(paths))).order_by(column)
    schema = table.schema().to_pyarrow()
    written: set[str] = set()
    writer: pq.ParquetWriter | None = None
    here = None
    for batch in to_batches(rows):
        values = batch[column].dictionary_encode()
        for code, value in enumerate(values.dictionary.to_pylist()):
            if value != here:
                if writer is not None:
                    writer.close()
                here, writer = value, pq.ParquetWriter(paths[value], schema)
                written.add(value)
            assert writer is not None
            writer.write_batch(batch.filter(pc.equal(values.indices, code)))
    if writer is not None:
        writer.close()
    for value in paths.keys() - written:
        pq.write_table(schema.empty_table(), paths[value])


def write_table(table: Table, name: str) -> None:
    """Let the engine of an expression keep it as a table; an older one stays until the new is whole."""
    backend: Any = table.get_backend()
    with answering(backend):
        _write_table(backend, table, name)


def _write_table(backend: Any, table: Table, name: str) -> None:
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


# A prime below 2³¹, so that the sums of a table of a thousand million rows still fit 63 bits.
_PRIME = 2_147_483_647
_BETWEEN, _NOTHING = "\x1f", "\x02"


def row_hash_sums(table: Table, *, by: str, columns: Sequence[str]) -> Table:
    """Rows and two sums of their hashes (first, second), by the values of a column.

    The hash is the engine's own, so that sums of one engine are not those of another.
    """
    texts = [table[name].cast("string").fill_null(_NOTHING) for name in columns]
    row = ibis.literal(_BETWEEN).join(texts)
    hashed = table.select(
        table[by], first=row.hash() % _PRIME, second=(ibis.literal(_NOTHING) + row).hash() % _PRIME
    )
    return hashed.group_by(by).aggregate(
        rows=hashed.count(), first=hashed["first"].sum(), second=hashed["second"].sum()
    )
