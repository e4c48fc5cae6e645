"""The command `retention`: new, check, run, demo, words."""

from __future__ import annotations

import datetime as dt
import io
import logging
import os
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from retention_models import __version__
from retention_models.errors import DataError, LockHeld, SettingsError
from retention_models.settings.project import DEFAULT_PROJECT_FILE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ALL_DONE, SOME_FAILED, UNUSABLE, LOCKED, WARNED = 0, 1, 2, 3, 4
DEFECT = 70  # EX_SOFTWARE of sysexits.h

_project_file = click.argument(
    "project_file", default=DEFAULT_PROJECT_FILE, type=click.Path(path_type=Path)
)


class _Commands(click.Group):
    """Commands whose broken pipes are defects: click would end them with 1, which has a meaning here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        try:
            return super().invoke(ctx)
        except (
            BrokenPipeError
        ) as error:  # to a process of ours; of what is said, `_Outlet` sees to it
            raise RuntimeError("a process of this run ended before its time") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def retention() -> None:
    """Retention models and reports for shops.

    Progress and errors go to stderr, one line each. Exit codes: 0 all done; 1 some stores failed,
    their pages say why and the others are published; 2 the project file, the data or the output folder
    cannot be used; 3 another run is publishing into the same folder; 4 all done, but published with a
    warning: the data break a rule of [reports.warnings], which the pages say; 70 a defect of this
    program, which is to be reported.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("retention_models")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


@retention.command()
@_project_file
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="ID",
    help="Only this store; repeatable.",
)
@click.option("--as-of", metavar="DATE", help="Last day that counts, such as 2017-12-31.")
@click.option("--jobs", type=click.IntRange(min=1), help="Stores worked on at once.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for the pages.")
@click.option("--resume", is_flag=True, help="Continue the newest run, if it was stopped.")
@click.option("--force", is_flag=True, help="Make pages anew whose inputs are unchanged, too.")
@click.option(
    "--cold", is_flag=True, help="Run notebooks in ordinary kernels, one started for each."
)
@click.option(
    "--log",
    "json_lines",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append every event to this file, a JSON object per line.",
)
def run(
    project_file: Path,
    stores: tuple[str, ...],
    as_of: str | None,
    jobs: int | None,
    output: Path | None,
    resume: bool,
    force: bool,
    cold: bool,
    json_lines: Path | None,
) -> int:
    """Make the page of every store, and the index. Prints the index's path.

    A store whose notebook, parameters, data, code and packages are those of the page that stands is
    skipped. Where a page cannot be made, the last good one stays, under a banner that says so.
    """
    from retention_models.runs.execution.forking import imports_of_a_run

    with imports_of_a_run():
        from retention_models.runs.publishing.progress import Progress, terminal
        from retention_models.runs.run import run_project

    progress = Progress(terminal(), json_lines)
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop)
    try:
        result = run_project(
            project_file,
            stores=stores,
            as_of=as_of,
            jobs=jobs,
            output=output,
            resume=resume,
            force=force,
            cold=cold,
            tell=progress,
        )
    except RuntimeError:
        # A signal between a lock and its release makes the lock complain, in its place.
        if stop.code is None:
            raise
        sys.exit(stop.code)
    finally:
        progress.close()
    try:
        click.echo(result.index)
    except SettingsError as unsaid:  # the pages are there all the same
        logging.getLogger("retention_models").error("%s", unsaid)
    if result.failed:
        return SOME_FAILED
    return WARNED if result.warnings else ALL_DONE


@retention.command()
@_project_file
def check(project_file: Path) -> int:
    """Check the project file and the data, and print what was found.

    What the data hold, what cannot be used with the first examples, and what looks wrong: orders that
    were loaded twice, days without a sale or of unusual volume, spends far beyond the others, customers
    of before the data begin. Exit code 2 where the data cannot be used.
    """
    from retention_models.pages.html.notebooks import own_notebooks
    from retention_models.project.check import check_project

    check_project(project_file, click.echo, own_notebooks())
    return ALL_DONE


