"""Effects of campaigns → whole sentences for a page, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.heavy_spend import CappedEffect
from retention_models.campaigns.effects.labels import arm_in_words, outcome_label
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.sizes import signed_percent
from retention_models.errors import CannotSay
from retention_models.languages import (
    clauses,
    count,
    counted,
    day,
    decimals,
    marked,
    money,
    phrase,
    plural,
    quoted,
)
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.campaign.money import finished_campaign, paid_of
from retention_models.project.campaign_outputs import TO_TREAT as TO_TREAT
from retention_models.project.campaign_overview import overview_rows


def in_a_sentence(effect: CampaignEffect, *, costs: bool) -> str:
    """What it changed, whether it paid and how far to believe it, in the words of the chain's page."""
    rows = overview_rows(effect)
    told = paid_of(rows, effect.currency, costs=costs)
    name, end = phrase("“{name}”", name=effect.campaign.name), effect.campaign.end
    return str(
        finished_campaign(name, end, effect.verdict, effect.grade, told, effect.refusal).unescape()
    )


def naive(effect: CampaignEffect) -> str:
    """How far the plain comparison of customers misleads, in spend; refused where it does not."""
    table = effect.naive
    chosen = table.loc[(table["window"] == "campaign") & (table["outcome"] == "spend")]
    if chosen.empty:
        raise CannotSay("Customers were not chosen, so the plain comparison is an honest one too.")
    sentences = []
    for _, row in chosen.iterrows():
        text = phrase(
            "Beware of the plain comparison: those who got {arm} spent {difference} each against "
            "those who did not ({mean} and {mean_against}).",
            arm=arm_in_words(str(row["arm"]), several=len(set(chosen["arm"])) > 1),
            difference=_difference(effect, row["difference"]),
            mean=_money(effect, row["mean"]),
            mean_against=_money(effect, row["mean_against"]),
        )
        adjusted = effect.table.loc[
            (effect.table["outcome"] == "spend")
            & (effect.table["window"] == "campaign")
            & (effect.table["arm"] == row["arm"])
            & (effect.table["estimand"] == "att")
        ]
        expected = row.get("expected_before", np.nan)
        if np.isfinite(expected):
            text += " " + phrase(
                "Of that, {difference} was expected on the day before it began, from what they had "
                "bought until then: the campaign was sent to good customers.",
                difference=_difference(effect, expected),
            )
        if not adjusted.empty:
            one = adjusted.iloc[0]
            text += " " + phrase(
                "Compared with customers like them, the difference is {difference} ({low} to {high}).",
                difference=_difference(effect, one["absolute_effect"]),
                low=_difference(effect, one["conf_low"]),
                high=_difference(effect, one["conf_high"]),
            )
        sentences.append(text)
    return " ".join(sentences)


def effects(effect: CampaignEffect) -> str:
    """The differences of the picture, one by one, those of the campaign's days."""
    table = effect.table
    chosen = table.loc[
        table["estimand"].isin(["itt", "att"])
        & (table["window"] == "campaign")
        & np.isfinite(table["lift_percent"].astype(float))
    ]
    if chosen.empty:
        raise CannotSay(effect.refusal or phrase("No outcome has a lift that could be told."))
    several = len(chosen[["arm", "against"]].drop_duplicates()) > 1
    sentence = marked("{what} {change} ({low} to {high})")
    if several:
        sentence = marked("{what} of “{arm}” against “{against}” {change} ({low} to {high})")
    parts = [
        phrase(
            sentence,
            what=outcome_label(row["outcome"], "noun"),
            arm=row["arm"],
            against=row["against"],
            change=signed_percent(row["lift_percent"]),
            low=signed_percent(row["lift_low"]),
            high=signed_percent(row["lift_high"]),
        )
        for _, row in chosen.iterrows()
    ]
    return phrase("In the campaign’s days: {changes}.", changes=clauses(parts))


