"""What a run reads once and gives to each store's notebook: its rows, its contacts, its loans.

A run opens the log, and writes for every store the rows of that store, what is known of the whole chain,
and what the chain lends it. `open_store` takes them where the environment of a notebook names their
folder, the project file is the one they were made from, and the store is theirs; else it reads the
project's data.
"""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from retention_models.campaigns.effects.contact_effect import ListTest
from retention_models.data.channels import Channels, about_channels, read_project_channels
from retention_models.data.contacts import (
    Events,
    Surveys,
    read_project_contacts,
)
from retention_models.data.engines import open_source, write_parquet, write_parts
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.measures.recent import RecentActivity, recent_by_store
from retention_models.measures.table import year_by_store
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions import scatter, season
from retention_models.predictions.contest import Contest, hold_contest
from retention_models.predictions.past_forecasts import PastForecasts
from retention_models.predictions.scatter import Scatter, learn_scatter
from retention_models.predictions.store_models import BorrowedModels, find_borrowed
from retention_models.project.campaign_overview import OverviewRow, campaign_overview
from retention_models.project.days import calibration_end
from retention_models.project.handover import (
    frame,
    open_rows,
    read_chain,
    write_chain,
    write_json,
)
from retention_models.project.lots import as_parquet, project_list_tests, read_lots
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings
from retention_models.summaries.customers import customer_summary_by_store

_ROWS, _STORE = "rows.parquet", "store.json"
_CAMPAIGNS = "campaigns.parquet"
_CHANNELS = "channels.parquet"
_LOTS, LIST_TESTS = "lots.parquet", "list_tests.json"
_RECENT = ("quarters", "compared", "months")
_YEAR = "year.parquet"

logger = logging.getLogger(__name__)

_Contacts = TypeVar("_Contacts", Surveys, Events)


@dataclass(frozen=True)
class StoreHandover:
    """What a run has read for a store.

    `log` holds its own rows, and what was counted of the chain's, whose rows are opened where asked for;
    `loans` what the chain lends it as of a day; surveys and events are its own and of no one store.
    """

    log: Transactions
    loans: dict[dt.date, BorrowedModels | None]
    surveys: Surveys | None
    events: Events | None
    campaigns: pd.DataFrame | None = None
    scatters: dict[dt.date, Scatter] = field(default_factory=dict)
    calendars: dict[dt.date, Calendar] = field(default_factory=dict)
    recent: RecentActivity | None = None
    year: pd.DataFrame | None = None
    contest: Contest | None = None
    lots: pd.DataFrame | None = None
    list_tests: tuple[ListTest, ...] = ()
    channels: Channels | None = None


