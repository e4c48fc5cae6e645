"""A store's models as of a day: its own where its customers carry them, else borrowed from the chain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeVar

import pandas as pd

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import catalogue, count, day, marked, phrase
from retention_models.models.chain.season import History, on_its_clock, under_season
from retention_models.models.chain.stores import StoreFits, fit_stores
from retention_models.models.fitters import (
    BetaGeoFitter,
    GammaGammaFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.seasons.calendar import Calendar
from retention_models.models.seasons.chain import StoreSeason
from retention_models.predictions.candidates import BY_STORE, StoreHistory
from retention_models.predictions.season import ChainSeasons, chain_seasons
from retention_models.settings.calendar import CalendarSettings
from retention_models.summaries.customers import customer_summary, customer_summary_by_store
from retention_models.summaries.gaps import sum_log_gaps
from retention_models.summaries.purchase_gaps import count_purchase_gaps
from retention_models.time_units import days_in

# Fewer repeat customers than this cannot carry four parameters: at 10, intervals of the parameters
# already span a factor of ten.
FEWEST_REPEAT_CUSTOMERS = 10
# Pages draw every customer of a modelled store: fewer than this would be recognised.
FEWEST_CUSTOMERS = 10
# Fewer other stores with that many repeat customers say too little of how stores differ.
FEWEST_OTHER_STORES = 3
# A small store learns little more from further stores than from the hundred largest.
_MOST_OTHER_STORES = 100
# From so many repeat customers on their spend nearly always tells a model.
_SPEND_TOLD = 100

_Fitter = TypeVar("_Fitter", PurchaseFitter, GammaGammaFitter)

_PURCHASES_UNTOLD = marked(
    "The purchase model cannot be estimated from this store's customers: {reason}."
)
_SPEND_UNTOLD = marked("The spend model cannot be estimated from this store's customers: {reason}.")
_TOO_FEW = catalogue(
    {
        "purchases": "Fewer than {fewest} customers have bought again, too few to model purchases.",
        "purchases.upto": (
            "Fewer than {fewest} customers have bought again, too few to model purchases up to {day}."
        ),
        "spend": "Fewer than {fewest} customers have bought again, too few to model spend.",
        "spend.upto": (
            "Fewer than {fewest} customers have bought again, too few to model spend up to {day}."
        ),
    }
)


@dataclass(frozen=True)
class StoreModels:
    """Purchase and spend model of one store as of `end`, each fitted when first asked for."""

    log: Transactions
    store_id: str
    end: dt.date
    time_unit: str
    chain: tuple[str, ...] | None = None  # stores to borrow from; all in the log unless given
    # the day that a refusal names, where it is not the last of the data
    upto: dt.date | None = None
    # what the chain has to lend as of a day, where that was found before
    loans: Mapping[dt.date, BorrowedModels | None] = field(default_factory=dict, repr=False)
    declared: CalendarSettings | None = None  # without it no season is looked for
    # the store's as of a day, with what the chain tells, where that was found before
    calendars: Mapping[dt.date, Calendar] = field(default_factory=dict, repr=False)
    rule: str = BY_STORE  # how a store's own model is chosen; see `StoreHistory.by`
    # the store's as of a day, where that was asked for before
    summaries: Mapping[dt.date, pd.DataFrame] = field(default_factory=dict, repr=False)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The store's customer summary; see `customer_summary`."""
        if self.end in self.summaries:
            return self.summaries[self.end]
        return customer_summary(
            self.log, store_id=self.store_id, observation_end=self.end, time_unit=self.time_unit
        )

    @cached_property
    def history(self) -> StoreHistory:
        """What the store's own models are fitted to."""
        by_day = partial(
            count_purchase_gaps, self.log, store_id=self.store_id, observation_end=self.end
        )
        return StoreHistory(self.log, self.summary, self._log_gaps, self.calendar, by_day)

    def _log_gaps(self) -> float:
        return sum_log_gaps(
            self.log,
            store_id=self.store_id,
            observation_end=self.end,
            time_unit=self.time_unit,
        )

    @cached_property
    def purchases(self) -> PurchaseFitter:
        """Purchase model, the store's own or one that borrows from the chain.

        CannotSay if the store does not carry a model and has fewer than 10 customers, or the chain
        has no three other stores that carry one.
        """
        own: PurchaseFitter | None = None
        try:
            self.require_repeats()
            own = self.history.by(self.rule)
            return settled(_told(own, _PURCHASES_UNTOLD))
        except CannotSay as refusal:
            try:
                return self._borrowed(refusal).purchase_model(self.store_id)
            except CannotSay:
                # What shops of all kinds do is told where the chain has nothing to lend.
                if own is None or own.fit_.posterior is None:
                    raise
                return settled(own)

    @cached_property
    def spend(self) -> GammaGammaFitter:
        """Spend model, as `purchases`; CannotSay also if the customers do not differ in spend."""
        try:
            repeat = _repeat_spends(self.summary)
            self._require(len(repeat), "spend")
            return _own_spend(repeat)
        except CannotSay as refusal:
            return self._borrowed(refusal).spend_model(self.store_id)

    def require_repeats(self) -> None:
        """Refuse to model purchases of a store to which too few customers came back."""
        self._require(int((self.summary["frequency"] > 0).sum()), "purchases")

    def _require(self, repeats: int, what: str) -> None:
        if repeats < FEWEST_REPEAT_CUSTOMERS:
            fewest = count(FEWEST_REPEAT_CUSTOMERS)
            if self.upto is None:
                raise CannotSay(_TOO_FEW[what], fewest=fewest)
            refusal = _TOO_FEW[f"{what}.upto"]
            raise CannotSay(phrase(refusal, fewest=fewest, day=day(self.upto)))

    def _borrowed(self, refusal: CannotSay) -> ChainFits | BorrowedModels:
        """The chain's models, or the store's own refusal where the chain cannot help."""
        if len(self.summary) < FEWEST_CUSTOMERS:
            raise refusal
        # Not get(…, …): what the chain lends takes long to find.
        found = self.loans[self.end] if self.end in self.loans else self._chain_fits  # noqa: SIM401
        if found is None:
            raise refusal
        return found

    @cached_property
    def calendar(self) -> Calendar | None:
        """The store's days and what the chain tells of its season; None where none is asked for."""
        if self.declared is None or self.end in self.calendars:
            return self.calendars.get(self.end)
        return self._seasons.calendars.get(self.store_id)

    @cached_property
    def _seasons(self) -> ChainSeasons:
        if self.declared is None:
            return ChainSeasons()
        return chain_seasons(
            self.log, self._chain_summaries, self.end, self.declared, [self.store_id]
        )

    @cached_property
    def _chain_fits(self) -> ChainFits | None:
        lenders = _lenders(self._chain_summaries, self.store_id, self._seasons.told)
        return None if lenders is None else _fit_lenders(lenders, self._seasons.told)

    @cached_property
    def _chain_summaries(self) -> dict[str, pd.DataFrame]:
        stores = None if self.chain is None else {*self.chain, self.store_id}
        return customer_summary_by_store(
            self.log, store_ids=stores, observation_end=self.end, time_unit=self.time_unit
        )


