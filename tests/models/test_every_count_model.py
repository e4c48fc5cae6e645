"""What must hold of every model of purchases: shapes, identities, and what follows for the known.

A new model is one row of `purchase_samples.COUNT_MODELS`.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from purchase_samples import COUNT_MODELS, cdnow_sample, some_customers
from retention_models.errors import CannotSay
from retention_models.models.interface import PurchaseModel
from tiers import few

every_model = pytest.mark.parametrize(
    ("model", "theta"), COUNT_MODELS, ids=[model.label for model, _ in COUNT_MODELS]
)


def without_dropout(model, theta):
    """The same rates where nobody leaves: the third parameter is nothing."""
    r, alpha, _, last = theta
    return r, alpha, 0.0, last


@every_model
def test_a_model_gives_its_formulas_only(model, theta):
    """What is conditional on a history is the base's, so that no model has its own version of it."""
    derived = [name for name, _ in inspect.getmembers(model) if name.startswith("conditional_")]
    assert len(derived) == 5
    assert not [name for name in derived if name in type(model).__dict__]
    assert len(model.names) == len(theta)


@every_model
def test_a_customer_alive_is_worth_the_new_one_it_is_said_to_be(model, theta):
    """P(alive) times the new customer's quantity, and 1 − P(alive) more at no purchase."""
    x, t_x, T = some_customers()
    alive = model.probability_alive(x, t_x, T, *theta)
    ((_, new),), later = model.states(x, t_x, T, *theta), model.alive
    expected = model.conditional_expected_purchases(26.0, x, t_x, T, *theta)
    assert expected == pytest.approx(alive * later.expected_purchases(26.0, *new), rel=1e-12)
    discounted = model.conditional_discounted_purchases(26.0, 0.002, x, t_x, T, *theta)
    assert discounted == pytest.approx(
        alive * later.discounted_purchases(26.0, 0.002, *new), rel=1e-12
    )
    chances = model.conditional_count_probabilities(26.0, x, t_x, T, *theta)
    for n in (0, 3):
        chance = model.conditional_count_probability(n, 26.0, x, t_x, T, *theta)
        one = alive * later.purchase_count_probability(n, 26.0, *new) + (n == 0) * (1.0 - alive)
        assert chance == pytest.approx(one, rel=1e-12)
        assert chances[:, n] == pytest.approx(one, abs=2e-9)


@every_model
def test_chances_of_all_counts_are_those_of_each(model, theta):
    """For customers of their own parameters and of like ones, with and without dropout, at no time."""
    x, t_x, T = some_customers()
    ((_, new),) = model.states(x, t_x, T, *theta)
    alike = tuple(np.full(3, np.ravel(v)[0]) if np.ndim(v) else v for v in new)
    for given in (new, alike, tuple(theta), without_dropout(model, theta)):
        for t in (26.0, 0.0):
            each = [np.asarray(v)[:, None] if np.ndim(v) else v for v in given]
            one = model.alive.purchase_count_probability(np.arange(40), t, *each)
            found = model.alive.purchase_count_probabilities(40, t, *given)
            assert found == pytest.approx(np.atleast_2d(one), rel=1e-10, abs=1e-300)


@every_model
def test_a_known_customer_without_a_history_is_a_new_one(model, theta):
    """At x = t_x = T = 0 conditional and unconditional quantities agree."""
    nothing = (0.0, 0.0, 0.0)
    got = model.conditional_expected_purchases(39.0, *nothing, *theta)
    assert got == pytest.approx(model.expected_purchases(39.0, *theta), rel=1e-12)
    got = model.conditional_discounted_purchases(39.0, 0.01, *nothing, *theta)
    assert got == pytest.approx(model.discounted_purchases(39.0, 0.01, *theta), rel=1e-12)
    chances = model.conditional_count_probabilities(39.0, *nothing, *theta)[0]
    new = model.purchase_count_probability(np.arange(chances.size), 39.0, *theta)
    np.testing.assert_allclose(chances, new, rtol=1e-12, atol=1e-12)


@every_model
def test_shapes_are_those_of_the_histories(model, theta):
    """Single numbers, columns, and a column against a row."""
    x, t_x, T = some_customers()
    assert np.shape(model.probability_alive(2, 3.0, 9.0, *theta)) == ()
    assert np.shape(model.expected_purchases(26.0, *theta)) == ()
    assert model.probability_alive(x, t_x, T, *theta).shape == x.shape
    column, ends = (v[:, None] for v in (x, t_x, T)), np.array([1.0, 5.0])
    assert model.conditional_expected_purchases(ends, *column, *theta).shape == (x.size, 2)
    discounted = model.conditional_discounted_purchases(9.0, 0.01, x, t_x, 50.0, *theta)
    assert discounted.shape == x.shape
    assert model.purchase_count_probability(np.arange(4), 9.0, *theta).shape == (4,)
    assert model.conditional_count_probabilities(9.0, x, t_x, T, *theta).shape[0] == x.size


@every_model
def test_count_distributions_sum_to_one_and_have_the_expected_mean(model, theta):
    """Two routes to the mean, for customers with 0 to 10,000 purchases and where nobody leaves."""
    x = np.array([0.0, 2.0, 26.0, 1_000.0, 10_000.0])
    t_x, T = np.array([0.0, 30.43, 30.86, 38.8, 38.86]), np.full(5, 38.86)
    for one in (theta, without_dropout(model, theta)):
        chances = model.conditional_count_probabilities(39.0, x, t_x, T, *one, tail=1e-11)
        np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=3e-10)
        expected = model.conditional_expected_purchases(39.0, x, t_x, T, *one)
        np.testing.assert_allclose(chances @ np.arange(chances.shape[1]), expected, rtol=1e-8)


