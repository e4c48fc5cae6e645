"""A table of measures as its rows' values."""

from __future__ import annotations

import pandas as pd


def found(table: pd.DataFrame, *columns: str) -> dict:
    """Rows as text → (value, numerator, denominator)."""
    rows = table.to_dict("records")
    return {
        " ".join(str(row[c]) for c in ("measure", *columns)): (
            row["value"],
            row["numerator"],
            row["denominator"],
        )
        for row in rows
    }
