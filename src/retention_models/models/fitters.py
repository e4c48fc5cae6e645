"""lifetimes' classes with our numbers: the vocabulary analysts know over the maths of this package.

The only room that imports lifetimes. Its import changes a pandas option and the warning filters of
the whole process; both are put back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models import bg_nbd, gamma_gamma
from retention_models.models.bg_nbd_likelihood import fit_bg_nbd
from retention_models.models.distinct_rows import distinct_rows
from retention_models.models.gamma_gamma import fit_gamma_gamma
from retention_models.models.inputs import checked_history, checked_spend
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.time_units import TimeUnit, days_in

with warnings.catch_warnings():
    # Inside, so that what lifetimes does to the filters ends with this block; and it is 2020's code,
    # whose deprecations are not the reader's to mend.
    warnings.simplefilter("ignore")
    _chained_assignment = pd.get_option("mode.chained_assignment")
    import lifetimes
    from lifetimes.generate_data import beta_geometric_nbd_model

    pd.set_option("mode.chained_assignment", _chained_assignment)

Array = NDArray[np.float64]


def _like(template: Any, values: Array) -> Any:
    """Results carry the customers' index where the input did, as lifetimes' do."""
    return pd.Series(values, index=template.index) if isinstance(template, pd.Series) else values


def _index_of(column: Any) -> Any:
    return column.index if isinstance(column, pd.Series) else None  # a list has an index method


def _time_unit_of(T: Any) -> TimeUnit | None:
    return getattr(T, "attrs", {}).get("time_unit")


class _Estimates:
    """What every fitter publishes of its fit, under lifetimes' names."""

    fit_: MaximumLikelihoodFit
    params_: pd.Series
    data: pd.DataFrame

    def _publish(self, fit: MaximumLikelihoodFit) -> None:
        names = list(fit.names)
        self.fit_ = fit
        self.log_likelihood_ = fit.log_likelihood
        self._negative_log_likelihood_ = -fit.log_likelihood
        self.params_ = pd.Series(fit.parameters, index=names)
        self.variance_matrix_ = pd.DataFrame(fit.covariance, index=names, columns=names)
        self.standard_errors_ = pd.Series(np.sqrt(np.diag(fit.covariance)), index=names)
        # On the log scale, where the likelihood is closer to normal: bounds stay positive.
        half = 1.959963984540054 * np.sqrt(np.diag(fit.log_covariance))
        self.confidence_intervals_ = pd.DataFrame(
            {
                "lower 95% bound": fit.parameters * np.exp(-half),
                "upper 95% bound": fit.parameters * np.exp(half),
            },
            index=names,
        )

    def _require_fit(self) -> Array:
        if not hasattr(self, "fit_"):
            raise SettingsError(f"{type(self).__name__}: call fit() before asking for predictions.")
        return self.fit_.parameters


