"""A log, assignments and redemptions → what a campaign's effect is estimated from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.campaigns.data.assignments import (
    Assignments,
    Given,
    Redemptions,
    read_assignments,
    read_redemptions,
)
from retention_models.campaigns.data.checks import (
    check_arms,
    check_balance,
    check_days,
    check_first_day,
    check_redemptions,
    check_unusable,
)
from retention_models.campaigns.data.covariates import known_before, other_campaigns
from retention_models.campaigns.data.gathering import (
    gathered,
    histories_upto,
    known_customers_not_among,
    windows_of,
)
from retention_models.campaigns.data.outcomes import (
    outcomes_of,
    purchases_by_day,
    redeemed_of,
)
from retention_models.campaigns.data.redemption_checks import check_rows
from retention_models.campaigns.data.spellings import (
    check_known,
    known_otherwise,
    redeemed_otherwise,
    require_known_campaigns,
)
from retention_models.campaigns.data.stores import read_stores
from retention_models.campaigns.data.tables import (
    ArmAssignment,
    CampaignCustomers,
    CampaignStores,
    Window,
)
from retention_models.data.engines import to_frame
from retention_models.data.id_rules import as_options
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError, SettingsError, require_kind
from retention_models.settings.campaigns import Campaign

# Their controls are whoever was not chosen, or did not choose; nobody need list them.
_CONTROLS_FROM_THE_LOG = ("targeted", "self_selected")


def read_campaign(
    log: Transactions,
    campaign: Campaign,
    assignments: Given | Assignments,
    redemptions: Given | Redemptions | None = None,
    *,
    margin: float | None = None,
    others: Sequence[Campaign] = (),
    timezone: str = "UTC",
) -> CampaignCustomers | CampaignStores:
    """Read who was in which arm of a campaign, what was known of them before, and what came of it.

    Parameters
    ----------
    log : Transactions
        A checked log, of all stores.
    campaign : Campaign
        What was declared.
    assignments : str, Path, DataFrame or Assignments
        Who was put into which arm: see `read_assignments`. It may hold other campaigns too.
    redemptions : str, Path, DataFrame or Redemptions, optional
        Who took it up: see `read_redemptions`.
    margin : float, optional
        Share of spend that is profit, where the campaign does not say.
    others : sequence of Campaign, optional
        Further campaigns in the assignments, to count those that were open to a customer in this one's
        days.
    timezone : str
        As for `read_transactions`.

    Returns
    -------
    CampaignCustomers or CampaignStores
        The second for the design "stores". What the data contradict stands in its findings.

    Raises
    ------
    SettingsError
        If no margin is given, or a redemption costs something and none are given.
    DataError
        As for `read_assignments`, or if the assignments do not hold the campaign, or redemptions are of
        a campaign that is neither declared (`campaign`, `others`) nor in the assignments.

    Notes
    -----
    The history ends on the day before the campaign, or before its first assignment if that is earlier.
    Targeted and self-selected campaigns without rows of the control arm have as controls all customers
    of the log who had bought by then and were not assigned. Returns count if known by the end of the
    last window.

    Examples
    --------
    >>> import retention_models as rm
    >>> days = ["2024-01-02", "2024-02-01", "2024-03-05", "2024-03-09", "2024-04-30"]
    >>> lines = pd.DataFrame({"id": ["a", "b", "a", "a", "b"], "day": days, "paid": [9, 3, 6, 4, 1]})
    >>> spring = Campaign(id="spring", name="Spring", kind="coupon", design="randomised", margin=0.5,
    ...                   start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 31))
    >>> drawn = {"campaign_id": "spring", "customer_id": ["a", "b"], "arm": ["coupon", "control"]}
    >>> drawn = pd.DataFrame(drawn | {"assigned_at": "2024-03-01"})
    >>> log = rm.read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> read_campaign(log, spring, drawn).outcomes["campaign"].loc["a"].to_dict()
    {'purchases': 2.0, 'bought': 1.0, 'spend': 10.0, 'profit': 5.0}
    """
    require_kind("log", log, Transactions, "read_transactions")
    require_kind("campaign", campaign, Campaign, "Campaign(id=..., ...)")
    assigned, redeemed = assignments, redemptions
    if not isinstance(assigned, Assignments):
        assigned = read_assignments(assigned, timezone=timezone, **as_options(log.ids))
    if redeemed is not None and not isinstance(redeemed, Redemptions):
        redeemed = read_redemptions(redeemed, timezone=timezone, **as_options(log.ids))
    share = _margin(campaign, margin)
    if redeemed is None and campaign.costs.redemption > 0:
        raise SettingsError(
            f"redemptions: a redemption of campaign {campaign.id!r} costs "
            f"{campaign.costs.redemption:g}, and who redeemed is not given. Give the redemptions, or "
            "set costs.redemption to 0."
        )
    require_known_campaigns(campaign, others, assigned, redeemed)
    if campaign.design == "stores":
        return read_stores(log, campaign, assigned, redeemed, share)
    return _read_customers(log, campaign, assigned, redeemed, share, tuple(others))


def _margin(campaign: Campaign, margin: float | None) -> float:
    share = campaign.margin if campaign.margin is not None else margin
    if share is None or not 0 < share <= 1:
        raise SettingsError(
            "margin: expected the share of spend that is profit, above 0 and up to 1, of the campaign "
            f"or of the call; got {share!r}."
        )
    return share


def _read_customers(
    log: Transactions,
    campaign: Campaign,
    assignments: Assignments,
    redemptions: Redemptions | None,
    margin: float,
    others: tuple[Campaign, ...],
) -> CampaignCustomers:
    rows = _assigned(campaign, assignments)
    cut = min(campaign.start, rows["date"].min()) - dt.timedelta(days=1)
    last_day = log.last_day()
    windows = windows_of(campaign, last_day)
    with histories_upto(log, cut) as histories:
        customers, arms = _arms(histories, campaign, rows)
        found = gathered(log, histories, customers, cut, windows)
        covariates, models = known_before(log, histories, campaign, found, cut)
    redeemed = redeemed_of(redemptions, campaign, customers)
    outcomes = outcomes_of(campaign, margin, found, arms.arm != campaign.control, redeemed, windows)
    # Controls from the log are known to it: whoever is not is among those who were assigned.
    unknown = (found["frequency"].isna() & (found["bought_since"] == 0)).to_numpy()
    strangers, given = pd.Series(customers[unknown]), len(customers) - arms.derived
    otherwise = known_otherwise(log, strangers, given)
    spelt = redeemed_otherwise(redeemed, customers)
    findings = [
        *check_first_day(arms, log.stores["first_day"].min()),
        *check_unusable(assignments),
        *check_arms(campaign, arms),
        *check_balance(campaign, arms, covariates),
        *check_redemptions(campaign, arms, redemptions, redeemed, spelt),
        *check_rows(campaign, redemptions, redeemed, windows.values(), _per_purchase(outcomes)),
        *check_days(campaign, arms, last_day, campaign.control),
        check_known(len(customers), len(strangers), otherwise),
        *models,
    ]
    open_to = other_campaigns(assignments, campaign, others, customers)
    if np.ptp(open_to) > 0:
        covariates["other_campaigns"] = open_to
    counted = redeemed.by_customer("redemptions", windows["campaign"], len(customers))
    table = pd.DataFrame(
        {
            "arm": pd.Series(arms.arm, index=customers, dtype="str"),
            "store_id": _store_ids(log, found["seen"]),
            "redemptions": counted.astype(np.int64),
        },
        index=customers,
    )
    last = min(max(last for _, last in windows.values()), last_day)
    by_day = _by_day(log, campaign, customers, arms, last)
    return CampaignCustomers(
        campaign, table, covariates, outcomes, tuple(findings), last_day, by_day, margin
    )


def _per_purchase(outcomes: Mapping[Window, pd.DataFrame]) -> float:
    """What a purchase in the campaign's days brought in, on average; NaN where there was none."""
    bought = outcomes["campaign"]
    purchases = float(bought["purchases"].sum())
    return float(bought["spend"].sum()) / purchases if purchases else float("nan")


