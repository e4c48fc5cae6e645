"""Results → whole sentences for the page of a store, as pure functions."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import (
    catalogue,
    count,
    counted,
    day,
    decimals,
    duration,
    ends,
    listed,
    money,
    number as number,
    phrase,
    plural,
    quoted,
    share,
)
from retention_models.levels import Interval, wilson_ends
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.models.fitters import GammaGammaFitter

# Notebooks call it, and `number`, as one of these words.
from retention_models.pages.store.purchase_model import purchase_model as purchase_model
from retention_models.predictions.scatter import Scatter
from retention_models.predictions.stores import StoreForecast
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.whole_store_check import WholeStoreCheck
from retention_models.settings.project import ModelSettings, Money


def between(interval: Interval) -> str:
    """The ends of an interval of counts: 1,499 to 1,826."""
    return ends(count(interval.low), count(interval.high))


def store_numbers(measures: pd.DataFrame, currency: str) -> str:
    """What the store did in the window of `store_measures`."""
    value, low, high = measures["value"], measures["low"], measures["high"]
    customers = int(value["customers"])
    text = phrase(
        "From {start} to {end}, {customers} placed {orders} worth {revenue}.",
        start=day(measures["start"].iloc[0]),
        end=day(measures["end"].iloc[0]),
        customers=counted(customers, "customer"),
        orders=counted(int(value["orders"]), "order"),
        revenue=money(value["revenue"], currency),
    )
    key = "told" if pd.notna(low["spend_per_order"]) else "one" if customers == 1 else "alike"
    return f"{text} " + phrase(
        _BOUGHT_AGAIN[key],
        share=share(value["repeat_customer_rate"]),
        share_low=share(low["repeat_customer_rate"]),
        share_high=share(high["repeat_customer_rate"]),
        spend=money(value["spend_per_order"], currency),
        low=money(low["spend_per_order"], currency),
        high=money(high["spend_per_order"], currency),
    )


_BOUGHT_AGAIN = catalogue(
    {
        "told": (
            "{share} of them ({share_low} to {share_high}) are repeat customers, and an order "
            "was worth {spend} ({low} to {high})."
        ),
        "one": (
            "{share} of them ({share_low} to {share_high}) are repeat customers, and an order "
            "was worth {spend}; one customer alone gives no interval."
        ),
        "alike": (
            "{share} of them ({share_low} to {share_high}) are repeat customers, and an order "
            "was worth {spend}; customers who are alike give no interval."
        ),
    }
)


def cohort_retention(cohorts: pd.DataFrame) -> str:
    """How many new customers buy again one month, and six months, after their first."""
    after = cohorts.loc[cohorts["cohort_age"] > 0]
    if after.empty:
        return phrase(
            "{customers} began in the only month that is complete; whether they come back will be seen "
            "from next month on.",
            customers=counted(int(cohorts["customers"].sum()), "customer"),
        )
    later = min(6, int(after["cohort_age"].max()))
    first = _pooled(after, 1)
    if later == 1:
        return phrase(
            "Of all customers, {share} ({low} to {high}; {active} of {customers}) bought in the month "
            "after their first purchase.",
            **first,
        )
    return phrase(
        "Of all customers, {share} ({low} to {high}; {active} of {customers}) bought in the month after "
        "their first purchase and {later_share} ({later_low} to {later_high}; {later_active} of "
        "{later_customers}) bought {later} after it.",
        later=counted(later, "month"),
        **first,
        **{f"later_{name}": text for name, text in _pooled(after, later).items()},
    )


def _pooled(cohorts: pd.DataFrame, age: int) -> dict[str, str]:
    chosen = cohorts.loc[cohorts["cohort_age"] == age]
    active, customers = int(chosen["active"].sum()), int(chosen["customers"].sum())
    low, high = wilson_ends(active, customers)
    return {
        "share": share(active / customers),
        "low": share(low),
        "high": share(high),
        "active": count(active),
        "customers": count(customers),
    }


def value_held(validation: HoldoutValidation) -> str:
    """Whether the value expected held on the weeks that the models had not seen."""
    if validation.value is None:
        raise CannotSay("There is no spend model of the weeks before, so value was not checked.")
    return phrase(
        "Of the same weeks, {reason}; as much as in the weeks before would have been {before}.",
        reason=validation.value.reason,
        before=count(validation.value.repeated),
    )


def whole_store_check(check: WholeStoreCheck) -> str:
    """What everybody bought in the weeks of the check beside what was expected, and who was nearest."""
    said = phrase(
        "From {begin} to {end} everybody, newcomers included, made {came} where {expected} ({low} to "
        "{high}) were expected.",
        begin=day(check.begin),
        end=day(check.end),
        came=counted(round(check.came), "purchase"),
        expected=count(check.purchases.value),
        low=count(check.purchases.low),
        high=count(check.purchases.high),
    )
    if check.beside.empty:
        return said
    return f"{said} " + phrase(
        "Beside it stand rules that know no customer, but the store's weekly totals alone. Which of "
        "them comes nearest in one such time is much by chance."
    )


def allowed_scatter(scatter: Scatter) -> str:
    """What intervals of totals allow for beyond the model, and from what it was learned."""
    if not scatter.forecasts:
        return phrase(
            "Totals of real stores scatter beyond what a model says. There is no past forecast of "
            "this chain to learn from yet, so their intervals allow for the usual: {share} over 13 "
            "weeks, more over longer ones.",
            share=share(scatter.deviation, 1),
        )
    return phrase(
        "Totals of real stores scatter beyond what a model says. Their intervals allow for what "
        "{forecasts} past forecasts of {stores} of the chain were off by: {share} over 13 weeks, more "
        "over longer ones.",
        forecasts=count(scatter.forecasts),
        stores=counted(scatter.stores, "store"),
        share=share(scatter.deviation, 1),
    )


def tracking(validation: HoldoutValidation) -> str:
    """Whether the forecast held on the weeks that the model had not seen."""
    return phrase(
        _HELD[validation.verdict],
        first=day(validation.calibration_end + dt.timedelta(days=1)),
        last=day(validation.holdout_end),
        reason=validation.reason,
    )


_HELD = catalogue(
    {
        "use": (
            "The forecast can be used: from {first} to {last}, which the model had not seen, {reason}."
        ),
        "use with care": (
            "Use the forecast with care: from {first} to {last}, which the model had not seen, {reason}."
        ),
        "do not use": (
            "Do not use the forecast: from {first} to {last}, which the model had not seen, {reason}."
        ),
    }
)


def holdout_by_customer(validation: HoldoutValidation) -> str:
    """How the model's error per customer compares with simple rules."""
    errors = validation.errors
    rules = [
        phrase("“{rule}” by {error}", rule=phrase(str(name)), error=decimals(errors[name], 2))
        for name in errors.index
        if name != "model"
    ]
    said = phrase(
        "Customer by customer the model was off by {error} purchases on average; of the rules of thumb "
        "{rules}.",
        error=decimals(errors["model"], 2),
        rules=listed(rules),
    )
    better = [str(name) for name in errors.index if errors[name] < errors["model"]]
    if better:
        named = quoted(phrase(name) for name in better)
        said += " " + phrase("Nearer than the model was {rules}.", rules=named)
    else:
        said += " " + phrase("None of them was nearer than the model.")
    return f"{said} {_of_the_total(validation)}".rstrip()


