"""Parts of an execution: what is kept of outputs, what is tried again, what an end is called."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from gettext import NullTranslations
from pathlib import Path
from types import FrameType
from typing import Any

import nbformat
import pytest

from notebooks import write_notebook
from retention_models.languages import Language, speaking
from retention_models.runs.execution.forked import BETWEEN, Notebook
from retention_models.runs.execution.limits import LINUX, descendants, end_family, memory_of
from retention_models.runs.execution.outputs import (
    NOT_KEPT,
    Journal,
    Outputs,
    StreamBelowPython,
    events_of,
    rebuilt,
)
from retention_models.runs.execution.pool import with_tries
from retention_models.runs.execution.preload import imported_by
from retention_models.runs.execution.results import (
    CellRun,
    ExecutionResult,
    Limits,
    described,
    mark_as_stopped,
    own_end,
)
from retention_models.runs.execution.workers import Workers
from retention_models.runs.publishing.files import private_folder
from retention_models.settings.reports import size

OK = ExecutionResult("ok", True, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00")
on_linux = pytest.mark.skipif(not LINUX, reason="reads /proc")


def one_cell() -> nbformat.NotebookNode:
    """A notebook of one cell of code."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])


def test_a_result_comes_back_from_its_file_as_it_was(tmp_path):
    """With its cells."""
    run = CellRun(3, "2026-01-01T00:00:00+00:00", None)
    given = dataclasses.replace(OK, status="kernel died", cells=(run,), signal=9, tries=2)
    given.write(tmp_path / "result")
    assert given == ExecutionResult.read(tmp_path / "result")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {"status": "cell failed", "cell": 4, "error": "KeyError"},
            "Cell 4 of its notebook failed",
        ),
        ({"status": "kernel died", "signal": 9}, "died by signal 9 (SIGKILL)."),
        ({"status": "kernel died", "exit_code": 3}, "died with exit code 3."),
        (
            {"status": "timed out", "text": "it took longer than 5 seconds"},
            "longer than 5 seconds.",
        ),
        (
            {"status": "timed out", "why": "too long", "amounts": {"seconds": 5.0}},
            "it took longer than 5 seconds.",
        ),
        (
            {"status": "kernel died", "why": "too large", "amounts": {"held": 2.34e9, "most": 2e9}},
            "died: it held 2.3 GB of memory, more than the 2.0 GB that it may.",
        ),
        ({"status": "kernel died", "why": "out of memory", "signal": 9}, "ran out of memory"),
        ({"status": "could not start"}, "could not be started."),
    ],
)
def test_every_end_has_its_sentence(found, sentence):
    """For the readers of a page."""
    assert sentence in dataclasses.replace(OK, **found).sentence


def test_readers_are_told_in_their_language_and_whoever_mends_it_in_english():
    """Numbers as the language writes them."""

    class German(NullTranslations):
        def gettext(self, message: str) -> str:
            return "Es belegte {held} von {most} GB." if "{held}" in message else message

    amounts = {"held": 2.34e9, "most": 2e9}
    died = dataclasses.replace(OK, status="kernel died", why="too large", amounts=amounts)
    with speaking(Language("de", "ltr", German(), (".", ","))):
        assert "Es belegte 2,3 von 2,0 GB." == died.sentence
        assert "it held 2.3 GB of memory" in died.details


def test_what_was_printed_in_pieces_is_one_output():
    """As a notebook in a browser shows it; another stream begins another."""
    nb = one_cell()
    outputs = Outputs(nb, 1000)
    for name, text in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        outputs.take("stream", {"name": name, "text": text})
    assert [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")] == [
        (o.name, o.text) for o in nb.cells[0].outputs
    ]


