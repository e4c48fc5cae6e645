"""Customers put in arms by lot: each arm against control and against each other, as offered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from retention_models.campaign_data.customers import CampaignCustomers, Finding, Window
from retention_models.campaign_effects.covariates import BY_OUTCOME, usable
from retention_models.campaign_effects.estimates import Asked, Estimates
from retention_models.campaign_effects.result import BALANCE
from retention_models.campaign_effects.rows import WINDOWS, row, table_of
from retention_models.campaign_settings import Outcome
from retention_models.campaigns.checks import (
    balance_table,
    require_enough_customers,
    sample_ratio,
)
from retention_models.campaigns.comparisons import Effect, RandomisedEffect
from retention_models.campaigns.randomised import randomised_effects
from retention_models.campaigns.redemption import effect_per_redeemer
from retention_models.errors import CannotSay

# Of all covariates together; their differences by lot are near normal.
BALANCE_LEVEL = 0.001
_OF_EFFECT = (
    "arm",
    "against",
    "customers",
    "customers_against",
    "mean",
    "mean_against",
    "absolute_effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
    "pvalue_holm",
    "lift_percent",
    "lift_low",
    "lift_high",
    "gain",
)
# In each arm. With 100 in each, only a lift of 67% would be found in a common shop.
FEWEST_FOR_A_VERDICT = 200


def randomised_estimates(data: CampaignCustomers, asked: Asked) -> Estimates:
    """Effects of a campaign whose customers were put in arms by lot.

    Parameters
    ----------
    data : CampaignCustomers
    asked : Asked

    Returns
    -------
    Estimates

    Raises
    ------
    CannotSay
        Where the arms do not have the planned customers, or too few for a verdict.
    """
    campaign, checks = data.campaign, []
    told = {one.check for one in data.findings}
    if "sample ratio" not in told:
        ratio = ratio_finding(data)
        if ratio.blocks and not ratio.passed:
            raise CannotSay(ratio.words)
        checks.append(ratio)
    data, small = without_small_arms(data)
    checks += small
    codes, labels = pd.factorize(data.table["arm"], sort=True)
    effects = _effects(data, asked, codes, checks)
    enough(data, effects.get((campaign.primary, "campaign")))
    balance, balanced = _balance(data)
    checks += [] if "balance" in told else [balanced]
    rows = [
        _row(outcome, window, effect, found.r_squared)
        for (outcome, window), found in effects.items()
        for effect in found.effects
    ]
    rows += _per_redeemer(data, asked, codes, checks)
    members = {str(label): codes == i for i, label in enumerate(labels)}
    return Estimates(table_of(rows), tuple(checks), members, balance)


def ratio_finding(data: CampaignCustomers) -> Finding:
    """Whether the arms have the customers that were planned; blocks where they do not."""
    name, campaign = "sample ratio", data.campaign
    counts = data.table["arm"].value_counts().to_dict()
    if not campaign.shares:
        words = (
            "The planned shares of the arms are not declared (shares), so whether customers were lost "
            "from one arm cannot be tested."
        )
        return Finding(name, passed=False, blocks=False, words=words)
    if set(counts) != set(campaign.shares):
        words = (
            f"Customers were found in the arms {_listed(counts)} and shares are declared for "
            f"{_listed(campaign.shares)}. No effect is given. Make the two the same."
        )
        return Finding(name, passed=False, blocks=True, words=words)
    found = sample_ratio({**counts}, {**campaign.shares})
    return Finding(name, passed=not found.blocked, blocks=True, words=found.reason)


def too_few(treated: int, control: int) -> str:
    """Why arms of that size carry no verdict."""
    return (
        f"With {treated:,} offered the campaign and {control:,} held out, its effect cannot be told: "
        f"with 100 of either, only a lift beyond 67% would be found in a common shop. It takes "
        f"{FEWEST_FOR_A_VERDICT} in each arm. Pool stores, or include more customers."
    )


def without_small_arms(
    data: CampaignCustomers,
) -> tuple[CampaignCustomers, list[Finding]]:
    """The campaign without arms that are too small by themselves, if another arm is large enough."""
    control, counts = data.campaign.control, data.table["arm"].value_counts()
    small, reasons = [], []
    for arm in sorted(counts.index.drop(control)):
        if min(counts[arm], counts[control]) < FEWEST_FOR_A_VERDICT:
            small.append(arm)
            reasons.append(too_few(int(counts[arm]), int(counts[control])))
    if not small:
        return data, []
    if len(small) == len(counts) - 1:
        raise CannotSay(reasons[0])
    kept = ~data.table["arm"].isin(small)
    found = [
        Finding(f"size of {arm}", passed=False, blocks=False, words=f"Of “{arm}”: {reason}")
        for arm, reason in zip(small, reasons, strict=True)
    ]
    return part_of(data, kept.to_numpy()), found


def part_of(data: CampaignCustomers, kept: np.ndarray) -> CampaignCustomers:
    """Some of the campaign's customers."""
    return CampaignCustomers(
        campaign=data.campaign,
        table=data.table.loc[kept],
        covariates=data.covariates.loc[kept],
        outcomes={window: frame.loc[kept] for window, frame in data.outcomes.items()},
        findings=data.findings,
        last_day=data.last_day,
    )