def cumulative(effect: CampaignEffect) -> str:
    """Purchases per customer more than without the campaign, until its last day measured."""
    if effect.cumulative.empty:
        raise CannotSay("The difference was not added up day by day for this campaign.")
    ends = [days.iloc[-1] for _, days in effect.cumulative.groupby("arm")]
    if len(ends) == 1:
        return phrase(
            "Until {day}, customers of the campaign had made {difference} purchases each against those "
            "held out ({low} to {high}), without what was known before.",
            **_until(ends[0]),
        )
    first = phrase(
        "Until {day}, customers of “{arm}” had made {difference} purchases each against those held out "
        "({low} to {high})",
        **_until(ends[0]),
    )
    others = [
        phrase(
            "until {day}, customers of “{arm}” had made {difference} purchases each against those held "
            "out ({low} to {high})",
            **_until(last),
        )
        for last in ends[1:]
    ]
    return phrase("{arms}, without what was known before.", arms="; ".join([first, *others]))


def _until(last: pd.Series) -> dict[str, str]:
    """Places of an arm's last day."""
    names = {"difference": "difference", "low": "conf_low", "high": "conf_high"}
    told = {place: decimals(last[name], 2, signed=True) for place, name in names.items()}
    return {"day": day(last["day"]), "arm": str(last["arm"]), **told}


def to_treat(table: pd.DataFrame | None) -> str:
    """How many are to be offered it next time, and in which file they are; or why there is none."""
    if table is None:
        return phrase("There is no list of whom to offer it next time: nothing tells them apart.")
    if len(table) < SMALLEST_GROUP:
        return phrase("Whom to offer it next time, the most gaining first: {file}.", file=TO_TREAT)
    return phrase(
        "Whom to offer it next time, {customers}, the most gaining first: {file}.",
        customers=counted(len(table), "customer"),
        file=TO_TREAT,
    )


def capped(found: Sequence[CappedEffect]) -> list[str]:
    """What capping heavy spend changes, arm by arm, and why it is told."""
    said = [
        phrase("Of “{arm}”: {reason}", arm=one.arm, reason=one.sentence())
        if len(found) > 1
        else one.sentence()
        for one in found
    ]
    note = phrase(
        "The quantile was declared in the project file. Where the two differ much, a few heavy spenders "
        "decide the effect as it is."
    )
    return [*said, note] if said else []


def comparison(effect: CampaignEffect) -> str:
    """Whether those compared were alike before, as the checks say it."""
    if not effect.event_study.empty:
        told = effect.pre_trend.loc[effect.pre_trend["outcome"] == effect.campaign.primary, "words"]
        return " ".join(str(text) for text in told) or phrase(
            "Each point is the difference between stores with and without the campaign in one week."
        )
    if effect.balance.empty:
        raise CannotSay(
            effect.refusal
            or phrase("Nothing known before the campaign is there to compare its arms by.")
        )
    chosen = effect.checks.loc[effect.checks["check"].isin(["balance", "overlap"]), "words"]
    return " ".join(str(text) for text in chosen)


def campaigns(overview: pd.DataFrame) -> str:
    """How many campaigns of `campaign_overview` there were, and of how many something can be said."""
    if overview.empty:
        raise CannotSay("No campaign of the project file has begun.")
    ids = overview["campaign_id"].nunique()
    told = overview.loc[overview["grade"].notna()]
    some = told["campaign_id"].nunique()
    sure = told.loc[told["pvalue_adjusted"].astype(float) < 0.05]
    if not some:
        return plural(
            "Of the chain’s newest campaign, an effect can be told of none, for the reason beside each.",
            "Of the chain’s {n} newest campaigns, an effect can be told of none, for the reason beside "
            "each.",
            ids,
        )
    text = plural(
        "Of the chain’s newest campaign, an effect can be told of {some}.",
        "Of the chain’s {n} newest campaigns, an effect can be told of {some}.",
        ids,
        some=count(some),
    )
    if sure.empty:
        text += " " + phrase("None changed purchases beyond what chance brings among so many.")
    else:
        names = quoted(dict.fromkeys(sure["name"]))
        text += " " + phrase("Beyond what chance brings among so many: {names}.", names=names)
    worst = sorted(set(told["grade"]))[-1]
    if worst > "B":
        text += " " + phrase(
            "Grades of C and D mean that customers were chosen, not drawn by lot: believe such an "
            "effect only as far as the comparison found customers like them."
        )
    return text


def _money(effect: CampaignEffect, value: float) -> str:
    text = money(abs(float(value)), effect.currency).strip()
    return text if value >= 0 else f"−{text}"


def _difference(effect: CampaignEffect, value: float) -> str:
    size = money(abs(float(value)), effect.currency).strip()
    return phrase("{size} more", size=size) if value >= 0 else phrase("{size} less", size=size)