def _by_day(
    log: Transactions, campaign: Campaign, customers: pd.Index, arms: ArmAssignment, last: dt.date
) -> pd.DataFrame | None:
    if campaign.design != "randomised" or last < campaign.start:
        return None
    return purchases_by_day(log, customers, arms, campaign.start, last)


def _assigned(campaign: Campaign, assignments: Assignments) -> pd.DataFrame:
    """A row for each customer and arm of the campaign, with the first day of it."""
    table = assignments.table
    mine = table.filter(table["campaign_id"] == campaign.id)
    named = mine.filter(mine["customer_id"].notnull())
    arms = named.group_by("customer_id", "arm").aggregate(date=named["date"].min())
    rows = to_frame(arms.order_by("customer_id"))
    if rows.empty:
        ids = to_frame(table.select("campaign_id").distinct())["campaign_id"]
        hint = f"; its campaigns are {', '.join(sorted(ids)[:10])}"
        if len(to_frame(mine.limit(1))):
            hint = '; it names stores: for a roll-out to stores, declare design = "stores"'
        raise DataError(
            f"{assignments.source}: no row puts a customer into an arm of campaign "
            f"{campaign.id!r}{hint}."
        )
    return rows


def _arms(
    histories: Table, campaign: Campaign, rows: pd.DataFrame
) -> tuple[pd.Index, ArmAssignment]:
    """Customers, sorted, and the arm of each: of several the first, and of one day the first by name."""
    ids = rows["customer_id"].to_numpy(dtype=object)
    twice = ids[1:][ids[1:] == ids[:-1]]
    if twice.size:
        rows = rows.sort_values(["customer_id", "date", "arm"]).drop_duplicates("customer_id")
        ids = rows["customer_id"].to_numpy(dtype=object)
    arm, days = (rows[name].to_numpy(dtype=object) for name in ("arm", "date"))
    derived: list[str] = []
    if campaign.design in _CONTROLS_FROM_THE_LOG and campaign.control not in arm:
        derived = known_customers_not_among(histories, pd.Index(ids))
        ids = np.concatenate([ids, np.array(derived, dtype=object)])
        arm = np.concatenate([arm, np.full(len(derived), campaign.control, dtype=object)])
        days = np.concatenate([days, np.full(len(derived), None, dtype=object)])
    customers = pd.Index(ids, name="customer_id", dtype=object)
    if not customers.is_monotonic_increasing:
        order = np.argsort(ids, kind="stable")
        customers, arm, days = customers[order], arm[order], days[order]
    return customers, ArmAssignment(arm, days, len(set(twice)), len(derived))


def _store_ids(log: Transactions, seen: pd.Series) -> pd.Series:
    places = seen.fillna(-1).astype(np.int64).to_numpy()
    stores = np.array([*log.store_ids(), None], dtype=object)
    return pd.Series(stores[places], index=seen.index, dtype="str")
