"""The lots of a project's lists, kept from night to night beside its runs, and what they tell by a day.

One Parquet file in the output folder holds every lot ever drawn, in the form of campaigns' assignments.
Rows are only added: whoever has drawn an arm keeps it until the test ends.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retention_models.actions.hold_out import ASSIGNED, no_lots
from retention_models.campaigns.data.lot_outcomes import list_test_outcomes
from retention_models.campaigns.effects.contact_effect import ListTest, list_tests
from retention_models.data.contacts import Events
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.settings.project import Settings

LOTS = Path("list_tests") / "assignments.parquet"  # in the output folder
ASSIGNMENTS = "assignments.parquet"  # beside a store's lists: those of today, both arms

_LOT = ["campaign_id", "store_id", "customer_id"]


def output_folder(settings: Settings) -> Path:
    """Where a project's runs go unless told otherwise."""
    return Path(settings.path(settings.reports.output))


def read_lots(path: Path) -> pd.DataFrame:
    """Lots as ASSIGNED; none where there is no file."""
    if not path.is_file():
        return no_lots()
    try:
        table = pq.read_table(path, columns=list(ASSIGNED)).to_pandas()
        return table.astype(ASSIGNED)
    except (OSError, pa.ArrowInvalid, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: the lots of the lists' tests cannot be read ({type(error).__name__}); expected "
            f"the columns {', '.join(ASSIGNED)}. Put back a copy of it; or remove the file, and every "
            "list's test begins anew."
        ) from error


def as_parquet(lots: pd.DataFrame) -> bytes:
    """Lots as a Parquet file, days as days."""
    table = lots.assign(assigned_at=lots["assigned_at"].astype("date32[pyarrow]"))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def with_new(lots: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Lots, and behind them those that are new; whoever has drawn an arm in a test keeps it."""
    if lots.empty:
        return new.drop_duplicates(_LOT, ignore_index=True)
    return pd.concat([lots, new], ignore_index=True).drop_duplicates(_LOT, ignore_index=True)


def known_by(lots: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """The lots drawn up to a day."""
    return lots.loc[lots["assigned_at"] <= pd.Timestamp(day)]


def project_list_tests(
    settings: Settings,
    log: Transactions,
    lots: pd.DataFrame,
    day: dt.date,
    events: Events | None,
) -> list[ListTest]:
    """What every list's test tells by a day; nothing where no lot was drawn."""
    rules, lots = settings.actions, known_by(lots, day)
    if lots.empty:
        return []
    measured = list_test_outcomes(
        log,
        lots,
        days=rules.measured_days,
        last_day=day,
        events=events,
        contacts=rules.contacts,
    )
    return list_tests(
        lots,
        measured,
        day=day,
        days=rules.measured_days,
        margin=settings.money.margin,
        contact_cost=rules.contact_cost,
    )
