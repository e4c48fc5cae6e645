"""What contacting a list changed: its lots pooled over nights and stores, to be read every night.

A lot decides who of a list is contacted (`actions.hold_out`), so that the difference between the arms
is the contacts' doing: grade A. Everybody whom the lot did not leave out counts, contacted or not
(intention to treat); where contacts are recorded, the effect of one made is that difference ÷ the
difference between the arms' shares contacted (Angrist, Imbens & Rubin, JASA 91 (1996), 444–455).
All lists together have a test of their own: those whom any list may name against those whom none does.

Customers enter as the days after their lots end. Each night's interval is that of a confidence sequence
(`estimators.sequential`) at as many customers as have entered, its standard error that of the regression
with covariates (Lin 2013) times t ÷ z for small arms: those of all nights hold together. The floors are
those of campaigns: without them, of lists with a tenth left out whose spend has a log deviation of 1.5,
14% were said to pay where contact did nothing (600 simulated lists, read weekly for half a year); with
them none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.refusals import FEWEST_FOR_A_VERDICT
from retention_models.campaigns.estimators.checks import (
    LARGEST_SKEWNESS,
    difference_skewness,
    fewest_in_arm,
    outcome_skewness,
)
from retention_models.campaigns.estimators.randomised import randomised_effects
from retention_models.campaigns.estimators.sequential import best_rho, confidence_sequence
from retention_models.errors import CannotSay
from retention_models.levels import t_of_interval, z_of_level
from retention_models.settings.actions import ALL_LISTS

CONTROL, CONTACT = "control", "contact"
# Fewest in an arm; few customers decide the mean of money.
FEWEST = {"purchases": FEWEST_FOR_A_VERDICT, "profit": fewest_in_arm("profit")}
NOTEWORTHY = 0.1  # change of purchases that a shop would want to know of
_LEVEL = 0.05
_RHO = best_rho(2000)  # declared once for all tests: intervals are narrowest at 2,000 customers
_LONGEST = 2 * 365  # days ahead of which a day is named
_FEWEST_APART = 20  # customers of an arm who must differ in a covariate

Verdict = Literal["too early", "open", "pays", "loses", "little"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change for each customer whom the lot did not leave out, with an interval for every night."""

    effect: float
    low: float
    high: float
    without: float  # mean of those left out
    standard_error: float


