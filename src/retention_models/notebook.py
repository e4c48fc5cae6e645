"""What a notebook shows: figures with their sentence, tables, and refusals in words."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Collection, Iterator

import pandas as pd
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retention_models.errors import CannotSay
from retention_models.figure_style import as_svg


def say(*sentences: str) -> None:
    """Show sentences as a paragraph; text from the data cannot become markup."""
    display(HTML(f'<p class="answer">{html.escape(" ".join(sentences), quote=False)}</p>'))


def show(figure: Axes | Figure, *sentences: str) -> None:
    """Show a figure, and under it the sentences that read its numbers back.

    The sentences are the figure's alternative text too.

    Parameters
    ----------
    figure : Axes or Figure
        What a function of `plots` returned.
    *sentences : str
        From `words`.
    """
    drawn = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    if drawn is None:
        raise ValueError("show: the axes belong to no figure any more; draw them anew.")
    alternative = " ".join(sentences)
    display(
        {"image/svg+xml": as_svg(drawn), "text/plain": alternative},
        raw=True,
        metadata={"image/svg+xml": {"alt": alternative}},
    )
    say(*sentences)


def table(frame: pd.DataFrame, caption: str, *, text: Collection[str] = ()) -> None:
    """Show a small table of text cells, with its caption; text is escaped.

    Parameters
    ----------
    frame : DataFrame
        At most 50 rows: a page is no place for more.
    caption : str
        What the table holds.
    text : collection of str
        Columns that hold words, not numbers: they are set from the line's start.
    """
    if len(frame) > 50:
        raise ValueError(f"table: expected at most 50 rows for a page; got {len(frame)}.")
    aligned = [' class="text"' if column in text else "" for column in frame.columns]
    head = f'<th scope="col">{html.escape(str(frame.index.name or ""))}</th>' + "".join(
        f'<th scope="col"{side}>{html.escape(str(column))}</th>'
        for column, side in zip(frame.columns, aligned, strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(str(label))}</th>'
        + "".join(
            f"<td{side}>{html.escape(str(value))}</td>"
            for value, side in zip(row, aligned, strict=True)
        )
        + "</tr>"
        for label, row in zip(frame.index, frame.to_numpy(), strict=True)
    )
    display(
        HTML(
            f"<table><caption>{html.escape(caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
    )


@contextlib.contextmanager
def or_say_why() -> Iterator[None]:
    """Run a block; where the data cannot carry the answer, show why in its place.

    Only `CannotSay` is taken this way: an error of any other kind is a defect and stops the run.
    """
    try:
        yield
    except CannotSay as refusal:
        display(HTML(f'<p class="refusal">{html.escape(str(refusal), quote=False)}</p>'))
