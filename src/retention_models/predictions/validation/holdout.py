"""Does the model hold on purchases it has not seen? Holdout, baselines, tracking, a verdict in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from retention_models.data.transactions import Transactions
from retention_models.errors import SettingsError
from retention_models.languages import count
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval
from retention_models.models.fitters import (
    BetaGeoCNBDFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    MidLifeFitter,
    ModifiedBetaGeoCNBDFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
    PurchaseFitter,
    RegularFitter,
    settled,
)
from retention_models.models.histories import known_customers
from retention_models.predictions.customers import some_customers
from retention_models.predictions.determined import is_determined, told_range
from retention_models.predictions.stores import holdout_totals
from retention_models.predictions.validation.calibration import (
    CountCalibration,
    alive_calibration,
    baseline_errors,
    count_calibration,
    errors_by_frequency,
)
from retention_models.predictions.validation.rates import RateChange
from retention_models.predictions.validation.store_changes import (
    Silence,
    Swing,
    change_since,
    silence_at_the_end,
    swing_over_time,
)
from retention_models.predictions.validation.value import ValueCheck, check_value
from retention_models.predictions.validation.verdicts import Evidence, Verdict, judge
from retention_models.summaries.customers import Day
from retention_models.summaries.gaps import sum_log_gaps
from retention_models.summaries.holdout import HoldoutData, StoreDays, read_holdout

MODELS: dict[str, type[PurchaseFitter]] = {
    "bg_nbd": BetaGeoFitter,
    "mbg_nbd": ModifiedBetaGeoFitter,
    "pareto_nbd": ParetoNBDFitter,
    "mid_life": MidLifeFitter,
    "bg_cnbd": BetaGeoCNBDFitter,
    "mbg_cnbd": ModifiedBetaGeoCNBDFitter,
}
Model = str | type[PurchaseFitter]

_INTERVAL = 0.90
_TRACKING = ["actual", "expected", "forecast", "low", "high"]


@dataclass(frozen=True, repr=False)
class HoldoutValidation(Result):
    """A model fitted to the calibration period, held against the holdout."""

    purchases: PurchaseFitter = field(repr=False)  # fitted to the calibration period
    # calibration summary, frequency_holdout, last_period, predicted, probability_alive,
    # purchases_low and purchases_high
    customers: pd.DataFrame = field(repr=False)
    total: Interval  # predicted purchases of the holdout with their 90% interval
    actual: int  # purchases that came
    errors: pd.Series  # mean absolute error per customer, of the model and of the baselines
    # the same and mean squared errors; see `baseline_errors`
    baselines: pd.DataFrame = field(repr=False)
    # mean purchases by frequency group; see `errors_by_frequency`
    by_frequency: pd.DataFrame = field(repr=False)
    # chances to buy against the share who did; see `alive_calibration`
    by_alive: pd.DataFrame = field(repr=False)
    counts: CountCalibration = field(repr=False)  # the customers' 90% intervals
    silence: Silence | None = field(repr=False)  # at the end of the data
    swing: Swing | None = field(repr=False)  # of customers' rates over the weeks
    verdict: Verdict
    reason: str  # why, in a clause with its numbers
    causes: tuple[str, ...]  # what is the matter, by name; see `judge`
    calibration_end: dt.date
    holdout_end: dt.date
    # spend of the holdout, with a verdict of its own; None without a spend model
    value: ValueCheck | None = field(default=None, repr=False)
    # how often the same customers bought in the holdout against before
    since: RateChange | None = field(default=None, repr=False)

    _figure = "holdout_by_frequency"

    def _card(self) -> Card:
        days = f"{self.calibration_end:%Y-%m-%d} to {self.holdout_end:%Y-%m-%d}"
        facts = {
            "verdict": self.verdict,
            "purchases expected": with_ends(self.total),
            "came": count(self.actual),
            "because": str(self.reason),
        }
        return Card(f"{self.purchases.label} held against {days}", facts, self.baselines)

    @property
    def relative_error(self) -> float:
        """Predicted over actual, less one; infinite where nothing came."""
        return self.total.value / self.actual - 1.0 if self.actual else float("inf")


def validate_holdout(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
    purchases: PurchaseFitter | None = None,
    model: Model = "bg_nbd",
    spend: GammaGammaFitter | None = None,
    scatter: float = 0.0,
) -> HoldoutValidation:
    """Fit to the calibration period and compare with what customers then did.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    calibration_end, holdout_end : date or str
        Last days of the two periods, both included.
    time_unit : {"D", "W", "M"}
        Scale of time.
    model : {"bg_nbd", "mbg_nbd", "pareto_nbd", "mid_life", "bg_cnbd", "mbg_cnbd"} or class
        The model of purchases, by name or as one of the fitters.
    purchases : fitted model, optional
        A model of the calibration period found elsewhere, such as one shrunk towards a chain; `model` is
        then not used.
    spend : GammaGammaFitter, optional
        A spend model of the calibration period; then value is held against the holdout too.
    scatter : float
        As for `predict_store`, for the length of the holdout.

    Returns
    -------
    HoldoutValidation

    Raises
    ------
    SettingsError
        If a parameter is not understood, or `purchases` was fitted to days of the holdout.
    CannotSay
        If the calibration period has no repeat purchase.

    See Also
    --------
    judge : the verdict and its thresholds.
    compare_models : the models side by side.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> found = rm.validate_holdout(log, calibration_end="2023-09-30", holdout_end="2023-12-30")
    >>> found.verdict
    'use'
    """
    fitter = fitter_of(model)
    data = read_holdout(
        log,
        store_id=store_id,
        calibration_end=calibration_end,
        holdout_end=holdout_end,
        time_unit=time_unit,
    )
    if purchases is None:
        purchases = fitted_to(fitter, log, data, store_id)
    else:
        _require_unseen(purchases, data.calibration_end)
    return validate_fit(purchases, data, spend, scatter)


def _require_unseen(purchases: PurchaseFitter, calibration_end: dt.date) -> None:
    """Refuse a model that is known to have been fitted to days of the holdout."""
    end = purchases.observation_end_
    if end is not None and end > calibration_end.isoformat():
        raise SettingsError(
            f"purchases: the model was fitted to data up to {end}, and calibration_end is "
            f"{calibration_end}: it has seen what it is held against. Fit it to "
            "calibration_holdout_summary of the same days."
        )


def fitted_to(
    fitter: type[PurchaseFitter], log: Transactions, data: HoldoutData, store_id: str | None
) -> PurchaseFitter:
    """A model fitted to the calibration period; of regular buyers with the log's gaps in it."""
    x, t_x, T = (data.customers[name] for name in ("frequency", "recency", "T"))
    if not issubclass(fitter, RegularFitter):
        return fitter().fit(x, t_x, T)
    return fitter().fit(x, t_x, T, log_gaps=gaps_of(log, data, store_id))


