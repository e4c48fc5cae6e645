"""A campaign's tables → a paragraph for whoever runs the shop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from retention_models.campaigns.effects.labels import arm_in_words, kind_in_words, outcome_label
from retention_models.campaigns.effects.segments import segment_name
from retention_models.campaigns.effects.sizes import (
    amount_of,
    changed,
    percent,
    signed,
    signed_ends,
    size_of,
)
from retention_models.campaigns.effects.tables import EffectTables, arms_of, primary_row
from retention_models.campaigns.effects.verdicts import detectable_lift, found_in
from retention_models.languages import (
    catalogue,
    counted,
    day,
    decimals,
    money,
    number,
    phrase,
    spoken,
)

ENGLISH = catalogue(
    {
        "tried": "“{name}” ({kind}) ran from {start} to {end}.",
        "on.randomised": (
            "{customers} were offered {arm}, drawn by lot, and {others} were held out to compare."
        ),
        "on.targeted": (
            "{customers} were chosen by a rule and got {arm}; they are compared with {others} who did "
            "not, those most like them counting most."
        ),
        "on.self_selected": (
            "{customers} chose {arm} by themselves; they are compared with {others} who did not, "
            "those most like them counting most."
        ),
        "on.stores": (
            "The stores of {customers} ran {arm}; they are compared with the stores of {others} that "
            "did not."
        ),
        "found.means.purchases": (
            "Customers of {arm} made {mean} purchases each, where {mean_against} would have been "
            "expected without it: {change} ({between})."
        ),
        "not_found.means.purchases": (
            "Customers of {arm} made {mean} purchases each, where {mean_against} would have been "
            "expected without it: {change} ({between}), which is no more than chance brings, so no "
            "difference was found."
        ),
        "found.means.bought": (
            "Of the customers of {arm}, {mean} bought at all, where {mean_against} would have been "
            "expected without it: {change} ({between})."
        ),
        "not_found.means.bought": (
            "Of the customers of {arm}, {mean} bought at all, where {mean_against} would have been "
            "expected without it: {change} ({between}), which is no more than chance brings, so no "
            "difference was found."
        ),
        "found.means.spend": (
            "Customers of {arm} spent {mean} each, where {mean_against} would have been expected "
            "without it: {change} ({between})."
        ),
        "not_found.means.spend": (
            "Customers of {arm} spent {mean} each, where {mean_against} would have been expected "
            "without it: {change} ({between}), which is no more than chance brings, so no difference "
            "was found."
        ),
        "found.means.profit": (
            "Customers of {arm} brought {mean} of profit each, where {mean_against} would have been "
            "expected without it: {change} ({between})."
        ),
        "not_found.means.profit": (
            "Customers of {arm} brought {mean} of profit each, where {mean_against} would have been "
            "expected without it: {change} ({between}), which is no more than chance brings, so no "
            "difference was found."
        ),
        "found.week.purchases": (
            "Customers of {arm} made {mean} purchases each a week, where {mean_against} would have "
            "been expected without it: {change} ({between})."
        ),
        "not_found.week.purchases": (
            "Customers of {arm} made {mean} purchases each a week, where {mean_against} would have "
            "been expected without it: {change} ({between}), which is no more than chance brings, so "
            "no difference was found."
        ),
        "found.week.bought": (
            "In a week {mean} of the customers of {arm} bought, where {mean_against} would have been "
            "expected without it: {change} ({between})."
        ),
        "not_found.week.bought": (
            "In a week {mean} of the customers of {arm} bought, where {mean_against} would have been "
            "expected without it: {change} ({between}), which is no more than chance brings, so no "
            "difference was found."
        ),
        "found.week.spend": (
            "Customers of {arm} spent {mean} each a week, where {mean_against} would have been "
            "expected without it: {change} ({between})."
        ),
        "not_found.week.spend": (
            "Customers of {arm} spent {mean} each a week, where {mean_against} would have been "
            "expected without it: {change} ({between}), which is no more than chance brings, so no "
            "difference was found."
        ),
        "found.week.profit": (
            "Customers of {arm} brought {mean} of profit each a week, where {mean_against} would "
            "have been expected without it: {change} ({between})."
        ),
        "not_found.week.profit": (
            "Customers of {arm} brought {mean} of profit each a week, where {mean_against} would "
            "have been expected without it: {change} ({between}), which is no more than chance "
            "brings, so no difference was found."
        ),
        "detectable": "A difference of {lift} would have been found in four of five such campaigns.",
        "among_several": (
            "By itself it would count as one; among so many comparisons, one such is to be expected."
        ),
        "all_of_them": "For all customers of {arm} together that is {total} ({between}).",
        "each_other": "Of the two, {arm} brought {change} {what} than “{against}” ({between}).",
        "each_other_none": (
            "Whether {arm} or “{against}” brings more {what} remains open: {change} for {arm} "
            "({between})."
        ),
        "after_less": (
            "In the {days} after the end, those of {arm} bought less than they would have: {change} "
            "({between}), so a part of it was only bought earlier."
        ),
        "after_more": "In the {days} after the end the effect of {arm} went on: {change} ({between}).",
        "after_none": (
            "In the {days} after the end, no difference was found for {arm}: {change} ({between})."
        ),
        "paid": (
            "{arm} paid: it cost {cost} in all and brought {profit} of profit after that cost "
            "({between})."
        ),
        "did not pay": (
            "{arm} did not pay: it cost {cost} in all, and after that cost its profit is {profit} "
            "({between})."
        ),
        "open": (
            "Whether {arm} paid is open: it cost {cost} in all, and after that cost its profit is "
            "{profit} ({between})."
        ),
        "no_cost": (
            "No cost of {arm} is declared, so whether it paid is not told; before any cost its profit "
            "is {profit} ({between})."
        ),
        "profit_between": "between {low} and {high}",
        "return": "For each {unit} spent that is {value} ({between}).",
        "retained": "Each customer retained by it cost {value} (between {low} and {high}).",
        "no_profit": "Whether it paid cannot be said from customers who chose for themselves.",
        "segment": (
            "It seems to have done most for the customers “{segment}” ({effect} more {what} a customer, "
            "between {low} and {high}), and customers do differ in that."
        ),
        "segment_none": "That some kinds of customers responded more than others could not be shown.",
        "grade.A": (
            "This can be relied on (grade A): a lot decided who was offered it, so what differs is the "
            "campaign's doing."
        ),
        "grade.B": (
            "This can be relied on with some care (grade B): whole stores, or a lot that raises a "
            "doubt, stand behind it."
        ),
        "grade.C": (
            "Take this with care (grade C): it holds only if all that decided who got it is known and "
            "allowed for."
        ),
        "grade.D": (
            "Do not build on this (grade D): those who got it may differ from the others in ways that "
            "nobody recorded."
        ),
        "naive": (
            "Plainly compared, those of {arm} differ from the others by {naive} {what} a customer, "
            "which misleads: they differed before the campaign."
        ),
        "naive_before": (
            "Plainly compared, those of {arm} differ from the others by {naive} {what} a customer, "
            "which misleads: on the day before the campaign a difference of {before} was to be expected."
        ),
        "next.more.paid": "Do it again, and hold out a part of the customers by lot again.",
        "next.more.open": (
            "It works; do it again with more customers, or at less cost, to learn whether it pays."
        ),
        "next.more.did not pay": "It works but costs more than it brings: make it cheaper, or leave it.",
        "next.more.": "It works; hold its cost against what it brings before it is done again.",
        "next.none.paid": "It seems to pay; do it again with more customers held out to be sure.",
        "next.none.open": (
            "Do not count on it; to find a difference half as large takes four times as many customers."
        ),
        "next.none.did not pay": "Do not do it again as it was.",
        "next.none.": (
            "Do not count on it; to find a difference half as large takes four times as many customers."
        ),
        "next.fewer.": "Do not do it again as it was, and find out why it put customers off.",
        "next.lot": "Before money is put on it, try it on customers drawn by lot.",
        "refused": "“{name}” ({kind}): from {start} to {end}. {reason}",
    }
)


def summary(effect: EffectTables) -> str:
    """What was tried on whom, what it changed, whether it paid, how far to believe it, what next."""
    return " ".join(paragraphs(effect))


def paragraphs(effect: EffectTables) -> list[str]:
    """The summary in parts: what it changed, whether it paid, how far to believe it and what next."""
    if effect.grade is None:
        told = phrase(ENGLISH["refused"], **_named(effect), reason=effect.refusal)
        return [told, *map(_begun, _naive(effect))]
    arms = arms_of(effect.table, effect.campaign.control)
    parts = (_changes(effect, arms), _paid(effect, arms), _belief(effect, arms))
    # An arm may begin a sentence in another language than English.
    return [" ".join(map(_begun, part)) for part in parts]


def _changes(effect: EffectTables, arms: list[str]) -> Iterator[str]:
    yield phrase(ENGLISH["tried"], **_named(effect))
    yield from effect.checks.loc[effect.checks["check"] == "look", "words"]
    for arm in arms:
        yield from _of_arm(effect, arm)
    yield from _against_each_other(effect, arms)


def _paid(effect: EffectTables, arms: list[str]) -> Iterator[str]:
    for arm in arms:
        yield from _after(effect, arm)
        yield from _economics(effect, arm)
    if effect.campaign.design == "self_selected":
        yield phrase(ENGLISH["no_profit"])
    yield from _segments(effect)


def _belief(effect: EffectTables, arms: list[str]) -> Iterator[str]:
    yield phrase(ENGLISH[f"grade.{effect.grade}"])
    yield from _doubts(effect)
    yield from _next(effect, arms)


def _named(effect: EffectTables) -> dict[str, str]:
    campaign = effect.campaign
    return {
        "name": campaign.name,
        "kind": kind_in_words(campaign.kind),
        "start": day(campaign.start),
        "end": day(campaign.end),
    }


def _named_arm(effect: EffectTables, arm: str) -> str:
    """An arm in a sentence; of a campaign that is refused, the arms of what is compared plainly."""
    arms = arms_of(effect.table, effect.campaign.control) if len(effect.table) else []
    known = arms or list(effect.naive.get("arm", []))
    return arm_in_words(arm, several=len(set(known)) > 1)


def _begun(sentence: str) -> str:
    return spoken().capitalised(sentence)


def _primary(effect: EffectTables, arm: str, window: str = "campaign") -> pd.Series | None:
    campaign = effect.campaign
    return primary_row(effect.table, campaign.primary, window, campaign.control, arm)


def _of_arm(effect: EffectTables, arm: str) -> Iterator[str]:
    """On whom it was tried, and what it changed in its days."""
    row = _primary(effect, arm)
    if row is None:
        return
    yield phrase(
        ENGLISH[f"on.{effect.campaign.design}"],
        arm=_named_arm(effect, arm),
        customers=counted(int(row["customers"]), "customer"),
        others=counted(int(row["customers_against"]), "customer"),
    )
    found = found_in(row, effect.level) != 0
    span = "week" if effect.campaign.design == "stores" else "means"
    yield phrase(
        ENGLISH[f"{'found' if found else 'not_found'}.{span}.{row['outcome']}"],
        arm=_named_arm(effect, arm),
        mean=size_of(effect, row["outcome"], row["mean"]),
        mean_against=size_of(effect, row["outcome"], row["mean_against"]),
        **changed(effect, row),
    )
    lift = detectable_lift(row, effect.level)
    if not found and row["pvalue"] < effect.level:
        yield phrase(ENGLISH["among_several"])
    elif not found and np.isfinite(lift):
        yield phrase(ENGLISH["detectable"], lift=percent(lift))
    if found:
        total = signed_ends(row, ("total_low", "total_high"), lambda v: amount_of(effect, row, v))
        value = signed(float(row["total"]), lambda v: amount_of(effect, row, v))
        yield phrase(
            ENGLISH["all_of_them"], arm=_named_arm(effect, arm), total=value, between=total
        )


def _against_each_other(effect: EffectTables, arms: list[str]) -> Iterator[str]:
    campaign, table = effect.campaign, effect.table
    rows = table.loc[
        (table["outcome"] == campaign.primary)
        & (table["window"] == "campaign")
        & table["against"].isin(arms)
    ]
    for _, row in rows.iterrows():
        key = "each_other" if found_in(row, effect.level) else "each_other_none"
        yield phrase(
            ENGLISH[key],
            arm=_named_arm(effect, row["arm"]),
            against=row["against"],
            what=outcome_label(campaign.primary, "noun"),
            **changed(effect, row),
        )


def _after(effect: EffectTables, arm: str) -> Iterator[str]:
    """Whether what was gained was only bought earlier."""
    row = _primary(effect, arm, "follow_up")
    if row is None:
        return
    key = {1: "after_more", -1: "after_less", 0: "after_none"}[found_in(row, effect.level)]
    days = counted(effect.campaign.follow_up, "day")
    yield phrase(ENGLISH[key], arm=_named_arm(effect, arm), days=days, **changed(effect, row))


def _economics(effect: EffectTables, arm: str) -> Iterator[str]:
    chosen = effect.economics.loc[effect.economics["arm"] == arm]
    for _, row in chosen.iterrows():

        def say(value: float) -> str:
            return money(value, effect.currency).strip()

        ends = phrase(
            ENGLISH["profit_between"], low=say(row["profit_low"]), high=say(row["profit_high"])
        )
        places = {
            "arm": _named_arm(effect, arm),
            "cost": say(row["cost"]),
            "profit": say(row["profit"]),
        }
        key = row["verdict"] if row["cost"] > 0.0 else "no_cost"
        yield phrase(ENGLISH[key], **places, between=ends)
        if np.isfinite(row["return_on_cost"]):
            value, low, high = (
                decimals(row[name], 2) for name in ("return_on_cost", "return_low", "return_high")
            )
            ends = phrase(ENGLISH["profit_between"], low=low, high=high)
            unit = effect.currency or "1"
            yield phrase(ENGLISH["return"], value=value, between=ends, unit=unit)
        if np.isfinite(row["cost_per_retained"]):
            yield phrase(
                ENGLISH["retained"],
                value=say(row["cost_per_retained"]),
                low=say(row["cost_per_retained_low"]),
                high=say(row["cost_per_retained_high"]),
            )


def _segments(effect: EffectTables) -> Iterator[str]:
    table = effect.segments
    if table.empty:
        return
    best = table.loc[table["shrunken"].idxmax()]
    if not (best["differ_pvalue"] < 1.0 - effect.interval and best["shrunken"] > 0.0):
        yield phrase(ENGLISH["segment_none"])
        return
    yield phrase(
        ENGLISH["segment"],
        segment=segment_name(best["segment"]),
        what=outcome_label(best["outcome"], "noun"),
        effect=number(best["shrunken"]),
        low=number(best["shrunken_low"]),
        high=number(best["shrunken_high"]),
    )


def _doubts(effect: EffectTables) -> Iterator[str]:
    """Why the grade is not its design's best; how the plain comparison misleads; hidden causes."""
    checks = effect.checks
    of_grade = checks.loc[(checks["check"] == "grade") & ~checks["passed"].astype(bool), "words"]
    yield from of_grade
    yield from _naive(effect)
    primary = effect.campaign.primary
    hidden = effect.sensitivity
    chosen = (hidden["outcome"] == primary) & (hidden["measure"] == "explained away")
    yield from hidden.loc[chosen, "words"]


