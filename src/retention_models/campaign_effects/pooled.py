"""Many campaigns: p-values that allow for their number, and those of a like kind pooled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from retention_models.campaign_data.customers import OUTCOMES
from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_effects.rows import arms_of, primary_row
from retention_models.campaign_settings import Outcome
from retention_models.campaigns.pooling import benjamini_hochberg, pooled_effect
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, phrase

COLUMNS = (
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
POOLED = "all campaigns"


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
    """
    if not effects or outcome not in (None, *OUTCOMES) or not 0.5 <= interval < 1.0:
        raise SettingsError(
            f"{len(effects)} effects, outcome {outcome!r}, interval {interval}; expected one or more, "
            f"one of {', '.join(OUTCOMES)}, and from 0.5 to below 1."
        )
    rows = [row for effect in effects for row in _rows(effect, outcome)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "place", "estimate", "error"])
    if len(table):
        table["pvalue_adjusted"] = benjamini_hochberg(table["pvalue"])
    groups: dict[tuple[str, str, str], list[CampaignEffect]] = {}
    for effect in effects:
        campaign = effect.campaign
        key = (campaign.kind, campaign.design, outcome or campaign.primary)
        groups.setdefault(key, []).append(effect)
    pooled = [_pooled(key, table, members, interval) for key, members in groups.items()]
    return pd.DataFrame([*table[list(COLUMNS)].to_dict("records"), *pooled], columns=list(COLUMNS))


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
    return {"estimate": value, "error": (high - low) / (2.0 * float(ndtri(1.0 - level / 2.0)))}


def _pooled(
    key: tuple[str, str, str], table: pd.DataFrame, members: list[CampaignEffect], interval: float
) -> dict[str, Any]:
    """The row of one kind, design and outcome."""
    kind, design, outcome = key
    row: dict[str, Any] = {"kind": kind, "design": design, "outcome": outcome}
    row |= {"campaign_id": POOLED, "arm": "", "grade": None}
    ids = [effect.campaign.id for effect in members]
    mine = table["campaign_id"].isin(ids) & (table["outcome"] == outcome)
    known = table.loc[mine & (table["kind"] == kind) & (table["design"] == design)]
    each = known.dropna(subset=["estimate", "error"]).groupby("campaign_id", sort=False)
    estimates, errors = each["estimate"].mean(), each["error"].max()
    refused = sum(effect.grade is None for effect in members)
    told = {"n": count(len(estimates)), "all": count(len(members)), "kind": kind}
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
