"""A made-up shop whose campaign has a known lift: to rehearse a campaign, and to test its reading."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.reading_transactions import read_transactions
from retention_models.data.transactions import Transactions
from retention_models.project.own_file.project_text import toml
from retention_models.settings.campaigns import Campaign
from retention_models.summaries.customers import Day, as_day

Array = NDArray[np.float64]

_PROJECT = """\
name = "Simulated shop"

[transactions]
source = "orders.csv"
columns = { customer_id = "customer_id", date = "date", spend = "spend" }

[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1

[campaign_data]
assignments = "assignments.csv"

[[campaigns]]
"""


@dataclass(frozen=True, slots=True)
class SimulatedShop:
    """Customers who buy and leave as the BG/NBD model has it, and spend as the Gamma-Gamma model has.

    The past is the same whatever campaign follows it: customers draw the same numbers.

    Attributes
    ----------
    customers : int
    first_day : date
        The shop opens.
    joining_days : int
        Days from then in which customers first buy, uniformly.
    seed : int
    r, alpha, a, b : float
        Of purchases, in weeks: rates are gamma(r, rate alpha), the chance to leave after a purchase
        is beta(a, b).
    p, q, v : float
        Of spend, in the shop's currency.

    Examples
    --------
    >>> shop = SimulatedShop(customers=50, first_day=dt.date(2024, 1, 1), seed=1)
    >>> orders = shop.orders(dt.date(2024, 12, 31))
    >>> orders["customer_id"].nunique(), sorted(orders.columns)
    (50, ['customer_id', 'date', 'spend'])
    """

    customers: int
    first_day: dt.date
    joining_days: int = 180
    seed: int = 0
    r: float = 1.0
    alpha: float = 10.0
    a: float = 0.5
    b: float = 3.5
    p: float = 6.0
    q: float = 4.0
    v: float = 15.0

    def orders(
        self,
        last_day: dt.date,
        *,
        campaign: Campaign | None = None,
        assignments: pd.DataFrame | None = None,
        lift: Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """Every order up to a day.

        Parameters
        ----------
        last_day : date
        campaign : Campaign, optional
            In its days customers of an arm buy (1 + lift) times as fast.
        assignments : DataFrame, optional
            customer_id and arm, as in `CampaignAssignment.table`.
        lift : mapping of str to float, optional
            By arm; 0 for those not named.

        Returns
        -------
        DataFrame
            customer_id (text), date (day), spend; sorted by day and customer.

        Examples
        --------
        >>> shop = SimulatedShop(customers=50, first_day=dt.date(2024, 1, 1), seed=1)
        >>> shop.orders(dt.date(2024, 1, 31))["date"].max() <= dt.date(2024, 1, 31)
        True
        """
        rng = np.random.default_rng(self.seed)
        ids = self.ids()
        rate = rng.gamma(self.r, 1.0 / self.alpha, ids.size) / 7.0
        leave = rng.beta(self.a, self.b, ids.size)
        level = self.p * self.v / rng.gamma(self.q, 1.0, ids.size)
        clock = _Clock.of(self.first_day, campaign, _lifts(ids, assignments, lift))
        end = float((last_day - self.first_day).days + 1)
        # In each customer's own time, in which they always buy at their rate.
        own = clock.own(self.joining_days * rng.random(ids.size))
        active = np.ones(ids.size, dtype=bool)
        customer, days, spend = [], [], []
        while True:
            day = clock.day(own)
            active &= day < end
            if not active.any():
                break
            amounts = level * rng.gamma(self.p, 1.0 / self.p, ids.size)
            customer.append(np.flatnonzero(active))
            days.append(day[active])
            spend.append(amounts[active])
            # Everyone draws, also who has left: the next draw of others does not depend on it.
            own = own + rng.exponential(size=ids.size) / np.maximum(rate, 1e-12)
            stays = rng.random(ids.size) >= leave
            active &= stays | (len(days) == 1)
        return self._table(np.concatenate(customer), np.concatenate(days), np.concatenate(spend))

    def log(self, orders: pd.DataFrame | None = None, *, until: Day) -> Transactions:
        """Orders up to a day as a checked log, as if read from the shop's export.

        Parameters
        ----------
        orders : DataFrame, optional
            From `orders`; those without any campaign unless given.
        until : date or str
            Last day of the export.

        Returns
        -------
        Transactions

        Examples
        --------
        >>> shop = SimulatedShop(customers=50, first_day=dt.date(2024, 1, 1), seed=1)
        >>> shop.log(until="2024-12-31").store_ids()
        ['all']
        """
        last = as_day(until, "until")
        orders = self.orders(last) if orders is None else orders[orders["date"] <= last]
        with tempfile.TemporaryDirectory() as folder:
            # Text is copied when it is read, so that the file is not needed afterwards.
            orders.to_csv(f"{folder}/orders.csv", index=False)
            return read_transactions(
                f"{folder}/orders.csv", customer_id="customer_id", date="date", spend="spend"
            )

    def write_project(
        self,
        folder: Path | str,
        campaign: Campaign,
        assignments: pd.DataFrame,
        *,
        lift: Mapping[str, float] | None = None,
        until: Day | None = None,
    ) -> Path:
        """Write a project of this shop and one campaign, to rehearse with `retention run`.

        Parameters
        ----------
        folder : Path or str
            Made if it is not there; orders.csv, assignments.csv and retention.toml are written anew.
        campaign : Campaign
        assignments : DataFrame
            customer_id and arm, as in `CampaignAssignment.table`; assigned the day before the start
            unless a column assigned_at says when.
        lift : mapping of str to float, optional
            By arm, as in `orders`.
        until : date or str, optional
            Last day of the log; the campaign's last measured day unless given.

        Returns
        -------
        Path
            The project file.

        Examples
        --------
        >>> import retention_models as rm
        >>> shop = SimulatedShop(customers=300, first_day=dt.date(2023, 1, 1), seed=1)
        >>> spring = rm.Campaign(id="spring", name="Spring coupon", kind="coupon",
        ...     design="randomised", start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25))
        >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 150})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     project = shop.write_project(folder, spring, arms, lift={"coupon": 0.25})
        ...     print(project.name, len(rm.open_campaign(project, "spring").data.table))
        retention.toml 300
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        measured = campaign.end + dt.timedelta(days=campaign.follow_up)
        last = measured if until is None else as_day(until, "until")
        orders = self.orders(last, campaign=campaign, assignments=assignments, lift=lift)
        orders.to_csv(place / "orders.csv", index=False)
        arms = assignments.assign(campaign_id=campaign.id)
        if "assigned_at" not in arms:
            arms["assigned_at"] = campaign.start - dt.timedelta(days=1)
        arms.to_csv(place / "assignments.csv", index=False)
        project = place / "retention.toml"
        stated = campaign.model_dump(exclude_unset=True, exclude_none=True)
        project.write_text(_PROJECT + "".join(map(_line, stated.items())), encoding="utf-8")
        return project

    def redemptions(
        self,
        orders: pd.DataFrame,
        campaign: Campaign,
        assignments: pd.DataFrame,
        share: float = 0.3,
    ) -> pd.DataFrame:
        """Which orders of the campaign's days redeemed its offer: a share of those who were offered it.

        Returns
        -------
        DataFrame
            campaign_id, customer_id (text), redeemed_at (day).

        Examples
        --------
        >>> import retention_models as rm
        >>> shop = SimulatedShop(customers=100, first_day=dt.date(2024, 1, 1), seed=1)
        >>> spring = rm.Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25))
        >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 50})
        >>> arms["campaign_id"] = "spring"
        >>> found = shop.redemptions(shop.orders(spring.end), spring, arms, share=0.5)
        >>> set(found["customer_id"]) <= set(shop.ids()[1::2])
        True
        """
        offered = assignments.loc[assignments["arm"] != campaign.control, "customer_id"]
        inside = orders["date"].between(campaign.start, campaign.end)
        found = orders.loc[inside & orders["customer_id"].isin(offered), ["customer_id", "date"]]
        rng = np.random.default_rng([self.seed, 1])
        found = found[rng.random(len(found)) < share].rename(columns={"date": "redeemed_at"})
        found.insert(0, "campaign_id", campaign.id)
        return found.reset_index(drop=True)

    def true_lift(
        self, campaign: Campaign, assignments: pd.DataFrame, lift: Mapping[str, float]
    ) -> pd.Series:
        """What the campaign really did to each arm: days with a purchase, with it ÷ without it, less 1.

        By chance above or below the lift of the rate, and on the whole below it: who buys more often
        comes sooner to the purchase after which they leave.

        Returns
        -------
        Series, index arm

        Examples
        --------
        >>> import retention_models as rm
        >>> shop = SimulatedShop(customers=1000, first_day=dt.date(2024, 1, 1), seed=1)
        >>> spring = rm.Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25))
        >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 500})
        >>> arms["campaign_id"] = "spring"
        >>> lift = shop.true_lift(spring, arms, {"coupon": 0.25})
        >>> bool(0.0 < lift["coupon"] < 0.25), bool(lift["control"] == 0.0)
        (True, True)
        """
        arm = assignments.set_index("customer_id")["arm"]
        totals = []
        for each in (lift, {}):
            orders = self.orders(
                campaign.end, campaign=campaign, assignments=assignments, lift=each
            )
            inside = orders[orders["date"] >= campaign.start].drop_duplicates(
                ["customer_id", "date"]
            )
            totals.append(inside["customer_id"].map(arm).value_counts())
        found: pd.Series = (totals[0] / totals[1] - 1.0).rename_axis("arm")
        return found.sort_index()

    def ids(self) -> NDArray[np.object_]:
        """Ids of the customers, as text.

        Examples
        --------
        >>> shop = SimulatedShop(customers=3, first_day=dt.date(2024, 1, 1))
        >>> shop.ids().tolist()
        ['C000000', 'C000001', 'C000002']
        """
        return np.array([f"C{number:06d}" for number in range(self.customers)], dtype=object)

    def _table(self, customer: NDArray[np.intp], day: Array, spend: Array) -> pd.DataFrame:
        order = np.lexsort((customer, day))
        dates = np.datetime64(self.first_day) + np.floor(day[order]).astype("timedelta64[D]")
        return pd.DataFrame(
            {
                "customer_id": pd.array(self.ids()[customer[order]], dtype="str"),
                "date": dates.astype(object),
                "spend": np.round(spend[order], 2),
            }
        )


