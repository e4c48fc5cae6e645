"""The table [acquisition]: what is understood, and which mistakes are named."""

from __future__ import annotations

import pytest

from project_files import GOOD, mistakes, written
from retention_models.settings.reading import read_settings

TABLE = """
[acquisition.customers]
source = "customers.csv"
[acquisition.customers.columns]
customer_id = "c"
channel = "k"
"""


@pytest.mark.parametrize(
    ("addition", "key", "words"),
    [
        ("[acquisition]\ncost = -1", "acquisition.cost", "money to win a new customer, from 0"),
        ("[acquisition]\ncost = inf", "acquisition.cost", "for example cost = 12.0"),
        ("[acquisition.costs]\nweb = 3", "acquisition.costs", "first_category = true"),
        (TABLE + "[acquisition.costs]\nweb = -3", "acquisition.costs.web", "expected"),
        ("[acquisition]\nprice = 3", "acquisition.price", "no such key"),
        ("[acquisition]\nfirst_category = true", "acquisition", "transactions.columns.category"),
        (TABLE.replace('channel = "k"', ""), "acquisition.customers.columns.channel", "missing"),
        (TABLE + "[acquisition]\nfirst_category = true", "acquisition.first_category", "already"),
    ],
)
def test_mistakes_are_named_by_key(tmp_path, addition, key, words):
    """Amounts below 0, costs of channels that nothing tells apart, and two ways to tell them."""
    (line,) = mistakes(tmp_path, GOOD + addition)[1:]
    assert line.startswith(f"  - {key}: ")
    assert words in line


def test_a_category_that_is_missing_is_said_beside_other_mistakes(tmp_path):
    """All mistakes at once, between tables too."""
    text = GOOD.replace("margin = 0.3", "margin = 3") + "[acquisition]\nfirst_category = true"
    keys = [line.split(":")[0] for line in mistakes(tmp_path, text)[1:]]
    assert ["  - money.margin", "  - acquisition"] == keys


def test_a_channel_without_a_cost_has_that_of_all(tmp_path):
    """And a cost of nothing is a cost."""
    text = GOOD + "[acquisition]\ncost = 12\n" + TABLE + "[acquisition.costs]\nfriends = 0\n"
    found = read_settings(written(tmp_path, text)).acquisition
    assert found is not None
    assert [0.0, 12.0] == [found.cost_of(name) for name in ("friends", "web")]
    assert found.by_channel
    assert read_settings(written(tmp_path, GOOD)).acquisition is None
