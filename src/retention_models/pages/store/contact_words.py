"""Sentences of the lists' tests: what contacting each list changed, or when that will be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retention_models.actions.lists import ActionList
from retention_models.actions.words import title
from retention_models.campaigns.effects.contact_effect import FEWEST, Change, ListTest
from retention_models.languages import (
    catalogue,
    count,
    counted,
    day,
    decimals,
    ends,
    phrase,
    quoted,
    share,
)
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.settings.actions import ALL_LISTS, LIST_NAMES, ActionSettings, ListName

# Below it those called and those left out differ too little for the effect of a call.
_LEAST_CONTACTED = 0.1

_TOLD = catalogue(
    {
        "short.pays": (
            "Contacting “{title}” pays: {profit} ({profit_ends}) a customer in {days}, grade A, by lot."
        ),
        "short.loses": (
            "Contacting “{title}” does not pay: {profit} ({profit_ends}) a customer in {days}, grade A, "
            "by lot."
        ),
        "short.little": (
            "Contacting “{title}” brings less than a tenth more purchases: {purchases} "
            "({purchases_ends}) a customer in {days}, grade A, by lot."
        ),
        "short.bought": (
            "Contacting “{title}” changes purchases: {purchases} ({purchases_ends}) a customer in "
            "{days}, grade A, by lot; whether it pays is open."
        ),
        "beyond": (
            "In the {days} after, contacting “{title}” changed purchases by {purchases} "
            "({purchases_ends}) a customer, more than chance does."
        ),
        "within": (
            "In the {days} after, contacting “{title}” changed purchases by {purchases} "
            "({purchases_ends}) a customer, which may be chance."
        ),
        "pays": "It pays: profit changed by {profit} ({profit_ends}) a customer.",
        "loses": "It does not pay: profit changed by {profit} ({profit_ends}) a customer.",
        "little": "It brings less than a tenth more purchases, so little.",
        "open": (
            "Whether it pays is not known yet: profit changed by {profit} ({profit_ends}) a customer, "
            "which may be chance."
        ),
        "no profit": (
            "Whether it pays is not known yet: a few customers still decide what is spent."
        ),
        "too early": (
            "“{title}” tests itself since {begin}. Nothing is told of it before the {days} after their "
            "lots are over for {fewest} customers left out, of whom there are {measured}."
        ),
        "too long": (
            "At this pace that takes more than two years: leave more of it out, or exempt it."
        ),
        "measured": (
            "Measured are {contacts} whom it named and {out} whom the lot left out, who bought "
            "{without} times on average."
        ),
        "more": "It brings more of customers with more at stake than the list's median.",
        "less": "It brings more of customers with less at stake than the list's median.",
        "known": "At this pace a change of purchases by a tenth would show about {day}.",
        "never": "At this pace a change of purchases by a tenth would not show within two years.",
    }
)


# What is said otherwise of all lists together.
_OF_ALL = catalogue(
    {
        "short.pays": (
            "Contacting customers of all lists pays: {profit} ({profit_ends}) a customer in {days}, "
            "grade A, by lot."
        ),
        "short.loses": (
            "Contacting customers of all lists does not pay: {profit} ({profit_ends}) a customer in "
            "{days}, grade A, by lot."
        ),
        "short.little": (
            "Contacting customers of all lists brings less than a tenth more purchases: {purchases} "
            "({purchases_ends}) a customer in {days}, grade A, by lot."
        ),
        "short.bought": (
            "Contacting customers of all lists changes purchases: {purchases} ({purchases_ends}) a "
            "customer in {days}, grade A, by lot; whether it pays is open."
        ),
        "beyond": (
            "All lists together: in the {days} after, contacting whoever is on any of them changed "
            "purchases by {purchases} ({purchases_ends}) a customer, more than chance does."
        ),
        "within": (
            "All lists together: in the {days} after, contacting whoever is on any of them changed "
            "purchases by {purchases} ({purchases_ends}) a customer, which may be chance."
        ),
        "measured": (
            "Measured are {contacts} whom the lists could name and {out} whom the lot left out of all "
            "of them, who bought {without} times on average."
        ),
        "too early": (
            "All lists together are tested since {begin}: a lot leaves some customers out of all of "
            "them. Nothing is told of it before the {days} after their lots are over for {fewest} "
            "customers left out, of whom there are {measured}."
        ),
        "too long": (
            "At this pace that takes more than two years: leave more customers out of all lists."
        ),
        "each list": (
            "Of all lists together, each list that names a customer counts as one contact, where "
            "contacts are not on record."
        ),
        "one contact": (
            "Of all lists together, one contact is counted for each customer, however many lists name "
            "them, where contacts are not on record."
        ),
    }
)


def in_short(tests: Sequence[ListTest], rules: ActionSettings, currency: str) -> list[str]:
    """A sentence for each test of whose contacts something is known, and one or two for the others."""
    said, others = [], []
    for one in _in_order(tests):
        key = "bought" if _bought(one) and one.verdict == "open" else one.verdict
        if key not in ("open", "too early"):
            said.append(phrase(_sentence(one, f"short.{key}"), **_places(one, rules, currency)))
        elif one.name != ALL_LISTS:
            others.append(one)
        elif rules.hold_out_of_all:
            said.append(_all_waits(one, rules))
    if not others or rules.hold_out == 0:
        return said
    days = [one.known for one in others if one.known is not None]
    names = quoted(_title(one) for one in others)
    told = phrase(
        "By lot, {share} are left out of {titles}, to learn whether contacting the others pays, "
        "which is not known yet.",
        share=share(rules.hold_out),
        titles=names,
    )
    if not days:
        never = phrase("At this pace it will not be within two years.")
        return [*said, f"{told} {never}"]
    return [
        *said,
        f"{told} {phrase('The next of them is told of about {day}.', day=day(min(days)))}",
    ]


def _all_waits(one: ListTest, rules: ActionSettings) -> str:
    """That it is not known yet what the lists bring together, and when it may be."""
    told = phrase(
        "By lot, {share} of the customers on any list are left out of all lists, to learn what the "
        "lists bring together, which is not known yet.",
        share=share(rules.hold_out_of_all),
    )
    if one.known is None:
        return f"{told} {phrase('At this pace it will not be within two years.')}"
    return f"{told} {phrase('At this pace that is about {day}.', day=day(one.known))}"


def in_full(
    tests: Sequence[ListTest],
    lists: Mapping[ListName, ActionList],
    rules: ActionSettings,
    currency: str,
) -> list[str]:
    """What each test tells, how it is read, and of which lists nobody is left out, by reason."""
    found = [_told(one, rules, currency) for one in _in_order(tests)]
    if found:
        found.append(_how(rules))
    if rules.contact_cost and any(one.name == ALL_LISTS for one in tests):
        found.append(phrase(_OF_ALL["each list" if rules.hold_out else "one contact"]))
    if not rules.leaves_out:
        return [
            *found,
            phrase(
                "Nobody is left out of a list by lot, so that nothing is known of what contacting it "
                "changes: hold_out in [actions] of the project file is 0. With 0.1 the lists would test "
                "themselves."
            ),
        ]
    return [*found, *left_out(lists), *_untested(lists)]


def _in_order(tests: Sequence[ListTest]) -> list[ListTest]:
    known = {name: place for place, name in enumerate((ALL_LISTS, *LIST_NAMES))}
    return sorted(
        (one for one in tests if one.name in known),
        key=lambda one: known[one.name],
    )


def _title(one: ListTest) -> str:
    return "" if one.name == ALL_LISTS else title(one.name)  # type: ignore[arg-type]


def _sentence(one: ListTest, key: str) -> str:
    """A list's sentence, or that of all lists together where it is another."""
    return _OF_ALL[key] if one.name == ALL_LISTS and key in _OF_ALL else _TOLD[key]


