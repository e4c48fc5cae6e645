"""Fitters of the models of regular buyers, which lifetimes does not have."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters.base import register, remarked
from retention_models.models.fitters.calendars import require_end
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.histories import count_histories
from retention_models.models.inputs import aligned_history, checked_history, require_unit, unit_told
from retention_models.models.interface import PurchaseModel
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.regular.days import added_by_days
from retention_models.models.regular.fit import (
    MOST_PHASES,
    RegularFit,
    fit_phases,
    fit_regular,
)
from retention_models.models.regular.model import (
    BetaGeometricCNBD,
    ModifiedBetaGeometricCNBD,
)
from retention_models.models.regular.regularity import (
    RegularityTest,
    check_log_gaps,
    grid_of,
    regularity_test,
)
from retention_models.models.regular.season import fit_regular_season, gap_days, log_gaps_of
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.likelihood import SeasonalHistories
from retention_models.time_units import TimeUnit, days_in

Array = NDArray[np.float64]


class RegularFitter(PurchaseFitter):
    """What the fitters of regular buyers have in common; use one of them.

    `k_` is the phases of a purchase: 1 for purchases at any moment, more the more regular they are;
    the gaps of one customer have a coefficient of variation of 1/√k. `regularity_` is the test by
    which k was left at 1 or sought; None where k was given. `profile_` has the highest log-likelihood
    at each k that was tried; a model that was loaded has none.
    """

    model: BetaGeometricCNBD
    k_: int
    regularity_: RegularityTest | None
    profile_: pd.Series
    _kind: ClassVar[type[BetaGeometricCNBD]]

    def fit(  # type: ignore[override]
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        initial_params: ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        log_gaps: float | pd.DataFrame | None = None,
        k: int | None = None,
        calendar: Calendar | None = None,
        time_unit: TimeUnit | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fit r, alpha, a, b and k by maximum likelihood, together with a season where one is given.

        Parameters
        ----------
        frequency, recency, T, weights, index, initial_params, verbose, tol, **kwargs
            As for `PurchaseFitter.fit`.
        log_gaps : float or DataFrame, optional
            Sum of the logs of the gaps between all these customers' purchases, in the unit of recency;
            see `sum_log_gaps`. Needed unless k is 1. With a calendar a table of `count_purchase_gaps`,
            since gaps then run by its clock.
        k : int, optional
            Phases of a purchase. Unless given it is 1 where `regularity_test` sees no regularity at
            1%, and else that of the highest likelihood from 1 to 256.
        calendar, time_unit
            As for `PurchaseFitter.fit`.

        Returns
        -------
        Self
            Itself. Standard errors and intervals are those given k.

        Raises
        ------
        SettingsError
            If an input is not usable, log_gaps is missing or cannot belong to these customers.
        CannotSay
            If no customer bought again.

        Notes
        -----
        A log by the day has to count a day's purchases as one (``same_day="one"``). What that adds to
        the gaps of those who come every few days is allowed for, to first order, in k and in the
        log-likelihood.

        Examples
        --------
        >>> import numpy as np
        >>> from retention_models import BetaGeoCNBDFitter
        >>> x, t_x, T = [0, 4, 9, 3, 6], [0, 119, 271, 90, 180], [280, 280, 280, 100, 280]
        >>> fitter = BetaGeoCNBDFitter().fit(x, t_x, T, log_gaps=22 * np.log(29.9), k=9)
        >>> fitter.k_, fitter.conditional_probability_alive([6, 6], [180, 180], [200, 280]).round(2)
        (9, array([0.88, 0.  ]))
        """
        self._takes_none(kwargs, "covariates")
        frequency, recency, T, weights = aligned_history(frequency, recency, T, weights)
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        told = unit_told(T)
        require_unit(told, time_unit, "T")
        self._follow(None, 1.0)
        if calendar is None:
            if isinstance(log_gaps, pd.DataFrame):
                raise SettingsError(
                    "log_gaps: a table of gaps goes with a calendar; give their sum."
                )
            found = self._fit(recency, T, (x, t_x, t, n), log_gaps, k)
            self._with_phases(found.k)
        else:
            require_end(calendar, T)
            unit = told or time_unit
            found = self._fit_regular_season(calendar, unit, (x, t_x, t, n), log_gaps, k)
        self._publish(remarked(found.fit, x))
        self.profile_ = pd.Series(found.profile, name="log_likelihood").rename_axis("k")
        self.time_unit_ = cast("TimeUnit | None", told or time_unit)
        self._keep(index, frequency=frequency, recency=recency, T=T, weights=weights)
        return self

    def _fit(
        self,
        recency: Any,
        T: Any,
        history: tuple[Array, Array, Array, Array | None],
        log_gaps: float | None,
        k: int | None,
    ) -> RegularFit:
        """The fit at the given k, or at that of the highest likelihood where regularity is visible."""
        x, t_x, t, n = history
        self.regularity_ = None
        given = None if k is None else _checked_phases(k)
        known = count_histories(x, t_x, t, n)
        known.require_repeats()
        first, penalty = self._kind.first, self.penalizer_coef
        if log_gaps is None:
            if given != 1:
                raise SettingsError(
                    "log_gaps: the sum of the logs of the gaps between purchases is needed to tell how "
                    "regular they are; sum_log_gaps(log, ...) has it, or set k=1 to go without."
                )
            fit = fit_regular(known, 0.0, k=1, first=first, penalty=penalty)
            return RegularFit(1, fit, {1: fit.log_likelihood})
        back = x >= 1.0
        counts = np.ones(x.size) if n is None else n
        step = grid_of(t_x[back], unit_told(T, recency))
        check_log_gaps(log_gaps, x[back], t_x[back], counts[back], step)
        if given is None:
            # Where nobody came often enough to tell, k stays 1.
            with suppress(CannotSay):
                self.regularity_ = regularity_test(x, t_x, counts, log_gaps=log_gaps, day=step)

        def added(k: int) -> float:
            return added_by_days(k, x, t_x, counts, step)

        if given is None and self.regularity_ is not None and self.regularity_.regular:
            return fit_phases(known, log_gaps, first=first, penalty=penalty, added=added)
        k = given or 1
        fit = fit_regular(known, log_gaps - added(k), k=k, first=first, penalty=penalty)
        return RegularFit(k, fit, {k: fit.log_likelihood})

    def _fit_regular_season(
        self,
        calendar: Calendar,
        time_unit: str | None,
        history: tuple[Array, Array, Array, Array | None],
        gaps: Any,
        k: int | None,
    ) -> RegularFit:
        """The fit under a calendar; whether there is regularity is asked of the days as they are."""
        x, t_x, T, n = history
        self.regularity_ = None
        given = None if k is None else _checked_phases(k)
        if given != 1:
            unit = days_in(time_unit) if time_unit is not None else 1.0
            self._gaps = gap_days(gaps, calendar)
            counts = np.ones(x.size) if n is None else n
            logs = log_gaps_of(gaps, unit)
            if given is None:
                with suppress(CannotSay):
                    self.regularity_ = regularity_test(
                        x, t_x, counts, log_gaps=logs, day=1.0 / unit
                    )
                test = self.regularity_
                given = None if test is not None and test.regular else 1
            self._added = partial(added_by_days, x=x, t=t_x, counts=counts, day=1.0 / unit)
        self._asked = given
        fit = self._fit_season(calendar, time_unit, x, t_x, T, n)
        return RegularFit(self.k_, fit, {self.k_: fit.log_likelihood})

    @property
    def _told_by(self) -> PurchaseModel:  # type: ignore[override]
        return MBG_NBD if self._kind.first else BG_NBD

    def _fit_under(
        self, seen: SeasonalHistories, calendar: Calendar, start: Array | None
    ) -> MaximumLikelihoodFit:
        self.k_, fit = fit_regular_season(
            seen,
            calendar,
            self.__dict__.pop("_gaps", None),
            first=self._kind.first,
            k=self._asked,
            penalty=self.penalizer_coef,
            added=self.__dict__.pop("_added", lambda k: 0.0),
        )
        return fit

    def _follow(
        self, calendar: Calendar | None, unit: float, base: PurchaseModel | None = None
    ) -> None:
        super()._follow(calendar, unit, base or self._kind(getattr(self, "k_", 1)))

    def _with_phases(self, k: int) -> None:
        self.k_ = k
        self.model = self._kind(k)

    def _context(self) -> dict[str, Any]:
        return {"k": self.k_, **super()._context()}

    def _take(self, context: dict[str, Any]) -> None:
        self._with_phases(_checked_phases(context.pop("k", None)))
        self.regularity_ = None
        super()._take(context)

    def generate_new_data(self, size: int = 1, T: ArrayLike | None = None) -> pd.DataFrame:
        """Simulate customers of the fitted model.

        Parameters
        ----------
        size : int
            Number of customers; observed as long as those fitted, in turn.
        T : array_like, optional
            How long each is observed, as in `BetaGeoFitter.generate_new_data`.

        Returns
        -------
        DataFrame
            frequency, recency, T, and r to b of the model, λ (rate of phases), p, and alive at T.

        Examples
        --------
        >>> import retention_models as rm
        >>> drawn = {"r": 2.0, "alpha": 4.0, "a": 1.0, "b": 4.0}
        >>> model = rm.BetaGeoCNBDFitter.from_parameters(drawn, k=2)
        >>> np.random.seed(1)
        >>> len(model.generate_new_data(size=5, T=40.0))
        5
        """
        r, alpha, a, b = self._require_fit()
        T = np.resize(self._lengths(T, size), size)
        rng = np.random.default_rng()
        rate = rng.gamma(r, 1.0 / alpha, size)
        p = rng.beta(a, b, size) if a > 0.0 else np.zeros(size)
        frequency, recency, now = np.zeros((3, size))
        stays = (rng.random(size) >= p) | (not self._kind.first)
        buys = stays.copy()
        while buys.any():
            now = now + rng.gamma(self.k_, 1.0, size) / np.maximum(rate, 1e-300)
            buys = stays & (now <= T)
            frequency[buys] += 1
            recency[buys] = now[buys]
            stays &= ~buys | (rng.random(size) >= p)
            buys &= stays
        return pd.DataFrame(
            {
                "frequency": frequency.astype(int),
                "recency": recency,
                "T": T,
                "lambda": rate,
                "p": p,
                "alive": stays,
            }
        )


