"""Who responded most to a randomised campaign: segments known before it, each effect shrunken."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers, Check
from retention_models.campaigns.effects.customers import CONTROL, arms_by_lot
from retention_models.campaigns.effects.tables import SEGMENTS, empty
from retention_models.campaigns.estimators.heterogeneity import OTHERS, segment_effects
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import marked, phrase

NEW, UNKNOWN = marked("no purchase before"), marked("unknown")
THIRDS = (marked("seldom before"), marked("now and then before"), marked("often before"))


def segment_name(segment: object) -> str:
    """A segment in words; one that whoever called has named keeps its name."""
    name = str(segment)
    return phrase(name) if name in (*THIRDS, NEW, UNKNOWN, OTHERS) else name


def by_habit(data: CampaignCustomers) -> pd.Series:
    """Segments where none are given: thirds by expected purchases, and those without history."""
    expected = data.covariates["expected_purchases"].to_numpy(dtype=float)
    known = np.ones(expected.size, dtype=bool)
    if "no_history" in data.covariates:
        known = data.covariates["no_history"].to_numpy(dtype=float) == 0.0
    ends = np.quantile(expected[known], (1.0 / 3.0, 2.0 / 3.0)) if known.any() else np.zeros(2)
    if not ends[0] < ends[1]:
        raise CannotSay("What customers bought before differs too little to group them by it.")
    third = np.searchsorted(ends, expected, side="left")
    codes = np.where(known, third, len(THIRDS))
    return pd.Series(pd.Categorical.from_codes(codes, [*THIRDS, NEW]), index=data.table.index)


def segments_of(
    data: CampaignCustomers, segments: pd.Series | str | None, level: float
) -> tuple[pd.DataFrame, list[Check]]:
    """Effect of each arm on the primary outcome in each segment."""
    campaign = data.campaign
    outcome = "spend" if campaign.primary == "profit" else campaign.primary
    try:
        label = by_habit(data) if segments is None else _given(data, segments)
        lot = arms_by_lot(data, (outcome,))
        names = lot.names[outcome]
        # That they have no history is the segment itself.
        names = [name for name in names if name != "no_history"] if segments is None else names
        found = segment_effects(
            data.outcomes["campaign"][outcome].to_numpy(dtype=float),
            lot.codes,
            label.array,
            data.covariates[names].set_axis(range(len(lot.codes))) if names else None,
            control=CONTROL,
            interval=1.0 - level,
            called=segment_name,
        )
    except CannotSay as reason:
        return empty(SEGMENTS), [Check("estimated: segments", False, False, str(reason))]
    differ = found.differences.set_index("arm")["pvalue"]
    table = found.table.rename(
        columns={
            "absolute_effect": "effect",
            "pvalue_bh": "pvalue_adjusted",
            "shrunk_effect": "shrunken",
            "shrunk_low": "shrunken_low",
            "shrunk_high": "shrunken_high",
        }
    ).assign(outcome=outcome, window="campaign", against=campaign.control)
    table["differ_pvalue"] = table["arm"].map(differ)
    table["arm"] = [lot.labels[int(code)] for code in table["arm"]]
    notes = [Check("segments", True, False, words) for words in found.words]
    return table[list(SEGMENTS)], notes


def _given(data: CampaignCustomers, segments: pd.Series | str) -> pd.Series:
    """A column's, or by customer."""
    if isinstance(segments, str):
        if segments not in data.table:
            raise SettingsError(
                f"segments is {segments!r}; expected a Series by customer_id, or one of the columns "
                f"{list(data.table.columns)}."
            )
        return data.table[segments].astype(object).fillna(UNKNOWN)
    known = segments.reindex(data.table.index)
    if known.isna().all():
        raise SettingsError(
            "segments are of none of the campaign's customers; expected a Series whose index is "
            "customer_id, as text."
        )
    return known.astype(object).fillna(UNKNOWN)
