"""Whole pages of a run in another language: what a reader sees is translated, or was given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import page_kinds
from browsers import looked_at, picture, violations
from retention_models.runs.run import run_project
from retention_models.settings.reading import read_settings
from translated import CODE, english_of, other_words_of, write_translation_in_other_letters

# Languages of the package are tried by word and by page elsewhere; here every page in strange letters.
pytestmark = [pytest.mark.slow, pytest.mark.nightly]

# Names of stores, campaigns and arms; models, a parameter, whom they are by; a currency, a zone.
GIVEN = {
    *re.findall(r"[A-Za-z]{2,}", " ".join(page_kinds.STORES.values())),
    *("Corner", "Shops", "October", "coupon", "Thanks", "to", "the", "best", "Returns"),
    *("control", "EUR", "UTC", "Europe", "Istanbul"),
    *("alpha", "BG", "NBD", "Gamma", "Fader", "Hardie", "Lee", "retention", "models"),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The published pages of a chain of every kind of store."""
    folder = tmp_path_factory.mktemp("translated")
    project = page_kinds.write_chain(folder)
    translation = write_translation_in_other_letters(folder / "words.po")
    with project.open("a", encoding="utf-8") as file:
        file.write(f'\n[reports]\nlanguage = "{CODE}"\ntranslation = "{translation.name}"\n')
    assert read_settings(project).language.direction == "rtl"
    return run_project(project, jobs=2).index.parent


def seen(path: Path) -> set[str]:
    """Latin words of a page: without the notebook's code, which is for analysts, and names of files."""
    page = path.read_text(encoding="utf-8")
    page = re.sub(r'<details class="code">.*?</details>', "", page, flags=re.DOTALL)
    page = re.sub(r"[\w/-]+\.(csv|json|html|txt|ipynb|parquet|xlsx)\b", "", page)
    return english_of(page, GIVEN)


def campaigns_of(published: Path) -> Path:
    """The folder of the run's campaigns."""
    return published.parent / "campaigns" / published.name


@pytest.mark.parametrize("store", page_kinds.STORES)
def test_a_stores_page_is_in_the_language(published, store):
    """Answers, cards, tables, figures with their axes, refusals, and the notebook's text."""
    pages = [*(published / store).glob("*.html")]
    # A silent store's page ends after its first part, and there is none beside it.
    fewest = 100 if store == "closed" else 1_000
    assert len(pages) == (1 if store == "closed" else 2)
    assert sum(other_words_of(page.read_text(encoding="utf-8")) for page in pages) > fewest
    assert [] == sorted(word for page in pages for word in seen(page))


@pytest.mark.parametrize("campaign", page_kinds.CAMPAIGNS)
def test_a_campaigns_page_is_in_the_language(published, campaign):
    """One that was drawn by lot, one whose customers were chosen, one that is refused."""
    assert [] == sorted(seen(campaigns_of(published) / campaign / "campaign_report.html"))


def test_the_indexes_are_in_the_language(published):
    """Of stores, and of campaigns."""
    assert [] == sorted(seen(published / "index.html"))
    assert [] == sorted(seen(campaigns_of(published) / "index.html"))


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["asked", "drawn", "index"])
def test_a_page_from_right_to_left_is_open_to_everybody(browser, axe, published, kind):
    """As is one from left to right: wide, on a telephone, and at 400%."""
    path = {
        "asked": published / "asked" / "store_report.html",
        "drawn": campaigns_of(published) / "drawn" / "campaign_report.html",
        "index": published / "index.html",
    }[kind]
    for width in (1280, 390, 320):
        page, heard = looked_at(browser, path, width=width)
        assert [] == heard
        assert [CODE, "rtl"] == page.evaluate("[document.documentElement.lang, document.dir]")
        # What sticks out of a page from right to left does so on the left.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"{kind}_from_right_to_left_{width}")
        if width != 320:
            assert [] == violations(page, axe)
        page.close()
