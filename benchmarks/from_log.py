"""From a log on disk to every customer's value: `from_log.py ours|lifetimes FILE`."""

from __future__ import annotations

import sys
import warnings

warnings.simplefilter("ignore")


def ours(path: str) -> float:
    """Total value of 12 months, by this package."""
    import retention_models as rm

    log = rm.read_transactions(path, customer_id="customer_id", date="date", spend="spend")
    summary = rm.customer_summary(log, observation_end="2025-12-31", time_unit="W")
    history = summary["frequency"], summary["recency"], summary["T"]
    # As an array: pandas would look for its alignment among a million ids of customers first.
    came_back = ((summary["frequency"] > 0) & (summary["monetary_value"] > 0)).to_numpy()
    repeat = summary[came_back]
    purchases = rm.BetaGeoFitter().fit(*history)
    spend = rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    value = spend.customer_lifetime_value(purchases, *history, summary["monetary_value"], freq="W")
    return float(value.sum())


def theirs(path: str) -> float:
    """The same by lifetimes."""
    import lifetimes
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    summary = summary_data_from_transaction_data(
        pd.read_parquet(path),
        "customer_id",
        "date",
        monetary_value_col="spend",
        observation_period_end="2025-12-31",
        freq_multiplier=7,
    )
    history = summary["frequency"], summary["recency"], summary["T"]
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    purchases = lifetimes.BetaGeoFitter().fit(*history)
    spend = lifetimes.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    value = spend.customer_lifetime_value(purchases, *history, summary["monetary_value"], freq="W")
    return float(value.sum())


if __name__ == "__main__":
    who, path = sys.argv[1:]
    print({"ours": ours, "lifetimes": theirs}[who](path))
