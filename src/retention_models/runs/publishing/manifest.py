"""manifest.json: what a run did to every store, written whole whenever it changes."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import fastjsonschema

from retention_models.pages.html.kinds import one_line
from retention_models.runs.publishing.files import hashes, write_whole

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
