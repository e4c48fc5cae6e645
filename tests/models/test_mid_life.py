"""Customers of before and newcomers: formulas, recovered truth, and when the data ask for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from purchase_samples import central_differences, simulate_geometric, simulate_mid_life
from retention_models.errors import CannotSay, SettingsError
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.fitters import BetaGeoFitter, MidLifeFitter, as_lapsed, from_json
from retention_models.models.histories import count_histories
from retention_models.models.history_rows import log_likelihood_by_row
from retention_models.models.mbg_nbd import MBG_NBD
from retention_models.models.mid_life.fit import (
    given_first_seen,
    log_likelihood_with_derivatives,
)
from retention_models.models.mid_life.model import MidLife, likelihood_and_odds
from retention_models.predictions.customers import predict_customers
from retention_models.predictions.stores import predict_store
from retention_models.time_units import DAYS_IN_UNIT
from tiers import sized

# Newcomers, customers of before, how many those were, arrivals a week; a year and what comes after it.
NEW, OLD, BEFORE, ARRIVALS = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0), 300.0, 8.0
TRUTH = (*NEW, *OLD, BEFORE, ARRIVALS)
OBSERVED, AHEAD = 52.0, 13.0
STORE = (NEW, OLD, BEFORE, ARRIVALS, OBSERVED + AHEAD)


def summarised(customers, times, old):
    """Histories up to OBSERVED, purchases after it, and who was there before."""
    seen = times < OBSERVED
    told = pd.Series(times[seen]).groupby(customers[seen]).agg(["min", "max", "count"])
    later = pd.Series(customers[~seen]).value_counts().reindex(told.index, fill_value=0)
    x = told["count"].to_numpy(dtype=float) - 1.0
    t_x, T = (told["max"] - told["min"]).to_numpy(), OBSERVED - told["min"].to_numpy()
    return x, t_x, T, later.to_numpy(dtype=float), old[told.index]


def some_rows(seed=3, size=40):
    """Distinct histories, all within the log."""
    x, t_x, T, _, _ = summarised(*simulate_mid_life(np.random.default_rng(seed), *STORE))
    return tuple(column[:size] for column in (x, t_x, T))


@pytest.mark.parametrize("first", [0, 1])
def test_a_row_is_the_models_likelihood(first):
    """FHL (6): summed it is what the plain models maximise; each row the closed form."""
    x, t_x, T = some_rows()
    value = log_likelihood_by_row(np.log(NEW), x, t_x, T, first=first)[0]
    assert value == pytest.approx(likelihood_and_odds(x, t_x, T, first, *NEW)[0], abs=1e-9)
    model = MBG_NBD if first else BG_NBD
    fit = model.fit(x, t_x, T)
    summed = log_likelihood_by_row(np.log(fit.parameters), x, t_x, T, first=first)[0].sum()
    assert summed == pytest.approx(fit.log_likelihood, abs=1e-7)


@pytest.mark.parametrize("first", [0, 1])
def test_derivatives_of_a_row_and_of_the_whole(first):
    """By central differences."""
    x, t_x, T = some_rows()
    counts = np.arange(1.0, x.size + 1.0)

    def rows(phi):
        value, gradient, hessian = log_likelihood_by_row(phi, x, t_x, T, first=first)
        return counts @ value, counts @ gradient, np.tensordot(counts, hessian, 1)

    def whole(phi):
        return log_likelihood_with_derivatives(phi, (x, t_x, T, counts), OBSERVED, first)

    for function, theta in ((rows, NEW), (whole, TRUTH)):
        phi = np.log(theta)
        _, gradient, hessian = function(phi)
        slow_gradient, slow_hessian = central_differences(function, phi)
        assert gradient == pytest.approx(slow_gradient, rel=1e-5, abs=1e-4)
        assert hessian == pytest.approx(slow_hessian, rel=1e-5, abs=1e-3)


@pytest.mark.nightly
def test_a_customer_of_before_is_the_integral_over_rates_and_dropout():
    """Alive at 0, seen n times in (0, C], the last at t_n: by quadrature over λ and p."""
    r, alpha, a, b = OLD
    n, last = 4.0, 20.0

    def of_rate(rate):
        def of_leaving(p):
            kept = (1.0 - p) ** (n - 1.0)
            seen = rate**n * np.exp(-rate * last)
            stays = (1.0 - p) * np.exp(-rate * (OBSERVED - last))
            return kept * seen * (p + stays) * stats.beta.pdf(p, a, b)

        inner = integrate.quad(of_leaving, 0.0, 1.0, epsabs=0.0, epsrel=1e-9)[0]
        return inner * stats.gamma.pdf(rate, r, scale=1.0 / alpha)

    slow = integrate.quad(of_rate, 0.0, 8.0, epsabs=0.0, epsrel=1e-7)[0]
    exact = float(likelihood_and_odds(np.array(n), last, OBSERVED, 0, *OLD)[0])
    assert np.exp(exact) == pytest.approx(slow, rel=1e-7)


@pytest.mark.sized
def test_the_chance_to_be_of_before_and_what_follows_are_calibrated():
    """At the true parameters: who was there, who is alive and buys, repeats by first day, in sums."""
    rng = np.random.default_rng(11)
    model = MidLife(MBG_NBD, OBSERVED)
    shares, expected, came, since, repeats = (np.zeros(0) for _ in range(5))
    truth = np.zeros(0, dtype=bool)
    for _ in range(sized(12, 60)):
        x, t_x, T, later, old = summarised(*simulate_mid_life(rng, *STORE))
        shares = np.append(shares, model.share_of_before(x, t_x, T, *TRUTH))
        truth = np.append(truth, old)
        new = model.conditional_expected_purchases(AHEAD, x, t_x, T, *TRUTH)
        expected, came = np.append(expected, new), np.append(came, later)
        since = np.append(since, model.expected_since_first(T, T, *TRUTH))
        repeats = np.append(repeats, x)
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        chosen = (shares >= low) & (shares <= high)
        spread = np.sqrt((shares[chosen] * (1.0 - shares[chosen])).sum())
        assert truth[chosen].sum() == pytest.approx(shares[chosen].sum(), abs=4.0 * spread + 4.0)
        beyond = came[chosen] - expected[chosen]
        assert abs(beyond.sum()) < 4.0 * np.sqrt(beyond @ beyond)
    assert repeats.sum() == pytest.approx(since.sum(), rel=0.03)


@pytest.mark.nightly
def test_truth_is_recovered_within_the_intervals(record_property):
    """N₀, arrivals and rates of simulated stores, in the share that 95% intervals promise."""
    rng = np.random.default_rng(5)
    stores, covered = 100, np.zeros(10)
    inside, total_inside, customers = 0.0, 0, 0
    for _ in range(stores):
        x, t_x, T, later, _ = summarised(*simulate_mid_life(rng, *STORE))
        fitter = MidLifeFitter().fit(x, t_x, T, observed=OBSERVED)
        assert fitter.fit_.verdict == "converged"
        limits = fitter.confidence_intervals_.to_numpy()
        covered += (limits[:, 0] <= TRUTH) & (np.array(TRUTH) <= limits[:, 1])
        summary = pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": 0.0})
        summary.attrs["time_unit"] = "W"
        found = predict_customers(fitter, None, summary, horizon=AHEAD)
        low, high = found["purchases_low"].to_numpy(), found["purchases_high"].to_numpy()
        inside += ((low <= later) & (later <= high)).sum()
        customers += later.size
        total = predict_store(fitter, None, summary, horizon=AHEAD, draws=200).purchases
        total_inside += total.low <= later.sum() <= total.high
    record_property(
        "95% intervals that hold, of ten parameters", str((covered / stores).round(2).tolist())
    )
    record_property("totals inside their 90% interval", float(total_inside / stores))
    assert (covered / stores >= 0.95 - 4.0 * np.sqrt(0.05 * 0.95 / stores) - 0.05).all()
    # Counts are whole numbers, so intervals hold at least their level.
    assert inside / customers >= 0.89
    assert total_inside / stores >= 0.9 - 3.5 * np.sqrt(0.09 / stores)


def test_states_are_chances_of_whoever_is_alive_or_left():
    """Both kinds' chances sum to 1, and P(alive) is the two kinds' by their shares."""
    x, t_x, T = some_rows()
    model = MidLife(BG_NBD, OBSERVED)
    share = model.share_of_before(x, t_x, T, *TRUTH)
    last = OBSERVED - T + t_x
    one = share * BG_NBD.probability_alive(x + 1.0, last, OBSERVED, *OLD)
    other = (1.0 - share) * BG_NBD.probability_alive(x, t_x, T, *NEW)
    alive = model.probability_alive(x, t_x, T, *TRUTH)
    assert alive == pytest.approx(one + other, rel=1e-12)
    for states in (
        model.states(x, t_x, T, *TRUTH),
        model.states_of_lapsed(x, t_x, T, *TRUTH),
    ):
        assert sum(chance for chance, _ in states) == pytest.approx(1.0)
    chances = model.conditional_count_probabilities(AHEAD, x, t_x, T, *TRUTH)
    assert chances.sum(axis=1) == pytest.approx(1.0, abs=2e-9)
    mean = chances @ np.arange(chances.shape[1])
    exact = model.conditional_expected_purchases(AHEAD, x, t_x, T, *TRUTH)
    assert mean == pytest.approx(exact, rel=1e-6)


def test_the_next_purchase_is_due_by_the_mixture_of_both_kinds():
    """At the quantile the mixture of their Lomax distributions has the level."""
    x, t_x, T = some_rows()
    model = MidLife(MBG_NBD, OBSERVED)
    for level in (0.05, 0.5, 0.95):
        gap = model.gap_quantile(level, x, t_x, T, *TRUTH)
        last = OBSERVED - T + t_x
        log_old = np.log(BEFORE) + likelihood_and_odds(x + 1.0, last, last, 0, *OLD)[0]
        log_new = np.log(ARRIVALS) + likelihood_and_odds(x, t_x, t_x, 1, *NEW)[0]
        share = 1.0 / (1.0 + np.exp(log_new - log_old))
        old = stats.lomax.sf(gap, OLD[0] + x + 1.0, scale=OLD[1] + last)
        new = stats.lomax.sf(gap, NEW[0] + x, scale=NEW[1] + t_x)
        assert share * old + (1.0 - share) * new == pytest.approx(1.0 - level, abs=1e-9)
    assert (model.gap_quantile(0.0, x, t_x, T, *TRUTH) == 0.0).all()


def test_what_is_lost_is_told_of_both_kinds():
    """P(left) and P(alive) are one; a regular's loss is larger than a passer-by's."""
    x, t_x, T, _, _ = summarised(*simulate_mid_life(np.random.default_rng(2), *STORE))
    fitter = MidLifeFitter().fit(x, t_x, T, observed=OBSERVED)
    lapsed = as_lapsed(fitter)
    left = lapsed.conditional_probability_alive(x, t_x, T)
    assert left + fitter.conditional_probability_alive(x, t_x, T) == pytest.approx(1.0)
    lost = lapsed.predict(52.0, [30.0, 1.0], [25.0, 5.0], [51.0, 30.0])
    assert lost[0] > 5.0 * lost[1]


def log_gain(x, t_x, T):
    """Log-likelihood won over the model of newcomers only, and the fit's verdict."""
    both = MidLifeFitter().fit(x, t_x, T, observed=OBSERVED)
    return both.log_likelihood_ - BetaGeoFitter().fit(x, t_x, T).log_likelihood_, both.fit_.verdict


