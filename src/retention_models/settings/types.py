"""What every table of the project file is made of: checked text, places of data, a strict section.

What pydantic finds wrong in a project file becomes lines that its author can act on.
"""

from __future__ import annotations

import difflib
import json
import typing
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
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


class CheckedSource(Section):
    """How the rows of a source are read, and how many unusable ones are borne."""

    date_format: Text | None = Field(
        None,
        examples=["%d/%m/%Y"],
        description=(
            'strptime format of the date column, "unix seconds" or "unix milliseconds"; only where '
            "dates are not ISO 8601"
        ),
    )
    max_unusable_share: float = Field(
        0.01,
        ge=0,
        lt=1,
        examples=[0.01],
        description="share of rows from 0 to 1; with more unusable rows the run stops",
    )


class FileSource(CheckedSource):
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


def table_of(section: type[Section], example: str, description: str = "table") -> Any:
    """A table of the project file, or else its defaults."""
    return Field(
        default_factory=lambda: section.model_validate({}),
        examples=[example],
        description=description,
    )


def explain(error: ValidationError, path: Path, model: type[BaseModel]) -> str:
    """Every mistake of a project file in one message, a line each, in the file's own terms."""
    lines = [_line(finding, model) for finding in error.errors(include_url=False)]
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"{path}: {count} in the project file.", *(f"  - {line}" for line in lines)])


def _line(finding: Any, model: type[BaseModel]) -> str:
    place: tuple[str | int, ...] = finding["loc"]
    key = _dotted(place)
    if finding["type"] == "extra_forbidden":
        return _unknown_key(place, key, model)
    if finding["type"] == "password":
        return f"{key}: {finding['msg']}"  # what was given is not to be shown
    field = _field(place, model)
    if finding["type"] == "missing":
        return f"{key}: is missing; expected {_expected(field, place)}"
    got = _shown(finding["input"])
    reason = f"; {finding['ctx']['error']}" if finding["type"] == "value_error" else ""
    return f"{key}: expected {_expected(field, place)}; got {got}{reason}"


def _dotted(place: tuple[str | int, ...]) -> str:
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).lstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, dict | BaseModel):
        return "a table"
    if isinstance(value, list | tuple) and any(isinstance(v, dict | BaseModel) for v in value):
        return f"{len(value)} tables"
    # Up to the last @: whoever forgot to escape a password is not to see it in a log.
    text = url_shown(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else text[:57] + "…"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def _section(place: tuple[str | int, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that holds the last key of `place`."""
    current: type[BaseModel] | None = model
    for part in place[:-1]:
        if current is None or isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        current = _model_in(field.annotation) if field is not None else None
    return current


def _field(place: tuple[str | int, ...], model: type[BaseModel]) -> FieldInfo | None:
    while place and isinstance(place[-1], int):
        place = place[:-1]
    section = _section(place, model) if place else None
    return section.model_fields.get(str(place[-1])) if section is not None else None


def _expected(field: FieldInfo | None, place: tuple[str | int, ...]) -> str:
    if field is None:
        return "text in quotes"
    text = field.description or "a value"
    if not field.examples:
        return text
    example = field.examples[0]
    shown = example if _is_literal_toml(example, text) else json.dumps(example)
    name = next(str(part) for part in reversed(place) if isinstance(part, str))
    if _model_in(field.annotation) is not None:
        return f"{text}, for example with the line {shown}"
    return f"{text}; for example {name} = {shown}"


def _is_literal_toml(example: object, description: str) -> bool:
    """Whether an example already stands as the project file would write it."""
    return isinstance(example, str) and (
        "without quotes" in description or description.startswith("table")
    )


def _unknown_key(place: tuple[str | int, ...], key: str, model: type[BaseModel]) -> str:
    section = _section(place, model)
    known = sorted(section.model_fields) if section is not None else []
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"{key}: no such key; {hint}"
