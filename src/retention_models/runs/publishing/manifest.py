"""manifest.json: what a run did to every store, with a journal of what changed since it was written."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import fastjsonschema

from retention_models.pages.html.kinds import one_line
from retention_models.runs.publishing.files import append, hashes, write_whole

log = logging.getLogger(__name__)

MANIFEST, JOURNAL = "manifest.json", ".manifest.journal"
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
    _whole: str = field(default="", repr=False)  # sha256 of the file as it was last written whole
    _room: int = field(default=0, repr=False)  # bytes that its journal may still grow by

    def counts(self) -> dict[str, int]:
        """Stores by outcome."""
        return _counts(self.stores.values())

    def write(self) -> None:
        """Write it, whole; a journal of the one before is none of this one's."""
        head = json.dumps({**self.head, "counts": self.counts()}, indent=1, allow_nan=False)
        stores = ",\n".join(f"  {_line(entry)}" for entry in self.stores.values())
        body = head.removesuffix("\n}")
        text = f'{body},\n "stores": [\n{stores}\n ]\n}}\n'.encode()
        write_whole(self.folder / MANIFEST, text)
        self._whole, self._room = hashlib.sha256(text).hexdigest(), len(text)
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _note(self, page_id: str) -> None:
        """Bring a changed entry to the disk.

        In the journal, so that what is written grows with the stores and not with their square; whole
        when the journal is as long as the file itself, so that whoever looks sees how far it is.
        """
        record = {"manifest": self._whole, "entry": self.stores[page_id]}
        line = f"\n{_line(record)}".encode()  # after what a full disk may have cut short
        if len(line) > self._room:
            self.write()
        else:
            append(self.folder / JOURNAL, line)
            self._room -= len(line)

    def intend(self, page_id: str, settled: Entry) -> None:
        """Write what will hold of a store once its folder is renamed into place.

        A run that dies during the renaming leaves this entry; whoever reads it can tell from the
        files' sha256 whether it happened (`reconciled`).
        """
        entry = self.stores[page_id]
        self.stores[page_id] = {**entry, "outcome": PUBLISHING, "next": settled}
        self._note(page_id)

    def settle(self, page_id: str, settled: Entry) -> None:
        """Write what became of a store."""
        entry = self.stores[page_id]
        self.stores[page_id] = {"store": entry["store"], "folder": entry["folder"], **settled}
        self._note(page_id)


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False)


def _counts(entries: Iterable[Entry]) -> dict[str, int]:
    return dict(sorted(Counter(entry["outcome"] for entry in entries).items()))


def read_manifest(folder: Path) -> Manifest | None:
    """A folder's manifest, every store reconciled with its files; None where there is none."""
    content = read_content(folder)
    if content is None:
        return None
    entries = content.pop("stores")
    stores = {entry["store"]: reconciled(entry, folder) for entry in entries}
    return Manifest(folder, content, stores)


def read_content(folder: Path) -> dict[str, Any] | None:
    """What a folder's manifest says, with what its journal adds; None where there is none of ours."""
    if not (folder / MANIFEST).is_file():  # to open a pipe would wait for its other end
        return None
    try:
        text, changed = _read(folder)
        content = json.loads(text.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s counts as not there: %s", folder / MANIFEST, one_line(str(error))[:200])
        return None
    if (mistake := _mistake(content)) is not None:
        log.warning("%s counts as not there: %s", folder / MANIFEST, mistake)
        return None
    stores = [changed.get(entry["store"], entry) for entry in content["stores"]]
    merged = {**content, "stores": stores}
    if (mistake := _mistake(merged)) is not None:
        log.warning("%s counts as not there: %s", folder / JOURNAL, mistake)
        return content
    return {**merged, "counts": _counts(stores)}


def _read(folder: Path) -> tuple[bytes, dict[str, Entry]]:
    """The file, and the entries of the journal that goes on from it, by store.

    A run may write the file whole between the reading of the two: then both are read again.
    """
    for _ in range(3):
        text = (folder / MANIFEST).read_bytes()
        journal = folder / JOURNAL
        lines = journal.read_bytes().split(b"\n") if journal.is_file() else []
        records = [record for line in lines if (record := _record(line)) is not None]
        whole = hashlib.sha256(text).hexdigest()
        changed = {entry["store"]: entry for of, entry in records if of == whole}
        if changed or not records:
            break
    return text, changed


def _record(line: bytes) -> tuple[str, Entry] | None:
    """Sha256 of the file that a line of the journal goes on from, and its entry.

    None for a line that a full disk or a killed run cut short.
    """
    try:
        content = json.loads(line.decode("utf-8"))
        known = isinstance(content["entry"]["store"], str)
        return (content["manifest"], content["entry"]) if known else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


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
