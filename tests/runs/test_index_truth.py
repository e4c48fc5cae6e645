"""The chain's page shows no number of another currency, project or store, and no file stops it."""

import json
import os
from dataclasses import replace

import pytest

import nights
from chain_samples import rows
from retention_models.errors import SettingsError
from retention_models.pages.html.kinds import CAMPAIGN
from retention_models.runs.publishing.index import publish_index
from retention_models.runs.publishing.manifest import read_manifest

STORES = ("a", "b")
FULL = rows(1)[0]["metrics"] | {"currency": "EUR", "horizon": "52 weeks", "interval": 0.9}
SUM = "<td>34,910"


def told(store_id, folder):
    """A page whose next quarter is 34,910."""
    made = nights.good(store_id, folder)
    ahead = {"value": 34910.0, "low": 3e4, "high": 4e4}
    text = json.dumps(FULL | {"next_quarter": ahead})
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    return made


def night(folder, stores=STORES, becomes=told, *, change=(), **more):
    """A night of a project whose file was changed in words; the index."""
    settings = nights.settings_in(folder, STORES)
    text = (folder / "retention.toml").read_text(encoding="utf-8")
    for old, new in change:
        assert old in text
        text = text.replace(old, new)
    (folder / "retention.toml").write_text(text, encoding="utf-8")
    settings = nights.read_settings(folder / "retention.toml")
    plan = nights.plan_for(settings, folder / "reports", stores, **more)
    manifest = nights.run_night(plan, becomes)
    return (manifest.folder / "index.html").read_text(encoding="utf-8"), manifest


CURRENCY = ('currency = "EUR"', 'currency = "JPY"')
HORIZON = ("observation_end = 2023-12-31", "observation_end = 2023-12-31\nhorizon = 4")
MARGIN = ("margin = 0.3", "margin = 0.1")


# A page of before pages said what they were made with does not tell its margin.
@pytest.mark.parametrize(
    ("change", "dated"),
    [(CURRENCY, True), (HORIZON, True), (MARGIN, True), (CURRENCY, False), (HORIZON, False)],
)
def test_a_page_of_other_settings_shows_no_number(tmp_path, change, dated):
    """34,910 EUR in 52 weeks do not stand below JPY, or "in 4 weeks"."""
    index, manifest = night(tmp_path)
    assert 2 == index.count(SUM)
    if not dated:  # a manifest of before pages said what they were made with
        path = manifest.folder / "manifest.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        for entry in content["stores"]:
            del entry["page"]["settings"]
        path.write_text(json.dumps(content), encoding="utf-8")
    index, _ = night(tmp_path, ("a",), change=[change], stores_asked=("a",), force=True)
    assert 1 == index.count(SUM)
    assert "was made with another currency, horizon, margin or model" in index
    # Nor where today's page failed, and the last good one was kept.
    index, _ = night(tmp_path, STORES, nights.bad, change=[change], force=True)
    assert 1 == index.count(SUM)


def test_a_store_that_left_is_not_listed(tmp_path):
    """Nor by a run of another store; one that is not of this run stays."""
    night(tmp_path)
    index, manifest = night(tmp_path, ("a",), change=[('"a", "b"', '"a"')])
    assert ["a"] == list(manifest.stores)
    assert "b/store_report.html" not in index
    night(tmp_path)
    left = [('"a", "b"', '"a"')]
    _, manifest = night(tmp_path, ("a",), change=left, stores_asked=("a",))
    assert ["a"] == list(manifest.stores)
    night(tmp_path)
    index, manifest = night(tmp_path, ("a",), stores_asked=("a",), force=True)
    assert {"a", "b"} == set(manifest.stores)
    assert 2 == index.count(SUM)


def test_a_second_project_is_refused(tmp_path):
    """Its stores would be listed as the first's; a new name is taken with --force."""
    night(tmp_path)
    name = [('name = "Corner <Shops>"', 'name = "Other"')]
    with pytest.raises(SettingsError, match=r"holds the pages of 'Corner <Shops>'.*--output"):
        night(tmp_path, change=name)
    with pytest.raises(SettingsError, match="holds the pages"):
        night(tmp_path, change=name, day=nights.DAY.replace(day=30))
    index, _ = night(tmp_path, change=name, force=True)
    assert "Other" in index
    night(tmp_path, change=name)


def put(*keys, value):
    """What sets a value of metrics.json."""

    def change(content):
        part = content
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value
        return json.dumps(content)

    return change


