"""The rates that every report carries, each with numerator, denominator, window and interval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from retention_models.data.contacts import Events, Surveys
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import counted, phrase
from retention_models.measures.activity import FEWEST_GAPS, check_window
from retention_models.measures.definitions import (
    MEASURES,
    STORE_MEASURES,
    by_family,
    chosen,
    columns_of,
)
from retention_models.measures.sums import estimate, sums_of
from retention_models.measures.units import Attributes, Units, customer_attributes
from retention_models.summaries.customers import Day, as_day, end_of
from retention_models.summaries.periods import Periods, periods_of

_YEAR = 365
_ACTIVITY = {"retention_rate", "churn_rate", "annual_churn_rate"}


def first_day(log: Transactions) -> dt.date:
    """Day of the first transaction of any store."""
    day: dt.date = log.stores["first_day"].min()
    return day


def unsayable(name: str, sums: pd.DataFrame, units: Units, first: dt.date) -> pd.Series:
    """Why a measure has no value in each row, as a sentence; "" where it has one."""
    measure = MEASURES[name]
    said = pd.Series("", index=sums.index, dtype=object)
    if not units.answers(measure.family):
        return _everywhere(said, phrase("No survey answers are given."))
    if measure.kind != "count":
        bottom = sums.get(measure.terms[0][1], 0.0)
        said = said.mask(bottom == 0.0, phrase(measure.nobody))
    if name == "historic_clv":
        short = sums["period"].map(units.periods.length) < _YEAR
        said = said.mask(
            short, phrase("A year's revenue per customer needs a window of at least 365 days.")
        )
    return _activity_unsayable(said, sums, units, first) if name in _ACTIVITY else said


def _activity_unsayable(
    said: pd.Series, sums: pd.DataFrame, units: Units, first: dt.date
) -> pd.Series:
    windows = _windows(sums, units)
    begins = sums["period"].map(units.periods.start)
    for row in sums.index:
        days = windows[row]
        if np.isnan(days):
            said[row] = phrase(
                "Customers came back fewer than {fewest} times, too few to tell after how long one is "
                "lost.",
                fewest=FEWEST_GAPS,
            )
        elif begins[row] - dt.timedelta(days=int(days)) < first:
            said[row] = phrase(
                "The data begin on {first}; who was active on {begin} takes purchases of the {days} "
                "before.",
                first=first,
                begin=begins[row],
                days=counted(int(days), "day"),
            )
    return said


def notes(name: str, table: pd.DataFrame, refused: pd.Series, units: Units) -> pd.Series:
    """The reason that a value or an interval is missing, else what the value rests on."""
    measure = MEASURES[name]
    said = pd.Series("", index=table.index, dtype=object)
    if measure.kind == "count":
        return _everywhere(said, phrase("Counted, not estimated."))
    if name in _ACTIVITY:
        said = _windows(table, units).map(_active).astype(object)  # of no rows it would be numbers
    if name == "historic_clv":
        said = _everywhere(said, phrase("A rule of thumb: nothing in it looks ahead."))
    if name == "net_promoter_score" and units.surveys is not None and units.surveys.scale == "1-10":
        ten = phrase("Scale from 1 to 10: not to be held against scores from 0 to 10.")
        said = _everywhere(said, ten)
    if measure.family == "contacts" and units.surveys is None and units.events is None:
        said = _everywhere(said, phrase("No contacts but purchases are given."))
    without = table["value"].notna() & table["low"].isna()
    why = no_interval(table["customers"])
    said = said.mask(without & (said == ""), why).mask(without & (said != ""), said + " " + why)
    return said.mask(refused != "", refused)


def _active(days: float) -> str:
    return (
        ""
        if np.isnan(days)
        else phrase("Active: bought within {days}.", days=counted(int(days), "day"))
    )


def no_interval(customers: pd.Series) -> pd.Series:
    """Why there is no interval, by the number of customers."""
    said = _everywhere(customers, phrase("All customers are alike, which gives no interval."))
    return said.mask(customers < 2, phrase("One customer alone gives no interval."))


def _everywhere(said: pd.Series, text: str) -> pd.Series:
    return pd.Series(text, index=said.index, dtype=object)


def _windows(table: pd.DataFrame, units: Units) -> pd.Series:
    """Days of the activity window of each row; NaN where a store has none."""
    if units.window is None and units.by_store:
        return table["store_id"].map(units.found_windows).astype(float)
    return pd.Series(float(units.found_windows.get("", np.nan)), index=table.index)


# Groups smaller than this are on no page: their numbers would tell of single persons.
SMALLEST_GROUP = 5

_NUMBERS = ["value", "low", "high", "numerator", "denominator", "customers"]


def store_measures(
    log: Transactions,
    *,
    store_id: str | None = None,
    start: Day | None = None,
    end: Day | None = None,
) -> pd.DataFrame:
    """Orders, customers, repeat rate, frequency and spend of a store in a window.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    start, end : date or str, optional
        First and last day of the window, both included: the year up to the log's last day unless
        given.

    Returns
    -------
    DataFrame
        Index measure; columns value, low, high (95%; NaN where the value is a plain count, which
        has no sampling error), numerator, denominator, start, end. The measures are customers,
        orders, revenue, repeat_customer_rate, purchase_frequency, spend_per_order and
        sales_per_customer, as `measure_table` defines them.

    Raises
    ------
    CannotSay
        If nobody bought in the window.
    SettingsError
        If the window is empty.

    Examples
    --------
    >>> import retention_models as rm
    >>> lines = {"id": ["a", "a", "b"], "day": ["2024-01-05", "2024-02-05", "2024-01-09"]}
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid"}
    >>> log = rm.read_transactions(pd.DataFrame(lines | {"paid": [9, 3, 6]}), **names)
    >>> rm.store_measures(log)["value"][["customers", "orders"]].tolist()
    [2.0, 3.0]
    """
    first, last = _window(log, start, end)
    table = measure_table(log, store_id=store_id, start=first, end=last, measures=STORE_MEASURES)
    return as_store_measures(table.set_index("measure"))


def as_store_measures(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `store_measures`, of rows of `measure_table` (index measure) of one window."""
    if table.loc["customers", "value"] == 0:
        raise CannotSay(
            "Nobody bought between {first} and {last}, so there is nothing to measure.",
            first=table.loc["customers", "start"],
            last=table.loc["customers", "end"],
        )
    columns = ["value", "low", "high", "numerator", "denominator", "start", "end"]
    return table.loc[[*chosen(STORE_MEASURES)], columns]


