"""Group-time effects and their summaries against csdid, an independent Callaway–Sant'Anna."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from retention_models.campaigns.estimators.staggered import (
    group_time_effects,
    pre_trend,
    summarised,
)

PERIODS = np.arange(1.0, 7.0)
# csdid divides squared influences by the units, we by the units (or clusters) less one.
UNITS, STORES = 240, 60


@pytest.fixture(scope="module")
def panel():
    """Units in stores; groups 3, 4, 6 and never, effects that grow, a trend by covariate."""
    rng = np.random.default_rng(12)
    store = np.arange(UNITS) % STORES
    first = np.array([3.0, 4.0, 6.0, np.inf])[rng.integers(0, 4, STORES)][store]
    x = rng.normal(size=UNITS) + 0.3 * (first == 4.0)
    y = rng.normal(size=(UNITS, 1)) + 0.4 * np.outer(x, PERIODS)
    y = y + rng.normal(size=(STORES, 6))[store] + rng.normal(size=(UNITS, 6)).cumsum(axis=1)
    since = PERIODS - first[:, None]
    return y + np.where(since >= 0, 1.0 + 0.5 * since, 0.0), first, x, store


def csdid_fit(panel, controls, with_covariate, clustered):
    """Its estimate by outcome regression, one base period before each group, analytical errors."""
    # csdid loads matplotlib and plotnine, whose deprecation warnings are none of ours.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from csdid.att_gt import ATTgt

        y, first, x, store = panel
        rows = {
            "unit": np.repeat(np.arange(UNITS), PERIODS.size),
            "period": np.tile(PERIODS.astype(int), UNITS),
            "y": y.ravel(),
            "first": np.repeat(np.where(np.isfinite(first), first, 0).astype(int), PERIODS.size),
            "x": np.repeat(x, PERIODS.size),
            "store": np.repeat(store, PERIODS.size),
        }
        return ATTgt(
            "y",
            "period",
            "unit",
            "first",
            pd.DataFrame(rows),
            control_group={"never": "nevertreated", "not_yet": "notyettreated"}[controls],
            xformla="y ~ x" if with_covariate else "y ~ 1",
            clustervar="store" if clustered else None,
        ).fit(est_method="reg", base_period="universal", bstrap=False)


def csdid_summary(fit, by):
    """Overall effect and error; keys, effects and errors by key."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = {"event": "dynamic"}.get(by, by)
        found = fit.aggte(typec=kind, bstrap=False, cband=False).atte
    names = ("overall_att", "overall_se", "egt", "att_egt", "se_egt")
    return [np.asarray(found[name], dtype=float) for name in names if found.get(name) is not None]


CASES = [
    ("never", False, False),
    ("never", True, False),
    ("not_yet", False, False),
    ("not_yet", True, False),
    ("not_yet", True, True),
]


@pytest.mark.parametrize(("controls", "with_covariate", "clustered"), CASES)
def test_group_time_effects_and_summaries_are_csdids(panel, controls, with_covariate, clustered):
    """Every ATT(g, t) and its error, then the four summaries and theirs, to 1e-8."""
    y, first, x, store = panel
    ours = group_time_effects(
        y,
        PERIODS,
        first,
        controls=controls,
        covariates=x[:, None] if with_covariate else None,
        clusters=store if clustered else None,
        small_sample=False,
    )
    fit = csdid_fit(panel, controls, with_covariate, clustered)
    size = STORES if clustered else UNITS
    correction = np.sqrt(size / (size - 1.0))
    columns = ("group", "year", "att", "se")
    theirs = pd.DataFrame({name: np.asarray(fit.results[name], float) for name in columns})
    theirs = theirs[theirs["year"] != theirs["group"] - 1].reset_index(drop=True)
    assert theirs["group"].tolist() == ours.group.tolist()
    assert theirs["year"].tolist() == ours.period.tolist()
    assert theirs["att"].to_numpy() == pytest.approx(ours.att, rel=1e-8, abs=1e-10)
    sums = np.zeros((size, ours.att.size))
    np.add.at(sums, ours.clusters, ours.influence)
    errors = np.sqrt((sums**2).sum(axis=0)) / UNITS
    assert theirs["se"].to_numpy() == pytest.approx(errors, rel=1e-8)
    for by in ("simple", "group", "calendar", "event"):
        found, reference = summarised(ours, by), csdid_summary(fit, by)
        assert reference[0] == pytest.approx(found.overall["att"].item(), rel=1e-8)
        assert reference[1] * correction == pytest.approx(
            found.overall["standard_error"].item(), rel=1e-8
        )
        if by == "simple":
            continue
        kept = reference[2] != -1
        assert reference[2][kept].tolist() == found.table.index.tolist()
        assert reference[3][kept] == pytest.approx(found.table["att"].to_numpy(), rel=1e-8)
        assert reference[4][kept] * correction == pytest.approx(
            found.table["standard_error"].to_numpy(), rel=1e-8
        )


def test_the_pre_trend_is_csdids_with_a_finite_sample_form(panel):
    """Its Wald statistic W is χ²; ours is the same W as Hotelling's F."""
    y, first, _, _ = panel
    found = pre_trend(group_time_effects(y, PERIODS, first, small_sample=False))
    fit = csdid_fit(panel, "never", False, False)
    k = found.restrictions
    expected = fit.MP["W"] * (UNITS - 1) / UNITS * (UNITS - k) / (k * (UNITS - 1))
    assert expected == pytest.approx(found.statistic, rel=1e-8)
