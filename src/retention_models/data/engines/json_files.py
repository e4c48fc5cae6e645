"""Opens JSON lines: an object per line, each of its keys a column of text."""

from __future__ import annotations

from typing import Any

import ibis
from ibis.expr.types import Table

from retention_models.data.engines.csv_files import as_glob, told_apart
from retention_models.errors import DataError


def open_json(connection: ibis.BaseBackend, paths: list[str]) -> Table:
    """Open files of JSON lines as one table of text columns, a column for each key of any line.

    Values stand as they are written, but for zeros at the end of a decimal number; what lies within an
    object or a list is its JSON.
    """
    files: Any = connection
    patterns = [as_glob(path) for path in paths]
    found = files.read_json(
        patterns, format="newline_delimited", sample_size=-1, maximum_depth=1, union_by_name=True
    ).columns
    names = [name for name in found if name != "json"] if found == ("json",) else list(found)
    if not names or told_apart(names) != names:
        raise DataError(
            f"{paths[0]}: expected an object per line, such as "
            '{"customer_id": "0042", "date": "2024-01-31", "spend": 12.5}'
            + (f"; got the keys {', '.join(names)}." if names else ".")
        )
    return files.read_json(
        patterns,
        format="newline_delimited",
        columns=dict.fromkeys(names, "VARCHAR"),
        union_by_name=True,
    )
