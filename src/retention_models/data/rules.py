"""Rules on the data of a run: what does not stop it, but is told above its pages as a warning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import to_frame
from retention_models.data.recent_rows import (
    NUMBERS,
    WEEK,
    WEEKS,
    by_day,
    by_month,
    by_week,
    numbers_of,
)
from retention_models.data.transactions import Transactions
from retention_models.languages import count, counted, day, decimals, marked, number, phrase, share
from retention_models.settings.project import Settings
from retention_models.settings.reports import Warnings

# Up to so many stores each is looked at by itself.
_FEW_STORES = 50
# Of the weeks or weekdays before, so many must be in the data.
_FEWEST_WEEKS = 4
# Below so many rows chance alone moves them by half.
_FEWEST_ROWS = 20
# A small shop's gaps excuse an old newest day up to so many times what the rule allows.
_LONGEST_GAP = 4
# As in `data.quality`: both the ratio and the distance from chance must be large.
_ROBUST_DEVIATIONS, _SIGMA_PER_MAD = 4.0, 1.482602218505602
# Months on each side that a month is held against; those whose rows a day are so many times theirs
# are looked through for repeats.
_AROUND, _CROWDED = 2, 1.6

_WEEK_OF = marked("{where}: {value} in the week up to {day}, where {usual} are usual.")
_WEEK_SAID = {
    "rows": _WEEK_OF,
    "customers": _WEEK_OF,
    "spend": marked("{where}: spend of {value} in the week up to {day}, where {usual} is usual."),
}
_DAY_OF = marked("{where}: {value} on {day}, where {usual} are usual on that weekday.")
_DAY_SAID = {
    "rows": _DAY_OF,
    "customers": _DAY_OF,
    "spend": marked("{where}: spend of {value} on {day}, where {usual} is usual on that weekday."),
}
_BEFORE_OF = marked(
    "The week up to {day} had {before} in the run before, and has {value} in this one."
)
_BEFORE_SAID = {
    "rows": _BEFORE_OF,
    "customers": _BEFORE_OF,
    "spend": marked(
        "The week up to {day} had a spend of {before} in the run before, and has {value} in this one."
    ),
}


@dataclass(frozen=True)
class DataWarning:
    """A rule that the data break, the store (None: of the chain), and a sentence."""

    rule: str
    store: str | None
    message: str


@dataclass(frozen=True)
class DataCheck:
    """What a run tells of its data: warnings, and the newest week, for the run after it."""

    warnings: list[dict[str, Any]]
    newest_week: dict[str, Any] | None


def check_data(
    settings: Settings,
    log: Transactions,
    end: dt.date,
    today: dt.date,
    before: Mapping[str, Any] | None,
) -> DataCheck:
    """Hold the rows up to `end` against the rules of `[reports.warnings]`.

    `before` is the head of the last run's manifest, `today` the day that the data should reach.
    """
    rules = settings.reports.warnings
    rows = _reported(settings, log, end)
    several = log.store_ids() if settings.stores.ids is None else list(settings.stores.ids)
    apart = 1 < len(several) <= _FEW_STORES
    months = by_month(rows, apart)
    if not rules.enabled or months.empty:
        return DataCheck([], None)
    newest = pd.Timestamp(months["last"].max()).date()
    # A day that is not over yet says nothing.
    over = newest < dt.datetime.now(tz=settings.zone).date()
    whole = newest if over else newest - dt.timedelta(days=1)
    weeks, days = by_week(rows, whole, apart), by_day(rows, whole)
    last = _Before(before, log, settings)
    found = [
        *_too_old(rows, newest, today, rules),
        *last.broken(rules, rows),
        *_odd_weeks(settings, weeks, whole, months, rules),
        *_odd_day(settings, days, whole, rules),
        *_odd_months(settings, rows, months, today, rules),
    ]
    week = weeks[weeks["store_id"].isna() & (weeks["week"] == 0)]
    kept = None if week.empty else {name: float(week[name].iloc[0]) for name in NUMBERS}
    return DataCheck(
        [asdict(one) for one in found],
        kept and {"last": whole.isoformat(), **kept},
    )


def _reported(settings: Settings, log: Transactions, end: dt.date) -> Table:
    """Rows up to the last day that counts, of the stores that have pages."""
    rows = log.rows(until=end)
    ids = settings.stores.ids
    return rows if ids is None else rows.filter(rows["store_id"].isin(list(ids)))


def _too_old(
    rows: Table, newest: dt.date, today: dt.date, rules: Warnings
) -> Iterator[DataWarning]:
    """A newest day that lies longer ago than the rule and the gaps of a small shop allow."""
    allowed, age = rules.newest_day, (today - newest).days
    if age <= allowed:
        return
    days = pd.to_datetime(to_frame(rows.select("date").distinct())["date"]).sort_values()
    if len(days) > 1:
        allowed = max(allowed, min(days.diff().max().days, _LONGEST_GAP * allowed))
    if age > allowed:
        # Without the number of days: the sentence stays as it is while the data do.
        said = phrase(
            "The newest day in the data is {day}, more than {days} before the day that they should "
            "reach.",
            day=day(newest),
            days=counted(round(allowed), "day"),
        )
        yield DataWarning("newest day", None, said)


class _Before:
    """What the run before said of its data."""

    def __init__(
        self, head: Mapping[str, Any] | None, log: Transactions, settings: Settings
    ) -> None:
        data = {} if head is None else head.get("data") or {}
        # Of another source nothing can be held against this one.
        same = (
            data.get("source", "").rpartition("@")[2]
            == settings.transactions.source.rpartition("@")[2]
        )
        self.data = data if same else {}
        self.log = log

    def broken(self, rules: Warnings, rows: Table) -> Iterator[DataWarning]:
        """Rows that were lost, unusable rows that are new, and a week that is another now."""
        had, now = self.data.get("rows", 0), self.log.rows_read
        if had and now < had * (1.0 - rules.lost_rows):
            said = phrase(
                "The data have {now}, those of the run before had {had}.",
                now=counted(now, "row"),
                had=count(had),
            )
            yield DataWarning("lost rows", None, said)
        if had and now:
            then, today = self.data.get("unusable", 0) / had, self.log.rows_unusable / now
            if today - then > rules.unusable:
                said = phrase(
                    "{now} of the rows cannot be used, in the run before {then}.",
                    now=share(today, 1),
                    then=share(then, 1),
                )
                yield DataWarning("unusable rows", None, said)
        yield from self._week(rules, rows)

    def _week(self, rules: Warnings, rows: Table) -> Iterator[DataWarning]:
        week = self.data.get("newest_week")
        if not week or week["rows"] < _FEWEST_ROWS:
            return
        last = dt.date.fromisoformat(week["last"])
        since = last - dt.timedelta(days=WEEK)
        same = rows.filter((rows["date"] > since) & (rows["date"] <= last))
        now = to_frame(numbers_of(same)).iloc[0].fillna(0.0)
        for name in NUMBERS:
            if week[name] > 0 and not rules.fall <= now[name] / week[name] <= rules.rise:
                shown = _shown(name, float(now[name]))
                said = phrase(
                    _BEFORE_SAID[name],
                    day=day(last),
                    before=_with_noun(name, week[name]),
                    value=shown,
                )
                yield DataWarning("week of the run before", None, said)
                return


def _odd_weeks(
    settings: Settings,
    weeks: pd.DataFrame,
    newest: dt.date,
    months: pd.DataFrame,
    rules: Warnings,
) -> Iterator[DataWarning]:
    """The newest week of the chain, and of each store, against the weeks before."""
    for store, found in weeks.groupby("store_id", dropna=False):
        of = None if pd.isna(store) else str(store)
        own = months["store_id"].isna() if of is None else months["store_id"] == of
        first = pd.Timestamp(months.loc[own, "first"].min()).date()
        known = min(WEEKS, ((newest - first).days + 1) // WEEK - 1)
        if known < _FEWEST_WEEKS:
            continue
        every = found.set_index("week")[list(NUMBERS)].reindex(range(known + 1), fill_value=0.0)
        lately = newest - dt.timedelta(days=WEEK - 1)
        odd = _odd(every.iloc[0], every.iloc[1:] * _open(settings, lately, newest), rules)
        if odd is not None:
            yield DataWarning("newest week", of, _said(_WEEK_SAID, odd, settings, of, newest))


def _odd_day(
    settings: Settings, days: pd.DataFrame, newest: dt.date, rules: Warnings
) -> Iterator[DataWarning]:
    """The chain's newest day against the same weekday of the weeks before."""
    at = pd.Timestamp(newest)
    same = [at - pd.Timedelta(days=WEEK * back) for back in range(1, WEEKS + 1)]
    before = days.reindex([one for one in same if one in days.index])
    if len(before) < _FEWEST_WEEKS or at not in days.index:
        return
    odd = _odd(days.loc[at], before * _open(settings, newest, newest), rules)
    if odd is not None:
        said = _said(_DAY_SAID, odd, settings, None, newest)
        yield DataWarning("newest day's rows", None, said)


