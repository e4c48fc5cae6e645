"""Earlier runs: the last good page of a store, since when it has failed, runs to prune."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retention_models.runs.publishing.context import PreviousPage
from retention_models.runs.publishing.files import MAKING, hashes
from retention_models.runs.publishing.manifest import (
    PENDING,
    Entry,
    Manifest,
    read_manifest,
    run_folders,
)

LATEST = "latest"


class History:
    """The runs of an output folder up to a day, read when asked for."""

    def __init__(self, output: Path, as_of: dt.date, today: Mapping[str, Entry]) -> None:
        day = as_of.isoformat()
        self._today = output / day
        self._folders = [f for f in reversed(run_folders(output)) if f.name < day]
        self._read: dict[Path, Mapping[str, Entry]] = {self._today: dict(today)}

    def before(self, page_id: str) -> PreviousPage:
        """What a store has from earlier runs: the newest good page whose files are all as they were."""
        since = None
        tried = False
        for folder, entry in self._entries(page_id):
            if not tried and (entry["outcome"] != PENDING or entry["failure"]):
                tried = True
                since = entry["failure"] and entry["failure"]["since"]
            place = folder / entry["folder"]
            if entry["page"] is not None and hashes(place) == entry["files"]:
                return PreviousPage(place, entry["page"], since)
        return PreviousPage(since=since)

    def _entries(self, page_id: str) -> Iterator[tuple[Path, Entry]]:
        for folder in (self._today, *self._folders):
            if folder not in self._read:
                found = read_manifest(folder)
                self._read[folder] = {} if found is None else found.stores
            if page_id in self._read[folder]:
                yield folder, self._read[folder][page_id]


def unfinished(output: Path, as_of: dt.date | None) -> Manifest | None:
    """The newest run, or that of the last day, if it did not come to its end."""
    days = None if as_of is None else as_of.isoformat()
    found = [
        manifest
        for folder in run_folders(output)
        if days in (None, folder.name) and (manifest := read_manifest(folder)) is not None
    ]
    # Of two in the same second the stopped one was the later: the other had time to finish.
    newest = max(found, key=lambda m: (m.head["started"]["utc"], _stopped(m)), default=None)
    # A clock may have been set back: a run of the last day that was stopped is followed by none.
    candidates = [newest, *found[-1:]]
    return next((m for m in candidates if m is not None and _stopped(m)), None)


def newest_head(output: Path) -> dict[str, Any] | None:
    """The head of the manifest that `latest` leads to, or else of the newest day's."""
    for folder in ((output / LATEST).resolve(), *reversed(run_folders(output))):
        found = read_manifest(folder)
        if found is not None:
            return found.head
    return None


def _stopped(manifest: Manifest) -> bool:
    return bool(manifest.head["state"] != "finished")


def prune(output: Path, keep: int | None, folder: Path) -> list[str]:
    """Remove the folders of old runs."""
    if keep is None:
        return []
    latest = output / LATEST
    stay = {folder.name, os.readlink(latest) if latest.is_symlink() else ""}
    removed = []
    for old in run_folders(output)[:-keep]:
        if old.name in stay or read_manifest(old) is None:
            continue
        # Under another name first: what is half removed is no run any more, and the next one removes
        # the rest.
        going = old.with_name(f"{MAKING}{old.name}")
        os.rename(old, going)
        shutil.rmtree(going)
        removed.append(old.name)
    return removed
