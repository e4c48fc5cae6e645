"""What an effect is estimated from: a row a customer, or a row a store, and what the data contradict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.settings.campaigns import Campaign, Outcome

Window = Literal["campaign", "follow_up", "whole"]
OUTCOMES: tuple[Outcome, ...] = ("purchases", "bought", "spend", "profit")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a campaign's data against its declared design."""

    check: str
    passed: bool
    blocks: bool
    words: str


@dataclass(frozen=True)
class CampaignCustomers:
    """The customers of a campaign whose arms are theirs: randomised, targeted or self-selected.

    Attributes
    ----------
    campaign : Campaign
    table : DataFrame, index customer_id
        arm (text; the campaign's control among them), store_id (text, where customers were last
        seen before the start; missing for those without history), redemptions (number from the
        campaign's start to its end).
    covariates : DataFrame, the same index
        Known on the day before the campaign: expected_purchases (BG/NBD, for the campaign's days),
        probability_alive, recency and frequency, log_T = ln(1 + T), in weeks, expected_spend
        (expected_purchases times the Gamma-Gamma mean; columns of a model that cannot be fitted are
        left out, which a finding says), and no_history (1 for whoever had not bought before; all else
        is 0 then) and other_campaigns (others that were open to the customer in its days) where they
        vary.
    outcomes : mapping from window to DataFrame, the same index
        purchases (days with a purchase), bought (0 or 1), spend (net), profit (margin · spend −
        redemptions − points − contact). "campaign" always; "follow_up" and "whole", which is both,
        where the log reaches their end.
    findings : tuple of Check
        Everything that was checked, passed or not.
    last_day : date
        Last day of the log.
    by_day : DataFrame, optional
        Of randomised campaigns: purchases until each day by arm, from `purchases_by_day`.
    margin : float, optional
        Share of spend that is profit, that the outcomes were read with.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(100, dt.date(2023, 1, 1), seed=1)
    >>> spring = rm.Campaign(
    ...     id="spring", name="Spring coupon", kind="coupon", design="randomised", margin=0.3,
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25),
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 50})
    >>> arms["campaign_id"], arms["assigned_at"] = "spring", "2024-02-29"
    >>> data = rm.read_campaign(shop.log(until=spring.end), spring, arms)
    >>> data.table["arm"].value_counts().to_dict(), sorted(data.outcomes)
    ({'control': 50, 'coupon': 50}, ['campaign'])
    """

    campaign: Campaign
    table: pd.DataFrame = field(repr=False)
    covariates: pd.DataFrame = field(repr=False)
    outcomes: Mapping[Window, pd.DataFrame] = field(repr=False)
    findings: tuple[Check, ...]
    last_day: dt.date
    by_day: pd.DataFrame | None = field(default=None, repr=False)
    margin: float | None = None


@dataclass(frozen=True)
class CampaignStores:
    """The stores of a campaign that was given to whole stores, at once or one after the other.

    Attributes
    ----------
    campaign : Campaign
    stores : DataFrame, index store_id
        arm, first_week (number of the week in which it began, counted from 0 at the campaign's
        first day; infinite for stores of the control arm), customers (who had bought there before
        the first start of all: the closed group that outcomes are of).
    weeks : ndarray of int, shape (w,)
        Whole weeks counted from the campaign's first day, those before it negative.
    outcomes : mapping from outcome to ndarray, shape (stores, w)
        Per customer of the store's closed group and week.
    findings : tuple of Check
    last_day : date
    margin : float, optional
        Share of spend that is profit, that the outcomes were read with.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> days = pd.date_range("2023-07-03", "2024-06-30", freq="W")
    >>> lines = pd.DataFrame([(f"{store}{i}", day, 9.0, store) for store in "ABCD" for i in range(12)
    ...                       for day in days], columns=["id", "day", "paid", "store"])
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "store"}
    >>> arms = pd.DataFrame({"campaign_id": "x", "store_id": list("ABCD"),
    ...                      "arm": ["counter", "counter", "control", "control"]})
    >>> arms["assigned_at"] = "2024-03-04"
    >>> counter = rm.Campaign(id="x", name="Counter", kind="loyalty", design="stores", margin=0.3,
    ...                       start=dt.date(2024, 3, 4), end=dt.date(2024, 6, 2))
    >>> rm.read_campaign(rm.read_transactions(lines, **names), counter, arms).stores.index.tolist()
    ['A', 'B', 'C', 'D']
    """

    campaign: Campaign
    stores: pd.DataFrame = field(repr=False)
    weeks: NDArray[np.int64] = field(repr=False)
    outcomes: Mapping[Outcome, NDArray[np.float64]] = field(repr=False)
    findings: tuple[Check, ...]
    last_day: dt.date
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class ArmAssignment:
    """The arms of a campaign's customers.

    Shapes: arm (n,), assigned_at (n,).
    """

    arm: NDArray[np.object_]
    assigned_at: NDArray[np.object_]
    in_two: int
    derived: int

    def counts(self) -> dict[str, int]:
        """Customers by arm, sorted."""
        return {
            str(arm): int(n) for arm, n in pd.Series(self.arm).value_counts().sort_index().items()
        }
