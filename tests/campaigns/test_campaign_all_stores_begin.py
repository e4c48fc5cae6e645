"""Stores that all begin at last: those that began first against those that began later."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from campaign_samples import read_log

FIRST, LATER = dt.date(2024, 3, 4), dt.date(2024, 4, 29)
COUNTER = rm.Campaign(
    id="x",
    name="Counter",
    kind="loyalty",
    design="stores",
    margin=0.3,
    start=FIRST,
    end=dt.date(2024, 6, 2),
)


def test_stores_that_began_later_are_what_the_earlier_are_compared_with(tmp_path):
    """REF: the effect and its total are of the eight weeks in which ten stores had not begun."""
    rng = np.random.default_rng(1)
    origin = dt.date(2023, 7, 1)
    rows = [
        (f"S{s:02d}C{c}", origin + dt.timedelta(days=int(day)), 10.0, f"S{s:02d}")
        for s in range(20)
        for c in range(12)
        for day in rng.choice(364, 20, replace=False)
    ]
    log = read_log(tmp_path, pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"]))
    stores = [f"S{s:02d}" for s in range(20)]
    given = pd.DataFrame({"campaign_id": "x", "store_id": stores, "arm": "counter"})
    given["assigned_at"] = [FIRST if s < 10 else LATER for s in range(20)]
    effect = rm.campaign_effect(log, COUNTER, given)
    assert effect.grade in ("B", "C")
    row = effect.table.iloc[0]
    data = rm.read_campaign(log, COUNTER, given)
    weeks = (data.weeks >= 0) & (data.weeks < 8)
    first = (data.stores["first_week"] == 0).to_numpy()
    y = data.outcomes["purchases"]
    change = y[:, weeks].mean(axis=1) - y[:, data.weeks == -1].mean(axis=1)
    assert change[first].mean() - change[~first].mean() == pytest.approx(row["absolute_effect"])
    assert y[first][:, weeks].mean() == pytest.approx(row["mean"])
    customers = data.stores["customers"].to_numpy()
    assert 8 * customers[first].sum() * row["absolute_effect"] == pytest.approx(row["total"])
    assert customers[~first].sum() == row["customers_against"]
    assert np.isfinite(effect.balance[["mean", "mean_control"]].to_numpy()).all()
    assert effect.summary()


def test_stores_whose_ids_are_spelt_otherwise_are_refused(tmp_path):
    """They would be left out, and the rest compared."""
    days = [dt.date(2023, 12, 1), FIRST, dt.date(2024, 6, 2)]
    rows = [(f"c{s}", day, 10.0, f"{s:03d}") for s in range(12) for day in days]
    log = read_log(tmp_path, pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"]))
    ids = [str(s) if s < 3 else f"{s:03d}" for s in range(12)]
    given = pd.DataFrame({"campaign_id": "x", "store_id": ids, "assigned_at": FIRST})
    given["arm"] = ["counter" if s % 2 else "control" for s in range(12)]
    effect = rm.campaign_effect(log, COUNTER, given)
    assert effect.grade is None
    assert "3 stores are in the assignments and not in the log" in effect.refusal
    assert "padded with zeros to 3 digits: '0' is '000'" in effect.refusal
