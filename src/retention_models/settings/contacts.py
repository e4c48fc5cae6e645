"""The tables [surveys] and [events] of the project file: where answers and contacts are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from retention_models.settings.types import CheckedSource, Place, Section, Text


class ContactSource(CheckedSource):
    """Where a source beside the transactions is and how to read it."""

    source: Place = Field(
        examples=["data/raw/surveys.csv"],
        description="path of a CSV, Parquet or DuckDB file, or a duckdb:// URL",
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
        if thumb is None and info.data.get("score") is None:
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


class EventSettings(ContactSource):
    """Contacts with customers other than purchases."""

    columns: EventColumns = Field(
        examples=['customer_id = "customer_id"'],
        description="table with customer_id, date and kind",
    )
