"""Intervals of measures and of their changes hold the truth 95 times in 100, on simulated shops."""

import numpy as np
import pandas as pd
import pytest

import retention_models as rm

STORES, CUSTOMERS, DAYS = 800, 60, 91
FIRST = np.datetime64("2023-01-02")


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """Many shops alike, of customers with lasting habits, over two windows of 91 days.

    Rates of purchase, levels of spend and contentment are each customer's own in both windows; in the
    second, customers buy a fifth more often, spend a tenth more and are less content.
    """
    folder = tmp_path_factory.mktemp("shops")
    rng = np.random.default_rng(11)
    n = rng.poisson(CUSTOMERS, STORES)
    store = np.repeat(np.arange(STORES), n)
    total = len(store)
    rate, level = rng.gamma(1.0, 3.0, total), rng.gamma(3.0, 10.0, total)
    content = rng.beta(2.0, 1.0, total)
    log, answers = [], []
    for window, (more, dearer, happier) in enumerate([(1.0, 1.0, 1.0), (1.2, 1.1, 0.8)]):
        orders = np.minimum(rng.poisson(rate * more), 40)
        who = np.repeat(np.arange(total), orders)
        # Distinct days of one customer: the first so many of a random order of days.
        place = np.arange(len(who)) - np.repeat(np.cumsum(orders) - orders, orders)
        step = rng.choice([d for d in range(1, DAYS) if d % 7 and d % 13], total)
        day = (rng.integers(0, DAYS, total)[who] + place * step[who]) % DAYS
        spend = np.round(level[who] * dearer * rng.gamma(4.0, 0.25, len(who)) + 0.01, 2)
        log.append((who, window * DAYS + day, spend))
        answered = np.repeat(np.arange(total), rng.poisson(0.7, total))
        up = rng.random(len(answered)) < content[answered] * happier
        score = np.clip(rng.binomial(10, content[answered] * happier) + 1, 0, 10)
        answers.append((answered, window * DAYS + rng.integers(0, DAYS, len(up)), up, score))
    lines = pd.DataFrame(np.column_stack([np.concatenate(part) for part in zip(*log, strict=True)]))
    lines.columns = ["customer", "day", "spend"]
    given = pd.DataFrame(
        np.column_stack([np.concatenate(part) for part in zip(*answers, strict=True)])
    )
    given.columns = ["customer", "day", "up", "score"]
    for table, name in ((lines, "log"), (given, "answers")):
        table["store"] = "s" + pd.Series(store[table["customer"].astype(int)]).astype(str)
        table["customer"] = "c" + table["customer"].astype(int).astype(str)
        table["day"] = pd.to_datetime(FIRST + table["day"].to_numpy().astype("timedelta64[D]"))
        table.to_parquet(folder / f"{name}.parquet")
    given["up"] = given["up"].astype(int)
    given["score"] = given["score"].astype(int)
    given.to_parquet(folder / "answers.parquet")
    who_and_where = {"customer_id": "customer", "store_id": "store"}
    return (
        rm.read_transactions(folder / "log.parquet", date="day", spend="spend", **who_and_where),
        rm.read_surveys(
            folder / "answers.parquet",
            answered_at="day",
            thumb="up",
            score="score",
            scale="0-10",
            **who_and_where,
        ),
    )


SETTINGS = {
    "period": DAYS,
    "end": "2023-07-02",
    "activity_window": 30,
    "measures": [
        "customers",
        "orders",
        "revenue",
        "repeat_customer_rate",
        "purchase_frequency",
        "spend_per_order",
        "sales_per_customer",
        "mean_lifetime",
        "retention_rate",
        "annual_churn_rate",
        "net_promoter_score",
        "satisfaction",
        "engagement_rate",
        "contact_kinds_per_customer",
    ],
}


@pytest.mark.nightly
def test_intervals_of_measures_cover(shops):
    """Of 800 shops of some 60 customers, some 95% of the intervals hold what all shops together show."""
    log, surveys = shops
    each = rm.measure_table(log, by="store_id", surveys=surveys, **SETTINGS)
    every = rm.measure_table(log, surveys=surveys, **SETTINGS).set_index(["measure", "start"])
    each = each[each["value"].notna() & each["low"].notna()]
    truth = each.set_index(["measure", "start"]).index.map(every["value"])
    hit = (each["low"] <= truth) & (truth <= each["high"])
    coverage = hit.groupby([each["measure"], each["start"]]).mean()
    assert 20 == len(coverage)
    _check(coverage)


@pytest.mark.nightly
def test_intervals_of_changes_cover(shops):
    """The same for changes, whose customers are largely the same in both windows."""
    log, surveys = shops
    each = rm.measure_changes(log, by="store_id", surveys=surveys, **SETTINGS)
    every = rm.measure_changes(log, surveys=surveys, **SETTINGS)
    truth = every.dropna(subset="change").set_index("measure")["change"]
    for total in ("customers", "orders", "revenue"):
        truth[total] /= STORES
    each = each.dropna(subset=["change", "low"])
    expected = each["measure"].map(truth)
    hit = (each["low"] <= expected) & (expected <= each["high"])
    coverage = hit.groupby(each["measure"]).mean()
    assert 12 == len(coverage)
    _check(coverage)


def _check(coverage: pd.Series) -> None:
    """800 intervals cover with a standard error of .008; skewed sums of 45 customers miss by .02."""
    assert [] == list(coverage[coverage < 0.92].index)
    # All customers known in the first window bought in it: a share of 1, which Wilson never misses.
    varying = coverage.drop(index="engagement_rate")
    assert [] == list(varying[varying > 0.975].index)