# What a store's page shows of the year up to its last day.
OF_YEAR = (*STORE_MEASURES, "mean_lifetime", "historic_clv")


def year_by_store(
    log: Transactions, store_ids: Sequence[str], *, end: dt.date
) -> dict[str, pd.DataFrame]:
    """Rows of `measure_table` of OF_YEAR by store, of the year up to a day; none where nobody bought."""
    days = log.whole.stores["first_day"]
    there = [store for store in store_ids if store in days.index and days[store] <= end]
    if not there:
        return {}
    rows = log.rows()
    some = replace(log, table=rows.filter(rows["store_id"].isin(there)))
    table = measure_table(some, by=("store_id",), end=end, measures=OF_YEAR)
    return {
        str(store): rows.drop(columns="store_id").reset_index(drop=True)
        for store, rows in table.groupby("store_id")
    }


def measure_table(
    log: Transactions,
    *,
    store_id: str | None = None,
    by: Sequence[str] = (),
    attributes: Attributes | None = None,
    period: str | int | None = None,
    start: Day | None = None,
    end: Day | None = None,
    measures: Collection[str] | None = None,
    surveys: Surveys | None = None,
    events: Events | None = None,
    activity_window: int | None = None,
) -> pd.DataFrame:
    """Every measure by store, by period and by attributes of customers, as one tidy table.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    by : sequence of str
        What to take apart: "store_id", and columns of `attributes`.
    attributes : ibis Table, DataFrame, str or Path, optional
        customer_id and attributes, a row per customer, or a CSV or Parquet file of them. Customers
        without a row are "unknown".
    period : {"W", "M", "Q", "Y"} or int, optional
        Calendar weeks (from Monday), months, quarters or years, or windows of so many days counted
        back from `end`; only those that lie wholly between `start` and `end`. One window from
        `start` to `end` unless given.
    start, end : date or str, optional
        First and last day that count, both included. `end` is the log's last day unless given.
        `start` is the log's first day where there is a period, and 364 days before `end` else.
    measures : collection of str, optional
        Names of the measures wanted; all of them unless given.
    surveys, events : Surveys, Events, optional
        From `read_surveys` and `read_events`.
    activity_window : int, optional
        Days within which an active customer buys; each store's own `activity_window` unless given.

    Returns
    -------
    DataFrame
        A row per measure, group and period: measure, the columns of `by`, start, end, value, low
        and high (95%), numerator, denominator, customers (whom the row is about: hide rows of few)
        and note (why there is no value or no interval, or what the value rests on). docs/measures.md
        defines the measures.

    Raises
    ------
    CannotSay
        If no period is complete.
    SettingsError
        If a parameter is not understood.
    DataError
        If the attributes cannot be used.

    Examples
    --------
    >>> import retention_models as rm
    >>> lines = {"id": ["a", "a", "b"], "day": ["2024-01-05", "2024-02-05", "2024-01-09"]}
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid"}
    >>> log = rm.read_transactions(pd.DataFrame(lines | {"paid": [9, 3, 6]}), **names)
    >>> rm.measure_table(log, measures=["customers", "repeat_customer_rate"])["value"].tolist()
    [2.0, 0.5]
    """
    scope = scope_of(
        log, store_id, by, attributes, period, start, end, surveys, events, activity_window
    )
    names = chosen(measures)
    if len(by_family(names)) == 1:
        return rows_of(scope, measured(scope, names))
    with scope.units.asked_often() as units:
        scope = replace(scope, units=units)
        return rows_of(scope, measured(scope, names))


