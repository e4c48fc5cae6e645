"""A chain's campaigns side by side, in one table."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.refusals import not_over
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.tables import arms_of, primary_row
from retention_models.campaigns.estimators.multiplicity import benjamini_hochberg
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, DataError
from retention_models.project.campaign import (
    ProjectCampaign,
    newest_campaigns,
    project_offers,
)
from retention_models.project.days import at_hand, last_day, log_until
from retention_models.settings.campaigns import Campaign
from retention_models.settings.project import Settings
from retention_models.summaries.customers import Day

OverviewRow = dict[str, object]

logger = logging.getLogger(__name__)

OVERVIEW = (
    "campaign_id",
    "name",
    "kind",
    "design",
    "start",
    "end",
    "arm",
    "customers",
    "customers_against",
    "outcome",
    "absolute_effect",
    "conf_low",
    "conf_high",
    "lift_percent",
    "lift_low",
    "lift_high",
    "pvalue",
    "pvalue_adjusted",
    "profit",
    "profit_low",
    "profit_high",
    "cost_per_retained",
    "cost_per_retained_low",
    "cost_per_retained_high",
    "naive_difference",
    "grade",
    "verdict",
    "refusal",
)


def campaign_overview(
    settings: Settings,
    log: Transactions,
    *,
    as_of: Day | None = None,
    newest: int | None = None,
    estimated: Mapping[str, list[OverviewRow]] | None = None,
) -> pd.DataFrame:
    """Every campaign of a project that has begun, the newest first: what it changed, and how sure.

    Parameters
    ----------
    settings : Settings
        The project file.
    log : Transactions
        The chain's checked log.
    as_of : date or str, optional
        Last day that counts; see `open_store`.
    newest : int, optional
        How many campaigns, those that began last; all of them unless given.
    estimated : mapping of str to list, optional
        By campaign, rows from `overview_rows` of an effect that was estimated on the same log and day.

    Returns
    -------
    DataFrame
        One row a campaign and arm with the effect on the campaign's primary outcome in its days
        (estimated on those who were offered it), profit and cost_per_retained as in
        `CampaignEffect.economics`, the plain
        difference of means where it misleads (naive_difference), grade, verdict and refusal.
        pvalue_adjusted allows for all campaigns of the table (Benjamini & Hochberg). A campaign that
        is refused has one row, without numbers.

    Raises
    ------
    DataError, SettingsError
        If assignments or redemptions cannot be used.

    Examples
    --------
    >>> import datetime as dt
    >>> import tempfile
    >>> import pandas as pd
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), seed=1)
    >>> spring = rm.Campaign(id="spring", name="Spring coupon", kind="coupon",
    ...     design="randomised", start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25))
    >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 150})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = shop.write_project(folder, spring, arms)
    ...     settings = rm.read_settings(project)
    ...     log = rm.open_store(project, "all").log
    ...     print(rm.campaign_overview(settings, log)["campaign_id"].tolist())
    ['spring']
    """
    end = last_day(settings, log, as_of)
    begun = newest_campaigns(settings, end, newest)
    rows = dict(estimated or {})
    left = [campaign for campaign in begun if campaign.id not in rows]
    for row in overview_of(left, settings, log, end):
        rows.setdefault(str(row["campaign_id"]), []).append(row)
    found = [row for campaign in begun for row in rows[campaign.id]]
    table = pd.DataFrame(found, columns=list(OVERVIEW))
    told = table["pvalue"].notna()
    table["pvalue_adjusted"] = np.nan
    if told.any():
        pvalues = table.loc[told, "pvalue"].to_numpy(dtype=float)
        table.loc[told, "pvalue_adjusted"] = benjamini_hochberg(pvalues)
    return table


def overview_of(
    campaigns: Sequence[Campaign], settings: Settings, log: Transactions, end: dt.date
) -> list[OverviewRow]:
    """The rows of some campaigns, each estimated anew."""
    rows: list[OverviewRow] = []
    if not campaigns:
        return rows
    offers = project_offers(settings)
    with at_hand(log_until(log, end)) as ready:
        for number, campaign in enumerate(campaigns, 1):
            rows += _rows(ProjectCampaign(campaign, settings, ready, *offers), end)
            logger.info("campaign %d of %d (%s) estimated", number, len(campaigns), campaign.id)
    return rows


def newest_finished(settings: Settings, log: Transactions, end: dt.date) -> pd.Series:
    """The row of the campaign that ended last, the only one estimated; refused where none has."""
    begun = newest_campaigns(settings, end, settings.reports.campaigns)
    over = sorted((one for one in begun if one.end <= end), key=lambda one: one.end)
    rows = overview_of(over[-1:], settings, log, end)
    return last_finished(pd.DataFrame(rows, columns=list(OVERVIEW)), end)


def last_finished(overview: pd.DataFrame, end: dt.date) -> pd.Series:
    """The row of the campaign that ended last; refused where none has."""
    over = overview.loc[[last <= end for last in overview["end"]]]
    if over.empty:
        raise CannotSay("No campaign has ended yet.")
    return over.sort_values("end", kind="stable").iloc[-1]


def _rows(opened: ProjectCampaign, end: dt.date) -> list[OverviewRow]:
    """An arm each, or the reason why there is none."""
    campaign = opened.campaign
    if end < campaign.end and not campaign.looks:
        # Whatever its data say.
        return [_about(campaign) | {"refusal": not_over(end, campaign.end)}]
    try:
        effect = opened.effect
    except DataError as error:
        return [_about(campaign) | {"refusal": str(error)}]
    return overview_rows(effect)


def _about(campaign: Campaign) -> OverviewRow:
    names = ("name", "kind", "design", "start", "end")
    told: OverviewRow = {name: getattr(campaign, name) for name in names}
    return {"campaign_id": campaign.id, **told, "outcome": campaign.primary, "verdict": ""}


def overview_rows(effect: CampaignEffect) -> list[OverviewRow]:
    """What `campaign_overview` tells of a campaign: a row an arm, or one with the refusal."""
    campaign, about = effect.campaign, _about(effect.campaign)
    if effect.grade is None:
        return [about | {"refusal": effect.refusal}]
    found = []
    for arm in arms_of(effect.table, campaign.control):
        row = primary_row(effect.table, campaign.primary, "campaign", campaign.control, arm)
        if row is None:
            continue
        found.append(
            about
            | {name: row[name] for name in OVERVIEW if name in row.index}
            | _of_profit(effect, arm)
            | {
                "naive_difference": _naive(effect, arm),
                "grade": effect.grade,
                "verdict": effect.verdict,
                "refusal": "",
            }
        )
    return found


def _of_profit(effect: CampaignEffect, arm: str) -> dict[str, object]:
    told = effect.economics.loc[effect.economics["arm"] == arm]
    if told.empty:
        return {}
    names = [
        f"{what}{end}" for what in ("profit", "cost_per_retained") for end in ("", "_low", "_high")
    ]
    return {name: told.iloc[0][name] for name in names}


def _naive(effect: CampaignEffect, arm: str) -> float:
    """Plain difference in the primary outcome, in the campaign's days."""
    table = effect.naive
    chosen = table.loc[
        (table["outcome"] == effect.campaign.primary)
        & (table["window"] == "campaign")
        & (table["arm"] == arm)
    ]
    return float("nan") if chosen.empty else float(chosen.iloc[0]["difference"])
