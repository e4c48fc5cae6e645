"""The wait for the next purchase: closed form, simulation, and leaving before it."""

import numpy as np
import pandas as pd
import pytest

import retention_models as rm

PARAMETERS = {"r": 0.9, "alpha": 6.0, "a": 0.6, "b": 2.0}


@pytest.fixture(scope="module")
def summary():
    """Three histories in weeks."""
    rows = [(0, 0.0, 30.0), (4, 25.0, 30.0), (12, 29.0, 40.0)]
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T"], index=["a", "b", "c"])
    frame.attrs["time_unit"] = "W"
    return frame


def test_of_the_bg_nbd_it_is_the_closed_form(summary):
    """(α + T)·((1 − q)^(−1/(r + x)) − 1), in days."""
    found = rm.next_purchase(rm.BetaGeoFitter.from_parameters(PARAMETERS, time_unit="W"), summary)
    x, T = summary["frequency"], summary["T"]
    for name, q in (
        ("next_purchase_low", 0.05),
        ("next_purchase", 0.5),
        ("next_purchase_high", 0.95),
    ):
        weeks = (6.0 + T) * ((1.0 - q) ** (-1.0 / (0.9 + x)) - 1.0)
        assert found[name].to_numpy() == pytest.approx(7.0 * weeks.to_numpy(), rel=1e-9)
    assert ["a", "b", "c"] == found.index.tolist()


def test_of_the_pareto_nbd_it_is_what_simulation_says(summary):
    """Who is alive may leave before coming: then the wait has no end."""
    given = {"r": 0.9, "alpha": 6.0, "s": 0.8, "beta": 20.0}
    model = rm.ParetoNBDFitter.from_parameters(given, time_unit="W")
    found = rm.next_purchase(model, summary)
    rng = np.random.default_rng(4)
    for name, (x, _, T) in zip(summary.index, summary.to_numpy(), strict=True):
        rate = rng.gamma(0.9 + x, 1.0 / (6.0 + T), 400_000)
        leaves = rng.exponential(1.0 / rng.gamma(0.8, 1.0 / (20.0 + T), 400_000))
        wait = rng.exponential(1.0 / rate)
        wait[wait > leaves] = np.inf
        assert np.median(wait) * 7.0 == pytest.approx(found.loc[name, "next_purchase"], rel=0.02)
        # 95% of waits end only where 95% of customers come at all before they leave.
        ends = bool(np.isfinite(found.loc[name, "next_purchase_high"]))
        assert (np.isfinite(wait).mean() > 0.95) == ends


def test_a_unit_that_is_not_the_models_is_refused(summary):
    """As by all predictions."""
    model = rm.BetaGeoFitter.from_parameters(PARAMETERS, time_unit="D")
    with pytest.raises(rm.SettingsError, match="unit"):
        rm.next_purchase(model, summary)
    with pytest.raises(rm.SettingsError, match="interval"):
        rm.next_purchase(model, summary, interval=1.0)
