"""Lots that leave a share of each list's customers out, or of all lists', so that lists test themselves.

Whoever is on a list for the first time while its test runs draws a lot; the arm drawn is kept until
the test ends, on whichever nights the customer is on the list. The newcomers of a night are sorted by
what is at stake and cut into blocks of b, of which k are left out, k ÷ b being the share: those with the
lowest keyed hashes of project, store, list, the test's begin and customer. Empty seats of the last block
draw as well, so that everybody is left out with the same probability. Each list has lots of its own:
whoever is left out of one may be on another. Before them comes the lot of all lists together: whoever
is on any list for the first time draws it, and whom it leaves out is on none and draws no list's own
lot, so that both arms of each list are drawn among the others.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Literal

import pandas as pd

from retention_models.languages import marked, phrase
from retention_models.settings.actions import (
    ALL_LISTS,
    APOLOGIES,
    NO_CONTACT,
    ActionSettings,
    ListName,
)

Tested = ListName | Literal["all_lists"]

CONTROL, CONTACT = "control", "contact"  # the arms, as campaigns' assignments name them
FEWEST = 10  # customers on a list, of whom one can be left out
_MOST_SEATS = 100  # of a block

# A row a lot: the columns of campaigns' assignments, and what was known of the customer then.
ASSIGNED = {
    "campaign_id": "str",
    "customer_id": "str",
    "store_id": "str",
    "arm": "str",
    "assigned_at": "datetime64[s]",
    "list": "str",
    "share": "float64",
    "at_stake": "float64",
    "probability_alive": "float64",
}

_UNTESTED = {
    "off": marked("Nobody is left out of it by lot: hold_out in [actions] is 0."),
    "all": marked("Nobody is left out of it alone: hold_out in [actions] is 0."),
    "apology": marked("It is an apology, of which nobody is left out."),
    "exempt": marked("Exempt in the project file, so that nobody is left out."),
    "no_contact": marked("Nobody on it is contacted, so there is nothing to test."),
    "few": marked("Fewer than {fewest} customers today are too few to leave somebody out."),
}


@cache
def no_lots() -> pd.DataFrame:
    """A table of ASSIGNED without a row: one for all, since its making takes longer than a lot's."""
    return pd.DataFrame(columns=list(ASSIGNED)).astype(ASSIGNED)


@dataclass(frozen=True)
class Lots:
    """What a night's lots of a store are drawn with; `earlier` are those drawn before, as ASSIGNED."""

    project: str
    store_id: str
    night: dt.date
    earlier: pd.DataFrame

    @cached_property
    def newest(self) -> dict[tuple[str, float], dt.date]:
        """First day of the newest test of each list with each share."""
        tests = self.earlier.groupby(["list", "share", "campaign_id"], sort=False)
        begins = tests["assigned_at"].min().groupby(["list", "share"], sort=False).max()
        return {test: begin.date() for test, begin in begins.items()}


def no_test(name: ListName, rules: ActionSettings, customers: int) -> str:
    """Why nobody more is left out of a list of so many customers; empty where somebody may be."""
    if not rules.leaves_out:
        return phrase(_UNTESTED["off"])
    reason = _untouched(name, rules) or ("" if rules.hold_out else "all")
    if reason:
        return phrase(_UNTESTED[reason])
    return phrase(_UNTESTED["few"], fewest=FEWEST) if customers < FEWEST else ""


def with_lots(rules: ActionSettings) -> list[ListName]:
    """The lists of which a lot may leave somebody out."""
    return [name for name in rules.precedence if not _untouched(name, rules)]


def _untouched(name: ListName, rules: ActionSettings) -> str:
    """Why no lot may touch a list, whatever the shares; empty where one may."""
    if name in APOLOGIES:
        return "apology"
    if name in rules.exempt:
        return "exempt"
    return "no_contact" if name in NO_CONTACT and rules.rule(name).action is None else ""


