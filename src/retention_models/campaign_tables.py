"""Effects of campaigns → small tables of ready text, for a page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_effects.words import percent
from retention_models.errors import CannotSay
from retention_models.languages import money

OUTCOMES = {
    "purchases": "Purchases",
    "bought": "Bought at all",
    "spend": "Spend",
    "profit": "Profit",
}
WINDOWS = {
    "campaign": "in the campaign’s days",
    "follow_up": "after it",
    "whole": "both together",
}
_SHOWN = 12


def effects(effect: CampaignEffect, estimands: tuple[str, ...] = ("itt", "att")) -> pd.DataFrame:
    """What the campaign changed: each outcome and window with its interval, as text.

    Parameters
    ----------
    effect : CampaignEffect
    estimands : tuple of str
        Which rows; "per_redeemer" and "ate" are secondary.

    Returns
    -------
    DataFrame

    Raises
    ------
    CannotSay
        Where there is no such row.
    """
    table = effect.table.loc[effect.table["estimand"].isin(estimands)]
    if table.empty:
        raise CannotSay(effect.refusal or "There is no such effect.")
    several = len(table[["arm", "against"]].drop_duplicates()) > 1
    rows = []
    for _, row in table.iterrows():
        outcome = row["outcome"]

        def say(value: float, outcome: str = outcome) -> str:
            return _size(effect, outcome, value)

        pair = f"{row['arm']} against {row['against']}: " if several else ""
        name = f"{pair}{OUTCOMES[outcome]}, {WINDOWS[row['window']]}"
        rows.append(
            {
                "Outcome": name,
                "With it": _or_dash(row["mean"], say),
                "Without it": _or_dash(row["mean_against"], say),
                "Difference": _lift(row)
                if np.isfinite(float(row["lift_percent"]))
                else _ends(row["absolute_effect"], row["conf_low"], row["conf_high"], say),
                "p": _pvalue(row["pvalue_holm"]),
                "Explained by the past": _or_dash(row["r_squared"], lambda value: f"{value:.0%}"),
            }
        )
    frame = pd.DataFrame(rows).set_index("Outcome")
    if (frame["Explained by the past"] == "–").all():
        frame = frame.drop(columns="Explained by the past")
    return frame


def economics(effect: CampaignEffect) -> pd.DataFrame:
    """Whether it paid, as text.

    Raises
    ------
    CannotSay
        Where profit is not estimated.
    """
    table, currency = effect.economics, effect.currency
    if table.empty:
        raise CannotSay(effect.refusal or "Profit is not estimated for this campaign.")
    columns = {}
    for _, row in table.iterrows():

        def say(value: float) -> str:
            return money(value, currency).strip()

        ends = ("cost_per_retained", "cost_per_retained_low", "cost_per_retained_high")
        per_customer = [row[name] for name in ends]
        columns[str(row["arm"])] = {
            "Cost": say(row["cost"]),
            "Profit": _ends(row["profit"], row["profit_low"], row["profit_high"], say),
            "Return on cost": "no cost declared"
            if not np.isfinite(row["return_on_cost"])
            else f"{row['return_on_cost']:.2f} ({row['return_low']:.2f} to "
            f"{row['return_high']:.2f})".replace("-", "−"),
            "Cost per retained customer": str(row["refusal"])
            if not np.isfinite(per_customer[0])
            else f"{say(per_customer[0])} ({say(per_customer[1])} to {say(per_customer[2])})",
            "So it": str(row["verdict"]) if row["verdict"] != "open" else "is open whether it paid",
        }
    frame = pd.DataFrame(columns)
    frame.index.name = "Money"
    return frame


def checks(effect: CampaignEffect) -> pd.DataFrame:
    """What was checked, and what was found, as text."""
    table = effect.checks
    found = ["fine" if passed else "see" for passed in table["passed"]]
    blocked = table["blocks"].astype(bool) & ~table["passed"].astype(bool)
    result = ["forbids an effect" if no else yes for no, yes in zip(blocked, found, strict=True)]
    frame = pd.DataFrame({"Result": result, "What was found": table["words"].to_numpy()})
    frame.index = pd.Index([str(name).capitalize() for name in table["check"]], name="Check")
    return frame


def segments(effect: CampaignEffect) -> pd.DataFrame:
    """Who responded, as text: each segment's effect drawn towards the others'.

    Raises
    ------
    CannotSay
        Where customers were not compared by segment.
    """
    table = effect.segments
    if table.empty:
        raise CannotSay(
            effect.refusal
            or "Who responded most is told only of campaigns drawn by lot, where every segment has its "
            "own customers held out."
        )
    outcome = effect.campaign.primary

    def say(value: float) -> str:
        return _size(effect, outcome, value)

    frame = pd.DataFrame(
        {
            "Offered": [f"{n:,.0f}" for n in table["customers"]],
            "Held out": [f"{n:,.0f}" for n in table["customers_against"]],
            "Difference": [
                _ends(row["shrunken"], row["shrunken_low"], row["shrunken_high"], say)
                for _, row in table.iterrows()
            ],
            "p": [_pvalue(value) for value in table["pvalue_adjusted"]],
        }
    )
    several = len(set(table["arm"])) > 1
    names = [
        f"{row['segment']}, {row['arm']}" if several else str(row["segment"])
        for _, row in table.iterrows()
    ]
    frame.index = pd.Index(names, name="Segment")
    return frame


def sensitivity(effect: CampaignEffect) -> pd.DataFrame:
    """What a cause that nobody measured could do, as text.

    Raises
    ------
    CannotSay
        Where the design does not need it.
    """
    table = effect.sensitivity.loc[effect.sensitivity["outcome"] == effect.campaign.primary]
    if table.empty:
        raise CannotSay("Hidden causes are weighed where customers chose for themselves.")
    frame = pd.DataFrame({"What it says": table["words"].to_numpy()})
    frame.index = pd.Index([str(name).capitalize() for name in table["measure"]], name="Measure")
    return frame


def campaigns(overview: pd.DataFrame) -> pd.DataFrame:
    """The newest campaigns of a chain, as text.

    Parameters
    ----------
    overview : DataFrame
        From `campaign_overview`.

    Returns
    -------
    DataFrame
        At most 12 rows.

    Raises
    ------
    CannotSay
        Where none has begun.
    """
    if overview.empty:
        raise CannotSay("No campaign of the project file has begun.")
    rows = []
    several = overview["campaign_id"].duplicated(keep=False)
    for (_, row), arms in zip(overview.head(_SHOWN).iterrows(), several, strict=False):
        refused = not isinstance(row["grade"], str)
        rows.append(
            {
                "Campaign": f"{row['name']}, {row['arm']}" if arms else row["name"],
                "Began": f"{row['start']:%d %b %Y}".lstrip("0"),
                "Offered to": "–" if refused else f"{row['customers']:,.0f}",
                "Changed": "not told" if refused else _lift(row),
                "Verdict": _first_sentence(row["refusal"]) if refused else _verdict(row),
                "Grade": "none" if refused else row["grade"],
            }
        )
    return pd.DataFrame(rows).set_index("Campaign")


def _verdict(row: pd.Series) -> str:
    """Of one campaign, and whether so many campaigns make it doubtful."""
    alone = bool(row["pvalue"] < 0.05)
    if alone and not row["pvalue_adjusted"] < 0.05:
        return f"{row['verdict']}, but among so many campaigns one such is to be expected by chance"
    return str(row["verdict"])


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".") + "."


def _lift(row: pd.Series) -> str:
    if not np.isfinite(float(row["lift_percent"])):
        return "–"
    value, low, high = (float(row[name]) for name in ("lift_percent", "lift_low", "lift_high"))
    return f"{_signed(value)} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    text = percent(value)
    return text if text == percent(0.0) else ("−" if value < 0 else "+") + text


def _or_dash(value: float, say: Callable[[float], str]) -> str:
    return say(value) if np.isfinite(value) else "–"


def _ends(value: float, low: float, high: float, say: Callable[[float], str]) -> str:
    texts = [("−" if one < 0 else "+") + say(abs(one)) for one in (value, low, high)]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _pvalue(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "below .001" if value < 0.001 else f"{value:.3f}".lstrip("0")


def _size(effect: CampaignEffect, outcome: str, value: float) -> str:
    """A value of an outcome a customer."""
    if outcome == "bought":
        return f"{value:.1%}"
    if outcome == "purchases":
        return f"{value:.2f}"
    return money(value, effect.currency).strip()
