"""`retention run`: every store's notebook executed, rendered, published, and an index over all."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import tempfile
import time
import traceback
import urllib.parse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retention_models import __version__
from retention_models.customer_summaries import Day
from retention_models.errors import DataError, SettingsError
from retention_models.settings import Settings, read_settings
from retention_models.store import last_day
from retention_models.transactions import Transactions, read_project_transactions

PAGE, NOTEBOOK, DETAILS = "store_report.html", "store_report.ipynb", "failure.txt"
_PACKAGE = Path(__file__).resolve().parents[1]

log = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class RunResult:
    """A finished run: where its index is, and what became of every store."""

    index: Path
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The stores that have no new page."""
        return tuple(o for o in self.outcomes if o.status != "published")


def store_folder(store_id: str) -> str:
    """A store id as the name of a folder: letters, digits, - and _ stay, all else is %-encoded.

    Examples
    --------
    >>> store_folder("0042"), store_folder("../x")
    ('0042', '%2E%2E%2Fx')
    """
    return urllib.parse.quote(store_id, safe="").replace(".", "%2E").replace("~", "%7E")


def run_project(
    project_file: str | Path,
    *,
    stores: Sequence[str] = (),
    as_of: Day | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
) -> RunResult:
    """Make the pages of a project's stores, and the index over them.

    Parameters
    ----------
    project_file : str or Path
        The project file.
    stores : sequence of str
        Ids of the stores to report on; those of the project file, or else all in the data, unless
        given.
    as_of : date or str, optional
        Last day that counts; see `open_store`.
    jobs : int, optional
        Stores worked on at once; the number of processors unless given.
    output : str or Path, optional
        Folder for the pages; that of the project file unless given.

    Returns
    -------
    RunResult
        A store that fails does not stop the others.

    Raises
    ------
    SettingsError, DataError
        If the project file, a parameter or the data cannot be used; nothing is written then.
    """
    started = time.monotonic()
    settings = read_settings(project_file)
    notebook = _notebook(settings)
    log.info("reading %s", settings.path(settings.transactions.source))
    transactions = read_project_transactions(settings)
    log.info(
        "read %s rows, %s unusable",
        f"{transactions.rows_read:,}",
        f"{transactions.rows_unusable:,}",
    )
    ids = _chosen_stores(settings, transactions, stores)
    day = last_day(settings, transactions, as_of)
    folder = Path(output or settings.path(settings.reports.output)) / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    made = dt.datetime.now(tz=settings.zone).strftime("%Y-%m-%d %H:%M %Z")
    tasks = [
        Task(
            i,
            Path(project_file).resolve(),
            notebook,
            day,
            folder / store_folder(i),
            made,
        )
        for i in ids
    ]
    workers = max(1, min(jobs or os.cpu_count() or 1, len(tasks)))
    log.info("making %d pages as of %s, %d at a time", len(tasks), day, workers)
    outcomes = _make_all(tasks, workers)
    index = _publish_index(folder, settings, day, made, outcomes)
    _write_manifest(folder, Path(project_file), day, made, outcomes)
    published = sum(o.status == "published" for o in outcomes)
    log.info(
        "%d of %d pages published in %.1f s",
        published,
        len(outcomes),
        time.monotonic() - started,
    )
    return RunResult(index.resolve(), outcomes)


def _notebook(settings: Settings) -> Path:
    """The project's own notebook, or the one that comes with the package."""
    if settings.reports.notebook is not None:
        path = Path(settings.path(settings.reports.notebook))
        if not path.is_file():
            raise SettingsError(f"reports.notebook: {path}: no such notebook.")
        return path
    # In a wheel the notebooks lie in the package; in a checkout, at its top level.
    places = [
        _PACKAGE / "notebooks" / NOTEBOOK,
        _PACKAGE.parents[1] / "notebooks" / NOTEBOOK,
    ]
    return next(place for place in places if place.is_file())


def _chosen_stores(
    settings: Settings, transactions: Transactions, wanted: Sequence[str]
) -> list[str]:
    known = list(settings.stores.ids or transactions.store_ids())
    if not wanted:
        if not known:
            raise DataError(f"{transactions.source}: no usable row, so no store to report on.")
        return known
    everywhere = {*known, *transactions.store_ids()}
    for store_id in wanted:
        if store_id not in everywhere:
            near = difflib.get_close_matches(store_id, sorted(everywhere), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {_some(everywhere)}"
            raise SettingsError(f"--store: no store {store_id!r} in the data; {hint}")
    return list(dict.fromkeys(wanted))


def _some(ids: set[str]) -> str:
    shown = sorted(ids)
    return ", ".join(shown[:10]) + (", …" if len(shown) > 10 else "")


def _make_all(tasks: list[Task], workers: int) -> tuple[Outcome, ...]:
    # Spawned, not forked: the parent has used DuckDB, whose threads a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    done: dict[str, Outcome] = {}
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(make_page, task): task for task in tasks}
        for future in as_completed(futures):
            task = futures[future]
            try:
                outcome = future.result()
            except BrokenProcessPool:
                reason = "The process that worked on it ended unexpectedly."
                outcome = Outcome(task.store_id, "failed", 0.0, reason)
            done[task.store_id] = outcome
            _tell(outcome, len(done), len(tasks))
    return tuple(done[task.store_id] for task in tasks)


def _tell(outcome: Outcome, n: int, total: int) -> None:
    head = f"[{n}/{total}] store {outcome.store_id}: {outcome.status} in {outcome.seconds:.1f} s"
    if outcome.failure is None:
        log.info("%s", head)
    else:
        log.error("%s. %s Details: %s", head, outcome.failure, outcome.details or "none")


def make_page(task: Task) -> Outcome:
    """Execute, render and publish one store; a failure becomes an outcome and a page that says so."""
    started = time.monotonic()
    settings = read_settings(task.project_file)
    staging = Path(tempfile.mkdtemp(prefix=".making-", dir=task.target.parent))
    try:
        page = _executed_page(task, settings, staging)
        (staging / PAGE).write_text(page, encoding="utf-8")
        metrics = json.loads((staging / "metrics.json").read_text(encoding="utf-8"))
        files = {p.name: _sha256(p) for p in sorted(staging.iterdir()) if p.is_file()}
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


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.writing")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _publish_index(
    folder: Path,
    settings: Settings,
    day: dt.date,
    made: str,
    outcomes: Sequence[Outcome],
) -> Path:
    from retention_models.reports import pages

    rows = [
        {
            "name": settings.store_name(o.store_id),
            "href": urllib.parse.quote(f"{store_folder(o.store_id)}/{PAGE}"),
            "metrics": o.metrics,
            "failure": o.failure,
        }
        for o in outcomes
    ]
    index = folder / "index.html"
    _write_whole(index, pages.index_page(rows, settings, day, made))
    return index


def _write_manifest(
    folder: Path,
    project_file: Path,
    day: dt.date,
    made: str,
    outcomes: Sequence[Outcome],
) -> None:
    manifest = {
        "as_of": day.isoformat(),
        "project_file": project_file.name,
        "version": __version__,
        "made": made,
        "stores": [
            {
                "store": o.store_id,
                "folder": store_folder(o.store_id),
                "status": o.status,
                "failure": o.failure,
                "seconds": round(o.seconds, 3),
                "sha256": o.files,
            }
            for o in outcomes
        ],
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    _write_whole(folder / "manifest.json", text)
