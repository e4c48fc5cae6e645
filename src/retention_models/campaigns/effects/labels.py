"""What readers call the outcomes, windows, checks and measures that are codes in the tables."""

from __future__ import annotations

from retention_models.languages import catalogue, phrase

# In tables.
OUTCOMES = catalogue(
    {
        "purchases": "Purchases",
        "bought": "Bought at all",
        "spend": "Spend",
        "profit": "Profit",
    }
)
WINDOWS = catalogue(
    {
        "campaign": "in the campaign’s days",
        "follow_up": "after it",
        "whole": "both together",
    }
)
# Names of the checks that any campaign may have; those that name an arm or an outcome come in words.
CHECKS = catalogue(
    {
        "arms": "arms",
        "balance": "balance",
        "campaign over": "campaign over",
        "control present": "control present",
        "customers in the log": "customers in the log",
        "customers with history": "customers with history",
        "design": "design",
        "enough to tell": "enough to tell",
        "estimated: segments": "estimated: segments",
        "expected purchases": "expected purchases",
        "expected spend": "expected spend",
        "follow-up over": "follow-up over",
        "grade": "grade",
        "look": "look",
        "more than redeemers": "more than redeemers",
        "offers before the start": "offers before the start",
        "one arm a customer": "one arm a customer",
        "one start a store": "one start a store",
        "outcome": "outcome",
        "overlap": "overlap",
        "pre-trend": "pre-trend",
        "redemptions by the control arm": "redemptions by the control arm",
        "redemptions name a customer": "redemptions name a customer",
        "redemptions were offered": "redemptions were offered",
        "sample ratio": "sample ratio",
        "segments": "segments",
        "stores assigned": "stores assigned",
        "stores had customers": "stores had customers",
        "stores in the log": "stores in the log",
        "stores open throughout": "stores open throughout",
        "weeks before": "weeks before",
    }
)
MEASURES = catalogue(
    {
        "bound": "bound",
        "explained away": "explained away",
        "e-value": "e-value",
        "e-value of the interval": "e-value of the interval",
    }
)
# In figures.
OUTCOME_NAMES = catalogue(
    {
        "purchases": "purchases",
        "bought": "bought at all",
        "spend": "spend",
        "profit": "profit",
    }
)
IN_WINDOW = catalogue(
    {
        "campaign": "{outcome}",
        "follow_up": "{outcome}, after it",
        "whole": "{outcome}, both",
    }
)
WEEKLY = catalogue(
    {
        "purchases": "Difference in purchases per customer and week",
        "bought": "Difference in bought at all per customer and week",
        "spend": "Difference in spend per customer and week",
        "profit": "Difference in profit per customer and week",
    }
)


def check_name(check: str) -> str:
    """Name of a check in words; one that names an arm or an outcome was said when it was made."""
    return phrase(CHECKS[check]) if check in CHECKS else check
