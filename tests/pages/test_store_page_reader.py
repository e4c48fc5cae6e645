"""Twenty questions that a manager asks, each answered at a named place of the page."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from retention_models.runs.run import run_project
from retention_models.settings.reading import read_settings

STORE = "367"
SHARE = r"\d+%"
SIGNED = r"\([+−]?[\d.]+% to [+−]?[\d.]+%\)"
RANGE = r"\([\d,.]+[^()]* to [\d,.]+[^()]*\)"

# Question, heading of the place, and what stands there.
QUESTIONS = [
    ("May I use the forecast?", "In short", r"Open, last purchase on .* [Ff]orecast"),
    (
        "Did we sell more?",
        "In short",
        r"Revenue of 13 weeks [\d,]+ USD: [+−]\d+% on the quarter before",
    ),
    ("How many did we lose this quarter?", "In short", r"Customers lost \d+ of \d+ \(\d+%\)"),
    (
        "What will come?",
        "In short",
        rf"[\d,]+ USD expected {RANGE}, [\d,]+ of it from today's customers",
    ),
    ("Did the coupon pay?", "In short", r"Chain's newest campaign “Campaign \d+ .* All campaigns"),
    ("What should I do tomorrow?", "Call tomorrow", r"\d+ customers have most to save"),
    ("Who should we call?", "Call tomorrow", r"listed in call_tomorrow\.csv"),
    ("Who is about to go?", "Call tomorrow", r"Wavering \d+ .* wavering\.csv"),
    (
        "Do new customers come back?",
        "Who comes back?",
        rf"{SHARE} \(.* bought in the month after their first purchase",
    ),
    ("Do we hang on a few customers?", "What are they worth?", r"most valuable tenth of customers"),
    ("What changed?", "What changed?", r"13 weeks to .* than? chance|beyond chance"),
    ("How many customers did we have this quarter?", "What changed?", r"Customers \d+"),
    ("Do they come more than once?", "What changed?", rf"Repeat customers {SHARE}"),
    ("Do they spend more than before?", "What changed?", r"Spend per order [\d.]+ USD"),
    ("What did we sell in a year?", "What changed?", r"Revenue [\d,]+ USD"),
    ("Is our churn too high?", "Who was lost?", r"many of them come back, so this is not"),
    (
        "How many customers are still with us?",
        "Who is still a customer?",
        rf"\d+ {RANGE[:-2]}.* have not left for good",
    ),
    ("How much will they buy?", "Who is still a customer?", rf"on [\d,]+ occasions {RANGE}"),
    ("What are they worth?", "How is their value found?", rf"are worth [\d,]+ USD {RANGE}"),
    (
        "Is the rule of thumb right?",
        "How is their value found?",
        r"The rule of thumb .* the rule is",
    ),
    ("Are they content?", "Are they content?", r"no survey|Net Promoter Score|thumbs"),
    ("Is the forecast to be trusted?", "Can we trust this?", r"[Uu]se the forecast|can be used"),
    (
        "Does a rule of thumb do better?",
        "Can we trust this?",
        r"[Nn]earer than the model|None of them",
    ),
    ("Are the data in order?", "What are these numbers made from?", r"rows were read"),
    (
        "What is a retention rate?",
        "What do these figures mean?",
        r"Retention rate Of the customers",
    ),
]
FIRST_SCREEN = "In short"
UPPER = (FIRST_SCREEN, "Call tomorrow", "Who comes back?", "What are they worth?")


class _Places(HTMLParser):
    """Text of the page under each heading, and the links."""

    def __init__(self) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.links: list[str] = []
        self._heading: str | None = None
        self._here = ""
        self._id = ""

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in {"h2", "h3"}:
            self._heading, self._id = "", found.get("id") or ""
        if tag == "a":
            self.links.append(found["href"])

    def handle_endtag(self, tag):
        if tag in {"h2", "h3"}:
            self._here = self._heading.strip()
            self.text[self._here], self.ids[self._here] = "", self._id
            self._heading = None

    def handle_data(self, data):
        if self._heading is not None:
            self._heading += data
        elif self._here:
            self.text[self._here] = " ".join(f"{self.text[self._here]} {data}".split())


@pytest.fixture(scope="module")
def page(small_grocery) -> Path:
    """The page of a store of the demonstration."""
    result = run_project(small_grocery, stores=[STORE], jobs=1)
    assert () == result.failed
    return result.index.parent / STORE / "store_report.html"


def read(*pages: Path) -> _Places:
    """The places of pages, one after the other."""
    parser = _Places()
    for page in pages:
        parser.feed(page.read_text(encoding="utf-8"))
    return parser


@pytest.fixture(scope="module")
def places(page) -> _Places:
    """Its places, and those of the page about its numbers, to which it leads."""
    assert "about.html" in read(page).links
    return read(page, page.with_name("about.html"))


@pytest.fixture(scope="module")
def coupon(kinds_run) -> _Places:
    """The page of a coupon that was drawn by lot."""
    folder = kinds_run.index.parents[1] / "campaigns" / kinds_run.index.parent.name
    parser = _Places()
    parser.feed((folder / "drawn" / "campaign_report.html").read_text(encoding="utf-8"))
    return parser


@pytest.mark.slow
@pytest.mark.parametrize(("question", "heading", "answer"), QUESTIONS)
def test_a_managers_question_is_answered_at_its_place(places, question, heading, answer):
    """Under a heading that can be linked to, in words or in a table."""
    assert heading in places.text, question
    assert places.ids[heading], question
    assert re.search(answer, places.text[heading]), f"{question} {places.text[heading]}"


@pytest.mark.slow
def test_the_page_is_short(page):
    """A first screen of 130 words at most, points of 25, and no model's letters."""
    text = page.read_text(encoding="utf-8")
    parser = read(page)
    assert 0 < len(parser.text[FIRST_SCREEN].split()) <= 130
    assert list(UPPER) == list(parser.text)
    points = re.findall(r'<p class="point">(.*?)</p>', text)
    assert 4 == len(points)
    for point in points:
        said = re.sub(r"<a .*?</a>|<[^>]*>", " ", point)
        assert len(said.split()) <= 25, said
    assert not re.search(r"\b[pqv] =|BG/NBD|Gamma-Gamma", " ".join(parser.text.values()))


