"""Customers by value in ten groups: how unequal they are, without telling of one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.errors import CannotSay
from retention_models.languages import count, phrase
from retention_models.measures.table import SMALLEST_GROUP

# Of fewer customers a tenth is fewer than five persons.
FEWEST_FOR_TENTHS = 10 * SMALLEST_GROUP


def value_tenths(clv: pd.Series) -> pd.DataFrame:
    """Customers by value in ten groups as equal as can be, the most valuable first.

    Parameters
    ----------
    clv : Series
        Each customer's lifetime value; NaN where there is none.

    Returns
    -------
    DataFrame
        Index 1 to 10; customers, mean and share (of the value of all).

    Raises
    ------
    CannotSay
        If a tenth would be fewer than five persons, or nothing is worth anything.

    Examples
    --------
    >>> tenths = value_tenths(pd.Series(range(100)))
    >>> tenths.loc[1].round(3).to_dict()
    {'customers': 10.0, 'mean': 94.5, 'share': 0.191}
    """
    value = np.sort(clv.dropna().to_numpy(dtype=float))[::-1]
    if value.size < FEWEST_FOR_TENTHS or value.sum() <= 0:
        raise CannotSay(
            phrase(
                "How value is spread over customers is shown of {fewest} customers or more: of fewer, "
                "as here ({here}), it would tell of single persons.",
                fewest=FEWEST_FOR_TENTHS,
                here=count(value.size),
            )
        )
    groups = np.array_split(value, 10)
    return pd.DataFrame(
        {
            "customers": [group.size for group in groups],
            "mean": [float(group.mean()) for group in groups],
            "share": [float(group.sum() / value.sum()) for group in groups],
        },
        index=pd.RangeIndex(1, 11, name="tenth"),
    )
