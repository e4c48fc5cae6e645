"""P(alive), expectations and count distribution of the BG/NBD model against published numbers.

FHL is Fader, Hardie & Lee (2005), Marketing Science 24(2); REF marks reference values that
were computed independently of this package.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import gammaln

from retention_models.models.bg_nbd import BG_NBD
from tiers import few

PUBLISHED = (0.243, 4.414, 0.793, 2.426)  # FHL, Table 2
ESTIMATES = (0.2425945, 4.4136, 0.79292, 2.42590)  # the same with more digits, REF
CUSTOMER = (2, 30.43, 38.86)  # FHL's worked example

positive = st.floats(0.05, 15.0)
parameters = st.tuples(positive, st.floats(0.1, 60.0), st.floats(0.02, 15.0), positive)


def reference_expectation(t, r, alpha, a, b):
    """FHL (9) with its 2F1 in 60 digits, which leaves enough of them next to its pole a = 1."""
    with mpmath.workdps(60):
        t, r, alpha, a, b = (mpmath.mpf(value) for value in (t, r, alpha, a, b))
        if a == 1:
            a += mpmath.mpf(10) ** -30
        c = a + b - 1
        hyper = mpmath.hyp2f1(r, b, c, t / (alpha + t))
        return float(c / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyper))


def reference_by_quadrature(t, r, alpha, a, b):
    """E over p ~ Beta(a, b) of (1 − (1 + p·t/α)^−r)/p, by quadrature; valid for every a, b > 0."""
    with mpmath.workdps(25):

        def inner(p):
            return -mpmath.expm1(-r * mpmath.log1p(p * t / alpha)) / p if p else r * t / alpha

        # p = u^(1/a) below one half and 1 − p = w^(1/b) above take the ends' singularities out.
        def low(u):
            p = u ** (1 / mpmath.mpf(a))
            return inner(p) * (1 - p) ** (b - 1) / a

        def high(w):
            p = 1 - w ** (1 / mpmath.mpf(b))
            return inner(p) * p ** (a - 1) / b

        half = mpmath.mpf(1) / 2
        cuts = [mpmath.mpf(10) ** -k for k in (12, 6, 4, 3, 2, 1)]
        below = mpmath.quad(low, [0, *(cut**a for cut in cuts), half**a])
        above = mpmath.quad(high, [0, *(cut**b for cut in cuts), half**b])
        return float((below + above) / mpmath.beta(a, b))


def reference_count_probability(n, t, r, alpha, a, b):
    """FHL (8) with its original sum, in 60 digits."""
    with mpmath.workdps(60):
        t, r, alpha, a, b = (mpmath.mpf(value) for value in (t, r, alpha, a, b))
        stay, go = alpha / (alpha + t), t / (alpha + t)

        def nbd(j):
            return mpmath.rf(r, j) / mpmath.factorial(j) * stay**r * go**j

        result = mpmath.beta(a, b + n) / mpmath.beta(a, b) * nbd(n)
        if n > 0:
            left = 1 - mpmath.fsum(nbd(j) for j in range(n))
            result += mpmath.beta(a + 1, b + n - 1) / mpmath.beta(a, b) * left
        return float(result)


def simulated_counts(size, t, r, alpha, a, b, rng):
    """Purchases in (0, t] of new customers, one exponential gap after another."""
    rate, leaves = rng.gamma(r, 1.0 / alpha, size), rng.beta(a, b, size)
    clock, counts, here = np.zeros(size), np.zeros(size, dtype=int), np.ones(size, dtype=bool)
    while here.any():
        clock[here] += rng.exponential(1.0 / np.maximum(rate[here], 1e-300))
        here &= clock <= t
        counts[here] += 1
        here &= rng.random(size) >= leaves
    return counts


def test_conditional_expectation_of_the_papers_customer():
    """FHL's worked example: 1.226 purchases in 39 weeks; REF gives 1.226028."""
    got = BG_NBD.conditional_expected_purchases(39, *CUSTOMER, *PUBLISHED)
    assert float(got) == pytest.approx(1.226028, abs=5e-7)


