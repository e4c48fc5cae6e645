"""A project file as it was when the run began that this process works for."""

from __future__ import annotations

import os
from pathlib import Path

# Environment variables of a run's notebooks: the project file, and the copy that the run took of it.
FILE, COPY = "RETENTION_MODELS_PROJECT", "RETENTION_MODELS_PROJECT_COPY"


def as_it_was(project_file: Path) -> Path:
    """Where to read a project file: in a run's notebook the run's copy, else the file itself."""
    copy = os.environ.get(COPY)
    if copy and os.environ.get(FILE) == str(project_file.resolve()) and Path(copy).is_file():
        return Path(copy)
    return project_file
