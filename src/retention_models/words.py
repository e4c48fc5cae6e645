"""Results → whole English sentences, as pure functions. Every sentence on a page is made here."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from retention_models.errors import CannotSay
from retention_models.forecasts import StoreForecast
from retention_models.languages import counted, day, money, number
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.models.fitters import GammaGammaFitter
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.predictions import Interval, mean_dropout, mean_purchase_rate
from retention_models.settings import ModelSettings, Money
from retention_models.time_units import NAME_OF_UNIT
from retention_models.transactions import Transactions
from retention_models.validation import HoldoutValidation


def window(length: float, time_unit: str) -> str:
    """A length of time in words: 52 weeks."""
    unit = NAME_OF_UNIT[time_unit]
    return f"{length:g} {unit if length == 1 else unit + 's'}"


def between(interval: Interval) -> str:
    """The ends of an interval of counts: 1,499 to 1,826."""
    return f"{interval.low:,.0f} to {interval.high:,.0f}"


def store_numbers(measures: pd.DataFrame, currency: str) -> str:
    """What the store did in the window of `store_measures`."""
    value, low, high = measures["value"], measures["low"], measures["high"]
    start, end = measures["start"].iloc[0], measures["end"].iloc[0]
    customers, orders = int(value["customers"]), int(value["orders"])
    text = (
        f"From {day(start)} to {day(end)}, {counted(customers, 'customer')} placed "
        f"{counted(orders, 'order')} worth {money(value['revenue'], currency)}. "
        f"{value['repeat_customer_rate']:.0%} of them "
        f"({low['repeat_customer_rate']:.0%} to {high['repeat_customer_rate']:.0%}) bought on more "
        f"than one day, and an order was worth {money(value['spend_per_order'], currency)}"
    )
    if pd.isna(low["spend_per_order"]):
        alike = "one customer alone gives" if customers == 1 else "customers who are alike give"
        return f"{text}; {alike} no interval."
    ends = (
        f"{money(low['spend_per_order'], currency)} to {money(high['spend_per_order'], currency)}"
    )
    return f"{text} ({ends})."


def cohort_retention(cohorts: pd.DataFrame) -> str:
    """How many new customers buy again one month, and six months, after their first."""
    later = cohorts.loc[cohorts["cohort_age"] > 0]
    if later.empty:
        return (
            f"{counted(int(cohorts['customers'].sum()), 'customer')} began in the only month that is "
            "complete; whether they come back will be seen from next month on."
        )
    oldest = int(later["cohort_age"].max())
    parts = [_pooled(later, age) for age in dict.fromkeys((1, min(6, oldest)))]
    return f"Of all customers, {' and '.join(parts)}."


def _pooled(cohorts: pd.DataFrame, age: int) -> str:
    chosen = cohorts.loc[cohorts["cohort_age"] == age]
    active, customers = int(chosen["active"].sum()), int(chosen["customers"].sum())
    low, high = proportion_confint(active, customers, alpha=0.05, method="wilson")
    after = "in the month after their first purchase" if age == 1 else f"{age} months after it"
    share = f"{active / customers:.0%} ({low:.0%} to {high:.0%}; {active:,} of {customers:,})"
    return f"{share} bought {after}"


def purchase_model(fit: MaximumLikelihoodFit, time_unit: str) -> str:
    """What the purchase model's parameters mean for the shop."""
    rate, dropout = mean_purchase_rate(fit), mean_dropout(fit)
    text = (
        f"While they are customers, people of this store come back {number(rate.value)} times a "
        f"{NAME_OF_UNIT[time_unit]} on average ({number(rate.low)} to {number(rate.high)}), but "
        "unevenly: the typical customer less, a few much more."
    )
    if dropout.value == 0.0:
        return f"{text} In these data {fit.message}."
    text += (
        f" After each purchase {dropout.value:.1%} of them ({dropout.low:.1%} to "
        f"{dropout.high:.1%}) leave for good."
    )
    if fit.verdict == "shrunk":
        return (
            f"{text} The store's own customers do not carry a model by themselves, so it borrows: "
            f"{fit.message}."
        )
    return (
        text if fit.verdict == "converged" else f"{text} The fit ended at a limit: {fit.message}."
    )


def tracking(validation: HoldoutValidation) -> str:
    """Whether the forecast held on the weeks that the model had not seen."""
    first = validation.calibration_end + dt.timedelta(days=1)
    verdict = {
        "use": "The forecast can be used",
        "use with care": "Use the forecast with care",
        "do not use": "Do not use the forecast",
    }[validation.verdict]
    return (
        f"{verdict}: from {day(first)} to {day(validation.holdout_end)}, which the model had not "
        f"seen, {validation.reason}."
    )


