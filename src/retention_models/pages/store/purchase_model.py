"""What the purchase model's parameters mean for the shop, in sentences."""

from __future__ import annotations

from scipy.special import gammaincinv

from retention_models.languages import catalogue, count, number, phrase, share
from retention_models.models.fitters import MidLifeFitter, PurchaseFitter, RegularFitter
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.seasons.fit import SEASON_SHRUNK
from retention_models.pages.store.season import season
from retention_models.predictions.customers import mean_dropout, mean_purchase_rate
from retention_models.time_units import days_in


def purchase_model(purchases: PurchaseFitter | MaximumLikelihoodFit, time_unit: str) -> str:
    """What the purchase model's parameters mean for the shop."""
    fit = purchases if isinstance(purchases, MaximumLikelihoodFit) else purchases.fit_
    dropout = mean_dropout(fit)
    text = _how_often(purchases, time_unit)
    if dropout.value == 0.0:
        return f"{text} " + phrase("In these data {reason}.", reason=fit.message)
    text += " " + phrase(
        "After each purchase {share} of them ({low} to {high}) leave for good.",
        share=share(dropout.value, 1),
        low=share(dropout.low, 1),
        high=share(dropout.high, 1),
    )
    followed = season(purchases) if isinstance(purchases, PurchaseFitter) else ""
    if fit.posterior is not None:
        return f"{text} " + phrase(
            "The store's own history leaves that open ({reason}), so what shops of all kinds do counts "
            "too, and intervals allow for all that may be.",
            reason=fit.message,
        )
    if fit.verdict == "shrunk" and not (followed and fit.message == phrase(SEASON_SHRUNK)):
        text += " " + phrase(
            "The store's own customers do not carry a model by themselves, so it borrows: {reason}.",
            reason=fit.message,
        )
        return f"{text} {followed}".rstrip()
    if fit.verdict in ("converged", "shrunk", "given"):
        if isinstance(purchases, MidLifeFitter):
            text = f"{_who_was_there(purchases, time_unit)} {text}"
        return f"{text} {followed}".rstrip()
    return f"{text} " + phrase("The fit ended at a limit: {reason}.", reason=fit.message)


def _how_often(purchases: PurchaseFitter | MaximumLikelihoodFit, time_unit: str) -> str:
    """How often customers come back; of regular ones how even their gaps are, in days."""
    if isinstance(purchases, RegularFitter) and purchases.k_ > 1:
        k = purchases.k_
        mean = days_in(time_unit) / mean_purchase_rate(purchases.fit_, k).value
        return phrase(
            "Customers of this shop buy at regular intervals: of one who buys every {mean} days, nine "
            "in ten gaps between two purchases are {low} to {high} days long, so that whoever stays "
            "away for much longer has most likely left.",
            mean=count(mean),
            low=count(mean * gammaincinv(k, 0.05) / k),
            high=count(mean * gammaincinv(k, 0.95) / k),
        )
    fit = purchases if isinstance(purchases, MaximumLikelihoodFit) else purchases.fit_
    rate = mean_purchase_rate(fit)
    come_back = _NEWCOMERS_COME_BACK if isinstance(purchases, MidLifeFitter) else _COME_BACK
    return phrase(
        come_back[time_unit],
        rate=number(rate.value),
        low=number(rate.low),
        high=number(rate.high),
    )


def _who_was_there(purchases: MidLifeFitter, time_unit: str) -> str:
    """How many were customers when the data began, and how many have come since."""
    arrivals = purchases.params_["arrivals"]
    return phrase(
        _WHO_WAS_THERE[time_unit],
        customers=count(purchases.fit_.customers),
        before=count(max(0.0, purchases.fit_.customers - arrivals * purchases.observed_)),
        arrivals=number(arrivals),
    )


_WHO_WAS_THERE = catalogue(
    {
        "D": (
            "Of the {customers} customers about {before} were customers already when the data begin; "
            "the others came since, {arrivals} a day."
        ),
        "W": (
            "Of the {customers} customers about {before} were customers already when the data begin; "
            "the others came since, {arrivals} a week."
        ),
        "M": (
            "Of the {customers} customers about {before} were customers already when the data begin; "
            "the others came since, {arrivals} a month."
        ),
    }
)
_NEWCOMERS_COME_BACK = catalogue(
    {
        "D": (
            "While they are customers, newcomers come back {rate} times a day on average ({low} to "
            "{high}), but unevenly: the typical one less, a few much more."
        ),
        "W": (
            "While they are customers, newcomers come back {rate} times a week on average ({low} to "
            "{high}), but unevenly: the typical one less, a few much more."
        ),
        "M": (
            "While they are customers, newcomers come back {rate} times a month on average ({low} to "
            "{high}), but unevenly: the typical one less, a few much more."
        ),
    }
)
_COME_BACK = catalogue(
    {
        "D": (
            "While they are customers, people of this store come back {rate} times a day on average "
            "({low} to {high}), but unevenly: the typical customer less, a few much more."
        ),
        "W": (
            "While they are customers, people of this store come back {rate} times a week on average "
            "({low} to {high}), but unevenly: the typical customer less, a few much more."
        ),
        "M": (
            "While they are customers, people of this store come back {rate} times a month on average "
            "({low} to {high}), but unevenly: the typical customer less, a few much more."
        ),
    }
)
