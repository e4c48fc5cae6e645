"""Whether a campaign paid: its cost, the profit it brought, and what a retained customer cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retention_models.campaigns.data.tables import CampaignCustomers, CampaignStores, Window
from retention_models.campaigns.effects.stores import weeks_of
from retention_models.campaigns.effects.tables import (
    ECONOMICS,
    DesignEstimates,
    arms_of,
    primary_row,
)
from retention_models.errors import SettingsError
from retention_models.languages import catalogue, marked, phrase

_NOT_RETAINED = marked(
    "What it cost to retain a customer cannot be said: the campaign may have retained nobody."
)
_LOST = marked(
    "What it cost to retain a customer cannot be said: the campaign retained nobody, it lost some."
)
_NO_COST = marked("The campaign has no cost that is declared, so nothing can be held against it.")
_UNKNOWN = marked("How many customers it retained is not estimated.")
PAID, LOSS, OPEN = "paid", "did not pay", "open"
_VERDICTS = catalogue(
    {
        PAID: "it paid",
        LOSS: "it did not pay",
        OPEN: "whether it paid is open",
    }
)


def paid_in_words(verdict: str) -> str:
    """Whether a campaign paid, as a clause."""
    return phrase(_VERDICTS[verdict])


def economics_of(
    data: CampaignCustomers | CampaignStores, found: DesignEstimates, margin: float | None
) -> pd.DataFrame:
    """Cost, profit and return on cost of each arm, the campaign's fixed cost shared by customers.

    cost = Σ (margin · spend − profit) over the arm's customers, what they were given and sent, + fixed.
    profit = effect on profit of all of them − fixed; return = profit ÷ cost. The cost is what was paid,
    not an estimate, so all of the interval is the effect's. The cost of a retained customer is cost ÷
    more customers who bought, its ends those of the latter, and is refused where they include none.
    """
    control, table = data.campaign.control, found.table
    rates = margin if data.campaign.margin is None else data.campaign.margin
    profits = table.loc[table["outcome"] == "profit"]
    if profits.empty:
        return pd.DataFrame(columns=list(ECONOMICS))
    if rates is None:
        raise SettingsError("margin is not given; expected the share of spend that is profit.")
    window: Window = "whole" if "whole" in set(profits["window"]) else "campaign"
    arms = arms_of(profits, control)
    sizes = {arm: float(found.members[arm].sum()) for arm in arms}
    rows = []
    for arm in arms:
        profit = primary_row(table, "profit", window, control, arm)
        if profit is None:
            continue
        fixed = data.campaign.costs.fixed * sizes[arm] / sum(sizes.values())
        cost = _variable_cost(data, found.members[arm], window, rates) + fixed
        bought = primary_row(table, "bought", window, control, arm)
        rows.append(
            {"arm": arm, "window": window, "customers": profit["customers"], "cost": cost}
            | _profit(profit, cost, fixed)
            | _retained(bought, cost, isinstance(data, CampaignStores))
        )
    return pd.DataFrame(rows, columns=list(ECONOMICS))


def _variable_cost(
    data: CampaignCustomers | CampaignStores, members: np.ndarray, window: Window, margin: float
) -> float:
    """What the arm's customers were given and sent."""
    if isinstance(data, CampaignCustomers):
        outcomes = data.outcomes[window].loc[members]
        return float((margin * outcomes["spend"] - outcomes["profit"]).sum())
    inside = weeks_of(data.campaign, data.weeks)[window]
    began = data.stores["first_week"].to_numpy(dtype=float)[members]
    cost = margin * data.outcomes["spend"][members] - data.outcomes["profit"][members]
    cost = np.where(inside & (data.weeks >= began[:, None]), cost, 0.0)
    return float(data.stores["customers"].to_numpy(dtype=float)[members] @ cost.sum(axis=1))


def _profit(row: pd.Series, cost: float, fixed: float) -> dict[str, Any]:
    """Profit after all costs, and its verdict."""
    value, low, high = (float(row[name]) - fixed for name in ("total", "total_low", "total_high"))
    returns = [end / cost if cost > 0.0 else np.nan for end in (value, low, high)]
    verdict = PAID if low > 0.0 else LOSS if high < 0.0 else OPEN
    return {
        "profit": value,
        "profit_low": low,
        "profit_high": high,
        **dict(zip(("return_on_cost", "return_low", "return_high"), returns, strict=True)),
        "verdict": verdict,
    }


def _retained(row: pd.Series | None, cost: float, stores: bool) -> dict[str, Any]:
    """More customers who bought at all, and what each cost; or why that cannot be said."""
    # Of stores, who bought is counted week by week, and the same customer may count in each.
    if row is None or stores:
        return {"refusal": phrase(_UNKNOWN)}
    value, low, high = (float(row[name]) for name in ("total", "total_low", "total_high"))
    found: dict[str, Any] = {"retained": value, "retained_low": low, "retained_high": high}
    if not cost > 0.0:
        return found | {"refusal": phrase(_NO_COST)}
    if low <= 0.0:
        return found | {"refusal": phrase(_LOST if high < 0.0 else _NOT_RETAINED)}
    names = ("cost_per_retained", "cost_per_retained_low", "cost_per_retained_high")
    prices = (cost / value, cost / high, cost / low)
    return found | dict(zip(names, prices, strict=True)) | {"refusal": ""}
