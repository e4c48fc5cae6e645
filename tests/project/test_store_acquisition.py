"""Whether new customers bring back what they cost: a store's table, its sentences, what is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.errors import CannotSay
from retention_models.pages.store import StorePage, loyalty
from retention_models.predictions.acquisition import values_of_parts
from retention_models.project.acquisition import EVERYONE, acquisition_worth, newcomers
from retention_models.project.check import check_project
from retention_models.project.handover import VARIABLE
from retention_models.project.loyalty import store_claims
from retention_models.project.store_handover import write_slices
from retention_models.settings.acquisition import AcquisitionSettings
from retention_models.settings.campaigns import Campaign
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings

pytestmark = pytest.mark.slow

TABLE = """
[acquisition.customers]
source = "customers.csv"
[acquisition.customers.columns]
customer_id = "id"
channel = "won"
[acquisition.costs]
web = 4.0
fair = 2000
friends = 0
tv = 3
"""
SIZE = 450
TERMS = {"horizon": 52, "annual_discount_rate": 0.1, "margin": 0.3, "interval": 0.9}


def written(folder: Path, table: str, *, customers: int = SIZE, begin: int = 2023) -> Path:
    """A project of one store, whose customers came by the web, a fair, friends, or two by flyers."""
    shop = rm.SimulatedShop(
        customers, dt.date(begin, 1, 1), joining_days=364 * (2024 - begin), seed=4
    )
    log = shop.orders(dt.date(2023, 12, 31)).assign(shop="0042")
    log = log[log["date"].astype(str) >= "2023"]
    log.columns = ["customer", "day", "amount", "shop"]
    ids = sorted(set(log["customer"]))
    won = np.array(["web", "fair", "friends"])[np.arange(len(ids)) % 3]
    won[:2] = "flyers"
    won[2:9] = ""
    pd.DataFrame({"id": ids, "won": won}).to_csv(folder / "customers.csv", index=False)
    return shops.write_project(folder, log, ["0042"], extra=table)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose costs are said of three channels, and of all others."""
    return written(tmp_path_factory.mktemp("shop"), "[acquisition]\ncost = 20\n" + TABLE)


@pytest.fixture(scope="module")
def store(project):
    """Its store."""
    return rm.open_store(project, "0042")


@pytest.fixture(scope="module")
def found(store):
    """What is told of it."""
    return store.acquisition


def test_the_table_holds_everyone_and_channels_beside_their_cost(found):
    """Of five customers or more; a cost of nothing is back at once."""
    table = found.table
    assert {EVERYONE, "web", "fair", "friends"} == set(table.index)
    assert EVERYONE == table.index[0]
    assert [4.0, 2000.0, 0.0] == table.loc[["web", "fair", "friends"], "cost"].tolist()
    assert [0.0] * 3 == table.loc["friends", ["payback_low", "payback", "payback_high"]].tolist()
    assert np.isnan(table.loc["friends", "value_per_cost"])
    assert (7, 1, 0, ("tv",)) == (found.untold, found.small, found.further, found.nobody)
    sizes = table["customers"].to_dict()
    assert sizes[EVERYONE] == SIZE
    by_hand = sum(table.loc[n, "cost"] * sizes[n] for n in ("web", "fair", "friends"))
    assert found.cost == pytest.approx((by_hand + 20.0 * 9) / SIZE)


def test_the_page_says_which_channels_pay(found):
    """In sentences and in a table, with what is left out."""
    said = loyalty.won(found, "EUR")
    assert "less than what winning one costs on average" in said[0]
    assert said[1] == "More than winning them costs bring those won by “web”."
    assert said[2] == "Less than winning them costs bring those won by “fair”."
    left = " ".join(loyalty.won_left_out(found))
    for words in (
        "Of 7 customers",
        "One channel of fewer than 5",
        "a cost of “tv”",
        "does not say",
    ):
        assert words in left
    table = loyalty.won_by_channel(found, "EUR")
    assert "not in this time" == table.loc["fair", "Cost is back after"]
    assert "costs nothing" == table.loc["friends", "Worth ÷ cost"]
    assert "flyers" not in table.index


@pytest.mark.nightly
def test_a_notebook_of_a_run_says_the_same(project, found, tmp_path, monkeypatch):
    """From what the run hands over."""
    settings = read_settings(project)
    folder = tmp_path / "slices"
    folder.mkdir()
    log = rm.open_store(project, "0042").log
    write_slices(folder, project, settings, log, ["0042"], dt.date(2023, 12, 31))
    monkeypatch.setenv(VARIABLE, str(folder))
    (project.parent / "customers.csv").rename(tmp_path / "moved.csv")
    try:
        pd.testing.assert_frame_equal(found.table, rm.open_store(project, "0042").acquisition.table)
    finally:
        (tmp_path / "moved.csv").rename(project.parent / "customers.csv")


def test_the_check_names_channels_without_customers_and_without_cost(project, tmp_path):
    """Costs that nobody bears, and channels of which no cost is said."""
    said: list[str] = []
    check_project(project, said.append)
    assert (
        "acquisition.costs: no customer came by tv; there are: fair, flyers, friends, web" in said
    )
    said.clear()
    check_project(written(tmp_path, TABLE, customers=30), said.append)
    assert "acquisition: what it costs to win a customer is not said of flyers" in said


