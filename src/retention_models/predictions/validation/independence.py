"""Does spend depend on how often a customer buys? The Gamma-Gamma model assumes that it does not.

What must not depend on the number of purchases x is a customer's level of spend. The mean m of x
purchases does depend on it in all but its own mean: of few purchases it is spread more widely, and
since spend is skewed, most such means lie below the level. So the ranks and the logs of m rise with x
although spend does not, and their plain correlations find dependence where there is none. Here both
are taken after the model's own account of this is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainc, ndtr, psi

from retention_models.errors import CannotSay
from retention_models.languages import catalogue, count, decimals, phrase
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Z95, Interval
from retention_models.models.fitters import GammaGammaFitter
from retention_models.predictions.validation.verdicts import Verdict

Array = NDArray[np.float64]

# With many customers the smallest correlation is beyond chance, so a verdict goes by its size. Below
# 0.1 it explains under 1% of what spend varies, above 0.3 nearly a tenth: then value per customer,
# a product of two means, is biased for those who buy most.
HARMLESS, HARMFUL = 0.1, 0.3
LEVEL = 0.05
_FEWEST = 10


@dataclass(frozen=True, slots=True, repr=False)
class SpendIndependence(Result):
    """Whether mean spend depends on the number of purchases, among customers who bought again.

    Correlations have 95% intervals, and p-values are of none.
    """

    customers: int
    # Spearman's, of frequency with the mean's probability under the model; 0 if independent
    rank_correlation: Interval
    rank_pvalue: float
    # Pearson's, of ln frequency with ln mean spend less its expectation ψ(p·x) − ln(p·x)
    log_correlation: Interval
    log_pvalue: float
    # for comparison with other tools: of skewed spend above 0 without any dependence
    plain_rank_correlation: float
    verdict: Verdict  # of lifetime value per customer
    reason: str  # why, in a clause with its numbers

    def _card(self) -> Card:
        facts = {
            "verdict": self.verdict,
            "rank correlation": with_ends(self.rank_correlation),
            "because": str(self.reason),
        }
        title = f"Spend and frequency of {count(self.customers)} customers"
        return Card(title, facts)


def spend_independence(
    summary: pd.DataFrame, spend: GammaGammaFitter | None = None
) -> SpendIndependence:
    """Test the Gamma-Gamma model's assumption that spend does not depend on frequency.

    Parameters
    ----------
    summary : DataFrame
        From `customer_summary`: frequency and monetary_value.
    spend : GammaGammaFitter, optional
        Fitted to the same repeat customers; fitted here unless given.

    Returns
    -------
    SpendIndependence

    Raises
    ------
    CannotSay
        If fewer than 10 customers came back, or all equally often, or all spend the same.

    Notes
    -----
    Given p, q, v, m·x/(m·x + v) ~ Beta(p·x, q), so each mean's own distribution function is known and
    uniform whatever x; and E[ln m | x] = ψ(p·x) − ln(p·x) + a constant. Interval of Spearman's:
    Fisher's z with variance (1 + ρ²/2)/(n − 3), Bonett & Wright (2000), Psychometrika 65, 23–28; its
    p value is that of z with variance 1/(n − 3), at ρ = 0. Those of Pearson's allow for the wider
    spread of means of few purchases: the standard error is that of the influence function.

    Verdict, by the rank correlation ρ. *Use*: `|ρ|` < 0.1, or not beyond chance (P ≥ .05) with an
    interval within ±0.3. *Do not use* lifetime value per customer: `|ρ|` > 0.3, beyond chance. *Use
    with care*: between, or too few customers to rule out ±0.3.

    Source of the model: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", note 025.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.integers(1, 9, 500)
    >>> m = rng.gamma(2.0 * x) / x / rng.gamma(4.0, 1 / 60, 500)
    >>> spend_independence(pd.DataFrame({"frequency": x, "monetary_value": m})).verdict
    'use'
    """
    repeat = summary.loc[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    x, m = (repeat[name].to_numpy(dtype=float) for name in ("frequency", "monetary_value"))
    if x.size < _FEWEST:
        raise CannotSay(
            "Fewer than {fewest} customers bought again, too few to tell whether spend depends on "
            "how often customers buy.",
            fewest=_FEWEST,
        )
    if np.all(x == x[0]):
        raise CannotSay(
            "All customers who came back did so equally often, so whether spend depends on how "
            "often customers buy cannot be told."
        )
    fitted = GammaGammaFitter().fit(x, m) if spend is None else spend
    p, q, v = fitted.fit_.parameters
    ranks = _ranks(x)
    rho = float(np.corrcoef(ranks, _ranks(betainc(p * x, q, m * x / (m * x + v))))[0, 1])
    by_rank = _fisher(rho, float(np.sqrt((1.0 + rho**2 / 2.0) / (x.size - 3))))
    rank_pvalue = _two_sided(np.arctanh(rho) * np.sqrt(x.size - 3))
    log_correlation, log_pvalue = _pearson(np.log(x), np.log(m) - psi(p * x) + np.log(p * x))
    verdict, reason = _verdict(by_rank, rank_pvalue, x.size)
    return SpendIndependence(
        customers=x.size,
        rank_correlation=by_rank,
        rank_pvalue=rank_pvalue,
        log_correlation=log_correlation,
        log_pvalue=log_pvalue,
        plain_rank_correlation=float(np.corrcoef(ranks, _ranks(m))[0, 1]),
        verdict=verdict,
        reason=reason,
    )


def _ranks(values: Array) -> Array:
    """Ranks from 1 on; of equal values the mean of theirs."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1.0) / 2.0)[place])


