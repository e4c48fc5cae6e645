"""Templates with their style sheet and script, each let in by its hash, and the words they say."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import markupsafe

from retention_models.languages import Language
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
        "shown": _shown,
        "moved_by": _moved_by,
        "percent": _percent,
        "first_sentence": _first_sentence,
        "lifts": _lifts,
        "verdict": _verdict,
        "said_day": lambda iso, language: language.day(dt.date.fromisoformat(iso)),
        "sortable_day": lambda iso: iso.replace("-", ""),
    }


def _verdict(verdict: str, language: Language) -> str:
    """A forecast's verdict; one that this version does not know is of a page of another."""
    return language.translated(WORDS.get(f"verdict.{verdict}", verdict))


def _shown(value: float, kind: str, language: Language) -> str:
    if kind == "share":
        return language.share(value)
    return language.figures(f"{value:,.2f}" if kind == "money" else f"{value:,.0f}")


def _moved_by(value: float, kind: str, language: Language) -> str:
    if kind == "share":
        text = language.text("points", n=language.figures(f"{100 * value:+.1f}"))
    else:
        text = language.figures(f"{value:+,.2f}" if kind == "money" else f"{value:+,.0f}")
    return language.isolated(text.replace("-", "−"))


def _percent(value: float, language: Language) -> str:
    number = f"{value:+.0f}".replace("-", "−") if round(value) else "0"
    return language.isolated(language.percent(number))


def _first_sentence(text: str) -> str:
    # Whatever ends a sentence in the language, where it is not a full stop and a space.
    first, found, _ = text.partition(". ")
    return f"{first}." if found else text


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


def _in_css(text: str) -> str:
    """Text as a CSS string holds it: whatever is not a letter, a digit or a space by its number."""
    return re.sub(r"[^\w ]|_", lambda found: f"\\{ord(found[0]):06x}", text)
