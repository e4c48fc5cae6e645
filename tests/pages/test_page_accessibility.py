"""Every kind of page in a browser: readable offline, on a telephone, on paper and by keyboard."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from conftest import STRANGE_ID

import chain_samples
import nights
import page_kinds
from browsers import A4, looked_at, picture, violations
from retention_models.pages.html import render
from tiers import NIGHTLY

pytestmark = [pytest.mark.slow, pytest.mark.browser]

KINDS = [
    "index",
    "normal",
    "about",
    "single",
    "empty",
    "strange",
    "failed",
    "kept",
    "forty",
    "many",
]
KINDS += [*page_kinds.STORES, *page_kinds.CAMPAIGNS, "campaigns"]
# What stands on these stands on others, too.
NIGHTLY_ONLY = ("single", "kept", "many", "tiny", "closed", "asked")
# One of each template is looked through on a telephone at every change, the others every night.
ALSO_NARROW = ("index", "normal", "failed", "drawn", "campaigns")
MADE = "2024-01-01 05:00 UTC"


def becomes(store_id: str, folder: Path) -> object:
    """A page on the first night, and a failure on the second; a new store fails at once."""
    if folder.parent.name == "2023-12-30" and store_id == "0042":
        return nights.good(
            store_id, folder, "<table><caption>a</caption><tr><td>1</td></tr></table>"
        )
    return nights.bad(store_id, folder)


@pytest.fixture(scope="module")
def paths(chain_run, kinds_run, tmp_path_factory) -> dict[str, Path]:
    """A page of every kind."""
    folder, kinds = chain_run.index.parent, kinds_run.index.parent
    campaigns = kinds.parent / "campaigns" / kinds.name
    others = {kind: kinds / kind / "store_report.html" for kind in page_kinds.STORES}
    others |= {kind: campaigns / kind / "campaign_report.html" for kind in page_kinds.CAMPAIGNS}
    place = tmp_path_factory.mktemp("nights")
    settings = nights.settings_in(place / "project", ["0042", "new"])
    for day in (30, 31):
        plan = nights.plan_for(
            settings, place / "out", ["0042", "new"], day=dt.date(2023, 12, day), data=str(day)
        )
        nights.run_night(plan, becomes)
    for kind, n in (("forty", 40), ("many", 500)):
        html = render.index_page(chain_samples.rows(n), settings, nights.DAY, MADE)
        (place / f"{kind}.html").write_text(html, encoding="utf-8")
    report = "store_report.html"
    return {
        "index": chain_run.index,
        "normal": folder / "0042" / report,
        "single": folder / "single" / report,
        "empty": folder / "empty" / report,
        "strange": folder / "%3Cb%3E%26%2E%2E%2Fx" / report,
        "failed": place / "out" / "2023-12-31" / "new" / report,
        "kept": place / "out" / "2023-12-31" / "0042" / report,
        "about": folder / "0042" / "about.html",
        "forty": place / "forty.html",
        "many": place / "many.html",
        "campaigns": campaigns / "index.html",
        **others,
    }


def require_order(page) -> None:
    """One h1, no level left out, every picture shown and described, one main."""
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert 1 == levels[0]
    assert 1 == levels.count(1)
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [1, 1, 1] == [page.locator(name).count() for name in ("main", "header", "footer")]
    assert ["en", "ltr"] == page.evaluate("[document.documentElement.lang, document.dir]")
    for image in page.locator("img").all()[:40]:
        assert image.get_attribute("alt")
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    for line in page.locator("svg").all()[:40]:
        assert line.get_attribute("aria-label")
        assert line.evaluate("line => line.getBoundingClientRect().width > 0")


def require_whole_on_paper(page, kind: str) -> None:
    """Tables and figures fit between the margins of A4, and no control is printed."""
    page.set_viewport_size({"width": A4, "height": 900})
    page.emulate_media(media="print")
    picture(page, f"{kind}_print")
    out = page.evaluate(
        """width => [...document.querySelectorAll('table, img, p, pre')]
        .filter(e => e.getBoundingClientRect().right > width + 1).map(e => e.outerHTML.slice(0, 80))""",
        A4,
    )
    assert [] == out
    assert [] == [e for e in page.locator("input, select, .tools button").all() if e.is_visible()]


def looked_through(kind: str) -> tuple[int, ...]:
    """Widths at which axe-core sees a page; a page of 500 stores takes it a minute."""
    if kind == "many":
        return (1280,) if NIGHTLY else ()
    return (1280, 390) if NIGHTLY or kind in ALSO_NARROW else (1280,)


@pytest.mark.sized
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.nightly] if kind in NIGHTLY_ONLY else [])
        for kind in KINDS
    ],
)
def test_every_page_is_open_to_everybody(browser, axe, paths, kind):
    """In one visit: wide, narrow, magnified four times (WCAG 1.4.10) and on paper.

    Nothing is asked of the network, there is no message, and axe-core finds nothing.
    """
    page, heard = looked_at(browser, paths[kind], width=1280)
    require_order(page)
    for width in (1280, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"{kind}_{width}")
        if width == 1280:  # a table that has to be pushed aside hides its last column
            assert page.evaluate(
                "[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)"
            )
        if width in looked_through(kind):
            assert [] == violations(page, axe)
    require_whole_on_paper(page, kind)
    assert [] == heard
    page.close()


@pytest.mark.parametrize(
    ("kind", "most"),
    [("normal", 2), ("about", 8), ("closed", 1), ("empty", 1), ("index", 2), ("drawn", 7)],
)
def test_a_page_prints_on_few_sheets(browser, paths, tmp_path, kind, most):
    """On A4, with figures and rows whole, and no heading at a sheet's end."""
    page, _ = looked_at(browser, paths[kind])
    printed = page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= most
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12]", printed)
    page.emulate_media(media="print")
    for names, rule, value in (
        ("figure, tr, .figures > div", "breakInside", "avoid"),
        ("h1, h2, h3, caption, thead", "breakAfter", "avoid"),
    ):
        found = page.evaluate(
            "([names, rule]) => [...new Set([...document.querySelectorAll(names)]"
            ".map(e => getComputedStyle(e)[rule]))]",
            [names, rule],
        )
        assert set(found) <= {value}
    page.close()


