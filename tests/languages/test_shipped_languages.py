"""Languages that come with the package: their catalogues, numbers, days and directions."""

from __future__ import annotations

import ast
import datetime as dt
import re
import string
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib as mpl
import pandas as pd
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from babel.numbers import format_decimal, format_percent
from matplotlib.figure import Figure
from openpyxl import load_workbook

import nights
import retention_models
from project_files import GOOD, mistakes
from retention_models.campaigns.effects.labels import kind_in_words
from retention_models.errors import CannotSay
from retention_models.languages import (
    ENGLISH,
    Language,
    counted,
    phrase,
    speaking,
)
from retention_models.languages.directions import (
    isolated,
    with_english_told,
    with_sign,
    without_marks,
)
from retention_models.languages.persian_calendar import persian_date
from retention_models.languages.sentences import Sentence, page_sentences
from retention_models.languages.translations import (
    known_locale,
    progress_of,
    read_catalog,
    read_translation,
    shipped_catalogue,
    shipped_languages,
    write_translation,
)
from retention_models.languages.translator_notes import noted, notes
from retention_models.pages.html.notebooks import own_notebooks
from retention_models.pages.style import day_ticks
from retention_models.pages.svg import as_svg
from retention_models.predictions.model_names import name_in_words
from retention_models.project import check
from retention_models.project.workbook import write_workbook

DAY = dt.date(2023, 12, 31)
KIND = {"name": "Spring", "kind": "Bring a friend", "start": DAY, "end": DAY}
RIGHT, LEFT, POP = "\u2067", "\u2066", "\u2069"


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    """What pages can say."""
    return page_sentences(own_notebooks())


@pytest.fixture(scope="module")
def spoken_in(tmp_path_factory):
    """A language by its code, in which two sentences are translated."""
    folder = tmp_path_factory.mktemp("languages")

    def made(code: str, forms: int) -> Language:
        path = folder / f"{code}.po"
        catalog = Catalog(known_locale(code))
        catalog.add("As of {day}", "X {day}")
        catalog.add(("{n} thing", "{n} things"), tuple(f"{{n}} x{form}" for form in range(forms)))
        catalog.add(("{n} foo", "{n} foos"))
        with path.open("wb") as file:
            write_po(file, catalog)
        return read_translation(code, path)

    return made


def places(text: str) -> set[str]:
    """Places of a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", shipped_languages())
def test_a_shipped_catalogue_says_what_the_pages_say(code, sentences):
    """No entry of a sentence that has gone, no place lost, every form of the plural or none."""
    path = shipped_catalogue(code)
    assert path is not None
    catalog = read_catalog(path)
    known = {one.text if one.plural is None else (one.text, one.plural) for one in sentences}
    wrong = []
    for message in catalog:
        if not message.id or message.fuzzy:
            continue  # what nobody has looked at stays English
        plural = isinstance(message.id, tuple)
        english = message.id if plural else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        # Of one thing the number may be left out; of several it is given in any case.
        allowed = places(english[-1])
        of_one = places(english[0]) if len(said) > 1 else allowed
        if message.id not in known:
            wrong.append(("stale", english[0]))
        elif any(said) and not all(said):
            wrong.append(("a form is missing", english[0]))
        elif any(said):
            found = [places(one) for one in said]
            fits = found[0] in (of_one, of_one | {"n"}, allowed) if plural else found[0] == allowed
            fits &= all(one in (allowed, allowed | {"n"}) for one in found[1:])
            if not fits:
                wrong.append(("places", english[0], said))
    assert [] == wrong
    found = progress_of(read_translation(code), sentences)
    # But for the newest, which wait for a translator.
    assert found.translated >= 0.95 * found.sentences


@pytest.mark.parametrize("code", shipped_languages())
def test_a_languages_code_alone_is_enough(tmp_path, code):
    """And a translation of one's own goes before the package's, entry by entry."""
    settings = nights.settings_in(tmp_path, extra=f'[reports]\nlanguage = "{code}"')
    assert code == settings.language.code
    own = tmp_path / "own.po"
    catalog = Catalog(known_locale(code))
    catalog.add("Chain", "Own")
    with own.open("wb") as file:
        write_po(file, catalog)
    both = read_translation(code, own)
    assert "Own" == both.phrase("Chain")
    assert settings.language.phrase("Code") == both.phrase("Code") != "Code"


def test_a_language_that_does_not_come_with_the_package_is_refused_with_those_that_do(tmp_path):
    """In the project file's own terms."""
    said = "\n".join(mistakes(tmp_path, f'{GOOD}\n[reports]\nlanguage = "pl"'))
    assert all(f'"{code}"' in said for code in shipped_languages())


