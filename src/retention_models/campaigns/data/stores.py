"""A campaign of whole stores → weekly outcomes per customer of each store's closed group.

A store's group are the customers who had bought there before the campaign began anywhere. It is
closed, so that newcomers, of whom the campaign may bring some, change no mean; what it buys at
other stores is theirs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table
from numpy.typing import NDArray

from retention_models.campaigns.data.assignments import Assignments, Redemptions
from retention_models.campaigns.data.gathering import Span, last_seen
from retention_models.campaigns.data.outcomes import Redeemed, redeemed_of
from retention_models.campaigns.data.redemption_checks import check_groups, check_rows
from retention_models.campaigns.data.spellings import check_names, otherwise_words
from retention_models.campaigns.data.tables import CampaignStores, Check
from retention_models.data.days import purchase_days
from retention_models.data.engines import to_frame
from retention_models.data.ids import mending
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.languages import count, listed, phrase, plural
from retention_models.settings.campaigns import Campaign, Outcome

_MOST_NAMED = 5


def check_starts(rows: pd.DataFrame, control: str) -> Check:
    """One arm and one start a store."""
    starts = rows.assign(date=rows["date"].where(rows["arm"] != control, None))
    different = starts.drop_duplicates(["store_id", "arm", "date"])["store_id"].value_counts()
    twice = sorted(different.index[different > 1])
    words = phrase(
        "Each of {n} stores has one arm and one start.", n=count(rows["store_id"].nunique())
    )
    if twice:
        words = phrase(
            "The assignments give {stores} more than one arm or more than one start, so it is not known "
            "when the campaign began there. Mend the assignments.",
            stores=_named(twice),
        )
    return Check("one start a store", not twice, True, words)


def check_store_arms(campaign: Campaign, stores: pd.DataFrame) -> list[Check]:
    """Stores that were offered it, and stores to compare them with."""
    offered = stores["arm"] != campaign.control
    controls, starts = int((~offered).sum()), stores.loc[offered, "first_week"].nunique()
    control = phrase("“{name}”", name=campaign.control)
    words = plural(
        "{n} store ran the campaign.",
        "{n} stores ran the campaign.",
        int(offered.sum()),
    )
    if not offered.any():
        words = phrase(
            "No store is in an arm other than {control}: none ran the campaign.", control=control
        )
    findings = [Check("arms", bool(offered.any()), True, words)]
    words = plural(
        "{n} store is in the control arm {control}.",
        "{n} stores are in the control arm {control}.",
        controls,
        control=control,
    )
    if not controls and starts > 1:
        words = phrase(
            "No store is in the control arm {control}: stores that began later are what the earlier "
            "ones are compared with, for as long as there are any.",
            control=control,
        )
    elif not controls:
        words = phrase(
            "No store is in the control arm {control} and all began in one week, so nothing shows what "
            "would have been without the campaign.",
            control=control,
        )
    findings.append(Check("control present", bool(controls) or starts > 1, True, words))
    return findings


def check_stores_left_out(
    unassigned: Sequence[str], unknown: Sequence[str], without_customers: Sequence[str]
) -> list[Check]:
    """Stores that are no part of the comparison, and why."""
    cases = (
        (
            "stores assigned",
            unassigned,
            phrase("No store is in the log and not in the assignments."),
            plural(
                "{n} store is in the log and not in the assignments and was left out: {stores}.",
                "{n} stores are in the log and not in the assignments and were left out: {stores}.",
                len(unassigned),
                stores=_named(unassigned),
            ),
        ),
        (
            "stores in the log",
            unknown,
            phrase("No store is in the assignments and not in the log."),
            _not_in_log(unknown),
        ),
        (
            "stores had customers",
            without_customers,
            phrase("No store is without a customer from before the first start."),
            plural(
                "{n} store is without a customer from before the first start and was left out: "
                "{stores}.",
                "{n} stores are without a customer from before the first start and were left out: "
                "{stores}.",
                len(without_customers),
                stores=_named(without_customers),
            ),
        ),
    )
    return [Check(check, not ids, False, some if ids else none) for check, ids, none, some in cases]


def _not_in_log(unknown: Sequence[str]) -> str:
    return plural(
        "{n} store is in the assignments and not in the log and was left out: {stores}.",
        "{n} stores are in the assignments and not in the log and were left out: {stores}.",
        len(unknown),
        stores=_named(unknown),
    )


def check_store_ids(unassigned: Sequence[str], unknown: Sequence[str]) -> list[Check]:
    """Stores of the assignments that the log has too, spelt otherwise."""
    found = mending(pd.Series(unassigned, dtype=object), pd.Series(unknown, dtype=object))
    if found is None:
        return []
    words = _not_in_log(unknown)
    return [Check("stores are written alike", False, True, f"{words} {otherwise_words(found)}")]


def check_weeks(
    campaign: Campaign, last_day: dt.date, weeks: np.ndarray, opened: pd.DataFrame
) -> list[Check]:
    """A log that reaches the end, weeks before to compare with, and stores open throughout.

    Shapes: weeks (w,).
    """
    over, before = last_day >= campaign.end, int((weeks < 0).sum())
    words = phrase(
        "The log reaches the campaign's end: its last day is {last_day}.", last_day=last_day
    )
    if not over:
        words = phrase(
            "The log ends on {last_day}, before the campaign does on {end}: its effect cannot be told "
            "yet.",
            last_day=last_day,
            end=campaign.end,
        )
    findings = [Check("campaign over", over, True, words)]
    words = plural(
        "{n} whole week before the campaign is in the log.",
        "{n} whole weeks before the campaign are in the log.",
        before,
    )
    if not before:
        words = phrase(
            "The log holds no whole week before the campaign, so the stores cannot be compared with "
            "themselves."
        )
    findings.append(Check("weeks before", before > 0, True, words))
    if weeks.size:
        first = campaign.start + dt.timedelta(days=7 * int(weeks[0] + 1))
        last = campaign.start + dt.timedelta(days=7 * int(weeks[-1]))
        part = opened.index[(opened["first_day"] >= first) | (opened["last_day"] < last)]
        words = phrase(
            "Every store sold something in the first and in the last week measured, or beyond them."
        )
        if len(part):
            words = plural(
                "{n} store opened after the first week measured or closed before the last: {stores}. "
                "Its weeks without sales count as weeks in which nobody bought.",
                "{n} stores opened after the first week measured or closed before the last: {stores}. "
                "Their weeks without sales count as weeks in which nobody bought.",
                len(part),
                stores=_named(list(part)),
            )
        findings.append(Check("stores open throughout", not len(part), False, words))
    return findings


def _named(ids: Sequence[str]) -> str:
    named = [phrase("“{name}”", name=store) for store in ids[:_MOST_NAMED]]
    if len(ids) > _MOST_NAMED:
        named.append(plural("{n} more store", "{n} more stores", len(ids) - _MOST_NAMED))
    return listed(named)


Floats = NDArray[np.float64]
WEEKS_BEFORE = 26
_DAY = dt.timedelta(days=1)


def read_stores(
    log: Transactions,
    campaign: Campaign,
    assignments: Assignments,
    redemptions: Redemptions | None,
    margin: float,
) -> CampaignStores:
    """Read a campaign that was given to whole stores."""
    rows = _assigned(campaign, assignments)
    starts_differ = check_starts(rows, campaign.control)
    given = rows.sort_values(["date", "arm"]).drop_duplicates("store_id").set_index("store_id")
    unknown = sorted(set(given.index) - set(log.store_ids()))
    unassigned = sorted(set(log.store_ids()) - set(given.index))
    stores = given.drop(index=unknown).sort_index()
    if stores.empty:
        raise DataError(
            f"{assignments.source}: no store of campaign {campaign.id!r} is in the log, {log.source}; "
            f"it names {', '.join(unknown[:5])}, and the log {', '.join(unassigned[:5])}."
        )
    offered = (stores["arm"] != campaign.control).to_numpy()
    begun = np.array([max(day, campaign.start) for day in stores["date"]], dtype=object)
    since = np.array([(day - campaign.start).days // 7 for day in begun], dtype=float)
    stores["first_week"] = np.where(offered, since, np.inf)
    first_start = min(begun[offered], default=campaign.start)
    weeks = _weeks(log, campaign)
    of_group = _at_stores(log, list(stores.index), first_start, campaign, weeks)
    stores["customers"] = _group_sizes(of_group, len(stores))
    sums = _weekly_sums(of_group, len(stores), campaign, weeks)
    redeemed = redeemed_of(redemptions, campaign, pd.Index([], dtype=object))
    cost, strangers = _redemption_costs(log, campaign, redeemed, stores.index, first_start, weeks)
    kept = (stores["customers"] > 0).to_numpy()
    empty = list(stores.index[~kept])
    stores, cost = stores.loc[kept, ["arm", "first_week", "customers"]], cost[kept]
    outcomes = _per_customer(campaign, margin, stores, weeks, sums[:, kept], cost)
    last_day = log.last_day()
    findings: tuple[Check, ...] = (
        *check_names(
            rows.drop_duplicates("store_id")["arm"].value_counts().to_dict(),
            {campaign.control, *campaign.shares},
        ),
        *check_store_ids(unassigned, unknown),
        *check_rows(
            *(campaign, redemptions, redeemed, [_measured(campaign, weeks)]),
            float(sums[2].sum() / max(sums[0].sum(), 1.0)),
        ),
        *strangers,
        starts_differ,
        *check_store_arms(campaign, stores),
        *check_stores_left_out(unassigned, unknown, empty),
        *check_weeks(campaign, last_day, weeks, log.stores.loc[stores.index]),
    )
    return CampaignStores(campaign, stores, weeks, outcomes, findings, last_day, margin)


def _assigned(campaign: Campaign, assignments: Assignments) -> pd.DataFrame:
    table = assignments.table
    mine = table.filter(table["campaign_id"] == campaign.id, table["store_id"].notnull())
    rows = to_frame(mine.select("store_id", "arm", "date").distinct())
    if rows.empty:
        raise DataError(
            f"{assignments.source}: no row puts a store into an arm of campaign {campaign.id!r}; for "
            'the design "stores" expected rows with a store_id.'
        )
    return rows


def _weeks(log: Transactions, campaign: Campaign) -> NDArray[np.int64]:
    """Whole weeks from the campaign's start, those before it negative, that the log holds."""
    before = (campaign.start - log.stores["first_day"].min()).days // 7
    until = min(campaign.end + campaign.follow_up * _DAY, log.last_day())
    after = ((until - campaign.start).days + 1) // 7
    return np.arange(-min(max(before, 0), WEEKS_BEFORE), max(after, 0), dtype=np.int64)