def test_the_page_of_500_stores_is_small_enough_to_send(paths):
    """400 KB at most: without what would stand in every row and need not."""
    assert paths["many"].stat().st_size <= 400_000


@pytest.mark.parametrize("kind", ["index", "normal", "many"])
def test_a_page_says_all_without_its_script(browser, paths, kind):
    """Every row is there and no control that would do nothing."""
    page, _ = looked_at(browser, paths[kind], java_script_enabled=False)
    assert 0 == page.locator("button, input, select").count()
    rows = page.locator("tbody tr").all()
    assert rows
    assert rows[0].is_visible()
    assert rows[-1].is_visible()
    page.close()


def test_the_first_key_leads_past_the_head(browser, paths):
    """A skip link, seen when it has the focus."""
    page, _ = looked_at(browser, paths["many"])
    page.keyboard.press("Tab")
    box = page.locator(".skip").bounding_box()
    assert page.locator(".skip").evaluate("e => e === document.activeElement")
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.close()


def column(page, place: int) -> list[str]:
    """The texts of a column of the table of stores, in the order shown."""
    cells = page.locator("table[data-find] tbody tr:visible").all()[:30]
    return [cell.locator("th, td").nth(place).inner_text().split("\n")[0] for cell in cells]


def test_a_table_is_sorted_by_keyboard(browser, paths):
    """By its heads, which say how; stores without the number go last either way."""
    page, heard = looked_at(browser, paths["many"])
    head = page.locator("table[data-find] thead th").nth(4)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert "descending" == head.get_attribute("aria-sort")
    customers = [int(text.replace(",", "")) for text in column(page, 4)]
    assert sorted(customers, reverse=True) == customers
    page.keyboard.press("Space")
    assert "ascending" == head.get_attribute("aria-sort")
    customers = [int(text.replace(",", "")) for text in column(page, 4)]
    assert sorted(customers) == customers
    last = page.locator("table[data-find] tbody tr").last
    assert "no page" in last.inner_text()
    first = page.locator("table[data-find] thead th").first
    first.locator("button").press("Enter")
    assert "ascending" == first.get_attribute("aria-sort")
    assert head.get_attribute("aria-sort") is None
    names = column(page, 0)
    assert ["0002 Market Street", "0003 Market Street"] == [n for n in names if n[0] == "0"][1:3]
    assert [] == heard
    page.close()


