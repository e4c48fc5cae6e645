"""How a chain's models were chosen by earlier runs, and what else past forecasts told them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from retention_models.data.transactions import Transactions
from retention_models.predictions import scatter
from retention_models.predictions.contest import Contest
from retention_models.predictions.scatter import Scatter
from retention_models.settings.project import Settings

MODELS = "models.json"
_PACKAGE = Path(__file__).resolve().parents[1]

_Learned = TypeVar("_Learned")

log = logging.getLogger(__name__)

# What past forecasts have told in this process, the newest last, and how much of it is kept.
_learned: OrderedDict[Hashable, Any] = OrderedDict()
_lock = Lock()
_MOST = 64


@cache
def code_sha256() -> str:
    """The sha256 of the package's own files."""
    paths = sorted(p for p in _PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    found = [
        [path.relative_to(_PACKAGE).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in paths
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def past_print(settings: Settings, log: Transactions) -> str | None:
    """The sha256 of what a chain's past forecasts come from; None where files do not tell it.

    Files are told by when they were written and how long they are, as when a run looks whether they
    changed; of stores the rows count, as days to come are no longer so tomorrow.
    """
    whole = log.whole
    if not whole.origin.opened:
        return None
    told = [
        sorted(whole.origin.opened.items()),
        settings.transactions.model_dump(mode="json"),
        settings.model.time_unit,
        settings.stores.ids,
        settings.calendar and settings.calendar.model_dump(mode="json"),
        whole.stores.reset_index().to_csv(index=False),
    ]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def once_learned(
    past: str | None, what: tuple[Hashable, ...], learn: Callable[[], _Learned]
) -> _Learned:
    """What a chain's past forecasts tell, asked once in a process for all its stores opened by hand.

    `past` is the `past_print`; of data that no file tells, each store asks for itself. How far it is
    shows on stderr where nobody else shows it.
    """
    if past is None:
        with _shown():
            return learn()
    with _lock:
        if (past, what) in _learned:
            _learned.move_to_end((past, what))
            return _learned[past, what]
    with _shown():
        found = learn()
    with _lock:
        _learned[past, what] = found
        while len(_learned) > _MOST:
            _learned.popitem(last=False)
    return found


@contextmanager
def _shown() -> Iterator[None]:
    """The package's events on stderr, where no handler of anybody's takes them."""
    ours = logging.getLogger(__package__.split(".")[0])
    if ours.hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(level)


def as_kept(
    contest: Contest,
    scatters: Mapping[dt.date, Scatter] | None = None,
    past: str | None = None,
) -> dict[str, Any]:
    """What is kept of a run's contest and scatters, and read by the functions below.

    `past` is the `past_print` of what they come from.
    """
    learned = {"past": past, "rule": contest.rule, "by_day": scatter.content(scatters or {})}
    return {"code": code_sha256(), "contest": contest.content(), "scatters": learned}


def scatters_of(output: Path, day: dt.date, rule: str, past: str | None) -> dict[dt.date, Scatter]:
    """What a day's run learned of totals' scatter by a rule: by this code, from the same past."""
    path = output / day.isoformat() / MODELS
    if past is None or not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        learned = content["scatters"]
        if (content["code"], learned["past"], learned["rule"]) != (code_sha256(), past, rule):
            return {}
        return scatter.from_content(learned["by_day"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s cannot be read (%s), so scatter is learned anew", path, error)
        return {}


def contest_of(output: Path, day: dt.date) -> Contest | None:
    """How the models of a day's run were chosen, if by this code."""
    found = _read(output / day.isoformat() / MODELS)
    return None if found is None or found.held == dt.date.min else found


def earlier_contest(output: Path, day: dt.date) -> Contest | None:
    """How the models of the newest run of an earlier day were chosen; to be tried again by other code.

    Only earlier days count, so that a day's run that is made again chooses as it did.
    """
    for path in sorted(output.glob(f"????-??-??/{MODELS}"), reverse=True):
        if path.parent.name < day.isoformat():
            return _read(path)
    return None


def _read(path: Path) -> Contest | None:
    """A kept contest, held at no time if by other code; None where there is none, or a damaged one."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        contest = Contest.from_content(content["contest"])
    except (ValueError, TypeError, KeyError) as error:
        log.warning("%s cannot be read (%s), so models are chosen anew", path, error)
        return None
    return contest if content.get("code") == code_sha256() else replace(contest, held=dt.date.min)
