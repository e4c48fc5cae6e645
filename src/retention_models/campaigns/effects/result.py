"""The result of a campaign: a frozen value whose tables hold every number that its words tell."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from retention_models.campaigns.effects.tables import EffectTables, arms_of, primary_row
from retention_models.campaigns.effects.words import paragraphs, summary
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import phrase
from retention_models.languages.results import Card, Result


@dataclass(frozen=True, repr=False)
class CampaignEffect(EffectTables, Result):
    """What a campaign changed, with all that it takes to believe it or not.

    Attributes
    ----------
    campaign : Campaign
    table : DataFrame
        One row an outcome, window, comparison and estimand. outcome: "purchases", "bought", "spend" or
        "profit"; window: "campaign", "follow_up" or "whole", which is both; arm, against; estimand:
        "itt" (of the offer, on everyone offered it), "per_redeemer" (secondary), "att" (on those who
        got it), "ate" (on all, had all got it). customers of either; mean of either, adjusted;
        absolute_effect, a customer and window (of stores: a customer and week), with standard_error,
        conf_low, conf_high, pvalue and pvalue_holm, which allows for all comparisons of the outcome and
        window; lift_percent with lift_low and lift_high, missing where a mean is not positive;
        r_squared of the covariates and the gain from them (variance without ÷ with); total with
        total_low and total_high, the effect on all of the arm's customers together. Without rows where
        refused; `primary_effect` says why then.
    grade : {"A", "B", "C", "D"} or None
        How far to believe it, A the most; None where it is refused.
    verdict : str
        Of the declared primary outcome, by arm, in few words; empty where refused.
    refusal : str
        Why there is no effect, in whole sentences; empty where there is one.
    checks : DataFrame
        check, passed, blocks, words.
    balance : DataFrame
        By covariate and arm: mean, mean_control, standardised differences unweighted and weighted (of
        designs that weigh), and chance, the standard deviation that a lot gives the difference.
    economics : DataFrame
        By arm, after the fixed cost: cost, profit and return on cost (profit ÷ cost), retained (more
        customers who bought at all), cost_per_retained, each with its interval; verdict ("paid", "did
        not pay", "open"), refusal (why there is no cost per retained customer).
    segments : DataFrame
        Of the primary outcome by segment: effect, shrunken effect, interval, adjusted p-value;
        differ_pvalue is of no difference between any segments.
    event_study, pre_trend : DataFrame
        Of stores: the difference by week since the start, and the joint test of those before it.
    sensitivity : DataFrame
        Of self-selected campaigns: what a hidden cause could do.
    naive : DataFrame
        Plain differences of means of designs where they mislead, kept apart to show by how much:
        expected_before is the same difference in what was expected on the day before the campaign. Also
        there where such a campaign is refused.
    cumulative : DataFrame
        Of randomised campaigns, by arm and day: the difference in purchases a customer since the start,
        not adjusted for covariates, with an interval of that day alone.
    interval : float
        Level of all intervals; together over all declared looks, where there are any.
    level : float
        1 less the level of the table's intervals: that of all looks together at the only or last one
        without declared looks, stricter at a declared look.
    currency : str
        Of money in words; may be empty.

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
    >>> effect.grade, effect.verdict
    ('A', 'more purchases')
    """

    _figure = "effect_forest"

    def _card(self) -> Card:
        facts = {
            "grade": self.grade or "none",
            "verdict": str(self.verdict),
            "refused": str(self.refusal),
        }
        return Card(f"Effect of the campaign {self.campaign.name}", facts, self.table)

    def primary_effect(self, arm: str | None = None) -> pd.Series:
        """The row of `table` that the verdict is about: the primary outcome, in the campaign's own days.

        Parameters
        ----------
        arm : str, optional
            The arm that is held against control; the table's first unless given.

        Returns
        -------
        Series
            With the columns of `table`.

        Raises
        ------
        CannotSay
            Of a campaign that is refused, with the refusal; `table` has no row then.
        SettingsError
            If there is no such arm.

        Examples
        --------
        >>> refused = CampaignEffect(
        ...     campaign=None, table=pd.DataFrame(), grade=None, verdict="",
        ...     refusal="There is no customer in the control arm.", checks=pd.DataFrame())
        >>> refused.primary_effect()
        Traceback (most recent call last):
        ...
        retention_models.errors.CannotSay: There is no customer in the control arm.
        """
        if self.refusal or self.table.empty:
            raise CannotSay(self.refusal or phrase("No effect was estimated."))
        known = arms_of(self.table, self.campaign.control)
        chosen = known[0] if arm is None else arm
        row = primary_row(
            self.table, self.campaign.primary, "campaign", self.campaign.control, chosen
        )
        if row is None:
            raise SettingsError(f"arm: expected one of {', '.join(known)}; got {chosen!r}.")
        return row

    def summary(self) -> str:
        """A paragraph for whoever runs the shop: a pure function of the tables.

        Returns
        -------
        str
            What was tried on whom, what it changed, whether it paid, how far to believe it, what to
            do next; of a refused campaign why, and what to do.

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
        >>> effect.summary().split(" ran ")[0]
        '“Spring coupon” (coupon)'
        """
        return summary(self)

    def paragraphs(self) -> list[str]:
        """The summary in two or three parts, for a page.

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
        >>> len(effect.paragraphs())
        3
        """
        return [part for part in paragraphs(self) if part]
