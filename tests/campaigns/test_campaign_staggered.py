"""Group-time effects against slow references: loops, other people's OLS, and a jackknife."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from retention_models.campaigns.estimators.staggered import (
    group_time_effects,
    pre_trend,
    summarised,
)
from retention_models.errors import CannotSay, DataError, SettingsError

PERIODS = np.array([1.0, 2, 3, 4, 5])
NEVER = np.inf


def panel(seed: int, units: int = 200, slope: float = 0.0, effect: float = 1.0) -> tuple:
    """Outcomes, first treated periods and a covariate on which both the trend and the start depend."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=units)
    first = np.array([3.0, 4.0, NEVER])[rng.integers(0, 3, units)]
    first = np.where(rng.random(units) < 0.2 * (x > 0), 4.0, first)
    y = rng.normal(0, 2, (units, 1)) + 0.3 * PERIODS + slope * np.outer(x, PERIODS)
    y = y + rng.normal(size=y.shape).cumsum(axis=1)
    since = PERIODS - first[:, None]
    # Effects grow with time, and are larger for those who start later.
    truth = np.where(
        since >= 0, effect * (1 + 0.5 * since) * np.where(first == 4, 2, 1)[:, None], 0
    )
    return y + truth, first, x


def controls_of(first: np.ndarray, g: float, t: float, controls: str) -> np.ndarray:
    """The comparison units, as the paper words it."""
    if controls == "never":
        return first == NEVER
    return (first > t) & (first > g)


@pytest.mark.parametrize("controls", ["never", "not_yet"])
@pytest.mark.parametrize("with_covariate", [False, True])
def test_group_time_effects_are_those_of_a_slow_reference(controls, with_covariate):
    """Each cell: mean change of the group less what a regression among its controls predicts."""
    y, first, x = panel(1, slope=0.5)
    x = x[:, None]
    effects = group_time_effects(
        *(y, PERIODS, first),
        controls=controls,
        covariates=x if with_covariate else None,
        small_sample=False,
    )
    cells = 0
    for g in (3.0, 4.0):
        for t in PERIODS[g - 1 != PERIODS]:
            change = y[:, int(t) - 1] - y[:, int(g) - 2]
            compared = controls_of(first, g, t, controls)
            design = (
                np.column_stack([np.ones(len(y)), x]) if with_covariate else np.ones((len(y), 1))
            )
            model = OLS(change[compared], design[compared]).fit()
            expected = (change - model.predict(design))[first == g].mean()
            found = effects.att[(effects.group == g) & (effects.period == t)]
            assert [expected] == pytest.approx(found)
            cells += 1
    assert cells == effects.att.size
    assert np.zeros(cells) == pytest.approx(effects.influence.mean(axis=0), abs=1e-12)


def of_all_summaries(y, first, x, column: str, clusters=None) -> np.ndarray:
    """Each summary's table and overall effect, one after the other."""
    effects = group_time_effects(
        y, PERIODS, first, controls="not_yet", covariates=x, clusters=clusters
    )
    found = [summarised(effects, by) for by in ("simple", "group", "calendar", "event")]
    return np.concatenate([np.append(one.table[column], one.overall[column]) for one in found])


