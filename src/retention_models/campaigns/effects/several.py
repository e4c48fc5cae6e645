"""A randomised campaign by store, and many campaigns at once: adjusted p-values, pooled effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import OUTCOMES, CampaignCustomers
from retention_models.campaigns.effects.customers import (
    BY_OUTCOME,
    CONTROL,
    RandomisedArms,
    arms_by_lot,
    part_of,
)
from retention_models.campaigns.effects.labels import kind_in_words
from retention_models.campaigns.effects.refusals import (
    FEWEST_FOR_A_VERDICT,
    refuse_few,
    refuse_too_little,
    require_outcome,
    too_few,
)
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.tables import arms_of, primary_row
from retention_models.campaigns.effects.verdicts import level_now
from retention_models.campaigns.estimators.multiplicity import (
    benjamini_hochberg,
    pooled_effect,
)
from retention_models.campaigns.estimators.randomised import (
    RandomisedEffect,
    randomised_effect,
)
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, phrase
from retention_models.levels import z_of_level
from retention_models.settings.campaigns import Outcome

COLUMNS = (
    "arm",
    "against",
    "store_id",
    "customers",
    "customers_against",
    "absolute_effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
    "pvalue_adjusted",
    "lift_percent",
    "tau",
    "i_squared",
    "refusal",
)
POOLED = "all stores"
# Fewer customers in an arm give no standard error to pool by.
FEWEST_TO_POOL = 30


def campaign_effect_by_store(
    data: CampaignCustomers, outcome: Outcome | None = None, *, interval: float = 0.95
) -> pd.DataFrame:
    """Effect of a randomised campaign in each store, and over stores.

    Parameters
    ----------
    data : CampaignCustomers
        Randomised.
    outcome : str, optional
        The campaign's primary outcome where not given; of the campaign's days.
    interval : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row an arm against control and store: store_id, customers, customers_against,
        absolute_effect, standard_error, conf_low, conf_high, pvalue, pvalue_adjusted (Benjamini &
        Hochberg, over all stores and arms with a verdict of their own), lift_percent; where a store is
        too small for that these are missing, refusal says why, and it counts in the pooled row only.
        The row "all stores" is the random-effects mean over stores by Hartung and Knapp, with tau, the
        standard deviation of true effects between stores, and i_squared.

    Raises
    ------
    SettingsError
        Where the campaign is not randomised, or the outcome or the interval is not as described.
    CannotSay
        Before the campaign's end, or where a check forbids an effect.

    Examples
    --------
    >>> from retention_models.settings.campaigns import Campaign
    >>> import datetime as dt
    >>> import numpy as np
    >>> rng = np.random.default_rng(2)
    >>> ids = pd.Index([f"{i:04d}" for i in range(6000)], name="customer_id")
    >>> table = pd.DataFrame(
    ...     {"arm": rng.permutation(["control", "coupon"] * 3000), "redemptions": 0,
    ...      "store_id": rng.choice(["17", "18", "19"], 6000, p=[0.5, 0.4, 0.1])}, index=ids)
    >>> bought = rng.poisson(np.where(table["arm"] == "coupon", 1.3, 1.0)).astype(float)
    >>> data = CampaignCustomers(
    ...     campaign=Campaign(
    ...         id="spring", name="Spring coupon", kind="coupon", design="randomised",
    ...         start=dt.date(2017, 3, 3), end=dt.date(2017, 4, 9)),
    ...     table=table, covariates=pd.DataFrame(index=ids),
    ...     outcomes={"campaign": pd.DataFrame({"purchases": bought}, index=ids)},
    ...     findings=(), last_day=dt.date(2017, 4, 30))
    >>> found = campaign_effect_by_store(data).set_index("store_id")
    >>> found["pvalue_adjusted"].lt(0.05).to_dict()
    {'17': True, '18': True, '19': True, 'all stores': False}
    """
    chosen = outcome or data.campaign.primary
    if data.campaign.design != "randomised":
        raise SettingsError(
            f"data is of a campaign of the design {data.campaign.design!r}; expected a randomised one."
        )
    require_outcome(chosen, BY_OUTCOME, interval)
    _refuse_blocked(data)
    level = level_now(data.campaign, data.last_day, 1.0 - interval)
    of_outcome = replace(data, campaign=data.campaign.model_copy(update={"primary": chosen}))
    rows = [
        row
        for store in sorted(data.table["store_id"].dropna().unique())
        for row in _of_store(of_outcome, store, chosen, level)
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "pooled_effect", "pooled_error"])
    said = table["refusal"] == ""
    if said.any():
        table.loc[said, "pvalue_adjusted"] = benjamini_hochberg(table.loc[said, "pvalue"])
    pooled = [_pooled(part, arm, data, level) for arm, part in table.groupby("arm", sort=True)]
    rows = [*table[list(COLUMNS)].to_dict("records"), *pooled]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _refuse_blocked(data: CampaignCustomers) -> None:
    """CannotSay where the data contradict the design."""
    blocking = [one.words for one in data.findings if one.blocks and not one.passed]
    if blocking:
        raise CannotSay(" ".join(blocking))


def _of_store(
    data: CampaignCustomers, store: str, outcome: Outcome, level: float
) -> list[dict[str, Any]]:
    """Each arm against control in one store."""
    control = data.campaign.control
    here = part_of(data, (data.table["store_id"] == store).to_numpy())
    counts = here.table["arm"].value_counts()
    rows = []
    for arm in sorted(set(data.table["arm"].unique()) - {control}):
        sizes = int(counts.get(arm, 0)), int(counts.get(control, 0))
        row: dict[str, Any] = {"arm": arm, "against": control, "store_id": store}
        row |= dict(zip(("customers", "customers_against"), sizes, strict=True))
        if min(sizes) < FEWEST_TO_POOL:
            rows.append(row | {"refusal": too_few(*sizes)})
            continue
        rows.append(row | _estimated(here, arm, sizes, outcome, level))
    return rows


def _estimated(
    here: CampaignCustomers, arm: str, sizes: tuple[int, int], outcome: Outcome, level: float
) -> dict[str, Any]:
    """One arm's numbers: all of them, or those to pool by and why there are no more."""
    control = here.campaign.control
    two = part_of(here, here.table["arm"].isin([arm, control]).to_numpy())
    lot = arms_by_lot(two, (outcome,))
    try:
        found = _regression(two, lot, outcome, level)
    except CannotSay as reason:
        return {"refusal": str(reason)}
    effect = found.of(1)
    to_pool = {"pooled_effect": effect.absolute_effect, "pooled_error": effect.standard_error}
    try:
        if min(sizes) < FEWEST_FOR_A_VERDICT:
            raise CannotSay(too_few(*sizes))
        refuse_few(outcome, two.outcomes["campaign"][outcome].to_numpy(dtype=float), lot)
        refuse_too_little(two, [effect], found.r_squared)
    except CannotSay as reason:
        return to_pool | {"refusal": str(reason)}
    names = ("absolute_effect", "standard_error", "conf_low", "conf_high", "pvalue", "lift_percent")
    return to_pool | {"refusal": ""} | {name: getattr(effect, name) for name in names}


