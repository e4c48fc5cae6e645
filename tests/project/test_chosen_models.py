"""How a chain's models are chosen is kept from night to night."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from dataclasses import replace

import pytest

import retention_models as rm
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.predictions.contest import Contest
from retention_models.predictions.scatter import Scatter
from retention_models.project.chosen_models import (
    MODELS,
    as_kept,
    contest_of,
    earlier_contest,
    once_learned,
    past_print,
    scatters_of,
)
from retention_models.settings.reading import read_settings

MONDAY = dt.date(2024, 5, 6)
CONTEST = Contest("mid_life", MONDAY, MONDAY, 3, 8, 21, 0.01, 0.3)


@pytest.fixture
def output(tmp_path):
    """An output folder with one night's choice."""
    (tmp_path / MONDAY.isoformat()).mkdir()
    (tmp_path / MONDAY.isoformat() / MODELS).write_text(json.dumps(as_kept(CONTEST)))
    return tmp_path


def test_a_later_night_finds_it_and_the_same_night_does_not(output):
    """So that a night that is made again chooses as it did."""
    assert earlier_contest(output, MONDAY + dt.timedelta(days=1)) == CONTEST
    assert earlier_contest(output, MONDAY) is None


def test_other_code_holds_the_contest_again_from_what_was_used(output, monkeypatch):
    """The rule in use is known, and was held too long ago to stand."""
    code = "retention_models.project.chosen_models.code_sha256"
    monkeypatch.setattr(code, lambda: "other")
    found = earlier_contest(output, MONDAY + dt.timedelta(days=1))
    assert found == replace(CONTEST, held=dt.date.min)
    assert contest_of(output, MONDAY) is None


def test_a_page_made_by_hand_goes_by_the_choice_of_its_days_run(output):
    """Of no other day."""
    assert contest_of(output, MONDAY) == CONTEST
    assert contest_of(output, MONDAY + dt.timedelta(days=1)) is None


@pytest.mark.parametrize("text", ["", "[]", '{"contest": {"rule": "mid_life"}}', '{"contest": 3}'])
def test_a_damaged_file_is_told_and_passed_over(output, caplog, text):
    """Models are chosen anew."""
    (output / MONDAY.isoformat() / MODELS).write_text(text)
    assert earlier_contest(output, MONDAY + dt.timedelta(days=1)) is None
    assert contest_of(output, MONDAY) is None
    assert "chosen anew" in caplog.text


def kept_scatters(folder):
    """A night's, from a past called "past"."""
    (folder / MONDAY.isoformat()).mkdir()
    kept = as_kept(CONTEST, {MONDAY: Scatter(0.1, 21, 8, 1.2, 0.05)}, "past")
    (folder / MONDAY.isoformat() / MODELS).write_text(json.dumps(kept))
    return {MONDAY: Scatter(0.1, 21, 8, 1.2, 0.05)}


def test_scatter_is_that_of_the_days_run_only_from_the_same_past_rule_and_code(
    tmp_path, monkeypatch
):
    """Else it is learned anew."""
    known = kept_scatters(tmp_path)
    assert scatters_of(tmp_path, MONDAY, "mid_life", "past") == known
    assert scatters_of(tmp_path, MONDAY, "bg_nbd", "past") == {}
    assert scatters_of(tmp_path, MONDAY, "mid_life", "other") == {}
    assert scatters_of(tmp_path, MONDAY, "mid_life", None) == {}
    assert scatters_of(tmp_path, MONDAY + dt.timedelta(days=1), "mid_life", "past") == {}
    code = "retention_models.project.chosen_models.code_sha256"
    monkeypatch.setattr(code, lambda: "other")
    assert scatters_of(tmp_path, MONDAY, "mid_life", "past") == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scatters": 3, "code": 3}'])
def test_damaged_scatters_are_told_and_learned_anew(tmp_path, caplog, text):
    """A page by hand goes on."""
    kept_scatters(tmp_path)
    (tmp_path / MONDAY.isoformat() / MODELS).write_text(text)
    assert scatters_of(tmp_path, MONDAY, "mid_life", "past") == {}
    assert "learned anew" in caplog.text


def print_of(project):
    """Of a project file's data as they are now."""
    settings = read_settings(project)
    return past_print(settings, read_project_transactions(settings))


def test_the_past_is_another_when_the_file_was_written_anew(tmp_path):
    """Or a setting on which past forecasts depend was changed; not by the name of the chain."""
    project = rm.write_demo(tmp_path, "cdnow")
    text = project.read_text()
    before = print_of(project)
    assert before is not None
    project.write_text(text.replace('name = "', 'name = "The other '))
    assert print_of(project) == before
    project.write_text(text.replace('time_unit = "W"', 'time_unit = "D"'))
    assert print_of(project) != before
    project.write_text(text)
    source = tmp_path / "data" / "raw" / "cdnow.csv"
    stat = source.stat()
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert print_of(project) != before


@pytest.mark.slow
def test_stores_opened_by_hand_ask_the_chains_past_once(tmp_path, monkeypatch):
    """Of the same files and settings; of others anew."""
    project = rm.write_demo(tmp_path, "cdnow")
    asked = []

    def held(past, earlier, *, named):
        asked.append(past.end)
        return CONTEST

    monkeypatch.setattr("retention_models.project.store_facts.hold_contest", held)
    for _ in range(2):
        assert rm.open_store(project, "cdnow").contest is CONTEST
    assert len(asked) == 1
    rm.open_store(project, "cdnow", as_of="1998-03-31").contest  # noqa: B018
    source = tmp_path / "data" / "raw" / "cdnow.csv"
    stat = source.stat()
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    rm.open_store(project, "cdnow").contest  # noqa: B018
    assert len(asked) == 3


def test_of_data_that_no_file_tells_each_asks_for_itself():
    """As rows of a data frame may be others under the same name."""
    found = iter(range(9))
    assert once_learned(None, ("contest",), lambda: next(found)) == 0
    assert once_learned(None, ("contest",), lambda: next(found)) == 1


def test_what_was_not_asked_for_long_is_forgotten():
    """A process that opens many projects does not grow."""
    for number in range(70):
        once_learned("a past", (number,), lambda number=number: number)
    assert once_learned("a past", (69,), lambda: None) == 69
    assert once_learned("a past", (0,), lambda: "anew") == "anew"


def test_how_far_it_is_shows_where_nobody_else_shows_it(capsys, monkeypatch):
    """On stderr; where logs go elsewhere, as in a run, only there."""
    ours = logging.getLogger("retention_models")
    before = ours.level
    for one in (ours, logging.getLogger()):  # pytest's own handlers
        monkeypatch.setattr(one, "handlers", [])

    def learn():
        logging.getLogger("retention_models.predictions.contest").info("12 of 24")

    once_learned(None, (), learn)
    assert capsys.readouterr().err == "12 of 24\n"
    assert ours.level == before
    monkeypatch.setattr(ours, "handlers", [logging.NullHandler()])
    once_learned(None, (), learn)
    assert capsys.readouterr().err == ""
