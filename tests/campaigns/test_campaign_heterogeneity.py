"""Effects by segment: against separate tests, integrals by brute force, and simulated coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.special import ndtr
from statsmodels.stats.multitest import multipletests

from retention_models.campaigns.estimators.heterogeneity import segment_effects, shrunken
from retention_models.campaigns.estimators.multiplicity import pooled_effect
from retention_models.campaigns.estimators.randomised import randomised_effect
from retention_models.errors import CannotSay, DataError, SettingsError


@pytest.fixture(scope="module")
def customers():
    """Outcome, arm, segment, covariates; three arms, two large segments and three small."""
    rng = np.random.default_rng(8)
    n = 4000
    segment = rng.choice(["gold", "silver", "x", "y", "z"], n, p=[0.45, 0.38, 0.07, 0.07, 0.03])
    arm = rng.choice(["cashback", "none", "shipping"], n)
    X = pd.DataFrame({"expected": rng.gamma(2.0, 1.0, n), "recency": rng.random(n)})
    y = X["expected"] * 2.0 + (arm == "cashback") * (1.0 + (segment == "gold")) + rng.normal(size=n)
    return y.to_numpy(), arm, segment, X


def test_each_segment_is_a_test_of_its_own(customers):
    """Every number of the raw effect; covariates centred in the segment."""
    y, arm, segment, X = customers
    found = segment_effects(y, arm, segment, X, control="none", interval=0.9)
    assert ["gold", "silver", "others"] * 2 == found.table["segment"].tolist()
    assert ["cashback"] * 3 + ["shipping"] * 3 == found.table["arm"].tolist()
    for row in found.table.itertuples():
        rows = np.isin(segment, ["x", "y", "z"] if row.segment == "others" else [row.segment])
        alone = randomised_effect(y[rows], arm[rows], X[rows], control="none", interval=0.9)
        expected = alone.of(row.arm)
        assert (expected.customers, expected.customers_against) == (
            row.customers,
            row.customers_against,
        )
        fields = ("absolute_effect", "standard_error", "conf_low", "conf_high", "pvalue")
        assert [getattr(expected, field) for field in fields] == pytest.approx(
            [getattr(row, field) for field in fields], rel=1e-9
        )


def test_small_segments_are_put_together_and_named(customers):
    """In a sentence."""
    y, arm, segment, X = customers
    found = segment_effects(y, arm, segment, X, control="none")
    assert (
        "3 segments with fewer than 100 customers in an arm (x, y and z) are put together as "
        "“others”.",
    ) == found.words


def test_segments_too_small_even_together_are_left_out(customers):
    """And a segment called others already joins them."""
    y, arm, segment, X = customers
    few = np.where(np.isin(segment, ["x", "y"]), "silver", segment)
    few = np.where(segment == "z", "others", few)
    found = segment_effects(y, arm, few, X, control="none")
    assert ["gold", "silver"] * 2 == found.table["segment"].tolist()
    assert found.words[0].startswith("1 segment with")
    assert found.words[0].endswith("is left out.")


def test_p_values_allow_for_all_rows(customers):
    """Statsmodels' Benjamini–Hochberg over arms and segments."""
    y, arm, segment, X = customers
    table = segment_effects(y, arm, segment, X, control="none").table
    expected = multipletests(table["pvalue"], method="fdr_bh")[1]
    assert expected == pytest.approx(table["pvalue_bh"].to_numpy())


def test_whether_segments_differ_is_cochrans_test(customers):
    """Q as in pooling; cashback works twice as well for gold, shipping does nothing anywhere."""
    y, arm, segment, X = customers
    found = segment_effects(y, arm, segment, X, control="none")
    differences = found.differences.set_index("arm")
    for label, rows in found.table.groupby("arm"):
        pooled = pooled_effect(rows["absolute_effect"], rows["standard_error"])
        assert pooled.statistic == pytest.approx(differences["statistic"][label])
        assert pooled.pvalue_of_difference == pytest.approx(differences["pvalue"][label])
    assert differences["pvalue"]["cashback"] < 0.001
    assert differences["pvalue"]["shipping"] > 0.05


def test_a_covariate_that_says_nothing_in_a_segment_is_left_out_there(customers):
    """Constant among silver; the other covariate still counts."""
    y, arm, segment, X = customers
    X = X.assign(recency=np.where(segment == "silver", 0.5, X["recency"]))
    found = segment_effects(y, arm, segment, X, control="none")
    assert "'silver' is compared without recency, which vary too little." in found.words
    rows = segment == "silver"
    alone = randomised_effect(y[rows], arm[rows], X["expected"][rows], control="none")
    error = found.table.set_index(["arm", "segment"])["standard_error"]["cashback", "silver"]
    assert alone.of("cashback").standard_error == pytest.approx(error)


def test_a_segment_where_nobody_bought_is_left_out(customers):
    """It has no spread to judge by; with one segment left, nothing is said."""
    y, arm, segment, X = customers
    none = np.where(segment == "silver", 0.0, y)
    found = segment_effects(none, arm, segment, X, control="none")
    assert "'silver' is left out: its customers do not differ in the outcome yet." in found.words
    assert ["gold", "others"] * 2 == found.table["segment"].tolist()
    with pytest.raises(CannotSay, match="Fewer than two segments have 100 customers"):
        segment_effects(y, arm, np.full(y.size, "all"), X, control="none")