def _regression(
    two: CampaignCustomers, lot: RandomisedArms, outcome: Outcome, level: float
) -> RandomisedEffect:
    """Of one arm and control in one store."""
    names = lot.names[outcome]
    return randomised_effect(
        two.outcomes["campaign"][outcome].to_numpy(dtype=float),
        lot.codes,
        two.covariates[names].to_numpy(dtype=float) if names else None,
        control=CONTROL,
        interval=1.0 - level,
    )


def _pooled(table: pd.DataFrame, arm: Any, data: CampaignCustomers, level: float) -> dict[str, Any]:
    """The row of all stores."""
    row: dict[str, Any] = {"arm": arm, "against": data.campaign.control, "store_id": POOLED}
    row |= {name: int(table[name].sum()) for name in ("customers", "customers_against")}
    known = table.dropna(subset=["pooled_effect"])
    try:
        found = pooled_effect(
            known["pooled_effect"].to_numpy(dtype=float),
            known["pooled_error"].to_numpy(dtype=float),
            interval=1.0 - level,
        )
    except CannotSay as reason:
        return row | {"refusal": str(reason)}
    row |= {"absolute_effect": found.effect, "tau": found.tau, "i_squared": found.i_squared}
    names = ("standard_error", "conf_low", "conf_high", "pvalue")
    return row | {name: getattr(found, name) for name in names} | {"refusal": ""}


POOLED_COLUMNS = (
    "kind",
    "design",
    "campaign_id",
    "arm",
    "outcome",
    "grade",
    "absolute_effect",
    "conf_low",
    "conf_high",
    "pvalue",
    "pvalue_adjusted",
    "lift_percent",
    "lift_low",
    "lift_high",
    "campaigns",
    "tau",
    "i_squared",
    "words",
)
ALL_CAMPAIGNS = "all campaigns"