def test_a_file_for_a_translator_begins_from_the_package_s_and_tells_what_places_hold(
    tmp_path, sentences
):
    """What is translated there is translated in it."""
    code = shipped_languages()[0]
    path = tmp_path / "x.po"
    found = write_translation(code, path, sentences)
    assert 0 < found.translated == progress_of(read_translation(code), sentences).translated
    text = path.read_text(encoding="utf-8")
    assert "#. Stands in a table of a campaign's page.\n#. In a table of checks.\n" in text
    assert "#. {day}: a day" in text
    assert noted() <= {one.text for one in sentences}


def test_no_piece_of_a_sentence_is_to_be_translated_and_every_short_text_has_its_comment(sentences):
    """None begins or ends as a piece does; one or two words say nothing of where they stand."""
    assert [] == [one.text for one in sentences if re.search(r"^[\s,;.]|[\s,;]$", one.text)]
    words = {one: re.findall(r"[^\W\d_]+", re.sub(r"{.*?}", "", one.text)) for one in sentences}
    short = [one for one, found in words.items() if len(found) <= 2]
    said = {one.text: notes(one.plural or one.text, one.place) for one in short}
    assert len(said) > 100
    assert [] == [text for text, told in said.items() if len(told) < 2 or "A label" in told[1]]


def test_no_sentence_is_filled_before_a_translator_sees_it():
    """A sentence with its numbers in it is in no catalogue, and would stay English."""
    package = Path(retention_models.__file__).parent
    filled = [
        f"{path.name}:{call.lineno}"
        for path in package.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") in {"phrase", "marked", "plural", "CannotSay"}
        and any(isinstance(one, ast.JoinedStr) for one in call.args)
    ]
    assert [] == filled


@pytest.mark.parametrize(
    ("code", "number", "share", "day", "month"),
    [
        ("tr", "-1.234,50", "%12", "31 Aralık 2023", "Ara 2023"),
        ("hu", "-1\u00a0234,50", "12%", "2023. december 31.", "2023. dec."),
        ("fa", "-۱٬۲۳۴٫۵۰", "۱۲٪", "۱۰ دی ۱۴۰۲ / ۳۱ دسامبر ۲۰۲۳", "دسامبر ۲۰۲۳"),
        ("pl", "-1\u00a0234,50", "12%", "31 grudnia 2023", "gru 2023"),
    ],
)
def test_numbers_and_days_are_the_languages_own(spoken_in, code, number, share, day, month):
    """As Babel writes them, but for digits, which it leaves Latin."""
    language = spoken_in(code, {"pl": 3}.get(code, 1))
    locale = known_locale(code)
    assert [number, share, day] == [
        language.figures("-1,234.50"),
        language.share(0.12),
        language.day(DAY),
    ]
    if code == "tr":
        assert "−\u2060%12" == language.share(-0.12)
    assert month == language.short_month(DAY, year=True)
    if code != "fa":
        assert format_decimal(-1234.5, "#,##0.00", locale) == number
        assert format_percent(0.12, locale=locale) == share


