"""Effects of campaigns → whole English sentences for a page, as pure functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_effects.words import percent
from retention_models.errors import CannotSay
from retention_models.languages import day, money

_NAMES = {
    "purchases": "purchases",
    "bought": "customers who bought at all",
    "spend": "spend",
    "profit": "profit",
}


def naive(effect: CampaignEffect) -> str:
    """How far the plain comparison of customers misleads, in spend.

    Parameters
    ----------
    effect : CampaignEffect

    Returns
    -------
    str

    Raises
    ------
    CannotSay
        Where the plain comparison does not mislead, or was not made.
    """
    table = effect.naive
    chosen = table.loc[(table["window"] == "campaign") & (table["outcome"] == "spend")]
    if chosen.empty:
        raise CannotSay("Customers were not chosen, so the plain comparison is an honest one too.")
    sentences = []
    for _, row in chosen.iterrows():
        text = (
            f"Beware of the plain comparison: those who got “{row['arm']}” spent "
            f"{_money(effect, row['difference'], sign=True)} each against those who did not "
            f"({_money(effect, row['mean'])} and {_money(effect, row['mean_against'])})."
        )
        adjusted = effect.table.loc[
            (effect.table["outcome"] == "spend")
            & (effect.table["window"] == "campaign")
            & (effect.table["arm"] == row["arm"])
            & (effect.table["estimand"] == "att")
        ]
        expected = row.get("expected_before", np.nan)
        if np.isfinite(expected):
            text += (
                f" Of that, {_money(effect, expected, sign=True)} was expected on the day before it "
                "began, from what they had bought until then: the campaign was sent to good customers."
            )
        if not adjusted.empty:
            one = adjusted.iloc[0]
            text += (
                f" Compared with customers like them, the difference is "
                f"{_money(effect, one['absolute_effect'], sign=True)} "
                f"({_money(effect, one['conf_low'], sign=True)} to "
                f"{_money(effect, one['conf_high'], sign=True)})."
            )
        sentences.append(text)
    return " ".join(sentences)


def effects(effect: CampaignEffect) -> str:
    """The differences of the picture, one by one, those of the campaign's days.

    Raises
    ------
    CannotSay
        Where there is none.
    """
    table = effect.table
    chosen = table.loc[
        table["estimand"].isin(["itt", "att"])
        & (table["window"] == "campaign")
        & np.isfinite(table["lift_percent"].astype(float))
    ]
    if chosen.empty:
        raise CannotSay(effect.refusal or "No outcome has a lift that could be told.")
    several = len(chosen[["arm", "against"]].drop_duplicates()) > 1
    parts = []
    for _, row in chosen.iterrows():
        pair = f" of “{row['arm']}” against “{row['against']}”" if several else ""
        lift, low, high = (float(row[name]) for name in ("lift_percent", "lift_low", "lift_high"))
        parts.append(
            f"{_NAMES[row['outcome']]}{pair} {_signed(lift)} ({_signed(low)} to {_signed(high)})"
        )
    return f"In the campaign’s days: {'; '.join(parts)}."


def cumulative(effect: CampaignEffect) -> str:
    """Purchases per customer more than without the campaign, until its last day measured.

    Raises
    ------
    CannotSay
        Where days were not counted.
    """
    if effect.cumulative.empty:
        raise CannotSay("The difference was not added up day by day for this campaign.")
    parts = []
    for arm, days in effect.cumulative.groupby("arm"):
        last = days.iloc[-1]
        parts.append(
            f"until {day(last['day'])}, customers of “{arm}” had made {last['difference']:+.2f} "
            f"purchases each against those held out ({last['conf_low']:+.2f} to "
            f"{last['conf_high']:+.2f})"
        )
    text = "; ".join(parts).replace("-", "−")
    return f"{text[0].upper()}{text[1:]}, without what was known before."


def comparison(effect: CampaignEffect) -> str:
    """Whether those compared were alike before, as the checks say it.

    Raises
    ------
    CannotSay
        Where nothing known before is there to compare.
    """
    if not effect.event_study.empty:
        told = effect.pre_trend.loc[effect.pre_trend["outcome"] == effect.campaign.primary, "words"]
        return " ".join(str(text) for text in told) or (
            "Each point is the difference between stores with and without the campaign in one week."
        )
    if effect.balance.empty:
        raise CannotSay(
            effect.refusal or "Nothing known before the campaign is there to compare its arms by."
        )
    chosen = effect.checks.loc[effect.checks["check"].isin(["balance", "overlap"]), "words"]
    return " ".join(str(text) for text in chosen)


def campaigns(overview: pd.DataFrame) -> str:
    """How many campaigns there were, and of how many something can be said.

    Parameters
    ----------
    overview : DataFrame
        From `campaign_overview`.

    Returns
    -------
    str

    Raises
    ------
    CannotSay
        Where none has begun.
    """
    if overview.empty:
        raise CannotSay("No campaign of the project file has begun.")
    ids = overview["campaign_id"].nunique()
    told = overview.loc[overview["grade"].notna()]
    some = told["campaign_id"].nunique()
    sure = told.loc[told["pvalue_adjusted"].astype(float) < 0.05]
    these = "the chain’s newest campaign" if ids == 1 else f"the chain’s {ids:,} newest campaigns"
    if not some:
        return f"Of {these}, an effect can be told of none, for the reason beside each."
    text = f"Of {these}, an effect can be told of {some:,}."
    if sure.empty:
        text += " None changed purchases beyond what chance brings among so many."
    else:
        names = ", ".join(f"“{name}”" for name in dict.fromkeys(sure["name"]))
        text += f" Beyond what chance brings among so many: {names}."
    worst = sorted(set(told["grade"]))[-1]
    if worst > "B":
        text += (
            " Grades of C and D mean that customers were chosen, not drawn by lot: believe such an "
            "effect only as far as the comparison found customers like them."
        )
    return text


def _money(effect: CampaignEffect, value: float, *, sign: bool = False) -> str:
    text = money(abs(float(value)), effect.currency).strip()
    if not sign:
        return text if value >= 0 else f"−{text}"
    return f"{text} {'more' if value >= 0 else 'less'}"


def _signed(value: float) -> str:
    text = percent(value)
    return text if text == percent(0.0) else ("−" if value < 0 else "+") + text
