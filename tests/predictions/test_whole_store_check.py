"""A whole store's forecast beside rules that know its weekly totals alone, on the weeks not seen."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import CannotSay
from retention_models.levels import Interval
from retention_models.pages.models import tables
from retention_models.pages.store import words
from retention_models.predictions.validation.whole_store_check import (
    BEFORE,
    ETS,
    YEAR_BEFORE,
    WholeStoreCheck,
    check_whole_store,
    others,
)
from retention_models.predictions.whole_store import WholeStore


def daily(days: int, level=3.0) -> pd.DataFrame:
    """A store's days, of `level` purchases each, or as an array says, at 10 each."""
    index = pd.date_range("2022-01-03", periods=days)
    bought = np.broadcast_to(level, days)
    return pd.DataFrame({"purchases": bought, "revenue": 10.0 * bought}, index=index)


@pytest.mark.parametrize(
    ("days", "window", "rules"),
    [
        (400, 91, [BEFORE, YEAR_BEFORE, ETS]),
        (363, 91, [BEFORE, ETS]),
        (90, 91, [ETS]),
        (60, 91, []),
        (400, 380, [BEFORE, ETS]),
    ],
)
def test_a_rule_is_asked_where_the_data_reach_back_so_far(days, window, rules):
    """An even shop goes on evenly, by each of them, in weeks that are not whole too."""
    for ahead in (window, window - 3):
        found = others(daily(days), ahead)
        assert found.index.tolist() == (rules if ahead == window else found.index.tolist())
        assert np.allclose(found["purchases"], 3.0 * ahead)
        assert np.allclose(found["revenue"], 30.0 * ahead)


def test_what_is_repeated_is_the_time_before_and_the_same_weeks_of_a_year_before():
    """52 weeks earlier, so that days of the week meet."""
    found = others(daily(400, np.arange(400.0)), 14)
    assert found.loc[BEFORE, "purchases"] == np.arange(386, 400).sum()
    assert found.loc[YEAR_BEFORE, "purchases"] == np.arange(36, 50).sum()


def test_smoothing_follows_where_a_store_has_gone():
    """After a step of old the level is that of the weeks since, where the year before is the old one."""
    found = others(daily(400, np.where(np.arange(400) < 200, 2.0, 6.0)), 28)
    assert found.loc[ETS, "purchases"] == pytest.approx(6.0 * 28, rel=0.05)
    assert found.loc[YEAR_BEFORE, "purchases"] == pytest.approx(2.0 * 28)


@pytest.fixture(scope="module")
def log():
    """A small shop's."""
    return rm.SimulatedShop(60, dt.date(2023, 1, 1), joining_days=100, seed=3).log(
        until="2023-09-30"
    )


def ahead(value: float) -> WholeStore:
    """A forecast of so many purchases, at 10 each."""
    told = Interval(value, 0.8 * value, 1.2 * value)
    paid = Interval(*(10.0 * end for end in (told.value, told.low, told.high)))
    return WholeStore(told, told, told, told, paid, paid, pd.DataFrame(), 0.9)


def test_what_came_is_everybody_s(log):
    """Newcomers too: all of the days' purchases."""
    split, until = dt.date(2023, 3, 1), dt.date(2023, 5, 31)
    found = check_whole_store(log, None, split, until, ahead(50.0))
    after = rm.customer_summary(log, observation_end=until)
    before = rm.customer_summary(log, observation_end=split)
    newcomers = len(after) - len(before)
    assert newcomers > 0
    came = after["frequency"].sum() - before["frequency"].sum() + newcomers
    assert found.came == came
    assert found.begin == dt.date(2023, 3, 2)
    assert found.paid > 0.0


def test_nothing_came_is_no_comparison(log):
    """And is said so."""
    last = log.last_day()
    with pytest.raises(CannotSay, match="Nobody bought in the weeks of the check"):
        check_whole_store(log, None, last, last + dt.timedelta(days=30), ahead(5.0))


def test_the_page_says_how_far_each_was_off():
    """In purchases and money; without a spend model in purchases alone."""
    beside = pd.DataFrame(
        {"purchases": [125.0, 100.2], "revenue": [900.0, 1200.0]}, index=[BEFORE, ETS]
    )
    days = dt.date(2023, 7, 1), dt.date(2023, 9, 29)
    told = Interval(90.0, 80.0, 104.0)
    check = WholeStoreCheck(*days, told, None, 100.0, 1000.0, beside)
    found = tables.whole_store_check(check)
    assert found.loc["What came"].tolist() == ["100", "", "1,000", ""]
    assert found.loc["This page's forecast"].tolist() == ["90", "−10%", "", ""]
    assert found.loc[BEFORE].tolist() == ["125", "+25%", "900", "−10%"]
    assert found.loc[ETS].tolist() == ["100", "+0%", "1,200", "+20%"]
    said = words.whole_store_check(check)
    assert "made 100 purchases where 90 (80 to 104) were expected. Beside it stand rules" in said
    alone = words.whole_store_check(WholeStoreCheck(*days, told, None, 1.0, 1.0, beside.iloc[:0]))
    assert alone.endswith("made 1 purchase where 90 (80 to 104) were expected.")
