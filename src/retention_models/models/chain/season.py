"""A store's model that borrows from its chain, in operational time, put under the store's season.

Under a season the BG/NBD is itself on the clock M(u) = ∫m (`seasons.likelihood`). So stores whose
seasons differ are alike but for their parameters once each one's histories run on its own clock: there
they are shrunk towards the chain (`shrinkage`). With φ the log-parameters found there at the season's
effects β̂, and ℓ(φ, β) the store's log-likelihood under a season, another β moves the top of the
posterior by

    J = ∂φ̂/∂β = (Σ⁻¹ − ∂²ℓ/∂φ∂φ)⁻¹ ∂²ℓ/∂φ∂β,

Σ the covariance between stores. With C = Cov(β) and V = Cov(φ) at β̂ the doubt about both together is
V + JCJ' of φ, JC across, C of β. Not accounted for: that the lenders' seasons are doubtful, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.chain.fits import ChainFit
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.seasons.chain import StoreSeason
from retention_models.models.seasons.likelihood import (
    log_likelihood_with_derivatives,
    seasonal_histories,
)
from retention_models.models.seasons.model import Seasonal
from retention_models.models.seasons.operational import operational_time

Array = NDArray[np.float64]
History = tuple[Array, Array, Array]


def on_its_clock(history: History, season: StoreSeason, unit: float) -> History:
    """A store's x, t_x, T, in units of so many days, in the operational time of its season."""
    clock = operational_time(season.calendar, season.effects, unit)
    return Seasonal(BG_NBD, season.calendar, unit).history(*history, clock)


def under_season(
    fits: ChainFit, store_id: str, history: History, season: StoreSeason, unit: float
) -> MaximumLikelihoodFit:
    """The store's fit, found in operational time, with its season's effects e^β and their doubt.

    `history` is in the days as they are.
    """
    fit = fits.stores[store_id]
    seen = seasonal_histories(*history, None, season.calendar, unit)
    phi = np.concatenate([np.log(fit.parameters), season.effects])
    value, _, hessian = log_likelihood_with_derivatives(phi, seen, first=0)
    held = np.linalg.inv(fits.between) - hessian[:4, :4]
    moved = np.linalg.solve(held, hessian[:4, 4:])
    across = moved @ season.covariance
    covariance = np.block(
        [[fit.log_covariance + across @ moved.T, across], [across.T, season.covariance]]
    )
    return replace(
        fit,
        names=(*fit.names, *season.calendar.names),
        parameters=np.exp(phi),
        log_covariance=(covariance + covariance.T) / 2.0,
        log_likelihood=value,
        free_parameters=phi.size,
    )
