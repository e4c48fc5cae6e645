"""Purchases until each day and their difference, against plain Python and in every engine."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from conftest import skip_or_fail
from scipy import stats

import retention_models as rm
from campaign_effect_samples import randomised
from campaign_samples import CAMPAIGN, assigned, campaign, log_of
from engines import COLUMNS, IDS, in_parquet, in_postgresql, in_spark, log_of_an_odd_shop, why_not
from retention_models.campaigns.effects.effect import effect_of

# Spark's own client leaves its sockets for the interpreter to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

START, LATER = CAMPAIGN.start, CAMPAIGN.end + dt.timedelta(days=14)


def lines_of(rng, customers, size):
    """Customers who buy now and then, some of it returned, several lines a day."""
    return [
        (
            str(rng.choice(customers)),
            START + dt.timedelta(days=int(rng.integers(-9, 50))),
            float(rng.integers(-2, 9)),
            "A",
        )
        for _ in range(size)
    ]


def test_sums_are_those_of_a_reference_in_plain_python(tmp_path):
    """REF: each customer's days with a purchase counted until each day, squared and summed by arm."""
    rng = np.random.default_rng(3)
    customers = ["0042", "42", "O'Brien", "=1+1", "e"]
    lines = [*lines_of(rng, customers, 90), ("e", LATER + dt.timedelta(days=3), 1.0, "Z")]
    arms = {"0042": "coupon", "42": "none", "O'Brien": "coupon", "=1+1": "none", "new": "none"}
    this = campaign(control="none")
    found = rm.read_campaign(log_of(tmp_path, lines), this, assigned(arms), margin=0.3).by_day
    assert 2 * 45 == len(found)
    assert (START, LATER) == (found["day"].min(), found["day"].max())
    for row in found.itertuples():
        counts = [
            len(
                {d for w, d, spend, _ in lines if w == who and spend >= 0 and START <= d <= row.day}
            )
            for who, arm in arms.items()
            if arm == row.arm
        ]
        expected = (sum(counts), sum(n * n for n in counts), len(counts))
        assert expected == (row.purchases, row.squares, row.customers)
    assert found["squares"].max() > found["purchases"].max() > 5


def of_days(data, seed):
    """Sums until each of three days, from purchases that fall on them by chance."""
    rng = np.random.default_rng(seed)
    bought = data.outcomes["campaign"]["purchases"].to_numpy().astype(int)
    until = rng.multinomial(bought, [0.5, 0.3, 0.2]).cumsum(axis=1)
    rows = [
        (arm, day, *(f(until[(data.table["arm"] == arm).to_numpy(), day]) for f in sums))
        for arm in ("control", "coupon", "gift")
        for day in range(3)
        for sums in [(np.sum, lambda n: np.sum(n**2), len)]
    ]
    return until, pd.DataFrame(rows, columns=["arm", "day", "purchases", "squares", "customers"])


def test_differences_are_welchs_of_each_day():
    """SciPy's interval of each day by itself; the last day is the plain difference of the campaign."""
    from dataclasses import replace

    data = randomised(arms=("control", "coupon", "gift"), n=3000)
    until, by_day = of_days(data, 4)
    found = effect_of(replace(data, by_day=by_day)).cumulative
    assert [("coupon", 0), ("gift", 2)] == [
        tuple(found[["arm", "day"]].iloc[place]) for place in (0, -1)
    ]
    for row in found.itertuples():
        mine, control = (
            until[(data.table["arm"] == arm).to_numpy(), row.day] for arm in (row.arm, "control")
        )
        expected = stats.ttest_ind(mine, control, equal_var=False).confidence_interval(0.95)
        assert tuple(expected) == pytest.approx((row.conf_low, row.conf_high), rel=1e-9)
        assert mine.mean() - control.mean() == pytest.approx(row.difference)


def test_days_on_which_nobody_had_bought_have_no_interval():
    """Nor has a campaign without the sums, or one that is not of purchases."""
    from dataclasses import replace

    data = randomised(n=1000)
    _, by_day = of_days(data, 5)
    by_day = by_day[by_day["arm"] != "gift"]
    by_day.loc[by_day["day"] == 0, ["purchases", "squares"]] = 0
    given = replace(data, by_day=by_day)
    found = effect_of(given, outcomes=["purchases"]).cumulative
    assert [0.0] == found.loc[found["day"] == 0, "difference"].tolist()
    assert found["conf_low"].isna().tolist() == [True, False, False]
    assert effect_of(data, outcomes=["purchases"]).cumulative.empty


def test_targeted_campaigns_have_no_days(tmp_path):
    """Plain differences would mislead there."""
    log = log_of(tmp_path, [("a", START, 1.0, "A"), ("b", LATER, 1.0, "A")])
    drawn = assigned({"a": "coupon", "b": "control"})
    assert rm.read_campaign(log, campaign(design="targeted"), drawn, margin=0.3).by_day is None


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgresql", pytest.param("spark", marks=pytest.mark.nightly)])
def test_engines_give_the_same_sums(engine, request, tmp_path):
    """Hostile ids, ties, returns, times near midnight."""
    if engine == "spark" and why_not("spark"):
        skip_or_fail(why_not("spark"))
    odd = log_of_an_odd_shop()
    place = {"postgresql": lambda: in_postgresql(odd, request.getfixturevalue("postgresql"))}
    place["spark"] = lambda: in_spark(odd, tmp_path)
    this = campaign(start=dt.date(2023, 9, 4), end=dt.date(2023, 10, 29))
    arms = {who: ("coupon", "control")[i % 2] for i, who in enumerate([*IDS, "c3", "new"])}
    ours, theirs = (
        rm.read_campaign(
            rm.read_transactions(
                where["source"], table=where.get("table"), timezone="Europe/Berlin", **COLUMNS
            ),
            this,
            assigned(arms, day=this.start),
            margin=0.3,
        ).by_day
        for where in (in_parquet(odd, tmp_path), place[engine]())
    )
    pd.testing.assert_frame_equal(ours, theirs)
    assert ours["purchases"].max() > 5
