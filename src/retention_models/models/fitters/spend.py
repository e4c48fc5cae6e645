"""Fitter of the Gamma-Gamma model of spend, and lifetimes' customer lifetime value."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.models import gamma_gamma
from retention_models.models.fitters._lifetimes import lifetimes
from retention_models.models.fitters.base import FittedModel, like, register
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.gamma_gamma import fit_gamma_gamma
from retention_models.models.inputs import (
    aligned,
    checked_money,
    checked_spend,
    require_unit,
    unit_told,
)
from retention_models.time_units import TimeUnit, days_in

Array = NDArray[np.float64]


class GammaGammaFitter(FittedModel, lifetimes.GammaGammaFitter):
    """Gamma-Gamma model of spend, a drop-in for ``lifetimes.GammaGammaFitter``.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of p, q and v / mean spend; it does not depend on the
        currency. 0 gives maximum likelihood.

    Notes
    -----
    Source: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", note 025.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.integers(1, 9, 500)
    >>> m = rng.gamma(6.0 * x) / x / rng.gamma(4.0, 1 / 15, 500)  # p = 6, q = 4, v = 15
    >>> fitter = GammaGammaFitter().fit(x, m)
    >>> float(m[0].round(2)), float(fitter.conditional_expected_average_profit(x, m)[0].round(2))
    (30.32, 30.29)
    """

    label, names = "Gamma-Gamma", gamma_gamma.NAMES

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

        Examples
        --------
        >>> rng = np.random.default_rng(1)
        >>> x = rng.integers(1, 9, 500)
        >>> m = rng.gamma(6.0 * x) / x / rng.gamma(4.0, 1 / 15, 500)  # p = 6, q = 4, v = 15
        >>> GammaGammaFitter().fit(x, m).params_.round(1).to_dict()
        {'p': 5.9, 'q': 3.7, 'v': 13.7}
        """
        frequency, monetary_value, weights = aligned(
            frequency, monetary_value, weights, names="frequency monetary_value weights"
        )
        x, m, n = checked_spend(frequency, monetary_value, weights)
        self._publish(fit_gamma_gamma(x, m, n, penalty=self.penalizer_coef))
        self._keep(index, frequency=frequency, monetary_value=monetary_value, weights=weights)
        return self

    def conditional_expected_average_profit(
        self, frequency: Any = None, monetary_value: Any = None
    ) -> Any:
        """Expected mean spend per purchase; see `gamma_gamma.expected_spend`.

        Without arguments, of the customers the model was fitted to.

        Examples
        --------
        >>> fitter = GammaGammaFitter.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
        >>> fitter.conditional_expected_average_profit([2, 0], [22.35, 0.0]).round(2).tolist()
        [24.66, 35.22]
        """
        p, q, v = self._require_fit()
        x = self.data["frequency"] if frequency is None else frequency
        m = self.data["monetary_value"] if monetary_value is None else monetary_value
        x, m = aligned(x, m, names="frequency monetary_value")
        return like(x, gamma_gamma.expected_spend(x, checked_money(x, m), p, q, v))

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

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> spend = rm.GammaGammaFitter.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
        >>> value = spend.customer_lifetime_value(model, [2], [30.43], [38.86], [22.35], time=12)
        >>> value.round(2).tolist()
        [36.31]
        """
        frequency, recency, T, monetary_value = aligned(
            frequency, recency, T, monetary_value, names="frequency recency T monetary_value"
        )
        unit = getattr(transaction_prediction_model, "time_unit_", None)
        require_unit(unit, freq, "freq")
        require_unit(unit or freq, unit_told(T, recency), "T")
        unit = unit or freq or unit_told(T, recency)
        if unit is None:
            warnings.warn(
                'customer_lifetime_value: freq is not given and T does not tell its unit; "D" '
                'assumed. Pass freq="W" for weeks or freq="M" for months.',
                stacklevel=2,
            )
            unit = "D"
        month = days_in("M") / days_in(unit)
        p, q, v = self._require_fit()
        x = np.asarray(frequency, dtype=float)
        bought = _discounted(
            transaction_prediction_model, time, discount_rate, month, (x, recency, T)
        )
        bought *= gamma_gamma.expected_spend(x, checked_money(frequency, monetary_value), p, q, v)
        value = like(frequency, bought)
        return value.rename("clv") if isinstance(value, pd.Series) else value


def _discounted(
    model: Any, months: int, rate: float, month: float, history: tuple[Any, Any, Any]
) -> Array:
    if isinstance(model, PurchaseFitter):
        return model.discounted_by_month(months, rate, month, *history)
    # Any other model that predicts as lifetimes' do.
    value: Any = 0.0
    before: Any = 0.0
    for i in range(1, months + 1):
        upto = np.asarray(model.predict(i * month, *history), dtype=float)
        value, before = value + (upto - before) / (1.0 + rate) ** i, upto
    return np.asarray(value)


register(GammaGammaFitter)