def _measured(campaign: Campaign, weeks: NDArray[np.int64]) -> Span:
    """First and last day of the weeks from the start on."""
    last = max(int(weeks.max(initial=-1)) + 1, 1)
    return campaign.start, campaign.start + 7 * last * _DAY - _DAY


def _at_stores(
    log: Transactions,
    stores: list[str],
    first_start: dt.date,
    campaign: Campaign,
    weeks: NDArray[np.int64],
) -> Table:
    """Days with a purchase at each store of the closed groups: customer_id, date, spend, first, store.

    A customer at two stores is two: the place of the store stands before the id.
    """
    until = max(campaign.start + int(weeks.max(initial=-1) + 1) * 7 * _DAY, first_start) - _DAY
    named = {"store": stores, "place": np.arange(len(stores), dtype=np.int64)}
    places = ibis.memtable(pd.DataFrame(named))
    rows = log.rows(None, until)
    rows = rows.join(places, rows["store_id"] == places["store"])
    both = rows["place"].cast("string").concat(":", rows["customer_id"])
    days = purchase_days(rows.mutate(customer_id=both), returns=log.has_returns)
    days = days.mutate(
        first=days["date"].min().over(ibis.window(group_by="customer_id")),
        place=_place_of(days),
    )
    return days.filter(days["first"] < ibis.literal(first_start))


