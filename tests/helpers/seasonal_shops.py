"""Simulated shops with a known season: customers' rates are multiplied by m(day), common to all."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from retention_models.models.seasons.calendar import Calendar

# r, α in days, a, b; and a season of one wave, a weekend and a sale.
THETA = (0.9, 40.0, 0.6, 3.0)
END = dt.date(2024, 8, 31)


def shop(
    customers,
    days,
    log_m,
    *,
    theta=THETA,
    first=0,
    ahead=0,
    seed=1,
    weekly_shocks=0.0,
    end=END,
    each=False,
):
    """Customers who begin evenly over the days observed; a day's purchases are one, or each counts.

    `log_m` maps dates to the log of m; `first` is 1 where customers may leave after the first purchase
    too; weekly shocks are the deviation of a further normal term of log m, drawn for each week.

    Returns the summary in days, repeat purchases by day, and purchases by customer in the `ahead` days
    after the end.
    """
    rng = np.random.default_rng(seed)
    r, alpha, a, b = theta
    dates = pd.date_range(end - dt.timedelta(days=days - 1), periods=days + ahead)
    shocks = np.repeat(rng.standard_normal(len(dates) // 7 + 1), 7)[: len(dates)] * weekly_shocks
    clock = np.concatenate([[0.0], np.cumsum(np.exp(np.asarray(log_m(dates), float) + shocks))])
    begin = rng.integers(0, days, customers)
    rate, leaves = rng.gamma(r, 1.0 / alpha, customers), np.clip(rng.beta(a, b, customers), 1e-9, 1)
    # One a day: all begin at the end of their day. Each: at any time of it, and its rest counts.
    pace = np.diff(clock)[begin]
    now, here = clock[begin + 1] - pace * rng.random(customers) * each, np.arange(customers)
    here = here[rng.random(customers) >= leaves * first]
    frequency, last, later = (np.zeros(customers, dtype=int) for _ in range(3))
    last[:] = begin
    by_day = np.zeros(days)
    day_of_last = begin.copy()
    while here.size:
        now[here] += rng.exponential(size=here.size) / rate[here]
        here = here[now[here] < clock[-1]]
        day = np.searchsorted(clock, now[here], side="right") - 1
        new = (day > day_of_last[here]) | each
        day_of_last[here] = day
        seen = new & (day < days)
        frequency[here] += seen
        last[here] = np.where(seen, day, last[here])
        by_day += np.bincount(day[seen], minlength=days)[:days]
        later[here] += new & (day >= days)
        here = here[rng.random(here.size) >= leaves[here]]
    summary = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (last - begin) * 1.0,
            "T": (days - 1 - begin) + 0.5 * each,
        }
    )
    summary.attrs = {"time_unit": "D", "observation_end": end.isoformat()}
    bought = pd.DataFrame({"date": dates[:days], "repeat_purchases": by_day})
    return summary, bought, later


def calendar_of(bought, **terms):
    """The calendar of a simulated shop."""
    return Calendar.of(bought, **terms)


def one_wave(dates, size=0.5, weekend=0.3):
    """A yearly wave, highest in early summer, and more on Saturdays; both of no mean."""
    turn = 2 * np.pi * (dates - pd.Timestamp("2000-01-01")).days / 365.2425
    saturday = np.where(dates.day_of_week == 5, 6.0, -1.0) / 7.0
    return size * np.sin(turn) + weekend * saturday


def seasonal_log(customers, store, *, seed, swing=0.6, days=730, before=0, ahead=0, end=END):
    """A store's log, a row a purchase: one wave a year; `before` of the customers were there already.

    Purchases go on for the `ahead` days after the end.
    """
    rng = np.random.default_rng(seed)
    first = end - dt.timedelta(days=days - 1)
    dates = pd.date_range(first, periods=days + ahead)
    clock = np.concatenate([[0.0], np.cumsum(np.exp(one_wave(dates, swing, 0.0)))])
    r, alpha, a, b = THETA
    rows = []
    for i in range(customers):
        old = i < before
        # Newcomers come by the same season, at any operational time.
        now = 0.0 if old else rng.random() * clock[-1]
        rate, leaves = rng.gamma(2.0 * r if old else r) / alpha, rng.beta(a, b)
        now += rng.exponential() / rate if old else 0.0
        begun = False
        while now < clock[-1]:
            day = first + dt.timedelta(days=int(np.searchsorted(clock, now, side="right") - 1))
            rows.append((f"{store}-{i:05d}", day, round(10.0 * rng.gamma(3.0) + 0.01, 2), store))
            if (begun or old) and rng.random() < leaves:
                break
            begun = True
            now += rng.exponential() / rate
    return pd.DataFrame(rows, columns=["customer", "day", "amount", "shop"])


def seasonal_regular_shop(customers, k, *, seed=1, days=730, ahead=0, swing=0.5, end=END):
    """Regular buyers under one yearly wave, days at their end: histories, gaps, days, and what came.

    MBG/CNBD-k with (2, 30 days, 0.5, 4), customers who begin evenly by the season's clock.
    """
    rng = np.random.default_rng(seed)
    first = pd.Timestamp(end - dt.timedelta(days=days - 1))
    dates = pd.date_range(first, periods=days + ahead)
    turn = 2.0 * np.pi * (dates - pd.Timestamp("2000-01-01")).days / 365.2425
    clock = np.concatenate([[0.0], np.cumsum(np.exp(swing * np.sin(turn)))])
    rows = []
    for i in range(customers):
        rate, leaves = rng.gamma(2.0) / 30.0 * k, rng.beta(0.5, 4.0)
        now = clock[np.searchsorted(clock, rng.random() * clock[days], side="right")]
        while now < clock[-1]:
            rows.append((i, int(np.searchsorted(clock, now)) - 1))
            if rng.random() < leaves:
                break
            now += rng.gamma(k) / rate
    log = pd.DataFrame(rows, columns=["customer", "day"]).drop_duplicates()
    seen = log[log["day"] < days]
    by = seen.groupby("customer")["day"]
    begun, last = by.min(), by.max()
    summary = pd.DataFrame(
        {"frequency": by.count() - 1, "recency": last - begun, "T": days - 1 - begun}
    ).astype(float)
    summary.attrs = {"time_unit": "D", "observation_end": end.isoformat()}
    pairs = seen.assign(before=by.shift()).dropna().groupby(["before", "day"]).size()
    pairs = pairs.rename("purchases").reset_index().astype({"before": int})
    gaps = pd.DataFrame({"purchases": pairs["purchases"]})
    gaps["before"], gaps["date"] = dates[pairs["before"]], dates[pairs["day"]]
    bought = np.bincount(pairs["day"], pairs["purchases"], days)
    table = pd.DataFrame({"date": dates[:days], "repeat_purchases": bought})
    later = log[log["day"] >= days].groupby("customer").size().reindex(begun.index, fill_value=0)
    return summary, gaps, table, later.to_numpy()


def histories_of(log, *, days=730, end=END):
    """Summary in days, repeat purchases by day, and purchases after the end, of a `seasonal_log`."""
    each = log.drop_duplicates(["customer", "day"])
    when = pd.to_datetime(each["day"])
    seen, later = each[when <= pd.Timestamp(end)], each[when > pd.Timestamp(end)]
    by = pd.to_datetime(seen["day"]).groupby(seen["customer"])
    begun, last = by.min(), by.max()
    summary = pd.DataFrame(
        {
            "frequency": by.count() - 1.0,
            "recency": (last - begun).dt.days * 1.0,
            "T": (pd.Timestamp(end) - begun).dt.days * 1.0,
            "monetary_value": 0.0,
        }
    )
    summary.attrs = {"time_unit": "D", "observation_end": end.isoformat()}
    dates = pd.date_range(end - dt.timedelta(days=days - 1), end)
    by_day = pd.to_datetime(seen["day"]).value_counts().reindex(dates, fill_value=0)
    by_day -= begun.value_counts().reindex(dates, fill_value=0)
    bought = pd.DataFrame({"date": dates, "repeat_purchases": by_day.to_numpy()})
    came = later.groupby("customer").size().reindex(summary.index, fill_value=0).to_numpy()
    return summary, bought, came
