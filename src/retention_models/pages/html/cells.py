"""Cells of an executed notebook made ready for its page: refusals said once, texts translated."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence

import nbformat

from retention_models.languages import ENGLISH, Language
from retention_models.languages.sentences import paragraphs

# As `notebook.or_refusal` and `notebook.say` write them.
REFUSAL, _ANSWER = '<p class="refusal">', '<p class="answer">'
_END = '<p class="refusal end">'
# A heading whose cell has this tag, and all that follows it, are a page of their own.
ABOUT = "about"

Cells = list[nbformat.NotebookNode]


def leave_out_unanswered(notebook: nbformat.NotebookNode) -> None:
    """Leave out sections that say nothing but why the first says nothing, or that the page ended.

    A section stays where it answers anything, has another reason, or holds a section that stays.
    """
    cells = [cell for cell in notebook.cells if not _is_lab_only(cell)]
    begin, *blocks = _parted(cells, "## ")
    if not blocks:
        return
    reasons = set(_shown(blocks[0]))
    reason = next(iter(reasons)) if len(reasons) == 1 else ""
    if not reason.startswith(REFUSAL):
        ended = (shown for shown in _shown(cells) if shown.startswith(_END))
        reason = next(ended, "")
    if not reason:
        return
    kept = [*begin, *blocks[0]]
    for block in blocks[1:]:
        head, *parts = _parted(block, "### ")
        staying = [part for part in parts if not _says_only(part, reason)]
        else_said = set(_shown(head)) - {reason}
        prose = not parts and not _says_only(head, reason)
        if staying or else_said or prose:
            kept += [*head, *(cell for part in staying for cell in part)]
    notebook.cells = kept


def part_about(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Take what is tagged `ABOUT` out of a notebook, as one of its own without that heading, or None.

    Its headings stand an order higher there.
    """
    places = [i for i, cell in enumerate(notebook.cells) if ABOUT in _tags(cell)]
    if not places:
        return None
    about = copy.copy(notebook)
    about.cells = notebook.cells[places[0] + 1 :]
    notebook.cells = notebook.cells[: places[0]]
    for cell in about.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^###", "##", cell.source)
    return about if any(cell.get("outputs") for cell in about.cells) else None


def _parted(cells: Sequence[nbformat.NotebookNode], mark: str) -> list[Cells]:
    """Cells before the first heading of an order, then those of each such heading."""
    parts: list[Cells] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and re.match(mark, cell.source):
            parts.append([])
        parts[-1].append(cell)
    return parts


def _is_lab_only(cell: nbformat.NotebookNode) -> bool:
    return "lab-only" in _tags(cell)


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _shown(cells: Cells) -> Iterator[str]:
    """What outputs show; of what is no HTML, only that it is there."""
    for cell in cells:
        for output in cell.get("outputs", []):
            yield str(output.get("data", {}).get("text/html", output.output_type))


def _says_only(cells: Cells, reason: str) -> bool:
    return set(_shown(cells)) == {reason}


def say_each_once(notebook: nbformat.NotebookNode, again: str) -> None:
    """Shorten a refusal that was said to the sentence `again`; under one heading, leave it out."""
    said: set[str] = set()
    here: set[str] = set()  # since the last heading
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            here = set()
        kept = []
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/html", "")
            if text.startswith(_ANSWER):
                here.add(REFUSAL + text.removeprefix(_ANSWER))
            if text.startswith(REFUSAL):
                if text in here:
                    continue
                if text in said:
                    output["data"]["text/html"] = f"{REFUSAL}{again}</p>"
                said.add(text)
                here.add(text)
            kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept


def translate_text_cells(notebook: nbformat.NotebookNode, language: Language) -> None:
    """Put headings and paragraphs of text cells into a language, where it has them."""
    if language == ENGLISH:
        return
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = "\n\n".join(
                text if mark is None else mark + language.translated_or_own(text)
                for mark, text in paragraphs(cell.source)
            )
