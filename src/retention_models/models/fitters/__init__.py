"""lifetimes' classes with our numbers: the vocabulary analysts know over the maths of this package.

The only room that imports lifetimes.
"""

from __future__ import annotations

from retention_models.models.fitters.bg_nbd_fitter import BetaGeoFitter
from retention_models.models.fitters.estimates import from_json
from retention_models.models.fitters.purchases import (
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
    PurchaseFitter,
)
from retention_models.models.fitters.spend import GammaGammaFitter

__all__ = [
    "BetaGeoFitter",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "PurchaseFitter",
    "from_json",
]
