"""What campaigns at once did, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from retention_models.languages import catalogue, counted, day, number, phrase

if TYPE_CHECKING:
    from retention_models.campaign_effects.overlapping import OverlappingCampaigns

ENGLISH = catalogue(
    {
        "ran": "{names} ran at once from {start} to {end}, among {customers}.",
        "alone": (
            "“{name}” changed {what} in these days by {effect} a customer (between {low} and {high}), "
            "at the average of the others."
        ),
        "takes": (
            "{names} take from each other: together they do {effect} less a customer than each by "
            "itself adds up to (between {low} and {high})."
        ),
        "adds": (
            "{names} help each other: together they do {effect} more a customer than each by itself "
            "adds up to (between {low} and {high})."
        ),
        "neither": (
            "No sign that {names} take from each other: together they do between {low} and {high} more "
            "a customer than each by itself adds up to."
        ),
        "what.purchases": "purchases",
        "what.bought": "the share who bought",
        "what.spend": "spend",
        "what.profit": "profit",
        "and": " and ",
        "not_randomised": (
            "The campaign “{name}” was not given by lot, so who got it and another as well differs from "
            "others in more than the offers. No effect is given. Look at each campaign by itself."
        ),
        "no_days": (
            "The campaigns share no day, so neither can take from the other while it runs. Look at each "
            "by itself, the later one with the earlier as one of the other campaigns."
        ),
        "not_over": (
            "The days that the campaigns share end on {end} and the log on {last_day}. Wait for the end."
        ),
        "no_customers": (
            "No customer is in an arm of every campaign, so nothing shows what they do together. Look "
            "at each by itself."
        ),
        "two_arms": (
            "Customers are in more than one arm of the campaign “{name}”, so what they were offered is "
            "not known. Mend the assignments."
        ),
        "no_lot": "The data contradict that lots drew the offers independently. {reason}",
        "few": (
            "With {customers} customers in one of the combinations of offers, effects on {outcome} "
            "cannot be told: it takes {fewest} in each. Look at each campaign by itself, or include "
            "more customers."
        ),
    }
)


def overlapping_summary(found: OverlappingCampaigns) -> str:
    """What each campaign did, and whether one takes from another.

    Parameters
    ----------
    found : OverlappingCampaigns

    Returns
    -------
    str
        The same table gives the same words.
    """
    names = {campaign.id: campaign.name for campaign in found.campaigns}
    said = [
        phrase(
            ENGLISH["ran"],
            names=_listed(list(names.values())),
            start=day(found.start),
            end=day(found.end),
            customers=counted(found.customers, "customer"),
        )
    ]
    for _, row in found.table.iterrows():
        of = row["campaigns"]
        if len(of) > 2:
            continue
        told = {"low": number(row["conf_low"]), "high": number(row["conf_high"])}
        if len(of) == 1:
            what = phrase(ENGLISH[f"what.{found.outcome}"])
            effect = number(row["absolute_effect"])
            said.append(
                phrase(ENGLISH["alone"], name=names[of[0]], what=what, effect=effect, **told)
            )
            continue
        both = _listed([names[one] for one in of])
        said.append(_together(row, both, told, 1.0 - found.interval))
    return " ".join(said)


def _together(row: pd.Series, names: str, told: dict[str, str], level: float) -> str:
    """Whether two take from each other; the interval of a loss is told as its size."""
    effect = number(abs(row["absolute_effect"]))
    if not row["pvalue"] < level:
        return phrase(ENGLISH["neither"], names=names, **told)
    if row["absolute_effect"] > 0.0:
        return phrase(ENGLISH["adds"], names=names, effect=effect, **told)
    ends = {"low": number(-row["conf_high"]), "high": number(-row["conf_low"])}
    return phrase(ENGLISH["takes"], names=names, effect=effect, **ends)


def _listed(names: list[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return phrase(ENGLISH["and"]).join([", ".join(quoted[:-1]), quoted[-1]])