def _answers(command: Callable[..., int]) -> Callable[..., int]:
    """Options of `new` that say what the file is not to be asked for."""
    for flag, words in reversed(
        (
            ("--customer-id COLUMN", "Who bought."),
            ("--date COLUMN", "When."),
            ("--spend COLUMN", "The money paid: a column, or arithmetic over columns."),
            ("--store COLUMN", "The store, or none."),
            ("--order-id COLUMN", "The order, or none."),
            ("--category COLUMN", "The product's category, or none."),
            ("--currency CODE", "Such as EUR."),
            ("--date-format FORMAT", "Such as %d/%m/%Y, or 'unix milliseconds'."),
            ("--decimal MARK", "The mark before decimals, . or a comma."),
            ("--timezone ZONE", "Where the shop's days begin, such as Europe/Istanbul."),
            ("--keep COLUMN=VALUE,VALUE", "Values that make a row a sale, or all."),
            ("--where CONDITION", "Rows of this shop, such as \"Country = 'Germany'\"."),
            ("--encoding NAME", "Such as cp1254, where text is not UTF-8."),
            ("--sheet NAME", "Of an Excel file."),
            ("--table NAME", "Of a DuckDB file."),
            ("--name TEXT", "Of the shop, shown on the pages."),
        )
    ):
        name, metavar = flag.split(" ", 1)
        command = click.option(name, metavar=metavar, help=words)(command)
    return command


@retention.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from", "source", metavar="FILE", required=True, help="A path, or a pattern in quotes."
)
@_answers
@click.option(
    "--margin", type=click.FloatRange(0, 1, min_open=True), help="Share of spend that is profit."
)
@click.option(
    "--discount-rate", type=click.FloatRange(0, 1, max_open=True), default=0.10, show_default=True
)
@click.option("--force", is_flag=True, help="Overwrite the project file that stands there.")
def new(
    folder: Path,
    source: str,
    margin: float | None,
    discount_rate: float,
    force: bool,
    **answers: str | None,
) -> int:
    """Make a project in DIR for a FILE of your own: look at it, write a project file, check it.

    FILE is a CSV, JSON lines, Excel, Parquet or DuckDB file, or a pattern of several, such as
    'sales/*.csv'. What each column is proposed to be is said with its reason; what the file cannot say
    is asked, and never guessed: in a script give it as an option, which the message names (exit code 2).
    """
    from retention_models.project.own_file.new import new_project
    from retention_models.project.own_file.proposal import Question

    def ask(question: Question) -> str:
        click.echo(question.text)
        for place, choice in enumerate(question.choices, start=1):
            click.echo(f"  {place}  {choice}")
        answer = str(
            click.prompt("Your answer, or its number" if question.choices else "Your answer")
        )
        place = int(answer) if answer.isdecimal() and len(answer) < 3 else 0
        return question.choices[place - 1] if 1 <= place <= len(question.choices) else answer

    given = {key: value for key, value in answers.items() if value is not None}
    if "store" in given:
        given["store_id"] = given.pop("store")
    new_project(
        folder,
        source,
        given,
        say=click.echo,
        ask=ask if sys.stdin is not None and sys.stdin.isatty() else None,
        margin=margin,
        discount_rate=discount_rate,
        force=force,
    )
    return ALL_DONE


@retention.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "which",
    type=click.Choice(["grocery", "cdnow"]),
    default="grocery",
    show_default=True,
)
@click.option("--force", is_flag=True, help="Overwrite files that are in the way.")
def demo(folder: Path, which: str, force: bool) -> int:
    """Write a demonstration project to DIR: a project file and its data."""
    from retention_models.project.demonstration import write_demo

    click.echo(write_demo(folder, which, force=force))
    return ALL_DONE


