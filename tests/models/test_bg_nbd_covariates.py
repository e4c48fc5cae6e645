"""The BG/NBD model with static covariates: fit, effects, verdicts, predictions."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from purchase_samples import cdnow_sample, simulate_with_covariates
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.beta_dropout_likelihood import fit_bg_nbd
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.covariates.fit import fit_bg_nbd_covariates
from retention_models.models.covariates.likelihood import (
    covariate_histories,
    log_likelihood_with_derivatives,
    nbd_log_likelihood_with_derivatives,
)
from retention_models.models.covariates.model import EFFECTS

NAMES = ("campaign", "age")
BASE = (0.9, 6.0, 0.7, 2.2)


def simulated(rng, size, gammas, base=BASE, **how):
    """Histories, counts and covariates of customers; see `simulate_with_covariates`."""
    return simulate_with_covariates(rng, size, gammas, base, **how)


@pytest.fixture(scope="module")
def sample():
    """1,500 customers; the campaign's buy more often and leave less."""
    return simulated(np.random.default_rng(5), 1_500, [[0.4, 0.0], [-0.5, 0.2], [0.2, 0.0]])


@pytest.fixture(scope="module")
def fit(sample):
    """Their fit."""
    return fit_bg_nbd_covariates(*sample, NAMES)


def test_the_fit_lies_between_one_model_and_two(sample):
    """It is nested between the model of all customers and one of each group."""
    x, t_x, T, n, Z = sample
    campaign = Z[:, 0] == 1.0
    got = fit_bg_nbd_covariates(x, t_x, T, n, Z[:, :1], ("campaign",)).base.log_likelihood
    pooled = fit_bg_nbd(x, t_x, T, n).log_likelihood
    apart = sum(fit_bg_nbd(x[g], t_x[g], T[g], n[g]).log_likelihood for g in (campaign, ~campaign))
    assert pooled < got < apart
    assert got == pytest.approx(apart, abs=2.0)  # they share r in truth: one parameter is spent


def test_predictions_are_those_of_each_customers_own_parameters(sample, fit):
    """P(alive), expectations of known and of new customers, one customer after the other."""
    x, t_x, T, _, Z = (column[:20] for column in sample)
    on_alpha, on_a, on_b = fit.coefficients
    r, alpha, a, b = fit.base.parameters
    alive, expected, new = [], [], []
    for i in range(20):
        own = r, alpha / exp(on_alpha @ Z[i]), a * exp(on_a @ Z[i]), b * exp(on_b @ Z[i])
        history = x[i], t_x[i], T[i]
        alive.append(float(BG_NBD.probability_alive(*history, *own)))
        expected.append(float(BG_NBD.conditional_expected_purchases(26.0, *history, *own)))
        new.append(float(BG_NBD.expected_purchases(26.0, *own)))
    assert fit.probability_alive(x, t_x, T, Z) == pytest.approx(alive, rel=1e-9)
    assert fit.expected_purchases(26.0, x, t_x, T, Z) == pytest.approx(expected, rel=1e-9)
    assert BG_NBD.expected_purchases(26.0, *fit.customer_parameters(Z)) == pytest.approx(
        new, rel=1e-9
    )


def test_predictions_sum_to_what_was_bought(sample, fit):
    """The expected purchases of new customers over their T agree with those made, within 5%."""
    x, _, T, _, Z = sample
    assert BG_NBD.expected_purchases(T, *fit.customer_parameters(Z)).sum() == pytest.approx(
        x.sum(), rel=0.05
    )


def test_parameters_of_all_customers_are_refused(fit):
    """There is no one set: what would predict without covariates finds none."""
    with pytest.raises(SettingsError, match="fitted with covariates \\(campaign, age\\)"):
        _ = fit.parameters
    with pytest.raises(SettingsError, match="fitted with covariates"):
        fit.draws(10, np.random.default_rng(0))


