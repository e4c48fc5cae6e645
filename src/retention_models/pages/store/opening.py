"""What stands first on a store's page: its numbers put into the sentences, or the reasons why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from retention_models.errors import CannotSay
from retention_models.languages import count, duration, money, phrase
from retention_models.levels import Interval
from retention_models.pages.store import answers, chosen, contact_words, first, lines
from retention_models.pages.store.first import Point
from retention_models.pages.store.page import StorePage
from retention_models.pages.store.tables import Card, measured_cards
from retention_models.predictions.model_names import name_in_words
from retention_models.project.store import Store
from retention_models.summaries.holdout import SILENCE

T = TypeVar("T")

CAMPAIGNS = "../index.html#campaigns"  # on the chain's page, from a store's
# What the model expects, each with a card and a definition.
HEADED = ("alive", "purchases", "value")


def or_reason(find: Callable[[], T]) -> T | str:
    """What a function finds, or why it cannot be said."""
    try:
        return find()
    except CannotSay as refusal:
        return str(refusal)


def page_of(store: Store) -> StorePage:
    """The numbers of an opened store's page."""
    return StorePage(store)


def status(page: StorePage) -> tuple[str, str]:
    """Whether the store is open and its forecast may be used: "good", "care", "bad"; a sentence."""
    store = page.store
    store.require_customers()
    end, newest = store.observation_end, store.log.stores["last_day"].max()
    if (end - newest).days >= SILENCE.days:
        return "bad", first.missing(newest, end)
    if page.silence is not None:
        return "bad", first.silent(page.silence)
    found = or_reason(lambda: store.holdout)
    checked = None if isinstance(found, str) else found
    said = first.forecast_status(checked)
    if checked is None and isinstance(withheld := or_reason(lambda: page.forecast), str):
        said = withheld  # there is no model to check
    good = checked is not None and checked.verdict == "use"
    good = good and page.store.value_verdict in ("use", "not checked")
    return ("good" if good else "care"), first.open_since(page.last_purchase, said)


def points(page: StorePage) -> list[Point]:
    """Revenue and orders, customers lost, the next 13 weeks, the newest campaign; refused under five."""
    store = page.store
    store.require_customers()
    currency = store.settings.money.currency
    months = or_reason(lambda: page.months)
    found = [_revenue(page, currency), _lost(page)]
    if page.silence is not None:
        return [_with_line(found[0], months, "revenue", currency)]
    coming, ahead = _coming(page, currency)
    return [
        _with_line(found[0], months, "revenue", currency),
        _with_line(found[1], months, "lost", currency),
        _with_line(coming, months, "revenue", currency, ahead),
        _campaign(page, currency),
    ]


def _coming(page: StorePage, currency: str) -> tuple[Point, list[float]]:
    """What the next quarter should bring, of everybody or else of today's customers; by month."""
    found = or_reason(lambda: page.year_before)
    before = found if isinstance(found, float) else None
    if page.store.forecast_verdict == "do not use":
        return first.next_quarter(phrase("What changed stands above."), before, currency), []
    whole = or_reason(lambda: page.whole_quarter)
    if not isinstance(whole, str) and whole.revenue is not None:
        coming = first.whole_quarter(whole, before, currency, closed=page.closed_more)
        return coming, [whole.revenue.value / 3.0] * 3
    forecast = or_reason(lambda: page.next_quarter)
    ahead: list[float] = []
    if not isinstance(forecast, str) and forecast.value is not None:
        ahead = [forecast.value.value / 3.0] * 3
    withheld = page.store.value_verdict == "do not use"
    closed = page.closed_more
    return first.next_quarter(forecast, before, currency, withheld=withheld, closed=closed), ahead


def _revenue(page: StorePage, currency: str) -> Point:
    quarter = or_reason(lambda: page.quarter)
    if isinstance(quarter, str):
        return first.point(phrase("Revenue of 13 weeks"), quarter)
    changes, year = or_reason(lambda: page.changes), or_reason(lambda: page.year_changes)
    return first.revenue(quarter, changes, year, currency)


def _lost(page: StorePage) -> Point:
    quarters = or_reason(lambda: page.quarters)
    if isinstance(quarters, str):
        return first.point(phrase("Customers lost"), quarters)
    return first.lost(quarters, page.activity_window, or_reason(lambda: page.changes))


