"""Data frames of this process, read as strictly as files are."""

from __future__ import annotations

from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from retention_models.errors import DataError
from retention_models.sources.files import duckdb_connection
from retention_models.sources.source import Source


def open_frame(frame: pd.DataFrame, name: str, timezone: str, memory: str = "3.5GB") -> Source:
    """Open a data frame as an Ibis table of DuckDB; its index is left behind.

    Parameters
    ----------
    frame : DataFrame
        Columns of one type each; categories count as the text they stand for.
    name : str
        What messages call it.
    timezone, memory : str
        As for `open_source`.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If a column's name is no text, or a column mixes types.
    """
    unnamed = [column for column in frame.columns if not isinstance(column, str)]
    if unnamed or not frame.columns.is_unique:
        raise DataError(
            f"{name}: expected columns with different names that are text; got {list(frame.columns)}. "
            "Name them, and reset the index if it holds what is needed."
        )
    columns = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        try:
            found = pa.Array.from_pandas(values)
        except (pa.ArrowException, OverflowError) as error:
            raise DataError(
                f"{name}: column {column!r} does not hold values of one type ({error}). Make ids text "
                "and days dates before."
            ) from None
        # A column of nothing has no type of its own.
        columns[column] = found.cast(pa.string()) if pa.types.is_null(found.type) else found
    connection: Any = duckdb_connection(timezone, memory)
    table = connection.create_table("given", ibis.memtable(pa.table(columns)))
    return Source(name, table, (duckdb.Error,), in_process=True)
