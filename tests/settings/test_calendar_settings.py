"""The table [calendar]: days and stretches of them, and every mistake in it at once."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import pytest

from project_files import GOOD, mistakes, written
from retention_models.models.seasons import feasts
from retention_models.settings.calendar import Feast
from retention_models.settings.reading import read_settings


def test_days_and_stretches_are_days(tmp_path):
    """Each once, in order; an empty table asks for a season all the same."""
    text = GOOD + (
        '[calendar]\ncountry = "DE"\nfeasts = ["Easter"]\n'
        'closed = ["2024-12-24/2024-12-26", 2024-12-25, 2024-01-01]\n'
        '[calendar.promotions]\nsale = ["2024-07-01 / 2024-07-02"]\n'
    )
    found = read_settings(written(tmp_path, text)).calendar
    assert [dt.date(2024, 1, 1), *(dt.date(2024, 12, day) for day in (24, 25, 26))] == list(
        found.closed
    )
    assert {"sale": (dt.date(2024, 7, 1), dt.date(2024, 7, 2))} == found.promotions
    assert read_settings(written(tmp_path, GOOD + "[calendar]\n")).calendar is not None
    assert read_settings(written(tmp_path, GOOD)).calendar is None


def test_every_mistake_of_a_calendar_is_named(tmp_path):
    """A country that is none, an unknown feast, a stretch the wrong way round, a key misspelt."""
    text = GOOD + (
        '[calendar]\ncountry = "XX"\nfeasts = ["Easter", "Chrismas"]\n'
        'closed = ["2024-12-26/2024-12-24"]\nholidays = true\n'
        '[calendar.promotions]\nsale = "2024-07-01"\nopening = ["first of May"]\n'
    )
    head, *lines = mistakes(tmp_path, text)
    assert "6 mistakes" in head
    for key, words in (
        ("calendar.country", "no public holidays are known of it"),
        ("calendar.feasts[2]", "moving feasts: Christmas, Easter"),
        ("calendar.closed", "is no stretch of 1 to 366 days"),
        ("calendar.promotions.sale", "in a list, in square brackets"),
        ("calendar.promotions.opening", "neither a day nor a stretch of days"),
        ("calendar.holidays", "no such key"),
    ):
        (line,) = [each for each in lines if each.startswith(f"  - {key}: ")]
        assert words in line


@pytest.mark.parametrize("value", ["2024-07-01T10:00:00", '"2024-01-01/2026-01-01"'])
def test_times_and_years_are_no_stretch(tmp_path, value):
    """A time of day, and a stretch of more than a year, are slips."""
    (line,) = mistakes(tmp_path, GOOD + f"[calendar]\nclosed = [{value}]\n")[1:]
    assert line.startswith("  - calendar.closed: ")


def test_feasts_are_those_of_the_models():
    """The project file knows the feasts whose days can be found, and no others."""
    assert set(get_args(Feast)) == set(feasts._FEASTS)