@every_model
def test_a_customer_who_surely_left_buys_nothing(model, theta):
    """P(alive) = 0: all the probability is in the first column."""
    chances = model.conditional_count_probabilities(39.0, 10_000, 10.0, 1e4, *theta)
    assert 1.0 == chances[0, 0]
    assert not chances[0, 1:].any()
    assert model.conditional_expected_purchases(39.0, 10_000, 10.0, 1e4, *theta) == 0.0


@every_model
def test_nothing_happens_in_no_time(model, theta):
    """A window without length."""
    assert model.expected_purchases(0.0, *theta) == 0.0
    chances = model.purchase_count_probability([0, 1, 5], 0.0, *theta)
    np.testing.assert_allclose(chances, [1.0, 0.0, 0.0], atol=1e-15)


@every_model
def test_without_dropout_everything_is_the_nbd(model, theta):
    """All are alive, buy r·t/α, NBD distributed, and discount as a perpetuity."""
    r, alpha, *rest = without_dropout(model, theta)
    nbd = (r, alpha, *rest)
    assert np.all(model.probability_alive([0, 5, 40], [0, 1.0, 5.0], 500.0, *nbd) == 1.0)
    assert model.expected_purchases(39.0, *nbd) == pytest.approx(39.0 * r / alpha)
    zero = model.purchase_count_probability(0, 39.0, *nbd)
    assert zero == pytest.approx((alpha / (alpha + 39.0)) ** r, rel=1e-13)
    endless = model.conditional_discounted_purchases(np.inf, 0.01, 5, 1.0, 39.0, *nbd)
    assert endless == pytest.approx((r + 5.0) / (alpha + 39.0) / 0.01, rel=1e-12)


@every_model
def test_discounting_at_no_rate_is_the_expectation_and_otherwise_less(model, theta):
    """δ = 0; then e^(−δH)·E(H) ≤ discounted ≤ E(H), and a long horizon is the endless one."""
    history = some_customers()
    plain = model.conditional_expected_purchases(39.0, *history, *theta)
    at_no_rate = model.conditional_discounted_purchases(39.0, 0.0, *history, *theta)
    assert at_no_rate == pytest.approx(plain, rel=1e-13)
    less = model.conditional_discounted_purchases(39.0, 0.01, *history, *theta)
    # Nothing is worked out of whoever has surely left, at P(alive) below 1e-15.
    assert np.all((np.exp(-0.39) * plain <= less + 1e-13) & (less <= plain))
    long, endless = (
        model.conditional_discounted_purchases(horizon, 0.0027, *history, *theta)
        for horizon in (20_000.0, np.inf)
    )
    assert long == pytest.approx(endless, rel=1e-12)


@every_model
def test_simulated_new_customers_buy_what_is_expected(model, theta):
    """Mean and P(0) of 100,000 draws at two ends of one path, new and known, within 4.5 errors."""
    ends = np.array([10.0, 40.0])
    ((_, alive),) = model.states(3.0, 15.0, 20.0, *theta)
    for one, parameters in ((model, theta), (model.alive, alive)):
        columns = np.broadcast_arrays(np.ones(100_000), *parameters)[1:]
        paths = list(one.simulate(ends, np.random.default_rng(1), *columns))
        assert np.all(paths[0] <= paths[1])
        for end, counts in zip(ends, paths, strict=True):
            error = counts.std() / np.sqrt(counts.size)
            assert abs(counts.mean() - one.expected_purchases(end, *parameters)) < 4.5 * error
            none = float(one.purchase_count_probability(0, end, *parameters))
            error = np.sqrt(none * (1.0 - none) / counts.size)
            assert abs((counts == 0).mean() - none) < 4.5 * error


@every_model
def test_a_fit_reaches_the_parameters_of_the_table(model, theta):
    """The table's are those of the CDNOW sample, REF; counts of rows are customers."""
    x, t_x, T = cdnow_sample()
    fit = model.fit(x, t_x, T)
    assert fit.verdict == "converged"
    assert (fit.names, fit.customers) == (model.names, x.size)
    np.testing.assert_allclose(fit.parameters, theta, rtol=2e-5)
    twice = model.fit(x, t_x, T, np.full(x.size, 2.0))
    np.testing.assert_allclose(twice.parameters, fit.parameters, rtol=1e-5)


@every_model
def test_without_any_repeat_purchase_the_fit_says_so(model, theta):
    """Every customer x = 0."""
    zero = np.zeros(5)
    with pytest.raises(CannotSay, match="second time"):
        model.fit(zero, zero, zero + 10.0)


@every_model
@pytest.mark.parametrize("penalty", few(1, [0.01, 0.0]))
@pytest.mark.parametrize("size", few(1, [10, 30]))
def test_small_stores_never_raise(model, theta, size, penalty):
    """Ten and thirty customers: finite numbers and a verdict."""
    x, t_x, T = cdnow_sample()
    rng = np.random.default_rng(size)
    for _ in range(8):
        rows = rng.choice(np.flatnonzero(T > 0), size, replace=False)
        if np.any(x[rows] > 0):
            fit = model.fit(x[rows], t_x[rows], T[rows], penalty=penalty)
            assert np.isfinite([*fit.parameters, *fit.log_covariance.ravel()]).all()
            assert np.isfinite(fit.log_likelihood)


def test_every_formula_is_asked_of_a_new_model():
    """A model that leaves one out cannot be made."""
    assert PurchaseModel.__abstractmethods__ == {
        "probability_alive",
        "states",
        "expected_purchases",
        "discounted_purchases",
        "purchase_count_probability",
        "simulate",
        "fit",
    }