def test_a_display_is_updated_where_it_stands_and_cleared_when_the_next_comes():
    """By its id; `clear_output(wait=True)` waits."""
    nb = one_cell()
    outputs = Outputs(nb, 1000)

    def show(kind: str, text: str) -> None:
        data = {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": "x"}}
        outputs.take(kind, data)

    show("display_data", "old")
    show("update_display_data", "new")
    assert ["new"] == [o.data["text/plain"] for o in nb.cells[0].outputs]
    outputs.take("clear_output", {"wait": True})
    assert 1 == len(nb.cells[0].outputs)
    show("display_data", "next")
    assert ["next"] == [o.data["text/plain"] for o in nb.cells[0].outputs]


def test_output_beyond_the_limit_is_counted_and_said_once():
    """What fits of the text stays; an error is always kept."""
    nb = one_cell()
    outputs = Outputs(nb, 600)
    for _ in range(3):
        outputs.take("stream", {"name": "stdout", "text": "x" * 1000})
    outputs.take("error", {"ename": "E", "evalue": "why", "traceback": []})
    text, said, error = nb.cells[0].outputs
    assert "x" * 100 == text.text
    assert "600 bytes in all" in said.text
    assert "why" == error.evalue
    assert outputs.left_out > 3000


def test_a_journal_that_was_cut_short_gives_the_notebook_up_to_there(tmp_path):
    """Its process was killed while it wrote the last line."""
    nb, journal = one_cell(), Journal(tmp_path / "journal")
    journal.note(event="notebook", notebook=nb)
    journal.note(event="begun", cell=0, time="t")
    outputs = Outputs(nb, 1000, journal.note)
    outputs.take("stream", {"name": "stdout", "text": "seen"})
    journal.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'{"event": "output", "cell": 0, "kind": "str')
    events = events_of(tmp_path / "journal")
    assert "seen" == rebuilt(events).cells[0].outputs[0].text
    assert ["notebook", "begun", "output"] == [event["event"] for event in events]


def test_a_journal_that_never_began_gives_nothing(tmp_path):
    """The process died before it had a notebook."""
    assert [] == events_of(tmp_path / "none")
    assert rebuilt([]) is None


def test_an_output_that_no_notebook_can_hold_is_refused_where_it_is_shown():
    """Data of an output are text, or JSON where their type says so."""
    nb = one_cell()
    with pytest.raises(nbformat.ValidationError):
        Outputs(nb, 1000).take("display_data", {"data": {"text/plain": 5}, "metadata": {}})
    assert [] == nb.cells[0].outputs


def test_text_below_python_goes_to_the_cell_that_wrote_it():
    """Parted by marks, which are kept also beyond the limit."""
    below = StreamBelowPython(2000)
    text = b"one" + BETWEEN % 0 + BETWEEN % 1 + b"y" * 3000 + BETWEEN % 2 + b"end"
    for place in range(0, len(text), 7):  # a mark comes in pieces, too
        os.write(below.writing, text[place : place + 7])
        assert below.drain()
    os.close(below.writing)
    assert not below.drain()
    below.close()
    texts, rest = below.by_cell()
    assert "one" == texts[0]
    assert 1 not in texts
    assert 1997 == texts[2].count("y") - NOT_KEPT.count("y")
    assert texts[2].endswith(NOT_KEPT.format(limit=2000))
    assert (1003, "") == (below.left_out, rest)