def enough(data: CampaignCustomers, found: RandomisedEffect | None) -> None:
    """Refuse a test that could find nothing but a miracle, judged by its primary outcome."""
    campaign = data.campaign
    if found is None:
        raise CannotSay(
            "The outcome that was declared to decide cannot be estimated; see the checks."
        )
    # Profit of those held out is a share of their spend: the lift that can be found is the same.
    outcome = "spend" if campaign.primary == "profit" else campaign.primary
    held_out = (data.table["arm"] == campaign.control).to_numpy()
    values = data.outcomes["campaign"][outcome].to_numpy(dtype=float)[held_out]
    largest = max(
        (e for e in found.effects if e.against == campaign.control), key=lambda e: e.customers
    )
    require_enough_customers(
        largest.customers,
        int(held_out.sum()),
        control_mean=float(values.mean()),
        standard_deviation=float(values.std(ddof=1)),
        r_squared=min(found.r_squared, 1.0 - 1e-9),
    )


def _effects(
    data: CampaignCustomers, asked: Asked, codes: np.ndarray, checks: list[Finding]
) -> dict[tuple[Outcome, Window], RandomisedEffect]:
    """Of each outcome and window, in one call."""
    columns = {
        f"{outcome}, {window}": (outcome, window)
        for outcome in asked.outcomes
        for window in WINDOWS
        if window in data.outcomes
    }
    outcomes = pd.DataFrame({name: data.outcomes[w][o] for name, (o, w) in columns.items()})
    names = {outcome: usable(data.covariates, BY_OUTCOME[outcome], codes) for outcome in asked.outcomes}
    used = [name for name in data.covariates if any(name in some for some in names.values())]
    effects = randomised_effects(
        outcomes,
        data.table["arm"].to_numpy(dtype=object),
        data.covariates[used] if used else None,
        control=data.campaign.control,
        adjusted_by={name: names[outcome] for name, (outcome, _) in columns.items()},
        interval=1.0 - asked.level,
    )
    found: dict[tuple[Outcome, Window], RandomisedEffect] = {}
    for name, key in columns.items():
        effect = effects[name]
        if isinstance(effect, CannotSay):
            checks.append(Finding(f"estimated: {name}", False, False, str(effect)))
        else:
            found[key] = effect
    return found


def _row(outcome: str, window: str, effect: Effect, r_squared: float) -> dict[str, Any]:
    return row(
        outcome=outcome,
        window=window,
        estimand="itt",
        r_squared=r_squared,
        **{name: getattr(effect, name) for name in _OF_EFFECT},
    )


def _per_redeemer(
    data: CampaignCustomers, asked: Asked, codes: np.ndarray, checks: list[Finding]
) -> list[dict[str, Any]]:
    """Secondary rows, of the campaign's days: the effect of the offer for each redeemer it made."""
    redeemed = (data.table["redemptions"] > 0).astype(float)
    if not redeemed.any():
        return []
    control, rows = data.campaign.control, []
    for arm in sorted(set(data.table["arm"]) - {control}):
        try:
            rows += [_redeemer_row(data, asked, codes, redeemed, arm, o) for o in asked.outcomes]
        except CannotSay as reason:
            checks.append(Finding(f"per redeemer of {arm}", True, False, str(reason)))
    return rows


def _redeemer_row(
    data: CampaignCustomers,
    asked: Asked,
    codes: np.ndarray,
    redeemed: pd.Series,
    arm: str,
    outcome: Outcome,
) -> dict[str, Any]:
    names = usable(data.covariates, BY_OUTCOME[outcome], codes)
    found = effect_per_redeemer(
        data.outcomes["campaign"][outcome],
        redeemed,
        data.table["arm"].to_numpy(dtype=object),
        data.covariates[names] if names else None,
        treated=arm,
        control=data.campaign.control,
        interval=1.0 - asked.level,
    )
    of_arm = (data.table["arm"] == arm).to_numpy()
    return row(
        outcome=outcome,
        window="campaign",
        arm=arm,
        against=data.campaign.control,
        estimand="per_redeemer",
        customers=int(redeemed.to_numpy()[of_arm].sum()),
        absolute_effect=found.per_redeemer,
        standard_error=found.standard_error,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        pvalue=found.pvalue,
        total=np.nan,
    )


def _balance(data: CampaignCustomers) -> tuple[pd.DataFrame, Finding]:
    """What was known before, by arm, and whether a lot explains how the arms differ in it."""
    varying = data.covariates.columns[(data.covariates != data.covariates.iloc[0]).any()]
    if varying.empty:
        words = "Nothing that differs between customers was known before the campaign."
        return pd.DataFrame(columns=list(BALANCE)), Finding("balance", True, False, words)
    table = balance_table(
        data.covariates[varying],
        data.table["arm"].to_numpy(dtype=object),
        control=data.campaign.control,
    ).rename(columns={"standardised_difference": "unweighted"})
    limit = float(ndtri(1.0 - BALANCE_LEVEL / (2.0 * len(table))))
    apart = table.loc[(table["unweighted"] / table["chance"]).abs() > limit]
    words = "The arms were alike before the campaign, but for chance."
    if not apart.empty:
        words = (
            f"The arms differed before the campaign in {_listed(apart['covariate'].unique())} by more "
            "than a lot explains: find out whether the lot was kept to."
        )
    finding = Finding("balance", apart.empty, False, words)
    return table.reindex(columns=list(BALANCE)), finding


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"“{name}”" for name in names)
