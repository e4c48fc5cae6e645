"""The models of purchases, told apart by what predictions need of them.

In each of them a customer that is alive at T, whatever it did before, is worth a new customer with
other parameters, which depend on x and T alone. So everything about a known customer's future is
P(alive) times what its cell (x, T) says of a new customer; only P(alive) depends on recency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retention_models.models import bg_nbd, mbg_nbd, pareto_nbd
from retention_models.models.bg_nbd_likelihood import fit_bg_nbd
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.models.mbg_nbd_likelihood import fit_mbg_nbd
from retention_models.models.pareto_nbd_likelihood import fit_pareto_nbd
from retention_models.models.simulation import (
    simulate_beta_dropout,
    simulate_exponential_dropout,
)

Array = NDArray[np.float64]
Parameters = tuple[Any, ...]


class NewCustomers(Protocol):
    """A module of functions of a new customer, whose parameters come last; see `bg_nbd`."""

    expected_purchases: Callable[..., Array]
    discounted_purchases: Callable[..., Array]
    purchase_count_probability: Callable[..., Array]


@dataclass(frozen=True, slots=True)
class CountModel:
    """A model of purchases.

    Attributes
    ----------
    label : str
        Its name on the page.
    names : tuple of str
        Its parameters.
    fit : callable
        Of x, t_x, T, counts and penalty; a `MaximumLikelihoodFit`.
    probability_alive : callable
        Of x, t_x, T and the parameters.
    new : module
        Expectation and count distribution of a new customer of this model.
    alive_as_new : callable
        Of x, T and the parameters: the parameters of the new customer that one alive is worth.
    alive : module
        Functions of that new customer.
    simulate : callable
        Of ends, the parameters of that new customer, and a random generator.
    one_scale : bool
        Whether time enters only relative to α, as where dropout comes with purchases.
    """

    label: str
    names: tuple[str, ...]
    fit: Callable[..., MaximumLikelihoodFit]
    probability_alive: Callable[..., Array]
    new: Any
    alive_as_new: Callable[..., Parameters]
    alive: NewCustomers
    simulate: Callable[..., Iterator[Array]]
    one_scale: bool


def _bg_nbd(x: Array, T: Array, r: float, alpha: float, a: float, b: float) -> Parameters:
    return r + x, alpha + T, a, b + x


def _mbg_nbd(x: Array, T: Array, r: float, alpha: float, a: float, b: float) -> Parameters:
    return r + x, alpha + T, a, b + x + 1.0


def _pareto_nbd(x: Array, T: Array, r: float, alpha: float, s: float, beta: float) -> Parameters:
    return r + x, alpha + T, s, beta + T


BG_NBD = CountModel(
    "BG/NBD",
    bg_nbd.NAMES,
    fit_bg_nbd,
    bg_nbd.probability_alive,
    bg_nbd,
    _bg_nbd,
    bg_nbd,
    simulate_beta_dropout,
    one_scale=True,
)
# After its first purchase a customer of the MBG/NBD is one of the BG/NBD with b + 1.
MBG_NBD = CountModel(
    "MBG/NBD",
    mbg_nbd.NAMES,
    fit_mbg_nbd,
    mbg_nbd.probability_alive,
    mbg_nbd,
    _mbg_nbd,
    bg_nbd,
    simulate_beta_dropout,
    one_scale=True,
)
PARETO_NBD = CountModel(
    "Pareto/NBD",
    pareto_nbd.NAMES,
    fit_pareto_nbd,
    pareto_nbd.probability_alive,
    pareto_nbd,
    _pareto_nbd,
    pareto_nbd,
    simulate_exponential_dropout,
    one_scale=False,
)
COUNT_MODELS = (BG_NBD, MBG_NBD, PARETO_NBD)
