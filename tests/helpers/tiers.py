"""Sizes of what is tested at every change and in a nightly run, and the page of its last figures."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

NIGHTLY = bool(os.environ.get("RETENTION_MODELS_NIGHTLY"))
TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "nightly.md"
HEAD = """# Tests at full size

What is too long for every change: simulations, every fault and a year of nights at full size, by
`make nightly`, which writes this page. A figure is what a test measured; the test holds it against its
nominal value, within the Monte Carlo error. Of a run of some of the tests only their rows are written
anew: each row tells the day on which its test last ran.

{tests} tests, of which {failed} failed, run from {first} to {last}.

| file | test | outcome | figures | seconds | day |
|---|---|---|---|---|---|
"""


class Row(NamedTuple):
    """What the page tells of a test."""

    file: str
    test: str
    outcome: str
    figures: str
    seconds: str
    day: str


def sized(change: int, nightly: int) -> int:
    """How many: at every change, and nightly."""
    return nightly if NIGHTLY else change


def few(quick: int, cases: Sequence[Any], change: int | None = None) -> list[Any]:
    """Cases of a test: the first tried with the quick tests, others with the slow, up to `change`.

    The rest is tried nightly.
    """
    rest = [
        pytest.param(
            *(one if isinstance(one, tuple) else (one,)),
            marks=pytest.mark.slow if change is None or place < change else pytest.mark.nightly,
        )
        for place, one in enumerate(cases)
        if place >= quick
    ]
    return [*cases[:quick], *rest]


def many(nightly: int, change: int | None = None) -> Any:
    """A size of the slow tests, and of a nightly run; a third of that unless given."""
    marks = [pytest.mark.slow, pytest.mark.sized]
    return pytest.param(sized(change or nightly // 3, nightly), id="many", marks=marks)


def write_page(reports: Iterable[object], page: Path = PAGE) -> None:
    """The figures of a nightly run's tests, for `docs/`; those of tests that did not run stay."""
    rows = {row[:2]: row for row in _told(page) if _is_there(row)}
    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    for report in reports:
        path, _, test = report.nodeid.replace("|", "/").partition("::")
        figures = ", ".join(f"{key} {value}" for key, value in report.user_properties)
        file = path.removeprefix("tests/")
        told = (report.outcome, figures.replace("|", "/"), f"{report.duration:.0f}", today)
        rows[file, test] = Row(file, test, *told)
    if not rows:
        return
    days = [row.day for row in rows.values()]
    failed = sum(row.outcome == "failed" for row in rows.values())
    head = HEAD.format(tests=len(rows), failed=failed, first=min(days), last=max(days))
    lines = [f"| {' | '.join(rows[key])} |" for key in sorted(rows)]
    page.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def _told(page: Path) -> list[Row]:
    """Rows of the page as it stands."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [Row(*row) for row in cells[1:] if len(row) == len(Row._fields)]


def _is_there(row: Row) -> bool:
    """Whether the file still holds the test."""
    path = TESTS / row.file
    name = re.escape(row.test.partition("[")[0])
    return path.exists() and bool(re.search(rf"def {name}\(", path.read_text(encoding="utf-8")))