def _open(settings: Settings, first: dt.date, last: dt.date) -> float:
    """Share of the days from first to last that the project file does not declare closed."""
    closed = () if settings.calendar is None else settings.calendar.closed
    days = (last - first).days + 1
    return 1.0 - len({day for day in closed if first <= day <= last}) / days


def _said(
    sentences: Mapping[str, str],
    odd: tuple[str, float, float],
    settings: Settings,
    of: str | None,
    newest: dt.date,
) -> str:
    """What is odd about the newest week or day, of a store or the chain."""
    name, value, usual = odd
    return phrase(
        sentences[name],
        where=_where(settings, of),
        value=_with_noun(name, value),
        usual=_shown(name, usual),
        day=day(newest),
    )


def _odd(
    newest: pd.Series, before: pd.DataFrame, rules: Warnings
) -> tuple[str, float, float] | None:
    """The first of rows, customers and spend that is far from usual: name, value, what is usual."""
    usual = before.median()
    if usual["rows"] < _FEWEST_ROWS:
        return None
    for name in NUMBERS:
        value, middle = float(newest[name]), float(usual[name])
        if middle <= 0:
            continue
        ratios = (before[name] / middle).clip(lower=1e-9).map(np.log)
        # Chance moves a number of rows by its root, whatever the weeks before happened to do.
        scale = max(_SIGMA_PER_MAD * float(ratios.abs().median()), float(usual["rows"]) ** -0.5)
        ratio = value / middle
        far = ratio <= 0 or abs(np.log(ratio)) > _ROBUST_DEVIATIONS * scale
        if far and not rules.fall <= ratio <= rules.rise:
            return name, value, middle
    return None


