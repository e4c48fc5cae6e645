"""Effects of randomised campaigns, against hand-made sandwiches and published numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from campaign_designs import effect_per_redeemer
from retention_models.campaigns.estimators.randomised import (
    randomised_effect,
    randomised_effects,
)
from retention_models.campaigns.estimators.regression import fit_arms, fit_outcomes, read_arms
from retention_models.errors import CannotSay, DataError, SettingsError


def sample_of(n, mean, deviation, rng):
    """N numbers with exactly that mean and standard deviation."""
    z = rng.standard_normal(n)
    z = (z - z.mean()) / z.std(ddof=1)
    return mean + deviation * z


def hc2_by_hand(y, z, X):
    """Coefficient of Z in Y on 1, Z, X, Z·X with X centred, and its HC2 variance: matrices only."""
    X = X - X.mean(axis=0)
    design = np.column_stack([np.ones(y.size), z, X, X * z[:, None]])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    meat = design.T @ (design * ((y - design @ beta) ** 2 / (1 - leverage))[:, None])
    return beta[1], (bread @ meat @ bread)[1, 1]


@pytest.fixture(scope="module")
def customers():
    """Skewed counts of 300 customers in three arms, with two covariates."""
    rng = np.random.default_rng(11)
    X = pd.DataFrame({"expected": rng.gamma(1.0, 2.0, 300), "alive": rng.random(300)})
    arm = rng.choice(["cashback", "none", "shipping"], 300, p=[0.3, 0.5, 0.2])
    y = rng.poisson(X["expected"] * X["alive"] * np.where(arm == "none", 1.0, 1.5)).astype(float)
    return y, arm, X


@pytest.fixture(scope="module")
def growthbook():
    """Its unit test: means .41 and .70, deviations 3.9 and 6.2, 3,407 and 3,461 customers."""
    rng = np.random.default_rng(0)
    y = np.concatenate([sample_of(3407, 0.41, 3.9, rng), sample_of(3461, 0.70, 6.2, rng)])
    return randomised_effect(y, np.repeat(["a", "b"], [3407, 3461]), control="a").of("b")


def test_the_absolute_effect_is_growthbooks(growthbook):
    """gbstats, test of TwoSidedTTest, absolute difference."""
    assert 0.29 == pytest.approx(growthbook.absolute_effect)
    assert (0.04538, 0.53462) == pytest.approx(
        (growthbook.conf_low, growthbook.conf_high), abs=5e-6
    )
    assert 0.02016 == pytest.approx(growthbook.pvalue, abs=5e-6)


def test_the_lift_is_growthbooks(growthbook):
    """gbstats, test of TwoSidedTTest, relative: .70732, standard error .37879."""
    assert 70.732 == pytest.approx(growthbook.lift_percent, abs=5e-4)
    assert 37.879 == pytest.approx(growthbook.lift_standard_error, abs=5e-4)


def test_the_covariate_takes_off_growthbooks_theta():
    """gbstats, test of compute_theta: .01864, in both arms; ten units more before cost ten θ."""
    before, after = np.array([0.3, 0.5, 0.9, 22.0]), np.array([2.0, 1.0, 5.0, 3.0])
    pre, arm = np.concatenate([before, before + 10.0]), np.repeat(["a", "b"], 4)
    found = randomised_effect(np.tile(after, 2), arm, pre, control="a").of("b")
    assert 0.01864 == pytest.approx(-found.absolute_effect / 10.0, abs=5e-6)


def test_the_lifts_interval_is_symmetric_on_the_log(growthbook):
    """exp(ln 1.707 ± t·se): the ends' product is the square of the ratio."""
    low, high = 1 + growthbook.lift_low / 100, 1 + growthbook.lift_high / 100
    assert (0.70 / 0.41) ** 2 == pytest.approx(low * high)
    error = np.sqrt(6.2**2 / 3461 / 0.70**2 + 3.9**2 / 3407 / 0.41**2)
    t = stats.t.ppf(0.975, growthbook.degrees_of_freedom)
    assert 2 * t * error == pytest.approx(np.log(high / low))


def test_without_covariates_it_is_welchs_test(customers):
    """SciPy's, two arms: interval, p-value and degrees of freedom; R² 0 and gain 1."""
    y, arm, _ = customers
    two = arm != "shipping"
    found = randomised_effect(y[two], arm[two], control="none", interval=0.9)
    effect = found.of("cashback")
    welch = stats.ttest_ind(y[arm == "cashback"], y[arm == "none"], equal_var=False)
    ends = welch.confidence_interval(0.9)
    assert welch.pvalue == pytest.approx(effect.pvalue)
    assert (ends.low, ends.high) == pytest.approx((effect.conf_low, effect.conf_high))
    assert welch.df == pytest.approx(effect.degrees_of_freedom)
    assert (0.0, 1.0) == (found.r_squared, effect.gain)


