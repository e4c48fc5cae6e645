"""The campaigns of a project file, for notebooks and pages: one with all it says, or all in a table."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from retention_models.campaign_data.customers import CampaignCustomers, CampaignStores
from retention_models.campaign_data.reading import (
    Assignments,
    Redemptions,
    read_project_assignments,
    read_project_redemptions,
)
from retention_models.campaign_data.reading_campaign import read_campaign
from retention_models.campaign_effects.by_store import campaign_effect_by_store
from retention_models.campaign_effects.estimate import effect_of
from retention_models.campaign_effects.refusals import not_over
from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_effects.rows import arms_of, primary_row
from retention_models.campaign_settings import Campaign
from retention_models.campaigns.pooling import benjamini_hochberg
from retention_models.customer_summaries import Day
from retention_models.errors import CannotSay, DataError, SettingsError
from retention_models.last_days import last_day
from retention_models.log_slices import open_rows, read_chain, write_chain
from retention_models.settings import Settings, read_settings
from retention_models.sources import kept, write_parquet
from retention_models.transactions import Transactions, read_project_transactions

logger = logging.getLogger(__name__)

_ROWS = "campaign_rows.parquet"
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
    "naive_difference",
    "grade",
    "verdict",
    "refusal",
)


@dataclass(frozen=True)
class ProjectCampaign:
    """A campaign with its data and settings: each question is a property, computed once when asked.

    Attributes
    ----------
    campaign : Campaign
        What the project file declares.
    settings : Settings
        The project file.
    log : Transactions
        The chain's checked log, up to the last day that counts.
    assignments : Assignments
        Who was offered what, of all campaigns.
    redemptions : Redemptions or None
        Who took it up.
    """

    campaign: Campaign
    settings: Settings
    log: Transactions
    assignments: Assignments = field(repr=False)
    redemptions: Redemptions | None = field(repr=False)

    @cached_property
    def data(self) -> CampaignCustomers | CampaignStores:
        """Who was in it, what was known of them, what came of it; see `read_campaign`."""
        return read_campaign(
            self.log,
            self.campaign,
            self.assignments,
            self.redemptions,
            margin=self.settings.money.margin,
            others=self.settings.campaigns,
        )

    @cached_property
    def effect(self) -> CampaignEffect:
        """What it changed; see `campaign_effect`. A refused one says why."""
        money = self.settings.money
        return effect_of(self.data, margin=money.margin, currency=money.currency)

    @cached_property
    def by_store(self) -> pd.DataFrame:
        """Its effect in each store and over all; see `campaign_effect_by_store`."""
        if not isinstance(self.data, CampaignCustomers) or self.campaign.design != "randomised":
            raise CannotSay(
                "Stores are compared one by one only where the campaign was drawn by lot."
            )
        return campaign_effect_by_store(self.data)


def open_campaign(
    project_file: str | Path, campaign_id: str, *, as_of: Day | None = None
) -> ProjectCampaign:
    """Open a campaign of a project.

    Parameters
    ----------
    project_file : str or Path
        The project file (TOML).
    campaign_id : str
        Its id under `[[campaigns]]`, as text.
    as_of : date or str, optional
        Last day that counts; see `open_store`.

    Returns
    -------
    ProjectCampaign
        Nothing is read of it until asked for.

    Raises
    ------
    SettingsError
        If the project file is wrong, or describes no such campaign.
    DataError
        If the data cannot be used.
    """
    settings = read_settings(project_file)
    found = {campaign.id: campaign for campaign in settings.campaigns}
    if campaign_id not in found:
        raise SettingsError(
            f"campaign {campaign_id!r}: expected one of the project file's [[campaigns]]: "
            f"{', '.join(found) or 'there is none'}."
        )
    part = read_chain(project_file)
    rows = None if part is None else part[0] / _ROWS
    if part is not None and rows is not None and rows.exists():
        log = open_rows(settings, rows, part[1])
    else:
        log = read_project_transactions(settings)
    until = log_until(log, last_day(settings, log, as_of))
    return ProjectCampaign(found[campaign_id], settings, until, *_offers(settings))


def campaign_overview(
    settings: Settings, log: Transactions, *, as_of: Day | None = None, newest: int | None = None
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

    Returns
    -------
    DataFrame
        One row a campaign and arm with the effect on the campaign's primary outcome in its days
        (estimated on those who were offered it), profit as in `CampaignEffect.economics`, the plain
        difference of means where it misleads (naive_difference), grade, verdict and refusal.
        pvalue_adjusted allows for all campaigns of the table (Benjamini & Hochberg). A campaign that
        is refused has one row, without numbers.

    Raises
    ------
    DataError, SettingsError
        If assignments or redemptions cannot be used.
    """
    end = last_day(settings, log, as_of)
    rows: list[dict[str, object]] = []
    begun = [one for one in settings.campaigns if one.start <= end]
    begun = sorted(begun, key=lambda one: (one.start, one.id), reverse=True)[:newest]
    if begun:
        offers = _offers(settings)
        with _at_hand(log_until(log, end)) as ready:
            for number, campaign in enumerate(begun, 1):
                rows += _rows(ProjectCampaign(campaign, settings, ready, *offers), end)
                logger.info("campaign %d of %d (%s) estimated", number, len(begun), campaign.id)
    table = pd.DataFrame(rows, columns=list(OVERVIEW))
    told = table["pvalue"].notna()
    table["pvalue_adjusted"] = np.nan
    if told.any():
        pvalues = table.loc[told, "pvalue"].to_numpy(dtype=float)
        table.loc[told, "pvalue_adjusted"] = benjamini_hochberg(pvalues)
    return table


