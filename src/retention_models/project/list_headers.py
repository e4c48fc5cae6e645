"""Heads of the columns of the lists, in the pages' language, for whoever reads them as they are."""

from __future__ import annotations

import pandas as pd

from retention_models.data.spreadsheets import formula_safe
from retention_models.errors import SettingsError
from retention_models.languages import catalogue, phrase
from retention_models.languages.directions import without_marks

_HEADS = catalogue(
    {
        "customer_id": "Customer",
        "action": "What to do",
        "why": "Why",
        "at_stake": "At stake, {currency}",
        "at_stake_low": "At stake, at least, {currency}",
        "at_stake_high": "At stake, at most, {currency}",
        "purchases": "Days with purchases",
        "last_day": "Last purchase",
        "days_silent": "Silent, days",
        "usual_gap": "Usual gap, days",
        "probability_alive": "Probability to be a customer still",
        "arm": "Group of the test",
    }
)


def with_heads(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """A list with heads in the language that is spoken; SettingsError where two would be one."""
    heads = {
        name: formula_safe(without_marks(phrase(_HEADS[name], currency=currency)))
        for name in table.columns
        if name in _HEADS
    }
    double = sorted(name for name, head in heads.items() if list(heads.values()).count(head) > 1)
    if double:
        raise SettingsError(
            f"translated_headers: the translation calls the columns {' and '.join(double)} by one name, "
            f"{heads[double[0]]!r}; expected one for each. Mend it, or leave translated_headers out."
        )
    return table.rename(columns=heads)
