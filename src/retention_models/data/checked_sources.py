"""One reader of all sources: opened, its columns required, faults of rows named, accepted or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, Column, Table, Value

from retention_models.data.contract import (
    EARLIEST_DAY,
    NO_CUSTOMER,
    NO_DATE_FITS,
    NOBODY,
    NOT_KEPT,
    RUINED,
    TOO_EARLY,
    UNTOLD,
    Amounts,
    is_blank,
    is_ruined,
    require_columns,
    text_id,
)
from retention_models.data.days import day_of
from retention_models.data.engines import Source, copied, to_frame
from retention_models.data.expressions import InEngine
from retention_models.data.id_rules import IdRule
from retention_models.data.mended_ids import unsafe_to_mend
from retention_models.data.refusals import SourceAsRead, refusal
from retention_models.errors import DataError, SettingsError
from retention_models.languages import marked
from retention_models.settings.expressions import condition

_TWO_DAYS = dt.timedelta(days=2)


@dataclass(frozen=True)
class SourceCheck:
    """An opened source while its rows are checked."""

    origin: Source
    columns: Mapping[str, str | None]  # what the source calls those of the contract, by role
    date: str | None  # role of the column with the day, where it has one
    timezone: str
    date_format: str | None
    amounts: Amounts = Amounts()  # noqa: RUF009 - frozen
    ids: IdRule = IdRule()  # noqa: RUF009 - frozen
    where: str | None = None  # the condition that rows of the log follow
    # Columns that a role is computed from, where it is an expression.
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # What every row comes to, by the contract's names; and why it is unusable: the first that holds.
    found: dict[str, Value] = field(default_factory=dict)
    reasons: list[tuple[BooleanValue, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        require_columns(self.name, self.raw, self.columns)
        needed = [*self.columns.items(), *((r, c) for r, all_ in self.parts.items() for c in all_)]
        for role, column in needed:
            self.require_fit(role, column)
        if self.date is None:
            return
        day = day_of(self.name, self.column(self.date), self.date_format)
        self.found["date"] = day
        self.reasons.append((self.blank(self.date), marked("no date")))
        self.reasons.append((day.isnull(), NO_DATE_FITS))

    def require_fit(self, role: str, column: str | None) -> None:
        """Refuse a column that is needed and that the file does not hold in a way to be relied on."""
        if column in self.origin.unfit:
            raise DataError(f"{self.name}: column {column!r} ({role}) {self.origin.unfit[column]}")

    @property
    def name(self) -> str:
        """The source, for messages."""
        return self.origin.name

    @property
    def raw(self) -> Table:
        """The source's rows as they stand in it."""
        return self.origin.table

    @property
    def today(self) -> dt.date:
        """The day in the shop's zone."""
        return dt.datetime.now(tz=ZoneInfo(self.timezone)).date()

    def column(self, role: str) -> Column:
        """The source's column of a role that it has."""
        return self.raw[str(self.columns[role])]

    def blank(self, role: str) -> BooleanValue:
        """Whether a row has nothing in a column; always where there is no column."""
        if self.columns[role] is None:
            return ibis.literal(True)
        parts = self.parts.get(role, (str(self.columns[role]),))
        blank = ibis.or_(*(is_blank(self.raw[name]) for name in parts))
        if role in RUINED and self.column(role).type().is_floating():
            # What a data frame writes where there is none.
            return blank | self.column(role).isnan()
        return blank

    def id_text(self, role: str) -> Column:
        """A column of ids as text, mended where that is asked for and loses none."""
        column = str(self.columns[role])
        # Names of arms, campaigns and kinds are no numbers that a tool could have spoilt.
        mend = self.ids.mend and role in RUINED
        if mend and (why_not := unsafe_to_mend(self.raw[column])):
            raise DataError(
                f"{self.name}: column {column!r} ({role}) cannot be mended, as {why_not}. "
                "Export ids as text."
            )
        text = text_id(self.name, self.raw, column, role, mend=mend)
        return text.lower() if role == "customer_id" and self.ids.ignore_case else text

    def empty(self) -> list[tuple[BooleanValue, str]]:
        """Why rows are left out that name neither a customer nor a day: empty, or totals of a report."""
        if self.date is None:
            return []
        return [(self.blank("customer_id") & self.blank(self.date), NO_CUSTOMER)]

    def nobody(self) -> list[tuple[BooleanValue, str]]:
        """Why rows are left out whose customer stands for nobody."""
        if not self.ids.anonymous or self.columns["customer_id"] is None:
            return []
        named = self.found["customer_id"].isin(self.ids.nobody)
        return [(named.fill_null(False), NOBODY)]

    def not_kept(self) -> list[tuple[BooleanValue, str]]:
        """Why rows are left out by `where`: it does not hold, or a number that it needs is missing."""
        if self.where is None:
            return []
        try:
            asked = condition(self.where)
        except ValueError as error:
            raise SettingsError(f"where: {error}.") from None
        for column in asked.columns:
            self.require_fit("where", column)
        holds = InEngine(self.name, "where", asked, self.raw, self.amounts).condition()
        unknown = ibis.ifelse(holds, ibis.literal(False), holds.fill_null(True))
        return [(unknown, UNTOLD), (holds.fill_null(True) == ibis.literal(False), NOT_KEPT)]

    def refuse_days_beyond(self, *, future: bool = True) -> None:
        """Days to come, unless they may be, and those of before 1900 are faults."""
        day = self.found["date"]
        if future:
            beyond = day > ibis.literal(self.today)
            self.reasons.append((beyond, marked("date in the future")))
        self.reasons.append((day < ibis.literal(EARLIEST_DAY), TOO_EARLY))

    def day_is_plain(self) -> BooleanValue:
        """Whether a day is seen to be neither too early nor to come."""
        moment = self.column(str(self.date))
        kind = moment.type()
        if not (kind.is_timestamp() and kind.timezone and self.origin.in_process):
            return self.found["date"].between(ibis.literal(EARLIEST_DAY), ibis.literal(self.today))
        # To find a moment's day in the shop's zone takes long; no zone is two days from UTC.
        ends = EARLIEST_DAY + _TWO_DAYS, self.today - _TWO_DAYS
        first, last = (
            ibis.literal(dt.datetime.combine(end, dt.time(), tzinfo=dt.UTC), type=kind)
            for end in ends
        )
        return moment.between(first, last)

    def take_text(self, *roles: str) -> None:
        """Columns as text, null where blank or without a column; ids that became numbers are faults."""
        for role in roles:
            column = self.columns[role]
            if column is None:
                self.found[role] = ibis.null("string")
                continue
            text = self.id_text(role)
            self.found[role] = ibis.ifelse(self.blank(role), ibis.null("string"), text)
            if role in RUINED and self.raw[column].type().is_string():
                self.reasons.append((is_ruined(text), RUINED[role]))

    def as_read(self, reason: Value, *shown: str) -> SourceAsRead:
        """Rows as they stand in the source, looked up only for a message: the roles shown, or all."""
        # To number and keep every row as given takes half of the time of reading.
        roles = shown or [role for role, column in self.columns.items() if column is not None]
        cells = {}
        for role in roles:
            parts = self.parts.get(role)
            cells[f"given_{role}"] = str(self.columns[role])
            if parts is not None:
                del cells[f"given_{role}"]
                cells |= {f"given_{role}_{i}": name for i, name in enumerate(parts)}
        given = self.raw.select(
            row=ibis.row_number() + 1,
            reason=reason,
            **{cell: self.raw[name].cast("string") for cell, name in cells.items()},
        )
        return SourceAsRead(
            *(self.name, given, self.columns, self.date_format, self.amounts.decimal),
            cells=cells,
            date=f"given_{self.date}",
            mended=self.ids.mend,
        )

    def accept(self, allowed: float, *, anonymous: bool = True) -> tuple[int, pd.DataFrame, Table]:
        """Rows read, the unusable ones by reason, and the usable ones; refused where too few are.

        Rows without a customer are left out and not held against the source, unless `anonymous` is
        False: then they are as good as `reasons` say. So are rows of ids that stand for nobody.
        """
        reasons = [*self.not_kept(), *self.nobody(), *self.reasons]
        if anonymous:
            reasons = [*self.empty(), *reasons, (self.blank("customer_id"), NO_CUSTOMER)]
        reason = ibis.cases(*reasons, else_=ibis.null("string"))
        checked = self.raw.select(**self.found, reason=reason)
        with self.origin.reading():
            if self.origin.in_process:
                # Text is read as days and numbers once, and the file may go.
                checked = copied(checked)
            counts = checked.group_by("reason").aggregate(rows=checked.count())
            found = to_frame(counts.order_by("reason"))
            forgiven = [NOT_KEPT, NOBODY, *([NO_CUSTOMER] if anonymous else [])]
            quality = require_usable(self.as_read(reason), found, allowed, forgiven)
        usable = checked.filter(checked["reason"].isnull()).drop("reason")
        return int(found["rows"].sum()), quality, usable


def require_usable(
    source: SourceAsRead, counts: pd.DataFrame, allowed: float, forgiven: Collection[str]
) -> pd.DataFrame:
    """The counts (reason, null for usable; rows) of unusable rows; too many of them are refused.

    Rows for one of the `forgiven` reasons are not held against the source.
    """
    rows = int(counts["rows"].sum())
    if rows == 0:
        raise DataError(f"{source.name}: holds no rows.")
    quality = counts[counts["reason"].notna()].reset_index(drop=True)
    held_against = quality.loc[~quality["reason"].isin(forgiven), "rows"].sum()
    if held_against > allowed * rows or quality["rows"].sum() == rows:
        raise DataError(refusal(source, quality, rows, allowed, forgiven))
    return quality
