"""How a chain's models are chosen is kept from night to night."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest

from retention_models.predictions.contest import Contest
from retention_models.project.chosen_models import MODELS, as_kept, contest_of, earlier_contest

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
