"""Seasons of a chain's stores together: each store's is shrunk towards what the others have in common.

A store's effects β_s vary around the chain's μ as a normal distribution does, with a variance ω² of its
own for each term. Each store's log-likelihood, r, α, a and b maximised over, is taken for the quadratic
that it is at its top under a weak prior; μ and ω² are then estimated from these quadratics (empirical
Bayes by the EM algorithm, restricted to what is left of the data once μ is estimated). A store's prior
is what the *other* stores tell of μ, and ω² about it, so that no store's data count twice: a new store,
or one with too short a log for a season of its own, has the chain's. A store to which hardly anybody
came back does not say which events it carries, nor on which days it is shut: it has the chain's.

Source: Laird & Ware (1982), "Random-effects models for longitudinal data", Biometrics 38(4), 963–974;
the weak prior of ω² keeps it off 0, as Chung et al. (2013), Psychometrika 78(4), 685–709, advise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.interface import PurchaseModel
from retention_models.models.seasons.calendar import WEEKDAYS, Calendar
from retention_models.models.seasons.choice import carried_terms
from retention_models.models.seasons.fit import check_calendar, first_of, fit_histories
from retention_models.models.seasons.likelihood import SeasonalHistories, seasonal_histories
from retention_models.models.seasons.prior import SeasonPrior

Array = NDArray[np.float64]

# Deviation of the weak prior under which each store is looked at: e^±2 is a factor of 7 either way.
_WEAK = 1.0
# Stores' effects differ by about 10%, before any data are seen; that counts as much as two stores.
_USUAL, _WORTH = 0.1, 2.0
_ROUNDS, _SETTLED = 500, 1e-6
# A store to which fewer customers came back does not say which terms it carries.
_FEWEST_REPEAT_CUSTOMERS = 10


@dataclass(frozen=True, slots=True)
class StoreDays:
    """A store's customers, x, t_x, T and counts (None for one each), and its calendar with purchases."""

    x: Array
    t_x: Array
    T: Array
    counts: Array | None
    calendar: Calendar

    @property
    def is_small(self) -> bool:
        """Whether so few came back that the chain says which terms it has."""
        back = self.x > 0
        count = back.sum() if self.counts is None else self.counts @ back
        return bool(count < _FEWEST_REPEAT_CUSTOMERS)


@dataclass(frozen=True, slots=True)
class StoreSeason:
    """A store's calendar, terms and prior decided, and its effects β by its own data and that prior.

    β is normal around `effects`, shape (terms,), with `covariance`.
    """

    calendar: Calendar
    effects: Array
    covariance: Array


def shared_calendars(
    stores: Mapping[str, StoreDays], unit: float, base: PurchaseModel = BG_NBD
) -> dict[str, Calendar]:
    """By store: its calendar with its terms decided, and what the others tell of them as its prior.

    Terms that calendars leave to the data are decided by all stores together. Times are in units of so
    many days; all calendars end on one day.
    """
    found = shared_seasons(stores, unit, base)
    return {store: season.calendar for store, season in found.items()}


def shared_seasons(
    stores: Mapping[str, StoreDays], unit: float, base: PurchaseModel = BG_NBD
) -> dict[str, StoreSeason]:
    """By store: its calendar as of `shared_calendars`, and its season."""
    found = _look(stores, unit, base)
    between = _between(list(found.tops.values()), len(found.names))
    seasons = {}
    for store, calendar in found.calendars.items():
        prior = _prior_of(found, between, store)
        own = found.own[store]
        seasons[store] = StoreSeason(calendar.with_terms(prior=prior), *_posterior(own, prior))
    return seasons


@dataclass(frozen=True, slots=True)
class _Looked:
    """The chain's terms; by store its calendar, and likelihoods of its own effects and shared ones."""

    names: tuple[str, ...]
    calendars: dict[str, Calendar]
    own: dict[str, _Quadratic]
    tops: dict[str, _Quadratic]


def _look(stores: Mapping[str, StoreDays], unit: float, base: PurchaseModel) -> _Looked:
    first = first_of(base)
    _check_stores(stores, unit)
    told = _told_by_all(stores, unit, base)
    calendars, seen = dict[str, Calendar](), dict[str, SeasonalHistories]()
    for name, store in stores.items():
        own = _with_chains_terms(store, told, unit)
        seen[name] = seasonal_histories(store.x, store.t_x, store.T, store.counts, own, unit)
        if not store.is_small:
            own = carried_terms(own, base, seen[name], store.T, store.counts).calendar
        calendars[name] = own
    large = {name: calendars[name] for name in stores if not stores[name].is_small}
    names = _shared_names(told, large)
    for name in calendars.keys() - large.keys():
        calendars[name] = _small(calendars[name], told, names)
    own_tops = {s: _quadratic(seen[s].under(c), c.names, first) for s, c in calendars.items()}
    tops = {s: _among(own_tops[s], c.names, names) for s, c in calendars.items()}
    return _Looked(names, calendars, own_tops, tops)


