"""Predictions for every customer, computed in the log's own engine.

All that a prediction depends on is the customer's history, and, in proportion to v + x·m, the spend. So
the histories that occur are predicted here, and the engine joins them to its customers: a chain of a
hundred million customers never passes through this process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.engines import write_parquet, write_table
from retention_models.data.transactions import Transactions
from retention_models.errors import SettingsError
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.customers import predict_customers
from retention_models.summaries.counts import count_customers
from retention_models.summaries.customers import REST_OF_FIRST_DAY, as_day, customer_histories
from retention_models.time_units import days_in

_MONEY = ("expected_spend", "clv", "clv_low", "clv_high")


def predictions_table(
    log: Transactions,
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None = None,
    *,
    store_id: str | None = None,
    observation_end: Any = None,
    time_unit: str = "W",
    same_day: Any = "one",
    horizon: float = 52,
    annual_discount_rate: float = 0.10,
    margin: float = 1.0,
    interval: float = 0.90,
) -> Table:
    """Every customer's summary and predictions, as an expression of the log's engine.

    Parameters
    ----------
    log, store_id, observation_end, time_unit, same_day
        As for `customer_summary`.
    purchases, spend, horizon, annual_discount_rate, margin, interval
        As for `predict_customers`.

    Returns
    -------
    ibis Table
        A row per customer: customer_id, the columns of `customer_summary`, and those of
        `predict_customers` (null where those are NaN). Nothing is computed but the distinct
        histories' predictions until the table is asked for.

    Raises
    ------
    SettingsError, CannotSay
        As for `predict_customers`.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> summary = rm.customer_summary(log, time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> table = rm.predictions_table(log, model, horizon=26)
    >>> [name for name in table.columns if name.startswith("expected")]
    ['expected_purchases', 'expected_purchases_low', 'expected_purchases_high', 'expected_spend']
    """
    rows = count_customers(
        log,
        store_id=store_id,
        observation_end=observation_end,
        time_unit=time_unit,
        same_day=same_day,
    )
    # Money is proportional to v + x·m: predicted at m = 1, and put to the customer's m by the engine.
    told = predict_customers(
        purchases,
        spend,
        rows.assign(monetary_value=1.0),
        horizon=horizon,
        annual_discount_rate=annual_discount_rate,
        margin=margin,
        interval=interval,
        time_unit=time_unit,
    )
    for name in _MONEY:
        told[name] = told[name] / _scale(spend, rows["frequency"], 1.0)
    end = as_day(rows.attrs["observation_end"], "observation_end")
    histories = customer_histories(log, store_id, end, same_day)
    unit, rest = days_in(time_unit), REST_OF_FIRST_DAY[same_day]
    joined = _with_predictions(histories, rows, told, unit, rest)
    x = joined["frequency"]
    m = (joined["repeat_spend"] / x.nullif(0).cast("float64")).fill_null(0.0)
    known = (x == 0) | (m > 0)
    money = {
        name: ibis.ifelse(known, joined[name] * _scale(spend, x, m), ibis.null("float64"))
        for name in _MONEY
    }
    return joined.select(
        "customer_id",
        "frequency",
        recency=joined["recency"].cast("float64") / unit,
        T=(joined["age"].cast("float64") + rest) / unit,
        monetary_value=m,
        **{name: money.get(name, joined[name]) for name in told.columns},
    )


def _with_predictions(
    histories: Table, rows: pd.DataFrame, told: pd.DataFrame, unit: float, rest: float
) -> Table:
    """Every customer's history, and beside it what was told of it; times are joined as whole days."""
    keys = {
        "x": rows["frequency"].astype("int64"),
        "t_x": (rows["recency"] * unit).round().astype("int64"),
        "age_": (rows["T"] * unit - rest).round().astype("int64"),
    }
    predicted = ibis.memtable(pd.DataFrame({**keys, **told}))
    same = [
        histories["frequency"] == predicted["x"],
        histories["recency"] == predicted["t_x"],
        histories["age"] == predicted["age_"],
    ]
    # Left: a customer whose history a database has changed since it was counted is kept, with nulls.
    return histories.join(predicted, same, how="left")


def _scale(spend: GammaGammaFitter | None, x: Any, m: Any) -> Any:
    return 1.0 if spend is None else spend.fit_.parameters[2] + x * m


def write_predictions(
    target: str | Path,
    log: Transactions,
    purchases: PurchaseFitter,
    spend: GammaGammaFitter | None = None,
    **options: Any,
) -> None:
    """Let the engine write every customer's summary and predictions.

    Parameters
    ----------
    target : str or Path
        A path that ends in ``.parquet`` (for Spark a folder on its storage), or the name of a table
        of the log's database, ``schema.table`` where it is not on the search path; an older table of
        the name is replaced.
    log, purchases, spend, **options
        As for `predictions_table`.

    Raises
    ------
    SettingsError
        If a table is asked for where the log is a file, which has no tables of its own.
    DataError
        If the engine cannot write.

    Examples
    --------
    >>> import tempfile
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(500, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> summary = rm.customer_summary(log, time_unit="W")
    >>> model = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rm.write_predictions(f"{folder}/predictions.parquet", log, model, horizon=26)
    ...     print(len(pd.read_parquet(f"{folder}/predictions.parquet")))
    500
    """
    name = str(target)
    to_file = name.endswith(".parquet")
    if log.origin.in_process and not to_file:
        raise SettingsError(
            f"target: expected a path that ends in .parquet for a log in files; got {name!r}."
        )
    table = predictions_table(log, purchases, spend, **options)
    with log.origin.reading():
        (write_parquet if to_file else write_table)(table, name)