def _place_of(days: Table) -> ibis.Value:
    """The place of the store, from the id that it stands before."""
    both = days["customer_id"]
    return both.left(both.find(":")).cast("int64")


def _group_sizes(of_group: Table, stores: int) -> NDArray[np.int64]:
    newest = of_group.filter(of_group["date"] == of_group["first"])
    found = to_frame(newest.group_by("place").aggregate(customers=newest.count()))
    sizes = np.zeros(stores, dtype=np.int64)
    sizes[found["place"]] = found["customers"]
    return sizes


def _weekly_sums(
    of_group: Table,
    stores: int,
    campaign: Campaign,
    weeks: NDArray[np.int64],
) -> Floats:
    """Purchases, customers who bought, and spend, shape (3, stores, weeks)."""
    sums = np.zeros((3, stores, weeks.size))
    if not weeks.size:
        return sums
    origin = campaign.start + int(weeks[0]) * 7 * _DAY
    days = of_group.filter(of_group["date"] >= ibis.literal(origin))
    # Counted from the first week, so that no engine rounds a negative number.
    passed = days["date"].delta(ibis.literal(origin), unit="day").cast("float64")
    days = days.mutate(week=(passed / 7.0).floor().cast("int64"))
    found = to_frame(
        days.group_by("place", "week").aggregate(
            purchases=days.count(),
            bought=days["customer_id"].nunique(),
            spend=days["spend"].sum().cast("float64"),
        )
    )
    for outcome, name in zip(sums, ("purchases", "bought", "spend"), strict=True):
        outcome[found["place"], found["week"]] = found[name]
    return sums