def _with_chains_terms(store: StoreDays, told: Calendar, unit: float) -> Calendar:
    """A store's calendar with the chain's waves and days, shut when the chain is, but for own sales."""
    calendar = store.calendar
    assert calendar.purchases is not None, "checked before"
    # A first purchase is at its day's end, or in its middle where T has half a day more.
    begun = np.ceil(calendar.past - store.T * unit - 1e-6).astype(int) - 1
    sold = np.concatenate([begun, np.flatnonzero(calendar.purchases > 0)])
    weekdays = {int(day) for day in (calendar.first.toordinal() - 1 + sold) % 7}
    shut = {*calendar.shut, *(day for day in told.shut if day not in weekdays)}
    return calendar.with_terms(
        harmonics=told.harmonics, weekdays=told.weekdays, shut=tuple(sorted(shut))
    )


def _small(calendar: Calendar, told: Calendar, shared: tuple[str, ...]) -> Calendar:
    """A small store's calendar with the events that others carry; it cannot tell days of its own."""
    return calendar.with_terms(
        # Days of the week mean the same only where the same ones are open.
        weekdays=bool(told.weekdays) and calendar.shut == told.shut,
        events=tuple(event for event in calendar.events if event[0] in shared),
    )


def _prior_of(found: _Looked, between: Array, store_id: str) -> SeasonPrior | None:
    others = [top for other, top in found.tops.items() if other != store_id]
    return _prior(others, between, found.names, found.calendars[store_id])


def _check_stores(stores: Mapping[str, StoreDays], unit: float) -> None:
    """Refuse no stores at all, other last days, and calendars that are not their store's."""
    ends = {store.calendar.end for store in stores.values()}
    if len(ends) != 1:
        raise SettingsError(
            "stores: expected one last day of observation for all of a chain; got "
            f"{', '.join(sorted(map(str, ends))) or 'no store'}."
        )
    for store in stores.values():
        check_calendar(store.calendar, store.x, store.T, store.counts, unit)


def _told_by_all(stores: Mapping[str, StoreDays], unit: float, base: PurchaseModel) -> Calendar:
    """The calendar of all stores as if they were one, with the terms that their data carry."""
    longest = max((store.calendar for store in stores.values()), key=lambda c: c.past)
    bought = np.zeros(longest.past)
    for store in stores.values():
        assert store.calendar.purchases is not None, "checked before"
        bought[longest.past - store.calendar.past :] += store.calendar.purchases
    x, t_x, T, counts = (
        np.concatenate(parts)
        for parts in zip(
            *(
                (s.x, s.t_x, s.T, np.ones(s.x.size) if s.counts is None else s.counts)
                for s in stores.values()
            ),
            strict=True,
        )
    )
    together = longest.with_terms(purchases=bought, events=(), closed=(), shut=())
    seen = seasonal_histories(x, t_x, T, counts, together.with_terms(harmonics=0), unit)
    seen.known.require_repeats()
    return carried_terms(together, base, seen, T, counts).calendar


def _shared_names(told: Calendar, calendars: Mapping[str, Calendar]) -> tuple[str, ...]:
    """Names of the terms that stores can have in common: the chain's waves and days, and all events."""
    events = [name for c in calendars.values() for name, _ in c.events]
    return (*told.names, *dict.fromkeys(events))


@dataclass(frozen=True, slots=True)
class _Quadratic:
    """A store's log-likelihood of the shared terms: information and information times its top."""

    information: Array
    score: Array


def _quadratic(seen: SeasonalHistories, own: tuple[str, ...], first: int) -> _Quadratic:
    """A store's log-likelihood where it is highest under a weak prior, that prior taken off again."""
    k = len(own)
    try:
        seen.known.require_repeats()
    except CannotSay:
        return _Quadratic(np.zeros((k, k)), np.zeros(k))
    weak = np.eye(k) / _WEAK**2
    fit = fit_histories(seen, own, first=first, prior=SeasonPrior(np.zeros(k), weak))
    precision = np.linalg.inv(fit.log_covariance[4:, 4:] + 1e-12 * np.eye(k))
    values, vectors = np.linalg.eigh(precision - weak)
    information = (vectors * np.maximum(values, 0.0)) @ vectors.T
    # At the top of the posterior precision · β is the likelihood's score about 0: the prior's mean is 0.
    return _Quadratic(information, np.asarray(precision @ np.log(fit.parameters[4:])))


