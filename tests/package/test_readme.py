"""The README's example does what the README says."""

import re
from pathlib import Path

import pytest

from retention_models.project.demonstration import write_demo

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_example_gives_the_printed_table(tmp_path, monkeypatch):
    """Its lines run as they stand, and the rows are its first."""
    write_demo(tmp_path, "cdnow")
    monkeypatch.chdir(tmp_path)
    found = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict = {}
    exec(found.group(1), names)
    printed = re.findall(r"^\| (\d{4}) \|(.*)\|$", README, flags=re.MULTILINE)
    assert 3 == len(printed)
    for customer, cells in printed:
        expected = [float(cell) for cell in cells.split("|")]
        row = names["table"].loc[customer].to_numpy(dtype=float)
        assert expected == pytest.approx(row, abs=0.0051)
