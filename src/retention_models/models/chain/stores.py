"""Models of a chain's stores that borrow from each other: what a small store cannot tell, others do.

Each store's log-parameters are taken to vary around the chain's centre as a normal distribution does,
and are estimated given what the other stores are like (`models.shrinkage`): a store of ten customers
gets little more than the chain's centre, with wide intervals; one of five thousand is left alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import phrase
from retention_models.languages.results import Card, Result
from retention_models.models.chain.fits import (
    ChainFit,
    Columns,
    fit_chain_purchases,
    fit_chain_spend,
    lend_purchases,
    lend_spend,
)
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.models.inputs import checked_history, checked_spend
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.time_units import TimeUnit

_HISTORY, _MONEY = ("frequency", "recency", "T"), "monetary_value"


@dataclass(frozen=True, slots=True, repr=False)
class StoreFits(Result):
    """Purchase and spend models of a chain's stores, from `fit_stores`.

    Attributes
    ----------
    purchases : ChainFit
        BG/NBD.
    spend : ChainFit or None
        Gamma-Gamma; None without money, or where it cannot be estimated even from all stores.
    no_spend : str
        Why there is no spend model; empty where there is one.
    time_unit : {"D", "W", "M"} or None
        Unit of time of the summaries, where they told it.
    observation_end : str or None
        Last day of any store's data, where the summaries told it: every store's model has seen it.

    Examples
    --------
    >>> import retention_models as rm
    >>> import datetime as dt
    >>> shops = {"large": rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=200, seed=3),
    ...          "small": rm.SimulatedShop(20, dt.date(2023, 1, 1), joining_days=200, seed=4)}
    >>> logs = {store: shop.log(until="2023-12-30") for store, shop in shops.items()}
    >>> tables = {store: rm.customer_summary(log) for store, log in logs.items()}
    >>> fits = rm.fit_stores(tables)
    >>> fits.store_ids, fits.time_unit
    (('large', 'small'), 'W')
    """

    purchases: ChainFit
    spend: ChainFit | None
    no_spend: str
    time_unit: TimeUnit | None
    observation_end: str | None = None

    def _card(self) -> Card:
        facts = {"unit of time": self.time_unit or "", "spend": str(self.no_spend)}
        return Card(f"Models of {len(self.store_ids)} stores, fitted together", facts)

    @property
    def store_ids(self) -> tuple[str, ...]:
        """Ids of the stores, sorted."""
        return tuple(sorted({*self.purchases.stores, *self.purchases.left_out}))

    def purchase_model(self, store_id: str) -> BetaGeoFitter:
        """The store's purchase model, ready for `predict_customers`.

        Raises
        ------
        SettingsError
            If the store is not among those fitted.
        CannotSay
            If its customers do not fit into one model with the other stores'.

        Examples
        --------
        >>> import retention_models as rm
        >>> import datetime as dt
        >>> shops = {"large": rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=200, seed=3),
        ...          "small": rm.SimulatedShop(20, dt.date(2023, 1, 1), joining_days=200, seed=4)}
        >>> logs = {store: shop.log(until="2023-12-30") for store, shop in shops.items()}
        >>> tables = {store: rm.customer_summary(log) for store, log in logs.items()}
        >>> model = rm.fit_stores(tables).purchase_model("small")
        >>> type(model).__name__, model.time_unit_
        ('BetaGeoFitter', 'W')
        """
        fit = self._of_store(self.purchases, store_id)
        return BetaGeoFitter.from_fit(fit, **self._seen)

    def spend_model(self, store_id: str) -> GammaGammaFitter:
        """The store's spend model, ready for `predict_customers`.

        Raises
        ------
        SettingsError
            If the store is not among those fitted.
        CannotSay
            If spend cannot be modelled even from all stores, or not this store's, as where
            everything costs the same.

        Examples
        --------
        >>> import retention_models as rm
        >>> import datetime as dt
        >>> shops = {"large": rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=200, seed=3),
        ...          "small": rm.SimulatedShop(20, dt.date(2023, 1, 1), joining_days=200, seed=4)}
        >>> logs = {store: shop.log(until="2023-12-30") for store, shop in shops.items()}
        >>> tables = {store: rm.customer_summary(log) for store, log in logs.items()}
        >>> type(rm.fit_stores(tables).spend_model("small")).__name__
        'GammaGammaFitter'
        """
        if self.spend is None:
            raise CannotSay(self.no_spend)
        fit = self._of_store(self.spend, store_id)
        return GammaGammaFitter.from_fit(fit, **self._seen)

    @property
    def _seen(self) -> dict[str, Any]:
        return {"time_unit": self.time_unit, "observation_end": self.observation_end}

    def _of_store(self, model: ChainFit, store_id: str) -> MaximumLikelihoodFit:
        if store_id in model.left_out:
            raise CannotSay(model.left_out[store_id])
        if store_id not in model.stores:
            known = ", ".join(self.store_ids[:10])
            raise SettingsError(f"store_id: no store {store_id!r} was fitted; there are {known}.")
        return model.stores[store_id]


def fit_stores(summary_by_store: Mapping[str, pd.DataFrame] | pd.DataFrame) -> StoreFits:
    """Fit a chain's stores together, each shrunk towards the chain by as much as its data leave open.

    Parameters
    ----------
    summary_by_store : mapping of str to DataFrame, or DataFrame
        Customer summaries by store id, as from `customer_summary`, in one unit of time: frequency,
        recency, T and, unless there is none at all, monetary_value. Or one table of them all with
        store_id as a column or an index level.

    Returns
    -------
    StoreFits
        The same whatever the order of the stores.

    Raises
    ------
    SettingsError
        If a store's summary is not usable; the store and the first bad rows are named.
    CannotSay
        If no customer of any store bought again.

    Notes
    -----
    Log-parameters are normal between stores: φ_s ~ N(μ, Σ). A store's estimate is the highest point of
    LL_s(φ) − ½(φ−μ)'Σ⁻¹(φ−μ). μ and Σ are estimated from all stores by Laplace's approximation,
    with μ integrated out (as in restricted likelihood) and a weak prior on how much stores differ,
    free of units, that keeps Σ from vanishing and from running off where few stores tell. Intervals
    include the doubt about μ and Σ.

    Not accounted for: customers who buy at several stores of the chain count as one at each; stores that
    differ in a way that they themselves show, such as age or region, are taken for alike but for chance;
    where nearly nobody leaves, intervals of dropout are too narrow (see `models.shrinkage.shrink`).

    Sources: Efron & Morris (1975), JASA 70, 311–319; Kass & Steffey (1989), JASA 84, 717–726; the
    prior: Chung et al. (2015), JEBS 40, 136–157.

    Examples
    --------
    >>> import pandas as pd
    >>> small = pd.DataFrame({"frequency": [0, 2], "recency": [0, 9], "T": [30, 20]})
    >>> large = pd.DataFrame({"frequency": [0, 2, 5, 0, 1, 3, 0, 8] * 50,
    ...     "recency": [0, 30, 20, 0, 5, 31, 0, 36] * 50, "T": [39, 39, 30, 25, 39, 32, 20, 37] * 50})
    >>> fits = fit_stores({"large": large, "small": small})
    >>> fits.purchases.own_share["r"].round(1).to_dict()
    {'large': 0.9, 'small': 0.0}
    """
    summaries = _by_store(summary_by_store)
    unit = _unit_of(summaries)
    purchases = fit_chain_purchases({s: _histories(s, summary) for s, summary in summaries.items()})
    spend, why_not = None, phrase("The summaries hold no money.")
    if all(_MONEY in summary for summary in summaries.values()):
        try:
            spend = fit_chain_spend({s: _spends(s, summary) for s, summary in summaries.items()})
            why_not = ""
        except CannotSay as refusal:
            why_not = str(refusal)
    ends = [summary.attrs.get("observation_end") for summary in summaries.values()]
    end = max((end for end in ends if end is not None), default=None)
    return StoreFits(purchases, spend, why_not, unit, end)


def lend_to(fits: StoreFits, store_id: str, summary: pd.DataFrame) -> StoreFits:
    """Models of a store that was not fitted with the others, and borrows from them.

    As if it had been, but that it tells nothing of what stores have in common: next to a hundred stores
    that is next to nothing, and takes a hundredth of the time.
    """
    purchases = lend_purchases(fits.purchases, store_id, _histories(store_id, summary))
    spend = fits.spend
    if spend is not None:
        spend = lend_spend(spend, store_id, _spends(store_id, summary))
    return replace(fits, purchases=purchases, spend=spend)


def _histories(store: str, summary: pd.DataFrame) -> Columns:
    with _naming(store):
        x, t_x, T, _ = checked_history(summary["frequency"], summary["recency"], summary["T"], None)
    return x, t_x, T


def _spends(store: str, summary: pd.DataFrame) -> Columns:
    # What is no number stays, to be refused.
    repeat = summary.loc[(summary["frequency"] > 0) & ~(summary[_MONEY] <= 0)]
    if repeat.empty:
        return np.empty(0), np.empty(0)
    with _naming(store):
        x, m, _ = checked_spend(repeat["frequency"], repeat[_MONEY], None)
    return x, m


@contextlib.contextmanager
def _naming(store: str) -> Iterator[None]:
    """Errors inside name the store too."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"store {store!r}: {error}") from None