def _among(top: _Quadratic, own: tuple[str, ...], shared: tuple[str, ...]) -> _Quadratic:
    """A store's quadratic of its own terms as one of the shared terms."""
    place = _places(own, shared)
    information, score = np.zeros((len(shared),) * 2), np.zeros(len(shared))
    mine = [i for i, at in enumerate(place) if at >= 0]
    at = [place[i] for i in mine]
    information[np.ix_(at, at)] = top.information[np.ix_(mine, mine)]
    score[at] = top.score[mine]
    return _Quadratic(information, score)


def _posterior(top: _Quadratic, prior: SeasonPrior | None) -> tuple[Array, Array]:
    """Mean and covariance of a store's effects; weakly held to 0 where no other store tells."""
    k = top.score.size
    held, mean = (np.zeros((k, k)), np.zeros(k)) if prior is None else (prior.precision, prior.mean)
    held = held + np.diag((np.diag(held) == 0.0) / _WEAK**2)
    covariance = np.linalg.inv(top.information + held)
    return covariance @ (top.score + held @ mean), np.asarray(covariance)


def _places(own: tuple[str, ...], shared: tuple[str, ...]) -> list[int]:
    """Where a store's terms stand among the shared ones; −1 for those that are its own.

    Days of the week mean the same only in stores that are open on the same ones.
    """
    alike = {n for n in own if n in WEEKDAYS} == {n for n in shared if n in WEEKDAYS}
    return [
        shared.index(name) if name in shared and (alike or name not in WEEKDAYS) else -1
        for name in own
    ]


def _centre(tops: list[_Quadratic], between: Array) -> tuple[Array, Array]:
    """μ and its covariance, given ω²; weakly held to 0 where no store tells."""
    information, score = _stacked(tops)
    shrunk = np.linalg.inv(np.eye(between.size) + information * between)
    precision = np.eye(between.size) / _WEAK**2 + (shrunk @ information).sum(axis=0)
    covariance = np.linalg.inv((precision + precision.T) / 2.0)
    total = np.einsum("sij,sj->i", shrunk, score)
    return covariance @ total, np.asarray(covariance)


def _between(tops: list[_Quadratic], k: int) -> Array:
    """ω² by EM: the mean of squares of stores' deviations, their doubt and a usual one among them."""
    information, score = _stacked(tops)
    present = np.einsum("sii->si", information) > 0.0
    told = _WORTH + present.sum(axis=0)
    between = np.full(k, _USUAL**2)
    for _ in range(_ROUNDS):
        mean, covariance = _centre(tops, between)
        gain = np.linalg.inv(np.eye(k) + between[:, None] * information)
        own = gain * between  # covariances of β_s given μ
        away = np.einsum("sij,sj->si", own, score - information @ mean)
        rest = np.eye(k) - gain
        doubt = own + rest @ covariance @ np.swapaxes(rest, 1, 2)
        squares = np.where(present, away**2 + np.einsum("sii->si", doubt), 0.0).sum(axis=0)
        better = (_WORTH * _USUAL**2 + squares) / told
        moved, between = float(np.abs(np.log(better / between)).max(initial=0.0)), better
        if moved < _SETTLED:
            break
    return between


def _stacked(tops: list[_Quadratic]) -> tuple[Array, Array]:
    """Informations, shape (stores, terms, terms), and scores, shape (stores, terms)."""
    return np.stack([top.information for top in tops]), np.stack([top.score for top in tops])


def _prior(
    others: list[_Quadratic], between: Array, shared: tuple[str, ...], calendar: Calendar
) -> SeasonPrior | None:
    """What the other stores tell of a store's terms, or None where there is no other."""
    own = calendar.names
    if not others or not own:
        return None
    mean, covariance = _centre(others, between)
    place = _places(own, shared)
    mine = [i for i, at in enumerate(place) if at >= 0]
    at = [place[i] for i in mine]
    centre, precision = np.zeros(len(own)), np.zeros((len(own),) * 2)
    centre[mine] = mean[at]
    precision[np.ix_(mine, mine)] = np.linalg.inv((covariance + np.diag(between))[np.ix_(at, at)])
    return SeasonPrior(centre, precision)
