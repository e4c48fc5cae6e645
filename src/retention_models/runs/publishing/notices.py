"""Whoever asked for it is told what became of a run: a command, or addresses that apprise knows."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from pathlib import Path
from typing import Any

from retention_models.errors import SettingsError
from retention_models.pages.html.kinds import one_line
from retention_models.runs.publishing.manifest import DONE, Manifest
from retention_models.settings.credentials import redacted
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
            input=json.dumps(summary),
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
