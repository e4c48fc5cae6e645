"""The campaign's days, one window earlier: what its customers would have done, and what foresees it.

The log is cut a campaign's length before its end. What was known by then are the covariates, what the
same customers did after it the outcomes, exactly as they will be of the campaign itself: so the share of
the outcomes' variance that the covariates explain is measured on the store's own customers before a
single one of them is offered anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaigns.data.covariates import known_before
from retention_models.campaigns.data.gathering import Span, gathered, histories_upto
from retention_models.campaigns.data.outcomes import outcomes_of, redeemed_of
from retention_models.campaigns.data.tables import OUTCOMES, Window
from retention_models.campaigns.effects.customers import BY_OUTCOME, usable
from retention_models.campaigns.estimators.checks import FEWEST_IN_ARM
from retention_models.campaigns.estimators.regression import qr_by_blocks
from retention_models.data.engines import to_arrow
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import counted
from retention_models.settings.campaigns import Campaign, Outcome

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Backtest:
    """What a campaign's customers did in a window of its length without it."""

    campaign: Campaign
    cut: dt.date
    customers: int
    table: pd.DataFrame = field(repr=False)


def backtest_outcomes(
    log: Transactions,
    campaign: Campaign,
    *,
    customers: pd.Index | None = None,
    store_id: str | None = None,
    margin: float | None = None,
) -> Backtest:
    """Mean, spread and foreseeable share of each outcome, one window before the campaign.

    R² = 1 − (SSR ÷ (n − k − 1)) ÷ (SST ÷ (n − 1)) of ordinary least squares of the outcome on the k
    covariates that `campaign_effect` adjusts it for.
    """
    last = last_day_before(log, campaign)
    first = last - campaign.days * _DAY + _DAY
    cut = first - _DAY
    if log.stores["first_day"].min() > cut:
        raise CannotSay(
            "The log begins on {first}, so no window of {days} days before {before} has a past. Plan a "
            "shorter campaign, or wait.",
            first=log.stores["first_day"].min(),
            days=campaign.days,
            before=last + _DAY,
        )
    past = campaign.model_copy(update={"start": first, "end": last, "follow_up": 0, "looks": ()})
    found, covariates = customers_on(log, past, cut, customers, store_id)
    seen = found["frequency"].notna()
    # All that are left have a history, which is then no covariate.
    found, covariates = found[seen], covariates[seen].drop(columns="no_history", errors="ignore")
    if len(found) < FEWEST_IN_ARM:
        raise CannotSay(
            "Only {n} of the customers had bought by {day}, too few to tell how much their purchases "
            "of {days} differ. Pool stores, or plan a shorter campaign.",
            n=len(found),
            day=cut,
            days=counted(campaign.days, "day"),
        )
    share = campaign.margin if margin is None else margin
    nobody = np.zeros(len(found), dtype=bool)
    nothing = redeemed_of(None, past, found.index)
    windows: Mapping[Window, Span] = {"campaign": (first, last)}
    outcomes = outcomes_of(past, share or 1.0, found, nobody, nothing, windows)["campaign"]
    names = [name for name in OUTCOMES if name != "profit" or share is not None]
    rows = [_row(outcomes[name].to_numpy(dtype=float), covariates, name) for name in names]
    return Backtest(
        past, cut, len(found), pd.DataFrame(rows, index=pd.Index(names, name="outcome"))
    )


def last_day_before(log: Transactions, campaign: Campaign) -> dt.date:
    """Last day of the log before the campaign."""
    last = min(log.last_day(), campaign.start - _DAY)
    if log.stores["first_day"].min() > last:
        raise CannotSay(
            "The log holds no day before the campaign's start, {start}.", start=campaign.start
        )
    return last


def customers_on(
    log: Transactions,
    campaign: Campaign,
    cut: dt.date,
    customers: pd.Index | None,
    store_id: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers that a campaign is for, as known on a day, and what they did in its days."""
    stores = log.store_ids()
    if store_id is not None and store_id not in stores:
        raise SettingsError(
            f"store_id: there is no store {store_id!r} in the log; there are {', '.join(stores[:10])}."
        )
    windows: Mapping[Window, Span] = {"campaign": (campaign.start, campaign.end)}
    with histories_upto(log, cut) as histories:
        if customers is None:
            with log.origin.reading():
                known = to_arrow(histories.select("customer_id"))["customer_id"]
            customers = pd.Index(known.to_pandas())
        ids = pd.Index(customers.sort_values(), name="customer_id")
        found = gathered(log, histories, ids, cut, windows)
        if store_id is not None:
            found = found[found["seen"] == stores.index(store_id)]
        covariates, _ = known_before(log, histories, campaign, found, cut)
    return found, covariates


def _row(outcome: NDArray[np.float64], covariates: pd.DataFrame, name: str) -> dict[str, object]:
    nobody = np.zeros(outcome.size, dtype=np.intp)
    used = usable(covariates, BY_OUTCOME[cast("Outcome", name)], nobody)
    return {
        "customers": outcome.size,
        "mean": float(outcome.mean()),
        "standard_deviation": float(outcome.std(ddof=1)),
        "r_squared": explained_share(outcome, covariates[used].to_numpy(dtype=float)),
        "covariates": ", ".join(used),
    }


def explained_share(outcome: NDArray[np.float64], covariates: NDArray[np.float64]) -> float:
    """Adjusted R² of ordinary least squares of an outcome on covariates.

    Shapes: outcome (n,), covariates (n, k).
    """
    centred = outcome - outcome.mean()
    total = float(centred @ centred)
    freedom = outcome.size - covariates.shape[1] - 1
    if not covariates.shape[1] or total == 0.0 or freedom < 1:
        return 0.0
    design = covariates - covariates.mean(axis=0)
    design = design / np.maximum(design.std(axis=0), 1e-300)
    q, r = qr_by_blocks(design)
    slopes = np.linalg.lstsq(r, q.T @ centred, rcond=None)[0]
    rest = centred - design @ slopes
    return 1.0 - (float(rest @ rest) / freedom) / (total / (outcome.size - 1))
