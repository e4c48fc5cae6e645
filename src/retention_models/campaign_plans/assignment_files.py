"""An assignment as files that are never overwritten by another one: offers may have gone out by them."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pandas as pd

from retention_models.campaign_plans.assignment import COLUMNS, CampaignAssignment
from retention_models.errors import DataError, SettingsError
from retention_models.spreadsheets import formula_safe

_DRAWN = ["campaign_id", "customer_id", "arm"]
_KEPT = (
    "It was left as it is, for offers may have gone out by it. Read the effect from it, write to "
    "another path, or remove it yourself if nothing was sent."
)


def write_assignment(assignment: CampaignAssignment, path: str | Path) -> Path:
    """Write who gets which arm: Parquet for `read_campaign`, and CSV beside it for a spreadsheet.

    Parameters
    ----------
    assignment : CampaignAssignment
        From `assign_customers`.
    path : str or Path
        Of the Parquet file, such as data/raw/assignments/spring-coupon.parquet: one file for each
        campaign, which `assignments = "data/raw/assignments/*.parquet"` reads together.

    Returns
    -------
    Path
        The Parquet file: campaign_id, customer_id, arm, assigned_at, texts as they are. In the CSV a
        text that a spreadsheet would run as a formula has a leading '.

    Raises
    ------
    SettingsError
        Where the path does not end in .parquet.
    DataError
        Where there is a file that holds another assignment: it is left as it is. The same arms drawn
        again on another day are no other assignment; the day in the file stays.
    """
    target = Path(path)
    if target.suffix != ".parquet":
        raise SettingsError(f"path: expected a name that ends in .parquet; got {target}.")
    if target.exists():
        _require_same(assignment, target)
        return target
    shown = assignment.table.copy()
    for column in _DRAWN:
        shown[column] = [formula_safe(text) for text in shown[column]]
    lines, csv = shown.to_csv(index=False).encode(), target.with_suffix(".csv")
    if csv.exists() and csv.read_bytes() != lines:
        raise DataError(f"{csv}: exists and holds something else. {_KEPT}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The Parquet file last: where it is, both are whole.
    _write_whole(lines, csv)
    _write_whole(assignment.table.to_parquet(index=False), target)
    return target


def _write_whole(content: bytes, target: Path) -> None:
    """Write a file whole or not at all."""
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _require_same(assignment: CampaignAssignment, path: Path) -> None:
    """Raise where a file does not hold the same arms for the same customers."""
    try:
        found = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: exists and is no assignment file ({error}). {_KEPT}") from None
    missing = [column for column in COLUMNS if column not in found.columns]
    if missing:
        raise DataError(
            f"{path}: exists and is no assignment file (columns are missing: {', '.join(missing)}). "
            f"{_KEPT}"
        )
    before = found[_DRAWN].astype("str")
    both = before.merge(
        assignment.table, on=["campaign_id", "customer_id"], how="outer", suffixes=("", "_new")
    )
    other = both[both["arm"].isna() | both["arm_new"].isna() | (both["arm"] != both["arm_new"])]
    if len(other) or len(before) != len(assignment.table):
        example = f", such as {other['customer_id'].iloc[0]!r}" if len(other) else ""
        raise DataError(
            f"{path}: exists and holds another assignment: {len(other):,} customers are in one and not "
            f"in the other, or in another arm{example}. {_KEPT}"
        )
