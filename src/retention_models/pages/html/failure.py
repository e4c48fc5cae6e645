"""What a page says to people when tonight's could not be made."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from retention_models.languages import Language

NOTICE, NOTICE_END = "<!--notice-->", "<!--/notice-->"
_MOST_WARNINGS = 5


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
    return _with(page, f"{NOTICE}{notice}{NOTICE_END}")


def with_warnings(page: str, sentences: Sequence[str], say: Language) -> str:
    """A published page with what its data give to warn of above its content; without any, as it was."""
    if not sentences:
        return _with(page, NOTICE + NOTICE_END)
    shown = list(sentences[:_MOST_WARNINGS])
    if len(sentences) > len(shown):
        shown.append(say.counted("warnings.more", len(sentences) - len(shown)))
    said = html.escape(" ".join([say.text("warnings"), *shown]), quote=False)
    notice = f'<p class="refusal warning" role="status">{said}</p>'
    return _with(page, f"{NOTICE}{notice}{NOTICE_END}")


def _with(page: str, notice: str) -> str:
    head, found, rest = page.partition(NOTICE)
    if not found:  # a page of before there were notices
        main = re.search(r"<main\b[^>]*>", page)
        place = main.end() if main else 0
        return f"{page[:place]}\n{notice}{page[place:]}"
    _, _, after = rest.partition(NOTICE_END)
    return f"{head}{notice}{after}"


def _moment(utc: str, zone: ZoneInfo) -> str:
    return dt.datetime.fromisoformat(utc).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
