"""What a run reads once for its notebooks gives them the same numbers as the project's data."""

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

import retention_models as rm
import shops
from engines import why_not
from retention_models.data.engines import source
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.predictions.store_models import StoreModels
from retention_models.project.handover import VARIABLE
from retention_models.project.store_handover import write_slices
from retention_models.settings.reading import read_settings
from retention_models.summaries.customers import customer_summary_by_store
from tiers import few

pytestmark = pytest.mark.slow

SMALL = "small"
SURVEYS = """
[surveys]
source = "surveys.csv"
scale = "0-10"
[surveys.columns]
customer_id = "customer"
answered_at = "day"
score = "score"
store_id = "shop"
"""
CAMPAIGN = """
[campaign_data]
assignments = "assignments.csv"
[[campaigns]]
id = "autumn"
name = "Autumn coupon"
kind = "coupon"
design = "randomised"
start = 2023-09-04
end = 2023-10-29
follow_up = 28
costs = { contact = 0.1 }
"""


def chain(folder: Path) -> Path:
    """Four ordinary stores, a small one that borrows, one of one customer, and surveys of two."""
    logs = [shops.simulated_log(60, seed=i, shop=f"s{i}") for i in range(4)]
    small = shops.simulated_log(14, seed=21, shop=SMALL, r=0.3, alpha=12.0)
    log = pd.concat([*logs, small, shops.simulated_log(1, seed=1, shop="single")])
    project = shops.write_project(folder, log, [*sorted(set(log["shop"])), "empty"], extra=SURVEYS)
    answers = log[log["shop"] != "s0"].drop_duplicates("customer").assign(score=7)
    answers.loc[answers.index[::5], "shop"] = ""
    answers[["customer", "day", "score", "shop"]].to_csv(folder / "surveys.csv", index=False)
    return project


def prepared(folder: Path, project: Path) -> None:
    """The slices of all of a project's stores."""
    settings = read_settings(project)
    log = read_project_transactions(settings)
    folder.mkdir()
    ids = [*settings.stores.ids]
    write_slices(folder, project, settings, log, ids, dt.date(2023, 12, 31))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The chain's project file."""
    return chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def slices(project, tmp_path_factory):
    """The folder of its slices."""
    folder = tmp_path_factory.mktemp("slices") / "all"
    prepared(folder, project)
    return folder


def files_of(project: Path, store_id: str, folder: Path) -> dict[str, bytes]:
    """What a page's notebook writes."""
    rm.write_outputs(rm.open_store(project, store_id), folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("store_id", few(0, ["s1", SMALL, "single", "empty"], 1))
def test_pages_numbers_are_the_same_with_slices(store_id, project, slices, tmp_path, monkeypatch):
    """To the byte: an ordinary store, one that borrows, one of one customer, one without any."""
    whole = files_of(project, store_id, tmp_path / "whole")
    monkeypatch.setenv(VARIABLE, str(slices))
    part = rm.open_store(project, store_id).part
    assert part is not None
    assert whole == files_of(project, store_id, tmp_path / "part")


@pytest.mark.parametrize("as_of", ["2023-09-30", None])
def test_what_is_asked_for_all_stores_is_what_each_would_ask(as_of, project, slices, monkeypatch):
    """Its summaries and cohorts; and of another day than that of the run it asks itself."""
    whole = rm.open_store(project, "s1", as_of=as_of)
    monkeypatch.setenv(VARIABLE, str(slices))
    part = rm.open_store(project, "s1", as_of=as_of)
    pd.testing.assert_frame_equal(whole.cohorts, part.cohorts)
    pd.testing.assert_frame_equal(whole.recent.quarters, part.recent.quarters, check_dtype=False)
    assert (len(part.part.summaries), part.part.cohorts is None) == (3, as_of is not None)
    for end, found in part.part.summaries.items():
        asked = rm.customer_summary(whole.log, store_id="s1", observation_end=end)
        pd.testing.assert_frame_equal(asked, found)
        assert asked.attrs == found.attrs


def test_campaigns_of_another_day_are_those_of_the_chain_too(tmp_path, monkeypatch):
    """Estimated on the customers of all stores, not on those of the one that is opened."""
    logs = [shops.simulated_log(220, seed=i, shop=f"s{i}") for i in range(2)]
    log = pd.concat([one.assign(customer=one["shop"] + one["customer"]) for one in logs])
    start = dt.date(2023, 9, 4)
    known = sorted(log.loc[log["day"] < start, "customer"].unique())
    arms = {"control": known[::2], "coupon": known[1::2]}
    rows = [("autumn", customer, arm) for arm, each in arms.items() for customer in each]
    assigned = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm"])
    project = shops.write_project(tmp_path / "chain", log, ["s0", "s1"], extra=CAMPAIGN)
    assigned.assign(assigned_at=start).to_csv(project.parent / "assignments.csv", index=False)
    prepared(tmp_path / "slices", project)
    whole = rm.open_store(project, "s0", as_of="2023-12-17")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "slices"))
    part = rm.open_store(project, "s0", as_of="2023-12-17")
    assert {"s0"} == {*part.log.table.select("store_id").distinct().to_pandas()["store_id"]}
    assert "" == part.campaigns["refusal"].item()
    assert len(arms["coupon"]) == part.campaigns["customers"].item()
    pd.testing.assert_frame_equal(whole.campaigns, part.campaigns)
    assert whole.list_tests == part.list_tests