def _of_the_total(validation: HoldoutValidation) -> str:
    """By how much the model, and a repetition of the period before, missed what came of all."""
    came = validation.actual
    if came == 0:
        return ""
    before = float(validation.customers["last_period"].sum())
    return phrase(
        "All their purchases together it missed by {share}; repeating the period before would have "
        "missed them by {rate}.",
        share=share(abs(validation.relative_error)),
        rate=share(abs(before / came - 1.0)),
    )


def still_customers(still: Interval, told: int, level: float, summary: pd.DataFrame) -> str:
    """How many customers are still with the store, of those of whom the model can tell."""
    once = len(summary) - told
    places = {
        "still": count(still.value),
        "low": count(still.low),
        "high": count(still.high),
        "level": share(level),
    }
    if once:
        texts = [
            phrase(
                "Of {customers} with a repeat purchase, {still} ({low} to {high}, {level} interval) "
                "have not left for good. Of the {once} who have bought only once the model cannot "
                "tell: it lets customers leave only after a repeat purchase.",
                customers=counted(told, "customer"),
                once=count(once),
                **places,
            )
        ]
    else:
        texts = [
            phrase(
                "Of {customers}, {still} ({low} to {high}, {level} interval) have not left for good.",
                customers=counted(told, "customer"),
                **places,
            )
        ]
    before = summary.attrs.get("customers_before", 0)
    if before:
        texts.append(
            phrase(
                "{customers} first seen before {day} are left out: they bought before the data begin.",
                customers=counted(before, "customer"),
                day=day(dt.date.fromisoformat(summary.attrs["first_seen_from"])),
            )
        )
    return " ".join(texts)


