"""A project file is mended in one round: whatever is wrong with it, of every kind, is said at once."""

from __future__ import annotations

import pytest

import shops
from project_files import GOOD, mistakes, written
from retention_models.errors import DataError, SettingsError
from retention_models.project.check import check_project
from retention_models.settings.reading import read_settings

CAMPAIGN = 'id = "x"\nname = "X"\nkind = "coupon"\ndesign = "targeted"\nstart = 2017-02-01\n'


def said(folder, text: str, *words: str) -> list[str]:
    """The lines of the error, each of which holds its words, in any order; and no other."""
    head, *lines = mistakes(folder, text)
    assert f"{len(words)} mistake" in head
    for word in words:
        assert 1 == sum(word in line for line in lines), (word, lines)
    return lines


def test_lines_that_are_no_toml_are_said_with_the_rest(tmp_path):
    """Each with its line and a hint; what stands on such a line is not missing as well."""
    text = GOOD.replace('currency = "EUR"', "currency = EUR").replace(
        "margin = 0.3", "margin = 0,30"
    )
    text = text.replace('source = "log.csv"', 'source = "C:\\data\\log.csv"')
    text += "[stores]\nids = [0042]\n[model]\nobservation_end = 31/12/2017\nhorizon = 5.5\n"
    lines = said(
        tmp_path,
        text,
        "text stands in quotes",
        "a decimal has a point: 0.30",
        "use single quotes",
        "ids are text: put them in quotes",
        "days are written 2017-12-31",
        "model.horizon: expected whole number",
    )
    assert any("at line 4" in line and "C:" in line for line in lines)


def test_what_is_lost_is_not_guessed_at(tmp_path):
    """A bracket that is not closed may take everything with it: then nothing is called missing."""
    text = GOOD.replace("[money]", 'ids = ["1", "2"\n[money]')
    with pytest.raises(SettingsError, match="not valid TOML") as caught:
        read_settings(written(tmp_path, text))
    assert "missing" not in str(caught.value)
    many = "\n".join(f"line {i} of a letter" for i in range(5_000))
    assert 22 > len(mistakes(tmp_path, many))


def test_tables_at_odds_are_said_beside_mistakes_in_them(tmp_path):
    """Stores without their column, campaigns of one id, a translation that is not there."""
    text = GOOD.replace('spend = "s"', "spend = 7")
    text += '[stores]\nids = ["1", "2"]\n[reports]\nlanguage = "fa"\ntranslation = "no.po"\n'
    text += "keep_runs = 0\nparameters = { store_id = 1, api_token = 2 }\n"
    text += (
        f"[[campaigns]]\n{CAMPAIGN}end = 2017-01-01\n[[campaigns]]\n{CAMPAIGN}end = 2017-03-01\n"
    )
    lines = said(
        tmp_path,
        text,
        "transactions.columns.spend: ",
        "stores: expected",
        "campaigns: expected",
        "campaigns[1].end: ",
        "reports.translation: ",
        "reports.keep_runs: ",
        "reports.parameters: ",
    )
    (parameters,) = (line for line in lines if "reports.parameters" in line)
    assert "store_id is given by the run" in parameters
    assert "api_token looks like a secret" in parameters


def test_a_mistake_makes_no_second_one(tmp_path):
    """A score with a mistake is named, and a language with one needs no translation."""
    text = GOOD.replace('spend = "s"', 'spend = "s"\nstore_id = "shop"')
    text += '[surveys]\nsource = "a.csv"\n[surveys.columns]\ncustomer_id = "c"\n'
    text += 'answered_at = "d"\nscore = 5\n[reports]\nlanguage = 7\n[stores]\nids = ["1", "1", "2", "2"]'
    lines = said(
        tmp_path,
        text,
        "surveys.columns.score",
        "reports.language",
        "the ids '1', '2' stand more than once",
    )
    assert 3 == len(lines)


def test_a_file_of_data_in_the_project_files_place_is_told_the_way(tmp_path):
    """By its name, before it is read as TOML."""
    for name in ("shop.csv", "shop.csv.gz", "shop.xlsx", "shop.parquet", "shop.jsonl"):
        with pytest.raises(SettingsError, match=rf"retention new DIR --from .*{name}"):
            read_settings(tmp_path / name)


def test_every_source_that_cannot_be_used_is_said_at_once(tmp_path):
    """Transactions, surveys, events, campaigns, and a notebook that is not there."""
    project = shops.write_project(tmp_path, shops.simulated_log(5, seed=1), ["0042"])
    text = project.read_text().replace('spend = "amount"', 'spend = "price"')
    text += (
        '[surveys]\nsource = "none.csv"\n[surveys.columns]\ncustomer_id = "c"\nanswered_at = "d"\n'
    )
    text += (
        'score = "s"\n[events]\nsource = "log.csv"\n[events.columns]\ncustomer_id = "customer"\n'
    )
    text += 'date = "day"\nkind = "sort"\n[campaign_data]\nassignments = "log.csv"\n'
    text += '[reports]\nnotebook = "mine.ipynb"\n'
    project.write_text(text)
    spoken: list[str] = []
    with pytest.raises(DataError) as caught:
        check_project(project, spoken.append)
    for words in (
        "spend = 'price'",
        "none.csv: no such file",
        "kind = 'sort'",
        "campaign_id",
        "mine.ipynb",
    ):
        assert words in str(caught.value)
    assert [] == spoken
