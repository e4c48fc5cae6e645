"""What a warm process imports before it is forked: imports only; what is used may not outlive a fork."""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from retention_models.runs.execution.limits import LINUX

# With it Arrow's allocator would start a thread when it is imported.
NO_ALLOCATOR_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

FORKED = False  # whether this process was forked from one that had made its imports
MAY_FORK = False  # whether this process is a run and no more, from which one may be forked

# What a notebook needs beside what it names: the way of running it, and what is imported only when
# it is called for.
_ALWAYS = (
    "IPython.core.application",
    "IPython.core.completer",
    "IPython.core.debugger",
    "IPython.core.interactiveshell",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.magics.execution",
    "IPython.core.oinspect",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "duckdb",
    "encodings.utf_8_sig",
    "ibis.backends.duckdb",
    "ibis.backends.duckdb.converter",
    "ibis.expr.types",
    "ibis.expr.types.groupby",
    "ibis.formats.numpy",
    "ibis.formats.pandas",
    "ibis.formats.pyarrow",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "matplotlib.style",
    "matplotlib_inline.backend_inline",
    "openpyxl",
    "openpyxl.packaging.extended",
    "pandas.io.formats.csvs",
    "papermill.execute",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "retention_models.pages.models.figures",
    "retention_models.pages.models.tables",
    "retention_models.pages.notebook",
    "retention_models.pages.store.words",
    "retention_models.project.campaign",
    "retention_models.project.campaign_outputs",
    "retention_models.project.outputs",
    "retention_models.project.open_store",
    "retention_models.runs.execution.in_process",
    "retention_models.runs.execution.pool",
    "retention_models.runs.execution.supervisor",
    "scipy.optimize",
    "scipy.special",
    "statsmodels.tsa.exponential_smoothing.ets",
)


def import_for(notebooks: Iterable[Path]) -> None:
    """Import what notebooks will: a module that cannot be imported is left for its cell to say so."""
    with for_good(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # papermill warns of what it does itself
        for name in [*_ALWAYS, *(name for path in notebooks for name in imported_by(path))]:
            # Anything may go wrong in a module that is not ours; the cell that imports it tells.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    close_libraries()


@contextlib.contextmanager
def for_good() -> Iterator[None]:
    """Imports that stay: what they make is never looked through for what may go.

    Little may, and looking takes a sixth of importing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def close_libraries() -> None:
    """Before a fork: what an import has opened is closed."""
    duckdb = sys.modules.get("duckdb")
    if duckdb is not None:
        # Importing it opens a database in memory, with threads.
        duckdb.default_connection().close()


def imported_by(notebook: Path) -> list[str]:
    """Names of the modules that a notebook's cells import, as far as they can be read."""
    import nbformat

    found: dict[str, None] = {}
    with contextlib.suppress(OSError, ValueError):  # its execution will say so
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "code":
                with contextlib.suppress(SyntaxError):  # a magic, or a mistake
                    for node in ast.walk(ast.parse(cell.source)):
                        found |= dict.fromkeys(_names(node))
    return list(found)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        # A name of a package may be a module of it.
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def why_not_forked() -> str:
    """Why this process cannot be forked safely; empty where it can."""
    if not LINUX:
        return f"processes are not forked on {sys.platform}"
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1 or threading.active_count() > 1:
        return f"an import started {threads - 1} threads, which a fork would leave behind"
    return ""


def settle_libraries() -> None:
    """After a fork, in the new process: what an import had opened there is opened anew."""
    duckdb = sys.modules.get("duckdb")
    if duckdb is not None:
        duckdb.set_default_connection(duckdb.connect())
