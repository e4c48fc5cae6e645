"""Customers chosen by a rule, or who chose for themselves: compared with those like them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from retention_models.campaigns.data.tables import CampaignCustomers, Check
from retention_models.campaigns.effects.customers import (
    NAMES,
    OF_CHOICE,
    comparable_part,
    for_choice,
    in_words,
    usable,
)
from retention_models.campaigns.effects.labels import arm_in_words
from retention_models.campaigns.effects.tables import (
    BALANCE,
    NAIVE,
    SENSITIVITY,
    WINDOWS,
    DesignEstimates,
    EffectRequest,
    estimated,
    primary_row,
    row,
    table_of,
    with_holm,
)
from retention_models.campaigns.estimators.checks import FEWEST_IN_ARM
from retention_models.campaigns.estimators.sensitivity import (
    e_value,
    hidden_bounds,
    ratio_of_difference,
)
from retention_models.campaigns.estimators.targeted import (
    Comparable,
    Estimand,
    TargetedEffect,
    comparable,
)
from retention_models.errors import CannotSay
from retention_models.languages import count, counted, decimals, marked, phrase, share, spoken
from retention_models.levels import z_of_level
from retention_models.settings.campaigns import Outcome

# Beyond, a covariate still differs between the sides (Austin & Stuart 2015); a comparison without more
# than this share of those treated is of other customers than those treated; and where the sides differ
# by half a standard deviation, it rests on the outcome's model alone, which nothing there can check
# (Rubin, Health Services & Outcomes Research Methodology 2, 2001).
MOST_DIFFERENCE, MOST_LEFT_OUT = 0.1, 0.2
UNLIKE = 0.5
_FEW = 0.005  # a share that a whole percent would make none
_EXPECTED = {"expected_purchases": "purchases", "expected_spend": "spend"}


def targeted_estimates(data: CampaignCustomers, asked: EffectRequest) -> DesignEstimates:
    """Effects of a campaign for customers chosen by a rule, on those who got it and on all."""
    data, known, checks = comparable_part(data)
    rows: list[dict[str, Any]] = []
    sides, members = [], {}
    arms = arms_with_campaign(data)
    for arm in arms:
        both = data.table["arm"].isin([arm, data.campaign.control]).to_numpy()
        treated, covariates = choice_of(data, arm, both)
        on_treated = alike(treated, covariates, "att")
        sides.append(_sides(on_treated, covariates, arm))
        checks += list(_findings(on_treated, arm_in_words(arm, several=len(arms) > 1)))
        chosen = np.zeros(known.size, dtype=bool)
        chosen[np.flatnonzero(known)[both][on_treated.used]] = on_treated.treated
        members[arm] = chosen
        rows += _rows(data, asked, arm, both, on_treated, checks)
        try:
            on_all = alike(treated, covariates, "ate")
        except CannotSay as reason:
            checks.append(Check(phrase("effect on all, {arm}", arm=arm), True, False, str(reason)))
        else:
            rows += _rows(data, asked, arm, both, on_all, checks)
    table = table_of(with_holm(rows))
    if table.empty:
        reasons = " ".join(one.words for one in checks)
        raise CannotSay("No outcome can be estimated. {reasons}", reasons=reasons)
    balance = pd.concat(sides, ignore_index=True).reindex(columns=list(BALANCE))
    naive = naive_differences(data, asked.outcomes)
    return DesignEstimates(table, tuple(checks), members, balance, naive)


def arms_with_campaign(data: CampaignCustomers) -> list[str]:
    """Arms besides control, those too small for a comparison refused."""
    counts, control = data.table["arm"].value_counts(), data.campaign.control
    arms = sorted(set(counts.index) - {control})
    for arm in arms:
        here, there = int(counts[arm]), int(counts.get(control, 0))
        if min(here, there) < FEWEST_IN_ARM:
            raise CannotSay(
                "With {n} of “{arm}” and {others} without the campaign, its effect cannot be told: it "
                "takes {fewest} of either. Pool stores, or include more customers.",
                n=counted(here, "customer"),
                arm=arm,
                others=count(there),
                fewest=count(FEWEST_IN_ARM),
            )
    return arms


def choice_of(
    data: CampaignCustomers, arm: str, both: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame]:
    """Who of an arm and control got the campaign, and what is known of both."""
    treated = (data.table["arm"].to_numpy(dtype=object) == arm)[both]
    known = data.covariates.loc[both]
    return treated, known[usable(known, OF_CHOICE, treated.astype(np.intp))]


def alike(treated: np.ndarray, covariates: pd.DataFrame, estimand: Estimand) -> Comparable:
    """Customers with overlap, weighted to be alike."""
    found = comparable(
        treated,
        covariates,
        estimand=estimand,
        propensity_covariates=for_choice(covariates, treated),
    )
    left = found.balance["weighted"].abs()
    if left.max() >= UNLIKE:
        raise CannotSay(
            "Those with and those without the campaign cannot be made alike: even with weights they "
            "differ in {names}, by up to {most} standard deviations. Keep a random part of those "
            "chosen without it.",
            names=in_words(left.index[left >= UNLIKE]),
            most=decimals(left.max(), 2),
        )
    return found


def naive_differences(data: CampaignCustomers, outcomes: tuple[Outcome, ...]) -> pd.DataFrame:
    """Plain differences of means, labelled as what they are."""
    words = phrase(
        "Misleading: those who got the campaign bought more before it already, so their difference "
        "from the others is not what the campaign did."
    )
    data, _, _ = comparable_part(data)
    control, rows = data.campaign.control, []
    arms = data.table["arm"].to_numpy(dtype=object)
    known = data.covariates.rename(columns=_EXPECTED)
    before = known[[name for name in _EXPECTED.values() if name in known]].groupby(arms).mean()
    for window in (w for w in WINDOWS if w in data.outcomes):
        means = data.outcomes[window].groupby(arms).mean()
        for outcome in outcomes:
            for arm in means.index.drop(control):
                here, there = means.loc[arm, outcome], means.loc[control, outcome]
                expected = np.nan
                if window == "campaign" and outcome in before:
                    expected = before.loc[arm, outcome] - before.loc[control, outcome]
                told = (here, there, here - there, expected, words)
                rows.append((outcome, window, arm, control, *told))
    return pd.DataFrame(rows, columns=list(NAIVE))


def _rows(
    data: CampaignCustomers,
    asked: EffectRequest,
    arm: str,
    both: np.ndarray,
    compared: Comparable,
    checks: list[Check],
) -> list[dict[str, Any]]:
    """Of all outcomes and windows."""
    rows = []
    for outcome in asked.outcomes:
        for window in (w for w in WINDOWS if w in data.outcomes):
            y = data.outcomes[window][outcome].to_numpy(dtype=float)[both]
            try:
                found = compared.effect(y)
            except CannotSay as reason:
                checks.append(Check(estimated(outcome, window), False, False, str(reason)))
                continue
            told = {"outcome": outcome, "window": window, "arm": arm}
            told["against"] = data.campaign.control
            numbers = _numbers(found, y[compared.used], compared.treated, asked.level)
            rows.append(row(**told, **numbers))
    return rows


def _numbers(
    found: TargetedEffect, y: np.ndarray, treated: np.ndarray, level: float
) -> dict[str, Any]:
    """A row without its names; of the effect on all there are no means, so no lift."""
    half = z_of_level(level) * found.standard_error
    of_treated = found.estimand == "att"
    mean = float(y[treated].mean()) if of_treated else np.nan
    lift = lift_on_treated(found, y, treated, level) if of_treated else (np.nan,) * 3
    return dict(
        estimand=found.estimand,
        customers=found.treated if of_treated else found.treated + found.control,
        customers_against=found.control,
        mean=mean,
        mean_against=mean - found.effect,
        absolute_effect=found.effect,
        standard_error=found.standard_error,
        conf_low=found.effect - half,
        conf_high=found.effect + half,
        pvalue=2.0 * float(ndtr(-abs(found.effect) / found.standard_error)),
        **dict(zip(("lift_percent", "lift_low", "lift_high"), lift, strict=True)),
    )


def lift_on_treated(
    found: TargetedEffect, y: np.ndarray, treated: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Mean of those treated over what it would have been, less 1, in percent, with its interval.

    lift, low, high: NaN where a mean is not positive. With m the mean of those treated and c = m −
    effect, log m − log c has the influence ψ_m ÷ m − (ψ_m − ψ) ÷ c.
    Shapes: y, treated (used customers,).
    """
    mean = float(y[treated].mean())
    without = mean - found.effect
    if not (mean > 0.0 and without > 0.0):
        return (np.nan,) * 3
    of_mean = treated * (y - mean) / treated.mean()
    influence = of_mean / mean - (of_mean - found.influence) / without
    half = float(z_of_level(level) * np.sqrt((influence**2).mean() / y.size))
    ends = mean / without * np.exp(np.array([0.0, -half, half]))
    return tuple((100.0 * (ends - 1.0)).tolist())


