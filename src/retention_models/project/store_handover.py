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
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
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
from retention_models.measures.cohorts import cohorts_by_store
from retention_models.measures.recent import RecentActivity, recent_by_store
from retention_models.measures.table import year_by_store
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions import scatter, season
from retention_models.predictions.contest import Contest, hold_contest
from retention_models.predictions.past_forecasts import PastForecasts
from retention_models.predictions.scatter import Scatter, learn_scatter
from retention_models.predictions.store_models import BorrowedModels, find_borrowed
from retention_models.project.campaign_overview import OverviewRow, campaign_overview
from retention_models.project.days import by_day, calibration_end
from retention_models.project.handover import (
    frame,
    open_rows,
    read_chain,
    read_json,
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
_STORES_AT_ONCE = 250
_RECENT = ("quarters", "compared", "months")
_YEAR, _COHORTS, _SUMMARY = "year.parquet", "cohorts.parquet", "summary-"

logger = logging.getLogger(__name__)

_Contacts = TypeVar("_Contacts", Surveys, Events)


@dataclass(frozen=True)
class StoreHandover:
    """What a run has read for a store.

    `end` is the last day that counts; `log` holds its own rows, and what was counted of the chain's,
    whose rows are opened where asked for; `loans` what the chain lends it as of a day, `summaries` its
    customers as of a day; surveys and events are its own and of no one store.
    """

    end: dt.date
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
    list_tests: tuple[ListTest, ...] | None = None
    channels: Channels | None = None
    summaries: dict[dt.date, pd.DataFrame] = field(default_factory=dict)
    cohorts: pd.DataFrame | None = None

    def as_of(self, day: dt.date) -> StoreHandover:
        """Without what was measured up to the run's last day, where another one counts."""
        if day == self.end:
            return self
        other = replace(self, campaigns=None, contest=None, list_tests=None)
        return replace(other, recent=None, year=None, cohorts=None)


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
) -> tuple[Contest, dict[dt.date, Scatter]]:
    """Write to an empty folder what a run's notebooks need; how models are chosen, and scatters by day.

    `estimated` holds rows of campaigns that need no estimating any more; see `campaign_overview`;
    `before` is how models were chosen on an earlier night; `lots` are those drawn for the lists.
    """
    folders = _write_rows(folder, log, store_ids)
    whole, log = log, _at_hand(folder, settings, log, store_ids)
    if settings.campaigns and settings.reports.campaigns:
        newest = settings.reports.campaigns
        overview = campaign_overview(settings, log, as_of=end, newest=newest, estimated=estimated)
        overview.to_parquet(folder / _CAMPAIGNS)
    logger.info("rows of %d stores laid ready", len(folders))
    own: dict[str, dict[str, Any]] = {
        store: {"store": store, "end": end.isoformat()} for store in store_ids
    }
    with by_day(log) as bought:
        days = _write_loans(settings, bought, folders, own, end)
        logger.info("found what the chain lends to its stores")
        model = settings.model
        past = PastForecasts(bought, end, model.time_unit, settings.stores.ids, settings.calendar)
        contest = hold_contest(past, before, named=model.purchases)
        scatters = {day: learn_scatter(past.over_by(day), contest.rule) for day in days}
    chosen = {"contest": contest.content(), "scatters": scatter.content(scatters)}
    logger.info("models are chosen (%s); scatter of totals learned", contest.rule)
    contacts = read_project_contacts(settings, log)
    _write_channels(settings, log, folder)
    if lots is not None:
        tests = project_list_tests(settings, log, lots, end, contacts[1])
        write_json(folder / LIST_TESTS, {"tests": [one.content() for one in tests]})
        _write_lots(lots, folders)
    _write_measured(log, folders, own, end)
    for store, place in folders.items():
        told = _write_contacts(*contacts, store, place)
        write_json(place / _STORE, {**own[store], **chosen, **told})
    write_chain(folder, project_file, whole)
    return contest, scatters


def _write_rows(folder: Path, log: Transactions, store_ids: Sequence[str]) -> dict[str, Path]:
    """Write each store's rows; the folders of the stores."""
    folders = {store: folder / _name(store) for store in store_ids}
    for place in folders.values():
        place.mkdir(mode=0o700)
    with log.origin.reading():
        log.origin.require_unchanged()
        write_parts(log.table, "store_id", {s: place / _ROWS for s, place in folders.items()})
    return folders


def _write_channels(settings: Settings, log: Transactions, folder: Path) -> None:
    if (channels := read_project_channels(settings)) is not None:
        about_channels(log, channels)
        write_parquet(channels.table, str(folder / _CHANNELS))


def _write_lots(lots: pd.DataFrame, folders: Mapping[str, Path]) -> None:
    drawn = dict(list(lots.groupby("store_id")))
    for store, place in folders.items():
        (place / _LOTS).write_bytes(as_parquet(drawn.get(store, lots.head(0))))


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