@pytest.mark.parametrize(
    ("code", "listed", "moment", "probability"),
    [
        ("en", "a, b and c", "31 December 2023, 23:05 +03", ".030"),
        ("tr", "a, b ve c", "31 Aralık 2023 23:05 +03", "0,030"),
        ("hu", "a, b és c", "2023. december 31. 23:05 +03", "0,030"),
        (
            "fa",
            "a،\u200f b، و c",
            "۱۰ دی ۱۴۰۲ / ۳۱ دسامبر ۲۰۲۳،\u200f ۲۳:۰۵ +03",
            "۰٫۰۳۰",
        ),
    ],
)
def test_lists_moments_and_probabilities_are_the_languages_own(code, listed, moment, probability):
    """A list ends with the language's own word, and a nought is left out in English alone."""
    language = ENGLISH if code == "en" else read_translation(code)
    found = without_marks(language.listed(["a", "b", "c"]))
    made = dt.datetime(2023, 12, 31, 23, 5, tzinfo=ZoneInfo("Europe/Istanbul"))
    assert [listed, moment, probability] == [
        found,
        without_marks(language.moment(made)),
        language.probability(0.03, 3),
    ]
    assert ["", "a"] == [language.listed([]), without_marks(language.listed(["a"]))]


def test_days_of_the_persian_calendar_are_those_of_its_almanacs():
    """New year's days, the last day of a leap year, and the day of the revolution."""
    known = {
        (2017, 3, 21): (1396, 1, 1),
        (2020, 3, 20): (1399, 1, 1),
        (2021, 3, 20): (1399, 12, 30),
        (2024, 3, 20): (1403, 1, 1),
        (2025, 3, 21): (1404, 1, 1),
        (1979, 2, 11): (1357, 11, 22),
    }
    assert known == {day: persian_date(dt.date(*day)) for day in known}


@pytest.mark.parametrize(
    ("code", "forms", "said"),
    [
        ("tr", 1, ["0 x0", "1 x0", "2 x0", "5 x0", "21 x0"]),
        ("pl", 3, ["0 x2", "1 x0", "2 x1", "5 x2", "21 x2"]),
        ("ru", 3, ["0 x2", "1 x0", "2 x1", "5 x2", "21 x0"]),
    ],
)
def test_plurals_by_number(spoken_in, code, forms, said):
    """An untranslated one is English's: a language of one form has no rule for it."""
    with speaking(spoken_in(code, forms)):
        numbers = (0, 1, 2, 5, 21)
        assert said == [counted(n, "thing") for n in numbers]
        assert ["0 foos", "1 foo", "2 foos", "5 foos", "21 foos"] == [
            without_marks(counted(n, "foo")) for n in numbers
        ]


def test_a_refusal_about_a_number_of_things_has_its_plural(spoken_in):
    """As sentences have it."""
    one, many = "{n} foo is odd", "{n} foos are odd"
    with speaking(spoken_in("pl", 3)):
        said = [without_marks(str(CannotSay.counting(one, many, n))) for n in (1, 2, 21)]
    assert ["1 foo is odd", "2 foos are odd", "21 foos are odd"] == said


def test_english_for_want_of_a_translation_is_told_as_english(spoken_in):
    """In text by an element; where none may stand, by its direction alone."""
    persian = spoken_in("fa", 1)
    missing = persian.phrase("Nobody said {what}", what="x")
    page = with_english_told(f'<p title="{missing}">{missing}</p><p>y</p>')
    assert '<span lang="en" dir="ltr">Nobody said \u2068x\u2069</span></p><p>y' in page
    assert "\u2060" not in page
    assert f'title="{LEFT}Nobody said' in page
    cut = with_english_told(f"<p>{missing[:9]}</p><p>y</p>")
    assert '<p><span lang="en" dir="ltr">Nobody </span></p><p>y</p>' == cut
    assert "Nobody said x" == ENGLISH.phrase("Nobody said {what}", what="x")


