"""Pages opened in a browser without a network: nothing asked for, nothing said, nothing cut off."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("chain")]

PAGES = [
    "index.html",
    "0042/store_report.html",
    "empty/store_report.html",
    "single/store_report.html",
]
ARTEFACTS = Path(__file__).parent / "artefacts"


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