def write_slices(
    folder: Path,
    project_file: Path,
    settings: Settings,
    log: Transactions,
    store_ids: Sequence[str],
    end: dt.date,
    *,
    estimated: Mapping[str, list[OverviewRow]] | None = None,
    before: Contest | None = None,
    lots: pd.DataFrame | None = None,
) -> Contest:
    """Write to an empty folder what a run's notebooks need; say how models of its stores are chosen.

    `estimated` holds rows of campaigns that need no estimating any more; see `campaign_overview`;
    `before` is how models were chosen on an earlier night; `lots` are those drawn for the lists.
    """
    folders = {store: folder / _name(store) for store in store_ids}
    for place in folders.values():
        place.mkdir(mode=0o700)
    with log.origin.reading():
        log.origin.require_unchanged()
        write_parts(log.table, "store_id", {s: place / _ROWS for s, place in folders.items()})
    whole, log = log, _at_hand(folder, settings, log, store_ids)
    if settings.campaigns and settings.reports.campaigns:
        newest = settings.reports.campaigns
        overview = campaign_overview(settings, log, as_of=end, newest=newest, estimated=estimated)
        overview.to_parquet(folder / _CAMPAIGNS)
    logger.info("rows of %d stores laid ready", len(folders))
    loans, seasons, days = _loans(settings, log, store_ids, end)
    logger.info("found what the chain lends to its stores")
    unit, chain = settings.model.time_unit, settings.stores.ids
    past = PastForecasts(log, end, unit, chain, settings.calendar)
    contest = hold_contest(past, before, named=settings.model.purchases)
    scatters = scatter.content(
        {day: learn_scatter(past.over_by(day), contest.rule) for day in days}
    )
    surveys, events = read_project_contacts(settings, log)
    if (channels := read_project_channels(settings)) is not None:
        about_channels(log, channels)
        write_parquet(channels.table, str(folder / _CHANNELS))
    logger.info("models are chosen (%s); scatter of totals learned", contest.rule)
    if lots is not None:
        tests = project_list_tests(settings, log, lots, end, events)
        write_json(folder / LIST_TESTS, {"tests": [one.content() for one in tests]})
        drawn = dict(list(lots.groupby("store_id")))
        for store, place in folders.items():
            (place / _LOTS).write_bytes(as_parquet(drawn.get(store, lots.head(0))))
    recent = _recent(log, store_ids, end)
    year = year_by_store(log, store_ids, end=end)
    logger.info("quarters and months of %d stores measured", len(recent))
    for store, place in folders.items():
        lent = {day: loan and loan.content() for day, loan in loans.get(store, {}).items()}
        content: dict[str, Any] = {"store": store, "loans": lent, "scatters": scatters}
        content["calendars"] = seasons.get(store, {})
        content["contest"] = contest.content()
        for name, contacts in (("surveys", surveys), ("events", events)):
            if contacts is not None:
                _write_contacts(contacts, store, place / f"{name}.parquet")
                content[name] = _told_of(contacts)
        content |= _write_measured(recent.get(store), year.get(store), place)
        write_json(place / _STORE, content)
    write_chain(folder, project_file, whole)
    return contest


def _at_hand(
    folder: Path, settings: Settings, log: Transactions, store_ids: Sequence[str]
) -> Transactions:
    """The chain's log for many questions: another engine's rows where all of them are here by now."""
    chain = log.stores.index if settings.stores.ids is None else settings.stores.ids
    if log.origin.in_process or not {*chain} <= {*store_ids}:
        return log
    given = settings.transactions
    here = open_source(f"{glob.escape(str(folder))}/*/{_ROWS}", None, given.timezone, given.memory)
    return replace(log, table=here.table, origin=replace(here, name=log.source))


def _loans(
    settings: Settings, log: Transactions, store_ids: Sequence[str], end: dt.date
) -> tuple[dict[str, dict[str, BorrowedModels | None]], dict[str, dict[str, Any]], list[dt.date]]:
    """What is lent, and calendars, by store and day, ISO 8601: at the end, and at that of calibration.

    And those days.
    """
    chain = None if settings.stores.ids is None else {*settings.stores.ids, *store_ids}

    def summaries(day: dt.date) -> dict[str, pd.DataFrame]:
        return customer_summary_by_store(
            log, store_ids=chain, observation_end=day, time_unit=settings.model.time_unit
        )

    now = summaries(end)
    found: dict[str, dict[str, BorrowedModels | None]] = {store: {} for store in store_ids}
    calendars: dict[str, dict[str, Any]] = {store: {} for store in store_ids}

    def add(day: dt.date, known: dict[str, pd.DataFrame], stores: Sequence[str]) -> None:
        told = season.ChainSeasons()
        if settings.calendar is not None:
            told = season.chain_seasons(log, known, day, settings.calendar, stores)
        for store in {*stores} & {*told.calendars}:
            calendars[store][day.isoformat()] = season.content(told.calendars[store])
        for store, loan in find_borrowed(known, stores, told.told).items():
            found[store][day.isoformat()] = loan

    add(end, now, store_ids)
    splits: dict[dt.date, list[str]] = {}
    for store in store_ids:
        if store in now:
            try:
                splits.setdefault(calibration_end(settings, now[store], end, log), []).append(store)
            except CannotSay:
                continue  # its page says so in the place of the check
    for split, stores in splits.items():
        add(split, summaries(split), stores)
    return found, calendars, [end, *splits]