# Words of the page's own text, with what its tables and lists say, but for code, style and script.
MOST_WORDS = {
    "store": 700,
    "about": 2750,
    "closed": 250,
    "tiny": 450,
    "chain": 700,
    "campaign": 1200,
    "campaigns": 400,
}


def words_of(page: Path) -> int:
    """Words that a reader of a page has before them."""
    text = page.read_text(encoding="utf-8").partition("<main")[2].partition("</main>")[0]
    text = re.sub(r'<details class="code">.*?</details>', " ", text, flags=re.DOTALL)
    return len(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


@pytest.mark.slow
def test_no_kind_of_page_is_long(page, kinds_run):
    """What nobody reads to its end tells nobody anything."""
    chain = kinds_run.index.parent
    campaigns = chain.parent / "campaigns" / chain.name
    pages = {
        "store": page,
        "about": page.with_name("about.html"),
        "closed": chain / "closed" / "store_report.html",
        "tiny": chain / "tiny" / "store_report.html",
        "chain": page.parents[1] / "index.html",
        "campaign": campaigns / "drawn" / "campaign_report.html",
        "campaigns": campaigns / "index.html",
    }
    words = {kind: words_of(path) for kind, path in pages.items()}
    assert all(30 < n <= MOST_WORDS[kind] for kind, n in words.items()), words


@pytest.mark.slow
def test_whether_the_coupon_paid_is_said_in_a_sentence_of_its_own_page(coupon):
    """What it cost, what it brought after that, and the interval of that."""
    text = coupon.text["Did it work?"]
    money = r"−?[\d.,]+ EUR"
    said = (
        rf"(?:Whether t|T)he campaign (?:paid(?: is open)?|did not pay): it cost {money} in all, "
    )
    said += rf"(?:and after that cost its profit is|and brought) {money}.*?"
    assert re.search(rf"{said}\(between {money} and {money}\)", text), text
    assert re.search(
        rf"Profit \+?{money} \([+−]?{money} to [+−]?{money}\)", coupon.text["Did it pay?"]
    )
    assert re.search(
        r"Did it pay\? (?:It paid|It did not pay|Whether it paid is open)",
        coupon.text["Did it pay?"],
    )


@pytest.mark.slow
def test_the_answers_come_first_and_the_definitions_last(places):
    """In the order in which a manager asks."""
    asked = list(places.text)
    order = list(dict.fromkeys(heading for _, heading, _ in QUESTIONS))
    assert order == [heading for heading in asked if heading in order]


@pytest.mark.slow
def test_every_link_leads_to_a_file_beside_the_page(page, places):
    """Also offline, and when the folder is sent as it is."""
    assert any(link.startswith("actions/") for link in places.links)
    for link in places.links:
        if link.startswith("#"):
            assert link[1:] in {*places.ids.values(), "content"}
        else:
            assert (page.parent / link.partition("#")[0]).is_file(), link


@pytest.mark.slow
def test_the_page_is_small_enough_to_send(page):
    """400 KB at most."""
    assert page.stat().st_size <= 400_000


@pytest.mark.slow
def test_no_customer_is_named_where_the_project_file_does_not_allow_it(page):
    """Ids stand in files; with [reports] customer_ids = true they are on the page, too."""
    calls = pd.read_csv(page.parent / "call_tomorrow.csv", dtype={"customer_id": str})
    assert len(calls) == 10
    text = page.read_text(encoding="utf-8")
    assert "Most to save, the most first</caption>" not in text
    rows = re.findall(r'<th scope="row">(.*?)</th>', text)
    assert not set(calls["customer_id"]) & set(rows)
    settings = page.parents[3] / "retention.toml"
    notebook = nbformat.read(page.with_name("store_report.ipynb"), as_version=4)
    assert any("customer_ids" in cell.source for cell in notebook.cells)
    assert not read_settings(settings).reports.customer_ids


@pytest.mark.slow
def test_a_silent_stores_page_ends_after_its_first_part(kinds_run):
    """A status that says since when, one point, and nothing else."""
    parser = _Places()
    page = kinds_run.index.parent / "closed" / "store_report.html"
    parser.feed(page.read_text(encoding="utf-8"))
    assert ["In short"] == list(parser.text)
    assert re.search(
        r"Silent since \d+ September 2023: nothing bought in 1\d weeks", parser.text["In short"]
    )
