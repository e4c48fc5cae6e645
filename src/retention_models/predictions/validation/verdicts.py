"""Verdicts on a model in words, and the thresholds behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from retention_models.languages import (
    catalogue,
    clauses,
    count,
    counted,
    day,
    day_of_year,
    decimals,
    phrase,
    share,
)
from retention_models.levels import Interval, z_of_interval
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.predictions.validation.calibration import CountCalibration
from retention_models.predictions.validation.rates import RateChange
from retention_models.predictions.validation.store_changes import LEVEL, Silence, Swing

Verdict = Literal["use", "use with care", "do not use"]

# Within its 90% interval, a total is as close as chance and parameter doubt allow. Outside it, a
# forecast that is off by no more than a fifth still ranks customers and budgets; beyond, it misleads.
TOLERATED_ERROR = 0.20
# Of small stores that follow the model one in ten is outside by more than a fifth, by chance alone. So
# a forecast fails only outside its 99% interval: the 90% one, stretched on the log scale.
_STRETCH = z_of_interval(0.99) / z_of_interval(0.90)
# A model whose own expectation for the period it was fitted to is off by more than a tenth describes
# a mixture of customers that it takes for one population.
TOLERATED_MISFIT = 0.10
# A 90% interval that holds fewer than 80%, and not by chance, is no 90% interval.
TOLERATED_COVERAGE = 0.80
# A rule of thumb errs less only if it does so by more than this many standard errors.
BEYOND_CHANCE = 1.645


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on."""

    fit: MaximumLikelihoodFit  # to the calibration period
    total: Interval  # predicted purchases of the holdout with their 90% interval
    actual: int
    baselines: pd.DataFrame  # from `baseline_errors`
    # repeat purchases of the calibration period: the model's own expectation, what came
    calibrated: tuple[float, int]
    counts: CountCalibration
    silence: Silence | None
    swing: Swing | None
    # where the data leave the total open: what they allow of it; see `determined`
    open_range: tuple[float, float] | None = None
    since: RateChange | None = None

    @property
    def inside(self) -> bool:
        """Whether what came lies inside the total's interval."""
        return self.total.low <= self.actual <= self.total.high

    @property
    def off(self) -> float:
        """Relative error of the total, without its sign; infinite where nothing came."""
        return abs(self.total.value / self.actual - 1.0) if self.actual else float("inf")

    @property
    def failed(self) -> bool:
        """Whether the total is off by more than is tolerated, and outside its 99% interval."""
        return is_failed(self.total, self.actual)


def is_failed(total: Interval, actual: float) -> bool:
    """Whether a total is off by more than is tolerated, and outside its 99% interval."""
    off = abs(total.value / actual - 1.0) if actual else float("inf")
    low, high = (total.value * (end / total.value) ** _STRETCH for end in (total.low, total.high))
    return not low <= actual <= high and off > TOLERATED_ERROR


def judge(evidence: Evidence) -> tuple[Verdict, str, tuple[str, ...]]:
    """Give the verdict, the reason in a clause with its numbers, and what is the matter, by name.

    *Do not use*: the store fell silent for 14 days or more at the end of the data, which the model
    gives a chance under 1 in 10,000 ("closed"); or the data leave the total open by more than a
    factor of two to either side, whichever of the parameters they tell ("open"); or a model without
    such a measure is not identified; or the actual total is outside its 99% interval and off by
    more than 20%. *Use with care*: it is outside its 90% interval; or customers' rates swing over
    the weeks like a yearly wave of ±25% or more (P < .01); or no dropout is visible; or a rule of
    thumb has a smaller squared error per customer, beyond chance; or the 90% intervals of counts
    hold under 80% (by their transform), beyond chance; or the model's own expectation for the
    calibration period is off by more than 10%. *Use*: none.
    """
    grave, mild = dict(_grave(evidence)), dict(_mild(evidence))
    verdict: Verdict = "do not use" if grave else "use with care" if mild else "use"
    # Of a store that closed nothing else needs to be told.
    found = {"closed": grave["closed"]} if "closed" in grave else {**grave, **mild}
    if grave:
        found = {name: text for name, text in found.items() if name in _EXPLAINS or name in grave}
    parts = [_what_came(evidence), *(text for text in found.values() if text)]
    return verdict, clauses(parts), tuple(found)