NUMBER = ("forecast", "value")
CHANGES = ("changes", "value")
ODD = [
    lambda _: "",
    lambda _: "[]",
    lambda _: "null",
    lambda _: '"text"',
    lambda _: "{",
    lambda _: "[" * 100_000,
    lambda _: '{"measures": ' + "9" * 5000 + "}",
    lambda content: json.dumps(content)[:-20],
    put("measures", value=[]),
    put("measures", value=None),
    put("measures", "customers", value=3),
    put("measures", "customers", "value", value="12"),
    put("measures", "customers", "value", value=True),
    put("measures", "customers", "value", value=float("nan")),
    put(*NUMBER, value={"value": None}),
    put(*NUMBER, value={"value": 1.0, "low": "x", "high": 2.0}),
    put(*NUMBER, value={"value": 1.0, "low": 0.5}),
    put(*NUMBER, "value", value=float("inf")),
    put(*NUMBER, "value", value=10**400),
    put(*NUMBER, "value", value={"a": 1}),
    put("forecast_verdict", value="usable"),
    put("forecast_verdict", value={"value": ["usable"]}),
    put("months", value=3),
    put("months", value={"value": [1, 2]}),
    put("months", value={"value": [{"month": "2023-13", "customers": 3}] * 2}),
    put("months", value={"value": [{"customers": 3}] * 2}),
    put("months", value={"value": [{"month": "2023-01", "customers": "3"}] * 2}),
    put("first_day", value=20220101),
    put("first_day", value="yesterday"),
    put("first_day", value="2022-13-41"),
    put(*CHANGES, value=[]),
    put(*CHANGES, value={"days": 91}),
    put(*CHANGES, "days", value="91"),
    put(*CHANGES, "days", value=0),
    put(*CHANGES, "measures", value={"turnover": {}}),
    put(*CHANGES, "measures", "customers", value={"change": 1}),
    put(*CHANGES, "measures", "customers", "low", value="x"),
]


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A night of two stores."""
    return night(tmp_path_factory.mktemp("odd"))[1]


def index_of(manifest):
    """The index made anew."""
    settings = nights.read_settings(manifest.folder.parent.parent / "retention.toml")
    from retention_models.runs.publishing.context import PublishContext, RunClock

    clock = RunClock(settings.zone)
    press = PublishContext(settings, nights.DAY, manifest.folder, "-", clock, manifest)
    return publish_index(press).read_text(encoding="utf-8")


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_shape_of_a_stores_numbers_stops_the_index(listed, odd):
    """Its row says that they cannot be read; the other's stay."""
    path = listed.folder / "b" / "metrics.json"
    good = path.read_bytes()
    try:
        path.write_text(odd(json.loads(good)), encoding="utf-8")
        index = index_of(listed)
    finally:
        path.write_bytes(good)
    assert "Its numbers cannot be read: metrics.json is not as it should be." in index
    assert 1 == index.count(SUM)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("customers", -5, "what metrics.json says of it, −5.0, is below 0"),
        (
            "repeat_customer_rate",
            7.0,
            "what metrics.json says of it, 7.0, is no share from 0 to 1",
        ),
    ],
)
def test_a_number_beyond_its_range_is_not_shown_and_the_row_says_why(listed, name, value, reason):
    """The page and the store's other numbers stand: the fault is one number's."""
    path = listed.folder / "b" / "metrics.json"
    good = path.read_bytes()
    try:
        path.write_text(put("measures", name, "value", value=value)(json.loads(good)))
        index = index_of(listed)
    finally:
        path.write_bytes(good)
    assert reason in index
    assert "700%" not in index
    assert 2 == index.count(SUM)


def test_no_file_in_their_place_does(listed):
    """None, a folder, a pipe that nobody writes to, bytes that are no text."""
    path = listed.folder / "b" / "metrics.json"
    good = path.read_bytes()
    for place in (
        lambda: None,
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.write_bytes(b"\xff"),
    ):
        path.unlink()
        place()
        assert "Its numbers cannot be read" in index_of(listed)
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(good)
    assert 2 == index_of(listed).count(SUM)


def test_nor_does_a_campaigns(tmp_path):
    """Whose index reads effect.json."""
    settings = nights.settings_in(tmp_path, STORES)
    plan = replace(nights.plan_for(settings, tmp_path / "campaigns", ("a",)), kind=CAMPAIGN)
    manifest = nights.run_night(plan, nights.good)
    assert {"a": "failed"} == nights.outcomes(manifest)
    assert read_manifest(manifest.folder).head["state"] == "finished"
