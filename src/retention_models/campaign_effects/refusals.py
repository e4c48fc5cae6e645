"""What no analysis can answer, each refused in whole sentences with its reason and what to do.

The figures are of simulations: customers of a BG/NBD shop whom no campaign reached.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from retention_models.campaign_data.customers import CampaignCustomers, CampaignStores, Finding
from retention_models.campaign_effects.result import (
    CHECKS,
    NAIVE,
    TABLE,
    CampaignEffect,
    empty,
)
from retention_models.languages import catalogue, counted, day, marked, phrase

CampaignTables = CampaignCustomers | CampaignStores

OF_DESIGN = catalogue(
    {
        "redeemers": (
            "Customers who redeemed were compared with customers who did not. Whoever redeems would "
            "have bought more anyway: where the campaign does nothing at all, redeemers still buy 7.9 "
            "times as much as the others. No effect is given. Compare everyone who was offered the "
            "campaign with customers who were held out, by lot, and count redeemers and others alike."
        ),
        "before_after": (
            "The same customers were compared before and after the start, with nobody held out. "
            "Customers change by themselves: the purchases of a closed group fall by 5.7% in eight "
            "weeks, and a list of lapsed customers recovers by 31%, without any campaign. No effect is "
            "given. Hold out a part of the customers by lot the next time, at least 10% and at "
            "least 400."
        ),
        "forecast": (
            "What customers bought was compared with what a model forecast for them, with nobody held "
            "out. A forecast knows no season: where the campaign does nothing and the season lifts "
            "sales by 10%, this finds an effect in 71 of 100 campaigns. No effect is given. Hold out a "
            "part of the customers by lot: the forecast then narrows the interval instead of "
            "standing in for them."
        ),
    }
)
OF_LIFETIME_VALUE = marked(
    "Lifetime value scored again after the campaign is no outcome: the campaign itself moves what the "
    "score is made from, and the score predicts a gain of 2.0% where the truth is a loss of 0.3% to "
    "0.8%. No effect is given. Measure purchases, spend and profit in the campaign's days and in a "
    "window after it."
)


def not_over(last_day: dt.date, end: dt.date) -> str:
    """Why a campaign that still runs has no verdict, no looks having been declared."""
    return phrase(
        "The campaign runs until {end} and the data end on {last_day}. Whoever looks at eight points of "
        "time and stops at the first good one finds an effect in 17.5 of 100 campaigns that have none. "
        "No effect is given. Wait for the end, or declare the looks (looks, as shares of the campaign's "
        "days) before the next campaign starts.",
        end=day(end),
        last_day=day(last_day),
    )


def not_a_look(last_day: dt.date, next_look: dt.date) -> str:
    """Why a campaign has no verdict on a day that was not declared."""
    return phrase(
        "The data end on {last_day}, which is none of the days declared for a look; looking on other "
        "days finds effects where there are none. No effect is given. Read the data up to a declared "
        "day; the next is {next_look}.",
        last_day=day(last_day),
        next_look=day(next_look),
    )


def redeemers_only(customers: int) -> str:
    """Why an arm that holds only redeemers is refused."""
    missing = phrase(
        "All {customers} who count as offered the campaign redeemed it, so those who were offered it "
        "and did not are missing.",
        customers=counted(customers, "customer"),
    )
    return f"{missing} {phrase(OF_DESIGN['redeemers'])}"


def no_comparison(control: str, nobody_offered: bool) -> str:
    """Why a campaign in which all customers are on one side is refused."""
    if nobody_offered:
        return phrase(
            "All customers are in the arm “{control}”, so nobody got the campaign. No effect is given. "
            "Name the arm that got nothing (control).",
            control=control,
        )
    nobody = phrase(
        "No customer is in the arm “{control}”, so nobody shows what would have happened without the "
        "campaign.",
        control=control,
    )
    return f"{nobody} {phrase(OF_DESIGN['before_after'])}"


def refused(
    data: CampaignTables, check: str, reason: str, naive: pd.DataFrame | None = None
) -> CampaignEffect:
    """The result of a campaign without an effect: the reason and the checks, never an effect.

    Parameters
    ----------
    data : CampaignCustomers or CampaignStores
    check : str
        Name of what failed, as it stands among the checks.
    reason : str
        In whole sentences.
    naive : DataFrame, optional
        Plain differences that would mislead, to show by how much.

    Returns
    -------
    CampaignEffect
    """
    found = data.findings
    if not any(one.check == check and one.blocks and not one.passed for one in found):
        found = (*found, Finding(check, passed=False, blocks=True, words=reason))
    return CampaignEffect(
        campaign=data.campaign,
        table=empty(TABLE),
        grade=None,
        verdict="",
        refusal=reason,
        checks=checks_table(found),
        naive=empty(NAIVE) if naive is None else naive,
    )


def checks_table(findings: tuple[Finding, ...]) -> pd.DataFrame:
    """One row a check."""
    rows = [(one.check, one.passed, one.blocks, one.words) for one in findings]
    return pd.DataFrame(rows, columns=list(CHECKS))
