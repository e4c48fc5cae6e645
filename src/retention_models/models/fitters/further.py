"""Fitters of the MBG/NBD and Pareto/NBD models, which need no more than all fitters of purchases do."""

from __future__ import annotations

from typing import Any

import numpy as np

from retention_models.models.fitters._lifetimes import lifetimes
from retention_models.models.fitters.base import register
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.pareto_nbd import PARETO_NBD


class ModifiedBetaGeoFitter(PurchaseFitter, lifetimes.ModifiedBetaGeoFitter):
    """MBG/NBD model, a drop-in for ``lifetimes.ModifiedBetaGeoFitter`` with exact estimates.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, a and b; 0 gives maximum likelihood.

    See Also
    --------
    PurchaseFitter : attributes and methods.

    Notes
    -----
    Source: Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing
    24(3), 201–209.

    Examples
    --------
    >>> x, t_x, T = [0, 2, 5, 0, 1, 8], [0, 30, 20, 0, 5, 36], [39, 39, 30, 25, 39, 37]
    >>> fitter = ModifiedBetaGeoFitter().fit(x, t_x, T)
    >>> fitter.conditional_probability_alive(x, t_x, T).round(1).tolist()
    [0.0, 0.8, 0.8, 0.1, 0.1, 1.0]
    """

    model = MBG_NBD
    label, names = MBG_NBD.label, MBG_NBD.names
    _generator = "modified_beta_geometric_nbd_model"


class ParetoNBDFitter(PurchaseFitter, lifetimes.ParetoNBDFitter):
    """Pareto/NBD model, a drop-in for ``lifetimes.ParetoNBDFitter`` with exact estimates.

    Parameters
    ----------
    penalizer_coef : float
        Ridge per customer on the logs of r, α / mean T, s and β / mean T; 0 gives maximum
        likelihood.

    See Also
    --------
    PurchaseFitter : attributes and methods.

    Notes
    -----
    Source: Schmittlein, Morrison & Colombo (1987), Management Science 33(1), 1–24.

    Examples
    --------
    >>> published = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}
    >>> fitter = ParetoNBDFitter.from_parameters(published)
    >>> fitter.conditional_probability_alive([26], [30.86], [31.0]).round(3).tolist()
    [0.998]
    """

    model = PARETO_NBD
    label, names = PARETO_NBD.label, PARETO_NBD.names
    _generator = "pareto_nbd_model"

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """P(alive) of known customers; of one customer a number, as with this model in lifetimes.

        Examples
        --------
        >>> published = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}
        >>> fitter = ParetoNBDFitter.from_parameters(published)
        >>> float(fitter.conditional_probability_alive(2, 30.43, 38.86).round(3))
        0.869
        """
        alive = super().conditional_probability_alive(frequency, recency, T)
        return alive if np.ndim(frequency) or np.ndim(recency) or np.ndim(T) else alive[0]


for _fitter in (ModifiedBetaGeoFitter, ParetoNBDFitter):
    register(_fitter)
