"""Sliders in a notebook: what a function shows follows them in JupyterLab; a page stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.util import find_spec
from typing import Any

from IPython.display import clear_output, display
from IPython.utils.capture import capture_output

from retention_models.errors import SettingsError
from retention_models.languages import phrase
from retention_models.pages.notebook import say

Number = int | float


def sliders(show: Callable[..., object], /, **ranges: tuple[Number, Number, Number]) -> None:
    """Show what `show` says of its arguments, each with a slider: lowest, highest, first value.

    Whole numbers move by 1, others by a hundredth of the way. Without the package ipywidgets, `show` is
    called at the first values; where nobody can move a slider, as on a page, a sentence stands in its
    place.
    """
    for name, (low, high, value) in ranges.items():
        if not low <= value <= high or low == high:
            raise SettingsError(
                f"sliders: expected for {name} (lowest, highest, first value), the first within the "
                f"ends; got {(low, high, value)!r}."
            )
    if find_spec("ipywidgets") is None:
        show(**{name: value for name, (_, _, value) in ranges.items()})
        say(
            phrase(
                "With the package ipywidgets, which comes with the extra lab, sliders would stand here."
            )
        )
        return
    import ipywidgets

    moved = {name: _slider(ipywidgets, name, *ends) for name, ends in ranges.items()}
    with capture_output() as first:
        show(**{name: one.value for name, one in moved.items()})
    # An area that is written to while its cell runs must be followed by whoever runs the notebook.
    printed = [{"output_type": "stream", "name": "stdout", "text": first.stdout}]
    outputs = (*(printed if first.stdout else []), *map(_as_output, first.outputs))
    shown = ipywidgets.Output(outputs=outputs)

    def follow(_: object) -> None:
        with shown:
            clear_output(wait=True)
            show(**{name: one.value for name, one in moved.items()})

    for one in moved.values():
        one.observe(follow, names="value")
    box = ipywidgets.VBox([*moved.values(), shown])
    display(box._repr_mimebundle_() | _told(phrase("In JupyterLab sliders stand here.")), raw=True)


def _as_output(one: Any) -> dict[str, Any]:
    """What was displayed, as a notebook's output holds it."""
    return {"output_type": "display_data", "data": one.data, "metadata": one.metadata or {}}


def _slider(widgets: Any, name: str, low: Number, high: Number, value: Number) -> Any:
    """A slider that tells when it is let go, since what is shown may take a second."""
    whole = all(isinstance(one, int) for one in (low, high, value))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    terms = {"min": low, "max": high, "value": value, "continuous_update": False}
    step = {} if whole else {"step": (high - low) / 100.0}
    described = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    return kind(**terms, **step, **described)


def _told(sentence: str) -> dict[str, str]:
    said = f'<p class="answer">{escape(sentence, quote=False)}</p>'
    return {"text/html": said, "text/plain": sentence}
