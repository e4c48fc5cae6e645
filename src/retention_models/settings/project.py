"""The project file (TOML) as typed settings: where the data are, what the columns mean, the money.

Its tables [surveys] and [events] say where answers and contacts are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from retention_models.languages import ENGLISH, Language
from retention_models.languages.translations import read_translation
from retention_models.settings.acquisition import AcquisitionSettings
from retention_models.settings.actions import ActionSettings
from retention_models.settings.calendar import CalendarSettings
from retention_models.settings.campaigns import Campaign, CampaignData
from retention_models.settings.mistakes import CATEGORIES_UNTOLD, repeated
from retention_models.settings.reports import ExecutionSettings, Reports
from retention_models.settings.types import (
    FileSource,
    Id,
    Place,
    Section,
    Text,
    table_of,
)
from retention_models.time_units import TimeUnit


class ContactSource(FileSource):
    """Where a source beside the transactions is and how to read it."""

    source: Place = Field(
        examples=["data/raw/surveys.csv"],
        description="path of a CSV, JSON lines, Excel, Parquet or DuckDB file, or a duckdb:// URL",
    )
    table: Text | None = Field(
        None, examples=["surveys"], description="table's name; only for a DuckDB file"
    )


class SurveyColumns(Section):
    """What the source calls the columns of the surveys' contract (data/README.md)."""

    customer_id: Text = Field(examples=["customer_id"], description="name of the customer's column")
    answered_at: Text = Field(
        examples=["answered_at"], description="name of the column with day or time"
    )
    score: Text | None = Field(None, examples=["score"], description="name of a column")
    thumb: Text | None = Field(
        None,
        examples=["thumb"],
        description="name of a column; score, thumb or both are needed",
        validate_default=True,
    )
    store_id: Text | None = Field(None, examples=["store_id"], description="name of a column")
    kind: Text | None = Field(None, examples=["survey"], description="name of a column")

    @field_validator("thumb")
    @classmethod
    def _some_answer(cls, thumb: str | None, info: ValidationInfo) -> str | None:
        # A score with a mistake of its own is not among the data.
        if thumb is None and info.data.get("score", "") is None:
            raise ValueError("neither score nor thumb is named")
        return thumb


class SurveySettings(ContactSource):
    """Survey answers."""

    scale: Literal["0-10", "1-10"] | None = Field(
        None, examples=["0-10"], description='"0-10" or "1-10"'
    )
    columns: SurveyColumns = Field(
        examples=['customer_id = "customer_id"'],
        description="table with customer_id, answered_at, and score or thumb",
    )


class EventColumns(Section):
    """What the source calls the columns of the events' contract (data/README.md)."""

    customer_id: Text = Field(examples=["customer_id"], description="name of the customer's column")
    date: Text = Field(examples=["date"], description="name of the column with day or time")
    kind: Text = Field(examples=["kind"], description="name of the column with the kind of contact")
    store_id: Text | None = Field(None, examples=["store_id"], description="name of a column")
    measure: Text | None = Field(None, examples=["days_late"], description="name of a column")


class EventSettings(ContactSource):
    """Contacts with customers other than purchases."""

    columns: EventColumns = Field(
        examples=['customer_id = "customer_id"'],
        description="table with customer_id, date and kind",
    )


DEFAULT_PROJECT_FILE = "retention.toml"


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("it is not a time zone of the IANA list")
    return value


def _no_repeats(ids: Sequence[str]) -> None:
    if (said := repeated(ids)) is not None:
        raise ValueError(said)