@pytest.mark.parametrize(
    ("cost", "words"),
    [(0.0, "winning one costs nothing."), (None, "has no cost of all of them"), (1.0, "times")],
)
def test_one_number_is_enough_and_none_is_said(store, cost, words):
    """The store as a whole: one row, and what is said of it."""
    given = AcquisitionSettings(cost=cost)
    found = acquisition_worth(store.summary, None, given, TERMS, "W", store.purchases)
    assert [EVERYONE] == found.table.index.tolist()
    assert words in loyalty.won(found, "EUR")[0]
    assert 1 == len(loyalty.won_by_channel(found, "EUR"))
    assert cost == found.cost


def test_customers_of_before_the_data_do_not_count_as_new(tmp_path):
    """Where the data begin in mid-life, which is said with the day."""
    project = written(tmp_path, "", begin=2019)
    store = rm.open_store(project, "0042")
    kept, since = newcomers(store.log, "0042", store.observation_end, store.summary, "W")
    assert since is not None
    assert 0 < len(kept) < len(store.summary)
    assert kept["T"].max() <= (store.observation_end - since).days / 7.0 + 1e-9
    given = AcquisitionSettings(cost=1.0)
    found = acquisition_worth(kept, None, given, TERMS, "W", store.purchases)
    assert f"{len(kept)} customers first seen from" in " ".join(
        loyalty.won_left_out(replace(found, since=since))
    )


def test_what_cannot_be_said_is_refused_in_words(tmp_path, project):
    """Without the table, and of a handful of customers."""
    for name in ("bare", "tiny"):
        (tmp_path / name).mkdir()
    bare = rm.open_store(written(tmp_path / "bare", ""), "0042")
    with pytest.raises(CannotSay, match=r"does not say what it costs.*\[acquisition\]"):
        _ = bare.acquisition
    tiny = rm.open_store(written(tmp_path / "tiny", "[acquisition]", customers=6), "0042")
    with pytest.raises(CannotSay):
        _ = tiny.acquisition


def test_where_nobody_is_seen_to_leave_there_is_a_value_too():
    """The limit of no dropout, and a channel whose value is open for all that is known."""
    rng = np.random.default_rng(3)
    T = np.full(200, 30.0)
    x = rng.poisson(rng.gamma(2.0, 0.05, 200) * T).astype(float)
    last = np.where(x > 0, T * (1.0 - 0.5 / (x + 1.0)), 0.0)
    spent = np.where(x > 0, rng.gamma(8.0, 2.0, 200), 0.0)
    frame = pd.DataFrame({"frequency": x, "recency": last, "T": T, "monetary_value": spent})
    row = values_of_parts({"all": frame}, {"all": 10.0}, (52, 0.001, 0.3), 0.9).loc["all"]
    assert 0.0 < row["value_low"] <= row["value"] <= row["value_high"] < np.inf


def test_a_store_says_what_retention_and_winning_are_worth(store):
    """On the page by few customers, and the claims with the project's cost; no campaign tells a cost."""
    kept = store.retention_in_short
    model, money = store.settings.model, store.settings.money
    said = loyalty.kept(kept, model, money)
    assert "Were it 5 points more" in said
    assert "EUR" in said
    table = loyalty.kept_by_points(kept, model, money)
    assert [
        "1 point above today",
        "5 points above today",
        "10 points above today",
    ] == table.index.tolist()
    lines = loyalty.claims(StorePage(store).claims)
    assert 3 == len(lines)
    assert "5 points more retention bring 25% to 95% more profit: here" in lines[0]
    assert "a repeat customer is worth ten first orders: here" in lines[1]
    assert "Missing: the cost per retained customer" in lines[2]


def test_the_claim_of_ten_first_orders_says_why_it_cannot_be_told(store):
    """Where nobody came back; the other claims stay."""
    alone, once = replace(store), store.summary.assign(frequency=0)
    known = ("purchases", "money", "forecast", "predictions")
    alone.__dict__.update(summary=once, **{name: getattr(store, name) for name in known})
    lines = loyalty.claims(StorePage(alone).claims)
    assert "No customer has come back yet" in lines[1]


def test_a_campaign_s_cost_stands_beside_that_of_winning(store):
    """Each arm that tells it has its line; without a cost of winning that is what is missing."""
    told = {"cost_per_retained": [8.0, np.nan]}
    told |= {"cost_per_retained_low": [6.0, np.nan], "cost_per_retained_high": [10.0, np.nan]}
    part = SimpleNamespace(campaigns=pd.DataFrame(told), channels=None)
    asked = replace(store, settings=with_campaign(store.settings, cost=40.0), part=part)
    (line,) = store_claims(asked, worth=None, repeat=None).of("acquisition").lines()
    assert line.endswith("here 5.0 (4.0 to 6.7), open.")
    for cost in (None, 0.0):
        free = replace(store, settings=with_campaign(store.settings, cost=cost), part=part)
        (line,) = store_claims(free, worth=None, repeat=None).of("acquisition").lines()
        assert "Missing: the acquisition cost" in line


def with_campaign(settings: Settings, cost: float | None) -> Settings:
    """Settings with a campaign and one cost of winning a customer."""
    campaign = Campaign(
        id="a",
        name="A",
        kind="coupon",
        design="randomised",
        start=dt.date(2023, 3, 1),
        end=dt.date(2023, 4, 1),
    )
    new = {"campaigns": (campaign,), "acquisition": AcquisitionSettings(cost=cost)}
    return settings.model_copy(update=new)


def test_all_three_claims_have_their_line_in_a_notebook(store):
    """With the store's own models and the project's cost; what is missing is named."""
    lines = store.loyalty_claims.lines()
    assert 3 == len(lines)
    assert "5 points more retention bring 25% to 95% more profit: here" in lines[0]
    assert "worth ten first orders: here" in lines[1]
    assert "Missing: the cost per retained customer" in lines[2]
