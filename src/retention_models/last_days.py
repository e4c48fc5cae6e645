"""The last day that counts, of a project's data."""

from __future__ import annotations

import datetime as dt

from retention_models.customer_summaries import Day, as_day
from retention_models.errors import SettingsError
from retention_models.settings import Settings
from retention_models.transactions import Transactions


def last_day(settings: Settings, log: Transactions, as_of: Day | None = None) -> dt.date:
    """Last day that counts: as_of, else the setting observation_end, else the log's last day."""
    last = settings.model.observation_end or log.last_day()
    end = as_day(as_of, "as_of") if as_of else last
    if log.first_seen_from is not None and log.first_seen_from > end:
        raise SettingsError(
            f"transactions.first_seen_from: expected a day up to the last one that counts, {end}; got "
            f"{log.first_seen_from}, which leaves every customer out."
        )
    return end