def draw(lots: Lots, name: Tested, members: pd.DataFrame, rules: ActionSettings) -> pd.DataFrame:
    """The lots of a list's customers of tonight, kept or new; rows of ASSIGNED, none without a test.

    Of all lists together, `members` are those on any list that is `with_lots`.

    members: index customer_id; at_stake and probability_alive, NaN where not known.
    """
    given = rules.hold_out_of_all if name == ALL_LISTS else rules.hold_out
    if given == 0 or (name != ALL_LISTS and no_test(name, rules, FEWEST)):
        return no_lots()
    share = round(float(_share(given)), 4)
    begin = _begin(lots, name, share, rules.test_days)
    test = f"{name}-{begin.isoformat()}-{share:g}"
    earlier = lots.earlier.loc[lots.earlier["campaign_id"] == test]
    kept = earlier.loc[earlier["customer_id"].isin(members.index.astype(str))]
    if len(members) < FEWEST:
        return kept
    fresh = members.loc[~members.index.astype(str).isin(earlier["customer_id"])]
    if fresh.empty:
        return kept
    ids = [str(one) for one in fresh.index]
    out = left_out(lots, f"{name}\0{begin.isoformat()}", fresh["at_stake"].set_axis(ids), share)
    table = pd.DataFrame(
        {
            "campaign_id": test,
            "customer_id": ids,
            "store_id": lots.store_id,
            "arm": [CONTROL if one in out else CONTACT for one in ids],
            "assigned_at": pd.Timestamp(lots.night),
            "list": name,
            "share": share,
            "at_stake": fresh["at_stake"].to_numpy(dtype=float),
            "probability_alive": fresh["probability_alive"].to_numpy(dtype=float),
        }
    ).astype(ASSIGNED)
    return pd.concat([kept, table], ignore_index=True) if len(kept) else table


def held_out_now(lots: Lots, rules: ActionSettings) -> set[str]:
    """Whoever was left out of any list on an earlier night, and whose test still runs."""
    if not rules.leaves_out or lots.earlier.empty:
        return set()
    begins = lots.earlier.groupby("campaign_id")["assigned_at"].min()
    since = pd.Timestamp(lots.night) - begins
    running = since[since < pd.Timedelta(days=rules.test_days)].index
    out = lots.earlier.loc[lots.earlier["arm"] == CONTROL]
    of_all = out["list"] == ALL_LISTS
    out = out.loc[(of_all & (rules.hold_out_of_all > 0)) | (~of_all & (rules.hold_out > 0))]
    return set(out.loc[out["campaign_id"].isin(running), "customer_id"])


def _begin(lots: Lots, name: Tested, share: float, days: int) -> dt.date:
    """First day of the test that runs: of the newest one with this share, unless it has ended."""
    begin = lots.newest.get((name, share), lots.night)
    return begin if (lots.night - begin).days < days else lots.night


def _share(hold_out: float) -> Fraction:
    """The share as k of b seats."""
    return Fraction(hold_out).limit_denominator(_MOST_SEATS)


def left_out(lots: Lots, test: str, at_stake: pd.Series, share: float) -> set[str]:
    """Ids that the lot leaves out."""
    part = _share(share)
    hashes = {one: _hash(lots, test, one) for one in at_stake.index}
    stakes = at_stake.fillna(float("-inf")).to_dict()
    order = sorted(stakes, key=lambda one: (-stakes[one], hashes[one]))
    found: set[str] = set()
    for first in range(0, len(order), part.denominator):
        block = order[first : first + part.denominator]
        seats = {one: hashes[one] for one in block}
        for empty in range(len(block), part.denominator):
            # No id begins with this character; each night's empty seats draw anew.
            seat = f"\0{lots.night.isoformat()}\0{empty}"
            seats[seat] = _hash(lots, test, seat)
        found.update(sorted(seats, key=lambda seat: seats[seat])[: part.numerator])
    return found.intersection(order)


def _hash(lots: Lots, test: str, customer: str) -> bytes:
    """Hash of store, list, begin and customer, keyed by the project."""
    key = hashlib.sha256(lots.project.encode()).digest()
    text = "\0".join((lots.store_id, test, customer))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()
