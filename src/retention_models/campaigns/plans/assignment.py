"""Who gets which arm: by chance that can be drawn again, within strata of alike customers.

Customers are sorted by what they are expected to buy and cut into strata. Within a stratum their
order is that of SHA-256 of the campaign's seed, its id and the customer's id: as good as chance,
yet the same on every machine, in every version of every package, and whatever the order of the
rows; another seed or another campaign gives an order that has nothing to do with it. The first of
that order get the first arm, the next the second, and so on: a permuted block for each stratum. A
stratum of n customers gives an arm of share s either ⌊n·s⌋ or ⌈n·s⌉ of them, and which of the two
is drawn so that every customer's chance of the arm is s exactly.

Strata: Imai, King & Nall, Statistical Science 24 (2009), on what pairs and blocks gain. Unbiased
rounding: systematic sampling, Madow, Annals of Mathematical Statistics 20 (1949), 333–354.

An assignment's files are never overwritten by another one: offers may have gone out by them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.data.spreadsheets import formula_safe
from retention_models.errors import DataError, SettingsError
from retention_models.languages import count, listed, plural
from retention_models.languages.results import Card, Result
from retention_models.settings.campaigns import Campaign
from retention_models.summaries.customers import Day, as_day


def planned_shares(campaign: Campaign) -> dict[str, float]:
    """Share of each arm of a randomised campaign, control first; scaled to add up to 1."""
    shares = campaign.shares
    if campaign.design != "randomised":
        raise SettingsError(
            f"campaign {campaign.id!r}: design is {campaign.design!r}; customers are put in arms by "
            'chance only where it is "randomised".'
        )
    above = all(math.isfinite(share) and share > 0.0 for share in shares.values())
    if len(shares) < 2 or campaign.control not in shares or not above:
        raise SettingsError(
            f"campaign {campaign.id!r}: shares are {shares}; expected the share of each arm, that of "
            f"{campaign.control!r} among them, all above 0, such as "
            f"{{ {campaign.control} = 0.5, coupon = 0.5 }}."
        )
    total = sum(shares.values())
    first = {campaign.control: shares[campaign.control] / total}
    return first | {arm: share / total for arm, share in shares.items() if arm != campaign.control}


Places = NDArray[np.intp]

STRATA = 10
COLUMNS = ("campaign_id", "customer_id", "arm", "assigned_at")


@dataclass(frozen=True, repr=False)
class CampaignAssignment(Result):
    """Which customer gets which arm of a campaign.

    Attributes
    ----------
    campaign : Campaign
    table : DataFrame, shape (customers, 4)
        campaign_id, customer_id, arm (all text), assigned_at (day); sorted by customer_id. What
        `write_assignment` writes and `read_campaign` reads.
    strata : DataFrame, index stratum
        lowest and highest expected_purchases (both missing in stratum 0: customers without history),
        customers, and a column of customers for each arm.

    Examples
    --------
    >>> from retention_models.settings.campaigns import Campaign
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), seed=7,
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> expected = pd.DataFrame({"expected_purchases": [0.1, 0.2, 3.0, 4.0]}, index=list("abcd"))
    >>> drawn = assign_customers(expected, coupon, strata=2, assigned_at="2024-02-28")
    >>> drawn.arms.to_dict()
    {'control': 2, 'coupon': 2}
    """

    campaign: Campaign
    table: pd.DataFrame = field(repr=False)
    strata: pd.DataFrame = field(repr=False)

    def _card(self) -> Card:
        facts = {"customers": listed(f"{count(n)} {arm}" for arm, n in self.arms.items())}
        return Card(f"Arms of the campaign {self.campaign.name}", facts, self.strata)

    @property
    def arms(self) -> pd.Series:
        """Customers of each arm, control first."""
        return self.strata[list(planned_shares(self.campaign))].sum()

    def summary(self) -> str:
        """What was drawn, in a sentence or two.

        Examples
        --------
        >>> from retention_models.settings.campaigns import Campaign
        >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), seed=7,
        ...     shares={"control": 0.5, "coupon": 0.5})
        >>> expected = pd.DataFrame({"expected_purchases": [0.1, 0.2, 3.0, 4.0]}, index=list("abcd"))
        >>> drawn = assign_customers(expected, coupon, strata=2, assigned_at="2024-02-28")
        >>> drawn.summary().split(" by ")[0]
        '4 customers were put in the arms of Spring'
        """
        return plural(
            "{customers} customer was put in the arms of {name} by chance ({arms}), within {strata} "
            "strata of what they are expected to buy, so that the arms are alike before it starts. "
            "Seed {seed} and the campaign's id draw the same arms again.",
            "{customers} customers were put in the arms of {name} by chance ({arms}), within "
            "{strata} strata of what they are expected to buy, so that the arms are alike before it "
            "starts. Seed {seed} and the campaign's id draw the same arms again.",
            len(self.table),
            customers=count(len(self.table)),
            name=self.campaign.name,
            arms=listed(f"{arm} {count(n)}" for arm, n in self.arms.items()),
            strata=count(len(self.strata)),
            seed=self.campaign.seed,
        )


def assign_customers(
    customers: pd.DataFrame,
    campaign: Campaign,
    *,
    strata: int = STRATA,
    assigned_at: Day | None = None,
) -> CampaignAssignment:
    """Put every customer in an arm of a randomised campaign, by chance that can be drawn again.

    Parameters
    ----------
    customers : DataFrame, index customer_id (text)
        With the column expected_purchases: `CampaignPlan.customers`, or what `predict_customers`
        gives. Missing for customers without history: they are a stratum of their own.
    campaign : Campaign
        Randomised, with the share of each arm.
    strata : int
        Quantiles of expected purchases; customers who are expected to buy the same are never parted,
        so that there may be fewer.
    assigned_at : date or str, optional
        Day on which the arms are drawn, today unless given: on or before the campaign's first day.

    Returns
    -------
    CampaignAssignment
        The same for the same campaign and customers, whatever the order of rows.

    Raises
    ------
    SettingsError
        Where the campaign is not randomised or has no shares, or a parameter is not of its range.
    DataError
        Where customers are not named by text, are named twice, or expected_purchases is no number.

    Notes
    -----
    Draw once, when the list of customers is final, and keep the file (`write_assignment`): other
    customers in a stratum move the boundary between its arms, and with it a customer beside it.

    Examples
    --------
    >>> from retention_models.settings.campaigns import Campaign
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), seed=7,
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> expected = pd.DataFrame({"expected_purchases": [0.1, 0.2, 3.0, 4.0]}, index=list("abcd"))
    >>> drawn = assign_customers(expected, coupon, strata=2, assigned_at="2024-02-28")
    >>> drawn.strata[["customers", "control", "coupon"]].to_numpy().tolist()
    [[2, 1, 1], [2, 1, 1]]
    >>> drawn.table["arm"].tolist()
    ['coupon', 'control', 'control', 'coupon']
    """
    shares = planned_shares(campaign)
    if isinstance(strata, bool) or not isinstance(strata, int) or strata < 1:
        raise SettingsError(f"strata: expected a whole number from 1; got {strata!r}.")
    day = _day_of_drawing(campaign, assigned_at)
    expected = _checked(customers)
    stratum = _strata(expected.to_numpy(), strata)
    ids = expected.index.to_numpy(dtype=object)
    arm = np.empty(len(ids), dtype=object)
    for number in np.unique(stratum):
        members = np.flatnonzero(stratum == number)
        order = members[_order(campaign, ids[members])]
        ends = _ends(len(order), np.array(list(shares.values())), _uniform(campaign, int(number)))
        for name, part in zip(shares, np.split(order, ends[:-1]), strict=True):
            arm[part] = name
    table = pd.DataFrame({"customer_id": ids, "arm": arm}, dtype="str")
    table.insert(0, "campaign_id", pd.Series(campaign.id, index=table.index, dtype="str"))
    table["assigned_at"] = pd.Series(day, index=table.index, dtype="date32[pyarrow]")
    return CampaignAssignment(campaign, table, _by_stratum(expected, stratum, arm, list(shares)))


def _day_of_drawing(campaign: Campaign, assigned_at: Day | None) -> dt.date:
    """The day, or an error where the campaign has begun by then."""
    day = dt.date.today() if assigned_at is None else as_day(assigned_at, "assigned_at")
    if day > campaign.start:
        raise SettingsError(
            f"assigned_at: campaign {campaign.id!r} starts on {campaign.start}, and the arms would be "
            f"drawn on {day}. Draw them before it starts, or give the day on which they were drawn."
        )
    return day


def _checked(customers: pd.DataFrame) -> pd.Series:
    """Expected purchases, sorted by customer, or an error that names rows."""
    if "expected_purchases" not in customers.columns:
        raise SettingsError(
            "customers: expected the column expected_purchases, as in CampaignPlan.customers or from "
            f"predict_customers; got {', '.join(map(str, customers.columns)) or 'no column'}."
        )
    ids = customers.index
    wrong = [each for each in ids if not isinstance(each, str) or not each.strip()]
    if wrong:
        raise DataError(
            f"customers: expected an index of customer ids as text; {len(wrong):,} are not, such as "
            f"{wrong[0]!r}. Read ids as text, so that 0042 stays 0042."
        )
    twice = sorted(ids[ids.duplicated()].unique())
    if twice:
        raise DataError(
            f"customers: expected one row for each customer; {len(twice):,} have several, such as "
            f"{twice[0]!r}."
        )
    values = pd.to_numeric(customers["expected_purchases"], errors="coerce").astype(float)
    unread = values.isna() & customers["expected_purchases"].notna()
    bad = values.index[np.isinf(values) | (values < 0) | unread]
    if len(bad):
        raise DataError(
            f"customers: expected_purchases of {len(bad):,} customers is not a number from 0, such as "
            f"that of {bad[0]!r}."
        )
    # By code points, as no locale changes them.
    return values.iloc[np.argsort(ids.to_numpy(dtype=object), kind="stable")]


def _strata(expected: NDArray[np.float64], strata: int) -> NDArray[np.int64]:
    """Number of each customer's stratum from 1, shape (n,); 0 for those without history."""
    known = np.isfinite(expected)
    found = np.zeros(expected.size, dtype=np.int64)
    if known.any():
        # Edges are values that occur, so that a stratum's highest is in it and ties stay together.
        shares = np.arange(1, strata) / strata
        edges = np.unique(np.quantile(expected[known], shares, method="inverted_cdf"))
        places = np.searchsorted(edges, expected[known], side="left")
        found[known] = np.unique(places, return_inverse=True)[1] + 1
    return found


