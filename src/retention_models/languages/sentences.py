"""Every sentence that a page can say, for whoever translates: found in the code and in notebooks."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from retention_models.languages.template_words import WORDS

_PACKAGE = Path(__file__).resolve().parents[1]
_PAIRED = re.compile(r"\.one$")
# Most modules say nothing to readers, and to parse a module takes long.
_SAYS = re.compile(r"\b(phrase|marked|CannotSay|counting|plural|counted|table|cards|catalogue)\(")
# A line that is no running text: a list, a table, code, a quotation, HTML.
_KEPT_AS_IT_IS = re.compile(r"\s*([-*+>|<]|\d+\.|```|    )")


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence with named places."""

    text: str  # of one, where there is a plural
    plural: str | None  # the same of several
    place: str  # where it is said: a module or a notebook


def page_sentences(notebooks: Iterable[Path] = ()) -> list[Sentence]:
    """Sentences of the package's pages, and of what notebooks say between their cells."""
    found = [*_catalogued(), *_in_code()]
    for notebook in notebooks:
        found += [Sentence(text, None, notebook.name) for text in _in_notebook(notebook)]
    return list({(one.text, one.plural): one for one in reversed(found)}.values())[::-1]


def _catalogued() -> Iterator[Sentence]:
    place = "languages/template_words.py"
    for key, text in WORDS.items():
        if _PAIRED.search(key):
            yield Sentence(text, WORDS[_PAIRED.sub(".many", key)], place)
        elif not key.endswith(".many"):
            yield Sentence(text, None, place)


@cache
def _in_code() -> tuple[Sentence, ...]:
    """Of the package's own modules, which do not change while it runs."""
    return tuple(
        Sentence(text, plural, path.relative_to(_PACKAGE).as_posix())
        for path in sorted(_PACKAGE.rglob("*.py"))
        for text, plural in _said_in(path.read_text(encoding="utf-8"))
    )


def _said_in(code: str) -> Iterator[tuple[str, str | None]]:
    if not _SAYS.search(code):
        return
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from (one for one in _said(name, node.args) if one[0] not in WORDS)


def _said(name: str, given: list[ast.expr]) -> Iterator[tuple[str, str | None]]:
    """Sentences of a call of `phrase`, `CannotSay` and their like, or a caption of a table."""
    texts = [_text(one) for one in given]
    if name in {"phrase", "marked", "CannotSay"} and texts and texts[0] is not None:
        yield texts[0], None
    elif (
        name in {"plural", "counting"}
        and len(texts) > 1
        and texts[0] is not None
        and texts[1] is not None
    ):
        yield texts[0], texts[1]
    elif name == "counted" and len(texts) > 1 and texts[1] is not None:
        several = texts[2] if len(texts) > 2 and texts[2] is not None else f"{texts[1]}s"
        yield f"{{n}} {texts[1]}", f"{{n}} {several}"
    elif name in {"table", "cards"} and len(texts) > 1 and texts[1] is not None:
        yield texts[1], None
    elif name == "catalogue" and isinstance(given[0], ast.Dict):
        for value in map(_text, given[0].values):
            if value is not None:
                yield value, None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _in_notebook(path: Path) -> Iterator[str]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if "lab-only" in cell["metadata"].get("tags", []):
            continue
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (text for mark, text in paragraphs(source) if mark is not None)
        elif cell["cell_type"] == "code":
            yield from (text for text, _ in _said_in(source))


def paragraphs(markdown: str) -> list[tuple[str | None, str]]:
    """Headings and paragraphs of markdown, each in one line; None marks what is no running text."""
    found: list[tuple[str | None, str]] = []
    for block in re.split(r"\n\s*\n", markdown.strip("\n")):
        heading = re.fullmatch(r"(#+ +)(.+)", block.strip())
        if heading:
            found.append((heading[1], heading[2].strip()))
        elif any(_KEPT_AS_IT_IS.match(line) for line in block.splitlines()):
            found.append((None, block))
        else:
            found.append(("", " ".join(block.split())))
    return found
