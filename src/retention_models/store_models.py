"""A store's models as of a day: its own where its customers carry them, else borrowed from the chain."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pandas as pd

from retention_models.chain_models import StoreFits, fit_stores
from retention_models.chain_summaries import customer_summary_by_store
from retention_models.customer_summaries import customer_summary
from retention_models.errors import CannotSay
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.transactions import Transactions

# Fewer repeat customers than this cannot carry four parameters: at 10, intervals of the parameters
# already span a factor of ten.
FEWEST_REPEAT_CUSTOMERS = 10
# Pages draw every customer of a modelled store: fewer than this would be recognised.
FEWEST_CUSTOMERS = 10
# Fewer other stores with that many repeat customers say too little of how stores differ.
FEWEST_OTHER_STORES = 3
# A small store learns little more from further stores than from the hundred largest.
_MOST_OTHER_STORES = 100

_Fitter = TypeVar("_Fitter", BetaGeoFitter, GammaGammaFitter)


@dataclass(frozen=True)
class StoreModels:
    """Purchase and spend model of one store, each fitted when first asked for.

    Attributes
    ----------
    log : Transactions
        The chain's checked log.
    store_id : str
        The store.
    end : date
        Last day that counts.
    time_unit : {"D", "W", "M"}
        Scale of time.
    chain : tuple of str, optional
        Ids of the stores to borrow from; all in the log unless given.
    upto : str
        What a refusal says behind the thing that cannot be modelled, such as " up to 2017-09-30".
    """

    log: Transactions
    store_id: str
    end: dt.date
    time_unit: str
    chain: tuple[str, ...] | None = None
    upto: str = ""

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The store's customer summary; see `customer_summary`."""
        return customer_summary(
            self.log, store_id=self.store_id, observation_end=self.end, time_unit=self.time_unit
        )

    @cached_property
    def purchases(self) -> BetaGeoFitter:
        """Purchase model, the store's own or one that borrows from the chain.

        Raises
        ------
        CannotSay
            If the store does not carry a model and has fewer than 10 customers, or the chain has no
            three other stores that carry one.
        """
        try:
            self.require_repeats()
            s = self.summary
            return _told(BetaGeoFitter().fit(s["frequency"], s["recency"], s["T"]), "purchase")
        except CannotSay as refusal:
            return self._borrowed(refusal).purchase_model(self.store_id)

    @cached_property
    def spend(self) -> GammaGammaFitter:
        """Spend model, the store's own or one that borrows from the chain.

        Raises
        ------
        CannotSay
            As for `purchases`, or if the chain's customers do not differ in spend.
        """
        try:
            s = self.summary
            repeat = s.loc[(s["frequency"] > 0) & (s["monetary_value"] > 0)]
            self._require(len(repeat), "spend")
            fitted = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
            return _told(fitted, "spend")
        except CannotSay as refusal:
            return self._borrowed(refusal).spend_model(self.store_id)

    def require_repeats(self) -> None:
        """Refuse to model purchases of a store to which too few customers came back."""
        self._require(int((self.summary["frequency"] > 0).sum()), "purchases")

    def _require(self, repeats: int, what: str) -> None:
        if repeats < FEWEST_REPEAT_CUSTOMERS:
            raise CannotSay(
                f"Fewer than {FEWEST_REPEAT_CUSTOMERS} customers have bought again, too few to "
                f"model {what}{self.upto}."
            )

    def _borrowed(self, refusal: CannotSay) -> StoreFits:
        """The chain's models, or the store's own refusal where the chain cannot help."""
        if len(self.summary) < FEWEST_CUSTOMERS or self._chain_fits is None:
            raise refusal
        return self._chain_fits

    @cached_property
    def _chain_fits(self) -> StoreFits | None:
        stores = None if self.chain is None else {*self.chain, self.store_id}
        summaries = customer_summary_by_store(
            self.log, store_ids=stores, observation_end=self.end, time_unit=self.time_unit
        )
        this = summaries.pop(self.store_id)
        largest = sorted(summaries, key=lambda store: (-len(summaries[store]), store))
        others = {store: summaries[store] for store in largest[:_MOST_OTHER_STORES]}
        usable = sum(
            (other["frequency"] > 0).sum() >= FEWEST_REPEAT_CUSTOMERS for other in others.values()
        )
        return (
            fit_stores({**others, self.store_id: this}) if usable >= FEWEST_OTHER_STORES else None
        )


def _told(fitted: _Fitter, what: str) -> _Fitter:
    """The model, unless its data left it open."""
    if fitted.fit_.verdict == "not identified":
        raise CannotSay(
            f"The {what} model cannot be estimated from this store's customers: "
            f"{fitted.fit_.message}."
        )
    return fitted
