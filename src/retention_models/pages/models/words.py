"""Comparisons of models → whole English sentences, as pure functions."""

from __future__ import annotations

import datetime as dt

from retention_models.languages import counted, day, duration, number
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.store.words import between
from retention_models.predictions.customers import mean_purchase_rate
from retention_models.predictions.season import name_of
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.independence import SpendIndependence
from retention_models.predictions.validation.verdicts import BEYOND_CHANCE
from retention_models.time_units import NAME_OF_UNIT


def what_is_compared(comparison: ModelComparison, time_unit: str) -> str:
    """The customers and the two periods that the models are held against."""
    found = comparison.chosen
    customers = found.customers
    first = found.calibration_end + dt.timedelta(days=1)
    back = int((customers["frequency"] > 0).sum())
    return (
        f"Up to {day(found.calibration_end)}, {counted(len(customers), 'customer')} had bought, "
        f"{back:,} of them on more than one day, {int(customers['frequency'].sum()):,} repeat "
        f"purchases in all. The models are fitted to these and held against the "
        f"{duration(round(customers['duration_holdout'].iloc[0], 1), time_unit)} from {day(first)} to "
        f"{day(found.holdout_end)}."
    )


def estimates(comparison: ModelComparison, time_unit: str) -> str:
    """How often customers buy according to each model, and the limits that estimates ran to."""
    unit = NAME_OF_UNIT[time_unit]
    rates, limits = [], []
    for name, found in comparison.validations.items():
        fit = found.purchases.fit_
        rate = mean_purchase_rate(fit, getattr(found.purchases, "k_", 1))
        rates.append(f"{number(rate.value)} (the {name})")
        if fit.verdict != "converged":
            limits.append(f"The estimates of the {name} ran to a limit: {fit.message}.")
    text = (
        f"While they are customers, people come back {', '.join(rates[:-1])} or {rates[-1]} times a "
        f"{unit} on average."
        if len(rates) > 1
        else f"While they are customers, people come back {rates[0]} times a {unit} on average."
    )
    return " ".join([text, *limits])


def tracking_of_models(comparison: ModelComparison) -> str:
    """What each model expected of the weeks held out, against what came."""
    table = comparison.table.loc[list(comparison.validations)]
    parts = [
        f"the {name} expected {row['expected']:,.0f} ({row['total_error']:+.0%})"
        if row["actual"]
        else f"the {name} expected {row['expected']:,.0f}"
        for name, row in table.iterrows()
    ]
    found = comparison.chosen
    return (
        f"In the weeks held out {found.actual:,} purchases came; {', '.join(parts)}. The band is the "
        f"{_name(comparison)}’s 90% interval, {between(found.total)} at its end."
    )


def rules_of_thumb(validation: HoldoutValidation) -> str:
    """How the model's squared error per customer compares with rules that need no model."""
    errors = validation.baselines["squared_error"]
    rules = errors.drop("model")
    best = str(rules.idxmin())
    beyond = abs(float(validation.baselines.loc[best, "better_by"]))
    sure = "beyond chance" if beyond > BEYOND_CHANCE else "a difference that chance may make"
    less, name = ("less", "the model") if errors["model"] <= rules[best] else ("more", "the model")
    return (
        f"Customer by customer {name} errs {less} than the best rule of thumb, “{best}” (mean squared "
        f"error {errors['model']:.2f} against {rules[best]:.2f}), {sure}."
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
    expected, observed = (float(weights @ groups[name]) for name in ("expected", "observed"))
    return (
        f"Of all customers {observed:.0%} bought in the weeks held out, where {expected:.0%} were "
        "expected to. Of those least likely to be customers still (P(alive) "
        f"{lowest['probability_alive']:.0%} on average) {lowest['observed']:.0%} bought where "
        f"{lowest['expected']:.0%} were expected; of those most likely "
        f"({highest['probability_alive']:.0%}), {highest['observed']:.0%} where "
        f"{highest['expected']:.0%}. In {held} of {len(groups)} groups the expected share lies in the "
        "95% interval of the observed one. Who is alive cannot be seen, so what is compared is the "
        "chance of a purchase."
    )


def count_intervals(validation: HoldoutValidation) -> str:
    """Whether customers' intervals of counts hold what they say."""
    counts = validation.counts
    inside = counts.pit.low <= counts.interval <= counts.pit.high
    judged = (
        "as wide as they should be"
        if inside
        else "too narrow"
        if counts.pit.value < counts.interval
        else "too wide"
    )
    return (
        f"{counts.covered.value:.0%} of customers bought as often as their own {counts.interval:.0%} "
        f"interval says, where the model expects {counts.expected:.0%}, more than {counts.interval:.0%} "
        f"since purchases are whole numbers. With that allowed for, the intervals hold "
        f"{counts.pit.value:.1%} ({counts.pit.low:.1%} to {counts.pit.high:.1%}): they are {judged}."
    )


def spend_and_frequency(found: SpendIndependence) -> str:
    """Whether lifetime value may be told as purchases times spend."""
    verdict = {
        "use": "Lifetime value per customer can be used",
        "use with care": "Use lifetime value per customer with care",
        "do not use": "Do not use lifetime value per customer",
    }[found.verdict]
    return (
        f"{verdict}: {found.reason}. The correlation of the logs says "
        f"{found.log_correlation.value:+.2f} "
        f"({found.log_correlation.low:+.2f} to {found.log_correlation.high:+.2f}). A plain rank "
        f"correlation would say {found.plain_rank_correlation:+.2f}, part of which comes of averaging "
        "few purchases."
    )


def recommendation(comparison: ModelComparison) -> str:
    """Which model to use, how sure that is, and what else to know of it."""
    found = comparison.chosen
    verdict = {
        "use": "its forecast can be used",
        "use with care": "its forecast is to be used with care",
        "do not use": "its forecast is not to be used",
    }[found.verdict]
    return f"{comparison.reason}. Of the {_name(comparison)}: {verdict}, since {found.reason}."


def _name(comparison: ModelComparison) -> str:
    return name_of(comparison.chosen.purchases)
