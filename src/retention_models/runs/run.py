"""`retention run`: every store's notebook executed, rendered, published, and an index over all.

What a run makes pages of, and from which notebooks.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from retention_models.data.reading_transactions import read_project_transactions
from retention_models.data.rules import DataCheck, check_data
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError, SettingsError
from retention_models.languages import speaking
from retention_models.pages.html.kinds import CAMPAIGN, CAMPAIGNS, STORE, PageKind
from retention_models.pages.html.notebooks import notebook_of, own_notebook
from retention_models.project.campaign import newest_campaigns, write_campaign_slice
from retention_models.project.campaign_outputs import read_overview
from retention_models.project.campaign_overview import OverviewRow
from retention_models.project.chosen_models import MODELS, as_kept, earlier_contest, past_print
from retention_models.project.days import last_day
from retention_models.project.handover import COPIES, VARIABLE as SLICES
from retention_models.project.json_texts import json_text
from retention_models.project.known_stores import require_store
from retention_models.project.store_handover import write_slices
from retention_models.runs.execution.forking import server_in_waiting
from retention_models.runs.execution.limits import machine_memory
from retention_models.runs.execution.pool import execute_all
from retention_models.runs.execution.results import ExecutionResult, Limits
from retention_models.runs.execution.tasks import Options, Task
from retention_models.runs.execution.workers import Workers, environment_of
from retention_models.runs.publishing.context import RunPlan, RunRequest
from retention_models.runs.publishing.files import MAKING, private_folder, write_whole
from retention_models.runs.publishing.fingerprints import (
    DataPrint,
    code_entry,
    data_print,
    lock_entry,
)
from retention_models.runs.publishing.history import newest_head
from retention_models.runs.publishing.index import INDEX
from retention_models.runs.publishing.lots_kept import keep_told, keep_tonights, lots_so_far
from retention_models.runs.publishing.manifest import DONE, Manifest
from retention_models.runs.publishing.notices import check_notices, tell_outcome, told_of_every_end
from retention_models.runs.publishing.parameters import check_parameters
from retention_models.runs.publishing.progress import Progress
from retention_models.runs.publishing.publish import Job, Tell, publish_run
from retention_models.runs.publishing.snapshot import Snapshot, read_project
from retention_models.settings.credentials import HIDDEN, redacted_tree, without_password
from retention_models.settings.project import Settings
from retention_models.settings.reading import COPY, FILE
from retention_models.settings.reports import size
from retention_models.summaries.customers import Day, as_day


def chosen_stores(
    settings: Settings, transactions: Transactions, wanted: Sequence[str]
) -> list[str]:
    """Ids of the stores to report on."""
    known = list(settings.stores.ids or transactions.store_ids())
    if not wanted:
        if not known:
            raise DataError(f"{transactions.source}: no usable row, so no store to report on.")
        return known
    for store_id in wanted:
        require_store(store_id, settings, transactions, "--store")
    return list(dict.fromkeys(wanted))


def chosen_campaigns(settings: Settings, end: dt.date) -> list[str]:
    """Ids of the newest campaigns that have begun, as many as the project file asks for."""
    return [one.id for one in newest_campaigns(settings, end, settings.reports.campaigns)]


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
    warnings: tuple[str, ...] = ()  # what its data gave to warn of, in sentences

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
    """Make the pages of a project's stores, and the index over them; a store that fails stops no other.

    Stores, output and `as_of` are those of the project file, jobs as many as processors, unless
    given. `force` makes pages anew whose inputs (notebook, parameters, data, code, packages) are
    those of the page that stands; `resume` continues the newest run, if it was stopped, with its
    day and its stores; `cold` takes ordinary kernels instead of processes forked from a warm one;
    `tell` is told each event by name. SettingsError or DataError where nothing can be made: then
    nothing is written, unless it is the folder that fails half-way. LockHeld if another run is
    publishing into the output folder.
    """
    asked = RunRequest(
        tuple(stores), None if as_of is None else as_day(as_of, "as_of"), force, resume
    )
    if output is not None and "\0" in str(output):
        raise SettingsError(f"output: {str(output)!r} holds a NUL character, as no name does.")
    if resume and stores:
        raise SettingsError("--resume continues with the stores of the run; leave out --store.")
    settings, project = read_project(Path(project_file))
    # Absolute: notebooks are executed in folders of their own.
    folder = Path(output or settings.path(settings.reports.output)).absolute()
    tell = tell or Progress()
    with (
        server_in_waiting(environment_of(warm=True)) if not cold else nullcontext() as waiting,
        speaking(settings.language),
        told_of_every_end(settings, folder, tell),
    ):
        notebook = notebook_of(settings, STORE)
        check_parameters(notebook, settings.reports.parameters)
        check_notices(settings.reports.notices)
        transactions = _read(settings)
        data = data_print(settings, transactions)
        ran = Snapshot.of(notebook)
        checked = _checked(settings, transactions, folder, asked, tell)
        work = _Work(settings, project, ran, transactions, folder, data, checked)
        # One warm process for both kinds of pages: its imports take longer than a page.
        notebooks = [ran.path, *([own_notebook(CAMPAIGN)] if settings.campaigns else [])]
        with Workers(warm=not cold, notebooks=notebooks, waiting=waiting) as workers:
            execute = partial(_execute, jobs=jobs, workers=workers)
            made = _published(work, asked, execute, tell)
        for file in (project, ran):
            file.tell_if_changed()
    for manifest in made:
        tell_outcome(settings.reports.notices, manifest, settings.name)
    return _result(made)


@dataclass(frozen=True)
class _Work:
    """What the notebooks of a run are made from."""

    settings: Settings
    project: Snapshot
    notebook: Snapshot
    transactions: Transactions
    output: Path
    data: DataPrint
    checked: DataCheck
    kind: PageKind = STORE
    estimated: Mapping[str, list[OverviewRow]] = field(default_factory=dict)


def _published(
    work: _Work,
    asked: RunRequest,
    execute: Callable[..., Iterator[tuple[str, ExecutionResult]]],
    tell: Tell,
) -> list[Manifest]:
    """The runs of the campaigns' pages, where there are any, and of the stores'."""
    settings = work.settings
    plan = _plan(work, asked, chosen_stores(settings, work.transactions, asked.stores))
    made = []
    if plan.whole and (campaigns := chosen_campaigns(settings, plan.as_of)):
        notebook = Snapshot.of(notebook_of(settings, CAMPAIGN))
        to = work.output / CAMPAIGNS
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
    log.info("read %s; checking them", rows)
    return transactions


def _checked(
    settings: Settings, log: Transactions, output: Path, asked: RunRequest, tell: Tell
) -> DataCheck:
    """What the data give to warn of, which is told."""
    today = (
        asked.as_of or settings.model.observation_end or dt.datetime.now(tz=settings.zone).date()
    )
    before = newest_head(output)
    found = check_data(settings, log, last_day(settings, log, asked.as_of), today, before)
    for warning in found.warnings:
        tell("warning", **warning)
    return found


def _estimated(manifest: Manifest) -> dict[str, list[OverviewRow]]:
    """What the campaigns whose pages are of today's data changed, by id."""
    return {
        entry["store"]: read_overview(manifest.folder / entry["folder"])
        for entry in manifest.stores.values()
        if entry["outcome"] in DONE
    }