def _recent(log: Transactions, store_ids: Sequence[str], end: dt.date) -> dict[str, RecentActivity]:
    """The quarters and months of all stores; nothing where the data hold no quarter."""
    try:
        return recent_by_store(log, store_ids, end=end)
    except CannotSay:
        return {}  # each page says so in their place


def _write_measured(
    found: RecentActivity | None, year: pd.DataFrame | None, place: Path
) -> dict[str, Any]:
    """Write what was measured of a store; what else is to be told of it."""
    if year is not None:
        year.to_parquet(place / _YEAR)
    if found is None:
        return {}
    for name in _RECENT:
        getattr(found, name).to_parquet(place / f"{name}.parquet")
    return {"window": found.window}


def _read_recent(place: Path, own: dict[str, Any]) -> RecentActivity | None:
    if "window" not in own:
        return None
    tables = {name: pd.read_parquet(place / f"{name}.parquet") for name in _RECENT}
    for name in ("quarters", "compared"):
        tables[name] = _as_measured(tables[name])
    return RecentActivity(**tables, window=own["window"])


def _as_measured(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as the engine's tables hold them."""
    return table.astype({"note": object, "measure": object})


def _write_contacts(contacts: Surveys | Events, store: str, path: Path) -> None:
    table = contacts.table
    here = table["store_id"].isnull() | (table["store_id"] == store)
    write_parquet(table.filter(here), str(path))


def _told_of(contacts: Surveys | Events) -> dict[str, Any]:
    scale = {"scale": contacts.scale} if isinstance(contacts, Surveys) else {}
    quality = contacts.quality.to_json(orient="table")
    return {"rows_read": contacts.rows_read, "source": contacts.source, "quality": quality, **scale}


def read_slice(project_file: str | Path, store_id: str) -> StoreHandover | None:
    """What the run that started this process has read for a store; None where there is nothing."""
    found = read_chain(project_file)
    if found is None:
        return None
    folder, chain = found
    place = folder / _name(store_id)
    try:
        own = json.loads((place / _STORE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    settings = read_settings(project_file)
    loans = {
        dt.date.fromisoformat(day): content and BorrowedModels.from_content(content)
        for day, content in own["loans"].items()
    }
    log = open_rows(
        settings,
        place / _ROWS,
        chain,
        only=store_id,
        open_whole=cache(lambda: read_project_transactions(settings)),
    )
    return StoreHandover(
        log,
        loans,
        _contacts(Surveys, settings, place / "surveys.parquet", own.get("surveys")),
        _contacts(Events, settings, place / "events.parquet", own.get("events")),
        pd.read_parquet(folder / _CAMPAIGNS) if (folder / _CAMPAIGNS).exists() else None,
        scatter.from_content(own["scatters"]),
        {
            dt.date.fromisoformat(day): season.from_content(written, log, store_id)
            for day, written in own["calendars"].items()
        },
        contest=Contest.from_content(own["contest"]),
        recent=_read_recent(place, own),
        year=_as_measured(pd.read_parquet(place / _YEAR)) if (place / _YEAR).exists() else None,
        lots=read_lots(place / _LOTS),
        list_tests=tuple(read_list_tests(folder / LIST_TESTS)),
        channels=_channels(settings, folder / _CHANNELS),
    )


def read_list_tests(path: Path) -> list[ListTest]:
    """What the lists' tests tell, as a run has written it; nothing where there is no file."""
    if not path.is_file():
        return []
    content = json.loads(path.read_text(encoding="utf-8"))
    return [ListTest.from_content(one) for one in content["tests"]]


def _contacts(
    kind: type[_Contacts], settings: Settings, path: Path, told: dict[str, Any] | None
) -> _Contacts | None:
    if told is None:
        return None
    table = open_source(str(path), None, settings.transactions.timezone).table
    return kind(**{**told, "table": table, "quality": frame(told["quality"])})


def _channels(settings: Settings, path: Path) -> Channels | None:
    if not path.is_file():
        return None
    table = open_source(str(path), None, settings.transactions.timezone).table
    return Channels(table, pd.DataFrame(), 0, str(path))


def _name(store_id: str) -> str:
    """A folder's name for any text."""
    return hashlib.sha256(store_id.encode()).hexdigest()[:32]
