"""Customers of the Pareto/NBD, one after the other, as Schmittlein, Morrison & Colombo (1987) tell it.

Written with Python's own random numbers and none of the package's code.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainCustomer:
    """What a shop saw of a customer by T, and what it could not see."""

    frequency: int
    recency: float
    T: float
    is_alive: bool
    later: tuple[float, ...]  # times of the purchases after T, from T on


def plain_customer(
    chance: random.Random, r: float, alpha: float, s: float, beta: float, T: float, ahead: float
) -> PlainCustomer:
    """A rate and a death rate are drawn; purchases come as a Poisson process until death."""
    purchase_rate = chance.gammavariate(r, 1.0 / alpha)
    death_rate = chance.gammavariate(s, 1.0 / beta)
    death = chance.expovariate(1.0) / death_rate if death_rate > 0.0 else float("inf")
    seen, later, time = [], [], 0.0
    while purchase_rate > 0.0:
        time += chance.expovariate(purchase_rate)
        if time > min(death, T + ahead):
            break
        if time <= T:
            seen.append(time)
        else:
            later.append(time - T)
    return PlainCustomer(len(seen), seen[-1] if seen else 0.0, T, death > T, tuple(later))