def test_expectations_over_time_of_a_new_customer():
    """E[X(t)] of CDNOW at the estimates, as in FHL's spreadsheet; REF."""
    weeks = [0.1429, 1, 3, 31.8571, 32, 78]
    published = [0.0078160, 0.0531844, 0.1506311, 1.0404911, 1.0437340, 1.8579617]
    # t is published to four decimals, which moves the value by up to .055 · 5e-5.
    assert BG_NBD.expected_purchases(weeks, *ESTIMATES) == pytest.approx(published, abs=3e-6)


@pytest.mark.parametrize(
    ("n", "t", "published", "digit"), [(0, 39, 0.5737864, 1e-7), (11, 30, 0.0019995214, 1e-10)]
)
def test_count_probabilities_of_a_new_customer(n, t, published, digit):
    """P(X(39) = 0) = .5737864 and P(X(30) = 11) = .0019995214 (REF)."""
    assert float(BG_NBD.purchase_count_probability(n, t, *PUBLISHED)) == pytest.approx(
        published, abs=0.5 * digit
    )


def test_probability_alive_of_the_papers_customer():
    """Hardie, note 021: 1/(1 + a/(b+x−1)·((α+T)/(α+t_x))^(r+x)), computed here in plain numbers."""
    r, alpha, a, b = PUBLISHED
    odds = a / (b + 1) * ((alpha + 38.86) / (alpha + 30.43)) ** (r + 2)
    assert float(BG_NBD.probability_alive(*CUSTOMER, *PUBLISHED)) == pytest.approx(1 / (1 + odds))


@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-14, 1.0 - 1e-14, 1.0 + 1e-9])
def test_expectation_at_and_next_to_a_equal_to_one(a):
    """REF: 1.1021368 at a = 1, where lifetimes says inf, and 1.267 at 1 + 1e-14."""
    r, alpha, _, b = PUBLISHED
    got = BG_NBD.conditional_expected_purchases(39, *CUSTOMER, r, alpha, a, b)
    assert float(got) == pytest.approx(1.1021368, abs=5e-8)


def test_expectation_of_a_customer_without_repeats_when_a_plus_b_is_below_one():
    """REF: r .05, α 1, a .05, b .2, T 30, t 1000 gives 1.18772, where lifetimes says NaN."""
    got = BG_NBD.conditional_expected_purchases(1000, 0, 0, 30, 0.05, 1.0, 0.05, 0.2)
    assert float(got) == pytest.approx(1.18772, abs=5e-6)


def test_expectation_of_a_customer_without_repeats_when_a_and_b_are_a_half():
    """REF: a = b = .5, T 38.86, t 39 at CDNOW's r, α gives .1772363; lifetimes says NaN."""
    got = BG_NBD.conditional_expected_purchases(39, 0, 0, 38.86, 0.243, 4.414, 0.5, 0.5)
    # REF does not say how many digits of r and α it used: .1772362 at FHL's.
    assert float(got) == pytest.approx(0.1772363, abs=1e-7)


def test_expectation_with_almost_no_dropout():
    """REF: a 1e-4, b 1e8 gives 2.0214679, where lifetimes silently says 2.0674."""
    got = BG_NBD.conditional_expected_purchases(39, *CUSTOMER, 0.243, 4.414, 1e-4, 1e8)
    assert float(got) == pytest.approx(2.0214679, abs=5e-8)


@pytest.mark.parametrize("n", [170, 171, 400, 2000])
def test_probability_of_very_many_purchases(n):
    """From n = 171 lifetimes' factorial overflows; FHL's own sum in 60 digits does not."""
    busy = (2.0, 1.0, 0.05, 3.0)
    reference = reference_count_probability(n, 300.0, *busy)
    assert reference > 0
    assert float(BG_NBD.purchase_count_probability(n, 300.0, *busy)) == pytest.approx(
        reference, rel=1e-9
    )


