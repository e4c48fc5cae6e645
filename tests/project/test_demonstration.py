"""The demonstration projects hold what they say, and never overwrite another's."""

import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import SettingsError
from retention_models.project.demonstration import write_demo


@pytest.mark.slow
def test_grocery_reports_on_the_eight_stores_with_the_most_households(grocery):
    """Counts of the package's own table, by hand: 214, 205, 195, 173, 173, 162, 158, 158."""
    settings = rm.read_settings(grocery)
    frame = pd.read_parquet(settings.path(settings.transactions.source))
    households = frame.groupby("store_id")["household_id"].nunique().sort_values(ascending=False)
    assert [214, 205, 195, 173, 173, 162, 158, 158] == list(households.head(8))
    assert set(settings.stores.ids) == set(households.index[:8])
    assert (1_469_307, 457, 2_469) == (len(frame), len(households), frame["household_id"].nunique())


@pytest.mark.slow
def test_grocery_has_its_campaigns_with_assignments_and_redemptions(grocery):
    """27 campaigns, 1,559 targeted households, 2,102 redemptions."""
    settings = rm.read_settings(grocery)
    assert 27 == len(settings.campaigns)
    assigned = pd.read_parquet(settings.path(settings.campaign_data.assignments))
    redeemed = pd.read_parquet(settings.path(settings.campaign_data.redemptions))
    assert (1559, 2102) == (assigned["customer_id"].nunique(), len(redeemed))
    assert {campaign.id for campaign in settings.campaigns} == set(assigned["campaign_id"])


def test_cdnow_has_its_customers_and_purchases(cdnow):
    """2,357 customers, 6,919 purchases."""
    frame = pd.read_csv(cdnow.parent / "data" / "raw" / "cdnow.csv", dtype=str)
    assert (2357, 6919) == (frame["customer_id"].nunique(), len(frame))


def test_writing_it_again_changes_nothing(tmp_path):
    """`make reports` may be repeated."""
    first = write_demo(tmp_path, "cdnow").read_text(encoding="utf-8")
    assert first == write_demo(tmp_path, "cdnow").read_text(encoding="utf-8")


def test_another_project_file_is_not_overwritten(tmp_path):
    """Unless asked to."""
    (tmp_path / "retention.toml").write_text("mine = true")
    with pytest.raises(SettingsError, match="is not this demonstration's"):
        write_demo(tmp_path, "cdnow")
    assert "mine = true" == (tmp_path / "retention.toml").read_text()
    write_demo(tmp_path, "cdnow", force=True)
    assert "CDNOW" in (tmp_path / "retention.toml").read_text()


@pytest.mark.parametrize("name", ["retention.toml", "data/raw/cdnow.csv"])
def test_ones_own_files_are_not_overwritten(tmp_path, name):
    """Whichever of them it is, it is named, and nothing is written."""
    mine = tmp_path / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_bytes(b"my own \xff")
    with pytest.raises(SettingsError, match=mine.name):
        write_demo(tmp_path, "cdnow")
    assert [mine] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert b"my own \xff" == mine.read_bytes()


def test_ones_own_rows_in_a_file_of_the_demonstration_are_kept(tmp_path):
    """Also where the project file is the demonstration's still."""
    write_demo(tmp_path, "cdnow")
    data = tmp_path / "data" / "raw" / "cdnow.csv"
    text = data.read_text() + "9999,1998-01-01,1,9.99\n"
    data.write_text(text)
    with pytest.raises(SettingsError, match=r"cdnow\.csv: stands there"):
        write_demo(tmp_path, "cdnow")
    assert text == data.read_text()
    write_demo(tmp_path, "cdnow", force=True)
    assert text != data.read_text()


def test_an_unknown_demonstration_is_refused(tmp_path):
    """The known ones are named."""
    with pytest.raises(SettingsError, match="expected one of grocery, cdnow"):
        write_demo(tmp_path, "books")
