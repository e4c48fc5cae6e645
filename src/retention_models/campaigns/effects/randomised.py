"""Customers put in arms by lot: each arm against control and against each other, and day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from retention_models.campaigns.data.tables import CampaignCustomers, Check, Window
from retention_models.campaigns.effects.customers import (
    CONTROL,
    RandomisedArms,
    arms_by_lot,
    in_words,
)
from retention_models.campaigns.effects.refusals import (
    ratio_check,
    refuse_few,
    refuse_too_little,
    without_small_arms,
)
from retention_models.campaigns.effects.tables import (
    BALANCE,
    CUMULATIVE,
    DesignEstimates,
    EffectRequest,
    empty,
    estimated,
    row,
    table_of,
)
from retention_models.campaigns.estimators.checks import balance_table
from retention_models.campaigns.estimators.randomised import (
    RandomisedEffect,
    randomised_effects,
)
from retention_models.campaigns.estimators.redemption import effects_per_redeemer
from retention_models.campaigns.estimators.regression import ArmLabel
from retention_models.errors import CannotSay
from retention_models.languages import phrase
from retention_models.levels import t_of_level
from retention_models.settings.campaigns import Outcome


def cumulative_differences(
    by_day: pd.DataFrame, control: str, arms: Sequence[str], level: float
) -> pd.DataFrame:
    """Difference in purchases a customer until each day, of each arm against control.

    Not adjusted for covariates: means, with s² = (Σ N² − (Σ N)² ÷ n) ÷ (n − 1) in each arm and Welch's
    degrees of freedom. The adjusted effect, in the table, has a narrower interval.

    >>> sums = pd.DataFrame({"arm": ["control", "coupon"], "day": [1, 1], "purchases": [2.0, 3.0],
    ...                      "squares": [2.0, 5.0], "customers": [4, 4]})
    >>> cumulative_differences(sums, "control", ["coupon"], 0.05).round(3).to_numpy().tolist()
    [['coupon', 1, 0.25, -1.193, 1.693]]
    """
    tables = []
    of_control = by_day.loc[by_day["arm"] == control]
    mean_control, part_control = _means(of_control)
    freedom_control = of_control["customers"].to_numpy() - 1.0
    for arm in arms:
        mine = by_day.loc[by_day["arm"] == arm]
        mean, part = _means(mine)
        variance = part + part_control
        varies = variance > 0.0
        rest = part**2 / (mine["customers"].to_numpy() - 1.0) + part_control**2 / freedom_control
        freedom = np.divide(variance**2, rest, out=np.full(mean.size, np.nan), where=varies)
        half = t_of_level(freedom, level) * np.sqrt(variance)
        columns = (mean - mean_control, mean - mean_control - half, mean - mean_control + half)
        told = dict(zip(CUMULATIVE, (arm, mine["day"].to_numpy(), *columns), strict=True))
        tables.append(pd.DataFrame(told))
    return pd.concat(tables, ignore_index=True)


def _means(sums: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each day, and its variance."""
    n, total, squares = (
        sums[name].to_numpy(dtype=float) for name in ("customers", "purchases", "squares")
    )
    return total / n, (squares - total**2 / n) / (n - 1.0) / n


