"""A store answers, or says in words why it cannot."""

import pytest

import retention_models as rm
import shops
from retention_models.errors import CannotSay


def test_an_empty_store_says_so_everywhere(chain_project):
    """One sentence, whatever is asked, with what to check."""
    store = rm.open_store(chain_project, "empty")
    for question in ("summary", "measures", "cohorts", "purchases", "forecast", "holdout"):
        with pytest.raises(CannotSay, match=r"no purchase at store empty .* check the store's id"):
            getattr(store, question)


def test_a_store_of_one_customer_shows_no_figures_of_that_person(chain_project):
    """Groups under five tell of single persons."""
    store = rm.open_store(chain_project, "single")
    for question in ("measures", "cohorts"):
        with pytest.raises(CannotSay, match="one customer so far; figures of fewer than 5"):
            getattr(store, question)
    with pytest.raises(CannotSay, match="too few to model"):
        _ = store.purchases


def test_a_store_without_visible_dropout_is_named_as_such(chain_project):
    """Its predictions hold all the same."""
    from conftest import STRANGE_ID

    store = rm.open_store(chain_project, STRANGE_ID)
    assert "boundary" == store.purchases.fit_.verdict
    assert store.predictions["expected_purchases"].notna().all()


def test_a_day_before_the_data_begin_is_an_empty_store(chain_project):
    """As of a day on which nobody had bought yet."""
    store = rm.open_store(chain_project, "0042", as_of="2022-12-31")
    with pytest.raises(CannotSay, match="up to 2022-12-31"):
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


def test_a_holdout_longer_than_the_data_is_said(tmp_path):
    """Not a negative window."""
    frame = shops.simulated_log(60, seed=4)
    project = shops.write_project(tmp_path, frame, ["0042"], extra="holdout = 60")
    with pytest.raises(CannotSay, match="too short to hold out 420 of them"):
        _ = rm.open_store(project, "0042").holdout