def test_a_notebook_says_which_cell_did_not_end():
    """Those before it completed, those after it never began."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1") for _ in range(3)])
    runs = [CellRun(0, "a", "b"), CellRun(1, "c", None)]
    assert 1 == mark_as_stopped(nb, runs, described("", "", -9))
    assert ["completed", "failed", "pending"] == [c.metadata.papermill["status"] for c in nb.cells]
    assert "SIGKILL" in nb.cells[1].outputs[0].evalue
    assert nb.metadata.papermill["exception"]


def test_a_notebook_that_left_by_itself_is_not_ok():
    """Papermill takes sys.exit(0) for a success; the cells behind it never ran."""
    nb = one_cell()
    nb.cells[0].metadata["papermill"] = {"status": "failed"}
    assert "SystemExit" == own_end(nb, None)["error"]


def tried(results: list[ExecutionResult], folder: Path, **limits: float) -> ExecutionResult:
    """The result of tries that end so, one after the other."""
    left = iter(results)

    def once(_: Notebook, __: Limits) -> ExecutionResult:
        (folder / "half").write_text("of this try")
        return next(left)

    notebook = Notebook(folder / "in", folder / "out", {}, folder, {})
    return with_tries(once, notebook, Limits(**limits))


def test_a_dead_process_is_tried_again_and_the_folder_is_empty_then(tmp_path):
    """What the try before wrote is gone."""
    died = dataclasses.replace(OK, status="kernel died", signal=9)
    (tmp_path / "old").mkdir()
    found = tried([died, OK], tmp_path)
    assert ("ok", 2) == (found.status, found.tries)
    assert ["half"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "end",
    [
        {"status": "cell failed", "error": "ZeroDivisionError"},
        {"status": "timed out", "over_limit": True},
        {"status": "kernel died", "over_limit": True},
    ],
)
def test_a_cells_own_error_and_a_limit_are_not_tried_again(end, tmp_path):
    """They would come again."""
    assert 1 == tried([dataclasses.replace(OK, **end)], tmp_path).tries


def test_after_so_many_tries_the_last_result_stands(tmp_path):
    """And says how many there were."""
    died = dataclasses.replace(OK, status="could not start")
    found = tried([died] * 3, tmp_path)
    assert ("could not start", 3) == (found.status, found.tries)
    assert "It was begun 3 times" in found.details


def test_the_modules_of_a_notebook_are_read_from_its_cells(tmp_path):
    """Also beside magics and mistakes."""
    path = write_notebook(tmp_path / "n.ipynb", "import os.path, json", "from a.b import c", "%x y")
    assert ["os.path", "json", "a.b", "a.b.c"] == imported_by(path)


@pytest.mark.parametrize(("text", "expected"), [("4GB", 4 * 10**9), ("1.5 MB", 1_500_000)])
def test_sizes_are_read(text, expected):
    """Of the project file."""
    assert expected == size(text)


@on_linux
def test_a_family_of_processes_is_ended_whole():
    """The child of a child, too."""
    sleep = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until = time.monotonic() + 20
        while not (family := descendants(process.pid)) and time.monotonic() < until:
            time.sleep(0.02)
        assert memory_of(process.pid, 0) > 1_000_000
        end_family(process.pid)
        assert -9 == process.wait()
    for pid in family:
        assert not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text()


def test_the_engine_is_known_to_papermill_by_its_entry_point():
    """`papermill --engine retention-in-process`; the module can be imported first, by itself."""
    import tomllib

    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    from retention_models.runs.execution.in_process import NAME, InProcessEngine

    module, _, name = project["entry-points"]["papermill.engine"][NAME].partition(":")
    assert (InProcessEngine.__module__, InProcessEngine.__name__) == (module, name)


@contextmanager
def _working_folder() -> Iterator[None]:
    """Workers as a run has them, whose folder is made when work is sent."""
    with Workers(warm=False) as workers:
        workers._folder.mkdir(mode=0o700)
        yield


@pytest.mark.parametrize("opened", [_working_folder, lambda: private_folder("notebook-")])
def test_a_signal_at_any_line_leaves_no_temporary_folder(opened, tmp_path, monkeypatch):
    """The handler's SystemExit may come between the making of a folder and its removal's being sure."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    struck = 0
    while _struck_at_line(struck, opened):
        assert [] == list(tmp_path.iterdir()), f"at line {struck}"
        struck += 1
    assert struck > 5
    assert [] == list(tmp_path.iterdir())


def _struck_at_line(number: int, opened: Callable[[], AbstractContextManager[object]]) -> bool:
    """Whether the signal came before the block was reached: it strikes at so many lines from here."""
    left = number

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise SystemExit(143)
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        with opened():
            sys.settrace(before)
            return False
    except SystemExit:
        return True
    finally:
        sys.settrace(before)