# One customer a cluster: csdid's own numbers are compared in `test_campaign_csdid.py`.
@pytest.mark.parametrize("customers", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_standard_errors_are_near_those_of_leaving_clusters_out(customers):
    """A jackknife of the whole estimation, group shares included, knows no influence function."""
    y, first, x = panel(2, slope=0.5)
    x = x[:, None]
    clusters = np.arange(200) // customers
    errors = of_all_summaries(y, first, x, "standard_error", clusters)
    size = clusters.max() + 1
    kept = [clusters != c for c in range(size)]
    out = np.array([of_all_summaries(y[k], first[k], x[k], "att") for k in kept])
    jackknife = np.sqrt((size - 1) / size * ((out - out.mean(axis=0)) ** 2).sum(axis=0))
    assert errors == pytest.approx(jackknife, rel=0.06)


def cr2(X, residual, clusters, contrast) -> float:
    """Variance of contrast′β by its definition, from whole clusters' blocks of the hat matrix."""
    bread = np.linalg.inv(X.T @ X)
    variance = 0.0
    for c in np.unique(clusters):
        own = clusters == c
        block = np.eye(own.sum()) - X[own] @ bread @ X[own].T
        values, vectors = np.linalg.eigh(block)
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        variance += (contrast @ bread @ X[own].T @ root @ residual[own]) ** 2
    return variance


@pytest.mark.parametrize("with_covariate", [False, True])
def test_few_clusters_have_the_cr2_errors_of_a_slow_reference(with_covariate):
    """The mean of the treated and the regression of their controls, clusters of three."""
    rng = np.random.default_rng(31)
    y, first, x = panel(31, units=90)
    first, clusters = np.where(np.arange(90) < 45, 3.0, NEVER), np.arange(90) // 3
    y, x = y + rng.normal(size=(30, 5))[clusters], x[:, None]
    effects = group_time_effects(
        *(y, PERIODS, first), covariates=x if with_covariate else None, clusters=clusters
    )
    design = np.column_stack([np.ones(90), x]) if with_covariate else np.ones((90, 1))
    treated, change = first == 3, y[:, 4] - y[:, 1]
    fit = OLS(change[~treated], design[~treated]).fit()
    left = (change - fit.predict(design))[treated]
    alone, pulled = np.ones((45, 1)), design[treated].mean(axis=0)
    variance = cr2(alone, left - left.mean(), clusters[treated], np.ones(1))
    variance += cr2(design[~treated], fit.resid, clusters[~treated], pulled)
    cell = (effects.period == 5).argmax()
    sums = np.bincount(clusters, weights=effects.influence[:, cell])
    assert variance == pytest.approx((sums**2).sum() / 90**2)


def test_summaries_are_weighted_means_of_the_cells():
    """Written out for two groups of known size."""
    y, first, _ = panel(3)
    effects = group_time_effects(y, PERIODS, first)
    att = {(g, t): a for g, t, a in zip(effects.group, effects.period, effects.att, strict=True)}
    n3, n4 = (first == 3).sum(), (first == 4).sum()
    three, four = [att[3, t] for t in (3, 4, 5)], [att[4, t] for t in (4, 5)]
    simple = (n3 * sum(three) + n4 * sum(four)) / (3 * n3 + 2 * n4)
    assert simple == pytest.approx(summarised(effects).overall["att"].item())
    group = summarised(effects, "group")
    assert [np.mean(three), np.mean(four)] == pytest.approx(list(group.table["att"]))
    assert (n3 * np.mean(three) + n4 * np.mean(four)) / (n3 + n4) == pytest.approx(
        group.overall["att"].item()
    )
    event = summarised(effects, "event")
    assert [-3, -2, 0, 1, 2] == list(event.table.index)
    steps = [
        att[4, 1],
        (n3 * att[3, 1] + n4 * att[4, 2]) / (n3 + n4),
        (n3 * att[3, 3] + n4 * att[4, 4]) / (n3 + n4),
        (n3 * att[3, 4] + n4 * att[4, 5]) / (n3 + n4),
        att[3, 5],
    ]
    assert steps == pytest.approx(list(event.table["att"]))
    assert np.mean(steps[2:]) == pytest.approx(event.overall["att"].item())
    calendar = summarised(effects, "calendar")
    assert att[3, 3] == pytest.approx(calendar.table["att"].loc[3])
    assert calendar.table["att"].mean() == pytest.approx(calendar.overall["att"].item())


def test_known_effects_are_found_without_noise():
    """Growing and unequal effects, which a plain two-way regression mixes up, come out exactly."""
    first = np.repeat([3.0, 4.0, NEVER], 10)
    since = PERIODS - first[:, None]
    y = np.arange(30)[:, None] + PERIODS**2 + np.where(since >= 0, 1 + since, 0)
    effects = group_time_effects(y, PERIODS, first)
    assert np.where(effects.steps >= 0, 1 + effects.steps, 0) == pytest.approx(
        effects.att, abs=1e-9
    )


def test_the_pre_trend_is_the_wald_form_and_sees_a_trend():
    """Against the χ² form by its definition; a trend by covariate is seen, and gone once adjusted."""
    y, first, _ = panel(5, units=600)
    effects = group_time_effects(y, PERIODS, first, small_sample=False)
    before = effects.steps < -1
    psi = effects.influence[:, before]
    n, k = psi.shape
    wald = effects.att[before] @ np.linalg.inv(np.cov(psi.T) / n) @ effects.att[before]
    found = pre_trend(effects)
    assert (k, n) == (found.restrictions, found.clusters)
    assert wald * (n - k) / (k * (n - 1)) == pytest.approx(found.statistic)
    y, first, x = panel(6, units=900, slope=2.0)
    assert pre_trend(group_time_effects(y, PERIODS, first)).pvalue < 0.001
    adjusted = group_time_effects(y, PERIODS, first, covariates=x[:, None])
    assert pre_trend(adjusted).pvalue > 0.01


def test_units_treated_from_the_first_period_are_left_out_and_counted():
    """They have no change from before; those treated after the last period count as never."""
    y, first, _ = panel(7)
    expected = group_time_effects(y, PERIODS, first)
    extra = np.vstack([y, y[:3] + 9])
    late = np.where(first == NEVER, 99.0, first)
    found = group_time_effects(extra, PERIODS, np.append(late, [1.0, 1.0, 0.5]))
    assert 3 == found.left_out
    assert list(expected.att) == pytest.approx(list(found.att))


def test_what_cannot_carry_an_effect_is_refused():
    """Small groups, no group, dependent covariates, no two periods before the start."""
    y, first, x = panel(8)
    with pytest.raises(CannotSay, match="9 stores began in week 3"):
        group_time_effects(y, PERIODS, np.where(np.arange(200) < 9, 2.0, first))
    with pytest.raises(CannotSay, match="and 0 stores had not begun"):
        group_time_effects(y, PERIODS, np.full(200, 3.0))
    with pytest.raises(CannotSay, match="nothing shows"):
        group_time_effects(y, PERIODS, np.full(200, NEVER))
    with pytest.raises(CannotSay, match="sums of each other"):
        group_time_effects(y, PERIODS, first, covariates=np.column_stack([x, 2 * x]))
    early = group_time_effects(y, PERIODS, np.where(first < 9, 2.0, first))
    with pytest.raises(CannotSay, match="Use a longer log"):
        pre_trend(early)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"periods": [1, 3, 2, 4, 5]}, "periods: expected 5 ascending"),
        ({"controls": "all"}, "controls: expected"),
        ({"first_treated": np.ones(3)}, "first_treated: expected 200 rows"),
        ({"covariates": np.full((200, 1), np.nan)}, "covariates has 200 rows .* expected numbers"),
        ({"clusters": [None] * 200}, "clusters has 200 rows .* expected a label"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """The argument, and what was expected of it."""
    y, first, _ = panel(9)
    with pytest.raises((SettingsError, DataError), match=message):
        group_time_effects(**{"outcomes": y, "periods": PERIODS, "first_treated": first, **change})
    with pytest.raises(SettingsError, match="by: expected"):
        summarised(group_time_effects(y, PERIODS, first), "week")


@pytest.mark.nightly
@pytest.mark.parametrize("units", [36, 300])
def test_intervals_of_no_effect_cover_it_and_the_pre_trend_keeps_its_level(units):
    """Twelve clusters a group and a hundred, noise that lasts within units."""
    runs, rejected, pre = 800, 0, 0
    first = np.repeat([3.0, 4.0, NEVER], units // 3)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(units, 5)).cumsum(axis=1)
        effects = group_time_effects(y, PERIODS, first, controls="not_yet")
        rejected += summarised(effects).overall["pvalue"].item() < 0.05
        pre += pre_trend(effects).pvalue < 0.05
    assert 0.025 < rejected / runs < 0.075
    assert 0.025 < pre / runs < 0.09