def _checked_phases(k: Any) -> int:
    whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
    if not (whole and 1 <= k <= MOST_PHASES):
        raise SettingsError(f"k: expected a whole number from 1 to {MOST_PHASES}; got {k!r}.")
    return int(k)


class BetaGeoCNBDFitter(RegularFitter):
    """BG/CNBD-k model: a BG/NBD whose customers buy at more or less regular intervals.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, a and b; 0 gives maximum likelihood.

    See Also
    --------
    RegularFitter : attributes and methods.
    ModifiedBetaGeoCNBDFitter : the same with a chance to leave after the first purchase.

    Notes
    -----
    Whoever never came back has had no chance to leave: their P(alive) is 1 by construction, and says
    nothing of them.

    Source: Platzer & Reutterer (2016), Marketing Science 35(5), 779–799; Reutterer, Platzer & Schröder
    (2021), International Journal of Research in Marketing 38(1), 194–215.

    Examples
    --------
    >>> import retention_models as rm
    >>> drawn = {"r": 2.0, "alpha": 4.0, "a": 1.0, "b": 4.0}
    >>> model = rm.BetaGeoCNBDFitter.from_parameters(drawn, k=2)
    >>> model.conditional_probability_alive([4, 4], [20.0, 38.0], [40.0, 40.0]).round(2).tolist()
    [0.08, 0.86]
    """

    _kind = BetaGeometricCNBD
    model = BetaGeometricCNBD(1)
    label, names = BetaGeometricCNBD.label, BetaGeometricCNBD.names


