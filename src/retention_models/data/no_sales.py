"""Rows that are left out because they are no sales or nobody's; last rows whose date is mistyped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.contract import NOT_KEPT, require_columns
from retention_models.data.engines import to_frame
from retention_models.errors import DataError, SettingsError
from retention_models.languages import marked


def left_out(check: SourceCheck, fault: Value, keep: Mapping[str, Sequence[str]]) -> Value:
    """Rows that are no sale, or nobody's, get a reason of their own, before any fault."""
    for column, values in keep.items():
        if isinstance(values, str) or not all(isinstance(value, str) for value in values):
            raise SettingsError(f"keep, {column}: expected a list of texts; got {values!r}.")
    require_columns(check.name, check.raw, {f"keep, {column}": column for column in keep})
    reasons = []
    for column, values in keep.items():
        text = check.raw[column].cast("string").strip()
        reasons.append((~text.isin(list(values)).fill_null(False), NOT_KEPT))
    reasons += [*check.not_kept(), *check.nobody()]
    return ibis.cases(*reasons, else_=fault) if reasons else fault


# So few rows, so many days behind all others, are a mistyped year.
_STRAY_ROWS, _STRAY_SHARE, _STRAY_DAYS = 10, 0.005, 180


def refuse_a_stray_last_day(check: SourceCheck, reason: Value, usable: Table, rows: int) -> None:
    """Refuse a log whose last rows lie far beyond the others: they would end it on a false day."""
    latest = to_frame(usable.select("date").order_by(ibis.desc("date")).limit(_STRAY_ROWS + 1))[
        "date"
    ]
    days = pd.Series(pd.to_datetime(latest))
    gaps = (days - days.shift(-1)).dt.days
    far = gaps[gaps > _STRAY_DAYS]
    if far.empty:
        return
    stray, last = int(far.index[0]) + 1, days[int(far.index[0]) + 1].date()
    if stray > _STRAY_SHARE * rows:
        return
    beyond = marked("date far beyond all others")
    found = ibis.ifelse(reason.isnull() & (check.found["date"] > last), beyond, ibis.null("string"))
    first = check.as_read(found, "customer_id", "date", "spend").first_rows(5)["words"]
    raise DataError(
        "\n".join(
            [
                f"{check.name}: the last {stray:,} of its rows lie more than {int(far.iloc[0]):,} days "
                f"beyond all others, which end on {last}: a mistyped date would end the log on a false "
                "day.",
                *(f"  - {words}" for words in first),
                f"Mend or take out these rows. After a closure, a log of more than {_STRAY_ROWS} rows "
                "since then is read.",
            ]
        )
    )
