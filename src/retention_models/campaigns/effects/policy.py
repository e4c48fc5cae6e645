"""Whom to treat within a budget, by a campaign that was drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers
from retention_models.campaigns.effects.customers import BY_OUTCOME, usable
from retention_models.campaigns.estimators.policy import (
    TreatmentScores,
    area,
    gain,
    share_below,
    treatment_scores,
)
from retention_models.campaigns.estimators.regression import Flags, Floats
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, number, phrase, share
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, check_interval_of_effect
from retention_models.settings.campaigns import Outcome

# What may tell who gains: the outcome's own covariates, and how late and how likely lost a customer is.
_MORE = ("probability_alive", "recency", "log_T")
_CURVE = tuple(np.arange(1, 11) / 10.0)
_NAMES = catalogue(
    {
        "everyone": "everyone",
        "whose contact pays": "those whose contact pays",
        "by value": "as many of the highest expected spend",
        "against everyone": "those whose contact pays, against everyone",
        "against by value": "those whose contact pays, against as many by value",
    }
)


@dataclass(frozen=True, repr=False)
class TreatmentPolicy(Result):
    """Whom a campaign's arm pays for; from `whom_to_treat`.

    Attributes
    ----------
    arm : str
        Held against control.
    outcome : str
        What is gained, such as "profit": net of what treating costs.
    policies : DataFrame
        A row for each policy and difference: policy, in words; treated, the share of customers; gain, a
        customer of all, with low and high; total, of all customers together, with its ends.
    curve : DataFrame
        treated (share of customers, the most gaining first), gain with low and high, at_random.
    area : Interval
        Between the curve and treating at random: 0 where the data tell nothing of who gains most.
    customers : DataFrame
        Index customer_id, the most gaining first: foreseen, the effect of treating, from all
        customers' outcomes; treat, whether within the budget it pays: the list for the next time.
    verdict : str
        In words.
    interval : float
        Level of the intervals.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(1000, dt.date(2023, 1, 1), seed=1)
    >>> spring = rm.Campaign(
    ...     id="spring", name="Spring coupon", kind="coupon", design="randomised", margin=0.3,
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25),
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 500})
    >>> arms["campaign_id"], arms["assigned_at"] = "spring", "2024-02-29"
    >>> data = rm.read_campaign(shop.log(until=spring.end), spring, arms)
    >>> found = rm.whom_to_treat(data)
    >>> found.arm, len(found.customers)
    ('coupon', 1000)
    """

    arm: str
    outcome: str
    policies: pd.DataFrame
    curve: pd.DataFrame
    area: Interval
    customers: pd.DataFrame = field(repr=False)
    verdict: str
    interval: float

    def _card(self) -> Card:
        facts = {
            "verdict": self.verdict.rstrip("."),
            "treated": share(float(self.customers["treat"].mean())),
            "area of the gain curve": with_ends(self.area),
        }
        title = f"Whom {self.arm} pays for, by {self.outcome}, intervals of {share(self.interval)}"
        return Card(title, facts, self.policies)


def whom_to_treat(
    data: CampaignCustomers,
    *,
    arm: str | None = None,
    outcome: Outcome = "profit",
    budget: int | None = None,
    interval: float = 0.95,
) -> TreatmentPolicy:
    """Whose contact paid in a randomised campaign, and what choosing them would have gained.

    Parameters
    ----------
    data : CampaignCustomers
        From `read_campaign`, of a randomised campaign.
    arm : str, optional
        The arm held against control; the only one unless given.
    outcome : {"profit", "purchases", "bought", "spend"}
        Profit is net of contact, redemptions and points.
    budget : int, optional
        At most so many customers are treated; as many as it pays for unless given.
    interval : float
        Level of the intervals.

    Returns
    -------
    TreatmentPolicy

    Raises
    ------
    SettingsError
        If there is no such arm, the outcome is not known, or the budget is below 1.
    CannotSay
        If the campaign was not drawn by lot, an arm has fewer than 200 customers, or nothing that is
        known of customers before it varies.

    Notes
    -----
    Gains are means of doubly robust scores (`campaigns.estimators.policy`) of the three fifths of the
    customers that come after others to which models can be fitted, so that nobody's own outcome chose
    for or against them, and are those of policies fitted to two fifths and more. Treated are those whose
    foreseen effect is above 0, the highest first, within the budget; beside them everyone, and as many
    of the highest expected spend, the list that a shop would make of value alone. The verdict speaks of
    choosing only where the area's interval lies above 0, and of leaving others out only where that gains
    more than treating everyone.

    Sources: Athey & Wager (2021), "Policy learning with observational data", Econometrica 89, 133–161;
    Yadlowsky et al. (2025), "Evaluating treatment prioritization rules via rank-weighted average
    treatment effects", JASA 120.

    Examples
    --------
    >>> import datetime as dt
    >>> from retention_models.settings.campaigns import Campaign
    >>> rng = np.random.default_rng(7)
    >>> expected, coupon = rng.gamma(1.0, 2.0, 4000), np.arange(4000) % 2 == 1
    >>> ids = pd.Index([f"{i:04d}" for i in range(4000)], name="customer_id")
    >>> gain = coupon * (expected - 2.0)  # who buys often gains, who seldom does loses
    >>> outcome = pd.DataFrame({"purchases": rng.poisson(expected + 2.0) + gain}, index=ids)
    >>> data = CampaignCustomers(
    ...     campaign=Campaign(
    ...         id="spring", name="Spring coupon", kind="coupon", design="randomised",
    ...         start=dt.date(2017, 3, 3), end=dt.date(2017, 4, 9),
    ...         shares={"control": 0.5, "coupon": 0.5}),
    ...     table=pd.DataFrame({"arm": np.where(coupon, "coupon", "control")}, index=ids),
    ...     covariates=pd.DataFrame({"expected_purchases": expected}, index=ids),
    ...     outcomes={"campaign": outcome},
    ...     findings=(), last_day=dt.date(2017, 4, 9))
    >>> found = whom_to_treat(data, outcome="purchases")
    >>> found.verdict.startswith("Treat the "), bool(found.policies.loc["against everyone", "low"] > 0)
    (True, True)
    """
    check_interval_of_effect(interval)
    if data.campaign.design != "randomised":
        raise CannotSay(
            "Whom to treat cannot be told from {name}: its customers were not drawn by lot, so that "
            "those who got it differ from the others in more than that.",
            name=data.campaign.name,
        )
    if budget is not None and budget < 1:
        raise SettingsError(f"budget: expected at least 1 customer; got {budget!r}.")
    arm, rows = _rows(data, arm)
    if outcome not in data.outcomes["campaign"]:
        raise SettingsError(
            f"outcome: expected one of {', '.join(data.outcomes['campaign'])}; got {outcome!r}."
        )
    treated = (data.table["arm"] == arm).to_numpy()[rows]
    y = data.outcomes["campaign"][outcome].to_numpy(dtype=float)[rows]
    before = data.covariates.loc[rows]
    names = usable(before, [*BY_OUTCOME[outcome], *_MORE], treated.astype(np.intp))
    if not names:
        raise CannotSay("Nothing that is known of customers before the campaign tells them apart.")
    x = before[names].to_numpy(dtype=float)
    found = treatment_scores(y, treated, (x - x.mean(axis=0)) / x.std(axis=0))
    part = found.tested.size / y.size
    chosen = _within(found.foreseen, None if budget is None else round(budget * part))
    value = before.get("expected_spend", before[names[0]]).to_numpy(dtype=float)[found.tested]
    policies = _policies(found, chosen, value, interval, y.size)
    curve, of_curve = _curve(found, interval), area(found, interval)
    treat = _within(found.all_foreseen, budget)
    table = pd.DataFrame({"foreseen": found.all_foreseen, "treat": treat}, index=before.index)
    table = table.sort_values("foreseen", ascending=False, kind="stable")
    verdict = _verdict(policies, of_curve)
    return TreatmentPolicy(arm, outcome, policies, curve, of_curve, table, verdict, interval)


def _rows(data: CampaignCustomers, arm: str | None) -> tuple[str, Flags]:
    """The arm, and the customers in it or in control."""
    labels = data.table["arm"]
    known = sorted(set(labels) - {data.campaign.control})
    chosen = known[0] if arm is None and len(known) == 1 else arm
    if chosen not in known:
        raise SettingsError(f"arm: expected one of {', '.join(known)}; got {arm!r}.")
    return str(chosen), labels.isin([chosen, data.campaign.control]).to_numpy()


def _within(foreseen: Floats, budget: int | None) -> Flags:
    """Those whose foreseen effect is above 0, the highest first, as many as the budget is for."""
    chosen = foreseen > 0.0
    if budget is None or chosen.sum() <= budget:
        return np.asarray(chosen)
    within = np.zeros(foreseen.size, dtype=bool)
    within[np.argsort(-foreseen, kind="stable")[:budget]] = True
    return within


def _policies(
    found: TreatmentScores, chosen: Flags, value: Floats, interval: float, customers: int
) -> pd.DataFrame:
    """The table of `TreatmentPolicy`."""
    by_value = np.zeros(chosen.size)
    by_value[np.argsort(-value, kind="stable")[: int(chosen.sum())]] = 1.0
    everyone, mine = np.ones(chosen.size), chosen.astype(float)
    weights = {
        "everyone": everyone,
        "whose contact pays": mine,
        "by value": by_value,
        "against everyone": mine - everyone,
        "against by value": mine - by_value,
    }
    rows = []
    for name, weight in weights.items():
        told = gain(found.score, weight, interval)
        row = {"policy": phrase(_NAMES[name]), "treated": float((weight > 0.0).mean())}
        row |= {"gain": told.value, "low": told.low, "high": told.high}
        ends = zip(("", "_low", "_high"), (told.value, told.low, told.high), strict=True)
        rows.append(row | {f"total{end}": customers * each for end, each in ends})
    table = pd.DataFrame(rows, index=pd.Index(weights, name="name"))
    table.loc[["against everyone", "against by value"], "treated"] = np.nan
    return table


def _curve(found: TreatmentScores, interval: float) -> pd.DataFrame:
    """Gain of treating the tenth that gains most, the fifth, and so on, against as many at random."""
    below, all_gain = share_below(found), float(found.score.mean())
    rows = []
    for part in _CURVE:
        told = gain(found.score, (below >= 1.0 - part).astype(float), interval)
        rows.append((part, told.value, told.low, told.high, part * all_gain))
    return pd.DataFrame(rows, columns=["treated", "gain", "low", "high", "at_random"])


def _verdict(policies: pd.DataFrame, of_curve: Interval) -> str:
    """What to do, or that the data cannot tell."""
    every, more = policies.loc["everyone"], policies.loc["against everyone"]
    if of_curve.low > 0.0 and more["low"] > 0.0:
        mine = policies.loc["whose contact pays"]
        return phrase(
            "Treat the {part} for whom it pays: {gain} a customer of all ({low} to {high}), {more} more "
            "than treating everyone ({more_low} to {more_high}).",
            part=share(float(mine["treated"])),
            gain=number(float(mine["gain"])),
            low=number(float(mine["low"])),
            high=number(float(mine["high"])),
            more=number(float(more["gain"])),
            more_low=number(float(more["low"])),
            more_high=number(float(more["high"])),
        )
    if of_curve.low > 0.0:
        said = phrase(
            "Some gain more than others, but leaving anybody out is not shown to gain more than "
            "treating everyone. Where there is not enough for all, begin at the top of the list."
        )
        if policies.loc["against by value", "high"] < 0.0:
            better = phrase("The highest expected spend is the better order here.")
            said = f"{said} {better}"
        return said
    if every["low"] > 0.0:
        return phrase("The data cannot tell whom it pays for more than others; it pays for all.")
    if every["high"] < 0.0:
        return phrase("The data cannot tell whom it pays for; treating everyone loses.")
    return phrase("The data cannot tell whom it pays for, nor whether it pays for all.")
