"""Fitter of customers of before and newcomers, for stores whose data begin in mid-life."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters.base import register, remarked
from retention_models.models.fitters.calendars import require_end
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.inputs import aligned_history, checked_history, require_unit
from retention_models.models.interface import OneState, PurchaseModel
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.mid_life.fit import NAMES
from retention_models.models.mid_life.model import MidLife
from retention_models.models.mid_life.season import fit_mid_life_season
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.fit import fit_histories
from retention_models.models.seasons.likelihood import SeasonalHistories
from retention_models.time_units import TimeUnit, days_in

Array = NDArray[np.float64]

_NEWCOMERS: dict[str, OneState] = {"bg_nbd": BG_NBD, "mbg_nbd": MBG_NBD}


class MidLifeFitter(PurchaseFitter):
    """Customers of before and newcomers: a store's data that begin in mid-life.

    Most logs begin on a day on which the store had customers already. Their first purchase in the log is
    not their first: they are taken for new ones by every other model here, which then mixes regulars
    with passers-by. This one takes them as two kinds, tells for each customer which of the two it is
    likely to be, and drops nobody.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of all parameters but N₀ and μ; 0 leaves weak priors only.
    newcomers : {"mbg_nbd", "bg_nbd"}
        The model of newcomers. In the MBG/NBD some leave after their first purchase; in the BG/NBD
        whoever bought once is surely a customer still.

    Attributes
    ----------
    params_ : Series
        r, alpha, a, b of newcomers; r0, alpha0, a0, b0 of customers of before; before, N₀, how many of
        those there were; arrivals, μ, newcomers per unit of time.
    log_likelihood_ : float
        Given the day on which each customer was first seen; so it compares with other models'.

    See Also
    --------
    PurchaseFitter : further attributes, and methods.

    Notes
    -----
    Log-likelihood: Σ ln(N₀ f₀ + μ f) − N₀ P(seen) − μ C, f₀ and f being the likelihoods of the BG/NBD,
    the former from the day on which the log begins; see `retention_models.models.mid_life.model`.
    Source: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275–284, equation (6).

    Not for a cohort, such as all who joined in one quarter: arrivals are taken to be as frequent at the
    end of the log as at its beginning. Nor for a store that opened within the log.

    Examples
    --------
    >>> import numpy as np
    >>> T = np.array([8, 8, 8, 8, 7, 6, 5, 4, 3, 2, 2, 1])
    >>> x = np.array([8, 7, 6, 5, 2, 0, 1, 0, 1, 0, 0, 0])
    >>> t_x = np.array([8, 7, 8, 7, 4, 0, 3, 0, 2, 0, 0, 0])
    >>> fitter = MidLifeFitter().fit(x, t_x, T, observed=9)
    >>> share = fitter.share_of_before(x, t_x, T)
    >>> bool(share[0] > 0.5 > share[-1])
    True
    """

    label, names = "mid-life BG/NBD", NAMES
    _base: MidLife

    def __init__(self, penalizer_coef: float = 0.0, newcomers: str = "mbg_nbd") -> None:
        super().__init__(penalizer_coef)
        if newcomers not in _NEWCOMERS:
            raise SettingsError(
                f"newcomers: expected one of {', '.join(_NEWCOMERS)}; got {newcomers!r}."
            )
        self.newcomers = newcomers

    def fit(  # type: ignore[override]
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        index: Any = None,
        observed: float | None = None,
        calendar: Calendar | None = None,
        time_unit: TimeUnit | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fit by maximum likelihood, with weak priors; together with a season where a calendar is given.

        Parameters
        ----------
        frequency, recency, T : array_like, shape (n,)
            As for `PurchaseFitter.fit`, of every customer seen in the log.
        weights : array_like, shape (n,), optional
            Number of customers with each row; 1 unless given.
        index : array_like, optional
            Index of ``data``.
        observed : float, optional
            C, length of the log in the unit of T, from the beginning of its first day to the end of its
            last. The largest T and a day unless given, where T carries its unit, else the largest T.
            With a calendar it is the calendar's.
        calendar, time_unit
            As for `PurchaseFitter.fit`; newcomers come by the same season as purchases do.

        Returns
        -------
        Self
            Itself.

        Raises
        ------
        SettingsError
            If an input is not a valid history, or a T exceeds `observed`.
        CannotSay
            If no customer bought again.

        Examples
        --------
        >>> T = np.array([8, 8, 8, 8, 7, 6, 5, 4, 3, 2, 2, 1])
        >>> x = np.array([8, 7, 6, 5, 2, 0, 1, 0, 1, 0, 0, 0])
        >>> t_x = np.array([8, 7, 8, 7, 4, 0, 3, 0, 2, 0, 0, 0])
        >>> fitter = MidLifeFitter().fit(x, t_x, T, observed=9)
        >>> fitter.observed_
        9.0
        """
        self._takes_none(kwargs, "covariates")
        frequency, recency, T, weights = aligned_history(frequency, recency, T, weights)
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        told = getattr(T, "attrs", {})
        unit = told.get("time_unit") or time_unit
        require_unit(told.get("time_unit"), time_unit, "T")
        if calendar is not None:
            return self._fit_with(calendar, unit, observed, (frequency, recency, T, weights), index)
        if observed is None:
            # Where orders are counted, T holds half of the first day already.
            day = 1.0 if told.get("same_day", "one") == "one" else 0.5
            observed = float(t.max()) + (0.0 if unit is None else day / days_in(unit))
        self._of(float(observed))
        self._publish(remarked(self.model.fit(x, t_x, t, n, penalty=self.penalizer_coef), x))
        self.time_unit_ = unit
        self._keep(index, frequency=frequency, recency=recency, T=T, weights=weights)
        return self

    def _fit_with(
        self, calendar: Calendar, unit: Any, observed: float | None, columns: Any, index: Any
    ) -> Self:
        """The fit under a calendar, whose days are the log's."""
        frequency, recency, T, weights = columns
        if observed is not None:
            raise SettingsError(
                "observed: with a calendar the log is as long as that; leave it out."
            )
        require_end(calendar, T)
        x, t_x, t, n = checked_history(frequency, recency, T, weights)
        self._of(calendar.past / days_in(unit) if unit is not None else float(t.max()))
        fit = self._fit_season(calendar, unit, x, t_x, t, n)
        self._publish(remarked(fit, x))
        self.time_unit_ = unit
        self._keep(index, frequency=frequency, recency=recency, T=T, weights=weights)
        return self

    _told_by = BG_NBD

    def _fit_under(
        self, seen: SeasonalHistories, calendar: Calendar, start: Array | None
    ) -> MaximumLikelihoodFit:
        plain = fit_histories(seen, calendar.names, first=0, prior=calendar.prior, start=start)
        return fit_mid_life_season(
            seen,
            calendar,
            np.log(plain.parameters[4:]),
            first=int(self.newcomers == "mbg_nbd"),
            penalty=self.penalizer_coef,
        )

    def _follow(
        self, calendar: Calendar | None, unit: float, base: PurchaseModel | None = None
    ) -> None:
        super()._follow(calendar, unit, base or self._base)

    def _of(self, observed: float) -> None:
        if not 0.0 < observed < np.inf:
            raise SettingsError(f"observed: expected a finite length above 0; got {observed!r}.")
        self._base = MidLife(_NEWCOMERS[self.newcomers], observed)
        self._follow(None, 1.0)

    def share_of_before(self, frequency: Any, recency: Any, T: Any) -> Any:
        """P(was a customer before the log begins), shape (n,).

        Examples
        --------
        >>> T = np.array([8, 8, 8, 8, 7, 6, 5, 4, 3, 2, 2, 1])
        >>> x = np.array([8, 7, 6, 5, 2, 0, 1, 0, 1, 0, 0, 0])
        >>> t_x = np.array([8, 7, 8, 7, 4, 0, 3, 0, 2, 0, 0, 0])
        >>> share = MidLifeFitter().fit(x, t_x, T, observed=9).share_of_before(x, t_x, T)
        >>> bool(share[0] > share[-1])
        True
        """
        known = self.histories(frequency, recency, T)
        model, parameters, history, _ = self.on_its_clock(*known, np.zeros(1))
        return model.share_of_before(*history, *parameters)

    @property
    def observed_(self) -> float:
        """C, the log's length, on the clock of the season where there is one."""
        nobody = np.zeros(1)
        model, _, _, _ = self.on_its_clock(nobody, nobody, nobody, nobody)
        return float(model.observed)

    def _context(self) -> dict[str, Any]:
        own = {"newcomers": self.newcomers, "observed": self._base.observed}
        return {**own, **super()._context()}

    def _take(self, context: dict[str, Any]) -> None:
        newcomers, observed = context.pop("newcomers", None), context.pop("observed", None)
        if newcomers not in _NEWCOMERS or not isinstance(observed, int | float):
            raise SettingsError(
                f"text: context: expected newcomers, one of {', '.join(_NEWCOMERS)}, and observed, a "
                f"number; got {newcomers!r} and {observed!r}."
            )
        self.newcomers = str(newcomers)
        self._of(float(observed))
        super()._take(context)


register(MidLifeFitter)
