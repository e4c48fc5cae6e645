"""A papermill engine that runs a notebook in its own process, without a kernel.

`papermill --engine retention-in-process in.ipynb out.ipynb`, or `engine_name="retention-in-process"`.
One process runs one notebook: cells share the process with whatever called papermill, so a second
notebook in the same process is refused.

It imports papermill only when it is called: papermill imports it while it is itself being imported.

An IPython shell in this process whose outputs are those that a kernel would send.
"""

from __future__ import annotations

import base64
import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait, Type
from traitlets.config import Config

if TYPE_CHECKING:
    import nbformat
    from papermill.engines import NotebookExecutionManager


NAME = "retention-in-process"


class InProcessEngine:
    """Runs cells in turn in an IPython shell of this process; see `papermill.engines.Engine`."""

    _used = False

    @classmethod
    def execute_notebook(
        cls,
        nb: nbformat.NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> nbformat.NotebookNode:
        """Run a notebook; what papermill's other engines take, and `execute_managed_notebook`'s."""
        from papermill.engines import NotebookExecutionManager

        nb_man = NotebookExecutionManager(
            nb, output_path, log_output, progress_bar, autosave_cell_every
        )
        nb_man.notebook_start()
        try:
            cls.execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.cleanup_pbar()
            nb_man.notebook_complete()
        return nb_man.nb

    @classmethod
    def nb_kernel_name(cls, nb: nbformat.NotebookNode, name: str | None = None) -> str:
        """The kernel that the notebook names; not used."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: nbformat.NotebookNode, language: str | None = None) -> str:
        """The notebook's language, in which parameters are written."""
        from papermill.utils import nb_language

        return nb_language(nb, language)

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        output_limit: int = 10_000_000,
        note: Callable[..., None] = lambda **_: None,
        between: Callable[[int], None] = lambda _: None,
        ipython_folder: str | None = None,
        **_: Any,
    ) -> None:
        """Run the cells."""
        from retention_models.runs.execution.outputs import Outputs, now

        if cls._used:
            raise RuntimeError(
                f"The engine {NAME} runs one notebook in a process: start another process."
            )
        cls._used = True
        nb = nb_man.nb
        nb.metadata["language_info"] = {"name": "python", "file_extension": ".py"}
        note(event="notebook", notebook=nb)
        outputs = Outputs(nb, output_limit, note)
        shell = new_shell(outputs.take, ipython_folder)
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                outputs.cell = index
            note(event="begun", cell=index, time=now())
            nb_man.cell_start(cell, index)
            failed = _is_run(cell) and _run(shell, cell)
            between(index)
            if failed:
                nb_man.cell_exception(cell, cell_index=index)
            nb_man.cell_complete(cell, cell_index=index)
            note(event="ended", cell=index, time=now(), left_out=outputs.left_out)
            if failed:
                break


def _is_run(cell: Any) -> bool:
    """Whether nbclient would run it."""
    skipped = "skip-execution" in cell.metadata.get("tags", [])
    return cell.cell_type == "code" and bool(cell.source.strip()) and not skipped


def _run(shell: Any, cell: Any) -> bool:
    """Run a cell and say whether the notebook ends with it."""
    cell.execution_count = shell.execution_count
    result = shell.run_cell(cell.source, store_history=True)
    if result.success:
        return False
    return "raises-exception" not in cell.metadata.get("tags", [])


Take = Callable[[str, dict[str, Any]], None]


class Stream(io.TextIOBase):
    """Text written to it becomes a stream message."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, take: Take, descriptor: int) -> None:
        self.name, self._take, self._descriptor = name, take, descriptor
        self._owner = os.getpid()

    def write(self, text: str) -> int:
        """Take the text; of a process that the notebook started, through the file descriptor."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() == self._owner:
            self._take("stream", {"name": self.name, "text": text})
        else:
            os.write(self._descriptor, text.encode(errors="replace"))
        return len(text)

    def writable(self) -> bool:
        """Whether it can be written to."""
        return True

    def fileno(self) -> int:
        """Descriptor of the stream below, for what a notebook starts."""
        return self._descriptor


class _Publisher(DisplayPublisher):
    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self._validate_data(data, metadata)
        kind = "update_display_data" if update else "display_data"
        content = {"data": _as_json(data), "metadata": metadata or {}, "transient": transient or {}}
        self.shell.take(kind, content)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.take("clear_output", {"wait": wait})


class _DisplayHook(DisplayHook):
    def write_output_prompt(self) -> None:
        """Nothing: the number of the cell is part of its result."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        if format_dict:
            content = {"data": _as_json(format_dict), "metadata": md_dict or {}}
            self.shell.take("execute_result", {**content, "execution_count": self.prompt_count})

    def finish_displayhook(self) -> None:
        """Not the prompt's line break."""
        self._is_active = False


class NotebookShell(InteractiveShell):
    """Runs cells; see `new_shell`."""

    displayhook_class = Type(_DisplayHook)
    display_pub_class = Type(_Publisher)
    take: Any = AnyTrait()

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        content = {"ename": etype.__name__, "evalue": str(evalue), "traceback": list(stb)}
        self.take("error", content)

    def ask_exit(self) -> None:
        """End the notebook here: `exit` and `quit` are `sys.exit`."""
        raise SystemExit(0)

    def enable_gui(self, gui: Any = None) -> None:
        """Nothing: there is no window in a process that nobody looks at."""


def new_shell(take: Take, ipython_folder: str | None = None) -> NotebookShell:
    """The shell of this process, its streams and pictures included."""
    config = Config()
    config.HistoryManager.enabled = False  # with it comes a thread, and a data base of the user's
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autoindent = False
    if ipython_folder is not None:
        config.InteractiveShell.ipython_dir = ipython_folder
    shell = NotebookShell.instance(config=config, take=take)
    sys.stdout, sys.stderr = Stream("stdout", take, 1), Stream("stderr", take, 2)
    builtins.input = _no_input
    # After the fork: made before it, the hook that shows figures would belong to another shell.
    shell.enable_matplotlib("inline")
    return shell


def _no_input(prompt: object = "") -> str:
    raise StdinNotImplementedError(
        "input was called, but there is nobody to answer: this notebook runs by itself."
    )


def _as_json(data: dict[str, Any]) -> dict[str, Any]:
    """Representations as a notebook file holds them: bytes of pictures as base64 text."""
    return {
        kind: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for kind, value in data.items()
    }
