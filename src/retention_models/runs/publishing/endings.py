"""A run that ended without its pages: readers of the last ones, and the project's notices, are told."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retention_models.errors import LockHeld, RetentionError
from retention_models.languages import day, phrase
from retention_models.pages.html.failure import with_notice
from retention_models.pages.html.kinds import one_line
from retention_models.runs.publishing.files import hashes, output_lock, write_whole
from retention_models.runs.publishing.index import INDEX
from retention_models.runs.publishing.manifest import LATEST, read_manifest
from retention_models.runs.publishing.notices import tell_no_pages
from retention_models.runs.publishing.publish import Tell
from retention_models.settings.credentials import known_secrets, redacted
from retention_models.settings.project import Settings

log = logging.getLogger(__name__)


@contextmanager
def told_of_every_end(settings: Settings, output: Path, tell: Tell) -> Iterator[None]:
    """Whatever ends a run before its pages are made is told wherever the project file says.

    The newest index gets a notice above it, the file of events an event, and `reports.notices` are
    told; then the error goes on. A run that stops for another one, or is stopped by whoever started
    it, leaves the index as it is.
    """
    try:
        yield
    except BaseException as error:
        reason = redacted(one_line(_reason(error)), known_secrets())
        tell("ended", state=_state(error), message=reason)
        if isinstance(error, Exception) and not isinstance(error, LockHeld):
            with suppress(OSError, LockHeld):  # the reason may be that very folder
                _say_on_index(settings, output, reason)
        tell_no_pages(settings.reports.notices, settings.name, _state(error), reason, output)
        raise


def _state(error: BaseException) -> str:
    """What a scheduler and a notice may tell apart."""
    if isinstance(error, LockHeld):
        return "locked"
    if isinstance(error, RetentionError):
        return "refused"
    return "failed" if isinstance(error, Exception) else "stopped"


def _reason(error: BaseException) -> str:
    if isinstance(error, RetentionError):
        return str(error)
    return "".join(traceback.format_exception_only(error)).strip()


def _say_on_index(settings: Settings, output: Path, reason: str) -> None:
    """Put a notice above the index that `latest` leads to, and its new hash into the manifest."""
    folder = (output / LATEST).resolve()
    if not (folder / INDEX).is_file():
        return
    with output_lock(output):
        manifest = read_manifest(folder)
        if manifest is None:
            return
        today = dt.datetime.now(tz=settings.zone).date()
        said = phrase(
            "On {today} no new pages could be made; these are of {old}. {reason}",
            today=day(today),
            old=day(dt.date.fromisoformat(manifest.head["as_of"])),
            reason=reason,
        )
        text = (folder / INDEX).read_text(encoding="utf-8")
        write_whole(folder / INDEX, with_notice(text, said))
        manifest.head["files"] = {INDEX: hashes(folder)[INDEX]}
        manifest.write()