def holdout_by_customer(validation: HoldoutValidation) -> str:
    """How the model's error per customer compares with simple rules."""
    errors = validation.errors
    rules = ", ".join(f"“{name}” by {errors[name]:.2f}" for name in errors.index if name != "model")
    return (
        f"Customer by customer the model was off by {errors['model']:.2f} purchases on average; of "
        f"the rules of thumb {rules}."
    )


def still_customers(forecast: StoreForecast, summary: pd.DataFrame) -> str:
    """How many customers are still with the store."""
    once = int((summary["frequency"] == 0).sum())
    text = (
        f"Of {counted(len(summary), 'customer')}, {forecast.still_customers.value:,.0f} "
        f"({between(forecast.still_customers)}, {forecast.interval:.0%} interval) have not left for "
        "good."
    )
    if once:
        text += (
            f" That counts all {once:,} who have bought only once: the model lets customers leave "
            "only after a repeat purchase, so about them it cannot tell."
        )
    before = summary.attrs.get("customers_before", 0)
    if before:
        begin = dt.date.fromisoformat(summary.attrs["first_seen_from"])
        text += (
            f" {counted(before, 'customer')} first seen before {day(begin)} "
            "are left out: they bought before the data begin."
        )
    return text


def expected_purchases(forecast: StoreForecast, horizon: float, time_unit: str) -> str:
    """What the customers of today will buy."""
    return (
        f"In the next {window(horizon, time_unit)} today's customers are expected to buy on "
        f"{forecast.purchases.value:,.0f} occasions ({between(forecast.purchases)}), and "
        f"{forecast.active_customers.value:,.0f} of them ({between(forecast.active_customers)}) at "
        "least once. Customers yet to be won come on top."
    )


def lifetime_value(
    forecast: StoreForecast,
    model: ModelSettings,
    money_settings: Money,
    spend: GammaGammaFitter,
) -> str:
    """What the customers of today are worth."""
    if forecast.value is None:
        raise CannotSay("What customers are worth cannot be said without a model of spend.")
    currency = money_settings.currency
    text = (
        f"At a margin of {money_settings.margin:.0%}, today's customers are worth "
        f"{money(forecast.value.value, currency)} ({between(forecast.value)}) over the next "
        f"{window(model.horizon, model.time_unit)}, discounted."
    )
    fit = spend.fit_
    return text if fit.verdict == "converged" else f"{text} As to spend, {fit.message}."


def value_spread(predictions: pd.DataFrame, forecast: StoreForecast, currency: str) -> str:
    """How lifetime value is spread over customers, where the forecast may be shown."""
    if forecast.value is None:
        raise CannotSay("How value is spread cannot be said without a model of spend.")
    value = predictions["clv"].dropna()
    low, middle, high = (value.quantile(share) for share in (0.25, 0.5, 0.75))
    text = (
        f"The middle customer is expected to be worth {money(middle, currency)}; half of all lie "
        f"between {money(low, currency)} and {money(high, currency)}, and the mean is "
        f"{money(value.mean(), currency)}. What a single customer does is far less certain: the "
        "table of customers gives each one's interval."
    )
    left_out = len(predictions) - len(value)
    if left_out:
        text += (
            f" {counted(left_out, 'customer')} whose repeat purchases came to nothing (returned or "
            "free) have no value here."
        )
    return text


def data_quality(log: Transactions, store_id: str) -> str:
    """What was read, what could not be used and why."""
    text = f"{log.rows_read:,} rows were read for the whole chain. "
    if log.quality.empty:
        return f"{text}All of them could be used."
    reasons = log.quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    listed = ", ".join(f"{reason}: {rows:,}" for reason, rows in reasons.items())
    here = int(log.quality.loc[log.quality["store_id"] == store_id, "rows"].sum())
    return (
        f"{text}{log.rows_unusable:,} ({log.rows_unusable / log.rows_read:.1%}) could not be used "
        f"and are in no number here ({listed}); {here:,} of them belong to this store."
    )


def remarks(log: Transactions) -> str:
    """What was found in the data and kept."""
    return " ".join(f"{text}." for text in log.remarks)


def data_begin(first: dt.date) -> str:
    """What the beginning of the data means for who counts as new."""
    return (
        f"The data begin on {day(first)}. Whoever had bought before counts as new on the first "
        "purchase after it, so the earliest cohorts may look more loyal than new customers are. Months "
        f"with fewer than {SMALLEST_GROUP} new customers are not shown."
    )
