"""The example in docs/campaigns.md does what the document says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retention_models.campaigns.effects.refusals import FEWEST_FOR_A_VERDICT
from retention_models.campaigns.estimators.checks import (
    FEWEST_IN_ARM_OF_MONEY,
    HOLDOUT_CUSTOMERS,
    LARGEST_DETECTABLE_LIFT,
    LARGEST_SKEWNESS,
)
from retention_models.campaigns.estimators.difference_in_differences import FEWEST_STORES

TEXT = (Path(__file__).parents[2] / "docs" / "campaigns.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_prints_what_is_said(capsys):
    """Fifteen lines, from a plan to a paragraph."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(code.splitlines()) <= 16
    exec(code, {})
    first, paragraph = capsys.readouterr().out.strip().split("\n")
    assert f"`{first}`" in TEXT
    assert "grade A" in paragraph


def test_the_floors_are_those_of_the_code():
    """Each number in the table of floors."""
    assert f"| {FEWEST_FOR_A_VERDICT} customers in each arm for a verdict |" in TEXT
    assert f"| {FEWEST_IN_ARM_OF_MONEY} in each arm for spend and profit |" in TEXT
    assert f"within ±{LARGEST_SKEWNESS} " in TEXT
    assert f"of at most {LARGEST_DETECTABLE_LIFT:.0%} |" in TEXT
    assert f"| {FEWEST_STORES} stores of either kind that begin in one week |" in TEXT
    assert f"and at least {HOLDOUT_CUSTOMERS} |" in TEXT
