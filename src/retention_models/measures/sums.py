"""Sums over customers, formed by the engine: what values, intervals and changes are computed from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import BooleanValue, IntegerColumn, IntegerValue, NumericValue, Table

from retention_models.data.engines import to_frame
from retention_models.measures.definitions import MEASURES, Measure, columns_of, pairs_of
from retention_models.measures.intervals import (
    Floats,
    covariance,
    difference_of_shares,
    ratios,
    relative,
    share,
)
from retention_models.time_units import DAYS_IN_YEAR


@dataclass(frozen=True)
class Estimate:
    """A measure in every group and period of a table of sums; arrays of shape (rows,)."""

    value: Floats
    low: Floats
    high: Floats
    numerator: Floats
    denominator: Floats
    variance: Floats


def sums_of(family: Table, keys: Sequence[str], names: Collection[str]) -> pd.DataFrame:
    """Sums and sums of products of a family's columns by group and period, and its rows as n."""
    asked: dict[str, NumericValue] = {"n": family.count().cast("float64")}
    for column in columns_of(names):
        asked[column] = family[column].sum().cast("float64")
    for a, b in pairs_of(names):
        asked[f"{a}*{b}"] = product_sum(family[a], family[b])
    groups = [*keys, "period"]
    return to_frame(family.group_by(groups).aggregate(**asked).order_by(groups))


def sums_with_earlier(
    family: Table, keys: Sequence[str], names: Collection[str], lag: int
) -> pd.DataFrame:
    """Sums of products of a period's columns with those of `lag` periods before, by customer.

    ``a*b`` is Σ a b′, b′ of the earlier period; n counts the customers who are in both.
    """
    earlier = family.view()
    columns = columns_of(names)
    earlier = earlier.select(
        *keys,
        "customer_id",
        period=earlier["period"] + lag,
        **{f"{column}_before": earlier[column] for column in columns},
    )
    both = family.join(earlier, [*keys, "customer_id", "period"])
    asked: dict[str, NumericValue] = {"n": both.count().cast("float64")}
    for a, b in pairs_of(names):
        asked[f"{a}*{b}"] = product_sum(both[a], both[f"{b}_before"])
    groups = [*keys, "period"]
    return to_frame(both.group_by(groups).aggregate(**asked).order_by(groups))


def product_sum(a: NumericValue, b: NumericValue) -> NumericValue:
    """Σ a b over rows, the same whatever the order in which an engine adds."""
    if isinstance(a, IntegerColumn) and isinstance(b, IntegerColumn):
        return (a * b).sum().cast("float64")
    # Money's own decimals would make the product's too wide.
    return exact_sum(a.cast("float64") * b.cast("float64"))


def exact_sum(number: NumericValue) -> NumericValue:
    """Sum of floats as decimals, the same in any order, so that a run can be repeated exactly."""
    return number.cast(ibis.dtype("decimal(38, 8)")).sum().cast("float64")


def one_if(condition: BooleanValue) -> IntegerValue:
    """1 where a condition holds, 0 where it does not or is not known."""
    return condition.ifelse(1, 0).fill_null(0).cast("int64")


def scale_of(name: str, days: Floats) -> Floats:
    """What a measure's product of ratios is multiplied by, in windows of so many days."""
    if name == "historic_clv":
        # Spend a customer ÷ years in the window × years from first to last purchase.
        return 1.0 / days
    scale = {"mean_lifetime": 1.0 / DAYS_IN_YEAR, "net_promoter_score": 100.0}.get(name, 1.0)
    return np.full(days.shape, scale)


def estimate(name: str, table: pd.DataFrame, days: Floats) -> Estimate:
    """A measure's value and 95% interval from a table of sums."""
    measure = MEASURES[name]

    def sums(column: str) -> Floats:
        return table[column].to_numpy(dtype=float)

    def products(a: str, b: str) -> Floats:
        return table[f"{a}*{b}"].to_numpy(dtype=float)

    if measure.kind == "count":
        return _counted(sums(measure.terms[0][0]), products(*[measure.terms[0][0]] * 2))
    found = ratios(sums, measure.terms)
    scale = scale_of(name, days)
    value = scale * np.prod(found, axis=0)
    variance = scale**2 * covariance(measure.terms, products, (found, sums), (found, sums))
    top, bottom = measure.terms[0]
    n, x = sums("n"), sums(bottom)
    if measure.kind == "share":
        low, high = share(value, variance, n, x, products(bottom, bottom))
    elif measure.kind == "promoters":
        _, low, high = difference_of_shares(sums("promoter"), sums("detractor"), x)
        low, high = scale * low, scale * high
    else:
        low, high = relative(value, variance, n)
    plain = Estimate(value, low, high, sums(top), x, variance)
    return _derived(name, plain, days)


def _counted(total: Floats, squares: Floats) -> Estimate:
    nothing = np.full(total.shape, np.nan)
    # If customers come independently, a total varies by the sum of their squares (compound Poisson).
    return Estimate(total, nothing, nothing, total, np.ones(total.shape), squares)


def _derived(name: str, kept: Estimate, days: Floats) -> Estimate:
    if name not in {"churn_rate", "annual_churn_rate"}:
        return kept
    power = 365.0 / days if name == "annual_churn_rate" else np.ones(days.shape)

    def churn(retention: Floats) -> Floats:
        return 1.0 - retention**power

    lost = kept.denominator - kept.numerator
    return Estimate(
        churn(kept.value), churn(kept.high), churn(kept.low), lost, kept.denominator, kept.variance
    )


def shared_variance(
    measure: Measure, crossed: pd.DataFrame, now: pd.DataFrame, before: pd.DataFrame
) -> Floats:
    """Covariance of a measure in two periods by the customers who are in both, unscaled.

    The rows of the three tables belong together.
    """

    def products(a: str, b: str) -> Floats:
        return crossed[f"{a}*{b}"].to_numpy(dtype=float)

    def sums(table: pd.DataFrame) -> tuple[Floats, object]:
        def column(name: str) -> Floats:
            return table[name].to_numpy(dtype=float)

        return ratios(column, measure.terms), column

    if measure.kind == "count":
        return products(*[measure.terms[0][0]] * 2)
    return covariance(measure.terms, products, sums(now), sums(before))  # type: ignore[arg-type]
