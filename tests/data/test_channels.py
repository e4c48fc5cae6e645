"""Which channel won each customer: read as strictly as the transactions."""

from __future__ import annotations

import pandas as pd
import pytest

import retention_models as rm
from retention_models.data.channels import about_channels, read_channels
from retention_models.errors import DataError

COLUMNS = {"customer_id": "id", "channel": "won by"}


def channels(rows, **options):
    """Read rows of customer and channel."""
    return read_channels(pd.DataFrame(rows, columns=["id", "won by"]), **COLUMNS, **options)


def test_channels_are_told_of_those_who_have_one():
    """Repeated rows count once; a blank channel, and a customer who is not named, have none."""
    found = channels([("a", "web"), ("a", " web "), ("b", "fair"), ("c", " "), ("d", None)])
    told = found.of(pd.Index(["c", "b", "a", "z"]))
    assert {"a": "web", "b": "fair"} == told.dropna().to_dict()
    assert ["c", "b", "a", "z"] == told.index.tolist()
    assert 5 == found.rows_read


def test_a_customer_of_two_channels_is_refused():
    """Or left out, where so many may be."""
    rows = [("a", "web"), ("a", "fair"), *((f"b{i}", "web") for i in range(8))]
    with pytest.raises(DataError, match="another channel in another row: 2"):
        channels(rows)
    found = channels(rows, max_unusable_share=0.2)
    assert 8 == len(found.of(pd.Index([f"b{i}" for i in range(8)])).dropna())
    assert found.of(pd.Index(["a"])).isna().all()
    with pytest.raises(DataError, match=r"won by.*did you mean"):
        read_channels(pd.DataFrame({"id": ["a"], "won_by": ["web"]}), **COLUMNS)


def test_customers_without_a_channel_are_said_and_another_spelling_is_refused():
    """As of surveys and events."""
    lines = {"id": [f"{i:04d}" for i in range(20)], "day": "2024-01-01", "paid": 1}
    log = rm.read_transactions(pd.DataFrame(lines), customer_id="id", date="day", spend="paid")
    assert about_channels(log, channels([(one, "web") for one in lines["id"]])) is None
    said = about_channels(log, channels([(one, "web") for one in lines["id"][:5]]))
    assert said is not None
    assert said.startswith("15 of 20 customer ids are without a channel")
    with pytest.raises(DataError, match=r"20 of 20 customer ids are without a channel.*zeros"):
        about_channels(log, channels([(str(int(one)), "web") for one in lines["id"]]))
