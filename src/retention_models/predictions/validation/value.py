"""Money held against the weeks not seen, as counts are: value expected, what came, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from retention_models.languages import catalogue, count, phrase, share
from retention_models.levels import Interval
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.stores import holdout_totals
from retention_models.predictions.validation.verdicts import TOLERATED_ERROR, Verdict, is_failed

_INTERVAL = 0.90


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """Spend of the holdout by the customers known before, against what was expected."""

    total: Interval  # expected spend with its 90% interval
    actual: float
    of_spend: float  # relative error of the spend per purchase alone, at the purchases that came
    repeated: float  # what the period before, of the same length, would have given
    # outside the 99% interval and off by over 20%: "do not use"; the 90%: "use with care"
    verdict: Verdict
    reason: str  # why, in a clause with its numbers

    @property
    def relative_error(self) -> float:
        """Expected over actual, less one; infinite where nothing came."""
        return self.total.value / self.actual - 1.0 if self.actual else float("inf")


def check_value(
    purchases: PurchaseFitter,
    spend: GammaGammaFitter,
    split: pd.DataFrame,
    window: float,
    scatter: float = 0.0,
) -> ValueCheck | None:
    """Hold the models' value of the calibration's customers against the holdout's spend.

    None where nobody's spend is told. Customers whose spend tells nothing are on neither side.
    """
    told = (split["frequency"] == 0) | (split["monetary_value"] > 0)
    known = split.loc[told]
    if known.empty:
        return None
    terms = {"horizon": window, "interval": _INTERVAL, "scatter": scatter}
    total = holdout_totals(purchases, spend, known, **terms).value
    if total is None:
        return None
    came = known["frequency_holdout"].to_numpy(dtype=float)
    paid = came * known["monetary_value_holdout"].to_numpy(dtype=float)
    each = spend.conditional_expected_average_profit(known["frequency"], known["monetary_value"])
    actual, of_spend = float(paid.sum()), float("nan")
    if actual > 0.0:
        of_spend = float(np.asarray(each) @ came / actual - 1.0)
    before = known["last_period"] * known["monetary_value"]
    verdict, how = _judged(total, actual)
    places = {
        "came": count(actual),
        "expected": count(total.value),
        "low": count(total.low),
        "high": count(total.high),
        "tolerated": share(TOLERATED_ERROR),
    }
    reason = phrase(_CAME[how], **places)
    return ValueCheck(total, actual, of_spend, float(before.sum()), verdict, reason)


def _judged(
    total: Interval, actual: float
) -> tuple[Verdict, Literal["inside", "outside", "failed"]]:
    if total.low <= actual <= total.high:
        return "use", "inside"
    if is_failed(total, actual):
        return "do not use", "failed"
    return "use with care", "outside"


_CAME = catalogue(
    {
        "inside": (
            "in money {came} came where {expected} were expected, inside the expected {low} to {high}"
        ),
        "outside": (
            "in money {came} came where {expected} were expected, outside the expected {low} to {high}"
        ),
        "failed": (
            "in money {came} came where {expected} were expected ({low} to {high}): the value is off by "
            "more than {tolerated}"
        ),
    }
)