# What is told beside a forecast that failed: the rest does not explain why.
_EXPLAINS = ("season", "swing", "drift")


def _what_came(evidence: Evidence) -> str:
    total = evidence.total
    places = {
        "came": counted(evidence.actual, "purchase"),
        "expected": count(total.value),
        "low": count(total.low),
        "high": count(total.high),
        "tolerated": share(TOLERATED_ERROR),
    }
    return phrase(_CAME[_how_it_came(evidence)], **places)


def _how_it_came(evidence: Evidence) -> str:
    if evidence.inside:
        return "inside"
    if evidence.failed:
        return "failed"
    return "small" if evidence.off > TOLERATED_ERROR else "outside"


_CAME = catalogue(
    {
        "inside": (
            "{came} came where {expected} were expected, inside the expected {low} to {high}"
        ),
        "failed": (
            "{came} came where {expected} were expected ({low} to {high}): the forecast is off by "
            "more than {tolerated}"
        ),
        "small": (
            "{came} came where {expected} were expected, outside the expected {low} to {high}, "
            "though in so small a store chance may bring that"
        ),
        "outside": (
            "{came} came where {expected} were expected, outside the expected {low} to {high} but "
            "off by no more than {tolerated}"
        ),
    }
)


def _grave(evidence: Evidence) -> Iterator[tuple[str, str]]:
    silence, swing = evidence.silence, evidence.swing
    if silence is not None and silence.closed:
        yield (
            "closed",
            phrase(
                "nothing has been bought since {day}, {weeks} before the end of the data, where "
                "{expected} purchases were expected: the store has closed, or its data stop there",
                day=day(silence.last_purchase),
                weeks=counted(round(silence.weeks), "week"),
                expected=count(silence.expected),
            ),
        )
    if evidence.open_range is not None:
        low, high = evidence.open_range
        why = phrase(
            "the weeks before were too few to say: they allow anything from {low} to {high}",
            low=count(low),
            high=count(high),
        )
        yield "open", why
    elif evidence.fit.verdict == "not identified":
        why = phrase("the model cannot be estimated: {reason}", reason=evidence.fit.message)
        yield "not identified", why
    if not evidence.failed:
        return
    if swing is None:
        why = phrase(
            "it happens when a store changes, closes, or has a strong season, and too few purchases "
            "are known to tell which"
        )
    elif (swing.strong or swing.drifts) and not (swing.years < 2.0 and _changed(evidence)):
        why = ""  # told by name
    else:
        why = _why_off(evidence.since, swing.years)
    yield "total", why


def _changed(evidence: Evidence) -> bool:
    """Whether the same customers bought more or less often in the holdout than before, by a test."""
    return evidence.since is not None and evidence.since.pvalue < LEVEL


def _why_off(since: RateChange | None, years: float) -> str:
    """Why a total is off that neither a closure nor a strong season or drift explains, as tested."""
    told = since is not None and since.pvalue < LEVEL
    key = "long" if years >= 2.0 else "short"
    if since is None:
        return phrase(_UNTESTED[key])
    places = {"low": signed(since.low), "high": signed(since.high)}
    if told:
        key += ".up" if since.change > 0.0 else ".down"
        return phrase(_TESTED[key], size=share(abs(since.change)), **places)
    return phrase(_TESTED["same"], **places)


def signed(change: float) -> str:
    """A relative change with its sign."""
    return f"{'+' if change >= 0.0 else '−'}{share(abs(change))}"


_UNTESTED = catalogue(
    {
        "short": (
            "no closure is seen in the data, and from less than two years of them a season cannot be "
            "told from any other change; try another last day or a shorter holdout, and look again "
            "when more data are there"
        ),
        "long": "neither a closure nor a season explains it, so customers or the store have changed",
    }
)
_TESTED = catalogue(
    {
        "short.up": (
            "in the weeks held out the same customers bought {size} more often than before ({low} to "
            "{high}); whether that is their season or lasts, less than two years of data cannot tell: "
            "try a last day of data before those weeks, and look again when they have come twice"
        ),
        "short.down": (
            "in the weeks held out the same customers bought {size} less often than before ({low} to "
            "{high}); whether that is their season or lasts, less than two years of data cannot tell: "
            "try a last day of data before those weeks, and look again when they have come twice"
        ),
        "long.up": (
            "in the weeks held out the same customers bought {size} more often than before ({low} to "
            "{high}), and no season explains it: try a holdout of the weeks before, and see what has "
            "changed in the shop since"
        ),
        "long.down": (
            "in the weeks held out the same customers bought {size} less often than before ({low} to "
            "{high}), and no season explains it: try a holdout of the weeks before, and see what has "
            "changed in the shop since"
        ),
        "same": (
            "those who went on buying did so as often as before ({low} to {high}), so the model errs "
            "about who has left or about those who came last: compare the models, or try a longer "
            "history before the holdout"
        ),
    }
)


