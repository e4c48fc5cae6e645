"""Whoever asked for it is told what became of a run: a command, or addresses that apprise knows.

Of a run that ended without its pages, readers of the last ones are told too.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from retention_models.errors import LockHeld, RetentionError, SettingsError
from retention_models.languages import day, phrase
from retention_models.pages.html.kinds import one_line
from retention_models.pages.html.templates import with_notice
from retention_models.project.json_texts import json_text
from retention_models.runs.publishing.files import output_lock, sha256, write_whole
from retention_models.runs.publishing.history import LATEST
from retention_models.runs.publishing.index import INDEX
from retention_models.runs.publishing.manifest import DONE, Manifest, read_manifest
from retention_models.runs.publishing.publish import Tell
from retention_models.settings.credentials import known_secrets, redacted
from retention_models.settings.project import Settings
from retention_models.settings.reports import Notices

TIME_LIMIT = 60  # seconds
_MOST_LINES = 20

log = logging.getLogger(__name__)


def check_notices(notices: Notices) -> None:
    """Refuse, before anything runs, what could not be told at the end."""
    if notices.addresses is None:
        return
    addresses = os.environ.get(notices.addresses, "").split()
    if not addresses:
        raise SettingsError(
            f"reports.notices.addresses: the environment variable {notices.addresses} is not set. It "
            "holds addresses such as mailto://… or slack://…, as apprise writes them."
        )
    try:
        import apprise
    except ImportError:
        raise SettingsError(
            "reports.notices.addresses: needs the package apprise. Install "
            "retention-models[notices]."
        ) from None
    for number, address in enumerate(addresses, start=1):
        if apprise.Apprise.instantiate(address) is None:
            raise SettingsError(
                f"reports.notices.addresses: number {number} in {notices.addresses} is no address "
                "that apprise knows; it is not shown, since it may hold a secret."
            )


def tell_outcome(notices: Notices, manifest: Manifest, chain: str) -> None:
    """Tell what became of a run; what goes wrong here is logged and changes nothing else."""
    summary = outcome(manifest, chain)
    if notices.when == "failure" and not (summary["failed"] or summary["warnings"]):
        return
    if notices.command is not None:
        _run(notices.command, summary)
    if notices.addresses is not None:
        _send(os.environ[notices.addresses].split(), *sentences(summary))


def tell_no_pages(notices: Notices, chain: str, state: str, reason: str, output: Path) -> None:
    """Tell of a run that ended without its pages: refused, failed, stopped, or locked out."""
    index = output.resolve() / "latest" / "index.html"
    summary: dict[str, Any] = {
        "chain": chain,
        "run": None,
        "state": state,
        "as_of": None,
        "counts": {},
        "failed": [],
        "warnings": [],
        "message": reason,
        "index": str(index) if index.is_file() else None,
    }
    if notices.command is not None:
        _run(notices.command, summary)
    if notices.addresses is not None and os.environ.get(notices.addresses):
        title = one_line(f"{chain}: no pages were made ({state})")
        _send(os.environ[notices.addresses].split(), title, f"{reason}\nIndex: {index}")


def outcome(manifest: Manifest, chain: str) -> dict[str, Any]:
    """What a command reads: run, day, counts, stores without a new page, warnings, the index."""
    run = manifest.head["run"]
    failed = [
        {"store": e["store"], "outcome": e["outcome"], "message": e["failure"]["message"]}
        for e in manifest.stores.values()
        if e["run"] == run and e["outcome"] not in DONE and e["failure"] is not None
    ]
    return {
        "chain": chain,
        "run": run,
        "state": manifest.head["state"],
        "as_of": manifest.head["as_of"],
        "counts": manifest.counts(),
        "failed": failed,
        "warnings": list(manifest.head.get("warnings", [])),
        "index": str(Path(manifest.folder).resolve() / "index.html"),
    }


def sentences(summary: dict[str, Any]) -> tuple[str, str]:
    """A title and a text for people."""
    failed, total = summary["failed"], sum(summary["counts"].values())
    fine = f"{total - len(failed)} of {total} stores have their page"
    warnings = summary["warnings"]
    warned = ", published with a warning" if warnings else ""
    title = one_line(f"{summary['chain']}, {summary['as_of']}: {fine}{warned}")
    lines = _some([f"Store {one_line(f['store'])}: {one_line(f['message'])}" for f in failed])
    lines += _some([f"Warning: {one_line(one['message'])}" for one in warnings])
    return title, "\n".join([f"{fine}.", *lines, f"Index: {summary['index']}"])


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"… and {more} more."] if more > 0 else lines


def _run(command: tuple[str, ...], summary: dict[str, Any]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the project file's own command, without a shell
            command,
            input=json_text(summary),
            text=True,
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the command of reports.notices could not be run: %s", one_line(str(error)))
        return
    if done.returncode:
        said = one_line(redacted(done.stderr.strip()))[:500]
        log.error("the command of reports.notices ended with %d: %s", done.returncode, said)


def _send(addresses: list[str], title: str, text: str) -> None:
    import apprise

    told = apprise.Apprise()
    for address in addresses:
        told.add(address)
    if not told.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT):
        log.error("not every address of reports.notices could be told")


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
        manifest.head["files"] = {INDEX: sha256(folder / INDEX)}
        manifest.write()