def _places(one: ListTest, rules: ActionSettings, currency: str) -> dict[str, str]:
    found = {"title": _title(one), "days": counted(rules.measured_days, "day")}
    if one.purchases is not None:
        said = [decimals(value, 2, signed=True) for value in _three(one.purchases)]
        found |= {"purchases": said[0], "purchases_ends": ends(*said[1:])}
    if one.profit is not None:
        said = [_signed_money(value, currency) for value in _three(one.profit)]
        found |= {"profit": said[0], "profit_ends": ends(*said[1:])}
    return found


def _bought(one: ListTest) -> bool:
    """Whether purchases changed by more than chance."""
    return one.purchases is not None and not one.purchases.low <= 0.0 <= one.purchases.high


def _three(change: Change) -> tuple[float, float, float]:
    return change.effect, change.low, change.high


def _signed_money(value: float, currency: str) -> str:
    return phrase("{amount} {currency}", amount=decimals(value, 2, signed=True), currency=currency)


def _told(one: ListTest, rules: ActionSettings, currency: str) -> str:
    places, bought = _places(one, rules, currency), one.purchases
    if bought is None:
        places |= {
            "begin": day(one.begin),
            "fewest": count(FEWEST["purchases"]),
            "measured": _some(one.measured_held_out),
        }
        early = phrase(_sentence(one, "too early"), **places)
        if one.known is None:
            return f"{early} {phrase(_sentence(one, 'too long'))}"
        return f"{early} {phrase('At this pace that is about {day}.', day=day(one.known))}"
    shown = "beyond" if _bought(one) else "within"
    verdict = "no profit" if one.verdict == "open" and one.profit is None else one.verdict
    texts = [phrase(_sentence(one, shown), **places), phrase(_TOLD[verdict], **places)]
    texts.append(
        phrase(
            _sentence(one, "measured"),
            contacts=count(one.measured),
            out=count(one.measured_held_out),
            without=decimals(bought.without, 2),
        )
    )
    if one.most:
        texts.append(phrase(_TOLD[one.most]))
    texts.append(_contacts(one, bought))
    if shown == "within" and one.verdict == "open":
        key = "never" if one.known is None else "known"
        texts.append(phrase(_TOLD[key], **({} if one.known is None else {"day": day(one.known)})))
    return " ".join(text for text in texts if text)