def test_with_covariates_it_is_the_interacted_regression(customers):
    """Coefficient and HC2 variance of Z, by matrices in NumPy."""
    y, arm, X = customers
    two = arm != "shipping"
    effect = randomised_effect(y[two], arm[two], X[two], control="none").of("cashback")
    beta, variance = hc2_by_hand(y[two], (arm[two] == "cashback") * 1.0, X[two].to_numpy())
    assert beta == pytest.approx(effect.absolute_effect)
    assert variance == pytest.approx(effect.standard_error**2)


@pytest.mark.parametrize("with_covariates", [True, False])
def test_means_and_variances_are_statsmodels(customers, with_covariates):
    """OLS on all arms' columns at once with HC2, three arms, to ten digits; two outcomes together."""
    y, arm, X = customers
    arms = read_arms(y, arm, X if with_covariates else None, "none")
    width = 1 + arms.covariates.shape[1]
    columns = np.column_stack([np.ones(y.size), arms.covariates])
    design = np.column_stack([columns * (arms.index == g)[:, None] for g in range(3)])
    outcomes = np.column_stack([y, np.sqrt(y) + X["alive"]])
    for outcome, found in zip(outcomes.T, fit_outcomes(arms, outcomes), strict=True):
        fit = OLS(outcome, design).fit(cov_type="HC2")
        assert fit.params[::width] == pytest.approx(found.means, rel=1e-10)
        assert fit.bse[::width] ** 2 == pytest.approx(found.variances, rel=1e-10)
        assert fit.ssr / fit.df_resid == pytest.approx(found.residual, rel=1e-10)
        alone = fit_arms(arms, outcome)
        assert alone.variances == pytest.approx(found.variances, rel=1e-12)
        plain = OLS(outcome, design[:, ::width]).fit()
        assert plain.ssr / plain.df_resid == pytest.approx(found.total, rel=1e-10)


def test_several_outcomes_are_each_found_as_if_alone(customers):
    """Each with covariates of its own, one without any; a constant one is a reason, not a stop."""
    y, arm, X = customers
    outcomes = pd.DataFrame({"purchases": y, "bought": y > 0, "spend": y * X["alive"], "none": 0})
    names = {"bought": ["alive"], "spend": []}
    given = {"control": "none", "interval": 0.9}
    found = randomised_effects(outcomes, arm, X, adjusted_by=names, **given)
    assert list(outcomes) == list(found)
    for name, used in {"purchases": X, "bought": X[["alive"]], "spend": None}.items():
        alone = randomised_effect(outcomes[name], arm, used, **given)
        assert alone.covariates == found[name].covariates
        one, two = (
            t.table().drop(columns=["arm", "against", "lift_refusal"]) for t in (alone, found[name])
        )
        assert one.to_numpy(float) == pytest.approx(two.to_numpy(float), rel=1e-9, abs=1e-12)
    assert isinstance(found["none"], CannotSay)
    assert "Wait until some have bought" in str(found["none"])


def test_outcomes_that_cannot_be_read_are_named(customers):
    """A missing number by its outcome; a covariate that is not there; few customers as a reason."""
    y, arm, X = customers
    outcomes = pd.DataFrame({"purchases": y, "spend": y})
    with pytest.raises(SettingsError, match="adjusted_by of 'spend' names age; the covariates are"):
        randomised_effects(outcomes, arm, X, control="none", adjusted_by={"spend": ["age"]})
    with pytest.raises(SettingsError, match="outcomes and covariates have different index labels"):
        randomised_effects(outcomes, arm, X.iloc[::-1], control="none")
    outcomes.loc[4, "spend"] = np.nan
    with pytest.raises(DataError, match=r"spend has 1 rows .* first at row 4"):
        randomised_effects(outcomes, arm, X, control="none")
    few = randomised_effects(
        pd.DataFrame({"y": [1, 2, 4, 3]}),
        list("aabb"),
        pd.DataFrame({"x": [1, 2, 4, 9]}),
        control="a",
    )
    assert "too few for a mean with 1 covariate" in str(few["y"])


def test_three_arms_are_one_regression(customers):
    """Covariates centred over all arms: each arm's line by itself, read at the average customer."""
    y, arm, X = customers
    found = randomised_effect(y, arm, X, control="none")
    means = {}
    for label in ("none", "cashback", "shipping"):
        rows = arm == label
        design = np.column_stack([np.ones(rows.sum()), X[rows]])
        means[label] = np.r_[1.0, X.mean()] @ np.linalg.lstsq(design, y[rows], rcond=None)[0]
    pairs = [("cashback", "none"), ("shipping", "none"), ("shipping", "cashback")]
    assert pairs == [(effect.arm, effect.against) for effect in found.effects]
    for effect in found.effects:
        expected = means[effect.arm] - means[effect.against]
        assert expected == pytest.approx(effect.absolute_effect)
        assert (arm == effect.arm).sum() == effect.customers


