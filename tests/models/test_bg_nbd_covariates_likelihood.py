"""Likelihood and expectations of BG/NBD customers who differ by covariates.

FHL is Fader, Hardie & Lee (2005); the covariates enter as in Fader & Hardie (2007), note 019.
"""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest

from purchase_samples import (
    bg_nbd_log_likelihood,
    central_differences,
    simulate_with_covariates,
)
from retention_models.models import nbd
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.covariates.likelihood import (
    covariate_histories,
    log_likelihood_with_derivatives,
    nbd_log_likelihood_with_derivatives,
)
from retention_models.models.histories import count_histories

PHI = np.array([-0.2, 1.5, -0.3, 0.7, 0.2, -0.3, 0.4, 0.1, -0.2, 0.35])


def plain_log_likelihood(phi, x, t_x, T, counts, Z):
    """FHL (6) of each customer as printed, with the parameters of the note."""
    k, total = Z.shape[1], 0.0
    on_alpha, on_a, on_b = phi[4 : 4 + k], phi[4 + k : 4 + 2 * k], phi[4 + 2 * k :]

    def beta(p, q):
        return exp(lgamma(p) + lgamma(q) - lgamma(p + q))

    for i in range(x.size):
        r, alpha = exp(phi[0]), exp(phi[1]) * exp(-sum(on_alpha * Z[i]))
        a, b = exp(phi[2]) * exp(sum(on_a * Z[i])), exp(phi[3]) * exp(sum(on_b * Z[i]))
        value = beta(a, b + x[i]) / beta(a, b) * (alpha + T[i]) ** -(r + x[i])
        if x[i] > 0:
            gone = beta(a + 1.0, b + x[i] - 1.0) / beta(a, b)
            value += gone * (alpha + t_x[i]) ** -(r + x[i])
        total += counts[i] * (lgamma(r + x[i]) - lgamma(r) + r * log(alpha) + log(value))
    return total


def small(seed):
    """60 customers with counts, and a point to evaluate at."""
    rng = np.random.default_rng(seed)
    x, t_x, T, _, Z = simulate_with_covariates(
        rng, 60, np.zeros((3, 2)), (0.8, 5.0, 0.6, 2.0), days=True
    )
    phi = PHI + rng.normal(0.0, 0.3, PHI.size)
    return phi, (x, t_x, T, rng.integers(1, 5, x.size).astype(float), Z)


@pytest.mark.parametrize("seed", range(3))
def test_log_likelihood_is_the_sum_over_customers(seed):
    """Against a loop over customers in plain Python."""
    phi, data = small(seed)
    value, _, _ = log_likelihood_with_derivatives(phi, covariate_histories(*data))
    assert value == pytest.approx(plain_log_likelihood(phi, *data), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_derivatives_match_central_differences(seed):
    """Gradient from the value and Hessian from the gradient; the same for the limit."""
    phi, data = small(seed)
    histories = covariate_histories(*data)
    for function, point in (
        (log_likelihood_with_derivatives, phi),
        (nbd_log_likelihood_with_derivatives, phi[[0, 1, 4, 5]]),
    ):
        _, gradient, hessian = function(point, histories)
        slope, bend = central_differences(lambda p, f=function: f(p, histories), point)
        assert gradient == pytest.approx(slope, rel=1e-6, abs=1e-5)
        assert hessian == pytest.approx(bend, rel=1e-6, abs=1e-5)


def test_without_effects_it_is_the_model_without_covariates():
    """At γ = 0: value, and derivatives by the logs of r, α, a, b; the same for the limit."""
    phi, (x, t_x, T, n, Z) = small(1)
    histories = covariate_histories(x, t_x, T, n, Z)
    phi[4:] = 0.0
    got = log_likelihood_with_derivatives(phi, histories)
    expected = bg_nbd_log_likelihood(phi[:4], x, t_x, T, n)
    limit = nbd_log_likelihood_with_derivatives(phi[[0, 1, 4, 5]], histories)
    known = count_histories(x, t_x, T, n)
    expected_limit = nbd.log_likelihood_with_derivatives(phi[:2], known)
    for one, other, k in ((got, expected, 4), (limit, expected_limit, 2)):
        assert one[0] == pytest.approx(other[0], rel=1e-12)
        assert one[1][:k] == pytest.approx(other[1], rel=1e-9)
        assert one[2][:k, :k] == pytest.approx(other[2], rel=1e-9)


def test_two_groups_are_two_models_with_one_r():
    """The log-likelihood is the sum over groups, each at the parameters that its z implies."""
    phi, (x, t_x, T, n, Z) = small(2)
    z = Z[:, :1]
    phi = phi[[0, 1, 2, 3, 4, 6, 8]]
    value, _, _ = log_likelihood_with_derivatives(phi, covariate_histories(x, t_x, T, n, z))
    total = 0.0
    for group, shift in ((z[:, 0] == 0.0, 0.0), (z[:, 0] == 1.0, 1.0)):
        own = phi[:4] + shift * np.array([0.0, -phi[4], phi[5], phi[6]])
        rows = (column[group] for column in (x, t_x, T, n))
        total += bg_nbd_log_likelihood(own, *rows)[0]
    assert value == pytest.approx(total, rel=1e-12)


def test_expectations_take_customers_who_differ_in_a():
    """An array of a gives what its elements give one by one, from 0 over 1 to large."""
    a = np.array([0.0, 1e-6, 0.5, 1.0, 1.7, 30.0, 400.0])
    b, r, alpha, t = (np.linspace(*ends, a.size) for ends in ((3, 1), (1, 9), (2, 8), (1, 50)))
    expected = [
        float(BG_NBD.expected_purchases(*row)) for row in zip(t, r, alpha, a, b, strict=True)
    ]
    assert BG_NBD.expected_purchases(t, r, alpha, a, b) == pytest.approx(expected, rel=1e-12)
    alive = [float(BG_NBD.probability_alive(2, 5, 9, 1, *p)) for p in zip(alpha, a, b, strict=True)]
    assert BG_NBD.probability_alive(2, 5, 9, 1, alpha, a, b) == pytest.approx(alive, rel=1e-12)


def test_rare_purchases_and_almost_no_dropout_keep_their_digits():
    """α = 470,000, a ≈ 0, b = 1e8: the NBD's r·t/α, of which most digits once cancelled."""
    got = BG_NBD.expected_purchases(26.0, 1.67, 470_325.0, 1.5e-18, 1e8)
    assert float(got) == pytest.approx(1.67 * 26.0 / 470_325.0, rel=1e-6)