def _contacts(one: ListTest, bought: Change) -> str:
    """Who was contacted, where contacts are recorded, and the effect of one made."""
    apart = one.contacted - one.contacted_held_out
    if apart != apart:
        return ""
    told = phrase(
        "On record is a contact with {contacted} of those to be contacted, and with {out} of those left "
        "out.",
        contacted=share(one.contacted),
        out=share(one.contacted_held_out),
    )
    # Of all lists together several contacts may have been made.
    if apart < _LEAST_CONTACTED or one.name == ALL_LISTS:
        return told
    made = [decimals(value / apart, 2, signed=True) for value in _three(bought)]
    said = phrase(
        "Each contact made changed purchases by {effect} ({ends}).",
        effect=made[0],
        ends=ends(*made[1:]),
    )
    return f"{told} {said}"


def _how(rules: ActionSettings) -> str:
    """How the numbers of tests are to be read."""
    cost = "" if rules.contact_cost else phrase("What a contact costs is not in it.")
    said = phrase(
        "These are of all the chain's stores and nights, against customers whom a lot left out (grade "
        "A). Everybody whom a list names counts, contacted or not; each interval is 95%, however often "
        "it is looked at. Profit is margin less contacts."
    )
    return f"{said} {cost}".strip()


def left_out(lists: Mapping[ListName, ActionList]) -> list[str]:
    """How many customers the lots leave out today, each once, whatever lists they are on."""
    out = len(set().union(*(one.held_out for one in lists.values())))
    if not out:
        return []
    return [
        phrase(
            "Today the lots leave {customers} customers out of this store's lists; they stay out while "
            "the test runs, and are not to be called either.",
            customers=_some(out),
        )
    ]


def _untested(lists: Mapping[ListName, ActionList]) -> list[str]:
    titles: dict[str, list[str]] = {}
    for one in lists.values():
        if one.no_test and not one.refusal:
            titles.setdefault(one.no_test, []).append(one.title)
    return [
        phrase("No lot for {titles}. {reason}", titles=quoted(names), reason=reason)
        for reason, names in titles.items()
    ]


def _some(customers: int) -> str:
    """A number of customers that tells of no single person."""
    if 0 < customers < SMALLEST_GROUP:
        return phrase("fewer than {smallest}", smallest=SMALLEST_GROUP)
    return count(customers)