def _redemption_costs(
    log: Transactions,
    campaign: Campaign,
    redeemed: Redeemed,
    stores: pd.Index,
    first_start: dt.date,
    weeks: NDArray[np.int64],
) -> tuple[Floats, list[Check]]:
    """Cost of the redemptions of each store's group by week, and those that are of no group's.

    Shapes: returned (stores, weeks).
    """
    costs, rows = np.zeros((len(stores), weeks.size)), redeemed.rows
    ids = pd.DataFrame({"customer_id": rows["customer_id"].unique()}, dtype=object)
    if ids.empty or not weeks.size:
        return costs, []
    before = first_start - _DAY
    few = replace(log, table=log.table.semi_join(ibis.memtable(ids), "customer_id"))
    seen = to_frame(last_seen(few, before)).set_index("customer_id")["seen"]
    bought = few.rows(None, before)
    bought = bought.filter(bought["spend"] >= 0).select("customer_id", "store_id").distinct()
    groups = set(to_frame(bought).itertuples(index=False, name=None))
    names = dict(enumerate(log.store_ids()))
    of_store = rows["store_id"].where(
        rows["store_id"].notna(), rows["customer_id"].map(seen).map(names)
    )
    pairs = zip(rows["customer_id"], of_store, strict=True)
    known = np.array([pair in groups for pair in pairs], dtype=bool)
    place = stores.get_indexer(pd.Index(of_store, dtype=object))
    week = np.array([(day - campaign.start).days // 7 for day in rows["date"]], dtype=np.int64)
    column = week - weeks[0]
    of_group = known & (place >= 0)
    kept = of_group & (week >= 0) & (column >= 0) & (column < weeks.size)
    np.add.at(costs, (place[kept], column[kept]), rows.loc[kept, "cost"].to_numpy(dtype=float))
    number = rows["redemptions"].to_numpy(dtype=np.int64)
    return costs, check_groups(int(number[~of_group].sum()), int(number.sum()))


def _per_customer(
    campaign: Campaign,
    margin: float,
    stores: pd.DataFrame,
    weeks: NDArray[np.int64],
    sums: Floats,
    redeemed: Floats,
) -> dict[Outcome, Floats]:
    size = stores["customers"].to_numpy(dtype=float)[:, None]
    first = stores["first_week"].to_numpy(dtype=float)[:, None]
    purchases, bought, spend = sums / size
    points = campaign.costs.points_rate * (weeks >= first)
    profit = (margin - points) * spend - redeemed / size - campaign.costs.contact * (weeks == first)
    return {"purchases": purchases, "bought": bought, "spend": spend, "profit": profit}
