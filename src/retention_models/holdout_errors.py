"""How far a forecast was off, customer by customer: the model's, and rules of thumb's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.languages import marked

_GROUPS = 7  # frequency groups 0, 1, …, 6 and 7 or more, as FHL (2005), figure 3


def baseline_errors(customers: pd.DataFrame, window: float) -> pd.DataFrame:
    """Errors per customer of the model and of rules of thumb that need no model.

    Parameters
    ----------
    customers : DataFrame
        frequency, T, last_period, predicted and frequency_holdout.
    window : float
        Length of the holdout, in the unit of T.

    Returns
    -------
    DataFrame
        Rows model; always zero; own historic rate, frequency / T · window; last period repeated, see
        `read_holdout`; store mean, Σ frequency / Σ T · window. absolute_error and squared_error:
        means over customers. better_by: by how many standard errors the squared error is smaller
        than the model's, customer by customer; negative where the model's is.

    Notes
    -----
    The model forecasts a mean, and squared error is what a mean minimises. Absolute error is what a
    median minimises, which for most customers is 0; it is given because the literature does. Source:
    Gneiting (2011), "Making and evaluating point forecasts", JASA 106, 746–762.
    """
    actual = customers["frequency_holdout"]
    age = customers["T"].where(customers["T"] > 0, np.nan)
    mean_rate = customers["frequency"].sum() / customers["T"].sum()
    rules = {
        "model": customers["predicted"],
        marked("always zero"): 0.0 * actual,
        marked("own historic rate"): (customers["frequency"] / age * window).fillna(0.0),
        marked("last period repeated"): customers["last_period"],
        marked("store mean"): 0.0 * actual + mean_rate * window,
    }
    errors = pd.DataFrame({name: actual - rule for name, rule in rules.items()})
    gain = (errors**2).rsub(errors["model"] ** 2, axis=0)
    doubt = gain.std(ddof=0) / np.sqrt(len(gain))
    return pd.DataFrame(
        {
            "absolute_error": errors.abs().mean(),
            "squared_error": (errors**2).mean(),
            "better_by": (gain.mean() / doubt.where(doubt > 0.0)).fillna(0.0),
        }
    )


def errors_by_frequency(customers: pd.DataFrame) -> pd.DataFrame:
    """Mean purchases in the holdout by purchases before it, actual and predicted.

    Parameters
    ----------
    customers : DataFrame
        frequency, predicted and frequency_holdout.

    Returns
    -------
    DataFrame
        Index frequency group, 0, 1, …, 7+; customers, actual and predicted mean purchases, low and
        high: the actual mean's 95% interval by chance.
    """
    group = customers["frequency"].clip(upper=_GROUPS)
    grouped = customers.groupby(group)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "actual": grouped["frequency_holdout"].mean(),
            "predicted": grouped["predicted"].mean(),
        }
    )
    # The actual mean's own standard error: how far chance moves it in a group of that size.
    error = grouped["frequency_holdout"].std() / np.sqrt(grouped.size())
    half = 1.959963984540054 * error
    table["low"] = (table["actual"] - half).clip(lower=0.0)
    table["high"] = table["actual"] + half
    table.index = [f"{i}" if i < _GROUPS else f"{_GROUPS}+" for i in table.index]
    table.index.name = "frequency"
    return table
