"""`retention run`: every store's notebook executed, rendered, published, and an index over all."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from retention_models.campaign_outputs import read_overview
from retention_models.campaign_overviews import OverviewRow
from retention_models.credentials import redacted_tree, without_password
from retention_models.customer_summaries import Day, as_day
from retention_models.errors import SettingsError
from retention_models.execution_settings import size
from retention_models.languages import speaking
from retention_models.last_days import last_day
from retention_models.log_reading import read_project_transactions
from retention_models.log_slices import VARIABLE as SLICES
from retention_models.project_campaigns import write_campaign_slice
from retention_models.reports.choices import chosen_campaigns, chosen_stores, notebook_of
from retention_models.reports.execution.fan_out import Options, Task, execute_all
from retention_models.reports.execution.limits import machine_memory
from retention_models.reports.execution.results import ExecutionResult, Limits
from retention_models.reports.publishing.disk import new_folder, sha256
from retention_models.reports.publishing.fingerprints import (
    DataPrint,
    code_entry,
    data_print,
    lock_entry,
)
from retention_models.reports.publishing.index import INDEX
from retention_models.reports.publishing.kinds import CAMPAIGN, CAMPAIGNS, STORE, PageKind
from retention_models.reports.publishing.manifest import DONE, Manifest
from retention_models.reports.publishing.night import Job, Tell, publish_run
from retention_models.reports.publishing.notices import check_notices, tell_outcome
from retention_models.reports.publishing.parameters import check_parameters
from retention_models.reports.publishing.plan import Asked, Plan
from retention_models.reports.publishing.progress import Progress
from retention_models.settings import Settings, read_settings
from retention_models.store_slices import write_slices
from retention_models.transactions import Transactions

_SHARE_OF_MEMORY = 0.8  # of the machine's, for all notebooks at once

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a store, or of another page: status and failure as the manifest has them."""

    store_id: str
    status: str
    seconds: float
    failure: str | None = None
    kind: str = "store"


@dataclass(frozen=True)
class RunResult:
    """A finished run: where its index is, and what became of every store."""

    index: Path
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The stores that have no page of today's data."""
        return tuple(o for o in self.outcomes if o.status not in DONE)


