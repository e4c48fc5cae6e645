"""What stands first on a store's page: its numbers put into the sentences, or the reasons why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from retention_models.errors import CannotSay
from retention_models.languages import duration
from retention_models.pages.store import answers
from retention_models.pages.store.page import StorePage
from retention_models.predictions.customers import Interval

T = TypeVar("T")

# What the model expects, each with a card and a definition.
HEADED = ("alive", "purchases", "value")


def or_reason(find: Callable[[], T]) -> T | str:
    """What a function finds, or why it cannot be said."""
    try:
        return find()
    except CannotSay as refusal:
        return str(refusal)


def three_answers(page: StorePage) -> list[str]:
    """How many are still with us, what changed, and what to do; refused under five customers."""
    store = page.store
    store.require_customers()
    currency = store.settings.money.currency
    silence = page.silence
    forecast = or_reason(lambda: page.forecast)
    still = answers.still_with_us(forecast, len(store.summary), store.forecast_verdict, silence)
    texts = [still]
    if isinstance(forecast, str) and silence is None:
        texts.append(lost_in_the_quarter(page))
    changes = or_reason(lambda: page.changes)
    year = or_reason(lambda: page.year_changes)
    lists = or_reason(page.list_for_the_week)
    return [
        " ".join(texts),
        answers.what_changed(changes, currency, year=year, closed=silence is not None),
        answers.what_to_do(lists, currency, closed=silence is not None),
    ]


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