def test_a_refusal_that_is_said_already_is_not_english(spoken_in):
    """It is handed on as a finished text."""
    for code, text in (("fa", "خرید ۷ مشتری"), ("tr", "7 müşteri")):
        with speaking(spoken_in(code, 1)):
            assert text == str(CannotSay(text))
            assert f"{LEFT}\u2060{{n}} foos\u2060{POP}" == str(CannotSay("{n} foos"))
    with speaking(spoken_in("fa", 1)):
        assert f"{LEFT}\u2060Too few.\u2060{POP}" == str(CannotSay("Too few."))


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        ("−3", LEFT),
        ("12:30", LEFT),
        ("Market", "\u2068"),
        ("۳۱ دسامبر", "\u2068"),
        (f"{LEFT}12{POP} \u2068EUR{POP}", RIGHT),
        (f"{LEFT}1{POP}, \u2068Market{POP}", RIGHT),
    ],
)
def test_a_part_runs_as_its_letters_or_its_parts_say(value, mark):
    """A day made of parts found no letter and ran backwards."""
    assert f"{mark}{value}{POP}" == isolated(value)


@pytest.mark.parametrize("value", ["۷", "۱٬۲۳۴٫۵", "1,234.50"])
def test_a_number_of_digits_alone_needs_no_mark(value):
    """It runs from left to right in any text, as a browser shows below."""
    assert value == isolated(value)


def test_labels_of_figures_run_as_the_language_does_with_its_digits(spoken_in):
    """A picture knows nothing of the page that it stands on."""
    persian = spoken_in("fa", 1)
    with speaking(persian), mpl.rc_context():
        axes = Figure().subplots()
        axes.plot([dt.date(2023, 1, 1), dt.date(2023, 4, 1)], [0, 1])
        day_ticks(axes)
        axes.set_yticks([])
        axes.set_title("سهم ۱ تا ۲")
        svg = as_svg(axes.get_figure(root=True))
    assert f">{RIGHT}سهم ۱ تا ۲{POP}</text>" in svg
    assert f">{RIGHT}فوریه{POP}</text>" in svg
    assert "۲۰۲۳" in svg


@pytest.mark.parametrize(
    ("code", "text", "begun"),
    [
        ("tr", "ilk alışveriş", "İlk alışveriş"),
        ("tr", "ırmak", "Irmak"),
        ("hu", "ismételt", "Ismételt"),
        ("tr", "3 müşteri", "3 müşteri"),
        ("tr", f"{LEFT}\u2060is{POP}", f"{LEFT}\u2060İs{POP}"),
    ],
)
def test_a_capital_is_the_languages_own(code, text, begun):
    """Turkish has an i with a dot in both sizes."""
    assert begun == Language(code, "ltr").capitalised(text)


def test_what_a_wave_over_years_is_highest_around_has_no_year(spoken_in):
    """As no other day of any year."""
    assert "31 December" == ENGLISH.day_of_year(DAY)
    assert "31 Aralık" == spoken_in("tr", 1).day_of_year(DAY)
    assert "۱۰ دی / ۳۱ دسامبر" == spoken_in("fa", 1).day_of_year(DAY)


def test_a_number_given_as_one_is_written_as_the_language_writes_it(spoken_in):
    """Not only those that were written before."""
    with speaking(spoken_in("fa", 1)):
        assert "X ۲۰۲۳" == phrase("As of {day}", day=2023)