def _mild(evidence: Evidence) -> Iterator[tuple[str, str]]:
    swing = evidence.swing
    if not evidence.inside and not evidence.failed:
        told = swing is not None and _changed(evidence)
        # Else it is told with the numbers.
        yield "total", _why_off(evidence.since, swing.years) if swing is not None and told else ""
    if swing is not None and swing.strong:
        yield ("season" if swing.whole_year else "swing"), _wave(swing)
    if swing is not None and swing.drifts and not swing.strong and evidence.failed:
        yield "drift", _drift(swing)
    if evidence.fit.parameters[2] == 0.0 and evidence.fit.posterior is None:
        why = phrase(
            "no customer is seen to leave, so all are counted as customers still: beyond the time "
            "observed so far, expectations are an upper bound"
        )
        yield "no dropout", why
    best = evidence.baselines.drop(index="model")["squared_error"].idxmin()
    row = evidence.baselines.loc[best]
    if row["better_by"] > BEYOND_CHANCE:
        model = evidence.baselines.loc["model", "squared_error"]
        yield (
            "rule of thumb",
            phrase(
                "customer by customer “{rule}” errs less (mean squared error {error} against {model})",
                rule=phrase(str(best)),
                error=decimals(row["squared_error"], 2),
                model=decimals(model, 2),
            ),
        )
    counts = evidence.counts
    if counts.pit.value < TOLERATED_COVERAGE and counts.pit.high < counts.interval:
        yield (
            "narrow intervals",
            phrase(
                "the customers’ {level} intervals hold only {held} of what came, so single customers "
                "are less certain than they say",
                level=share(counts.interval),
                held=share(counts.pit.value),
            ),
        )
    yield from _mixture(*evidence.calibrated)


def _mixture(expected: float, came: int) -> Iterator[tuple[str, str]]:
    if came and abs(expected / came - 1.0) > TOLERATED_MISFIT:
        yield (
            "mixture",
            phrase(
                "for the weeks before, which it was fitted to, the model by itself expects {expected} "
                "repeat purchases where {came} came: it takes different kinds of customers for one, "
                "such as regulars from before the data began and newcomers, and is likely wrong about "
                "those who came last",
                expected=count(expected),
                came=count(came),
            ),
        )


def _drift(swing: Swing) -> str:
    key = "down" if swing.drift < 0.0 else "up"
    places = {"low": signed(swing.drift_low), "high": signed(swing.drift_high)}
    return phrase(_DRIFTS[key], size=share(abs(swing.drift)), **places)


_DRIFTS = catalogue(
    {
        "down": (
            "the rates at which the same customers buy have fallen by {size} a year ({low} to {high}), "
            "and the model takes them for constant"
        ),
        "up": (
            "the rates at which the same customers buy have risen by {size} a year ({low} to {high}), "
            "and the model takes them for constant"
        ),
    }
)


def _wave(swing: Swing) -> str:
    size = share(swing.amplitude)
    if not swing.whole_year:
        return phrase(
            "the rates at which the same customers buy swing by ±{size} over the weeks; in less than a "
            "year of data a season cannot be told from any other change, and the model knows of neither",
            size=size,
        )
    if swing.years >= 2.0:
        highest, lowest = day_of_year(swing.highest), day_of_year(swing.lowest)
        return phrase(
            "the rates at which the same customers buy swing by ±{size} over the weeks, highest around "
            "{highest} and lowest around {lowest}: a strong season, of which the model knows nothing",
            size=size,
            highest=highest,
            lowest=lowest,
        )
    highest, lowest = day(swing.highest), day(swing.lowest)
    return phrase(
        "the rates at which the same customers buy swing by ±{size} over the weeks, highest around "
        "{highest} and lowest around {lowest}: a strong season, seen in one year only, of which the "
        "model knows nothing",
        size=size,
        highest=highest,
        lowest=lowest,
    )
