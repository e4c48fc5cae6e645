"""One simulated campaign after another by each design: how often an interval leaves out the truth.

Every function returns shape (replications, 4): whether the 95% interval of purchases, bought, spend and
profit left out the true effect. At no lift the truth is nought, and minus what was paid for profit, so
that this is a test's false positive; at +10% it is 1 less the coverage.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from campaign_worlds import (
    CONTACT,
    DISCOUNT,
    LIFT,
    MARGIN,
    OUTCOMES,
    REDEEMS,
    WEEKS,
    Array,
    World,
    campaign,
    draw_latents,
    four_outcomes,
)
from retention_models.campaigns.estimators.checks import (
    LARGEST_SKEWNESS,
    difference_skewness,
    fewest_in_arm,
    outcome_skewness,
)
from retention_models.campaigns.estimators.difference_in_differences import store_effect
from retention_models.campaigns.estimators.redemption import effects_per_redeemer
from retention_models.campaigns.estimators.sequential import (
    best_rho,
    confidence_sequence,
    obrien_fleming,
)
from retention_models.campaigns.estimators.staggered import group_time_effects, summarised
from retention_models.campaigns.estimators.targeted import comparable
from retention_models.levels import Z95

Missed = NDArray[np.bool_]

# The covariates of each outcome: columns of what `known` returns.
COLUMNS = ("expected_purchases", "probability_alive", "recency", "expected_spend")
ADJUSTED = ([0], [0, 1, 2], [3, 0], [3, 0])
CHOICE = ("expected_purchases", "probability_alive", "recency", "frequency", "log_T")
SKEWED = ("expected_purchases", "frequency")


def targeted_effect(outcome, treated, covariates, **options):
    """Doubly robust effect on one outcome."""
    return comparable(treated, covariates, **options).effect(outcome)


def effect_per_redeemer(outcome, *given, **options):
    """Effect per redeemer on one outcome."""
    return effects_per_redeemer(np.asarray(outcome)[:, None], *given, **options)[0]


def known(world: World, rows: NDArray[np.intp], names: tuple[str, ...] = COLUMNS) -> Array:
    """Covariates of these customers, shape (n, k), each at mean 0 and standard deviation 1."""
    X = np.column_stack([world.covariates[name][rows] for name in names])
    return (X - X.mean(axis=0)) / X.std(axis=0)


def arm_means(
    y: Array, X: Array, columns: tuple[list[int], ...] = ADJUSTED
) -> tuple[Array, Array, Array]:
    """Adjusted means of one arm, their HC2 variances and degrees of freedom, a column an outcome.

    What `arms.fit_arms` returns for the arm, in closed form: the intercept is c'y with
    c = A(A'A)⁻¹e₁, and its variance Σ c²e²/(1 − h).
    """
    means, variances, freedom = np.empty((3, y.shape[1]))
    for chosen in {tuple(c): c for c in columns}.values():
        of = [k for k, c in enumerate(columns) if c == chosen]
        A = np.column_stack([np.ones(len(y)), X[:, chosen]])
        pull = A @ np.linalg.inv(A.T @ A)
        residual = y[:, of] - A @ (pull.T @ y[:, of])
        leverage = (pull * A).sum(axis=1)
        means[of] = pull[:, 0] @ y[:, of]
        variances[of] = (pull[:, 0] ** 2 / (1.0 - leverage)) @ residual**2
        freedom[of] = len(y) - A.shape[1]
    return means, variances, freedom


def differences(y: Array, X: Array, arm: NDArray, pairs: list[tuple[int, int]]) -> Iterator[tuple]:
    """Effect, standard error and Welch's degrees of freedom of each pair of arms, shape (4,) each."""
    fits = [arm_means(y[arm == g], X[arm == g]) for g in range(int(arm.max()) + 1)]
    for i, j in pairs:
        parts = np.stack([fits[i][1], fits[j][1]])
        freedom = parts.sum(axis=0) ** 2 / (parts[0] ** 2 / fits[i][2] + parts[1] ** 2 / fits[j][2])
        yield fits[i][0] - fits[j][0], np.sqrt(parts.sum(axis=0)), freedom


def small_tests(
    world: World, replications: int, rng: np.random.Generator, *, size: int, held_out: float
) -> Array:
    """Two arms of any size without a lift, shape (replications, 8).

    After the four outcomes the same four once more, missing where `require_enough_customers` refuses
    for skewness: never of who bought.
    """
    missed = np.empty((replications, 8))
    few = round(held_out * size)
    scale = difference_skewness(1.0, size - few, few)
    for k in range(replications):
        rows, offered = rng.integers(0, world.size, size), rng.permutation(size) >= few
        y, X = campaign(world, rows, offered, 0.0, rng), known(world, rows)
        ((effect, error, freedom),) = differences(y, X, offered, [(1, 0)])
        truth = world.truth(0.0)[rows].mean(axis=0)
        found = abs(effect - truth) > stdtrit(freedom, 0.975) * error
        skewness = [outcome_skewness(of, offered, control=False) for of in y.T]
        lets = abs(np.array(skewness) * scale) <= LARGEST_SKEWNESS
        lets[1] = True
        missed[k] = np.concatenate([found, np.where(lets, found, np.nan)])
    return missed


def gains(world: World, replications: int, rng: np.random.Generator, *, size: int = 4000) -> Array:
    """Mean squared standard error without covariates over that with them, at +10%; shape (4,)."""
    variances = np.zeros((2, 4))
    for _ in range(replications):
        rows, offered = rng.integers(0, world.size, size), rng.permutation(size) >= size // 2
        y, X = campaign(world, rows, offered, LIFT, rng), known(world, rows)
        for k, columns in enumerate((([],) * 4, ADJUSTED)):
            for arm in (offered, ~offered):
                variances[k] += arm_means(y[arm], X[arm], columns)[1]
    return variances[0] / variances[1]


def randomised(
    world: World,
    lift: float,
    replications: int,
    rng: np.random.Generator,
    *,
    size: int = 4000,
    held_out: float = 0.5,
) -> Missed:
    """Two arms drawn by lot; the truth is the mean effect on the customers of the test."""
    missed = np.empty((replications, 4), dtype=bool)
    for k in range(replications):
        rows = rng.integers(0, world.size, size)
        offered = rng.permutation(size) >= round(held_out * size)
        y = campaign(world, rows, offered, lift, rng)
        ((effect, error, freedom),) = differences(y, known(world, rows), offered, [(1, 0)])
        truth = world.truth(lift)[rows].mean(axis=0)
        missed[k] = abs(effect - truth) > stdtrit(freedom, 0.975) * error
    return missed


def three_arms(
    world: World, replications: int, rng: np.random.Generator, *, size: int = 6000
) -> Missed:
    """Two offers and control, no lift: whether any of three comparisons is found, by Holm."""
    missed = np.empty((replications, 4), dtype=bool)
    loss = world.effects_at_none.mean(axis=0)
    for k in range(replications):
        rows, arm = rng.integers(0, world.size, size), rng.permutation(size) % 3
        # Profit is paid back what the offers cost, so that there is nothing to find in it.
        y = campaign(world, rows, arm > 0, 0.0, rng) - (arm > 0)[:, None] * loss
        found = differences(y, known(world, rows), arm, [(1, 0), (2, 0), (2, 1)])
        p = np.sort([2.0 * stdtr(df, -abs(effect) / error) for effect, error, df in found], axis=0)
        # Holm rejects any hypothesis if and only if it rejects the one of the least p.
        missed[k] = 3.0 * p[0] < 0.05
    return missed


def looks(
    world: World,
    lift: float,
    replications: int,
    rng: np.random.Generator,
    *,
    size: int = 4000,
    sequence: bool = False,
) -> Missed:
    """Eight looks while customers come in by eighths: whether the truth is left out at any.

    By declared O'Brien-Fleming looks, or by a confidence sequence that is narrowest at the end. What
    is refused is not looked at: spend and profit with fewer than 400 customers in an arm.
    """
    floors = np.array([fewest_in_arm(outcome) for outcome in OUTCOMES])
    boundaries, rho = obrien_fleming(8).boundaries, best_rho(size)
    missed = np.zeros((replications, 4), dtype=bool)
    for k in range(replications):
        rows = rng.integers(0, world.size, size)
        offered = rng.random(size) < 0.5
        y, truth = campaign(world, rows, offered, lift, rng), world.truth(lift).mean(axis=0)
        for look in range(1, 9):
            seen = slice(0, size * look // 8)
            X = known(world, rows[seen])
            ((effect, error, _),) = differences(y[seen], X, offered[seen], [(1, 0)])
            half = boundaries[look - 1] * error
            if sequence:
                half = confidence_sequence(0.0, 1.0, seen.stop, rho=rho)[1] * error
            told = min(offered[seen].sum(), (~offered[seen]).sum()) >= floors
            missed[k] |= told & (abs(effect - truth) > half)
    return missed


def looks_by_days(
    world: World, replications: int, rng: np.random.Generator, *, size: int = 2000
) -> Missed:
    """Eight declared looks at the same customers, an eighth of the days at a time, without a lift."""
    boundaries = obrien_fleming(8).boundaries
    missed = np.zeros((replications, 4), dtype=bool)
    for k in range(replications):
        rows = rng.integers(0, world.size, size)
        offered = rng.random(size) < 0.5
        latents = draw_latents(world, rows, rng)
        steps = np.full((size, 8), WEEKS / 8.0)
        y = four_outcomes(*latents.windows(steps, rng), np.zeros((size, 8)), rng).cumsum(axis=1)
        y[..., 1] = y[..., 0] > 0.0
        X = known(world, rows)
        for look, boundary in enumerate(boundaries):
            ((effect, error, _),) = differences(y[:, look], X, offered, [(1, 0)])
            missed[k] |= abs(effect) > boundary * error
    return missed


def whole_stores(
    world: World,
    lift: float,
    replications: int,
    rng: np.random.Generator,
    *,
    starts: NDArray[np.float64],
    windows: int = 2,
    customers: int = 100,
) -> Missed:
    """Whole stores, all at once (two windows) or staggered: stores' first windows with the campaign.

    Stores differ in how often their customers buy (a standard deviation of 20%), and each has its
    own luck in each window (5%). The truth is the mean effect on the treated stores' customers.
    """
    missed = np.empty((replications, 4), dtype=bool)
    weeks = WEEKS * 2.0 / windows
    for k in range(replications):
        rows = rng.integers(0, world.size, (starts.size, customers))
        latents = draw_latents(world, rows, rng)
        own = np.exp(0.20 * rng.normal(size=(starts.size, 1, 1)))
        luck = np.exp(0.05 * rng.normal(size=(starts.size, 1, windows)))
        without = np.broadcast_to(weeks * own * luck, (*rows.shape, windows))
        treated = np.arange(windows) >= starts[:, None]
        exposure = without * (1.0 + lift * treated[:, None, :])
        offered = np.broadcast_to(treated[:, None, :], exposure.shape).astype(float)
        y = four_outcomes(*latents.windows(exposure, rng), offered, rng).mean(axis=1)
        here, there = (latents.expected(e).mean(axis=1) for e in (exposure, without))
        profit = MARGIN * (here - there)[..., 2] - CONTACT - DISCOUNT * REDEEMS * here[..., 0]
        effects = np.concatenate([here - there, profit[..., None]], axis=-1)
        truth = effects[treated].mean(axis=0)
        for of in range(4):
            low, high = _store_interval(y[..., of], starts, windows)
            missed[k, of] = not low <= truth[of] <= high
    return missed


def _store_interval(y: Array, starts: NDArray[np.float64], windows: int) -> tuple[float, float]:
    """By difference-in-differences of two windows, or group-time effects of more."""
    if windows == 2:
        found = store_effect(y, starts < windows, [False, True])
        return found.conf_low, found.conf_high
    overall = summarised(group_time_effects(y, np.arange(windows), starts)).overall.iloc[0]
    return overall["conf_low"], overall["conf_high"]


def chosen(
    world: World,
    lift: float,
    replications: int,
    rng: np.random.Generator,
    *,
    size: int = 4000,
    constant: float = -0.3,
    slopes: tuple[float, ...] = (0.2, 0.5, 0.5, 0.0, -0.3),
) -> Missed:
    """Customers chosen, or who chose, by a logit of their covariates: doubly robust, on the treated.

    One model of the choice, with logarithms of the skewed covariates, for four outcomes. The truth is
    the mean effect on all customers of the world, weighted by their chance of the campaign.
    """
    everyone = known(world, np.arange(world.size), CHOICE)
    logs = np.column_stack([np.log1p(world.covariates[name]) for name in SKEWED])
    chance = 1.0 / (1.0 + np.exp(-constant - everyone @ np.array(slopes)))
    truth = chance @ world.truth(lift) / chance.sum()
    missed = np.empty((replications, 4), dtype=bool)
    for k in range(replications):
        rows = rng.integers(0, world.size, size)
        z = rng.random(size) < chance[rows]
        y = campaign(world, rows, z, lift, rng)
        effects, errors = doubly_robust(y, z, everyone[rows], logs[rows])
        missed[k] = abs(effects - truth) > Z95 * errors
    return missed


def doubly_robust(y: Array, z: NDArray[np.bool_], X: Array, logs: Array) -> tuple[Array, Array]:
    """Effects on the treated and standard errors of all outcomes, shape (4,) each."""
    compared = comparable(z, X, propensity_covariates=np.column_stack([X, logs]))
    found = [compared.effect(of) for of in y.T]
    effects, errors = zip(*((one.effect, one.standard_error) for one in found), strict=True)
    return np.array(effects), np.array(errors)