@settings(deadline=None, max_examples=15)
@given(parameters, st.floats(0.0, 300.0))
def test_expectation_agrees_with_the_published_formula_in_sixty_digits(theta, t):
    """Any parameters, any window: FHL (9)."""
    r, alpha, a, b = theta
    if abs(a + b - 1.0) < 1e-6:
        b += 1e-3  # the published formula has a removable 0/0 there, ours has not
    got = float(BG_NBD.expected_purchases(t, r, alpha, a, b))
    assert got == pytest.approx(reference_expectation(t, r, alpha, a, b), rel=1e-8, abs=1e-11)


@pytest.mark.parametrize(
    "theta",
    [
        (0.243, 4.414, 1.0, 2.426),
        (0.243, 4.414, 0.5, 0.5),
        (0.05, 1.0, 0.05, 0.2),
        (0.8, 6.0, 0.3, 0.4),
        (5.0, 12.0, 1.0, 0.7),
        (1.5, 4.0, 3.0, 6.0),
    ],
)
def test_expectation_agrees_with_quadrature_over_the_dropout_probability(theta):
    """A second reference, without 2F1: a = 1, a + b = 1 and a + b < 1 included."""
    got = float(BG_NBD.expected_purchases(39.0, *theta))
    assert got == pytest.approx(reference_by_quadrature(39.0, *theta), rel=1e-9)


@pytest.mark.parametrize("x", [1, 10, 1_000, 10_000])
def test_expectation_of_very_frequent_customers(x):
    """Frequencies up to 10,000, to nine digits."""
    r, alpha, a, b = PUBLISHED
    got = float(BG_NBD.expected_purchases(39.0, r + x, alpha + 38.86, a, b + x))
    reference = reference_by_quadrature(39.0, r + x, alpha + 38.86, a, b + x)
    assert got == pytest.approx(reference, rel=1e-9)


@pytest.mark.parametrize("r", [1.0, 15.0, 50.0, 100.0, 300.0, 1_000.0, 1e4])
@pytest.mark.parametrize(("a", "b"), few(1, [(0.5, 3.0), (0.3, 0.2), (2.0, 6.0)]))
def test_expectation_of_customers_who_all_buy_at_nearly_the_same_rate(r, a, b):
    """Large r, the limit "every customer buys at the same rate": one purchase a week, 52 weeks."""
    got = float(BG_NBD.expected_purchases(52.0, r, r, a, b))
    assert got == pytest.approx(reference_by_quadrature(52.0, r, r, a, b), rel=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e3, 2e3, 1e4, 1e6])
