"""Project files as texts, written and read by the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention_models.errors import SettingsError
from retention_models.settings.reading import read_settings

GOOD = """
name = "Shops"
[transactions]
source = "log.csv"
[transactions.columns]
customer_id = "c"
date = "d"
spend = "s"
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
"""


def written(folder: Path, text: str) -> Path:
    """Write a project file."""
    path = folder / "retention.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    """The lines of the error that a project file gives."""
    with pytest.raises(SettingsError) as caught:
        read_settings(written(folder, text))
    return str(caught.value).split("\n")
