"""A store answers, or says in words why it cannot."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import retention_models as rm
import shops
from retention_models.errors import CannotSay, SettingsError
from retention_models.pages.store import words
from retention_models.predictions import store_models


def test_an_empty_store_says_so_everywhere(chain_project):
    """One sentence, whatever is asked, with what to check."""
    store = rm.open_store(chain_project, "empty")
    for question in ("summary", "measures", "cohorts", "purchases", "forecast", "holdout"):
        with pytest.raises(CannotSay, match=r"no purchase at store empty .* check the store's id"):
            getattr(store, question)


def test_a_stores_rows_can_be_plotted(chain_project):
    """Its own, up to the last day that counts, with spend as numbers and days as days."""
    store = rm.open_store(chain_project, "0042", as_of="2023-06-30")
    rows = store.rows
    assert {"0042"} == set(rows["store_id"])
    assert rows["date"].max() <= pd.Timestamp("2023-06-30")
    assert ("float64", "datetime64[ns]") == (str(rows["spend"].dtype), str(rows["date"].dtype))
    axes = rows.groupby("date")["spend"].sum().plot()
    assert 1 == len(axes.lines)
    plt.close("all")


def test_a_store_of_one_customer_shows_no_figures_of_that_person(chain_project):
    """Groups under five tell of single persons."""
    store = rm.open_store(chain_project, "single")
    for question in ("measures", "cohorts"):
        with pytest.raises(CannotSay, match="one customer so far; figures of fewer than 5"):
            getattr(store, question)
    with pytest.raises(CannotSay, match="too few to model"):
        _ = store.purchases


@pytest.mark.slow
def test_a_store_without_visible_dropout_is_named_as_such(chain_project):
    """Its predictions hold all the same."""
    from conftest import STRANGE_ID

    store = rm.open_store(chain_project, STRANGE_ID)
    assert "no dropout is visible" in store.purchases.fit_.message
    assert store.purchases.fit_.posterior is not None
    assert store.predictions["expected_purchases"].notna().all()


def test_a_day_before_the_data_begin_is_an_empty_store(chain_project):
    """As of a day on which nobody had bought yet."""
    store = rm.open_store(chain_project, "0042", as_of="2022-12-31")
    with pytest.raises(CannotSay, match="up to 31 December 2022"):
        _ = store.summary


def test_as_of_takes_the_place_of_the_project_files_day(chain_project):
    """What came later is not known then."""
    store = rm.open_store(chain_project, "0042", as_of="2023-06-30")
    assert store.summary["T"].max() <= 181 / 7


def test_the_holdout_is_a_quarter_unless_set(tmp_path):
    """Half a year of data leaves a quarter of it out; a setting says otherwise."""
    frame = shops.simulated_log(100, seed=4)
    plain = rm.open_store(shops.write_project(tmp_path / "a", frame, ["0042"]), "0042")
    observed = (plain.observation_end - plain.first_day).days
    assert round(observed / 4) == (plain.observation_end - plain.calibration_end).days
    project = shops.write_project(tmp_path / "b", frame, ["0042"], extra="holdout = 6")
    assert 42 == (lambda s: (s.observation_end - s.calibration_end).days)(
        rm.open_store(project, "0042")
    )


def test_a_store_goes_by_the_model_that_the_project_file_names(tmp_path):
    """Nothing else is tried; a model that there is not is refused, with those that there are."""
    frame = shops.simulated_log(100, seed=4)
    named = 'purchases = "{}"'
    project = shops.write_project(tmp_path / "a", frame, ["0042"], extra=named.format("BG/NBD"))
    store = rm.open_store(project, "0042")
    assert store.contest.named
    assert store.purchases.label == "BG/NBD"
    project = shops.write_project(tmp_path / "b", frame, ["0042"], extra=named.format("NBD"))
    with pytest.raises(SettingsError, match=r"purchases.*BG/NBD, MBG/NBD, MBG/CNBD-k"):
        rm.open_store(project, "0042")


def test_a_holdout_longer_than_the_data_is_said(tmp_path):
    """Not a negative window."""
    frame = shops.simulated_log(60, seed=4)
    project = shops.write_project(tmp_path, frame, ["0042"], extra="holdout = 60")
    with pytest.raises(CannotSay, match="too short to hold out 420 of them"):
        _ = rm.open_store(project, "0042").holdout


def few_who_came_back(shop, seed):
    """A store of 14 customers of whom eight came back."""
    log = shops.simulated_log(60, seed=seed, shop=shop)
    again = log.drop_duplicates(["customer", "day"]).groupby("customer").size() > 1
    kept = [*again.index[again][:8], *again.index[~again][:6]]
    return log[log["customer"].isin(kept)]


@pytest.fixture(scope="module")
def small_chain(tmp_path_factory):
    """Three stores that carry a model, one that does not, and one of seven customers."""
    seven = shops.simulated_log(7, seed=9, shop="seven")
    log = pd.concat(
        [
            *(shops.simulated_log(60, seed=n, shop=f"{n}") for n in (1, 2, 3)),
            few_who_came_back("small", 8),
            seven,
        ]
    )
    return shops.write_project(
        tmp_path_factory.mktemp("small"), log, ["1", "2", "3", "small", "seven"]
    )


@pytest.mark.slow
def test_a_small_store_borrows_from_its_chain_and_says_so(small_chain):
    """Purchases, spend and forecast; the model is checked like any other."""
    store = rm.open_store(small_chain, "small")
    assert "shrunk" == store.purchases.fit_.verdict == store.spend.fit_.verdict
    said = words.purchase_model(store.purchases, "W")
    assert "do not carry a model by themselves, so it borrows" in said
    assert "the rest is taken from the 4 other stores of the chain" in said
    assert store.forecast.purchases.low < store.forecast.purchases.value
    worth = words.lifetime_value(
        store.forecast, store.settings.model, store.settings.money, store.spend
    )
    assert "the store's own customers tell" in worth
    assert "shrunk" == store.holdout.purchases.fit_.verdict
    assert store.forecast_verdict in {"use", "use with care", "do not use"}


@pytest.mark.slow
def test_a_store_that_carries_a_model_does_not_look_at_the_others(small_chain, monkeypatch):
    """Its own estimates, and no time spent on the chain."""
    monkeypatch.setattr(store_models, "customer_summary_by_store", pytest.fail)
    store = rm.open_store(small_chain, "1")
    assert {"converged", "boundary"} >= {store.purchases.fit_.verdict, store.spend.fit_.verdict}
    assert store.holdout.purchases.fit_.verdict in {"converged", "boundary"}


def test_a_store_of_seven_customers_does_not_borrow(small_chain):
    """Figures that draw every customer would tell of single persons."""
    with pytest.raises(CannotSay, match="Fewer than 10 customers have bought again"):
        _ = rm.open_store(small_chain, "seven").purchases


def test_two_other_stores_are_too_few_to_borrow_from(small_chain, tmp_path):
    """They hardly say how stores differ; the store's own refusal stands."""
    log = pd.read_csv(small_chain.parent / "log.csv", dtype=str)
    project = shops.write_project(tmp_path, log, ["1", "2", "small", "seven"])
    store = rm.open_store(project, "small")
    for question in ("purchases", "spend"):
        with pytest.raises(CannotSay, match=f"too few to model {question}"):
            getattr(store, question)
    with pytest.raises(CannotSay, match="too few to model purchases up to 1 October 2023"):
        _ = store.holdout
    assert "not checked" == store.forecast_verdict


