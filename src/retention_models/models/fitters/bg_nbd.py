"""Fitter of the BG/NBD model, which takes static covariates too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.covariates.fit import fit_bg_nbd_covariates
from retention_models.models.covariates.inputs import checked_covariates, matching_covariates
from retention_models.models.covariates.model import CovariateFit
from retention_models.models.fitters._lifetimes import lifetimes
from retention_models.models.fitters.base import like, register
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.inputs import (
    aligned_history,
    checked_history,
    checked_horizon,
)
from retention_models.models.seasons.calendar import Calendar
from retention_models.time_units import TimeUnit

Array = NDArray[np.float64]


class BetaGeoFitter(PurchaseFitter, lifetimes.BetaGeoFitter):
    """BG/NBD model, a drop-in for ``lifetimes.BetaGeoFitter`` with exact estimates.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, a and b. Unlike lifetimes' it does not
        depend on the unit of time. 0 gives maximum likelihood.

    Attributes
    ----------
    covariate_effects_ : DataFrame
        Of a model fitted with covariates: by covariate and parameter the effect, its standard
        error, 95% interval, p-value, and a note where the data do not tell it; see
        `CovariateFit.effects`.

    See Also
    --------
    PurchaseFitter : attributes and methods.

    Notes
    -----
    Source: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275–284.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> summary = rm.customer_summary(shop.log(until="2023-12-30"), time_unit="W")
    >>> fitter = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> fitter.params_.round(2).to_dict(), fitter.fit_.verdict
    ({'r': 1.21, 'alpha': 11.51, 'a': 0.47, 'b': 3.23}, 'converged')
    """

    model = BG_NBD
    label, names = BG_NBD.label, BG_NBD.names
    _generator = "beta_geometric_nbd_model"

    covariate_effects_: pd.DataFrame

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
        calendar: Calendar | None = None,
        time_unit: TimeUnit | None = None,
        covariates: pd.DataFrame | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fit by maximum likelihood, with static covariates on α, a and b where given.

        Parameters
        ----------
        frequency, recency, T, weights, initial_params, verbose, tol, index, **kwargs
            As for `PurchaseFitter.fit`.
        calendar, time_unit : Calendar and {"D", "W", "M"}, optional
            A season, as for `PurchaseFitter.fit`; not together with covariates.
        covariates : DataFrame, shape (n, k), optional
            Numbers known from the start and constant, such as 1 for customers who joined through a
            campaign and 0 for the others; rows as `frequency`, by its index where it has one.

        Returns
        -------
        BetaGeoFitter
            Itself. With covariates, ``params_`` are those of customers whose covariates are 0,
            ``covariate_effects_`` tells what each does, and predictions ask for the customers' own.

        Raises
        ------
        SettingsError
            If an input is not usable; the first bad rows are named.
        CannotSay
            If no customer bought again.

        Notes
        -----
        Source: Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD
        and BG/NBD models", note 019.

        Examples
        --------
        >>> import pandas as pd
        >>> history = [0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39, 39, 30, 25, 39, 32]
        >>> campaign = pd.DataFrame({"campaign": [0, 0, 0, 1, 1, 1]})
        >>> fitter = BetaGeoFitter().fit(*history, covariates=campaign)
        >>> fitter.covariate_effects_.index.get_level_values("covariate").unique().tolist()
        ['campaign']
        """
        self.__dict__.pop("covariate_effects_", None)
        if covariates is None:
            season: dict[str, Any] = {"calendar": calendar, "time_unit": time_unit}
            return super().fit(frequency, recency, T, weights, index=index, **season)
        if calendar is not None:
            raise SettingsError("calendar: a model takes a calendar or covariates, not both.")
        self._follow(None, 1.0)
        frequency, recency, T, weights = aligned_history(frequency, recency, T, weights)
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        names, Z = checked_covariates(covariates, frequency)
        result = fit_bg_nbd_covariates(x, t_x, t, n, Z, names, penalty=self.penalizer_coef)
        self._publish(result.base)
        # Its `parameters` refuse whatever asks for one set of them for every customer.
        self._found = cast(Any, result)
        self.covariate_effects_ = result.effects()
        self.time_unit_ = getattr(T, "attrs", {}).get("time_unit")
        self._keep(index, frequency=frequency, recency=recency, T=T, weights=weights)
        return self

    def for_covariates(self, covariates: Mapping[str, float] | pd.Series) -> BetaGeoFitter:
        """The model of customers who have the same covariates: one without, of their own parameters.

        Parameters
        ----------
        covariates : mapping or Series
            A number for each covariate that the model was fitted with, by name.

        Returns
        -------
        BetaGeoFitter
            With r, α exp(−γ1'z), a exp(γ2'z), b exp(γ3'z), and the doubt of all of them: what a new
            customer of a channel does, and every other question that takes no covariates.

        Raises
        ------
        SettingsError
            If the model was fitted without covariates, or others are given than those of the fit.

        Examples
        --------
        >>> import pandas as pd
        >>> history = [0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39, 39, 30, 25, 39, 32]
        >>> campaign = pd.DataFrame({"campaign": [0, 0, 0, 1, 1, 1]})
        >>> fitter = BetaGeoFitter().fit(*history, covariates=campaign)
        >>> fitter.for_covariates({"campaign": 0}).params_.equals(fitter.params_)
        True
        """
        found = self._covariates_of(pd.DataFrame([dict(covariates)]), [0.0])
        if found is None:
            raise SettingsError("covariates: the model was fitted without; fit it with them.")
        fit, Z = found
        return BetaGeoFitter.from_fit(
            fit.fit_of(Z[0]), time_unit=self.time_unit_, observation_end=self.observation_end_
        )

    def _covariates_of(self, covariates: Any, frequency: Any) -> tuple[CovariateFit, Array] | None:
        fit: Any = getattr(self, "fit_", None)
        if not isinstance(fit, CovariateFit):
            if covariates is not None:
                raise SettingsError("covariates: the model was fitted without; fit it with them.")
            return None
        if covariates is None:
            self._require_fit()
        return fit, matching_covariates(covariates, frequency, fit.names)

    def conditional_expected_number_of_purchases_up_to_time(
        self,
        t: ArrayLike,
        frequency: Any,
        recency: Any,
        T: Any,
        covariates: pd.DataFrame | None = None,
    ) -> Any:
        """Expected purchases in (T, T + t] of known customers.

        A model fitted with covariates needs the customers' own. See
        `PurchaseModel.conditional_expected_purchases`.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> history = ([2], [30.43], [38.86])
        >>> expected = model.conditional_expected_number_of_purchases_up_to_time(39, *history)
        >>> expected.round(3).tolist()
        [1.226]
        """
        with_covariates = self._covariates_of(covariates, frequency)
        if with_covariates is None:
            return super().conditional_expected_number_of_purchases_up_to_time(
                t, frequency, recency, T
            )
        fit, Z = with_covariates
        x, t_x, age = self.histories(frequency, recency, T)
        return like(frequency, fit.expected_purchases(checked_horizon(t), x, t_x, age, Z))

    def conditional_probability_alive(
        self, frequency: Any, recency: Any, T: Any, covariates: pd.DataFrame | None = None
    ) -> Array:
        """P(alive) of known customers; a model fitted with covariates needs the customers' own.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> model.conditional_probability_alive([0, 2], [0, 30.43], [38.86, 38.86]).round(3).tolist()
        [1.0, 0.727]
        """
        with_covariates = self._covariates_of(covariates, frequency)
        if with_covariates is None:
            return super().conditional_probability_alive(frequency, recency, T)
        fit, Z = with_covariates
        x, t_x, age = self.histories(frequency, recency, T)
        return np.atleast_1d(fit.probability_alive(x, t_x, age, Z))


register(BetaGeoFitter)