def expected_purchases(forecast: StoreForecast, horizon: float, time_unit: str) -> str:
    """What the customers of today will buy."""
    purchases, active = forecast.purchases, forecast.active_customers
    return phrase(
        "In the next {horizon} today's customers are expected to buy on {purchases} ({low} to "
        "{high}), and {active} of them ({active_low} to {active_high}) at least once. Customers "
        "yet to be won come on top.",
        horizon=duration(horizon, time_unit),
        purchases=counted(round(purchases.value), "occasion"),
        low=count(purchases.low),
        high=count(purchases.high),
        active=count(active.value),
        active_low=count(active.low),
        active_high=count(active.high),
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
    text = phrase(
        "At a margin of {margin}, today's customers are worth {value} ({low} to {high}) over the next "
        "{horizon}, discounted.",
        margin=share(money_settings.margin),
        value=phrase("{amount} {currency}", amount=count(forecast.value.value), currency=currency),
        low=count(forecast.value.low),
        high=count(forecast.value.high),
        horizon=duration(model.horizon, model.time_unit),
    )
    fit = spend.fit_
    if fit.verdict == "converged":
        return text
    return f"{text} " + phrase("As to spend, {reason}.", reason=fit.message)


def value_spread(predictions: pd.DataFrame, forecast: StoreForecast, currency: str) -> str:
    """How lifetime value is spread over customers, where the forecast may be shown."""
    if forecast.value is None:
        raise CannotSay("How value is spread cannot be said without a model of spend.")
    value = predictions["clv"].dropna()
    low, middle, high = (value.quantile(part) for part in (0.25, 0.5, 0.75))
    text = phrase(
        "The middle customer is expected to be worth {middle}; half of all lie between {low} and "
        "{high}, and the mean is {mean}. What a single customer does is far less certain: the table of "
        "customers gives each one's interval.",
        middle=money(middle, currency),
        low=money(low, currency),
        high=money(high, currency),
        mean=money(value.mean(), currency),
    )
    left_out = len(predictions) - len(value)
    if left_out:
        text += " " + plural(
            "{n} customer whose repeat purchases came to nothing (returned or free) has no value here.",
            "{n} customers whose repeat purchases came to nothing (returned or free) have no value "
            "here.",
            left_out,
        )
    return text


def data_quality(log: Transactions, store_id: str) -> str:
    """What was read, what could not be used and why."""
    text = plural(
        "{rows} row was read for the whole chain.",
        "{rows} rows were read for the whole chain.",
        log.rows_read,
        rows=count(log.rows_read),
    )
    if log.quality.empty:
        return f"{text} " + phrase("All of them could be used.")
    by_reason = log.quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    reasons = [
        phrase("{reason}: {rows}", reason=phrase(str(reason)), rows=count(rows))
        for reason, rows in by_reason.items()
    ]
    here = int(log.quality.loc[log.quality["store_id"] == store_id, "rows"].sum())
    unusable = plural(
        "{n} ({share}) could not be used and is in no number here ({reasons}).",
        "{n} ({share}) could not be used and are in no number here ({reasons}).",
        log.rows_unusable,
        share=share(log.rows_unusable / log.rows_read, 1),
        reasons=listed(reasons),
    )
    belong = phrase("Of these, this store's: {here}.", here=count(here))
    return f"{text} {unusable} {belong}"


def remarks(log: Transactions) -> str:
    """What was found in the data and kept."""
    return " ".join(log.remarks)


def data_begin(first: dt.date) -> str:
    """What the beginning of the data means for who counts as new."""
    return phrase(
        "The data begin on {day}. Whoever had bought before counts as new on the first purchase after "
        "it, so the earliest cohorts may look more loyal than new customers are. Months with fewer than "
        "{smallest} new customers are not shown.",
        day=day(first),
        smallest=SMALLEST_GROUP,
    )
