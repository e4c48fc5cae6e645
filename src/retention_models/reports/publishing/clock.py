"""A run's own clock: it starts at the wall's time and never jumps."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class RunClock:
    """The time in UTC and in the shop's zone, by the seconds that have passed since the start.

    A clock that is set back, or an hour that comes twice, gives no end before its start.

    Attributes
    ----------
    zone : ZoneInfo
        The zone that is named in the manifest.
    started : datetime
        In UTC.
    """

    zone: ZoneInfo
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(tz=dt.UTC))
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

    @property
    def made(self) -> str:
        """When the run started, as pages say it."""
        return self.started.astimezone(self.zone).strftime("%Y-%m-%d %H:%M %Z")


def utc(moment: dt.datetime) -> str:
    """A moment as 2026-11-22T13:12:40Z.

    Examples
    --------
    >>> utc(dt.datetime(2026, 3, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=3))))
    '2026-02-28T23:00:00Z'
    """
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