def _naive(effect: EffectTables) -> Iterator[str]:
    """By how much the plain comparison misleads, where it does."""
    primary, naive = effect.campaign.primary, effect.naive
    chosen = (naive["outcome"] == primary) & (naive["window"] == "campaign")
    for _, row in naive.loc[chosen].iterrows():
        expected = row["expected_before"]
        yield phrase(
            ENGLISH["naive" if pd.isna(expected) else "naive_before"],
            arm=_named_arm(effect, row["arm"]),
            naive=size_of(effect, primary, row["difference"]),
            before=size_of(effect, primary, expected),
            what=outcome_label(primary, "noun"),
        )


def _next(effect: EffectTables, arms: list[str]) -> Iterator[str]:
    """What to do, of each arm once."""
    said: list[str] = []
    for arm in arms:
        row = _primary(effect, arm)
        if row is None:
            continue
        paid = effect.economics.loc[effect.economics["arm"] == arm, "verdict"]
        sign = found_in(row, effect.level)
        if sign < 0:
            said.append(phrase(ENGLISH["next.fewer."]))
            continue
        costs = effect.economics.loc[effect.economics["arm"] == arm, "cost"]
        verdict = str(paid.iloc[0]) if (costs > 0.0).any() else ""
        said.append(phrase(ENGLISH[f"next.{'more' if sign else 'none'}.{verdict}"]))
    if effect.grade in ("C", "D"):
        said = [phrase(ENGLISH["next.lot"])]
    yield from dict.fromkeys(said)
