"""Effects of campaigns → small tables of ready text, for a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.economics import paid_in_words
from retention_models.campaigns.effects.labels import (
    MEASURES,
    WINDOWS,
    check_name,
    outcome_label,
)
from retention_models.campaigns.effects.policy import TreatmentPolicy
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.segments import segment_name
from retention_models.campaigns.effects.sizes import signed_percent, size_of
from retention_models.errors import CannotSay
from retention_models.languages import (
    count,
    decimals,
    first_sentence,
    money,
    phrase,
    probability,
    share,
    spoken,
)
from retention_models.languages.directions import with_sign

_SHOWN = 12


def effects(effect: CampaignEffect, estimands: tuple[str, ...] = ("itt", "att")) -> pd.DataFrame:
    """What the campaign changed: each outcome and window with its interval, as text.

    Secondary estimands are "per_redeemer" and "ate"; refused where there is no row of those asked for.
    """
    table = effect.table.loc[effect.table["estimand"].isin(estimands)]
    if table.empty:
        raise CannotSay(effect.refusal or phrase("There is no such effect."))
    several = len(table[["arm", "against"]].drop_duplicates()) > 1
    rows = []
    for _, row in table.iterrows():
        outcome = row["outcome"]

        def say(value: float, outcome: str = outcome) -> str:
            return size_of(effect, outcome, value)

        rows.append(
            {
                phrase("Outcome"): _outcome(row, several),
                phrase("With it"): _or_dash(row["mean"], say),
                phrase("Without it"): _or_dash(row["mean_against"], say),
                phrase("Difference"): _lift(row)
                if np.isfinite(float(row["lift_percent"]))
                else _ends(row["absolute_effect"], row["conf_low"], row["conf_high"], say),
                phrase("Explained by the past"): _or_dash(row["r_squared"], share),
            }
        )
    frame = pd.DataFrame(rows).set_index(phrase("Outcome"))
    explained = phrase("Explained by the past")
    return frame.drop(columns=explained) if (frame[explained] == "–").all() else frame


def _outcome(row: pd.Series, several: bool) -> str:
    """Name of a row: its outcome and window, and the arms where there are several."""
    outcome, window = outcome_label(row["outcome"], "title"), phrase(WINDOWS[row["window"]])
    if not several:
        return phrase("{outcome}, {window}", outcome=outcome, window=window)
    return phrase(
        "{arm} against {against}: {outcome}, {window}",
        arm=row["arm"],
        against=row["against"],
        outcome=outcome,
        window=window,
    )


def economics(effect: CampaignEffect) -> pd.DataFrame:
    """Whether it paid, as text; refused where profit is not estimated."""
    table, currency = effect.economics, effect.currency
    if table.empty:
        raise CannotSay(effect.refusal or phrase("Profit is not estimated for this campaign."))
    columns = {}
    for _, row in table.iterrows():

        def say(value: float) -> str:
            return money(value, currency).strip()

        paid_back = ("return_on_cost", "return_low", "return_high")
        per_customer = ("cost_per_retained", "cost_per_retained_low", "cost_per_retained_high")
        several, has_cost = len(table) > 1, np.isfinite(row["return_on_cost"])
        arm = str(row["arm"]) if several else phrase("The campaign")
        columns[arm] = {
            phrase("Cost"): say(row["cost"]) if has_cost else phrase("none declared"),
            phrase("Profit"): _ends(row["profit"], row["profit_low"], row["profit_high"], say),
        }
        if has_cost:
            columns[arm] |= {
                phrase("Return on cost"): _between(*(decimals(row[name], 2) for name in paid_back)),
                phrase("Cost per retained customer"): str(row["refusal"])
                if not np.isfinite(row["cost_per_retained"])
                else _between(*(say(row[name]) for name in per_customer)),
                phrase("Did it pay?"): spoken().capitalised(paid_in_words(str(row["verdict"]))),
            }
    frame = pd.DataFrame(columns).fillna("–")
    frame.index.name = phrase("Money")
    return frame


def checks(effect: CampaignEffect) -> pd.DataFrame:
    """What was checked, and what was found, as text."""
    table = effect.checks
    found = [
        phrase("passed") if passed else phrase("needs attention") for passed in table["passed"]
    ]
    blocked = table["blocks"].astype(bool) & ~table["passed"].astype(bool)
    forbids = phrase("no effect can be given")
    result = [forbids if no else yes for no, yes in zip(blocked, found, strict=True)]
    frame = pd.DataFrame(
        {phrase("Result"): result, phrase("What was found"): table["words"].to_numpy()}
    )
    names = [check_name(str(name)) for name in table["check"]]
    frame.index = pd.Index([_capital(name) for name in names], name=phrase("Check"))
    return frame


def _capital(name: str) -> str:
    """With a capital, and all else as it is: arms have names, and German nouns capitals."""
    return spoken().capitalised(name)


def segments(effect: CampaignEffect) -> pd.DataFrame:
    """Who responded, as text: each segment's effect drawn towards the others'."""
    table = effect.segments
    if table.empty:
        raise CannotSay(
            effect.refusal
            or phrase(
                "Who responded most is told only of campaigns drawn by lot, where every segment has its "
                "own customers held out."
            )
        )
    outcome = effect.campaign.primary

    def say(value: float) -> str:
        return size_of(effect, outcome, value)

    frame = pd.DataFrame(
        {
            phrase("Offered"): [count(n) for n in table["customers"]],
            phrase("Held out"): [count(n) for n in table["customers_against"]],
            phrase("Difference"): [
                _ends(row["shrunken"], row["shrunken_low"], row["shrunken_high"], say)
                for _, row in table.iterrows()
            ],
            phrase("p-value"): [_pvalue(value) for value in table["pvalue_adjusted"]],
        }
    )
    several = len(set(table["arm"])) > 1
    names = [
        phrase("{segment}, {arm}", segment=segment_name(row["segment"]), arm=row["arm"])
        if several
        else segment_name(row["segment"])
        for _, row in table.iterrows()
    ]
    frame.index = pd.Index(names, name=phrase("Segment"))
    return frame


def policies(found: TreatmentPolicy, effect: CampaignEffect) -> pd.DataFrame:
    """What treating everyone, those whom it pays for, and as many by value gains, as text."""

    def say(value: float) -> str:
        return size_of(effect, found.outcome, value)

    rows = found.policies
    told = [share(part) if np.isfinite(part) else "–" for part in rows["treated"]]
    gains = [_ends(row["gain"], row["low"], row["high"], say) for _, row in rows.iterrows()]
    frame = pd.DataFrame({phrase("Treated"): told, phrase("Gain per customer of all"): gains})
    names = [_capital(str(name)) for name in rows["policy"]]
    return frame.set_axis(pd.Index(names, name=phrase("Offered to")))


def sensitivity(effect: CampaignEffect) -> pd.DataFrame:
    """What a cause that nobody measured could do, as text; refused where the design needs none."""
    table = effect.sensitivity.loc[effect.sensitivity["outcome"] == effect.campaign.primary]
    if table.empty:
        raise CannotSay("Hidden causes are weighed where customers chose for themselves.")
    frame = pd.DataFrame({phrase("What it says"): table["words"].to_numpy()})
    names = [_capital(phrase(MEASURES[name])) for name in table["measure"]]
    frame.index = pd.Index(names, name=phrase("Measure"))
    return frame


def campaigns(overview: pd.DataFrame) -> pd.DataFrame:
    """The 12 newest campaigns of `campaign_overview`, as text; refused where none has begun."""
    if overview.empty:
        raise CannotSay("No campaign of the project file has begun.")
    rows = []
    several = overview["campaign_id"].duplicated(keep=False)
    for (_, row), arms in zip(overview.head(_SHOWN).iterrows(), several, strict=False):
        refused = not isinstance(row["grade"], str)
        rows.append(
            {
                phrase("Campaign"): phrase("{name}, {arm}", name=row["name"], arm=row["arm"])
                if arms
                else row["name"],
                phrase("Began"): _short_day(row["start"]),
                phrase("Offered to"): "–" if refused else count(row["customers"]),
                phrase("Changed"): phrase("no effect given") if refused else _lift(row),
                phrase("Verdict"): first_sentence(row["refusal"]) if refused else _verdict(row),
                phrase("Grade"): phrase("no grade") if refused else row["grade"],
            }
        )
    return pd.DataFrame(rows).set_index(phrase("Campaign"))


def _short_day(value: dt.date) -> str:
    """A day as a narrow column has it: 3 Mar 2017."""
    return spoken().short_day(value)


def _verdict(row: pd.Series) -> str:
    """Of one campaign, and whether so many campaigns make it doubtful."""
    alone = bool(row["pvalue"] < 0.05)
    if alone and not row["pvalue_adjusted"] < 0.05:
        return phrase(
            "{verdict}, but among so many campaigns one such is to be expected by chance",
            verdict=row["verdict"],
        )
    return str(row["verdict"])


def _lift(row: pd.Series) -> str:
    if not np.isfinite(float(row["lift_percent"])):
        return "–"
    names = ("lift_percent", "lift_low", "lift_high")
    return _between(*(signed_percent(float(row[name])) for name in names))


def _between(value: str, low: str, high: str) -> str:
    """A value and the ends of its interval."""
    return phrase("{value} ({low} to {high})", value=value, low=low, high=high)


def _or_dash(value: float, say: Callable[[float], str]) -> str:
    return say(value) if np.isfinite(value) else "–"


def _ends(value: float, low: float, high: float, say: Callable[[float], str]) -> str:
    return _between(
        *(with_sign("−" if one < 0 else "+", say(abs(one))) for one in (value, low, high))
    )


def _pvalue(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if value < 0.001:
        return phrase("below {limit}", limit=probability(0.001))
    return probability(value)
