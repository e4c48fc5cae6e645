"""Small campaigns, assignments and logs that tests of the campaign rooms share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

import retention_models as rm

_CAMPAIGN: dict[str, Any] = {
    "id": "spring",
    "name": "Spring coupon",
    "kind": "coupon",
    "design": "randomised",
    "start": dt.date(2023, 8, 1),
    "end": dt.date(2023, 8, 31),
    "follow_up": 14,
}


def campaign(**changes: Any) -> rm.Campaign:
    """The campaign of the tests, with changes."""
    return rm.Campaign.model_validate(_CAMPAIGN | changes)


CAMPAIGN = campaign()


def assigned(arms: dict[str, str], *, id: str = "spring", day: dt.date | None = None):  # noqa: A002
    """Assignments from customer to arm."""
    rows = {"campaign_id": id, "customer_id": list(arms), "arm": list(arms.values())}
    return pd.DataFrame(rows).assign(assigned_at=day or CAMPAIGN.start)


def log_of(folder: Path, lines: list[tuple[str, dt.date, float, str]]) -> rm.Transactions:
    """A log of one store: customer, day, spend, order id."""
    frame = pd.DataFrame(lines, columns=["customer", "day", "amount", "order"])
    frame.to_csv(folder / "lines.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount", "order_id": "order"}
    return rm.read_transactions(folder / "lines.csv", **names)


def read_log(folder: Path, frame: pd.DataFrame) -> rm.Transactions:
    """A log of several stores: customer, day, amount, shop."""
    frame.to_csv(folder / "log.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount", "store_id": "shop"}
    return rm.read_transactions(folder / "log.csv", **names)
