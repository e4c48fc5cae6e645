"""Sliders of notebooks: the function behind them, with the package and without, and what a page says."""

import pytest

from retention_models.errors import SettingsError
from retention_models.pages import sliders as module
from retention_models.pages.sliders import sliders


@pytest.fixture
def shown(monkeypatch):
    """What is displayed."""
    found = []
    monkeypatch.setattr(module, "display", lambda *data, **_: found.extend(data))
    monkeypatch.setattr(module, "say", lambda *sentences: found.extend(sentences))
    return found


def test_without_the_package_the_first_values_are_shown(shown, monkeypatch):
    """And a sentence says what would stand there."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    asked = []
    sliders(lambda **given: asked.append(given), points=(1, 10, 5), share=(0.0, 1.0, 0.3))
    assert [{"points": 5, "share": 0.3}] == asked
    (said,) = shown
    assert said.startswith("With the package ipywidgets, which comes with the extra lab")


def test_the_function_follows_the_sliders(shown, monkeypatch):
    """Called at the first values and at each move; a page without JupyterLab shows a sentence."""
    widgets = pytest.importorskip("ipywidgets")
    asked, kept, box = [], [], widgets.VBox
    monkeypatch.setattr(widgets, "VBox", lambda parts: kept.extend(parts) or box(parts))
    sliders(lambda **given: asked.append(given), points=(1, 10, 5), part_given=(0.0, 1.0, 0.3))
    assert {"points": 5, "part_given": 0.3} == asked[-1]
    (bundle,) = shown
    assert "In JupyterLab sliders stand here." in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    points, part, _ = kept
    assert (1, 10, 1) == (points.min, points.max, points.step)
    assert (0.0, 1.0, 0.01) == (part.min, part.max, pytest.approx(part.step))
    assert "part given" == part.description
    points.value = 7
    assert {"points": 7, "part_given": 0.3} == asked[-1]


@pytest.mark.parametrize("ends", [(1, 10, 11), (1, 1, 1)])
def test_a_first_value_outside_its_ends_is_refused(ends):
    """With its name."""
    with pytest.raises(SettingsError, match="points"):
        sliders(lambda **_: None, points=ends)
