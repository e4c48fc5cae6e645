"""Whether a campaign paid, in the same words on every page that tells of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import markupsafe

from retention_models.campaigns.effects.economics import LOSS, OPEN, PAID
from retention_models.languages import catalogue, clauses, day, first_sentence, phrase
from retention_models.pages.store.tables import evenly

__all__ = ["LOSS", "OPEN", "PAID", "Told", "finished_campaign", "paid_of", "said_of_money"]

_MONEY = catalogue(
    {
        PAID: "paid, profit {profit} ({low} to {high})",
        LOSS: "did not pay, profit {profit} ({low} to {high})",
        OPEN: "open whether it paid, profit {profit} ({low} to {high})",
        f"uncosted.{PAID}": "profit {profit} ({low} to {high}) before costs, none declared",
        f"uncosted.{LOSS}": "did not pay, profit {profit} ({low} to {high}) before costs",
        f"uncosted.{OPEN}": "open whether it paid, profit {profit} ({low} to {high}) before costs",
        "unknown": "whether it paid cannot be said",
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """Of one arm: "paid", "did not pay" or "open" ("" where not known), and a clause that says it."""

    arm: str
    verdict: str
    clause: str
    costs: bool


def paid_of(rows: Sequence[Mapping[str, Any]], currency: str, *, costs: bool) -> list[Told]:
    """Each arm of a campaign, from its rows of `campaign_overview`."""
    return [_of_arm(row, currency, costs=costs) for row in rows]


def _of_arm(row: Mapping[str, Any], currency: str, *, costs: bool) -> Told:
    arm = str(row.get("arm") or "")
    ends = [row.get(name) for name in ("profit", "profit_low", "profit_high")]
    numbers = [float(end) for end in ends if end is not None]
    if len(numbers) < 3 or any(number != number for number in numbers):
        return Told(arm, "", phrase(_MONEY["unknown"]), costs)
    profit, low, high = numbers
    verdict = PAID if low > 0 else LOSS if high < 0 else OPEN
    value, lower, upper = evenly(profit, low, high)
    amount = phrase("{amount} {currency}", amount=value, currency=currency)
    key = verdict if costs else f"uncosted.{verdict}"
    return Told(arm, verdict, phrase(_MONEY[key], profit=amount, low=lower, high=upper), costs)


def said_of_money(told: Sequence[Told]) -> str:
    """The clauses of all arms, named where there are several."""
    if len(told) <= 1:
        return told[0].clause if told else phrase(_MONEY["unknown"])
    return clauses(phrase("{arm}: {money}", arm=one.arm, money=one.clause) for one in told)


def finished_campaign(
    name: str | markupsafe.Markup,
    end: dt.date,
    verdict: str,
    grade: str | None,
    told: Sequence[Told],
    refusal: str = "",
) -> markupsafe.Markup:
    """A finished campaign in a sentence: what it changed, whether it paid, how far to believe it."""
    if grade is None:
        said = phrase("{name} (until {day}): no effect is given. {reason}", **_places(end, refusal))
    else:
        said = phrase(
            "{name} (until {day}): {verdict}; {money}; grade {grade}.",
            name=_HERE,
            day=day(end),
            verdict=verdict,
            money=said_of_money(told),
            grade=grade,
        )
    before, _, after = said.partition(_HERE)
    return markupsafe.escape(before) + markupsafe.escape(name) + markupsafe.escape(after)


_HERE = "\ue000"  # a letter of no text, in the place of what may be markup


def _places(end: dt.date, refusal: str) -> dict[str, str]:
    return {"name": _HERE, "day": day(end), "reason": first_sentence(refusal)}