@dataclass(frozen=True, slots=True)
class ChainFits:
    """A chain's stores fitted together; in operational time where `seasons` has one of each of them."""

    fits: StoreFits
    summaries: Mapping[str, pd.DataFrame]
    seasons: Mapping[str, StoreSeason]

    def purchase_model(self, store_id: str) -> PurchaseFitter:
        """The store's purchase model, under its season; see `StoreFits`."""
        plain = self.fits.purchase_model(store_id)
        if store_id not in self.seasons:
            return plain
        season, unit = self.seasons[store_id], str(self.fits.time_unit)
        history, chain = _history(self.summaries[store_id]), self.fits.purchases
        fit = under_season(chain, store_id, history, season, days_in(unit))
        context = {"calendar": season.calendar.to_dict(), "time_unit": unit}
        return BetaGeoFitter.from_fit(
            fit,
            time_unit=self.fits.time_unit,
            observation_end=self.fits.observation_end,
            context=context,
        )

    def spend_model(self, store_id: str) -> GammaGammaFitter:
        """The store's spend model; see `StoreFits`."""
        return self.fits.spend_model(store_id)


def _fit_lenders(
    lenders: Mapping[str, pd.DataFrame], seasons: Mapping[str, StoreSeason]
) -> ChainFits:
    """The stores fitted together: on their own clocks where a season of any of them is told."""
    told = {store: seasons[store] for store in lenders if store in seasons}
    followed = any(s.calendar.names or s.calendar.closed or s.calendar.shut for s in told.values())
    if len(told) < len(lenders) or not followed:
        return ChainFits(fit_stores(lenders), lenders, {})
    warped = {}
    for store, summary in lenders.items():
        unit = days_in(str(summary.attrs["time_unit"]))
        _, t_x, T = on_its_clock(_history(summary), told[store], unit)
        warped[store] = summary.assign(recency=t_x, T=T)
    return ChainFits(fit_stores(warped), lenders, told)


def _history(summary: pd.DataFrame) -> History:
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    return x, t_x, T


