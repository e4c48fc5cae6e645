"""Small notebooks for the tests, named by what they do, and a way to have them executed."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat

from retention_models.runs.execution.pool import execute_task
from retention_models.runs.execution.results import ExecutionResult, Limits
from retention_models.runs.execution.tasks import Task
from retention_models.runs.execution.workers import Workers


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook with the parameter `store_id` and these cells of code."""
    parameters = nbformat.v4.new_code_cell('store_id = ""')
    parameters.metadata["tags"] = ["parameters"]
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nb = nbformat.v4.new_notebook(cells=[parameters, *code])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python", "language": "python"}
    nbformat.write(nb, path)
    return path


def executed(
    workers: Workers, folder: Path, *cells: str, limits: Limits | None = None, **environment: str
) -> tuple[ExecutionResult, list[nbformat.NotebookNode]]:
    """What became of a notebook of these cells, and its own cells as executed."""
    folder.mkdir(exist_ok=True)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    notebook = write_notebook(folder / "notebook.ipynb", *cells)
    task = Task("0042", notebook, {"store_id": "0042"}, work)
    given = (task, limits or Limits(), environment)
    # Where it is set, a kernel leaves alone what is written below Python.
    test = os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        result = workers.call(execute_task, *given, seconds=120)
    finally:
        if test is not None:
            os.environ["PYTEST_CURRENT_TEST"] = test
    nb = nbformat.read(work / "store_report.ipynb", as_version=4)
    # Before them: the parameters, and those that papermill put in; beside a failed one its marks.
    own = [c for c in nb.cells if c.cell_type == "code"][2:]
    return result, own


def shown(cell: nbformat.NotebookNode) -> str:
    """Text of a cell's outputs, one after the other."""
    texts = []
    for output in cell.outputs:
        data = output.get("data", {})
        texts.append(output.get("text") or data.get("text/plain") or output.get("evalue", ""))
    return "".join(texts)


def statuses(cells: list[nbformat.NotebookNode]) -> list[str]:
    """What the executed notebook says became of each cell."""
    return [cell.metadata.papermill["status"] for cell in cells]


def failing_notebook(folder: Path, code: str) -> None:
    """A notebook with the right parameters that does something wrong."""
    parameters = nbformat.v4.new_code_cell(
        'project_file = ""\nstore_id = ""\nas_of = ""\noutput_folder = ""'
    )
    parameters.metadata["tags"] = ["parameters"]
    nb = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(code)])
    nb.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(nb, folder / "mine.ipynb")


GOOD = """
import json, pathlib
none = {"value": None, "reason": "-"}
measures = dict.fromkeys(["customers", "repeat_customer_rate", "spend_per_order"], none)
forecast = dict.fromkeys(["still_customers", "purchases", "value"], none)
made = {"measures": measures, "forecast": forecast, "forecast_verdict": none}
pathlib.Path(output_folder, "metrics.json").write_text(json.dumps(made))
"""
