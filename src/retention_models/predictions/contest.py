"""Which model a chain's forecasts go by: the one that would have forecast best at earlier days.

Each rule, a candidate where a store's data ask for it and else the BG/NBD, is scored on the chain's past
forecasts (`past_forecasts`): by ln P(what a customer did), a mean over customers, and by the continuous
ranked probability score of a store's total over what came, a mean over stores. The scores of two rules
are compared store by store, which gives the difference a standard error that allows for what moves all
customers of a store. Used is the simplest rule that is within one standard error of the best by both;
what was used before stays as long as it is.

The spread of totals is taken alike for all rules: chance with twice the variance of Poisson's, and the
scatter of usual stores. So the score of a total tells how far off it was, whatever a model said of its
own doubt.

Sources: Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation", JASA
102(477), 359–378, equation (21), for the score of a normal forecast; Breiman, Friedman, Olshen & Stone
(1984), "Classification and regression trees", section 3.4.3, for the rule of one standard error.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from retention_models.predictions.candidates import BY_STORE, PLAIN, RULES
from retention_models.predictions.past_forecasts import FEWEST, PastForecasts, Refit
from retention_models.predictions.scatter import USUAL

Array = NDArray[np.float64]

# Past forecasts tell nothing of a chain from fewer days or stores.
FEWEST_DAYS, FEWEST_STORES = 3, 5
# Days after which a contest is held again.
_KEPT = 28
_SCORES = ("log_score", "crps")
# Seconds after which whoever waits is told how far it is.
_SILENT = 4.0

# What a project file calls them.
_NAMED = {
    "BG/NBD": PLAIN,
    "MBG/NBD": "mbg_nbd",
    "MBG/CNBD-k": "mbg_cnbd",
    "mid-life": "mid_life",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Contest:
    """How a chain's models are chosen, and from what that is known."""

    rule: str  # a candidate's name, or "by_store": the likelihood, store by store
    held: dt.date  # day as of which the contest was held
    since: dt.date  # day from which on the rule has been in use
    # earlier days that it was told by; like stores, forecasts 0 where there were too few to tell
    days: int = 0
    stores: int = 0
    forecasts: int = 0
    gain: float = 0.0  # mean over customers of ln P(what each did), over that of the BG/NBD
    total_gain: float = 0.0  # share by which the score of totals is lower than the BG/NBD's
    named: bool = False  # whether the project file names the model, so that nothing was chosen

    def content(self) -> dict[str, Any]:
        """What `from_content` takes; JSON can hold it."""
        return {**asdict(self), "held": self.held.isoformat(), "since": self.since.isoformat()}

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Contest:
        """What `content` gave."""
        days = {name: dt.date.fromisoformat(content[name]) for name in ("held", "since")}
        return cls(**{**content, **days})


def hold_contest(
    past: PastForecasts, before: Contest | None = None, *, named: str | None = None
) -> Contest:
    """Choose a chain's rule by its past forecasts; `before` is the last one held.

    One held within four weeks stands, whatever a night adds. Where the project file has named a model
    there is nothing to choose.
    """
    if named is not None:
        return Contest(_NAMED[named], past.end, past.end, named=True)
    if before is not None and before.named:
        before = None
    if before is not None and 0 <= (past.end - before.held).days < _KEPT:
        return before
    nothing = Contest(BY_STORE, past.end, past.end)
    if len(past.days) < FEWEST_DAYS or len(past.stores) < FEWEST_STORES:
        return nothing
    rows: list[tuple[Any, ...]] = []
    told = time.monotonic()
    for number, refit in enumerate(past.refits, 1):
        rows += _scored(refit)
        if time.monotonic() - told > _SILENT:
            told = time.monotonic()
            logger.info("%d of %d past forecasts held against what came", number, len(past.refits))
    scores = pd.DataFrame(rows, columns=["store", "day", "customers", "rule", *_SCORES])
    days, stores = scores["day"].nunique(), scores["store"].nunique()
    if days < FEWEST_DAYS or stores < FEWEST_STORES:
        return nothing
    by_rule = scores.groupby("rule")[list(_SCORES)].sum()
    rule = choose(scores, None if before is None else before.rule)
    plain, won = by_rule.loc[PLAIN], by_rule.loc[rule]
    customers = float(scores.loc[scores["rule"] == PLAIN, "customers"].sum())
    since = past.end if before is None or before.rule != rule else before.since
    return Contest(
        rule=rule,
        held=past.end,
        since=since,
        days=int(days),
        stores=int(stores),
        forecasts=int((scores["rule"] == PLAIN).sum()),
        gain=float((won["log_score"] - plain["log_score"]) / customers),
        total_gain=float(1.0 - won["crps"] / plain["crps"]),
    )


def choose(scores: pd.DataFrame, before: str | None = None, rules: Sequence[str] = RULES) -> str:
    """The simplest rule (they come simplest first) within one standard error of the best by both scores.

    A row per rule and forecast: store, day, customers, rule, log_score (a sum over customers, the
    higher the better) and crps (the lower the better). The rule in use before stays where it is as
    good as the best.
    """
    by_store = scores.groupby(["store", "rule"])[["customers", *_SCORES]].sum().unstack("rule")
    number = scores.loc[scores["rule"] == PLAIN].groupby("store").size().to_numpy(dtype=float)
    customers = by_store["customers"][PLAIN].to_numpy(dtype=float)
    near = set(rules)
    for score, weights, sign in (("log_score", customers, 1.0), ("crps", number, -1.0)):
        table = sign * by_store[score]
        best = str(table.sum()[list(rules)].idxmax())
        differences = {rule: (table[best] - table[rule]).to_numpy(dtype=float) for rule in rules}
        close = {rule for rule in rules if _within_one(differences[rule], weights)}
        # Totals are what is planned by: where the two disagree, theirs is the last word.
        near = near & close or close
    if before in near:
        return str(before)
    return next(rule for rule in rules if rule in near)


def _within_one(differences: Array, weights: Array) -> bool:
    """Whether a mean difference, by store, is at most its standard error."""
    mean = differences.sum() / weights.sum()
    rest = differences - mean * weights
    error = np.sqrt(rest @ rest * rest.size / (rest.size - 1.0)) / weights.sum()
    return bool(mean <= error + 1e-12)


def _scored(refit: Refit) -> list[tuple[Any, ...]]:
    """Rows of `choose`'s table of one past forecast; none where the BG/NBD says nothing."""
    if refit.model(PLAIN) is None:
        return []
    found: dict[int, tuple[float, float]] = {}
    rows = []
    for rule in RULES:
        # What a rule's data leave open the plain model says.
        fitted = refit.model(rule) or refit.model(PLAIN)
        if fitted is None:
            return []
        if id(fitted) not in found:
            expected = refit.expected(fitted)
            if rule == PLAIN and expected < FEWEST:
                return []
            log_score = float(refit.log_scores(fitted).sum())
            found[id(fitted)] = log_score, crps_of_total(expected, refit.total)
        rows.append((refit.store, refit.day, refit.came.size, rule, *found[id(fitted)]))
    return rows


def crps_of_total(expected: float, came: float) -> float:
    """Continuous ranked probability score of a total, over what came.

    Formula: σ (z (2 Φ(z) − 1) + 2 φ(z) − 1/√π), z = (came − expected)/σ; Gneiting & Raftery (21).
    """
    spread = np.sqrt(2.0 * expected + (USUAL * expected) ** 2)
    z = (came - expected) / spread
    density = np.exp(-(z**2) / 2.0) / np.sqrt(2.0 * np.pi)
    return float(spread * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi)) / came)