def _line(key_and_value: tuple[str, object]) -> str:
    """A key of a project file's table; days stand there without quotes."""
    key, value = key_and_value
    return f"{key} = {value.isoformat() if isinstance(value, dt.date) else toml(value)}\n"


@dataclass(frozen=True, slots=True)
class _Clock:
    """Days, and customers' own time, which goes (1 + lift) times as fast from `start` to `end`."""

    start: float
    end: float
    lift: Array

    @classmethod
    def of(cls, first_day: dt.date, campaign: Campaign | None, lift: Array) -> _Clock:
        if campaign is None:
            return cls(0.0, 0.0, lift)
        start = float((campaign.start - first_day).days)
        return cls(start, start + campaign.days, lift)

    def own(self, day: Array) -> Array:
        return np.asarray(day + self.lift * np.clip(day - self.start, 0.0, self.end - self.start))

    def day(self, own: Array) -> Array:
        faster = np.clip((own - self.start) / (1.0 + self.lift), 0.0, self.end - self.start)
        return np.asarray(own - self.lift * faster)


def _lifts(
    ids: NDArray[np.object_],
    assignments: pd.DataFrame | None,
    lift: Mapping[str, float] | None,
) -> Array:
    """Lift of each customer, shape (n,)."""
    if assignments is None or lift is None:
        return np.zeros(ids.size)
    arm = assignments.set_index("customer_id")["arm"].reindex(ids)
    return arm.map(dict(lift)).fillna(0.0).to_numpy(dtype=float)
