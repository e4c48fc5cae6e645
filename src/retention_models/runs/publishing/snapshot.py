"""Files as they were when a run began: whoever edits them meanwhile edits for the next run."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

from retention_models.errors import SettingsError
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings

log = logging.getLogger(__name__)
_TRIES = 3


@dataclass(frozen=True)
class Snapshot:
    """A file's content at one moment."""

    path: Path
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, path: Path) -> Snapshot:
        """A file as it is now."""
        return cls(path, path.read_bytes())

    @property
    def sha256(self) -> str:
        """The sha256 of the content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write a copy, under the file's own name."""
        copy = folder / self.path.name
        copy.write_bytes(self.content)
        return copy

    def tell_if_changed(self) -> None:
        """Say in the log that the file is another by now."""
        try:
            same = self.path.read_bytes() == self.content
        except OSError:
            same = False
        if not same:
            log.warning(
                "%s was changed while the run worked: its pages are of what stood there when it "
                "began, the next run's of what stands there now",
                self.path,
            )


def read_project(project_file: Path) -> tuple[Settings, Snapshot]:
    """A project file's settings, and the very content that they were read from."""
    if project_file.exists() and not project_file.is_file() and not project_file.is_dir():
        raise SettingsError(f"{project_file}: expected a file; got a pipe or a device.")
    for _ in range(_TRIES):
        settings = read_settings(project_file)
        found = Snapshot.of(project_file.resolve())
        if read_settings(project_file) == settings:  # else it was saved between the two
            break
    return settings, found
