"""What a fitted season does to the year ahead, day by day, with intervals: a figure's data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.levels import z_of_interval
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.seasons.calendar import Calendar

Array = NDArray[np.float64]


def season_table(
    calendar: Calendar, fit: MaximumLikelihoodFit, interval: float, days: int = 365
) -> pd.DataFrame:
    """Each day after the end of observation: date, m as factor, low, high; 0 where closed.

    log m = z′β is normal with variance z′ Cov(β) z. The yearly waves alone are year, year_low and
    year_high.
    """
    k = len(calendar.names)
    own = len(fit.names) - k
    beta, covariance = np.log(fit.parameters[own:]), fit.log_covariance[own:, own:]
    ahead = slice(calendar.past, calendar.past + days)
    terms, is_open = calendar.terms[ahead], calendar.open[ahead]
    waves = np.array([name.startswith("year ") for name in calendar.names], dtype=float)
    table = pd.DataFrame({"date": calendar.dates[ahead]})
    width = z_of_interval(interval)
    for name, z, shown in (
        ("factor", terms, is_open),
        ("year", terms * waves, np.ones(len(terms))),
    ):
        middle = z @ beta
        half = width * np.sqrt(np.maximum(np.einsum("dj,jk,dk->d", z, covariance, z), 0.0))
        prefix = "" if name == "factor" else "year_"
        table[name] = shown * np.exp(middle)
        table[f"{prefix}low"] = shown * np.exp(middle - half)
        table[f"{prefix}high"] = shown * np.exp(middle + half)
    return table