def test_the_maximum_is_one_and_its_errors_are_the_inverse_information(sample, fit):
    """In the covariates as given: the gradient is zero, the covariance −H⁻¹."""
    _, gradient, hessian = log_likelihood_with_derivatives(fit.phi, covariate_histories(*sample))
    assert fit.verdict == "converged"
    assert np.abs(gradient).max() < 1e-3
    inverse = np.linalg.inv(-hessian)
    error = np.sqrt(np.diag(inverse))
    assert np.all(np.abs(fit.covariance - inverse) < 1e-4 * np.outer(error, error))
    assert fit.base.log_covariance == pytest.approx(fit.covariance[:4, :4], rel=1e-6)
    assert fit.base.free_parameters == 10


def test_effects_are_functions_of_the_coefficients(fit):
    """γ and what follows for mean rate and mean dropout; the errors by differences."""
    effects = fit.effects()

    def derived(phi, k):
        on_rate, on_a, on_b = phi[4:].reshape(3, -1)
        ends = np.stack([fit.centre, fit.centre])
        ends[:, k] = (0.0, 1.0) if k == 0 else (fit.centre[1], fit.centre[1] + 1.0)
        a, b = np.exp(phi[2] + ends @ on_a), np.exp(phi[3] + ends @ on_b)
        before, after = a / (a + b)
        gammas = on_rate[k], on_a[k], on_b[k], on_a[k] - on_b[k]
        return np.array([*gammas, exp(on_rate[k]) - 1.0, after - before])

    for k, name in enumerate(NAMES):
        got = effects.loc[name]
        assert list(EFFECTS) == list(got.index)
        assert got["effect"].to_numpy() == pytest.approx(derived(fit.phi, k), rel=1e-9)
        steps = 1e-5 * np.eye(fit.phi.size)
        slopes = [(derived(fit.phi + s, k) - derived(fit.phi - s, k)) / 2e-5 for s in steps]
        errors = np.sqrt(np.diag(np.transpose(slopes) @ fit.covariance @ np.array(slopes)))
        assert got["se"].to_numpy() == pytest.approx(errors, rel=1e-6)


def test_intervals_and_p_values_agree(fit):
    """A 95% interval leaves 0 out exactly where p < .05; a wider one is wider."""
    effects, wider = fit.effects(), fit.effects(interval=0.99)
    outside = (effects["low"] > 0.0) | (effects["high"] < 0.0)
    assert outside.tolist() == (effects["pvalue"] < 0.05).tolist()
    assert (wider["low"] < effects["low"]).all()
    assert (wider["high"] > effects["high"]).all()
    with pytest.raises(SettingsError, match="interval: expected a level between 0 and 1"):
        fit.effects(interval=95)


def test_a_change_of_a_probability_that_may_be_anything_is_not_given(fit):
    """Where the base dropout is as good as unknown, with a reason of its own."""
    vague = replace(fit, root=fit.root + 40.0 * np.eye(fit.phi.size)[:, 2:3])
    row = vague.effects().loc[("campaign", "mean_dropout")]
    assert np.isnan(row["low"])
    assert "standard error is above 0.5" in row["note"]


def test_counts_stand_for_repeated_rows(sample):
    """A row counted three times is three customers."""
    x, t_x, T, _, Z = (column[:500] for column in sample)
    counts = np.random.default_rng(4).integers(1, 4, x.size)
    weighted = fit_bg_nbd_covariates(x, t_x, T, counts.astype(float), Z, NAMES)
    rows = np.repeat(np.arange(x.size), counts)
    repeated = fit_bg_nbd_covariates(
        x[rows], t_x[rows], T[rows], np.ones(rows.size), Z[rows], NAMES
    )
    assert weighted.phi == pytest.approx(repeated.phi, rel=1e-5, abs=1e-7)
    assert weighted.customers == rows.size
    every = fit_bg_nbd_covariates(x[rows], t_x[rows], T[rows], None, Z[rows], NAMES)
    assert every.phi.tolist() == pytest.approx(repeated.phi.tolist(), rel=1e-12)
    assert weighted.reference == pytest.approx(repeated.reference)