@pytest.mark.slow
def test_surveys_and_complaints_of_the_project_reach_the_lists(tmp_path):
    """The last answer counts, of this store or of none; a complaint goes before a praise."""
    frame = shops.simulated_log(60, seed=4)
    project = shops.write_project(tmp_path, frame, ["0042"], extra=CONTACTS)
    said = pd.DataFrame(
        [
            ("0001", "2023-12-01", 2, "0042"),
            ("0001", "2023-12-20", 10, "0042"),
            ("0002", "2023-12-20", 10, None),
            ("0003", "2023-12-20", 0, "0042"),
            ("0004", "2023-12-20", 0, "another"),
        ],
        columns=["who", "day", "score", "shop"],
    )
    said.to_csv(tmp_path / "surveys.csv", index=False)
    events = pd.DataFrame(
        {"who": ["0002", "0001"], "day": "2023-12-21", "kind": ["Complaint", "x"]}
    )
    events.to_csv(tmp_path / "events.csv", index=False)
    lists = rm.open_store(project, "0042", as_of="2023-12-31").actions
    found = {name: list(lists[name].customers.index) for name in LISTS}
    assert {"complaint": ["0002"], "detractor": ["0003"], "promoter": ["0001"]} == found


LISTS = ("complaint", "detractor", "promoter")
CONTACTS = """
[surveys]
source = "surveys.csv"

[surveys.columns]
customer_id = "who"
answered_at = "day"
score = "score"
store_id = "shop"

[events]
source = "events.csv"

[events.columns]
customer_id = "who"
date = "day"
kind = "kind"
"""


@pytest.mark.slow
def test_a_store_says_what_its_loyalty_is_worth(chain_project):
    """By the project's horizon, margin and discount; of drivers it names the table that is missing."""
    store = rm.open_store(chain_project, "0042")
    worth, repeat = store.retention_worth, store.repeat_customer_worth
    assert worth.horizon == store.settings.model.horizon
    assert worth.profit.value == pytest.approx(store.forecast.value.value)
    assert repeat.first_orders == len(store.summary)
    lines = rm.loyalty_claims(worth=worth, repeat=repeat).lines()
    assert ["here" in line for line in lines] == [True, True, False]
    with pytest.raises(CannotSay, match=r"has no table \[events\]"):
        _ = store.churn_drivers


def test_a_store_that_there_is_not_is_refused_with_the_nearest(tmp_path):
    """At once, not at the first question; one that the project file lists may have no row yet."""
    frame = shops.simulated_log(30, seed=4)
    project = shops.write_project(tmp_path, frame, ["0042", "0099"])
    assert rm.open_store(project, "0099").id == "0099"
    with pytest.raises(SettingsError, match=r"store_id: no store '042' .* did you mean 0042"):
        rm.open_store(project, "042")
