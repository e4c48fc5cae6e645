"""A run from its lock to its last word: what is to be made, what became of it, what readers find."""

from __future__ import annotations

import datetime as dt
import errno
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from retention_models.errors import SettingsError
from retention_models.pages.html.kinds import STORE, store_folder
from retention_models.runs.execution.results import ExecutionResult
from retention_models.runs.publishing.context import (
    ExecutedPage,
    PublishContext,
    RunClock,
    RunPlan,
)
from retention_models.runs.publishing.files import (
    LOCK,
    clean_leftovers,
    hashes,
    new_folder,
    output_lock,
    point_to,
    remove_whatever,
    sha256,
)
from retention_models.runs.publishing.fingerprints import inputs_sha256, other_files
from retention_models.runs.publishing.history import LATEST, History, newest_head, prune, unfinished
from retention_models.runs.publishing.index import publish_index
from retention_models.runs.publishing.manifest import (
    DONE,
    PENDING,
    PUBLISHED,
    SKIPPED,
    Entry,
    Manifest,
    read_manifest,
    reconciled,
)
from retention_models.runs.publishing.page import publish, warn, withdraw
from retention_models.settings.credentials import known_secrets

log = logging.getLogger(__name__)

_UNWRITABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ENOENT, errno.EISDIR, errno.ELOOP),
    *(errno.ENOTEMPTY, errno.ESPIPE, errno.EINVAL, errno.ESTALE, errno.EBUSY, errno.EMLINK),
}

# A store's id and the folder that its notebook writes to.
Job = tuple[str, Path]
Execute = Callable[[Sequence[Job], dt.date], Iterable[tuple[str, ExecutionResult]]]
Tell = Callable[..., None]


def publish_run(plan: RunPlan, execute: Execute, tell: Tell) -> Manifest:
    """Make, publish and record the stores of a run."""
    try:
        plan.output.mkdir(parents=True, exist_ok=True)
        with output_lock(plan.output):
            return _locked_run(plan, execute, tell)
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise SettingsError(
            f"reports.output: {plan.output} cannot be written ({error.strerror}). What stood there "
            "stays; free space or mend its permissions, and run again with --resume."
        ) from error


def _locked_run(plan: RunPlan, execute: Execute, tell: Tell) -> Manifest:
    _clean(plan.output)
    _require_distinct(plan)
    clock = RunClock(plan.settings.zone)
    plan, head = _begun(plan, clock)
    folder = plan.output / plan.as_of.isoformat()
    folder.mkdir(exist_ok=True)
    earlier = read_manifest(folder)
    before = {} if earlier is None else earlier.stores
    _require_same_project(plan, earlier)
    if earlier is not None and _project(earlier.head) != plan.head["project"]["name"]:
        before = {}  # of the chain's old name, which --force replaces
    manifest = Manifest(folder, head, _entries(plan, head, before))
    press = PublishContext(
        plan.settings, plan.as_of, folder, head["run"], clock, manifest, known_secrets(), plan.kind
    )
    history = History(plan.output, plan.as_of, before)
    todo = _not_yet(plan, press, before)
    tell(
        "started",
        run=head["run"],
        as_of=plan.as_of,
        stores=len(plan.pages),
        todo=len(todo),
        kind=plan.kind.name,
    )
    with _whatever_happens(press, tell):
        manifest.write()
        _settle_all(plan, press, history, todo, execute, tell)
        _withdraw_changed(plan, press, history, tell)
        _finish(plan, press)
    removed = prune(plan.output, plan.settings.reports.keep_runs, folder)
    tell("finished", manifest=manifest, seconds=clock.seconds(), removed=removed)
    return manifest


def _clean(output: Path) -> None:
    for folder in (output, *sorted(p for p in output.glob("????-??-??") if p.is_dir())):
        for name in clean_leftovers(folder):
            log.info("cleaned %s, left by a run that was stopped", folder / name)


def _require_distinct(plan: RunPlan) -> None:
    """Refuse ids that differ by case alone, where the file system does not tell them apart."""
    if not (plan.output / LOCK.upper()).exists():
        return
    seen: dict[str, str] = {}
    for page_id in plan.pages:
        other = seen.setdefault(store_folder(page_id).casefold(), page_id)
        if other != page_id:
            raise SettingsError(
                f"reports.output: {plan.output} does not tell upper from lower case, so that stores "
                f"{other!r} and {page_id!r} would share a folder. Choose another with --output."
            )


