"""lifetimes' quick start, line by line with our classes: the numbers it prints are what comes out."""

import warnings

import numpy as np
import pytest

import retention_models as rm

lifetimes = pytest.importorskip("lifetimes")
COLUMNS = ["frequency", "recency", "T"]


@pytest.fixture(scope="module")
def data():
    """What `load_cdnow_summary(index_col=[0])` gives."""
    from lifetimes.datasets import load_cdnow_summary

    return load_cdnow_summary(index_col=[0])


@pytest.fixture(scope="module")
def money():
    """What `load_cdnow_summary_data_with_monetary_value()` gives."""
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

    return load_cdnow_summary_data_with_monetary_value()


@pytest.fixture(scope="module")
def bgf(data):
    """The model of the quick start's first step."""
    return rm.BetaGeoFitter(penalizer_coef=0.0).fit(*(data[name] for name in COLUMNS))


def test_the_summary_and_the_best_customers_are_those_it_prints(data, bgf):
    """Coefficients to six digits, and the three best by expected purchases in a week."""
    printed = {"r": 0.242593, "alpha": 4.413532, "a": 0.792886, "b": 2.425752}
    assert bgf.summary["coef"].to_dict() == pytest.approx(printed, rel=1e-4)
    columns = ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
    assert columns == list(bgf.summary.columns)
    history = [data[name] for name in COLUMNS]
    best = bgf.conditional_expected_number_of_purchases_up_to_time(1, *history).sort_values()
    assert {1981: 0.486526, 157: 0.662396, 1516: 0.710623} == pytest.approx(
        best.tail(3).to_dict(), abs=5e-5
    )


def test_one_customer_of_a_row_is_predicted_as_a_number(data, bgf):
    """`individual = summary.iloc[20]`, then predict: a number, not an array."""
    individual = data.iloc[20]
    expected = bgf.predict(10, *(individual[name] for name in COLUMNS))
    assert np.ndim(expected) == 0
    assert 0.0 < expected < 1.0


def test_spend_and_lifetime_value_are_those_it_prints(money, bgf):
    """Gamma-Gamma estimates, mean profits and values; its month has 30 days, ours 30.4375."""
    returning = money[money["frequency"] > 0]
    ggf = rm.GammaGammaFitter(penalizer_coef=0)
    ggf.fit(returning["frequency"], returning["monetary_value"])
    assert ggf.params_.tolist() == pytest.approx([6.25, 3.74, 15.45], abs=0.01)
    profit = ggf.conditional_expected_average_profit(money["frequency"], money["monetary_value"])
    printed = [24.658619, 18.911489, 35.170981, 35.170981, 35.170981, 71.462843]
    assert profit.head(6).tolist() == pytest.approx(printed, rel=1e-4)
    arguments = [money[name] for name in (*COLUMNS, "monetary_value")]
    value = ggf.customer_lifetime_value(bgf, *arguments, time=12, discount_rate=0.01, freq="D")
    printed = [140.096211, 18.943467, 38.180574, 38.180574, 38.180574, 1003.868107]
    assert value.head(6).tolist() == pytest.approx(printed, rel=0.011)
    assert value.name == "clv"


def test_a_saved_model_is_loaded_into_a_new_one(bgf, data, tmp_path):
    """Its page on saving: the same answers, with its options accepted."""
    bgf.save_model(tmp_path / "bgf.json", save_data=False, save_generate_data_method=False)
    loaded = rm.BetaGeoFitter()
    loaded.load_model(tmp_path / "bgf.json")
    assert loaded.params_.equals(bgf.params_)
    history = [data[name] for name in COLUMNS]
    assert loaded.predict(4, *history).equals(bgf.predict(4, *history))


@pytest.mark.filterwarnings("ignore")  # lifetimes of 2020 on today's matplotlib
def test_repeat_transactions_are_drawn_from_our_model(bgf):
    """`plot_period_transactions`: bars of the data beside bars of customers that the model generates."""
    import lifetimes.plotting
    from matplotlib import pyplot as plt

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            axes = lifetimes.plotting.plot_period_transactions(bgf)
        heights = [patch.get_height() for patch in axes.patches]
        assert [1411, 439, 214, 100, 62, 38, 29] == heights[:7]
        assert heights[7] == pytest.approx(1411, rel=0.1)
    finally:
        plt.close("all")


def test_expected_repeat_purchases_are_drawn_also_of_a_loaded_model(bgf):
    """The function of lifetimes needs matplotlib of before 3.8; ours draws its lines."""
    axes = rm.plots.plot_expected_repeat_purchases(bgf, label="CDNOW", color="black")
    solid, dashed = axes.lines
    assert solid.get_xdata()[[0, -1]].tolist() == [0.0, 38.86]
    assert dashed.get_xdata()[-1] == pytest.approx(58.29)
    assert [solid.get_ydata()[-1], dashed.get_ydata()[-1]] == pytest.approx([1.19, 1.55], abs=0.01)
    assert ["CDNOW"] == [text.get_text() for text in axes.get_legend().get_texts()]
    loaded = rm.from_json(bgf.to_json())
    again = rm.plots.plot_expected_repeat_purchases(loaded, T=38.86)
    assert again.lines[1].get_ydata().tolist() == dashed.get_ydata().tolist()
