"""Independence of spend and frequency: found where it is not, not found where it is."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import cdnow_data
import retention_models as rm
from retention_models.errors import CannotSay


def customers(n: int, seed: int, *, dependence: float = 0.0, p: float = 1.5) -> pd.DataFrame:
    """Gamma-Gamma customers whose level of spend is x^dependence times as high."""
    rng = np.random.default_rng(seed)
    x = 1 + rng.poisson(3.0 * rng.gamma(0.8, 1 / 0.8, n))
    rate = rng.gamma(4.0, 1 / 40.0, n) / x**dependence
    return pd.DataFrame({"frequency": x, "monetary_value": rng.gamma(p * x) / x / rate})


def test_independent_spend_is_harmless_where_a_plain_correlation_cries_wolf():
    """Means of few purchases lie lower in rank although spend is the same."""
    sample = customers(2000, 1)
    found = rm.spend_independence(sample)
    assert "use" == found.verdict
    assert found.rank_pvalue > 0.05
    plain = spearmanr(sample["frequency"], sample["monetary_value"])
    assert found.plain_rank_correlation == pytest.approx(plain.statistic)
    assert plain.pvalue < 1e-4


@pytest.mark.parametrize(
    ("dependence", "verdict", "words"),
    [
        (0.05, "use", "too small to matter"),
        (0.25, "use with care", "spend somewhat more each time"),
        (-0.25, "use with care", "spend somewhat less each time"),
        (0.6, "do not use", "do not rank single ones by value"),
    ],
)
def test_the_verdict_goes_by_the_size_of_the_dependence(dependence, verdict, words):
    """With 4,000 customers any of these is beyond chance."""
    found = rm.spend_independence(customers(4000, 2, dependence=dependence))
    assert verdict == found.verdict
    assert words in found.reason
    assert found.rank_pvalue < 0.05
    assert np.sign(dependence) == np.sign(found.log_correlation.value)


def test_few_customers_leave_room_for_dependence():
    """Nothing is found, nothing can be ruled out."""
    found = rm.spend_independence(customers(25, 3))
    assert "use with care" == found.verdict
    assert "so few customers leave room" in found.reason


def test_cdnow_buyers_who_come_often_spend_somewhat_more():
    """FH (2013) report .11 as the plain correlation of the 946 and take it for none."""
    sample = cdnow_data.cdnow_sample()
    repeat = sample[sample["frequency"] > 0]
    plain = np.corrcoef(repeat["frequency"], repeat["monetary_value"])[0, 1]
    assert plain == pytest.approx(0.11, abs=0.01)
    found = rm.spend_independence(sample)
    assert 946 == found.customers
    assert "use with care" == found.verdict
    assert found.rank_correlation.low < 0.16 < found.rank_correlation.high


@pytest.mark.parametrize(
    ("frame", "words"),
    [(customers(9, 1), "too few"), (customers(50, 1).assign(frequency=2), "equally often")],
)
def test_what_cannot_be_told_is_said(frame, words):
    """In words, not as a number."""
    with pytest.raises(CannotSay, match=words):
        rm.spend_independence(frame)


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.8, 1.5, 6.0])
def test_false_positives_keep_to_their_level(p):
    """At most 5% of independent stores, where a plain Spearman test finds .4 of them or more."""
    found = [rm.spend_independence(customers(2000, seed, p=p)) for seed in range(200)]
    # Binomial(200, .05) exceeds 18 in 1% of cases.
    assert sum(each.rank_pvalue < 0.05 for each in found) <= 18
    assert sum(each.log_pvalue < 0.05 for each in found) <= 18
    assert all("use" == each.verdict for each in found)
    plain = [
        spearmanr(*customers(2000, seed, p=p).to_numpy().T).pvalue < 0.05 for seed in range(100)
    ]
    assert sum(plain) >= 40
