"""Shops whose customers change their pace, or leave, at experiences of known effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = 540
_JOINING = 300
_MOST = 120


def driven_shop(customers, rng, *, pace=1.0, share=0.5, leave=0.1, spread=1.0, days=DAYS):
    """Purchases and experiences, one at most a customer, on a day that nothing foretells.

    From the experience on a customer buys `pace` times as often. Rates are gamma with a shape of 1 ÷
    `spread`, about one in a month; after each purchase a customer leaves with chance `leave`.

    Returns
    -------
    purchases, events : DataFrame
        customer, day; events also kind.
    """
    shape = 1.0 / spread
    rate = rng.gamma(shape, 1.0 / shape, customers) / 30.0
    start = rng.uniform(0.0, _JOINING, customers)
    had = rng.random(customers) < share
    when = np.where(had, np.floor(rng.uniform(0.0, days, customers)), np.inf)
    own = np.cumsum(rng.exponential(size=(customers, _MOST)) / rate[:, None], axis=1)
    own = np.column_stack([np.zeros(customers), own])
    # In a customer's own time days after the experience pass `pace` times as fast.
    before = np.minimum(np.maximum(when - start, 0.0), 10.0 * days)[:, None]
    time = np.where(own <= before, own, before + (own - before) / pace) + start[:, None]
    most = rng.geometric(leave, customers) if leave else np.full(customers, _MOST + 1)
    kept = (time < days) & (np.arange(_MOST + 1) <= most[:, None])
    who, _ = np.nonzero(kept)
    purchases = pd.DataFrame({"customer": who, "day": np.floor(time[kept]).astype(int)})
    events = pd.DataFrame({"customer": np.flatnonzero(had), "day": when[had].astype(int)})
    return purchases.drop_duplicates(), events.assign(kind="complaint")


def delayed_shop(customers, rng, *, ratio=0.9, days=DAYS, most=6):
    """Purchases of customers alike, and the delivery of each on its day or the next, with days late.

    From a delivery on, until the next purchase, a customer buys ratio ** (days late) times as often as
    once in 30 days, so that the ratio is that of hazards, per day late; a third are in time.

    Returns
    -------
    purchases, events : DataFrame
        customer, day; events also kind and measure.
    """
    bought, delivered = [], []
    for customer in range(customers):
        time = rng.uniform(0.0, _JOINING)
        while time < days:
            late = int(rng.integers(1, most + 1)) if rng.random() < 2 / 3 else 0
            come = np.floor(time) + int(rng.integers(0, 2))
            bought.append((customer, int(time)))
            delivered.append((customer, int(come), late))
            time = come + 1.0 + rng.exponential(30.0 / ratio**late)
    purchases = pd.DataFrame(bought, columns=["customer", "day"]).drop_duplicates()
    events = pd.DataFrame(delivered, columns=["customer", "day", "measure"])
    return purchases, events[events["day"] < days].assign(kind="delivery")


def naive_ratio(purchases, events, end):
    """Hazard ratio of leaving, ever exposed against never, from the first purchase on: misleading."""
    last = purchases.groupby("customer")["day"].agg(["min", "max"])
    lived = (last["max"] - last["min"] + 1).to_numpy(dtype=float)
    gone = (last["max"] < end - 90).to_numpy()
    later = events.set_index("customer")["day"].reindex(last.index)
    exposed = ((later >= last["min"]) & (later <= last["max"])).to_numpy()
    rate = [gone[group].sum() / lived[group].sum() for group in (exposed, ~exposed)]
    return rate[0] / rate[1]
