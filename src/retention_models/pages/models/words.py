"""Comparisons of models → whole sentences, as pure functions."""

from __future__ import annotations

import datetime as dt

from retention_models.languages import (
    catalogue,
    count,
    counted,
    day,
    decimals,
    duration,
    ends,
    listed,
    number,
    phrase,
    share,
    signed_share,
)
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.predictions.customers import mean_purchase_rate
from retention_models.predictions.model_names import name_in_words, name_of
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.independence import SpendIndependence
from retention_models.predictions.validation.verdicts import BEYOND_CHANCE

_RATES = catalogue(
    {
        "D": "While they are customers, people come back so many times a day on average: {rates}.",
        "W": "While they are customers, people come back so many times a week on average: {rates}.",
        "M": "While they are customers, people come back so many times a month on average: {rates}.",
    }
)
_RULES = catalogue(
    {
        "less.beyond": (
            "Customer by customer the model errs less than the best rule of thumb, “{rule}” (mean "
            "squared error {error} against {error_of_rule}), beyond chance."
        ),
        "less.within": (
            "Customer by customer the model errs less than the best rule of thumb, “{rule}” (mean "
            "squared error {error} against {error_of_rule}), a difference that chance may make."
        ),
        "more.beyond": (
            "Customer by customer the model errs more than the best rule of thumb, “{rule}” (mean "
            "squared error {error} against {error_of_rule}), beyond chance."
        ),
        "more.within": (
            "Customer by customer the model errs more than the best rule of thumb, “{rule}” (mean "
            "squared error {error} against {error_of_rule}), a difference that chance may make."
        ),
    }
)
_WIDTHS = catalogue(
    {
        "right": (
            "With that allowed for, the intervals hold {held} ({low} to {high}): they are as wide as "
            "they should be."
        ),
        "narrow": (
            "With that allowed for, the intervals hold {held} ({low} to {high}): they are too narrow."
        ),
        "wide": (
            "With that allowed for, the intervals hold {held} ({low} to {high}): they are too wide."
        ),
    }
)
_SPEND = catalogue(
    {
        "use": "Lifetime value per customer can be used: {reason}.",
        "use with care": "Use lifetime value per customer with care: {reason}.",
        "do not use": "Do not use lifetime value per customer: {reason}.",
    }
)
_FORECAST = catalogue(
    {
        "use": "Of the {name}: its forecast can be used, since {reason}.",
        "use with care": "Of the {name}: its forecast is to be used with care, since {reason}.",
        "do not use": "Of the {name}: its forecast is not to be used, since {reason}.",
    }
)


def what_is_compared(comparison: ModelComparison, time_unit: str) -> str:
    """The customers and the two periods that the models are held against."""
    found = comparison.chosen
    customers = found.customers
    length = round(customers["duration_holdout"].iloc[0], 1)
    return phrase(
        "Up to {end}, {customers} had bought, {back} of them on more than one day, {repeats} in "
        "all. The models are fitted to these and held against the {length} from {first} to "
        "{last}.",
        end=day(found.calibration_end),
        customers=counted(len(customers), "customer"),
        back=count(int((customers["frequency"] > 0).sum())),
        repeats=counted(int(customers["frequency"].sum()), "repeat purchase"),
        length=duration(length, time_unit),
        first=day(found.calibration_end + dt.timedelta(days=1)),
        last=day(found.holdout_end),
    )


def estimates(comparison: ModelComparison, time_unit: str) -> str:
    """How often customers buy according to each model, and the limits that estimates ran to."""
    rates, limits = [], []
    for name, found in comparison.validations.items():
        fit = found.purchases.fit_
        rate = mean_purchase_rate(fit, getattr(found.purchases, "k_", 1))
        told = name_in_words(name)
        rates.append(phrase("{rate} (the {name})", rate=number(rate.value), name=told))
        if fit.verdict != "converged":
            limits.append(
                phrase(
                    "The estimates of the {name} ran to a limit: {reason}.",
                    name=told,
                    reason=fit.message,
                )
            )
    return " ".join([phrase(_RATES[time_unit], rates=listed(rates)), *limits])


