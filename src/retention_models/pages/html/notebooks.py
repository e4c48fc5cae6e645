"""The notebooks that pages are made by; without what a run needs, for commands that only name them."""

from __future__ import annotations

from pathlib import Path

from retention_models.errors import SettingsError
from retention_models.pages.html.kinds import CAMPAIGN, STORE, PageKind
from retention_models.settings.project import Settings

_PACKAGE = Path(__file__).resolve().parents[2]


def notebook_of(settings: Settings, kind: PageKind) -> Path:
    """The project's own notebook of its stores, or the one that comes with the package."""
    if kind == STORE and settings.reports.notebook is not None:
        path = Path(settings.path(settings.reports.notebook))
        if not path.is_file():
            raise SettingsError(f"reports.notebook: {path}: no such notebook.")
        return path
    return own_notebook(kind)


def own_notebook(kind: PageKind) -> Path:
    """The notebook of a kind of pages that comes with the package."""
    return notebook_folder() / kind.notebook


def notebook_folder() -> Path:
    """Where the notebooks lie: in a wheel in the package, in a checkout at its top level."""
    places = (_PACKAGE / "notebooks", _PACKAGE.parents[1] / "notebooks")
    return next(place for place in places if place.is_dir())


def own_notebooks() -> list[Path]:
    """The notebooks of pages that come with the package."""
    return [own_notebook(kind) for kind in (STORE, CAMPAIGN)]
