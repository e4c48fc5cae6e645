"""Who is in which segment: facts about each customer, and the rules that they meet.

Facts are a table, a row per customer; rules are data (`settings.actions`). A fact that is not known
is NaN and meets no rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.transactions import Transactions
from retention_models.measures.cohorts import category_counts
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter, as_lapsed
from retention_models.predictions.customers import expectations, rate_per_unit, unit_of
from retention_models.settings.actions import ActionSettings, ListName
from retention_models.summaries.customers import as_day, customer_summary
from retention_models.time_units import days_in

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ModelTerms:
    """Fitted models, and the terms on which value is told."""

    purchases: PurchaseFitter
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
class CustomerFacts:
    """What is known of a store's customers; see `observed_facts`."""

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
    summaries: Mapping[dt.date, pd.DataFrame] | None = None,
) -> CustomerFacts:
    """Read what the lists need of a log beyond the summary, and `summaries` that are known by day."""
    end = as_day(summary.attrs["observation_end"], "observation_end")
    before = end - dt.timedelta(days=lookback_days)
    earlier = (summaries or {}).get(before)
    if earlier is None:
        earlier = customer_summary(
            log,
            store_id=store_id,
            observation_end=before,
            time_unit=summary.attrs["time_unit"],
            same_day=summary.attrs["same_day"],
        )
    counts = None
    if has_categories:
        counts = category_counts(log, store_id=store_id, observation_end=end)
    return CustomerFacts(summary, earlier, counts, scores, complaints)


# Lists that nobody is on without a model of purchases, and of those the ones that need spend too.
NEED_MODEL: tuple[ListName, ...] = ("let_go", "lapsed", "wavering", "due", "high_value", "loyal")
NEED_SPEND: tuple[ListName, ...] = ("let_go", "lapsed", "high_value")

_MODELLED = (
    "usual_gap",
    "late_gap",
    "probability_alive",
    "probability_before",
    "fall",
    "clv",
    "value_if_customer",
)


def observed_facts(
    summary: pd.DataFrame,
    *,
    categories: pd.DataFrame | None = None,
    scores: pd.Series | None = None,
    complaints: pd.Series | None = None,
) -> pd.DataFrame:
    """Facts that need no model."""
    unit = days_in(unit_of(summary, None))
    end = pd.Timestamp(as_day(summary.attrs["observation_end"], "observation_end"))
    age = (summary["T"] * unit).round()
    silence = ((summary["T"] - summary["recency"]) * unit).round()
    facts = pd.DataFrame(
        {
            "purchases": summary["frequency"] + 1,
            "age": age,
            "silence": silence,
            "mean_gap": summary["recency"] * unit / summary["frequency"].where(lambda x: x > 0),
            "first_day": end - pd.to_timedelta(age, unit="D"),
            "last_day": end - pd.to_timedelta(silence, unit="D"),
            "categories": np.nan,
            "category": None,
            "score": np.nan,
            "complained": pd.NaT,
            "since_complaint": np.nan,
        }
        | dict.fromkeys(_MODELLED, np.nan),
        index=summary.index,
    )
    if categories is not None:
        facts[["categories", "category"]] = categories.reindex(facts.index)
    if scores is not None:
        facts["score"] = scores.reindex(facts.index).astype(float)
    if complaints is not None:
        day = pd.to_datetime(complaints.reindex(facts.index))
        known = day.where(day <= end)
        facts["complained"], facts["since_complaint"] = known, (end - known).dt.days
    facts.attrs = dict(summary.attrs)
    return facts


def modelled_facts(
    facts: pd.DataFrame,
    known: CustomerFacts,
    outlook: ModelTerms,
    rules: ActionSettings,
) -> pd.DataFrame:
    """Facts that the models of purchases and spend add."""
    summary, purchases = known.summary, outlook.purchases
    history = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    x, t_x, T = history
    found = facts.copy()
    for level, name in ((rules.usual_gap, "usual_gap"), (rules.late_gap, "late_gap")):
        gap = purchases.model.gap_quantile(level, x, t_x, T, *purchases.fit_.parameters)
        found[name] = gap * days_in(unit_of(summary, None))
    found["probability_alive"] = outlook.predictions["probability_alive"]
    found["probability_before"] = _alive(
        purchases, known.earlier, _last_day(summary) - _last_day(known.earlier)
    ).reindex(summary.index)
    found["fall"] = found["probability_before"] - found["probability_alive"]
    found["clv"] = outlook.predictions["clv"]
    if outlook.spend is not None:
        found["value_if_customer"] = found["clv"] + lost_value(outlook, outlook.spend, summary)
    return found


def lost_value(outlook: ModelTerms, spend: GammaGammaFitter, summary: pd.DataFrame) -> Array:
    """(1 − P(alive)) × value if a customer still, of each customer; see `as_lapsed`."""
    model = as_lapsed(outlook.purchases)
    rate = rate_per_unit(outlook.annual_discount_rate, unit_of(summary, None))
    base = expectations(model, spend, summary, outlook.horizon, rate, outlook.margin)
    row = base.known.row
    return np.asarray(base.factor[row] * base.spend * base.expected[row])


def _last_day(summary: pd.DataFrame) -> dt.date:
    return as_day(summary.attrs["observation_end"], "observation_end")


