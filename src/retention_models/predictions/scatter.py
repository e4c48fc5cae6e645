"""How far totals of real stores scatter beyond what a model says, learned from past forecasts.

A model's interval holds chance and the doubt of its parameters; weather, prices and competitors move
all customers of a store at once. At earlier days, a quarter apart, every store of the chain is forecast
as it would have been, 13 weeks ahead (`past_forecasts`). With z the log of what came over what was
expected and s its standard error by the model, the scatter τ² is the mean of z² − s², at least 0. So
few forecasts say little: τ² is drawn towards that of grocery stores as if by ten forecasts more. Totals
of other windows scatter as a random walk does, τ² in proportion to their length.

Source of the idea: Chatfield (1993), "Calculating interval forecasts", Journal of Business & Economic
Statistics 11(2), 121–135, sections 4.2 and 6: empirically based intervals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from retention_models.errors import CannotSay
from retention_models.levels import z_of_interval, z_of_level
from retention_models.models.histories import known_customers
from retention_models.predictions.past_forecasts import FEWEST, QUARTER, Refit
from retention_models.predictions.totals import path_intervals
from retention_models.predictions.whole_store import expected_newcomers

# The scatter of 60 grocery stores 13 weeks ahead of three days of a year, and how many forecasts it is
# worth.
USUAL, _WORTH = 0.075, 10.0
# Stores whose newcomers tell of a chain's; and standard errors at which they do, two-sided 1%.
_FEWEST_STORES, _VISIBLE = 5, z_of_level(0.01)
_LEVEL = 0.90
_Z = z_of_interval(_LEVEL)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Standard deviation of a total 13 weeks ahead, on the log scale, beyond what models say.

    `forecasts` is how many past ones it was learned from, of how many `stores`. `newcomers` is what
    came of newcomers over what was expected, 1 where the two differ by no more than chance, and
    `newcomers_error` the standard error of its log.
    """

    deviation: float = 0.0
    forecasts: int = 0
    stores: int = 0
    newcomers: float = 1.0
    newcomers_error: float = 0.0

    def ahead(self, days: float) -> float:
        """Standard deviation of a total so many days ahead."""
        return self.deviation * float(np.sqrt(days / QUARTER.days))


def learn_scatter(refits: Iterable[Refit], rule: str) -> Scatter:
    """Learn from past forecasts of a chain how far totals scatter beyond the models of a rule."""
    squares: list[float] = []
    seen = set()
    refits = list(refits)
    for refit in refits:
        if rule not in refit.squares:
            refit.squares[rule] = _square(refit, rule)
        found = refit.squares[rule]
        if found is not None:
            squares.append(found)
            seen.add(refit.store)
    learned = max(0.0, float(np.sum(squares)))
    variance = (learned + _WORTH * USUAL**2) / (len(squares) + _WORTH)
    ratio, error = _newcomers(refits, rule)
    return Scatter(float(np.sqrt(variance)), len(squares), len(seen), ratio, error)


def _newcomers(refits: list[Refit], rule: str) -> tuple[float, float]:
    """What came of newcomers over what was expected, and the error of its log; 1 and 0 if by chance.

    The error is of stores, over all days, for what changes at a store does so for long.
    """
    expected: dict[str, float] = {}
    came: dict[str, float] = {}
    for refit in refits:
        fitted = refit.model(rule, under_season=True)
        if fitted is None:
            continue
        with suppress(CannotSay):  # where the data were too short to say how many come
            new, late = expected_newcomers(fitted, refit.history.summary, refit.horizon)
            expected[refit.store] = expected.get(refit.store, 0.0) + new
            came[refit.store] = came.get(refit.store, 0.0) + refit.newcomers - late
    total = sum(expected.values())
    if len(expected) < _FEWEST_STORES or total <= 0.0 or sum(came.values()) <= 0.1 * total:
        return 1.0, 0.0
    ratio = sum(came.values()) / total
    rest = np.array([came[store] - ratio * expected[store] for store in expected])
    error = float(np.sqrt(rest @ rest) / (ratio * total))
    return (float(ratio), error) if abs(np.log(ratio)) > _VISIBLE * error else (1.0, 0.0)


def _square(refit: Refit, rule: str) -> float | None:
    """z² − s² of one forecast; None where it tells nothing."""
    fitted = refit.model(rule, under_season=True)
    if fitted is None:
        return None
    history = (column.to_numpy(dtype=float) for column in refit.history.columns)
    known = known_customers(*history, by_recency=fitted.model.recency_counts)
    path = path_intervals(fitted, known, np.array([refit.horizon]), _LEVEL).iloc[0]
    if path["forecast"] < FEWEST:
        return None
    s = float(np.log(path["high"] / path["low"])) / (2.0 * _Z)
    # Beyond a factor of two a store has changed, which the verdict on its forecast tells.
    z = float(np.clip(np.log(refit.total / path["forecast"]), -np.log(2.0), np.log(2.0)))
    return z**2 - s**2


def content(scatters: Mapping[dt.date, Scatter]) -> dict[str, list[float]]:
    """What `from_content` takes; JSON can hold it."""
    return {
        day.isoformat(): [
            *(each.deviation, each.forecasts, each.stores),
            *(each.newcomers, each.newcomers_error),
        ]
        for day, each in scatters.items()
    }


def from_content(written: Mapping[str, list[float]]) -> dict[dt.date, Scatter]:
    """What `content` gave."""
    return {
        dt.date.fromisoformat(day): Scatter(
            float(deviation), int(forecasts), int(stores), *(float(each) for each in newcomers)
        )
        for day, (deviation, forecasts, stores, *newcomers) in written.items()
    }
