"""RFM: customers scored by recency, frequency and money, in the customary segments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.summaries.customers import Day, end_of

_FEWEST = 5  # as many customers as there are scores

# Recency score, frequency score → name, by ranges that hold each pair once.
_SEGMENTS = (
    ((5, 5), (4, 5), "champions"),
    ((3, 4), (4, 5), "loyal"),
    ((4, 5), (2, 3), "potential loyalists"),
    ((5, 5), (1, 1), "new"),
    ((4, 4), (1, 1), "promising"),
    ((3, 3), (3, 3), "need attention"),
    ((3, 3), (1, 2), "about to sleep"),
    ((1, 2), (5, 5), "cannot lose them"),
    ((1, 2), (3, 4), "at risk"),
    ((1, 2), (1, 2), "hibernating"),
)
RFM_SEGMENTS = tuple(name for _, _, name in _SEGMENTS)


def rfm_scores(
    log: Transactions, *, store_id: str | None = None, observation_end: Day | None = None
) -> pd.DataFrame:
    """Score every customer by recency, frequency and money, each from 1 to 5, and name the segment.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts, included. The log's last day, of any store, unless given.

    Returns
    -------
    DataFrame
        Index customer_id (text, sorted). recency_days: days since the last purchase; frequency: days
        with a purchase; monetary: spend in all, returns off; r, f, m: scores from 1 to 5, the best 5;
        rfm: the three as text, such as "545"; segment: one of `RFM_SEGMENTS`, by r and f.

    Raises
    ------
    CannotSay
        If there are fewer than 5 customers.

    See Also
    --------
    rfm_grid : How many customers, and how much spend, each pair of scores has.
    customer_segments : Lists by models; docs/rfm.md says which list answers to which segment.

    Notes
    -----
    A score is the fifth that the customer's mean rank falls into, ⌈5 · (rank − ½) ÷ n⌉, so that equal
    customers have equal scores, whatever the order of rows; where many are equal, some scores are
    empty. Scores compare customers with each other, not with what they themselves used to do: a fifth
    is always the worst. Source of the method: Hughes (1994), "Strategic Database Marketing"; the names
    are those in common use for the grid of recency and frequency.

    Examples
    --------
    >>> days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    >>> lines = pd.DataFrame({"id": list("abcde"), "day": days, "paid": [9, 3, 6, 2, 8]})
    >>> from retention_models import read_transactions
    >>> log = read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> rfm_scores(log).loc["e", ["rfm", "segment"]].tolist()
    ['534', 'potential loyalists']
    """
    end = end_of(log, observation_end)
    rows = log.rows(store_id, end)
    buys = rows["spend"] >= 0
    found = to_frame(
        rows.group_by("customer_id").aggregate(
            last=rows["date"].max(where=buys),
            frequency=rows["date"].nunique(where=buys),
            monetary=rows["spend"].sum().cast("float64"),
        )
    )
    found = found.loc[found["last"].notna()].set_index("customer_id").sort_index()
    if len(found) < _FEWEST:
        raise CannotSay.counting(
            "{customers} customer is too few for scores from 1 to 5; at least {fewest} are needed.",
            "{customers} customers are too few for scores from 1 to 5; at least {fewest} are needed.",
            len(found),
            customers=len(found),
            fewest=_FEWEST,
        )
    silent = (pd.Timestamp(end) - pd.to_datetime(found["last"])).dt.days
    scored = pd.DataFrame(
        {
            "recency_days": silent.astype(int),
            "frequency": found["frequency"].astype(int),
            "monetary": found["monetary"].astype(float),
        }
    )
    scored["r"] = _fifths(-scored["recency_days"])
    scored["f"] = _fifths(scored["frequency"])
    scored["m"] = _fifths(scored["monetary"])
    scored["rfm"] = scored["r"].astype(str) + scored["f"].astype(str) + scored["m"].astype(str)
    scored["segment"] = _segments(scored["r"], scored["f"])
    return scored


def rfm_grid(scores: pd.DataFrame) -> pd.DataFrame:
    """How many customers each pair of recency and frequency scores has, and what they spent.

    Parameters
    ----------
    scores : DataFrame
        As `rfm_scores` gives it.

    Returns
    -------
    DataFrame
        A row for each of the 25 pairs, the best first. r, f, segment; customers; share of all
        customers; monetary, their spend together; mean_recency_days (NaN where there is nobody).

    Examples
    --------
    >>> lines = pd.DataFrame({"id": list("abcde"), "day": "2024-01-01", "paid": [9, 3, 6, 2, 8]})
    >>> from retention_models import read_transactions
    >>> log = read_transactions(lines, customer_id="id", date="day", spend="paid")
    >>> grid = rfm_grid(rfm_scores(log))
    >>> grid.loc[grid["customers"] > 0, ["r", "f", "segment", "customers"]].to_numpy().tolist()
    [[3, 3, 'need attention', 5]]
    """
    pairs = pd.MultiIndex.from_product([range(5, 0, -1), range(5, 0, -1)], names=["r", "f"])
    by_pair = scores.groupby(["r", "f"])
    grid = pd.DataFrame(
        {
            "customers": by_pair.size(),
            "monetary": by_pair["monetary"].sum(),
            "mean_recency_days": by_pair["recency_days"].mean(),
        }
    ).reindex(pairs)
    grid[["customers", "monetary"]] = grid[["customers", "monetary"]].fillna(0)
    grid = grid.astype({"customers": int}).reset_index()
    grid.insert(2, "segment", _segments(grid["r"], grid["f"]))
    grid.insert(4, "share", grid["customers"] / len(scores))
    return grid


def _fifths(values: pd.Series) -> pd.Series:
    """Scores 1 to 5 by mean rank, shape (n,): ⌈5 · (rank − ½) ÷ n⌉."""
    rank = values.rank(method="average").to_numpy()
    # Ranks are halves of whole numbers, so that their fivefold is exact, and so is the ceiling.
    return pd.Series(np.ceil(5.0 * (rank - 0.5) / len(values)).astype(int), index=values.index)


def _segments(r: pd.Series, f: pd.Series) -> pd.Series:
    """Names of pairs of scores, shape (n,)."""
    inside = [r.between(*of_r) & f.between(*of_f) for of_r, of_f, _ in _SEGMENTS]
    names = np.select(inside, [name for _, _, name in _SEGMENTS], default="")
    return pd.Series(names, index=r.index)
