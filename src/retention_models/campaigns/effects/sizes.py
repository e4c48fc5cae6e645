"""How large an effect is, in words: values of an outcome, a change as more or less, and its ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.tables import EffectTables
from retention_models.languages import catalogue, count, decimals, money, phrase, share, spoken

_CHANGES = catalogue(
    {
        "up": "{size} more",
        "down": "{size} less",
        "same": "no change",
        "both_up": "between {low} and {high} more",
        "both_down": "between {low} and {high} less",
        "either": "between {low} less and {high} more",
    }
)


def percent(value: float) -> str:
    """A size in percent, as it is told: 3.4%, 12%."""
    return spoken().percent(_in_percent(value))


def signed_percent(value: float) -> str:
    """A change in percent, with its sign unless it is none: +3.4%, −12%."""
    text = percent(value)
    sign = "−" if value < 0 else "+"
    return text if text == percent(0.0) else spoken().percent(sign + _in_percent(value))


def _in_percent(value: float) -> str:
    return decimals(abs(value), 1 if abs(value) < 10.0 else 0)


def size_of(effect: EffectTables, outcome: str, value: float) -> str:
    """A value of an outcome a customer."""
    if outcome == "bought":
        return share(value, 1)
    if outcome == "purchases":
        return decimals(value, 2)
    return money(value, effect.currency).strip()


def changed(effect: EffectTables, row: pd.Series) -> dict[str, str]:
    """The change and its ends: in percent, or in the outcome's unit where there is no lift."""
    if np.isfinite(row["lift_percent"]):
        value, ends, say = float(row["lift_percent"]), ("lift_low", "lift_high"), percent
        return {"change": signed(value, say), "between": signed_ends(row, ends, say)}

    def size(value: float) -> str:
        return size_of(effect, row["outcome"], abs(value))

    value, ends = float(row["absolute_effect"]), ("conf_low", "conf_high")
    return {"change": signed(value, size), "between": signed_ends(row, ends, size)}


def signed(value: float, say: Callable[[float], str]) -> str:
    """A change, said as more or less: 3.4% less."""
    key = "up" if value > 0.0 else "down" if value < 0.0 else "same"
    return phrase(_CHANGES[key], size=say(value))


def signed_ends(row: pd.Series, names: tuple[str, str], say: Callable[[float], str]) -> str:
    """A change's interval: between 2% less and 5% more."""
    low, high = float(row[names[0]]), float(row[names[1]])
    if high <= 0.0:
        return phrase(_CHANGES["both_down"], low=say(high), high=say(low))
    return phrase(_CHANGES["both_up" if low >= 0.0 else "either"], low=say(low), high=say(high))


def amount_of(effect: EffectTables, row: pd.Series, value: float) -> str:
    """A value of an outcome over all customers of an arm."""
    if row["outcome"] in ("purchases", "bought"):
        return count(abs(value))
    return money(abs(value), effect.currency).strip()
