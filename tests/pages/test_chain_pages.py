"""The pages of a chain with every kind of store: what is on them, and how a browser shows them.

In one file, so that one worker makes the pages once for all that read them.
"""

import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import STRANGE_ID

from browsers import looked_at

# A whole run; of the quick tests, one in tests/runs/test_run.py makes another.
pytestmark = pytest.mark.slow

FOLDERS = {"0042": "0042", "single": "single", "empty": "empty", STRANGE_ID: "%3Cb%3E%26%2E%2E%2Fx"}


@pytest.fixture
def folder(chain_run) -> Path:
    """Folder of the chain's pages."""
    return chain_run.index.parent


def page(folder: Path, store: str, name: str = "store_report.html") -> str:
    """A store's page, or that about its numbers."""
    return (folder / FOLDERS[store] / name).read_text(encoding="utf-8")


def test_every_store_gets_its_page_and_files(chain_run, folder):
    """In a folder by the last day and the store's id, and nothing else is left behind."""
    assert () == chain_run.failed
    assert "2023-12-31" == folder.name
    own = {"index.html", "manifest.json", "models.json"}
    assert {*own, *FOLDERS.values()} == {p.name for p in folder.iterdir()}
    always = {"about.html", "actions", "customers.csv", "metrics.json"}
    always |= {"store_report.html", "store_report.ipynb"}
    for store, name in FOLDERS.items():
        calls = {"call_tomorrow.csv", "lists.xlsx"} if store in ("0042", STRANGE_ID) else set()
        assert always | calls == {p.name for p in (folder / name).iterdir()}
    assert {"due.csv", "due.parquet"} < {p.name for p in (folder / "0042" / "actions").iterdir()}


def test_store_ids_reach_the_notebook_as_text(folder):
    """0042 is not 42, and a strange id is not markup."""
    for store, name in FOLDERS.items():
        assert store == json.loads((folder / name / "metrics.json").read_text())["store"]
    assert "&lt;b&gt;&amp;../x" in page(folder, STRANGE_ID)
    assert "<b>" not in page(folder, STRANGE_ID)


def test_an_ordinary_page_answers_first_and_leads_to_what_is_said_about_its_numbers(folder):
    """Six figures and three lines of months, each with its sentence as alternative text."""
    upper, about = page(folder, "0042"), page(folder, "0042", "about.html")
    for text in (upper, about):
        assert "High Street" in text
        assert "Corner &lt;Shops&gt;" in text
        assert 'alt=""' not in text
    assert [2, 4] == [text.count("<figure>") for text in (upper, about)]
    assert 3 == upper.count('<figure class="line">')
    assert '<a href="about.html">' in upper
    assert '<a href="store_report.html">' in about
    assert '<a href="store_report.ipynb">' in about
    for heading in ("In short", "Call tomorrow", "Who comes back?", "What are they worth?"):
        assert f">{heading}</h2>" in upper
    for heading in ("Can we trust this?", "Who is still a customer?", "What changed?"):
        assert f">{heading}</h2>" in about
        assert heading not in upper


def test_pages_of_stores_that_cannot_carry_answers_say_so(folder):
    """In words, in the answer's place, without a figure."""
    for store, words in (
        ("empty", "The data hold no purchase at store empty up to 31 December 2023"),
        ("single", "The store has one customer so far"),
    ):
        text = page(folder, store)
        assert words in text
        assert "<figure>" not in text
        assert "Traceback" not in text


def test_a_refusal_is_said_in_full_once(folder):
    """An empty store has one reason for everything: sections that have no other are left out."""
    text = page(folder, "empty")
    assert 1 == text.count("The data hold no purchase at store empty")
    headings = re.findall(
        r"<h[23] id=[^>]*>(.*?)</h[23]>", text + page(folder, "empty", "about.html")
    )
    assert "In short" == headings[0]
    assert {"What are these numbers made from?", "What do these figures mean?"} < set(headings)
    assert not {"Who comes back?", "What are they worth?", "How do they buy?"} & set(headings)
    assert headings == list(dict.fromkeys(headings))
    assert "Not said, for the same reason." not in text


def test_code_is_folded_away(folder):
    """A manager's page has none; an analyst unfolds it about the numbers, without parameters."""
    assert '<details class="code">' not in page(folder, "0042")
    text = page(folder, "0042", "about.html")
    shown = re.sub('<details class="code">.*?</details>', "", text, flags=re.DOTALL)
    assert "store.measures" in text
    assert "store.measures" not in shown
    assert str(folder) not in text


def test_pages_are_small(folder):
    """400 KB at most."""
    for store in FOLDERS:
        assert len(page(folder, store).encode()) <= 400_000


def test_the_index_names_every_store_with_its_numbers_or_why_not(folder):
    """Names escaped, links quoted twice over where folder names are."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="0042/store_report.html"><bdi>High Street' in text
    assert 'href="%253Cb%253E%2526%252E%252E%252Fx/store_report.html"' in text
    assert "The data hold no purchase at store empty" in text


def test_the_manifest_tells_what_became_of_every_store(folder):
    """With the sha256 of every file."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "2023-12-31" == manifest["as_of"]
    assert list(FOLDERS) == [entry["store"] for entry in manifest["stores"]]
    for entry in manifest["stores"]:
        assert "published" == entry["outcome"]
        for name, digest in entry["files"].items():
            content = (folder / entry["folder"] / name).read_bytes()
            assert digest == hashlib.sha256(content).hexdigest()


@pytest.mark.browser
def test_the_chains_page_is_readable_offline_and_every_link_leads_to_a_page(browser, chain_run):
    """No request and no message on a telephone; also to the folder of a store with a strange id."""
    page, heard = looked_at(browser, chain_run.index, width=390)
    assert [] == heard
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    links = [
        link.evaluate("a => a.href")
        for link in page.locator("[aria-labelledby=stores] tbody a").all()
    ]
    assert len(chain_run.outcomes) == len(links)
    for link in links:
        page.goto(link)
        assert page.locator("h1").inner_text()
        page.get_by_role("link", name="Corner <Shops>").click()
        assert page.url == chain_run.index.as_uri()
    page.close()
