"""What readers call the outcomes, windows, checks and measures that are codes in the tables."""

from __future__ import annotations

import re
from typing import Literal

from retention_models.languages import catalogue, phrase, spoken

# Forms of an outcome: at the head of a row (title), in a figure (short), in a sentence (noun), as a
# quantity of one arm (share), in verdicts (more, fewer), and over a figure of weeks (weekly).
OUTCOMES = catalogue(
    {
        "purchases.title": "Purchases",
        "purchases.short": "purchases",
        "purchases.noun": "purchases",
        "purchases.share": "purchases",
        "purchases.more": "more purchases",
        "purchases.fewer": "fewer purchases",
        "purchases.weekly": "Difference in purchases per customer and week",
        "bought.title": "Bought at all",
        "bought.short": "bought at all",
        "bought.noun": "customers who bought at all",
        "bought.share": "the share who bought",
        "bought.more": "more customers who bought",
        "bought.fewer": "fewer customers who bought",
        "bought.weekly": "Difference in the share of customers who bought, per week",
        "spend.title": "Spend",
        "spend.short": "spend",
        "spend.noun": "spend",
        "spend.share": "spend",
        "spend.more": "more spend",
        "spend.fewer": "less spend",
        "spend.weekly": "Difference in spend per customer and week",
        "profit.title": "Profit",
        "profit.short": "profit",
        "profit.noun": "profit",
        "profit.share": "profit",
        "profit.more": "more profit",
        "profit.fewer": "less profit",
        "profit.weekly": "Difference in profit per customer and week",
    }
)
WINDOWS = catalogue(
    {
        "campaign": "in the campaign’s days",
        "follow_up": "in the days after it",
        "whole": "in its days and after",
    }
)
# Names of the checks that any campaign may have; those that name an arm or an outcome come in words.
CHECKS = catalogue(
    {
        "arms": "arms of the campaign",
        "arms are written alike": "arms are written alike",
        "assignments can be used": "assignments can be used",
        "balance": "arms alike before the campaign",
        "campaign over": "campaign over",
        "control present": "customers held out to compare",
        "customers in the log": "customers in the log",
        "customers with history": "customers with history",
        "design": "how customers were chosen",
        "enough to tell": "enough to tell",
        "estimated: segments": "estimate by group of customers",
        "expected purchases": "expected purchases",
        "expected spend": "expected spend",
        "follow-up over": "follow-up over",
        "grade": "grade of the evidence",
        "log before the assignments": "log before the assignments",
        "look": "reading before the end",
        "more than redeemers": "more than redeemers",
        "offers before the start": "offers before the start",
        "one arm a customer": "one arm a customer",
        "one start a store": "one start a store",
        "outcome": "outcome that decides",
        "overlap": "like customers on both sides",
        "pre-trend": "stores moved alike before",
        "redemptions are by the stores' customers": "redemptions are by the stores' customers",
        "redemptions are of its days": "redemptions are of its days",
        "redemptions by the control arm": "redemptions by the control arm",
        "redemptions have a cost": "redemptions have a cost",
        "redemptions name a customer": "redemptions name a customer",
        "redemptions stand once": "redemptions stand once",
        "redemptions were offered": "redemptions were offered",
        "sample ratio": "sizes of the arms as planned",
        "segments": "groups of customers",
        "stores are written alike": "stores are written alike",
        "stores assigned": "stores assigned",
        "stores had customers": "stores had customers",
        "stores in the log": "stores in the log",
        "stores open throughout": "stores open throughout",
        "weeks before": "weeks before the campaign",
    }
)
MEASURES = catalogue(
    {
        "bound": "how strong a hidden cause may be",
        "explained away": "what would explain it away",
        "e-value": "e-value",
        "e-value of the interval": "e-value of the interval",
    }
)
# In figures, where those of the campaign's own days are called by the outcome alone.
IN_WINDOW = catalogue(
    {
        "follow_up": "{outcome}, days after",
        "whole": "{outcome}, all days",
    }
)

# Kinds of campaign that shops run; what a shop calls its own stands as the shop wrote it.
KINDS = catalogue(
    {
        "apology": "apology",
        "birthday": "birthday offer",
        "bundle": "bundle",
        "call": "call to customers",
        "cashback": "cashback",
        "coupon": "coupon",
        "discount": "discount",
        "email": "e-mail",
        "free delivery": "free delivery",
        "free shipping": "free shipping",
        "gift": "gift",
        "loyalty programme": "loyalty programme",
        "message": "message",
        "newsletter": "newsletter",
        "points": "loyalty points",
        "referral": "referral",
        "sale": "sale",
        "sample": "free sample",
        "sms": "text message",
        "survey": "survey",
        "voucher": "voucher",
        "welcome": "welcome offer",
        "win back": "win-back",
    }
)
# Other spellings of these, in lower case and without hyphens.
_ALIKE = {
    "cash back": "cashback",
    "e mail": "email",
    "loyalty program": "loyalty programme",
    "mailing": "newsletter",
    "phone call": "call",
    "happy call": "call",
    "winback": "win back",
}

Form = Literal["title", "short", "noun", "share", "more", "fewer", "weekly"]


def outcome_label(outcome: str, form: Form) -> str:
    """What an outcome is called in a place of that form.

    >>> outcome_label("bought", "noun"), outcome_label("spend", "fewer")
    ('customers who bought at all', 'less spend')
    """
    return phrase(OUTCOMES[f"{outcome}.{form}"])


def kind_in_words(kind: str) -> str:
    """A campaign's kind for readers: a known one in their language, any other as the shop wrote it.

    >>> kind_in_words("Free-shipping"), kind_in_words("Bring a friend")
    ('Free-shipping', 'Bring a friend')
    """
    key = " ".join(re.split(r"[\s_-]+", kind.strip().lower()))
    known = KINDS.get(_ALIKE.get(key, key))
    # In English the shop's own spelling says it already.
    return kind if known is None or spoken().locale is None else phrase(known)


def check_name(check: str) -> str:
    """Name of a check in words; one that names an arm or an outcome was said when it was made."""
    return phrase(CHECKS[check]) if check in CHECKS else check


def arm_in_words(arm: str, *, several: bool) -> str:
    """An arm as sentences call it: by its name where there are several, else the campaign."""
    return phrase("“{arm}”", arm=arm) if several else phrase("the campaign")
