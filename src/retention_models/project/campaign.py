"""A campaign of a project file, for analysts and for the notebooks of a run."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from retention_models.campaigns.data.assignments import (
    Assignments,
    Redemptions,
    read_project_assignments,
    read_project_redemptions,
)
from retention_models.campaigns.data.read import read_campaign
from retention_models.campaigns.data.tables import CampaignCustomers, CampaignStores
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.heavy_spend import CappedEffect, capped_effect
from retention_models.campaigns.effects.policy import TreatmentPolicy, whom_to_treat
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.several import campaign_effect_by_store
from retention_models.campaigns.effects.tables import arms_of
from retention_models.data.engines import beside, write_parquet
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, DataError, SettingsError
from retention_models.languages.results import Card, Result
from retention_models.project.days import at_hand, last_day, log_until
from retention_models.project.handover import (
    frame,
    open_rows,
    read_chain,
    read_json,
    write_chain,
    write_json,
)
from retention_models.settings.campaigns import Campaign
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings
from retention_models.summaries.customers import Day

_ROWS, _OFFERS = "campaign_rows.parquet", "offers.json"

_Offers = TypeVar("_Offers", Assignments, Redemptions)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class ProjectCampaign(Result):
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
    ...     found = rm.open_campaign(project, "spring")
    ...     print(found.campaign.name, len(found.data.table))
    Spring coupon 300
    """

    campaign: Campaign
    settings: Settings
    log: Transactions
    assignments: Assignments = field(repr=False)
    redemptions: Redemptions | None = field(repr=False)

    def _card(self) -> Card:
        days = f"{self.campaign.start} to {self.campaign.end}"
        facts = {"of": self.settings.name, "design": self.campaign.design, "days": days}
        return Card(f"Campaign {self.campaign.name}", facts)

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
    def whom_to_treat(self) -> TreatmentPolicy:
        """Whose contact paid, and what choosing them gains; see `whom_to_treat`."""
        if self.campaign.design != "randomised" or not isinstance(self.data, CampaignCustomers):
            raise CannotSay(
                "Whom to treat is told only of campaigns whose customers were drawn by lot."
            )
        if self.effect.refusal:
            raise CannotSay(self.effect.refusal)
        if self.data.table["arm"].nunique() > 2:
            raise CannotSay(
                "The campaign has several arms: whom to treat is told of one at a time, by "
                "whom_to_treat(campaign.data, arm=…)."
            )
        return whom_to_treat(self.data)

    @cached_property
    def to_treat(self) -> pd.DataFrame | None:
        """Whom to offer it next time: customer_id and foreseen, the most gaining first.

        None where nothing is told of it, or customers cannot be told apart.
        """
        try:
            found = self.whom_to_treat
        except CannotSay:
            return None
        if not found.area.low > 0.0:
            return None
        chosen = found.customers[found.customers["treat"]]
        return None if chosen.empty else chosen[["foreseen"]].reset_index(names="customer_id")

    @cached_property
    def capped(self) -> tuple[CappedEffect, ...]:
        """The effect on spend of each arm with heavy spend capped, as the project file declares it."""
        if self.campaign.cap is None or self.effect.refusal:
            return ()
        if not isinstance(self.data, CampaignCustomers):
            raise CannotSay(
                "Heavy spend is capped by customer; this campaign was for whole stores."
            )
        money, arms = self.settings.money, arms_of(self.effect.table, self.campaign.control)
        return tuple(
            capped_effect(self.data, quantile=self.campaign.cap, arm=arm, margin=money.margin)
            for arm in arms
        )

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
    ...     campaign = rm.open_campaign(project, "spring")
    ...     print(len(campaign.data.table))
    300
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
    offers = None
    if part is not None and rows is not None and rows.exists():
        log = open_rows(settings, rows, part[1])
        offers = _read_offers(part[0], log)
    else:
        log = read_project_transactions(settings)
    until = log_until(log, last_day(settings, log, as_of))
    return ProjectCampaign(
        found[campaign_id], settings, until, *(offers or project_offers(settings))
    )


def newest_campaigns(settings: Settings, end: dt.date, number: int | None = None) -> list[Campaign]:
    """The campaigns that had begun on `end`, the newest first, at most `number` of them."""
    begun = [one for one in settings.campaigns if one.start <= end]
    return sorted(begun, key=lambda one: (one.start, one.id), reverse=True)[:number]


def write_campaign_slice(
    folder: Path, project_file: Path, settings: Settings, log: Transactions, end: dt.date
) -> None:
    """Write to an empty folder what the notebooks of a run's campaigns need of the data."""
    with at_hand(log_until(log, end)) as ready:
        write_parquet(ready.table, str(folder / _ROWS))
    write_chain(folder, project_file, log)
    with suppress(DataError, SettingsError):  # each page reads them itself, and says what is wrong
        _write_offers(folder, project_offers(settings))
    logger.info("rows of all campaigns laid ready")


def _write_offers(folder: Path, offers: tuple[Assignments, Redemptions | None]) -> None:
    told: dict[str, Any] = {}
    for one in offers:
        if one is not None:
            name = type(one).__name__
            write_parquet(one.table, str(folder / f"{name}.parquet"))
            rest = {f.name: getattr(one, f.name) for f in fields(one) if f.name != "table"}
            told[name] = {**rest, "quality": one.quality.to_json(orient="table")}
    write_json(folder / _OFFERS, told)


def _read_offers(folder: Path, log: Transactions) -> tuple[Assignments, Redemptions | None] | None:
    """What `_write_offers` wrote; None where there is nothing."""
    if not (folder / _OFFERS).is_file():
        return None
    told = read_json(folder / _OFFERS)

    def found(kind: Callable[..., _Offers]) -> _Offers | None:
        name = kind.__name__
        if name not in told:
            return None
        table = beside(log.table, folder / f"{name}.parquet")
        return kind(**{**told[name], "table": table, "quality": frame(told[name]["quality"])})

    assignments = found(Assignments)
    return None if assignments is None else (assignments, found(Redemptions))


def project_offers(settings: Settings) -> tuple[Assignments, Redemptions | None]:
    """Who was offered a project's campaigns, and who took them up."""
    assignments = read_project_assignments(settings)
    if assignments is None:
        raise SettingsError(
            "campaign_data: who was offered the campaigns is not said; expected a table "
            '[campaign_data] with assignments = "data/raw/campaign_assignments.parquet".'
        )
    return assignments, read_project_redemptions(settings)
