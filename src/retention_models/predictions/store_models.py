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
from retention_models.models.beta_dropout_likelihood import fit_beta_dropout
from retention_models.models.chain.season import History, on_its_clock, under_season
from retention_models.models.chain.stores import StoreFits, fit_stores, lend_to
from retention_models.models.fitters import (
    BetaGeoFitter,
    GammaGammaFitter,
    PurchaseFitter,
    settled,
)
from retention_models.models.histories import count_histories
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
_MOST_LENDERS = 100
# From so many repeat customers on they nearly always tell models.
_SURELY_TOLD = 100

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
                return self._borrowed(refusal).purchases
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
            return self._borrowed(refusal).spend_model()

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

    def _borrowed(self, refusal: CannotSay) -> BorrowedModels:
        """What the chain lends, or the store's own refusal where the chain cannot help."""
        if len(self.summary) < FEWEST_CUSTOMERS:
            raise refusal
        # Not get(…, …): what the chain lends takes long to find.
        found = self.loans[self.end] if self.end in self.loans else self._lent  # noqa: SIM401
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
    def _lent(self) -> BorrowedModels | None:
        return Lenders(self._chain_summaries, self._seasons.told).lend(self.store_id)

    @cached_property
    def _chain_summaries(self) -> dict[str, pd.DataFrame]:
        stores = None if self.chain is None else {*self.chain, self.store_id}
        return customer_summary_by_store(
            self.log, store_ids=stores, observation_end=self.end, time_unit=self.time_unit
        )


@dataclass(frozen=True, slots=True)
class BorrowedModels:
    """A store's models that borrow from the chain."""

    purchases: PurchaseFitter
    spend: GammaGammaFitter | None  # none where spend cannot be modelled even from all stores
    no_spend: str  # why there is none

    def spend_model(self) -> GammaGammaFitter:
        """The spend model; CannotSay where there is none."""
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


@dataclass(frozen=True)
class Lenders:
    """The largest of a chain's stores, a hundred at most, fitted together for all that borrow from them.

    Where seasons are told, those stores lend of which one is: they are fitted in the operational time of
    their seasons, and for a store without one in days as they are.
    """

    summaries: Mapping[str, pd.DataFrame]
    seasons: Mapping[str, StoreSeason]

    def lend(self, store_id: str) -> BorrowedModels | None:
        """A store's models; None where too few others carry one, or it is too unlike them."""
        if len(self._usable - {store_id}) < FEWEST_OTHER_STORES:
            return None
        season = self.seasons.get(store_id)
        if season is not None and not (self._moved or _moves(season)):
            season = None
        fits = self._in_days if season is None else self._in_seasons
        if store_id not in self._ids:
            summary = self.summaries[store_id]
            fits = lend_to(fits, store_id, _on_its_clock(summary, season))
        try:
            purchases: PurchaseFitter = fits.purchase_model(store_id)
        except CannotSay:
            return None
        if season is not None:
            purchases = self._under_season(fits, store_id, season)
        try:
            return BorrowedModels(purchases, fits.spend_model(store_id), "")
        except CannotSay as refusal:
            return BorrowedModels(purchases, None, str(refusal))

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        told = [store for store in self.summaries if not self.seasons or store in self.seasons]
        return tuple(sorted(told, key=lambda s: (-len(self.summaries[s]), s))[:_MOST_LENDERS])

    @cached_property
    def _usable(self) -> set[str]:
        """Those that carry models of their own."""
        repeats = {store: (self.summaries[store]["frequency"] > 0).sum() for store in self._ids}
        return {store for store, some in repeats.items() if some >= FEWEST_REPEAT_CUSTOMERS}

    @cached_property
    def _moved(self) -> bool:
        """Whether a season of any of them moves anything."""
        return any(_moves(self.seasons[store]) for store in self._ids if self.seasons)

    @cached_property
    def _in_days(self) -> StoreFits:
        return fit_stores({store: self.summaries[store] for store in self._ids})

    @cached_property
    def _in_seasons(self) -> StoreFits:
        known = {store: (self.summaries[store], self.seasons[store]) for store in self._ids}
        return fit_stores({store: _on_its_clock(*both) for store, both in known.items()})

    def _under_season(self, fits: StoreFits, store_id: str, season: StoreSeason) -> PurchaseFitter:
        unit, history = str(fits.time_unit), _history(self.summaries[store_id])
        fit = under_season(fits.purchases, store_id, history, season, days_in(unit))
        return BetaGeoFitter.from_fit(
            fit,
            time_unit=fits.time_unit,
            observation_end=fits.observation_end,
            context={"calendar": season.calendar.to_dict(), "time_unit": unit},
        )


def _moves(season: StoreSeason) -> bool:
    return bool(season.calendar.names or season.calendar.closed or season.calendar.shut)


def _on_its_clock(summary: pd.DataFrame, season: StoreSeason | None) -> pd.DataFrame:
    """A store's summary in the operational time of its season, where it has one."""
    if season is None:
        return summary
    unit = days_in(str(summary.attrs["time_unit"]))
    _, t_x, T = on_its_clock(_history(summary), season, unit)
    return summary.assign(recency=t_x, T=T)


def _history(summary: pd.DataFrame) -> History:
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    return x, t_x, T


def find_borrowed(
    summaries: Mapping[str, pd.DataFrame],
    store_ids: Iterable[str],
    seasons: Mapping[str, StoreSeason] | None = None,
) -> dict[str, BorrowedModels | None]:
    """What the chain has to lend to those of its stores that may not carry models of their own.

    None where it has nothing to lend. Nothing is found as long as no store is seen to need it; once one
    is, all get theirs that have few repeat customers: to lend takes no longer than to see who needs it.
    A store that is left out carries its own models, or else asks the chain itself. Models follow
    `seasons`, where these are told.
    """
    few = [s for s in store_ids if s in summaries and _may_borrow(summaries[s])]
    if not any(_is_small(summaries[store]) or _untold(summaries[store]) for store in few):
        return {}
    lenders = Lenders(summaries, seasons or {})
    return {store: lenders.lend(store) for store in few}


def _may_borrow(summary: pd.DataFrame) -> bool:
    """Whether a store has customers enough to be shown, and few who came back."""
    return len(summary) >= FEWEST_CUSTOMERS and len(_repeat_spends(summary)) < _SURELY_TOLD


def _repeat_spends(summary: pd.DataFrame) -> pd.DataFrame:
    return summary.loc[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]


def _own_spend(repeat: pd.DataFrame) -> GammaGammaFitter:
    """The spend model of a store's repeat customers; CannotSay where they do not tell one."""
    fitted = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    return _told(fitted, _SPEND_UNTOLD)


def _untold(summary: pd.DataFrame) -> bool:
    """Whether a store's spend, or its purchases under the BG/NBD, tell no model of their own."""
    try:
        _own_spend(_repeat_spends(summary))
    except CannotSay:
        return True
    known = count_histories(*_history(summary))
    return fit_beta_dropout(known, first=0, draws=False).verdict == "not identified"


def _is_small(summary: pd.DataFrame) -> bool:
    repeat = summary["frequency"] > 0
    worth = repeat & (summary["monetary_value"] > 0)
    return min(repeat.sum(), worth.sum()) < FEWEST_REPEAT_CUSTOMERS


def _told(fitted: _Fitter, refusal: str) -> _Fitter:
    """The model, unless its data left it open."""
    if fitted.fit_.verdict == "not identified":
        raise CannotSay(phrase(refusal, reason=fitted.fit_.message))
    return fitted
