"""Who responded most: the effect of a randomised campaign in each segment of its customers.

Each segment is a test of its own (`randomised`), so the segments' estimates are independent. The one
that looks best of many looks better than it is: whether the segments differ at all is tested first
(Cochran's Q), each p-value allows for the number of segments (Benjamini & Hochberg), and each effect is
also given shrunk towards the others (`shrunken`). Segments must be known before the campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from retention_models.campaigns.arms import Arms, check_same_customers, read_arms
from retention_models.campaigns.arrays import refuse_rows
from retention_models.campaigns.checks import FEWEST_IN_ARM
from retention_models.campaigns.pooling import benjamini_hochberg
from retention_models.campaigns.randomised import Effect, randomised_effect
from retention_models.campaigns.shrunken import shrunken
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import count, marked, phrase

OTHERS = marked("others")

# Of covariates at a standard deviation of 1 over all customers.
_NO_SPREAD = 1e-6
_SHOWN = (
    "customers",
    "customers_against",
    "absolute_effect",
    "standard_error",
    "conf_low",
    "conf_high",
    "pvalue",
)


@dataclass(frozen=True, slots=True)
class SegmentEffects:
    """Effects by segment, each arm against control.

    Attributes
    ----------
    table : DataFrame
        One row an arm and segment: arm, segment, customers, customers_against, absolute_effect,
        standard_error, conf_low, conf_high, pvalue, pvalue_bh (adjusted over all rows), shrunk_effect,
        shrunk_low, shrunk_high.
    differences : DataFrame
        One row an arm: arm, segments, statistic (Cochran's Q), pvalue of no difference between
        segments, tau, the standard deviation of true effects between them, and mean, their mean.
    control : hashable
    interval : float
        Level of all intervals.
    words : tuple of str
        Which segments were merged, left out, or compared without covariates.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    control: Hashable
    interval: float
    words: tuple[str, ...]


def segment_effects(
    outcome: ArrayLike,
    arm: ArrayLike,
    segment: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    control: Hashable,
    interval: float = 0.95,
    called: Callable[[Hashable], object] = lambda name: name,
) -> SegmentEffects:
    """Effect of each arm in each segment, raw and shrunk, and whether segments differ.

    Parameters
    ----------
    outcome, arm, covariates, control, interval
        As in `randomised_effect`.
    segment : array_like, shape (n,)
        What each customer was before the campaign, such as a store or a class of loyalty. Segments with
        fewer than 100 customers in an arm are put together as "others".
    called : callable
        From a segment to its name in words; itself unless given.

    Returns
    -------
    SegmentEffects

    Raises
    ------
    SettingsError, DataError
        Where the arms, the segments, the shapes or the numbers are not as expected.
    CannotSay
        Where fewer than two segments are large enough.

    Notes
    -----
    Q = Σ w_s (d_s − d̄)², with w_s = 1 ÷ SE_s² and d̄ their weighted mean, is χ² with segments − 1
    degrees of freedom where all true effects are the same (Cochran, Biometrics 10 (1954), 101–129).

    Examples
    --------
    >>> rng = np.random.default_rng(6)
    >>> arm, segment = rng.integers(0, 2, 6000), rng.choice(["new", "old", "lapsed"], 6000)
    >>> spend = rng.normal(20.0, 5.0, 6000) + arm * np.where(segment == "new", 3.0, 1.0)
    >>> found = segment_effects(spend, arm, segment, control=0)
    >>> found.table[["segment", "absolute_effect", "shrunk_effect"]].round(1).to_numpy().tolist()
    [['lapsed', 1.1, 1.1], ['new', 2.7, 2.7], ['old', 1.0, 1.0]]
    >>> bool(found.differences["pvalue"].item() < 0.001)
    True
    """
    arms = read_arms(outcome, arm, covariates, control)
    check_same_customers(outcome=outcome, segment=segment)
    place, names, words = _merged(*_segments(segment, arms.outcome.size), arms, called)
    effects: list[tuple[Hashable, Effect]] = []
    for i, name in enumerate(names):
        try:
            found, unused = _of_segment(arms, place == i, control, interval)
        except CannotSay:
            words.append(
                phrase(
                    "{segment} is left out: its customers do not differ in the outcome yet.",
                    segment=repr(called(name)),
                )
            )
            continue
        if unused:
            words.append(
                phrase(
                    "{segment} is compared without {covariates}, which vary too little.",
                    segment=repr(called(name)),
                    covariates=", ".join(unused),
                )
            )
        effects += [(name, effect) for effect in found]
    if len(effects) < 2 * (len(arms.labels) - 1):
        raise CannotSay(
            phrase(
                "Fewer than two segments have {fewest} customers in each arm and some who bought, so "
                "nothing can be said of who responded most. Use fewer and larger segments.",
                fewest=count(FEWEST_IN_ARM),
            )
        )
    table = _table(effects)
    compared = [
        _compared(label, table.loc[table["arm"] == label], interval) for label in arms.labels[1:]
    ]
    shrunk, differences = zip(*compared, strict=True)
    return SegmentEffects(
        pd.concat(shrunk, ignore_index=True),
        pd.DataFrame(list(differences)),
        control,
        interval,
        tuple(words),
    )


def _segments(segment: ArrayLike, n: int) -> tuple[NDArray[np.intp], list[Hashable]]:
    """Each customer's segment as a place in a list of them."""
    if np.shape(segment) != (n,):
        raise SettingsError(
            f"segment has shape {np.shape(segment)}; expected one for each of the {n:,} outcomes."
        )
    codes, found = pd.factorize(pd.Series(segment), sort=True)
    refuse_rows("segment", codes < 0, 'a segment for every customer, such as "unknown"')
    return codes, list(found)


def _merged(
    codes: NDArray[np.intp],
    names: list[Hashable],
    arms: Arms,
    called: Callable[[Hashable], object],
) -> tuple[NDArray[np.intp], list[Hashable], list[str]]:
    """Segments with enough customers in each arm, then the others as one if they have enough."""
    sizes = np.zeros((len(names), len(arms.labels)), dtype=int)
    np.add.at(sizes, (codes, arms.index), 1)
    enough = (sizes.min(axis=1) >= FEWEST_IN_ARM) & np.array([name != OTHERS for name in names])
    if enough.all():
        return codes, names, []
    kept = [name for name, large in zip(names, enough, strict=True) if large]
    place = np.where(enough, enough.cumsum() - 1, len(kept))[codes]
    small = [name for name, large in zip(names, enough, strict=True) if not large]
    listed = ", ".join(str(called(name)) for name in small[:5]) + (", …" if len(small) > 5 else "")
    told = {"n": count(len(small)), "fewest": count(FEWEST_IN_ARM), "segments": listed}
    if sizes[~enough].sum(axis=0).min() < FEWEST_IN_ARM:
        sentence = marked(
            "{n} segment(s) with fewer than {fewest} customers in an arm ({segments}) are left out: "
            "together, too, they have fewer."
        )
        return place, kept, [phrase(sentence, **told)]
    sentence = marked(
        "{n} segment(s) with fewer than {fewest} customers in an arm ({segments}) are put together as "
        '"{others}".'
    )
    return place, [*kept, OTHERS], [phrase(sentence, **told, others=phrase(OTHERS))]


def _of_segment(
    arms: Arms, rows: NDArray[np.bool_], control: Hashable, interval: float
) -> tuple[tuple[Effect, ...], list[str]]:
    """Effects of the arms against control in one segment, and the covariates it cannot use."""
    place, X = arms.index[rows], arms.covariates[rows]
    spread = np.array([X[place == g].std(axis=0) for g in range(len(arms.labels))])
    usable = np.asarray((spread > _NO_SPREAD).all(axis=0))
    given = (arms.outcome[rows], np.array(arms.labels, dtype=object)[place])
    try:
        found = randomised_effect(*given, X[:, usable], control=control, interval=interval)
    except CannotSay:
        usable[:] = False
        found = randomised_effect(*given, control=control, interval=interval)
    unused = [name for name, used in zip(arms.names, usable, strict=True) if not used]
    return tuple(effect for effect in found.effects if effect.against == control), unused


def _table(effects: list[tuple[Hashable, Effect]]) -> pd.DataFrame:
    """One row an effect, p-values adjusted over all."""
    table = pd.DataFrame(
        [
            {"arm": effect.arm, "segment": name}
            | {field: getattr(effect, field) for field in _SHOWN}
            for name, effect in effects
        ]
    )
    return table.assign(pvalue_bh=benjamini_hochberg(table["pvalue"]))


def _compared(
    arm: Hashable, rows: pd.DataFrame, interval: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """An arm's segments with their shrunk effects; and how much they differ."""
    effect, error = (rows[name].to_numpy() for name in ("absolute_effect", "standard_error"))
    given_all = shrunken(effect, error, interval=interval)
    precision = 1.0 / error**2
    statistic = float(precision @ (effect - precision @ effect / precision.sum()) ** 2)
    return (
        rows.assign(
            shrunk_effect=given_all.effect, shrunk_low=given_all.low, shrunk_high=given_all.high
        ),
        {
            "arm": arm,
            "segments": len(rows),
            "statistic": statistic,
            "pvalue": float(chdtrc(len(rows) - 1.0, statistic)),
            "tau": given_all.tau,
            "mean": given_all.mean,
        },
    )
