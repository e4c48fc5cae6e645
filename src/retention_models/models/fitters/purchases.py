"""What the fitters of the models of purchases have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models.fitters._lifetimes import generate_data
from retention_models.models.fitters.base import like, remarked
from retention_models.models.fitters.calendars import FollowsCalendar, require_end
from retention_models.models.inputs import (
    aligned_history,
    checked_counts,
    checked_history,
    checked_horizon,
    customers_to_predict,
    horizon_of,
    require_unit,
    unit_told,
)
from retention_models.models.interpolation import over_cells, over_ratios
from retention_models.models.seasons.calendar import Calendar
from retention_models.time_units import TimeUnit

Array = NDArray[np.float64]

_SCALES = ("alpha", "beta")


class PurchaseFitter(FollowsCalendar):
    """What the fitters of purchases have in common; use one of them.

    `params_` has the estimates, alpha (and beta) gamma rates per unit of T; `fit_` their covariance
    and the verdict; `log_likelihood_` is the plain one, comparable between models.
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
        calendar: Calendar | None = None,
        time_unit: TimeUnit | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fit by maximum likelihood, together with a season where a calendar is given.

        Parameters
        ----------
        frequency, recency, T : array_like, shape (n,)
            Repeat purchases, first to last purchase, first purchase to the end of observation;
            recency and T in one unit of time.
        weights : array_like, shape (n,), optional
            Number of customers with each row; 1 unless given.
        index : array_like, optional
            Index of ``data``.
        calendar : Calendar, optional
            The shop's days, with purchases by day of the same log. What it leaves to the data is
            decided here: ``calendar_`` has the terms that were taken, ``params_`` e^β of each, and all
            predictions follow its days. Not for the Pareto/NBD, whose customers leave by the calendar.
        time_unit : {"D", "W", "M"}, optional
            Unit of recency and T, which a calendar needs to know; as our summaries' own T tells unless
            given.
        initial_params, verbose, tol, **kwargs
            Accepted as lifetimes does, and not needed: the search is deterministic.

        Returns
        -------
        Self
            Itself.

        Raises
        ------
        SettingsError
            If an input is not a valid history; the first bad rows are named.
        CannotSay
            If no customer bought again.

        Examples
        --------
        >>> from retention_models import BetaGeoFitter
        >>> fitter = BetaGeoFitter().fit([0, 2, 5, 0, 1, 3, 0, 8], [0, 30, 20, 0, 5, 31, 0, 36],
        ...                              [39, 39, 30, 25, 39, 32, 20, 37])
        >>> fitter.fit_.names
        ('r', 'alpha', 'a', 'b')
        """
        self._takes_none(kwargs, "covariates")
        frequency, recency, T, weights = aligned_history(frequency, recency, T, weights)
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        told = unit_told(T)
        require_unit(told, time_unit, "T")
        self._follow(None, 1.0)
        if calendar is None:
            found = self.model.fit(x, t_x, t, n, penalty=self.penalizer_coef)
        else:
            require_end(calendar, T)
            found = self._fit_season(calendar, told or time_unit, x, t_x, t, n)
        self._publish(remarked(found, x))
        self.time_unit_ = cast("TimeUnit | None", told or time_unit)
        self._keep(index, frequency=frequency, recency=recency, T=T, weights=weights)
        return self

    def _takes_none(self, options: Mapping[str, Any], *names: str) -> None:
        """Refuse what only other models take: ignored, it would change no number without a word."""
        for name in names:
            if options.get(name) is not None:
                raise SettingsError(
                    f"{name}: {self.label} takes none; fit a BetaGeoFitter, the model that does."
                )

    @property
    def predict(self) -> Any:
        """See `conditional_expected_number_of_purchases_up_to_time`."""
        return self.conditional_expected_number_of_purchases_up_to_time

    def conditional_expected_number_of_purchases_up_to_time(
        self, t: ArrayLike, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """Expected purchases in (T, T + t] of known customers.

        See `PurchaseModel.conditional_expected_purchases`.

        Examples
        --------
        >>> import retention_models as rm
        >>> found = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}
        >>> model = rm.ModifiedBetaGeoFitter.from_parameters(found)
        >>> history = ([2], [30.43], [38.86])
        >>> expected = model.conditional_expected_number_of_purchases_up_to_time(39, *history)
        >>> expected.round(2).tolist()
        [1.26]
        """
        history = self.histories(frequency, recency, T)
        times = horizon_of(t, frequency, history[0].size)
        model, parameters, (x, t_x, age), t = self.on_its_clock(*history, times)
        if model.recency_counts or np.ndim(t) > 0 or x.ndim != 1 or x.shape != age.shape:
            expected = model.conditional_expected_purchases(t, x, t_x, age, *parameters)
            return like(frequency, expected)

        def of_alive(x: Array, age: Array) -> Array:
            new = partial(model.alive.expected_purchases, t)
            return model.of_alive(new, x, 0.0, age, *parameters)

        # The expectation of whoever is alive does not depend on recency: few cells are distinct.
        alive = model.probability_alive(x, t_x, age, *parameters)
        return like(frequency, alive * over_cells(of_alive, x, age, self._scale))

    def histories(self, frequency: Any, recency: Any, T: Any) -> tuple[Array, Array, Array]:
        """Customers to predict for, checked, by the index of frequency, in the model's unit.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> model.histories([0, 2], [0, 30.43], [38.86, 38.86])
        (array([0., 2.]), array([ 0.  , 30.43]), array([38.86, 38.86]))
        """
        require_unit(self.time_unit_, unit_told(T, recency), "T")
        if self.calendar_ is not None:
            require_end(self.calendar_, T, recency)
        return customers_to_predict(frequency, recency, T)

    @property
    def _scale(self) -> float:
        """The model's smallest scale of time."""
        return float(min(value for name, value in self.params_.items() if name in _SCALES))

    def discounted_by_month(
        self, months: int, monthly_rate: float, month: float, frequency: Any, recency: Any, T: Any
    ) -> Array:
        """Expected purchases of `months` months, each month's discounted to today from its end.

        Parameters
        ----------
        months : int
            Months to look ahead.
        monthly_rate : float
            Discount rate per month.
        month : float
            Length of a month in the unit of T.
        frequency, recency, T : array_like, shape (n,)
            The customers' summary.

        Returns
        -------
        ndarray, shape (n,)

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> months = model.discounted_by_month(3, 0.01, 365.25 / 12 / 7, [2], [30.43], [38.86])
        >>> months.round(3).tolist()
        [0.45]
        """
        if not months >= 1 or months != int(months) or not 0 <= monthly_rate < 1:
            raise SettingsError(
                "time, discount_rate: expected a whole number of months, 1 or more, and a rate per "
                f"month from 0 to below 1; got {months!r} and {monthly_rate!r}."
            )
        months_end = month * np.arange(1.0, months + 1.0)
        history = self.histories(frequency, recency, T)
        model, parameters, (x, t_x, age), ends = self.on_its_clock(*history, months_end)
        discount = (1.0 + monthly_rate) ** -np.arange(1.0, months + 1.0)

        def by_month(x: Array, t_x: Any, age: Array) -> Array:
            new = partial(model.alive.expected_purchases, ends)
            return model.of_alive(new, x, t_x, age, *parameters)

        def of_alive(x: Array, age: Array) -> Array:
            if model.one_scale and x.ndim == 2:  # levels of x by times
                ((_, (r, alpha, a, b)),) = model.states(x, 0.0, age, *parameters)
                upto = over_ratios(
                    lambda ratio: model.alive.expected_purchases(ratio, r, 1.0, a, b),
                    ends / alpha[:, None],
                )
            else:
                upto = by_month(x[..., None], 0.0, age[..., None])
            return np.asarray(np.diff(upto, axis=-1, prepend=0.0) @ discount)

        alive = model.probability_alive(x, t_x, age, *parameters)
        if model.recency_counts:
            upto = by_month(x[:, None], t_x[:, None], age[:, None])
            return np.asarray(alive * (np.diff(upto, axis=-1, prepend=0.0) @ discount))
        return np.asarray(alive * over_cells(of_alive, x, age, self._scale))

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Array:
        """P(alive) of known customers; see `probability_alive` of the model.

        Examples
        --------
        >>> import retention_models as rm
        >>> found = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}
        >>> model = rm.ModifiedBetaGeoFitter.from_parameters(found)
        >>> model.conditional_probability_alive([0, 2], [0, 30.43], [38.86, 38.86]).round(3).tolist()
        [0.39, 0.706]
        """
        parameters = self._require_fit()
        known = self.histories(frequency, recency, T)
        return np.atleast_1d(self.model.probability_alive(*known, *parameters))

    def conditional_probability_alive_after(
        self, t: ArrayLike, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """P(still a customer t units of time from now) of known customers, whatever they buy until then.

        Parameters
        ----------
        t : float
            Units of time after the end of observation, from 0.
        frequency, recency, T : array_like, shape (n,)
            The customers' summary.

        Returns
        -------
        ndarray or Series, shape (n,)
            P(alive) now, times the chance to stay until then of who is alive. Of the BG/NBD's kin that
            is E (1 + p·t/α)^(−r) at the customer's own posterior.

        Raises
        ------
        SettingsError
            If an input is not valid.

        See Also
        --------
        retention_models.alive_path : a customer's P(alive) from the first purchase on.

        Examples
        --------
        >>> from retention_models import BetaGeoFitter
        >>> published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
        >>> model = BetaGeoFitter.from_parameters(published, time_unit="W")
        >>> model.conditional_probability_alive_after(26, [2], [30.43], [38.86]).round(3)
        array([0.609])
        """
        parameters = self._require_fit()
        known = self.histories(frequency, recency, T)
        times = horizon_of(t, frequency, known[0].size)
        chance = self.model.conditional_probability_alive_after(times, *known, *parameters)
        return like(frequency, chance)

    def conditional_probability_of_n_purchases_up_to_time(
        self, n: int, t: float, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """P(n purchases in (T, T + t]) of known customers.

        P(alive) · P(n) of the new customer that one alive is worth, and 1 − P(alive) more at n = 0.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> none = model.conditional_probability_of_n_purchases_up_to_time(0, 4, 2, 30.43, 38.86)
        >>> round(float(none), 3)
        0.869
        """
        parameters = self._require_fit()
        known = self.histories(frequency, recency, T)
        checked_counts(n)
        times: Any = horizon_of(t, frequency, known[0].size)
        chance = self.model.conditional_count_probability(n, times, *known, *parameters)
        return like(frequency, chance)

    def expected_number_of_purchases_up_to_time(self, t: ArrayLike) -> Array:
        """Expected repeat purchases of a new customer in (0, t].

        See `expected_purchases` of the model.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> model.expected_number_of_purchases_up_to_time([39, 78]).round(2).tolist()
        [1.2, 1.86]
        """
        expected = self.model.expected_purchases(checked_horizon(t), *self._require_fit())
        return np.asarray(expected)[()]

    def probability_of_n_purchases_up_to_time(self, t: ArrayLike, n: ArrayLike) -> Array:
        """P(X(t) = n) of a new customer.

        See `purchase_count_probability` of the model.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> [round(float(model.probability_of_n_purchases_up_to_time(39, n)), 3) for n in (0, 1, 2)]
        [0.574, 0.199, 0.085]
        """
        checked_counts(n)
        checked_horizon(t)
        chance = self.model.purchase_count_probability(n, t, *self._require_fit())
        return np.asarray(chance)[()]

    def _lengths(self, T: ArrayLike | None, size: int) -> Array:
        """How long simulated customers are observed: as given, or as those fitted were."""
        if T is None and self._given is None:
            raise SettingsError(
                "generate_new_data: T: a model that was loaded or made of parameters has no data; say "
                "how long customers are observed."
            )
        given = self.data["T"] if T is None else np.atleast_1d(np.asarray(T, dtype=float))
        lengths = np.asarray(given, dtype=float)
        if not (lengths.size and np.isfinite(lengths).all() and (lengths >= 0.0).all()):
            raise SettingsError("generate_new_data: T: expected finite lengths of 0 or more.")
        return lengths if T is None else np.resize(lengths, size)

    def generate_new_data(self, size: int = 1, T: ArrayLike | None = None) -> pd.DataFrame:
        """Simulate customers of the fitted model, by lifetimes' generator.

        Parameters
        ----------
        size : int
            Number of customers; observed as long as those fitted, where as many.
        T : array_like, optional
            How long each is observed, one length or one a customer; a model that was loaded or made
            of parameters needs it.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> np.random.seed(1)
        >>> drawn = model.generate_new_data(size=100, T=39)
        >>> len(drawn), bool((drawn["recency"] <= drawn["T"]).all())
        (100, True)
        """
        self._require_fit()
        if self.calendar_ is not None:
            raise SettingsError(
                "generate_new_data: lifetimes' generator knows no season; simulate with the model's own "
                "simulate()."
            )
        lengths = self._lengths(T, size)
        generator = getattr(generate_data, self._generator)
        return pd.DataFrame(generator(lengths, *self.params_[list(self.names)], size=size))

    _generator: ClassVar[str]