def test_expectation_of_customers_who_all_leave_with_nearly_the_same_probability(scale):
    """Large a + b, the limit in which many small shops end: Beta(a, b) around one quarter."""
    r, alpha, t = 0.25, 4.0, 36.0
    got = float(BG_NBD.expected_purchases(t, r, alpha, scale, 3.0 * scale))
    if scale >= 1e6:  # p is 1/4 to three digits, the expectation to six
        reference = (1.0 - (1.0 + 0.25 * t / alpha) ** -r) / 0.25
        assert got == pytest.approx(reference, rel=1e-5)
    else:
        with mpmath.workdps(30):
            mean, width = 0.25, 12 * np.sqrt(0.25 * 0.75 / (4 * scale))
            log_beta = mpmath.log(mpmath.beta(scale, 3 * scale))

            def integrand(p):
                log_density = (scale - 1) * mpmath.log(p) + (3 * scale - 1) * mpmath.log1p(-p)
                return (1 - (1 + p * t / alpha) ** -r) / p * mpmath.exp(log_density - log_beta)

            cuts = [max(0.0, mean - width), mean, min(1.0, mean + width)]
            assert got == pytest.approx(float(mpmath.quad(integrand, cuts)), rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(parameters, st.integers(0, 60), st.floats(0.0, 1.0), st.floats(0.0, 100.0))
def test_expectation_grows_with_the_window_and_starts_at_zero(theta, x, share, T):
    """E(0) = 0, then never less, and never more than if nobody left."""
    t_x = share * T if x else 0.0
    r, alpha, _, _ = theta
    grid = np.array([0.0, 1e-6, 0.5, 3.0, 20.0, 100.0])
    got = BG_NBD.conditional_expected_purchases(grid, x, t_x, T, *theta)
    assert got[0] == 0.0
    assert np.all(np.diff(got) >= -1e-12)
    assert np.all(got <= (r + x) / (alpha + T) * grid * (1 + 1e-9) + 1e-12)


def test_expectation_approaches_the_nbd_as_dropout_vanishes():
    """A → 0 is continuous: 1e-9 differs from 0 by no more than 1e-6."""
    near = BG_NBD.expected_purchases([1.0, 39.0, 500.0], 0.243, 4.414, 1e-9, 2.426)
    assert near == pytest.approx(
        BG_NBD.expected_purchases([1.0, 39.0, 500.0], 0.243, 4.414, 0.0, 2.426)
    )


def test_customers_without_a_repeat_purchase_are_alive():
    """Without a repeat purchase nobody had a chance to leave."""
    assert BG_NBD.probability_alive(0, 0.0, [0.0, 40.0, 1e4], *PUBLISHED).tolist() == [
        1.0,
        1.0,
        1.0,
    ]


def test_probability_alive_of_a_customer_who_bought_just_now():
    """At T = t_x it is 1/(1 + a/(b+x−1)), all that the last purchase may have taken."""
    _, _, a, b = PUBLISHED
    for x in (1, 5, 10_000):
        expected = 1.0 / (1.0 + a / (b + x - 1.0))
        assert float(BG_NBD.probability_alive(x, 20.0, 20.0, *PUBLISHED)) == pytest.approx(expected)


def test_probability_alive_falls_to_zero_in_silence():
    """A frequent customer silent for long has left, without overflow on the way."""
    got = BG_NBD.probability_alive([50, 500, 10_000], 10.0, [60.0, 200.0, 1e5], *PUBLISHED)
    assert np.all(got < 1e-12)
    assert np.all(got >= 0.0)


@settings(deadline=None, max_examples=80)
@given(parameters, st.integers(1, 300), st.floats(0.01, 100.0), st.floats(0.0, 100.0))
def test_probability_alive_is_a_probability_that_silence_lowers(theta, x, t_x, silence):
    """Between 0 and 1, and lower the longer nothing came."""
    now, later = BG_NBD.probability_alive(x, t_x, [t_x + silence, t_x + silence + 1.0], *theta)
    assert 0.0 <= later <= now <= 1.0


@settings(deadline=None, max_examples=60)
@given(parameters, st.floats(0.1, 60.0), st.integers(0, 12))
def test_count_probability_agrees_with_the_original_sum(theta, t, n):
    """FHL (8) with its finite sum, in 60 digits."""
    got = float(BG_NBD.purchase_count_probability(n, t, *theta))
    assert got == pytest.approx(reference_count_probability(n, t, *theta), rel=1e-8, abs=1e-15)


@pytest.mark.parametrize("theta", [PUBLISHED, (1.5, 4.0, 0.3, 6.0), (1.0, 10.0, 1.0, 3.5)])
def test_count_distribution_sums_to_one_and_has_the_expectation_as_its_mean(theta):
    """Two routes to one number: Σ n·P(n) and FHL (9)."""
    n = np.arange(6000)
    chances = BG_NBD.purchase_count_probability(n, 39.0, *theta)
    assert chances.sum() == pytest.approx(1.0, abs=1e-10)
    assert chances @ n == pytest.approx(float(BG_NBD.expected_purchases(39.0, *theta)), rel=1e-8)


def test_count_distribution_without_dropout_is_negative_binomial():
    """At a = 0, P(n) = Γ(r+n)/(Γ(r) n!) (α/(α+t))^r (t/(α+t))^n."""
    n, (r, alpha, t) = np.arange(50), (0.7, 5.0, 20.0)
    log = gammaln(r + n) - gammaln(r) - gammaln(n + 1) + r * np.log(alpha / (alpha + t))
    nbd = np.exp(log + n * np.log(t / (alpha + t)))
    assert BG_NBD.purchase_count_probability(n, t, r, alpha, 0.0, 1.0) == pytest.approx(
        nbd, rel=1e-11
    )


def test_counts_expectation_and_simulation_agree():
    """200,000 simulated customers: each frequency within 4.5 of its standard errors, and the mean."""
    theta, t, size = (0.9, 6.0, 0.6, 2.0), 30.0, 200_000
    counts = simulated_counts(size, t, *theta, np.random.default_rng(20050401))
    n = np.arange(15)
    chances = BG_NBD.purchase_count_probability(n, t, *theta)
    seen = np.bincount(counts, minlength=15)[:15] / size
    assert np.all(np.abs(seen - chances) < 4.5 * np.sqrt(chances * (1 - chances) / size))
    error = counts.std() / np.sqrt(size)
    assert counts.mean() == pytest.approx(
        float(BG_NBD.expected_purchases(t, *theta)), abs=4.5 * error
    )


def test_the_count_distribution_leaves_out_no_more_than_its_tail():
    """Heavy tails too: a customer of 1,000 purchases, and nobody leaving."""
    for theta in (PUBLISHED, (0.05, 0.5, 0.0, 1.0), (0.2, 1.0, 0.01, 5.0)):
        x, t_x, T = np.array([0, 1, 1000]), np.array([0.0, 1.0, 39.0]), np.array([2.0, 39.0, 39.0])
        chances = BG_NBD.conditional_count_probabilities(52.0, x, t_x, T, *theta, tail=1e-8)
        assert np.all(chances.sum(axis=1) > 1.0 - 1e-8)
        assert np.all(chances.sum(axis=1) < 1.0 + 1e-9)


HISTORIES = (np.array([0, 2, 10, 0]), np.array([0, 30.43, 20.0, 0]), np.array([5, 38.86, 39, 0.0]))


@pytest.mark.parametrize(("horizon", "rate"), [(39.0, 0.0018), (520.0, 0.0018), (52.0, 0.05)])
@pytest.mark.parametrize("theta", [PUBLISHED, (1.5, 4.0, 0.3, 6.0), (0.5, 8.0, 0.0, 1.0)])
def test_discounted_expectation_agrees_with_a_fine_sum_of_its_increments(horizon, rate, theta):
    """Σ exp(−δ·s)·ΔE(s) over 3,000 steps, fine where the expectation bends."""
    s = horizon * np.linspace(0.0, 1.0, 3_001) ** 2
    middle = (s[1:] + s[:-1]) / 2.0
    for x, t_x, T in zip(*HISTORIES, strict=True):
        steps = np.diff(BG_NBD.conditional_expected_purchases(s, x, t_x, T, *theta))
        got = BG_NBD.conditional_discounted_purchases(horizon, rate, x, t_x, T, *theta)
        assert float(got) == pytest.approx(float(np.exp(-rate * middle) @ steps), rel=5e-7)


@settings(deadline=None, max_examples=40)
@given(parameters, st.integers(0, 30), st.floats(0.001, 0.1))
def test_discounted_purchases_lie_between_wholly_discounted_and_plain(theta, x, rate):
    """e^(−δH)·E(H) ≤ discounted ≤ E(H)."""
    history = (x, 10.0 if x else 0.0, 20.0)
    plain = float(BG_NBD.conditional_expected_purchases(39.0, *history, *theta))
    got = float(BG_NBD.conditional_discounted_purchases(39.0, rate, *history, *theta))
    assert np.exp(-rate * 39.0) * plain - 1e-12 <= got <= plain * (1 + 1e-9) + 1e-12
