"""Fits of CDNOW and of the donations against an optimiser that knows no derivatives.

The likelihoods here are the published formulas in plain SciPy, maximised by Nelder and Mead's
simplex; what they give on the whole of CDNOW stands below as REF: a value that was computed
independently of this package. Those of the BG/NBD and of spend are in `test_bg_nbd_likelihood` and
`test_gamma_gamma`.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from cdnow_data import cdnow_master, cdnow_sample
from retention_models.models.beta_dropout_likelihood import fit_bg_nbd, fit_mbg_nbd
from retention_models.models.pareto_nbd_likelihood import fit_pareto_nbd

TABLES = [
    pytest.param(cdnow_sample, id="sample"),
    pytest.param(cdnow_master, id="master", marks=pytest.mark.slow),
]


def distinct(table):
    """Frequency, recency, T and the number of customers with each."""
    rows = table.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    return [rows[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T", "n")]


def beta_dropout_loss(phi, x, t_x, T, n, first):
    """Minus the log-likelihood of Fader, Hardie & Lee (2005), or with first=1 of the MBG/NBD."""
    r, alpha, a, b = np.exp(phi)
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    alive = betaln(a, b + x + first) - (r + x) * np.log(alpha + T)
    before = np.maximum(x + first - 1.0, 0.0)
    left = betaln(a + 1.0, b + before) - (r + x) * np.log(alpha + t_x)
    left = np.where(x + first > 0, left, -np.inf)
    return -float(n @ (front + np.logaddexp(alive, left)))


def pareto_loss(phi, x, t_x, T, n):
    """Minus the log-likelihood of Fader & Hardie's note 009 (2005), with its two 2F1 functions."""
    r, alpha, s, beta = np.exp(phi)
    larger, apart, total = max(alpha, beta), abs(alpha - beta), r + s + x
    second = s + 1.0 if alpha >= beta else r + x

    def term(t):
        hyper = hyp2f1(total, second, total + 1.0, apart / (larger + t))
        return hyper * ((larger + T) / (larger + t)) ** total

    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    gap = np.maximum(s / total * (term(t_x) - term(T)), 1e-300)
    return -float(n @ (front + np.logaddexp(alive, np.log(gap) - total * np.log(larger + T))))


def simplex(loss, start, *arguments):
    """Estimates and log-likelihood at the end of the search."""
    found = minimize(
        loss,
        np.log(start),
        args=arguments,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000},
    )
    return np.exp(found.x), -found.fun


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("fit", "first"), [(fit_bg_nbd, 0), (fit_mbg_nbd, 1)])
def test_fits_with_beta_dropout_are_those_of_the_simplex(table, fit, first):
    """BG/NBD and MBG/NBD: estimates to six digits, the log-likelihood to a millionth."""
    rows = distinct(table())
    estimates, log_likelihood = simplex(beta_dropout_loss, [0.4, 5.0, 0.8, 2.0], *rows, first)
    got = fit(*rows)
    assert got.parameters == pytest.approx(estimates, rel=2e-6)
    assert got.log_likelihood == pytest.approx(log_likelihood, abs=1e-6)


@pytest.mark.parametrize("table", TABLES)
def test_pareto_nbd_fit_is_that_of_the_simplex(table):
    """The same for the Pareto/NBD."""
    rows = distinct(table())
    estimates, log_likelihood = simplex(pareto_loss, [0.5, 10.0, 0.6, 11.0], *rows)
    got = fit_pareto_nbd(*rows)
    assert got.parameters == pytest.approx(estimates, rel=5e-6)
    assert got.log_likelihood == pytest.approx(log_likelihood, abs=1e-6)


@pytest.mark.parametrize(
    ("fit", "estimates", "log_likelihood"),
    [
        (fit_mbg_nbd, [0.637140, 7.310290, 0.807474, 1.228394], -95336.95832),  # REF
        (fit_pareto_nbd, [0.597420, 11.585658, 0.522186, 8.827760], -95415.11862),  # REF
    ],
    ids=["mbg_nbd", "pareto_nbd"],
)
def test_fits_of_the_cdnow_master(fit, estimates, log_likelihood):
    """All 23,570 customers, calibration to 1997-09-30, weeks."""
    got = fit(*distinct(cdnow_master()))
    assert got.parameters == pytest.approx(estimates, rel=2e-6)
    assert got.log_likelihood == pytest.approx(log_likelihood, abs=1e-5)
    assert got.verdict == "converged"


def test_lifetimes_own_model_of_donations_is_as_published():
    """BG/BB, Fader, Hardie & Shang (2010): 11,104 donors, α 1.204, β .750, γ .657, δ 2.783.

    The model stays lifetimes' own; this shows that it still works on today's libraries.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes of 2020 on today's pandas and NumPy
        import lifetimes
        from lifetimes.datasets import load_donations

        donors = load_donations()
        model = lifetimes.BetaGeoBetaBinomFitter()
        model.fit(donors["frequency"], donors["recency"], donors["periods"], donors["weights"])
    assert donors["weights"].sum() == 11_104
    assert model.params_.to_numpy() == pytest.approx([1.204, 0.750, 0.657, 2.783], abs=6e-4)
    total = -model._negative_log_likelihood_ * donors["weights"].sum()
    assert total == pytest.approx(-33225.582, abs=1e-3)
