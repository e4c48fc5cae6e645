"""How a run is followed: a line that renews itself on a terminal, else a line per event, and JSON."""

from __future__ import annotations

import datetime as dt
import io
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from retention_models.errors import SettingsError
from retention_models.pages.html.kinds import one_line
from retention_models.project.json_texts import json_text
from retention_models.runs.publishing.context import utc
from retention_models.runs.publishing.manifest import PUBLISHED, Entry
from retention_models.settings.credentials import known_secrets, redacted

log = logging.getLogger(__name__)

# What ends a run from outside, in words; an error goes by its name.
_STOPPED_BY = {"KeyboardInterrupt": "Ctrl-C", "SystemExit": "a signal to end (SIGTERM)"}


class Progress:
    """Tells what happens in a run."""

    def __init__(self, terminal: TextIO | None = None, json_lines: Path | None = None) -> None:
        self._terminal = terminal
        self._json: io.FileIO | None = None
        if json_lines is not None:
            try:
                # A line is one writing, so that two runs may share the file.
                self._json = json_lines.open("ab", buffering=0)
            except OSError as error:
                raise SettingsError(
                    f"--log: {json_lines} cannot be written ({error.strerror})."
                ) from None
        self._secrets = known_secrets()
        self._total = self._todo = self._done = self._made = self._failed = 0
        self._kind = "store"
        self._begun = dt.datetime.now(tz=dt.UTC)

    def close(self) -> None:
        """Close the file of events."""
        if self._json is not None:
            self._json.close()

    def __call__(self, event: str, **what: Any) -> None:
        """Tell an event: started, store, finished, interrupted, or another with texts and numbers."""
        self._renew("")
        getattr(self, f"_{event}", self._other)(**what)
        self._note(event, what)

    def _started(
        self, *, stores: int, todo: int, as_of: dt.date, kind: str = "store", **_: Any
    ) -> None:
        self._total, self._todo, self._kind = stores, todo, kind
        self._done = self._made = self._failed = 0
        self._begun = dt.datetime.now(tz=dt.UTC)
        same = stores - todo
        said = f", {same} unchanged" if same else ""
        log.info("making %d of %d %s pages as of %s%s", todo, stores, kind, as_of, said)

    def _store(self, *, store: str, entry: Entry, details: Path | None) -> None:
        self._done += 1
        head = f"[{self._done}/{self._total}] {self._kind} {one_line(store)}: {entry['outcome']}"
        failure = entry["failure"]
        if entry["outcome"] == PUBLISHED and entry["attempts"]:
            head += f" in {entry['seconds']:.1f} s"
        if failure is None:
            log.info("%s", head)
        else:
            self._failed += 1
            where = "none" if details is None else one_line(str(details))
            log.error("%s. %s Details: %s", head, one_line(failure["message"]), where)
        self._made += entry["outcome"] != "skipped"
        self._renew(self.line())

    def _withdrawn(self, **what: Any) -> None:
        self._done -= 1  # it was told before as a page
        self._store(**what)

    def _finished(self, *, manifest: Any, seconds: float, removed: list[str]) -> None:
        counts = manifest.counts()
        said = ", ".join(f"{n} {outcome}" for outcome, n in counts.items())
        warnings = len(manifest.head.get("warnings", []))
        if warnings:
            said += f"; published with {'a warning' if warnings == 1 else f'{warnings} warnings'}"
        log.info("finished in %.1f s: %s", seconds, said)
        if removed:
            log.info("removed %d old runs, up to %s", len(removed), removed[-1])

    def _warning(self, *, message: str, **_: Any) -> None:
        log.warning("warning: %s", one_line(message))

    def _interrupted(self, *, reason: str) -> None:
        log.error("stopped by %s; `--resume` continues", _STOPPED_BY.get(reason, reason))

    def _ended(self, *, state: str, message: str) -> None:
        """Nothing on the terminal: the command says it."""

    def _other(self, **what: Any) -> None:
        log.info("%s", one_line(", ".join(f"{name} {value}" for name, value in what.items())))

    def line(self, now: dt.datetime | None = None) -> str:
        """How far it is, and when it may be done, going by the pages made so far."""
        moment = now or dt.datetime.now(tz=dt.UTC)
        failed = f", {self._failed} failed" if self._failed else ""
        said = f"{self._done} of {self._total} {self._kind}s{failed}"
        left = self._todo - self._made
        if self._made <= 0 or left <= 0:
            return said
        seconds = max(0.0, (moment - self._begun).total_seconds()) / self._made * left
        return f"{said}, about {_duration(seconds)} left"

    def _renew(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.write(f"\r\x1b[2K{text}")
            self._terminal.flush()

    def _note(self, event: str, what: Mapping[str, Any]) -> None:
        if self._json is None:
            return
        content = {"time": utc(dt.datetime.now(tz=dt.UTC)), "event": event}
        for name, value in what.items():
            content[name] = _plain(name, value)
        line = redacted(json_text(content), self._secrets) + "\n"
        try:
            self._json.write(line.encode())
        except OSError as error:  # the pages are worth more than what is told of them
            log.error("--log cannot be written any more (%s)", error.strerror)
            self.close()
            self._json = None


def _plain(name: str, value: Any) -> Any:
    if name == "details":
        return None if value is None else value.read_text(encoding="utf-8")
    if name == "manifest":
        return {"run": value.head["run"], "state": value.head["state"], "counts": value.counts()}
    if name == "entry":
        keys = ("run", "outcome", "failure", "seconds", "attempts", "page")
        return {key: value[key] for key in keys}
    return value


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def terminal() -> TextIO | None:
    """Standard error where somebody looks on, or None."""
    return sys.stderr if sys.stderr.isatty() else None
