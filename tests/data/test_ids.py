"""Which change of spelling makes the ids of a second file known."""

import pandas as pd
import pytest

from retention_models.data.ids import likely_mending, mending
from retention_models.languages import speaking
from retention_models.languages.sentences import page_sentences
from retention_models.languages.translations import read_translation, write_translation


@pytest.mark.parametrize(
    ("known", "given", "words"),
    [
        (["0042", "0107", "0009"], ["42", "107", "9"], "padded with zeros to 4 digits"),
        (["42", "107"], ["0042", "0107"], "without the zeros in front"),
        (["042", "0107"], ["42", "107"], "with the same zeros in front"),
        (["A12", "B7"], ["A12 ", "\u00a0B7"], "without the blanks around them"),
        (["A12", "B7"], ["\ufeffA12", "B7"], "without the blanks around them"),
        (["A12", "B7"], ["a12", "b7"], "in the same upper or lower case"),
        (["Müller"], ["Mu\u0308ller"], "in one Unicode form"),
        (["42", "43"], ["42.0", "43.0"], "without the .0 behind them"),
        (["00a1", "0042"], [" 00A1", "42.0"], "without blanks, case, zeros in front and .0"),
    ],
)
def test_the_change_is_named(known: list[str], given: list[str], words: str) -> None:
    """The simplest that does it, with the number of digits where that is one."""
    assert words in str(likely_mending(pd.Series(known), pd.Series(given)))


def test_ids_that_no_spelling_makes_known_have_none() -> None:
    """Ids of strangers, and one that would fit among three, are no fault of spelling."""
    known = pd.Series([f"{i:04d}" for i in range(1000)])
    assert likely_mending(known, known) is None
    assert likely_mending(known, pd.Series(["5000", "6000", "x"])) is None
    assert likely_mending(known, pd.Series([], dtype=object)) is None
    # One of three is no more than chance.
    assert likely_mending(known, pd.Series(["42", "6000", "x"])) is None


def test_the_change_is_said_in_the_language_of_the_page(tmp_path) -> None:
    """With its number of digits; an error's message stays English."""
    path = tmp_path / "de.po"
    write_translation("de", path, page_sentences())
    text = path.read_text(encoding="utf-8")
    before = 'msgid "padded with zeros to {digits} digits"\nmsgstr ""'
    assert before in text
    translated = before.replace('msgstr ""', 'msgstr "mit Nullen auf {digits} Stellen"')
    path.write_text(text.replace(before, translated), encoding="utf-8")
    found = mending(pd.Series(["0042"]), pd.Series(["42"]))
    assert "padded with zeros to 4 digits" == found.words
    with speaking(read_translation("de", path)):
        assert "mit Nullen auf 4 Stellen" == found.words
        assert "padded with zeros to 4 digits" == found.english
