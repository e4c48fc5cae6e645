"""What a page says to people when tonight's could not be made."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any
from zoneinfo import ZoneInfo

from retention_models.languages import Language

NOTICE, NOTICE_END = "<!--notice-->", "<!--/notice-->"


def since_words(since: dict[str, Any], run: str, zone: ZoneInfo, say: Language) -> str:
    """Since when a store has failed, as a sentence; empty where this is the first time."""
    if since["run"] == run:
        return ""
    first = say.day(dt.date.fromisoformat(since["as_of"]))
    return say.text("failure.every_run", day=first, moment=_moment(since["utc"], zone))


def old_page_words(
    page: dict[str, Any],
    failure: dict[str, Any],
    as_of: dt.date,
    run: str,
    zone: ZoneInfo,
    say: Language,
) -> str:
    """What stands above a page of an earlier run."""
    return say.text(
        "failure.old",
        of=say.day(dt.date.fromisoformat(page["as_of"])),
        made=_moment(page["made"], zone),
        day=say.day(as_of),
        reason=failure["message"],
        since=since_words(failure["since"], run, zone, say),
    ).strip()


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
