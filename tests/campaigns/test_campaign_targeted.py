"""Doubly robust effects against Stata's, a jackknife and simulated truth."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels
from statsmodels.discrete.discrete_model import Logit, Probit
from statsmodels.regression.linear_model import OLS
from statsmodels.treatment.treatment_effects import TreatmentEffect

from campaign_designs import targeted_effect
from retention_models.campaigns.effects.targeted import _findings
from retention_models.campaigns.estimators.binary_choice import fit_binary_choice
from retention_models.campaigns.estimators.doubly_robust import balance
from retention_models.errors import CannotSay, DataError, SettingsError
from tiers import sized

BIRTHS = Path(statsmodels.__file__).parent / "treatment/tests/results/cataneo2.csv"
OUTCOME, CHOICE = "prenatal1_ mmarried_ mage fbaby_", "mmarried_ mage mage2 fbaby_ medu"


@pytest.fixture(scope="module")
def births() -> pd.DataFrame:
    """Birth weights and mothers' smoking (Cattaneo, Journal of Econometrics 155, 2010)."""
    if not BIRTHS.exists():
        pytest.skip("this statsmodels comes without its tests' data")
    return pd.read_csv(BIRTHS)


def births_effect(births: pd.DataFrame, link: str):
    """The models of Stata's manual, nobody left out."""
    return targeted_effect(
        births["bweight"],
        births["mbsmoke_"],
        births[OUTCOME.split()],
        propensity_covariates=births[CHOICE.split()],
        link=link,
        estimand="ate",
        trim=(0.0, 1.0),
        small_sample=False,
    )


def customers(seed: int, n: int = 400, effect: float = 1.0, curve: float = 0.0, turn: float = 0.0):
    """Outcome, treatment, covariates; effects grow with the first covariate, of mean 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    bend = x[:, 0] ** 2 - 1
    z = rng.random(n) < 1 / (1 + np.exp(0.5 - 0.7 * x[:, 0] + 0.4 * x[:, 1] - turn * bend))
    y = x @ [2.0, 1.0] + curve * bend + z * (effect + 0.5 * x[:, 0]) + rng.normal(size=n)
    return y, z, x


def test_the_effect_on_all_is_that_of_stata(births):
    """Its `teffects aipw` with a probit; statsmodels' own tests hold the same −230.98920 (26.21056)."""
    found = births_effect(births, "probit")
    assert [-230.98920111258, 26.210564625435] == pytest.approx(
        [found.effect, found.standard_error], rel=1e-7
    )


@pytest.mark.slow
def test_with_a_logit_it_is_that_of_statsmodels(births):
    """Whose standard error comes from the method of moments, numerically."""
    choice = Logit.from_formula("mbsmoke_ ~ " + CHOICE.replace(" ", "+"), births).fit(disp=0)
    model = OLS.from_formula("bweight ~ " + OUTCOME.replace(" ", "+"), births)
    reference = TreatmentEffect(model, births["mbsmoke_"].to_numpy(), results_select=choice).aipw()
    found = births_effect(births, "logit")
    assert reference.effect[0] == pytest.approx(found.effect, rel=1e-6)
    assert reference.results_gmm.bse[0] == pytest.approx(found.standard_error, rel=1e-4)
    assert ["prenatal1_", "mmarried_", "mage", "fbaby_"] == list(found.balance.index)
    assert found.balance["weighted"].abs().max() < found.balance["unweighted"].abs().max()


