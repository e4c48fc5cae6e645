"""What a notebook shows: figures with their sentence, tables, and refusals in words."""

from __future__ import annotations

import contextlib
import html
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retention_models.errors import CannotSay
from retention_models.languages import spoken
from retention_models.pages.svg import as_svg

if TYPE_CHECKING:
    from retention_models.pages.store.first import Point
    from retention_models.pages.store.tables import Card

_COLUMNS_OF_A_TELEPHONE = 2  # of numbers; of words, one
_FILE = re.compile(r"(\w+/)*\w+\.\w+")  # below the page's folder, and nothing of a URL

# In JupyterLab, whose own rules set words to the right and let definitions float; a page drops it, since
# it has a style sheet.
_LAB = ".jp-RenderedHTMLCommon"
_IN_LAB = (
    f"<style>{_LAB} :is(caption, th[scope], .text) {{text-align: start}}"
    f"{_LAB} th[scope=col]:not(:first-child, .text) {{text-align: end}}"
    f"{_LAB} .figures {{display: grid; gap: .75rem; "
    "grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr))}"
    f"{_LAB} .figures > div {{border: 1px solid; border-radius: .4rem; padding: .7rem .9rem}}"
    f"{_LAB} .figures :is(dt, dd) {{float: none; width: auto; margin: 0; padding: 0}}"
    f"{_LAB} .figures .value {{font-size: 1.4em; font-weight: 600}}</style>"
)


class EndOfPage(CannotSay):
    """Nothing more is to be said: a section that says only this is left out of the page."""


def status(level: str, sentence: str) -> None:
    """Show a page's status in a line: "good", "care" or "bad", told by its words as by its colour."""
    if level not in ("good", "care", "bad"):
        raise ValueError(f'status: expected "good", "care" or "bad"; got {level!r}.')
    said = html.escape(sentence, quote=False)
    display(HTML(f'<p class="status {level}">{said}</p>'))


def points(found: Iterable[Point]) -> None:
    """Show points (`pages.store.first`), each with its line of months beside it."""
    for one in found:
        if one.line:
            display(
                {"image/svg+xml": one.line, "text/plain": one.alternative},
                raw=True,
                metadata={"image/svg+xml": {"alt": one.alternative, "class": "line"}},
            )
        title, text = (html.escape(part, quote=False) for part in (one.title, one.text))
        link = f' <a href="{html.escape(one.href)}">{html.escape(one.link)}</a>' if one.href else ""
        display(HTML(f'<p class="point"><strong>{title}</strong> {text}{link}</p>'))


def say(*sentences: str, file: str = "") -> None:
    """Show sentences as a paragraph; text from the data cannot become markup.

    A `file` beside the page that they name is a link to it.
    """
    said = html.escape(" ".join(sentences), quote=False)
    if file:
        said = said.replace(file, _linked(file))
    display(HTML(f'<p class="answer">{said}</p>'))


def show(figure: Axes | Figure | np.ndarray[Any, np.dtype[Any]], *sentences: str) -> None:
    """Show a figure of `plots`, or of your own, and the sentences that read it back.

    The sentences are its alternative text, too. The figure is closed, so that a notebook that drew it
    with pyplot or ``frame.plot`` does not show it once more without them. ``store.rows``
    holds a store's rows for figures of your own.
    """
    first = figure.flat[0] if isinstance(figure, np.ndarray) else figure  # of subplots=True
    drawn = first.get_figure(root=True) if isinstance(first, Axes) else first
    if drawn is None:
        raise ValueError("show: the axes belong to no figure any more; draw them anew.")
    alternative = " ".join(sentences)
    display(
        {"image/svg+xml": as_svg(drawn), "text/plain": alternative},
        raw=True,
        metadata={"image/svg+xml": {"alt": alternative}},
    )
    _close(drawn)
    say(*sentences)


def _close(figure: Figure) -> None:
    """Take a figure from pyplot, whose inline backend shows what is open at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:  # else nothing was drawn with it
        pyplot.close(figure)


def cards(found: Iterable[Card], caption: str) -> None:
    """Show headline figures (`store_page.tables`) as cards, captioned in the language spoken."""
    shown = "".join(
        f"<div><dt>{html.escape(card.title)}</dt>"
        f'<dd class="value">{_cell(card.value)}</dd>'
        f'<dd class="ends">{_cell(card.range)}</dd>'
        + (f'<dd class="change">{html.escape(card.change)}</dd>' if card.change else "")
        + "</div>"
        for card in found
    )
    named = html.escape(spoken().translated_or_own(caption))
    display(HTML(f'{_IN_LAB}<p class="caption">{named}</p><dl class="figures">{shown}</dl>'))


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    text: Collection[str] = (),
    files: Collection[str] = (),
    narrow: bool = False,
) -> None:
    """Show a small table of text cells, with its caption; text is escaped.

    At most 50 rows. Columns of `text` hold words and are set from the line's start; those of `files` are
    links to files beside the page. The caption and these names are said in the language spoken. A table
    of short cells stays one on a telephone where it is `narrow`.
    """
    if len(frame) > 50:
        raise ValueError(f"table: expected at most 50 rows for a page; got {len(frame)}.")
    language = spoken()
    worded = {*text, *map(language.translated, text)}
    named_files = {*files, *map(language.translated, files)}
    aligned = [' class="text"' if column in worded else "" for column in frame.columns]
    head = f'<th scope="col">{html.escape(str(frame.index.name or ""))}</th>' + "".join(
        f'<th scope="col"{side}>{html.escape(str(column))}</th>'
        for column, side in zip(frame.columns, aligned, strict=True)
    )
    # A telephone is too narrow for more columns: there each row is a card that names its cells.
    wide = len(frame.columns) > (1 if text else _COLUMNS_OF_A_TELEPHONE) and not narrow
    named = [f' data-label="{html.escape(str(one))}"' if wide else "" for one in frame.columns]
    kind = "narrow" if narrow else "stacked" if wide else ""
    opened = f'<table class="{kind}">' if kind else "<table>"
    cells = [f"<td{side}{name}>" for side, name in zip(aligned, named, strict=True)]
    rows = "".join(
        f'<tr><th scope="row">{_cell(label)}</th>'
        + "".join(
            f"{cell}{_linked(str(value)) if column in named_files else _cell(value)}</td>"
            for column, value, cell in zip(frame.columns, row, cells, strict=True)
        )
        + "</tr>"
        for label, row in zip(frame.index, frame.to_numpy(), strict=True)
    )
    display(
        HTML(
            f"{_IN_LAB}{opened}<caption>{html.escape(language.translated_or_own(caption))}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
    )


def _cell(value: object) -> str:
    return html.escape(spoken().alone(str(value)))


def _linked(file: str) -> str:
    if not _FILE.fullmatch(file):
        raise ValueError(f"table: {file!r} is no path of a file beside the page.")
    return f'<a href="{file}">{file.rpartition("/")[2]}</a>'


@contextlib.contextmanager
def or_refusal() -> Iterator[None]:
    """Run a block; where the data cannot carry the answer, show why in its place.

    Only `CannotSay` is taken this way: an error of any other kind is a defect and stops the run.
    """
    try:
        yield
    except EndOfPage as ended:
        display(HTML(f'<p class="refusal end">{html.escape(str(ended), quote=False)}</p>'))
    except CannotSay as refusal:
        display(HTML(f'<p class="refusal">{html.escape(str(refusal), quote=False)}</p>'))


or_say_why = or_refusal  # as older notebooks call it
