"""What a run is to do, and what whoever started it asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retention_models.reports.publishing.fingerprints import DataPrint
from retention_models.reports.publishing.kinds import STORE, PageKind
from retention_models.settings import Settings


@dataclass(frozen=True)
class Asked:
    """What whoever started the run asked for.

    Attributes
    ----------
    stores : tuple of str
        Ids; empty for all of the project's.
    as_of : date, optional
        Last day that counts; None for the project's or the data's.
    force : bool
        Whether stores are made anew whose inputs are unchanged.
    resume : bool
        Whether the newest run (of that day, where one is given) is continued, if it was stopped.
    """

    stores: tuple[str, ...] = ()
    as_of: dt.date | None = None
    force: bool = False
    resume: bool = False

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "as_of": self.as_of and self.as_of.isoformat()}


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes
    ----------
    settings : Settings
    as_of : date
        Last day that counts.
    output : Path
        The output folder.
    stores : tuple of str
        Ids.
    data : DataPrint
    head : dict
        The manifest's ``project``, ``parameters``, ``code``, ``lock`` and ``data``.
    asked : Asked
    kind : PageKind
        What the pages are of; `stores` are then the ids of these.
    """

    settings: Settings
    as_of: dt.date
    output: Path
    stores: tuple[str, ...]
    data: DataPrint
    head: dict[str, Any] = field(repr=False)
    asked: Asked = field(default_factory=Asked)
    kind: PageKind = STORE

    @property
    def whole(self) -> bool:
        """Whether the run is over all of the project's stores."""
        return not self.asked.stores
