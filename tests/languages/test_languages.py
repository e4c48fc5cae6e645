"""Pages in other languages: every word of a page comes from a translator's file."""

from __future__ import annotations

import datetime as dt
import re
import string
from functools import partial
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

import chain_samples
import nights
import retention_models as rm
from project_files import GOOD, mistakes
from retention_models.errors import SettingsError
from retention_models.languages import Language, count, first_sentence, phrase, speaking
from retention_models.languages.directions import without_marks
from retention_models.languages.sentences import Sentence, page_sentences
from retention_models.languages.template_words import WORDS
from retention_models.languages.translations import read_translation, write_translation
from retention_models.measures.recent import COMPARED
from retention_models.pages.html import render
from retention_models.pages.html.kinds import CAMPAIGN, STORE
from retention_models.pages.html.notebooks import own_notebooks
from retention_models.pages.html.templates import old_page_words
from tiers import few
from translated import (
    CODE,
    english_of as latin_words_of,
    in_other_letters,
    other_words_of,
    write_translation_in_other_letters,
)

TEMPLATES = Path(rm.__file__).parent / "pages" / "html" / "templates"
MADE = "2024-01-01 05:00"
WORD = "كلمة"
# What the page is given, in whatever language it is.
GIVEN = {"Market", "Street", "Corner", "Shops", "EUR", "UTC"}
FAILED = {
    "message": "خطأ.",
    "since": {"run": "1", "as_of": "2023-12-01", "utc": "2023-12-01T00:00:00Z"},
}

english_of = partial(latin_words_of, given=GIVEN)


@pytest.fixture(scope="module")
def translation(tmp_path_factory) -> Path:
    """A translator's file of a language that runs from right to left."""
    return write_translation_in_other_letters(tmp_path_factory.mktemp("languages") / "ar.po")


@pytest.fixture(scope="module")
def other(translation) -> Language:
    """The language."""
    return read_translation(CODE, translation)


@pytest.fixture
def settings(tmp_path, translation):
    """A project whose pages are in that language."""
    extra = f'[reports]\nlanguage = "{CODE}"\ntranslation = "{translation}"'
    return nights.settings_in(tmp_path, extra=extra)


def sample_rows(stores: int, other: Language) -> list[dict[str, object]]:
    """Stores whose verdicts are known, and whose reasons are in no language of Latin letters."""
    rows = chain_samples.rows(stores)
    for row in rows:
        row["name"] = row["name"].replace(chain_samples.STRANGE_ID, "0001")
        row["failure"] = row["failure"] and WORD
        row["old"] = row["old"] and other.day(dt.date(2023, 12, 30))
        if row["metrics"]:
            row["metrics"]["forecast_verdict"]["value"] = "use"
            for found in row["metrics"]["forecast"].values():
                found |= {"reason": WORD}
    return rows


@pytest.mark.parametrize("stores", few(1, [3, 60]))
def test_the_chains_page_holds_no_word_of_another_language(settings, other, stores):
    """Texts, labels, alternative texts, what the script says, and what stands in the figure."""
    page = render.index_page(
        sample_rows(stores, other), settings, nights.DAY, MADE, campaigns="c.html"
    )
    assert '<html lang="ar" dir="rtl">' in page
    assert other_words_of(page) > 100
    assert english_of(page) <= {"shown", "all"}  # places that the script fills
    # What cells are called where the table is shown as cards.
    assert f'content: "{in_other_letters("Repeat customers")}' in page
    assert "Customers" not in page


@pytest.mark.parametrize("kind", [STORE, CAMPAIGN])
def test_a_page_of_a_failure_holds_no_word_of_another_language(settings, kind):
    """But for the name of the file that tells what happened."""
    page = render.failure_page(FAILED, settings, "7", nights.DAY, MADE, "2", kind)
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
    page = render.campaign_index_page(rows, settings, nights.DAY, MADE)
    assert english_of(page) == set()
    # Of the outcome that was to decide only, and of each of the arms.
    assert f"<bdi>{WORD}</bdi> \u2066+12%\u2069 <small>" in page
    assert "<bdi>x2</bdi> \u2066+5%\u2069 <small>" in page
    assert "99%" not in page
    assert f'<td data-label="{in_other_letters("Verdict")}" class="text">{WORD}.</td>' in page
    assert 'data-value="20231002"' in page


def test_the_frame_of_a_stores_page_is_in_the_language(settings):
    """What its notebook wrote is the notebook's."""
    notebook = nights.notebook("<p>7</p>")
    page = render.notebook_pages(notebook, settings, "7", nights.DAY, MADE)["store_report.html"]
    assert '<html lang="ar" dir="rtl">' in page
    shown = re.sub(r'<details class="code">.*?</details>', "", page, flags=re.DOTALL)
    assert english_of(shown) == {"customers", "csv", "metrics", "json"}  # files beside it


