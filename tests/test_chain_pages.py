"""The pages of a chain with every kind of store: what is on them, and how a browser shows them.

In one file, so that one worker makes the pages once for all that read them.
"""

import hashlib
import json
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from conftest import STRANGE_ID

FOLDERS = {"0042": "0042", "single": "single", "empty": "empty", STRANGE_ID: "%3Cb%3E%26%2E%2E%2Fx"}
PAGES = [
    "index.html",
    "0042/store_report.html",
    "empty/store_report.html",
    "single/store_report.html",
]
ARTEFACTS = Path(__file__).parent / "artefacts"


@pytest.fixture
def folder(chain_run) -> Path:
    """Folder of the chain's pages."""
    return chain_run.index.parent


def page(folder: Path, store: str) -> str:
    """A store's page."""
    return (folder / FOLDERS[store] / "store_report.html").read_text(encoding="utf-8")


def test_every_store_gets_its_page_and_files(chain_run, folder):
    """In a folder by the last day and the store's id, and nothing else is left behind."""
    assert () == chain_run.failed
    assert "2023-12-31" == folder.name
    assert {"index.html", "manifest.json", *FOLDERS.values()} == {p.name for p in folder.iterdir()}
    for name in FOLDERS.values():
        assert {
            "actions",
            "customers.csv",
            "metrics.json",
            "store_report.html",
            "store_report.ipynb",
        } == {p.name for p in (folder / name).iterdir()}
    assert {"due.csv", "due.parquet"} < {p.name for p in (folder / "0042" / "actions").iterdir()}


def test_store_ids_reach_the_notebook_as_text(folder):
    """0042 is not 42, and a strange id is not markup."""
    for store, name in FOLDERS.items():
        assert store == json.loads((folder / name / "metrics.json").read_text())["store"]
    assert "&lt;b&gt;&amp;../x" in page(folder, STRANGE_ID)
    assert "<b>" not in page(folder, STRANGE_ID)


def test_an_ordinary_page_answers_every_question(folder):
    """Six figures, each with its sentence as alternative text."""
    text = page(folder, "0042")
    assert "High Street" in text
    assert "Corner &lt;Shops&gt;" in text
    assert 6 == text.count("<figure>")
    assert 'alt=""' not in text
    for heading in ("In short", "How is the store doing?", "Who comes back?", "What should we do?"):
        assert heading in text
    for heading in ("Can we trust this?", "Who is still a customer?", "What are they worth?"):
        assert heading in text


def test_pages_of_stores_that_cannot_carry_answers_say_so(folder):
    """In words, in the answer's place, without a figure."""
    for store, words in (
        ("empty", "The data hold no purchase at store empty up to 2023-12-31"),
        ("single", "The store has one customer so far"),
    ):
        text = page(folder, store)
        assert words in text
        assert "<figure>" not in text
        assert "Traceback" not in text


def test_a_refusal_is_said_in_full_once(folder):
    """An empty store has one reason for everything; nine sections need not repeat it."""
    text = page(folder, "empty")
    assert 1 == text.count("The data hold no purchase at store empty")
    assert 9 == text.count("Not said, for the same reason.")


def test_code_is_not_on_the_page(folder):
    """A manager's page is no program."""
    assert "import retention_models" not in page(folder, "0042")
    assert "project_file" not in page(folder, "0042")


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


@pytest.fixture(scope="module")
def browser(chromium):
    """Headless Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_readable_offline(browser, chain_run, name, width):
    """No request, no message, no sideways scrolling, one heading of the first order."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("requestfailed", lambda request: heard.append(request.url))
    page.on(
        "request",
        lambda request: (
            heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None
        ),
    )
    page.goto((chain_run.index.parent / name).as_uri())
    assert [] == heard
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert 1 == page.locator("h1").count()
    for image in page.locator("img").all():
        assert image.get_attribute("alt")
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name.replace('/', '_')}_{width}.png", full_page=True)
    context.close()


@pytest.mark.browser
def test_every_link_of_the_index_leads_to_a_page(browser, chain_run):
    """Also to the folder of a store with a strange id."""
    page = browser.new_page()
    page.goto(chain_run.index.as_uri())
    links = [link.evaluate("a => a.href") for link in page.locator("tbody a").all()]
    assert len(chain_run.outcomes) == len(links)
    for link in links:
        page.goto(link)
        assert page.locator("h1").inner_text()
        page.get_by_role("link", name="Corner <Shops>").click()
        assert page.url == chain_run.index.as_uri()
    page.close()
