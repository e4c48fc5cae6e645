"""A campaign's tables → a paragraph for whoever runs the shop; sentences stand in `english`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from retention_models.campaign_effects.english import ENGLISH
from retention_models.campaign_effects.result import CampaignEffect
from retention_models.campaign_effects.rows import arms_of, primary_row
from retention_models.campaign_effects.segments import segment_name
from retention_models.campaign_effects.verdicts import detectable_lift, found_in
from retention_models.languages import count, counted, day, decimals, money, number, phrase, share


def summary(effect: CampaignEffect) -> str:
    """What was tried on whom, what it changed, whether it paid, how far to believe it, what next.

    Parameters
    ----------
    effect : CampaignEffect

    Returns
    -------
    str
        The same tables give the same words.
    """
    return " ".join(paragraphs(effect))


def paragraphs(effect: CampaignEffect) -> list[str]:
    """The summary in parts: what it changed, whether it paid, how far to believe it and what next."""
    if effect.grade is None:
        told = phrase(ENGLISH["refused"], **_named(effect), reason=effect.refusal)
        return [told, *_naive(effect)]
    arms = arms_of(effect.table, effect.campaign.control)
    parts = (_changes(effect, arms), _paid(effect, arms), _belief(effect, arms))
    return [" ".join(part) for part in parts]


def _changes(effect: CampaignEffect, arms: list[str]) -> Iterator[str]:
    yield phrase(ENGLISH["tried"], **_named(effect))
    yield from effect.checks.loc[effect.checks["check"] == "look", "words"]
    for arm in arms:
        yield from _of_arm(effect, arm)
    yield from _against_each_other(effect, arms)


def _paid(effect: CampaignEffect, arms: list[str]) -> Iterator[str]:
    for arm in arms:
        yield from _after(effect, arm)
        yield from _economics(effect, arm)
    if effect.campaign.design == "self_selected":
        yield phrase(ENGLISH["no_profit"])
    yield from _segments(effect)


def _belief(effect: CampaignEffect, arms: list[str]) -> Iterator[str]:
    yield phrase(ENGLISH[f"grade.{effect.grade}"])
    yield from _doubts(effect)
    yield from _next(effect, arms)


def _named(effect: CampaignEffect) -> dict[str, str]:
    campaign = effect.campaign
    return {
        "name": campaign.name,
        "kind": campaign.kind,
        "start": day(campaign.start),
        "end": day(campaign.end),
    }


def _primary(effect: CampaignEffect, arm: str, window: str = "campaign") -> pd.Series | None:
    campaign = effect.campaign
    return primary_row(effect.table, campaign.primary, window, campaign.control, arm)


def _of_arm(effect: CampaignEffect, arm: str) -> Iterator[str]:
    """On whom it was tried, and what it changed in its days."""
    row = _primary(effect, arm)
    if row is None:
        return
    yield phrase(
        ENGLISH[f"on.{effect.campaign.design}"],
        arm=arm,
        customers=counted(int(row["customers"]), "customer"),
        others=counted(int(row["customers_against"]), "customer"),
    )
    found = found_in(row, effect.level) != 0
    span = "week" if effect.campaign.design == "stores" else "means"
    means = phrase(
        ENGLISH[f"{span}.{row['outcome']}"],
        arm=arm,
        mean=size_of(effect, row["outcome"], row["mean"]),
        mean_against=size_of(effect, row["outcome"], row["mean_against"]),
    )
    key = "found" if found else "not_found"
    yield phrase(ENGLISH[key], means=means, **_changed(effect, row))
    lift = detectable_lift(row, effect.level)
    if not found and row["pvalue"] < effect.level:
        yield phrase(ENGLISH["among_several"])
    elif not found and np.isfinite(lift):
        yield phrase(ENGLISH["detectable"], lift=percent(lift))
    if found:
        total = _ends(row, ("total_low", "total_high"), lambda v: _amount(effect, row, v))
        value = _signed(float(row["total"]), lambda v: _amount(effect, row, v))
        yield phrase(ENGLISH["all_of_them"], arm=arm, total=value, between=total)


def _against_each_other(effect: CampaignEffect, arms: list[str]) -> Iterator[str]:
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
            arm=row["arm"],
            against=row["against"],
            what=phrase(ENGLISH[f"what.{campaign.primary}"]),
            **_changed(effect, row),
        )


def _after(effect: CampaignEffect, arm: str) -> Iterator[str]:
    """Whether what was gained was only bought earlier."""
    row = _primary(effect, arm, "follow_up")
    if row is None:
        return
    key = {1: "after_more", -1: "after_less", 0: "after_none"}[found_in(row, effect.level)]
    days = counted(effect.campaign.follow_up, "day")
    yield phrase(ENGLISH[key], arm=arm, days=days, **_changed(effect, row))


def _economics(effect: CampaignEffect, arm: str) -> Iterator[str]:
    chosen = effect.economics.loc[effect.economics["arm"] == arm]
    for _, row in chosen.iterrows():

        def say(value: float) -> str:
            return money(value, effect.currency).strip()

        ends = phrase(
            ENGLISH["profit_between"], low=say(row["profit_low"]), high=say(row["profit_high"])
        )
        places = {"arm": arm, "cost": say(row["cost"]), "profit": say(row["profit"])}
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


def _segments(effect: CampaignEffect) -> Iterator[str]:
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
        what=phrase(ENGLISH[f"what.{best['outcome']}"]),
        effect=number(best["shrunken"]),
        low=number(best["shrunken_low"]),
        high=number(best["shrunken_high"]),
    )


def _doubts(effect: CampaignEffect) -> Iterator[str]:
    """Why the grade is not its design's best; how the plain comparison misleads; hidden causes."""
    checks = effect.checks
    of_grade = checks.loc[(checks["check"] == "grade") & ~checks["passed"].astype(bool), "words"]
    yield from of_grade
    yield from _naive(effect)
    primary = effect.campaign.primary
    hidden = effect.sensitivity
    chosen = (hidden["outcome"] == primary) & (hidden["measure"] == "explained away")
    for text in hidden.loc[chosen, "words"]:
        yield phrase(ENGLISH["explained"], words=text)


