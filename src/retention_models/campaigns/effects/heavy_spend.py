"""What a few heavy spenders do to a campaign's effect on spend: the effect with spend capped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers
from retention_models.campaigns.effects.effect import effect_of
from retention_models.campaigns.effects.tables import primary_row
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import counted, number, phrase, share
from retention_models.languages.results import Card, Result

_OF_ROW = ("absolute_effect", "conf_low", "conf_high", "standard_error")


@dataclass(frozen=True, repr=False)
class CappedEffect(Result):
    """The effect on spend as it is and capped; from `capped_effect`.

    Attributes
    ----------
    table : DataFrame
        Index "as it is" and "capped": absolute_effect, a customer, with conf_low, conf_high and
        standard_error, in money.
    arm : str
        Held against control.
    quantile : float
        Of all customers who spent, whatever their arm, at which spend is capped.
    cap : float
        That amount of money.
    capped : int
        Customers who spent more.

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
    >>> data = rm.read_campaign(shop.log(until=spring.end), spring, arms)
    >>> found = rm.capped_effect(data, quantile=0.99)
    >>> found.quantile, len(found.table)
    (0.99, 2)
    """

    table: pd.DataFrame
    arm: str
    quantile: float
    cap: float
    capped: int

    def _card(self) -> Card:
        return Card(f"Effect of {self.arm} on spend, capped", {"": self.sentence()}, self.table)

    def sentence(self) -> str:
        """What capping changes, in words.

        Returns
        -------
        str

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
        >>> data = rm.read_campaign(shop.log(until=spring.end), spring, arms)
        >>> rm.capped_effect(data, quantile=0.99).sentence().split(",")[0]
        'With spend capped at the 99.0% quantile of those who spent'
        """
        plain, capped = (self.table.loc[name] for name in ("as it is", "capped"))
        return phrase(
            "With spend capped at the {quantile} quantile of those who spent, {cap} ({n}), the "
            "effect is {effect} a customer ({low} to {high}); as it is {plain} ({plain_low} to "
            "{plain_high}).",
            quantile=share(self.quantile, 1),
            cap=number(self.cap),
            n=counted(self.capped, "customer"),
            effect=number(capped["absolute_effect"]),
            low=number(capped["conf_low"]),
            high=number(capped["conf_high"]),
            plain=number(plain["absolute_effect"]),
            plain_low=number(plain["conf_low"]),
            plain_high=number(plain["conf_high"]),
        )


def capped_effect(
    data: CampaignCustomers,
    *,
    quantile: float,
    arm: str | None = None,
    margin: float | None = None,
) -> CappedEffect:
    """The effect on spend with the heaviest spenders' spend capped, beside the effect as it is.

    Parameters
    ----------
    data : CampaignCustomers
        From `read_campaign`.
    quantile : float
        From .9 to below 1, chosen before the outcomes were looked at: the one that pleases is no cap.
    arm : str, optional
        The arm held against control; the table's first unless given.
    margin : float, optional
        Share of spend that is profit; the campaign's own unless given.

    Returns
    -------
    CappedEffect

    Raises
    ------
    SettingsError
        If the quantile is out of range or there is no such arm.
    CannotSay
        If the campaign's effect is refused, or nobody spent anything.

    Notes
    -----
    Winsorising: spend above the quantile, over all arms together, counts as the quantile. It trades a
    little bias, for what the campaign does to the heaviest spenders is not counted in full, for less
    chance. So it is told beside the effect and does not take its place.

    Source: Tukey (1962), "The future of data analysis", Annals of Mathematical Statistics 33, 1–67.

    Examples
    --------
    >>> import datetime as dt
    >>> from retention_models.settings.campaigns import Campaign
    >>> rng = np.random.default_rng(7)
    >>> expected, coupon = rng.gamma(1.0, 2.0, 4000), np.arange(4000) % 2 == 1
    >>> ids = pd.Index([f"{i:04d}" for i in range(4000)], name="customer_id")
    >>> bought = rng.poisson(expected * (1.0 + 0.2 * coupon)).astype(float)
    >>> outcome = pd.DataFrame({"purchases": bought, "bought": bought > 0}, index=ids, dtype=float)
    >>> outcome["spend"] = bought * rng.pareto(2.2, 4000)
    >>> data = CampaignCustomers(
    ...     campaign=Campaign(
    ...         id="spring", name="Spring coupon", kind="coupon", design="randomised",
    ...         start=dt.date(2017, 3, 3), end=dt.date(2017, 4, 9),
    ...         shares={"control": 0.5, "coupon": 0.5}),
    ...     table=pd.DataFrame({"arm": np.where(coupon, "coupon", "control"), "store_id": "367",
    ...                         "redemptions": 0}, index=ids),
    ...     covariates=pd.DataFrame({"expected_purchases": expected}, index=ids),
    ...     outcomes={"campaign": outcome},
    ...     findings=(), last_day=dt.date(2017, 4, 9))
    >>> found = capped_effect(data, quantile=0.99, margin=0.3)
    >>> bool(found.table.loc["capped", "standard_error"] < found.table.loc["as it is", "standard_error"])
    True
    """
    if not 0.9 <= quantile < 1.0:
        raise SettingsError(f"quantile: expected from 0.9 to below 1; got {quantile!r}.")
    spend = data.outcomes["campaign"]["spend"]
    spent = spend[spend > 0.0]
    if spent.empty:
        raise CannotSay("Nobody in the campaign spent anything, so there is nothing to cap.")
    cap = float(np.quantile(spent, quantile))
    outcomes = dict(data.outcomes)
    outcomes["campaign"] = outcomes["campaign"].assign(spend=spend.clip(upper=cap))
    rows, wanted = {}, list(dict.fromkeys([data.campaign.primary, "spend"]))
    for name, one in (("as it is", data), ("capped", replace(data, outcomes=outcomes))):
        effect = effect_of(one, outcomes=wanted, margin=data.margin if margin is None else margin)
        if effect.refusal:
            raise CannotSay(effect.refusal)
        arms = [each for each in effect.table["arm"].unique() if each != data.campaign.control]
        chosen = arms[0] if arm is None else arm
        row = primary_row(effect.table, "spend", "campaign", data.campaign.control, chosen)
        if row is None:
            raise SettingsError(f"arm: expected one of {', '.join(arms)}; got {arm!r}.")
        rows[name] = {field: float(row[field]) for field in _OF_ROW}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return CappedEffect(table, str(chosen), quantile, cap, int((spend > cap).sum()))
