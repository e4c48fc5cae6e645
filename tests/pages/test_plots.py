"""Plots draw the results they are given, on axes of their own, and leave the reader's style alone."""

import io
from gettext import NullTranslations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from babel.core import Locale
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

import retention_models as rm
from retention_models.languages import Language, speaking
from retention_models.pages.models import figures
from retention_models.pages.store import figures as store_figures
from retention_models.pages.style import (
    BLUE,
    HOUSE_STYLE,
    NumberTicks,
    ShareTicks,
    count_ticks,
    day_ticks,
    label,
    new_axes,
)
from retention_models.pages.svg import _slim, as_svg


@pytest.fixture(scope="module")
def store(cdnow):
    """CDNOW with everything computed."""
    return rm.open_store(cdnow, "cdnow")


def svg(ax) -> str:
    """The figure as text."""
    stream = io.StringIO()
    with mpl.rc_context(HOUSE_STYLE):
        ax.figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def test_the_heat_map_prints_the_cohorts_rates(store):
    """One cell per cohort and later month, up to twelve of each."""
    ax = figures.cohort_heatmap(store.cohorts)
    shown = store.cohorts[store.cohorts["cohort_age"].between(1, 12)]
    assert sorted(f"{rate:.0%}"[:-1] for rate in shown["retention_rate"]) == sorted(
        text.get_text() for text in ax.texts
    )


@pytest.mark.slow
def test_tracking_draws_actual_forecast_and_band(store):
    """The lines end where the table ends."""
    ax = figures.tracking(store.tracking)
    ends = {round(float(line.get_ydata()[-1]), 6) for line in ax.lines}
    last = store.tracking.iloc[-1]
    assert {round(last["actual"], 6), round(last["forecast"], 6)} <= ends
    assert 1 == len(ax.collections)


@pytest.mark.slow
def test_drawing_leaves_the_readers_style_alone(store):
    """The house style ends with the figure."""
    before = dict(mpl.rcParams)
    figures.holdout_by_frequency(store.holdout)
    assert before == dict(mpl.rcParams)


@pytest.mark.slow
def test_the_same_result_gives_the_same_file(store):
    """No dates, no random ids: an unchanged store has an unchanged page."""
    assert svg(figures.tracking(store.tracking)) == svg(figures.tracking(store.tracking))


def test_a_plot_goes_where_it_is_told(store):
    """An analyst's own axes are used."""
    ax = new_axes()
    assert ax is figures.tracking(store.tracking, ax=ax)


def test_a_figure_of_many_points_says_their_look_once():
    """The same places, to a hundredth of a point; each mark's style in its group."""
    ax = new_axes()
    ax.plot(np.arange(300.0), np.sqrt(np.arange(300.0)), "o", color=BLUE)
    before, after = svg(ax), as_svg(ax.figure)

    def marks(text: str) -> np.ndarray:
        uses = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}use")
        return np.array([(float(use.get("x")), float(use.get("y"))) for use in uses])

    np.testing.assert_allclose(marks(before), marks(after), atol=0.005001)
    texts = [
        [node.text for node in ElementTree.fromstring(one).iter("{http://www.w3.org/2000/svg}text")]
        for one in (before, after)
    ]
    assert texts[0] == texts[1]
    assert before.count("#0072b2") > 300
    assert after.count("#0072b2") <= 3  # of the mark, and of its group
    assert len(after) < 0.7 * len(before)


class German(NullTranslations):
    """A few words of another language, and none of a third."""

    def gettext(self, message: str) -> str:
        """The word."""
        words = {"week from": "週から"}
        return words.get(message, message)


GERMAN = Language(
    "de", "ltr", German(), (".", ","), percent_form="{n} %", locale=Locale.parse("de")
)


def said(ax) -> set[str]:
    """The texts of a figure."""
    texts = ElementTree.fromstring(as_svg(ax.figure)).iter("{http://www.w3.org/2000/svg}text")
    return {"".join(node.itertext()) for node in texts}


def test_ticks_are_written_as_the_language_writes_numbers():
    """Thousands, shares and decimals, also after the language is no longer spoken."""
    ax, other = new_axes(), new_axes()
    with speaking(GERMAN):
        ax.xaxis.set_major_formatter(count_ticks())
        ax.yaxis.set_major_formatter(ShareTicks())
        other.yaxis.set_major_formatter(NumberTicks())
    ax.set_xlim(0, 2000)
    assert {"1.000", "20 %", "100 %"} <= said(ax)
    assert {"0,2", "1,0"} <= said(other)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(400, {"2025", "Jul"}), (70, {"2024-Mai", "20", "Mai"}), (6, {"2024-Mär"})],
)
def test_days_on_an_axis_have_the_languages_months(days, expected):
    """Over a year, a quarter and a week."""
    ax = new_axes()
    ax.plot(pd.date_range("2024-03-11", periods=days), range(days))
    with speaking(GERMAN):
        day_ticks(ax)
        assert expected <= said(ax)


