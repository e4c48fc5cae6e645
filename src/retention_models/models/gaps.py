"""How long a customer takes to buy again, as told by the purchases up to the last one.

In all models here a customer buys at a constant rate λ ~ Gamma(r, rate α) while a customer. On the day
of purchase x, at t_x after the first, the likelihood of what was seen of whoever stays is
λ^x e^(−λ·t_x), times what depends on dropout alone; so λ ~ Gamma(r + x, α + t_x), and the gap s to the
next purchase, averaged over λ, has

    P(gap > s) = E e^(−λs) = ((α + t_x) / (α + t_x + s))^(r + x),

Pareto's second distribution (Lomax). The history ends with the last purchase, not today: the silence
since then is what the gap is held against, and would otherwise make itself usual. Of the gaps of
customers who stay, each judged on the day it begins, a share 1 − q is longer than the quantile at q,
whatever they did before. Where a purchase takes k phases (`regular`), λ ~ Gamma(r + k·x, α + t_x), and
s/(α + t_x + s) ~ Beta(k, r + k·x).

Source: Fader, Hardie & Lee (2005), Marketing Science 24(2), section on the derivation of the BG/NBD
(the likelihood of a history); the mixture of an exponential by a gamma is Lomax's: Johnson, Kotz &
Balakrishnan (1994), Continuous Univariate Distributions 1, chapter 20.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from retention_models.errors import SettingsError

Array = NDArray[np.float64]


def gap_quantile(
    level: float, x: ArrayLike, t_x: ArrayLike, r: ArrayLike, alpha: ArrayLike, k: int = 1
) -> Array:
    """Quantile of the time from the last purchase to the next, of whoever stays; in the unit of t_x.

    (α + t_x) · ((1 − q)^(−1/(r + x)) − 1); of k phases (α + t_x) · z/(1 − z), z the quantile of
    Beta(k, r + k·x). Infinite where no number is large enough, as for x = 0 and a small r.
    """
    if not 0 <= level < 1:
        raise SettingsError(f"level: expected a share from 0 to below 1; got {level!r}.")
    x, t_x, r, alpha = (np.asarray(v, dtype=float) for v in (x, t_x, r, alpha))
    with np.errstate(over="ignore", divide="ignore"):
        if k == 1:
            return np.asarray((alpha + t_x) * np.expm1(-np.log1p(-level) / (r + x)))
        z, rest = betaincinv(k, r + k * x, level), betaincinv(r + k * x, k, 1.0 - level)
        return np.asarray((alpha + t_x) * z / rest)
