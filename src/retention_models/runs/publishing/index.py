"""index.html: every store of a run's folder, with its numbers or why there are none."""

from __future__ import annotations

import datetime as dt
import logging
import urllib.parse
from dataclasses import replace
from pathlib import Path
from typing import Any

from retention_models.languages import duration
from retention_models.pages.chain.headlines import HeadlineError, read_headline
from retention_models.pages.html import render
from retention_models.pages.html.checks import lint, seen
from retention_models.pages.html.kinds import CAMPAIGN, CAMPAIGNS, STORE
from retention_models.pages.html.templates import with_warnings
from retention_models.project.store_handover import LIST_TESTS, read_list_tests
from retention_models.runs.publishing.context import PublishContext
from retention_models.runs.publishing.files import write_whole
from retention_models.runs.publishing.manifest import PENDING, Entry, read_manifest

INDEX = "index.html"

log = logging.getLogger(__name__)


def publish_index(press: PublishContext) -> Path:
    """Write index.html from the manifest, and say where it is."""
    rows = [_row(press, entry) for entry in press.manifest.stores.values()]
    about = rows, press.settings, press.as_of, press.clock.made(press.settings.language)
    if press.kind == STORE:
        tests = read_list_tests(press.folder / LIST_TESTS)
        html = render.index_page(*about, _campaigns(press), _campaign_rows(press), tests)
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


def _campaign_rows(press: PublishContext) -> list[dict[str, Any]]:
    """The rows of that index, their addresses as seen from the stores'."""
    folder = press.folder.parent / CAMPAIGNS / press.folder.name
    manifest = read_manifest(folder) if _campaigns(press) else None
    if manifest is None:
        return []
    theirs = replace(press, folder=folder, manifest=manifest, kind=CAMPAIGN)
    rows = [_row(theirs, entry) for entry in manifest.stores.values()]
    to = f"../{CAMPAIGNS}/{press.folder.name}/"
    return [row | {"href": row["href"] and f"{to}{row['href']}"} for row in rows]


def _row(press: PublishContext, entry: Entry) -> dict[str, Any]:
    name, page, failure = entry["folder"], entry["page"], entry["failure"]
    metrics, failed = None, None
    if failure is not None:
        failed = failure["message"]
    elif entry["outcome"] == PENDING:
        failed = press.settings.language.text("failure.pending")
    if page is not None:
        metrics, why = _numbers(press, entry)
        failed = why or failed
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


def _numbers(press: PublishContext, entry: Entry) -> tuple[dict[str, Any] | None, str | None]:
    """A page's headline numbers, or why the index shows none of them."""
    say = press.settings.language
    path = press.folder / entry["folder"] / press.kind.headline
    try:
        metrics = read_headline(path, press.kind)
    except HeadlineError as error:
        log.warning("%s of %s cannot be read: %s", path.name, entry["store"], error)
        return None, say.text("index.unreadable", file=path.name)
    if press.kind == STORE and not _of_these_settings(press, entry["page"], metrics):
        day = say.day(dt.date.fromisoformat(entry["page"]["as_of"]))
        return None, say.text("index.other_settings", day=day)
    return metrics, None


def _of_these_settings(press: PublishContext, page: Entry, metrics: dict[str, Any]) -> bool:
    """Whether a page was made with the money, the model and the horizon of the index's heading."""
    if "settings" in page:
        return bool(page["settings"] == press.page["settings"])
    # A page of before that was kept: by what stands beside its numbers.
    model, money = press.settings.model, press.settings.money
    now = {
        "currency": money.currency,
        "horizon": duration(model.horizon, model.time_unit),
        "interval": model.interval,
    }
    return all(metrics.get(name) in (None, value) for name, value in now.items())
