"""The Pareto/NBD's formulas and fit against customers of a simulator that shares no code with them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from plain_pareto_nbd import plain_customer
from retention_models.models.pareto_nbd import PARETO_NBD
from retention_models.models.pareto_nbd_likelihood import fit_pareto_nbd
from tiers import sized

pytestmark = [pytest.mark.slow, pytest.mark.sized]

# Slow buyers most of whom leave soon (about CDNOW's, in weeks), and brisk ones who stay.
SHOPS = [(0.55, 10.6, 0.61, 11.7), (1.8, 6.0, 1.3, 60.0)]
AHEAD, RATE = 26.0, 0.01
# 21 numbers of each shop lie beyond 4 standard errors once in 380 drawings of both shops.
BEYOND = 4.0


@pytest.fixture(scope="module", params=SHOPS, ids=["slow", "brisk"])
def shop(request):
    """Parameters, histories by T of 26 to 52 weeks, who is alive, and what followed."""
    chance = random.Random(20)
    people = [
        plain_customer(chance, *request.param, chance.uniform(26.0, 52.0), AHEAD)
        for _ in range(sized(15_000, 400_000))
    ]
    x, t_x, T, alive, came, discounted = np.array(
        [
            (
                *(one.frequency, one.recency, one.T, one.is_alive, len(one.later)),
                sum(np.exp(-RATE * time) for time in one.later),
            )
            for one in people
        ]
    ).T
    return request.param, (x, t_x, T), alive, came, discounted


def z(seen, expected) -> float:
    """The difference of the sums in its standard errors, each customer's being independent."""
    beyond = np.asarray(seen) - np.asarray(expected)
    return float(beyond.sum() / np.sqrt((beyond**2).sum()))


def test_counts_of_new_customers_are_distributed_as_said(shop, record_property):
    """Their mean, and the chance of none, one … five and more."""
    parameters, (x, _, T), *_ = shop
    chances = np.array([PARETO_NBD.purchase_count_probability(n, T, *parameters) for n in range(5)])
    found = [z(x, PARETO_NBD.expected_purchases(T, *parameters))]
    found += [z(x == n, chances[n]) for n in range(5)]
    found.append(z(x >= 5, 1.0 - chances.sum(axis=0)))
    record_property("z of mean and counts", str(np.round(found, 1).tolist()))
    assert np.abs(found).max() < BEYOND


def test_the_chance_to_be_alive_is_the_share_of_those_who_are(shop, record_property):
    """Among those told little, and those told much."""
    parameters, history, alive, *_ = shop
    told = PARETO_NBD.probability_alive(*history, *parameters)
    edges = [0.0, 0.25, 0.5, 0.75, 0.9, 1.0]
    groups = np.digitize(told, edges[1:-1])
    found = [z(alive[groups == k], told[groups == k]) for k in np.unique(groups)]
    record_property("z by chance", str(np.round(found, 1).tolist()))
    assert np.abs(found).max() < BEYOND


def test_what_known_customers_buy_comes_as_expected(shop, record_property):
    """By how often they bought, plain and discounted; who bought and for how long ago counts."""
    parameters, (x, t_x, T), _, came, discounted = shop
    expected = PARETO_NBD.conditional_expected_purchases(AHEAD, x, t_x, T, *parameters)
    sooner = PARETO_NBD.conditional_discounted_purchases(AHEAD, RATE, x, t_x, T, *parameters)
    silent = T - t_x > 13.0
    groups = [x == 0, x == 1, (x > 1) & silent, (x > 1) & ~silent]
    found = [z(came[group], expected[group]) for group in groups]
    found += [z(discounted[group], sooner[group]) for group in groups]
    record_property("z of purchases and discounted ones", str(np.round(found, 1).tolist()))
    assert np.abs(found).max() < BEYOND


def test_the_fit_finds_the_truth(shop, record_property):
    """Each parameter, on the log scale, within four of its standard errors."""
    parameters, (x, t_x, T), *_ = shop
    fit = fit_pareto_nbd(x, t_x, T, np.ones(x.size))
    assert fit.verdict == "converged"
    found = np.log(fit.parameters / np.array(parameters)) / np.sqrt(np.diag(fit.log_covariance))
    record_property("z of r, α, s, β", str(found.round(1).tolist()))
    assert np.abs(found).max() < BEYOND
