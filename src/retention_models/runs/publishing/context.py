"""What the stores of a run share, and a store on its way to being published.

What a run is to do, and what whoever started it asked for.

A run's own clock: it starts at the wall's time and never jumps.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from retention_models.languages import Language
from retention_models.pages.html.kinds import STORE, PageKind
from retention_models.runs.execution.results import ExecutionResult
from retention_models.runs.publishing.fingerprints import DataPrint, digest
from retention_models.runs.publishing.manifest import Entry, Manifest
from retention_models.settings.project import Settings


@dataclass(frozen=True)
class RunRequest:
    """What whoever started the run asked for."""

    stores: tuple[str, ...] = ()  # ids; empty for all of the project's
    as_of: dt.date | None = None  # last day that counts; None for the project's or the data's
    force: bool = False  # whether stores are made anew whose inputs are unchanged
    # Whether the newest run (of that day, where one is given) is continued, if it was stopped.
    resume: bool = False

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "as_of": self.as_of and self.as_of.isoformat()}


@dataclass(frozen=True)
class RunPlan:
    """What a run is to do."""

    settings: Settings
    as_of: dt.date  # last day that counts
    output: Path  # the output folder
    pages: tuple[str, ...]  # ids of the stores, or of what else the pages are of
    data: DataPrint
    # The manifest's ``project``, ``parameters``, ``code``, ``lock`` and ``data``.
    head: dict[str, Any] = field(repr=False)
    asked: RunRequest = field(default_factory=RunRequest)
    kind: PageKind = STORE  # what the pages are of

    @property
    def whole(self) -> bool:
        """Whether the run is over all of the project's stores."""
        return not self.asked.stores


@dataclass(frozen=True)
class RunClock:
    """The time in UTC and in the shop's zone, by the seconds that have passed since the start.

    A clock that is set back, or an hour that comes twice, gives no end before its start.
    """

    zone: ZoneInfo  # the zone that is named in the manifest
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(tz=dt.UTC))  # in UTC
    _origin: float = field(default_factory=time.monotonic, repr=False)

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._origin

    def now(self) -> dt.datetime:
        """The time in UTC."""
        return self.started + dt.timedelta(seconds=self.seconds())

    def stamp(self, moment: dt.datetime | None = None) -> dict[str, str]:
        """A moment (now unless given) for the manifest: in UTC, locally, and the zone's name."""
        at = moment or self.now()
        return {
            "utc": utc(at),
            "local": at.astimezone(self.zone).isoformat(timespec="seconds"),
            "zone": self.zone.key,
        }

    def made(self, language: Language) -> str:
        """When the run started, as pages of a language say it."""
        return language.moment(self.started.astimezone(self.zone))


def utc(moment: dt.datetime) -> str:
    """A moment as 2026-11-22T13:12:40Z.

    >>> utc(dt.datetime(2026, 3, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=3))))
    '2026-02-28T23:00:00Z'
    """
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class PreviousPage:
    """What a store has from before: the page to keep, and since when it has failed."""

    folder: Path | None = None
    page: dict[str, Any] | None = None
    since: dict[str, Any] | None = None


@dataclass(frozen=True)
class PublishContext:
    """What the stores of a run share."""

    settings: Settings
    as_of: dt.date
    folder: Path  # the run's folder
    run: str  # its id
    clock: RunClock
    manifest: Manifest
    # Value → where it is from, of what no file may hold.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    kind: PageKind = STORE

    @property
    def page(self) -> dict[str, Any]:
        """The manifest's `page` of a page that this run makes."""
        made = utc(self.clock.started)
        return {
            "run": self.run,
            "as_of": self.as_of.isoformat(),
            "made": made,
            "settings": digest(
                [
                    self.settings.money.model_dump(mode="json"),
                    self.settings.model.model_dump(mode="json"),
                ]
            ),
        }

    def warnings(self, page_id: str | None = None) -> list[str]:
        """What the data give to warn of, in sentences: all, or the chain's and a store's."""
        return [
            one["message"]
            for one in self.manifest.head.get("warnings", [])
            if page_id is None or one["store"] in (None, page_id)
        ]

    def place(self, page_id: str) -> Path:
        """A store's folder."""
        return self.folder / self.manifest.stores[page_id]["folder"]


@dataclass(frozen=True)
class ExecutedPage:
    """A store whose notebook was executed."""

    page_id: str
    result: ExecutionResult  # what became of its notebook
    staging: Path  # where the notebook wrote; in the run's folder
    # Finds what the store has from earlier runs; asked only where it is needed.
    look: Callable[[], PreviousPage]
    known: Entry  # the entry's ``data`` and ``inputs``

    @cached_property
    def before(self) -> PreviousPage:
        """What the store has from earlier runs."""
        return self.look()
