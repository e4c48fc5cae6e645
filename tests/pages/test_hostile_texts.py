"""Texts from data on pages, in names of folders, CSV, logs, notices: inert, and still the same text."""

import csv
import html
import io
import json
import logging
import urllib.parse
from html.parser import HTMLParser

import markupsafe
import pandas as pd
import pytest

import nights
import retention_models as rm
import shops
from hostile_texts import HOSTILE
from retention_models.pages.html.checks import seen
from retention_models.pages.html.kinds import one_line, store_folder
from retention_models.project.outputs import formula_safe
from retention_models.runs.publishing.notices import outcome, sentences
from retention_models.runs.publishing.progress import Progress

HARMLESS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_%~")


class Reader(HTMLParser):
    """What a reader sees, by element, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.texts, self._open = [], {}, []

    def handle_starttag(self, tag, attrs):
        """Keep the element."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        if tag not in {"meta", "link", "br", "img", "hr"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        """Leave the element."""
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data):
        """Keep the text of every element around it."""
        for tag in self._open:
            self.texts[tag] = self.texts.get(tag, "") + data


def read(page: str) -> Reader:
    """A page as it is read."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def becomes(store_id, folder):
    """A page that says its store's id, or an error that does; every third fails."""
    if HOSTILE.index(store_id) % 3 == 2:
        return nights.result(
            "cell failed", cell=1, error=store_id, text=store_id, traceback=store_id
        )
    return nights.good(store_id, folder, f"<p>{html.escape(store_id)}</p>")


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A night of forty stores of hostile names, and what was told of it."""
    folder = tmp_path_factory.mktemp("hostile")
    settings = nights.settings_in(folder, ("0042",))
    told = Progress(json_lines=folder / "events.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        plan = nights.plan_for(settings, folder / "reports", HOSTILE)
        manifest = nights.run_night(plan, becomes, told)
    told.close()
    return manifest, folder / "events.jsonl"


def test_there_are_forty():
    """All different, also by the names of their folders where upper is lower case."""
    assert 40 == len(set(HOSTILE))
    assert 40 == len({store_folder(text).casefold() for text in HOSTILE})


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_folders_name_is_harmless_and_short_enough(text, tmp_path):
    """A child of its parent, whatever the text, that can be made."""
    folder = tmp_path / store_folder(text)
    folder.mkdir()
    assert [folder] == list(tmp_path.iterdir())
    assert set(folder.name) <= HARMLESS
    assert len(folder.name.encode()) <= 180
    if "~" not in folder.name:
        assert text == urllib.parse.unquote(folder.name)


def test_long_names_differ_though_they_begin_alike():
    """And none is the name of another id, not even of one that looks like it."""
    long = [f"{'x' * 250}{n}" for n in range(50)]
    names = {store_folder(text) for text in [*long, *map(store_folder, long), ""]}
    assert 101 == len(names)


def test_every_store_has_its_folder_and_the_manifest_its_id(night):
    """As the data have it, to the last control character."""
    manifest, _ = night
    found = json.loads((manifest.folder / "manifest.json").read_text(encoding="utf-8"))
    nights.VALID.validate(found)
    assert list(HOSTILE) == [entry["store"] for entry in found["stores"]]
    folders = {path.name for path in manifest.folder.iterdir() if path.is_dir()}
    assert {entry["folder"] for entry in found["stores"]} == folders
    assert {"failed": 13, "published": 27} == found["counts"]


def test_every_page_shows_the_text_as_it_is(night):
    """In its heading, as text; no element or handler comes of it; control characters are seen."""
    manifest, _ = night
    plain = {tag for tag, _ in read(nights_page(manifest, HOSTILE[0])).tags}
    plain |= {"h2", "pre"}
    for text in HOSTILE:
        page = nights_page(manifest, text)
        found = read(page)
        assert {tag for tag, _ in found.tags} <= plain
        assert not any(name.startswith("on") for _, names in found.tags for name in names)
        shown = seen(text.replace("\r\n", "\n"))
        assert f"Store {shown}" == found.texts["h1"]
        failed = manifest.stores[text]["failure"] is not None
        assert (0 if failed else 1) == page.count("<!--notice-->")
        assert not set(page) & {chr(c) for c in range(32) if chr(c) not in "\t\n\r"}
        assert one_line(text) in html.unescape(page.partition("</title>")[0])


def nights_page(manifest, text: str) -> str:
    """A store's page; line ends are read as a browser reads them."""
    folder = manifest.folder / manifest.stores[text]["folder"]
    return (folder / "store_report.html").read_text(encoding="utf-8")


