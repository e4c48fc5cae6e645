"""`retention run`: every store's notebook executed, rendered, published, and an index over all."""

from __future__ import annotations

import datetime as dt
import difflib
import logging
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from retention_models.customer_summaries import Day
from retention_models.errors import DataError, SettingsError
from retention_models.reports.chain_page import publish_index, write_manifest
from retention_models.reports.store_page import NOTEBOOK, Outcome, Task, make_page, store_folder
from retention_models.settings import Settings, read_settings
from retention_models.store import last_day
from retention_models.transactions import Transactions, read_project_transactions

_PACKAGE = Path(__file__).resolve().parents[1]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """A finished run: where its index is, and what became of every store."""

    index: Path
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The stores that have no new page."""
        return tuple(o for o in self.outcomes if o.status != "published")


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
    index = publish_index(folder, settings, day, made, outcomes)
    write_manifest(folder, Path(project_file), day, made, outcomes)
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
