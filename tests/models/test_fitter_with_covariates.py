"""Static covariates on the fitter: what it tells, what it predicts, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from purchase_samples import simulate_geometric
from retention_models.errors import SettingsError
from retention_models.models.bg_nbd import BG_NBD


@pytest.fixture(scope="module")
def shop():
    """4,000 customers; those who joined through a campaign leave more readily and buy as often."""
    rng = np.random.default_rng(4)
    groups = []
    for joined, a in ((0, 0.6), (1, 1.5)):
        history = simulate_geometric(
            rng, 2_000, 0.8, 4.0, a, 2.5, rng.uniform(20.0, 40.0, 2_000), first=False
        )
        table = pd.DataFrame(dict(zip(("frequency", "recency", "T"), history, strict=True)))
        groups.append(table.assign(campaign=joined))
    return pd.concat(groups, ignore_index=True)


@pytest.fixture(scope="module")
def fitted(shop):
    """The model with the campaign as a covariate."""
    history = (shop[name] for name in ("frequency", "recency", "T"))
    return rm.BetaGeoFitter().fit(*history, covariates=shop[["campaign"]])


def test_the_effect_on_dropout_is_seen_and_none_on_the_rate(fitted):
    """Mean dropout .19 against .375: seen; the purchase rate is the same: not seen."""
    effects = fitted.covariate_effects_.loc["campaign"]
    assert effects.loc["mean_dropout", "pvalue"] < 0.01
    assert effects.loc["mean_dropout", "low"] < 0.375 - 0.194 < effects.loc["mean_dropout", "high"]
    assert effects.loc["purchase_rate", "pvalue"] > 0.05
    assert fitted.params_.index.tolist() == ["r", "alpha", "a", "b"]


def test_predictions_of_groups_are_those_of_their_own_parameters(fitted, shop):
    """With a covariate on all three and equal r, each group has a model of its own."""
    some = shop.groupby("campaign").head(50)
    history = [some[name] for name in ("frequency", "recency", "T")]
    expected = fitted.predict(26, *history, covariates=some[["campaign"]])
    alive = fitted.conditional_probability_alive(*history, covariates=some[["campaign"]])
    base = fitted.params_
    gamma = fitted.fit_.coefficients[:, 0] * np.array([-1.0, 1.0, 1.0])
    for joined in (0, 1):
        own = base * np.exp(joined * np.array([0.0, *gamma]))
        columns = [column[some["campaign"] == joined].to_numpy() for column in history]
        wanted = BG_NBD.conditional_expected_purchases(26, *columns, *own)
        assert expected[some["campaign"] == joined].to_numpy() == pytest.approx(wanted, rel=1e-9)
        assert alive[some["campaign"] == joined] == pytest.approx(
            BG_NBD.probability_alive(*columns, *own), rel=1e-9
        )


def test_a_model_with_covariates_predicts_nothing_without_them(fitted, shop):
    """Every way to one set of parameters for all is refused in words."""
    history = [shop[name] for name in ("frequency", "recency", "T")]
    summary = shop.assign(monetary_value=5.0)
    for ask in (
        lambda: fitted.predict(26, *history),
        lambda: fitted.conditional_probability_alive(*history),
        lambda: fitted.expected_number_of_purchases_up_to_time(26),
        lambda: fitted.probability_of_n_purchases_up_to_time(26, 1),
        lambda: fitted.generate_new_data(5),
        fitted.to_json,
        lambda: rm.predict_store(fitted, None, summary, time_unit="W"),
    ):
        with pytest.raises(SettingsError, match=r"fitted with covariates \(campaign\)"):
            ask()
    with pytest.raises(
        SettingsError, match=r"fitted with campaign, so a prediction depends on them"
    ):
        rm.predict_customers(fitted, None, summary, time_unit="W")


def test_covariates_where_there_are_none_are_refused(shop):
    """A model fitted without, and models that take none."""
    history = [shop[name].head(200) for name in ("frequency", "recency", "T")]
    campaign = (shop["frequency"].head(200) * 0 + 1).to_frame("campaign")
    plain = rm.BetaGeoFitter().fit(*history)
    with pytest.raises(SettingsError, match="the model was fitted without"):
        plain.predict(26, *history, covariates=campaign)
    for other in (rm.ModifiedBetaGeoFitter, rm.ParetoNBDFitter):
        with pytest.raises(SettingsError, match="takes none; fit a BetaGeoFitter"):
            other().fit(*history, covariates=campaign)


def test_a_new_fit_without_covariates_forgets_them(shop):
    """The effects of an earlier fit do not linger."""
    history = [shop[name].iloc[::8] for name in ("frequency", "recency", "T")]
    model = rm.BetaGeoFitter().fit(*history, covariates=shop[["campaign"]].iloc[::8])
    model.fit(*history)
    assert not hasattr(model, "covariate_effects_")
    assert np.isfinite(model.predict(26, *history)).all()


def test_rows_in_another_order_are_the_same_customers(shop, fitted):
    """The fit and its predictions go by the index, as series beside each other do."""
    history = [shop[name] for name in ("frequency", "recency", "T")]
    turned = shop[["campaign"]].sample(frac=1.0, random_state=1)
    again = rm.BetaGeoFitter().fit(*history, covariates=turned)
    assert fitted.params_.tolist() == pytest.approx(again.params_.tolist(), rel=1e-12)
    expected = fitted.conditional_probability_alive(*history, covariates=shop[["campaign"]])
    assert expected == pytest.approx(
        fitted.conditional_probability_alive(*history, covariates=turned), rel=1e-12
    )


def test_customers_are_predicted_by_their_own_covariates(fitted, shop):
    """As the model of their group predicts them alone, in the order of the summary."""
    summary = shop.sample(600, random_state=1).assign(monetary_value=5.0)
    money = rm.GammaGammaFitter.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
    terms = {"horizon": 26, "margin": 0.3, "time_unit": "W"}
    told = shop[["campaign"]]
    table = rm.predict_customers(
        fitted, money, summary, covariates=told.loc[summary.index[::-1]], **terms
    )
    assert table.index.equals(summary.index)
    for joined in (0, 1):
        members = summary[summary["campaign"] == joined]
        own = fitted.for_covariates({"campaign": joined})
        alone = rm.predict_customers(own, money, members, **terms)
        pd.testing.assert_frame_equal(table.loc[members.index], alone, check_exact=False, rtol=1e-9)
    points = rm.predict_customers(
        fitted, money, summary, covariates=told.loc[summary.index], interval=None, **terms
    )
    assert points["clv"].to_numpy() == pytest.approx(table["clv"].to_numpy())


def test_the_model_of_a_group_knows_the_doubt_of_its_parameters(shop, fitted):
    """That of a fit to the group alone: of 2,000 customers of each, one r for both tells little more."""
    group = shop[shop["campaign"] == 1]
    alone = rm.BetaGeoFitter().fit(group["frequency"], group["recency"], group["T"])
    own = fitted.for_covariates({"campaign": 1.0})
    assert own.params_.to_numpy() == pytest.approx(alone.params_.to_numpy(), rel=0.2)
    ratio = own.standard_errors_ / own.params_ / (alone.standard_errors_ / alone.params_)
    assert ratio.between(0.6, 1.1).all()
    with pytest.raises(SettingsError, match="fitted without"):
        alone.for_covariates({"campaign": 1.0})
    many = pd.DataFrame({"campaign": np.arange(201.0)})
    some = shop.head(201).assign(monetary_value=5.0)
    with pytest.raises(SettingsError, match="at most 200 different rows"):
        rm.predict_customers(fitted, None, some, time_unit="W", covariates=many)
