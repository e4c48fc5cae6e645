"""How far totals of real stores scatter beyond what a model says, learned from past forecasts.

A model's interval holds chance and the doubt of its parameters; weather, prices and competitors move
all customers of a store at once. At each of up to three earlier days, a quarter apart, every store of
the chain is forecast as it would have been, 13 weeks ahead. With z the log of what came over what was
expected and s its standard error by the model, the scatter τ² is the mean of z² − s², at least 0. So
few forecasts say little: τ² is drawn towards that of grocery stores as if by ten forecasts more. Totals
of other windows scatter as a random walk does, τ² in proportion to their length.

Source of the idea: Chatfield (1993), "Calculating interval forecasts", Journal of Business & Economic
Statistics 11(2), 121–135, sections 4.2 and 6: empirically based intervals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.models.fitters import settled
from retention_models.models.histories import known_customers
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions.season import chain_calendars
from retention_models.predictions.store_models import own_model
from retention_models.predictions.totals import path_intervals
from retention_models.settings.calendar import CalendarSettings
from retention_models.summaries.customers import customer_summary_by_store
from retention_models.time_units import days_in

QUARTER = dt.timedelta(weeks=13)
# Earlier days to forecast from, and the least that must be known before one.
_ORIGINS, _LEAST = 3, dt.timedelta(weeks=13)
# The scatter of 60 grocery stores 13 weeks ahead of three days of a year, and how many forecasts it is
# worth.
_USUAL, _WORTH = 0.075, 10.0
# Fewer purchases expected say nothing that chance does not drown, and more stores little new.
_FEWEST, _MOST_STORES = 30.0, 60
_LEVEL = 0.90
_Z = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Scatter:
    """Standard deviation of a total 13 weeks ahead, on the log scale, beyond what models say.

    `forecasts` is how many past ones it was learned from, of how many `stores`.
    """

    deviation: float = 0.0
    forecasts: int = 0
    stores: int = 0

    def ahead(self, days: float) -> float:
        """Standard deviation of a total so many days ahead."""
        return self.deviation * float(np.sqrt(days / QUARTER.days))


def learn_scatter(
    log: Transactions,
    end: dt.date,
    time_unit: str,
    store_ids: Collection[str] | None = None,
    declared: CalendarSettings | None = None,
) -> Scatter:
    """Learn from what was known at the end of a day how far totals of the chain's stores scatter.

    With the project file's calendar, beyond what models under a season say: a forecast of a day on
    which the yearly waves that are known now could not be told is passed over.
    """
    days = [end - k * QUARTER for k in range(_ORIGINS + 1)]
    begin = log.stores["first_day"].min()
    if log.first_seen_from is not None:
        begin = max(begin, log.first_seen_from)  # before it nobody counts
    days = [day for day in days if day - begin >= _LEAST] if days[0] > begin else []
    if len(days) < 2:
        return _of([], 0)
    stores = _largest(log, store_ids)
    summaries = [
        customer_summary_by_store(log, store_ids=stores, observation_end=day, time_unit=time_unit)
        for day in days
    ]
    squares: list[float] = []
    seen = set()
    waves = _waves(log, summaries[0], end, declared)
    for day, (later, earlier) in zip(days[1:], pairwise(summaries), strict=True):
        calendars = {} if declared is None else chain_calendars(log, earlier, day, declared)
        for store, summary in earlier.items():
            then = calendars.get(store)
            if waves.get(store) and not (then and then.harmonics != 0):
                continue
            found = _square(log, summary, later[store], time_unit, then)
            if found is not None:
                squares.append(found)
                seen.add(store)
    return _of(squares, len(seen))


def _waves(
    log: Transactions,
    summaries: Mapping[str, pd.DataFrame],
    day: dt.date,
    declared: CalendarSettings | None,
) -> dict[str, bool]:
    """By store: whether yearly waves are known of it."""
    if declared is None:
        return {}
    found = chain_calendars(log, summaries, day, declared)
    return {store: bool(calendar.harmonics) for store, calendar in found.items()}


def _of(squares: list[float], stores: int) -> Scatter:
    learned = max(0.0, float(np.sum(squares)))
    variance = (learned + _WORTH * _USUAL**2) / (len(squares) + _WORTH)
    return Scatter(float(np.sqrt(variance)), len(squares), stores)


def _largest(log: Transactions, store_ids: Collection[str] | None) -> list[str]:
    rows = log.whole.stores["rows"]
    if store_ids is not None:
        rows = rows[rows.index.isin(list(store_ids))]
    order = sorted(rows.index, key=lambda store: (-int(rows[store]), store))
    return [str(store) for store in order[:_MOST_STORES]]


def _square(
    log: Transactions,
    summary: pd.DataFrame,
    later: pd.DataFrame,
    time_unit: str,
    calendar: Calendar | None,
) -> float | None:
    """z² − s² of one forecast, 13 weeks ahead of a summary; None where it tells nothing."""
    came = later["frequency"].reindex(summary.index).sum() - summary["frequency"].sum()
    if (summary["frequency"] > 0).sum() < _FEWEST or came <= 0:
        # A store in which nobody bought for a quarter closed; that is no scatter.
        return None
    try:
        fitted = settled(own_model(log, summary, calendar))
    except CannotSay:
        return None
    if fitted.fit_.verdict == "not identified":
        return None
    history = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    known = known_customers(*history, by_recency=fitted.model.recency_counts)
    horizon = np.array([QUARTER.days / days_in(time_unit)])
    path = path_intervals(fitted, known, horizon, _LEVEL).iloc[0]
    if path["forecast"] < _FEWEST:
        return None
    s = float(np.log(path["high"] / path["low"])) / (2.0 * _Z)
    # Beyond a factor of two a store has changed, which the verdict on its forecast tells.
    z = float(np.clip(np.log(came / path["forecast"]), -np.log(2.0), np.log(2.0)))
    return z**2 - s**2


def content(scatters: Mapping[dt.date, Scatter]) -> dict[str, list[float]]:
    """What `from_content` takes; JSON can hold it."""
    return {
        day.isoformat(): [each.deviation, each.forecasts, each.stores]
        for day, each in scatters.items()
    }


def from_content(written: Mapping[str, list[float]]) -> dict[dt.date, Scatter]:
    """What `content` gave."""
    return {
        dt.date.fromisoformat(day): Scatter(float(deviation), int(forecasts), int(stores))
        for day, (deviation, forecasts, stores) in written.items()
    }