def _write_loans(
    settings: Settings,
    log: Transactions,
    folders: Mapping[str, Path],
    own: Mapping[str, dict[str, Any]],
    end: dt.date,
) -> list[dt.date]:
    """Add what is lent, and calendars, by day, at the end and at that of calibration; those days.

    Summaries of these days, and of that with which the lists compare, are written on the way.
    """
    chain = None if settings.stores.ids is None else {*settings.stores.ids, *folders}
    for told in own.values():
        told.update(loans={}, calendars={})

    def summaries(day: dt.date) -> dict[str, pd.DataFrame]:
        return customer_summary_by_store(
            log, store_ids=chain, observation_end=day, time_unit=settings.model.time_unit
        )

    def write(known: Mapping[str, pd.DataFrame], day: dt.date, stores: Iterable[str]) -> None:
        for store in {*stores} & {*known}:
            known[store].to_parquet(folders[store] / f"{_SUMMARY}{day}.parquet")

    def add(day: dt.date, known: dict[str, pd.DataFrame], stores: Sequence[str]) -> None:
        write(known, day, stores)
        told = season.ChainSeasons()
        if settings.calendar is not None:
            told = season.chain_seasons(log, known, day, settings.calendar, stores)
        for store in {*stores} & {*told.calendars}:
            own[store]["calendars"][day.isoformat()] = season.content(told.calendars[store])
        for store, loan in find_borrowed(known, stores, told.told).items():
            own[store]["loans"][day.isoformat()] = loan and loan.content()

    now = summaries(end)
    add(end, now, list(folders))
    earlier = end - dt.timedelta(days=settings.actions.lookback_days)
    write(summaries(earlier), earlier, folders)
    splits: dict[dt.date, list[str]] = {}
    for store in folders:
        if store in now:
            try:
                splits.setdefault(calibration_end(settings, now[store], end, log), []).append(store)
            except CannotSay:
                continue  # its page says so in the place of the check
    for number, (split, stores) in enumerate(splits.items(), 1):
        logger.info("found what the chain lends on %d of %d days", number, 1 + len(splits))
        add(split, summaries(split), stores)
    return [end, *splits]


def _write_measured(
    log: Transactions, folders: Mapping[str, Path], own: Mapping[str, dict[str, Any]], end: dt.date
) -> None:
    """Write the quarters, months, cohorts and the year of all stores; add what else is to be told.

    So many at once that memory does not grow with their number.
    """
    stores = list(folders)
    for first in range(0, len(stores), _STORES_AT_ONCE):
        some = stores[first : first + _STORES_AT_ONCE]
        _write_measured_of(log, {store: folders[store] for store in some}, own, end)
        told = (first + len(some), len(stores))
        logger.info("quarters, months and cohorts of %d of %d stores measured", *told)


def _write_measured_of(
    log: Transactions, folders: Mapping[str, Path], own: Mapping[str, dict[str, Any]], end: dt.date
) -> None:
    recent: dict[str, RecentActivity] = {}
    cohorts: dict[str, pd.DataFrame] = {}
    # What the data hold no quarter or month for, each page says in its place.
    with suppress(CannotSay):
        recent = recent_by_store(log, list(folders), end=end)
    with suppress(CannotSay):
        cohorts = cohorts_by_store(log, list(folders), end=end)
    year = year_by_store(log, list(folders), end=end)
    for store, place in folders.items():
        for name, tables in ((_YEAR, year), (_COHORTS, cohorts)):
            if store in tables:
                tables[store].to_parquet(place / name)
        if store in recent:
            for name in _RECENT:
                getattr(recent[store], name).to_parquet(place / f"{name}.parquet")
            own[store]["window"] = recent[store].window


def _read_recent(place: Path, own: dict[str, Any]) -> RecentActivity | None:
    if "window" not in own:
        return None
    tables = {name: pd.read_parquet(place / f"{name}.parquet") for name in _RECENT}
    for name in ("quarters", "compared"):
        tables[name] = _as_measured(tables[name])
    return RecentActivity(**tables, window=own["window"])


def _read_cohorts(path: Path) -> pd.DataFrame | None:
    """Days to the second, which Parquet has not."""
    return pd.read_parquet(path).astype({"cohort": "datetime64[s]"}) if path.exists() else None


def _as_measured(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as the engine's tables hold them."""
    return table.astype({"note": object, "measure": object})


def _write_contacts(
    surveys: Surveys | None, events: Events | None, store: str, place: Path
) -> dict[str, Any]:
    """Write what customers of a store answered and did; what else is to be told of it."""
    told = {}
    for name, contacts in (("surveys", surveys), ("events", events)):
        if contacts is not None:
            table = contacts.table
            here = table["store_id"].isnull() | (table["store_id"] == store)
            write_parquet(table.filter(here), str(place / f"{name}.parquet"))
            told[name] = _told_of(contacts)
    return told


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
        own = read_json(place / _STORE)
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
        dt.date.fromisoformat(own["end"]),
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
        summaries={
            dt.date.fromisoformat(path.stem.removeprefix(_SUMMARY)): pd.read_parquet(path)
            for path in place.glob(f"{_SUMMARY}*.parquet")
        },
        cohorts=_read_cohorts(place / _COHORTS),
    )


def read_list_tests(path: Path) -> list[ListTest]:
    """What the lists' tests tell, as a run has written it; nothing where there is no file."""
    if not path.is_file():
        return []
    content = read_json(path)
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
