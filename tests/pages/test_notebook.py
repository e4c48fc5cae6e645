"""What a notebook shows: escaped text, alternative text, refusals in words."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from retention_models.errors import CannotSay
from retention_models.languages import Language, speaking
from retention_models.pages import notebook
from retention_models.pages.store.first import Point
from retention_models.pages.store.tables import Card
from retention_models.pages.style import new_axes


@pytest.fixture
def shown(monkeypatch):
    """Everything displayed."""
    seen: list = []
    monkeypatch.setattr(notebook, "display", lambda *what, **how: seen.append((what, how)))
    return seen


def test_text_from_the_data_cannot_become_markup(shown):
    """Neither in a sentence nor in a table."""
    notebook.say("<script>alert(1)</script>")
    frame = pd.DataFrame({"<i>": ["<b>bold</b>"]}, index=["<u>"])
    notebook.table(frame, "<em>")
    for (made,), _ in shown:
        assert "<script" not in made.data
        assert "<b>" not in made.data
        assert "<i>" not in made.data
        assert "<em>" not in made.data


def test_a_figure_carries_its_sentence_as_alternative_text(shown):
    """Whoever cannot see it reads the same number."""
    notebook.show(new_axes(), "37% came back.")
    (bundle,), how = shown[0]
    assert "<svg" in bundle["image/svg+xml"]
    assert {"image/svg+xml": {"alt": "37% came back."}} == how["metadata"]
    assert "37% came back." in shown[1][0][0].data


def test_a_figure_that_was_shown_is_not_shown_again(shown):
    """The inline backend shows what pyplot has open at the end of a cell, without its sentence."""
    before = plt.get_fignums()
    frame = pd.DataFrame({"spend": [1.0, 2.0], "orders": [3, 4]})
    notebook.show(frame.plot.bar(), "Two days.")
    notebook.show(frame.plot(subplots=True), "Two days, apart.")
    notebook.show(plt.figure(), "Nothing.")
    assert before == plt.get_fignums()
    assert 3 == sum("image/svg+xml" in what[0] for what, _ in shown if isinstance(what[0], dict))


def test_a_refusal_takes_the_answers_place(shown):
    """The rest of the notebook goes on."""
    with notebook.or_refusal():
        raise CannotSay("Too few customers.")
    assert "Too few customers." in shown[0][0][0].data


def test_a_defect_is_not_taken_for_a_refusal(shown):
    """Any other error stops the run."""
    with pytest.raises(ZeroDivisionError), notebook.or_refusal():
        _ = 1 / 0
    assert [] == shown


def test_cards_escape_what_they_show(shown):
    """And leave out a change that there is not."""
    notebook.cards([Card("<b>", "1", "0 to 2", ""), Card("x", "3", "2 to 4", "+1")], "<i>")
    (made,), _ = shown[0]
    assert "<b>" not in made.data
    assert "<i>" not in made.data
    assert 1 == made.data.count('class="change"')


def test_a_sentence_links_to_the_file_that_it_names(shown):
    """And what it says else is text."""
    notebook.say("They <b> are in calls.csv.", file="calls.csv")
    (made,), _ = shown[0]
    assert 'They &lt;b&gt; are in <a href="calls.csv">calls.csv</a>.' in made.data


def test_points_have_their_line_beside_them(shown):
    """With its words; a point without one is a paragraph alone."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg'></svg>"
    found = [
        Point("Lost", "9 <of> 10.", line=svg, alternative="Lost by month."),
        Point("Sold", "1."),
    ]
    notebook.points(found)
    drawn, first_point, second = shown
    assert {"alt": "Lost by month.", "class": "line"} == drawn[1]["metadata"]["image/svg+xml"]
    assert "<strong>Lost</strong> 9 &lt;of&gt; 10." in first_point[0][0].data
    assert '<p class="point"><strong>Sold</strong> 1.</p>' == second[0][0].data


def test_a_status_is_good_or_not():
    """No other colour."""
    with pytest.raises(ValueError, match='expected "good", "care" or "bad"; got \'fine\''):
        notebook.status("fine", "Open.")


def test_the_end_of_a_page_is_marked(shown):
    """So that sections after it are left out."""
    with notebook.or_refusal():
        raise notebook.EndOfPage("It ends.")
    assert '<p class="refusal end">It ends.</p>' == shown[0][0][0].data


def test_only_files_beside_the_page_become_links(shown):
    """A path below it, and nothing that a browser takes for another place."""
    notebook.table(pd.DataFrame({"File": ["actions/due.csv"]}), "files", files=["File"])
    (made,), _ = shown[0]
    assert '<a href="actions/due.csv">due.csv</a>' in made.data
    for elsewhere in ("../due.csv", "https://example.org/a.csv", "javascript:x", "/etc/passwd.x"):
        with pytest.raises(ValueError, match="no path of a file beside the page"):
            notebook.table(pd.DataFrame({"File": [elsewhere]}), "files", files=["File"])


def test_long_tables_have_no_place_on_a_page():
    """They go to a file."""
    with pytest.raises(ValueError, match="at most 50 rows"):
        notebook.table(pd.DataFrame({"x": range(51)}), "too long")


def test_from_right_to_left_figures_of_a_table_keep_their_direction(shown):
    """.007 would be read as 007.; words run as the page does."""
    frame = pd.DataFrame({"p": [".007", "−3"], "name": ["كلمة", "x"]}, index=["7", "كلمة"])
    with speaking(Language("ar", "rtl")):
        notebook.table(frame, "كلمة")
    assert "<td>\u2066.007\u2069</td>" in shown[0][0][0].data
    assert "<td>\u2066−3\u2069</td>" in shown[0][0][0].data
    assert "<td>كلمة</td>" in shown[0][0][0].data
    notebook.table(frame, "كلمة")
    assert "<td>.007</td>" in shown[1][0][0].data
