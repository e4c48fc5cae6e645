"""Results of a campaign as files: tables, whom it pays for, and its effect as JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.data.spreadsheets import formula_safe
from retention_models.project.campaign_overview import OverviewRow, overview_rows
from retention_models.project.json_texts import json_text
from retention_models.project.outputs import write_csv

TABLES = ("table", "checks", "balance", "economics", "segments", "event_study", "sensitivity")
TO_TREAT = "whom_to_treat.csv"  # beside the page of a campaign


def write_campaign_outputs(
    effect: CampaignEffect, folder: str | Path, to_treat: pd.DataFrame | None = None
) -> None:
    """Write each table of an effect as CSV, and effect.json.

    Parameters
    ----------
    effect : CampaignEffect
    folder : str or Path
        Where to write; made where missing.
    to_treat : DataFrame, optional
        Whom to offer it next time (``campaign.to_treat``): written as whom_to_treat.csv.

    Notes
    -----
    effect.json holds the campaign's id and name, grade, verdict, refusal, the outcome that decides,
    summary, and the rows of `table` and of `campaign_overview`; what is not known is null. A table
    without rows has no file.

    Examples
    --------
    >>> import datetime as dt
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(1000, dt.date(2023, 1, 1), seed=1)
    >>> spring = rm.Campaign(
    ...     id="spring", name="Spring coupon", kind="coupon", design="randomised", margin=0.3,
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25),
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 500})
    >>> arms["campaign_id"], arms["assigned_at"] = "spring", "2024-02-29"
    >>> orders = shop.orders(spring.end, campaign=spring, assignments=arms, lift={"coupon": 0.5})
    >>> effect = rm.campaign_effect(shop.log(orders, until=spring.end), spring, arms)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_campaign_outputs(effect, folder)
    ...     print(Path(folder, "effect.json").exists())
    True
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
        # P-values have no fixed number of decimals.
        safe.to_csv(path, index=False, encoding="utf-8-sig", float_format="%.6g")
    _write_to_treat(to_treat, target / TO_TREAT)
    text = json_text(_content(effect), indent=2)
    (target / "effect.json").write_text(text + "\n", encoding="utf-8")


def _write_to_treat(table: pd.DataFrame | None, path: Path) -> None:
    if table is None:
        path.unlink(missing_ok=True)  # of an earlier run: it would pass for today's
        return
    safe = [formula_safe(str(one)) for one in table["customer_id"]]
    write_csv(table.assign(customer_id=safe), path)


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
