"""Fitters whose parameters the data leave open, put at the centre of what they may be."""

from __future__ import annotations

from copy import copy

from retention_models.models.fitters.purchases import PurchaseFitter
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.open_parameters import centred


def settled(purchases: PurchaseFitter) -> PurchaseFitter:
    """The fitter itself, or where its parameters are open one at the centre of what they may be."""
    fit = getattr(purchases, "fit_", None)
    if not isinstance(fit, MaximumLikelihoodFit) or centred(fit) is fit:
        return purchases
    found = copy(purchases)
    found._publish(centred(fit))
    return found