@pytest.mark.slow
def test_shops_that_began_with_the_log_do_not_ask_for_it(record_property):
    """All newcomers, at constant arrivals: at most 5 in 100 are told apart into two kinds."""
    rng, stores, asked = np.random.default_rng(8), sized(20, 200), 0
    for _ in range(stores):
        T = np.floor(rng.uniform(0.0, OBSERVED * 7.0, 400)) / 7.0
        x, t_x, T = simulate_geometric(rng, 400, 0.6, 4.0, 0.5, 2.0, T, first=False, days=True)
        asked += log_gain(x, t_x, T)[0] > 7.54
    record_property("asked for without customers of before", float(asked / stores))
    assert asked / stores <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / stores) * (stores < 100)
    x, t_x, T, _, _ = summarised(*simulate_mid_life(rng, *STORE))
    gain, verdict = log_gain(x, t_x, T)
    assert gain > 20.0
    assert verdict == "converged"


def test_the_published_likelihood_is_given_the_first_day():
    """It sums to one over histories: compared with newcomers only where nobody was there before."""
    x, t_x, T = some_rows()
    counts = np.ones(x.size)
    theta = np.array([*NEW, *OLD, 1e-12, ARRIVALS])
    chances = given_first_seen(np.log(theta), (x, t_x, T, counts), OBSERVED, 1)
    assert chances == pytest.approx(likelihood_and_odds(x, t_x, T, 1, *NEW)[0], abs=1e-8)


