"""What happened to the store that no model of its customers knows: silence, season, drift.

The models say that a customer buys at a constant rate until it leaves. Then, given the first purchase,
the last and the number between, those between lie evenly in time (ordered uniform variables): whatever
the rates, whoever has left, whenever customers began. So the purchases that are neither their
customer's first nor last show whether the rates were constant, without any model fitted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import fdtrc

from retention_models.models.fitters import PurchaseFitter, RegularFitter, settled
from retention_models.predictions.validation.rates import RateChange, change_of
from retention_models.summaries.holdout import SILENCE, HoldoutData, StoreDays
from retention_models.time_units import DAYS_IN_YEAR, days_in

Array = NDArray[np.float64]

# Chance of a silence so long, under the model, below which it is no accident.
UNLIKELY_SILENCE = 1e-4
# A yearly wave of ±25% moves the purchases of a quarter by up to 22%: beyond what is tolerated of a
# total's error. Smaller ones are found in many stores, and do little harm.
STRONG_SWING = 0.25
STRONG_DRIFT = 0.20
# Fewer than a store in a hundred whose rates are constant is said to swing.
LEVEL = 0.01
_FEWEST_PURCHASES, _FEWEST_WEEKS = 100, 12
_WHOLE_YEAR = 358  # days: 51 weeks and a day, as data of a calendar year have
_STEPS = 50
# Years from which on a drift can be told from a year's wave.
_DRIFT_OR_WAVE = 1.5


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing bought at the end of the data."""

    last_purchase: dt.date
    weeks: float
    expected: float  # purchases that were to be expected in it
    probability: float  # of no purchase at all in it, at the fitted parameters

    @property
    def closed(self) -> bool:
        """Whether it is no accident."""
        return self.probability < UNLIKELY_SILENCE


@dataclass(frozen=True, slots=True)
class Swing:
    """How far the customers' rates were from constant over time."""

    # of a yearly wave of the same strength, relative to the mean, ln scale, less what chance adds
    amplitude: float
    pvalue: float  # of no wave: an F test that allows for weeks that differ by more than chance
    highest: dt.date  # middle of the weeks in which the wave is highest
    lowest: dt.date
    # relative change of the rates in a year; NaN in less than one, where it is part of the wave
    drift: float
    drift_pvalue: float  # of no drift
    whole_year: bool  # in less than a year a season cannot be told from any other change
    years: float  # length of the data
    drift_low: float = float("nan")  # ends of the drift's 90% interval
    drift_high: float = float("nan")

    @property
    def strong(self) -> bool:
        """Whether the wave is beyond chance, and large enough to harm a forecast."""
        return self.pvalue < LEVEL and self.amplitude >= STRONG_SWING

    @property
    def drifts(self) -> bool:
        """Whether the drift is beyond chance, and large enough to harm a forecast."""
        return self.drift_pvalue < LEVEL and abs(self.drift) >= STRONG_DRIFT


def silence_at_the_end(purchases: PurchaseFitter, data: HoldoutData) -> Silence | None:
    """How likely a silence of 14 days or more at the end of the data is, under the model.

    On the day of the last purchase every customer has a history, and given it a probability to buy
    nothing in the time that follows; customers are independent, so these multiply. Where the
    silence began in the calibration period, which would take it for dropout, the model is fitted
    anew to what was known on that day, if that identifies one.
    """
    if data.before_silence is None:
        return None
    known, last = data.before_silence, data.days.last_purchase
    history = [known[name] for name in ("frequency", "recency", "T")]
    unit = days_in(str(known.attrs["time_unit"]))
    shifted = purchases.moved((last - data.calibration_end).days / unit)
    # Of gaps up to then nothing is known; regular buyers' model stays as it is.
    refits = not isinstance(purchases, RegularFitter)
    if refits and last < data.calibration_end and (known["frequency"] > 0).any():
        anew = settled(type(purchases)(purchases.penalizer_coef).fit(*history))
        purchases = shifted if anew.fit_.verdict == "not identified" else anew
    else:
        purchases = shifted
    length = data.holdout_end - last
    t = length.days / unit
    none = purchases.conditional_probability_of_n_purchases_up_to_time(0, t, *history)
    expected = purchases.predict(t, *history)
    return Silence(
        last_purchase=last,
        weeks=length.days / 7.0,
        expected=float(np.sum(expected)),
        probability=float(np.exp(np.sum(np.log(np.maximum(none, 1e-300))))),
    )


def until_silence(days: StoreDays) -> StoreDays:
    """What a closed store did before it closed is told by the days before."""
    if days.last_purchase >= days.inner.index[-1].date() - SILENCE:
        return days
    last = pd.Timestamp(days.last_purchase)
    return replace(days, inner=days.inner.loc[:last], expected=days.expected.loc[:last])


def change_since(days: StoreDays, split: dt.date) -> RateChange | None:
    """How often the same customers bought after a day against before it; None where few say."""
    days = until_silence(days)
    after = (days.inner.index > pd.Timestamp(split)).astype(float)
    inner = days.inner.to_numpy(dtype=float)
    if min(float(inner @ after), float(inner @ (1.0 - after))) < _FEWEST_PURCHASES / 4:
        return None
    return change_of(days, after[:, None])


