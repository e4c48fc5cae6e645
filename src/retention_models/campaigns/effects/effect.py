"""A campaign's data → its effect: refuse, estimate by the declared design, grade, and put in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from retention_models.campaigns.data.assignments import Assignments, Given, Redemptions
from retention_models.campaigns.data.read import read_campaign
from retention_models.campaigns.data.tables import (
    OUTCOMES,
    CampaignCustomers,
    CampaignStores,
    Check,
)
from retention_models.campaigns.effects import refusals
from retention_models.campaigns.effects.economics import economics_of
from retention_models.campaigns.effects.randomised import randomised_estimates
from retention_models.campaigns.effects.refusals import without_small_arms
from retention_models.campaigns.effects.result import CampaignEffect
from retention_models.campaigns.effects.segments import segments_of
from retention_models.campaigns.effects.stores import store_estimates
from retention_models.campaigns.effects.tables import (
    CHECKS,
    NAIVE,
    SEGMENTS,
    TABLE,
    DesignEstimates,
    EffectRequest,
    empty,
)
from retention_models.campaigns.effects.targeted import (
    naive_differences,
    self_selected_estimates,
    targeted_estimates,
)
from retention_models.campaigns.effects.verdicts import (
    grade_of,
    level_now,
    look_check,
    verdict_of,
)
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError, require_kind
from retention_models.languages import phrase
from retention_models.levels import check_interval_of_effect
from retention_models.settings.campaigns import Campaign, Outcome

OVER = "campaign over"
_OF_CUSTOMERS: dict[str, Callable[[CampaignCustomers, EffectRequest], DesignEstimates]] = {
    "randomised": randomised_estimates,
    "targeted": targeted_estimates,
    "self_selected": self_selected_estimates,
}


def effect_of(
    data: CampaignCustomers | CampaignStores,
    *,
    outcomes: Sequence[str] = OUTCOMES,
    interval: float = 0.95,
    segments: pd.Series | str | None = None,
    margin: float | None = None,
    currency: str = "",
) -> CampaignEffect:
    """Effect of a campaign whose data have been read.

    Parameters
    ----------
    data : CampaignCustomers or CampaignStores
    outcomes : sequence of str
        Of "purchases", "bought", "spend" and "profit"; the campaign's primary one is added.
    interval : float
        Level of the intervals, from 0.5 to below 1; over all declared looks together.
    segments : Series or str, optional
        A segment by customer_id, or "store_id"; by default thirds of what customers were expected to
        buy.
    margin : float, optional
        Share of spend that is profit, where neither the campaign nor `read_campaign` was told it.
    currency : str
        Told behind money in words.

    Returns
    -------
    CampaignEffect
        Refused ones have `grade` None, no row in `table`, and the reason in `refusal`.

    Raises
    ------
    SettingsError
        Where an outcome, the interval or the segments are not as described, or the margin is another
        than the data were read with.

    Examples
    --------
    Four thousand customers of whom half got a coupon by lot that made them buy a fifth more:

    >>> import datetime as dt
    >>> import numpy as np
    >>> from retention_models.settings.campaigns import Campaign
    >>> rng = np.random.default_rng(7)
    >>> expected = rng.gamma(1.0, 2.0, 4000)
    >>> coupon = np.arange(4000) % 2 == 1
    >>> ids = pd.Index([f"{i:04d}" for i in range(4000)], name="customer_id")
    >>> purchases = rng.poisson(expected * (1.0 + 0.2 * coupon)).astype(float)
    >>> outcome = pd.DataFrame({"purchases": purchases, "bought": purchases > 0}, index=ids)
    >>> table = pd.DataFrame({"arm": np.where(coupon, "coupon", "control")}, index=ids)
    >>> data = CampaignCustomers(
    ...     campaign=Campaign(
    ...         id="spring", name="Spring coupon", kind="coupon", design="randomised",
    ...         start=dt.date(2017, 3, 3), end=dt.date(2017, 4, 9),
    ...         shares={"control": 0.5, "coupon": 0.5}),
    ...     table=table.assign(store_id="367", redemptions=0),
    ...     covariates=pd.DataFrame({"expected_purchases": expected}, index=ids),
    ...     outcomes={"campaign": outcome.astype(float)},
    ...     findings=(), last_day=dt.date(2017, 4, 30))
    >>> effect = effect_of(data, outcomes=["purchases", "bought"])
    >>> effect.grade, effect.verdict
    ('A', 'more purchases')
    >>> first = effect.primary_effect()
    >>> first["outcome"], bool(first["lift_low"] < 20.0 < first["lift_high"])
    ('purchases', True)
    """
    require_kind("data", data, (CampaignCustomers, CampaignStores), "read_campaign")
    asked = _checked(outcomes, interval, data.campaign.primary)
    margin = _margin_of(data, margin)
    if asked is None:
        return refused(data, "outcome", phrase(refusals.OF_LIFETIME_VALUE))
    blocked = _blocked(data)
    if blocked is not None:
        return refused(data, *blocked)
    try:
        level = level_now(data.campaign, data.last_day, 1.0 - interval)
    except CannotSay as refusal:
        return refused(data, OVER, str(refusal))
    try:
        estimates = _estimated(data, EffectRequest(asked, level))
    except CannotSay as refusal:
        told = refused(data, "enough to tell", str(refusal), _naive(data, asked))
        return replace(told, currency=currency)
    return _result(data, estimates, level, segments, margin, interval, currency)


def _margin_of(data: CampaignCustomers | CampaignStores, margin: float | None) -> float | None:
    """The margin that profit was measured with; another would hold it against another cost."""
    if data.margin is None or data.campaign.margin is not None:
        return margin
    if margin is not None and margin != data.margin:
        raise SettingsError(
            f"margin is {margin:g}, and the campaign was read with {data.margin:g}. Leave it out, or "
            "read the campaign with it (read_campaign)."
        )
    return data.margin


def refused(
    data: CampaignCustomers | CampaignStores,
    check: str,
    reason: str,
    naive: pd.DataFrame | None = None,
) -> CampaignEffect:
    """The result of a campaign without an effect: the reason and the checks, never an effect."""
    found = data.findings
    if not any(one.check == check and one.blocks and not one.passed for one in found):
        found = (*found, Check(check, passed=False, blocks=True, words=reason))
    return CampaignEffect(
        campaign=data.campaign,
        table=empty(TABLE),
        grade=None,
        verdict="",
        refusal=reason,
        checks=_checks_table(found),
        naive=empty(NAIVE) if naive is None else naive,
    )


def _checks_table(findings: tuple[Check, ...]) -> pd.DataFrame:
    """One row a check."""
    rows = [(one.check, one.passed, one.blocks, one.words) for one in findings]
    return pd.DataFrame(rows, columns=list(CHECKS))


def _checked(
    outcomes: Sequence[str], interval: float, primary: Outcome
) -> tuple[Outcome, ...] | None:
    """Outcomes in their order, or None where one is of lifetime value, which is refused."""
    check_interval_of_effect(interval)
    asked = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if any(one.lower() in ("clv", "customer_lifetime_value") for one in asked):
        return None
    unknown = [one for one in asked if one not in OUTCOMES]
    if unknown or not asked:
        raise SettingsError(f"outcomes are {asked}; expected some of {', '.join(OUTCOMES)}.")
    return tuple(one for one in OUTCOMES if one in asked or one == primary)


def _blocked(data: CampaignCustomers | CampaignStores) -> tuple[str, str] | None:
    """Which check forbids every effect, and why; None where nothing does."""
    campaign = data.campaign
    if campaign.design in refusals.OF_DESIGN:
        return "design", phrase(refusals.OF_DESIGN[campaign.design])
    # Whether the campaign may be looked at already is for its declared looks to say.
    blocking = [f for f in data.findings if f.blocks and not f.passed and f.check != OVER]
    if blocking:
        return blocking[0].check, " ".join(one.words for one in blocking)
    if isinstance(data, CampaignStores):
        return None
    arms = data.table["arm"]
    offered = data.table.loc[arms != campaign.control]
    if offered.empty or len(offered) == len(data.table):
        return "control present", refusals.no_comparison(campaign.control, offered.empty)
    # Who joins by himself has often redeemed: there the comparison says what it is.
    if campaign.design != "self_selected" and (offered["redemptions"] > 0).all():
        return "more than redeemers", refusals.redeemers_only(len(offered))
    return None


def _naive(
    data: CampaignCustomers | CampaignStores, asked: tuple[Outcome, ...]
) -> pd.DataFrame | None:
    """Plain differences, of designs where they mislead; never of money among the self-selected."""
    if isinstance(data, CampaignStores) or data.campaign.design == "randomised":
        return None
    self_selected = data.campaign.design == "self_selected"
    return naive_differences(
        data, tuple(one for one in asked if not (self_selected and one == "profit"))
    )


def _estimated(data: CampaignCustomers | CampaignStores, asked: EffectRequest) -> DesignEstimates:
    if isinstance(data, CampaignStores):
        return store_estimates(data, asked)
    return _OF_CUSTOMERS[data.campaign.design](data, asked)


def _result(
    data: CampaignCustomers | CampaignStores,
    found: DesignEstimates,
    level: float,
    segments: pd.Series | str | None,
    margin: float | None,
    interval: float,
    currency: str,
) -> CampaignEffect:
    """Grade, verdict, economics and segments of estimates."""
    campaign, table = data.campaign, empty(SEGMENTS)
    told = [one for one in data.findings if one.check != OVER or one.passed]
    checks: list[Check] = [*told, *found.checks, *look_check(campaign, data.last_day)]
    if isinstance(data, CampaignCustomers) and campaign.design == "randomised":
        table, notes = segments_of(without_small_arms(data)[0], segments, level)
        checks += notes
    grade, why = grade_of(campaign.design, checks)
    economics = economics_of(data, found, margin)
    parts: dict[str, Any] = {
        name: getattr(found, name)
        for name in (
            "table",
            "balance",
            "event_study",
            "pre_trend",
            "sensitivity",
            "naive",
            "cumulative",
        )
    }
    return CampaignEffect(
        campaign=campaign,
        grade=grade,
        verdict=verdict_of(campaign, found.table, economics, level),
        refusal="",
        checks=_checks_table((*checks, why)),
        economics=economics,
        segments=table,
        interval=interval,
        level=level,
        currency=currency,
        **parts,
    )


def campaign_effect(
    log: Transactions,
    campaign: Campaign,
    assignments: Given | Assignments,
    redemptions: Given | Redemptions | None = None,
    *,
    margin: float | None = None,
    outcomes: Sequence[str] = OUTCOMES,
    interval: float = 0.95,
    segments: pd.Series | str | None = None,
    others: Sequence[Campaign] = (),
    currency: str = "",
    timezone: str = "UTC",
) -> CampaignEffect:
    """What a campaign changed, how far to believe it, and whether it paid.

    Parameters
    ----------
    log : Transactions
        A checked log.
    campaign, assignments, redemptions, margin, others, timezone
        As in `read_campaign`.
    outcomes, interval, segments, currency
        As in `effect_of`.

    Returns
    -------
    CampaignEffect
        A refused one has `grade` None, an empty `table`, and the reason in `refusal`.

    Raises
    ------
    SettingsError, DataError
        As `read_campaign` and `effect_of`.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(1000, dt.date(2023, 1, 1), seed=1)
    >>> spring = rm.Campaign(
    ...     id="spring", name="Spring coupon", kind="coupon", design="randomised", margin=0.3,
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25),
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> arms = pd.DataFrame({"customer_id": shop.ids(), "arm": ["control", "coupon"] * 500})
    >>> arms["campaign_id"], arms["assigned_at"] = "spring", "2024-02-29"
    >>> orders = shop.orders(spring.end, campaign=spring, assignments=arms, lift={"coupon": 0.5})
    >>> effect = rm.campaign_effect(shop.log(orders, until=spring.end), spring, arms)
    >>> effect.table.loc[0, "outcome"], bool(effect.table.loc[0, "conf_low"] > 0)
    ('purchases', True)
    """
    data = read_campaign(
        log,
        campaign,
        assignments,
        redemptions,
        margin=margin,
        others=others,
        timezone=timezone,
    )
    return effect_of(
        data,
        outcomes=outcomes,
        interval=interval,
        segments=segments,
        margin=margin,
        currency=currency,
    )