def pooled_campaigns(
    effects: Sequence[CampaignEffect],
    outcome: Outcome | None = None,
    *,
    interval: float = 0.95,
) -> pd.DataFrame:
    """All campaigns in one table, and a mean over those of one kind and design.

    Parameters
    ----------
    effects : sequence of CampaignEffect
        Refused ones are left out and counted in words.
    outcome : str, optional
        The same for all; each campaign's primary outcome where not given, and only those of the same
        outcome are pooled.
    interval : float
        Level of the pooled intervals.

    Returns
    -------
    DataFrame
        One row a campaign and arm against control, in its days: kind, design, campaign_id, arm,
        outcome, grade, absolute_effect a customer with conf_low, conf_high and pvalue, pvalue_adjusted
        (Benjamini & Hochberg, over all these rows), lift_percent with its ends. Then one row "all
        campaigns" for each kind, design and outcome: the random-effects mean by Hartung and Knapp with
        tau and i_squared, campaigns (how many are in it), and words on what was left out and why
        nothing was pooled.

    Raises
    ------
    SettingsError
        Where there are no effects, or the outcome or the interval is not as described.

    Notes
    -----
    Campaigns of unlike length are pooled by lift: on the logarithm of 1 + lift, whose standard error is
    its interval's width ÷ 2z, z being the normal quantile of the effect's level (for stores, whose
    intervals are by t, that errs to the wide side). lift_percent, lift_low and lift_high are of that
    mean, tau on its scale, and absolute_effect is missing. Profit, of which there is no lift, is pooled
    as money a customer. Arms of one campaign share its control: their mean enters, with the largest
    standard error among them.

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
    >>> orders = shop.orders(spring.end, campaign=spring, assignments=arms, lift={"coupon": 0.5})
    >>> effect = rm.campaign_effect(shop.log(orders, until=spring.end), spring, arms)
    >>> pooled_campaigns([effect])["campaign_id"].tolist()
    ['spring', 'all campaigns']
    """
    if not effects or outcome not in (None, *OUTCOMES) or not 0.5 <= interval < 1.0:
        raise SettingsError(
            f"{len(effects)} effects, outcome {outcome!r}, interval {interval}; expected one or more, "
            f"one of {', '.join(OUTCOMES)}, and from 0.5 to below 1."
        )
    rows = [row for effect in effects for row in _rows(effect, outcome)]
    table = pd.DataFrame(rows, columns=[*POOLED_COLUMNS, "place", "estimate", "error"])
    if len(table):
        table["pvalue_adjusted"] = benjamini_hochberg(table["pvalue"])
    groups: dict[tuple[str, str, str], list[CampaignEffect]] = {}
    for effect in effects:
        campaign = effect.campaign
        key = (campaign.kind, campaign.design, outcome or campaign.primary)
        groups.setdefault(key, []).append(effect)
    pooled = [_pooled_outcome(key, table, members, interval) for key, members in groups.items()]
    single = table[list(POOLED_COLUMNS)].to_dict("records")
    return pd.DataFrame([*single, *pooled], columns=list(POOLED_COLUMNS))


def _rows(effect: CampaignEffect, outcome: Outcome | None) -> list[dict[str, Any]]:
    """Each arm against control."""
    campaign, rows = effect.campaign, []
    of = outcome or campaign.primary
    for arm in arms_of(effect.table, campaign.control) if effect.grade else []:
        found = primary_row(effect.table, of, "campaign", campaign.control, arm)
        if found is None:
            continue
        row: dict[str, Any] = {"campaign_id": campaign.id, "arm": arm, "outcome": of}
        row |= {"kind": campaign.kind, "design": campaign.design, "grade": effect.grade}
        names = ("absolute_effect", "conf_low", "conf_high", "pvalue")
        row |= {name: float(found[name]) for name in (*names, *_LIFT)}
        rows.append(
            row | _to_pool(row, float(found["standard_error"]), effect.level) | {"words": ""}
        )
    return rows


_LIFT = ("lift_percent", "lift_low", "lift_high")


def _to_pool(row: dict[str, Any], error: float, level: float) -> dict[str, Any]:
    """Estimate and standard error on the scale of pooling; missing where there is no lift."""
    if row["outcome"] == "profit":
        return {"estimate": row["absolute_effect"], "error": error}
    value, low, high = (np.log1p(row[name] / 100.0) for name in _LIFT)
    return {"estimate": value, "error": (high - low) / (2.0 * z_of_level(level))}


def _pooled_outcome(
    key: tuple[str, str, str], table: pd.DataFrame, members: list[CampaignEffect], interval: float
) -> dict[str, Any]:
    """The row of one kind, design and outcome."""
    kind, design, outcome = key
    row: dict[str, Any] = {"kind": kind, "design": design, "outcome": outcome}
    row |= {"campaign_id": ALL_CAMPAIGNS, "arm": "", "grade": None}
    ids = [effect.campaign.id for effect in members]
    mine = table["campaign_id"].isin(ids) & (table["outcome"] == outcome)
    known = table.loc[mine & (table["kind"] == kind) & (table["design"] == design)]
    each = known.dropna(subset=["estimate", "error"]).groupby("campaign_id", sort=False)
    estimates, errors = each["estimate"].mean(), each["error"].max()
    refused = sum(effect.grade is None for effect in members)
    told = {"n": count(len(estimates)), "all": count(len(members))}
    told["kind"] = kind_in_words(kind)
    words = phrase("{n} of {all} campaigns of the kind “{kind}”.", **told)
    if refused:
        words = phrase(
            "{n} of {all} campaigns of the kind “{kind}”; {refused} were refused and are left out.",
            **told,
            refused=count(refused),
        )
    row |= {"campaigns": len(estimates), "words": words}
    try:
        found = pooled_effect(estimates.to_numpy(), errors.to_numpy(), interval=interval)
    except CannotSay as reason:
        return row | {"words": f"{words} {reason}"}
    row |= {"pvalue": found.pvalue, "tau": found.tau, "i_squared": found.i_squared}
    ends = (found.effect, found.conf_low, found.conf_high)
    if outcome == "profit":
        return row | dict(zip(("absolute_effect", "conf_low", "conf_high"), ends, strict=True))
    return row | dict(zip(_LIFT, (100.0 * np.expm1(end) for end in ends), strict=True))