def test_effects_do_not_depend_on_where_a_covariate_is_counted_from(sample, fit):
    """Age in other units, from another zero: γ scales, predictions and log-likelihood stay."""
    x, t_x, T, n, Z = sample
    shifted = Z * [1.0, 12.0] + [0.0, 40.0]
    other = fit_bg_nbd_covariates(x, t_x, T, n, shifted, NAMES)
    assert other.base.log_likelihood == pytest.approx(fit.base.log_likelihood, rel=1e-12)
    scaled = fit.coefficients / [1.0, 12.0]
    assert other.coefficients == pytest.approx(scaled, rel=1e-5, abs=1e-8)
    before = fit.expected_purchases(26.0, x, t_x, T, Z)
    assert other.expected_purchases(26.0, x, t_x, T, shifted) == pytest.approx(before, rel=1e-6)
    same = ["dropout_log_odds", "purchase_rate"]
    pvalues = [e.effects()["pvalue"].unstack()[same].to_numpy() for e in (fit, other)]
    assert pvalues[0] == pytest.approx(pvalues[1], rel=1e-4)


def test_a_covariate_far_from_zero_is_told_to_be_counted_from_elsewhere(sample):
    """Two seconds of difference in a century: no digits are left; or parameters at 0 overflow."""
    x, t_x, T, n, Z = sample
    with pytest.raises(SettingsError, match=r"'age' lies at 3\.15.*subtract a usual value"):
        fit_bg_nbd_covariates(x, t_x, T, n, Z + np.array([0.0, 3.15e9]), NAMES)
    with pytest.raises(SettingsError, match="at 'age' = 0 the parameters are beyond all bounds"):
        fit_bg_nbd_covariates(x, t_x, T, n, Z + np.array([0.0, 9e3]), NAMES)


def test_covariates_that_determine_each_other_are_named(sample):
    """Three columns of which two add up to the third, beside one that is free."""
    x, t_x, T, n, Z = sample
    web = (np.arange(x.size) % 3 == 0).astype(float)
    Z = np.stack([Z[:, 0], web, Z[:, 0] + 2.0 * web, Z[:, 1]], axis=1)
    with pytest.raises(SettingsError, match="campaign, web, both determine each other"):
        fit_bg_nbd_covariates(x, t_x, T, n, Z, ("campaign", "web", "both", "age"))


def test_a_covariate_that_does_not_vary_is_named(sample):
    """Everyone joined through the campaign."""
    x, t_x, T, n, _ = sample
    with pytest.raises(SettingsError, match="'campaign' does not vary"):
        fit_bg_nbd_covariates(x, t_x, T, n, np.ones((x.size, 1)), ("campaign",))


def test_nobody_who_bought_again_is_an_error_that_says_so():
    """As without covariates."""
    with pytest.raises(CannotSay, match="None of the 2 customers has bought a second time"):
        fit_bg_nbd_covariates(
            np.zeros(2), np.zeros(2), np.full(2, 9.0), np.ones(2), np.eye(2)[:, :1], ("campaign",)
        )


def test_without_visible_dropout_only_the_purchase_rate_has_effects(sample):
    """Everyone's last purchase is at T: the NBD with covariates, and a sentence about dropout."""
    x, _, T, n, Z = sample
    t_x = np.where(x > 0, T, 0.0)
    got = fit_bg_nbd_covariates(x, t_x, T, n, Z, NAMES)
    assert got.verdict == "boundary"
    assert "no dropout is visible" in got.message
    assert got.base.parameters[2] == 0.0
    assert got.base.free_parameters == 4
    histories = covariate_histories(x, t_x, T, n, Z)
    _, gradient, _ = nbd_log_likelihood_with_derivatives(got.phi[[0, 1, 4, 5]], histories)
    assert np.abs(gradient).max() < 1e-3
    told = got.effects()["effect"].unstack().notna()
    assert told[["purchase_rate", "mean_rate"]].all(axis=None)
    assert not told[["a", "b", "dropout_log_odds", "mean_dropout"]].any(axis=None)
    assert np.all(got.probability_alive(x, t_x, T, Z) == 1.0)
    rate = np.exp(got.phi[0] - got.phi[1] + Z @ got.coefficients[0])
    assert BG_NBD.expected_purchases(10.0, *got.customer_parameters(Z)) == pytest.approx(
        10.0 * rate
    )


