"""A campaign before it starts: what lift the store's own customers let it find, and what it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.labels import outcome_label
from retention_models.campaigns.estimators.checks import (
    holdout_floor,
    require_enough_customers,
)
from retention_models.campaigns.plans.assignment import planned_shares
from retention_models.campaigns.plans.backtest import (
    Backtest,
    backtest_outcomes,
    customers_on,
    last_day_before,
)
from retention_models.campaigns.plans.detectable import growth_of
from retention_models.campaigns.plans.tables import (
    DURATIONS,
    Terms,
    duration_table,
    outcome_table,
)
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, counted, day, listed, phrase, share
from retention_models.languages.results import Card, Result
from retention_models.levels import check_level
from retention_models.settings.campaigns import Campaign


@dataclass(frozen=True, repr=False)
class CampaignPlan(Result):
    """What a campaign can find out, before it starts.

    Attributes
    ----------
    campaign : Campaign
    arms : Series, index arm
        Customers of each arm as planned, control first.
    table : DataFrame
        One row an outcome and arm other than control: outcome, arm, mean and standard_deviation
        between customers and r_squared of the covariates (all from the backtest), customers (of the
        arm and control together), minimum_detectable_effect (a customer, in the outcome's unit),
        minimum_detectable_percent (of the mean; missing where that is not above 0),
        customers_needed (of all arms together, for the wished lift).
    durations : DataFrame
        One row an outcome and length: outcome, days, minimum_detectable_percent of the arm that finds
        least, found (whether that is at most the wished lift). Without rows where no model of the
        customers can be fitted.
    days_needed : int or None
        Shortest length at which the wished lift of the primary outcome is found: the campaign's own,
        or whole weeks up to 52; None if none is long enough, or there is no model.
    holdout_floor : int
        Customers to hold out at least.
    wished_lift, power, level : float
        Relative lift that is to be found with this power, at this two-sided level. With several arms
        each is compared with control at the level ÷ their number.
    backtest : Backtest
    customers : DataFrame, index customer_id
        expected_purchases in the campaign's days, missing for those without history: what
        `assign_customers` takes.
    no_model : str
        Why there are no other lengths; empty where there are.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(customers=1000, first_day=dt.date(2023, 1, 1), seed=1)
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 1, 1), end=dt.date(2024, 2, 25))
    >>> found = rm.plan_campaign(shop.log(until="2023-12-31"), coupon)
    >>> found.power, found.level
    (0.8, 0.05)
    """

    campaign: Campaign
    arms: pd.Series = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    durations: pd.DataFrame = field(repr=False)
    days_needed: int | None
    holdout_floor: int
    wished_lift: float
    power: float
    level: float
    backtest: Backtest = field(repr=False)
    customers: pd.DataFrame = field(repr=False)
    no_model: str = ""

    _figure = "detectable_by_length"

    def _card(self) -> Card:
        facts = {
            "customers": listed(f"{count(n)} {arm}" for arm, n in self.arms.items()),
            "days needed": "" if self.days_needed is None else count(self.days_needed),
            "because": str(self.verdict),
        }
        return Card(f"Plan of the campaign {self.campaign.name}", facts, self.table)

    @property
    def verdict(self) -> str:
        """Whether the wished lift will be found, in few words."""
        return verdict(self)

    def summary(self) -> str:
        """What to do, in a paragraph.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(customers=1000, first_day=dt.date(2023, 1, 1), seed=1)
        >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 1, 1), end=dt.date(2024, 2, 25))
        >>> found = rm.plan_campaign(shop.log(until="2023-12-31"), coupon)
        >>> found.summary().split(" (")[0]
        'With 1,000 customers'
        """
        return summary(self)


def plan_campaign(
    log: Transactions,
    campaign: Campaign,
    *,
    customers: pd.Index | None = None,
    store_id: str | None = None,
    control_share: float | None = None,
    lift: float = 0.10,
    power: float = 0.8,
    level: float = 0.05,
    margin: float | None = None,
) -> CampaignPlan:
    """Tell what a randomised campaign would find of a store's own customers, and what it takes.

    Parameters
    ----------
    log : Transactions
        A checked log, of all stores. Days from the campaign's start on are not looked at.
    campaign : Campaign
        Randomised; its shares say who is held out.
    customers : Index of str, optional
        Customers that it is for; all who have bought unless given. Who never has is counted too.
    store_id : str, optional
        Only customers who were last seen at that store.
    control_share : float, optional
        Share to hold out against one arm, instead of the campaign's shares; half without either.
    lift : float
        Relative lift that one wishes to find, such as 0.10.
    power, level : float
        Probability of finding a lift that is there, and of finding one that is not.
    margin : float, optional
        Share of spend that is profit; the campaign's unless given. Without either there is no row of
        profit.

    Returns
    -------
    CampaignPlan

    Raises
    ------
    SettingsError
        Where the campaign is not randomised, or a number is not of its range.
    CannotSay
        Where the customers are too few: fewer than 800, or so few that only a lift beyond 50% of the
        primary outcome would be found; or the log holds no window before the campaign.

    Notes
    -----
    Minimum detectable effect: (z_{1−α/2} + z_{power}) · √((1 − R²)(s²_T ÷ n_T + s²_C ÷ n_C)), see
    `campaigns.power`, of proportions `campaigns.proportions`; mean, s and R² are those of the same
    customers one window earlier (`backtest_outcomes`). Customers who joined since then, or have no
    history, are taken to be like the others. Profit's spread does not know of redemptions.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(customers=4000, first_day=dt.date(2023, 1, 1), seed=1)
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 1, 1), end=dt.date(2024, 2, 25))
    >>> names = {name: name for name in ("customer_id", "date", "spend")}
    >>> log = rm.read_transactions(shop.orders(dt.date(2023, 12, 31)), **names)
    >>> plan = plan_campaign(log, coupon)
    >>> plan.verdict
    'it takes longer'
    """
    _check(lift, power, level)
    shares = _shares(campaign, control_share)
    last = last_day_before(log, campaign)
    found, covariates = customers_on(log, campaign, last, customers, store_id)
    floor = holdout_floor(len(found))
    arms = pd.Series({arm: round(len(found) * share) for arm, share in shares.items()})
    terms = Terms(arms, lift, power, level)
    backtest = backtest_outcomes(
        log, campaign, customers=customers, store_id=store_id, margin=margin
    )
    _require_enough(backtest, campaign, arms)
    try:
        growth = growth_of(log, last, found)
        no_model, (durations, needed) = "", duration_table(backtest, campaign, growth, terms)
    except CannotSay as refusal:
        no_model, durations, needed = str(refusal), pd.DataFrame(columns=list(DURATIONS)), None
    return CampaignPlan(
        campaign=campaign,
        arms=arms,
        table=outcome_table(backtest, terms, shares),
        durations=durations,
        days_needed=needed,
        holdout_floor=floor,
        wished_lift=lift,
        power=power,
        level=level,
        backtest=backtest,
        customers=_expected(found, covariates),
        no_model=no_model,
    )


def _check(lift: float, power: float, level: float) -> None:
    if not 0.0 < lift < 1.0:
        raise SettingsError(f"lift is {lift}; expected between 0 and 1, such as 0.10 for 10%.")
    check_level(level)
    if not level < power < 1.0:
        raise SettingsError(
            f"power is {power}; expected between the level, {level}, and 1, such as 0.8."
        )


def _shares(campaign: Campaign, control_share: float | None) -> dict[str, float]:
    """Share of each arm, control first."""
    if control_share is None and campaign.shares:
        return planned_shares(campaign)
    share = 0.5 if control_share is None else control_share
    others = [arm for arm in campaign.shares if arm != campaign.control]
    if not 0.0 < share < 1.0 or len(others) > 1:
        raise SettingsError(
            f"control_share is {share}; expected between 0 and 1, for a campaign of one arm and control."
        )
    arm = others[0] if others else "offered"
    shares = {campaign.control: share, arm: 1.0 - share}
    return planned_shares(campaign.model_copy(update={"shares": shares}))


def _require_enough(backtest: Backtest, campaign: Campaign, arms: pd.Series) -> None:
    """Raise where no verdict on the primary outcome can be had."""
    outcome = campaign.primary
    if outcome not in backtest.table.index:
        raise SettingsError(
            f"campaign {campaign.id!r}: primary is {outcome!r}, and margin is not given; expected the "
            "share of spend that is profit."
        )
    row = backtest.table.loc[outcome]
    require_enough_customers(
        int(arms.iloc[1:].min()),
        int(arms.iloc[0]),
        control_mean=float(row["mean"]),
        standard_deviation=float(row["standard_deviation"]),
        r_squared=float(row["r_squared"]),
        outcome=outcome,
    )


def _expected(found: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
    """Expected purchases of each customer in the campaign's days, NaN without history or model."""
    nothing = pd.Series(np.nan, index=found.index)
    expected = covariates.get("expected_purchases", nothing).where(found["frequency"].notna())
    return pd.DataFrame({"expected_purchases": expected})


