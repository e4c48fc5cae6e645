"""Columns whose names differ in nothing, or in case only, are told apart by their place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ibis.expr.types import Table


def told_apart(cells: Sequence[str]) -> list[str]:
    """Names without blanks around them; those that stand twice, or are empty, with their place.

    Nobody can know which of two columns of one name is meant, so neither keeps it.

    Examples
    --------
    >>> told_apart(["id", " day", "ID", ""])
    ['id (column 1)', 'day', 'ID (column 3)', '(column 4)']
    """
    names = [cell.strip() for cell in cells]
    times = Counter(name.casefold() for name in names)
    return [
        name if name and times[name.casefold()] == 1 else f"{name} (column {place})".strip()
        for place, name in enumerate(names, start=1)
    ]


def parquet_names_told_apart(table: Table, path: str) -> Table:
    """A Parquet file's table, as DuckDB opened it, with names that stand twice told apart.

    DuckDB gives the second of two such columns a number behind its name. The file is asked for its own
    names only where a column looks like that.
    """
    columns = list(table.columns)
    known = {column.casefold() for column in columns}
    if not any(
        (twin := re.fullmatch(r"(.*)_\d+", column)) and twin[1].casefold() in known
        for column in columns
    ):
        return table
    import pyarrow.parquet

    names = told_apart(pyarrow.parquet.read_schema(path).names)
    return table.rename(dict(zip(names, columns, strict=True)))
