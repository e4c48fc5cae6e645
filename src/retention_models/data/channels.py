"""Which channel won each customer: a table beside the transactions, checked as strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis.expr.types import Table

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.engines import Frame, open_source, to_frame
from retention_models.data.id_rules import IdRule, as_options, project_rule
from retention_models.data.ids import unknown_ids
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.languages import marked

if TYPE_CHECKING:
    from retention_models.settings.project import Settings

_TWO_CHANNELS = marked("the customer has another channel in another row")


@dataclass(frozen=True)
class Channels:
    """Checked channels: customer_id and channel, text, a row a customer whose channel is told."""

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    source: str

    def of(self, customers: pd.Index) -> pd.Series:
        """Each customer's channel, in their order; missing where it is not told."""
        found = to_frame(self.table).set_index("customer_id")["channel"]
        return found.reindex(customers.astype(str)).set_axis(customers)


def read_channels(
    source: str | Path | Frame,
    *,
    customer_id: str,
    channel: str,
    table: str | None = None,
    timezone: str = "UTC",
    max_unusable_share: float = 0.01,
    where: str | None = None,
    mend_ids: bool = False,
    ignore_case: bool = False,
    anonymous: Sequence[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
) -> Channels:
    """Read which channel won each customer; blank channels are not told; data/README.md."""
    columns: dict[str, str | None] = {"customer_id": customer_id, "channel": channel}
    origin = open_source(source, table, timezone, encoding=encoding, sheet=sheet, name="customers")
    check = SourceCheck(
        *(origin, columns, None, timezone, None),
        ids=IdRule(mend_ids, ignore_case, anonymous),
        where=where,
    )
    check.take_text("customer_id", "channel")
    named = check.found["channel"]
    window = ibis.window(group_by=check.found["customer_id"])
    differs = (named.min().over(window) != named.max().over(window)).fill_null(False)
    check.reasons.append((differs & ~check.blank("customer_id"), _TWO_CHANNELS))
    rows, quality, usable = check.accept(max_unusable_share)
    usable = usable.filter(usable["channel"].notnull()).select("customer_id", "channel").distinct()
    return Channels(usable.order_by("customer_id"), quality, rows, check.name)


def read_project_channels(settings: Settings) -> Channels | None:
    """The channels of a project file; None where it has no table [acquisition.customers]."""
    given = None if settings.acquisition is None else settings.acquisition.customers
    if given is None:
        return None
    return read_channels(
        settings.path(given.source),
        **given.model_dump(exclude={"source", "columns"})
        | as_options(project_rule(settings, given)),
        **given.columns.model_dump(),
        timezone=settings.transactions.timezone,
    )


def about_channels(log: Transactions, found: Channels) -> str | None:
    """What is to be said of the log's customers without a channel; None of few.

    DataError if another spelling gives most of them one: their channels would be nobody's.
    """
    ids = [
        to_frame(table.select("customer_id").distinct().order_by("customer_id"))["customer_id"]
        for table in (found.table, log.whole.table)
    ]
    said, misspelt = unknown_ids(*ids)
    if said is None:
        return None
    told = said.replace("unknown to the transactions", "without a channel")
    if misspelt:
        raise DataError(f"{found.source}: {told}")
    return told
