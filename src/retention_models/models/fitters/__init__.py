"""lifetimes' classes with our numbers: the vocabulary analysts know over the maths of this package.

The only room that imports lifetimes.
"""

from __future__ import annotations

from retention_models.models.fitters.base import from_json
from retention_models.models.fitters.bg_nbd import BetaGeoFitter
from retention_models.models.fitters.further import ModifiedBetaGeoFitter, ParetoNBDFitter
from retention_models.models.fitters.lapsed import as_lapsed
from retention_models.models.fitters.mid_life import MidLifeFitter
from retention_models.models.fitters.open import settled
from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.fitters.regular import (
    BetaGeoCNBDFitter,
    ModifiedBetaGeoCNBDFitter,
    RegularFitter,
)
from retention_models.models.fitters.spend import GammaGammaFitter

__all__ = [
    "BetaGeoCNBDFitter",
    "BetaGeoFitter",
    "GammaGammaFitter",
    "MidLifeFitter",
    "ModifiedBetaGeoCNBDFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "PurchaseFitter",
    "RegularFitter",
    "as_lapsed",
    "from_json",
    "settled",
]