@dataclass(frozen=True, slots=True)
class BorrowedModels:
    """A store's models that borrow from the chain."""

    purchases: PurchaseFitter
    spend: GammaGammaFitter | None  # none where spend cannot be modelled even from all stores
    no_spend: str  # why there is none

    def purchase_model(self, _: str) -> PurchaseFitter:
        """The purchase model; see `StoreFits`."""
        return self.purchases

    def spend_model(self, _: str) -> GammaGammaFitter:
        """The spend model; see `StoreFits`."""
        if self.spend is None:
            raise CannotSay(self.no_spend)
        return self.spend

    def content(self) -> dict[str, str | None]:
        """What `from_content` takes; JSON can hold it."""
        spend = None if self.spend is None else self.spend.to_json()
        return {"purchases": self.purchases.to_json(), "spend": spend, "no_spend": self.no_spend}

    @classmethod
    def from_content(cls, content: Mapping[str, str]) -> BorrowedModels:
        """What `content` gave."""
        text = content["spend"]
        spend = None if text is None else GammaGammaFitter.from_json(text)
        return cls(BetaGeoFitter.from_json(content["purchases"]), spend, content["no_spend"])


def find_borrowed(
    summaries: Mapping[str, pd.DataFrame],
    store_ids: Iterable[str],
    seasons: Mapping[str, StoreSeason] | None = None,
) -> dict[str, BorrowedModels | None]:
    """What the chain has to lend to those of its stores that are too small for models of their own.

    And, where all stores borrow from the same, to those whose spend tells no model. None where too few
    others carry one. A store that is left out carries its own, as far as is known without fitting it,
    and else asks the chain itself. Models follow `seasons`, where these are told.
    """
    fits: dict[tuple[str, ...], ChainFits] = {}
    found: dict[str, BorrowedModels | None] = {}
    shared = len(summaries) <= _MOST_OTHER_STORES + 1
    for store_id in store_ids:
        if store_id not in summaries:
            continue
        small = _is_small(summaries[store_id])
        if not small and not (shared and _spend_untold(summaries[store_id])):
            continue
        lenders = _lenders(summaries, store_id, seasons or {})
        if lenders is None:
            found[store_id] = None
            continue
        # In a chain of a hundred stores, all borrow from the same.
        key = tuple(sorted(lenders))
        if key not in fits:
            fits[key] = _fit_lenders(lenders, seasons or {})
        lent = _lent(fits[key], store_id)
        if small or lent is not None:
            found[store_id] = lent
    return found


def _repeat_spends(summary: pd.DataFrame) -> pd.DataFrame:
    return summary.loc[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]


def _own_spend(repeat: pd.DataFrame) -> GammaGammaFitter:
    """The spend model of a store's repeat customers; CannotSay where they do not tell one."""
    fitted = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    return _told(fitted, _SPEND_UNTOLD)


def _spend_untold(summary: pd.DataFrame) -> bool:
    """Whether a store that is not small has few repeat customers, whose spend tells no model."""
    repeat = _repeat_spends(summary)
    if len(summary) < FEWEST_CUSTOMERS or len(repeat) >= _SPEND_TOLD:
        return False
    try:
        _own_spend(repeat)
    except CannotSay:
        return True
    return False


def _lent(chain: ChainFits, store_id: str) -> BorrowedModels | None:
    """What the chain's fits hold for one store."""
    try:
        purchases = chain.purchase_model(store_id)
    except CannotSay:
        return None
    try:
        return BorrowedModels(purchases, chain.spend_model(store_id), "")
    except CannotSay as refusal:
        return BorrowedModels(purchases, None, str(refusal))


def _is_small(summary: pd.DataFrame) -> bool:
    if len(summary) < FEWEST_CUSTOMERS:
        return False
    repeat = summary["frequency"] > 0
    worth = repeat & (summary["monetary_value"] > 0)
    return min(repeat.sum(), worth.sum()) < FEWEST_REPEAT_CUSTOMERS


def _lenders(
    summaries: Mapping[str, pd.DataFrame], store_id: str, seasons: Mapping[str, StoreSeason]
) -> dict[str, pd.DataFrame] | None:
    """The store's summary and those of the stores that it borrows from; None if too few can lend.

    Where seasons are told, those of which one is.
    """
    others = {
        store: summary
        for store, summary in summaries.items()
        if store != store_id and (not seasons or store in seasons)
    }
    largest = sorted(others, key=lambda store: (-len(others[store]), store))[:_MOST_OTHER_STORES]
    usable = sum(
        (others[store]["frequency"] > 0).sum() >= FEWEST_REPEAT_CUSTOMERS for store in largest
    )
    if usable < FEWEST_OTHER_STORES:
        return None
    return {**{store: others[store] for store in largest}, store_id: summaries[store_id]}


def _told(fitted: _Fitter, refusal: str) -> _Fitter:
    """The model, unless its data left it open."""
    if fitted.fit_.verdict == "not identified":
        raise CannotSay(phrase(refusal, reason=fitted.fit_.message))
    return fitted
