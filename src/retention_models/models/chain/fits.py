"""A chain's stores fitted together, by model: what is held of any chain, and what is found of this one.

The method is that of `shrinkage`; here stand the two models' likelihoods, weak priors free of units, and
the words that say how much of a store's estimate is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import CannotSay
from retention_models.languages import marked, phrase, plural, share
from retention_models.models import beta_dropout_likelihood, gamma_gamma
from retention_models.models.chain.shrinkage import (
    ChainPrior,
    ShrunkStores,
    borrow,
    shrink,
)
from retention_models.models.gamma_gamma import fit_gamma_gamma, is_money, require_variation
from retention_models.models.histories import count_histories
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, Objective

Array = NDArray[np.float64]
Columns = tuple[Array, ...]

_SPREAD = 0.5  # stores of a chain differ by factors of about e^½ = 1.6, before any data are seen
# So many customers whose spend differs by less than this are no accident: the price is fixed. Their
# likelihood has no maximum, or one so sharp that it alone would say how stores differ.
_SURELY_ALIKE, _ALIKE = 10, 1e-3
_VAGUE = 2.0  # a standard deviation of 2 on the log scale: a factor of 50 either way, at 95%

# Along ln r, ln(r/α) (the mean rate, which carries the unit of time), ln(a/b) (the odds to leave after
# a purchase) and ln √(ab) (how alike customers are in that): around one customer in eight leaving.
PURCHASES = ChainPrior(
    axes=np.array([[1.0, 0, 0, 0], [1, -1, 0, 0], [0, 0, 1, -1], [0, 0, 0.5, 0.5]]),
    centre=np.array([0.0, 0.0, -2.0, 0.0]),
    centre_sd=np.array([_VAGUE, np.inf, _VAGUE, _VAGUE]),
    scale=_SPREAD,
)
# Along ln p, ln q and ln(p·v/q) (the level of spend, which carries the currency).
SPEND = ChainPrior(
    axes=np.array([[1.0, 0, 0], [0, 1, 0], [1, -1, 1]]),
    centre=np.array([1.0, 1.0, 0.0]),
    centre_sd=np.array([_VAGUE, _VAGUE, np.inf]),
    scale=_SPREAD,
)
_UNLIKE_THE_OTHERS = marked(
    "This store's customers are so unlike those of the chain's other stores that one model does not "
    "hold them all, and the store is left out of it."
)
# What the messages speak of, as combinations of log-parameters: how often customers come back, whether
# they leave, and what they spend.
_OF_PURCHASES = {
    "back": np.array([1.0, -1.0, 0.0, 0.0]),
    "leave": np.array([0.0, 0.0, 1.0, -1.0]),
}
_OF_SPEND = {"spend": np.array([1.0, -1.0, 1.0])}


@dataclass(frozen=True, slots=True)
class _Model:
    """What fits to one model's stores, and the telling of them, differ in."""

    names: tuple[str, ...]
    prior: ChainPrior
    topics: Mapping[str, Array]
    objective: Callable[[Columns], Objective]  # of one store's columns
    why_not: Callable[..., str]  # of one store's columns: why it cannot be taken in


@dataclass(frozen=True, slots=True)
class ChainFit:
    """One model of all stores of a chain."""

    chain: MaximumLikelihoodFit  # of all customers together, as if the chain were one store
    centre: Array  # (k,), exp of the mean log-parameters, around which the stores lie
    # of that mean, (k, k), given how much stores differ
    centre_log_covariance: Array = field(repr=False)
    between: Array = field(repr=False)  # covariance of the log-parameters between stores, (k, k)
    # of highest posterior density, "shrunk"; log_covariance has the doubt about centre and `between`
    stores: Mapping[str, MaximumLikelihoodFit] = field(repr=False)
    # of the variance between stores, by store_id and parameter: 1 own data tell all, 0 borrowed
    own_share: pd.DataFrame = field(repr=False)
    # stores that the model cannot take in, and why; neither in `chain` nor in `stores`
    left_out: Mapping[str, str] = field(repr=False, default_factory=dict)
    found: ShrunkStores | None = field(repr=False, default=None)  # what further stores borrow from


def fit_chain_purchases(stores: Mapping[str, Columns]) -> ChainFit:
    """Fit the BG/NBD model to a chain's stores together: x, t_x, T of each store's customers."""

    def fit(some: Mapping[str, Columns]) -> ChainFit:
        chain = beta_dropout_likelihood.fit_bg_nbd(*_together(some))
        r, alpha, _, _ = chain.parameters
        return _fit_together(_PURCHASES, chain, np.log([r, alpha, 1.0, 1.0]), some)

    return _fit_without_odd(stores, {}, fit, _oddness_of_rate, _PURCHASES.why_not)


