"""An opened source: its table, what may go wrong when it is read, and whether it is still the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ibis.expr.types import Table

from retention_models.errors import DataError
from retention_models.sources.csv_files import in_words

# What of a file tells that it was written anew: when, and how long it is.
Stamp = tuple[int, int]


@contextmanager
def reading_from(name: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn an engine's errors into one that names the source."""
    try:
        yield
    except errors as error:
        raise DataError(f"{name}: {in_words(error)}") from None


@dataclass(frozen=True)
class Source:
    """An opened source.

    Attributes
    ----------
    name : str
        What was opened, for messages; without credentials.
    table : ibis Table
        Its rows, as they are.
    errors : tuple of exception types
        What the engine raises when it cannot answer.
    in_process : bool
        Whether DuckDB reads it in this process, where it can be copied.
    stamps : dict
        Files that are read anew by each question, and their state when they were opened.
    """

    name: str
    table: Table = field(repr=False)
    errors: tuple[type[Exception], ...]
    in_process: bool = False
    stamps: dict[str, Stamp] = field(default_factory=dict, repr=False)

    def reading(self) -> AbstractContextManager[None]:
        """Turn the engine's errors into one that names the source."""
        return reading_from(self.name, self.errors)

    def require_unchanged(self) -> None:
        """Refuse to go on with files that were replaced since they were checked."""
        for path, stamp in self.stamps.items():
            if stamp_of(path) != stamp:
                raise DataError(
                    f"{path}: the file changed while it was being worked on, so the numbers would mix "
                    "two states of it. Start again; write exports under another name and rename them."
                )


def stamp_of(path: str) -> Stamp | None:
    """A file's state, or None where it is gone."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
