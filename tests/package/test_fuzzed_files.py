"""Files damaged at random: refused in words with a documented code, or used as they stand.

Never a traceback, a file half written, or a number that changed without a word. A few of each kind are
tried at every change, many in a nightly run.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import sys
import tempfile
import tomllib
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import nights
import retention_models as rm
import shops
from chain_samples import rows
from damage import (
    damaged_bytes,
    damaged_cells,
    damaged_json,
    damaged_lines,
    damaged_values,
)
from retention_models import cli
from retention_models.data.engines import to_frame
from retention_models.errors import CannotSay, DataError, SettingsError
from retention_models.languages import phrase, plural, speaking
from retention_models.languages.sentences import page_sentences
from retention_models.languages.translations import (
    read_catalog,
    read_translation,
    write_translation,
)
from retention_models.pages.chain.headlines import HeadlineError, read_headline
from retention_models.pages.html.kinds import STORE
from retention_models.runs.publishing.manifest import JOURNAL, MANIFEST, read_content
from tiers import NIGHTLY, sized

pytestmark = [pytest.mark.slow, pytest.mark.sized]


def examples(change: int, nightly: int) -> settings:
    """How many, without a limit to the time of one: the machine may be busy."""
    return settings(
        max_examples=sized(change, nightly),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        derandomize=not NIGHTLY,  # the same few at every change, others every night
    )


def said(*arguments: str) -> tuple[int, str]:
    """The command's exit code and all that it said; a defect shows its traceback."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["retention", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        cli.main()
    return int(left.value.code or 0), out.getvalue() + err.getvalue()


def require_words(code: int, text: str) -> None:
    """A documented code, a sentence where it is not 0, no traceback."""
    assert code in {0, 1, 2, 3, 4}, text
    assert "Traceback" not in text, text
    assert code == 0 or "retention: " in text


def require_named(words: str, refused: Exception) -> None:
    """A refusal says where, in a sentence."""
    assert words in str(refused)


PROJECT = """\
name = "Corner Shops"

[transactions]
source = "log.csv"
timezone = "Europe/Istanbul"
max_unusable_share = 0.5

[transactions.columns]
customer_id = "customer"
date = "day"
spend = "amount"
store_id = "shop"

[stores]
ids = ["0042", "7"]
names = { "0042" = "High Street" }

[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1

[model]
time_unit = "W"
horizon = 52
interval = 0.9
observation_end = 2023-12-31

[[campaigns]]
id = "spring"
name = "Spring coupon"
kind = "coupon"
design = "randomised"
start = 2023-08-01
end = 2023-08-31
follow_up = 14

[actions]
lookback_days = 28

[reports]
output = "reports"
language = "en"
parameters = { x = 1.5 }

[reports.warnings]
newest_day = 7
thin_month = 0.2

[reports.notices]
command = ["true"]
when = "failure"

[execution]
time_limit = 600
memory = "4GB"
"""


def as_toml(value: object) -> str:
    """A value of TOML; what it does not know as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int | dt.date):
        return str(value)
    return json.dumps("" if value is None else value)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder with a good log and a good project file."""
    folder = tmp_path_factory.mktemp("fuzzed")
    log = shops.simulated_log(30, seed=1)
    log.loc[::3, "shop"] = "7"
    log.to_csv(folder / "log.csv", index=False)
    (folder / "good.csv").write_bytes((folder / "log.csv").read_bytes())
    (folder / "retention.toml").write_text(PROJECT, encoding="utf-8")
    code, text = said("check", str(folder / "retention.toml"))
    assert 0 == code, text
    return folder