@dataclass(frozen=True, slots=True)
class ListTest:
    """What is known of a list's test by a day.

    begin: day of the first lot; contacts, held_out: lots drawn into each arm; measured,
    measured_held_out: of them, those whose days are over; of all lists together (`ALL_LISTS`) each
    customer counts at the first store where they drew. purchases, profit: None while too few
    customers decide them; without purchases there is no profit either.
    contacted, contacted_held_out: shares with a contact on record, NaN where none are recorded.
    known: day on which a change of purchases by a tenth would show, or, where it is too early, enough
    are measured; None where none can be named.
    first: day on which the first customers are measured. most: "more" or "less" at stake, for whom
    contact pays more; empty where neither is known.
    """

    name: str
    begin: dt.date
    contacts: int
    held_out: int
    measured: int
    measured_held_out: int
    first: dt.date
    verdict: Verdict = "too early"
    purchases: Change | None = None
    profit: Change | None = None
    contacted: float = float("nan")
    contacted_held_out: float = float("nan")
    known: dt.date | None = None
    most: str = ""

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> ListTest:
        """The test of `content`."""
        given = {one.name: content[one.name] for one in fields(cls)}
        for name in ("begin", "first", "known"):
            given[name] = given[name] and dt.date.fromisoformat(given[name])
        for name in ("purchases", "profit"):
            given[name] = given[name] and Change(**given[name])
        for name in ("contacted", "contacted_held_out"):
            given[name] = np.nan if given[name] is None else given[name]
        return cls(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if isinstance(value, float) and value != value else value


def list_tests(
    assigned: pd.DataFrame,
    measured: pd.DataFrame,
    *,
    day: dt.date,
    days: int,
    margin: float,
    contact_cost: float,
) -> list[ListTest]:
    """What is known of every list's test by a day, in the lists' alphabetical order.

    assigned: all lots up to the day; measured: from `list_test_outcomes`.
    """
    found = []
    for name, drawn in assigned.groupby("list"):
        lots, rows = drawn, _bearing(str(name), measured, assigned, days)
        if name == ALL_LISTS:
            lots, rows = (table.loc[_counts(table, days)] for table in (lots, rows))
        rows = rows.reset_index(drop=True)
        found.append(_test(str(name), lots, rows, day, days, margin, contact_cost))
    return found


def _bearing(name: str, measured: pd.DataFrame, assigned: pd.DataFrame, days: int) -> pd.DataFrame:
    """A list's measured lots with the contacts that each bears: those made, or else those asked for."""
    rows = measured.loc[measured["list"] == name]
    planned = (rows["arm"] == CONTACT).astype(float)
    if name != ALL_LISTS:
        return rows.assign(bears=rows["contacted"].fillna(planned))
    return rows.assign(bears=rows["contacts"].fillna(planned * _naming(rows, assigned, days)))


def _counts(lots: pd.DataFrame, days: int) -> pd.Series:
    """Whether a lot of all lists together counts: no customer at two stores, no purchase twice.

    A customer of several stores counts at the first where they drew; and a lot drawn within the days
    of the one before, which another share brings about, does not count.
    """
    drawn = lots.sort_values(["assigned_at", "store_id"], kind="stable")
    first = drawn.groupby("customer_id")["store_id"].transform("first")
    here = drawn.loc[drawn["store_id"] == first]
    since = here.groupby("customer_id")["assigned_at"].diff()
    kept = here.index[(since.isna() | (since > pd.Timedelta(days=days))).to_numpy()]
    return pd.Series(lots.index.isin(kept), index=lots.index)


def _naming(rows: pd.DataFrame, assigned: pd.DataFrame, days: int) -> pd.Series:
    """How many lists' own lots had each customer contacted in the days after; 1 where none drew."""
    own = assigned.loc[assigned["list"] != ALL_LISTS]
    keys = ["store_id", "customer_id"]
    given = rows[[*keys, "assigned_at"]].assign(place=np.arange(len(rows)))
    both = given.merge(own[[*keys, "assigned_at", "arm"]], on=keys, suffixes=("", "_own"))
    after = both["assigned_at_own"] - both["assigned_at"]
    both = both.loc[(after >= pd.Timedelta(0)) & (after <= pd.Timedelta(days=days))]
    named = (both["arm"] == CONTACT).groupby(both["place"]).sum()
    return named.reindex(range(len(rows)), fill_value=1).set_axis(rows.index).astype(float)


def _test(
    name: str,
    lots: pd.DataFrame,
    rows: pd.DataFrame,
    day: dt.date,
    days: int,
    margin: float,
    cost: float,
) -> ListTest:
    begin = pd.Timestamp(lots["assigned_at"].min()).date()
    out, measured_out = ((table["arm"] == CONTROL).sum() for table in (lots, rows))
    plain = ListTest(
        name=name,
        begin=begin,
        contacts=int(len(lots) - out),
        held_out=int(out),
        measured=int(len(rows) - measured_out),
        measured_held_out=int(measured_out),
        first=begin + dt.timedelta(days=days),
    )
    changes = _changes(rows, margin, cost)
    purchases, profit = changes.get("purchases"), changes.get("profit")
    if purchases is None:
        fewest = int(np.ceil(FEWEST["purchases"] / lots["share"].iloc[-1]))
        return replace(plain, known=_when(lots, max(fewest, len(rows) + 1), day, days))
    shares = rows.groupby("arm")["contacted"].mean()
    verdict = _verdict(purchases, profit)
    needed = customers_needed(purchases, len(rows))
    return replace(
        plain,
        verdict=verdict,
        purchases=purchases,
        profit=profit,
        contacted=float(shares[CONTACT]),
        contacted_held_out=float(shares[CONTROL]),
        known=None if needed is None else _when(lots, needed, day, days),
        most=_most(rows, margin, cost) if verdict == "pays" and name != ALL_LISTS else "",
    )


def _verdict(purchases: Change, profit: Change | None) -> Verdict:
    if profit is not None and profit.low > 0.0:
        return "pays"
    if profit is not None and profit.high < 0.0:
        return "loses"
    return "little" if purchases.high < NOTEWORTHY * purchases.without else "open"


def _changes(rows: pd.DataFrame, margin: float, cost: float) -> dict[str, Change]:
    """Change of purchases and of profit; not of what too few customers decide.

    Lots of another share are a test of their own; those with enough customers are pooled, weighted by
    1 ÷ variance.
    """
    found: dict[str, list[tuple[Change, int]]] = {}
    for _, part in rows.groupby("share"):
        for name, change in _of_one_share(part.reset_index(drop=True), margin, cost).items():
            found.setdefault(name, []).append((change, len(part)))
    return {
        name: _pooled([one for one, _ in each], sum(n for _, n in each))
        for name, each in found.items()
    }


def _enough(name: str, values: pd.Series, arm: pd.Series) -> bool:
    """Whether an interval by the normal can be trusted, as for campaigns."""
    out = int((arm == CONTROL).sum())
    contacts = len(arm) - out
    if min(out, contacts) < FEWEST[name]:
        return False
    skewness = outcome_skewness(values, arm, control=CONTROL)
    return abs(difference_skewness(skewness, contacts, out)) <= LARGEST_SKEWNESS


def _profit(rows: pd.DataFrame, margin: float, cost: float) -> pd.Series:
    """Margin on what was spent, less contacts: those made where they are recorded."""
    return margin * rows["spend"] - cost * rows["bears"]


def _of_one_share(rows: pd.DataFrame, margin: float, cost: float) -> dict[str, Change]:
    outcomes = pd.DataFrame({"purchases": rows["purchases"], "profit": _profit(rows, margin, cost)})
    told = [name for name in outcomes if _enough(str(name), outcomes[name], rows["arm"])]
    if not told:
        return {}
    known = rows[["purchases_before", "spend_before", "at_stake", "probability_alive"]]
    known = known.loc[:, [_tells(known[name], rows["arm"]) for name in known]]
    wanted = {
        "purchases": ("purchases_before", "probability_alive"),
        "profit": ("spend_before", "at_stake"),
    }
    by: dict[Hashable, list[Hashable]] = {
        outcome: [name for name in names if name in known] for outcome, names in wanted.items()
    }
    arm, covariates = rows["arm"], known if len(known.columns) else None
    adjusted = randomised_effects(outcomes[told], arm, covariates, control=CONTROL, adjusted_by=by)
    found = {}
    for name, effects in adjusted.items():
        if isinstance(
            effects, CannotSay
        ):  # of the covariates, or of customers who all did the same
            plain = randomised_effects(outcomes[[name]], arm, control=CONTROL)[name]
            if isinstance(plain, CannotSay):
                continue
            one = plain.of(CONTACT)
        else:
            one = effects.of(CONTACT)
        wider = float(t_of_interval(one.degrees_of_freedom, 1.0 - _LEVEL)) / z_of_level(_LEVEL)
        error = one.standard_error * wider
        found[str(name)] = Change(one.absolute_effect, np.nan, np.nan, one.mean_against, error)
    return found


def _tells(values: pd.Series, arm: pd.Series) -> bool:
    """Whether a covariate is known of everybody, and differs within each arm beyond a few."""
    known = values.to_numpy(dtype=float)
    if np.isnan(known).any():
        return False
    apart, out = known != np.median(known), arm.to_numpy() == CONTROL
    return bool(min((apart & out).sum(), (apart & ~out).sum()) >= _FEWEST_APART)


def _pooled(changes: list[Change], customers: int) -> Change:
    """Changes of several shares as one, with the interval for every night."""
    errors = np.array([one.standard_error for one in changes])
    weights = errors**-2 / (errors**-2).sum()
    effect = float(weights @ [one.effect for one in changes])
    without = float(weights @ [one.without for one in changes])
    error = float((errors**-2).sum() ** -0.5)
    low, high, _ = confidence_sequence(effect, error, customers, rho=_RHO, level=_LEVEL)
    return Change(effect, low, high, without, error)


def _most(rows: pd.DataFrame, margin: float, cost: float) -> str:
    """Whether contact pays more for those with "more" or with "less" at stake than the median."""
    stake = rows["at_stake"]
    if stake.isna().any():
        return ""
    above = stake > stake.median()
    halves = [
        _changes(rows.loc[half].reset_index(drop=True), margin, cost) for half in (above, ~above)
    ]
    if any("profit" not in half for half in halves):
        return ""
    more, less = (half["profit"] for half in halves)
    error = float(np.hypot(more.standard_error, less.standard_error))
    apart = more.effect - less.effect
    low, high, _ = confidence_sequence(apart, error, len(rows), rho=_RHO, level=_LEVEL)
    return "more" if low > 0.0 else "less" if high < 0.0 else ""


def customers_needed(change: Change, customers: int) -> int | None:
    """Customers at which the interval of purchases is a tenth of control's mean to each side.

    The standard error shrinks as 1 ÷ √n. None where those left out bought nothing.
    """
    wanted = NOTEWORTHY * change.without
    if not wanted > 0.0:
        return None

    def half(n: int) -> float:
        error = change.standard_error * (customers / n) ** 0.5
        return confidence_sequence(0.0, error, n, rho=_RHO, level=_LEVEL)[1]

    few, many = 1, max(2, customers)
    while half(many) > wanted:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if half(middle) > wanted else (few, middle)
    return many


def _when(lots: pd.DataFrame, needed: int, day: dt.date, days: int) -> dt.date | None:
    """Day on which so many are measured, at the pace of the lots after the first night's; None: never.

    Never is later than two years from the day.
    """
    drawn = pd.to_datetime(lots["assigned_at"]).sort_values().dt.date.to_numpy()
    if needed <= len(drawn):
        return max(day, drawn[needed - 1] + dt.timedelta(days=days))
    pace = np.count_nonzero(drawn > drawn[0]) / max((day - drawn[0]).days, 1)
    ahead = np.inf if pace == 0.0 else (needed - len(drawn)) / pace
    if ahead + days > _LONGEST:
        return None
    return day + dt.timedelta(days=int(np.ceil(ahead)) + days)