def test_letters_that_no_font_here_has_are_left_to_the_browser():
    """They stay text, and nobody is warned."""
    start = pd.date_range("2024-03-04", periods=3, freq="7D")
    weeks = pd.DataFrame({"start": start, "value": 0.5, "low": 0.4, "high": 0.6})
    with speaking(GERMAN):
        assert {"週から", "4. März"} <= said(store_figures.satisfaction_by_week(weeks))


def customers(ax) -> None:
    """Something to draw, with a title, a label of two lines, and letters of two sizes."""
    ax.plot([1, 2, 3], [10.0, 1000.0, 30.0])
    ax.set_title("A title")
    ax.set_ylabel("customers\nof a week")
    ax.text(2.0, 500.0, "small\nand low", fontsize=7, va="center")


def test_a_figure_is_drawn_as_savefig_does_and_given_back_as_it_was():
    """Of several axes, laid out by matplotlib; canvas, layout and resolution stay."""
    grids = [Figure(layout="constrained"), Figure(layout="constrained")]
    for grid in grids:
        for ax in grid.subplots(1, 2):
            customers(ax)
    figure = grids[1]
    before = figure.canvas, figure.get_layout_engine(), figure.dpi
    assert _slim(svg(grids[0].axes[0])) == as_svg(figure)
    assert before == (figure.canvas, figure.get_layout_engine(), figure.dpi)


def plain(ax) -> None:
    """Up to 30."""
    ax.plot([1, 2, 3], [0.0, 30.0, 5.0])


def with_other_ticks(ax) -> None:
    """More and wider ones, once there is room for them."""
    ax.plot(np.arange(300.0), np.sqrt(np.arange(300.0)))


def with_a_label_beside(ax) -> None:
    """It runs out of the axes."""
    plain(ax)
    label(ax, "purchases forecast", (3.0, 5.0), BLUE)


def with_long_names(ax) -> None:
    """They leave the title, and the label below, no room in one line."""
    ax.barh([0, 1], [3.0, 1.0])
    ax.set_yticks([0, 1], ["one store of the chain", "another store of the chain"])
    ax.set_xticks([0, 3])
    ax.set_title("What it changed at each of the stores", wrap=True)
    ax.set_xlabel("difference from without it, 90% interval", wrap=True)


@pytest.mark.parametrize(
    "draw", [plain, customers, with_other_ticks, with_a_label_beside, with_long_names]
)
def test_one_axes_lie_where_constrained_layout_puts_them(draw):
    """To half a point."""
    usual, ours = Figure(figsize=(4.6, 2.9), layout="constrained").subplots(), new_axes()
    with mpl.rc_context(HOUSE_STYLE):
        for ax in (usual, ours):
            draw(ax)
            as_svg(ax.figure)
    points = np.tile(72.0 * ours.figure.get_size_inches(), 2)
    places = [points * ax.get_position().extents for ax in (usual, ours)]
    np.testing.assert_allclose(*places, atol=0.5)


def test_a_house_figure_with_more_on_it_is_laid_out_by_matplotlib():
    """A second axes and a title of the whole figure get their room."""
    ax = new_axes()
    customers(ax)
    ax.figure.suptitle("Of all")
    as_svg(ax.figure)
    alone = ax.get_position().y1
    ax.figure.colorbar(ScalarMappable(), ax=ax)
    as_svg(ax.figure)
    assert alone < 0.85
    assert ax.get_position().x1 < ax.figure.axes[1].get_position().x0


def test_axes_that_have_no_room_left_are_refused_as_by_matplotlib():
    """A name as wide as the figure: a warning, and the axes stay."""
    ax = new_axes()
    ax.set_yticks([0.0], ["a name of a store " * 8])
    before = ax.get_position().extents
    with pytest.warns(UserWarning, match="collapsed to zero"):
        as_svg(ax.figure)
    assert before.tolist() == ax.get_position().extents.tolist()


def test_a_place_that_a_reader_gave_axes_stays():
    """As with constrained layout."""
    ax = new_axes()
    ax.set_position((0.3, 0.3, 0.4, 0.4))
    as_svg(ax.figure)
    np.testing.assert_allclose((0.3, 0.3, 0.7, 0.7), ax.get_position().extents)