def _sides(compared: Comparable, covariates: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Balance before and after weighting, with the means of either side as they are."""
    known, z = covariates.loc[compared.used], compared.treated
    return compared.balance.reset_index().assign(
        arm=arm,
        mean=known.loc[z].mean().to_numpy(),
        mean_control=known.loc[~z].mean().to_numpy(),
    )


def _findings(compared: Comparable, arm: str) -> Iterator[Check]:
    """Overlap, and balance after weighting."""
    left_out = compared.trimmed_share
    size = counted(round(compared.effective_controls), "customer")
    if left_out:
        words = phrase(
            "{share} of the customers of {arm} have hardly anyone like them without the campaign and "
            "are left out; those without are worth {size} in the comparison.",
            share=share(left_out, 0 if left_out >= _FEW else 1),
            arm=arm,
            size=size,
        )
    else:
        words = phrase(
            "All customers of {arm} have others like them without the campaign; those without are "
            "worth {size} in the comparison.",
            arm=arm,
            size=size,
        )
    yield Check("overlap", left_out <= MOST_LEFT_OUT, False, words)
    worst = compared.balance["weighted"].abs()
    most = decimals(worst.max(), 2)
    words = phrase(
        "With those without the campaign weighted to be like those of {arm}, what was known before "
        "differs by at most {most} standard deviations.",
        arm=arm,
        most=most,
    )
    if worst.max() > MOST_DIFFERENCE:
        names = in_words(worst.index[worst > MOST_DIFFERENCE])
        words = phrase(
            "Even with weights, those of {arm} and those without differ in {names}, by up to {most} "
            "standard deviations.",
            arm=arm,
            names=names,
            most=most,
        )
    yield Check("balance", bool(worst.max() <= MOST_DIFFERENCE), False, words)


# Measures of what a hidden cause could do.
BOUND, EXPLAINED = marked("bound"), marked("explained away")
E_VALUE, E_VALUE_OF_INTERVAL = marked("e-value"), marked("e-value of the interval")
_RATIOS = ("purchases", "bought")


def self_selected_estimates(data: CampaignCustomers, asked: EffectRequest) -> DesignEstimates:
    """Effects among customers who joined by themselves; no profit, and never without sensitivity."""
    outcomes = tuple(outcome for outcome in asked.outcomes if outcome != "profit")
    if not outcomes or data.campaign.primary == "profit":
        raise CannotSay(
            "Customers chose for themselves to join, and those who join are those who would have "
            "bought more. Whether that paid cannot be said from who joined. No profit is given. "
            "Offer it to customers drawn by lot the next time."
        )
    found = targeted_estimates(data, EffectRequest(outcomes, asked.level))
    rows: list[dict[str, Any]] = []
    checks = list(found.checks)
    data, _, _ = comparable_part(data)
    for arm in arms_with_campaign(data):
        for outcome in outcomes:
            try:
                rows += _sensitivity(data, found.table, arm, outcome)
            except CannotSay as reason:
                name = phrase("sensitivity of {outcome}", outcome=phrase(NAMES[outcome]))
                checks.append(Check(name, False, False, str(reason)))
    return DesignEstimates(
        table=found.table,
        checks=tuple(checks),
        members=found.members,
        balance=found.balance,
        naive=found.naive,
        sensitivity=pd.DataFrame(rows, columns=list(SENSITIVITY)),
    )


def _sensitivity(
    data: CampaignCustomers, table: pd.DataFrame, arm: str, outcome: Outcome
) -> list[dict[str, Any]]:
    """Of one outcome in the campaign's days."""
    estimate = primary_row(table, outcome, "campaign", data.campaign.control, arm)
    if estimate is None:
        return []
    both = data.table["arm"].isin([arm, data.campaign.control]).to_numpy()
    treated, covariates = choice_of(data, arm, both)
    y = data.outcomes["campaign"][outcome].to_numpy(dtype=float)[both]
    bounds = hidden_bounds(
        y, treated, covariates, propensity_covariates=for_choice(covariates, treated)
    )
    names = {"outcome": outcome, "window": "campaign", "arm": arm}
    rows: list[dict[str, Any]] = [names | one for one in _e_values(estimate, y)]
    for strength, ends in bounds.table.iterrows():
        words = phrase(
            "Where something unknown makes the odds of joining up to {strength} times as high for some "
            "customers as for others like them.",
            strength=spoken().figures(f"{strength:g}"),
        )
        if strength == 1.0:
            words = phrase("Without anything unknown.")
        low, high = float(ends["att_low"]), float(ends["att_high"])
        rows.append(
            names
            | {"measure": BOUND, "strength": strength, "effect_low": low, "effect_high": high}
            | {"conf_low": ends["conf_low"], "conf_high": ends["conf_high"], "words": words}
        )
    return [*rows, names | _explained(bounds.explained_at)]


def _explained(strength: float) -> dict[str, Any]:
    """How strong the unknown must be to leave nothing of the effect."""
    if strength == 1.0:
        words = phrase("Chance alone explains the difference, without anything unknown.")
    elif np.isinf(strength):
        words = phrase(
            "Even what makes the odds of joining 20 times as high does not explain the difference."
        )
    else:
        words = phrase(
            "Something unknown that makes the odds of joining {strength} times as high for some "
            "customers as for others like them explains all of the difference.",
            strength=decimals(strength, 2),
        )
    return {"measure": EXPLAINED, "strength": strength, "words": words}


def _e_values(estimate: pd.Series, y: np.ndarray) -> list[dict[str, Any]]:
    """Of the ratio, and of the end of its interval that is nearer to none."""
    if estimate["outcome"] in _RATIOS:
        lifts = estimate[["lift_percent", "lift_low", "lift_high"]].to_numpy(dtype=float)
        ratios = tuple((1.0 + lifts / 100.0).tolist())
    else:
        ratios = ratio_of_difference(
            estimate["absolute_effect"], estimate["standard_error"], float(y.std(ddof=1))
        )
    if not np.isfinite(ratios).all():
        return []
    found = e_value(*ratios)
    return [
        {
            "measure": E_VALUE,
            "strength": found.estimate,
            "words": phrase(
                "Something unknown would have to make both joining and buying so many times as likely "
                "to explain the difference away."
            ),
        },
        {
            "measure": E_VALUE_OF_INTERVAL,
            "strength": found.interval,
            "words": phrase(
                "Something unknown would have to make both joining and buying so many times as likely "
                "to explain away that there is any difference beyond chance."
            ),
        },
    ]
