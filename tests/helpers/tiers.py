"""Sizes of what is tested at every change and in a nightly run, and the page of its last figures."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

NIGHTLY = bool(os.environ.get("RETENTION_MODELS_NIGHTLY"))
PAGE = Path(__file__).parents[2] / "docs" / "nightly.md"
HEAD = """# The last nightly run

What is too long for every change: simulations, every fault and a year of nights at full size, by
`make nightly`, which writes this page. A figure is what a test measured; the test holds it against its
nominal value, within the Monte Carlo error.

{day}: {passed} passed, {failed} failed.

| test | figures | seconds |
|---|---|---|
"""


def sized(change: int, nightly: int) -> int:
    """How many: at every change, and nightly."""
    return nightly if NIGHTLY else change


def write_page(reports: Iterable[object]) -> None:
    """The figures of a nightly run's tests, for `docs/`."""
    rows, outcomes = [], []
    for report in reports:
        outcomes.append(report.outcome)
        given = dict(report.user_properties)
        if given or report.outcome == "failed" or report.duration > 10.0:
            name = report.nodeid.rpartition("/")[2].replace("::test_", ": ").replace("|", "/")
            told = ", ".join(f"{key} {value}" for key, value in given.items())
            if report.outcome == "failed":
                told = f"**failed** {told}"
            rows.append(f"| {name.replace('_', ' ')} | {told} | {report.duration:.0f} |")
    text = HEAD.format(
        day=dt.datetime.now(dt.UTC).date(),
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
    )
    PAGE.write_text(text + "\n".join(sorted(rows)) + "\n", encoding="utf-8")
