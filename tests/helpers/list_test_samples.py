"""Made-up lots of lists with what came of them: measured at once, or read week by week."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from retention_models.actions.hold_out import CONTACT, CONTROL, Lots, draw, no_lots
from retention_models.campaigns.effects.contact_effect import (
    ListTest,
    customers_needed,
    list_tests,
)
from retention_models.settings.actions import ALL_LISTS, ActionSettings

BEGIN, DAYS = dt.date(2024, 1, 7), 28


def _outcomes(rng, rate, arm, lift) -> dict[str, np.ndarray]:
    """Purchases by a gamma-Poisson model, and spend; before the lot and after it."""
    found = {}
    for when, mean in (
        ("", rate * np.where(arm == CONTACT, 1.0 + lift, 1.0)),
        ("_before", rate),
    ):
        count = rng.poisson(mean)
        spend = np.where(count > 0, rng.gamma(np.maximum(2.0 * count, 1e-9), 10.0), 0.0)
        found |= {f"purchases{when}": count.astype(float), f"spend{when}": spend}
    return found | dict.fromkeys(("contacted", "contacts"), np.full(len(rate), np.nan))


def measured_lots(
    seed: int,
    *,
    customers: int,
    lift: float = 0.0,
    share: float = 0.1,
    rate: float = 1.5,
    nights: int = 1,
    name: str = "due",
) -> pd.DataFrame:
    """Lots of a list whose days are over; contact multiplies purchases by 1 + lift."""
    rng = np.random.default_rng(seed)
    each = rng.gamma(1.0, rate, customers)
    arm = np.where(rng.permutation(customers) < share * customers, CONTROL, CONTACT)
    night = np.sort(rng.integers(0, nights, customers))
    return pd.DataFrame(
        {
            "campaign_id": f"{name}-2024-03-01-{share:g}",
            "customer_id": [f"c{i}" for i in range(customers)],
            "store_id": "a",
            "arm": arm,
            "assigned_at": pd.Timestamp("2024-03-01") + pd.to_timedelta(night, unit="D"),
            "list": name,
            "share": share,
            "at_stake": 20.0 * each,
            "probability_alive": rng.beta(4.0, 2.0, customers),
            **_outcomes(rng, each, arm, lift),
        }
    )


def weekly_lots(
    seed: int, lift: float, first: int, fresh: int, share: float, weeks: int, name: str
):
    """Lots drawn each week of whoever is new on a list, of two stores, with what came of them."""
    given = "hold_out_of_all" if name == ALL_LISTS else "hold_out"
    rng, rules = np.random.default_rng(seed), ActionSettings.model_validate({given: share})
    drawn, number = [], 0
    for store in ("a", "b"):
        earlier = no_lots()
        for week in range(weeks):
            size = (first if week == 0 else fresh) // 2
            rate = rng.gamma(1.0, 1.5, size)
            ids = [f"{store}{number + i}" for i in range(size)]
            members = pd.DataFrame(
                {"at_stake": 20.0 * rate, "probability_alive": rng.beta(4.0, 2.0, size)}, index=ids
            )
            night = BEGIN + dt.timedelta(7 * week)
            lots = draw(Lots(f"p{seed}", store, night, earlier), name, members, rules)
            number += size
            drawn.append(lots.assign(**_outcomes(rng, rate, lots["arm"].to_numpy(), lift)))
            earlier = pd.concat([earlier, lots], ignore_index=True) if week else lots
    return pd.concat(drawn).sort_values("assigned_at", kind="stable", ignore_index=True)


def read_nightly(
    seed: int,
    *,
    lift: float,
    first: int = 1500,
    fresh: int = 200,
    share: float = 0.3,
    weeks: int = 26,
    name: str = "due",
) -> dict[str, float | None]:
    """By outcome the customers measured when its interval first left out 0 (None: never), week by week.

    needed: customers at which theory has a change by a tenth show, by the last reading.
    """
    lots = weekly_lots(seed, lift, first, fresh, share, weeks, name)
    found: dict[str, float | None] = {"purchases": None, "profit": None, "needed": None}
    for week in range(DAYS // 7, weeks + DAYS // 7):
        told = _reading(lots, BEGIN + dt.timedelta(7 * week))
        if told.purchases is None:
            continue
        customers = told.measured + told.measured_held_out
        for name in ("purchases", "profit"):
            change = getattr(told, name)
            if found[name] is None and change and not change.low <= 0.0 <= change.high:
                found[name] = customers
        found["needed"] = customers_needed(told.purchases, customers)
    return found


def _reading(lots: pd.DataFrame, day: dt.date) -> ListTest:
    """What is told on a day."""
    known = lots.loc[lots["assigned_at"] <= pd.Timestamp(day)]
    over = known.loc[known["assigned_at"] + pd.Timedelta(days=DAYS) <= pd.Timestamp(day)]
    (told,) = list_tests(known, over, day=day, days=DAYS, margin=0.3, contact_cost=0.0)
    return told
