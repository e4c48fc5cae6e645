"""What an engine answers, as an Arrow table or a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr.types import Table


def to_arrow(table: Table) -> pa.Table:
    """Run an expression in its engine.

    Parameters
    ----------
    table : ibis Table

    Returns
    -------
    pyarrow Table
    """
    backend: Any = table.get_backend()
    if backend.name != "pyspark":
        return table.to_pyarrow()
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
    """Run an expression in its engine, and take its answer a piece at a time.

    Parameters
    ----------
    table : ibis Table
    rows : int
        Most rows of a piece. Spark gives its answer whole.
    """
    backend: Any = table.get_backend()
    if backend.name == "pyspark":
        yield from to_arrow(table).to_batches(rows)
        return
    wanted = table.schema().to_pyarrow()
    for batch in table.to_pyarrow_batches(chunk_size=rows):
        yield batch.cast(wanted)


def to_frame(table: Table) -> pd.DataFrame:
    """Run an expression in its engine; days come as dates, text as text."""
    return to_arrow(table).to_pandas()