def _hash(campaign: Campaign, use: str) -> Any:
    """SHA-256 of the campaign's seed and id, to be continued; the length keeps ids from running on."""
    start = f"{use}:{campaign.seed}:{len(campaign.id)}:{campaign.id}:"
    return hashlib.sha256(start.encode())


def _order(campaign: Campaign, ids: NDArray[np.object_]) -> Places:
    """Order of customers by their hash, shape (n,)."""
    base = _hash(campaign, "customer")
    digests = []
    for each in ids:
        own = base.copy()
        own.update(each.encode())
        digests.append(own.digest())
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), dtype=np.intp)


def _uniform(campaign: Campaign, stratum: int) -> float:
    """A number from 0 to below 1 that belongs to a campaign's stratum."""
    own = _hash(campaign, "stratum")
    own.update(str(stratum).encode())
    return (int.from_bytes(own.digest()[:8], "big") >> 11) / 2.0**53


def _ends(customers: int, shares: NDArray[np.float64], start: float) -> Places:
    """Where each arm ends in the order of a stratum: its size is within 1 of its share."""
    # ⌊n·C_k + u⌋ has mean n·C_k; the difference of two is ⌊n·s⌋ or ⌈n·s⌉ (nearer than 1 to n·s).
    ends = np.floor(customers * np.cumsum(shares) + start)
    ends[-1] = customers
    return np.minimum(ends, customers).astype(np.intp)


