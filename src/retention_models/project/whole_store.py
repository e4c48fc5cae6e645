"""What a project's whole store will do, newcomers included, and how that would have held."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from retention_models.errors import CannotSay
from retention_models.languages import day
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.scatter import Scatter
from retention_models.predictions.validation.whole_store_check import (
    WholeStoreCheck,
    check_whole_store,
)
from retention_models.predictions.whole_store import WholeStore, predict_whole_store
from retention_models.time_units import days_in

if TYPE_CHECKING:
    import pandas as pd

    from retention_models.project.store import Store

_FEW_DRAWS = 300  # an end of a 90% interval is near enough


def whole_ahead(
    store: Store,
    models: tuple[PurchaseFitter, GammaGammaFitter | None],
    summary: pd.DataFrame,
    days: int,
    scatter: Scatter,
) -> WholeStore:
    """What everybody should bring in so many days after those of a summary."""
    if store.log.first_seen_from is not None:
        raise CannotSay(
            "Customers of before {day} are left out (first_seen_from), so nothing is said of the "
            "whole store.",
            day=day(store.log.first_seen_from),
        )
    return predict_whole_store(
        *models,
        summary,
        horizon=days / days_in(store.settings.model.time_unit),
        interval=store.settings.model.interval,
        draws=_FEW_DRAWS,
        scatter=scatter.ahead(days),
        newcomers=scatter.newcomers,
        newcomers_error=scatter.newcomers_error,
        weekly=False,
    )


def store_whole_check(
    store: Store,
    models: tuple[PurchaseFitter, GammaGammaFitter | None],
    summary: pd.DataFrame,
    until: dt.date,
    scatter: Scatter,
) -> WholeStoreCheck:
    """Hold `whole_ahead` as of the end of calibration against what everybody then bought."""
    split = store.calibration_end
    ahead = whole_ahead(store, models, summary, (until - split).days, scatter)
    return check_whole_store(store.log, store.id, split, until, ahead)