def _begun(plan: RunPlan, clock: RunClock) -> tuple[RunPlan, dict[str, Any]]:
    """The manifest's head: of a new run, or of the one that is continued."""
    asked = plan.asked
    stopped = unfinished(plan.output, asked.as_of) if asked.resume else None
    if stopped is not None:
        plan = replace(
            plan,
            as_of=dt.date.fromisoformat(stopped.head["as_of"]),
            pages=tuple(i for i, e in stopped.stores.items() if e["run"] == stopped.head["run"]),
        )
        head = {**stopped.head, **plan.head, "state": "running", "ended": None}
        wish = stopped.head["parameters"]["run"].get("as_of")
        asked_for = {**plan.head["parameters"]["run"], "as_of": wish}
        head["parameters"] = {**plan.head["parameters"], "run": asked_for}
        head["resumed"] = [*stopped.head["resumed"], clock.stamp()]
        log.info("continuing run %s", head["run"])
        return plan, head
    if asked.resume and plan.kind == STORE:
        log.info("no run of store pages is unfinished: they are begun")
    moment = clock.started.strftime("%Y%m%dT%H%M%SZ")
    return plan, {
        "schema": 1,
        "run": f"{moment}-{secrets.token_hex(3)}",
        "state": "running",
        "kind": plan.kind.name,
        "as_of": plan.as_of.isoformat(),
        "complete": plan.whole,
        **plan.head,
        "started": clock.stamp(clock.started),
        "ended": None,
        "resumed": [],
        "warnings": plan.head.get("warnings", []),
        "files": {},
    }


def _known(plan: RunPlan, page_id: str) -> Entry:
    code = plan.head["code"]
    return {
        "data": plan.data.of_store(page_id),
        "inputs": inputs_sha256(page_id, plan.as_of, plan.settings, plan.data, code),
    }


def _require_same_project(plan: RunPlan, today: Manifest | None) -> None:
    """Refuse a folder that holds the pages of another project, which would be listed as of this one."""
    heads = [newest_head(plan.output), None if today is None else today.head]
    ours = plan.head["project"]["name"]
    for head in heads:
        theirs = ours if head is None else _project(head)
        if theirs != ours and not plan.asked.force:
            raise SettingsError(
                f"reports.output: {plan.output} holds the pages of {theirs!r}; this project is "
                f"{ours!r}. Choose another folder with --output; where the chain has a new name, "
                "run once with --force, which makes every page anew."
            )


def _project(head: dict[str, Any]) -> Any:
    return (head.get("project") or {}).get("name")


def _entries(plan: RunPlan, head: dict[str, Any], before: dict[str, Entry]) -> dict[str, Entry]:
    """Every store of this run as pending, behind those that are not of it and stay as they are.

    A store that left the project does not stay: whoever a run of all is not over, or `[stores] ids`
    does not name.
    """
    ids, run = plan.settings.stores.ids, head["run"]
    stay = {} if head["complete"] else before
    ours = set(plan.pages)
    entries = {
        i: entry
        for i, entry in stay.items()
        if i not in ours and (ids is None or plan.kind != STORE or i in ids)
    }
    for page_id in plan.pages:
        old = before.get(page_id, {"failure": None, "page": None, "files": {}})
        entries[page_id] = {
            "store": page_id,
            "folder": store_folder(page_id),
            "run": run,
            "outcome": PENDING,
            "ended": None,
            "seconds": 0.0,
            "attempts": 0,
            "cells": [],
            **_known(plan, page_id),
            **{name: old[name] for name in ("failure", "page", "files")},
        }
    return entries


def _not_yet(plan: RunPlan, press: PublishContext, before: dict[str, Entry]) -> list[str]:
    """Settle the stores whose page stands and whose inputs are unchanged; the ids of the others."""
    todo = []
    for page_id in plan.pages:
        old, entry = before.get(page_id), press.manifest.stores[page_id]
        same = (
            not plan.asked.force
            and old is not None
            and old["outcome"] in DONE
            and entry["inputs"] is not None
            and old["inputs"] == entry["inputs"]
            and hashes(press.place(page_id)) == old["files"]
        )
        if old is None or not same:
            todo.append(page_id)
            continue
        outcome = old["outcome"] if old["run"] == press.run else SKIPPED
        press.manifest.stores[page_id] = {**old, "run": press.run, "outcome": outcome}
    return todo


