"""Ids and names of a second file that the first one does not know: most often spelt in another way."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import pandas as pd

from retention_models.campaigns.data.assignments import Assignments, Redemptions
from retention_models.campaigns.data.outcomes import Redeemed
from retention_models.campaigns.data.tables import Check
from retention_models.data.engines import to_frame
from retention_models.data.ids import Mending, mending
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.languages import count, phrase, plural
from retention_models.settings.campaigns import Campaign

# Above this share of unknown ids, one asks whether they are known ones spelt in another way.
ODD = 0.01
# No campaign is to so many who never bought; their ids are of another list.
_MOST_UNKNOWN = 0.5


def known_otherwise(log: Transactions, strangers: pd.Series, given: int) -> Mending | None:
    """How the log spells strangers among the given, where they are too many to be chance."""
    if len(strangers) <= ODD * given:
        return None
    known = to_frame(log.table.select("customer_id").distinct())["customer_id"]
    return mending(known, strangers)


def redeemed_otherwise(redeemed: Redeemed, customers: pd.Index) -> Mending | None:
    """How those who redeemed are called among the customers, where too many are not among them."""
    if (redeemed.place < 0).sum() <= ODD * redeemed.place.size:
        return None
    strangers = redeemed.rows.loc[redeemed.place < 0, "customer_id"]
    return mending(pd.Series(customers), strangers)


def otherwise_words(found: Mending) -> str:
    """What an id is called in either file, and how to mend it."""
    return plural(
        "{n} of the unknown ids is a known one {how}: {given} is {known} there. Write ids in "
        "both files alike, as text.",
        "{n} of the unknown ids are known ones {how}: {given} is {known} there. Write ids in "
        "both files alike, as text.",
        found.made_known,
        how=found.words,
        given=repr(found.given),
        known=repr(found.known),
    )


def check_known(customers: int, unknown: int, otherwise: Mending | None = None) -> Check:
    """Customers that the log does not know bought nothing, unless it spells them otherwise."""
    everyone, name = count(customers), "customers in the log"
    if not unknown:
        words = plural(
            "The only customer of the campaign is in the log.",
            "All {n} customers of the campaign are in the log.",
            customers,
        )
        return Check(name, True, False, words)
    if otherwise is not None:
        words = plural(
            "{unknown} of {n} customers of the campaign is not in the log.",
            "{unknown} of {n} customers of the campaign are not in the log.",
            unknown,
            unknown=count(unknown),
            n=everyone,
        )
        return Check(name, False, True, f"{words} {otherwise_words(otherwise)}")
    words = plural(
        "{unknown} of {n} customers of the campaign has no purchase in the log up to the last "
        "day that is measured and counts as having bought nothing.",
        "{unknown} of {n} customers of the campaign have no purchase in the log up to the last "
        "day that is measured: they count as having bought nothing.",
        unknown,
        unknown=count(unknown),
        n=everyone,
    )
    if unknown <= _MOST_UNKNOWN * customers:
        return Check(name, True, False, words)
    words += " " + phrase(
        "So many show that the assignments name customers otherwise than the log, or are of another "
        "shop. Give each customer the id that the log has; leave out who never bought."
    )
    return Check(name, False, True, words)


def check_names(arms: Mapping[str, int], expected: Iterable[str]) -> list[Check]:
    """Arms that differ in blanks, case or Unicode form only: one arm, written in two ways."""
    names = pd.Series(sorted(set(expected)), dtype=object)
    for arm in sorted(arms):
        others = pd.Series([*names, *(one for one in arms if one < arm)], dtype=object)
        found = mending(others.loc[others != arm], pd.Series([arm], dtype=object))
        if arm not in set(names) and found is not None:
            words = plural(
                "The arm {given} has {n} customer or store, and there is an arm {known}: written {how}, "
                "they are one. Write the arm in one way.",
                "The arm {given} has {n} customers or stores, and there is an arm {known}: written "
                "{how}, they are one. Write the arm in one way.",
                arms[arm],
                given=repr(found.given),
                known=repr(found.known),
                how=found.words,
            )
            return [Check("arms are written alike", False, True, words)]
    return []


def require_known_campaigns(
    campaign: Campaign,
    others: Iterable[Campaign],
    assignments: Assignments,
    redemptions: Redemptions | None,
) -> None:
    """DataError where rows would be left out for the spelling of their campaign's id."""
    declared = {campaign.id, *(other.id for other in others)}
    assigned = _campaign_ids(assignments)
    _refuse_other_spellings(assignments.source, assigned, declared)
    if redemptions is None:
        return
    rows = _campaign_ids(redemptions)
    known = declared | set(assigned)
    _refuse_other_spellings(redemptions.source, rows, known)
    unknown = sorted(set(rows) - known)
    if unknown:
        lost = sum(rows[one] for one in unknown)
        near = difflib.get_close_matches(unknown[0], sorted(known), 1, 0.0)[0]
        raise DataError(
            f"{redemptions.source}: campaign_id {unknown[0]!r} is no campaign that is declared or "
            f"assigned; the nearest is {near!r}. {lost:,} of {sum(rows.values()):,} rows name such a "
            "campaign, and would cost nothing. Mend the id, declare the campaign, or leave them out."
        )


def _campaign_ids(given: Assignments | Redemptions) -> dict[str, int]:
    """Rows by campaign."""
    table = given.table
    found = to_frame(table.group_by("campaign_id").aggregate(n=table.count()))
    return {str(one): int(n) for one, n in zip(found["campaign_id"], found["n"], strict=True)}


def _refuse_other_spellings(source: str, rows: Mapping[str, int], known: set[str]) -> None:
    have = pd.Series(sorted(known), dtype=object)
    for one in sorted(set(rows) - known):
        found = mending(have, pd.Series([one], dtype=object))
        if found is not None:
            raise DataError(
                f"{source}: campaign_id {one!r}, in {rows[one]:,} of {sum(rows.values()):,} rows, is no "
                f"campaign; written {found.english}, it is the nearest, {found.known!r}. Mend the id."
            )
