"""Templates with their style sheet and script, each let in by its hash, and the words they say.

Among them is the page of a store whose report could not be made.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import markupsafe

from retention_models.languages import Language, first_sentence
from retention_models.languages.directions import with_english_told
from retention_models.languages.template_words import WORDS

_TEMPLATES = files(__package__).joinpath("templates")


def template_text(name: str) -> str:
    """A file of the folder of templates."""
    return _TEMPLATES.joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """The hash of an inline style or script as a Content-Security-Policy names it."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def style() -> str:
    """The style sheet, as it stands between <style> and </style>."""
    return f"\n{template_text('page.css')}"


@cache
def script() -> str:
    """The script, as it stands between <script> and </script>."""
    return f"\n{template_text('page.js')}"


def bdi(name: str) -> markupsafe.Markup:
    """A name, which may run in a direction of its own."""
    return markupsafe.Markup("<bdi>{}</bdi>").format(name)


def speech(language: Language) -> dict[str, Any]:
    """What a template needs of a language; a sentence and its places are escaped, but for markup."""

    def say(key: str, **places: object) -> markupsafe.Markup:
        return filled(language.translated(WORDS[key]), places)

    def counted(key: str, n: int, **places: object) -> markupsafe.Markup:
        one, many = WORDS[f"{key}.one"], WORDS[f"{key}.many"]
        number = language.figures(f"{n:,}")
        return filled(language.translated_plural(one, many, n), {"n": number, **places})

    def filled(sentence: str, places: dict[str, object]) -> markupsafe.Markup:
        isolated = {name: language.isolated(value) for name, value in places.items()}
        return markupsafe.escape(sentence).format(**isolated)

    return {
        "lang": language.code,
        "dir": language.direction,
        "say": say,
        "counted": counted,
        "bdi": bdi,
        "language": language,
    }


def add_filters(environment: jinja2.Environment) -> None:
    """Give the templates of whole pages their filters."""
    environment.filters |= {
        "percent": _percent,
        "first_sentence": first_sentence,
        "lifts": _lifts,
        "said_day": lambda iso, language: language.day(dt.date.fromisoformat(iso)),
        "sortable_day": lambda iso: iso.replace("-", ""),
    }


def _percent(value: float, language: Language) -> str:
    number = f"{value:+.0f}".replace("-", "−") if round(value) else "0"
    return language.isolated(language.percent(language.figures(number)))


def _lifts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Lifts of the primary outcome in the campaign's days, one an arm, named where there are several."""
    rows = [row for row in told.get("effects") or [] if row.get("lift_percent") is not None]
    decides = told.get("primary") or next((row["outcome"] for row in rows), None)
    found = [
        {
            "arm": row["arm"],
            "value": row["lift_percent"],
            "low": row["lift_low"],
            "high": row["lift_high"],
        }
        for row in rows
        if (row["outcome"], row["window"]) == (decides, "campaign")
        and row["estimand"] in {"itt", "att"}
    ]
    return found if len(found) > 1 else [one | {"arm": ""} for one in found]


def labels_style(table: str, labels: Sequence[str]) -> str:
    """Rules that name the cells of tables of a class where they are shown as cards, the first apart."""
    rules = "".join(
        f'  .{table} td:nth-child({place}):not([colspan])::before {{ content: "{_in_css(label)}: "; '
        "color: var(--soft); }\n"
        for place, label in enumerate(labels[1:], start=2)
    )
    return f"@media (max-width: 640px) {{\n{rules}}}\n"


# Styles of CSS's counters, by the language's digit for nought.
_COUNTERS = {"٠": ", arabic-indic", "۰": ", persian", "০": ", bengali", "०": ", devanagari"}


def sheet_style(named: str, language: Language) -> str:
    """Rules that print what a page is of, and the sheet's number, at the foot of each sheet."""
    digits = _COUNTERS.get(language.digits[0], "")
    return (
        f'@page {{ @bottom-left {{ content: "{_in_css(named)}"; }} '
        f'@bottom-right {{ content: counter(page{digits}) " / " counter(pages{digits}); }} }}\n'
    )


def _in_css(text: str) -> str:
    """Text as a CSS string holds it: whatever is not a letter, a digit or a space by its number."""
    # The white space after a number is of the escape, not of the text.
    return re.sub(r"[^\w ]|_", lambda found: f"\\{ord(found[0]):06x} ", text)


NOTICE, NOTICE_END = "<!--notice-->", "<!--/notice-->"
_MOST_WARNINGS = 5


def since_words(since: dict[str, Any], run: str, zone: ZoneInfo, say: Language) -> str:
    """Since when a store has failed, as a sentence; empty where this is the first time."""
    if since["run"] == run:
        return ""
    first = say.day(dt.date.fromisoformat(since["as_of"]))
    return say.text("failure.every_run", day=first, moment=_moment(since["utc"], zone, say))


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
        made=_moment(page["made"], zone, say),
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
        return with_english_told(f"{page[:place]}\n{notice}{page[place:]}")
    _, _, after = rest.partition(NOTICE_END)
    return with_english_told(f"{head}{notice}{after}")


def _moment(utc: str, zone: ZoneInfo, say: Language) -> str:
    return say.moment(dt.datetime.fromisoformat(utc).astimezone(zone))
