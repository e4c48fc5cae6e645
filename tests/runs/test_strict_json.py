"""Every file of JSON that we write is valid by its standard, by a parser that takes no NaN."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

import nights
from retention_models.project.json_texts import json_text
from retention_models.runs.execution.outputs import Journal
from retention_models.runs.publishing import notices


def strict(text: str | bytes) -> object:
    """JSON as its standard has it; that of Python takes NaN and numbers without end."""
    content = json.loads(text, parse_constant=pytest.fail)
    assert "Infinity" not in json.dumps(content)
    return content


def failed_with_nan(store_id: str, folder: Path) -> object:
    """A notebook that showed NaN as data, and failed then."""
    data = {"application/json": {"x": float("nan"), "y": [float("-inf"), 1.5]}}
    shown = nbformat.v4.new_output("display_data", data)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("show()", outputs=[shown])])
    (folder / "store_report.ipynb").write_text(json.dumps(nb), encoding="utf-8")
    return replace(nights.failing(), cell=None)


def test_a_failed_notebook_is_kept_as_json(tmp_path):
    """NaN in its outputs is null, other numbers stay."""
    plan = nights.plan_for(nights.settings_in(tmp_path, ["a"]), tmp_path / "reports", ["a"])
    made = nights.run_night(plan, failed_with_nan)
    kept = strict((made.folder / "a" / "failed_report.ipynb").read_bytes())
    (shown,) = kept["cells"][0]["outputs"]
    assert {"x": None, "y": [None, 1.5]} == shown["data"]["application/json"]
    strict((made.folder / "manifest.json").read_bytes())


def test_a_journal_of_outputs_is_json(tmp_path):
    """A line of it is read by another process."""
    journal = Journal(tmp_path / "journal")
    journal.note(event="output", content={"x": float("inf"), "text": "ä\udc80"})
    journal.close()
    assert {"x": None, "text": "ä\\udc80"} == strict((tmp_path / "journal").read_bytes())["content"]


def test_what_notices_read_is_json(tmp_path):
    """On a command's stdin."""
    told = tmp_path / "told"
    given = {"failed": [{"seconds": float("nan")}], "message": "a\udcffb"}
    notices._run(("tee", str(told)), given)
    assert {"failed": [{"seconds": None}], "message": "a\\udcffb"} == strict(told.read_bytes())


def test_numbers_that_are_none_are_null_and_days_are_text():
    """In metrics.json, effect.json and the file of events alike."""
    text = json_text({"low": float("-inf"), "days": (dt.date(2026, 1, 1), 1.5)}, indent=2)
    assert {"low": None, "days": ["2026-01-01", 1.5]} == strict(text)
