"""What intervals and p-values of covariates promise, by simulation."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from scipy.stats import binom

from purchase_samples import simulate_with_covariates
from retention_models.models.covariates.fit import fit_bg_nbd_covariates

NAMES = ("campaign", "age")
BASE = (0.9, 6.0, 0.7, 2.2)


@pytest.mark.nightly
def test_intervals_cover_the_truth():
    """100 samples of 2,000: 90% intervals of both covariates, within the binomial's 99.9%."""
    gammas = np.array([[0.4, -0.2], [-0.5, 0.2], [0.2, 0.0]])
    true = {"purchase_rate": gammas[0], "dropout_log_odds": gammas[1] - gammas[2]}
    covered = dict.fromkeys((*true, "mean_rate", "mean_dropout"), 0)
    for seed in range(100):
        sample = simulate_with_covariates(np.random.default_rng(seed), 2_000, gammas, BASE)
        got = fit_bg_nbd_covariates(*sample, NAMES)
        assert got.verdict == "converged"
        effects = got.effects(interval=0.90)
        for k, name in enumerate(NAMES):
            ends = np.stack([got.centre, got.centre])
            ends[:, k] = got.reference[:, k]
            odds = np.exp(log(BASE[2] / BASE[3]) + ends @ true["dropout_log_odds"])
            before, after = odds / (1.0 + odds)
            truth = {key: value[k] for key, value in true.items()}
            truth |= {"mean_rate": exp(gammas[0, k]) - 1.0, "mean_dropout": after - before}
            for key, value in truth.items():
                row = effects.loc[(name, key)]
                covered[key] += row["low"] <= value <= row["high"]
    low, high = binom.interval(0.999, 200, 0.90)
    assert {} == {key: hits for key, hits in covered.items() if not low <= hits <= high}
    # Rate and dropout of two independent covariates: 400 all but independent intervals.
    low, high = binom.interval(0.999, 400, 0.90)
    assert low <= covered["purchase_rate"] + covered["dropout_log_odds"] <= high


@pytest.mark.nightly
def test_a_covariate_without_effect_is_called_significant_one_time_in_twenty():
    """200 samples of 1,000, two null covariates: p < .05 within the binomial's 99.9%."""
    rejected = dict.fromkeys(("purchase_rate", "dropout_log_odds", "mean_dropout"), 0)
    for seed in range(200):
        sample = simulate_with_covariates(
            np.random.default_rng(10_000 + seed), 1_000, np.zeros((3, 2)), BASE
        )
        pvalues = fit_bg_nbd_covariates(*sample, NAMES).effects()["pvalue"].unstack()
        for key in rejected:
            rejected[key] += int((pvalues[key] < 0.05).sum())
    low, high = binom.interval(0.999, 400, 0.05)
    assert {} == {key: hits for key, hits in rejected.items() if not low <= hits <= high}
