"""What a page says to people when tonight's could not be made."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any
from zoneinfo import ZoneInfo

from retention_models import words

NOTICE, NOTICE_END = "<!--notice-->", "<!--/notice-->"


def since_words(since: dict[str, Any], run: str, zone: ZoneInfo) -> str:
    """Since when a store has failed, as a sentence; empty where this is the first time."""
    if since["run"] == run:
        return ""
    first = words.day(dt.date.fromisoformat(since["as_of"]))
    return (
        f"It has failed in every run since the one as of {first} ({_moment(since['utc'], zone)})."
    )


def old_page_words(
    page: dict[str, Any], failure: dict[str, Any], as_of: dt.date, run: str, zone: ZoneInfo
) -> str:
    """What stands above a page of an earlier run."""
    of = words.day(dt.date.fromisoformat(page["as_of"]))
    said = (
        f"This page is old: it shows the store as of {of} and was made {_moment(page['made'], zone)}. "
        f"Tonight's, as of {words.day(as_of)}, could not be made. {failure['message']} "
        f"{since_words(failure['since'], run, zone)}"
    )
    return said.strip()


def with_notice(page: str, said: str) -> str:
    """A published page with a notice above its content, in the place of one that it has."""
    notice = f'<p class="failure old" role="status">{html.escape(said, quote=False)}</p>'
    head, found, rest = page.partition(NOTICE)
    if not found:  # a page of before there were notices
        head, found, rest = page.partition("<main>")
        return f"{head}{found}\n{NOTICE}{notice}{NOTICE_END}{rest}"
    _, _, after = rest.partition(NOTICE_END)
    return f"{head}{NOTICE}{notice}{NOTICE_END}{after}"


def _moment(utc: str, zone: ZoneInfo) -> str:
    return dt.datetime.fromisoformat(utc).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
