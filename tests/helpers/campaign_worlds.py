"""Simulated customers of a campaign: BG/NBD histories, Gamma-Gamma spend, and what a window brings.

A world is a population of customers as they are on the day before a campaign. Given its history, a
customer who is alive has a rate λ ~ Gamma(r + x, α + T) and a dropout p ~ Beta(a, b + x), independent
(Fader, Hardie & Lee, Marketing Science 24 (2005), 275–284), and an order's spend is gamma of shape P and
mean m = P/ν with ν ~ Gamma(q + P·x, v + total spend) (Fader & Hardie, note 025): so windows are drawn
exactly, and every expectation given the history, or given λ, p and m, has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from purchase_samples import simulate_geometric
from retention_models.models.bg_nbd import BG_NBD

Array = NDArray[np.float64]

OUTCOMES = ("purchases", "bought", "spend", "profit")
WEEKS, LIFT = 8.0, 0.1
# Parameters (r, α, a, b) per week, and the least weeks since the last purchase of who is on the list.
WORLDS = {
    "shop": ((1.0, 10.0, 0.5, 3.5), 0.0),
    "CDNOW": ((0.243, 4.414, 0.793, 2.426), 0.0),
    "grocery": ((1.5, 4.0, 0.3, 6.0), 0.0),
    "lapsed list": ((1.0, 10.0, 0.5, 3.5), WEEKS),
}
# Gamma-Gamma spend near CDNOW's, and what a campaign costs: mean spend of an order is 35.
P, Q, V = 6.25, 3.744, 15.44
MARGIN, CONTACT, DISCOUNT, REDEEMS = 0.30, 0.15, 2.00, 0.30


@dataclass(frozen=True)
class World:
    """A population; arrays have shape (customers,).

    `covariates` are the campaign room's, by name; `effects` and `effects_at_none` the expected effects
    of +10% and of no lift on the four outcomes given the history, shape (customers, 4).
    """

    parameters: tuple[float, float, float, float]
    x: Array
    T: Array
    total: Array
    alive: Array
    covariates: dict[str, Array]
    effects: Array
    effects_at_none: Array

    @property
    def size(self) -> int:
        """Customers."""
        return self.x.size

    def truth(self, lift: float) -> Array:
        """Expected effects of each customer at a lift of 0 or 10%."""
        return self.effects if lift else self.effects_at_none


def world_of(name: str, size: int = 60_000, seed: int = 1) -> World:
    """Customers with between a quarter and a year and a quarter of history."""
    parameters, silent = WORLDS[name]
    rng = np.random.default_rng(seed)
    drawn = 3 * size if silent else size
    T = rng.uniform(13.0, 65.0, drawn)
    x, t_x, T = simulate_geometric(rng, drawn, *parameters, T, first=False)
    kept = np.flatnonzero(T - t_x >= silent)[:size]
    x, t_x, T = x[kept], t_x[kept], T[kept]
    total = rng.gamma(np.maximum(P * x, 1e-12), V / rng.gamma(Q, 1.0, x.size)) * (x > 0)
    alive = BG_NBD.probability_alive(x, t_x, T, *parameters)
    # A rate raised by a lift for w weeks is the same rate for (1 + lift)·w weeks.
    expected, lifted = (
        BG_NBD.conditional_expected_purchases(weeks, x, t_x, T, *parameters)
        for weeks in (WEEKS, WEEKS * (1.0 + LIFT))
    )
    r, alpha = parameters[:2]
    silent_at_none, silent_lifted = (
        (1.0 + weeks / (alpha + T)) ** -(r + x) for weeks in (WEEKS, WEEKS * (1.0 + LIFT))
    )
    mean_spend = P * (V + total) / (P * x + Q - 1.0)
    more = lifted - expected
    none = np.zeros(x.size)
    cost = CONTACT + DISCOUNT * REDEEMS * np.stack([expected, lifted])
    covariates = {
        "expected_purchases": expected,
        "probability_alive": alive,
        "recency": t_x,
        "frequency": x,
        "log_T": np.log(T),
        "expected_spend": expected * mean_spend,
    }
    bought = alive * (silent_at_none - silent_lifted)
    effects = [more, bought, more * mean_spend, MARGIN * more * mean_spend - cost[1]]
    return World(
        parameters,
        *(x, T, total, alive, covariates),
        np.column_stack(effects),
        np.column_stack([none, none, none, -cost[0]]),
    )


@dataclass(frozen=True)
class Latents:
    """What a customer's history does not tell, drawn given it; arrays of one shape."""

    alive: NDArray[np.bool_]
    rate: Array
    dropout: Array
    mean_spend: Array

    def windows(self, exposure: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Purchases and spend in windows that follow each other, shape (..., windows).

        `exposure` is weeks times what the rate is multiplied by, per customer and window. The count
        up to a window's end is the smaller of a Poisson one and of the purchase after which the
        customer leaves, which is geometric.
        """
        wished = np.cumsum(rng.poisson(self.rate[..., None] * exposure), axis=-1)
        last = np.where(self.alive, rng.geometric(self.dropout), 0)[..., None]
        count = np.diff(np.minimum(wished, last), axis=-1, prepend=0).astype(float)
        spend = rng.gamma(np.maximum(P * count, 1e-12), self.mean_spend[..., None] / P)
        return count, spend * (count > 0)

    def expected(self, exposure: Array) -> Array:
        """Expected purchases, share who bought, and spend: shape (..., windows, 3).

        With Λ the rate times the exposure so far, the customer is still there with probability
        exp(−pΛ), and expects (exp(−pΛ) − exp(−pΛ'))/p purchases while it grows to Λ'.
        """
        seen = self.rate[..., None] * np.cumsum(exposure, axis=-1)
        before = np.concatenate([np.zeros_like(seen[..., :1]), seen[..., :-1]], axis=-1)
        p = self.dropout[..., None]
        there = np.exp(-p * before) * self.alive[..., None]
        count = -there * np.expm1(-p * (seen - before)) / p
        bought = -there * np.expm1(before - seen)
        return np.stack([count, bought, count * self.mean_spend[..., None]], axis=-1)


def draw_latents(world: World, rows: NDArray[np.intp], rng: np.random.Generator) -> Latents:
    """What customers of these rows, in any shape, may be like given their histories."""
    (r, alpha, a, b), x = world.parameters, world.x[rows]
    return Latents(
        rng.random(rows.shape) < world.alive[rows],
        rng.gamma(r + x, 1.0 / (alpha + world.T[rows])),
        np.clip(rng.beta(a, b + x), 1e-12, 1.0),
        P * (V + world.total[rows]) / rng.gamma(Q + P * x),
    )


def four_outcomes(count: Array, spend: Array, offered: Array, rng: np.random.Generator) -> Array:
    """Purchases, bought, spend, profit: shape (..., 4). Each purchase may redeem the offer."""
    redeemed = rng.binomial(count.astype(int), REDEEMS)
    profit = MARGIN * spend - offered * (CONTACT + DISCOUNT * redeemed)
    return np.stack([count, (count > 0).astype(float), spend, profit], axis=-1)


def campaign(
    world: World,
    rows: NDArray[np.intp],
    offered: NDArray[np.bool_],
    lift: float,
    rng: np.random.Generator,
) -> Array:
    """The four outcomes of a campaign's window, shape (n, 4)."""
    exposure = WEEKS * np.where(offered, 1.0 + lift, 1.0)[:, None]
    count, spend = draw_latents(world, rows, rng).windows(exposure, rng)
    return four_outcomes(count[:, 0], spend[:, 0], offered.astype(float), rng)