def _by_store(given: Mapping[str, pd.DataFrame] | pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Summaries by store id as text, sorted, so that the order in which they came does not matter."""
    if isinstance(given, pd.DataFrame):
        if "store_id" not in [*given.columns, *given.index.names]:
            raise SettingsError(
                "summary_by_store: expected store_id among the columns or the levels of the index; "
                f"got columns {', '.join(map(str, given.columns))}."
            )
        given = dict(iter(given.groupby("store_id")))
    if not given:
        raise SettingsError("summary_by_store: there is no store to fit a model to.")
    summaries = {str(store): given[store] for store in sorted(given, key=str)}
    if len(summaries) < len(given):
        raise SettingsError("summary_by_store: some store ids are the same as text.")
    for store, summary in summaries.items():
        missing = [column for column in _HISTORY if column not in summary]
        if missing:
            raise SettingsError(f"store {store!r}: columns are missing: {', '.join(missing)}.")
    without = [store for store, summary in summaries.items() if _MONEY not in summary]
    if 0 < len(without) < len(summaries):
        raise SettingsError(
            f"store {without[0]!r}: the column {_MONEY} is missing, which other stores have."
        )
    return summaries


def _unit_of(summaries: Mapping[str, pd.DataFrame]) -> TimeUnit | None:
    units = {store: summary.attrs.get("time_unit") for store, summary in summaries.items()}
    told = set(units.values()) - {None}
    if len(told) > 1:
        named = ", ".join(f"{store!r} in {unit}" for store, unit in list(units.items())[:5])
        raise SettingsError(f"summary_by_store: expected one unit of time; got {named}.")
    return told.pop() if told else None
