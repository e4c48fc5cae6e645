"""The climb by Newton's method, in coordinates without bounds."""

from __future__ import annotations

import numpy as np
import pytest

from retention_models.models.maximum_likelihood import ascend, known_and_flat


def test_coordinates_need_not_be_logs_of_anything():
    """A hill whose top has a negative coordinate, reached from a start on the other side."""
    top, curvature = np.array([-3.0, 40.0]), np.array([[2.0, 0.5], [0.5, 1.0]])

    def hill(phi):
        away = phi - top
        return -0.5 * float(away @ curvature @ away), -curvature @ away, -curvature

    end = ascend(hill, np.array([5.0, -5.0]))
    assert end.settled
    assert end.phi == pytest.approx(top)


def test_a_wall_is_not_crossed():
    """Where the value is −inf the step is halved until it stays inside."""

    def inside(phi):
        if phi[0] >= 1.0:
            return -np.inf, np.zeros(1), np.zeros((1, 1))
        return float(np.log1p(-phi[0]) + 3.0 * phi[0]), 3.0 - 1.0 / (1.0 - phi), np.array([[-0.1]])

    end = ascend(inside, np.zeros(1))
    assert end.phi[0] == pytest.approx(2.0 / 3.0, abs=1e-3)


def test_steps_are_counted_and_limited():
    """A likelihood that rises for ever does not settle in three steps."""

    def slope(phi):
        return float(phi[0]), np.ones(1), np.zeros((1, 1))

    end = ascend(slope, np.zeros(1), max_iterations=3)
    assert (3, False) == (end.steps, end.settled)


def test_flat_directions_have_no_part_in_the_covariance():
    """Information 100 along the diagonal, none across: variance 1/100 there, zero across."""
    along, across = np.array([1.0, 1.0]) / np.sqrt(2.0), np.array([1.0, -1.0]) / np.sqrt(2.0)
    covariance, flat, condition = known_and_flat(-100.0 * np.outer(along, along))
    assert covariance == pytest.approx(0.01 * np.outer(along, along))
    assert abs(flat[:, 0] @ across) == pytest.approx(1.0)
    assert condition == np.inf or condition > 1e12


def test_a_far_limit_is_reached_in_few_evaluations_though_rounding_hides_what_is_won():
    """A rate that the data put at zero falls by a factor of e with each step.

    Beside a large constant what it wins is soon below rounding, and halving it again wins no more.
    """
    asked = []

    def hill(phi):
        asked.append(phi)
        rate = np.exp(phi[0])
        noise = 3e-10 * np.sin(1e9 * phi.sum())
        value = -3e5 - 100.0 * rate - 2e5 * phi[1] ** 2 + noise
        return value, np.array([-100.0 * rate, -4e5 * phi[1]]), np.diag([-100.0 * rate, -4e5])

    end = ascend(hill, np.array([3.0, 1.0]))
    assert end.settled
    assert np.exp(end.phi[0]) * 100.0 < 1e-6
    assert len(asked) < 60