def _campaign(page: StorePage, currency: str) -> Point:
    row = or_reason(lambda: page.newest_campaign)
    costs = not isinstance(row, str) and page.has_costs(str(row["campaign_id"]))
    chain = page.store.settings.transactions.columns.store_id is not None
    found = first.campaign(row, currency, costs=costs, chain=chain)
    if isinstance(row, str):
        return found
    return replace(found, href=CAMPAIGNS, link=phrase("All campaigns"))


def _with_line(
    point: Point,
    months: pd.DataFrame | str,
    measure: str,
    currency: str,
    ahead: Sequence[float] = (),
) -> Point:
    """A point with its line of twelve months, where there are two to join."""
    if isinstance(months, str) or months[measure].notna().sum() < 2:
        return point
    known = months[measure]
    what = phrase("Customers lost") if measure == "lost" else phrase("Revenue")
    say = count if measure == "lost" else lambda value: money(value, currency)
    said = lines.in_words(what, known, say)
    if len(ahead):
        said += " " + phrase("Expected of each month to come: {n}.", n=money(ahead[0], currency))
    return replace(point, line=lines.line(known.tolist(), ahead), alternative=said)


def calls(page: StorePage) -> str:
    """How many customers to call tomorrow, what is at stake, and in which file they are."""
    model = page.store.settings.model
    found = page.to_call
    ahead = horizon(page)
    return answers.to_call(found, page.store.settings.money.currency, ahead, model.interval)


def lists_tested(page: StorePage) -> list[str]:
    """A sentence for each list of which it is known whether it pays, and one for all others' tests.

    On the night on which tests begin, how many customers their lots leave out.
    """
    store, settings = page.store, page.store.settings
    told = contact_words.in_short(store.list_tests, settings.actions, settings.money.currency)
    return told if store.list_tests else contact_words.left_out(store.actions)


def list_tests_in_full(page: StorePage) -> list[str]:
    """What each list's test tells, and of which lists nobody is left out."""
    store, settings = page.store, page.store.settings
    return contact_words.in_full(
        store.list_tests, store.actions, settings.actions, settings.money.currency
    )


def what_changed(page: StorePage) -> str:
    """The change against the quarter before that stands out most, or that none does."""
    changes, year = or_reason(lambda: page.changes), or_reason(lambda: page.year_changes)
    return answers.what_changed(changes, page.store.settings.money.currency, year=year)


def measured(page: StorePage) -> list[Card]:
    """Cards of the last quarter's figures with their changes."""
    changes = or_reason(lambda: page.changes)
    return measured_cards(page.quarter, changes, page.store.settings.money.currency)


def beside_the_rule(page: StorePage) -> str:
    """The modelled value of a customer beside the rule of thumb's."""
    each, rule = page.value_per_customer, page.looking_back.loc["historic_clv"]
    return answers.worth_beside_the_rule(each, rule, page.store.settings.money, horizon(page))


def chosen_model(page: StorePage) -> str:
    """How it was told which model holds."""
    return chosen.chosen_model(page.store.contest)


def model_caption(page: StorePage) -> str:
    """What the table of the purchase model's parameters is called."""
    return phrase("Purchase model ({name})", name=name_in_words(page.store.purchases.model.label))


def lost_in_the_quarter(page: StorePage) -> str:
    """How many active customers were lost in the last quarter, or why that cannot be said."""
    page.store.require_customers()
    quarter = or_reason(lambda: page.quarter)
    if isinstance(quarter, str):
        return answers.not_kept(quarter)
    return answers.kept(quarter.loc["churn_rate"], page.activity_window)


def churn_of_the_year(page: StorePage) -> str:
    """Churn of the last quarter, as of a year, against the band and beside P(alive)."""
    alive = or_reason(lambda: page.alive)
    return answers.churn(page.quarter, page.activity_window, alive, page.silence)


def expected(page: StorePage) -> dict[str, Interval | str]:
    """What the model expects of the customers together, or why it does not."""
    finds = (lambda: page.alive, lambda: page.forecast.purchases, lambda: page.value)
    return {name: or_reason(find) for name, find in zip(HEADED, finds, strict=True)}


def horizon(page: StorePage) -> str:
    """The time looked ahead, in words."""
    model = page.store.settings.model
    return duration(model.horizon, model.time_unit)
