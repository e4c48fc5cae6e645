"""manifest.json: what a run did to every store, written whole whenever it changes.

Earlier runs' manifests tell the last good page of a store, since when it has failed, and what to prune.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import fastjsonschema

from retention_models.pages.html.kinds import one_line
from retention_models.runs.publishing.context import PreviousPage
from retention_models.runs.publishing.files import MAKING, hashes, write_whole

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
SCHEMA = 1
PENDING, PUBLISHING, PUBLISHED, SKIPPED, KEPT = (
    "pending",
    "publishing",
    "published",
    "skipped",
    "kept",
)
DONE = {PUBLISHED, SKIPPED}

# A store's entry, as the schema's `settled` has it, and with its id as `store` has it.
Entry = dict[str, Any]


@dataclass
class Manifest:
    """A run's manifest."""

    folder: Path  # the run's folder
    head: dict[str, Any]  # everything but the stores
    # Entry of every store by its id, in the order of the run; an entry is replaced, never
    # changed.
    stores: dict[str, Entry] = field(default_factory=dict)
    _texts: dict[str, tuple[Entry, str]] = field(default_factory=dict, repr=False)

    def counts(self) -> dict[str, int]:
        """Stores by outcome."""
        found = Counter(entry["outcome"] for entry in self.stores.values())
        return dict(sorted(found.items()))

    def write(self) -> None:
        """Write it, whole."""
        head = json.dumps({**self.head, "counts": self.counts()}, indent=1, allow_nan=False)
        stores = ",\n".join(self._text(page_id) for page_id in self.stores)
        body = head.removesuffix("\n}")
        text = f'{body},\n "stores": [\n{stores}\n ]\n}}\n'
        write_whole(self.folder / MANIFEST, text)

    def _text(self, page_id: str) -> str:
        """An entry as a line of JSON; one that is as it was at the last writing is not made again."""
        entry = self.stores[page_id]
        known, text = self._texts.get(page_id, (None, ""))
        if known is not entry:
            text = f"  {json.dumps(entry, allow_nan=False)}"
            self._texts[page_id] = entry, text
        return text

    def intend(self, page_id: str, settled: Entry) -> None:
        """Write what will hold of a store once its folder is renamed into place.

        A run that dies during the renaming leaves this entry; whoever reads it can tell from the
        files' sha256 whether it happened (`reconciled`).
        """
        entry = self.stores[page_id]
        self.stores[page_id] = {**entry, "outcome": PUBLISHING, "next": settled}
        self.write()

    def settle(self, page_id: str, settled: Entry) -> None:
        """Write what became of a store."""
        entry = self.stores[page_id]
        self.stores[page_id] = {"store": entry["store"], "folder": entry["folder"], **settled}
        self.write()


def read_manifest(folder: Path) -> Manifest | None:
    """A folder's manifest, every store reconciled with its files; None where there is none."""
    if not (folder / MANIFEST).is_file():  # to open a pipe would wait for its other end
        return None
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s counts as not there: %s", folder / MANIFEST, one_line(str(error))[:200])
        return None
    mistake = _mistake(content)
    if mistake is not None:
        log.warning("%s counts as not there: %s", folder / MANIFEST, mistake)
        return None
    entries = content.pop("stores")
    stores = {entry["store"]: reconciled(entry, folder) for entry in entries}
    return Manifest(folder, content, stores)


def _mistake(content: Any) -> str | None:
    """What of a manifest is not as its schema says, or None."""
    try:
        _validator()(content)
    except (fastjsonschema.JsonSchemaValueException, RecursionError) as error:
        return one_line(str(error))[:200]
    for name in ("store", "folder"):
        if len({entry[name] for entry in content["stores"]}) < len(content["stores"]):
            return f"two entries have the same {name}"
    if any("next" not in e for e in content["stores"] if e["outcome"] == PUBLISHING):
        return "an entry that is being published does not say as what"
    return None


def reconciled(entry: Entry, folder: Path) -> Entry:
    """An entry that a run left while publishing, by what the store's folder holds in fact."""
    if entry["outcome"] != PUBLISHING:
        return entry
    after = entry["next"]
    names = {"store": entry["store"], "folder": entry["folder"]}
    if hashes(folder / entry["folder"]) == after["files"]:
        return {**names, **after}
    before = {name: value for name, value in entry.items() if name != "next"}
    return {**before, "outcome": PENDING}


def run_folders(output: Path) -> list[Path]:
    """Folders of an output folder that hold a run, by their last day."""
    return sorted(path.parent for path in output.glob(f"????-??-??/{MANIFEST}"))


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a manifest."""
    text = files(__package__).joinpath("manifest.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def _validator() -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = fastjsonschema.compile(schema())
    return found


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
    """The newest run, of a day or of any, if it did not come to its end."""
    days = None if as_of is None else as_of.isoformat()
    found = [
        manifest
        for folder in run_folders(output)
        if days in (None, folder.name) and (manifest := read_manifest(folder)) is not None
    ]
    # Of two in the same second the stopped one was the later: the other had time to finish.
    newest = max(found, key=lambda m: (m.head["started"]["utc"], _stopped(m)), default=None)
    return newest if newest is not None and _stopped(newest) else None


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
