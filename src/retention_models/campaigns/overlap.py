"""Whether customers with and without a campaign are comparable: overlap and balance of covariates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models import languages
from retention_models.campaigns.arrays import Flags, Floats
from retention_models.errors import CannotSay
from retention_models.languages import count, marked, phrase

MOST_TRIMMED = 0.5
FEWEST_EFFECTIVE = 30.0


def effective_size(weights: Floats) -> float:
    """Kish's effective sample size, (Σw)² ÷ Σw² (Survey Sampling, 1965, section 11.7).

    Examples
    --------
    >>> import numpy as np
    >>> effective_size(np.array([1.0, 1.0, 2.0])).__round__(4)
    2.6667
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def within_overlap(
    chance: Floats, treated: Flags, trim: tuple[float, float], estimand: str
) -> tuple[Flags, float]:
    """Customers whose chance of the campaign lies within bounds, and the share that does not.

    Parameters
    ----------
    chance : ndarray, shape (customers,)
    treated : ndarray of bool, shape (customers,)
    trim : (float, float)
    estimand : str
        "att": the upper bound only, and the share is of the treated; "ate": both, of all.

    Returns
    -------
    used : ndarray of bool, shape (customers,)
    trimmed_share : float

    Raises
    ------
    CannotSay
        Where more than half are left out.

    Examples
    --------
    >>> import numpy as np
    >>> used, share = within_overlap(
    ...     np.array([0.01, 0.5, 0.6, 0.99]), np.array([False, True, True, True]), (0.02, 0.98), "att")
    >>> used.tolist(), round(share, 2)
    ([True, True, True, False], 0.33)
    """
    used = chance <= trim[1]
    if estimand == "ate":
        used &= chance >= trim[0]
    of_interest = treated if estimand == "att" else np.ones(chance.size, dtype=bool)
    share = float(1.0 - used[of_interest].mean())
    if share > MOST_TRIMMED:
        raise CannotSay(
            phrase(
                "{share} of the customers have hardly anyone like them on the other side of the "
                "campaign, so they cannot be compared. Keep a random part of those chosen without it.",
                share=languages.share(share),
            )
        )
    return used, share


def refuse_thin_weights(weights: Floats, treated: Flags) -> None:
    """CannotSay where either side's weights rest on fewer than 30 customers.

    Examples
    --------
    >>> import numpy as np
    >>> refuse_thin_weights(np.ones(80), np.arange(80) < 40)
    """
    sides = (
        (
            treated,
            marked(
                "The comparison rests on {n} customers with the campaign (by effective weight); "
                "{fewest} are needed on either side."
            ),
        ),
        (
            ~treated,
            marked(
                "The comparison rests on {n} customers without the campaign (by effective weight); "
                "{fewest} are needed on either side."
            ),
        ),
    )
    for side, sentence in sides:
        size = effective_size(weights[side]) if side.any() else 0.0
        if size < FEWEST_EFFECTIVE:
            # Cut, not rounded: 29.7 are fewer than 30.
            raise CannotSay(phrase(sentence, n=count(int(size)), fewest=count(FEWEST_EFFECTIVE)))


def balance(
    covariates: Floats, treated: Flags, weights: Floats, names: list[str] | None = None
) -> pd.DataFrame:
    """Standardised differences of covariates between treated and controls, before and after weighting.

    Parameters
    ----------
    covariates : ndarray, shape (customers, k)
    treated : ndarray of bool, shape (customers,)
    weights : ndarray, shape (customers,)
    names : list of str, optional
        Of the covariates; x1, x2, … where not given.

    Returns
    -------
    DataFrame
        Index covariate; unweighted, weighted (see `standardised_differences`).

    Notes
    -----
    (mean₁ − mean₀) ÷ √((s₁² + s₀²)/2), the variances unweighted in both columns so that they are on one
    scale (Austin & Stuart, Statistics in Medicine 34, 2015).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0], [3.0], [0.0], [2.0]])
    >>> table = balance(x, np.array([True, True, False, False]), np.array([1.0, 1.0, 1.0, 3.0]))
    >>> table.round(4).to_dict("list")
    {'unweighted': [0.7071], 'weighted': [0.3536]}
    """
    labels = names or [f"x{i + 1}" for i in range(covariates.shape[1])]
    one, two = covariates[treated], covariates[~treated]
    return pd.DataFrame(
        {
            "unweighted": standardised_differences(one, two),
            "weighted": standardised_differences(one, two, (weights[treated], weights[~treated])),
        },
        index=pd.Index(labels, name="covariate"),
    )


def standardised_differences(
    one: Floats, two: Floats, weights: tuple[Floats, Floats] | None = None
) -> Floats:
    """How far two groups' means of each covariate are apart, in standard deviations of a customer.

    Parameters
    ----------
    one, two : ndarray, shape (n₁, k) and (n₂, k)
        Covariates of either group, at least two customers each.
    weights : (ndarray, ndarray), optional
        Of the means; the standard deviations are unweighted.

    Returns
    -------
    ndarray, shape (k,)
        Infinite where a covariate tells the groups apart without exception, NaN where it is the same
        for all.

    Examples
    --------
    >>> one, two = np.array([[1.0], [3.0]]), np.array([[0.0], [2.0]])
    >>> standardised_differences(one, two).round(4).tolist()
    [0.7071]
    """
    spread = np.sqrt((one.var(axis=0, ddof=1) + two.var(axis=0, ddof=1)) / 2.0)
    of = (None, None) if weights is None else weights
    gap = np.average(one, axis=0, weights=of[0]) - np.average(two, axis=0, weights=of[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(gap / spread)
