"""What `retention check` says: of the project file and every source it names, all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from retention_models.campaigns.data.assignments import (
    read_project_assignments,
    read_project_redemptions,
)
from retention_models.data.channels import about_channels, read_project_channels
from retention_models.data.contacts import (
    Events,
    Surveys,
    about_unknown,
    read_project_events,
    read_project_surveys,
)
from retention_models.data.quality import data_quality
from retention_models.data.quality_words import quality_sentences
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError, SettingsError
from retention_models.languages import ENGLISH
from retention_models.languages.sentences import page_sentences
from retention_models.languages.translations import progress_of
from retention_models.project.acquisition import project_channels
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings

Say = Callable[[str], object]

_CONTACTS = (read_project_surveys, read_project_events)
# Whoever was offered a campaign need never have bought.
_CAMPAIGNS = (read_project_assignments, read_project_redemptions)


def check_project(project_file: Path, say: Say, notebooks: Sequence[Path] = ()) -> None:
    """Say what a project's data hold, a sentence at a time; then refuse with all that is wrong.

    `notebooks`: those of the package, whose text is to be translated.
    """
    settings = read_settings(project_file)
    wrong = list(_missing_files(settings))
    if not wrong:
        say(f"{project_file}: no mistakes")
    _say_of_language(settings, notebooks, say)
    log = None
    try:
        log = read_project_transactions(settings)
    except (DataError, SettingsError) as error:
        wrong.append(str(error))
    else:
        _say_of_log(log, settings, say)
    for read in (*_CONTACTS, *_CAMPAIGNS):
        try:
            _say_of_others(read(settings), log if read in _CONTACTS else None, say)
        except (DataError, SettingsError) as error:
            wrong.append(str(error))
    try:
        _say_of_channels(settings, log, say)
    except (DataError, SettingsError) as error:
        wrong.append(str(error))
    if wrong:
        raise DataError("\n".join(wrong))


def _say_of_language(settings: Settings, notebooks: Sequence[Path], say: Say) -> None:
    """How much of the pages' sentences stays English."""
    if settings.language == ENGLISH:
        return
    own = settings.reports.notebook
    if own is not None and (path := Path(settings.path(own))).is_file():
        notebooks = [*notebooks, path]
    found = progress_of(settings.language, page_sentences(notebooks))
    missing = found.sentences - found.translated
    code = settings.reports.language
    if missing:
        say(
            f'language = "{code}": {missing:,} of {found.sentences:,} sentences are not translated and '
            f"stay English; `retention words {code} {code}.po` writes a file to translate them in"
        )
    else:
        say(f'language = "{code}": all {found.sentences:,} sentences are translated')


def _missing_files(settings: Settings) -> list[str]:
    notebook = settings.reports.notebook
    if notebook is None or Path(settings.path(notebook)).is_file():
        return []
    return [f"reports.notebook: no such file: {settings.path(notebook)}."]


def _say_of_log(log: Transactions, settings: Settings, say: Say) -> None:
    for sentence in quality_sentences(data_quality(log)):
        say(sentence)
    known = set(log.store_ids())
    for store_id in settings.stores.ids or ():
        if store_id not in known:
            say(f"Store {store_id!r} of the project file has no rows in the data.")


def _say_of_channels(settings: Settings, log: Transactions | None, say: Say) -> None:
    """What won customers: channels that have no cost, and costs of channels that nobody came by."""
    given, found = settings.acquisition, read_project_channels(settings)
    if found is not None:
        _say_of_others(found, None, say)
        if log is not None and (said := about_channels(log, found)):
            say(f"{found.source}: {said}")
    if given is None or not given.by_channel or log is None:
        return
    known = set(project_channels(settings, log, found).dropna())
    if lacking := sorted(name for name in given.costs if name not in known):
        there = ", ".join(sorted(known)) or "none"
        say(f"acquisition.costs: no customer came by {', '.join(lacking)}; there are: {there}")
    if given.cost is None and (free := sorted(known - set(given.costs))):
        say(f"acquisition: what it costs to win a customer is not said of {', '.join(free)}")


def _say_of_others(found: object, log: Transactions | None, say: Say) -> None:
    """Rows of a source beside the log, and its ids that the log does not know; refused if misspelt."""
    if found is None:
        return
    unusable = int(found.quality["rows"].sum())  # type: ignore[attr-defined]
    rows, source = found.rows_read, found.source  # type: ignore[attr-defined]
    say(f"{source}: {rows:,} rows, {unusable:,} unusable")
    if (
        log is not None
        and isinstance(found, Surveys | Events)
        and (said := about_unknown(log, found))
    ):
        say(f"{source}: {said}")