OUTCOMES = {
    "purchases": "purchases",
    "bought": "the share of customers who buy",
    "spend": "spend",
    "profit": "profit",
}


def verdict(plan: CampaignPlan) -> str:
    """Whether the wished lift will be found, in few words."""
    if _is_found(plan):
        return phrase("it will be found")
    return phrase("it takes longer") if plan.days_needed else phrase("it takes more customers")


def _is_found(plan: CampaignPlan) -> bool:
    return bool(_hardest(plan)["minimum_detectable_percent"] <= 100.0 * plan.wished_lift)


def summary(plan: CampaignPlan) -> str:
    """What to do, in a paragraph."""
    return " ".join([_what_it_finds(plan), _what_it_takes(plan), _holdout(plan), _source(plan)])


def _hardest(plan: CampaignPlan) -> pd.Series:
    """The row of the primary outcome whose arm finds least."""
    rows = plan.table[plan.table["outcome"] == plan.campaign.primary]
    return rows.loc[rows["minimum_detectable_percent"].fillna(math.inf).idxmax()]


def _what_it_finds(plan: CampaignPlan) -> str:
    campaign, least = plan.campaign, _hardest(plan)["minimum_detectable_percent"]
    places = {
        "customers": counted(int(plan.arms.sum()), "customer"),
        "arms": listed(f"{count(n)} {arm}" for arm, n in plan.arms.items()),
        "days": counted(campaign.days, "day"),
        "name": campaign.name,
        "outcome": outcome_label(campaign.primary, "noun"),
    }
    if math.isnan(least):
        return phrase(
            "With {customers} ({arms}) and {days}, {name} finds no lift of {outcome}, for nearly all "
            "buy anyway.",
            **places,
        )
    return phrase(
        "With {customers} ({arms}) and {days}, {name} finds a lift of {outcome} from {least} up, "
        "in {power} of cases.",
        least=share(least / 100.0, 1),
        power=share(plan.power),
        **places,
    )