def run_project(
    project_file: str | Path,
    *,
    stores: Sequence[str] = (),
    as_of: Day | None = None,
    jobs: int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    resume: bool = False,
    cold: bool = False,
    tell: Tell | None = None,
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
    force : bool
        Whether to make pages anew whose inputs (notebook, parameters, data, code, packages) are those
        of the page that stands.
    resume : bool
        Whether to continue the newest run, if it was stopped: with its day and its stores.
    cold : bool
        Whether notebooks run in ordinary kernels instead of processes forked from a warm one.
    tell : callable, optional
        Is told each event by name, with keyword arguments; logging unless given.

    Returns
    -------
    RunResult
        A store that fails does not stop the others.

    Raises
    ------
    SettingsError, DataError
        If the project file, a parameter, the data or the output folder cannot be used; unless it is
        the folder that fails half-way, nothing is written then.
    LockHeld
        If another run is publishing into the output folder.
    """
    asked = Asked(tuple(stores), None if as_of is None else as_day(as_of, "as_of"), force, resume)
    if resume and stores:
        raise SettingsError("--resume continues with the stores of the run; leave out --store.")
    settings = read_settings(project_file)
    notebook = notebook_of(settings, STORE)
    check_parameters(notebook, settings.reports.parameters)
    check_notices(settings.reports.notices)
    folder = Path(output or settings.path(settings.reports.output))
    with speaking(settings.language):
        transactions = _read(settings)
        data = data_print(settings, transactions)
        work = _Work(settings, Path(project_file).resolve(), notebook, transactions, folder, data)
        made = _published(work, asked, partial(_execute, jobs=jobs, cold=cold), tell or Progress())
    for manifest in made:
        tell_outcome(settings.reports.notices, manifest, settings.name)
    return _result(made)


@dataclass(frozen=True)
class _Work:
    """What the notebooks of a run are made from."""

    settings: Settings
    project_file: Path
    notebook: Path
    transactions: Transactions
    output: Path
    data: DataPrint
    kind: PageKind = STORE
    estimated: Mapping[str, list[OverviewRow]] = field(default_factory=dict)


def _published(
    work: _Work,
    asked: Asked,
    execute: Callable[..., Iterator[tuple[str, ExecutionResult]]],
    tell: Tell,
) -> list[Manifest]:
    """The runs of the campaigns' pages, where there are any, and of the stores'."""
    settings = work.settings
    plan = _plan(work, asked, chosen_stores(settings, work.transactions, asked.stores))
    made = []
    if plan.whole and (campaigns := chosen_campaigns(settings, plan.as_of)):
        notebook, to = notebook_of(settings, CAMPAIGN), work.output / CAMPAIGNS
        theirs = replace(work, notebook=notebook, output=to, kind=CAMPAIGN)
        # Before the stores' pages, which tell of them and lead to them.
        of_campaigns = _plan(theirs, asked, campaigns)
        made.append(publish_run(of_campaigns, partial(execute, theirs), tell))
        work = replace(work, estimated=_estimated(made[0]))
    return [*made, publish_run(plan, partial(execute, work), tell)]


def _read(settings: Settings) -> Transactions:
    log.info("reading %s", without_password(settings.path(settings.transactions.source)))
    transactions = read_project_transactions(settings)
    rows = f"{transactions.rows_read:,} rows, {transactions.rows_unusable:,} unusable"
    log.info("read %s", rows)
    return transactions


def _estimated(manifest: Manifest) -> dict[str, list[OverviewRow]]:
    """What the campaigns whose pages are of today's data changed, by id."""
    return {
        entry["store"]: read_overview(manifest.folder / entry["folder"])
        for entry in manifest.stores.values()
        if entry["outcome"] in DONE
    }


def _plan(work: _Work, asked: Asked, ids: Sequence[str]) -> Plan:
    """What is to do, after a look at the data."""
    settings, transactions = work.settings, work.transactions
    project_file, notebook, data = work.project_file, work.notebook, work.data
    head = {
        "project": {
            "file": project_file.name,
            "name": settings.name,
            "sha256": sha256(project_file),
        },
        "parameters": {
            "run": asked.shown(),
            "project": redacted_tree(settings.model_dump(mode="json")),
            "notebook": redacted_tree(settings.reports.parameters),
        },
        "code": code_entry(notebook),
        "lock": lock_entry(),
        "data": {
            "source": without_password(settings.transactions.source),
            "rows": transactions.rows_read,
            "unusable": transactions.rows_unusable,
            "sha256": data.sha256,
            "files": data.files,
        },
    }
    day = last_day(settings, transactions, asked.as_of)
    return Plan(settings, day, work.output, tuple(ids), data, head, asked, work.kind)


def _execute(
    work: _Work, todo: Sequence[Job], day: dt.date, *, jobs: int | None, cold: bool
) -> Iterator[tuple[str, ExecutionResult]]:
    """Execute the stores' notebooks on slices of the data, which are read here for all of them."""
    settings = work.settings
    workers = max(1, min(jobs or os.cpu_count() or 1, len(todo)))
    given = {
        **(settings.reports.parameters if work.kind == STORE else {}),
        "project_file": str(work.project_file),
        "as_of": day.isoformat(),
    }
    named = f"{work.kind.name}_id"
    tasks = [
        Task(
            one, work.notebook, {**given, named: one, "output_folder": str(to)}, to, work.kind.name
        )
        for one, to in todo
    ]
    slices = new_folder(work.output, private=True)  # every customer's purchases, below a web root
    try:
        ids = [one for one, _ in todo]
        if work.kind == STORE:
            write_slices(
                *(slices, work.project_file, settings, work.transactions, ids, day),
                estimated=work.estimated,
            )
        else:
            write_campaign_slice(slices, work.project_file, work.transactions, day)
        options = Options(
            jobs=workers,
            warm=not cold,
            limits=_limits(settings, workers),
            environment={SLICES: str(slices.resolve())},
            scheduler=settings.execution.scheduler,
        )
        yield from execute_all(tasks, options)
    finally:
        shutil.rmtree(slices, ignore_errors=True)  # the next run removes what is left


def _limits(settings: Settings, jobs: int) -> Limits:
    given = settings.execution
    machine = machine_memory()
    memory = None if machine is None else int(_SHARE_OF_MEMORY * machine / jobs)
    return Limits(
        seconds=given.time_limit,
        memory=memory if given.memory is None else size(given.memory),
        output=size(given.output),
    )


def _result(made: Sequence[Manifest]) -> RunResult:
    outcomes = [
        Outcome(
            entry["store"],
            entry["outcome"],
            entry["seconds"],
            entry["failure"] and entry["failure"]["message"],
            manifest.head["kind"],
        )
        for manifest in reversed(made)
        for entry in manifest.stores.values()
        if entry["run"] == manifest.head["run"]
    ]
    return RunResult((made[-1].folder / INDEX).resolve(), tuple(outcomes))
