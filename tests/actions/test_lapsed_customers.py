"""What customers who have left would bring if they were customers still."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import dblquad

from action_samples import TERMS, World, outlook_of, summary_of
from retention_models import predict_customers
from retention_models.errors import SettingsError
from retention_models.models.fitters import BetaGeoFitter, ParetoNBDFitter, as_lapsed

WEEKS = 30.0


@pytest.fixture(scope="module")
def outlook():
    """Models of 200 simulated customers."""
    return outlook_of(World(np.random.default_rng(1), 200).summary())


def slow(outlook, x, t_x, T):
    """REF: probability to have left, and purchases lost by it, by integrals over λ and p.

    A history of one who left at t_x has likelihood λ^x e^(−λ·t_x) (1−p)^(x−1) p, of one who has not
    λ^x e^(−λT) (1−p)^x; whoever buys at rate λ and leaves with p buys (1 − e^(−λpt))/p times in t.
    """
    r, alpha, a, b = outlook.purchases.fit_.parameters

    def integral(of):
        def weighted(p, rate):
            prior = rate ** (r - 1 + x) * np.exp(-rate * alpha) * p ** (a - 1) * (1 - p) ** (b - 1)
            return prior * of(p, rate)

        top = 40.0 * (r + x) / (alpha + t_x)
        return dblquad(weighted, 0.0, top, 0.0, 1.0, epsabs=0.0, epsrel=1e-7)[0]

    def gone(p, rate):
        return np.exp(-rate * t_x) * (1 - p) ** (x - 1) * p

    left = integral(gone)
    both = left + integral(lambda p, rate: np.exp(-rate * T) * (1 - p) ** x)
    lost = integral(lambda p, rate: gone(p, rate) * -np.expm1(-rate * p * WEEKS) / p)
    return left / both, lost / both


@pytest.mark.parametrize("history", [(1, 3.0, 30.0), (4, 12.0, 20.0)])
def test_what_is_lost_is_the_mean_over_who_has_left(outlook, history):
    """The same integrals in closed form."""
    x, t_x, T = history
    model, seen = as_lapsed(outlook.purchases), summary_of([x], [t_x], [T], [10.0])
    terms = TERMS | {"horizon": WEEKS}
    found = predict_customers(model, outlook.spend, seen, **terms).iloc[0]
    left, lost = slow(outlook, x, t_x, T)
    assert left == pytest.approx(found["probability_alive"], rel=1e-5)
    assert lost == pytest.approx(found["expected_purchases"], rel=1e-5)


def test_nobody_has_left_without_a_repeat_purchase(outlook):
    """Nothing is lost by them."""
    model, seen = as_lapsed(outlook.purchases), summary_of([0], [0.0], [50.0], [0.0])
    found = predict_customers(model, outlook.spend, seen, **TERMS).iloc[0]
    assert (0.0, 0.0) == (found["probability_alive"], found["clv"])
    assert 0.0 == found["clv_high"]


def test_the_rate_of_one_who_left_is_that_of_the_time_in_which_it_bought(outlook):
    """Not that of the silence after it: the loss grows towards a bound as silence does."""
    model = as_lapsed(outlook.purchases)
    lost = [
        predict_customers(model, outlook.spend, seen, **TERMS)["clv"].iloc[0]
        for seen in (
            summary_of([9], [10.0], [T], [20.0]) for T in (10.0, 20.0, 50.0, 500.0, 1000.0)
        )
    ]
    assert sorted(lost) == lost
    assert lost[-2] == pytest.approx(lost[-1], rel=1e-3)


def test_only_a_fitted_model_whose_customers_leave_at_a_purchase_will_do(outlook):
    """In the Pareto/NBD they leave on other days; covariates' customers differ."""
    history = [0, 2, 5, 0, 1, 3], [0, 30, 20, 0, 5, 31], [39, 39, 30, 25, 39, 32]
    for model in (BetaGeoFitter(), "BG/NBD"):
        with pytest.raises(SettingsError, match="expected a fitted model of purchases"):
            as_lapsed(model)
    with pytest.raises(SettingsError, match="of the Pareto/NBD nobody can say when"):
        as_lapsed(ParetoNBDFitter().fit(*history))
    groups = pd.DataFrame({"campaign": [0, 0, 0, 1, 1, 1]})
    with pytest.raises(SettingsError, match="without covariates"):
        as_lapsed(BetaGeoFitter().fit(*history, covariates=groups))