def log_until(log: Transactions, end: dt.date) -> Transactions:
    """The log without what came after a day."""
    if end >= log.last_day():
        return log
    stores = log.stores.assign(last_day=[min(day, end) for day in log.stores["last_day"]])
    return replace(log, table=log.table.filter(log.table["date"] <= end), stores=stores)


def write_campaign_slice(folder: Path, project_file: Path, log: Transactions, end: dt.date) -> None:
    """Write what the notebooks of a run's campaigns need of the log, for `open_campaign`.

    Parameters
    ----------
    folder : Path
        An empty one; readable by whoever runs the notebooks.
    project_file : Path
    log : Transactions
        The chain's checked log.
    end : date
        Last day that counts.
    """
    with _at_hand(log_until(log, end)) as ready:
        write_parquet(ready.table, str(folder / _ROWS))
    write_chain(folder, project_file, log)


def _offers(settings: Settings) -> tuple[Assignments, Redemptions | None]:
    assignments = read_project_assignments(settings)
    if assignments is None:
        raise SettingsError(
            "campaign_data: who was offered the campaigns is not said; expected a table "
            '[campaign_data] with assignments = "data/raw/campaign_assignments.parquet".'
        )
    return assignments, read_project_redemptions(settings)


@contextmanager
def _at_hand(log: Transactions) -> Iterator[Transactions]:
    """The log as the campaigns need it, kept in DuckDB meanwhile: each of them asks several times."""
    rows = log.table
    if not log.has_returns:
        # Lines of a day add up to it, and no return names the order that it belongs to.
        keys = ("customer_id", "store_id", "date")
        rows = rows.group_by(*keys).aggregate(spend=rows["spend"].sum())
        rows = rows.mutate(order_id=ibis.null("string"), category=ibis.null("string"))
    with log.origin.reading():
        log.origin.require_unchanged()
        with kept(rows) as table:
            yield replace(log, table=table)


def _rows(opened: ProjectCampaign, end: dt.date) -> list[dict[str, object]]:
    """An arm each, or the reason why there is none."""
    campaign = opened.campaign
    about: dict[str, object] = {
        "campaign_id": campaign.id,
        **{name: getattr(campaign, name) for name in ("name", "kind", "design", "start", "end")},
        "outcome": campaign.primary,
        "verdict": "",
    }
    if end < campaign.end and not campaign.looks:
        return [about | {"refusal": not_over(end, campaign.end)}]  # whatever its data say
    try:
        effect = opened.effect
    except DataError as error:
        return [about | {"refusal": str(error)}]
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
    return {name: told.iloc[0][name] for name in ("profit", "profit_low", "profit_high")}


def _naive(effect: CampaignEffect, arm: str) -> float:
    """Plain difference in the primary outcome, in the campaign's days."""
    table = effect.naive
    chosen = table.loc[
        (table["outcome"] == effect.campaign.primary)
        & (table["window"] == "campaign")
        & (table["arm"] == arm)
    ]
    return float("nan") if chosen.empty else float(chosen.iloc[0]["difference"])