def swing_over_time(days: StoreDays) -> Swing | None:
    """Whether customers bought at constant rates, or by the season; None where purchases are too few.

    They are under 100 between customers' first and last, or under 12 weeks. Weekly counts O against
    those of constant rates E: O ~ Poisson(E · exp(β₀ + β₁·t + wave)), where the wave has a yearly
    and a half-yearly sine and cosine, by maximum likelihood. The wave is tested by its deviance,
    over Pearson's dispersion where that is above 1. In less than a year the period is that of the
    data, and the trend is part of the wave. In less than two years, where a trend and a part of a
    year's wave look alike, a wave's amplitude is that of both together. Since first and last
    purchases are taken as they came, season and all, waves are underestimated rather than
    overestimated. The drift is not: it is estimated given them (`rates`), the wave allowed for from
    a year and a half on; in less it is that of no wave.
    """
    days = until_silence(days)
    came, expected, middle = _weeks(days)
    if came.sum() < _FEWEST_PURCHASES or came.size < _FEWEST_WEEKS:
        return None
    length = float(len(days.inner))
    whole_year = length >= _WHOLE_YEAR
    wave = _wave(middle, DAYS_IN_YEAR if whole_year else length)
    level, trend = np.ones((came.size, 1)), (middle - middle.mean())[:, None] / DAYS_IN_YEAR
    constant, drifting = (_Poisson(d, came, expected) for d in (level, np.hstack([level, trend])))
    drift = _drift(days) if whole_year else None
    full = _Poisson(np.hstack([level, trend, wave]), came, expected)
    scale = max(1.0, full.dispersion)
    two_years = length >= 2.0 * DAYS_IN_YEAR
    # The columns that make the wave, after the level.
    curve, strength = full.part(2 if two_years else 1, scale)
    start = days.inner.index[0].date()
    return Swing(
        amplitude=float(np.sqrt(2.0 * max(strength, 0.0))),
        pvalue=full.pvalue_against(drifting if whole_year else constant, scale),
        highest=start + dt.timedelta(days=float(middle[np.argmax(curve)])),
        lowest=start + dt.timedelta(days=float(middle[np.argmin(curve)])),
        drift=drift.change if drift else float("nan"),
        drift_pvalue=drift.pvalue if drift else float("nan"),
        whole_year=whole_year,
        years=length / DAYS_IN_YEAR,
        drift_low=drift.low if drift else float("nan"),
        drift_high=drift.high if drift else float("nan"),
    )


def _drift(days: StoreDays) -> RateChange | None:
    """Change of the same customers' rates in a year."""
    middle: Array = np.arange(len(days.inner), dtype=float) + 0.5
    columns: Array = middle[:, None] / DAYS_IN_YEAR
    if middle.size >= _DRIFT_OR_WAVE * DAYS_IN_YEAR:
        columns = np.hstack([columns, _wave(middle, DAYS_IN_YEAR)])
    return change_of(days, columns)


def _wave(days: Array, period: float) -> Array:
    angle = 2.0 * np.pi * days / period
    return np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])


def _weeks(days: StoreDays) -> tuple[Array, Array, Array]:
    """Counts and expectations of whole weeks, the last of which ends with the data; their middles."""
    weeks = len(days.inner) // 7
    left = len(days.inner) - 7 * weeks
    came, expected = (
        column.to_numpy(dtype=float)[left:].reshape(weeks, 7).sum(axis=1)
        for column in (days.inner, days.expected)
    )
    # Few are expected near both ends, where few spans reach; none at all makes no week.
    some = expected >= 1.0
    return came[some], expected[some], (left + 3.5 + 7.0 * np.arange(weeks))[some]


class _Poisson:
    """Poisson regression with a log link and an offset, by Newton's method."""

    def __init__(self, design: Array, came: Array, expected: Array) -> None:
        self._design, self._expected = design, expected
        beta = np.zeros(design.shape[1])
        beta[0] = np.log(came.sum() / expected.sum())
        for _ in range(_STEPS):
            mean = expected * np.exp(design @ beta)
            information = design.T @ (mean[:, None] * design)
            step = np.linalg.solve(information, design.T @ (came - mean))
            beta = beta + step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-9:
                break
        mean = expected * np.exp(design @ beta)
        self.coefficients = beta
        self.covariance = np.linalg.inv(design.T @ (mean[:, None] * design))
        self._free = came.size - beta.size
        self.dispersion = float(((came - mean) ** 2 / mean).sum() / self._free)
        # The part of the log-likelihood that depends on the mean.
        self._log_likelihood = float((came * np.log(mean) - mean).sum())

    def part(self, first: int, scale: float) -> tuple[Array, float]:
        """What the columns from `first` on add to the log mean, and its variance less chance's."""
        columns = self._design[:, first:]
        curve = columns @ self.coefficients[first:]
        doubt = np.einsum("ij,jk,ik->i", columns, self.covariance[first:, first:], columns)
        centred = curve - np.average(curve, weights=self._expected)
        return curve, float(np.average(centred**2 - scale * doubt, weights=self._expected))

    def pvalue_against(self, smaller: _Poisson, scale: float) -> float:
        """P value of the columns that `smaller` lacks, by an F test of the deviance."""
        columns = smaller._free - self._free
        gain = 2.0 * (self._log_likelihood - smaller._log_likelihood)
        return float(fdtrc(columns, self._free, max(gain, 0.0) / columns / scale))