def _alive(
    purchases: PurchaseFitter, summary: pd.DataFrame, earlier: dt.timedelta = dt.timedelta()
) -> pd.Series:
    """P(alive), of a summary that ends so much earlier than the model's data."""
    if summary.empty:
        return pd.Series(dtype=float, index=summary.index)
    purchases = purchases.moved(-earlier.days / days_in(unit_of(summary, None)))
    history = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    alive = purchases.conditional_probability_alive(*history)
    return pd.Series(alive, index=summary.index, dtype=float)


def customer_segments(facts: pd.DataFrame, rules: ActionSettings) -> pd.DataFrame:
    """Which list each customer is on.

    Parameters
    ----------
    facts : DataFrame
        From `observed_facts` or `modelled_facts`.
    rules : ActionSettings
        Thresholds, order and groups.

    Returns
    -------
    DataFrame of bool
        Index as the facts; a column for every list, in the order in which they were filled. No
        customer is on two lists of one group.

    Examples
    --------
    >>> summary = pd.DataFrame({"frequency": [0, 4], "recency": [0.0, 10.0], "T": [2.0, 10.5],
    ...                         "monetary_value": [0.0, 9.0]}, index=["a", "b"])
    >>> summary.attrs = {"time_unit": "W", "observation_end": "2024-03-31"}
    >>> found = customer_segments(observed_facts(summary), ActionSettings())
    >>> found.columns[found.loc["a"]].tolist(), found.columns[found.loc["b"]].tolist()
    (['new'], ['recent'])
    """
    found = dict.fromkeys(rules.precedence, np.zeros(len(facts), dtype=bool))
    for place, name in enumerate(rules.precedence):
        if not rules.rule(name).use:
            continue
        fits = _FITS[name](facts, rules.rule(name)).to_numpy(dtype=bool)
        before = [found[each] for each in rules.precedence[:place] if rules.excludes(name, each)]
        found[name] = fits & ~np.any(before, axis=0) if before else fits
    return pd.DataFrame(found, index=facts.index, columns=pd.Index(rules.precedence))


def _complaint(facts: pd.DataFrame, rule: Any) -> pd.Series:
    return facts["since_complaint"] < rule.within_days


def _detractor(facts: pd.DataFrame, rule: Any) -> pd.Series:
    return facts["score"] <= rule.most_score


def _promoter(facts: pd.DataFrame, rule: Any) -> pd.Series:
    return facts["score"] >= rule.least_score


def _gone(facts: pd.DataFrame, rule: Any) -> pd.Series:
    # Of whoever bought once the model cannot tell, and there is no time between purchases to tell by.
    late = (facts["silence"] > facts["late_gap"]) & (facts["purchases"] > 1)
    return late & (facts["probability_alive"] <= rule.most_alive)


def _lapsed(facts: pd.DataFrame, rule: Any) -> pd.Series:
    least = _threshold(facts, rule.value_quantile, rule.least_value)
    return _gone(facts, rule) & (facts["value_if_customer"] >= least)


def _let_go(facts: pd.DataFrame, rule: Any) -> pd.Series:
    most = _threshold(facts, rule.value_quantile, rule.most_value)
    return _gone(facts, rule) & (facts["value_if_customer"] < most)


def _wavering(facts: pd.DataFrame, rule: Any) -> pd.Series:
    late = facts["silence"] > facts["late_gap"]
    known = facts["purchases"] >= rule.least_purchases
    return late & known & (facts["fall"] >= rule.least_fall)


def _due(facts: pd.DataFrame, rule: Any) -> pd.Series:
    waited = facts["silence"]
    in_time = (waited + rule.ahead_days >= facts["usual_gap"]) & (waited <= facts["late_gap"])
    known = facts["purchases"] >= rule.least_purchases
    return in_time & known & (facts["probability_alive"] >= rule.least_alive)


def _new(facts: pd.DataFrame, rule: Any) -> pd.Series:
    return (facts["purchases"] == 1) & (facts["age"] < rule.within_days)


def _recent(facts: pd.DataFrame, rule: Any) -> pd.Series:
    return facts["silence"] < rule.within_days


def _high_value(facts: pd.DataFrame, rule: Any) -> pd.Series:
    least = _threshold(facts, rule.value_quantile, rule.least_value)
    return (facts["clv"] >= least) & (facts["probability_alive"] >= rule.least_alive)


def _loyal(facts: pd.DataFrame, rule: Any) -> pd.Series:
    more = facts["purchases"] > facts["purchases"].quantile(rule.purchases_quantile)
    known = facts["purchases"] >= rule.least_purchases
    return more & known & (facts["probability_alive"] >= rule.least_alive)


def _one_category(facts: pd.DataFrame, rule: Any) -> pd.Series:
    known = facts["purchases"] >= rule.least_purchases
    return (facts["categories"] == 1) & known & (facts["silence"] < rule.within_days)


def _threshold(facts: pd.DataFrame, quantile: float, amount: float | None) -> float:
    """An amount as set, or else the quantile of what the store's customers are worth."""
    return float(facts["clv"].quantile(quantile)) if amount is None else amount


_FITS: dict[ListName, Callable[[pd.DataFrame, Any], pd.Series]] = {
    "complaint": _complaint,
    "detractor": _detractor,
    "let_go": _let_go,
    "lapsed": _lapsed,
    "wavering": _wavering,
    "due": _due,
    "new": _new,
    "recent": _recent,
    "promoter": _promoter,
    "high_value": _high_value,
    "loyal": _loyal,
    "one_category": _one_category,
}