def test_the_index_links_every_store(night):
    """To its own folder, whatever its name."""
    manifest, _ = night
    page = (manifest.folder / "index.html").read_text(encoding="utf-8")
    for text in HOSTILE:
        assert f"<bdi>{markupsafe.escape(seen(text).replace(chr(13), ''))}</bdi>" in page
    links = [part.partition('"')[0] for part in page.split('<a href="')[1:]]
    links = [link for link in links if not link.startswith("#")]
    assert 40 == len(set(links))
    for link in links:
        assert (manifest.folder / urllib.parse.unquote(link)).is_file()


def test_a_text_stays_on_its_line_of_the_log(night, caplog, tmp_path):
    """No line is forged, no terminal is steered; the JSON lines hold the text as it is."""
    manifest, events = night
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").split("\n")[:-1]]
    assert list(HOSTILE) == [line["store"] for line in lines if line["event"] == "store"]
    failed = manifest.stores[HOSTILE[32]]
    told = Progress()
    with caplog.at_level(logging.INFO):
        for text in HOSTILE:
            told("store", store=text, entry=failed, details=tmp_path)
    for record in caplog.records:
        assert record.getMessage().isprintable() or "\u200c" in record.getMessage()
        assert "\u202e" not in record.getMessage()
    title, text = sentences(outcome(manifest, HOSTILE[32]))
    assert "\n" not in title
    assert 15 == len(text.split("\n"))


def test_no_cell_of_a_csv_file_is_a_formula_and_each_is_told_from_the_others():
    """What was put in front can be taken away again."""
    written = [formula_safe(text) for text in HOSTILE]
    assert 40 == len(set(written))
    for text, cell in zip(HOSTILE, written, strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        assert text == (cell if cell == text else cell.removeprefix("'"))
    buffer = io.StringIO()
    pd.DataFrame({"id": written}).to_csv(buffer, index=False)
    rows = list(csv.reader(io.StringIO(buffer.getvalue(), newline="")))
    assert written == [row[0] for row in rows[1:]]


@pytest.mark.slow
def test_customers_of_hostile_names_reach_the_files_as_they_are(tmp_path):
    """From the log by the checks to customers.csv and the lists, at a store of such a name."""
    usable = [text for text in HOSTILE if "\x00" not in text]
    frame = shops.simulated_log(len(usable) + 40, seed=5, shop="' OR 1=1; --")
    names = dict(zip(sorted(set(frame["customer"])), usable, strict=False))
    frame["customer"] = frame["customer"].replace(names)
    frame.to_parquet(tmp_path / "log.parquet")
    text = shops.PROJECT.replace("{source}", "log.parquet")
    settings = text.format(source="", stores='"\' OR 1=1; --"', extra="")
    (tmp_path / "retention.toml").write_text(settings, encoding="utf-8")
    store = rm.open_store(tmp_path / "retention.toml", "' OR 1=1; --")
    rm.write_outputs(store, tmp_path / "out")
    with open(tmp_path / "out" / "customers.csv", encoding="utf-8-sig", newline="") as stream:
        found = {row["customer_id"] for row in csv.DictReader(stream)}
    assert {formula_safe(text.strip()) for text in usable} <= found
