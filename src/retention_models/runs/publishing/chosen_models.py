"""How a chain's models are chosen, kept from night to night beside the manifest."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import replace
from pathlib import Path

from retention_models.predictions.contest import Contest
from retention_models.project.json_texts import json_text
from retention_models.runs.publishing.files import write_whole
from retention_models.runs.publishing.fingerprints import code_sha256
from retention_models.runs.publishing.manifest import run_folders

MODELS = "models.json"

log = logging.getLogger(__name__)


def keep_contest(output: Path, day: dt.date, contest: Contest) -> None:
    """Write how the models of a day's run were chosen."""
    content = {"code": code_sha256(), "contest": contest.content()}
    write_whole(output / day.isoformat() / MODELS, json_text(content))


def earlier_contest(output: Path, day: dt.date) -> Contest | None:
    """How the models of the newest run of an earlier day were chosen; to be tried again by other code.

    Only earlier days count, so that a day's run that is made again chooses as it did.
    """
    for folder in reversed(run_folders(output)):
        path = folder / MODELS
        if folder.name >= day.isoformat() or not path.is_file():
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            contest = Contest.from_content(content["contest"])
        except (ValueError, TypeError, KeyError) as error:
            log.warning("%s cannot be read (%s), so models are chosen anew", path, error)
            return None
        same = content.get("code") == code_sha256()
        return contest if same else replace(contest, held=dt.date.min)
    return None