@pytest.mark.parametrize(("link", "model"), [("logit", Logit), ("probit", Probit)])
def test_the_choice_is_that_of_statsmodels(link, model):
    """Chances, density, scores and information at the likelihood's maximum."""
    _, z, x = customers(1, curve=1.0, turn=0.4)
    design = np.column_stack([np.ones(len(z)), x])
    reference = model(z.astype(float), design)
    fit = reference.fit(disp=0)
    found = fit_binary_choice(z, design, link)
    assert fit.predict() == pytest.approx(found.chance, abs=1e-10)
    assert reference.pdf(design @ fit.params) == pytest.approx(found.density, abs=1e-10)
    assert reference.score_obs(fit.params) == pytest.approx(found.scores, abs=1e-8)
    assert -reference.hessian(fit.params) == pytest.approx(found.information, rel=1e-8)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_a_choice_that_the_covariates_tell_has_no_maximum(link):
    """Its coefficients would grow without end; nor has one with a column that says nothing."""
    _, _, x = customers(4)
    assert fit_binary_choice(x[:, 0] > 0, x, link) is None
    assert fit_binary_choice(x[:, 0] > 0.5, np.column_stack([x[:, 1], 0 * x[:, 1]]), link) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "effect", "error"),
    # As statsmodels' documentation prints them (treatment effects, notebook).
    [("ipw", -230.689, 25.817), ("ra", -239.639, 23.824), ("aipw", -230.990, 26.214)],
)
def test_the_reference_gives_what_it_prints_and_ours_is_its_doubly_robust_one(
    births, method, effect, error
):
    """Weighting or regression alone rest on one model each; of the three, the last is ours."""
    choice = Probit.from_formula("mbsmoke_ ~ " + CHOICE.replace(" ", "+"), births).fit(disp=0)
    model = OLS.from_formula("bweight ~ " + OUTCOME.replace(" ", "+"), births)
    teffect = TreatmentEffect(model, births["mbsmoke_"].to_numpy(), results_select=choice)
    found = getattr(teffect, method)()
    assert [effect, error] == pytest.approx([found.effect[0], found.results_gmm.bse[0]], abs=6e-4)
    if method == "aipw":
        ours = births_effect(births, "probit")
        assert [effect, error] == pytest.approx([ours.effect, ours.standard_error], rel=2e-4)


@pytest.mark.parametrize("estimand", ["att", "ate"])
def test_the_effect_is_its_formula(estimand):
    """With fits by statsmodels, and both models wrong."""
    y, z, x = customers(1, curve=1.0, turn=0.4)
    found = targeted_effect(y, z, x, estimand=estimand, trim=(0.0, 1.0))
    design = np.column_stack([np.ones(len(y)), x])
    p = Logit(z.astype(float), design).fit(disp=0).predict()
    m1, m0 = (OLS(y[s], design[s]).fit().predict(design) for s in (z, ~z))
    if estimand == "ate":
        expected = np.mean(m1 - m0 + z * (y - m1) / p - ~z * (y - m0) / (1 - p))
    else:
        odds = (p / (1 - p))[~z]
        expected = (y - m0)[z].mean() - np.average((y - m0)[~z], weights=odds)
    assert expected == pytest.approx(found.effect)


def changes_without(y, z, x, estimand: str, some: range) -> np.ndarray:
    """Times n, what leaving each of some customers out changes with everything fitted again."""
    full = targeted_effect(y, z, x, estimand=estimand, trim=(0, 1)).effect
    kept = [np.arange(len(y)) != i for i in some]
    out = [targeted_effect(y[k], z[k], x[k], estimand=estimand, trim=(0, 1)).effect for k in kept]
    return len(y) * (full - np.array(out))


@pytest.mark.parametrize("estimand", ["att", "ate"])
@pytest.mark.parametrize("small_sample", [True, False])
def test_a_customers_influence_is_what_leaving_him_out_changes(estimand, small_sample):
    """Both models are wrong here, so that every term of the influence function counts."""
    n = 3000
    y, z, x = customers(1, n=n, curve=1.0, turn=0.2)
    found = targeted_effect(
        *(y, z, x), estimand=estimand, trim=(0.0, 1.0), small_sample=small_sample
    )
    changes = changes_without(y, z, x, estimand, range(0, n, 100))
    assert changes == pytest.approx(found.influence[::100], rel=0.05, abs=0.02)
    assert 0 == pytest.approx(found.influence.mean(), abs=0.02 if small_sample else 1e-9)
    assert np.sqrt((found.influence**2).mean() / n) == pytest.approx(found.standard_error)


@pytest.mark.parametrize("estimand", ["att", "ate"])
def test_few_customers_have_the_standard_error_of_leaving_each_out(estimand):
    """A jackknife of everything; without the correction it is too small by twice as much and more."""
    n = 150
    y, z, x = customers(11, n=n)
    jackknife = np.sqrt((changes_without(y, z, x, estimand, range(n)) ** 2).sum()) / n
    ours, plain = (
        targeted_effect(y, z, x, estimand=estimand, trim=(0, 1), small_sample=small).standard_error
        for small in (True, False)
    )
    assert 2 * abs(ours - jackknife) < jackknife - plain
    assert plain < 0.975 * jackknife


def test_a_covariate_that_one_customer_decides_is_refused():
    """Leaving him out, there would be no coefficient."""
    y, z, x = customers(4)
    one = np.zeros(len(y))
    one[np.flatnonzero(~z)[0]] = one[np.flatnonzero(z)[:5]] = 1.0
    with pytest.raises(CannotSay, match="One customer alone"):
        targeted_effect(y, z, np.column_stack([x, one]), trim=(0, 1))


