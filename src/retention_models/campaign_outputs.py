"""A campaign's results as files: its tables, and the headline as JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_overviews import OverviewRow, overview_rows
from retention_models.spreadsheets import formula_safe

TABLES = ("table", "checks", "balance", "economics", "segments", "event_study", "sensitivity")


def write_campaign_outputs(effect: CampaignEffect, folder: str | Path) -> None:
    """Write each table of an effect as CSV, and effect.json.

    Parameters
    ----------
    effect : CampaignEffect
    folder : str or Path
        Where to write; made where missing.

    Notes
    -----
    effect.json holds the campaign's id and name, grade, verdict, refusal, the outcome that decides,
    summary, and the rows of `table` and of `campaign_overview`; what is not known is null. A table
    without rows has no file.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        table: pd.DataFrame = getattr(effect, name)
        path = target / ("effects.csv" if name == "table" else f"{name}.csv")
        if table.empty:
            path.unlink(missing_ok=True)  # of an earlier run: it would pass for today's
            continue
        safe = table.copy()
        for column in safe.columns:
            if not pd.api.types.is_numeric_dtype(safe[column]):
                safe[column] = [formula_safe(str(value)) for value in safe[column]]
        safe.to_csv(path, index=False)
    text = json.dumps(_content(effect), ensure_ascii=False, indent=2, allow_nan=False)
    (target / "effect.json").write_text(text + "\n", encoding="utf-8")


def read_overview(folder: Path) -> list[OverviewRow]:
    """Rows for `campaign_overview` from what `write_campaign_outputs` wrote into a folder."""
    told = json.loads((folder / "effect.json").read_text(encoding="utf-8"))
    days = {name: dt.date.fromisoformat(told[name]) for name in ("start", "end")}
    return [
        {name: np.nan if value is None else value for name, value in row.items()} | days
        for row in told["overview"]
    ]


def _content(effect: CampaignEffect) -> dict[str, Any]:
    campaign = effect.campaign
    known = effect.table.astype(object).where(effect.table.notna(), None)
    return {
        "campaign": campaign.id,
        "name": campaign.name,
        "design": campaign.design,
        "start": campaign.start.isoformat(),
        "end": campaign.end.isoformat(),
        "grade": effect.grade,
        "verdict": effect.verdict,
        "refusal": effect.refusal,
        "primary": campaign.primary,
        "summary": effect.summary(),
        "effects": known.to_dict("records"),
        "overview": [
            {name: _plain(value) for name, value in row.items()} for row in overview_rows(effect)
        ],
    }


def _plain(value: object) -> object:
    """As JSON knows it: days as text, a missing number as null."""
    if isinstance(value, dt.date):
        return value.isoformat()
    found = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(found, float) and np.isnan(found) else found
