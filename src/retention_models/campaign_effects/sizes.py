"""Whether a randomised campaign has the customers it planned, and enough of them for a verdict."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from retention_models.campaign_data.customers import CampaignCustomers, Finding
from retention_models.campaign_effects.arms_by_lot import CONTROL, ByLot, part_of
from retention_models.campaign_settings import Outcome
from retention_models.campaigns.checks import (
    fewest_in_arm,
    require_enough_customers,
    sample_ratio,
)
from retention_models.campaigns.comparisons import Effect
from retention_models.campaigns.skewness import (
    LARGEST_SKEWNESS,
    difference_skewness,
    outcome_skewness,
    require_little_skewness,
)
from retention_models.errors import CannotSay
from retention_models.languages import count, phrase

# In each arm. With 100 in each, only a lift of 67% would be found in a common shop.
FEWEST_FOR_A_VERDICT = 200
# No outcome that was simulated, or of the demonstration's shops, is nearly as skewed within its arms.
_MOST_SKEWED = 100.0


def ratio_finding(data: CampaignCustomers) -> Finding:
    """Whether the arms have the customers that were planned; blocks where they do not.

    Parameters
    ----------
    data : CampaignCustomers

    Returns
    -------
    Finding
    """
    name, shares = "sample ratio", data.campaign.shares
    counts = data.table["arm"].value_counts().to_dict()
    if not shares:
        words = phrase(
            "The planned shares of the arms are not declared (shares), so whether customers were lost "
            "from one arm cannot be tested."
        )
        return Finding(name, passed=False, blocks=False, words=words)
    if set(counts) != set(shares):
        words = phrase(
            "Customers were found in the arms {found} and shares are declared for {declared}. No effect "
            "is given. Make the two the same.",
            found=_listed(counts),
            declared=_listed(shares),
        )
        return Finding(name, passed=False, blocks=True, words=words)
    found = sample_ratio(counts, dict(shares.items()))
    return Finding(name, passed=not found.blocked, blocks=True, words=found.reason)


def too_few(treated: int, control: int) -> str:
    """Why arms of that size carry no verdict.

    Examples
    --------
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


def without_small_arms(data: CampaignCustomers) -> tuple[CampaignCustomers, list[Finding]]:
    """The campaign without arms that are too small by themselves, if another is large enough.

    Parameters
    ----------
    data : CampaignCustomers

    Returns
    -------
    data : CampaignCustomers
    findings : list of Finding
        Which arms were left out.

    Raises
    ------
    CannotSay
        Where control, or every other arm, is too small.
    """
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
        Finding(
            phrase("size of {arm}", arm=arm),
            passed=False,
            blocks=False,
            words=phrase("Of “{arm}”: {reason}", arm=arm, reason=reason),
        )
        for arm, reason in reasons.items()
    ]
    return part_of(data, kept.to_numpy()), findings


def refuse_few(outcome: Outcome, values: NDArray[np.float64], lot: ByLot) -> None:
    """CannotSay where an outcome's interval would leave out the truth too often.

    Parameters
    ----------
    outcome : str
    values : ndarray, shape (n,)
        Of the outcome.
    lot : ByLot
    """
    control, *others = (int(n) for n in lot.counts)
    fewest = fewest_in_arm(outcome)
    if min(control, *others) < fewest:
        raise CannotSay(
            phrase(
                "The effect on {outcome} cannot be told with {n} customers in an arm: it takes "
                "{fewest}, since few of them decide it. Pool stores, or include more customers.",
                outcome=phrase(outcome),
                n=count(min(control, *others)),
                fewest=count(fewest),
            )
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
    """CannotSay for a test that could find nothing but a miracle, judged by its primary outcome.

    Parameters
    ----------
    data : CampaignCustomers
    effects : iterable of Effect
        Of the primary outcome, against control.
    r_squared : float
    """
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
    return ", ".join(f"“{name}”" for name in names)
