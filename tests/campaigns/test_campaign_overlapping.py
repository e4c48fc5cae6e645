"""Campaigns at once: against statsmodels' regression with all products, and simulated customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from retention_models.campaigns.estimators.factorial import overlapping_effects
from retention_models.errors import CannotSay, DataError, SettingsError
from tiers import sized


def customers(seed: int, n: int = 900, campaigns: int = 2, together: float = -0.5):
    """Skewed outcome, offers by lot with unequal shares, two covariates."""
    rng = np.random.default_rng(seed)
    names = ["coupon", "shipping", "points"][:campaigns]
    Z = pd.DataFrame(
        {name: rng.random(n) < share for name, share in zip(names, (0.5, 0.3, 0.6), strict=False)}
    )
    X = pd.DataFrame({"expected": rng.gamma(1.0, 2.0, n), "alive": rng.random(n)})
    lift = 1.0 + 0.4 * Z["coupon"] + 0.2 * Z["shipping"] + together * Z["coupon"] * Z["shipping"]
    return rng.poisson(X["expected"] * lift).astype(float), Z, X


def test_two_campaigns_are_statsmodels_regression():
    """Z₁, Z₂ centred, Z₁Z₂, covariates centred and interacted with all three; HC2."""
    y, Z, X = customers(1)
    centred = (X - X.mean()).to_numpy()
    found = overlapping_effects(y, Z, X).table.set_index("campaigns")
    for campaigns, other in ((("coupon",), "shipping"), (("shipping",), "coupon")):
        own, second = Z[campaigns[0]] * 1.0, Z[other] - Z[other].mean()
        terms = np.column_stack([np.ones(len(y)), own, second, own * second])
        design = np.column_stack([terms, *(terms * x[:, None] for x in centred.T)])
        fit = OLS(y, design).fit(cov_type="HC2")
        row = found.loc[[campaigns]].iloc[0]
        assert fit.params[1] == pytest.approx(row["absolute_effect"], rel=1e-10)
        assert fit.bse[1] == pytest.approx(row["standard_error"], rel=1e-10)
        both = found.loc[[("coupon", "shipping")]].iloc[0]
        assert fit.params[3] == pytest.approx(both["absolute_effect"], rel=1e-10)
        assert fit.bse[3] == pytest.approx(both["standard_error"], rel=1e-10)


def test_three_campaigns_are_averaged_over_the_others_as_they_were_offered():
    """Means of the eight cells, differences weighted by hand; the third-order product too."""
    y, Z, _ = customers(2, n=4000, campaigns=3)
    found = overlapping_effects(y, Z).table.set_index("campaigns")["absolute_effect"]
    assert 7 == len(found)
    a, b, c = (Z[name].to_numpy() for name in Z)
    mean = {
        (i, j, k): y[(a == i) & (b == j) & (c == k)].mean()
        for i in (0, 1)
        for j in (0, 1)
        for k in (0, 1)
    }
    coupon = sum(
        ((b == j) & (c == k)).mean() * (mean[1, j, k] - mean[0, j, k])
        for j in (0, 1)
        for k in (0, 1)
    )
    assert coupon == pytest.approx(found.loc[[("coupon",)]].item())
    pair = [mean[1, 1, k] - mean[0, 1, k] - mean[1, 0, k] + mean[0, 0, k] for k in (0, 1)]
    assert (1 - c.mean()) * pair[0] + c.mean() * pair[1] == pytest.approx(
        found.loc[[("coupon", "shipping")]].item()
    )
    assert pair[1] - pair[0] == pytest.approx(found.loc[[tuple(Z)]].item())


def test_cells_say_what_each_combination_had():
    """Customers, mean and standard error of each, without covariates."""
    y, Z, _ = customers(3)
    cells = overlapping_effects(y, Z).cells
    rows = Z["coupon"] & ~Z["shipping"]
    row = cells[cells["coupon"] & ~cells["shipping"]].iloc[0]
    assert rows.sum() == row["customers"]
    assert y[rows].mean() == pytest.approx(row["mean"])
    assert y[rows].std(ddof=1) / np.sqrt(rows.sum()) == pytest.approx(row["standard_error"])


def test_a_combination_that_nobody_had_is_refused():
    """Everyone with the coupon had free shipping as well."""
    y, Z, X = customers(4)
    with pytest.raises(CannotSay, match="Nobody was offered 'coupon' and not 'shipping'"):
        overlapping_effects(y, Z.assign(shipping=Z["shipping"] | Z["coupon"]), X)
    with pytest.raises(CannotSay, match="Wait until some have bought"):
        overlapping_effects(np.zeros(y.size), Z)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offered": pd.DataFrame({"a": [0, 1] * 450})}, "offered has 1 columns"),
        ({"offered": pd.DataFrame(np.eye(4).repeat(225, 0))}, "offered has 4 columns"),
        (
            {"offered": pd.DataFrame(np.eye(2).repeat(450, 0) * 2)},
            "rows that do not fit.*expected 0 or 1",
        ),
        ({"offered": pd.DataFrame([[0, 1]] * 900, columns=["a", "a"])}, "expected unlike names"),
        ({"interval": 95}, "interval is 95"),
        ({"offered": pd.DataFrame([[0, 1]] * 5)}, "expected 900 rows"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """The argument, and what was expected of it."""
    y, Z, X = customers(5)
    with pytest.raises((SettingsError, DataError), match=message):
        overlapping_effects(**({"outcome": y, "offered": Z, "covariates": X} | change))


def test_customers_in_another_order_are_refused():
    """Rows of different customers would meet; and a missing outcome is named."""
    y, Z, X = customers(6)
    with pytest.raises(SettingsError, match="offered and covariates have different index labels"):
        overlapping_effects(y, Z, X.iloc[::-1])
    with pytest.raises(DataError, match="outcome has 1 rows"):
        overlapping_effects(np.append(y[1:], np.nan), Z, X)


@pytest.mark.slow
@pytest.mark.sized
def test_intervals_of_effects_and_interaction_cover_the_truth():
    """1,000 tests of 3,000 customers; the coupon works only without free shipping."""
    runs, covered, share = sized(300, 1000), np.zeros(3), 0.3
    truth = np.array([0.4 - 0.4 * share, 0.2 - 0.4 * 0.5, -0.4]) * 2.0
    for seed in range(runs):
        table = overlapping_effects(*customers(seed, n=3000, together=-0.4)).table
        covered += ((table["conf_low"] <= truth) & (truth <= table["conf_high"])).to_numpy()
    assert 0.95 == pytest.approx(covered / runs, abs=3.0 * np.sqrt(0.05 * 0.95 / runs))