def gaps_of(log: Transactions, data: HoldoutData, store_id: str | None) -> float:
    """Σ ln gap of the calibration period's customers."""
    return sum_log_gaps(
        log,
        store_id=store_id,
        observation_end=data.calibration_end,
        time_unit=data.customers.attrs["time_unit"],
    )


def fitter_of(model: Model) -> type[PurchaseFitter]:
    """The fitter of a model given by name, or itself."""
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    if isinstance(model, type) and issubclass(model, PurchaseFitter):
        return model
    raise SettingsError(
        f"model: expected one of {', '.join(MODELS)}, or the class of a fitter of purchases; got "
        f"{model!r}."
    )


def validate_fit(
    purchases: PurchaseFitter,
    data: HoldoutData,
    spend: GammaGammaFitter | None = None,
    scatter: float = 0.0,
) -> HoldoutValidation:
    """Hold a fit to ``data.customers`` against the holdout; `scatter` as for `predict_store`."""
    split, window = data.customers, data.window
    purchases = settled(purchases)
    table = some_customers(purchases, None, split, horizon=window, interval=_INTERVAL)
    told = table[["probability_alive", "purchases_low", "purchases_high"]]
    customers = split.assign(predicted=table["expected_purchases"], **told)
    total = holdout_totals(
        purchases, None, split, horizon=window, interval=_INTERVAL, scatter=scatter
    ).purchases
    evidence = Evidence(
        fit=purchases.fit_,
        total=total,
        actual=int(split["frequency_holdout"].sum()),
        baselines=baseline_errors(customers, window),
        calibrated=_calibrated(purchases, split),
        counts=count_calibration(purchases, customers, window, _INTERVAL),
        silence=silence_at_the_end(purchases, data),
        swing=swing_over_time(_under_season(purchases, data.days)),
        open_range=_open_range(purchases, split, window),
        since=change_since(_under_season(purchases, data.days), data.calibration_end),
    )
    verdict, reason, causes = judge(evidence)
    return HoldoutValidation(
        purchases=purchases,
        customers=customers,
        total=total,
        actual=evidence.actual,
        errors=evidence.baselines["absolute_error"],
        baselines=evidence.baselines,
        by_frequency=errors_by_frequency(customers),
        by_alive=alive_calibration(purchases, customers, window),
        counts=evidence.counts,
        silence=evidence.silence,
        swing=evidence.swing,
        verdict=verdict,
        reason=reason,
        causes=causes,
        calibration_end=data.calibration_end,
        holdout_end=data.holdout_end,
        since=evidence.since,
        value=None if spend is None else check_value(purchases, spend, split, window, scatter),
    )


def _under_season(purchases: PurchaseFitter, days: StoreDays) -> StoreDays:
    """The store's days as the model's season would have them, so that what swings beyond it is told."""
    if purchases.calendar_ is None:
        return days
    return days.under(purchases.pace())


def _open_range(
    purchases: PurchaseFitter, split: pd.DataFrame, window: float
) -> tuple[float, float] | None:
    """What the calibration period allows of the total, where that leaves it open."""
    history = purchases.histories(split["frequency"], split["recency"], split["T"])
    known = known_customers(*history, by_recency=purchases.model.recency_counts)
    if is_determined(purchases, known, window):
        return None
    return told_range(purchases, known, window)


def _calibrated(purchases: PurchaseFitter, split: pd.DataFrame) -> tuple[float, int]:
    """Repeat purchases of the calibration period: the model's expectation, and what came."""
    ages, customers = np.unique(split["T"].to_numpy(dtype=float), return_counts=True)
    expected = purchases.model.expected_since_first(ages, ages, *purchases.fit_.parameters)
    return float(customers @ expected), int(split["frequency"].sum())
