"""Models of a chain's stores that borrow from each other: what a small store cannot tell, others do.

Each store's log-parameters are taken to vary around the chain's centre as a normal distribution does,
and are estimated given what the other stores are like (`models.shrinkage`): a store of ten customers
gets little more than the chain's centre, with wide intervals; one of five thousand is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from retention_models.errors import CannotSay, SettingsError
from retention_models.models.chain_fits import (
    ChainFit,
    Columns,
    fit_chain_purchases,
    fit_chain_spend,
)
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.models.inputs import checked_history, checked_spend

_HISTORY, _MONEY = ("frequency", "recency", "T"), "monetary_value"


@dataclass(frozen=True, slots=True)
class StoreFits:
    """Purchase and spend models of a chain's stores, from `fit_stores`.

    Attributes
    ----------
    purchases : ChainFit
        BG/NBD.
    spend : ChainFit or None
        Gamma-Gamma; None without money, or where it cannot be estimated even from all stores.
    no_spend : str
        Why there is no spend model; empty where there is one.
    """

    purchases: ChainFit
    spend: ChainFit | None
    no_spend: str
    _summaries: Mapping[str, pd.DataFrame] = field(repr=False)

    @property
    def store_ids(self) -> tuple[str, ...]:
        """Ids of the stores, sorted."""
        return tuple(self._summaries)

    def purchase_model(self, store_id: str) -> BetaGeoFitter:
        """The store's purchase model, ready for `predict_customers`.

        Raises
        ------
        SettingsError
            If the store is not among those fitted.
        """
        summary = self._summary(store_id)
        data = summary[list(_HISTORY)].assign(weights=1.0)
        unit = summary.attrs.get("time_unit")
        return BetaGeoFitter.from_fit(self.purchases.stores[store_id], data, unit)

    def spend_model(self, store_id: str) -> GammaGammaFitter:
        """The store's spend model, ready for `predict_customers`.

        Raises
        ------
        SettingsError
            If the store is not among those fitted.
        CannotSay
            If spend cannot be modelled even from all stores.
        """
        summary = self._summary(store_id)
        if self.spend is None:
            raise CannotSay(self.no_spend)
        data = _with_spend(summary)[[_MONEY, "frequency"]].assign(weights=1.0)
        return GammaGammaFitter.from_fit(self.spend.stores[store_id], data)

    def _summary(self, store_id: str) -> pd.DataFrame:
        if store_id not in self._summaries:
            known = ", ".join(list(self._summaries)[:10])
            raise SettingsError(f"store_id: no store {store_id!r} was fitted; there are {known}.")
        return self._summaries[store_id]


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
    differ in a way that they themselves show, such as age or region, are taken for alike but for chance.

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
    purchases = fit_chain_purchases({s: _histories(s, summary) for s, summary in summaries.items()})
    spend, why_not = None, "The summaries hold no money."
    if all(_MONEY in summary for summary in summaries.values()):
        try:
            spend = fit_chain_spend({s: _spends(s, summary) for s, summary in summaries.items()})
            why_not = ""
        except CannotSay as refusal:
            why_not = str(refusal)
    return StoreFits(purchases, spend, why_not, summaries)


def _histories(store: str, summary: pd.DataFrame) -> Columns:
    return _checked(store, checked_history, *(summary[column] for column in _HISTORY))[:3]


def _spends(store: str, summary: pd.DataFrame) -> Columns:
    repeat = _with_spend(summary)
    if repeat.empty:
        return np.empty(0), np.empty(0)
    return _checked(store, checked_spend, repeat["frequency"], repeat[_MONEY])[:2]


def _with_spend(summary: pd.DataFrame) -> pd.DataFrame:
    """Customers whose repeat purchases were worth something; what is no number stays, to be refused."""
    return summary.loc[(summary["frequency"] > 0) & ~(summary[_MONEY] <= 0)]


def _checked(store: str, check: Callable[..., Columns], *columns: pd.Series) -> Columns:
    try:
        return check(*columns, None)
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
    units = {store: summary.attrs.get("time_unit") for store, summary in summaries.items()}
    if len(set(units.values()) - {None}) > 1:
        named = ", ".join(f"{store!r} in {unit}" for store, unit in list(units.items())[:5])
        raise SettingsError(f"summary_by_store: expected one unit of time; got {named}.")
    return summaries