def test_a_small_store_finds_its_loan_without_the_chain(project, slices, monkeypatch):
    """The same models, although nothing but its own rows is read."""
    whole = rm.open_store(project, SMALL)
    monkeypatch.setenv(VARIABLE, str(slices))
    part = rm.open_store(project, SMALL)
    assert dt.date(2023, 12, 31) in part.part.loans
    monkeypatch.setattr(
        "retention_models.predictions.store_models.customer_summary_by_store",
        lambda *_, **__: pytest.fail("the chain was read"),
    )
    monkeypatch.setattr(
        "retention_models.project.store_handover.read_project_transactions",
        lambda *_, **__: pytest.fail("the log was read"),
    )
    found = part.purchases.fit_
    monkeypatch.undo()
    assert whole.purchases.fit_.parameters.tolist() == found.parameters.tolist()
    assert whole.purchases.fit_.verdict == found.verdict


def test_words_about_the_data_are_those_of_the_chain(project, slices, monkeypatch):
    """Rows, unusable rows and remarks are counted over all stores."""
    whole = rm.open_store(project, "s1").log
    monkeypatch.setenv(VARIABLE, str(slices))
    part = rm.open_store(project, "s1").log
    assert (whole.rows_read, whole.remarks, whole.source) == (
        part.rows_read,
        part.remarks,
        part.source,
    )
    pd.testing.assert_frame_equal(whole.quality, part.quality)
    pd.testing.assert_frame_equal(whole.stores, part.stores)
    assert whole.last_day() == part.last_day()


def test_a_slice_holds_its_own_store_and_opens_the_others_when_asked(project, slices, monkeypatch):
    """A notebook of one's own may look at other stores: it gets all of their rows, never none."""
    whole = read_project_transactions(read_settings(project))
    monkeypatch.setenv(VARIABLE, str(slices))
    log = rm.open_store(project, "s1").log
    assert {"s1"} == set(log.table.select("store_id").distinct().to_pandas()["store_id"])
    for store_id in ("s2", None):
        given = rm.customer_summary(log, store_id=store_id)
        pd.testing.assert_frame_equal(rm.customer_summary(whole, store_id=store_id), given)
    assert set(customer_summary_by_store(whole)) == set(customer_summary_by_store(log))


def test_another_project_file_has_no_slice(project, slices, tmp_path, monkeypatch):
    """Nor the same one once it was changed, nor a store that is not of the run."""
    monkeypatch.setenv(VARIABLE, str(slices))
    other = chain(tmp_path / "other")
    assert rm.open_store(other, "s1").part is None
    with pytest.raises(SettingsError, match="no store 'unknown' in the data"):
        rm.open_store(project, "unknown")
    text = project.read_text(encoding="utf-8")
    try:
        project.write_text(text + "\n# changed", encoding="utf-8")
        assert rm.open_store(project, "s1").part is None
    finally:
        project.write_text(text, encoding="utf-8")
    assert rm.open_store(project, "s1").part is not None


