"""What is worth another try: a process that died or did not start; never a cell's own error."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable

import tenacity

from retention_models.runs.execution import preload
from retention_models.runs.execution.forked import Notebook
from retention_models.runs.execution.results import ExecutionResult, Limits

Execute = Callable[[Notebook, Limits], ExecutionResult]


def execute(notebook: Notebook, limits: Limits, *, warm: bool | None = None) -> ExecutionResult:
    """Execute a notebook, again where its process died or did not start."""
    if preload.FORKED if warm is None else warm:
        from retention_models.runs.execution.supervisor import execute_once
    else:
        from retention_models.runs.execution.kernels import execute_once
    return with_tries(execute_once, notebook, limits)


def with_tries(once: Execute, notebook: Notebook, limits: Limits) -> ExecutionResult:
    """`execute` with the function that executes once."""
    begun = time.monotonic()
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda result: result.may_go_better),
        stop=tenacity.stop_after_attempt(limits.tries) | tenacity.stop_after_delay(limits.seconds),
        wait=tenacity.wait_exponential(multiplier=0.1, max=2) + tenacity.wait_random(0, 0.1),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )

    def attempt() -> ExecutionResult:
        number = retrying.statistics["attempt_number"]
        if number > 1:
            _empty(notebook)
        left = max(limits.seconds - (time.monotonic() - begun), 0.0)
        result = once(notebook, dataclasses.replace(limits, seconds=left))
        return dataclasses.replace(result, tries=number)

    found: ExecutionResult = retrying(attempt)
    return found


def _empty(notebook: Notebook) -> None:
    """Remove what the try before wrote: half of a file is not to be taken for one of this."""
    for path in notebook.folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