class BetaGeoFitter(_Estimates, lifetimes.BetaGeoFitter):
    """BG/NBD model, a drop-in for ``lifetimes.BetaGeoFitter`` with exact estimates.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, a and b. Unlike lifetimes' it does not
        depend on the unit of time. 0 gives maximum likelihood.

    Attributes
    ----------
    params_ : Series
        r, alpha (a gamma rate, per unit of T), a, b.
    fit_ : MaximumLikelihoodFit
        Covariance, log-likelihood, AIC, BIC, and the verdict: converged, boundary (which one, in
        words), or not identified.
    log_likelihood_ : float
        The plain log-likelihood.

    Notes
    -----
    Source: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275–284.
    """

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        initial_params: ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        frequency, recency, T : array_like, shape (n,)
            Repeat purchases, first to last purchase, first purchase to the end of observation;
            recency and T in one unit of time.
        weights : array_like, shape (n,), optional
            Number of customers with each row; 1 unless given.
        index : array_like, optional
            Index of ``data``.
        initial_params, verbose, tol, **kwargs
            Accepted as lifetimes does, and not needed: the search is deterministic.

        Returns
        -------
        BetaGeoFitter
            Itself.

        Raises
        ------
        SettingsError
            If an input is not a valid history; the first bad rows are named.
        CannotSay
            If no customer bought again.

        Examples
        --------
        >>> fitter = BetaGeoFitter().fit([0, 2, 5, 0, 1, 3, 0, 8], [0, 30, 20, 0, 5, 31, 0, 36],
        ...                              [39, 39, 30, 25, 39, 32, 20, 37])
        >>> fitter.fit_.names
        ('r', 'alpha', 'a', 'b')
        """
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        self._publish(fit_bg_nbd(x, t_x, t, n, penalty=self.penalizer_coef))
        self.time_unit_ = _time_unit_of(T)
        self.data = pd.DataFrame(
            {"frequency": x.astype(int), "recency": t_x, "T": t, "weights": n},
            index=_index_of(frequency) if index is None else index,
        )
        self.generate_new_data: Callable[..., pd.DataFrame] = lambda size=1: (
            beta_geometric_nbd_model(t, *self.params_[list(bg_nbd.NAMES)], size=size)
        )
        self.predict = self.conditional_expected_number_of_purchases_up_to_time
        return self

    def conditional_expected_number_of_purchases_up_to_time(
        self, t: ArrayLike, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """Expected purchases in (T, T + t] of known customers.

        See `bg_nbd.conditional_expected_purchases`.
        """
        parameters = self._require_fit()
        x, t_x, age = (np.asarray(v, dtype=float) for v in (frequency, recency, T))
        if np.ndim(t) > 0 or x.ndim != 1 or not x.shape == t_x.shape == age.shape:
            values = bg_nbd.conditional_expected_purchases(t, x, t_x, age, *parameters)
            return _like(frequency, values)
        # The expectation of whoever is alive does not depend on recency: few rows are distinct.
        r, alpha, a, b = parameters
        (level_x, level_age), row = distinct_rows(x, age)
        of_alive = bg_nbd.expected_purchases(t, r + level_x, alpha + level_age, a, b + level_x)
        alive = bg_nbd.probability_alive(x, t_x, age, *parameters)
        return _like(frequency, alive * of_alive[row])

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Array:
        """P(alive) of known customers; see `bg_nbd.probability_alive`."""
        return np.atleast_1d(bg_nbd.probability_alive(frequency, recency, T, *self._require_fit()))

    def expected_number_of_purchases_up_to_time(self, t: ArrayLike) -> Array:
        """Expected repeat purchases of a new customer in (0, t].

        See `bg_nbd.expected_purchases`.
        """
        r, alpha, a, b = self._require_fit()
        return bg_nbd.expected_purchases(t, r, alpha, a, b)

    def probability_of_n_purchases_up_to_time(self, t: ArrayLike, n: ArrayLike) -> Array:
        """P(X(t) = n) of a new customer; see `bg_nbd.purchase_count_probability`."""
        r, alpha, a, b = self._require_fit()
        return bg_nbd.purchase_count_probability(n, t, r, alpha, a, b)


class GammaGammaFitter(_Estimates, lifetimes.GammaGammaFitter):
    """Gamma-Gamma model of spend, a drop-in for ``lifetimes.GammaGammaFitter``.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of p, q and v / mean spend; it does not depend on the
        currency. 0 gives maximum likelihood.

    Notes
    -----
    Source: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", note 025.
    """

    def fit(
        self,
        frequency: ArrayLike,
        monetary_value: ArrayLike,
        weights: ArrayLike | None = None,
        initial_params: ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        q_constraint: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Fit by maximum likelihood on customers with at least one repeat purchase.

        Parameters
        ----------
        frequency : array_like, shape (n,)
            Repeat purchases, at least 1.
        monetary_value : array_like, shape (n,)
            Mean spend per repeat purchase, above 0.
        weights : array_like, shape (n,), optional
            Number of customers with each row; 1 unless given.
        index : array_like, optional
            Index of ``data``.
        initial_params, verbose, tol, q_constraint, **kwargs
            Accepted as lifetimes does, and not needed. Where q ≤ 1 leaves a mean infinite, the
            predictions say so instead of turning negative.

        Returns
        -------
        GammaGammaFitter
            Itself.

        Raises
        ------
        SettingsError
            If an input is not usable; the first bad rows are named.
        CannotSay
            If all spend the same.
        """
        x, m, n = checked_spend(frequency, monetary_value, weights)
        self._publish(fit_gamma_gamma(x, m, n, penalty=self.penalizer_coef))
        self.data = pd.DataFrame(
            {"monetary_value": m, "frequency": x, "weights": n},
            index=_index_of(frequency) if index is None else index,
        )
        return self

    def conditional_expected_average_profit(
        self, frequency: Any = None, monetary_value: Any = None
    ) -> Any:
        """Expected mean spend per purchase; see `gamma_gamma.expected_spend`.

        Without arguments, of the customers the model was fitted to.
        """
        p, q, v = self._require_fit()
        x = self.data["frequency"] if frequency is None else frequency
        m = self.data["monetary_value"] if monetary_value is None else monetary_value
        return _like(x, gamma_gamma.expected_spend(x, m, p, q, v))

    def customer_lifetime_value(
        self,
        transaction_prediction_model: Any,
        frequency: Any,
        recency: Any,
        T: Any,
        monetary_value: Any,
        time: int = 12,
        discount_rate: float = 0.01,
        freq: TimeUnit | None = None,
    ) -> Any:
        """Discounted value of `time` months, spend not margin, as lifetimes defines it.

        Parameters
        ----------
        transaction_prediction_model : BetaGeoFitter
            A fitted purchase model.
        frequency, recency, T, monetary_value : array_like, shape (n,)
            The customers' summary.
        time : int
            Months to look ahead.
        discount_rate : float
            Rate per month.
        freq : {"D", "W", "M"}, optional
            Unit of T. Unless given, the one that the purchase model was fitted in, where our
            customer summary told it; else days, with a warning, since lifetimes' silent default
            counts 360 weeks as a year.

        Returns
        -------
        Series or ndarray, shape (n,)

        See Also
        --------
        retention_models.predict_customers : with margin, a yearly rate, and intervals.
        """
        unit = freq or getattr(transaction_prediction_model, "time_unit_", None)
        if unit is None:
            warnings.warn(
                'customer_lifetime_value: freq is not given and T does not tell its unit; "D" '
                'assumed. Pass freq="W" for weeks or freq="M" for months.',
                stacklevel=2,
            )
            unit = "D"
        spend = self.conditional_expected_average_profit(frequency, monetary_value)
        month = days_in("M") / days_in(unit)
        value: Any = 0.0
        before: Any = 0.0
        for i in range(1, time + 1):
            upto = transaction_prediction_model.predict(i * month, frequency, recency, T)
            value = value + spend * (upto - before) / (1.0 + discount_rate) ** i
            before = upto
        return value.rename("clv") if isinstance(value, pd.Series) else value
