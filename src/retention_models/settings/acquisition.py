"""The table [acquisition]: what it costs to win a new customer, and which channel won whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from retention_models.settings.types import BorneSource, Place, ReadFiles, Section, Text

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ChannelColumns(Section):
    """What the source calls the columns of the customers' contract (data/README.md)."""

    customer_id: Text = Field(examples=["customer_id"], description="name of the customer's column")
    channel: Text = Field(
        examples=["channel"],
        description="name of the column with the channel that won the customer",
    )


class ChannelSource(BorneSource, ReadFiles):
    """Where the table is that says which channel won each customer."""

    source: Place = Field(
        examples=["data/raw/customers.csv"],
        description="path of a CSV, JSON lines, Excel, Parquet or DuckDB file, or a duckdb:// URL",
    )
    table: Text | None = Field(
        None, examples=["customers"], description="table's name; only for a DuckDB file"
    )
    columns: ChannelColumns = Field(
        examples=['customer_id = "customer_id"'],
        description="table with customer_id and channel",
    )


class AcquisitionSettings(Section):
    """What new customers cost, against which their value is held; `costs` go before `cost`."""

    cost: Amount | None = Field(
        None, examples=[12.0], description="money to win a new customer, from 0"
    )
    customers: ChannelSource | None = Field(
        None,
        examples=['source = "data/raw/customers.csv"'],
        description="table [acquisition.customers]",
    )
    first_category: bool = Field(
        False,
        examples=["true"],
        description="true or false, without quotes: whether channels are categories bought first",
    )
    costs: dict[Text, Amount] = Field(
        default_factory=dict,
        examples=["{ email = 3.0, search = 15.0 }"],
        description="table from a channel to money for a new customer, from 0",
    )

    @field_validator("first_category")
    @classmethod
    def _one_of_both(cls, first: bool, info: ValidationInfo) -> bool:
        if first and info.data.get("customers") is not None:
            raise ValueError("[acquisition.customers] says already which channel won whom")
        return first

    @field_validator("costs")
    @classmethod
    def _channels_are_told(cls, costs: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        # A table with a mistake of its own is not among the data.
        told = info.data.get("customers", ...) is not None or info.data.get("first_category", ...)
        if costs and not told:
            raise ValueError(
                "which channel won whom is not said; it needs the table [acquisition.customers], or "
                "first_category = true"
            )
        return costs

    @property
    def by_channel(self) -> bool:
        """Whether customers are told apart by what won them."""
        return self.customers is not None or self.first_category

    def cost_of(self, channel: str) -> float | None:
        """What it costs to win a customer of a channel; None where that is not said."""
        return self.costs.get(channel, self.cost)
