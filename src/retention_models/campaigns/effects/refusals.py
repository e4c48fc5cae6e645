"""Campaigns without an answer, for their design or their size, and the sentences that say so.

The figures are of simulations: customers of a BG/NBD shop whom no campaign reached.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from retention_models.campaigns.data.tables import CampaignCustomers, Check
from retention_models.campaigns.effects.customers import CONTROL, RandomisedArms, part_of
from retention_models.campaigns.estimators.checks import (
    LARGEST_SKEWNESS,
    difference_skewness,
    fewest_in_arm,
    outcome_skewness,
    require_enough_customers,
    require_little_skewness,
    sample_ratio,
)
from retention_models.campaigns.estimators.randomised import Effect
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, count, counted, day, marked, phrase, quoted
from retention_models.settings.campaigns import Outcome

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


# In each arm. With 100 in each, only a lift of 67% would be found in a common shop.
FEWEST_FOR_A_VERDICT = 200
# No outcome that was simulated, or of the demonstration's shops, is nearly as skewed within its arms.
_MOST_SKEWED = 100.0


def ratio_check(data: CampaignCustomers) -> Check:
    """Whether the arms have the customers that were planned; blocks where they do not."""
    name, shares = "sample ratio", data.campaign.shares
    counts = data.table["arm"].value_counts().to_dict()
    if not shares:
        words = phrase(
            "The planned shares of the arms are not declared (shares), so whether customers were lost "
            "from one arm cannot be tested."
        )
        return Check(name, passed=False, blocks=False, words=words)
    if set(counts) != set(shares):
        words = phrase(
            "Customers were found in the arms {found} and shares are declared for {declared}. No effect "
            "is given. Make the two the same.",
            found=_listed(counts),
            declared=_listed(shares),
        )
        return Check(name, passed=False, blocks=True, words=words)
    found = sample_ratio(counts, dict(shares.items()))
    return Check(name, passed=not found.blocked, blocks=True, words=found.reason)


def too_few(treated: int, control: int) -> str:
    """Why arms of that size carry no verdict.

    >>> too_few(100, 100)[:74]
    'With 100 offered the campaign and 100 held out, its effect cannot be told:'
    """
    return phrase(
        "With {treated} offered the campaign and {control} held out, its effect cannot be told: with "
        "100 of either, only a lift beyond 67% would be found in a common shop. It takes {fewest} in "
        "each arm. Pool stores, or include more customers.",
        treated=count(treated),
        control=count(control),
        fewest=count(FEWEST_FOR_A_VERDICT),
    )


def without_small_arms(data: CampaignCustomers) -> tuple[CampaignCustomers, list[Check]]:
    """The campaign without arms that are too small by themselves, if another is large enough."""
    control, counts = data.campaign.control, data.table["arm"].value_counts()
    reasons = {
        str(arm): too_few(int(counts[arm]), int(counts[control]))
        for arm in sorted(counts.index.drop(control))
        if min(counts[arm], counts[control]) < FEWEST_FOR_A_VERDICT
    }
    if not reasons:
        return data, []
    if len(reasons) == len(counts) - 1:
        raise CannotSay(next(iter(reasons.values())))
    kept = ~data.table["arm"].isin(list(reasons))
    findings = [
        Check(
            phrase("size of {arm}", arm=arm),
            passed=False,
            blocks=False,
            words=phrase("Of “{arm}”: {reason}", arm=arm, reason=reason),
        )
        for arm, reason in reasons.items()
    ]
    return part_of(data, kept.to_numpy()), findings


def refuse_few(outcome: Outcome, values: NDArray[np.float64], lot: RandomisedArms) -> None:
    """CannotSay where an outcome's interval would leave out the truth too often.

    Shapes: values (n,).
    """
    control, *others = (int(n) for n in lot.counts)
    fewest = fewest_in_arm(outcome)
    if min(control, *others) < fewest:
        raise CannotSay(
            "The effect on {outcome} cannot be told with {n} in an arm: it takes {fewest}, since few "
            "of them decide it. Pool stores, or include more customers.",
            outcome=phrase(outcome),
            n=counted(min(control, *others), "customer"),
            fewest=count(fewest),
        )
    # Arms of like size cancel each other's skewness, and need no look at it.
    unlike = [
        n for n in others if abs(difference_skewness(_MOST_SKEWED, n, control)) > LARGEST_SKEWNESS
    ]
    # What is 0 or 1 has no few who decide it: simulated intervals hold with 100 beside 900.
    if unlike and outcome != "bought":
        skewness = outcome_skewness(values, lot.codes, control=CONTROL)
        for n in unlike:
            require_little_skewness(n, control, skewness)


def refuse_too_little(data: CampaignCustomers, effects: Iterable[Effect], r_squared: float) -> None:
    """CannotSay for a test that could find nothing but a miracle, judged by its primary outcome."""
    campaign = data.campaign
    # Profit of those held out is a share of their spend: the lift that can be found is the same.
    outcome = "spend" if campaign.primary == "profit" else campaign.primary
    held_out = (data.table["arm"] == campaign.control).to_numpy()
    values = data.outcomes["campaign"][outcome].to_numpy(dtype=float)[held_out]
    require_enough_customers(
        max(effect.customers for effect in effects),
        int(held_out.sum()),
        control_mean=float(values.mean()),
        standard_deviation=float(values.std(ddof=1)),
        r_squared=min(r_squared, 1.0 - 1e-9),
    )


def _listed(names: Iterable[object]) -> str:
    return quoted(str(name) for name in names)


def require_outcome(outcome: str, known: Collection[str], interval: float) -> None:
    """Refuse an outcome that is none of those known, and an interval that holds less than half."""
    if outcome not in known or not 0.5 <= interval < 1.0:
        raise SettingsError(
            f"outcome is {outcome!r} and interval {interval}; expected one of {', '.join(known)}, "
            "and from 0.5 to below 1."
        )
