"""What the data of a roll-out to stores contradict of its declared design, each in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from retention_models.campaign_data.customers import Finding
from retention_models.campaign_settings import Campaign
from retention_models.languages import count, marked, phrase

_MOST_NAMED = 5


def check_starts(rows: pd.DataFrame, control: str) -> Finding:
    """One arm and one start a store.

    Parameters
    ----------
    rows : DataFrame
        store_id, arm and date of the assignments, each combination once.
    control : str
        The arm that got nothing; the days of its rows mean nothing.

    Returns
    -------
    Finding
    """
    starts = rows.assign(date=rows["date"].where(rows["arm"] != control, None))
    different = starts.drop_duplicates(["store_id", "arm", "date"])["store_id"].value_counts()
    twice = sorted(different.index[different > 1])
    words = phrase(
        "Each of {n} stores has one arm and one start.", n=count(rows["store_id"].nunique())
    )
    if twice:
        words = phrase(
            "The assignments give {stores} more than one arm or more than one start, so it is not known "
            "when the campaign began there. Mend the assignments.",
            stores=_named(twice),
        )
    return Finding("one start a store", not twice, True, words)


def check_store_arms(campaign: Campaign, stores: pd.DataFrame) -> list[Finding]:
    """Stores that were offered it, and stores to compare them with.

    Parameters
    ----------
    campaign : Campaign
    stores : DataFrame, index store_id
        arm and first_week.

    Returns
    -------
    list of Finding
    """
    offered = stores["arm"] != campaign.control
    controls, starts = int((~offered).sum()), stores.loc[offered, "first_week"].nunique()
    control = repr(campaign.control)
    words = phrase("{n} stores ran the campaign.", n=count(int(offered.sum())))
    if not offered.any():
        words = phrase(
            "No store is in an arm other than {control}: none ran the campaign.", control=control
        )
    findings = [Finding("arms", bool(offered.any()), True, words)]
    words = phrase(
        "{n} stores are in the control arm {control}.", n=count(controls), control=control
    )
    if not controls and starts > 1:
        words = phrase(
            "No store is in the control arm {control}: stores that began later are what the earlier "
            "ones are compared with, for as long as there are any.",
            control=control,
        )
    elif not controls:
        words = phrase(
            "No store is in the control arm {control} and all began in one week, so nothing shows what "
            "would have been without the campaign.",
            control=control,
        )
    findings.append(Finding("control present", bool(controls) or starts > 1, True, words))
    return findings


def check_stores_left_out(
    unassigned: Sequence[str], unknown: Sequence[str], without_customers: Sequence[str]
) -> list[Finding]:
    """Stores that are no part of the comparison, and why.

    Parameters
    ----------
    unassigned : sequence of str
        In the log, not in the assignments.
    unknown : sequence of str
        In the assignments, not in the log.
    without_customers : sequence of str
        Nobody had bought there before the first start.

    Returns
    -------
    list of Finding
    """
    findings = []
    cases = (
        (
            "stores assigned",
            unassigned,
            marked("No store is in the log and not in the assignments."),
            marked(
                "{n} stores are in the log and not in the assignments and were left out: {stores}."
            ),
        ),
        (
            "stores in the log",
            unknown,
            marked("No store is in the assignments and not in the log."),
            marked(
                "{n} stores are in the assignments and not in the log and were left out: {stores}."
            ),
        ),
        (
            "stores had customers",
            without_customers,
            marked("No store is without a customer from before the first start."),
            marked(
                "{n} stores are without a customer from before the first start and were left out: "
                "{stores}."
            ),
        ),
    )
    for check, ids, none, some in cases:
        words = phrase(some, n=count(len(ids)), stores=_named(ids)) if ids else phrase(none)
        findings.append(Finding(check, not ids, False, words))
    return findings


def check_weeks(
    campaign: Campaign, last_day: dt.date, weeks: np.ndarray, opened: pd.DataFrame
) -> list[Finding]:
    """A log that reaches the end, weeks before to compare with, and stores open throughout.

    Parameters
    ----------
    campaign : Campaign
    last_day : date
        Last day of the log.
    weeks : ndarray of int, shape (w,)
        Those that are measured.
    opened : DataFrame, index store_id
        first_day and last_day of the stores in the log.

    Returns
    -------
    list of Finding
    """
    over, before = last_day >= campaign.end, int((weeks < 0).sum())
    words = phrase(
        "The log reaches the campaign's end: its last day is {last_day}.", last_day=last_day
    )
    if not over:
        words = phrase(
            "The log ends on {last_day}, before the campaign does on {end}: its effect cannot be told "
            "yet.",
            last_day=last_day,
            end=campaign.end,
        )
    findings = [Finding("campaign over", over, True, words)]
    words = phrase("{n} whole weeks before the campaign are in the log.", n=count(before))
    if not before:
        words = phrase(
            "The log holds no whole week before the campaign, so the stores cannot be compared with "
            "themselves."
        )
    findings.append(Finding("weeks before", before > 0, True, words))
    if weeks.size:
        first = campaign.start + dt.timedelta(days=7 * int(weeks[0] + 1))
        last = campaign.start + dt.timedelta(days=7 * int(weeks[-1]))
        part = opened.index[(opened["first_day"] >= first) | (opened["last_day"] < last)]
        words = phrase(
            "Every store sold something in the first and in the last week measured, or beyond them."
        )
        if len(part):
            words = phrase(
                "{n} stores opened after the first week measured or closed before the last: {stores}. "
                "Their weeks without sales count as weeks in which nobody bought.",
                n=count(len(part)),
                stores=_named(list(part)),
            )
        findings.append(Finding("stores open throughout", not len(part), False, words))
    return findings


def _named(ids: Sequence[str]) -> str:
    named = ", ".join(repr(store) for store in ids[:_MOST_NAMED])
    if len(ids) <= _MOST_NAMED:
        return named
    return phrase("{stores} and {n} more", stores=named, n=count(len(ids) - _MOST_NAMED))