def lend_purchases(chain: ChainFit, store_id: str, columns: Columns) -> ChainFit:
    """The chain's model for one store more, which borrows from those fitted and tells them nothing."""
    return _lend(_PURCHASES, chain, store_id, columns)


def _oddness_of_rate(x: Array, t_x: Array, T: Array) -> float:
    """How far a store's purchases per customer and unit of time are from one, on the log scale."""
    return float(abs(np.log(x.sum() / T.sum()))) if x.any() and T.any() else -np.inf


def _unlike(*_: Array) -> str:
    """Why a store is left out that breaks the shared fit."""
    return phrase(_UNLIKE_THE_OTHERS)


def _fit_without_odd(
    stores: Mapping[str, Columns],
    left_out: dict[str, str],
    fit: Callable[[Mapping[str, Columns]], ChainFit],
    oddness: Callable[..., float],
    why: Callable[..., str],
) -> ChainFit:
    """Fit the stores together; where that breaks down, without the oddest of them, and so on.

    One store's data must not keep the others from their models.
    """
    some = {store: columns for store, columns in stores.items() if store not in left_out}
    while True:
        try:
            # What overflows on the way is judged by what comes of it.
            with np.errstate(all="ignore"):
                return replace(fit(some), left_out=left_out)
        except np.linalg.LinAlgError:
            oddest = max(some, key=lambda store: oddness(*some[store]))
        left_out[oddest] = why(*some.pop(oddest))
        if not any(np.isfinite(oddness(*columns)) for columns in some.values()):
            raise CannotSay(_UNLIKE_THE_OTHERS)


def _purchases_of(columns: Columns) -> Objective:
    known = count_histories(*columns)
    return lambda phi: beta_dropout_likelihood.log_likelihood_with_derivatives(phi, known, first=0)


def fit_chain_spend(stores: Mapping[str, Columns]) -> ChainFit:
    """Fit the Gamma-Gamma model to a chain's stores together: x ≥ 1 and m > 0 of each one's, or none."""
    refused = {store: _surely_no_spend(*columns) for store, columns in stores.items()}
    left_out = {store: reason for store, reason in refused.items() if reason}
    if len(left_out) == len(stores):
        raise CannotSay(next(iter(left_out.values())))

    def fit(some: Mapping[str, Columns]) -> ChainFit:
        x, m = _together(some)
        chain = fit_gamma_gamma(x, m, np.ones(x.size))
        return _fit_together(_SPEND, chain, np.log([1.0, 1.0, m.mean()]), some)

    return _fit_without_odd(stores, left_out, fit, _oddness_of_spend, _SPEND.why_not)


def lend_spend(chain: ChainFit, store_id: str, columns: Columns) -> ChainFit:
    """As `lend_purchases`: the Gamma-Gamma model for one store more."""
    why_not = _surely_no_spend(*columns)
    if why_not:
        return replace(chain, stores={}, left_out={store_id: why_not})
    return _lend(_SPEND, chain, store_id, columns)


def _surely_no_spend(x: Array, m: Array) -> str:
    """Why a store's spend cannot be modelled at all; empty where it may be."""
    # By chance a handful of customers may spend the same; the other stores say how they differ.
    return _why_no_spend(x, m, "") if x.size >= _SURELY_ALIKE or not is_money(m) else ""


def _why_no_spend(x: Array, m: Array, otherwise: str | None = None) -> str:
    """Why a store's spend cannot be modelled."""
    try:
        require_variation(m, alike=_ALIKE)
    except CannotSay as refusal:
        return str(refusal)
    return _unlike() if otherwise is None else otherwise


def _oddness_of_spend(x: Array, m: Array) -> float:
    """How little a store's customers differ in spend, or how far they do so beyond all others."""
    return float(abs(np.log(max(np.log(m).std(), 1e-300)))) if x.size > 1 else -np.inf


def _spend_of(columns: Columns) -> Objective:
    x, m = columns
    if not x.size:
        return lambda phi: (0.0, np.zeros(phi.size), np.zeros((phi.size, phi.size)))
    one = np.ones(x.size)
    return lambda phi: gamma_gamma.log_likelihood_with_derivatives(phi, x, m, one)


_PURCHASES = _Model(beta_dropout_likelihood.NAMES, PURCHASES, _OF_PURCHASES, _purchases_of, _unlike)
_SPEND = _Model(gamma_gamma.NAMES, SPEND, _OF_SPEND, _spend_of, _why_no_spend)


