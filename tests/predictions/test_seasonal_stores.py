"""A project with a [calendar]: its stores' models, forecasts, scatter and page follow the season."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.pages.models import figures, tables, words as model_words
from retention_models.pages.store import words
from retention_models.predictions import season
from retention_models.predictions.store_models import StoreModels
from retention_models.project.handover import VARIABLE
from retention_models.project.store_handover import write_slices
from retention_models.settings.calendar import CalendarSettings
from retention_models.settings.reading import read_settings
from seasonal_shops import END, seasonal_log
from shops import write_project

pytestmark = pytest.mark.slow

STORES = [f"s{k}" for k in range(4)]
NEW = "new"
CALENDAR = """
holdout = 13
[calendar]
country = "DE"
closed = ["2024-12-25/2024-12-26", 2023-08-01]
[calendar.promotions]
opening = ["2022-09-05/2022-09-06"]
"""


def sold_on(log):
    """A day on which the store looked at sold something."""
    return log.loc[log["shop"] == "s3", "day"].iloc[10].isoformat()


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A folder, a project file, and what came in the 13 weeks after its last day and before.

    The last store is a few months old and too small for a model of its own.
    """
    folder = tmp_path_factory.mktemp("chain")
    logs = [seasonal_log(250, store, seed=k, ahead=91) for k, store in enumerate(STORES)]
    logs.append(seasonal_log(20, NEW, seed=9, days=150, ahead=91))
    log = pd.concat(logs)
    project = write_project(folder, log, [*STORES, NEW], extra=CALENDAR)
    text = project.read_text(encoding="utf-8").replace("2023-12-31", END.isoformat())
    text = text.replace("2023-08-01", sold_on(log))
    project.write_text(text, encoding="utf-8")
    return folder, project, log[log["day"] > END], log[log["day"] <= END]


@pytest.fixture(scope="module")
def store(chain):
    """One of its stores."""
    return rm.open_store(chain[1], "s3")


@pytest.mark.nightly
def test_a_stores_forecast_follows_the_season(chain, store):
    """Its quarter is a quiet one, of which the plain model knows nothing; the page says when."""
    _, _, after, before = chain
    assert store.purchases.calendar_.harmonics == 1
    assert "shrunk" == store.purchases.fit_.verdict
    known = set(before.loc[before["shop"] == "s3", "customer"])
    mine = after[after["shop"] == "s3"].drop_duplicates(["customer", "day"])
    came = int(mine["customer"].isin(known).sum())
    found = store.next_quarter.purchases
    assert found.low <= came <= found.high
    summary = store.summary
    plain = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    expected = plain.predict(13, summary["frequency"], summary["recency"], summary["T"]).sum()
    assert expected > 1.4 * found.value
    assert store.whole_quarter.purchases.low <= len(mine) <= store.whole_quarter.purchases.high
    said = words.purchase_model(store.purchases, "W")
    assert "The forecast follows the season" in said
    assert "borrows" not in said


def test_its_check_follows_the_season_too(store):
    """The model of calibration has a wave, and what it knows is no swing of the customers' rates."""
    found = store.holdout
    assert found.purchases.calendar_.harmonics == 1
    assert found.total.low <= found.actual <= found.total.high
    assert not {"swing", "season"} & {*found.causes}
    assert store.actions["wavering"] is not None


def test_events_without_enough_days_and_days_that_sold_are_left_out(chain, store):
    """An opening of two days tells nothing of itself; who sold on a day was not closed on it."""
    calendar = store.purchases.calendar_
    assert "opening" not in calendar.names
    assert dt.date.fromisoformat(sold_on(chain[3])) not in calendar.closed
    assert calendar.closed == (dt.date(2024, 12, 25), dt.date(2024, 12, 26))
    ahead = store.purchases.season(days=200).set_index("date")["factor"]
    assert ahead[pd.Timestamp("2024-12-25")] == 0.0


@pytest.mark.nightly
def test_a_run_hands_the_chains_season_over(chain, store, monkeypatch):
    """A notebook fits the same model as by hand, of its own rows and what the run found.

    So does the new store's, which borrows both its model and its season, and says so.
    """
    folder, project, _, _ = chain
    settings = read_settings(project)
    slices = folder / "slices"
    slices.mkdir()
    write_slices(
        slices, project, settings, read_project_transactions(settings), [*STORES, NEW], END
    )
    new = rm.open_store(project, NEW)
    said = words.purchase_model(new.purchases, "W")
    assert "so it borrows: the store's own customers tell" in said
    assert "The forecast follows the season" in said
    monkeypatch.setenv(VARIABLE, str(slices))
    assert rm.open_store(project, NEW).purchases.params_.equals(new.purchases.params_)
    handed = rm.open_store(project, "s3")
    assert handed.part.calendars[END].prior is not None
    assert handed.purchases.params_.equals(store.purchases.params_)


def test_a_store_alone_decides_its_own_season(chain):
    """With fewer than three others nothing is shrunk; without a season the plain model is kept."""
    _, project, _, _ = chain
    log = read_project_transactions(read_settings(project))
    alone = StoreModels(log, "s1", END, "W", ("s1",), declared=CalendarSettings())
    assert alone.purchases.fit_.verdict == "converged"
    assert alone.purchases.calendar_.harmonics == 1
    young = StoreModels(
        log, "s1", END - dt.timedelta(days=420), "W", ("s1",), declared=CalendarSettings()
    )
    assert not season.has_season(young.purchases)


@pytest.mark.nightly
def test_models_are_compared_with_and_without_the_season(store):
    """All kinds side by side; the season's own wins by far, and its table and figure are drawn."""
    found = store.comparison
    assert {"BG/NBD", "Pareto/NBD", "BG/NBD with a season"} < set(found.validations)
    assert "Pareto/NBD with a season" not in found.validations
    assert "with a season" in found.recommended
    delta = found.table["delta_aic"]
    assert delta["BG/NBD"] > delta["BG/NBD with a season"] + 10.0
    assert "with a season" in model_words.recommendation(found)
    table = tables.parameters(found.chosen.purchases)
    assert table.loc["year sin 1", "Meaning"].startswith("the season")
    paths = rm.track_models(store.log, found, store_id=store.id)
    assert figures.tracking_of_models(paths, found).lines
