"""A table's rows as sums of hashes, which tell whether it is still the same, in any order."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import Table

# A prime below 2³¹, so that the sums of a table of a thousand million rows still fit 63 bits.
_PRIME = 2_147_483_647
_BETWEEN, _NOTHING = "\x1f", "\x02"


def row_hash_sums(table: Table, *, by: str, columns: Sequence[str]) -> Table:
    """Rows and two sums of their hashes, by the values of a column.

    Parameters
    ----------
    table : ibis Table
    by : str
        Column that groups.
    columns : sequence of str
        Columns that count, as text; null is told from any text.

    Returns
    -------
    ibis Table
        The column, rows, first and second. The hash is the engine's own, so that sums of one engine are
        not those of another.
    """
    texts = [table[name].cast("string").fill_null(_NOTHING) for name in columns]
    row = ibis.literal(_BETWEEN).join(texts)
    hashed = table.select(
        table[by],
        first=row.hash() % _PRIME,
        second=(ibis.literal(_NOTHING) + row).hash() % _PRIME,
    )
    return hashed.group_by(by).aggregate(
        rows=hashed.count(), first=hashed["first"].sum(), second=hashed["second"].sum()
    )