@retention.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite notebooks that are in the way.")
def notebooks(folder: Path, force: bool) -> int:
    """Copy the notebooks that come with the package to DIR, to open or to change them."""
    from retention_models.pages.html.notebooks import notebook_folder

    given = sorted(notebook_folder().glob("*.ipynb"))
    standing = [folder / one.name for one in given if (folder / one.name).exists()]
    changed = [
        one for one in standing if one.read_bytes() != (notebook_folder() / one.name).read_bytes()
    ]
    if changed and not force:
        raise SettingsError(
            f"{', '.join(map(str, changed))}: stands there and is another; choose another folder, or "
            "pass --force to overwrite it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for one in given:
        shutil.copyfile(one, folder / one.name)
        click.echo(folder / one.name)
    return ALL_DONE


@retention.command()
@click.argument("language", metavar="LANGUAGE")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--notebook",
    "notebooks",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Notebook of your own whose text is to be translated too. May be repeated.",
)
def words(language: str, file: Path, notebooks: tuple[Path, ...]) -> int:
    """Write the pages' sentences to FILE (.po) for a translator, or bring FILE up to date.

    LANGUAGE is a code such as fa or pt-BR. Pages are in it where the project file says [reports]
    language and translation; a sentence that is not translated stays English.
    """
    from retention_models.languages.sentences import page_sentences
    from retention_models.languages.translations import write_translation
    from retention_models.pages.html.notebooks import own_notebooks

    found = write_translation(language, file, page_sentences([*own_notebooks(), *notebooks]))
    click.echo(f"{file}: {found.translated:,} of {found.sentences:,} sentences are translated")
    return ALL_DONE


class _Stop:
    """End as on Ctrl-C: the manifest says that the run was stopped, and no folder is left half."""

    def __init__(self) -> None:
        self.code: int | None = None

    def __call__(self, number: int, _: object) -> NoReturn:
        self.code = 128 + number
        sys.exit(self.code)


class _Outlet(io.FileIO):
    """Standard output or error whose reader may leave before the end: the work goes on unheard."""

    def write(self, text: ReadableBuffer, /) -> int:
        """Write, and wait where whoever shares the pipe made it one that does not wait."""
        try:
            while (written := super().write(text)) is None:
                select.select([], [self], [])
            return written
        except OSError as error:
            _lead_nowhere(self.fileno())
            if self.fileno() == 1 and not isinstance(error, BrokenPipeError):
                raise SettingsError(
                    f"standard output cannot be written ({error.strerror}). What was to stand there "
                    "is lost; free space, or let it go elsewhere."
                ) from None
            return memoryview(text).nbytes


def _open_outlets() -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream, encoding, errors = getattr(sys, name), "utf-8", "backslashreplace"
        if stream is None:  # closed by whoever started the command
            _lead_nowhere(number)
        elif stream is getattr(sys, f"__{name}__"):
            encoding, errors = stream.encoding, stream.errors
        else:
            continue  # somebody listens inside this process
        lines = number == 2 or (stream is not None and stream.line_buffering)
        raw = io.BufferedWriter(_Outlet(number, "wb", closefd=False))
        setattr(sys, name, io.TextIOWrapper(raw, encoding, errors, line_buffering=lines))


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def main() -> None:
    """Entry point: errors that a reader can mend become one message and exit code 2."""
    _open_outlets()
    try:
        if any("\0" in argument for argument in sys.argv):
            raise SettingsError("an argument holds a NUL character, which no name or id has.")
        code = retention(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except (SettingsError, DataError) as error:
        click.echo(f"retention: {error}", err=True)
        sys.exit(UNUSABLE)
    except LockHeld as error:
        click.echo(f"retention: {error}", err=True)
        sys.exit(LOCKED)
    except click.ClickException as error:
        error.show()
        sys.exit(UNUSABLE)
    except click.Abort:
        click.echo(f"retention: interrupted at {dt.datetime.now():%H:%M:%S}", err=True)
        sys.exit(130)
    except FileNotFoundError as error:
        if "temporary directory" not in str(error):
            raise
        click.echo(f"retention: {error}. Set TMPDIR to a folder that can be written.", err=True)
        sys.exit(UNUSABLE)
    except Exception:  # noqa: BLE001 - told from what a reader can mend by its code
        traceback.print_exc()
        click.echo(
            "retention: a defect of this program; please report what stands above.", err=True
        )
        sys.exit(DEFECT)