_ORDER = """
parts => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const left = part => {
    const node = texts.find(one => one.data.includes(part));
    const range = document.createRange(), begin = node.data.indexOf(part);
    range.setStart(node, begin); range.setEnd(node, begin + part.length);
    return range.getBoundingClientRect().left;
  };
  return parts.map(part => [left(part), part]).sort((a, b) => b[0] - a[0]).map(one => one[1]);
}
"""


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_sets_the_parts_of_a_text_in_their_order(browser, spoken_in):
    """From right to left as they are read, but for a number and its sign."""
    persian = spoken_in("fa", 1)
    amount = persian.text("amount", amount="۷۷۷", currency="EUR")
    signed = with_sign("+", persian.text("amount", amount="۸۸۸", currency="TRY"))
    text = f"الف {persian.isolated(persian.day(DAY))} ب {persian.isolated('−۵۵٪')} پ"
    text += f" {persian.isolated(amount)} ت {signed}"
    text += (
        f" ث {persian.isolated('۱٬۲۳۴٫۵')} {persian.isolated('Market')} ({persian.isolated('۶۶')})"
    )
    svg = f'<svg><text x="9" y="20">{RIGHT}سهم ۴۱ تا ۴۲{POP}</text></svg>'
    page = browser.new_page()
    page.set_content(f'<body dir="rtl"><p>{text}</p>{svg}</body>')
    order = page.evaluate(_ORDER, ["الف", "دی", "۱۴۰۲", "دسامبر", "۲۰۲۳", "ب ", "٪", "۵۵", "−"])
    assert ["الف", "دی", "۱۴۰۲", "دسامبر", "۲۰۲۳", "ب ", "٪", "۵۵", "−"] == order
    assert ["۷۷۷", "EUR"] == page.evaluate(_ORDER, ["EUR", "۷۷۷"])
    assert ["۸۸۸", "+", "TRY"] == page.evaluate(_ORDER, ["TRY", "+", "۸۸۸"])
    assert ["ث ", "۱٬", "Market", "۶۶"] == page.evaluate(_ORDER, ["۶۶", "ث ", "Market", "۱٬"])
    assert ["٫۵", "۲۳۴", "۱٬"] == page.evaluate(_ORDER, ["۱٬", "۲۳۴", "٫۵"])
    assert ["سهم", "۴۱", "تا", "۴۲"] == page.evaluate(_ORDER, ["۴۲", "تا", "۴۱", "سهم"])
    page.close()


def test_a_workbook_runs_as_the_language_does(spoken_in, tmp_path):
    """Its sheets have names without marks, which a spreadsheet shows as boxes."""
    with speaking(spoken_in("fa", 1)):
        write_workbook({phrase("Nobody said"): pd.DataFrame({"a": [1]})}, tmp_path / "x.xlsx")
    sheet = load_workbook(tmp_path / "x.xlsx").active
    assert ["Nobody said", True] == [sheet.title, sheet.sheet_view.rightToLeft]


def test_a_check_says_how_much_of_a_translation_is_missing(tmp_path, monkeypatch):
    """With the command that writes a file to translate it in."""
    said: list[str] = []
    few = [Sentence("Chain", None, "x"), Sentence("Nobody said", None, "x")]
    monkeypatch.setattr(check, "page_sentences", lambda _: few)
    settings = nights.settings_in(tmp_path, extra='[reports]\nlanguage = "tr"')
    check._say_of_language(settings, [], said.append)
    monkeypatch.setattr(check, "page_sentences", lambda _: few[:1])
    check._say_of_language(settings, [], said.append)
    assert said[0].startswith(
        'language = "tr": 1 of 2 sentences are not translated and stay English'
    )
    assert "`retention words tr tr.po`" in said[0]
    assert 'language = "tr": all 1 sentences are translated' == said[1]


@pytest.mark.parametrize("code", shipped_languages())
def test_kinds_of_campaign_and_names_of_models_are_said_in_the_language(code):
    """Known ones however they are written; what a shop made up stands as it wrote it, unmarked."""
    with speaking(read_translation(code)):
        known = kind_in_words("Free-Shipping")
        assert known == phrase("free shipping") != "free shipping"
        assert "Bring a friend" == kind_in_words("Bring a friend")
        told = without_marks(phrase("“{name}” ({kind}) ran from {start} to {end}.", **KIND))
        assert "(Bring a friend)" in told
        seasonal = without_marks(name_in_words("mid-life MBG/NBD with a season"))
        assert "MBG/NBD" in seasonal
        assert "season" not in seasonal
        assert "BG/NBD" == name_in_words("BG/NBD")