def test_cards_on_a_telephone_are_sorted_by_a_list(browser, paths):
    """There are no heads to press: the list says the order that is shown, a button turns it."""
    page, _ = looked_at(browser, paths["many"], width=390)
    choice = page.get_by_label("Sort by").last
    assert page.get_by_role("button", name="lowest first").is_visible()
    assert "Revenue change" == choice.locator("option:checked").inner_text()
    changes = [int(text.strip("%").replace("−", "-")) for text in column(page, 3)]
    assert sorted(changes) == changes
    choice.select_option(label="Customers")
    customers = [int(text.replace(",", "")) for text in column(page, 4)]
    assert sorted(customers, reverse=True) == customers
    page.get_by_role("button", name="highest first").click()
    customers = [int(text.replace(",", "")) for text in column(page, 4)]
    assert sorted(customers) == customers
    page.close()


def test_a_store_is_found_among_500(browser, paths):
    """By a part of its name, whatever the case; the count is said, and an empty box shows all."""
    page, heard = looked_at(browser, paths["many"])
    box = page.get_by_label("Find a store")
    box.focus()
    page.keyboard.type("0123 MARK")
    assert ["0123 Market Street"] == column(page, 0)
    assert "1 of 500 stores shown" == page.get_by_role("status").inner_text()
    box.fill("<b>")
    assert [STRANGE_ID] == column(page, 0)
    box.fill("")
    assert 500 == page.locator("table[data-find] tbody tr:visible").count()
    assert [] == heard
    page.close()


def test_code_is_shown_to_who_asks_by_keyboard(browser, paths):
    """Folded away for everybody else."""
    page, heard = looked_at(browser, paths["normal"].with_name("about.html"))
    code = page.locator("details.code").first
    assert not code.is_visible()
    switch = page.get_by_role("button", name="Show the code")
    switch.focus()
    page.keyboard.press("Enter")
    assert "true" == switch.get_attribute("aria-pressed")
    assert "page.require_open()" in code.inner_text()
    picture(page, "normal_code")
    page.keyboard.press("Enter")
    assert not code.is_visible()
    assert [] == heard
    page.close()


def test_what_is_wrong_is_found(browser, axe, tmp_path):
    """axe-core sees a page as it is, also behind our Content-Security-Policy."""
    settings = nights.settings_in(tmp_path)
    html = render.index_page(chain_samples.rows(3), settings, nights.DAY, MADE)
    path = tmp_path / "bad.html"
    silent = html.replace('role="img" aria-label="', 'role="img" data-label="')
    path.write_text(silent.replace('<html lang="en"', "<html"))
    page, _ = looked_at(browser, path)
    found = " ".join(violations(page, axe))
    assert "html-has-lang" in found
    assert "svg-img-alt" in found
    page.close()


def test_a_script_that_is_not_ours_does_not_run(browser, paths, tmp_path):
    """Not even where it got onto the page."""
    text = paths["index"].read_text(encoding="utf-8")
    bad = "<script>document.title = 'taken over'</script><img alt='x' src='data:,' onerror='x()'>"
    place = tmp_path / "bad.html"
    place.write_text(text.replace("</main>", f"{bad}</main>"), encoding="utf-8")
    page, heard = looked_at(browser, place)
    assert "taken over" != page.title()
    assert any("Content Security Policy" in message for message in heard)
    page.close()


def test_headings_of_a_notebook_stand_below_the_title(browser, tmp_path):
    """Also where it has a title of its own; a table without a caption can be scrolled by keys too."""
    cells = [
        nbformat.v4.new_markdown_cell("# A title of its own"),
        *nights.notebook("<table><tr><td>" + "wide " * 9 + "</td></tr></table>").cells,
    ]
    settings = nights.settings_in(tmp_path)
    notebook = nbformat.v4.new_notebook(cells=cells)
    path = tmp_path / "page.html"
    html = render.notebook_pages(notebook, settings, "0042", nights.DAY, MADE)["store_report.html"]
    path.write_text(html, encoding="utf-8")
    page, _ = looked_at(browser, path)
    assert ["High Street"] == page.locator("h1").all_inner_texts()
    assert ["A title of its own"] == page.locator("h2").all_inner_texts()
    assert "Table" == page.locator(".scroll[tabindex='0']").get_attribute("aria-label")
    page.close()
