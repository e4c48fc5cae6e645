"""What lists of actions are made of: a store's customers, and the models that look ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retention_models.customer_summaries import as_day, customer_summary
from retention_models.measures.categories import category_counts
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Outlook:
    """Fitted models, and the terms on which value is told.

    Attributes
    ----------
    purchases : BetaGeoFitter
    spend : GammaGammaFitter or None
    predictions : DataFrame
        From `predict_customers` of these models, on these terms.
    horizon, annual_discount_rate, margin, interval : float
        As for `predict_customers`.
    no_spend : str
        Why there is no model of spend.
    """

    purchases: BetaGeoFitter
    spend: GammaGammaFitter | None
    predictions: pd.DataFrame
    horizon: float
    annual_discount_rate: float
    margin: float
    interval: float
    no_spend: str = ""

    @property
    def terms(self) -> dict[str, Any]:
        """Horizon, discount rate, margin and level, as `predict_customers` takes them."""
        return {
            "horizon": self.horizon,
            "annual_discount_rate": self.annual_discount_rate,
            "margin": self.margin,
            "interval": self.interval,
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a store's customers; see `observed_facts`.

    Attributes
    ----------
    summary, earlier : DataFrame
        From `customer_summary`: today, and on the day with which P(alive) is compared.
    categories : DataFrame or None
        From `category_counts`; None or empty where the data have none.
    scores, complaints : DataFrame or None
        Columns customer_id and score (of the last survey answered), and customer_id and day (of the
        last complaint); also Ibis tables.
    """

    summary: pd.DataFrame
    earlier: pd.DataFrame
    categories: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    complaints: pd.DataFrame | None = None


def read_known(
    log: Transactions,
    store_id: str,
    summary: pd.DataFrame,
    *,
    lookback_days: int,
    has_categories: bool,
    scores: pd.DataFrame | None = None,
    complaints: pd.DataFrame | None = None,
) -> Known:
    """Read what the lists need of a log beyond the summary.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str
        The store.
    summary : DataFrame
        From `customer_summary` of that store.
    lookback_days : int
        P(alive) is compared with that of so many days ago.
    has_categories : bool
        Whether the log has a column of categories.
    scores, complaints : DataFrame or ibis Table, optional
        See `Known`.

    Returns
    -------
    Known
    """
    end = as_day(summary.attrs["observation_end"], "observation_end")
    earlier = customer_summary(
        log,
        store_id=store_id,
        observation_end=end - dt.timedelta(days=lookback_days),
        time_unit=summary.attrs["time_unit"],
        same_day=summary.attrs["same_day"],
    )
    counts = None
    if has_categories:
        counts = category_counts(log, store_id=store_id, observation_end=end)
    return Known(summary, earlier, counts, scores, complaints)