@pytest.mark.parametrize("real", [True, False])
def test_p_values_allow_for_all_comparisons(customers, real):
    """Holm's, as statsmodels finds them; with an effect and with chance alone."""
    y, arm, X = customers
    y = y if real else np.random.default_rng(1).permutation(y)
    effects = randomised_effect(y, arm, X, control="none").effects
    expected = multipletests([effect.pvalue for effect in effects], method="holm")[1]
    assert expected == pytest.approx([effect.pvalue_holm for effect in effects])


def test_r_squared_and_gain_are_as_defined(customers):
    """Squares within arms before and after; variances without covariates and with."""
    y, arm, X = customers
    found, plain = (randomised_effect(y, arm, x, control="none") for x in (X, None))
    rest = total = 0.0
    for label in np.unique(arm):
        rows = arm == label
        design = np.column_stack([np.ones(rows.sum()), X[rows]])
        rest += np.linalg.lstsq(design, y[rows], rcond=None)[1][0]
        total += ((y[rows] - y[rows].mean()) ** 2).sum()
    assert 1 - (rest / (300 - 9)) / (total / (300 - 3)) == pytest.approx(found.r_squared)
    gain = (plain.effects[0].standard_error / found.effects[0].standard_error) ** 2
    assert gain == pytest.approx(found.effects[0].gain)
    table = found.table()
    assert [found.r_squared] * 3 == table["r_squared"].tolist()
    assert [effect.gain for effect in found.effects] == table["gain"].tolist()


def test_neither_units_nor_origin_of_covariates_matter(customers):
    """Cents for euros, and a year for an age."""
    y, arm, X = customers
    other = X * [1e6, 1e-6] + [1e7, -2000.0]
    one, two = (randomised_effect(y, arm, x, control="none").effects[0] for x in (X, other))
    assert one.conf_low == pytest.approx(two.conf_low, rel=1e-6)


def test_a_lift_on_what_is_not_positive_is_refused_in_words():
    """Profit can be a loss; the absolute effect stands."""
    y = np.array([-3.0, -1.0, -2.0, 1.0, 3.0, 2.0])
    effect = randomised_effect(y, [0, 0, 0, 1, 1, 1], control=0).of(1)
    assert 4.0 == pytest.approx(effect.absolute_effect)
    assert np.isnan([effect.lift_percent, effect.lift_low, effect.lift_high]).all()
    assert "positive mean in both arms" in effect.lift_refusal


def test_a_comparison_that_is_not_there_is_named(customers):
    """With those that are."""
    y, arm, X = customers
    with pytest.raises(SettingsError, match=r"No effect of 'points'.*'cashback' against 'none'"):
        randomised_effect(y, arm, X, control="none").of("points")


def test_missing_numbers_are_named_by_row():
    """Of outcome, covariate, arm."""
    arm = ["a", "a", "b", "b"]
    with pytest.raises(DataError, match=r"outcome has 1 rows .* at row 2; .*bought nothing has 0"):
        randomised_effect([1, 2, np.nan, 4], arm, control="a")
    spend = pd.DataFrame({"spend": [np.inf, 1, 2, np.nan]})
    with pytest.raises(DataError, match=r"spend has 2 rows .* at row 0, 3"):
        randomised_effect([1, 2, 3, 4], arm, spend, control="a")
    with pytest.raises(DataError, match=r"arm has 1 rows .* at row 1"):
        randomised_effect([1, 2, 3, 4], ["a", None, "b", "b"], control="a")


def test_a_missing_arm_among_texts_is_not_an_arm():
    """NumPy alone would call it "nan"."""
    with pytest.raises(DataError, match=r"arm has 1 rows .* at row 3"):
        randomised_effect([1, 2, 3, 4, 5], ["a", "a", "b", np.nan, "b"], control="a")


def test_customers_in_another_order_are_refused():
    """Rows of different customers would meet, and nothing would show it."""
    y = pd.Series([1.0, 2.0, 4.0, 3.0, 7.0, 9.0], index=list("uvwxyz"))
    arm = pd.Series(list("aaabbb"), index=y.index)
    before = pd.DataFrame({"x": [3, 1, 2, 5, 4, 9]}, index=list("zyxwvu"))
    with pytest.raises(SettingsError, match="arm and covariates have different index labels"):
        randomised_effect(y, arm, before, control="a")
    found = randomised_effect(y, arm, before.loc[y.index], control="a")
    bare = randomised_effect(
        y.to_numpy(), arm.to_numpy(), before["x"].to_numpy()[::-1], control="a"
    )
    assert bare.effects == found.effects


