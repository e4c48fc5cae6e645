"""A store's files built aside from its executed notebook, checked, and renamed into place."""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat

from retention_models.languages import phrase
from retention_models.pages.chain.headlines import HeadlineError, read_headline
from retention_models.pages.html import render
from retention_models.pages.html.checks import (
    PageError,
    lint,
    require_forms,
    require_no_secret,
    seen,
)
from retention_models.pages.html.kinds import PageKind
from retention_models.pages.html.templates import old_page_words, with_notice, with_warnings
from retention_models.project.json_texts import json_text
from retention_models.runs.execution.results import ExecutionResult
from retention_models.runs.publishing.context import (
    ExecutedPage,
    PreviousPage,
    PublishContext,
    utc,
)
from retention_models.runs.publishing.files import (
    copy_tree,
    hashes,
    new_folder,
    no_file_in,
    swap_in,
    sync_tree,
)
from retention_models.runs.publishing.manifest import KEPT, PUBLISHED, Entry
from retention_models.settings.credentials import redacted

log = logging.getLogger(__name__)

DETAILS, FAILED_NOTEBOOK = "failure.txt", "failed_report.ipynb"

_KIND = {"cell failed": "cell", "timed out": "time", "kernel died": "kernel"}
_OUTCOME = {"time": "timed out", "kernel": "kernel died"}


class PageFailure(RuntimeError):
    """A store's page could not be made: kind and message are the manifest's, details for the mender."""

    def __init__(self, kind: str, message: str, details: str, **more: Any) -> None:
        super().__init__(message)
        self.kind, self.details, self.more = kind, details, more


def publish(press: PublishContext, tried: ExecutedPage) -> Entry:
    """Publish a store's page, or the failure in its place."""
    try:
        _build(press, tried)
        settled = _settled(press, tried, PUBLISHED, tried.staging)
        settled["page"] = press.page
    except Exception as error:  # noqa: BLE001 - one store never stops the others
        return _publish_failure(press, tried, error)
    return _put(press, tried, settled, tried.staging)


def warn(press: PublishContext, page_id: str) -> None:
    """Give a page that stands unchanged today's warnings about the data, instead of earlier ones."""
    place, entry = press.place(page_id), press.manifest.stores[page_id]
    say = press.settings.language
    texts = _pages_in(place, press.kind)
    warned = {
        name: with_warnings(text, press.warnings(page_id), say) for name, text in texts.items()
    }
    if warned == texts:
        return
    made = new_folder(press.folder)
    settled = {name: value for name, value in entry.items() if name not in ("store", "folder")}
    try:
        copy_tree(place, made)
        _write_pages(warned, made)
        settled["files"] = hashes(made)
        sync_tree(made)
        press.manifest.intend(page_id, settled)
        swap_in(made, place)
    except OSError as error:  # the page stands as it is; the index has the warning
        log.error("the page of %s could not be given its warning: %s", page_id, error.strerror)
        shutil.rmtree(made, ignore_errors=True)
        settled["files"] = hashes(place)
    press.manifest.settle(page_id, settled)


def _pages_in(folder: Path, kind: PageKind) -> dict[str, str]:
    """The pages of a folder, by file."""
    there = (folder / name for name in kind.pages)
    return {path.name: path.read_text(encoding="utf-8") for path in there if path.is_file()}


def _write_pages(pages: Mapping[str, str], folder: Path) -> None:
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")


def withdraw(
    press: PublishContext, page_id: str, look: Callable[[], PreviousPage], known: Entry
) -> Entry:
    """Take back a page whose files are no longer those that were published."""
    entry = press.manifest.stores[page_id]
    moment = entry["ended"] or utc(press.clock.now())
    was = ExecutionResult("ok", True, moment, moment, tries=entry["attempts"])
    tried = ExecutedPage(page_id, was, new_folder(press.folder), look, known)
    changed = PageError("Its files were changed after they were published.")
    return _publish_failure(press, tried, changed)