def test_a_campaign_without_dropout_is_named():
    """40 customers who never left: its effect on dropout has no bound, the other's is told."""
    x, t_x, T, n, Z = simulated(np.random.default_rng(8), 1_000, np.zeros((3, 2)), share=0.04)
    campaign = Z[:, 0] == 1.0
    t_x = np.where(campaign & (x > 0), T, t_x)
    got = fit_bg_nbd_covariates(x, t_x, T, n, Z, NAMES)
    assert got.verdict == "not identified"
    assert "how campaign acts on dropout" in got.message
    assert (
        f"of {campaign.sum()} of 1,000 customers (campaign 1) no dropout is visible" in got.message
    )
    effects = got.effects()
    assert np.isnan(effects.loc[("campaign", "dropout_log_odds"), "effect"])
    assert np.isnan(effects.loc[("campaign", "mean_dropout"), "low"])
    assert effects.loc[("campaign", "mean_dropout"), "note"] == got.message
    assert effects.loc[("age", "dropout_log_odds"), "se"] < 1.0


def test_a_group_that_leaves_alike_still_tells_its_mean_dropout():
    """One group has one dropout probability: γ2 and γ3 have no bound, their difference is told."""
    rng = np.random.default_rng(0)
    one = simulated(rng, 1_500, np.zeros((3, 2)), base=(0.9, 6.0, 3e6, 7e6))
    two = simulated(rng, 1_500, np.zeros((3, 2)))
    x, t_x, T, n, _ = (np.concatenate(columns) for columns in zip(one, two, strict=True))
    got = fit_bg_nbd_covariates(x, t_x, T, n, np.repeat([[1.0], [0.0]], 1_500, axis=0), ("one",))
    assert got.verdict == "boundary"
    assert "1,500 of 3,000 customers leave with nearly the same probability" in got.message
    effects = got.effects().loc["one"]
    assert effects.loc[["a", "b"], "effect"].isna().all()
    row = effects.loc["dropout_log_odds"]
    truth = log(0.3 / 0.7) - log(0.7 / 2.2)
    assert row["se"] < 0.2
    assert abs(row["effect"] - truth) < 4.0 * row["se"]


@pytest.mark.slow
def test_any_handful_of_customers_gives_numbers_or_a_reason():
    """12 subsets of CDNOW with a coin and a heavy tail: predictions stay within their bounds."""
    x, t_x, T = cdnow_sample()
    messages = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows = rng.choice(x.size, 40, replace=False)
        Z = np.stack([rng.random(40) < 0.3, rng.standard_cauchy(40)], axis=1).astype(float)
        history = x[rows], t_x[rows], T[rows]
        got = fit_bg_nbd_covariates(*history, np.ones(40), Z, NAMES)
        messages.append(f"{got.verdict}: {got.message}")
        effects = got.effects()
        numbers = effects.drop(columns="note").notna()
        assert numbers.all(axis=1).tolist() == (effects["note"] == "").tolist()
        r, alpha, _, _ = got.customer_parameters(Z)
        expected = got.expected_purchases(26.0, *history, Z)
        assert np.all(expected >= 0.0)
        most = 26.0 * (r + history[0]) / (alpha + history[2])
        assert np.all(expected <= most * (1.0 + 1e-6))
    endless = "not identified: the likelihood rises towards a limit without end: "
    assert any(message.startswith(endless) for message in messages)
    assert any(message.startswith("boundary: ") for message in messages)


def test_a_penalty_is_refused(sample):
    """Its intervals would be too good to be true."""
    with pytest.raises(SettingsError, match=r"penalizer_coef: expected 0 .* got 0\.01"):
        fit_bg_nbd_covariates(*sample, NAMES, penalty=0.01)


def test_criteria_are_those_of_the_whole_model(fit):
    """Ten parameters, 1,500 customers."""
    assert fit.aic == pytest.approx(20.0 - 2.0 * fit.log_likelihood)
    assert fit.bic == pytest.approx(10.0 * log(1_500) - 2.0 * fit.log_likelihood)