def _a_list(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("several values are named in a list, in square brackets")
    return value


Values = Annotated[tuple[Id, ...], Field(strict=False), BeforeValidator(_a_list)]


class Columns(Section):
    """What the source calls the columns of the data contract (data/README.md)."""

    customer_id: Text = Field(examples=["customer_id"], description="name of the customer's column")
    date: Text = Field(examples=["ordered_at"], description="name of the column with day or time")
    spend: Text = Field(
        examples=["amount"],
        description="name of the column with money paid, or arithmetic over columns",
    )
    store_id: Text | None = Field(None, examples=["store_id"], description="name of a column")
    order_id: Text | None = Field(None, examples=["order_id"], description="name of a column")
    category: Text | None = Field(None, examples=["department"], description="name of a column")


class TransactionsSettings(FileSource):
    """Where the transaction log is and how to read it."""

    source: Place = Field(
        examples=["data/raw/orders.parquet"],
        description=(
            "path of a CSV, JSON lines, Excel, Parquet or DuckDB file, or a URL (duckdb, postgresql, "
            "spark, sc)"
        ),
    )
    table: Text | None = Field(
        None, examples=["orders"], description="table's name; for a DuckDB file or a database"
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", examples=["Europe/Istanbul"], description="time zone in which the shop's days begin"
    )
    decimal: Literal[".", ","] = Field(".", examples=[","], description='"." or ","')
    thousands: Literal[",", ".", "'", " "] | None = Field(
        None,
        examples=[","],
        description="what separates thousands of amounts that are text; not the decimal separator",
    )
    currency_sign: Text | None = Field(
        None, examples=["$"], description="sign that stands at amounts that are text"
    )
    minus: Literal["front", "behind", "brackets"] = Field(
        "front", examples=["behind"], description='"front", "behind" (5.00-) or "brackets" ((5.00))'
    )
    duplicates: Literal["keep", "drop"] = Field(
        "keep", examples=["drop"], description='"keep" or "drop" rows that repeat another exactly'
    )
    first_seen_from: dt.date | None = Field(
        None,
        examples=["2017-01-15"],
        description="day, without quotes; customers first seen before it are left out",
    )
    memory: str = Field(
        "3.5GB",
        pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$",
        examples=["3GB"],
        description="most memory that DuckDB may use, such as 3GB; beyond it spills to disk",
    )
    anonymous: tuple[Id, ...] = Field(
        (),
        strict=False,
        examples=[["GUEST", "0"]],
        description="list of customer ids in quotes that stand for nobody",
    )
    keep: dict[str, Values] = Field(
        default_factory=dict,
        examples=['{ status = ["completed"] }'],
        description="table from a column's name to the list of its values that are sales",
    )
    columns: Columns = Field(
        examples=['customer_id = "customer_id"'],
        description="table with customer_id, date and spend",
    )

    @field_validator("thousands")
    @classmethod
    def _separators_differ(cls, thousands: str | None, info: ValidationInfo) -> str | None:
        if thousands is not None and thousands == info.data.get("decimal"):
            raise ValueError(f"decimal = {thousands!r} is the same")
        return thousands


class Stores(Section):
    """Which stores to report on."""

    ids: tuple[Id, ...] | None = Field(
        None, strict=False, examples=[["0042", "0043"]], description="list of store ids in quotes"
    )
    names: dict[str, Text] = Field(
        default_factory=dict,
        examples=['{ "0042" = "High Street" }'],
        description="table from store id to the name shown on the page",
    )

    @field_validator("ids")
    @classmethod
    def _ids_differ(cls, ids: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if ids is not None and not ids:
            raise ValueError("it names no store; leave the key out to report on every store")
        _no_repeats(ids or ())
        return ids


class Money(Section):
    """What spend is worth to the shop."""

    currency: str = Field(
        pattern=r"^[A-Z]{3}$", examples=["EUR"], description="three capital letters (ISO 4217)"
    )
    margin: float = Field(
        gt=0, le=1, examples=[0.30], description="share of spend above 0 and up to 1"
    )
    annual_discount_rate: float = Field(
        ge=0, lt=1, examples=[0.10], description="rate per year from 0 to below 1"
    )


PurchaseModelName = Literal["BG/NBD", "MBG/NBD", "MBG/CNBD-k", "mid-life"]


class ModelSettings(Section):
    """The scale of time and the windows."""

    time_unit: TimeUnit = Field("W", examples=["W"], description='"D", "W" or "M"')
    horizon: int = Field(
        52, gt=0, examples=[52], description="whole number of time units to look ahead, above 0"
    )
    holdout: int | None = Field(
        None, gt=0, examples=[13], description="whole number of time units held out, above 0"
    )
    observation_end: dt.date | None = Field(
        None, examples=["2017-12-31"], description="last day that counts, without quotes"
    )
    interval: float = Field(
        0.90, gt=0.5, lt=1, examples=[0.90], description="level between 0.5 and 1"
    )
    purchases: PurchaseModelName | None = Field(
        None,
        examples=["BG/NBD"],
        description=f"one of {', '.join(get_args(PurchaseModelName))}, in quotes",
    )


class Settings(Section):
    """A whole project file.

    Examples
    --------
    >>> import tempfile
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings = rm.read_settings(rm.write_demo(folder, "cdnow"))
    >>> settings.name, settings.money.currency, settings.model.time_unit
    ('CDNOW', 'USD', 'W')
    """

    name: Text = Field(examples=["Corner Shops"], description="name of the chain, in quotes")
    transactions: TransactionsSettings = Field(
        examples=['source = "data/raw/orders.parquet"'], description="table [transactions]"
    )
    stores: Stores = Field(
        default_factory=lambda: Stores(ids=None), examples=["ids"], description="table [stores]"
    )
    money: Money = Field(examples=['currency = "EUR"'], description="table [money]")
    model: ModelSettings = table_of(ModelSettings, 'time_unit = "W"', "table [model]")
    calendar: CalendarSettings | None = Field(
        None, examples=['country = "US"'], description="table [calendar]"
    )
    surveys: SurveySettings | None = Field(None, examples=["source"], description="table [surveys]")
    events: EventSettings | None = Field(None, examples=["source"], description="table [events]")
    acquisition: AcquisitionSettings | None = Field(
        None, examples=["cost = 12.0"], description="table [acquisition]"
    )
    campaign_data: CampaignData | None = Field(
        None, examples=["assignments"], description="table [campaign_data]"
    )
    campaigns: tuple[Campaign, ...] = Field(
        (), strict=False, examples=["[[campaigns]]"], description="tables [[campaigns]]"
    )
    actions: ActionSettings = table_of(ActionSettings, "lookback_days = 28", "table [actions]")
    reports: Reports = table_of(Reports, 'output = "reports"', "table [reports]")
    execution: ExecutionSettings = table_of(
        ExecutionSettings, "time_limit = 600", "table [execution]"
    )
    _folder: Path = PrivateAttr(default=Path())

    @field_validator("stores")
    @classmethod
    def _stores_can_be_told_apart(cls, stores: Stores, info: ValidationInfo) -> Stores:
        log = info.data.get("transactions")
        several = stores.ids is not None and len(stores.ids) > 1
        if several and log is not None and log.columns.store_id is None:
            raise ValueError("several ids need the key transactions.columns.store_id")
        return stores

    @field_validator("acquisition")
    @classmethod
    def _categories_are_known(
        cls, acquisition: AcquisitionSettings | None, info: ValidationInfo
    ) -> AcquisitionSettings | None:
        log = info.data.get("transactions")
        asked = acquisition is not None and acquisition.first_category
        if asked and log is not None and log.columns.category is None:
            raise ValueError(CATEGORIES_UNTOLD)
        return acquisition

    @field_validator("campaigns")
    @classmethod
    def _campaigns_differ(cls, campaigns: tuple[Campaign, ...]) -> tuple[Campaign, ...]:
        _no_repeats([campaign.id for campaign in campaigns])
        return campaigns

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the shop's days begin."""
        return ZoneInfo(self.transactions.timezone)

    @property
    def language(self) -> Language:
        """The language of the pages; its translation is read again when the file has changed."""
        code, path = self.reports.language, self.reports.translation
        if code == ENGLISH.code:
            return ENGLISH
        return read_translation(code, None if path is None else Path(self.path(path)))

    def path(self, value: str) -> str:
        """A path of the project file, seen from the project file's folder; URLs stay as they are.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     settings = rm.read_settings(rm.write_demo(folder, "cdnow"))
        ...     shown = settings.path("data/raw/cdnow.csv") == f"{folder}/data/raw/cdnow.csv"
        >>> shown, settings.path("postgresql://host/shop")
        (True, 'postgresql://host/shop')
        """
        return value if "://" in value else str(self._folder / value)

    def store_name(self, store_id: str) -> str:
        """The name shown for a store: the one given in `[stores] names`, else its id.

        The only store of a log without a column of stores goes by the project's name.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     settings = rm.read_settings(rm.write_demo(folder, "cdnow"))
        >>> settings.store_name("cdnow"), settings.store_name("0042")
        ('CDNOW', 'CDNOW')
        """
        only = self.transactions.columns.store_id is None
        return self.stores.names.get(store_id, self.name if only else store_id)