def _odd_months(
    settings: Settings, rows: Table, months: pd.DataFrame, today: dt.date, rules: Warnings
) -> Iterator[DataWarning]:
    """Months with too few rows, months loaded twice, and amounts of another unit."""
    for store, found in months.groupby("store_id", dropna=False):
        of = None if pd.isna(store) else str(store)
        own = found.set_index("at")
        every = own.reindex(pd.period_range(own.index[0], own.index[-1], freq="M"))
        every["rows"] = every["rows"].fillna(0)
        yield from _thin(settings, of, every, rules)
        yield from _twice(settings, of, every, rows, rules)
        yield from _other_unit(settings, of, every, rules)


def _thin(
    settings: Settings, of: str | None, months: pd.DataFrame, rules: Warnings
) -> Iterator[DataWarning]:
    """Whole months that are empty or nearly, between others, unless the same month always is."""
    rows = months["rows"]
    for place in range(1, len(rows) - 1):
        around = rows.iloc[[*range(max(0, place - _AROUND), place)]].tolist()
        around += rows.iloc[place + 1 : place + 1 + _AROUND].tolist()
        usual = float(np.median(around))
        at = rows.index[place]
        expected = usual * _open(settings, at.start_time.date(), at.end_time.date())
        others = rows[(rows.index.month == at.month) & (rows.index != at)]
        seasonal = len(others) > 0 and bool((others < rules.thin_month * usual).any())
        thin = rows.iloc[place] < rules.thin_month * expected and not seasonal
        if thin and expected >= _FEWEST_ROWS:
            said = phrase(
                "{where}: {value} in {month}, where the months around have {usual}: its file may be "
                "empty or have lost its customers.",
                where=_where(settings, of),
                value=counted(int(rows.iloc[place]), "row"),
                month=str(at),
                usual=count(usual),
            )
            yield DataWarning("month", of, said)


