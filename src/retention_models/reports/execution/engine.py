"""A papermill engine that runs a notebook in its own process, without a kernel.

`papermill --engine retention-in-process in.ipynb out.ipynb`, or `engine_name="retention-in-process"`.
One process runs one notebook: cells share the process with whatever called papermill, so a second
notebook in the same process is refused.

It imports papermill only when it is called: papermill imports it while it is itself being imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
        """Run the cells.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
        kernel_name : str
            Not used: cells are Python of this interpreter.
        output_limit : int
            Bytes of output that are kept.
        note : callable
            Called with the parts of a record that outlives this process.
        between : callable
            Called with a cell's place when it has ended.
        ipython_folder : str, optional
            Where IPython keeps what it writes.

        Raises
        ------
        RuntimeError
            If a notebook has run in this process before.
        """
        from retention_models.reports.execution.outputs import Outputs, now
        from retention_models.reports.execution.shell import new_shell

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
