"""Every mistake of a project file at once, in lines that its author can act on: of TOML and of keys."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from retention_models.settings.credentials import url_shown


@dataclass
class Parsed:
    """What could be read of a project file, and what could not."""

    content: dict[str, Any] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # keys on lines that could not be read
    whole: bool = True  # whether everything but those lines was read


# Of a file that is no project file at all, the first lines are enough.
_MOST = 20
_AT = re.compile(r"at line (\d+)")
_KEY = re.compile(r"""^\s*["']?([\w.-]+)["']?\s*=\s*(.*)$""")
_HINTS = (
    (r"^\[?\s*0\d+\s*[,\]]?", "ids are text: put them in quotes, so that 0042 stays 0042"),
    (r"^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", "days are written 2017-12-31, without quotes"),
    (r"^\d+,\d+", "a decimal has a point: 0.30"),
    (r'^".*\\', "in double quotes a backslash has a meaning of its own: use single quotes"),
    (r"^(True|False|TRUE|FALSE)\b", "it is written true or false"),
    (r"""^["'][^"']*$""", "the quote is not closed"),
    (r"^[^\W\d]", "text stands in quotes"),
    (r"^$", "a value is missing"),
)


def parsed(text: str) -> Parsed:
    """A project file's tables, and a mistake for each line that is no TOML by itself.

    Such lines are passed over, to find what else is wrong. Where the mistake is how lines stand
    together, such as a bracket that is not closed, what follows cannot be told.
    """
    found, lines = Parsed(), text.replace("\r\n", "\n").split("\n")
    while True:
        try:
            found.content = tomllib.loads("\n".join(lines))
            return found
        except tomllib.TOMLDecodeError as error:
            at = _AT.search(str(error))
            place = int(at[1]) - 1 if at else len(lines) - 1
            line = lines[place].strip() if at else ""
            found.mistakes.append(_syntax(error, line))
            if not line or _is_toml(line) or len(found.mistakes) == _MOST:
                found.whole = False
                return found
            lines[place] = ""
            if key := _KEY.match(line):
                found.lost.add(key[1].split(".")[-1])


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _syntax(error: tomllib.TOMLDecodeError, line: str) -> str:
    key = _KEY.match(line)
    value = key[2] if key else ""
    hints = [words for pattern, words in _HINTS if key and re.search(pattern, value)]
    hint = f"; {hints[0]}" if hints else ""
    shown = f" in the line {url_shown(line)[:60]}" if line else ""
    return f"not valid TOML: {error}{shown}{hint}"


def mistakes_of(error: ValidationError | None, found: Parsed, model: type[BaseModel]) -> list[str]:
    """What is wrong with keys and values, a line each; what may stand on a lost line is not missing."""
    findings: list[Mapping[str, Any]] = list(error.errors(include_url=False)) if error else []
    findings = [
        finding
        for finding in findings
        if not (finding["type"] == "missing" and _is_lost(finding["loc"], found))
    ]
    known = {finding["loc"] for finding in findings}
    findings += [other for other in _between_tables(found.content) if other["loc"] not in known]
    return [_line(finding, model) for finding in findings]


def _is_lost(place: tuple[str | int, ...], found: Parsed) -> bool:
    return not found.whole or str(place[-1]) in found.lost


def _between_tables(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What one table says against another, which is not looked at where either has mistakes."""
    found: list[Mapping[str, Any]] = []
    for key, said in (
        ("stores", stores_untold(content)),
        ("acquisition", categories_untold(content)),
        ("campaigns", ids_repeated(content)),
    ):
        if said is not None:
            finding = {"loc": (key,), "type": "value_error", "input": content[key]}
            found.append(finding | {"ctx": {"error": said}})
    return found


def stores_untold(content: Mapping[str, Any]) -> str | None:
    """Several stores are asked for, and no column tells them apart."""
    ids = _in(content, "stores", "ids")
    columns = _in(content, "transactions", "columns")
    several = isinstance(ids, list | tuple) and len({str(name) for name in ids}) > 1
    if several and isinstance(columns, dict) and columns.get("store_id") is None:
        return "several ids need the key transactions.columns.store_id"
    return None


CATEGORIES_UNTOLD = "first_category needs the key transactions.columns.category"


def categories_untold(content: Mapping[str, Any]) -> str | None:
    """Customers are to be told apart by what they bought first, and no column says what that was."""
    columns = _in(content, "transactions", "columns")
    asked = _in(content, "acquisition", "first_category") is True
    if _in(content, "acquisition", "customers") is not None:
        return None  # which is a mistake of its own
    if asked and isinstance(columns, dict) and columns.get("category") is None:
        return CATEGORIES_UNTOLD
    return None


def ids_repeated(content: Mapping[str, Any]) -> str | None:
    """Campaigns share an id."""
    campaigns = content.get("campaigns")
    if not isinstance(campaigns, list | tuple):
        return None
    ids = [campaign.get("id") for campaign in campaigns if isinstance(campaign, dict)]
    return repeated([name for name in ids if isinstance(name, str)])


def repeated(names: typing.Sequence[str]) -> str | None:
    """Which names stand more than once, in words."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if not twice:
        return None
    word = "id" if len(twice) == 1 else "ids"
    verb = "stands" if len(twice) == 1 else "stand"
    return f"the {word} {', '.join(map(repr, twice))} {verb} more than once"


def _in(content: Mapping[str, Any], table: str, key: str) -> Any:
    found = content.get(table)
    return found.get(key) if isinstance(found, dict) else None


def in_one_message(path: Path, lines: list[str]) -> str:
    """The mistakes of a project file, a line each; a single one of TOML alone."""
    if len(lines) == 1 and lines[0].startswith("not valid TOML"):
        return f"{path}: {lines[0]}."
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
    if value is None:
        return "nothing"
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
