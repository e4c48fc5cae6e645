"""Whether customers buy at more even intervals than chance makes: a test that needs no model.

Given the time t from the first to the last purchase, and that x repeat purchases were made in it, the
purchases in between of a customer who buys at a constant rate lie anywhere with equal chance, whatever
the rate, and whatever made the customer leave. So the gaps are t times a uniform division of one into x
parts (Dirichlet with all shapes 1), and

    E Σ ln gap = x·(ln t + ψ(1) − ψ(x)),   Var Σ ln gap = x·ψ′(1) − x²·ψ′(x).

Even gaps make the sum larger, and bursts make it smaller. On a grid of days, with a day's purchases
counted once, the gaps are a composition of t days into x parts of a day or more, each of them equally
likely: a gap of g days has probability C(t−g−1, x−2)/C(t−1, x−1). So gaps of a day, which a log by the
day cannot make shorter, are not taken for regularity.

Source: Moran (1951), "The random division of an interval: part II", Journal of the Royal Statistical
Society B 13(1), 147–150, whose test of exponential gaps this is, given each customer's total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, ndtr, polygamma

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, phrase, probability
from retention_models.languages.results import Card, Result
from retention_models.models.histories import distinct_rows, places_in_steps
from retention_models.models.inputs import checked_history, unit_told
from retention_models.time_units import DAYS_IN_UNIT, days_in

Array = NDArray[np.float64]

# Rows at a time, each as long as the longest time in days.
_BLOCK = 1 << 20
# Steps of a time beyond which a grid is so fine that purchases may as well lie at any moment.
_LONGEST = 1 << 14
# A shop is called regular where one in a hundred without regularity would be: k follows from it.
_EVIDENT = 0.01


@dataclass(frozen=True, slots=True, repr=False)
class RegularityTest(Result):
    """Whether customers buy at even intervals.

    Attributes
    ----------
    statistic : float
        Standard normal where customers buy at constant rates; above 0 gaps are more even than that,
        below 0 they come in bursts.
    pvalue : float
        One-sided: the chance of a statistic so high or higher without regularity.
    customers : float
        Customers who tell: those with two repeat purchases or more.
    gaps : float
        Their gaps.
    day : float
        Length of the grid on which the purchases lie, in the unit of recency; 0 for moments.

    Examples
    --------
    >>> found = regularity_test([4] * 8, [120.0] * 8, log_gaps=8 * 4 * np.log(29.0))
    >>> found.regular, found.customers
    (True, 8.0)
    """

    statistic: float
    pvalue: float
    customers: float
    gaps: float
    day: float

    def _card(self) -> Card:
        facts = {"regular": "yes" if self.regular else "no", "because": self.summary()}
        return Card(f"Regularity of {count(self.gaps)} gaps", facts)

    @property
    def regular(self) -> bool:
        """Whether regularity is visible, at 1%."""
        return self.pvalue < _EVIDENT

    def summary(self) -> str:
        """What was found, in a sentence.

        Returns
        -------
        str

        Examples
        --------
        >>> found = regularity_test([4] * 8, [120.0] * 8, log_gaps=8 * 4 * np.log(29.0))
        >>> found.summary().split(":")[0]
        'Customers buy at regular intervals'
        """
        of = {"customers": count(self.customers), "chance": probability(self.pvalue)}
        if self.regular:
            return phrase(
                "Customers buy at regular intervals: the gaps between the purchases of the {customers} "
                "who came back twice or more are more even than chance makes them (p = {chance}).",
                **of,
            )
        if self.pvalue > 1.0 - _EVIDENT:
            return phrase(
                "Customers do not buy at regular intervals: the gaps between the purchases of the "
                "{customers} who came back twice or more are less even than constant rates make them.",
                customers=of["customers"],
            )
        return phrase(
            "No regularity is visible: the gaps between the purchases of the {customers} customers who "
            "came back twice or more are as uneven as chance makes them (p = {chance}).",
            **of,
        )


def regularity_test(
    frequency: ArrayLike,
    recency: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    log_gaps: float,
    day: float | None = None,
) -> RegularityTest:
    """Test whether customers buy at more even intervals than at constant rates of their own.

    Parameters
    ----------
    frequency, recency : array_like, shape (n,)
        Repeat purchases, and time from the first to the last purchase.
    weights : array_like, shape (n,), optional
        Number of customers with each row; 1 unless given.
    log_gaps : float
        Sum of the logs of the gaps between all these customers' purchases, in the unit of recency;
        see `sum_log_gaps`.
    day : float, optional
        Length of a day in the unit of recency, where purchases of a day were counted as one; 0 where
        times are moments. Unless given it is that of the column's time unit, or the step of 1, 1/7 or
        1/30.4375 that all of recency are multiples of, or else 0.

    Returns
    -------
    RegularityTest

    Raises
    ------
    SettingsError
        If an input is not usable, or log_gaps cannot belong to these customers.
    CannotSay
        If no customer has two repeat purchases.

    Notes
    -----
    Rates may differ between customers and customers may leave at any time: given x and t_x neither
    matters. A shop's season, or a rate that drifts, makes gaps less even, so that the test errs on the
    side of none. A weekly habit, such as buying on Saturdays only, is regularity to it.

    Source: Moran (1951), Journal of the Royal Statistical Society B 13(1), 147–150; on a grid of days
    the moments are those of random compositions.

    Examples
    --------
    Eight customers who came four times, about monthly:

    >>> x, t_x = [4] * 8, [120.0] * 8
    >>> found = regularity_test(x, t_x, log_gaps=8 * 4 * np.log(29.0))
    >>> found.regular, round(found.statistic, 1)
    (True, 3.6)
    >>> found.summary()[:40]
    'Customers buy at regular intervals: the '
    """
    x, t, _, n = checked_history(frequency, recency, recency, weights)
    counts = np.ones(x.size) if n is None else n
    unit = unit_told(recency)
    step = grid_of(t, unit) if day is None else float(day)
    rows = x >= 1.0
    x, t, counts = x[rows], t[rows], counts[rows]
    check_log_gaps(log_gaps, x, t, counts, step)
    tells = x >= 2.0
    if step > 0.0:
        tells &= np.rint(t / step) > x  # who came every day can have had no other gaps
    if not tells.any():
        raise CannotSay(
            "No customer has bought three times or more, so nothing can be said about whether "
            "customers buy at regular intervals."
        )
    (level, time), place = distinct_rows(x, t)
    weight = np.bincount(place, counts)
    if step > 0.0 and time.max() <= _LONGEST * step:
        mean, variance = _on_days(level, time / step)
        mean += level * np.log(step)
    else:
        mean, variance = _of_moments(level, time)
    spread = float(weight @ variance)
    z = float((log_gaps - weight @ mean) / np.sqrt(spread))
    return RegularityTest(
        statistic=z,
        pvalue=float(ndtr(-z)),
        customers=float(counts[tells].sum()),
        gaps=float(counts[tells] @ x[tells]),
        day=step,
    )


def grid_of(t: Array, unit: Any) -> float:
    """Length of a day in the unit of time, told or found; 0 where times are moments."""
    if unit is not None:
        return 1.0 / days_in(unit)
    for days in DAYS_IN_UNIT.values():
        if places_in_steps(t, days) is not None:
            return 1.0 / days
    return 0.0


def check_log_gaps(log_gaps: float, x: Array, t: Array, counts: Array, day: float) -> None:
    """Refuse a sum that no gaps with these totals have, as one in another unit of time."""
    if day > 0.0 and (t < (x - 1e-6) * day).any():
        worst = int(np.argmax(x * day - t))
        raise SettingsError(
            f"frequency: {x[worst]:g} repeat purchases within {t[worst] / day:g} days; regularity asks "
            'for purchases counted by the day (same_day="one"), or for day=0 where times are moments.'
        )
    if (t <= 0.0).any():
        raise SettingsError("recency: expected times above 0 where customers bought again.")
    even = float(counts @ (x * np.log(t / x)))
    room = 1e-6 * max(1.0, abs(even), float(counts @ x))
    least = float(counts @ x) * np.log(day) if day > 0.0 else -np.inf
    if not (np.isfinite(log_gaps) and least - room <= log_gaps <= even + room):
        raise SettingsError(
            f"log_gaps: got {log_gaps:g}; the gaps of these customers, in the unit of recency, have a "
            f"sum of logs of at most {even:g}"
            + (f", and of {least:g} at least where none is below a day" if day > 0.0 else "")
            + ". Take it of the same customers and in the same unit (sum_log_gaps)."
        )


def _of_moments(x: Array, t: Array) -> tuple[Array, Array]:
    """Mean and variance of Σ ln gap by x and t, for purchases at any moment."""
    mean = x * (np.log(t) + digamma(1.0) - digamma(x))
    return mean, np.asarray(x * polygamma(1, 1.0) - x**2 * polygamma(1, x))


def _on_days(x: Array, t: Array) -> tuple[Array, Array]:
    """Mean and variance of Σ ln gap by x and t, for purchases on different days out of t."""
    days = np.rint(t).astype(np.intp)
    longest = int(days.max())
    log_g = np.log(np.maximum(np.arange(longest + 1), 1))
    # Σ ln i · ln(m − i) over i of 1 to m − 1, by m.
    pairs = np.convolve(log_g, log_g)[: longest + 1]
    log_factorial = gammaln(np.arange(longest + 2) + 1.0)
    mean, variance = log_g[days] * 1.0, np.zeros(x.size)
    many = np.flatnonzero(x >= 2.0)
    size = max(1, _BLOCK // (longest + 1))
    for first in range(0, many.size, size):
        rows = many[first : first + size]
        mean[rows], variance[rows] = _of_compositions(
            x[rows].astype(np.intp)[:, None], days[rows][:, None], log_g, pairs, log_factorial
        )
    return mean, variance


def _of_compositions(
    x: NDArray[np.intp], t: NDArray[np.intp], log_g: Array, pairs: Array, log_factorial: Array
) -> tuple[Array, Array]:
    """`_on_days` of columns x ≥ 2 and t, by sums over the length of one gap and of two."""
    whole = np.arange(log_g.size)

    def chances(parts: int) -> Array:
        """P(the first `parts` gaps are given ones), by their sum m: C(t−m−1, x−parts−1)/C(t−1, x−1)."""
        left, others = t - whole - 1, x - parts - 1
        valid = (left >= others) & (others >= 0) & (whole >= parts)
        left, others = np.where(valid, left, 0), np.where(valid, others, 0)
        log_ways = log_factorial[left] - log_factorial[others] - log_factorial[left - others]
        total = log_factorial[t - 1] - log_factorial[x - 1] - log_factorial[t - x]
        found = np.where(valid, np.exp(log_ways - total), 0.0)
        # With nothing left over, the sum is t itself.
        return np.where((x == parts) & (whole == t), np.exp(-total), found)

    one, two = chances(1), chances(2)
    mean, square, product = one @ log_g, one @ log_g**2, two @ pairs
    n = x[:, 0].astype(float)
    variance = n * (square - mean**2) + n * (n - 1.0) * (product - mean**2)
    return n * mean, np.maximum(variance, 0.0)
