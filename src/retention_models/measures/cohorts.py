"""Cohorts by period of first purchase: who buys in each later one; categories that each has bought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue
from retention_models.measures.intervals import relative, wilson
from retention_models.measures.sums import exact_sum
from retention_models.measures.units import Attributes, Units, customer_attributes
from retention_models.summaries.customers import Day, end_of
from retention_models.summaries.periods import Periods, periods_of

_LONG_AGO = dt.date(1900, 1, 1)
_NO_COHORTS = catalogue(
    {
        "W": "No purchase falls in a week that was complete by {day}, so there are no cohorts yet.",
        "M": "No purchase falls in a month that was complete by {day}, so there are no cohorts yet.",
        "Q": "No purchase falls in a quarter that was complete by {day}, so there are no cohorts yet.",
        "Y": "No purchase falls in a year that was complete by {day}, so there are no cohorts yet.",
    }
)
_COLUMNS = [
    *("cohort", "cohort_age", "customers", "active", "retention_rate", "conf_low", "conf_high"),
    *("revenue", "revenue_per_customer", "revenue_low", "revenue_high"),
    *("value_per_customer", "value_low", "value_high"),
]


def cohort_retention(
    log: Transactions, *, store_id: str | None = None, end: Day | None = None
) -> pd.DataFrame:
    """Share of each monthly cohort that buys in each later month.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    end : date or str, optional
        Last day that counts; a month that is not over by then is left out, since its share would
        look low. The log's last day unless given.

    Returns
    -------
    DataFrame
        A row per cohort (first day of its month) and cohort_age (months since): customers, active
        (customers with a purchase in that month), retention_rate = active ÷ customers, conf_low
        and conf_high (95%, Wilson).

    Raises
    ------
    CannotSay
        If no month is complete.

    Examples
    --------
    >>> import retention_models as rm
    >>> lines = {"id": ["a", "a", "b"], "day": ["2024-01-05", "2024-02-05", "2024-01-09"]}
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid"}
    >>> log = rm.read_transactions(pd.DataFrame(lines | {"paid": [9, 3, 6]}), **names)
    >>> rm.cohort_retention(log, end="2024-02-29")["retention_rate"].tolist()
    [1.0, 0.5]
    """
    return cohort_table(log, store_id=store_id, end=end)[_COLUMNS[:7]]


def cohorts_by_store(
    log: Transactions, store_ids: Sequence[str], *, end: dt.date
) -> dict[str, pd.DataFrame]:
    """`cohort_retention` of several stores, asked of the engine once; none where nobody bought."""
    days = log.whole.stores["first_day"]
    there = [store for store in store_ids if store in days.index and days[store] <= end]
    if not there:
        return {}
    rows = log.rows()
    some = replace(log, table=rows.filter(rows["store_id"].isin(there)))
    table = cohort_table(some, by=("store_id",), end=end)
    return {
        str(store): rows[_COLUMNS[:7]].reset_index(drop=True)
        for store, rows in table.groupby("store_id")
    }


def cohort_table(
    log: Transactions,
    *,
    store_id: str | None = None,
    by: Sequence[str] = (),
    attributes: Attributes | None = None,
    period: str = "M",
    end: Day | None = None,
) -> pd.DataFrame:
    """What each cohort of new customers does in each period since: who buys, and for how much.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    by, attributes
        What to take apart, as for `measure_table`.
    period : {"W", "M", "Q", "Y"}
        Weeks (from Monday), months, quarters or years of first purchase, and of every age.
    end : date or str, optional
        Last day that counts; a period that is not over by then is left out. The log's last day
        unless given.

    Returns
    -------
    DataFrame
        A row per group, cohort (first day of its period) and cohort_age (periods since), also where
        nobody bought: the columns of `by`, cohort, cohort_age; customers: the cohort's size; active:
        customers with a purchase in that period; retention_rate = active ÷ customers with conf_low
        and conf_high (95%, Wilson); revenue: spend less returns in that period;
        revenue_per_customer = revenue ÷ customers with revenue_low and revenue_high;
        value_per_customer: revenue per customer from the first period up to that one, with value_low
        and value_high (95%, over customers; NaN for a cohort of one).

    Raises
    ------
    CannotSay
        If no period is complete.
    SettingsError
        If a parameter is not understood.
    DataError
        If the attributes cannot be used.

    Notes
    -----
    Whoever had bought before the data begin counts as new in its first period, and that period is
    whole only if the data are.

    Examples
    --------
    >>> import retention_models as rm
    >>> lines = {"id": ["a", "a", "b"], "day": ["2024-01-05", "2024-02-05", "2024-01-09"]}
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid"}
    >>> log = rm.read_transactions(pd.DataFrame(lines | {"paid": [9, 3, 6]}), **names)
    >>> rm.cohort_table(log, end="2024-02-29")[["cohort_age", "active", "revenue"]].to_numpy().tolist()
    [[0.0, 2.0, 15.0], [1.0, 1.0, 3.0]]
    """
    if period not in _NO_COHORTS:
        raise SettingsError(f'period: expected "W", "M", "Q" or "Y"; got {period!r}.')
    by = (by,) if isinstance(by, str) else tuple(by)
    names = [name for name in by if name != "store_id"]
    if names and attributes is None:
        raise SettingsError(f"attributes: expected a table with customer_id and {names[0]!r}.")
    table = customer_attributes(attributes, names, log.rows(store_id)) if names else None
    last = end_of(log, end, "end")
    periods = periods_of(period, last)
    final = periods.complete(_LONG_AGO, last)[-1]
    units = Units(log, store_id, by, periods, range(final, final + 1), attributes=table)
    counts = _counts(units)
    if counts.empty:
        raise CannotSay(_NO_COHORTS[period], day=periods.end(final))
    return _with_intervals(_every_age(counts, by, final), by, periods)


def _counts(units: Units) -> pd.DataFrame:
    """Active customers, spend and sums of squares by group, cohort and period."""
    days, by = units.days, list(units.by)
    spent = days.group_by(units.keys).aggregate(spend=days["spend"].sum())
    customer = ibis.window(group_by=[*by, "customer_id"])
    upto_now = ibis.window(
        group_by=[*by, "customer_id"], order_by="period", preceding=None, following=0
    )
    spent = spent.mutate(
        cohort=spent["period"].min().over(customer),
        amount=spent["spend"].cast("float64"),
        upto=spent["spend"].sum().over(upto_now).cast("float64"),
    )
    # A customer's squared value grows by upto² − (upto − amount)² in a period with a purchase, and
    # stays in one without.
    grown = spent["amount"] * (2.0 * spent["upto"] - spent["amount"])
    groups = [*by, "cohort", "period"]
    return to_frame(
        spent.group_by(groups)
        .aggregate(
            active=spent.count(),
            revenue=spent["spend"].sum().cast("float64"),
            squares=exact_sum(spent["amount"] * spent["amount"]),
            grown=exact_sum(grown),
        )
        .order_by(groups)
    )


def _every_age(counts: pd.DataFrame, by: Sequence[str], final: int) -> pd.DataFrame:
    """A row for every age up to the final period, also those at which nobody bought."""
    cohorts = counts.loc[counts["period"] == counts["cohort"], [*by, "cohort", "active"]]
    cohorts = cohorts.rename(columns={"active": "customers"})
    ages = final - cohorts["cohort"].to_numpy(dtype=int) + 1
    grid = cohorts.loc[cohorts.index.repeat(ages)].reset_index(drop=True)
    grid["cohort_age"] = np.concatenate([np.arange(n) for n in ages])
    grid["period"] = grid["cohort"] + grid["cohort_age"]
    table = grid.merge(counts, on=[*by, "cohort", "period"], how="left")
    numbers = ["active", "revenue", "squares", "grown"]
    table[numbers] = table[numbers].astype(float).fillna(0.0)
    return table


def _with_intervals(table: pd.DataFrame, by: Sequence[str], periods: Periods) -> pd.DataFrame:
    one_cohort = table.groupby([*by, "cohort"], sort=False)
    n = table["customers"].to_numpy(dtype=float)
    active = table["active"].to_numpy(dtype=float)
    low, high = wilson(active, n)
    found = table.assign(
        cohort=pd.to_datetime([periods.start(number) for number in table["cohort"]]),
        active=table["active"].astype("int64"),
        customers=table["customers"].astype("int64"),
        retention_rate=active / n,
        conf_low=low,
        conf_high=high,
    )
    sums = {
        "revenue": (table["revenue"], table["squares"], "revenue_per_customer"),
        "value": (
            one_cohort["revenue"].cumsum(),
            one_cohort["grown"].cumsum(),
            "value_per_customer",
        ),
    }
    for stem, (total, squares, column) in sums.items():
        mean = total.to_numpy(dtype=float) / n
        variance = (squares.to_numpy(dtype=float) / n - mean**2) / n
        found[column] = mean
        found[f"{stem}_low"], found[f"{stem}_high"] = relative(mean, variance, n)
    return found[[*by, *_COLUMNS]]


def category_counts(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.DataFrame:
    """Count the categories that each customer has bought, up to the end of observation.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts, included. The log's last day, of any store, unless given.

    Returns
    -------
    DataFrame
        Index customer_id (text, sorted). categories: number of distinct categories bought;
        category: the first of them in the order of the text. Returns (spend below 0) and lines
        without a category do not count; customers who have only those are left out.

    Examples
    --------
    >>> import retention_models as rm
    >>> names = {"customer_id": "id", "date": "day", "spend": "paid", "category": "shelf"}
    >>> lines = pd.DataFrame({"id": ["a", "a", "b"], "day": "2024-01-01", "paid": [9, 3, 6],
    ...                       "shelf": ["tea", "jam", "tea"]})
    >>> log = rm.read_transactions(lines, **names)
    >>> category_counts(log).to_dict("index")
    {'a': {'categories': 2, 'category': 'jam'}, 'b': {'categories': 1, 'category': 'tea'}}
    """
    end = end_of(log, observation_end)
    found = categories_bought(log.rows(store_id, end))
    return to_frame(found).set_index("customer_id").sort_index()


def categories_bought(rows: Table) -> Table:
    """Categories of each customer, in the engine that has the rows; columns as above."""
    rows = rows.filter(rows["spend"] >= 0, rows["category"].notnull(), rows["category"] != "")
    return rows.group_by("customer_id").aggregate(
        categories=rows["category"].nunique().cast("int64"), category=rows["category"].min()
    )
