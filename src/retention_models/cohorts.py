"""Cohorts by month of first purchase: who of them buys in each later month."""

from __future__ import annotations

import calendar
import datetime as dt

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from retention_models.customer_summaries import Day, as_day, purchase_days
from retention_models.errors import CannotSay
from retention_models.sources import to_frame
from retention_models.transactions import Transactions


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
    """
    last = _last_complete_month(log.last_day() if end is None else as_day(end, "end"))
    days = purchase_days(log.rows(store_id, last), returns=log.has_returns)
    months = days.select("customer_id", month=days["date"].truncate("M")).distinct()
    first = months.group_by("customer_id").aggregate(cohort=months["month"].min())
    joined = months.join(first, "customer_id")
    counts = to_frame(joined.group_by("cohort", "month").aggregate(active=joined.count()))
    if counts.empty:
        raise CannotSay(
            f"No purchase falls in a month that was complete by {last}, so there are no cohorts yet."
        )
    cohort, month = pd.to_datetime(counts["cohort"]), pd.to_datetime(counts["month"])
    counts["cohort"] = cohort
    counts["cohort_age"] = (month.dt.year - cohort.dt.year) * 12 + month.dt.month - cohort.dt.month
    size = counts.loc[counts["cohort_age"] == 0].set_index("cohort")["active"]
    # Every month since the cohort began has a row, also those in which nobody bought.
    final = pd.Timestamp(last).to_period("M").ordinal
    grid = pd.DataFrame(
        [
            (start, age)
            for start in sorted(size.index)
            for age in range(final - start.to_period("M").ordinal + 1)
        ],
        columns=["cohort", "cohort_age"],
    )
    table = grid.merge(counts[["cohort", "cohort_age", "active"]], how="left").fillna({"active": 0})
    table["active"] = table["active"].astype("int64")
    table["customers"] = table["cohort"].map(size).astype("int64")
    table["retention_rate"] = table["active"] / table["customers"]
    low, high = proportion_confint(
        table["active"].to_numpy(),
        table["customers"].to_numpy(),
        alpha=0.05,
        method="wilson",
    )
    columns = ["cohort", "cohort_age", "customers", "active", "retention_rate"]
    return table[columns].assign(conf_low=low, conf_high=high)


def _last_complete_month(end: dt.date) -> dt.date:
    """The end itself where it ends a month, else the last day of the month before."""
    if end.day == calendar.monthrange(end.year, end.month)[1]:
        return end
    return end.replace(day=1) - dt.timedelta(days=1)
