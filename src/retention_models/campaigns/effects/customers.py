"""A campaign's customers: arms as numbers, covariates by outcome, and whom they can be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.campaigns.data.tables import CampaignCustomers, Check
from retention_models.languages import catalogue, counted, phrase, quoted
from retention_models.settings.campaigns import Outcome

# Chosen once on simulated shops: of the sets tried, those that narrow each outcome's interval most.
BY_OUTCOME: dict[Outcome, tuple[str, ...]] = {
    "purchases": ("expected_purchases",),
    "bought": ("expected_purchases", "probability_alive", "recency"),
    "spend": ("expected_spend", "expected_purchases"),
    "profit": ("expected_spend", "expected_purchases"),
}
WHERE_THERE = ("no_history", "other_campaigns")
# What decides who is chosen for a campaign, or joins it, is in a customer's history.
OF_CHOICE = (
    "expected_purchases",
    "probability_alive",
    "recency",
    "frequency",
    "log_T",
    "expected_spend",
)
# A few customers have much of all purchases and spend. A choice modelled on these alone gives them most
# of the weight; with the logarithms beside them, the controls of the grocery demonstration's largest
# campaigns are worth two to six times as many customers, and both sides are alike.
SKEWED = ("expected_purchases", "frequency", "expected_spend")
# What readers call them.
NAMES = catalogue(
    {
        "expected_purchases": "expected purchases",
        "probability_alive": "P(alive)",
        "recency": "recency",
        "frequency": "frequency",
        "log_T": "time as a customer",
        "expected_spend": "expected spend",
        "no_history": "whether they had bought before",
        "other_campaigns": "other campaigns",
        # Stores are compared in their outcomes before it began.
        "purchases": "purchases",
        "bought": "bought",
        "spend": "spend",
        "profit": "profit",
    }
)
# A slope that fewer customers of an arm decide is worse than none.
FEWEST_THAT_DIFFER = 20


def covariate_name(name: str) -> str:
    """What readers call a covariate; one that whoever called has named keeps its name."""
    return phrase(NAMES[name]) if name in NAMES else name


def in_words(names: Iterable[str]) -> str:
    """Names of covariates as readers know them, one after the other."""
    return quoted(covariate_name(name) for name in names)


def for_choice(covariates: pd.DataFrame, treated: NDArray[np.bool_]) -> pd.DataFrame:
    """What the choice of customers is modelled on: covariates, and logarithms of the skewed ones.

    Shapes: covariates (n, k), treated (n,), returned (n, k or more).

    >>> before = pd.DataFrame({"frequency": np.arange(90.0) % 7, "recency": np.arange(90.0) % 5})
    >>> list(for_choice(before, np.arange(90) % 2 == 0).columns)
    ['frequency', 'recency', 'log_frequency']
    """
    skewed = [name for name in SKEWED if name in covariates.columns]
    logs = np.log1p(covariates[skewed].clip(lower=0.0)).add_prefix("log_")
    both = pd.concat([covariates, logs], axis=1)
    return both[usable(both, list(both.columns), treated.astype(np.intp))]


def usable(covariates: pd.DataFrame, names: Sequence[str], arm: NDArray[np.intp]) -> list[str]:
    """Covariates among `names` and those told where they vary, that vary by themselves in every arm.

    Shapes: covariates (n, k), arm (n,).

    >>> before = pd.DataFrame({"expected_purchases": np.arange(90.0) % 7})
    >>> before["expected_spend"] = 3.0 * before["expected_purchases"]
    >>> usable(before, ["expected_spend", "expected_purchases"], np.arange(90) % 2)
    ['expected_spend']
    """
    wanted = [name for name in (*names, *WHERE_THERE) if name in covariates.columns]
    values = covariates[wanted].to_numpy(dtype=float)
    kept = list(range(len(wanted)))
    for label in range(int(arm.max()) + 1):
        kept = _apart(values[arm == label], kept)
    return [wanted[k] for k in kept]


def _apart(values: NDArray[np.float64], columns: list[int]) -> list[int]:
    """Columns that vary, and that those before do not determine, within one arm."""
    centred = values - values.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    kept: list[int] = []
    gram = centred.T @ centred
    for column in columns:
        if _differing(values[:, column]) < FEWEST_THAT_DIFFER or not scale[column] > 0.0:
            continue
        rest = gram[column, column]
        if kept:
            with_kept = gram[np.ix_(kept, kept)] / np.outer(scale[kept], scale[kept])
            pull = gram[kept, column] / scale[kept]
            rest -= float(pull @ np.linalg.solve(with_kept, pull))
        if rest > 1e-8 * gram[column, column]:
            kept.append(column)
    return kept


def _differing(values: NDArray[np.float64]) -> int:
    """Customers who do not have the commonest value; a value that most have is the median."""
    return int((values != np.median(values)).sum()) if values.size else 0


# Every text of a million customers is slow to look at: the regressions get the arms as numbers.
CONTROL = 0


@dataclass(frozen=True)
class RandomisedArms:
    """Customers by arm.

    Shapes: codes (n,).
    """

    labels: tuple[str, ...]
    codes: NDArray[np.intp]
    names: Mapping[Outcome, list[str]]

    @property
    def counts(self) -> NDArray[np.intp]:
        """Customers of each arm."""
        return np.bincount(self.codes, minlength=len(self.labels))


def arms_by_lot(data: CampaignCustomers, outcomes: tuple[Outcome, ...]) -> RandomisedArms:
    """The arms of a campaign and the covariates that vary in each of them."""
    control = data.campaign.control
    found, values = pd.factorize(data.table["arm"])
    labels = (control, *sorted(str(value) for value in values if value != control))
    place = np.array([labels.index(str(value)) for value in values], dtype=np.intp)
    codes = place[found]
    by_names: dict[tuple[str, ...], list[str]] = {}
    for outcome in outcomes:
        asked = BY_OUTCOME[outcome]
        if asked not in by_names:
            by_names[asked] = usable(data.covariates, asked, codes)
    return RandomisedArms(
        labels, codes, {outcome: by_names[BY_OUTCOME[outcome]] for outcome in outcomes}
    )


def part_of(data: CampaignCustomers, kept: NDArray[np.bool_]) -> CampaignCustomers:
    """Some of the campaign's customers.

    Shapes: kept (n,).
    """
    return CampaignCustomers(
        campaign=data.campaign,
        table=data.table.loc[kept],
        covariates=data.covariates.loc[kept],
        outcomes={window: frame.loc[kept] for window, frame in data.outcomes.items()},
        findings=data.findings,
        last_day=data.last_day,
        margin=data.margin,
    )


def comparable_part(
    data: CampaignCustomers,
) -> tuple[CampaignCustomers, NDArray[np.bool_], list[Check]]:
    """The campaign without those who had not bought before, where control has nobody like them.

    Shapes: known (n,).
    """
    everyone = np.ones(len(data.table), dtype=bool)
    if "no_history" not in data.covariates:
        return data, everyone, []
    new = data.covariates["no_history"].to_numpy(dtype=float) > 0.0
    control = (data.table["arm"] == data.campaign.control).to_numpy()
    if not new.any() or (new & control).sum() >= FEWEST_THAT_DIFFER:
        return data, everyone, []
    words = phrase(
        "{customers} had not bought before the campaign, and hardly anyone without the campaign is like "
        "them: they are left out, and nothing is said of them.",
        customers=counted(int(new.sum()), "customer"),
    )
    finding = Check("customers with history", passed=False, blocks=False, words=words)
    return part_of(data, ~new), ~new, [finding]