def _publish_failure(press: PublishContext, tried: ExecutedPage, error: Exception) -> Entry:
    """Publish the last good page under a banner, or a page that says what failed; see `publish`."""
    failure, details = _failure(press, error, tried.before)
    try:
        made = _rebuild(press, tried, failure, details)
        settled = _settled(press, tried, _outcome(failure, tried.before), made)
    except OSError as full:
        return _unwritten(press, tried, full)
    settled.update(failure=failure, page=tried.before.page)
    return _put(press, tried, settled, made)


def _put(press: PublishContext, tried: ExecutedPage, settled: Entry, made: Path) -> Entry:
    """Rename a finished folder into place, with the manifest told before and after."""
    target = press.place(tried.page_id)
    try:
        sync_tree(made)
    except OSError as error:
        return _unwritten(press, tried, error, made)
    press.manifest.intend(tried.page_id, settled)
    try:
        swap_in(made, target)
    except OSError as error:
        if hashes(target) != settled["files"]:
            return _unwritten(press, tried, error, made)
    press.manifest.settle(tried.page_id, settled)
    return settled


def _build(press: PublishContext, tried: ExecutedPage) -> None:
    """The page, beside what the notebook wrote; an error where one of them is not to be published."""
    result, staging, page_id = tried.result, tried.staging, tried.page_id
    if result.status != "ok":
        raise PageFailure(
            _KIND.get(result.status, "start"),
            result.sentence,
            result.details,
            cell=result.cell,
            error=result.error,
        )
    if (odd := no_file_in(staging)) is not None:
        raise PageError(f"Its folder holds {odd}, which is no file that can be published.")
    if result.files is not None and hashes(staging) != result.files:
        raise PageError("Its files were changed after its notebook had ended.")
    notebook = nbformat.read(staging / press.kind.notebook, as_version=4)
    _require_json(notebook)
    require_forms(notebook)
    made = press.clock.made(press.settings.language)
    pages = render.notebook_pages(notebook, press.settings, page_id, press.as_of, made, press.kind)
    for name, page in pages.items():
        warned = with_warnings(page, press.warnings(page_id), press.settings.language)
        pages[name] = lint(seen(warned), f"{press.kind.name} {page_id}")
    _write_pages(pages, staging)
    _require_headline(staging / press.kind.headline, press.kind, page_id)
    require_no_secret(staging, press.secrets)


def _require_json(notebook: nbformat.NotebookNode) -> None:
    try:
        json.dumps(notebook, allow_nan=False)
    except ValueError:
        raise PageError(
            "Its notebook shows NaN or infinity as data of an output, which JSON does not have."
        ) from None


def _strict(notebook: str) -> str:
    """A notebook's text with null for what JSON does not have; one that is no JSON as it is."""
    odd: list[str] = []
    try:
        content = json.loads(notebook, parse_constant=odd.append)
    except (ValueError, RecursionError):
        return notebook
    return json_text(content, indent=1) if odd else notebook


def _require_headline(path: Path, kind: PageKind, page_id: str) -> None:
    if not path.is_file():
        raise PageError(f"Its notebook wrote no {path.name}.")
    try:
        found = read_headline(path, kind)
    except HeadlineError as error:
        raise PageError(f"Its {path.name} lacks what the index shows ({error}).") from None
    of = found.get(kind.name, page_id)
    if of != page_id:
        raise PageError(f"Its {path.name} is of the {kind.name} {of!r}.")


