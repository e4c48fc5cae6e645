"""What is executed, and how: a notebook with its parameters, and the limits of a run's notebooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retention_models.runs.execution.results import Limits


@dataclass(frozen=True)
class Task:
    """One notebook to execute; travels to whichever process executes it."""

    id: str  # of the store, or of whatever the notebook is about
    notebook: Path
    parameters: dict[str, Any]  # by name of the notebook's parameters cell
    folder: Path  # where it works, and where the executed notebook goes
    kind: str = "store"  # what the notebook is about

    @property
    def executed(self) -> Path:
        """Where the executed notebook goes."""
        return self.folder / f"{self.kind}_report.ipynb"


@dataclass(frozen=True)
class Options:
    """How notebooks are executed."""

    jobs: int = 1  # how many at once on this machine
    warm: bool = True  # in processes forked from one that has its imports made, or else in kernels
    limits: Limits = field(default_factory=Limits)  # of each
    environment: dict[str, str] = field(default_factory=dict)  # variables that each is given
    # Notebooks whose imports a warm process has made; those that are executed where none are named.
    imports_of: tuple[Path, ...] = ()
    scheduler: str | None = None  # address of a Dask scheduler; this machine without it