def _what_it_takes(plan: CampaignPlan) -> str:
    wished, needed = share(plan.wished_lift), _hardest(plan)["customers_needed"]
    if _is_found(plan):
        return phrase("That is enough for the {wished} that you wish to find.", wished=wished)
    said = phrase("For the {wished} that you wish to find that is too little.", wished=wished)
    more = (
        phrase("No number of customers would do at this length.")
        if math.isnan(needed)
        else phrase(
            "It takes {customers} at this length.", customers=counted(round(needed), "customer")
        )
    )
    if plan.days_needed:
        longer = phrase(
            "With these customers it takes {days}, if the lift lasts as long as the campaign does.",
            days=counted(plan.days_needed, "day"),
        )
    elif plan.no_model:
        longer = phrase(
            "What a longer campaign finds cannot be said. {reason}", reason=plan.no_model
        )
    else:
        longer = phrase(
            "With these customers not even 52 weeks are enough. Pool stores, or plan a larger offer."
        )
    return f"{said} {more} {longer}"


def _holdout(plan: CampaignPlan) -> str:
    held, least = int(plan.arms.iloc[0]), plan.holdout_floor
    if held >= least:
        return phrase(
            "Held out are {held}; the least is {least}.", held=count(held), least=count(least)
        )
    return phrase(
        "Held out are {held}, which is too few: hold out {least} at least ({share}).",
        held=count(held),
        least=count(least),
        share=share(least / int(plan.arms.sum())),
    )


def _source(plan: CampaignPlan) -> str:
    past, row = plan.backtest, plan.backtest.table.loc[plan.campaign.primary]
    return phrase(
        "This rests on what {customers} did from {first} to {last}: their histories explain {share} of "
        "how they differ, which the reading of the effect takes off.",
        customers=counted(past.customers, "customer"),
        first=day(past.campaign.start),
        last=day(past.campaign.end),
        share=share(max(row["r_squared"], 0.0)),
    )