def test_a_notice_above_an_old_page_is_in_the_language(settings, other):
    """Since when, and why."""
    old = {"as_of": "2023-12-30", "made": "2023-12-30T23:00:00Z"}
    said = old_page_words(old, FAILED, nights.DAY, "2", settings.zone, other)
    assert english_of(said) == set()
    assert other_words_of(said) > 10


def test_templates_hold_no_words_of_their_own():
    """Neither in texts nor in attributes; nor does the script."""
    for path in TEMPLATES.rglob("*.j2"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        said = re.findall(
            r'\b(?:alt|title|aria-label|data-(?!unsorted|sorted|value)[\w-]+)="([^"]+)"', text
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
    package = Path(rm.__file__).parent
    files = [*(package / "runs").rglob("*.py"), *TEMPLATES.rglob("*.j2")]
    files += [
        *(package / "pages" / "html").rglob("*.py"),
        *(package / "pages" / "chain").rglob("*.py"),
    ]
    files += [package / "languages" / "language.py"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    made = {"failure", "failure.holds", "files", "reason"}
    made |= {"stores", "stores.money", "short", *(f"reason.{name}" for name in COMPARED)}
    for key in WORDS:
        stem = re.sub(r"\.(one|many)$", "", key)
        assert f'"{stem}"' in code or stem.rpartition(".")[0] in made or stem in made, key
    # The kinds of page are keys too.
    assert {STORE.name, CAMPAIGN.name} <= set(WORDS)


# Places that never hold one: means, ratios, thresholds, and what is told from several on.
NEVER_ONE = {
    *("arm", "begin", "compared", "difference", "end", "error", "expected", "fewest", "first"),
    *("forecasts", "high", "level", "mean", "now", "points", "power", "rate", "ratio", "smallest"),
    *("strength", "times", "without"),
}
# Of so many that the sentence is of several whenever it is said, by how it begins.
OF_SEVERAL = (
    "{n} points",  # with decimals
    "All {n} customers of the arm",
    "Customers of this shop buy at regular intervals",
    "Fewer than {smallest} customers answered",  # in so many days as measures look back
    "No regularity is visible",
    "None of the {stores} stores",
    "Of the {customers} customers about",
    "The data begin on {begin}, less than a quarter",
    "The {customers} customers who bought again spend nearly",
    "Today the lots leave {customers} customers",  # "fewer than 5" where it is one
    "Which model a store goes by",
    "the rank correlation of spend",
    "{covered} of customers",
    "{message}; all of the {customers} customers",
)


def test_a_number_and_its_noun_agree():
    """One store opened, two stores opened: such a sentence has a form for one, or a counted noun."""
    sentences = page_sentences(own_notebooks())
    counted = {
        one.plural.split()[-1] for one in sentences if one.plural and one.plural[:4] == "{n} "
    }
    nouns = "|".join({re.escape(noun) for noun in counted if noun[-1:] == "s"})
    after = re.compile(rf"(?<!of )(?<!than )(?<!least )\{{(\w+)\}} (?:[a-z]+ )?(?:{nouns})\b")
    share = re.compile(
        r"^\{\w+\} of \{\w+\} (?:(?!who )[a-z]+ )+(?:\(.*?\) )?(?:are|were|have|do)\b|\(e?s\)"
    )
    wrong = [
        one.text
        for one in sentences
        if one.plural is None
        and not one.text.startswith(OF_SEVERAL)
        and ({*after.findall(one.text)} - NEVER_ONE or share.search(one.text))
    ]
    assert [] == wrong


def test_places_of_a_sentence_are_names():
    """So that a language can put them where it likes."""
    for one in page_sentences():
        for text in filter(None, (one.text, one.plural)):
            parsed = string.Formatter().parse(text)
            assert all(place.isidentifier() for _, place, _, _ in parsed if place is not None), text


def test_from_right_to_left_what_fills_a_place_keeps_its_direction(other):
    """−3 would be read as 3−, and a Latin name would pull its neighbours along."""
    assert "As of \u2066−3\u2069" == Language("ar", "rtl").phrase("As of {n}", n="−3")
    assert "As of −3" == Language("en", "ltr").phrase("As of {n}", n="−3")


def filled(path: Path, code: str, **translated: str | tuple[str, ...]) -> Language:
    """A language of a few sentences."""
    sentences = [Sentence("{n} of {all} left", None, "x"), Sentence("{n} list", "{n} lists", "x")]
    write_translation(code, path, sentences)
    with path.open("rb") as file:
        catalog = read_po(file)
    catalog.get("{n} of {all} left").string = translated["left"]
    catalog.get(("{n} list", "{n} lists")).string = translated["lists"]
    with path.open("wb") as file:
        write_po(file, catalog)
    return read_translation(code, path)


def test_plurals_and_numbers_are_the_languages_own(tmp_path):
    """Polish counts in forms of its own, and writes thousands with a blank and decimals with a comma."""
    polish = filled(
        tmp_path / "pl.po",
        "pl",
        left="Z {all} odeszło {n}",
        lists=("{n} lista", "{n} listy", "{n} list"),
    )
    assert ["1 lista", "3 listy", "5 list", "22 listy"] == [
        polish.plural("{n} list", "{n} lists", n) for n in (1, 3, 5, 22)
    ]
    with speaking(polish):
        assert "Z 12\u00a0345 odeszło 7" == phrase("{n} of {all} left", n=7, all=count(12345))
        assert "What nobody translated" == without_marks(phrase("What nobody translated"))
    assert "7 of 12,345 left" == phrase("{n} of {all} left", n=7, all=count(12345))


def test_a_translation_with_a_place_of_its_own_is_refused_with_its_line(tmp_path):
    """It could not be filled; to leave a place out is the language's right."""
    path = tmp_path / "pl.po"
    lists = ("{n} a", "{n} b", "{n} c")
    filled(path, "pl", left="Zostało {all}", lists=lists)
    with pytest.raises(
        SettingsError, match=r"pl.po, line \d+: .*Z \{wszystkich\}.* wszystkich; exp"
    ):
        filled(path, "pl", left="Z {wszystkich}", lists=lists)
    with pytest.raises(SettingsError, match=r"pl.po, line \d+: .*expected '\}'"):
        filled(path, "pl", left="Z {all", lists=lists)
    for wrong in ("{n:d}", "{n!x}", "{n.real}", "{n[0]}", "{}", "{0}", "{n:{all}}"):
        with pytest.raises(SettingsError, match=r"pl.po, line \d+: the sentence"):
            filled(path, "pl", left=f"Z {wrong} {{all}}", lists=lists)
    # A suggestion of `retention words` for a sentence that is near is not said, so not refused.
    path.write_text(path.read_text().replace("#, python", "#, fuzzy, python"))
    assert "0 of 1 left" == without_marks(
        read_translation("pl", path).phrase("{n} of {all} left", n=0, all=1)
    )


def test_a_translators_file_is_brought_up_to_date(tmp_path):
    """What is translated stays, what is new is asked for, what has gone is set aside."""
    path = tmp_path / "pl.po"
    filled(path, "pl", left="Z {all} odeszło {n}", lists=("{n} a", "{n} b", "{n} c"))
    now = [Sentence("{n} of {all} left", None, "y"), Sentence("Nobody came", None, "y")]
    found = write_translation("pl", path, now)
    assert (2, 1) == (found.sentences, found.translated)
    assert "Z 2 odeszło 1" == read_translation("pl", path).phrase("{n} of {all} left", n=1, all=2)
    assert '#~ msgid "{n} list"' in path.read_text()


def test_every_sentence_of_a_page_is_in_the_translators_file(translation):
    """Of the code, of templates, of notebooks' text and of their captions."""
    with translation.open("rb") as file:
        catalog = read_po(file)
    for said in (
        *("How is every store doing?", "Who comes back?", "The last quarter"),
        "Small groups differ by chance, so each group's difference is drawn towards that of all.",
    ):
        assert catalog.get(said) is not None, said
    assert catalog.get(("{n} customer", "{n} customers")) is not None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('language = "xx"', 'language = "xx" needs a translation'),
        ('translation = "tr.po"', 'translation needs a language other than "en"'),
    ],
)
def test_a_language_and_its_translation_belong_together(tmp_path, lines, said):
    """In the project file's own terms."""
    assert said in "\n".join(mistakes(tmp_path, f"{GOOD}\n[reports]\n{lines}"))


@pytest.mark.parametrize(
    ("code", "content", "said"),
    [
        ("tr", None, "the translation cannot be read"),
        ("tr", "no PO file", "expected a PO file in UTF-8"),
        ("xx", "", "expected a language's code"),
    ],
)
def test_a_translation_that_cannot_be_used_is_refused_before_anything_runs(
    tmp_path, code, content, said
):
    """When the project file is read."""
    if content is not None:
        (tmp_path / "t.po").write_text(content)
    extra = f'[reports]\nlanguage = "{code}"\ntranslation = "t.po"'
    with pytest.raises(SettingsError, match=said):
        nights.settings_in(tmp_path, extra=extra)


def test_a_full_stop_that_ends_no_sentence_does_not_cut_a_refusal():
    """A Hungarian date has one, a Persian sentence has no capitals behind it."""
    said = {
        "A napló 2017. január 1. óta él. Várjon.": "A napló 2017. január 1. óta él.",
        "داده کم است. صبر کنید.": "داده کم است.",
        "Too few. “Spring” is over.": "Too few.",
        "One sentence": "One sentence",
    }
    assert said == {text: first_sentence(text) for text in said}


def test_a_page_s_title_has_the_marks_of_its_language_and_none_of_its_name(tmp_path):
    """A name that would turn its neighbours is shown by its codes; the language's marks are marks."""
    extra = '[reports]\nlanguage = "fa"'
    named = render._named(nights.settings_in(tmp_path, extra=extra), "a\u202eb", STORE)
    assert "فروشگاه \u2068a\\u202eb\u2069" == named["name_title"]
