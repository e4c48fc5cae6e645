"""The models that a store may get: simplest first, each with what its data must show to ask for it.

Every store has the BG/NBD. A further candidate is fitted only where a test on the data alone, which
needs no fit, says that there may be something to it; and it stands only where its likelihood then says
so too. Which of them the chain goes by is told by past forecasts (`contest`), or, where there are too
few of those, by the likelihood, store by store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import digamma

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.models.fitters import (
    BetaGeoFitter,
    MidLifeFitter,
    ModifiedBetaGeoCNBDFitter,
    ModifiedBetaGeoFitter,
    PurchaseFitter,
)
from retention_models.models.regular.days import added_by_days
from retention_models.models.regular.regularity import regularity_test
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions.season import seasonal_model

# Log-likelihood, given when customers were first seen, by which the model of customers of before and
# newcomers must beat the plain one: by chance a likelihood ratio of five parameters is twice this or
# more once in a hundred; and of one parameter, for k of regular buyers.
_MID_LIFE_GAIN, _REGULAR_GAIN = 7.54, 3.32
# Phases from which on a shop's regularity is more than habit: to buy on Saturdays, say, looks like two
# or so, and models of regular buyers then forecast worse than the BG/NBD (57 grocery stores).
_PHASES = 3
# Customers who never came back beyond what the BG/NBD says, in standard deviations.
_ONE_TIME = 2.0
# A store whose first purchase comes so many days after the log's first day opened then.
_OPENED_DAYS = 14
# The share of the log, up to its end, in which somebody must have been first seen.
_LATELY = 0.2

PLAIN, BY_STORE = "bg_nbd", "by_store"


@dataclass(frozen=True)
class StoreHistory:
    """A store's customers as of a day, and what else models of them ask for.

    `gaps` gives Σ ln gap of the same customers (`sum_log_gaps`), and is called where it is needed;
    `calendar` has the days whose season a model may follow, and `gaps_by_day` (`count_purchase_gaps`)
    is called where that is one of regular buyers.
    """

    log: Transactions
    summary: pd.DataFrame
    gaps: Callable[[], float]
    calendar: Calendar | None = None
    gaps_by_day: Callable[[], pd.DataFrame] | None = None

    @cached_property
    def columns(self) -> tuple[pd.Series, pd.Series, pd.Series]:
        """Frequency, recency and T."""
        return self.summary["frequency"], self.summary["recency"], self.summary["T"]

    @cached_property
    def log_gaps(self) -> float:
        """Σ ln gap, in the unit of recency."""
        return self.gaps()

    @cached_property
    def plain(self) -> BetaGeoFitter:
        """The BG/NBD."""
        return BetaGeoFitter().fit(*self.columns)

    @cached_property
    def _asked(self) -> dict[str, PurchaseFitter | None]:
        return {}

    def candidate(self, name: str) -> PurchaseFitter | None:
        """A candidate, fitted once; None where the data do not ask for it."""
        if name not in self._asked:
            self._asked[name] = CANDIDATES[name](self)
        return self._asked[name]

    @property
    def found(self) -> dict[str, PurchaseFitter]:
        """The candidates that the data ask for, by name; the BG/NBD among them."""
        asked = {name: self.candidate(name) for name in CANDIDATES}
        return {name: fitted for name, fitted in asked.items() if fitted is not None}

    def by(self, rule: str) -> PurchaseFitter:
        """The model by a rule, under the store's season where there is a calendar and one is carried."""
        chosen = self.without_season(rule)
        if self.calendar is None:
            return chosen
        return seasonal_model(self.summary, self.calendar, chosen, self.gaps_by_day)

    def without_season(self, rule: str) -> PurchaseFitter:
        """The model by a rule: a candidate where it is asked for, else the BG/NBD."""
        if rule != BY_STORE:
            return self.candidate(rule) or self.plain
        likely = [self.candidate(name) for name in (PLAIN, *_BY_LIKELIHOOD)]
        return min((one for one in likely if one is not None), key=lambda one: one.fit_.aic)


def _plain(history: StoreHistory) -> PurchaseFitter | None:
    return history.plain


def _modified(history: StoreHistory) -> PurchaseFitter | None:
    """Where more customers never came back than the BG/NBD says, and its likelihood is the lower."""
    x, _, T = (column.to_numpy(dtype=float) for column in history.columns)
    plain = history.plain
    ages, customers = np.unique(T, return_counts=True)
    none = plain.model.purchase_count_probability(0, ages, *plain.fit_.parameters)
    spread = np.sqrt(float(customers @ (none * (1.0 - none))))
    if (x == 0).sum() - float(customers @ none) <= _ONE_TIME * max(spread, 1e-9):
        return None
    fitted = ModifiedBetaGeoFitter().fit(*history.columns)
    better = fitted.log_likelihood_ > plain.log_likelihood_
    return fitted if better and fitted.fit_.verdict == "converged" else None


def _regular(history: StoreHistory) -> PurchaseFitter | None:
    """Where the gaps are much more even than chance makes them; dropout from the first purchase on."""
    try:
        test = regularity_test(*history.columns[:2], log_gaps=history.log_gaps)
    except CannotSay:  # nobody came often enough to tell
        return None
    if not (test.regular and _much_more_even(history, test.day)):
        return None
    fitted = ModifiedBetaGeoCNBDFitter().fit(*history.columns, log_gaps=history.log_gaps)
    gain = fitted.log_likelihood_ - history.plain.log_likelihood_
    told = fitted.fit_.verdict != "not identified"
    return fitted if gain > _REGULAR_GAIN and told else None


def _much_more_even(history: StoreHistory, day: float) -> bool:
    """Whether Σ ln gap is at least what it would be on average with so many phases a purchase."""
    x, t, _ = (column.to_numpy(dtype=float) for column in history.columns)
    back = x >= 1.0
    x, t = x[back], t[back]
    average = float((x * (np.log(t) + digamma(_PHASES) - digamma(_PHASES * x))).sum())
    added = added_by_days(_PHASES, x, t, np.ones(x.size), day)
    return history.log_gaps - added >= average


def _mid_life(history: StoreHistory) -> PurchaseFitter | None:
    """Where the store may have had customers when its log began, and the histories say so."""
    if not may_begin_in_mid_life(history.log, history.summary):
        return None
    both = MidLifeFitter().fit(*history.columns)
    asked = both.log_likelihood_ - history.plain.log_likelihood_ > _MID_LIFE_GAIN
    return both if asked and both.fit_.verdict == "converged" else None


# Simplest first: of two that forecast equally well the earlier one is used.
CANDIDATES: dict[str, Callable[[StoreHistory], PurchaseFitter | None]] = {
    PLAIN: _plain,
    "mbg_nbd": _modified,
    "mbg_cnbd": _regular,
    "mid_life": _mid_life,
}
# Those among which the likelihood alone may choose, store by store.
_BY_LIKELIHOOD = ("mbg_cnbd", "mid_life")
RULES = (*CANDIDATES, BY_STORE)


def may_begin_in_mid_life(log: Transactions, summary: pd.DataFrame) -> bool:
    """Whether a store may have had customers when the log began, and still gains new ones.

    Not where its first purchase comes well after the log's first day, for then it opened; nor where
    customers of before are left out anyway; nor where nobody has come lately, as in a cohort.
    """
    if log.first_seen_from is not None:
        return False
    first = dt.date.fromisoformat(str(summary.attrs["first_purchase"]))
    age = summary["T"]
    came_lately = float(age.min()) < float(age.max()) * _LATELY
    return (first - log.stores["first_day"].min()).days <= _OPENED_DAYS and came_lately
