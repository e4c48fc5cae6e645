"""How a chain's models were chosen by earlier runs, from beside their manifests."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from retention_models.predictions.contest import Contest

MODELS = "models.json"
_PACKAGE = Path(__file__).resolve().parents[1]

log = logging.getLogger(__name__)


@cache
def code_sha256() -> str:
    """The sha256 of the package's own files."""
    paths = sorted(p for p in _PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    found = [
        [path.relative_to(_PACKAGE).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in paths
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def as_kept(contest: Contest) -> dict[str, Any]:
    """What is kept of a run's contest, and read by the functions below."""
    return {"code": code_sha256(), "contest": contest.content()}


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
