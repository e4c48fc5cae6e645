"""Claims about loyalty that shops hear, held against a store's own numbers, each with its doubt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import catalogue, marked, number, phrase, share
from retention_models.languages.results import Card, Result
from retention_models.levels import Interval
from retention_models.predictions.repeat_customers import RepeatCustomerWorth
from retention_models.predictions.retention_in_short import RetentionInShort
from retention_models.predictions.retention_worth import RetentionWorth

Array = NDArray[np.float64]
# What is said, from and to, and the points of retention that the first is about.
CLAIMED = {"retention": (25.0, 95.0), "repeat": (10.0, 10.0), "acquisition": (5.0, 5.0)}
CLAIMED_POINTS = 5.0
_CLAIMS = catalogue(
    {
        "retention": "5 points more retention bring 25% to 95% more profit",
        "repeat": "a repeat customer is worth ten first orders",
        "acquisition": "winning a customer costs five times as much as keeping one",
    }
)
MORE, LESS, AS_SAID, OPEN = (
    *(marked("more than is said"), marked("less than is said")),
    *(marked("as is said"), marked("open")),
)
_NO_WORTH = marked(
    "Missing: what retention is worth, from models of purchases and spend (retention_worth)."
)
_NO_REPEAT = marked(
    "Missing: what repeat customers are worth, from models of purchases and spend and the first "
    "orders (repeat_customer_worth)."
)
_NO_COST = marked("Missing: the acquisition cost, what it costs to win a new customer.")
_NO_CAMPAIGN = marked(
    "Missing: the cost per retained customer, from a campaign whose effect was estimated (economics)."
)


@dataclass(frozen=True, slots=True, repr=False)
class LoyaltyClaims(Result):
    """What is said of loyalty, and what a store's own numbers say; from `loyalty_claims`.

    Attributes
    ----------
    table : DataFrame
        A row for each claim: claim, in words; said_low and said_high; value, low and high, the store's
        own (percent of profit, first orders, times); verdict, in words: "more than is said", "less than
        is said", "as is said" where the whole interval is so, else "open"; missing, which input a claim
        without numbers wants.

    Examples
    --------
    >>> import retention_models as rm
    >>> rm.loyalty_claims(acquisition_cost=40.0).table.shape[0]
    3
    """

    table: pd.DataFrame

    def _card(self) -> Card:
        facts = {str(row["claim"]): _line(row) for _, row in self.table.iterrows()}
        return Card("Claims about loyalty", facts, self.table)

    def of(self, *claims: str) -> LoyaltyClaims:
        """The claims of these names only.

        Parameters
        ----------
        *claims : {"retention", "repeat", "acquisition"}

        Returns
        -------
        LoyaltyClaims

        Raises
        ------
        SettingsError
            Of another name.

        Examples
        --------
        >>> import retention_models as rm
        >>> len(rm.loyalty_claims(acquisition_cost=40.0).of("acquisition").lines())
        1
        """
        unknown = [claim for claim in claims if claim not in _CLAIMS]
        if unknown:
            raise SettingsError(
                f"claims: expected names of {', '.join(_CLAIMS)}; got {unknown[0]!r}."
            )
        names = [phrase(_CLAIMS[claim]) for claim in claims]
        return LoyaltyClaims(self.table[self.table["claim"].isin(names)].reset_index(drop=True))

    def lines(self) -> list[str]:
        """Each claim in a sentence, with what the store's own numbers say or which input is missing.

        Returns
        -------
        list of str

        Examples
        --------
        >>> import retention_models as rm
        >>> len(rm.loyalty_claims(acquisition_cost=40.0).lines())
        3
        """
        return [
            phrase("{claim}: {found}", claim=row["claim"], found=_line(row))
            for _, row in self.table.iterrows()
        ]


def _line(row: pd.Series) -> str:
    if row["missing"]:
        return str(row["missing"])
    shown = number
    if row["claim"] == phrase(_CLAIMS["retention"]):
        shown = _percent
    value, low, high = (shown(float(row[name])) for name in ("value", "low", "high"))
    return phrase(
        "here {value} ({low} to {high}), {verdict}.",
        value=value,
        low=low,
        high=high,
        verdict=row["verdict"],
    )


def _percent(value: float) -> str:
    return share(value / 100.0, 1)


def loyalty_claims(
    *,
    worth: RetentionWorth | RetentionInShort | str | None = None,
    repeat: RepeatCustomerWorth | str | None = None,
    acquisition_cost: float | None = None,
    economics: pd.DataFrame | None = None,
) -> LoyaltyClaims:
    """Three claims that shops hear, beside the store's own numbers.

    Parameters
    ----------
    worth : RetentionWorth or str, optional
        From `retention_worth`, with 5 among its points, or ``store.retention_in_short``; or why it
        cannot be said, which its line tells then.
    repeat : RepeatCustomerWorth or str, optional
        From `repeat_customer_worth`, or why it cannot be said, which its line tells then.
    acquisition_cost : float, optional
        What it costs to win a new customer, in money, above 0.
    economics : DataFrame, optional
        Of a campaign's effect (`CampaignEffect.economics`), or of several one below the other: arm,
        cost_per_retained with its ends, refusal. Each arm gets its line.

    Returns
    -------
    LoyaltyClaims
        A claim whose input is not given has a line that names it.

    Raises
    ------
    SettingsError
        If the acquisition cost is not above 0.

    Notes
    -----
    Acquisition cost ÷ cost per retained customer has the ends of the latter, exchanged: the acquisition
    cost is given and taken as it is.

    Examples
    --------
    >>> arms = pd.DataFrame({"arm": ["coupon"], "cost_per_retained": [10.0], "refusal": [""],
    ...     "cost_per_retained_low": [8.0], "cost_per_retained_high": [16.0]})
    >>> print(loyalty_claims(acquisition_cost=40.0, economics=arms).lines()[2])
    winning a customer costs five times as much as keeping one: here 4.0 (2.5 to 5.0), open.
    """
    if acquisition_cost is not None and not 0.0 < acquisition_cost < np.inf:
        raise SettingsError(
            f"acquisition_cost: expected an amount of money above 0; got {acquisition_cost!r}."
        )
    rows = [_of_retention(worth), _of_repeat(repeat), *_of_costs(acquisition_cost, economics)]
    return LoyaltyClaims(pd.DataFrame(rows))


def _of_retention(worth: RetentionWorth | RetentionInShort | str | None) -> dict[str, object]:
    if worth is None or isinstance(worth, str):
        return _row("retention", None, worth or phrase(_NO_WORTH))
    rows = worth.scenarios[worth.scenarios["points"] == CLAIMED_POINTS]
    if rows.empty:
        missing = phrase("Missing: 5 among the points of retention that were asked for.")
        return _row("retention", None, missing)
    row = rows.iloc[0]
    if row["refusal"]:
        return _row("retention", None, str(row["refusal"]))
    ends = (float(row[name]) for name in ("percent", "percent_low", "percent_high"))
    return _row("retention", Interval(*ends))


def _of_repeat(repeat: RepeatCustomerWorth | str | None) -> dict[str, object]:
    if repeat is None or isinstance(repeat, str):
        return _row("repeat", None, repeat or phrase(_NO_REPEAT))
    return _row("repeat", repeat.ratio)


def _of_costs(
    acquisition_cost: float | None, economics: pd.DataFrame | None
) -> Iterable[dict[str, object]]:
    if acquisition_cost is None:
        return [_row("acquisition", None, phrase(_NO_COST))]
    if economics is None or economics.empty:
        return [_row("acquisition", None, phrase(_NO_CAMPAIGN))]
    names = [f"cost_per_retained{end}" for end in ("", "_high", "_low")]
    found = []
    for _, arm in economics.iterrows():
        costs = [float(arm.get(name, np.nan)) for name in names]
        if not np.isfinite(costs).all():
            said = str(arm.get("refusal", "")) or phrase(_NO_CAMPAIGN)
            found.append(_row("acquisition", None, said))
            continue
        found.append(_row("acquisition", Interval(*(acquisition_cost / cost for cost in costs))))
    return found


def _row(claim: str, found: Interval | None, missing: str = "") -> dict[str, object]:
    """A row of the table, by a store's own number or by what is missing of it."""
    least, most = CLAIMED[claim]
    row: dict[str, object] = {"claim": phrase(_CLAIMS[claim]), "said_low": least, "said_high": most}
    value, low, high = (np.nan,) * 3 if found is None else (found.value, found.low, found.high)
    verdict = ""
    if found is not None:
        verdict = phrase(
            MORE
            if low > most
            else LESS
            if high < least
            else AS_SAID
            if least <= low and high <= most
            else OPEN
        )
    return row | {
        "value": value,
        "low": low,
        "high": high,
        "verdict": verdict,
        "missing": missing,
    }
