"""The project file: every mistake at once, each with its key, what was expected, and an example."""

import pytest

from project_files import GOOD, mistakes, written
from retention_models.errors import SettingsError
from retention_models.settings.reading import read_settings

CAMPAIGN = (
    '[[campaigns]]\nid = "x"\nname = "X"\nkind = "coupon"\ndesign = "randomised"\n'
    "start = 2017-02-01\nend = 2017-03-01\n"
)


def test_shares_and_looks_that_fit_are_kept(tmp_path):
    """Shares need not sum to 1: 90 and 10 are a ratio too."""
    text = GOOD + CAMPAIGN + "shares = { control = 10.0, coupon = 90.0 }\nlooks = [0.5, 1.0]"
    (campaign,) = read_settings(written(tmp_path, text)).campaigns
    assert ({"control": 10.0, "coupon": 90.0}, (0.5, 1.0)) == (campaign.shares, campaign.looks)


def test_a_minimal_project_file_is_enough(tmp_path):
    """Name, source, three columns and the money suffice; the rest has defaults."""
    settings = read_settings(written(tmp_path, GOOD))
    assert ("W", 52, None) == (
        settings.model.time_unit,
        settings.model.horizon,
        settings.model.observation_end,
    )


def test_paths_start_at_the_project_files_folder(tmp_path):
    """A relative source does not depend on the working directory."""
    settings = read_settings(written(tmp_path, GOOD))
    assert str(tmp_path / "log.csv") == settings.path(settings.transactions.source)


def test_five_mistakes_are_reported_at_once(tmp_path):
    """Each with its key, what was expected, an example, and what stood there."""
    text = GOOD.replace("margin = 0.3", "margin = 30").replace('"EUR"', '"euro"')
    text = text.replace('name = "Shops"', 'nmae = "Shops"')
    text += '[model]\nhorizon = 5.5\ntime_unit = "weeks"\n'
    head, *lines = mistakes(tmp_path, text)
    assert "6 mistakes" in head
    assert [
        "name: is missing; expected name of the chain, in quotes; "
        'for example name = "Corner Shops"',
        "money.currency: expected three capital letters (ISO 4217); "
        'for example currency = "EUR"; got "euro"',
        "money.margin: expected share of spend above 0 and up to 1; "
        "for example margin = 0.3; got 30",
        'model.time_unit: expected "D", "W" or "M"; for example time_unit = "W"; got "weeks"',
        "model.horizon: expected whole number of time units to look ahead, above 0; "
        "for example horizon = 52; got 5.5",
        "nmae: no such key; did you mean name?",
    ] == [line.removeprefix("  - ") for line in lines]


@pytest.mark.parametrize(
    ("addition", "key", "words"),
    [
        ("[stores]\nids = [42]", "stores.ids[1]", "ids are text"),
        ('[stores]\nids = ["1", "1"]', "stores.ids", "'1' stands more than once"),
        ("[stores]\nids = []", "stores.ids", "names no store"),
        ('[stores]\nids = ["1", "2"]', "stores", "transactions.columns.store_id"),
        ('[model]\nobservation_end = "2017-12-31"', "model.observation_end", "2017-12-31"),
        (
            '[[campaigns]]\nid = "x"\nname = "X"\nkind = "coupon"\ndesign = "targeted"\n'
            "start = 2017-02-01\nend = 2017-01-01",
            "campaigns[1].end",
            "lies before start = 2017-02-01",
        ),
        (CAMPAIGN + "shares = { coupon = 0.5, gift = 0.5 }", "campaigns[1].shares", "'control'"),
        (CAMPAIGN + "shares = { control = 1.0 }", "campaigns[1].shares", "and another"),
        (
            CAMPAIGN + "shares = { control = 1.0, coupon = 0.0 }",
            "campaigns[1].shares",
            "the share of 'coupon' is not a number above 0",
        ),
        (CAMPAIGN + "looks = [0.5, 0.25, 1.0]", "campaigns[1].looks", "do not rise"),
        (CAMPAIGN + "looks = [0.5, 0.75]", "campaigns[1].looks", "do not rise from above 0 to 1"),
        (CAMPAIGN + "looks = [0.0, 1.0]", "campaigns[1].looks", "do not rise from above 0 to 1"),
        (CAMPAIGN + "margin = 30.0", "campaigns[1].margin", "above 0"),
        (
            '[campaign_data]\nassignments = "a.csv"\nmax_unusable_share = 1.0',
            "campaign_data.max_unusable_share",
            "share of rows from 0 to 1",
        ),
    ],
)
def test_mistakes_that_types_cannot_see_are_named_by_key(tmp_path, addition, key, words):
    """Numbers for ids, repeats, empty lists, and days in the wrong order."""
    (line,) = mistakes(tmp_path, GOOD + addition)[1:]
    assert line.startswith(f"  - {key}: ")
    assert words in line


def test_an_unknown_time_zone_is_a_mistake(tmp_path):
    """A zone that is not in the IANA list would move purchases to other days."""
    text = GOOD.replace('source = "log.csv"', 'source = "log.csv"\ntimezone = "Mars/Olympus"')
    (line,) = mistakes(tmp_path, text)[1:]
    assert "transactions.timezone" in line
    assert "IANA" in line


def test_a_missing_file_says_how_to_get_one(tmp_path):
    """The first thing a new user meets."""
    with pytest.raises(SettingsError, match="retention demo"):
        read_settings(tmp_path / "none.toml")


def test_a_folder_is_not_a_project_file(tmp_path):
    """A folder's name in the file's place is said plainly."""
    with pytest.raises(SettingsError, match="is a folder"):
        read_settings(tmp_path)


def test_broken_toml_names_the_line(tmp_path):
    """0042 without quotes is not TOML at all."""
    with pytest.raises(SettingsError, match=r"not valid TOML.*line 2"):
        read_settings(written(tmp_path, 'name = "x"\nids = [0042]'))


def test_the_only_store_of_a_log_without_a_column_of_stores_goes_by_the_projects_name(tmp_path):
    """No manager knows a store "all"; a name that is given comes first."""
    assert "Shops" == read_settings(written(tmp_path, GOOD)).store_name("all")
    named = GOOD + '[stores]\nnames = { "all" = "High Street" }\n'
    assert "High Street" == read_settings(written(tmp_path, named)).store_name("all")
    several = GOOD.replace('spend = "s"', 'spend = "s"\nstore_id = "shop"')
    assert "0042" == read_settings(written(tmp_path, several)).store_name("0042")
