"""Randomised campaigns that ran at once among the same customers: what each did, and what both did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from retention_models.campaigns.data.assignments import (
    Assignments,
    Given,
    Redemptions,
    read_assignments,
    read_redemptions,
)
from retention_models.campaigns.data.outcomes import redeemed_of
from retention_models.campaigns.data.read import read_campaign
from retention_models.campaigns.data.tables import OUTCOMES, CampaignCustomers
from retention_models.campaigns.effects.customers import arms_by_lot
from retention_models.campaigns.effects.labels import outcome_label
from retention_models.campaigns.effects.refusals import require_outcome
from retention_models.campaigns.estimators.checks import (
    fewest_in_arm,
    outcome_skewness,
    require_little_skewness,
)
from retention_models.campaigns.estimators.factorial import (
    MOST_CAMPAIGNS,
    overlapping_effects,
)
from retention_models.data.engines import to_frame
from retention_models.data.id_rules import as_options
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, count, counted, day, number, phrase, quoted
from retention_models.languages.results import Card, Result
from retention_models.settings.campaigns import Campaign, Costs, Outcome

ENGLISH = catalogue(
    {
        "ran": "{names} ran at once from {start} to {end}, among {customers}.",
        "alone": (
            "“{name}” changed {what} in these days by {effect} a customer (between {low} and {high}), "
            "at the average of the others."
        ),
        "takes": (
            "{names} take from each other: together they do {effect} less a customer than each by "
            "itself adds up to (between {low} and {high})."
        ),
        "adds": (
            "{names} help each other: together they do {effect} more a customer than each by itself "
            "adds up to (between {low} and {high})."
        ),
        "neither": (
            "No sign that {names} take from each other: together they do between {low} and {high} more "
            "a customer than each by itself adds up to."
        ),
        "not_randomised": (
            "The campaign “{name}” was not given by lot, so who got it and another as well differs from "
            "others in more than the offers. No effect is given. Look at each campaign by itself."
        ),
        "no_days": (
            "The campaigns share no day, so neither can take from the other while it runs. Look at each "
            "by itself, the later one with the earlier as one of the other campaigns."
        ),
        "not_over": (
            "The days that the campaigns share end on {end} and the log on {last_day}. Wait for the end."
        ),
        "no_customers": (
            "No customer is in an arm of every campaign, so nothing shows what they do together. Look "
            "at each by itself."
        ),
        "two_arms": (
            "Customers are in more than one arm of the campaign “{name}”, so what they were offered is "
            "not known. Mend the assignments."
        ),
        "no_lot": "The data contradict that lots drew the offers independently. {reason}",
        "few": (
            "With {customers} in one of the combinations of offers, effects on {outcome} cannot be "
            "told: it takes {fewest} in each. Look at each campaign by itself, or include more "
            "customers."
        ),
    }
)


def overlapping_summary(found: OverlappingCampaigns) -> str:
    """What each campaign did, and whether one takes from another."""
    names = {campaign.id: campaign.name for campaign in found.campaigns}
    said = [
        phrase(
            ENGLISH["ran"],
            names=quoted(names.values()),
            start=day(found.start),
            end=day(found.end),
            customers=counted(found.customers, "customer"),
        )
    ]
    for _, row in found.table.iterrows():
        of = row["campaigns"]
        if len(of) > 2:
            continue
        told = {"low": number(row["conf_low"]), "high": number(row["conf_high"])}
        if len(of) == 1:
            what = outcome_label(found.outcome, "share")
            effect = number(row["absolute_effect"])
            said.append(
                phrase(ENGLISH["alone"], name=names[of[0]], what=what, effect=effect, **told)
            )
            continue
        both = quoted(names[one] for one in of)
        said.append(_together(row, both, told, 1.0 - found.interval))
    return " ".join(said)


def _together(row: pd.Series, names: str, told: dict[str, str], level: float) -> str:
    """Whether two take from each other; the interval of a loss is told as its size."""
    effect = number(abs(row["absolute_effect"]))
    if not row["pvalue"] < level:
        return phrase(ENGLISH["neither"], names=names, **told)
    if row["absolute_effect"] > 0.0:
        return phrase(ENGLISH["adds"], names=names, effect=effect, **told)
    ends = {"low": number(-row["conf_high"]), "high": number(-row["conf_low"])}
    return phrase(ENGLISH["takes"], names=names, effect=effect, **ends)


_TOGETHER = "together"
# Any of these that fails shows that no lot put customers into the combinations of offers.
_OF_LOT = ("one arm a customer", "balance", "sample ratio")


@dataclass(frozen=True, repr=False)
class OverlappingCampaigns(Result):
    """What campaigns did that ran at once, and whether one takes from another.

    Attributes
    ----------
    campaigns : tuple of Campaign
    outcome : str
    start, end : date
        The days that all of them share; outcomes are of these.
    customers : int
        Who were in an arm of every one of them.
    table : DataFrame
        One row a campaign, at the average of the others; then one a pair (and all three): how much
        more they do together than each alone. campaigns (tuple of ids), absolute_effect a customer,
        standard_error, conf_low, conf_high, pvalue, degrees_of_freedom.
    cells : DataFrame
        One row a combination of offers: a column of booleans a campaign, customers, mean (adjusted),
        standard_error.
    interval : float

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(600, dt.date(2023, 1, 1), seed=1)
    >>> given = {"kind": "coupon", "design": "randomised", "start": dt.date(2024, 3, 1),
    ...          "end": dt.date(2024, 4, 25), "shares": {"control": 0.5, "coupon": 0.5}}
    >>> two = [rm.Campaign(id=name, name=name, **given) for name in ("mail", "app")]
    >>> arms = pd.DataFrame({
    ...     "campaign_id": ["mail"] * 600 + ["app"] * 600, "customer_id": [*shop.ids()] * 2,
    ...     "arm": ["control", "coupon"] * 300 + ["control", "control", "coupon", "coupon"] * 150,
    ...     "assigned_at": "2024-02-29"})
    >>> found = rm.overlapping_campaigns(shop.log(until="2024-04-25"), two, arms)
    >>> found.table["campaigns"].tolist()
    [('mail',), ('app',), ('mail', 'app')]
    """

    campaigns: tuple[Campaign, ...]
    outcome: Outcome
    start: dt.date
    end: dt.date
    customers: int
    table: pd.DataFrame = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    interval: float

    def _card(self) -> Card:
        names = ", ".join(campaign.name for campaign in self.campaigns)
        facts = {
            "customers": count(self.customers),
            "outcome": self.outcome,
            "days": f"{self.start} to {self.end}",
        }
        return Card(f"Campaigns at once: {names}", facts, self.table)

    def summary(self) -> str:
        """What each did, and whether one takes from another: a pure function of the table.

        Examples
        --------
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(600, dt.date(2023, 1, 1), seed=1)
        >>> given = {"kind": "coupon", "design": "randomised", "start": dt.date(2024, 3, 1),
        ...          "end": dt.date(2024, 4, 25), "shares": {"control": 0.5, "coupon": 0.5}}
        >>> two = [rm.Campaign(id=name, name=name, **given) for name in ("mail", "app")]
        >>> arms = pd.DataFrame({
        ...     "campaign_id": ["mail"] * 600 + ["app"] * 600, "customer_id": [*shop.ids()] * 2,
        ...     "arm": ["control", "coupon"] * 300 + ["control", "control", "coupon", "coupon"] * 150,
        ...     "assigned_at": "2024-02-29"})
        >>> rm.overlapping_campaigns(shop.log(until="2024-04-25"), two, arms).summary().split(" ran")[0]
        '“mail” and “app”'
        """
        return overlapping_summary(self)


def overlapping_campaigns(
    log: Transactions,
    campaigns: Sequence[Campaign],
    assignments: Given | Assignments,
    redemptions: Given | Redemptions | None = None,
    *,
    margin: float | None = None,
    outcome: Outcome = "purchases",
    interval: float = 0.95,
    timezone: str = "UTC",
) -> OverlappingCampaigns:
    """Effects of two or three randomised campaigns at once, in one regression.

    Parameters
    ----------
    log : Transactions
        A checked log.
    campaigns : sequence of Campaign
        Two or three, randomised. Arms other than control count as one: offered.
    assignments, redemptions, timezone
        As in `read_campaign`; the assignments hold all the campaigns.
    margin : float, optional
        Share of spend that is profit; only needed for profit, where the first campaign has none.
    outcome : {"purchases", "bought", "spend", "profit"}
        Of the days that all campaigns share, of the customers who are in an arm of each. Profit is
        margin · spend less each campaign's contact, points and redemptions of those days.
    interval : float
        Level of the intervals.

    Returns
    -------
    OverlappingCampaigns

    Raises
    ------
    SettingsError
        Where there are not two or three unlike campaigns, or another parameter is not as described.
    CannotSay
        Where one is not randomised, they share no days or no customers, the log ends before the
        shared days do, a combination of offers has too few customers, or the data contradict the
        lots.

    Notes
    -----
    Z₁, Z₂ and Z₁Z₂ with interacted covariates and HC2: `estimators.factorial`. Days before the later
    one began are no part of it, since in them there is nothing that the two could do together; what the
    earlier campaign had done by then is in its own effect on the shared days.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(600, dt.date(2023, 1, 1), seed=1)
    >>> given = {"kind": "coupon", "design": "randomised", "start": dt.date(2024, 3, 1),
    ...          "end": dt.date(2024, 4, 25), "shares": {"control": 0.5, "coupon": 0.5}}
    >>> two = [rm.Campaign(id=name, name=name, **given) for name in ("mail", "app")]
    >>> arms = pd.DataFrame({
    ...     "campaign_id": ["mail"] * 600 + ["app"] * 600, "customer_id": [*shop.ids()] * 2,
    ...     "arm": ["control", "coupon"] * 300 + ["control", "control", "coupon", "coupon"] * 150,
    ...     "assigned_at": "2024-02-29"})
    >>> found = rm.overlapping_campaigns(shop.log(until="2024-04-25"), two, arms)
    >>> found.customers, [campaign.id for campaign in found.campaigns]
    (600, ['mail', 'app'])
    """
    _check(campaigns, outcome, interval)
    if not isinstance(assignments, Assignments):
        assignments = read_assignments(assignments, timezone=timezone, **as_options(log.ids))
    if redemptions is not None and not isinstance(redemptions, Redemptions):
        redemptions = read_redemptions(redemptions, timezone=timezone, **as_options(log.ids))
    start, end = _shared_days(campaigns, log.last_day())
    offered, first = _offers(campaigns, assignments)
    shared = _as_one(campaigns, start, end, margin)
    drawn = pd.DataFrame(
        {"campaign_id": _TOGETHER, "customer_id": offered.index, "arm": _cells(offered)}
    ).assign(assigned_at=first)
    data = read_campaign(log, shared, drawn, margin=shared.margin or margin or 1.0)
    assert isinstance(data, CampaignCustomers)
    _refuse(data)
    offered = offered.loc[data.table.index]
    values = _outcome(data, campaigns, redemptions, outcome, offered)
    _refuse_few(values, offered, outcome)
    lot = arms_by_lot(data, (outcome,))
    covariates = data.covariates[lot.names[outcome]]
    found = overlapping_effects(
        values, offered, covariates if lot.names[outcome] else None, interval=interval
    )
    return OverlappingCampaigns(
        campaigns=tuple(campaigns),
        outcome=outcome,
        start=start,
        end=end,
        customers=len(offered),
        table=found.table,
        cells=found.cells,
        interval=interval,
    )


def _check(campaigns: Sequence[Campaign], outcome: str, interval: float) -> None:
    ids = [campaign.id for campaign in campaigns]
    if not 2 <= len(ids) <= MOST_CAMPAIGNS or len(set(ids)) < len(ids):
        raise SettingsError(
            f"campaigns are {', '.join(ids) or 'none'}; expected two or {MOST_CAMPAIGNS} unlike ones."
        )
    require_outcome(outcome, OUTCOMES, interval)
    for campaign in campaigns:
        if campaign.design != "randomised":
            raise CannotSay(ENGLISH["not_randomised"], name=campaign.name)


def _shared_days(campaigns: Sequence[Campaign], last_day: dt.date) -> tuple[dt.date, dt.date]:
    start, end = max(one.start for one in campaigns), min(one.end for one in campaigns)
    if start > end:
        raise CannotSay(ENGLISH["no_days"])
    if last_day < end:
        raise CannotSay(ENGLISH["not_over"], end=end, last_day=last_day)
    return start, end


def _offers(
    campaigns: Sequence[Campaign], assignments: Assignments
) -> tuple[pd.DataFrame, dt.date]:
    """Who of the customers of all campaigns was offered which, and the first day of any assignment."""
    table, columns = assignments.table, {}
    first = min(one.start for one in campaigns)
    for campaign in campaigns:
        mine = table.filter(table["campaign_id"] == campaign.id, table["customer_id"].notnull())
        rows = to_frame(mine.group_by("customer_id", "arm").aggregate(date=mine["date"].min()))
        if rows["customer_id"].duplicated().any():
            raise CannotSay(ENGLISH["two_arms"], name=campaign.name)
        first = min([first, *rows["date"]])
        arms = rows.set_index("customer_id")["arm"]
        columns[campaign.id] = arms != campaign.control
    offered = pd.concat(columns, axis=1, join="inner").astype(bool).sort_index()
    if offered.empty:
        raise CannotSay(ENGLISH["no_customers"])
    return offered, first


def _cells(offered: pd.DataFrame) -> np.ndarray:
    """The combination of offers of each customer, as text of 0 and 1."""
    return offered.astype(int).astype(str).agg("".join, axis=1).to_numpy()


def _as_one(
    campaigns: Sequence[Campaign], start: dt.date, end: dt.date, margin: float | None
) -> Campaign:
    """The combinations of offers as the arms of one campaign of the shared days, without costs."""
    own = next((one.margin for one in campaigns if one.margin is not None), margin)
    shares = {"": 1.0}
    for campaign in campaigns:
        planned = sum(campaign.shares.values())
        if not planned:
            shares = {}
            break
        none = campaign.shares[campaign.control] / planned
        shares = {
            cell + here: share * part
            for cell, share in shares.items()
            for here, part in (("0", none), ("1", 1.0 - none))
        }
    return Campaign(
        id=_TOGETHER,
        name=_TOGETHER,
        kind=_TOGETHER,
        design="randomised",
        start=start,
        end=end,
        follow_up=0,
        control="0" * len(campaigns),
        shares=shares,
        primary="purchases",
        margin=own,
        costs=Costs(contact=0.0, redemption=0.0, points_rate=0.0, fixed=0.0),
        cap=None,
        looks=(),
        seed=0,
    )


def _refuse(data: CampaignCustomers) -> None:
    """CannotSay where lots cannot have drawn the combinations."""
    declared = bool(data.campaign.shares)
    words = [
        one.words
        for one in data.findings
        if one.check in _OF_LOT and not one.passed and (declared or one.check != "sample ratio")
    ]
    if words:
        raise CannotSay(ENGLISH["no_lot"], reason=" ".join(words))


def _outcome(
    data: CampaignCustomers,
    campaigns: Sequence[Campaign],
    redemptions: Redemptions | None,
    outcome: Outcome,
    offered: pd.DataFrame,
) -> pd.Series:
    """The outcome of the shared days; profit less what each campaign cost."""
    values = data.outcomes["campaign"][outcome].copy()
    if outcome != "profit":
        return values
    if data.campaign.margin is None:
        raise SettingsError("margin: expected the share of spend that is profit; got None.")
    spend = data.outcomes["campaign"]["spend"].to_numpy()
    for campaign in campaigns:
        costs, got = campaign.costs, offered[campaign.id].to_numpy()
        if costs.redemption > 0 and redemptions is None:
            raise SettingsError(
                f"redemptions: a redemption of campaign {campaign.id!r} costs {costs.redemption:g}, and "
                "who redeemed is not given."
            )
        redeemed = redeemed_of(redemptions, campaign, data.table.index)
        span = (data.campaign.start, data.campaign.end)
        values -= redeemed.by_customer("cost", span, len(values))
        values -= got * (costs.contact + costs.points_rate * spend)
    return values


def _refuse_few(values: pd.Series, offered: pd.DataFrame, outcome: Outcome) -> None:
    """CannotSay where a combination has too few customers, or few decide a contrast."""
    cells = offered.groupby(list(offered.columns)).size()
    fewest = fewest_in_arm(outcome)
    if len(cells) == 2 ** offered.shape[1] and cells.min() < fewest:
        sizes = {"customers": counted(int(cells.min()), "customer"), "fewest": count(fewest)}
        raise CannotSay(ENGLISH["few"], outcome=phrase(outcome), **sizes)
    if outcome == "bought":
        return
    for ids in [(one,) for one in offered] + list(combinations(offered, 2)):
        # Of a product, those in like combinations are one side: 11 and 00 against 10 and 01.
        side = (offered[list(ids)].sum(axis=1) % 2).to_numpy()
        if 0 < side.sum() < side.size:
            skewness = outcome_skewness(values.to_numpy(), side, control=0)
            require_little_skewness(int(side.sum()), int(np.sum(side == 0)), skewness)
