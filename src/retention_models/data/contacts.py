"""Survey answers and other contacts with customers: read like the transactions; each one's last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.engines import Frame, open_source, to_frame
from retention_models.data.id_rules import IdRule, as_options, project_rule
from retention_models.data.ids import unknown_ids
from retention_models.data.refusals import DOWN, UP
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError, SettingsError
from retention_models.languages import count
from retention_models.languages.results import Card, Result

if TYPE_CHECKING:
    from retention_models.settings.project import EventSettings, Settings, SurveySettings


SCALES = {"0-10": 0, "1-10": 1}


@dataclass(frozen=True, repr=False)
class Surveys(Result):
    """Checked survey answers.

    Attributes
    ----------
    table : ibis Table
        Usable rows: customer_id, store_id (text; null for an answer that is of no one store), date
        (day in the shop's zone), kind (text, null where not given), score (whole number, null where
        there is none), up (true for a thumb up, null where there is none).
    quality : DataFrame
        Rows that could not be used: reason, rows.
    rows_read : int
        Rows in the source.
    source : str
        What was read, for messages.
    scale : str, optional
        "0-10" or "1-10"; None where there are no scores.

    Examples
    --------
    >>> import retention_models as rm
    >>> rows = pd.DataFrame({"who": ["a", "b"], "day": ["2024-01-05", "2024-01-06"], "score": [9, 4]})
    >>> names = {"customer_id": "who", "answered_at": "day", "score": "score"}
    >>> surveys = rm.read_surveys(rows, **names, scale="0-10")
    >>> surveys.table.execute()["score"].tolist()
    [9, 4]
    """

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    source: str
    scale: str | None = None

    def _card(self) -> Card:
        facts = {"rows": count(self.rows_read), "scale": self.scale or ""}
        return Card(f"Survey answers of {self.source}", facts, self.quality)

    def of_kind(self, *kinds: str) -> Surveys:
        """The answers to some of the surveys.

        Examples
        --------
        >>> import retention_models as rm
        >>> rows = {"who": ["a", "b"], "day": "2024-01-05", "score": [9, 4], "of": ["nps", "csat"]}
        >>> names = {"customer_id": "who", "answered_at": "day", "score": "score", "kind": "of",
        ...          "scale": "0-10"}
        >>> surveys = rm.read_surveys(pd.DataFrame(rows), **names)
        >>> surveys.of_kind("csat").table.execute()["customer_id"].tolist()
        ['b']
        """
        table = self.table.filter(self.table["kind"].isin(kinds))
        return replace(self, table=table)


@dataclass(frozen=True, repr=False)
class Events(Result):
    """Checked contacts: customer_id, store_id (null for none), date, kind; else as `Surveys`.

    With a column of measures also measure, a number: days late, hours until an answer; null for none.

    Examples
    --------
    >>> import retention_models as rm
    >>> rows = pd.DataFrame({"who": ["a", "b"], "day": ["2024-01-05", "2024-01-06"], "kind": "click"})
    >>> events = rm.read_events(rows, customer_id="who", date="day", kind="kind")
    >>> events.rows_read, events.source
    (2, 'events')
    """

    table: Table = field(repr=False)
    quality: pd.DataFrame = field(repr=False)
    rows_read: int
    source: str

    def _card(self) -> Card:
        return Card(f"Contacts of {self.source}", {"rows": count(self.rows_read)}, self.quality)


def read_surveys(
    source: str | Path | Frame,
    *,
    customer_id: str,
    answered_at: str,
    score: str | None = None,
    thumb: str | None = None,
    store_id: str | None = None,
    kind: str | None = None,
    scale: str | None = None,
    table: str | None = None,
    timezone: str = "UTC",
    date_format: str | None = None,
    max_unusable_share: float = 0.01,
    where: str | None = None,
    mend_ids: bool = False,
    ignore_case: bool = False,
    anonymous: Sequence[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
) -> Surveys:
    """Read survey answers and check them; data/README.md has the contract.

    Parameters
    ----------
    source : str, Path or frame
        As for `read_transactions`.
    customer_id, answered_at : str
        Names of these columns.
    score, thumb : str, optional
        Names of the columns with a score, and with a thumb up or down; at least one of them.
    store_id, kind : str, optional
        Names of the columns with a store, and with the survey's name.
    scale : {"0-10", "1-10"}, optional
        Scale of the scores. Where none is declared, an answer of 0 proves the first; without one
        the answers are refused, since a scale from 1 to 10 has other promoters and detractors.
    table, timezone, date_format, max_unusable_share, where, mend_ids, ignore_case, anonymous,
    encoding, sheet
        As for `read_transactions`.

    Returns
    -------
    Surveys

    Raises
    ------
    SettingsError
        If neither score nor thumb is named, or the scale is unknown.
    DataError
        As for `read_transactions`, or if the scale cannot be told from the answers.

    Examples
    --------
    >>> rows = pd.DataFrame({"who": ["a", "b"], "day": ["2024-01-05", "2024-01-06"], "score": [9, 4]})
    >>> surveys = read_surveys(rows, customer_id="who", answered_at="day", score="score", scale="0-10")
    >>> surveys.rows_read, surveys.scale
    (2, '0-10')
    """
    if score is None and thumb is None:
        raise SettingsError("surveys: expected the name of a column for score, thumb or both.")
    if scale is not None and scale not in SCALES:
        raise SettingsError(f'scale: expected "0-10" or "1-10"; got {scale!r}.')
    columns = {"customer_id": customer_id, "answered_at": answered_at, "score": score}
    columns |= {"thumb": thumb, "store_id": store_id, "kind": kind}
    origin = open_source(source, table, timezone, encoding=encoding, sheet=sheet, name="surveys")
    check = SourceCheck(
        *(origin, columns, "answered_at", timezone, date_format),
        ids=IdRule(mend_ids, ignore_case, anonymous),
        where=where,
    )
    check.refuse_days_beyond()
    check.take_text("customer_id", "store_id", "kind")
    number = _number(check, "score")
    # What a data frame writes where there is none.
    no_score, no_thumb = (
        check.blank("score") | number.isnan().fill_null(False),
        check.blank("thumb"),
    )
    on_scale, up = _on_scale(number, SCALES[scale or "0-10"]), _is_up(check)
    check.found["score"], check.found["up"] = on_scale, up
    check.reasons.extend(
        [
            (no_score & no_thumb, "no answer"),
            (~no_score & on_scale.isnull(), "score is not on the scale"),
            (~no_thumb & up.isnull(), "thumb is neither up nor down"),
        ]
    )
    rows, quality, usable = check.accept(max_unusable_share)
    name = check.name
    if score is not None and scale is None:
        _require_zero(name, score, usable)
    known = None if score is None else scale or "0-10"
    return Surveys(usable, quality, rows, name, known)


def read_events(
    source: str | Path | Frame,
    *,
    customer_id: str,
    date: str,
    kind: str,
    store_id: str | None = None,
    measure: str | None = None,
    table: str | None = None,
    timezone: str = "UTC",
    date_format: str | None = None,
    max_unusable_share: float = 0.01,
    where: str | None = None,
    mend_ids: bool = False,
    ignore_case: bool = False,
    anonymous: Sequence[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
) -> Events:
    """Read contacts with customers other than purchases: redeemed coupons, referrals, clicks.

    Parameters
    ----------
    source : str, Path or frame
        As for `read_transactions`.
    customer_id, date, kind : str
        Names of these columns.
    store_id : str, optional
        Name of the column with a store.
    measure : str, optional
        Name of the column with a number that goes with some kinds: a delivery's days of delay, hours
        until an answer. Empty for the others.
    table, timezone, date_format, max_unusable_share, where, mend_ids, ignore_case, anonymous,
    encoding, sheet
        As for `read_transactions`.

    Returns
    -------
    Events

    Raises
    ------
    DataError
        As for `read_transactions`.

    Examples
    --------
    >>> rows = pd.DataFrame({"who": ["a"], "day": ["2024-01-05"], "kind": ["complaint"]})
    >>> events = read_events(rows, customer_id="who", date="day", kind="kind")
    >>> events.table.execute()["kind"].tolist()
    ['complaint']
    """
    columns = {"customer_id": customer_id, "date": date, "kind": kind, "store_id": store_id}
    columns |= {} if measure is None else {"measure": measure}
    origin = open_source(source, table, timezone, encoding=encoding, sheet=sheet, name="events")
    check = SourceCheck(
        *(origin, columns, "date", timezone, date_format),
        ids=IdRule(mend_ids, ignore_case, anonymous),
        where=where,
    )
    check.refuse_days_beyond()
    check.take_text("customer_id", "store_id", "kind")
    check.reasons.append((check.blank("kind"), "no kind"))
    if measure is not None:
        number = _number(check, "measure")
        none = check.blank("measure") | number.isnan().fill_null(False)
        told = number.notnull() & ~number.isinf().fill_null(False)
        check.found["measure"] = ibis.ifelse(told & ~none, number, ibis.null("float64"))
        check.reasons.append((~none & ~told, "measure is not a number"))
    rows, quality, usable = check.accept(max_unusable_share)
    return Events(usable, quality, rows, check.name)


def _number(check: SourceCheck, role: str) -> Value:
    if check.columns[role] is None:
        return ibis.null("float64")
    return check.column(role).cast("string").strip().try_cast("float64")


def _on_scale(number: Value, lowest: int) -> Value:
    """Whole numbers from `lowest` to 10; null for everything else."""
    whole = number.try_cast("int64")
    fits = (whole.cast("float64") == number) & whole.between(lowest, 10)
    return ibis.ifelse(fits, whole, ibis.null("int64"))


def _is_up(check: SourceCheck) -> Value:
    """True for a thumb up, False for one down; null for everything else."""
    if check.columns["thumb"] is None:
        return ibis.null("boolean")
    text = check.column("thumb").cast("string").strip().lower()
    return ibis.cases((text.isin(UP), True), (text.isin(DOWN), False), else_=ibis.null("boolean"))


def about_unknown(log: Transactions, found: Surveys | Events) -> str | None:
    """What is to be said of customers that the log does not know; None of few.

    DataError if another spelling makes most of them known: their answers would be nobody's.
    """
    ids = [
        to_frame(table.select("customer_id").distinct().order_by("customer_id"))["customer_id"]
        for table in (log.whole.table, found.table)
    ]
    said, misspelt = unknown_ids(*ids)
    if misspelt:
        raise DataError(f"{found.source}: {said}")
    return said


def read_project_contacts(
    settings: Settings, log: Transactions
) -> tuple[Surveys | None, Events | None]:
    """The surveys and contacts of a project file, whose customers are named as in the log."""
    surveys, events = read_project_surveys(settings), read_project_events(settings)
    for found in (surveys, events):
        if found is not None:
            about_unknown(log, found)
    return surveys, events


def read_project_surveys(settings: Settings) -> Surveys | None:
    """The surveys of a project file; None where it has no table [surveys]."""
    return None if settings.surveys is None else read_surveys(**_named(settings, settings.surveys))


def read_project_events(settings: Settings) -> Events | None:
    """The contacts of a project file; None where it has no table [events]."""
    return None if settings.events is None else read_events(**_named(settings, settings.events))


def _named(settings: Settings, given: SurveySettings | EventSettings) -> dict[str, Any]:
    """What a table of the project file says of a source, as arguments."""
    return {
        **given.model_dump(exclude={"source", "columns"}),
        **as_options(project_rule(settings, given)),
        **given.columns.model_dump(),
        "source": settings.path(given.source),
        "timezone": settings.transactions.timezone,
    }


def _require_zero(name: str, column: str, usable: Table) -> None:
    found = to_frame(usable.aggregate(n=usable["score"].count(), lowest=usable["score"].min()))
    n, lowest = int(found["n"].iloc[0]), found["lowest"].iloc[0]
    if n and lowest > 0:
        raise DataError(
            f"{name}: none of the {n:,} scores in column {column!r} is 0, so they may be from 0 to 10 "
            "or from 1 to 10, and the share of promoters and detractors is not the same. Declare "
            'which: scale = "0-10" or scale = "1-10".'
        )


COMPLAINT = "complaint"


def last_scores(surveys: Surveys, store_id: str, end: dt.date) -> pd.DataFrame:
    """Each customer's last score up to a day, at this store or at none; of one day the lowest."""
    table = _of_store(surveys.table, store_id, end)
    table = table.filter(table["score"].notnull())
    order = ibis.window(group_by="customer_id", order_by=[ibis.desc("date"), "score"])
    table = table.mutate(place=ibis.row_number().over(order))
    table = table.filter(table["place"] == 0).select("customer_id", "score")
    return to_frame(table.order_by("customer_id"))


def last_events(events: Events, kind: str, store_id: str, end: dt.date) -> pd.DataFrame:
    """Day of each customer's last event of a kind, in upper or lower case; else as `last_scores`."""
    table = _of_store(events.table, store_id, end)
    table = table.filter(table["kind"].lower() == kind.lower())
    found = table.group_by("customer_id").aggregate(day=table["date"].max())
    return to_frame(found.order_by("customer_id"))


def _of_store(table: Table, store_id: str, end: dt.date) -> Table:
    here = table["store_id"].isnull() | (table["store_id"] == store_id)
    return table.filter(here & (table["date"] <= end))
