"""What a notebook says between its cells, in the language of the page."""

from __future__ import annotations

import nbformat

from retention_models.languages import ENGLISH, Language
from retention_models.languages.sentences import paragraphs


def translate_text_cells(notebook: nbformat.NotebookNode, language: Language) -> None:
    """Put headings and paragraphs of text cells into a language; what is not translated stays as it is.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; code cells have spoken the language themselves.
    language : Language
    """
    if language == ENGLISH:
        return
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = "\n\n".join(
                text if mark is None else mark + language.translated(text)
                for mark, text in paragraphs(cell.source)
            )