def _twice(
    settings: Settings, of: str | None, months: pd.DataFrame, rows: Table, rules: Warnings
) -> Iterator[DataWarning]:
    """Months that are crowded beside those around and of which most rows repeat another."""
    seen = (months["last"] - months["first"]).dt.days + 1
    daily = (months["rows"] / seen).fillna(0.0)
    for place, at in enumerate(months.index):
        lower = max(0, place - _AROUND)
        around = [*daily.iloc[lower:place], *daily.iloc[place + 1 : place + 1 + _AROUND]]
        usual = float(np.median(around)) if around else 0.0
        if months["rows"].iloc[place] < _FEWEST_ROWS or daily.iloc[place] < _CROWDED * usual:
            continue
        repeated = _repeated(rows, of, at)
        beside = place - 1 if place else place + 1
        if repeated < rules.repeated or beside >= len(months):
            continue
        if _repeated(rows, of, months.index[beside]) > repeated / 2.0:
            continue  # rows of this log repeat each other anyway
        said = phrase(
            "{where}: {share} of the rows of {month} repeat another exactly, and it has more of them "
            "than the months around: it may have been loaded twice.",
            where=_where(settings, of),
            share=share(repeated),
            month=str(at),
        )
        yield DataWarning("loaded twice", of, said)


def _repeated(rows: Table, of: str | None, month: pd.Period) -> float:
    """The share of a month's rows that repeat another in every column."""
    first, last = month.start_time.date(), month.end_time.date()
    part = rows.filter((rows["date"] >= first) & (rows["date"] <= last))
    if of is not None:
        part = part.filter(part["store_id"] == of)
    part = part.select("customer_id", "store_id", "date", "spend", "order_id", "category")
    different = part.distinct()
    total, distinct = (
        int(to_frame(t.aggregate(n=t.count()))["n"].item()) for t in (part, different)
    )
    return 1.0 - distinct / total if total else 0.0


def _other_unit(
    settings: Settings, of: str | None, months: pd.DataFrame, rules: Warnings
) -> Iterator[DataWarning]:
    """Months whose typical spend of a row is many times that of the month before, or a small part."""
    enough = months[months["sized"] >= _FEWEST_ROWS]
    typical = np.exp(enough["logs"].astype(float) / enough["sized"])
    ratios = typical / typical.shift()
    for at, ratio in ratios.items():
        if ratio >= rules.spend_factor or ratio <= 1.0 / rules.spend_factor:
            said = phrase(
                "{where}: the typical spend of a row went from {before} to {value} in {month}: amounts "
                "may have changed their unit, as from euros to cents.",
                where=_where(settings, of),
                before=_shown("spend", float(typical.shift()[at])),
                value=_shown("spend", float(typical[at])),
                month=str(at),
            )
            yield DataWarning("unit of spend", of, said)


def _where(settings: Settings, store: str | None) -> str:
    return settings.name if store is None else settings.store_name(store)


def _with_noun(name: str, value: float) -> str:
    """A number of rows or customers, or a spend."""
    if name == "spend":
        return _shown(name, value)
    return counted(round(value), "row") if name == "rows" else counted(round(value), "customer")


def _shown(name: str, value: float) -> str:
    return number(value) if name == "spend" and abs(value) < 100 else decimals(value, 0)
