"""What the stores of a run share, and a store on its way to being published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from retention_models.reports.execution.results import ExecutionResult
from retention_models.reports.publishing.clock import RunClock, utc
from retention_models.reports.publishing.kinds import STORE, PageKind
from retention_models.reports.publishing.manifest import Entry, Manifest
from retention_models.settings import Settings


@dataclass(frozen=True)
class Found:
    """What a store has from before: the page to keep, and since when it has failed."""

    folder: Path | None = None
    page: dict[str, Any] | None = None
    since: dict[str, Any] | None = None


@dataclass(frozen=True)
class Press:
    """What the stores of a run share.

    Attributes
    ----------
    settings : Settings
    as_of : date
    folder : Path
        The run's folder.
    run : str
        Its id.
    clock : RunClock
    manifest : Manifest
    secrets : dict
        Value → where it is from, of what no file may hold.
    kind : PageKind
    """

    settings: Settings
    as_of: dt.date
    folder: Path
    run: str
    clock: RunClock
    manifest: Manifest
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    kind: PageKind = STORE

    @property
    def page(self) -> dict[str, Any]:
        """The manifest's `page` of a page that this run makes."""
        made = utc(self.clock.started)
        return {"run": self.run, "as_of": self.as_of.isoformat(), "made": made}

    def place(self, store_id: str) -> Path:
        """A store's folder."""
        return self.folder / self.manifest.stores[store_id]["folder"]


@dataclass(frozen=True)
class Tried:
    """A store whose notebook was executed.

    Attributes
    ----------
    store_id : str
    result : ExecutionResult
        What became of its notebook.
    staging : Path
        Where the notebook wrote; in the run's folder.
    look : callable
        Finds what the store has from earlier runs; asked only where it is needed.
    known : dict
        The entry's ``data`` and ``inputs``.
    """

    store_id: str
    result: ExecutionResult
    staging: Path
    look: Callable[[], Found]
    known: Entry

    @cached_property
    def before(self) -> Found:
        """What the store has from earlier runs."""
        return self.look()