class ModifiedBetaGeoCNBDFitter(RegularFitter):
    """MBG/CNBD-k model: an MBG/NBD whose customers buy at more or less regular intervals.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, a and b; 0 gives maximum likelihood.

    See Also
    --------
    RegularFitter : attributes and methods.

    Notes
    -----
    Customers can leave after the first purchase too, so that P(alive) tells of one-time buyers.

    Source: Platzer & Reutterer (2016), Marketing Science 35(5), 779–799; Reutterer, Platzer & Schröder
    (2021), International Journal of Research in Marketing 38(1), 194–215.

    Examples
    --------
    >>> import retention_models as rm
    >>> drawn = {"r": 2.0, "alpha": 4.0, "a": 1.0, "b": 4.0}
    >>> model = rm.ModifiedBetaGeoCNBDFitter.from_parameters(drawn, k=2)
    >>> model.conditional_probability_alive([4, 4], [20.0, 38.0], [40.0, 40.0]).round(2).tolist()
    [0.09, 0.88]
    """

    _kind = ModifiedBetaGeometricCNBD
    model = ModifiedBetaGeometricCNBD(1)
    label, names = ModifiedBetaGeometricCNBD.label, ModifiedBetaGeometricCNBD.names


for _fitter in (BetaGeoCNBDFitter, ModifiedBetaGeoCNBDFitter):
    register(_fitter)