def _settle_all(
    plan: RunPlan,
    press: PublishContext,
    history: History,
    todo: list[str],
    execute: Execute,
    tell: Tell,
) -> None:
    unchanged = set(plan.pages).difference(todo)
    for page_id in plan.pages:
        if page_id in unchanged:
            warn(press, page_id)
            _tell_store(press, page_id, tell)
    staging = {page_id: new_folder(press.folder) for page_id in todo}
    for page_id, result in execute(list(staging.items()), plan.as_of) if staging else ():
        tried = ExecutedPage(
            page_id,
            result,
            staging.pop(page_id),
            partial(history.before, page_id),
            _known(plan, page_id),
        )
        publish(press, tried)
        _tell_store(press, page_id, tell)


def _withdraw_changed(plan: RunPlan, press: PublishContext, history: History, tell: Tell) -> None:
    """Take back pages that are no longer what was published: a notebook wrote to another's folder."""
    for page_id in plan.pages:
        if hashes(press.place(page_id)) != press.manifest.stores[page_id]["files"]:
            withdraw(press, page_id, partial(history.before, page_id), _known(plan, page_id))
            _tell_store(press, page_id, tell, "withdrawn")


def _tell_store(press: PublishContext, page_id: str, tell: Tell, event: str = "store") -> None:
    entry = press.manifest.stores[page_id]
    name = None if entry["failure"] is None else entry["failure"]["details"]
    details = None if name is None else press.place(page_id) / name
    tell(event, store=page_id, entry=entry, details=details)


def _finish(plan: RunPlan, press: PublishContext) -> None:
    """The index, the manifest's last word, and the link to the newest run."""
    manifest = press.manifest
    _make_anew_if_changed(plan, press)
    index = publish_index(press)
    manifest.head["files"] = {index.name: sha256(index)}
    manifest.head["state"] = "finished"
    manifest.head["ended"] = press.clock.stamp()
    manifest.write()
    if manifest.head["complete"]:
        _lead_to(plan.output / LATEST, press)


def _lead_to(link: Path, press: PublishContext) -> None:
    """Let the link name this run, unless a day was asked for that lies before that of the link.

    Without such a wish the run is of all that the data hold now: where the link names a later day, that
    one came from rows, or a wish, that are no more.
    """
    stood = link.readlink().name if link.is_symlink() else ""
    if stood > press.folder.name:
        if press.manifest.head["parameters"]["run"].get("as_of") is not None:
            return
        log.warning("%s led to %s, a day that the data do not reach any more", link, stood)
    if not point_to(link, press.folder.name):
        log.warning("%s is not a link of ours, so it was left as it is", link)


def _make_anew_if_changed(plan: RunPlan, press: PublishContext) -> None:
    """Where surveys, campaigns or translation changed meanwhile, no page is told to be of either."""
    changed = sorted(
        name
        for name, found in other_files(plan.settings).items()
        if plan.data.files.get(name) != found
    )
    if not changed:
        return
    log.warning(
        "%s changed while the run worked: the next run makes its pages anew", ", ".join(changed)
    )
    for page_id, entry in press.manifest.stores.items():
        if entry["run"] == press.run and entry["outcome"] == PUBLISHED:
            press.manifest.stores[page_id] = {**entry, "inputs": None}


@contextmanager
def _whatever_happens(press: PublishContext, tell: Tell) -> Iterator[None]:
    """Whoever stops a run finds its folders cleaned and its manifest saying so, as far as can be."""
    try:
        yield
    except BaseException as error:
        tell("interrupted", reason=type(error).__name__)
        manifest = press.manifest
        manifest.stores = {
            page_id: reconciled(entry, press.folder) for page_id, entry in manifest.stores.items()
        }
        manifest.head["state"] = "interrupted"
        manifest.head["ended"] = press.clock.stamp()
        try:
            for making in press.folder.glob(".making-*"):
                remove_whatever(making)
            manifest.write()
        except OSError as full:
            log.error("the manifest could not say that the run was stopped: %s", full)
        raise