def _plan(work: _Work, asked: RunRequest, ids: Sequence[str]) -> RunPlan:
    """What is to do, after a look at the data."""
    settings, transactions = work.settings, work.transactions
    project, data = work.project, work.data
    head: dict[str, Any] = {
        "project": {
            "file": project.path.name,
            "name": settings.name,
            "sha256": project.sha256,
        },
        "parameters": {
            "run": asked.shown(),
            "project": _shown(settings),
            "notebook": redacted_tree(settings.reports.parameters),
        },
        "code": code_entry(work.notebook),
        "lock": lock_entry(),
        "data": {
            "source": without_password(settings.transactions.source),
            "rows": transactions.rows_read,
            "unusable": transactions.rows_unusable,
            "sha256": data.sha256,
            "files": data.files,
        },
        "warnings": [],
    }
    if work.kind == STORE:
        head["warnings"] = work.checked.warnings
        if work.checked.newest_week is not None:
            head["data"]["newest_week"] = work.checked.newest_week
    day = last_day(settings, transactions, asked.as_of)
    return RunPlan(settings, day, work.output, tuple(ids), data, head, asked, work.kind)


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings as the manifest shows them: no secret, and of a command of notices its name alone."""
    shown: dict[str, Any] = redacted_tree(settings.model_dump(mode="json"))
    command = settings.reports.notices.command
    if command is not None:
        shown["reports"]["notices"]["command"] = [command[0], *[HIDDEN] * (len(command) - 1)]
    return shown


def _execute(
    work: _Work, todo: Sequence[Job], day: dt.date, *, jobs: int | None, workers: Workers
) -> Iterator[tuple[str, ExecutionResult]]:
    """Execute the stores' notebooks on slices of the data, which are read here for all of them."""
    settings = work.settings
    at_once = max(1, min(jobs or os.cpu_count() or 1, len(todo)))
    given = {
        **(settings.reports.parameters if work.kind == STORE else {}),
        "project_file": str(work.project.path),
        "as_of": day.isoformat(),
    }
    named = f"{work.kind.name}_id"
    # Every customer's purchases, below a web root; what a killed run leaves, the next one removes.
    with private_folder(MAKING, work.output) as slices:
        notebook, project = _copies(work, slices)
        tasks = [
            Task(one, notebook, {**given, named: one, "output_folder": str(to)}, to, work.kind.name)
            for one, to in todo
        ]
        _write_rows(work, slices, [one for one, _ in todo], day)
        environment = {SLICES: slices, COPY: project, FILE: work.project.path}
        options = Options(
            jobs=at_once,
            warm=workers.warm,
            limits=_limits(settings, at_once),
            environment={name: str(path.resolve()) for name, path in environment.items()},
            imports_of=(work.notebook.path,),
            scheduler=settings.execution.scheduler,
        )
        log.info("making the pages, %d at once", at_once)
        yield from execute_all(tasks, options, workers)
        if work.kind == STORE and settings.actions.leaves_out:
            keep_tonights(work.output, day, [one for one, _ in todo])


def _copies(work: _Work, slices: Path) -> list[Path]:
    """The notebook and the project file as they were at the start, whoever edits them meanwhile."""
    copies = []
    for file, name in ((work.notebook, "notebook"), (work.project, COPIES)):
        (slices / name).mkdir()
        copies.append(file.write(slices / name))
    return copies


def _write_rows(work: _Work, slices: Path, ids: Sequence[str], day: dt.date) -> None:
    """What each notebook reads of the data."""
    if work.kind == STORE:
        contest, scatters = write_slices(
            *(slices, work.project.path, work.settings, work.transactions, ids, day),
            estimated=work.estimated,
            before=earlier_contest(work.output, day),
            lots=lots_so_far(work.output, work.settings),
        )
        kept = as_kept(contest, scatters, past_print(work.settings, work.transactions))
        write_whole(work.output / day.isoformat() / MODELS, json_text(kept))
        keep_told(work.output, day, slices)
    else:
        write_campaign_slice(slices, work.project.path, work.settings, work.transactions, day)


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
    warnings = tuple(one["message"] for m in made for one in m.head.get("warnings", []))
    return RunResult((made[-1].folder / INDEX).resolve(), tuple(outcomes), warnings)