def _together(columns: Mapping[str, Columns]) -> Columns:
    """Each column of all stores, one after the other."""
    return tuple(np.concatenate(parts) for parts in zip(*columns.values(), strict=True))


def _start(chain: MaximumLikelihoodFit, prior: ChainPrior, level: Array) -> Array:
    """The chain's own estimate, or where that is none the prior's centre at the level of the data."""
    if chain.verdict == "converged":
        return np.log(chain.parameters)
    flat = ~np.isfinite(prior.centre_sd)
    along = np.where(flat, prior.axes @ level, prior.centre)
    return np.asarray(np.linalg.solve(prior.axes, along))


def _fit_together(
    model: _Model, chain: MaximumLikelihoodFit, level: Array, columns: Mapping[str, Columns]
) -> ChainFit:
    objectives = [model.objective(one) for one in columns.values()]
    found = shrink(objectives, _start(chain, model.prior, level), model.prior)
    customers = {store: first.size for store, (first, *_) in columns.items()}
    stores, own_share = _told_by_store(model, found, customers, len(columns) - 1)
    return ChainFit(
        chain=chain,
        centre=np.exp(found.centre),
        centre_log_covariance=found.centre_covariance,
        between=found.between,
        stores=stores,
        own_share=own_share,
        found=found,
    )


def _lend(model: _Model, chain: ChainFit, store_id: str, columns: Columns) -> ChainFit:
    assert chain.found is not None, "nothing was fitted"
    try:
        with np.errstate(all="ignore"):
            found = borrow(model.objective(columns), chain.found, model.prior)
    except np.linalg.LinAlgError:
        return replace(chain, stores={}, left_out={store_id: model.why_not(*columns)})
    customers = {store_id: columns[0].size}
    stores, own_share = _told_by_store(model, found, customers, len(chain.stores))
    return replace(chain, stores=stores, own_share=own_share, left_out={})


def _told_by_store(
    model: _Model, found: ShrunkStores, customers: Mapping[str, int], others: int
) -> tuple[dict[str, MaximumLikelihoodFit], pd.DataFrame]:
    """Each store's fit, and how much of it is its own; `others` is how many it borrows from."""
    between = found.between
    resolved = 1.0 - np.einsum("sii->si", found.own_covariances) / np.diag(between)
    stores = {}
    for s, (store, number) in enumerate(customers.items()):
        values = np.linalg.eigvalsh(found.covariances[s])
        own = found.own_covariances[s]
        shares = {topic: 1.0 - c @ own @ c / (c @ between @ c) for topic, c in model.topics.items()}
        stores[store] = MaximumLikelihoodFit(
            names=model.names,
            parameters=np.exp(found.estimates[s]),
            log_covariance=found.covariances[s],
            log_likelihood=float(found.log_likelihoods[s]),
            customers=float(number),
            free_parameters=len(model.names),
            iterations=found.rounds,
            gradient_norm=float(found.slopes[s]) / max(number, 1),
            condition_number=float(values[-1] / values[0]),
            verdict="shrunk" if found.settled else "not identified",
            message=_message(shares, others, found),
        )
    index = pd.Index(stores, name="store_id")
    own_share = pd.DataFrame(resolved.clip(0.0, 1.0), index=index, columns=list(model.names))
    return stores, own_share


def _message(shares: Mapping[str, float], others: int, found: ShrunkStores) -> str:
    if not found.settled:
        return phrase(
            "the search for what stores have in common did not settle in {rounds} rounds",
            rounds=found.rounds,
        )
    told = {topic: share(value) for topic, value in shares.items()}
    return _spend_told(told["spend"], others) if "spend" in told else _purchases_told(told, others)


def _purchases_told(told: Mapping[str, str], others: int) -> str:
    if not others:
        return phrase(
            "the store's own customers tell {back} of how often customers come back and {leave} of "
            "whether they leave, and there is no other store to borrow from",
            **told,
        )
    return plural(
        "the store's own customers tell {back} of how often customers come back and {leave} of whether "
        "they leave, and the rest is taken from the other store of the chain",
        "the store's own customers tell {back} of how often customers come back and {leave} of whether "
        "they leave, and the rest is taken from the {n} other stores of the chain",
        others,
        **told,
    )


def _spend_told(told: str, others: int) -> str:
    if not others:
        return phrase(
            "the store's own customers tell {spend} of what customers spend, and there is no other "
            "store to borrow from",
            spend=told,
        )
    return plural(
        "the store's own customers tell {spend} of what customers spend, and the rest is taken from the "
        "other store of the chain",
        "the store's own customers tell {spend} of what customers spend, and the rest is taken from the "
        "{n} other stores of the chain",
        others,
        spend=told,
    )