# Of all covariates together; their differences by lot are near normal.
BALANCE_LEVEL = 0.001
_OF_EFFECT = (
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
Found = dict[tuple[Outcome, Window], RandomisedEffect]


def randomised_estimates(data: CampaignCustomers, asked: EffectRequest) -> DesignEstimates:
    """Effects of a campaign whose customers were put in arms by lot."""
    told = {one.check for one in data.findings}
    checks: list[Check] = []
    if "sample ratio" not in told:
        checks.append(ratio_check(data))
        if checks[0].blocks and not checks[0].passed:
            raise CannotSay(checks[0].words)
    everyone, by_day = data.table["arm"], data.by_day
    data, small = without_small_arms(data)
    checks += small
    lot = arms_by_lot(data, asked.outcomes)
    found = _effects(data, asked, lot, checks)
    primary = found.get((data.campaign.primary, "campaign"))
    if primary is None:
        name = estimated(data.campaign.primary, "campaign")
        raise CannotSay(next(one.words for one in checks if one.check == name))
    against_control = [effect for effect in primary.effects if effect.against == CONTROL]
    refuse_too_little(data, against_control, primary.r_squared)
    balance, balanced = _balance(data, lot)
    checks += [] if "balance" in told else [balanced]
    rows = [*_rows(found, lot), *_per_redeemer(data, asked, lot, checks)]
    members = {label: (everyone == label).to_numpy() for label in lot.labels}
    cumulative = empty(CUMULATIVE)
    if by_day is not None and ("purchases", "campaign") in found:
        control, *arms = lot.labels
        cumulative = cumulative_differences(by_day, control, arms, asked.level)
    return DesignEstimates(table_of(rows), tuple(checks), members, balance, cumulative=cumulative)


def _effects(
    data: CampaignCustomers, asked: EffectRequest, lot: RandomisedArms, checks: list[Check]
) -> Found:
    """Of each outcome and window, in one call; what cannot be estimated stands among the checks."""
    columns = {
        f"{outcome}, {window}": (outcome, window)
        for outcome in asked.outcomes
        for window in data.outcomes
    }
    used = [name for name in data.covariates if any(name in some for some in lot.names.values())]
    effects = randomised_effects(
        pd.DataFrame({name: data.outcomes[w][o].to_numpy() for name, (o, w) in columns.items()}),
        lot.codes,
        data.covariates[used].set_axis(range(len(lot.codes))) if used else None,
        control=CONTROL,
        adjusted_by={name: lot.names[outcome] for name, (outcome, _) in columns.items()},
        interval=1.0 - asked.level,
    )
    found: Found = {}
    for name, key in columns.items():
        effect = _unless_few(effects[name], key, data, lot)
        if isinstance(effect, CannotSay):
            words = _with_labels(effect, lot)
            checks.append(Check(estimated(*key), False, False, words))
        else:
            found[key] = effect
    return found


def _unless_few(
    effect: RandomisedEffect | CannotSay,
    key: tuple[Outcome, Window],
    data: CampaignCustomers,
    lot: RandomisedArms,
) -> RandomisedEffect | CannotSay:
    """The effect, or why few customers decide it."""
    if isinstance(effect, CannotSay):
        return effect
    outcome, window = key
    try:
        refuse_few(outcome, data.outcomes[window][outcome].to_numpy(dtype=float), lot)
    except CannotSay as reason:
        return reason
    return effect


def _with_labels(reason: CannotSay, lot: RandomisedArms) -> str:
    """A reason that names arms, by their names."""
    names = {
        place: phrase("“{name}”", name=lot.labels[int(str(arm.label))])
        for place, arm in reason.places.items()
        if isinstance(arm, ArmLabel)
    }
    return str(reason.with_places(**names))


def _rows(found: Found, lot: RandomisedArms) -> Iterator[dict[str, Any]]:
    """One row a comparison."""
    for (outcome, window), effects in found.items():
        for effect in effects.effects:
            yield row(
                outcome=outcome,
                window=window,
                arm=lot.labels[int(str(effect.arm))],
                against=lot.labels[int(str(effect.against))],
                estimand="itt",
                r_squared=effects.r_squared,
                **{name: getattr(effect, name) for name in _OF_EFFECT},
            )


def _per_redeemer(
    data: CampaignCustomers, asked: EffectRequest, lot: RandomisedArms, checks: list[Check]
) -> Iterator[dict[str, Any]]:
    """Secondary rows, of the campaign's days: the effect of the offer for each redeemer it made."""
    redeemed = (data.table["redemptions"] > 0).to_numpy(dtype=float)
    if not redeemed.any():
        return
    sharing: dict[tuple[str, ...], list[Outcome]] = defaultdict(list)
    for outcome in asked.outcomes:
        sharing[tuple(lot.names[outcome])].append(outcome)
    for i, arm in enumerate(lot.labels[1:], start=1):
        for names, outcomes in sharing.items():
            try:
                effects = effects_per_redeemer(
                    data.outcomes["campaign"][outcomes].to_numpy(dtype=float),
                    redeemed,
                    lot.codes,
                    data.covariates[list(names)].to_numpy(dtype=float) if names else None,
                    treated=i,
                    control=CONTROL,
                    interval=1.0 - asked.level,
                )
            except CannotSay as reason:
                name = phrase("estimated: per redeemer of {arm}", arm=arm)
                checks.append(Check(name, False, False, _with_labels(reason, lot)))
                break
            redeemers = int(redeemed[lot.codes == i].sum())
            for outcome, effect in zip(outcomes, effects, strict=True):
                yield row(
                    outcome=outcome,
                    window="campaign",
                    arm=arm,
                    against=lot.labels[CONTROL],
                    estimand="per_redeemer",
                    customers=redeemers,
                    absolute_effect=effect.per_redeemer,
                    standard_error=effect.standard_error,
                    conf_low=effect.conf_low,
                    conf_high=effect.conf_high,
                    pvalue=effect.pvalue,
                    total=np.nan,
                )


def _balance(data: CampaignCustomers, lot: RandomisedArms) -> tuple[pd.DataFrame, Check]:
    """What was known before, by arm, and whether a lot explains how the arms differ in it."""
    values = data.covariates.to_numpy(dtype=float)
    varying = data.covariates.columns[(values != values[0]).any(axis=0)]
    if varying.empty:
        words = phrase("Nothing that differs between customers was known before the campaign.")
        return empty(BALANCE), Check("balance", True, False, words)
    table = balance_table(
        data.covariates[varying].set_axis(range(len(lot.codes))), lot.codes, control=CONTROL
    ).rename(columns={"standardised_difference": "unweighted"})
    table["arm"] = [lot.labels[int(code)] for code in table["arm"]]
    limit = float(ndtri(1.0 - BALANCE_LEVEL / (2.0 * len(table))))
    apart = table.loc[(table["unweighted"] / table["chance"]).abs() > limit]
    words = phrase("The arms were alike before the campaign, but for chance.")
    if not apart.empty:
        names = in_words(apart["covariate"].unique())
        words = phrase(
            "The arms differed before the campaign in {names} by more than a lot explains: find out "
            "whether the lot was kept to.",
            names=names,
        )
    return table.reindex(columns=list(BALANCE)), Check("balance", apart.empty, False, words)
