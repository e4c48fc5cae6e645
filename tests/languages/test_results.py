"""Results show themselves: two lines of text, a table where a notebook asks, and a figure."""

import datetime as dt

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import retention_models as rm
from retention_models.languages.results import Card, Result


@pytest.fixture(scope="module")
def found():
    """Results of a small simulated shop, by the class of each."""
    shop = rm.SimulatedShop(300, dt.date(2023, 1, 1), joining_days=200, seed=3)
    log = shop.log(until="2023-12-30")
    summary = rm.customer_summary(log, observation_end="2023-12-30", time_unit="W")
    purchases = rm.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    repeat = summary[summary["frequency"] > 0]
    spend = rm.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    ends = {"calibration_end": "2023-08-31", "holdout_end": "2023-12-30"}
    results = [
        log,
        rm.predict_store(purchases, spend, summary, horizon=13),
        rm.predict_whole_store(purchases, spend, summary, horizon=13),
        rm.validate_holdout(log, **ends),
        rm.compare_models(log, **ends),
        rm.spend_independence(summary),
    ]
    return {type(result).__name__: result for result in [*results, purchases]}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Transactions", "rows "),
        ("StoreForecast", "customers still "),
        ("WholeStore", "newcomers "),
        ("HoldoutValidation", "verdict "),
        ("ModelComparison", "to use "),
        ("SpendIndependence", "rank correlation "),
    ],
)
def test_a_result_is_two_lines_of_text_and_a_table_in_a_notebook(found, name, says):
    """No frame and no array is poured over the reader."""
    result = found[name]
    lines = repr(result).split("\n")
    assert 2 == len(lines)
    assert says in lines[1]
    assert max(len(line) for line in lines) < 600
    html = result._repr_html_()
    assert html.startswith("<table>")
    assert says.strip() in html


def test_a_fit_shows_parameters_with_intervals_and_its_verdict(found):
    """As HTML; a model without a fit says so."""
    html = found["BetaGeoFitter"]._repr_html_()
    assert all(f"<th>{name}</th>" in html for name in ("r", "alpha", "a", "b"))
    assert "lower 95% bound" in html
    assert "converged: an ordinary maximum" in html
    assert "not fitted" in rm.BetaGeoFitter()._repr_html_()


@pytest.mark.parametrize("name", ["WholeStore", "HoldoutValidation", "ModelComparison"])
def test_a_result_draws_itself(found, name):
    """On a figure of pyplot's, which a notebook shows, or on axes given."""
    assert [] == plt.get_fignums()
    assert found[name].plot().get_title("left")
    assert 1 == len(plt.get_fignums())
    _, ax = plt.subplots()
    assert ax is found[name].plot(ax=ax)
    plt.close("all")


def test_what_has_no_figure_says_so(found):
    """And does not raise what only its author can read."""
    with pytest.raises(rm.SettingsError, match="StoreForecast has no figure"):
        found["StoreForecast"].plot()


def test_every_figure_of_the_pages_is_among_the_public_ones():
    """`rm.plots` is complete."""
    from retention_models.pages.campaign import figures as of_campaigns
    from retention_models.pages.models import figures as of_models
    from retention_models.pages.store import figures as of_stores

    drawn = {
        name
        for room in (of_campaigns, of_models, of_stores)
        for name, one in vars(room).items()
        if not name.startswith("_") and hasattr(one, "__wrapped__")
    }
    assert drawn <= set(rm.plots.__all__)
    assert all(callable(getattr(rm.plots, name)) for name in rm.plots.__all__)


def test_texts_of_the_data_are_no_markup():
    """A source's or a store's name may hold anything."""

    class Shown(Result):
        def _card(self):
            table = pd.DataFrame({"<b>": ["<script>"]})
            return Card("<i>", {"<u>": "&", "empty": ""}, table)

    html = Shown()._repr_html_()
    assert not any(tag in html for tag in ("<i>", "<u>", "<b>", "<script>", "empty"))
    assert "<<i>>\n<u> &" == repr(Shown())
