"""What every table of the project file is made of: checked text, places of data, a strict section."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from retention_models.settings.credentials import password_in, url_shown
from retention_models.settings.expressions import condition


def _text_not_number(value: object) -> object:
    # TOML reads 0042 as an error and 42 as a number; the first is lost and the second may be.
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("ids are text: put the id in quotes, so that 0042 stays 0042")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty")
    return value


def _no_password(value: str) -> str:
    if password_in(value) is not None:
        raise PydanticCustomError(
            "password",
            "holds a password ({url}), which would stand in this file and its copies. Leave it out and "
            "set PGPASSWORD (Spark Connect: SPARK_CONNECT_AUTHENTICATE_TOKEN), or keep it in the "
            "system's keyring",
            {"url": url_shown(value)},
        )
    return value


Text = Annotated[str, AfterValidator(_not_blank)]
Id = Annotated[str, BeforeValidator(_text_not_number), AfterValidator(_not_blank)]
# A path or a URL.
Place = Annotated[str, AfterValidator(_not_blank), AfterValidator(_no_password)]


class Section(BaseModel):
    """A table of the project file; unknown keys are errors, values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _known_encoding(value: str) -> str:
    try:
        "".encode(value)
    except (LookupError, ValueError):
        raise ValueError("no encoding of text is called so") from None
    return value


def _readable(value: str) -> str:
    condition(value)
    return value


DECIMALS = (".", ",")
THOUSANDS = (",", ".", "'", " ")
MINUS = ("front", "behind", "brackets")


class BorneSource(Section):
    """How many unusable rows of a source are borne."""

    max_unusable_share: float = Field(
        0.01,
        ge=0,
        lt=1,
        examples=[0.01],
        description="share of rows from 0 to 1; with more unusable rows the run stops",
    )


class CheckedSource(BorneSource):
    """How the days of a source are read, and how many unusable rows are borne."""

    date_format: Text | None = Field(
        None,
        examples=["%d/%m/%Y"],
        description=(
            'strptime format of the date column, "unix seconds", "unix milliseconds" or "unix '
            'microseconds"; only where dates are not ISO 8601'
        ),
    )


class ReadFiles(Section):
    """How the files of a source are read, and which of their rows."""

    encoding: Annotated[Text, AfterValidator(_known_encoding)] | None = Field(
        None,
        examples=["cp1254"],
        description="encoding of a CSV or of JSON lines that are not UTF-8",
    )
    sheet: Text | None = Field(
        None, examples=["Orders"], description="name of the sheet of an Excel file"
    )
    where: Annotated[Text, AfterValidator(_readable)] | None = Field(
        None,
        examples=["Country = 'Germany'"],
        description="condition over columns that a row of the log meets",
    )
    mend_ids: bool = Field(
        False,
        examples=["true"],
        description="true or false, without quotes: whether ids such as 17850.0 are read as 17850",
    )


class FileSource(CheckedSource, ReadFiles):
    """How the files of a source with days are read."""


def table_of(section: type[Section], example: str, description: str = "table") -> Any:
    """A table of the project file, or else its defaults."""
    return Field(
        default_factory=lambda: section.model_validate({}),
        examples=[example],
        description=description,
    )
