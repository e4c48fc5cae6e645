"""The sentence on which models a chain's stores go by, and how that is known."""

from __future__ import annotations

from retention_models.languages import catalogue, count, counted, day, phrase, share
from retention_models.predictions.candidates import PLAIN
from retention_models.predictions.contest import FEWEST_DAYS, FEWEST_STORES, Contest


def chosen_model(contest: Contest) -> str:
    """Which models the chain's stores go by, and how that is known."""
    if contest.named:
        if contest.rule == PLAIN:
            return phrase("The project file names the model that is used: the plain one (BG/NBD).")
        return phrase(
            "{model}. The project file names it; elsewhere the plain one (BG/NBD) is used.",
            model=phrase(_RULES[contest.rule]),
        )
    if not contest.forecasts:
        return phrase(
            "Which model a store goes by is told by its own customers, store by store: that past "
            "forecasts tell it takes at least {stores} stores, each forecast from {days} earlier days.",
            stores=FEWEST_STORES,
            days=FEWEST_DAYS,
        )
    found = {
        "forecasts": count(contest.forecasts),
        "stores": counted(contest.stores, "store"),
        "days": count(contest.days),
        "since": day(contest.since),
        "held": day(contest.held),
    }
    if contest.rule == PLAIN:
        return phrase(
            "Of the models tried on {forecasts} past forecasts of {stores}, made as of {days} earlier "
            "days, none was off by less than the plain one (BG/NBD), so it is used; in use since "
            "{since}, last tried on {held}.",
            **found,
        )
    return phrase(
        "{model}, because that was off by least in {forecasts} past forecasts of {stores}, made as of "
        "{days} earlier days: totals were off by {share} less than with the plain one (BG/NBD); in use "
        "since {since}, last tried on {held}.",
        model=phrase(_RULES[contest.rule]),
        share=share(contest.total_gain),
        **found,
    )


_RULES = catalogue(
    {
        "mbg_nbd": (
            "The model used is one in which customers may leave after their first purchase (MBG/NBD), "
            "at stores whose customers show that"
        ),
        "mbg_cnbd": (
            "The model used is one of regular buyers (MBG/CNBD-k), at stores whose customers show that"
        ),
        "mid_life": (
            "The model used is one that tells customers of before the data begin from newcomers, at "
            "stores whose customers show that"
        ),
        "by_store": "The model used is the one that a store's own customers ask for",
    }
)
