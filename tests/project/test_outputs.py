"""The files beside a page: every customer, every headline, or why there is none."""

import json
import re

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import retention_models as rm
import shops
from retention_models.data.spreadsheets import formula_safe
from retention_models.languages import speaking
from retention_models.languages.translations import read_translation
from retention_models.project.list_headers import with_heads


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_id_becomes_a_formula(start):
    """A spreadsheet runs a cell that begins so."""
    assert f"'{start}1+1" == formula_safe(f"{start}1+1")


def test_ordinary_ids_stay_as_they_are():
    """Also those that look like numbers."""
    assert ["0042", "O'Brien", "12E4"] == [formula_safe(i) for i in ("0042", "O'Brien", "12E4")]


ODD_IDS = ("=1+1", "۱۲‌ب", "00042")


@pytest.fixture(scope="module")
def lists_written(tmp_path_factory):
    """A store's files, with an id that is a formula and one in Persian."""
    folder = tmp_path_factory.mktemp("lists")
    frame = shops.simulated_log(120, seed=5).assign(shelf="@چای")
    busiest = frame["customer"].value_counts().index[:3]
    odd = dict(zip(busiest, ODD_IDS, strict=True))
    frame["customer"] = frame["customer"].replace(odd)
    text = shops.PROJECT.replace('"shop"', '"shop"\ncategory = "shelf"')
    extra = (
        "[actions]\none_of = []\n[actions.loyal]\nuse = false\n[actions.recent]\nwithin_days = 30\n"
        '[actions.one_category]\nwithin_days = 400\naction = "-10% on tea."'
    )
    store = rm.open_store(
        shops.write_project(folder, frame, ["0042"], extra=extra, text=text), "0042"
    )
    rm.write_outputs(store, folder / "out")
    return store, folder / "out"


def test_customers_csv_has_every_customer_with_the_forecasts_verdict(lists_written):
    """Ids as text, predictions, and how far they can be relied on."""
    store, out = lists_written
    table = pd.read_csv(out / "customers.csv", dtype={"customer_id": str})
    assert len(store.summary) == len(table)
    assert "'=1+1" in set(table["customer_id"])
    assert {store.forecast_verdict} == set(table["forecast_verdict"])
    assert table["expected_purchases"].sum() == pytest.approx(store.forecast.purchases.value)
    assert table["clv"].sum() == pytest.approx(store.forecast.value.value, rel=1e-3)
    silent = (store.summary["T"] - store.summary["recency"]) * 7
    last = pd.Timestamp(store.observation_end) - pd.to_timedelta(silent.round(), unit="D")
    assert [f"{day:%Y-%m-%d}" for day in last] == list(table["last_day"])


def test_csv_opens_in_a_spreadsheet_as_it_is(lists_written):
    """With the mark of UTF-8, and no more digits than anyone uses."""
    store, out = lists_written
    paths = [*out.rglob("*.csv")]
    assert {"customers.csv", "call_tomorrow.csv", "due.csv"} <= {path.name for path in paths}
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert not re.search(rb"\.\d{5}", content)
    calls = pd.read_csv(out / "call_tomorrow.csv", dtype={"customer_id": str})
    assert list(store.to_call.customers.index) == list(calls["customer_id"])


def test_lists_are_written_with_every_customer_why_and_what_is_at_stake(lists_written):
    """As Parquet with texts as they are, whatever they are."""
    store, out = lists_written
    for name, found in store.actions.items():
        path = out / "actions" / f"{name}.parquet"
        assert path.exists() == (not found.refusal)
        if not found.refusal:
            table = pd.read_parquet(path)
            assert list(found.customers.index) == list(table["customer_id"])
            assert list(found.customers["why"]) == list(table["why"])
            assert found.at_stake.value == pytest.approx(table["at_stake"].sum())
    table = pd.read_parquet(out / "actions" / "one_category.parquet")
    assert set(ODD_IDS) <= set(table["customer_id"])
    assert {"-10% on tea."} == set(table["action"])
    assert table["why"].str.endswith("always from one category: @چای.").all()


@pytest.mark.slow
def test_heads_of_lists_are_in_the_pages_language_where_the_project_file_asks(tmp_path):
    """In CSV and the workbook, each by a name of its own; Parquet keeps what programs read."""
    extra = '[reports]\nlanguage = "tr"\ntranslated_headers = true'
    project = shops.write_project(tmp_path, shops.simulated_log(120, seed=5), ["0042"], extra=extra)
    store = rm.open_store(project, "0042")
    with speaking(store.settings.language):
        rm.write_outputs(store, tmp_path / "out")
    name = next(name for name, one in store.actions.items() if len(one.customers))
    heads = [*pd.read_csv(tmp_path / "out" / "actions" / f"{name}.csv", nrows=0).columns]
    assert ["Müşteri", "Ne yapmalı", "Neden", "Söz konusu tutar, EUR"] == heads[:4]
    kept = pq.read_schema(tmp_path / "out" / "actions" / f"{name}.parquet").names
    assert ["customer_id", "action", "why", "at_stake"] == kept[:4]
    assert not {*heads} & {*kept}
    calls = [*pd.read_csv(tmp_path / "out" / "call_tomorrow.csv", nrows=0).columns]
    assert "Müşteri" == calls[0]
    sheets = openpyxl.load_workbook(tmp_path / "out" / "lists.xlsx").worksheets
    assert {"Müşteri"} == {sheet["A1"].value for sheet in sheets}
    assert "customer_id" in pd.read_csv(tmp_path / "out" / "customers.csv", nrows=0).columns


