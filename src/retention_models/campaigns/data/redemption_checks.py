"""Redemptions that are in no profit, or cost other than the file says: counted, in words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from retention_models.campaigns.data.assignments import Redemptions
from retention_models.campaigns.data.gathering import Span
from retention_models.campaigns.data.outcomes import Redeemed
from retention_models.campaigns.data.tables import Check
from retention_models.languages import count, day, decimals, phrase, plural
from retention_models.settings.campaigns import Campaign


def check_rows(
    campaign: Campaign,
    redemptions: Redemptions | None,
    redeemed: Redeemed,
    spans: Iterable[Span],
    per_purchase: float,
) -> list[Check]:
    """Rows that stand twice, name nobody, lie beyond the days measured, or cost nothing or too much.

    per_purchase: what a purchase brought in, on average.
    """
    if redemptions is None:
        return []
    return [
        *_repeats(redemptions),
        *_twins(redemptions),
        *_unit(redeemed, per_purchase),
        *_anonymous(redemptions),
        *_days(redeemed, list(spans)),
        *_costs(campaign, redeemed),
    ]


def check_groups(outside: int, total: int) -> list[Check]:
    """Redemptions of a roll-out to stores that are of no store's customers."""
    if not outside:
        return []
    words = plural(
        "{n} of {rows} redemptions is by a customer who had not bought at that store before the "
        "first start, or at a store that is not measured: what it cost is in no store's profit.",
        "{n} of {rows} redemptions are by customers who had not bought at that store before the "
        "first start, or at stores that are not measured: what they cost is in no store's profit.",
        outside,
        rows=count(total),
    )
    return [Check("redemptions are by the stores' customers", False, False, words)]


def _repeats(redemptions: Redemptions) -> list[Check]:
    """Rows that stand twice, as where a file was loaded twice."""
    if not redemptions.repeats:
        return []
    sizes = {"n": count(redemptions.repeats), "rows": count(redemptions.rows_read)}
    if redemptions.loaded_twice:
        words = plural(
            "{n} of {rows} rows of redemptions, of any campaign, repeats another row exactly: the "
            "file was loaded twice, and each row counts once. If it is a redemption of its own, give "
            "each a number in a column.",
            "{n} of {rows} rows of redemptions, of any campaign, repeat another row exactly: the "
            "file was loaded twice, and each row counts once. If they are redemptions of their own, "
            "give each a number in a column.",
            redemptions.repeats,
            **sizes,
        )
    else:
        words = plural(
            "{n} of {rows} rows of redemptions, of any campaign, repeats another row exactly, and "
            "both count. Where they are one redemption, leave it out.",
            "{n} of {rows} rows of redemptions, of any campaign, repeat another row exactly, and "
            "count each. Where they are one redemption, leave them out.",
            redemptions.repeats,
            **sizes,
        )
    return [Check("redemptions stand once", False, False, words)]


def _twins(redemptions: Redemptions) -> list[Check]:
    """Rows that a second export, with a day or a name of its own, put there again."""
    if not redemptions.twins:
        return []
    words = plural(
        "{n} of {rows} rows of redemptions, of any campaign, equals another in customer, day and "
        "amount and differs from it in further columns only, and both count. Where they are one "
        "redemption that was exported twice, leave it out: the profit is better than it looks.",
        "{n} of {rows} rows of redemptions, of any campaign, equal another in customer, day and "
        "amount and differ from it in further columns only, and count each. Where they are one "
        "redemption that was exported twice, leave them out: the profit is better than it looks.",
        redemptions.twins,
        rows=count(redemptions.rows_read),
    )
    return [Check("redemptions stand once", False, False, words)]


# Who gives away so many times what a purchase brings in has most likely counted cents.
_TOO_MUCH = 3.0


def _unit(redeemed: Redeemed, per_purchase: float) -> list[Check]:
    """Amounts so large beside what customers pay that they may be of another unit."""
    priced = redeemed.rows["redemptions"] - redeemed.rows["unpriced"]
    # Those without an amount cost what is declared, which is no amount of the file.
    own = redeemed.rows[priced == redeemed.rows["redemptions"]]
    rows = int(own["redemptions"].sum())
    each = float(own["cost"].sum()) / rows if rows else 0.0
    if not per_purchase > 0 or each < _TOO_MUCH * per_purchase:
        return []
    words = phrase(
        "A redemption gave away {given} on average, where a purchase brought in {spend}: its amounts "
        "may be of another unit, such as cents. The profit cannot be relied on before that is known.",
        given=decimals(each, 2),
        spend=decimals(per_purchase, 2),
    )
    return [Check("redemptions have a cost", False, False, words)]


def _anonymous(redemptions: Redemptions) -> list[Check]:
    if not redemptions.anonymous:
        return []
    words = plural(
        "{n} redemption, of any campaign, names no customer: what it cost is in nobody's profit.",
        "{n} redemptions, of any campaign, name no customer: what they cost is in nobody's profit.",
        redemptions.anonymous,
    )
    return [Check("redemptions name a customer", False, False, words)]


def _days(redeemed: Redeemed, spans: list[Span]) -> list[Check]:
    inside = np.any([redeemed.within(span) for span in spans], axis=0)
    rows = redeemed.rows["redemptions"].to_numpy(dtype=np.int64)
    outside = int(rows[~inside].sum())
    if not outside:
        return []
    words = plural(
        "{n} of {rows} redemptions is not from the days that are measured, {first} to {last}: "
        "what it cost is in nobody's profit.",
        "{n} of {rows} redemptions are not from the days that are measured, {first} to {last}: "
        "what they cost is in nobody's profit.",
        outside,
        rows=count(rows.sum()),
        first=day(min(first for first, _ in spans)),
        last=day(max(last for _, last in spans)),
    )
    # Of another year, or of another campaign, most lie there: what it cost is not known.
    return [Check("redemptions are of its days", False, outside > rows.sum() / 2, words)]


def _costs(campaign: Campaign, redeemed: Redeemed) -> list[Check]:
    """A redemption without an amount costs what is declared, which may be nothing."""
    unpriced, total = (int(redeemed.rows[name].sum()) for name in ("unpriced", "redemptions"))
    each, points = campaign.costs.redemption, campaign.costs.points_rate
    # Where no row has an amount, the declared costs are all that was meant.
    if not unpriced or (unpriced == total and (each or points)):
        return []
    sizes = {"n": count(unpriced), "rows": count(total)}
    if each:
        words = plural(
            "{n} of {rows} redemptions tells no amount, and cost {cost}, as is declared.",
            "{n} of {rows} redemptions tell no amount, and cost {cost} each, as is declared.",
            unpriced,
            cost=decimals(each, 2),
            **sizes,
        )
        return [Check("redemptions have a cost", True, False, words)]
    words = plural(
        "{n} of {rows} redemptions tells no amount, and none is declared: it costs nothing, so "
        "that the profit may look better than it is. Give the amount, or declare "
        "costs.redemption.",
        "{n} of {rows} redemptions tell no amount, and none is declared: they cost nothing, so "
        "that the profit may look better than it is. Give the amounts, or declare "
        "costs.redemption.",
        unpriced,
        **sizes,
    )
    return [Check("redemptions have a cost", False, False, words)]
