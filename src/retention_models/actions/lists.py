"""Lists of customers with what to do, why each is on them, and what is at stake.

What is at stake depends on the list. Of customers who are to be kept, it is what they are expected to
bring, and would not if they left. Of those whom an action is to win back (wavering, lapsed) or who are
let go, it is what they would bring if they were customers still, less what is expected of them anyway:
(1 − P(alive)) times the value of one who has left, with the rate at which it bought (`as_lapsed`).
Both are discounted margins over the horizon, with predictive intervals per customer and for the list.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.actions import words as action_words
from retention_models.actions.hold_out import (
    CONTACT,
    CONTROL,
    Lots,
    draw,
    no_lots,
    no_test,
    with_lots,
)
from retention_models.actions.segments import (
    NEED_MODEL,
    NEED_SPEND,
    CustomerFacts,
    ModelTerms,
    customer_segments,
    modelled_facts,
    observed_facts,
)
from retention_models.actions.words import ENGLISH
from retention_models.data.engines.source import to_frame
from retention_models.errors import SettingsError
from retention_models.languages import count, phrase
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval
from retention_models.models.fitters import as_lapsed
from retention_models.predictions.customers import some_customers
from retention_models.predictions.stores import predict_groups
from retention_models.settings.actions import ALL_LISTS, ActionSettings, ListName

# Lists of customers whose value is lost unless they are won back.
LOST: tuple[ListName, ...] = ("let_go", "lapsed", "wavering")

_STAKES = ("at_stake", "at_stake_low", "at_stake_high")
_COLUMNS = ("action", "why", *_STAKES, "purchases", "last_day", "probability_alive")


@dataclass(frozen=True, slots=True, repr=False)
class ActionList(Result):
    """Customers with the same thing to do.

    Attributes
    ----------
    name : str
        The list.
    title, action : str
        In words.
    customers : DataFrame
        Index customer_id. action; why, a sentence with the customer's own numbers; at_stake with
        at_stake_low and at_stake_high, money, NaN where it cannot be said; purchases; last_day;
        probability_alive; where the project file lets lists test themselves, arm: "contact" of
        whoever drew a lot, else empty. The highest stakes first; of those who are due, the highest
        (1 − P(alive)) × value if a customer still. Whoever the lot left out is not among them.
    at_stake : Interval or None
        Of all of them together; None where it cannot be said.
    means : str
        What at_stake counts.
    refusal : str
        Why there is no such list; empty where there is one, even without customers.
    no_value : str
        Why what is at stake cannot be said; empty where it can.
    assigned : DataFrame
        A row for each of the list's customers of today who is in its test, those left out too, and
        one for each in the test of all lists together, list "all_lists": campaign_id, customer_id,
        store_id, arm ("contact" or "control"), assigned_at, list, share, at_stake, probability_alive.
    no_test : str
        Why the list has no test of its own today; empty where it tests itself.

    Examples
    --------
    >>> import tempfile
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-01-12")
    ...     found = store.list_actions()["new"]
    >>> found.name, found.title
    ('new', 'New')
    """

    name: ListName
    title: str
    action: str
    customers: pd.DataFrame
    at_stake: Interval | None
    means: str
    refusal: str = ""
    no_value: str = ""
    assigned: pd.DataFrame = field(default_factory=no_lots)
    no_test: str = ""

    @property
    def held_out(self) -> list[str]:
        """Ids of those whom the lot leaves out.

        Returns
        -------
        list of str
            In no order that means anything.
        """
        out: list[str] = self.assigned.loc[self.assigned["arm"] == CONTROL, "customer_id"].tolist()
        return out

    def _card(self) -> Card:
        facts = {
            "customers": count(len(self.customers)),
            "at stake": with_ends(self.at_stake),
            "refused": str(self.refusal),
        }
        return Card(str(self.title), facts, self.customers)


def find_actions(
    known: CustomerFacts,
    outlook: ModelTerms | str,
    rules: ActionSettings,
    currency: str,
    lots: Lots | None = None,
) -> dict[ListName, ActionList]:
    """Make every list; with lots, without those whom they leave out."""
    facts = _facts(known, outlook, rules)
    refusals = {name: _refusal(name, known, outlook, rules) for name in rules.precedence}
    on_list = customer_segments(facts, rules) & pd.Series(refusals).eq("")
    drawn = {} if lots is None else _drawn(facts, on_list, rules, lots)
    untested, ids = {}, on_list.index.astype(str)
    for name, assigned in drawn.items():
        of_all = assigned.loc[(assigned["list"] == ALL_LISTS) & (assigned["arm"] == CONTROL)]
        untested[name] = no_test(name, rules, int(on_list[name].sum()) - len(of_all))
        out = assigned.loc[assigned["arm"] == CONTROL, "customer_id"]
        if len(out):
            on_list[name] &= ~ids.isin(out)
    found = {}
    for kind in (True, False):
        lists = on_list[[name for name in rules.precedence if (name in LOST) is kind]]
        stakes = _at_stake(known.summary, outlook, lists, lost=kind)
        told = facts.join(stakes.each)
        for name in lists:
            members = told.loc[lists[name]]
            said = action_words.reasons(name, members, rules, currency)
            made = _list(name, members, said, stakes, rules, refusals[name])
            if name in drawn and not refusals[name]:
                made = _tested(made, drawn[name], untested[name], rules)
            found[name] = made
    return {name: found[name] for name in rules.precedence}


def _drawn(
    facts: pd.DataFrame, on_list: pd.DataFrame, rules: ActionSettings, lots: Lots
) -> dict[ListName, pd.DataFrame]:
    """The lots of every list, by what is at stake of its customers, behind that of all lists."""
    lost = facts["value_if_customer"] - facts["clv"]
    stakes = pd.DataFrame(
        {name: (lost if name in LOST else facts["clv"]).where(on_list[name]) for name in on_list}
    )
    tested, known = with_lots(rules), facts[["probability_alive"]]
    anywhere = known.assign(at_stake=stakes[tested].max(axis=1)).loc[on_list[tested].any(axis=1)]
    of_all = draw(lots, ALL_LISTS, anywhere, rules)
    out = of_all.loc[of_all["arm"] == CONTROL, "customer_id"]
    found = {}
    for name in rules.precedence:
        members = known.assign(at_stake=stakes[name]).loc[on_list[name]]
        if name not in tested or of_all.empty:
            found[name] = draw(lots, name, members, rules)
            continue
        ids = members.index.astype(str)
        own = draw(lots, name, members.loc[~ids.isin(out)], rules)
        both = of_all.loc[of_all["customer_id"].isin(ids)]
        found[name] = pd.concat([own, both], ignore_index=True) if len(own) else both
    return found


def _tested(
    one: ActionList, assigned: pd.DataFrame, reason: str, rules: ActionSettings
) -> ActionList:
    """A list with the lots of its customers."""
    if not rules.leaves_out:
        return replace(one, no_test=reason)
    in_test = one.customers.index.astype(str).isin(assigned["customer_id"])
    arms = pd.Series(np.where(in_test, CONTACT, ""), index=one.customers.index, dtype="str")
    running = "" if (assigned["list"] == one.name).any() else reason
    return replace(
        one, customers=one.customers.assign(arm=arms), assigned=assigned, no_test=running
    )


def _facts(known: CustomerFacts, outlook: ModelTerms | str, rules: ActionSettings) -> pd.DataFrame:
    facts = observed_facts(
        known.summary,
        categories=known.categories,
        scores=_by_customer(known.scores, "scores", "score"),
        complaints=_by_customer(known.complaints, "complaints", "day"),
    )
    if isinstance(outlook, str):
        return facts
    return modelled_facts(facts, known, outlook, rules)


def _by_customer(table: pd.DataFrame | None, what: str, column: str) -> pd.Series | None:
    if table is None:
        return None
    frame = table if isinstance(table, pd.DataFrame) else to_frame(table)
    missing = [name for name in ("customer_id", column) if name not in frame]
    if missing:
        raise SettingsError(
            f"{what}: expected the columns customer_id and {column}; got "
            f"{', '.join(map(str, frame.columns))}."
        )
    ids = frame["customer_id"].astype(str)
    twice = sorted(ids[ids.duplicated()].unique())
    if twice:
        raise SettingsError(
            f"{what}: expected one row per customer, the last {column}; {twice[0]!r} has several."
        )
    return pd.Series(frame[column].to_numpy(), index=ids)


def _refusal(
    name: ListName, known: CustomerFacts, outlook: ModelTerms | str, rules: ActionSettings
) -> str:
    """Why there cannot be a list, or nothing."""
    if not rules.rule(name).use:
        return phrase(ENGLISH["empty.unused"])
    if name in NEED_MODEL and isinstance(outlook, str):
        return phrase(ENGLISH["empty.no_model"], reason=outlook)
    if name in NEED_SPEND and not isinstance(outlook, str) and outlook.spend is None:
        return phrase(ENGLISH["empty.no_spend"], reason=outlook.no_spend)
    if name == "one_category" and (known.categories is None or known.categories.empty):
        return phrase(ENGLISH["empty.no_categories"])
    if name in ("promoter", "detractor") and known.scores is None:
        return phrase(ENGLISH["empty.no_scores"])
    if name == "complaint" and known.complaints is None:
        return phrase(ENGLISH["empty.no_complaints"])
    return ""


def _list(
    name: ListName,
    members: pd.DataFrame,
    said: list[str],
    stakes: _Stakes,
    rules: ActionSettings,
    refusal: str,
) -> ActionList:
    action = action_words.action(name, rules.rule(name))
    total = None if refusal else stakes.totals.get(name)
    reason = stakes.refusal or (phrase(ENGLISH["no_spend_told"]) if total is None else "")
    same = pd.Series(action, index=members.index, dtype="str")
    why = pd.Series(said, index=members.index, dtype="str")
    customers = members[list(_COLUMNS[2:])].assign(action=same, why=why)[list(_COLUMNS)]
    return ActionList(
        name=name,
        title=action_words.title(name),
        action=action,
        customers=customers.iloc[_order(name, members)],
        at_stake=total,
        means=phrase(ENGLISH["stake.lost" if name in LOST else "stake.expected"]),
        refusal=refusal,
        no_value=phrase(ENGLISH["no_value"], reason=reason) if reason and not refusal else "",
    )


def _order(name: ListName, members: pd.DataFrame) -> NDArray[np.intp]:
    """The highest stakes first; of those who are due, who have most to save: not who just bought."""
    by = members["at_stake"]
    if name == "due" and members["value_if_customer"].notna().any():
        by = members["value_if_customer"] - members["clv"]
    return np.argsort(-by.to_numpy(dtype=float), kind="stable")  # unknown ones last


@dataclass(frozen=True, slots=True)
class _Stakes:
    """What is at stake: of each customer, of the lists together, or why it cannot be said."""

    each: pd.DataFrame
    totals: dict[str, Interval | None]
    refusal: str = ""


def _at_stake(
    summary: pd.DataFrame, outlook: ModelTerms | str, lists: pd.DataFrame, *, lost: bool
) -> _Stakes:
    """Stakes of the customers of several lists: expected, or lost by having left."""
    nothing = pd.DataFrame(np.nan, index=summary.index, columns=list(_STAKES))
    if isinstance(outlook, str):
        return _Stakes(nothing, {}, outlook)
    if outlook.spend is None:
        return _Stakes(nothing, {}, outlook.no_spend)
    members = lists.any(axis=1)
    chosen, table = summary.loc[members], outlook.predictions.loc[members]
    model, lists = outlook.purchases, lists.loc[members]
    if lost and members.any():
        model = as_lapsed(outlook.purchases)
        table = some_customers(model, outlook.spend, chosen, **outlook.terms)
    # Of a list an end of the interval is near enough at ±1% of its level; and chance averages out
    # over many customers.
    draws = int(np.clip(20_000_000 / max(len(chosen), 1), 200, 500))
    totals = predict_groups(model, outlook.spend, chosen, lists, draws=draws, **outlook.terms)
    each = table[["clv", "clv_low", "clv_high"]].set_axis(list(_STAKES), axis=1)
    return _Stakes(each, totals)