def test_a_translation_that_calls_two_columns_alike_is_refused(tmp_path):
    """What a program or a reader could not tell apart."""
    path = tmp_path / "xx.po"
    path.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Why"\nmsgstr "Ne yapmalı"\n'
    )
    table = pd.DataFrame(columns=["customer_id", "action", "why"])
    with (
        speaking(read_translation("tr", path)),
        pytest.raises(rm.SettingsError, match="columns action and why by one name, 'Ne yapmalı'"),
    ):
        with_heads(table, "EUR")
    assert ["Customer", "What to do", "Why"] == [*with_heads(table, "EUR").columns]


def test_rules_of_a_project_file_are_used(lists_written):
    """A list left out, and another threshold."""
    store, _ = lists_written
    assert "The project file leaves this list out." == store.actions["loyal"].refusal
    last = store.actions["recent"].customers["last_day"]
    assert pd.Timestamp("2023-12-02") <= last.min() < pd.Timestamp("2023-12-20")


def test_every_list_has_the_same_columns_of_the_same_types(lists_written):
    """Also one that nobody is on, so that a program can read them all alike."""
    store, out = lists_written
    empty = [n for n, found in store.actions.items() if found.customers.empty and not found.refusal]
    files = list((out / "actions").glob("*.parquet"))
    schemas = [pq.read_schema(path).remove_metadata() for path in files]
    assert empty
    assert all(schemas[0].equals(schema) for schema in schemas), schemas
    assert ["customer_id", "action", "why", "at_stake"] == schemas[0].names[:4]
    first = pd.read_csv(out / "actions" / "one_category.csv")["last_day"]
    assert first.str.fullmatch(r"2023-\d\d-\d\d").all()


def test_no_text_of_a_list_is_a_formula_in_a_spreadsheet(lists_written):
    """Ids, actions and reasons alike; a Persian id and 00042 stay as they are."""
    store, out = lists_written
    starts = ("=", "+", "-", "@", "\t", "\r")
    seen = set()
    for path in (out / "actions").glob("*.csv"):
        table = pd.read_csv(path, dtype=str)
        for column in ("customer_id", "action", "why"):
            assert not table[column].str.startswith(starts).any()
        seen |= set(table["customer_id"])
    assert {"'-10% on tea."} == set(
        pd.read_csv(out / "actions" / "one_category.csv", dtype=str)["action"]
    )
    on = {customer for found in store.actions.values() for customer in found.customers.index}
    assert {formula_safe(customer) for customer in on} == seen
    assert {"'=1+1", "۱۲‌ب", "00042"} <= seen


def test_metrics_count_each_list_and_what_is_at_stake(lists_written):
    """Or say why there is none."""
    store, out = lists_written
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["actions"]
    assert list(metrics) == list(store.actions)
    for name, found in store.actions.items():
        if found.refusal:
            assert {"value": None, "reason": found.refusal} == metrics[name]
            continue
        assert len(found.customers) == metrics[name]["value"]
        stake = metrics[name]["at_stake"]
        assert [found.at_stake.value, found.at_stake.low, found.at_stake.high] == pytest.approx(
            [stake["value"], stake["low"], stake["high"]]
        )


def test_those_who_have_not_left_are_of_the_customers_of_whom_the_model_can_tell(lists_written):
    """In the file as on the page: the BG/NBD is certain of whoever bought once, and knows nothing."""
    store, out = lists_written
    found = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["forecast"]
    table = pd.read_csv(out / "customers.csv")
    told = table[table["frequency"] > 0] if store.purchases.model.label == "BG/NBD" else table
    assert len(told) == found["still_customers"]["of"]
    total = told["probability_alive"].sum()
    assert total == pytest.approx(found["still_customers"]["value"], abs=0.01 * len(told))


def test_a_list_that_there_cannot_be_leaves_no_file_of_an_earlier_run(tmp_path):
    """It would pass for today's."""
    log = shops.simulated_log(50, seed=5)
    old = tmp_path / "out" / "actions" / "loyal.csv"
    old.parent.mkdir(parents=True)
    old.write_text("customer_id\n0001\n")
    store = rm.open_store(shops.write_project(tmp_path, log, ["0042", "empty"]), "empty")
    rm.write_outputs(store, tmp_path / "out")
    assert [] == list(old.parent.iterdir())
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert "The data hold no purchase" in metrics["actions"]["loyal"]["reason"]


def test_metrics_of_an_empty_store_are_null_with_the_reason(tmp_path):
    """Null is not zero."""
    project = shops.write_project(tmp_path, shops.simulated_log(50, seed=5), ["0042", "empty"])
    rm.write_outputs(rm.open_store(project, "empty"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    for part in ("measures", "forecast"):
        for found in metrics[part].values():
            assert found["value"] is None
            assert "The data hold no purchase at store empty" in found["reason"]
    assert 0 == len(pd.read_csv(tmp_path / "out" / "customers.csv"))


@pytest.mark.slow
def test_a_failed_check_withholds_the_forecast(tmp_path):
    """The store closed in autumn: its customers.csv says so in every row, its totals are null."""
    frame = shops.simulated_log(300, seed=5)
    frame = frame[frame["day"] <= pd.Timestamp("2023-09-20").date()]
    project = shops.write_project(tmp_path, frame, ["0042"])
    store = rm.open_store(project, "0042")
    rm.write_outputs(store, tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["forecast"]["purchases"]["value"] is None
    assert "withheld" in metrics["forecast"]["purchases"]["reason"]
    assert "do not use" == metrics["forecast_verdict"]["value"]
    table = pd.read_csv(tmp_path / "out" / "customers.csv")
    assert {"do not use"} == set(table["forecast_verdict"])
    predicted = [name for name in store.predictions.columns if name in table]
    assert len(predicted) == len(store.predictions.columns)
    assert table[predicted].isna().all(axis=None)
    assert not (tmp_path / "out" / "call_tomorrow.csv").exists()