def test_texts_for_numbers_are_named():
    """The column; and columns of one name."""
    arm = list("aabb")
    with pytest.raises(DataError, match="town holds what is no number"):
        randomised_effect([1, 2, 3, 4], arm, pd.DataFrame({"town": list("wxyz")}), control="a")
    twice = pd.DataFrame([[1, 2], [3, 4], [5, 6], [7, 9]], columns=["x", "x"])
    with pytest.raises(SettingsError, match="expected names that differ"):
        randomised_effect([1, 2, 3, 4], arm, twice, control="a")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"control": "c"}, r"control is 'c' and the arms are \['a', 'b'\]"),
        ({"arm": ["a"] * 6}, "at least two arms"),
        ({"arm": ["a", "b"]}, r"outcome has shape \(6,\) and arm \(2,\)"),
        ({"covariates": [1.0, 2.0]}, "a row for each of the 6 outcomes"),
        ({"covariates": [7.1] * 6}, "covariate 1 is the same for every customer"),
        ({"interval": 95}, "interval is 95"),
    ],
)
def test_settings_out_of_range_are_named(given, words):
    """The parameter, what was expected."""
    usual = {"outcome": [1, 2, 3, 4, 5, 7], "arm": list("aaabbb"), "control": "a"}
    with pytest.raises(SettingsError, match=words):
        randomised_effect(**(usual | given))


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        (np.arange(12.0).reshape(6, 2) ** 2, "has 3 customers, too few for a mean with 2"),
        ([1.0, 1.0, 1.0, 2.0, 3.0, 5.0], "do not vary apart"),
        ([0.0, 0.0, 1.0, 2.0, 3.0, 5.0], "one customer alone decides"),
    ],
)
def test_an_arm_that_cannot_carry_its_covariates_says_so(covariates, words):
    """Too few, constant in the arm, or one customer's own."""
    with pytest.raises(CannotSay, match=words):
        randomised_effect([1, 2, 4, 3, 5, 9], list("aaabbb"), covariates, control="a")


def test_an_outcome_that_nobody_has_yet_says_so():
    """All zero: no interval of width 0."""
    with pytest.raises(CannotSay, match="Wait until some have bought"):
        randomised_effect(np.zeros(8), list("aaaabbbb"), control="a")


def test_the_effect_per_redeemer_is_two_stage_least_squares(customers):
    """Wald's ratio and the HC2 sandwich of instrumental variables, by matrices."""
    y, _, _ = customers
    rng = np.random.default_rng(4)
    z = rng.integers(0, 2, 300)
    D = np.where(z == 1, rng.random(300) < 0.4, rng.random(300) < 0.05) * 1.0
    found = effect_per_redeemer(y, D, z, treated=1, control=0)
    Z, W = np.column_stack([np.ones(300), z]), np.column_stack([np.ones(300), D])
    inverse = np.linalg.inv(Z.T @ W)
    beta = inverse @ Z.T @ y
    leverage = np.where(z == 1, 1 / (z == 1).sum(), 1 / (z == 0).sum())
    meat = Z.T @ (Z * ((y - W @ beta) ** 2 / (1 - leverage))[:, None])
    assert beta[1] == pytest.approx(found.per_redeemer)
    assert (inverse @ meat @ inverse.T)[1, 1] == pytest.approx(found.standard_error**2)
    assert found.intention_to_treat == pytest.approx(found.per_redeemer * found.redemption)
    assert found.label.startswith("Secondary")


def test_too_few_redeemers_are_refused():
    """Two of a hundred."""
    D = np.zeros(200)
    D[[100, 101]] = 1
    arm = np.repeat([0, 1], 100)
    with pytest.raises(CannotSay, match=r"2\.0% more of 1 redeemed than of 0: too few"):
        effect_per_redeemer(np.arange(200.0), D, arm, treated=1, control=0)


def test_redemption_that_is_no_yes_or_no_is_named():
    """Rows, and what was expected."""
    given = {"outcome": [1, 2, 3, 4], "arm": [0, 0, 1, 1], "control": 0}
    with pytest.raises(
        DataError, match="redeemed has 1 rows that do not fit, first at row 3; expected 0 or 1"
    ):
        effect_per_redeemer(redeemed=[0, 0, 1, 2], treated=1, **given)
    with pytest.raises(SettingsError, match="redeemed: expected 4 rows"):
        effect_per_redeemer(redeemed=[0, 1], treated=1, **given)
    with pytest.raises(SettingsError, match="treated is 2"):
        effect_per_redeemer(redeemed=[0, 0, 1, 1], treated=2, **given)
