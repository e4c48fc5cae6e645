"""The table [reports] of the project file: what to run, where the pages go, who is told.

The table [execution] of the project file: what a notebook may use, and where it runs.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from retention_models.languages import ENGLISH
from retention_models.languages.translations import shipped_catalogue, shipped_languages
from retention_models.settings.credentials import is_secret_name, secret_shape
from retention_models.settings.types import Section, Text, table_of

# What every run gives its notebook.
RUN_PARAMETERS = ("project_file", "store_id", "as_of", "output_folder")


class Notices(Section):
    """Who is told what became of a run."""

    when: Literal["always", "failure"] = Field(
        "always",
        examples=["failure"],
        description=(
            '"always" or "failure": after every run, or only when stores failed or the data gave '
            "a warning"
        ),
    )
    command: tuple[Text, ...] | None = Field(
        None,
        strict=False,
        examples=[["/usr/local/bin/tell"]],
        description="list of a program and its arguments; it reads the outcome as JSON",
    )
    addresses: Text | None = Field(
        None,
        examples=["RETENTION_NOTICES"],
        description=(
            "name of the environment variable that holds addresses as apprise writes them, by spaces"
        ),
    )


class Warnings(Section):
    """What the data of a run must look like, or else its pages are published with a warning."""

    enabled: bool = Field(
        True, examples=["false"], description="true or false; with false the data are not looked at"
    )
    newest_day: int = Field(
        7,
        ge=0,
        examples=[7],
        description=(
            "whole number of days that the newest day of the data may lie before the day of the run "
            "(before --as-of or observation_end, where one is given); a shop that often has none for "
            "longer is allowed its longest gap, up to four times this"
        ),
    )
    fall: float = Field(
        0.5,
        gt=0,
        lt=1,
        examples=[0.5],
        description=(
            "share of the usual, between 0 and 1, below which rows, customers and spend of the newest "
            "week and day are told"
        ),
    )
    rise: float = Field(
        2.0, gt=1, examples=[2.0], description="multiple of the usual above which they are told"
    )
    thin_month: float = Field(
        0.2,
        gt=0,
        lt=1,
        examples=[0.2],
        description="share of the rows of the months around, below which a month is told",
    )
    lost_rows: float = Field(
        0.01,
        ge=0,
        lt=1,
        examples=[0.01],
        description="share of the rows of the run before that may be missing, from 0 to below 1",
    )
    unusable: float = Field(
        0.01,
        ge=0,
        lt=1,
        examples=[0.01],
        description="rise of the share of unusable rows since the run before, from 0 to below 1",
    )
    repeated: float = Field(
        0.4,
        gt=0,
        lt=1,
        examples=[0.4],
        description="share of a month's rows that repeat another, from which it was loaded twice",
    )
    spend_factor: float = Field(
        20.0,
        gt=1,
        examples=[20.0],
        description="factor between the typical spends of a row in two months, above 1",
    )


def _require_shipped(language: str) -> None:
    if shipped_catalogue(language) is None:
        known = ", ".join(f'"{code}"' for code in shipped_languages())
        raise ValueError(
            f'language = "{language}" needs a translation (`retention words` writes a PO file to begin '
            f"one from); without one the pages can be in {known or 'English only'}"
        )


class Reports(Section):
    """What to run and where the pages go."""

    output: Text = Field("reports", examples=["reports"], description="folder for the pages")
    notebook: Text | None = Field(
        None, examples=["my_report.ipynb"], description="path of a notebook of your own"
    )
    language: Text = Field(
        ENGLISH.code, examples=[ENGLISH.code], description="language of the pages, by its code"
    )
    translation: Text | None = Field(
        None,
        examples=["fa.po"],
        description=(
            "path of a PO file with sentences of that language, which go before the package's own"
        ),
        validate_default=True,  # language may be set alone
    )
    campaigns: int = Field(
        12,
        ge=0,
        examples=[12],
        description="whole number of newest campaigns that the pages tell of, from 0",
    )
    customer_ids: bool = Field(
        False,
        examples=["true"],
        description=(
            "true or false; with true the pages name the ten customers to call by their ids, which "
            "otherwise stand in files only"
        ),
    )
    translated_headers: bool = Field(
        False,
        examples=["true"],
        description=(
            "true or false; with true the columns of the lists as CSV and of the workbook have heads "
            "in the pages' language, otherwise the names that programs read"
        ),
    )
    parameters: dict[str, bool | int | float | str] = Field(
        default_factory=dict,
        examples=["{ weeks = 13 }"],
        description="table from a parameter of the notebook to its value",
    )
    keep_runs: int | None = Field(
        None, gt=0, examples=[30], description="whole number of newest runs to keep, above 0"
    )
    notices: Notices = table_of(Notices, 'when = "failure"', "table [reports.notices]")
    warnings: Warnings = table_of(Warnings, "newest_day = 7", "table [reports.warnings]")

    @field_validator("translation")
    @classmethod
    def _is_translated(cls, translation: str | None, info: ValidationInfo) -> str | None:
        language = info.data.get("language")
        if language == ENGLISH.code and translation is not None:
            raise ValueError('translation needs a language other than "en"')
        if language not in {None, ENGLISH.code} and translation is None:
            _require_shipped(str(language))
        return translation

    @field_validator("parameters", mode="before")
    @classmethod
    def _simple_values(cls, parameters: object) -> object:
        if not isinstance(parameters, dict):
            return parameters
        said = [
            f"{name}: expected true, false, a number or a text in quotes; got {value!s}, which is none: "
            f'write "{value!s}", or a parameter for each of its parts'
            for name, value in parameters.items()
            if not isinstance(value, bool | int | float | str)
        ]
        if said:
            raise ValueError("; ".join(said))
        return parameters

    @field_validator("parameters")
    @classmethod
    def _no_secrets(
        cls, parameters: dict[str, bool | int | float | str]
    ) -> dict[str, bool | int | float | str]:
        said = [words for item in parameters.items() if (words := _parameter_mistake(*item))]
        if said:
            raise ValueError("; ".join(said))
        return parameters


def _parameter_mistake(name: str, value: bool | int | float | str) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name}: expected a finite number; got {value}"
    if name in RUN_PARAMETERS:
        return f"{name} is given by the run"
    shape = secret_shape(value) if isinstance(value, str) else None
    if shape is not None or is_secret_name(name):
        return (
            f"{name} looks like a secret, which would stand in the executed notebook; let the notebook "
            "read it from an environment variable"
        )
    return None


_BYTES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = r"^\d+(\.\d+)? ?[KMGT]B$"


class ExecutionSettings(Section):
    """What a notebook may use, and where it runs."""

    time_limit: int = Field(
        600,
        gt=0,
        examples=[600],
        description="whole number of seconds that a notebook may take, above 0",
    )
    memory: str | None = Field(
        None,
        pattern=_SIZE,
        examples=["4GB"],
        description="most memory of a notebook, such as 4GB; its share of the machine without it",
    )
    output: str = Field(
        "10MB",
        pattern=_SIZE,
        examples=["10MB"],
        description="most output that is kept of a notebook, such as 10MB",
    )
    scheduler: Text | None = Field(
        None,
        examples=["tcp://10.0.0.5:8786"],
        description="address of a Dask scheduler whose workers run notebooks; this machine without it",
    )


def size(text: str) -> int:
    """Bytes of a size such as 4GB.

    >>> size("1.5GB"), size("200 KB")
    (1500000000, 200000)
    """
    number, unit = text.rstrip("B").strip()[:-1], text.rstrip("B")[-1]
    return round(float(number) * _BYTES[unit])