@dataclass(frozen=True)
class Scope:
    """What is measured: customers and periods in the engine, and the first day of the data."""

    units: Units
    first_day: dt.date


@dataclass(frozen=True)
class Measured:
    """One measure in every group and period: the sums that it is made of, and its numbers."""

    name: str
    sums: pd.DataFrame


def scope_of(
    log: Transactions,
    store_id: str | None,
    by: Sequence[str],
    attributes: Attributes | None,
    period: str | int | None,
    start: Day | None,
    end: Day | None,
    surveys: Surveys | None,
    events: Events | None,
    activity_window: int | None,
) -> Scope:
    """Check the parameters of `measure_table` and find its periods."""
    check_window(activity_window)
    by = (by,) if isinstance(by, str) else tuple(by)
    names = [name for name in by if name != "store_id"]
    if names and attributes is None:
        raise SettingsError(
            f"by: {names[0]!r} is no column of the log that groups can differ in; expected "
            '"store_id", or attributes=, a table with customer_id and that column.'
        )
    taken = sorted({"customer_id", "period", "measure", "date", "start", "end"} & set(by))
    if taken or len(set(by)) < len(by):
        raise SettingsError(f"by: expected names of attributes, each once; got {list(by)}.")
    table = None
    if names and attributes is not None:
        table = customer_attributes(attributes, names, log.rows(store_id))
    periods, numbers = _periods(log, period, start, end)
    units = Units(log, store_id, by, periods, numbers, table, activity_window, surveys, events)
    return Scope(units, first_day(log))


