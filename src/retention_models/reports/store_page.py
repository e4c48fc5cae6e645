"""One store: its notebook executed, its page rendered, linted and renamed into place."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import tempfile
import time
import traceback
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retention_models.settings import Settings, read_settings

PAGE, NOTEBOOK, DETAILS = "store_report.html", "store_report.ipynb", "failure.txt"


@dataclass(frozen=True)
class Task:
    """One store's page to make; travels to a worker process."""

    store_id: str
    project_file: Path
    notebook: Path
    as_of: dt.date
    target: Path
    made: str


@dataclass(frozen=True)
class Outcome:
    """What became of a store's page."""

    store_id: str
    status: str  # published, failed
    seconds: float
    failure: str | None = None
    details: str | None = None
    metrics: dict[str, Any] | None = field(default=None, repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)


def store_folder(store_id: str) -> str:
    """A store id as the name of a folder: letters, digits, - and _ stay, all else is %-encoded.

    Examples
    --------
    >>> store_folder("0042"), store_folder("../x")
    ('0042', '%2E%2E%2Fx')
    """
    return urllib.parse.quote(store_id, safe="").replace(".", "%2E").replace("~", "%7E")


def make_page(task: Task) -> Outcome:
    """Execute, render and publish one store; a failure becomes an outcome and a page that says so."""
    started = time.monotonic()
    settings = read_settings(task.project_file)
    staging = Path(tempfile.mkdtemp(prefix=".making-", dir=task.target.parent))
    try:
        page = _executed_page(task, settings, staging)
        (staging / PAGE).write_text(page, encoding="utf-8")
        metrics = json.loads((staging / "metrics.json").read_text(encoding="utf-8"))
        files = {
            p.relative_to(staging).as_posix(): _sha256(p)
            for p in sorted(staging.rglob("*"))
            if p.is_file()
        }
        _publish(staging, task.target)
        return Outcome(
            task.store_id,
            "published",
            time.monotonic() - started,
            metrics=metrics,
            files=files,
        )
    except Exception as error:  # noqa: BLE001 - one store never stops the others
        return _failed(task, settings, staging, error, time.monotonic() - started)
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # gone already where it was published


def _failed(
    task: Task, settings: Settings, staging: Path, error: Exception, seconds: float
) -> Outcome:
    """Say what failed on a page, in the store's folder; a good page from an earlier run stays."""
    from retention_models.reports import pages

    message = str(error)
    details = "".join(traceback.format_exception(error))
    if not isinstance(error, PageFailure):
        message = f"Making its page stopped with {type(error).__name__}."
    else:
        details = error.details
    (staging / DETAILS).write_text(details, encoding="utf-8")
    if (task.target / "metrics.json").is_file():
        message += " The page of an earlier run is kept."
        shutil.copy(staging / DETAILS, task.target / DETAILS)
    else:
        # What the notebook wrote before it failed is not to be taken for a good page's files.
        for name in ("metrics.json", "customers.csv"):
            (staging / name).unlink(missing_ok=True)
        shutil.rmtree(staging / "actions", ignore_errors=True)  # there may be none yet
        page = pages.failure_page(message, settings, task.store_id, task.as_of, task.made)
        (staging / PAGE).write_text(page, encoding="utf-8")
        _publish(staging, task.target)
    where = str(task.target / DETAILS)
    return Outcome(task.store_id, "failed", seconds, message, where)


class PageFailure(RuntimeError):
    """A store's page could not be made: the message is for its readers, details for who mends it."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


def _executed_page(task: Task, settings: Settings, staging: Path) -> str:
    # Imported here: needed in the worker, not in every process that only asks for help.
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from retention_models.reports import pages
    from retention_models.reports.execution import CELL_TIME_LIMIT, KERNEL_LOG, execute

    parameters = {
        "project_file": str(task.project_file),
        "store_id": task.store_id,
        "as_of": task.as_of.isoformat(),
        "output_folder": str(staging),
    }
    kernel_log = staging / KERNEL_LOG
    try:
        executed = execute(task.notebook, staging / NOTEBOOK, parameters, staging)
        kernel_log.unlink()
        return pages.store_page(executed, settings, task.store_id, task.as_of, task.made)
    except PapermillExecutionError as error:
        message = f"Cell {error.cell_index} of its notebook failed with {error.ename}."
        raise PageFailure(message, str(error)) from error
    except CellTimeoutError as error:
        message = f"A cell of its notebook took longer than {CELL_TIME_LIMIT} seconds."
        raise PageFailure(message, str(error)) from error
    except DeadKernelError as error:
        said = kernel_log.read_text(encoding="utf-8", errors="replace")
        message = "The process that ran its notebook died."
        raise PageFailure(message, f"{error}\n{said}") from error
    except pages.PageError as error:
        message = "Its page did not pass the check for outside content."
        raise PageFailure(message, str(error)) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _publish(staging: Path, target: Path) -> None:
    """Rename a finished folder into place; readers see the old page or the new, never half of one."""
    staging.chmod(0o755)
    old = target.with_name(f".old-{staging.name}")
    if target.exists():
        target.rename(old)
    staging.rename(target)
    if old.exists():
        shutil.rmtree(old)
