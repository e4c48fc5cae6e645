"""Who was offered a campaign, and who took it up: sources beside the log, checked as strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, Table, Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.contract import NO_CUSTOMER, NOBODY, Amounts, number_of, repeats_another
from retention_models.data.engines import Frame, Source, open_source, to_frame
from retention_models.data.id_rules import IdRule, as_options, project_rule

if TYPE_CHECKING:
    from retention_models.settings.project import Settings

Given: TypeAlias = "str | Path | Frame"
_Columns = dict[str, str | None]


_LOADED_TWICE = 0.4  # share of rows that repeat another, as for a month of the log


@dataclass(frozen=True)
class Assignments:
    """Checked assignments of customers, or of whole stores, to the arms of campaigns."""

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    source: str


@dataclass(frozen=True)
class Redemptions:
    """Checked redemptions: campaign_id, customer_id, date, amount (null where not given), store_id."""

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    source: str
    repeats: int = 0  # rows equal to another in every column of the source
    loaded_twice: bool = False  # so many that they are left out of the table
    # Rows that equal another in all but columns beside the contract's, where many do.
    twins: int = 0

    @property
    def anonymous(self) -> int:
        """Redemptions, of any campaign, that name no customer."""
        return int(
            self.quality.loc[self.quality["reason"].isin([NO_CUSTOMER, NOBODY]), "rows"].sum()
        )


def read_assignments(
    source: Given,
    *,
    campaign_id: str = "campaign_id",
    arm: str = "arm",
    assigned_at: str = "assigned_at",
    customer_id: str | None = None,
    store_id: str | None = None,
    table: str | None = None,
    timezone: str = "UTC",
    date_format: str | None = None,
    max_unusable_share: float = 0.01,
    mend_ids: bool = False,
    ignore_case: bool = False,
    anonymous: Sequence[str] = (),
) -> Assignments:
    """Read who was put into which arm of which campaign; data/README.md has the contract.

    Parameters
    ----------
    source : str, Path or frame
        As for `read_transactions`.
    campaign_id, arm, assigned_at : str
        Names of these columns.
    customer_id, store_id : str, optional
        Names of the columns with a customer, and with a store for roll-outs to whole stores; unless
        given, the columns of these names, at least one of which is needed.
    table, timezone, date_format, max_unusable_share, mend_ids, ignore_case, anonymous
        As for `read_transactions`.

    Returns
    -------
    Assignments

    Raises
    ------
    DataError
        If the source or a column is missing, a column has a type that it cannot have, or too many
        rows are unusable: with the reasons counted and the first bad rows.

    Examples
    --------
    >>> rows = {"campaign_id": ["x"], "customer_id": ["0042"], "arm": ["coupon"]}
    >>> found = read_assignments(pd.DataFrame(rows | {"assigned_at": ["2024-03-01"]}))
    >>> found.table.execute()["customer_id"].item()
    '0042'
    """
    origin = open_source(source, table, timezone, name="assignments")
    columns: _Columns = {"campaign_id": campaign_id, "customer_id": customer_id}
    columns |= {"store_id": store_id, "arm": arm, "assigned_at": assigned_at}
    _take_by_name(origin.table, columns, "customer_id", "store_id")
    if columns["customer_id"] is None and columns["store_id"] is None:
        # Either would do; the error names the one that most campaigns need.
        columns["customer_id"] = "customer_id"
    check = _check(
        *(origin, columns, "assigned_at", timezone, date_format),
        IdRule(mend_ids, ignore_case, anonymous),
    )
    check.refuse_days_beyond(future=False)
    nobody = check.blank("customer_id") & check.blank("store_id")
    missing = "no customer id and no store id" if columns["store_id"] else NO_CUSTOMER
    check.reasons.append((nobody, missing))
    rows, quality, usable = check.accept(max_unusable_share, anonymous=False)
    return Assignments(usable, quality, rows, origin.name)


def read_redemptions(
    source: Given,
    *,
    campaign_id: str = "campaign_id",
    customer_id: str = "customer_id",
    redeemed_at: str = "redeemed_at",
    amount: str | None = None,
    store_id: str | None = None,
    table: str | None = None,
    timezone: str = "UTC",
    date_format: str | None = None,
    decimal: str = ".",
    max_unusable_share: float = 0.01,
    mend_ids: bool = False,
    ignore_case: bool = False,
    anonymous: Sequence[str] = (),
) -> Redemptions:
    """Read who took up which campaign; data/README.md has the contract.

    Parameters
    ----------
    source : str, Path or frame
        As for `read_assignments`.
    campaign_id, customer_id, redeemed_at : str
        Names of these columns.
    amount, store_id : str, optional
        Names of the columns with the discount given, and with the store; unless given, the columns of
        these names where there are any.
    table, timezone, date_format, decimal, max_unusable_share, mend_ids, ignore_case, anonymous
        As for `read_transactions`.

    Returns
    -------
    Redemptions

    Raises
    ------
    DataError
        As for `read_assignments`.

    Notes
    -----
    Rows that repeat another in every column of the source are counted (`repeats`). A few may be
    redemptions of their own, and stay; where they are 40% of the file or more, it was loaded twice, and
    each row counts once (`loaded_twice`).

    Examples
    --------
    >>> rows = {"campaign_id": ["spring"], "customer_id": ["0042"], "redeemed_at": ["2024-03-09"]}
    >>> read_redemptions(pd.DataFrame(rows)).table.execute()["customer_id"].item()
    '0042'
    """
    origin = open_source(source, table, timezone, name="redemptions")
    columns: _Columns = {"campaign_id": campaign_id, "customer_id": customer_id}
    columns |= {"store_id": store_id, "redeemed_at": redeemed_at, "amount": amount}
    _take_by_name(origin.table, columns, "amount", "store_id")
    check = _check(
        *(origin, columns, "redeemed_at", timezone, date_format),
        IdRule(mend_ids, ignore_case, anonymous),
    )
    check.refuse_days_beyond()
    check.found["amount"] = ibis.null("float64")
    if columns["amount"] is not None:
        check.found["amount"], none, negative = _amount(check, decimal)
        check.reasons.append((none, "amount is not a number"))
        check.reasons.append((negative, "amount is below 0"))
    check.found["repeats"] = repeats_another(origin.table)
    check.found["twin"] = repeats_another(origin.table, list(filter(None, columns.values())))
    rows, quality, usable = check.accept(max_unusable_share)
    repeats = int(to_frame(usable.aggregate(n=usable["repeats"].sum()))["n"].fillna(0).item())
    twice = repeats > 0 and repeats >= _LOADED_TWICE * rows
    twins = int(to_frame(usable.aggregate(n=usable["twin"].sum()))["n"].fillna(0).item())
    twins = 0 if twice or twins < _LOADED_TWICE * rows else twins
    kept = (usable.filter(~usable["repeats"]) if twice else usable).drop("repeats", "twin")
    return Redemptions(kept, quality, rows, origin.name, repeats, twice, twins)


def read_project_assignments(settings: Settings) -> Assignments | None:
    """The assignments of a project file; None where it has no table [campaign_data]."""
    given = settings.campaign_data
    if given is None:
        return None
    return read_assignments(
        settings.path(given.assignments),
        timezone=settings.transactions.timezone,
        date_format=given.date_format,
        max_unusable_share=given.max_unusable_share,
        **as_options(project_rule(settings)),
    )


def read_project_redemptions(settings: Settings) -> Redemptions | None:
    """The redemptions of a project file; None where it names none."""
    given = settings.campaign_data
    if given is None or given.redemptions is None:
        return None
    return read_redemptions(
        settings.path(given.redemptions),
        timezone=settings.transactions.timezone,
        date_format=given.date_format,
        decimal=settings.transactions.decimal,
        max_unusable_share=given.max_unusable_share,
        **as_options(project_rule(settings)),
    )


def _take_by_name(raw: Table, columns: _Columns, *roles: str) -> None:
    """Optional columns that are not named are those of their role's name, if there are any."""
    for role in roles:
        if columns[role] is None and role in raw.columns:
            columns[role] = role


def _check(
    origin: Source,
    columns: _Columns,
    date: str,
    timezone: str,
    date_format: str | None,
    ids: IdRule,
) -> SourceCheck:
    """Ids and day of every row, and what is wrong with them."""
    check = SourceCheck(origin, columns, date, timezone, date_format, ids=ids)
    texts = [role for role in columns if role in ("campaign_id", "customer_id", "store_id", "arm")]
    check.take_text(*texts)
    for role in (role for role in texts if role in ("campaign_id", "arm")):
        check.reasons.append((check.blank(role), f"no {role.replace('_', ' ')}"))
    return check


def _amount(check: SourceCheck, decimal: str) -> tuple[Value, BooleanValue, BooleanValue]:
    """Discounts given, null for a blank cell; whether a filled cell holds none, or one below 0."""
    column = check.column("amount")
    number = number_of(check.name, column, Amounts(decimal), "amount")
    finite = number.notnull() & ~number.isnan() & ~number.isinf()
    given = ibis.ifelse(finite & (number >= 0), number, ibis.null("float64"))
    return given, ~check.blank("amount") & ~finite, finite & (number < 0)
