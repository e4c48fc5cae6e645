"""Models of what drives customers away: logistic regression of lapse, hazards of the next purchase.

Standard errors are clustered by customer: Lin & Wei (1989), "The robust inference for the Cox
proportional hazards model", JASA 84(408), 1074–1078. The check of proportional hazards follows Grambsch
& Therneau (1994), "Proportional hazards tests and diagnostics based on weighted residuals", Biometrika
81(3), 515–526, with the variance of its sum by customer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from scipy.stats import rankdata
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.proportion import proportion_confint

from retention_models.levels import Interval, z_of_interval
from retention_models.measures.driver_rows import DriverRows

Array = NDArray[np.float64]

_FIFTHS = 5
# Share of customers that calibration is checked on.
HELD_OUT = 0.3


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Coefficients of drivers, logs of ratios, with clustered standard errors."""

    names: list[str]
    values: Array
    errors: Array
    # p-value of no change of the ratio with the days since the last purchase; NaN of lapse
    changes: Array

    @property
    def pvalues(self) -> Array:
        """Two-sided, of a ratio of 1."""
        return np.asarray(2.0 * ndtr(-np.abs(self.values / self.errors)))

    def of(self, names: list[str]) -> Coefficients:
        """Some of them."""
        at = [self.names.index(name) for name in names]
        return Coefficients(names, self.values[at], self.errors[at], self.changes[at])


def joined(parts: list[Coefficients]) -> Coefficients:
    """Coefficients of several fits, one after the other."""
    columns = zip(*((each.values, each.errors, each.changes) for each in parts), strict=True)
    names = [name for each in parts for name in each.names]
    return Coefficients(names, *(np.concatenate(each) for each in columns))


def fit_next_purchase(rows: DriverRows, drivers: pd.DataFrame, *, adjusted: bool) -> Coefficients:
    """Cox regression of the days since the last purchase, with delayed entry, on `start_stop_rows`.

    `adjusted`: what is known of customers' purchases goes with the drivers. Not of what a customer is
    from the first purchase on, which has done its part in them.
    """
    columns = _columns(rows, drivers, adjusted=adjusted)
    # statsmodels takes a row to be at risk on its day of entry too, when another row of the customer is.
    entry = np.where(rows.entry > 0.0, rows.entry + 0.5, 0.0)
    model = PHReg(rows.exit, columns, status=rows.outcome.astype(int), entry=entry)
    fitted = model.fit(method="newton", disp=0)
    curvature = np.linalg.inv(-model.hessian(fitted.params))
    k, groups = drivers.shape[1], np.unique(rows.customer, return_inverse=True)[1]
    scores, apart = cox_residuals(entry, rows.exit, columns, rows.outcome, fitted.params)
    errors = np.sqrt(np.diag(curvature @ _squares(scores, groups) @ curvature))
    bought = rows.outcome
    scaled = apart[bought] @ curvature * bought.sum()
    changes = _change_pvalues(rows.exit[bought], scaled[:, :k], groups[bought])
    return Coefficients(list(drivers), fitted.params[:k], errors[:k], changes)


def cox_residuals(
    entry: Array, left: Array, columns: Array, outcome: NDArray[np.bool_], beta: Array
) -> tuple[Array, Array]:
    """Score residuals and Schoenfeld residuals, each of shape (rows, columns), ties as Breslow's.

    U_i = δ_i (z_i − z̄(t_i)) − ∫ e^{β'z_i} (z_i − z̄(t)) dΛ(t) over i's time at risk; they sum to 0 at
    the estimate. statsmodels has them too, but not a number where nobody fails any more.
    """
    times = np.unique(left[outcome])
    weight = np.exp(columns @ beta)
    weighed = np.column_stack([weight, weight[:, None] * columns])
    sums = _from(left, weighed, times) - _from(entry, weighed, times)
    mean = sums[:, 1:] / sums[:, :1]
    failed = np.bincount(np.searchsorted(times, left[outcome]), minlength=times.size)
    step = failed / sums[:, 0]
    hazard = np.concatenate([[0.0], np.cumsum(step)])
    moved = np.vstack([np.zeros(columns.shape[1]), np.cumsum(mean * step[:, None], axis=0)])
    last, first = (np.searchsorted(times, end, "right") for end in (left, entry))
    here = np.minimum(np.searchsorted(times, left), times.size - 1)
    apart = np.where(outcome[:, None], columns - mean[here], 0.0)
    risked = columns * (hazard[last] - hazard[first])[:, None] - (moved[last] - moved[first])
    return apart - weight[:, None] * risked, apart