def tracking_of_models(comparison: ModelComparison) -> str:
    """What each model expected of the weeks held out, against what came."""
    table = comparison.table.loc[list(comparison.validations)]
    parts = [
        phrase(
            "the {name} expected {expected} ({off})",
            name=name_in_words(str(name)),
            expected=count(row["expected"]),
            off=signed_share(row["total_error"]),
        )
        if row["actual"]
        else phrase(
            "the {name} expected {expected}",
            name=name_in_words(str(name)),
            expected=count(row["expected"]),
        )
        for name, row in table.iterrows()
    ]
    found = comparison.chosen
    return phrase(
        "In the weeks held out {actual} came; {expected}. The band is the 90% interval of the "
        "{name}, {ends} at its end.",
        actual=counted(round(found.actual), "purchase"),
        expected=listed(parts),
        name=_name(comparison),
        ends=ends(count(found.total.low), count(found.total.high)),
    )


def rules_of_thumb(validation: HoldoutValidation) -> str:
    """How the model's squared error per customer compares with rules that need no model."""
    errors = validation.baselines["squared_error"]
    rules = errors.drop("model")
    best = str(rules.idxmin())
    beyond = abs(float(validation.baselines.loc[best, "better_by"]))
    sure = "beyond" if beyond > BEYOND_CHANCE else "within"
    side = "less" if errors["model"] <= rules[best] else "more"
    return phrase(
        _RULES[f"{side}.{sure}"],
        rule=phrase(best),
        error=decimals(errors["model"], 2),
        error_of_rule=decimals(rules[best], 2),
    )


def alive_calibration(validation: HoldoutValidation) -> str:
    """Whether as many customers bought as the model gave a chance to."""
    groups = validation.by_alive
    groups = groups.loc[groups["customers"] >= SMALLEST_GROUP]
    held = int(
        ((groups["low"] <= groups["expected"]) & (groups["expected"] <= groups["high"])).sum()
    )
    weights = groups["customers"] / groups["customers"].sum()
    lowest, highest = groups.iloc[0], groups.iloc[-1]
    return phrase(
        "Of all customers {observed} bought in the weeks held out, where {expected} were expected to. "
        "Of those least likely to be customers still (P(alive) {alive_low} on average) {observed_low} "
        "bought where {expected_low} were expected; of those most likely ({alive_high}), "
        "{observed_high} where {expected_high}. In {held} of {groups} groups the expected share lies "
        "in the 95% interval of the observed one. Who is alive cannot be seen, so what is compared is "
        "the chance of a purchase.",
        observed=share(float(weights @ groups["observed"])),
        expected=share(float(weights @ groups["expected"])),
        alive_low=share(lowest["probability_alive"]),
        observed_low=share(lowest["observed"]),
        expected_low=share(lowest["expected"]),
        alive_high=share(highest["probability_alive"]),
        observed_high=share(highest["observed"]),
        expected_high=share(highest["expected"]),
        held=count(held),
        groups=count(len(groups)),
    )


def count_intervals(validation: HoldoutValidation) -> str:
    """Whether customers' intervals of counts hold what they say."""
    counts = validation.counts
    inside = counts.pit.low <= counts.interval <= counts.pit.high
    width = "right" if inside else "narrow" if counts.pit.value < counts.interval else "wide"
    said = phrase(
        "{covered} of customers bought as often as their own {level} interval says, where the model "
        "expects {expected}, more than {level} since purchases are whole numbers.",
        covered=share(counts.covered.value),
        level=share(counts.interval),
        expected=share(counts.expected),
    )
    held, low, high = (
        share(part, 1) for part in (counts.pit.value, counts.pit.low, counts.pit.high)
    )
    return f"{said} " + phrase(_WIDTHS[width], held=held, low=low, high=high)


def spend_and_frequency(found: SpendIndependence) -> str:
    """Whether lifetime value may be told as purchases times spend."""
    logs = found.log_correlation
    return f"{phrase(_SPEND[found.verdict], reason=found.reason)} " + phrase(
        "The correlation of the logs says {value} ({low} to {high}). A plain rank correlation would say "
        "{plain}, part of which comes of averaging few purchases.",
        value=decimals(logs.value, 2, signed=True),
        low=decimals(logs.low, 2, signed=True),
        high=decimals(logs.high, 2, signed=True),
        plain=decimals(found.plain_rank_correlation, 2, signed=True),
    )


def recommendation(comparison: ModelComparison) -> str:
    """Which model to use, how sure that is, and what else to know of it."""
    found = comparison.chosen
    told = phrase(_FORECAST[found.verdict], name=_name(comparison), reason=found.reason)
    return f"{comparison.reason}. {told}"


def _name(comparison: ModelComparison) -> str:
    return name_in_words(name_of(comparison.chosen.purchases))
