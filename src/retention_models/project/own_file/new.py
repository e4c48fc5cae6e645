"""Makes a project of a file: looks at it, asks what it cannot tell, writes and checks the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from retention_models.data.engines import SeveralTables
from retention_models.errors import DataError, SettingsError
from retention_models.project.check import check_project
from retention_models.project.own_file.encoding import encoding_of
from retention_models.project.own_file.look import FileSeen, look_at, one_line
from retention_models.project.own_file.options import propose_options
from retention_models.project.own_file.project_text import project_text, source_in, toml
from retention_models.project.own_file.proposal import Proposal, Question, propose_columns
from retention_models.settings.project import DEFAULT_PROJECT_FILE

Ask = Callable[[Question], str]
Say = Callable[[str], object]

_ROLES = ("customer_id", "date", "spend", "store_id", "order_id", "category")


def new_project(
    folder: Path,
    source: str,
    answers: Mapping[str, str],
    *,
    say: Say,
    ask: Ask | None = None,
    margin: float | None = None,
    discount_rate: float = 0.10,
    force: bool = False,
) -> Path:
    """Write a project file for a file of one's own, and check it; the path of the project file.

    `answers` hold what the file is not to be asked for, by key. Where something cannot be told, it is
    asked if there is somebody to `ask`; if not, or where a project file stands, a SettingsError has
    every question, with the flag that answers it, and nothing is written.
    """
    target = folder / DEFAULT_PROJECT_FILE
    if target.exists() and not force:
        raise SettingsError(f"{target}: stands there; choose another folder, or pass --force.")
    if "://" in source:
        raise SettingsError(
            f"{source}: expected a file; `retention demo DIR` shows databases' keys."
        )
    known = dict(answers)
    seen = _look(source, known, ask)
    found = _settled(seen, known, ask, say)
    _say_what_was_found(found, source, say)
    text = project_text(
        found,
        source=source_in(folder, source),
        name=known.get("name", Path(source.split("*")[0]).stem.strip("-_. ") or folder.name),
        margin=margin,
        discount_rate=discount_rate,
    )
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    say(f"Wrote {target}.")
    say("")
    _checked(target, say)
    say("")
    if margin is None:
        say("margin = 1.0 counts revenue as profit: put your own in its place.")
    say(f"Read {target} once, then: retention run {target}")
    return target


def _checked(target: Path, say: Say) -> None:
    """Run the check; what it refuses is to be mended, in the project file or in the data."""
    try:
        check_project(target, say)
    except (DataError, SettingsError) as error:
        raise type(error)(
            f"{error}\n{target} is written: mend it or the file, then: retention check {target}"
        ) from None


def _look(source: str, known: dict[str, str], ask: Ask | None) -> FileSeen:
    """Look at a file in the encoding that it is in, or was said to be in."""
    if "encoding" not in known:
        encoded = encoding_of(source)
        if len(encoded.fits) != 1:
            shown = "; ".join(
                f"{name}: {text}" for name, text in zip(encoded.fits, encoded.shown, strict=True)
            )
            text = f"How is {source} encoded? It is not UTF-8, and reads as {shown}."
            choices = tuple(str(name) for name in encoded.fits)
            question = Question("encoding", text, choices)
            if ask is None:
                raise SettingsError(_in_one_message(source, [question]))
            known["encoding"] = ask(question)
        elif encoded.fits[0] is not None:
            known["encoding"] = encoded.fits[0]
            known["encoding, why"] = encoded.why
    while True:
        places = {key: known.get(key) for key in ("table", "encoding", "sheet")}
        try:
            return look_at(source, **places)
        except SeveralTables as error:
            if not error.names:
                raise
            shown = ", ".join(map(repr, error.names))
            text = f"Which {error.key} of {source} has the sales? It has {shown}."
            question = Question(error.key, text, error.names)
            if ask is None:
                raise SettingsError(_in_one_message(source, [question])) from None
            known[error.key] = ask(question)


def _settled(seen: FileSeen, known: dict[str, str], ask: Ask | None, say: Say) -> Proposal:
    """A proposal without a question: an answer may settle others, so that they are asked in turn."""
    answered: str | None = None
    while True:
        try:
            found = propose_columns(seen, known)
            propose_options(found)
        except SettingsError as error:
            if answered is None:
                raise
            # Whoever is asked may answer again.
            say(str(error))
            del known[answered]
            answered = None
            continue
        for key in ("encoding", "sheet", "table"):
            if key in known:
                found.options[key] = known[key]
                found.why[key] = known.get(f"{key}, why", "as you said")
        if "where" in known:
            found.options["where"], found.why["where"] = known["where"], "as you said"
        if not found.questions:
            return found
        if ask is None:
            raise SettingsError(_in_one_message(seen.origin.name, found.questions))
        answered = found.questions[0].key
        known[answered] = ask(found.questions[0])


def _in_one_message(source: str, questions: list[Question]) -> str:
    many = "1 question" if len(questions) == 1 else f"{len(questions)} questions"
    head = f"{source}: {many} that the file cannot answer."
    return "\n".join([head, *(f"  - {question.words}" for question in questions)])


def _say_what_was_found(found: Proposal, source: str, say: Say) -> None:
    say(f"{source}: {found.seen.rows:,} rows, {len(found.seen.columns)} columns")
    for role in _ROLES:
        if role in found.columns:
            column = found.column(role)
            first = f" ({' · '.join(column.first)})" if column is not None else ""
            name = one_line(found.columns[role], 60)
            say(f"  {role:<12} {name}{first}: {found.why[role]}")
        elif role in found.why:
            say(f"  {role:<12} {found.why[role]}")
    for key, value in found.options.items():
        shown = one_line(toml(value), 60)
        say(f"  {key:<12} {shown}: {one_line(found.why.get(key, ''), 120)}")
    if found.currency:
        say(f"  {'currency':<12} {found.currency}: {one_line(found.why['currency'], 120)}")
