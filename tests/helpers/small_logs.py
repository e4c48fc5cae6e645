"""Logs of a few rows."""

from __future__ import annotations

import pandas as pd

import retention_models as rm


def log_of(tmp_path, rows, **columns) -> rm.Transactions:
    """Read made-up rows."""
    names = ["customer", "day", "amount", *columns]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "log.csv", index=False)
    return rm.read_transactions(
        tmp_path / "log.csv",
        customer_id="customer",
        date="day",
        spend="amount",
        **{role: role for role in columns},
    )
