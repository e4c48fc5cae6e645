"""A last day that the data do not reach: refused where it has not come, and never a better verdict."""

import datetime as dt

import pytest

import retention_models as rm
import shops
from retention_models.errors import SettingsError


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A year of a shop."""
    folder = tmp_path_factory.mktemp("beyond")
    found = shops.write_project(folder, shops.simulated_log(150, seed=3), ["0042"])
    found.write_text(found.read_text().replace("observation_end = 2023-12-31", ""))
    return found


def tomorrow() -> str:
    """A day that has not come anywhere."""
    return (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=2)).isoformat()


@pytest.mark.parametrize("day", ["9999-12-31", "2300-01-01", tomorrow()])
def test_a_day_that_has_not_come_is_refused(project, day):
    """With the last day of the data."""
    with pytest.raises(SettingsError, match=r"as_of: expected a day that has come.*data end on"):
        rm.open_store(project, "0042", as_of=day)


def test_so_it_is_in_the_project_file(project, tmp_path):
    """By the key's name."""
    text = project.read_text().replace("[model]", "[model]\nobservation_end = 9999-12-31")
    (tmp_path / "p.toml").write_text(text.replace('source = "', f'source = "{project.parent}/'))
    with pytest.raises(
        SettingsError, match=r"model\.observation_end: expected a day that has come"
    ):
        rm.open_store(tmp_path / "p.toml", "0042")


@pytest.mark.slow
def test_days_after_the_data_do_not_improve_the_check(project):
    """Nobody could have come on them, so the model is checked on the days before."""
    at_its_end = rm.open_store(project, "0042").holdout
    for day in ("2024-01-10", "2024-09-30"):
        later = rm.open_store(project, "0042", as_of=day).holdout
        assert at_its_end.verdict == later.verdict
        assert at_its_end.calibration_end == later.calibration_end
        assert at_its_end.holdout_end == later.holdout_end