@pytest.mark.parametrize("newcomers", ["bg_nbd", "mbg_nbd"])
def test_a_saved_model_predicts_as_before(newcomers):
    """With the length of its log, and the model of newcomers."""
    x, t_x, T, _, _ = summarised(*simulate_mid_life(np.random.default_rng(4), *STORE))
    fitter = MidLifeFitter(newcomers=newcomers).fit(x, t_x, T, observed=OBSERVED)
    again = from_json(fitter.to_json())
    assert isinstance(again, MidLifeFitter)
    assert (again.newcomers, again.model.observed) == (newcomers, OBSERVED)
    assert (again.predict(13.0, x, t_x, T) == fitter.predict(13.0, x, t_x, T)).all()
    for broken in ('"observed": "long"', '"observed": -1'):
        text = fitter.to_json().replace(f'"observed": {OBSERVED}', broken)
        with pytest.raises(SettingsError, match="observed"):
            from_json(text)
    with pytest.raises(SettingsError, match="context: expected none for BG/NBD"):
        BetaGeoFitter.from_fit(BetaGeoFitter().fit(x, t_x, T).fit_, context={"observed": 1.0})


def test_wrong_input_is_refused_by_name():
    """Customers older than the log, an unknown model, nobody who came back."""
    x, t_x, T = some_rows()
    with pytest.raises(SettingsError, match="T: expected at most 10, the length of the log"):
        MidLifeFitter().fit(x, t_x, T, observed=10.0)
    with pytest.raises(SettingsError, match="observed: expected a finite length above 0"):
        MidLifeFitter().fit(x, t_x, T, observed=np.nan)
    with pytest.raises(SettingsError, match="newcomers: expected one of bg_nbd, mbg_nbd"):
        MidLifeFitter(newcomers="pareto_nbd")
    with pytest.raises(CannotSay, match="bought a second time"):
        MidLifeFitter().fit([0.0, 0.0], [0.0, 0.0], [3.0, 9.0], observed=10.0)
    fitter = MidLifeFitter().fit(x, t_x, T, observed=OBSERVED)
    with pytest.raises(SettingsError, match="length of the log that the model was fitted to"):
        fitter.predict(13.0, x, t_x, T + 60.0)


