"""A project file as a process reads it: from its folder, or the copy that a run took when it began."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retention_models.errors import SettingsError
from retention_models.languages.translations import read_translation
from retention_models.settings.mistakes import Parsed, in_one_message, mistakes_of, parsed
from retention_models.settings.project import DEFAULT_PROJECT_FILE, Settings

# Environment variables of a run's notebooks: the project file, and the copy that the run took of it.
FILE, COPY = "RETENTION_MODELS_PROJECT", "RETENTION_MODELS_PROJECT_COPY"


def as_it_was(project_file: Path) -> Path:
    """Where to read a project file: in a run's notebook the run's copy, else the file itself."""
    copy = os.environ.get(COPY)
    if copy and os.environ.get(FILE) == str(project_file.resolve()) and Path(copy).is_file():
        return Path(copy)
    return project_file


def read_settings(project_file: str | Path) -> Settings:
    """Read and check a project file.

    Parameters
    ----------
    project_file : str or pathlib.Path
        Path of the TOML file. Paths inside it are relative to its folder.

    Returns
    -------
    Settings
        Frozen settings; every value has the type that the file's documentation names.

    Raises
    ------
    SettingsError
        If the file is missing, is not TOML, or holds mistakes: all of them at once, each with its
        key, what was expected, and an example.

    Examples
    --------
    >>> import tempfile
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings = rm.read_settings(rm.write_demo(folder, "cdnow"))
    >>> settings.transactions.columns.customer_id
    'customer_id'
    """
    if not isinstance(project_file, str | os.PathLike):
        raise SettingsError(
            f"project_file: expected the path of a project file; got {type(project_file).__name__}."
        )
    path = Path(project_file)
    if path.suffix.lower() in DATA_ENDINGS:
        raise SettingsError(
            f"{path}: holds data by its name, where a project file is expected, such as "
            f"{DEFAULT_PROJECT_FILE}. `retention new DIR --from {path}` looks at it and writes one."
        )
    found = _parsed_file(path)
    _require_no_nul(found.content, path)
    settings, error = None, None
    if found.whole:
        try:
            settings = Settings.model_validate(found.content)
        except ValidationError as refused:
            error = refused
    if settings is None or found.mistakes:
        lines = [
            *found.mistakes,
            *mistakes_of(error, found, Settings),
            *_in_translation(found, path),
        ]
        raise SettingsError(in_one_message(path, lines))
    settings._folder = path.resolve().parent
    # A translation that cannot be read is a mistake of the project file.
    _ = settings.language
    return settings


# What stands where a project file is asked for, and should be handed to `retention new`.
DATA_ENDINGS = frozenset(
    (
        ".csv",
        ".tsv",
        ".txt",
        ".gz",
        ".jsonl",
        ".ndjson",
        ".json",
        ".xlsx",
        ".xlsm",
        ".xls",
        ".xlsb",
        ".ods",
        ".numbers",
        ".parquet",
    )
)


def _parsed_file(path: Path) -> Parsed:
    """A project file's tables and mistakes of TOML; a file that cannot be read is refused in words."""
    try:
        # Editors of Windows begin a file with a byte order mark.
        return parsed(as_it_was(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such project file. `retention new DIR --from FILE` makes one for a file of "
            "yours, `retention demo DIR` writes a commented example."
        ) from None
    except IsADirectoryError:
        raise SettingsError(
            f"{path} is a folder; expected a project file, for example "
            f"{path / DEFAULT_PROJECT_FILE}."
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: expected UTF-8 text ({error}). Save it as UTF-8.") from None
    except RecursionError:
        raise SettingsError(
            f"{path}: not valid TOML: brackets within brackets, too many. Expected a project file as "
            "`retention demo DIR` writes one."
        ) from None
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path; an integer of more digits than Python reads.
        said = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            f"{str(path)!r}: the project file cannot be read ({said or error})."
        ) from None


def _in_translation(found: Parsed, path: Path) -> list[str]:
    """What is wrong with the translation that a project file with other mistakes names."""
    reports = found.content.get("reports")
    reports = reports if isinstance(reports, dict) else {}
    language, translation = reports.get("language"), reports.get("translation")
    if not (isinstance(language, str) and isinstance(translation, str)):
        return []
    try:
        read_translation(language, path.resolve().parent / translation)
    except SettingsError as error:
        return [f"reports.translation: {error}"]
    return []


def _require_no_nul(content: Any, path: Path) -> None:
    """No file, database or command takes a NUL, so it is refused for all of them at once."""
    places = [".".join(place) for place, text in _texts(content) if "\0" in text]
    if places:
        shown = ", ".join(repr(place)[1:-1] for place in places[:5])
        raise SettingsError(
            f"{path}: a NUL character (\\u0000) stands in the text of {shown}; expected a text "
            "without one. Type it anew."
        )


def _texts(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a parsed file, names of keys too, with the keys that lead there."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield (*place, key), key
            yield from _texts(inside, (*place, key))
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside, place)