def _failure(
    press: PublishContext, error: Exception, before: PreviousPage
) -> tuple[dict[str, Any], str]:
    """The manifest's `failure`, and the text of the file with its details."""
    kind, message, details, more = "page", str(error), str(error), {}
    if isinstance(error, PageFailure):
        kind, details, more = error.kind, error.details, error.more
    elif isinstance(error, PageError):
        message = phrase("Its page did not pass the last check.")
    else:
        kind = "disk" if isinstance(error, OSError) else "page"
        message = phrase("Making its page stopped with {error}.", error=type(error).__name__)
        details = "".join(traceback.format_exception(error))
    first = {"run": press.run, "as_of": press.as_of.isoformat(), "utc": utc(press.clock.started)}
    name = more.get("error")
    failure = {
        "kind": kind,
        "cell": more.get("cell"),
        "error": None if name is None else redacted(name, press.secrets),
        "message": redacted(message, press.secrets),
        "details": DETAILS,
        "since": before.since or first,
    }
    return failure, redacted(details, press.secrets)


def _outcome(failure: dict[str, Any], before: PreviousPage) -> str:
    return KEPT if before.page else _OUTCOME.get(failure["kind"], "failed")


def _rebuild(
    press: PublishContext, tried: ExecutedPage, failure: dict[str, Any], details: str
) -> Path:
    """A folder with the last good page under a banner, or a page that says what failed."""
    folder, before = new_folder(press.folder), tried.before
    if before.folder is not None and before.page is not None:
        copy_tree(before.folder, folder)
        # Not checked anew: they passed the check of their day, and the notice is escaped text.
        zone, say = press.settings.zone, press.settings.language
        said = old_page_words(before.page, failure, press.as_of, press.run, zone, say)
        old = _pages_in(folder, press.kind)
        pages = {name: with_notice(page, said) for name, page in old.items()}
    else:
        page = render.failure_page(
            failure,
            press.settings,
            tried.page_id,
            press.as_of,
            press.clock.made(press.settings.language),
            press.run,
            press.kind,
        )
        pages = {press.kind.page: lint(seen(page), f"{press.kind.name} {tried.page_id}")}
    _write_pages(pages, folder)
    (folder / DETAILS).write_text(details, encoding="utf-8")
    (folder / FAILED_NOTEBOOK).unlink(missing_ok=True)  # of an earlier night
    ran = tried.staging / press.kind.notebook
    if ran.is_file() and not ran.is_symlink():
        text = redacted(_strict(ran.read_text(encoding="utf-8")), press.secrets)
        (folder / FAILED_NOTEBOOK).write_text(text, encoding="utf-8")
    shutil.rmtree(tried.staging)
    return folder


def _settled(press: PublishContext, tried: ExecutedPage, outcome: str, folder: Path) -> Entry:
    result = tried.result
    return {
        "run": press.run,
        "outcome": outcome,
        "failure": None,
        "ended": utc(press.clock.now()),
        "seconds": round(_between(result.started, result.ended) or 0.0, 3),
        "attempts": result.tries,
        "cells": [
            {"cell": cell.cell, "seconds": _between(cell.started, cell.ended)}
            for cell in result.cells
        ],
        **tried.known,
        "page": None,
        "files": hashes(folder),
    }


def _between(started: str, ended: str | None) -> float | None:
    if ended is None:
        return None
    passed = dt.datetime.fromisoformat(ended) - dt.datetime.fromisoformat(started)
    return round(max(0.0, passed.total_seconds()), 3)  # a clock may have been set back meanwhile


def _unwritten(press: PublishContext, tried: ExecutedPage, error: OSError, *made: Path) -> Entry:
    """Where nothing could be written the folder stays as it was, and the manifest says so."""
    for folder in {tried.staging, *made}:
        shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is at the next run
    target = press.place(tried.page_id)
    failure, _ = _failure(press, error, tried.before)
    reason = error.strerror or type(error).__name__
    failure["message"] = phrase("Its files could not be written: {reason}.", reason=reason)
    failure["details"] = None
    here = tried.before.page if tried.before.folder == target else None
    settled = _settled(press, tried, KEPT if here else "failed", target)
    settled.update(failure=failure, page=here)
    press.manifest.settle(tried.page_id, settled)
    return settled
