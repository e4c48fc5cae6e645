"""A chain whose stores and campaigns give every kind of page: tiny, closed, seasonal, refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

import shops

STORES = {
    "tiny": "Kiosk",
    "closed": "Station",
    "seasonal": "Toys & Games",
    "asked": "Market Square",
}
CAMPAIGNS = ("drawn", "chosen", "refused")
START, END = dt.date(2023, 10, 2), dt.date(2023, 10, 29)

PROJECT = """
name = "Corner Shops"

[transactions]
source = "log.parquet"
timezone = "Europe/Istanbul"

[transactions.columns]
customer_id = "customer"
date = "day"
spend = "amount"
store_id = "shop"

[stores]
ids = [{stores}]
names = {{ {names} }}

[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1

[model]
observation_end = 2023-12-31

[surveys]
source = "surveys.csv"
scale = "0-10"

[surveys.columns]
customer_id = "customer"
answered_at = "day"
score = "score"
thumb = "thumb"
store_id = "shop"

[campaign_data]
assignments = "assignments.parquet"
redemptions = "redemptions.parquet"
"""
CAMPAIGN = """
[[campaigns]]
id = "{id}"
name = "{name}"
kind = "coupon"
design = "{design}"
start = {start}
end = {end}
follow_up = 28
costs = {{ contact = 0.15, redemption = 2.00 }}
"""


def write_chain(folder: Path) -> Path:
    """The log, surveys, campaigns and project file of the chain; the path of the project file."""
    log = _log()
    market = log[(log["shop"] == "asked")]
    known = np.sort(market.loc[market["day"] < START, "customer"].unique())
    rng = np.random.default_rng(11)
    offered = rng.permutation(known)[: len(known) // 2]
    more = _won_by_the_coupon(offered, rng)
    log = pd.concat([log, more]).assign(day=lambda rows: pd.to_datetime(rows["day"]).dt.date)
    log.to_parquet(folder / "log.parquet")
    _surveys(market, rng).to_csv(folder / "surveys.csv", index=False)
    spend = market[market["day"] < START].groupby("customer")["amount"].sum()
    wanted = np.log(spend) + rng.normal(0.0, 1.5, len(spend))  # by spend, and by much besides
    best = wanted.sort_values().index[-len(spend) // 3 :]
    arms = {"drawn": offered, "chosen": best}
    rows = [(name, customer, "coupon") for name, ids in arms.items() for customer in ids]
    rows += [("drawn", customer, "control") for customer in sorted({*known} - {*offered})]
    rows += [("refused", customer, "coupon") for customer in offered[:50]]
    assigned = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm"])
    assigned.assign(assigned_at=START).to_parquet(folder / "assignments.parquet")
    redeemed = more[["customer", "day"]].set_axis(["customer_id", "redeemed_at"], axis=1)
    redeemed.assign(campaign_id="drawn").to_parquet(folder / "redemptions.parquet")
    quoted = ", ".join(f'"{store}"' for store in STORES)
    names = ", ".join(f'{store} = "{name}"' for store, name in STORES.items())
    text = PROJECT.format(stores=quoted, names=names)
    for name, design in zip(CAMPAIGNS, ("randomised", "targeted", "redeemers"), strict=True):
        called = {"drawn": "October coupon", "chosen": "Thanks to the best"}.get(name, "Returns")
        text += CAMPAIGN.format(id=name, name=called, design=design, start=START, end=END)
    (folder / "retention.toml").write_text(text, encoding="utf-8")
    return folder / "retention.toml"


def _log() -> pd.DataFrame:
    closed = shops.simulated_log(250, seed=3, shop="closed")
    parts = [
        shops.simulated_log(9, seed=5, shop="tiny"),
        closed[closed["day"] <= dt.date(2023, 9, 15)],
        _two_years_of_seasons(),
        shops.simulated_log(900, seed=9, r=1.2, shop="asked"),
    ]
    return pd.concat([part.assign(customer=part["shop"] + part["customer"]) for part in parts])


def _two_years_of_seasons() -> pd.DataFrame:
    """Most purchases come in the months around Christmas."""
    log = shops.simulated_log(420, seed=21, r=2.0, b=9.0, shop="seasonal", days=730)
    log["day"] -= dt.timedelta(days=365)
    return shops.with_season(log, 0.85, 2, peak=0.96)


def _won_by_the_coupon(offered: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """One purchase more of one in four of those who were offered the coupon."""
    won = offered[rng.random(len(offered)) < 0.25]
    days = [START + dt.timedelta(days=int(day)) for day in rng.integers(1, 27, len(won))]
    amounts = np.round(rng.gamma(4.0, 9.0, len(won)) + 1.0, 2)
    return pd.DataFrame({"customer": won, "day": days, "amount": amounts, "shop": "asked"})


def _surveys(market: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """After one purchase in six somebody answers."""
    asked = market[rng.random(len(market)) < 1 / 6][["customer", "day", "shop"]]
    score = rng.choice([10, 9, 8, 7, 5, 0], len(asked), p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    return asked.assign(score=score, thumb=np.where(score > 6, "up", "down"))