def _pearson(x: Array, y: Array) -> tuple[Interval, float]:
    """Correlation with an interval and p value that hold where the spread of y depends on x."""
    zx, zy = ((values - values.mean()) / values.std() for values in (x, y))
    r = float((zx * zy).mean())
    influence = zx * zy - r * (zx**2 + zy**2) / 2.0
    error = float(influence.std() / np.sqrt(x.size)) / (1.0 - r**2)  # of Fisher's z
    return _fisher(r, error), _two_sided(np.arctanh(r) / error)


def _fisher(r: float, error: float) -> Interval:
    z = np.arctanh(r)
    return Interval(r, float(np.tanh(z - Z95 * error)), float(np.tanh(z + Z95 * error)))


def _two_sided(z: float) -> float:
    return float(2.0 * ndtr(-abs(z)))


def _verdict(rho: Interval, pvalue: float, customers: int) -> tuple[Verdict, str]:
    verdict, reason = _judged(rho, pvalue)
    shown = {
        name: decimals(getattr(rho, end), 2, signed=True)
        for name, end in (("rho", "value"), ("low", "low"), ("high", "high"))
    }
    return verdict, phrase(_ENGLISH[reason], customers=count(customers), **shown)


def _judged(rho: Interval, pvalue: float) -> tuple[Verdict, str]:
    size, way = abs(rho.value), "more" if rho.value > 0.0 else "less"
    if pvalue >= LEVEL:
        told = max(-rho.low, rho.high) <= HARMFUL
        return ("use", "chance") if told else ("use with care", "chance.few")
    if size < HARMLESS:
        return "use", "small"
    return ("use with care", f"{way}.care") if size <= HARMFUL else ("do not use", way)


_ENGLISH = catalogue(
    {
        "chance": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}), no more than chance gives"
        ),
        "chance.few": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}), no more than chance gives, but so few customers leave room for a dependence "
            "that matters"
        ),
        "small": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}): beyond chance, but too small to matter"
        ),
        "more.care": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}): those who buy often spend somewhat more each time, and their value is "
            "somewhat understated"
        ),
        "less.care": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}): those who buy often spend somewhat less each time, and their value is "
            "somewhat overstated"
        ),
        "more": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}): those who buy often spend more each time, which the model rules out, so add "
            "up groups of customers and do not rank single ones by value"
        ),
        "less": (
            "the rank correlation of spend and frequency among {customers} customers is {rho} ({low} "
            "to {high}): those who buy often spend less each time, which the model rules out, so add "
            "up groups of customers and do not rank single ones by value"
        ),
    }
)
