"""One notebook for one store, executed by papermill in a kernel of its own.

Runs in a process of its own: papermill changes the working directory, which is process-wide.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

CELL_TIME_LIMIT = 600  # seconds
KERNEL_LOG = "kernel.log"

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class OwnKernelManager(AsyncKernelManager):
    """A kernel of the running interpreter over a socket file.

    Kernel specs found by name may belong to another environment, and kernels over TCP collide on
    ports when several start at once.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transport = "ipc"

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        # What the kernel's own process says goes to a file, for the day it dies without a word; a
        # terminal would only see how it grumbles at an ordinary shutdown.
        with open(Path(kw.get("cwd") or ".") / KERNEL_LOG, "wb") as stream:
            await super()._async_launch_kernel(kernel_cmd, **{**kw, "stderr": stream})

    _launch_kernel = _async_launch_kernel

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's ipykernel, whatever specs are installed."""
        return KernelSpec(
            argv=[
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "-f",
                "{connection_file}",
            ],
            display_name="Python 3",
            language="python",
        )


@contextmanager
def _private_jupyter() -> Iterator[None]:
    """Short-lived runtime and IPython folders: short socket paths, no start-up files of the user."""
    folder = tempfile.mkdtemp(prefix="rm-")
    wanted = {
        "JUPYTER_RUNTIME_DIR": f"{folder}/r",
        "IPYTHONDIR": f"{folder}/i",
        **dict.fromkeys(_ONE_THREAD, "1"),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def execute(
    notebook: Path, executed: Path, parameters: dict[str, str], folder: Path
) -> nbformat.NotebookNode:
    """Execute a notebook with parameters.

    Parameters
    ----------
    notebook : Path
        The notebook, with a cell tagged ``parameters``.
    executed : Path
        Where the executed notebook is written, also when it fails.
    parameters : dict
        Name → text, each a name of the parameters cell. Text stays text: a store id such as 0042
        passes as it is.
    folder : Path
        Working directory of the kernel.

    Returns
    -------
    NotebookNode
        The executed notebook.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell raised; its number and traceback are in the error.
    nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError
        If the kernel died, or a cell took more than ten minutes.
    """
    with warnings.catch_warnings():
        # papermill 2.7 warns of its own use of entry points and of jupyter paths; not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        import papermill
    with _private_jupyter():
        return papermill.execute_notebook(
            # papermill fills {names} into paths; these are to be taken as they are.
            _literal(notebook),
            _literal(executed),
            parameters=parameters,
            cwd=str(folder),
            kernel_name="python3",
            kernel_manager_class=OwnKernelManager,
            progress_bar=False,
            request_save_on_cell_execute=False,
            execution_timeout=CELL_TIME_LIMIT,
        )


def _literal(path: Path) -> str:
    return str(path).replace("{", "{{").replace("}", "}}")
