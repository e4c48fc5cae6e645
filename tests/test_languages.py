"""Pages in other languages: every word of a page's frame comes from one catalogue."""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
import string
from pathlib import Path

import pytest

import chain_samples
import nights
from retention_models import languages, reports
from retention_models.languages import ENGLISH, Language
from retention_models.reports import pages
from retention_models.reports.publishing.failure_page import old_page_words
from retention_models.reports.publishing.kinds import CAMPAIGN, STORE
from test_settings import GOOD, mistakes

TEMPLATES = Path(reports.__file__).parent / "templates"
MADE = "2024-01-01 05:00"
WORD = "كلمة"
# What the page is given, in whatever language it is.
GIVEN = {"Market", "Street", "Corner", "Shops", "EUR", "UTC"}
FAILED = {
    "message": "خطأ.",
    "since": {"run": "1", "as_of": "2023-12-01", "utc": "2023-12-01T00:00:00Z"},
}


def _other(sentence: str) -> str:
    """A sentence whose words are others, with the same places."""
    pieces = re.split(r"(\{\w+\})", sentence)
    return "".join(
        one if one.startswith("{") else re.sub(r"[A-Za-z]+", WORD, one) for one in pieces
    )


OTHER = Language(
    "ar", "rtl", (WORD,) * 12, {key: _other(text) for key, text in ENGLISH.words.items()}
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A project whose pages are in a language that runs from right to left."""
    monkeypatch.setitem(languages.LANGUAGES, "ar", OTHER)
    return nights.settings_in(tmp_path, extra='[reports]\nlanguage = "ar"')


def english_of(page: str) -> set[str]:
    """Latin words of what a reader sees or hears of a page: texts, labels, figures."""
    figures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    page += "".join(base64.b64decode(figure).decode("utf-8") for figure in figures)
    page = re.sub(r"<!--.*?-->|<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    heard = re.findall(
        r"\b(?:alt|title|aria-label|data-label|data-find|data-found|data-sort-by|data-show-code)"
        r'="([^"]*)"',
        page,
    )
    seen = re.sub(r'<(?:"[^"]*"|[^">])*>', " ", page)
    words = re.findall(r"[A-Za-z]{2,}", html.unescape(" ".join([seen, *heard])))
    return set(words) - GIVEN


def sample_rows(stores: int) -> list[dict[str, object]]:
    """Stores whose verdicts are known, and whose reasons are in no language of Latin letters."""
    rows = chain_samples.rows(stores)
    for row in rows:
        row["name"] = row["name"].replace(chain_samples.STRANGE_ID, "0001")
        row["failure"] = row["failure"] and WORD
        row["old"] = row["old"] and OTHER.day(dt.date(2023, 12, 30))
        if row["metrics"]:
            row["metrics"]["forecast_verdict"]["value"] = "use"
            for found in row["metrics"]["forecast"].values():
                found |= {"reason": WORD}
    return rows


@pytest.mark.parametrize("stores", [60, 3])
def test_the_chains_page_holds_no_word_of_another_language(settings, stores):
    """Texts, labels, alternative texts, what the script says, and what stands in the figure."""
    page = pages.index_page(sample_rows(stores), settings, nights.DAY, MADE, campaigns="c.html")
    assert '<html lang="ar" dir="rtl">' in page
    assert page.count(WORD) > 100
    assert english_of(page) <= {"shown", "all"}  # places that the script fills
    # What cells are called where the table is shown as cards.
    assert f'content: "{WORD}' in page
    assert "Customers" not in page


@pytest.mark.parametrize("kind", [STORE, CAMPAIGN])
def test_a_page_of_a_failure_holds_no_word_of_another_language(settings, kind):
    """But for the name of the file that tells what happened."""
    page = pages.failure_page(FAILED, settings, "7", nights.DAY, MADE, "2", kind)
    assert '<html lang="ar" dir="rtl">' in page
    assert english_of(page) == {"failure", "txt"}
    assert "خطأ." in page


def effect(outcome: str, lift: float, arm: str = WORD) -> dict[str, object]:
    """A row of effect.json."""
    ends = {"lift_percent": lift, "lift_low": lift - 15.0, "lift_high": lift + 15.0}
    return {"outcome": outcome, "window": "campaign", "estimand": "itt", "arm": arm} | ends


def test_the_page_of_campaigns_holds_no_word_of_another_language(settings):
    """Numbers of the campaigns are written as ever."""
    told = {
        "start": "2023-10-02",
        "end": "2023-10-29",
        "grade": None,
        "verdict": "",
        "refusal": f"{WORD}. {WORD} {WORD}.",
        "effects": [],
    }
    sure = told | {
        "verdict": WORD,
        "primary": "spend",
        "effects": [effect("purchases", 99.0), effect("spend", 12.0), effect("spend", 5.0, "x2")],
    }
    row = {"name": "1", "href": "1/x.html", "failure": None, "old": None}
    rows = [row | {"metrics": told}, row | {"metrics": sure}]
    rows += [row | {"metrics": None, "failure": WORD}]
    page = pages.campaign_index_page(rows, settings, nights.DAY, MADE)
    assert english_of(page) == set()
    # Of the outcome that was to decide only, and of each of the arms.
    assert f"<bdi>{WORD}</bdi> \u2068+12%\u2069 <small>" in page
    assert "<bdi>x2</bdi> \u2068+5%\u2069 <small>" in page
    assert "99%" not in page
    assert f'<td data-label="{WORD}" class="text">{WORD}.</td>' in page
    assert 'data-value="20231002"' in page


def test_the_frame_of_a_stores_page_is_in_the_language(settings):
    """What its notebook wrote is the notebook's."""
    page = pages.notebook_page(nights.notebook("<p>7</p>"), settings, "7", nights.DAY, MADE)
    assert '<html lang="ar" dir="rtl">' in page
    shown = re.sub(r'<details class="code">.*?</details>', "", page, flags=re.DOTALL)
    assert english_of(shown) == {"customers", "csv", "metrics", "json"}  # files beside it


def test_a_notice_above_an_old_page_is_in_the_language(settings):
    """Since when, and why."""
    old = {"as_of": "2023-12-30", "made": "2023-12-30T23:00:00Z"}
    said = old_page_words(old, FAILED, nights.DAY, "2", settings.zone, OTHER)
    assert english_of(said) == set()
    assert said.startswith(WORD)


def test_templates_hold_no_words_of_their_own():
    """Neither in texts nor in attributes; nor does the script."""
    for path in TEMPLATES.rglob("*.j2"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        said = re.findall(
            r'\b(?:alt|title|aria-label|data-(?!unsorted|value)[\w-]+)="([^"]+)"', text
        )
        words = re.findall(r"[A-Za-z]{2,}", " ".join([re.sub(r"<[^>]*>", " ", text), *said]))
        assert [] == words, path.name
    script = re.sub(r"//.*", "", (TEMPLATES / "page.js").read_text())
    sentences = [
        one for one in re.findall(r'"([^"\n]*)"', script) if re.search(r"[a-z] [a-z]", one)
    ]
    assert ["use strict"] == sentences


def test_every_sentence_is_said_somewhere():
    """No dead words; keys that are put together name their beginning."""
    package = Path(languages.__file__).parents[1]
    files = [*(package / "reports").rglob("*.py"), *TEMPLATES.rglob("*.j2")]
    files += [package / name for name in ("chain_words.py", "chain_plots.py")]
    files += [package / "languages" / "language.py"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    made = {"failure", "failure.holds", "files", "measure", "verdict"}
    made |= {f"horizon.{unit}" for unit in "DWM"} | {"stores"}
    for key in ENGLISH.words:
        stem = re.sub(r"\.(one|many)$", "", key)
        assert f'"{stem}"' in code or stem.rpartition(".")[0] in made or stem in made, key
    # The kinds of page are keys too.
    assert {STORE.name, CAMPAIGN.name} <= set(ENGLISH.words)


def test_places_of_a_sentence_are_names():
    """So that a language can put them where it likes."""
    for key, text in ENGLISH.words.items():
        places = [place for _, place, _, _ in string.Formatter().parse(text) if place is not None]
        assert all(place.isidentifier() for place in places), key


def test_from_right_to_left_what_fills_a_place_keeps_its_direction():
    """−3 would be read as 3−, and a Latin name would pull its neighbours along."""
    assert f"{WORD} \u2068−3\u2069" == Language("ar", "rtl", (), {"x": f"{WORD} {{n}}"}).text(
        "x", n="−3"
    )
    assert "as of −3" == Language("en", "ltr", (), {"x": "as of {n}"}).text("x", n="−3")


def test_a_language_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    """In the project file's own terms."""
    lines = mistakes(tmp_path, f'{GOOD}\n[reports]\nlanguage = "tr"')
    assert "reports.language: expected language of the chain's page" in lines[1]
    assert lines[1].endswith('got "tr"; there are en')
