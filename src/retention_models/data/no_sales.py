"""Rows that are left out because they are no sales or nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
from ibis.expr.types import Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.contract import NOT_KEPT, require_columns
from retention_models.errors import SettingsError


def left_out(check: SourceCheck, fault: Value, keep: Mapping[str, Sequence[str]]) -> Value:
    """Rows that are no sale, or nobody's, get a reason of their own, before any fault."""
    for column, values in keep.items():
        if isinstance(values, str) or not all(isinstance(value, str) for value in values):
            raise SettingsError(f"keep, {column}: expected a list of texts; got {values!r}.")
    require_columns(check.name, check.raw, {f"keep, {column}": column for column in keep})
    reasons = []
    for column in keep:
        check.require_fit("keep", column)
    for column, values in keep.items():
        text = check.raw[column].cast("string").strip()
        reasons.append((~text.isin(list(values)).fill_null(False), NOT_KEPT))
    reasons += [*check.not_kept(), *check.nobody()]
    return ibis.cases(*reasons, else_=fault) if reasons else fault
