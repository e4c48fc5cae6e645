"""How a chain's models are chosen is kept from night to night."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from retention_models.predictions.contest import Contest
from retention_models.runs.publishing.chosen_models import MODELS, earlier_contest, keep_contest
from retention_models.runs.publishing.manifest import MANIFEST

MONDAY = dt.date(2024, 5, 6)
CONTEST = Contest("mid_life", MONDAY, MONDAY, 3, 8, 21, 0.01, 0.3)


@pytest.fixture
def output(tmp_path):
    """An output folder with one night's choice."""
    (tmp_path / MONDAY.isoformat()).mkdir()
    (tmp_path / MONDAY.isoformat() / MANIFEST).write_text("{}")
    keep_contest(tmp_path, MONDAY, CONTEST)
    return tmp_path


def test_a_later_night_finds_it_and_the_same_night_does_not(output):
    """So that a night that is made again chooses as it did."""
    assert earlier_contest(output, MONDAY + dt.timedelta(days=1)) == CONTEST
    assert earlier_contest(output, MONDAY) is None


def test_other_code_holds_the_contest_again_from_what_was_used(output, monkeypatch):
    """The rule in use is known, and was held too long ago to stand."""
    code = "retention_models.runs.publishing.chosen_models.code_sha256"
    monkeypatch.setattr(code, lambda: "other")
    found = earlier_contest(output, MONDAY + dt.timedelta(days=1))
    assert found == replace(CONTEST, held=dt.date.min)


@pytest.mark.parametrize("text", ["", "[]", '{"contest": {"rule": "mid_life"}}', '{"contest": 3}'])
def test_a_damaged_file_is_told_and_passed_over(output, caplog, text):
    """Models are chosen anew."""
    (output / MONDAY.isoformat() / MODELS).write_text(text)
    assert earlier_contest(output, MONDAY + dt.timedelta(days=1)) is None
    assert "chosen anew" in caplog.text