def test_missing_segments_are_named(customers):
    """By row; and a shape that does not fit."""
    y, arm, segment, X = customers
    lost = segment.astype(object)
    lost[[3, 7]] = None
    with pytest.raises(
        DataError, match=r"segment has 2 rows .* first at row 3, 7; expected a segment"
    ):
        segment_effects(y, arm, lost, X, control="none")
    with pytest.raises(SettingsError, match=r"segment has shape \(3,\)"):
        segment_effects(y, arm, segment[:3], X, control="none")


def test_shrunken_effects_are_the_integral_over_tau():
    """By adaptive quadrature over τ itself, prior and density written out."""
    y, s = np.array([0.3, 1.9, -0.4, 0.8]), np.array([0.4, 0.6, 0.5, 1.1])
    scale = np.sqrt(4 / (1 / s**2).sum())

    def density(tau):
        precision = 1 / (s**2 + tau**2)
        mean = precision @ y / precision.sum()
        likelihood = np.sqrt(precision.prod()) * np.exp(-precision @ (y - mean) ** 2 / 2)
        prior = tau / (1 + (tau / (10 * scale)) ** 2) ** 1.5
        return prior * likelihood / np.sqrt(precision.sum())

    def given(tau, i):
        precision = 1 / (s**2 + tau**2)
        mean, toward = precision @ y / precision.sum(), s[i] ** 2 * precision[i]
        variance = (1 - toward) * s[i] ** 2 + toward**2 / precision.sum()
        return (1 - toward) * y[i] + toward * mean, np.sqrt(variance)

    def integral(of):
        parts = [(0, 1), (1, 10), (10, np.inf)]
        return sum(integrate.quad(of, *part, epsabs=1e-12)[0] for part in parts)

    total, found = integral(density), shrunken(y, s, interval=0.9)
    for i in range(4):
        mean = integral(lambda tau, i=i: given(tau, i)[0] * density(tau)) / total
        assert mean == pytest.approx(found.effect[i], rel=1e-6)
        for end, level in ((found.low[i], 0.05), (found.high[i], 0.95)):
            below = integral(
                lambda tau, i=i, end=end: (
                    ndtr((end - given(tau, i)[0]) / given(tau, i)[1]) * density(tau)
                )
            )
            assert level == pytest.approx(below / total, abs=1e-6)
    assert 0.5 == pytest.approx(integrate.quad(density, 0, found.tau)[0] / total, abs=0.05)


def test_shrinking_is_strong_where_groups_agree_and_nil_where_they_are_far_apart():
    """Means kept; far apart, each keeps its own estimate and interval."""
    alike = shrunken(np.array([1.0, 1.1, 0.9, 1.0]), np.ones(4))
    assert np.ptp(alike.effect) < 0.7 * 0.2
    assert alike.high[0] - alike.low[0] < 2 * 1.96 * 0.9
    y = np.array([-900.0, 0.0, 500.0])
    apart = shrunken(y, np.ones(3))
    assert y == pytest.approx(apart.effect, abs=0.02)
    assert y + 1.96 == pytest.approx(apart.high, abs=0.03)
    cents = shrunken(100 * y, np.full(3, 100.0))
    assert 100 * apart.low == pytest.approx(cents.low)


@pytest.mark.parametrize(
    ("groups", "tau"),
    [
        (2, 0.5),
        pytest.param(2, 5.0, marks=pytest.mark.slow),
        pytest.param(5, 1.0, marks=pytest.mark.nightly),
        pytest.param(5, 2.0, marks=pytest.mark.slow),
        pytest.param(20, 1.0, marks=pytest.mark.nightly),
    ],
)
def test_shrunken_intervals_cover(groups, tau):
    """Groups of unlike size; within three Monte Carlo errors of 95%, or above it."""
    rng, covered, runs = np.random.default_rng(groups), [], 80 if tau < 1.0 else 300
    for _ in range(runs):
        s = np.exp(rng.normal(0.0, 0.6, groups))
        truth = rng.normal(0.0, tau, groups)
        found = shrunken(rng.normal(truth, s), s)
        covered.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert np.mean(covered) > 0.95 - 3.0 * np.std(covered) / np.sqrt(runs)
    assert np.mean(covered) < 0.99


@pytest.mark.nightly
def test_segments_that_do_not_differ_are_called_different_in_five_percent():
    """1,000 tests of six segments of skewed counts with one effect for all."""
    rng, runs, rejected = np.random.default_rng(1), 1000, 0
    for _ in range(runs):
        n = 3000
        segment, arm = rng.integers(0, 6, n), rng.integers(0, 2, n)
        rate = rng.gamma(1.0, 2.0, n)
        y = rng.poisson(rate * (1.0 + 0.1 * arm))
        found = segment_effects(y, arm, segment, rate, control=0)
        rejected += found.differences["pvalue"].item() < 0.05
    assert 0.05 == pytest.approx(rejected / runs, abs=3.0 * np.sqrt(0.05 * 0.95 / runs))