def _naive(effect: CampaignEffect) -> Iterator[str]:
    """By how much the plain comparison misleads, where it does."""
    primary, naive = effect.campaign.primary, effect.naive
    chosen = (naive["outcome"] == primary) & (naive["window"] == "campaign")
    for _, row in naive.loc[chosen].iterrows():
        expected = row["expected_before"]
        yield phrase(
            ENGLISH["naive" if pd.isna(expected) else "naive_before"],
            arm=row["arm"],
            naive=size_of(effect, primary, row["difference"]),
            before=size_of(effect, primary, expected),
            what=phrase(ENGLISH[f"what.{primary}"]),
        )


def _next(effect: CampaignEffect, arms: list[str]) -> Iterator[str]:
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


def percent(value: float) -> str:
    """A size in percent, as it is told: 3.4%, 12%."""
    return share(abs(value) / 100.0, 1 if abs(value) < 10.0 else 0)


def signed_percent(value: float) -> str:
    """A change in percent, with its sign unless it is none: +3.4%, −12%."""
    text = percent(value)
    return text if text == percent(0.0) else ("−" if value < 0 else "+") + text


def size_of(effect: CampaignEffect, outcome: str, value: float) -> str:
    """A value of an outcome a customer."""
    if outcome == "bought":
        return share(value, 1)
    if outcome == "purchases":
        return decimals(value, 2)
    return money(value, effect.currency).strip()


def _changed(effect: CampaignEffect, row: pd.Series) -> dict[str, str]:
    """The change and its ends: in percent, or in the outcome's unit where there is no lift."""
    if np.isfinite(row["lift_percent"]):
        value, ends, say = float(row["lift_percent"]), ("lift_low", "lift_high"), percent
        return {"change": _signed(value, say), "between": _ends(row, ends, say)}

    def size(value: float) -> str:
        return size_of(effect, row["outcome"], abs(value))

    value, ends = float(row["absolute_effect"]), ("conf_low", "conf_high")
    return {"change": _signed(value, size), "between": _ends(row, ends, size)}


def _signed(value: float, say: Callable[[float], str]) -> str:
    key = "up" if value > 0.0 else "down" if value < 0.0 else "same"
    return phrase(ENGLISH[key], size=say(value))


def _ends(row: pd.Series, names: tuple[str, str], say: Callable[[float], str]) -> str:
    low, high = float(row[names[0]]), float(row[names[1]])
    if high <= 0.0:
        return phrase(ENGLISH["both_down"], low=say(high), high=say(low))
    return phrase(ENGLISH["both_up" if low >= 0.0 else "either"], low=say(low), high=say(high))


def _amount(effect: CampaignEffect, row: pd.Series, value: float) -> str:
    """A value of an outcome over all customers of an arm."""
    if row["outcome"] in ("purchases", "bought"):
        return count(abs(value))
    return money(abs(value), effect.currency).strip()