def test_customers_without_overlap_are_left_out_and_counted():
    """The share is of those whom the effect is of; the models are fitted again without them."""
    y, z, x = customers(2, n=3000)
    x[:40, 0], z[:40] = 9.0, True
    found = targeted_effect(y, z, x)
    assert (found.propensity[:40] > 0.98).all()
    assert 1 - z[found.used].sum() / z.sum() == pytest.approx(found.trimmed_share)
    assert found.trimmed_share > 0
    again = targeted_effect(y[found.used], z[found.used], x[found.used], trim=(0, 1))
    assert again.effect == pytest.approx(found.effect)
    assert (found.treated + found.control,) == found.influence.shape


def test_weighting_balances_what_the_choice_depends_on():
    """Weights by a logit with a constant make weighted means of its covariates alike, nearly."""
    y, z, x = customers(3, n=4000)
    table = targeted_effect(y, z, x).balance
    assert table["unweighted"].abs().min() > 0.2
    assert table["weighted"].abs().max() < 0.05
    constant = balance(np.ones((4, 1)), np.arange(4) < 2, np.ones(4))
    assert constant.isna().all(axis=None)


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (0.0, "All customers of the coupon have others like them without the campaign; those"),
        (0.002, "0.2% of the customers of the coupon have hardly anyone like them"),
        (0.02, "2% of the customers of the coupon have hardly anyone like them"),
    ],
)
def test_nobody_is_said_to_be_left_out_of_a_comparison_that_holds_all(left_out, said):
    """Nor are those few who are left out said to be 0%."""
    compared = SimpleNamespace(trimmed_share=left_out, effective_controls=421.0)
    found = next(_findings(compared, "the coupon"))
    assert found.words.startswith(said)
    assert found.passed
    assert found.words.endswith("are worth 421 customers in the comparison.")


def test_what_cannot_be_compared_is_refused():
    """A rule without exceptions, no overlap, thin weights, dependent covariates, no spread."""
    y, z, x = customers(4)
    with pytest.raises(CannotSay, match="follows from the covariates"):
        targeted_effect(y, x[:, 0] > 0, x)
    with pytest.raises(CannotSay, match="hardly anyone like them"):
        targeted_effect(y, z, x, trim=(0.0, 0.2))
    with pytest.raises(CannotSay, match="customers without the campaign"):
        targeted_effect(y, z | (np.arange(400) > 40), x, trim=(0, 1))
    with pytest.raises(CannotSay, match="constant or sums of each other"):
        targeted_effect(y, z, np.column_stack([x, x.sum(axis=1)]))
    with pytest.raises(CannotSay, match="no spread"):
        targeted_effect(np.zeros(400), z, x)
    with pytest.raises(CannotSay, match="all or none"):
        targeted_effect(y, np.ones(400), x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimand": "late"}, "estimand: expected"),
        ({"link": "cauchit"}, "link: expected"),
        ({"trim": (0.9, 0.1)}, "trim: expected"),
        ({"treated": np.full(400, 0.5)}, "treated has .* rows .* expected 0 or 1"),
        ({"covariates": np.ones(400)}, "covariates: expected an array of 2"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """The argument, and what was expected of it."""
    y, z, x = customers(5)
    with pytest.raises((SettingsError, DataError), match=message):
        targeted_effect(**{"outcome": y, "treated": z, "covariates": x, **change})


@pytest.mark.slow
@pytest.mark.sized
@pytest.mark.parametrize("estimand", ["att", "ate"])
@pytest.mark.parametrize(("curve", "turn"), [(0.0, 0.0), (1.0, 0.0), (0.0, 0.25)])
def test_intervals_cover_the_truth_if_either_model_is_right(estimand, curve, turn):
    """Both right, the outcome's wrong, the choice's wrong: 95% of 95% intervals, within chance."""
    runs, covered = sized(150, 500), 0
    _, z, x = customers(0, n=400_000, turn=turn)
    truth = 1.0 + 0.5 * (x[z, 0].mean() if estimand == "att" else 0.0)
    for seed in range(runs):
        found = targeted_effect(
            *customers(seed + 1, n=1000, curve=curve, turn=turn), estimand=estimand, trim=(0, 1)
        )
        covered += found.conf_low < truth < found.conf_high
    assert 0.95 == pytest.approx(covered / runs, abs=3.0 * (0.95 * 0.05 / runs) ** 0.5)