def _window(log: Transactions, start: Day | None, end: Day | None) -> tuple[dt.date, dt.date]:
    last = end_of(log, end, "end")
    first = last - dt.timedelta(days=364) if start is None else as_day(start, "start")
    if first > last:
        raise SettingsError(f"start: expected a day up to end = {last}; got {first}.")
    return first, last


def _periods(
    log: Transactions, period: str | int | None, start: Day | None, end: Day | None
) -> tuple[Periods, range]:
    if period is None:
        first, last = _window(log, start, end)
        periods = periods_of((last - first).days + 1, last)
        return periods, range(periods.number(last), periods.number(last) + 1)
    first, last = _window(log, first_day(log) if start is None else start, end)
    periods = periods_of(period, last)
    numbers = periods.complete(first, last)
    if not numbers:
        raise CannotSay(
            "No period ({period}) lies wholly between {first} and {last}, so there is nothing to "
            "measure yet.",
            period=repr(period),
            first=first,
            last=last,
        )
    return periods, numbers


def measured(scope: Scope, names: Sequence[str]) -> list[Measured]:
    """Every measure with its sums and numbers; one pass of the engine for each family of measures."""
    units = scope.units
    tables = {family: _sums(units, family, some) for family, some in by_family(names).items()}
    keys = [*units.by, "period"]
    seen = pd.concat([table[list(units.by)] for table in tables.values()]).drop_duplicates()
    seen = seen.sort_values(list(units.by)) if units.by else pd.DataFrame(index=[0])
    grid = seen.merge(pd.DataFrame({"period": list(units.numbers)}), how="cross")
    on_grid = {}
    for family, table in tables.items():
        sums = grid.merge(table, on=keys, how="left")
        added = [column for column in sums.columns if column not in keys]
        sums[added] = sums[added].astype(float).fillna(0.0)
        on_grid[family] = sums
    return [Measured(name, _numbers(name, on_grid[MEASURES[name].family], scope)) for name in names]


def _sums(units: Units, family: str, names: Sequence[str]) -> pd.DataFrame:
    if not units.answers(family):
        return pd.DataFrame(columns=[*units.by, "period", "n"])
    return sums_of(units.family(family, columns_of(names)), units.by, names)


def _numbers(name: str, sums: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Sums with value, low, high, numerator, denominator, customers, variance and note."""
    units = scope.units
    days = sums["period"].map(units.periods.length).to_numpy(dtype=float)
    refused = unsayable(name, sums, units, scope.first_day)
    if "n" not in sums or MEASURES[name].terms[0][0] not in sums:
        empty = dict.fromkeys([*_NUMBERS, "variance"], np.nan) | {"customers": 0.0}
        return sums.assign(**empty, note=refused)
    found = estimate(name, sums, days)
    table = sums.assign(
        value=found.value,
        low=found.low,
        high=found.high,
        numerator=found.numerator,
        denominator=found.denominator,
        variance=found.variance,
        customers=sums["n"],
    )
    table["note"] = notes(name, table, refused, units)
    table.loc[refused != "", ["value", "low", "high", "variance"]] = np.nan
    # Counts that look like an answer are none either.
    table.loc[(refused != "") & (found.denominator != 0), ["numerator", "denominator"]] = np.nan
    return table


def with_windows(table: pd.DataFrame, periods: Periods) -> pd.DataFrame:
    """A table with the first and last day of each row's period."""
    starts = [periods.start(number) for number in table["period"]]
    return table.assign(start=starts, end=[periods.end(number) for number in table["period"]])


def rows_of(scope: Scope, found: Sequence[Measured]) -> pd.DataFrame:
    """The tidy table of what was measured; see `measure_table`."""
    return pd.concat([_rows(one, scope.units) for one in found], ignore_index=True)


def _rows(found: Measured, units: Units) -> pd.DataFrame:
    """The tidy rows of one measure."""
    table = with_windows(found.sums.assign(measure=found.name), units.periods)
    return table[["measure", *units.by, "start", "end", *_NUMBERS, "note"]]