def test_weights_and_a_unit_say_what_customers_do():
    """Counted rows give what customers give; the log's length is the largest T and a day."""
    x, t_x, T, _, _ = summarised(*simulate_mid_life(np.random.default_rng(6), *STORE))
    x, t_x, T = x[x < 5], t_x[x < 5].round(), np.ceil(T[x < 5])
    rows = pd.DataFrame(
        dict(zip(("x", "t_x", "T", "n"), count_histories(x, t_x, T).rows(), strict=True))
    )
    T_of = rows["T"]
    T_of.attrs = {"time_unit": "W"}
    counted = MidLifeFitter().fit(rows["x"], rows["t_x"], T_of, weights=rows["n"])
    assert counted.model.observed == pytest.approx(T.max() + 1.0 / DAYS_IN_UNIT["W"])
    T_of.attrs = {"time_unit": "W", "same_day": "each"}
    orders = MidLifeFitter().fit(rows["x"], rows["t_x"], T_of, weights=rows["n"])
    assert orders.model.observed == pytest.approx(T.max() + 0.5 / DAYS_IN_UNIT["W"])
    each = MidLifeFitter().fit(x, t_x, T, observed=counted.model.observed)
    assert counted.fit_.parameters == pytest.approx(each.fit_.parameters, rel=1e-6)
