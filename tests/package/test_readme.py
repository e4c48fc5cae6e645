"""The README's example does what the README says."""

import re
import shutil
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import exports
from retention_models import cli
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


def _run_the_view(folder, monkeypatch):
    """The view over exports, and the project of it."""
    days = pd.date_range("2024-01-01", periods=400).strftime("%Y-%m-%d")
    (folder / "exports").mkdir()
    for month, part in enumerate(np.array_split(np.arange(400), 2)):
        rows = {"customer": part % 90, "day": days[part], "paid": 1.5 + part % 7, "status": "paid"}
        pd.DataFrame(rows).to_csv(folder / f"exports/{month}.csv", index=False)
    (sql,) = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute(sql)
    (command,) = re.findall(r"`\.venv/bin/(retention new till[^`]*)`", README)
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 0 == caught.value.code


@pytest.mark.slow
def test_the_door_for_ones_own_file_opens_as_written(tmp_path, monkeypatch):
    """The commands for a file and for a pattern of files, then the check, one after the other."""
    monkeypatch.chdir(tmp_path)
    shutil.move(exports.sap(tmp_path).source, "orders.csv")
    commands = re.findall(r"`\.venv/bin/(retention (?:new|check) shop[^`]*)`", README)
    assert ["new", "check"] == [command.split()[1] for command in commands]
    for command in commands:
        monkeypatch.setattr(sys, "argv", command.split())
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert 0 == caught.value.code
    _run_the_view(tmp_path, monkeypatch)
    (tmp_path / "sales").mkdir()
    exports.months(tmp_path / "sales")
    assert "`'sales/*.csv'`" in README
    monkeypatch.setattr(sys, "argv", ["retention", "new", "shop2", "--from", "sales/*.csv"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 0 == caught.value.code