def test_by_hand_there_are_no_slices(project):
    """In JupyterLab a notebook reads the project's data."""
    assert rm.open_store(project, "s1").part is None


def test_a_slice_is_readable_by_its_owner_alone(slices):
    """It holds customers' purchases."""
    folders = [path for path in slices.iterdir() if path.is_dir()]
    assert 7 == len(folders)
    assert {0o700} == {path.stat().st_mode & 0o777 for path in folders}


@pytest.mark.nightly
def test_a_database_is_read_once_for_all_slices(postgresql, tmp_path, monkeypatch):
    """PostgreSQL's rows come through the engine and give the numbers that it gives itself."""
    import psycopg

    log = pd.concat([shops.simulated_log(30, seed=i, shop=f"s{i}") for i in range(3)])
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS sliced")
        connection.execute(
            "CREATE TABLE sliced (customer text, day date, amount numeric(12,2), shop text)"
        )
        with connection.cursor().copy("COPY sliced FROM STDIN") as copy:
            for row in log.itertuples(index=False):
                copy.write_row(row)
    text = shops.PROJECT.replace(
        'source = "{source}"', f'source = "{postgresql}"\ntable = "sliced"'
    )
    project = shops.write_project(tmp_path, log, ["s0", "s1", "s2"], text=text)
    whole = files_of(project, "s1", tmp_path / "whole")
    prepared(tmp_path / "slices", project)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "slices"))
    assert rm.open_store(project, "s1").part is not None
    assert whole == files_of(project, "s1", tmp_path / "part")


# Spark's bridge leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(why_not("spark") is not None, reason=str(why_not("spark")))
@pytest.mark.nightly
def test_spark_is_read_once_for_all_slices(tmp_path, monkeypatch):
    """Its rows come through the engine, too."""
    log = pd.concat([shops.simulated_log(30, seed=i, shop=f"s{i}") for i in range(3)])
    log["day"] = pd.to_datetime(log["day"]).astype("date32[pyarrow]")
    log.to_parquet(tmp_path / "log.parquet", index=False)
    text = shops.PROJECT.replace(
        'source = "{source}"', f'source = "spark://local"\ntable = "{tmp_path}/log.parquet"'
    )
    project = shops.write_project(tmp_path, log, ["s0", "s1", "s2"], text=text)
    asked = []
    by_spark = source._by_spark
    monkeypatch.setattr(source, "_by_spark", lambda *args: asked.append(1) or by_spark(*args))
    settings = read_settings(project)
    read = read_project_transactions(settings)
    (tmp_path / "slices").mkdir()
    asked.clear()
    day = dt.date(2023, 12, 31)
    write_slices(tmp_path / "slices", project, settings, read, ["s0", "s1", "s2"], day)
    assert len(asked) == 2  # its rows, and how many repeat another
    whole = rm.open_store(project, "s1").summary
    monkeypatch.setenv(VARIABLE, str(tmp_path / "slices"))
    part = rm.open_store(project, "s1")
    assert part.part is not None
    pd.testing.assert_frame_equal(whole, part.summary)


def test_too_few_lenders_are_no_loan(project, slices, tmp_path):
    """The refusal is the store's own, as without slices."""
    log = pd.concat(
        [
            shops.simulated_log(40, seed=1, shop="s1"),
            shops.simulated_log(14, seed=21, shop=SMALL, r=0.3, alpha=12.0),
        ]
    )
    alone = shops.write_project(tmp_path / "two", log, ["s1", SMALL])
    prepared(tmp_path / "slices", alone)
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "slices").glob("*/store.json")
    ]
    lent = {own["store"]: own["loans"] for own in found}
    assert {None} == {loan for loans in lent.values() for loan in loans.values()}
    assert lent[SMALL]
    models = StoreModels(
        read_project_transactions(read_settings(alone)),
        SMALL,
        dt.date(2023, 12, 31),
        "W",
        loans={dt.date(2023, 12, 31): None},
    )
    with pytest.raises(CannotSay, match="Fewer than 10 customers have bought again"):
        _ = models.purchases
