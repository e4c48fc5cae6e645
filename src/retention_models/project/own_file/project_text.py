"""A project file for a file of one's own: every line with what it says, or what it could say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from retention_models.project.own_file.look import ColumnSeen, one_line
from retention_models.project.own_file.proposal import Proposal

_OPTIONS = (
    "encoding",
    "sheet",
    "table",
    "timezone",
    "date_format",
    "decimal",
    "thousands",
    "currency_sign",
    "minus",
    "mend_ids",
    "ignore_case",
    "anonymous",
    "keep",
    "where",
)
_SAMPLES = (
    ("anonymous", 'anonymous = ["GUEST", "0"]', "ids that stand for nobody"),
    ("keep", 'keep = { status = ["completed"] }', "values that make a row a sale"),
    ("where", "where = \"Country = 'Germany'\"", "rows that are this shop's"),
)
_WIDTH = 44


def project_text(
    found: Proposal, *, source: str, name: str, margin: float | None, discount_rate: float
) -> str:
    """The project file, of some thirty lines."""
    lines = [
        "# Written by `retention new`, which looked at the file: read each line, change what is wrong.",
        "# `retention check` says what the data hold, `retention run` makes the pages.",
        _line("name", name, "shown on the pages"),
        "",
        "[transactions]",
        _line("source", source, "paths start at this file's folder"),
        *_options(found),
        "",
        "[transactions.columns]",
        *_columns(found),
        "",
        "[money]",
        _line("currency", found.currency, found.why.get("currency", "")),
        _line(
            "margin",
            1.0 if margin is None else margin,
            "share of spend that is profit; with 1.0 a customer's value is revenue",
        ),
        _line("annual_discount_rate", discount_rate, "money in a year is worth so much less"),
        "",
        "[model]",
        _line("time_unit", "W", '"D" days, "W" weeks, "M" months'),
        _line("horizon", 52, "time units to look ahead"),
        _sample("observation_end = 2017-12-31", "last day that counts; else that of the data"),
        "",
        "[reports]",
        _line("output", "reports", "folder of the pages"),
    ]
    return "\n".join(lines) + "\n"


def _options(found: Proposal) -> Iterator[str]:
    for key in _OPTIONS:
        if key in found.options:
            yield _line(key, found.options[key], found.why.get(key, ""))
    for key, text, why in _SAMPLES:
        if key not in found.options:
            yield _sample(text, why)


def _columns(found: Proposal) -> Iterator[str]:
    for role in ("customer_id", "date", "spend", "store_id", "order_id", "category"):
        if role in found.columns:
            column = found.column(role)
            seen = "" if column is None else f"; {_seen(column)}"
            yield _line(role, found.columns[role], f"{found.why[role]}{seen}")
        else:
            usual = {"store_id": "without it all is one store"}.get(role, "none was found")
            yield _sample(f'{role} = "…"', found.why.get(role, usual))


def _seen(column: ColumnSeen) -> str:
    return f"{column.different:,} different: {' · '.join(column.first)}"


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        inside = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    # JSON's text is TOML's, but for a control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(key: str, value: object, why: str) -> str:
    return f"{f'{key} = {toml(value)}':<{_WIDTH}}  {_remark(why)}".rstrip()


def _sample(text: str, why: str) -> str:
    return f"{f'# {text}':<{_WIDTH}}  {_remark(why)}".rstrip()


def _remark(text: str) -> str:
    """A comment of one line, whatever a file's cells hold."""
    return f"# {one_line(text, 110)}" if text else ""


def source_in(folder: Path, source: str) -> str:
    """The source as a project file in a folder names it: from there where it lies within."""
    place = Path(source).resolve()
    home = folder.resolve()
    return place.relative_to(home).as_posix() if place.is_relative_to(home) else str(place)
