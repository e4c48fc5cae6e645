"""The grocery chain's stores on a holdout: alone, pooled and shrunk. `pytest -s` prints the errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from grocery_data import grocery_log
from retention_models.models.bg_nbd import BG_NBD
from retention_models.summaries.customers import customer_summary_by_store

pytestmark = pytest.mark.slow

METHODS = ("own", "pooled", "shrunk")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """All stores."""
    return grocery_log(tmp_path_factory.mktemp("grocery"))


def holdout_errors(log, split, end):
    """A row per store of ten customers or more: size, and each method's errors of total and mean."""
    early = {
        store: summary
        for store, summary in customer_summary_by_store(log, observation_end=split).items()
        if len(summary) >= 10
    }
    until = customer_summary_by_store(log, store_ids=early, observation_end=end)
    fits = rm.fit_stores(early).purchases
    weeks = (pd.Timestamp(end) - pd.Timestamp(split)).days / 7
    rows = []
    for store, summary in early.items():
        came = until[store]["frequency"].reindex(summary.index) - summary["frequency"]
        columns = [summary[c].to_numpy(dtype=float) for c in ("frequency", "recency", "T")]
        own = fits.chain
        if (summary["frequency"] > 0).any():
            own = rm.BetaGeoFitter().fit(*columns).fit_
        row = {"customers": len(summary), "came": came.sum(), "verdict": own.verdict}
        for method, fit in zip(METHODS, (own, fits.chain, fits.stores[store]), strict=True):
            expected = BG_NBD.conditional_expected_purchases(weeks, *columns, *fit.parameters)
            row[f"total {method}"] = expected.sum() - came.sum()
            row[f"mean {method}"] = expected.mean() - came.mean()
            row[f"customers {method}"] = np.abs(expected - came).mean()
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("split", "end"), [("2017-09-30", "2017-12-31"), ("2017-04-30", "2017-07-31")]
)
def test_shrunk_stores_err_no_more_than_the_better_of_alone_and_pooled(log, split, end):
    """Mean absolute error of store totals and of customers, within a hundredth."""
    table = holdout_errors(log, split, end)
    groups = pd.cut(table["customers"], [9, 19, 49, 99, 1000]).astype(str)
    everyone = pd.concat([table.assign(group=groups), table.assign(group="all")])
    names = [f"{what} {method}" for what in ("total", "mean", "customers") for method in METHODS]
    of_group = everyone.set_index("group")[names].abs().groupby(level=0)
    print(f"\n{split} to {end}, mean absolute errors; stores:")
    print(of_group.mean().assign(stores=of_group.size()).T.round(3).to_string())
    means = table[names].abs().mean()
    for what in ("total", "mean", "customers"):
        better = min(means[f"{what} own"], means[f"{what} pooled"])
        assert means[f"{what} shrunk"] < 1.01 * better
