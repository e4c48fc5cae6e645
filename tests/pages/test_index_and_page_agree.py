"""The chain's page and a store's say the same of what changed, whatever kind of store it is."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.languages import ENGLISH
from retention_models.measures.recent import recent_by_store
from retention_models.pages.chain import words
from retention_models.pages.store import answers, first
from retention_models.project.outputs import changes_content

END = dt.date(2023, 12, 31)
LATE = dt.date(2023, 10, 2)
STORES = ("steady", "shrinking", "growing", "closed", "silent", "tiny", "new")


def _log() -> pd.DataFrame:
    """Stores that are as they were, lost or won two thirds of their purchases, closed, or are young."""
    parts = {
        name: shops.simulated_log(n, seed=place, shop=name, r=1.5, b=9.0)
        for place, (name, n) in enumerate(zip(STORES, (150, 250, 250, 80, 80, 4, 60), strict=True))
    }
    late = {name: rows["day"] >= LATE for name, rows in parts.items()}
    parts["shrinking"] = parts["shrinking"][
        ~late["shrinking"] | (parts["shrinking"].index % 3 == 0)
    ]
    parts["growing"] = parts["growing"][late["growing"] | (parts["growing"].index % 3 == 0)]
    parts["closed"] = parts["closed"][parts["closed"]["day"] < dt.date(2023, 9, 1)]
    parts["silent"] = parts["silent"][parts["silent"]["day"] < dt.date(2023, 11, 20)]
    parts["new"] = parts["new"][late["new"]]
    return pd.concat(
        [rows.assign(customer=name + rows["customer"]) for name, rows in parts.items()]
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Of each store, its changes as its own page has them, and its row of the chain's page."""
    log = _log()
    project = shops.write_project(tmp_path_factory.mktemp("agree"), log, STORES)
    store = rm.open_store(project, "steady")
    opened = log.groupby("shop")["day"].min()
    found = recent_by_store(store.log, STORES, end=END)
    return {
        name: (
            found[name].changes(opened[name]),
            found[name].quarter,
            _row(name, changes_content(found[name], opened[name])),
        )
        for name in STORES
    }


def _row(name, changes):
    number = {"value": None, "reason": None}
    forecast = {"purchases": number}
    metrics = {"changes": {"value": changes}, "forecast": forecast, "silent_since": None}
    return {"name": name, "href": None, "old": None, "failure": None, "metrics": metrics}


@pytest.mark.parametrize("name", STORES)
def test_beyond_chance_on_the_page_is_beyond_chance_on_the_index(told, name):
    """And where the page says that nothing moved, or that nothing can be compared, so does the index."""
    changes, quarter, row = told[name]
    page = answers.what_changed(changes, "EUR")
    index = words.reason(row, END, ENGLISH)
    beyond = bool((changes["size"] > 1.0).any())
    assert beyond == ("more than chance" in index) == ("That is beyond chance" in page)
    revenue = first.revenue(quarter, changes, "", "EUR").text
    fall = words.relative(words.changed(row, "revenue"))
    if fall is not None and "on the quarter before" in revenue:
        assert f"{words.signed_percent(fall, ENGLISH)} on the quarter before" in revenue


def test_every_kind_of_store_is_there(told):
    """So that the test above has something to compare."""
    beyond = {name for name in STORES if (told[name][0]["size"] > 1.0).any()}
    assert {"shrinking", "growing"} <= beyond
    assert "steady" not in beyond
    compared = {name for name in STORES if told[name][0]["size"].notna().any()}
    assert not {"tiny", "new"} & compared
    assert words.is_shrinking(told["shrinking"][2])
    assert not words.is_shrinking(told["growing"][2])