def _from(at: Array, values: Array, times: Array) -> Array:
    """Sums of values at each of the times or later, shape (times, columns)."""
    order = np.argsort(at)
    upto = np.vstack([np.zeros(values.shape[1]), np.cumsum(values[order], axis=0)])
    return np.asarray(upto[-1] - upto[np.searchsorted(at[order], times, "left")])


def _squares(scores: Array, groups: NDArray[np.int64]) -> Array:
    """Sum over customers of the squares of their scores."""
    total = np.zeros((int(groups.max()) + 1, scores.shape[1]))
    np.add.at(total, groups, scores)
    return np.asarray(total.T @ total)


def _change_pvalues(time: Array, scaled: Array, groups: NDArray[np.int64]) -> Array:
    """p-values of no trend of scaled residuals in the rank of time, shape (drivers,)."""
    rank = rankdata(time)
    rank = rank - rank.mean()
    each = rank[:, None] * (scaled - scaled.mean(axis=0))
    spread = np.sqrt(np.diag(_squares(each, groups)))
    return np.asarray(
        2.0 * ndtr(-np.abs(each.sum(axis=0)) / np.where(spread > 0.0, spread, np.inf))
    )


def fit_lapse(rows: DriverRows, drivers: pd.DataFrame, *, adjusted: bool) -> Coefficients:
    """Logistic regression of lapse; parameters as of `fit_next_purchase`, rows from `lapse_rows`."""
    columns = _columns(rows, drivers, adjusted=adjusted)
    fitted = _logistic(rows.outcome, columns, rows.customer)
    k = drivers.shape[1]
    values, errors = fitted.params[1 : k + 1], fitted.bse[1 : k + 1]
    return Coefficients(list(drivers), values, errors, np.full(k, np.nan))


def _logistic(outcome: NDArray[np.bool_], columns: Array, customer: NDArray[np.int64]):  # type: ignore[no-untyped-def]
    design = np.column_stack([np.ones(len(columns)), columns])
    groups = np.unique(customer, return_inverse=True)[1]
    model = GLM(outcome.astype(float), design, family=Binomial())
    return model.fit(cov_type="cluster", cov_kwds={"groups": groups})


def _columns(rows: DriverRows, drivers: pd.DataFrame, *, adjusted: bool = True) -> Array:
    """Drivers, then what is known of customers where it differs between them, centred."""
    told = drivers.to_numpy(dtype=float)
    if not adjusted:
        return told
    history = rows.history.to_numpy(dtype=float)
    history = history[:, history.std(axis=0) > 0.0]
    return np.column_stack([told, history - history.mean(axis=0)])


def calibrated_lapse(
    rows: DriverRows, drivers: pd.DataFrame, interval: float, seed: int
) -> tuple[Interval, pd.DataFrame]:
    """How lapse foreseen from some customers came true at others, drawn by lot.

    The slope of the log odds that came true by those foreseen, 1 if they are right; and rows by what was
    foreseen, in five of about one size: rows, foreseen, lapsed (shares), the ends of Wilson's interval.
    """
    customers, place = np.unique(rows.customer, return_inverse=True)
    apart = (np.random.default_rng(seed).random(customers.size) < HELD_OUT)[place]
    columns = _columns(rows, drivers)
    fitted = _logistic(rows.outcome[~apart], columns[~apart], rows.customer[~apart])
    log_odds = fitted.params[0] + columns[apart] @ fitted.params[1:]
    lapsed, who = rows.outcome[apart], rows.customer[apart]
    again = _logistic(lapsed, log_odds[:, None], who)
    value, half = float(again.params[1]), z_of_interval(interval) * float(again.bse[1])
    foreseen = expit(log_odds)
    fifth = np.minimum((rankdata(foreseen) - 1.0) * _FIFTHS // foreseen.size, _FIFTHS - 1).astype(
        int
    )
    told = pd.DataFrame({"foreseen": foreseen, "lapsed": lapsed.astype(float)})
    table = told.groupby(fifth).agg(
        rows=("lapsed", "size"), foreseen=("foreseen", "mean"), lapsed=("lapsed", "mean")
    )
    counts = (table["lapsed"] * table["rows"]).round()
    low, high = proportion_confint(counts, table["rows"], alpha=1.0 - interval, method="wilson")
    table["lapsed_low"], table["lapsed_high"] = low, high
    return Interval(value, value - half, value + half), table.reset_index(drop=True)