def _by_stratum(
    expected: pd.Series, stratum: NDArray[np.int64], arm: NDArray[np.object_], arms: list[str]
) -> pd.DataFrame:
    """Range of expected purchases and customers of each arm, by stratum."""
    by_number = expected.groupby(stratum)
    counts = pd.crosstab(stratum, arm).reindex(columns=arms, fill_value=0)
    table = pd.DataFrame(
        {"lowest": by_number.min(), "highest": by_number.max(), "customers": by_number.size()}
    )
    table = table.join(counts)
    table.index.name = "stratum"
    return table


_DRAWN = ["campaign_id", "customer_id", "arm"]
_KEPT = (
    "It was left as it is, for offers may have gone out by it. Read the effect from it, write to "
    "another path, or remove it yourself if nothing was sent."
)


def write_assignment(assignment: CampaignAssignment, path: str | Path) -> Path:
    """Write who gets which arm: Parquet for `read_campaign`, and CSV beside it for a spreadsheet.

    Parameters
    ----------
    assignment : CampaignAssignment
        From `assign_customers`.
    path : str or Path
        Of the Parquet file, such as data/raw/assignments/spring-coupon.parquet: one file for each
        campaign, which `assignments = "data/raw/assignments/*.parquet"` reads together.

    Returns
    -------
    Path
        The Parquet file: campaign_id, customer_id, arm, assigned_at, texts as they are. In the CSV a
        text that a spreadsheet would run as a formula has a leading '.

    Raises
    ------
    SettingsError
        Where the path does not end in .parquet.
    DataError
        Where there is a file that holds another assignment: it is left as it is. The same arms drawn
        again on another day are no other assignment; the day in the file stays.

    Examples
    --------
    >>> import tempfile
    >>> from retention_models.settings.campaigns import Campaign
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), seed=7,
    ...     shares={"control": 0.5, "coupon": 0.5})
    >>> expected = pd.DataFrame({"expected_purchases": [0.1, 0.2, 3.0, 4.0]}, index=list("abcd"))
    >>> drawn = assign_customers(expected, coupon, strata=2, assigned_at="2024-02-28")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_assignment(drawn, f"{folder}/spring.parquet")
    ...     print(path.name, path.with_suffix(".csv").exists())
    spring.parquet True
    """
    target = Path(path)
    if target.suffix != ".parquet":
        raise SettingsError(f"path: expected a name that ends in .parquet; got {target}.")
    if target.exists():
        _require_same(assignment, target)
        return target
    shown = assignment.table.copy()
    for column in _DRAWN:
        shown[column] = [formula_safe(text) for text in shown[column]]
    lines, csv = shown.to_csv(index=False).encode(), target.with_suffix(".csv")
    if csv.exists() and csv.read_bytes() != lines:
        raise DataError(f"{csv}: exists and holds something else. {_KEPT}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The Parquet file last: where it is, both are whole.
    _write_whole(lines, csv)
    _write_whole(assignment.table.to_parquet(index=False), target)
    return target


def _write_whole(content: bytes, target: Path) -> None:
    """Write a file whole or not at all."""
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _require_same(assignment: CampaignAssignment, path: Path) -> None:
    """Raise where a file does not hold the same arms for the same customers."""
    try:
        found = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: exists and is no assignment file ({error}). {_KEPT}") from None
    missing = [column for column in COLUMNS if column not in found.columns]
    if missing:
        raise DataError(
            f"{path}: exists and is no assignment file (columns are missing: {', '.join(missing)}). "
            f"{_KEPT}"
        )
    before = found[_DRAWN].astype("str")
    both = before.merge(
        assignment.table, on=["campaign_id", "customer_id"], how="outer", suffixes=("", "_new")
    )
    other = both[both["arm"].isna() | both["arm_new"].isna() | (both["arm"] != both["arm_new"])]
    if len(other) or len(before) != len(assignment.table):
        example = f", such as {other['customer_id'].iloc[0]!r}" if len(other) else ""
        raise DataError(
            f"{path}: exists and holds another assignment: {len(other):,} customers are in one and not "
            f"in the other, or in another arm{example}. {_KEPT}"
        )
