"""Intervals against published values, slow references and each other."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from retention_models.measures.intervals import (
    covariance,
    difference,
    difference_of_shares,
    ratios,
    relative,
    share,
    symmetric,
    wilson,
)


def array(*values: float) -> np.ndarray:
    """Floats."""
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(count, total, low, high):
    """To the four digits printed."""
    found = wilson([count], [total])
    assert [low, high] == pytest.approx([found[0][0], found[1][0]], abs=5e-5)


def test_no_trials_give_no_interval():
    """NaN, and no warning."""
    low, high = wilson([0, 1], [0, 2])
    assert [True, False] == list(np.isnan(low))
    assert [True, False] == list(np.isnan(high))


def test_independent_shares_differ_as_newcombes():
    """With no correlation it is Newcombe's interval of 56 of 70 less 48 of 80: .0524 to .3339.

    Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, example (a), method 10.
    """
    one, two = ((array(56 / 70), *wilson([56], [70])), (array(48 / 80), *wilson([48], [80])))
    low, high = difference(one, two, array(0.0))
    assert [0.0524, 0.3339] == pytest.approx([low[0], high[0]], abs=5e-5)
    reference = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert list(reference) == pytest.approx([low[0], high[0]])


def test_the_linearised_variance_is_that_of_the_customers_one_by_one():
    """Sums of products give what the customers' own linearised values give, for a product too."""
    rng = np.random.default_rng(3)
    y, x, z = rng.gamma(2, 3, (3, 50))
    columns = {"y": y, "x": x, "z": z, "one": np.ones(50)}
    terms = (("y", "x"), ("z", "one"))

    def sums(name):
        return array(columns[name].sum())

    def products(a, b):
        return array((columns[a] * columns[b]).sum())

    found = ratios(sums, terms)
    r, m = found[:, 0]
    one_by_one = m * (y - r * x) / x.sum() + r * (z - m) / 50
    variance = covariance(terms, products, (found, sums), (found, sums))
    assert (one_by_one**2).sum() == pytest.approx(variance[0])


def test_a_mean_has_students_interval():
    """Ratio to a constant: the t interval of a mean; 1, 2, 3, 4 have 2.5 ± 2.0542 (REF: scipy.stats)."""
    data = array(1, 2, 3, 4)
    variance = array(((data - 2.5) ** 2).sum() / 16)
    low, high = symmetric(array(2.5), variance, array(4))
    assert [0.4457397, 4.5542603] == pytest.approx([low[0], high[0]], abs=1e-6)
    below, above = relative(array(2.5), variance, array(4))
    assert 2.5**2 == pytest.approx(below[0] * above[0])
    assert 2.0542603 / 2.5 == pytest.approx(np.log(above[0] / 2.5), abs=1e-7)


def test_alike_customers_and_single_ones_give_no_interval():
    """No spread is seen; that is not to say that there is none."""
    low, high = relative(array(2, 2, 0), array(0, 0.1, 0), array(9, 1, 9))
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_a_ratio_that_returns_make_negative_keeps_the_plain_interval():
    """There is no logarithm to take."""
    plain = symmetric(array(-1.0), array(0.04), array(10))
    assert [end[0] for end in plain] == [
        e[0] for e in relative(array(-1.0), array(0.04), array(10))
    ]


def test_answers_of_one_customer_count_for_less_than_answers_of_many():
    """Wilson's own where each answered once; with 20 alike answers each, that of the customers."""
    once = share(array(0.4), array(0.4 * 0.6 / 10), array(10), array(10), array(10))
    assert [end[0] for end in wilson([4], [10])] == pytest.approx([end[0] for end in once])
    twenty = share(array(0.4), array(0.4 * 0.6 / 10), array(10), array(200), array(4000))
    assert [end[0] for end in wilson([3.6], [9])] == pytest.approx([end[0] for end in twenty])
    content = share(array(1.0), array(0.0), array(3), array(60), array(1200))
    assert [end[0] for end in wilson([3], [3])] == pytest.approx([end[0] for end in content])


def test_the_promoter_score_of_many_answers_has_the_multinomial_interval():
    """At 40,000 answers it is value ± 1.96 √((p + d − (p − d)²) ÷ n)."""
    n = 40_000.0
    value, low, high = difference_of_shares(array(20_000), array(8_000), array(n))
    half = 1.959964 * np.sqrt((0.5 + 0.2 - 0.3**2) / n)
    assert [0.3, 0.3 - half, 0.3 + half] == pytest.approx([value[0], low[0], high[0]], abs=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.1, 0.3, 0.6), (0.02, 0.08, 0.9), (0.0, 0.3, 0.7)])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_the_promoter_scores_interval_covers(shares, n):
    """Also from ten answers nearly all alike, where the plain multinomial one covers .64."""
    rng = np.random.default_rng(n)
    counts = rng.multinomial(n, shares, 20_000).astype(float)
    _, low, high = difference_of_shares(counts[:, 2], counts[:, 0], np.full(20_000, float(n)))
    truth = shares[2] - shares[0]
    assert 0.935 <= np.mean((low <= truth + 1e-12) & (truth - 1e-12 <= high)) <= 0.97