def written_as_toml(content: dict) -> bytes:
    """Its keys one by one."""
    lines = [f"{json.dumps(key)} = {as_toml(value)}" for key, value in content.items()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


PROJECTS = st.one_of(
    damaged_values(tomllib.loads(PROJECT)).map(written_as_toml),
    damaged_bytes(PROJECT.encode()),
    damaged_lines(PROJECT.encode()),
)


@examples(60, 1000)
@given(content=PROJECTS)
def test_a_project_file_is_used_or_refused_in_words(shop, content):
    """All mistakes with their keys, on stderr, with exit code 2."""
    path = shop / "odd.toml"
    path.write_bytes(content)
    before = {found.name for found in shop.iterdir()}
    code, text = said("check", str(path))
    require_words(code, text)
    assert before == {found.name for found in shop.iterdir()}


GOOD_LOG = shops.simulated_log(30, seed=1).to_csv(index=False).encode()
LOGS = st.one_of(damaged_bytes(GOOD_LOG), damaged_lines(GOOD_LOG), damaged_cells(GOOD_LOG))


@examples(40, 500)
@given(content=LOGS)
def test_a_log_is_read_as_it_stands_or_refused(shop, content):
    """What is used is what another reader of CSV finds; the rest is counted."""
    path = shop / "odd.csv"
    path.write_bytes(content)
    names = {"customer_id": "customer", "date": "day", "spend": "amount", "store_id": "shop"}
    try:
        log = rm.read_transactions(path, **names, max_unusable_share=0.9)
        found = to_frame(log.table)
    except (DataError, SettingsError) as refused:
        require_named("odd.csv", refused)
        return
    text = content.decode("utf-8-sig")
    there = list(csv.DictReader(io.StringIO(text, newline="")))
    whole = [row for row in there if any(row.values())]
    assert log.rows_read == len(whole)
    assert len(found) == log.rows_read - log.rows_unusable
    known = {
        (r["customer"].strip(BLANKS), float_or_none(r["amount"]), r["shop"].strip(BLANKS))
        for r in whole
    }
    given = zip(found["customer_id"], found["spend"].astype(float), found["store_id"], strict=True)
    assert {(c, round(s, 6), shop) for c, s, shop in given} <= known


BLANKS = " \t\n\r\v\f"  # others are part of an id, which `retention check` tells


def float_or_none(text: str | None) -> float | None:
    """As another program reads it."""
    try:
        return round(float(text or ""), 6)
    except ValueError:
        return None


ARMS = "\n".join(
    ["campaign_id,customer_id,arm,assigned_at"]
    + [f"spring,{i:04d},{'coupon' if i % 2 else 'control'},2023-08-01" for i in range(30)]
).encode()
TAKEN = "\n".join(
    ["campaign_id,customer_id,redeemed_at,amount"]
    + [f"spring,{i:04d},2023-08-{i + 1:02d},2.50" for i in range(1, 30, 2)]
).encode()


def odd_table(content: bytes) -> st.SearchStrategy[bytes]:
    """Bytes, lines or cells damaged."""
    return st.one_of(damaged_bytes(content), damaged_lines(content), damaged_cells(content))


@pytest.fixture(scope="module")
def chain_log(shop):
    """The good log."""
    names = {"customer_id": "customer", "date": "day", "spend": "amount", "store_id": "shop"}
    return rm.read_transactions(shop / "good.csv", **names)


@examples(15, 250)
@given(
    arms=st.one_of(st.just(ARMS), odd_table(ARMS)),
    taken=st.one_of(st.just(TAKEN), odd_table(TAKEN)),
)
def test_a_campaigns_files_give_an_effect_or_a_refusal(shop, chain_log, arms, taken):
    """Whatever stands in assignments and redemptions."""
    for name, content in (("arms.csv", arms), ("taken.csv", taken)):
        (shop / name).write_bytes(content)
    spring = rm.Campaign(
        id="spring",
        name="Spring",
        kind="coupon",
        design="randomised",
        start=dt.date(2023, 8, 1),
        end=dt.date(2023, 8, 31),
        costs={"redemption": 1.0},
    )
    try:
        read = rm.read_campaign(
            chain_log, spring, shop / "arms.csv", shop / "taken.csv", margin=0.3
        )
        effect = rm.effect_of(read)
    except (DataError, SettingsError, CannotSay) as refused:
        require_named(" ", refused)
        return
    assert effect.summary()
    assert effect.refusal or effect.table["effect"].map(math.isfinite).any()


@pytest.fixture(scope="module")
def a_night(tmp_path_factory):
    """A run's folder with its manifest, and one that was stopped with its journal."""
    folder = tmp_path_factory.mktemp("night")
    with pytest.MonkeyPatch.context() as patch:
        nights.without_nbconvert(patch)
        project = nights.settings_in(folder, ["a", "b"])
        plan = nights.plan_for(project, folder / "reports", ["a", "b"])
        nights.run_night(plan)
        yield plan


@pytest.fixture(scope="module")
def good_manifest(a_night) -> dict:
    """What the night before wrote."""
    return json.loads((a_night.output / nights.DAY.isoformat() / MANIFEST).read_text())


@examples(25, 300)
@given(data=st.data())
def test_an_odd_manifest_stops_no_night(a_night, good_manifest, data):
    """It counts as it stands or as not there; the pages are made and the new one is right."""
    folder = a_night.output / nights.DAY.isoformat()
    journal = {"manifest": "0" * 64, "entry": good_manifest["stores"][0]}
    (folder / MANIFEST).write_bytes(data.draw(damaged_json(good_manifest)))
    (folder / JOURNAL).write_bytes(data.draw(damaged_json(journal)))
    try:
        made = nights.run_night(a_night)
    except SettingsError as refused:  # it is another project's
        require_named("holds the pages of", refused)
        (folder / MANIFEST).unlink()
        made = nights.run_night(a_night)
    assert {"published", "skipped"} >= set(nights.outcomes(made).values())
    nights.require_truth(a_night.output, again=True)
    assert read_content(folder)["state"] == "finished"


METRICS = rows(1)[0]["metrics"] | {"currency": "EUR", "horizon": "52 weeks", "interval": 0.9}


@examples(25, 300)
@given(content=damaged_json(METRICS))
def test_odd_metrics_stop_no_index(a_night, content):
    """Either the index shows the file's own numbers, or that store's failure says why it does not."""

    def becomes(store_id, folder):
        made = nights.good(store_id, folder)
        if store_id == "a":
            (folder / "metrics.json").write_bytes(content)
        return made

    made = nights.run_night(a_night, becomes)
    assert "published" == nights.outcomes(made)["b"] or "skipped" == nights.outcomes(made)["b"]
    nights.require_truth(a_night.output, again=True)
    path = made.folder / "a" / "metrics.json"
    if "published" == nights.outcomes(made)["a"]:
        shown = read_headline(path, STORE)["measures"]["customers"]
        value = json.loads(path.read_bytes())["measures"]["customers"]["value"]
        assert value == shown["value"] or (shown["value"] is None and shown["reason"])


@examples(60, 2000)
@given(data=st.data())
def test_odd_metrics_are_read_as_they_stand_or_refused(tmp_path_factory, data):
    """No number of a headline is another than in the file."""
    path = tmp_path_factory.getbasetemp() / "metrics.json"
    content = data.draw(damaged_json(METRICS))
    path.write_bytes(content)
    try:
        found = read_headline(path, STORE)
    except HeadlineError as refused:
        require_named(" ", refused)
        return
    stands = json.loads(content)
    for part in ("measures", "forecast"):
        for name, one in found[part].items():
            if name in stands[part] and isinstance(one, dict):
                assert one["value"] in (stands[part][name].get("value"), None)
                assert one["value"] is not None or one["reason"]


SAID = [one for one in page_sentences() if one.plural or "{" in one.text][:12]
PLACES = re.compile(r"\{(\w+)\}")
ABOUT = """\
msgid ""
msgstr ""
"Language: pl\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"

"""


def as_po(text: str, plural: str | None) -> str:
    """A sentence and its translation: itself, between ż."""
    quoted = json.dumps(text, ensure_ascii=False)
    if plural is None:
        return f'msgid {quoted}\nmsgstr "ż" {quoted} "ż"\n'
    forms = "".join(f'msgstr[{n}] "ż" {quoted}\n' for n in range(3))
    return f"msgid {quoted}\nmsgid_plural {json.dumps(plural, ensure_ascii=False)}\n{forms}"


TRANSLATED = (ABOUT + "\n".join(as_po(one.text, one.plural) for one in SAID)).encode()


@examples(60, 2000)
@given(content=st.one_of(damaged_bytes(TRANSLATED), damaged_lines(TRANSLATED)))
def test_an_odd_translation_is_used_or_refused(content):
    """What is used can be said in every sentence; a file brought up to date is whole, or as before."""
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # a new one: what was read is kept by time of writing
        path = Path(folder) / "odd.po"
        path.write_bytes(content)
        with suppress(SettingsError), speaking(read_translation("pl", path)):
            for one in SAID:
                places = dict.fromkeys(PLACES.findall(one.text + (one.plural or "")), "7")
                assert phrase(one.text, **places).strip()
                for n in (0, 1, 2, 5, 11, 100) if one.plural else ():
                    said = plural(one.text, one.plural, n, **places)
                    assert said.strip()
        try:
            write_translation("pl", path, SAID)
        except SettingsError:
            assert content == path.read_bytes()
        else:
            assert len(SAID) <= len(read_catalog(path))
        assert ["odd.po"] == [found.name for found in Path(folder).iterdir()]


MODELS = [
    rm.BetaGeoFitter().fit(
        [2, 0, 1, 5, 0, 3], [30.4, 0, 1.7, 29.4, 0, 5], [38.9, 38.9, 38.9, 38, 9, 9]
    ),
    rm.GammaGammaFitter().fit([2, 1, 5, 3], [22.4, 43.0, 15.2, 30.1]),
]


@examples(100, 8000)
@given(data=st.data())
def test_a_models_json_gives_a_model_or_a_refusal(data):
    """One that is read predicts with the parameters that stand there."""
    model = data.draw(st.sampled_from(MODELS))
    content = data.draw(damaged_json(json.loads(model.to_json())))
    try:
        text = content.decode("utf-8")
        found = type(model).from_json(text)
    except (SettingsError, UnicodeDecodeError) as refused:
        require_named(" ", refused)
        return
    stands = json.loads(text)
    assert stands["parameters"] == found.params_.tolist()
    json.loads(found.to_json(), parse_constant=pytest.fail)
    assert repr(found)
    if isinstance(found, rm.BetaGeoFitter):
        value = found.conditional_probability_alive(2, 30.0, 38.0)
        assert ((0 <= value) & (value <= 1)).all()
