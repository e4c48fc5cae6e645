"""index.html: every store of a run's folder, with its numbers or why there are none."""

from __future__ import annotations

import datetime as dt
import json
import urllib.parse
from pathlib import Path
from typing import Any

from retention_models.pages.html import render
from retention_models.pages.html.checks import lint, seen
from retention_models.pages.html.failure import with_warnings
from retention_models.pages.html.kinds import CAMPAIGNS, STORE
from retention_models.runs.publishing.context import PublishContext
from retention_models.runs.publishing.files import write_whole
from retention_models.runs.publishing.manifest import PENDING, Entry

INDEX = "index.html"


def publish_index(press: PublishContext) -> Path:
    """Write index.html from the manifest, and say where it is."""
    rows = [_row(press, entry) for entry in press.manifest.stores.values()]
    about = rows, press.settings, press.as_of, press.clock.made
    if press.kind == STORE:
        html = render.index_page(*about, campaigns=_campaigns(press))
    else:
        html = render.campaign_index_page(*about)
    html = with_warnings(html, press.warnings(), press.settings.language)
    path = press.folder / INDEX
    write_whole(path, lint(seen(html), "index"))
    return path


def _campaigns(press: PublishContext) -> str | None:
    """Where the campaigns of the same day have their index, seen from the stores'."""
    of_day = f"{CAMPAIGNS}/{press.folder.name}/{INDEX}"
    return f"../{of_day}" if (press.folder.parent / of_day).is_file() else None


def _row(press: PublishContext, entry: Entry) -> dict[str, Any]:
    name, page, failure = entry["folder"], entry["page"], entry["failure"]
    metrics, failed = None, None
    if page is not None:
        metrics = json.loads(
            (press.folder / name / press.kind.headline).read_text(encoding="utf-8")
        )
    if failure is not None:
        failed = failure["message"]
    elif entry["outcome"] == PENDING:
        failed = press.settings.language.text("failure.pending")
    old = None
    if page is not None and failure is not None:
        old = press.settings.language.day(dt.date.fromisoformat(page["as_of"]))
    return {
        "name": press.kind.title(press.settings, entry["store"])[1],
        # Twice: a folder's name holds %-signs of its own.
        "href": urllib.parse.quote(f"{name}/{press.kind.page}") if entry["files"] else None,
        "metrics": metrics,
        "failure": failed,
        "old": old,
    }
